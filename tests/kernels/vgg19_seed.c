/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "vgg19_seed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "vgg19.h"

enum
{
  HEADER = 8192, /* bytes, spaces at its end */
};

static const float bias_scale = 0x1p-4f;

static float
weight_scale (int n_in)
{
  return ldexpf (1, (int) lround (log2 (sqrt (2.0 / (3.0 * n_in)))));
}

static bool
write_values (FILE *file, uint64_t seed, size_t n, float scale)
{
  enum
  {
    CHUNK = 4096
  };
  uint64_t state = seed;

  for (size_t done = 0; done < n;) {
    _Float16 values[CHUNK];
    size_t count = n - done < CHUNK ? n - done : CHUNK;

    for (size_t i = 0; i < count; i++) {
      int k = (int) (check_random (&state) >> 53);

      values[i] = (_Float16) (scale * (float) (2 * k + 1 - 2048) / 2048);
    }
    if (fwrite (values, sizeof *values, count, file) != count)
      return false;
    done += count;
  }
  return true;
}

bool
vgg19_seed_write (const char *path, uint64_t seed, int n_convs)
{
  FILE *file = fopen (path, "wb");
  char header[8 + HEADER + 1];
  uint64_t size = HEADER;
  size_t used = 8, end = 0;
  bool ok;

  if (!file)
    return false;
  for (int i = 0; i < 8; i++)
    header[i] = (char) (size >> (8 * i));
  for (int l = 0; l < SYMPIE_VGG19_N_CONVS; l++) {
    const SympieVgg19Layer *layer = &sympie_vgg19_layers[l];
    size_t begin = end,
           middle = begin + (size_t) layer->n_out * layer->n_in * 18;

    end = middle + (size_t) layer->n_out * 2;
    used += snprintf (header + used, sizeof header - used,
        "%c\"features.%d.weight\":{\"dtype\":\"F16\",\"shape\":[%d,%d,3,3],"
        "\"data_offsets\":[%zu,%zu]},"
        "\"features.%d.bias\":{\"dtype\":\"F16\",\"shape\":[%d],"
        "\"data_offsets\":[%zu,%zu]}",
        l ? ',' : '{', layer->index, layer->n_out, layer->n_in, begin, middle,
        layer->index, layer->n_out, middle, end);
  }
  used += snprintf (header + used, sizeof header - used, "}%*s",
      (int) (8 + HEADER - 1 - used), "");
  ok = fwrite (header, 1, 8 + HEADER, file) == 8 + HEADER;

  for (int l = 0; ok && l < n_convs; l++) {
    const SympieVgg19Layer *layer = &sympie_vgg19_layers[l];
    uint64_t index = 2 * (uint64_t) l;

    ok =
        write_values (file, seed + (index << 32),
            (size_t) layer->n_out * layer->n_in * 9, weight_scale (layer->n_in))
        && write_values (
            file, seed + ((index + 1) << 32), layer->n_out, bias_scale);
  }
  ok = ok && fflush (file) == 0
       && ftruncate (fileno (file), (off_t) (8 + HEADER + end)) == 0;
  return fclose (file) == 0 && ok;
}
