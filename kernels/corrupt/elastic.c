/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Elastic transform: the picture on a rubber sheet that is pulled at three
 * points and then kneaded. */

#include <math.h>
#include <string.h>

#include "blur.h"
#include "corruptions.h"

/* Streams of the random numbers. */
enum
{
  FIELDS,              /* and the one after it */
  CORNERS = FIELDS + 2 /* and the five after it */
};

/* A smooth random field, on a grid that is as coarse as its smoothness allows;
 * sample (x, y) of it is at (x * step_x + first_x, ...) of the grid. */
typedef struct
{
  SympiePlane grid;
  float step_x, step_y;
} Field;

/* White noise of deviation alpha / sqrt (3), that of uniform numbers in
 * -alpha..alpha, blurred with sigma. */
static bool
field_init (Field *field, const SympieCanvas *canvas, int stream, double alpha,
    double sigma)
{
  int coarse = sigma > 4 ? (int) (sigma / 4) : 1;
  int width = (canvas->width + coarse - 1) / coarse;
  int height = (canvas->height + coarse - 1) / coarse;
  /* The mean of white noise over a cell. */
  double cell = sqrt ((double) width / canvas->width)
                * sqrt ((double) height / canvas->height);
  float deviation = (float) (alpha * cell / sqrt (3));
  SympiePlane grid = sympie_plane_floats (canvas, width, height);

  if (!grid.floats)
    return false;
  for (int y = 0; y < height; y++) {
    float *row = grid.floats + y * grid.stride;

    sympie_random_normal (&canvas->draw, stream, y, row, width);
    for (int x = 0; x < width; x++)
      row[x] *= deviation;
  }
  field->grid = grid;
  field->step_x = (float) width / canvas->width;
  field->step_y = (float) height / canvas->height;
  return sympie_gaussian (
      canvas, &grid, &grid, sigma * cell, 3, SYMPIE_EDGE_REFLECT);
}

static float
field_at (const Field *field, int x, int y)
{
  const SympiePlane *grid = &field->grid;
  float u = (x + 0.5f) * field->step_x - 0.5f;
  float v = (y + 0.5f) * field->step_y - 0.5f;
  int left, top, right, bottom;
  const float *above, *below;

  u = u > 0 ? u : 0;
  v = v > 0 ? v : 0;
  left = (int) u;
  top = (int) v;
  u -= left;
  v -= top;
  right = left + 1 < grid->width ? left + 1 : left;
  bottom = top + 1 < grid->height ? top + 1 : top;
  above = grid->floats + top * grid->stride;
  below = grid->floats + bottom * grid->stride;
  return (1 - v) * ((1 - u) * above[left] + u * above[right])
         + v * ((1 - u) * below[left] + u * below[right]);
}

/* From a pixel of the result to the place that it is taken from:
 * x' = x * m[0] + y * m[1] + m[2], and y' with the other three. */
typedef struct
{
  float m[6];
} Affine;

/* Three corners of a square in the middle of the picture are pulled by up to
 * `pull` pixels each way. */
static Affine
affine_draw (const SympieCanvas *canvas, double pull)
{
  int smaller = canvas->width < canvas->height ? canvas->width : canvas->height;
  double cx = canvas->width / 2, cy = canvas->height / 2;
  double half = smaller < 3 ? 1 : smaller / 3;
  double o[6], a, b, c, d, e, f, det;

  /* Further, and the square would turn inside out. */
  pull = pull < half * 2 / 3 ? pull : half * 2 / 3;
  for (int i = 0; i < 6; i++)
    o[i] = sympie_random_between (&canvas->draw, CORNERS + i, -pull, pull);
  /* The corners (1, 1), (1, -1) and (-1, -1), in halves of the square around
   * its centre, go where o says: (x, y) -> (a x + b y + c, d x + e y + f). */
  b = (o[0] - o[2]) / 2;
  e = half + (o[1] - o[3]) / 2;
  a = half + (o[2] - o[4]) / 2;
  d = (o[3] - o[5]) / 2;
  c = cx + (o[0] + o[4]) / 2;
  f = cy + (o[1] + o[5]) / 2;
  det = a * e - b * d;
  if (fabs (det) < 1e-3 * half * half)
    det = 1e-3 * half * half;
  /* ... and back. */
  return (Affine){ {
      (float) (half * e / det),
      (float) (-half * b / det),
      (float) (cx + half * (b * f - e * c) / det),
      (float) (-half * d / det),
      (float) (half * a / det),
      (float) (cy + half * (d * c - a * f) / det),
  } };
}

typedef struct
{
  const SympieCanvas *canvas;
  SympiePlane src[3];
  Affine affine;
  Field dx, dy;
} Elastic;

static float
limit (float value)
{
  return value < -1e6f ? -1e6f : value < 1e6f ? value : 1e6f;
}

static void
elastic_rows (void *data, int first, int end, int thread)
{
  const Elastic *elastic = data;
  const SympieCanvas *canvas = elastic->canvas;
  const float *m = elastic->affine.m;
  ptrdiff_t stride = elastic->src[0].stride;

  for (int y = first; y < end; y++)
    for (int x = 0; x < canvas->width; x++) {
      float u = x + field_at (&elastic->dx, x, y);
      float v = y + field_at (&elastic->dy, x, y);
      float px = limit (u * m[0] + v * m[1] + m[2]);
      float py = limit (u * m[3] + v * m[4] + m[5]);
      float left = floorf (px), top = floorf (py);
      float wx = px - left, wy = py - top;
      int x0 = sympie_edge (SYMPIE_EDGE_REFLECT101, (int) left, canvas->width);
      int x1 =
          sympie_edge (SYMPIE_EDGE_REFLECT101, (int) left + 1, canvas->width);
      int y0 = sympie_edge (SYMPIE_EDGE_REFLECT101, (int) top, canvas->height);
      int y1 =
          sympie_edge (SYMPIE_EDGE_REFLECT101, (int) top + 1, canvas->height);

      for (int c = 0; c < 3; c++) {
        const uint8_t *above = elastic->src[c].bytes + y0 * stride;
        const uint8_t *below = elastic->src[c].bytes + y1 * stride;

        canvas->planes[c][y * canvas->stride + x] =
            sympie_byte ((1 - wy) * ((1 - wx) * above[x0] + wx * above[x1])
                         + wy * ((1 - wx) * below[x0] + wx * below[x1]));
      }
    }
}

bool
sympie_elastic_transform (SympieCanvas *canvas, int severity)
{
  /* In 244ths, which is how they were published for 224 pixels. */
  static const struct
  {
    double alpha, sigma, affine;
  } constants[] = { { 2, 0.7, 0.1 }, { 2, 0.08, 0.2 }, { 0.05, 0.01, 0.02 },
    { 0.07, 0.01, 0.02 }, { 0.12, 0.01, 0.02 } };
  double unit = 244 * canvas->unit;
  double alpha = unit * constants[severity - 1].alpha;
  double sigma = unit * constants[severity - 1].sigma;
  Elastic elastic = { .canvas = canvas };

  /* Blurring takes 1 / sigma of the noise's deviation. */
  if (!field_init (&elastic.dx, canvas, FIELDS, alpha * canvas->unit, sigma)
      || !field_init (
          &elastic.dy, canvas, FIELDS + 1, alpha * canvas->unit, sigma))
    return false;
  elastic.affine = affine_draw (canvas, unit * constants[severity - 1].affine);
  for (int c = 0; c < 3; c++) {
    elastic.src[c] = sympie_plane_bytes (canvas, canvas->width, canvas->height);
    if (!elastic.src[c].bytes)
      return false;
    memcpy (elastic.src[c].bytes, canvas->planes[c],
        (size_t) canvas->stride * canvas->height);
  }
  sympie_canvas_rows (canvas, canvas->height, elastic_rows, &elastic);
  return true;
}
