/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Elastic transform: the picture on a rubber sheet that is pulled at three
 * points and then kneaded. */

#include <math.h>

#include "blur.h"
#include "corruptions.h"
#include "variants.h"

/* Streams of the random numbers. */
enum
{
  FIELDS,              /* and the one after it */
  CORNERS = FIELDS + 2 /* and the five after it */
};

/* A smooth random field, on a grid that is as coarse as its smoothness allows;
 * pixel (x, y) is at ((x + 1/2) * step_x - 1/2, ...) of the grid. */
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

/* Row `y` of the field; `blend` is scratch for a row of the grid. */
SYMPIE_VARIANTS (field_row,
    (const Field *field, int y, float *restrict blend, float *restrict out,
        int n),
    (field, y, blend, out, n))
{
  const SympiePlane *grid = &field->grid;
  float v = (y + 0.5f) * field->step_y - 0.5f;
  float step = field->step_x, last = grid->width - 1;
  const float *above, *below;
  int top;

  v = v > 0 ? v : 0;
  top = (int) v;
  v -= top;
  above = grid->floats + top * grid->stride;
  below = top + 1 < grid->height ? above + grid->stride : above;
  for (int x = 0; x < grid->width; x++)
    blend[x] = above[x] + v * (below[x] - above[x]);
  blend[grid->width] = blend[grid->width - 1];
  for (int x = 0; x < n; x++) {
    float u = (x + 0.5f) * step - 0.5f;
    int left;

    u = u > 0 ? u : 0;
    u = u < last ? u : last;
    left = (int) u;
    out[x] = blend[left] + (u - left) * (blend[left + 1] - blend[left]);
  }
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
  float *scratch; /* for each thread: shifts both ways and a blend */
  ptrdiff_t scratch_stride;
} Elastic;

/* The places that row `y` is taken from; they replace the shifts. */
SYMPIE_VARIANTS (place_row,
    (const Affine *affine, int y, float *restrict dx, float *restrict dy,
        int n),
    (affine, y, dx, dy, n))
{
  const float limit = 1e6f;
  float a = affine->m[0], b = affine->m[1], c = affine->m[2];
  float d = affine->m[3], e = affine->m[4], f = affine->m[5];

  for (int x = 0; x < n; x++) {
    float u = x + dx[x], v = y + dy[x];
    float px = u * a + v * b + c, py = u * d + v * e + f;

    px = px < limit ? px : limit;
    py = py < limit ? py : limit;
    dx[x] = px > -limit ? px : -limit;
    dy[x] = py > -limit ? py : -limit;
  }
}

static inline int
round_down (float value)
{
  int whole = (int) value;

  return whole - (value < (float) whole);
}

static void
elastic_rows (void *data, int first, int end, int thread)
{
  const Elastic *elastic = data;
  const SympieCanvas *canvas = elastic->canvas;
  int width = canvas->width, height = canvas->height;
  ptrdiff_t stride = elastic->src[0].stride;
  float *px = elastic->scratch + thread * elastic->scratch_stride;
  float *py = px + width, *blend = py + width;

  for (int y = first; y < end; y++) {
    SYMPIE_CALL (
        canvas->cpu_flags, field_row, &elastic->dx, y, blend, px, width);
    SYMPIE_CALL (
        canvas->cpu_flags, field_row, &elastic->dy, y, blend, py, width);
    SYMPIE_CALL (
        canvas->cpu_flags, place_row, &elastic->affine, y, px, py, width);
    for (int x = 0; x < width; x++) {
      int left = round_down (px[x]), top = round_down (py[x]);
      float wx = px[x] - left, wy = py[x] - top;
      ptrdiff_t here, right = 1, down = stride;

      if ((unsigned) left < (unsigned) width - 1
          && (unsigned) top < (unsigned) height - 1) {
        here = top * stride + left;
      } else {
        int x0 = sympie_edge (SYMPIE_EDGE_REFLECT101, left, width);
        int y0 = sympie_edge (SYMPIE_EDGE_REFLECT101, top, height);

        right = sympie_edge (SYMPIE_EDGE_REFLECT101, left + 1, width) - x0;
        down = (sympie_edge (SYMPIE_EDGE_REFLECT101, top + 1, height) - y0)
               * stride;
        here = y0 * stride + x0;
      }
      for (int c = 0; c < 3; c++) {
        const uint8_t *in = elastic->src[c].bytes + here;
        float above = in[0] + wx * (float) (in[right] - in[0]);
        float below = in[down] + wx * (float) (in[down + right] - in[down]);

        canvas->planes[c][y * canvas->stride + x] =
            sympie_byte (above + wy * (below - above));
      }
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

  /* Blurring leaves 1 / sigma of the noise: alpha has to make up for that, and
   * then the shifts are to grow with the unit. */
  if (!field_init (&elastic.dx, canvas, FIELDS, alpha * canvas->unit, sigma)
      || !field_init (
          &elastic.dy, canvas, FIELDS + 1, alpha * canvas->unit, sigma))
    return false;
  elastic.affine = affine_draw (canvas, unit * constants[severity - 1].affine);
  for (int c = 0; c < 3; c++) {
    elastic.src[c] = sympie_canvas_copy (canvas, c);
    if (!elastic.src[c].bytes)
      return false;
  }
  elastic.scratch = sympie_canvas_scratch (
      canvas, 3 * (size_t) canvas->width + 1, &elastic.scratch_stride);
  if (!elastic.scratch)
    return false;
  sympie_canvas_rows (canvas, canvas->height, elastic_rows, &elastic);
  return true;
}
