/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The reader of safetensors files, and those of the weights in them, on
 * arbitrary bytes: whatever they are, they give tensors or one message, and
 * neither crash nor leak. For libFuzzer, and, linked with replay.c, for files
 * made by hand. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nem_weights.h"
#include "safetensors.h"
#include "vgg19.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int fuzz_tensors; /* read so far, for replay.c */

static void
stop (const char *why)
{
  fprintf (stderr, "%s\n", why);
  abort ();
}

/* Asks for a tensor of each small shape; the corpus and the dictionary call
 * tensors "a" and "b". */
static void
read_tensors (SympieSafetensors *file)
{
  static const char *const names[] = { "a", "b", "" };
  static const int64_t shapes[][2] = { { 0, 0 }, { 1, 1 }, { 2, 3 }, { 4, 2 } };

  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
      for (int n_dims = 0; n_dims <= 2; n_dims++) {
        SympieError error = { 0 };
        bool fits =
            sympie_safetensors_check (file, names[i], shapes[s], n_dims, NULL);
        float *values =
            sympie_safetensors_read (file, names[i], shapes[s], n_dims, &error);

        if (!values == !error.code)
          stop ("a tensor and a message, or neither");
        if (values && (!fits || !sympie_safetensors_has (file, names[i])))
          stop ("a tensor that the header does not have");
        fuzz_tensors += values != NULL;
        free (values);
      }
}

/* Files as small as these hold no network. */
static void
load_weights (const char *path)
{
  SympieError error = { 0 };

  if (sympie_nem_weights_load (path, &error) || !error.code
      || !strstr (error.message, path))
    stop ("weights of NEM, or no message with the file's name");
  error = (SympieError){ 0 };
  if (sympie_vgg19_weights_load (path, SYMPIE_VGG19_N_CONVS, &error)
      || !error.code || !strstr (error.message, path))
    stop ("weights of VGG19, or no message with the file's name");
}

/* The lowest descriptor that is free. */
static int
free_descriptor (int fd)
{
  int copy = dup (fd);

  close (copy);
  return copy;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static int fd = -1;
  static char path[64];
  SympieSafetensors *file;
  SympieError error = { 0 };
  int descriptor;

  if (fd < 0) {
    fd = memfd_create ("safetensors", 0);
    snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  }
  if (ftruncate (fd, 0) != 0 || pwrite (fd, data, size, 0) != (ssize_t) size)
    stop ("no memory for the file");

  descriptor = free_descriptor (fd);
  file = sympie_safetensors_open (path, &error);
  if (!file == !error.code)
    stop ("a file and a message, or neither");
  if (file)
    read_tensors (file);
  else if (!strstr (error.message, path))
    stop ("a message without the file's name");
  sympie_safetensors_close (file);
  load_weights (path);
  if (free_descriptor (fd) != descriptor)
    stop ("a file that was not closed");
  return 0;
}
