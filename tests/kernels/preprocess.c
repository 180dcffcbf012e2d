/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Preprocessing against its definition, in double precision and one pixel at a
 * time, for every format, instruction set, and odd sizes. */

#include "cpu/preprocess.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "colour.h"
#include "cpu/cpu.h"
#include "frame.h"
#include "standard.h"

static const int sizes[][2] = { { 640, 480 }, { 385, 289 }, { 223, 225 },
  { 232, 232 }, { 1, 1 }, { 3, 7 }, { 1, 300 }, { 2000, 9 }, { 5, 4 } };

static const SympieColorimetry colorimetries[] = {
  { 0.2126f, 0.0722f, false, SYMPIE_CHROMA_LEFT },
  { 0.299f, 0.114f, true, SYMPIE_CHROMA_CENTRE },
  { 0.2627f, 0.0593f, false, SYMPIE_CHROMA_LEFT | SYMPIE_CHROMA_TOP },
  { 0.2126f, 0.0722f, true, SYMPIE_CHROMA_TOP },
};

/* ---- Definition -------------------------------------------------------- */

/* The weight of pixel `x` in output `index` of a resized axis. */
static double
weight (int x, int size, int64_t resized, int64_t index)
{
  double scale = (double) size / resized;

  if (resized <= size) {
    double left = fmax (x, index * scale);
    double right = fmin (x + 1, (index + 1) * scale);

    return fmax (right - left, 0) / scale;
  } else {
    double at = fmin (fmax ((index + 0.5) * scale - 0.5, 0), size - 1);

    return fmax (1 - fabs (x - at), 0);
  }
}

/* The code of a component at a pixel, chroma up-sampled. */
static double
code_at (const Frame *frame, int c, int x, int y)
{
  const SympieImage *image = &frame->image;
  const SympieComponent *component =
      &sympie_format_info (image->format)->component[c];
  unsigned site = image->colorimetry.chroma_site;
  int w = sympie_component_width (component, image->width);
  int h = sympie_component_height (component, image->height);
  double u = x, v = y;
  int i, j, i1, j1;

  if (!component->bits)
    return 0;
  if (!(site & SYMPIE_CHROMA_LEFT))
    u -= ((1 << component->sub_x) - 1) / 2.;
  if (component->sub_y == 2 || !(site & SYMPIE_CHROMA_TOP))
    v -= ((1 << component->sub_y) - 1) / 2.;
  u /= 1 << component->sub_x;
  v /= 1 << component->sub_y;
  u = fmin (fmax (u, 0), w - 1);
  v = fmin (fmax (v, 0), h - 1);
  i = (int) u;
  j = (int) v;
  i1 = i + 1 < w ? i + 1 : i;
  j1 = j + 1 < h ? j + 1 : j;
  u -= i;
  v -= j;
  return (1 - v)
             * ((1 - u) * frame_code (frame, c, i, j)
                 + u * frame_code (frame, c, i1, j))
         + v
               * ((1 - u) * frame_code (frame, c, i, j1)
                   + u * frame_code (frame, c, i1, j1));
}

static void
define_pixel (const Frame *frame, int column, int row, double rgb[3])
{
  const SympieImage *image = &frame->image;
  int w = image->width, h = image->height, smaller = w < h ? w : h;
  int64_t rw = (int64_t) w * 232 / smaller, rh = (int64_t) h * 232 / smaller;
  int64_t i = (rw - 224) / 2 + column, j = (rh - 224) / 2 + row;
  int left = (int) fmax (floor ((double) i * w / rw) - 2, 0);
  int right = (int) fmin (ceil ((i + 1.0) * w / rw) + 2, w);
  int top = (int) fmax (floor ((double) j * h / rh) - 2, 0);
  int bottom = (int) fmin (ceil ((j + 1.0) * h / rh) + 2, h);
  double code[3] = { 0, 0, 0 };
  SympieColour colour;

  for (int y = top; y < bottom; y++)
    for (int x = left; x < right; x++) {
      double k = weight (x, w, rw, i) * weight (y, h, rh, j);

      for (int c = 0; k > 0 && c < 3; c++)
        code[c] += k * code_at (frame, c, x, y);
    }

  sympie_colour_init (
      &colour, sympie_format_info (image->format), &image->colorimetry);
  for (int c = 0; c < 3; c++) {
    rgb[c] = 0;
    for (int d = 0; d < 3; d++)
      rgb[c] += colour.to_rgb[c][d] * (code[d] - colour.offset[d]);
    rgb[c] = (fmin (fmax (rgb[c], 0), 1) - sympie_mean[c]) / sympie_std[c];
  }
}

/* The conversion that the definition takes for granted. In limited range at 8
 * bits red has the largest V and blue the largest U there is, 240; white is 235
 * of luma. The way back is the inverse. */
static void
test_colour (void)
{
  for (int i = 0; i < 4; i++) {
    const SympieColorimetry *given = &colorimetries[i];
    double top = given->full_range ? 255 : 235;
    double chroma = given->full_range ? 255 : 240;
    SympieColour colour;
    double white = 0;

    sympie_colour_init (
        &colour, sympie_format_info (SYMPIE_FORMAT_I420), given);
    white = colour.offset[0];
    for (int c = 0; c < 3; c++)
      white += colour.from_rgb[0][c];
    CHECK (fabs (white - top) < 1e-3, "colorimetry %d: white is %g", i, white);
    CHECK (
        fabs (colour.offset[2] + colour.from_rgb[2][0] - chroma) <= 0.5
            && fabs (colour.offset[1] + colour.from_rgb[1][2] - chroma) <= 0.5,
        "colorimetry %d: V of red %g, U of blue %g, not %g", i,
        colour.offset[2] + colour.from_rgb[2][0],
        colour.offset[1] + colour.from_rgb[1][2], chroma);
    for (int a = 0; a < 3; a++)
      for (int b = 0; b < 3; b++) {
        double product = 0;

        for (int c = 0; c < 3; c++)
          product += (double) colour.to_rgb[a][c] * colour.from_rgb[c][b];
        CHECK (fabs (product - (a == b)) < 1e-5,
            "colorimetry %d: there and back is %g at %d, %d", i, product, a, b);
      }
  }
}

/* ---- Comparison -------------------------------------------------------- */

static bool
border_is_zero (const SympieCrop *crop)
{
  for (int c = 0; c < 3; c++)
    for (int i = 0; i < SYMPIE_CROP_HEIGHT; i++)
      if (crop->rgb[c][0][i] != 0
          || crop->rgb[c][SYMPIE_CROP_HEIGHT - 1][i] != 0
          || crop->rgb[c][i][0] != 0
          || crop->rgb[c][i][SYMPIE_CROP_HEIGHT - 1] != 0)
        return false;
  return true;
}

/* On a grid of pixels that has the corners in it. */
static void
test_frame (SympiePreprocess *preprocess, unsigned flags, SympieFormat format,
    int width, int height, const SympieColorimetry *colorimetry, int padding,
    uint64_t *seed)
{
  static SympieCrop crop;
  Frame frame = frame_new (format, width, height, padding, colorimetry, seed);
  double worst = 0;
  int worst_x = 0, worst_y = 0;
  SympieError error = { 0 };

  memset (&crop, 0, sizeof crop);
  if (CHECK (sympie_preprocess_run (preprocess, &frame.image, &crop, &error),
          "%s", error.message)) {
    for (int row = 0; row < 224; row += row < 2 ? 1 : row < 214 ? 13 : 3)
      for (int column = 0; column < 224; column += column < 214 ? 7 : 3) {
        double rgb[3];

        define_pixel (&frame, column, row, rgb);
        for (int c = 0; c < 3; c++) {
          double difference = fabs (crop.rgb[c][row + 1][column + 1] - rgb[c]);

          if (!(difference <= worst) && !isnan (worst)) {
            worst = difference;
            worst_x = column;
            worst_y = row;
          }
        }
      }
    CHECK (worst < 1e-4,
        "%s %dx%d, full range %d, site %u, cpu flags %u: off by %g at %d, %d",
        sympie_format_info (format)->name, width, height,
        colorimetry->full_range, colorimetry->chroma_site, flags, worst,
        worst_x, worst_y);
    CHECK (border_is_zero (&crop), "%s %dx%d: border written",
        sympie_format_info (format)->name, width, height);
  }
  frame_clear (&frame);
}

/* Frames of one size after each other, of which each differs from the one
 * before in its format or in where its chroma lies. */
static void
test_same_size (SympiePreprocess *preprocess, unsigned flags, uint64_t *seed)
{
  for (int format = 0; format < SYMPIE_N_FORMATS; format++)
    for (int i = 0; i < 4; i++)
      test_frame (
          preprocess, flags, format, 250, 240, &colorimetries[i], 0, seed);
}

int
main (void)
{
  static const unsigned disabled[] = { ~0u, SYMPIE_CPU_AVX512, 0 };
  uint64_t seed = 9;
  SympieError error = { 0 };

  test_colour ();
  for (int m = 0; m < 3; m++) {
    unsigned flags = sympie_cpu_flags (disabled[m]);
    SympiePool *pool = sympie_pool_new (m + 1, &error);
    SympiePreprocess *preprocess;
    int n = 0;

    if (!CHECK (pool, "%s", error.message))
      break;
    preprocess =
        sympie_preprocess_new (pool, flags, SYMPIE_INPUT_CROP224, &error);
    if (CHECK (preprocess, "%s", error.message))
      for (int format = 0; format < SYMPIE_N_FORMATS; format++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++, n++)
          test_frame (preprocess, flags, format, sizes[s][0], sizes[s][1],
              &colorimetries[(n + format) % 4], n % 3 * 7, &seed);
    if (preprocess && m == 2)
      test_same_size (preprocess, flags, &seed);
    sympie_preprocess_free (preprocess);
    sympie_pool_free (pool);
  }
  return check_end ();
}
