/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Canny's outlines and chamfer distances, as far as drops need them: a drop
 * ends in a step that is steep everywhere, so there is no use for a second,
 * lower threshold. */

#include "rim.h"
#include <string.h>

#include "variants.h"

enum
{
  STEEP = 150, /* |dx| + |dy| of Sobel's filters */
  PAD = 2      /* samples around the distances, which are all `limit` */
};

typedef struct
{
  SympiePlane levels, steepness;
  float *scratch; /* for each thread: three padded rows */
  ptrdiff_t scratch_stride;
  unsigned cpu_flags;
} Slope;

SYMPIE_VARIANTS (steepness_row,
    (const float *above, const float *here, const float *below,
        float *restrict out, int n),
    (above, here, below, out, n))
{
  for (int x = 0; x < n; x++) {
    float dx = above[x + 2] - above[x] + 2 * (here[x + 2] - here[x])
               + below[x + 2] - below[x];
    float dy = below[x] - above[x] + 2 * (below[x + 1] - above[x + 1])
               + below[x + 2] - above[x + 2];

    out[x] = (dx < 0 ? -dx : dx) + (dy < 0 ? -dy : dy);
  }
}

static void
steepness_rows (void *data, int first, int end, int thread)
{
  const Slope *slope = data;
  int width = slope->levels.width, height = slope->levels.height;
  float *rows = slope->scratch + thread * slope->scratch_stride;

  for (int y = first; y < end; y++) {
    for (int i = 0; i < 3; i++)
      sympie_pad_row (&slope->levels,
          sympie_edge (SYMPIE_EDGE_NEAREST, y + i - 1, height),
          SYMPIE_EDGE_NEAREST, 1, rows + i * (width + 2));
    SYMPIE_CALL (slope->cpu_flags, steepness_row, rows, rows + width + 2,
        rows + 2 * (width + 2),
        slope->steepness.floats + y * slope->steepness.stride, width);
  }
}

static float
sample (const SympiePlane *plane, int x, int y)
{
  return plane->floats[sympie_edge (SYMPIE_EDGE_NEAREST, y, plane->height)
                           * plane->stride
                       + sympie_edge (SYMPIE_EDGE_NEAREST, x, plane->width)];
}

/* 0 outside, so that outlines can run along the border. */
static float
steepness (const Slope *slope, int x, int y)
{
  if (x < 0 || x >= slope->steepness.width || y < 0
      || y >= slope->steepness.height)
    return 0;
  return slope->steepness.floats[y * slope->steepness.stride + x];
}

/* Whether a steep place is the steepest across the step; of two that are alike
 * the left or upper one is. */
static bool
is_crest (const Slope *slope, int x, int y)
{
  const SympiePlane *l = &slope->levels;
  const float tan_22 = 0.41421356f, tan_67 = 2.41421356f;
  float here = steepness (slope, x, y);
  float dx = sample (l, x + 1, y - 1) - sample (l, x - 1, y - 1)
             + 2 * (sample (l, x + 1, y) - sample (l, x - 1, y))
             + sample (l, x + 1, y + 1) - sample (l, x - 1, y + 1);
  float dy = sample (l, x - 1, y + 1) - sample (l, x - 1, y - 1)
             + 2 * (sample (l, x, y + 1) - sample (l, x, y - 1))
             + sample (l, x + 1, y + 1) - sample (l, x + 1, y - 1);
  float across = dx < 0 ? -dx : dx, down = dy < 0 ? -dy : dy;
  int side = (dx < 0) == (dy < 0) ? 1 : -1;

  if (down < across * tan_22)
    return here > steepness (slope, x - 1, y)
           && here >= steepness (slope, x + 1, y);
  if (down > across * tan_67)
    return here > steepness (slope, x, y - 1)
           && here >= steepness (slope, x, y + 1);
  return here > steepness (slope, x - side, y - 1)
         && here > steepness (slope, x + side, y + 1);
}

static inline float
smaller (float a, float b)
{
  return a < b ? a : b;
}

/* Steps from sample to sample, to the side, diagonally and like a knight, add
 * up to nearly the straight way. First from above and left, then from below
 * and right (`way` -1). */
static void
spread (SympiePlane *distance, int way)
{
  const float diagonal = 1.4f, knight = 2.1969f;
  int width = distance->width, height = distance->height;
  ptrdiff_t row = way * distance->stride;

  for (int j = 0; j < height; j++) {
    int y = way > 0 ? j : height - 1 - j;
    float *out =
        distance->floats + y * distance->stride + (way > 0 ? 0 : width - 1);

    for (int i = 0; i < width; i++, out += way) {
      const float *above = out - row, *above_2 = above - row;
      float near = smaller (above[0], smaller (out[-way], out[0] - 1));
      float far = smaller (
          smaller (above[-2], above[2]), smaller (above_2[-1], above_2[1]));

      near = smaller (near + 1, smaller (above[-1], above[1]) + diagonal);
      *out = smaller (near, far + knight);
    }
  }
}

bool
sympie_rim_distance (const SympieCanvas *canvas, const SympiePlane *levels,
    float limit, SympiePlane *distance)
{
  int width = levels->width, height = levels->height;
  SympiePlane padded =
      sympie_plane_floats (canvas, width + 2 * PAD, height + 2 * PAD);
  Slope slope = { .cpu_flags = canvas->cpu_flags,
    .levels = *levels,
    .steepness = sympie_plane_floats (canvas, width, height) };

  slope.scratch = sympie_canvas_scratch (
      canvas, 3 * ((size_t) width + 2), &slope.scratch_stride);
  if (!padded.floats || !slope.steepness.floats || !slope.scratch)
    return false;
  sympie_canvas_rows (canvas, height, steepness_rows, &slope);

  for (ptrdiff_t i = 0; i < padded.stride * padded.height; i++)
    padded.floats[i] = limit;
  *distance = padded;
  distance->floats += PAD * padded.stride + PAD;
  distance->width = width;
  distance->height = height;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      if (steepness (&slope, x, y) > STEEP && is_crest (&slope, x, y))
        distance->floats[y * distance->stride + x] = 0;
  spread (distance, 1);
  spread (distance, -1);
  return true;
}
