/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Frosted glass: pixels are taken from near ones between two blurs. */

#include "blur.h"
#include "corruptions.h"

typedef struct
{
  double sigma;
  int shift, rounds;
} Glass;

static bool
blur (SympieCanvas *canvas, double sigma)
{
  for (int c = 0; c < 3; c++) {
    SympiePlane plane = sympie_canvas_plane (canvas, c);

    if (!sympie_gaussian (
            canvas, &plane, &plane, sigma, 4, SYMPIE_EDGE_NEAREST))
      return false;
  }
  return true;
}

/* From the last pixel to the first, each becomes one that is `shift` pixels
 * before to shift - 1 after it both ways. Those after it have changed already,
 * so no band of rows could do this on its own. (ImageNet-C's code means to swap
 * the two, but its two array views are the same memory: pixels are copied.) */
static void
shuffle (SympieCanvas *canvas, int round, int shift, float *dx, float *dy)
{
  for (int y = canvas->height - shift; y > shift; y--) {
    sympie_random_uniform (&canvas->draw, 2 * round, y, dx, canvas->width);
    sympie_random_uniform (&canvas->draw, 2 * round + 1, y, dy, canvas->width);
    for (int x = canvas->width - shift; x > shift; x--) {
      ptrdiff_t here = y * canvas->stride + x;
      ptrdiff_t there = (y + (int) (2 * shift * dy[x]) - shift) * canvas->stride
                        + x + (int) (2 * shift * dx[x]) - shift;

      for (int c = 0; c < 3; c++)
        canvas->planes[c][here] = canvas->planes[c][there];
    }
  }
}

bool
sympie_glass_blur (SympieCanvas *canvas, int severity)
{
  static const Glass constants[] = { { 0.7, 1, 2 }, { 0.9, 2, 1 }, { 1, 2, 3 },
    { 1.1, 3, 2 }, { 1.5, 4, 2 } };
  const Glass *glass = &constants[severity - 1];
  double sigma = canvas->unit * glass->sigma;
  int shift = (int) (canvas->unit * glass->shift + 0.5);
  ptrdiff_t stride;
  float *random =
      sympie_canvas_scratch (canvas, 2 * (size_t) canvas->width, &stride);

  if (!random || !blur (canvas, sigma))
    return false;
  for (int i = 0; i < glass->rounds && shift > 0; i++)
    shuffle (canvas, i, shift, random, random + canvas->width);
  return blur (canvas, sigma);
}
