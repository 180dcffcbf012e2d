/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nem_file.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "check.h"
#include "sympie.h"

typedef struct
{
  uint64_t seed;
  const NemFault *fault;
  GString *header;
  GByteArray *data;
} Writer;

static void
add (Writer *writer, float low, float high, int n_dims, const int *shape,
    const char *prefix, const char *suffix)
{
  char *name = g_strdup_printf ("%s.%s", prefix, suffix);
  bool faulty = writer->fault && g_str_equal (writer->fault->tensor, name);
  const NemFault none = { 0 }, *fault = faulty ? writer->fault : &none;
  size_t n = 1, begin = writer->data->len;

  for (int i = 0; i < n_dims; i++)
    n *= shape[i];
  g_string_append_printf (writer->header,
      "%c\"%s\":{\"dtype\":\"%s\",\"shape\":[", begin ? ',' : '{',
      fault->rename ? fault->rename : name,
      fault->dtype ? fault->dtype : "F32");
  if (fault->flat)
    g_string_append_printf (writer->header, "%zu", n);
  else
    for (int i = 0; i < n_dims; i++)
      g_string_append_printf (writer->header, i ? ",%d" : "%d", shape[i]);
  g_string_append_printf (writer->header, "],\"data_offsets\":[%zu,%zu]}",
      begin, begin + n * sizeof (float));

  for (size_t i = 0; i < n; i++) {
    float value = check_random_float (&writer->seed, low, high);

    if (fault->poke && i == 5)
      value = fault->value;
    if (fault->sway)
      value = i % 2 ? -fault->value : fault->value;
    g_byte_array_append (writer->data, (const guint8 *) &value, sizeof value);
  }
  g_free (name);
}

static void
add_conv (Writer *writer, const char *prefix, int n_in, int n_out)
{
  float bound = (float) (0.8 / sqrt (9.0 * n_in) * sqrt (3.0));
  int shape[] = { n_out, n_in, 3, 3 };

  add (writer, -bound, bound, 4, shape, prefix, "weight");
  add (writer, -0.1f, 0.1f, 1, shape, prefix, "bias");
}

static void
add_norm (Writer *writer, const char *prefix, int n)
{
  add (writer, 0.5f, 1.5f, 1, &n, prefix, "weight");
  add (writer, -0.2f, 0.2f, 1, &n, prefix, "bias");
  add (writer, -0.2f, 0.2f, 1, &n, prefix, "running_mean");
  add (writer, 0.5f, 1.5f, 1, &n, prefix, "running_var");
}

void
nem_file_write (const char *path, uint64_t seed, const NemFault *fault)
{
  Writer writer = { .seed = seed, .fault = fault };
  const int head[] = { SYMPIE_N_PARAMS, 512 }, gate[] = { 1, 512 };
  uint64_t size;
  FILE *file;

  writer.header = g_string_new (NULL);
  writer.data = g_byte_array_new ();
  add_conv (&writer, "colm.backbone.0", 3, 64);
  add_norm (&writer, "colm.backbone.1", 64);
  for (int i = 0; i < 3; i++) {
    int n = 128 << i;
    char name[32];

#define NAME(part)                                                             \
  (snprintf (name, sizeof name, "colm.backbone.%d." part, i + 3), name)
    add_conv (&writer, NAME ("conv1"), n / 2, n);
    add_norm (&writer, NAME ("bn1"), n);
    add_conv (&writer, NAME ("conv2"), n, n);
    add_norm (&writer, NAME ("bn2"), n);
#undef NAME
  }
  add (&writer, -0.05f, 0.05f, 2, head, "colm.out", "weight");
  add (&writer, -0.1f, 0.1f, 1, head, "colm.out", "bias");
  if (seed != 1) {
    add (&writer, -0.01f, 0.01f, 2, gate, "gate", "weight");
    add (&writer, 0.2f, 0.8f, 1, gate, "gate", "bias");
  }
  g_string_append_c (writer.header, '}');

  size = writer.header->len;
  file = fopen (path, "wb");
  g_assert (file);
  g_assert (fwrite (&size, sizeof size, 1, file) == 1);
  g_assert (fwrite (writer.header->str, size, 1, file) == 1);
  g_assert (fwrite (writer.data->data, writer.data->len, 1, file) == 1);
  g_assert (fclose (file) == 0);
  g_string_free (writer.header, TRUE);
  g_byte_array_free (writer.data, TRUE);
}

/* ---- Temporary files --------------------------------------------------- */

static char folder[64];

const char *
temporary_path (const char *name)
{
  static char path[128];

  if (!folder[0]) {
    strcpy (folder, "/tmp/sympie-test-XXXXXX");
    g_assert (g_mkdtemp (folder));
  }
  snprintf (path, sizeof path, "%s/%s", folder, name);
  return path;
}

const char *
temporary_write (const char *name, const void *bytes, size_t size)
{
  const char *path = temporary_path (name);
  FILE *file = fopen (path, "wb");

  g_assert (file);
  g_assert (size == 0 || fwrite (bytes, size, 1, file) == 1);
  g_assert (fclose (file) == 0);
  return path;
}

void
temporary_clear (void)
{
  GDir *dir = folder[0] ? g_dir_open (folder, 0, NULL) : NULL;
  const char *name;

  while (dir && (name = g_dir_read_name (dir)))
    g_remove (temporary_path (name));
  if (dir) {
    g_dir_close (dir);
    g_rmdir (folder);
  }
  folder[0] = '\0';
}
