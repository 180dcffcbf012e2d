/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "blur.h"

#include <string.h>

#include "functions.h"
#include "variants.h"

int
sympie_edge (SympieEdge edge, int i, int n)
{
  int period;

  if ((unsigned) i < (unsigned) n)
    return i;
  if (edge == SYMPIE_EDGE_NEAREST || n == 1)
    return i < 0 ? 0 : n - 1;
  period = edge == SYMPIE_EDGE_REFLECT ? 2 * n : 2 * n - 2;
  i %= period;
  if (i < 0)
    i += period;
  return i < n ? i : edge == SYMPIE_EDGE_REFLECT ? period - 1 - i : period - i;
}

SympiePlane
sympie_plane_floats (const SympieCanvas *canvas, int width, int height)
{
  SympiePlane plane = {
    .stride = sympie_canvas_stride (width), .width = width, .height = height
  };

  plane.floats = sympie_arena_take (
      canvas->arena, (size_t) plane.stride * height, sizeof (float));
  return plane;
}

SympiePlane
sympie_plane_bytes (const SympieCanvas *canvas, int width, int height)
{
  SympiePlane plane = {
    .stride = sympie_canvas_stride (width), .width = width, .height = height
  };

  plane.bytes =
      sympie_arena_take (canvas->arena, (size_t) plane.stride * height, 1);
  return plane;
}

SympiePlane
sympie_canvas_copy (const SympieCanvas *canvas, int c)
{
  SympiePlane copy = sympie_plane_bytes (canvas, canvas->width, canvas->height);

  /* Both have the stride that sympie_canvas_stride() gives. */
  if (copy.bytes)
    memcpy (copy.bytes, canvas->planes[c],
        (size_t) canvas->stride * canvas->height);
  return copy;
}

typedef struct
{
  const SympieCanvas *canvas;
  SympiePlane src, between, dst;
  int radius;
  const float *taps; /* radius + 1, from the centre outwards, and a 0 */
  SympieEdge edge;
  float *scratch; /* a padded row and a row of sums for each thread */
  ptrdiff_t scratch_stride;
} Gaussian;

void
sympie_pad_row (
    const SympiePlane *plane, int y, SympieEdge edge, int pad, float *out)
{
  int n = plane->width;

  if (plane->floats) {
    memcpy (out + pad, plane->floats + y * plane->stride, n * sizeof *out);
  } else {
    const uint8_t *row = plane->bytes + y * plane->stride;

    for (int x = 0; x < n; x++)
      out[pad + x] = row[x];
  }
  for (int i = 1; i <= pad; i++) {
    out[pad - i] = out[pad + sympie_edge (edge, -i, n)];
    out[pad + n - 1 + i] = out[pad + sympie_edge (edge, n - 1 + i, n)];
  }
}

/* out += tap * (a + b), twice: once through `out` for two taps. */
static inline void
add_taps (float *restrict out, const float taps[2], const float *a,
    const float *b, const float *a2, const float *b2, int n)
{
  float tap = taps[0], tap_2 = taps[1];

  for (int x = 0; x < n; x++)
    out[x] = out[x] + tap * (a[x] + b[x]) + tap_2 * (a2[x] + b2[x]);
}

SYMPIE_ROWS_VARIANTS (gaussian_horizontal)
{
  const Gaussian *g = data;
  int n = g->src.width, radius = g->radius;
  float *padded = g->scratch + thread * g->scratch_stride;
  const float *centre = padded + radius;

  for (int y = first; y < end; y++) {
    float *out = g->between.floats + y * g->between.stride;

    sympie_pad_row (&g->src, y, g->edge, radius, padded);
    for (int x = 0; x < n; x++)
      out[x] = g->taps[0] * centre[x];
    /* The tap after the last is 0. */
    for (int k = 1; k <= radius; k += 2) {
      int k2 = k < radius ? k + 1 : k;

      add_taps (out, g->taps + k, centre - k, centre + k, centre - k2,
          centre + k2, n);
    }
  }
}

/* So many columns that the rows which a row is made of stay in the cache for
 * the next one. */
enum
{
  COLUMNS = 256
};

SYMPIE_VARIANTS (gaussian_columns,
    (const Gaussian *g, int y, int first, int n, float *sums),
    (g, y, first, n, sums))
{
  int height = g->src.height;
  ptrdiff_t stride = g->between.stride;
  const float *in = g->between.floats + first;
  float *out = g->dst.floats ? g->dst.floats + y * g->dst.stride + first : sums;

  for (int x = 0; x < n; x++)
    out[x] = g->taps[0] * in[y * stride + x];
  for (int k = 1; k <= g->radius; k += 2) {
    int k2 = k < g->radius ? k + 1 : k;

    add_taps (out, g->taps + k,
        in + sympie_edge (g->edge, y - k, height) * stride,
        in + sympie_edge (g->edge, y + k, height) * stride,
        in + sympie_edge (g->edge, y - k2, height) * stride,
        in + sympie_edge (g->edge, y + k2, height) * stride, n);
  }
  if (!g->dst.floats) {
    uint8_t *restrict bytes = g->dst.bytes + y * g->dst.stride + first;

    for (int x = 0; x < n; x++)
      bytes[x] = sympie_byte (out[x]);
  }
}

static void
gaussian_vertical (void *data, int first, int end, int thread)
{
  const Gaussian *g = data;
  int width = g->src.width;
  float *sums = g->scratch + thread * g->scratch_stride;

  for (int x = 0; x < width; x += COLUMNS)
    for (int y = first; y < end; y++)
      SYMPIE_CALL (g->canvas->cpu_flags, gaussian_columns, g, y, x,
          x + COLUMNS < width ? COLUMNS : width - x, sums);
}

bool
sympie_gaussian (const SympieCanvas *canvas, const SympiePlane *src,
    const SympiePlane *dst, double sigma, double truncate, SympieEdge edge)
{
  int radius = (int) (truncate * sigma + 0.5);
  Gaussian g = { canvas, .src = *src, .dst = *dst, .edge = edge };
  SympieArenaMark mark = sympie_arena_mark (canvas->arena);
  double sum = 0;
  double *exact;
  float *taps;

  /* Where nothing is left of the neighbours a picture of one pixel is not
   * worth dividing by a sigma of 0 either. */
  if (sigma < 1e-3)
    radius = 0;
  exact = sympie_arena_take (canvas->arena, radius + 1, sizeof *exact);
  taps = sympie_arena_take (canvas->arena, radius + 2, sizeof *taps);
  g.between = sympie_plane_floats (canvas, src->width, src->height);
  g.scratch = sympie_canvas_scratch (
      canvas, src->width + 2 * (size_t) radius, &g.scratch_stride);
  if (!exact || !taps || !g.between.floats || !g.scratch)
    return false;

  for (int k = 0; k <= radius; k++) {
    exact[k] = radius ? sympie_exp (-0.5 * k * k / (sigma * sigma)) : 1;
    sum += k ? 2 * exact[k] : exact[k];
  }
  for (int k = 0; k <= radius; k++)
    taps[k] = (float) (exact[k] / sum);
  taps[radius + 1] = 0;
  g.taps = taps;
  g.radius = radius;

  sympie_canvas_rows (canvas, src->height,
      SYMPIE_PICK (canvas->cpu_flags, gaussian_horizontal), &g);
  sympie_canvas_rows (canvas, src->height, gaussian_vertical, &g);
  sympie_arena_release (canvas->arena, mark);
  return true;
}

typedef struct
{
  float weight;
  int dx, dy; /* the sample that is added, from the one that is made */
} Smear;

typedef struct
{
  SympiePlane src, dst, padded;
  const Smear *smear;
  int n, pad;
  float *scratch; /* a row of sums for each thread */
  ptrdiff_t scratch_stride;
} Motion;

SYMPIE_ROWS_VARIANTS (motion_pad)
{
  const Motion *motion = data;

  for (int y = first; y < end; y++)
    sympie_pad_row (&motion->src, y, SYMPIE_EDGE_NEAREST, motion->pad,
        motion->padded.floats + y * motion->padded.stride);
}

SYMPIE_ROWS_VARIANTS (motion_rows)
{
  const Motion *motion = data;
  int width = motion->dst.width, height = motion->dst.height;
  float *sums = motion->scratch + thread * motion->scratch_stride;

  for (int y = first; y < end; y++) {
    uint8_t *out = motion->dst.bytes + y * motion->dst.stride;

    memset (sums, 0, width * sizeof *sums);
    for (int i = 0; i < motion->n; i++) {
      int row =
          sympie_edge (SYMPIE_EDGE_NEAREST, y + motion->smear[i].dy, height);
      float weight = motion->smear[i].weight;
      const float *in = motion->padded.floats + row * motion->padded.stride
                        + motion->pad + motion->smear[i].dx;

      for (int x = 0; x < width; x++)
        sums[x] += weight * in[x];
    }
    for (int x = 0; x < width; x++)
      out[x] = sympie_byte (sums[x]);
  }
}

bool
sympie_motion (const SympieCanvas *canvas, const SympiePlane *src,
    const SympiePlane *dst, double radius, double sigma, double degrees)
{
  int n = 2 * (int) (radius + 0.5) + 1;
  Motion motion = { *src, *dst, .n = n };
  SympieArenaMark mark = sympie_arena_mark (canvas->arena);
  Smear *smear = sympie_arena_take (canvas->arena, n, sizeof *smear);
  double cosine, sine, sum = 0;

  if (!smear)
    return false;
  sympie_direction (degrees, &cosine, &sine);
  for (int i = 0; i < n; i++)
    sum += sympie_exp (-0.5 * i * i / (sigma * sigma));
  for (int i = 0; i < n; i++) {
    smear[i].weight =
        (float) (sympie_exp (-0.5 * i * i / (sigma * sigma)) / sum);
    smear[i].dx = (int) ceil (i * cosine - 0.5);
    smear[i].dy = (int) ceil (i * sine - 0.5);
  }
  motion.smear = smear;
  motion.pad = n;
  motion.padded = sympie_plane_floats (canvas, src->width + 2 * n, src->height);
  motion.scratch =
      sympie_canvas_scratch (canvas, dst->width, &motion.scratch_stride);
  if (!motion.padded.floats || !motion.scratch)
    return false;

  sympie_canvas_rows (canvas, src->height,
      SYMPIE_PICK (canvas->cpu_flags, motion_pad), &motion);
  sympie_canvas_rows (canvas, dst->height,
      SYMPIE_PICK (canvas->cpu_flags, motion_rows), &motion);
  sympie_arena_release (canvas->arena, mark);
  return true;
}
