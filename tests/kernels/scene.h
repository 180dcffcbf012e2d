/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A picture for tests of the corruptions: a sky, hills, discs and some grain,
 * in whole numbers alone. */

#ifndef SYMPIE_SCENE_H
#define SYMPIE_SCENE_H

#include "check.h"
#include "sympie_corrupt.h"

/* Packed RGB of width * height pixels; free() it. */
static inline uint8_t *
scene_new (int width, int height)
{
  uint8_t *pixels = malloc (3 * (size_t) width * height);
  uint64_t random = 7;

  if (!pixels)
    abort ();
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      uint8_t *pixel = pixels + 3 * ((size_t) y * width + x);
      /* In 256ths of the picture. */
      int u = 256 * x / width, v = 256 * y / height;
      int du = u % 64 - 32, dv = v % 64 - 32;
      int hill = 128 + (u - 90) * (u - 90) / 128;
      int grain = (int) (check_random (&random) % 24);

      if (du * du + dv * dv < 300) {
        pixel[0] = 200 - grain;
        pixel[1] = (u / 64 * 60 + grain) % 256;
        pixel[2] = (v / 64 * 60) % 256;
      } else if (v > hill) {
        pixel[0] = 40 + v / 4 + grain;
        pixel[1] = 70 + u / 4 + grain;
        pixel[2] = 20 + grain;
      } else {
        pixel[0] = 90 + v / 2;
        pixel[1] = 140 + v / 3;
        pixel[2] = 230 - grain / 2;
      }
    }
  return pixels;
}

static inline SympieImage
scene_image (uint8_t *pixels, int width, int height)
{
  return (SympieImage){ .struct_size = sizeof (SympieImage),
    .format = SYMPIE_FORMAT_RGB,
    .width = width,
    .height = height,
    .planes = { pixels },
    .strides = { 3 * width },
    .colorimetry = { .full_range = true } };
}

static inline SympieTarget
scene_target (uint8_t *pixels, int width)
{
  return (SympieTarget){ .struct_size = sizeof (SympieTarget),
    .planes = { pixels },
    .strides = { 3 * width } };
}

static inline SympieCorruptor *
scene_corruptor (float scale, int n_threads)
{
  SympieCorruptorConfig config = SYMPIE_CORRUPTOR_CONFIG_INIT;
  SympieCorruptor *corruptor;
  SympieError error = { 0 };

  config.scale = scale;
  config.n_threads = n_threads;
  corruptor = sympie_corruptor_new (&config, &error);
  if (!corruptor) {
    fprintf (stderr, "no corruptor: %s\n", error.message);
    abort ();
  }
  return corruptor;
}

#endif /* SYMPIE_SCENE_H */
