/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* VGG19 in strips gives what it gives for the image in one piece, at every
 * depth and at heights that end anywhere in a strip. */

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "cpu/cpu.h"
#include "cpu/vgg.h"
#include "vgg19_seed.h"

enum
{
  WIDTH = 41
};

/* The values of both images, channel by channel. */
static float *
run (SympieVgg *vgg, const float *const images[2], int height, int whole,
    int shape[3])
{
  SympieVggStrip strip = { 0 };
  float *values = NULL;
  SympieError error = { 0 };
  int n_rows, done = 0;

  if (!CHECK (sympie_vgg_prepare (vgg, WIDTH, height, 2, whole, &error),
          "height %d: %s", height, error.message))
    exit (check_end ());
  n_rows = sympie_vgg_n_rows (vgg);
  for (int s = 0; s < sympie_vgg_n_steps (vgg); s++) {
    for (int i = 0; i < 2; i++)
      for (int c = 0; c < 3; c++)
        for (int y = 0; y < n_rows && s * n_rows + y < height; y++)
          memcpy (sympie_vgg_input (vgg, i) + (c * n_rows + y) * WIDTH,
              images[i] + (c * height + s * n_rows + y) * WIDTH,
              WIDTH * sizeof (float));
    sympie_vgg_run (vgg, s, 2, &strip);
    if (!values)
      values =
          malloc (2 * sizeof (float) * strip.n_channels * height * strip.width);
    CHECK (strip.n == 0 || strip.first == done, "row %d follows row %d",
        strip.first, done);
    for (int i = 0; i < 2; i++)
      for (int c = 0; c < strip.n_channels; c++)
        for (int y = 0; y < strip.n; y++)
          for (int x = 0; x < strip.width; x++)
            values[((i * strip.n_channels + c) * height + strip.first + y)
                       * strip.width
                   + x] = strip.values[i][((c / strip.block * strip.pitch + y)
                                                  * strip.width
                                              + x)
                                              * strip.block
                                          + c % strip.block];
    done += strip.n;
  }
  shape[0] = strip.n_channels;
  shape[1] = done;
  shape[2] = strip.width;
  return values;
}

static void
check_height (SympieVgg *pieces, SympieVgg *whole, int n_convs, int height)
{
  uint64_t state = height;
  float *images[2];
  int a_shape[3], b_shape[3];
  float *a, *b;
  double distance = 0, norm = 0;

  for (int i = 0; i < 2; i++) {
    images[i] = malloc (3 * WIDTH * height * sizeof (float));
    for (int p = 0; p < 3 * WIDTH * height; p++)
      images[i][p] = check_random_float (&state, -2, 2);
  }
  a = run (
      whole, (const float *const *) images, height, WIDTH * height, a_shape);
  b = run (pieces, (const float *const *) images, height, 0, b_shape);
  if (CHECK (memcmp (a_shape, b_shape, sizeof a_shape) == 0,
          "%d layers, height %d: %d rows of %d, not %d of %d", n_convs, height,
          b_shape[1], b_shape[2], a_shape[1], a_shape[2])) {
    for (int p = 0; p < 2 * a_shape[0]; p++)
      for (int v = 0; v < a_shape[1] * a_shape[2]; v++) {
        double x = a[p * height * a_shape[2] + v];
        double d = x - b[p * height * a_shape[2] + v];

        distance += d * d;
        norm += x * x;
      }
    CHECK (norm > 0 && sqrt (distance) < 1e-5 * sqrt (norm),
        "%d layers, height %d: relative difference %g", n_convs, height,
        sqrt (distance / norm));
  }
  free (a);
  free (b);
  free (images[0]);
  free (images[1]);
}

static void
test_variant (
    const SympieVgg19Weights *weights, SympiePool *pool, unsigned disabled)
{
  static const int heights[] = { 33, 64, 95, 130 };
  static const int depths[] = { 1, 2, 3, 4, 6, 8, 10, 16 };
  unsigned flags = sympie_cpu_flags (disabled);
  SympieError error = { 0 };

  for (size_t d = 0; d < sizeof depths / sizeof *depths; d++) {
    SympieVgg19Weights part = *weights;
    SympieVgg *pieces, *whole;

    part.n_convs = depths[d];
    pieces = sympie_vgg_new (pool, flags, &part, depths[d] == 16, &error);
    whole = sympie_vgg_new (pool, flags, &part, depths[d] == 16, &error);
    for (size_t h = 0; h < sizeof heights / sizeof *heights; h++)
      if (h == 3 || depths[d] < (check_is_slow ? 4 : 16))
        check_height (pieces, whole, depths[d], heights[h]);
    sympie_vgg_free (pieces);
    sympie_vgg_free (whole);
  }
}

int
main (void)
{
  char path[] = "/tmp/sympie-vgg-XXXXXX";
  SympieError error = { 0 };
  int fd = mkstemp (path);
  SympiePool *pool = sympie_pool_new (2, &error);
  SympieVgg19Weights *weights;

  if (!CHECK (
          fd >= 0 && vgg19_seed_write (path, 1, 16), "cannot write %s", path))
    return check_end ();
  close (fd);
  weights = sympie_vgg19_weights_load (path, 16, &error);
  unlink (path);
  if (!CHECK (weights != NULL, "%s", error.message))
    return check_end ();

  test_variant (weights, pool, 0);
  test_variant (weights, pool, ~0u); /* plain C */
  sympie_vgg19_weights_free (weights);
  sympie_pool_free (pool);
  return check_end ();
}
