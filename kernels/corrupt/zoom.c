/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A lens that zooms while the shutter is open: the mean of the picture and of
 * enlargements of its centre. */

#include "zoom.h"

#include <math.h>

#include "corruptions.h"
#include "variants.h"

bool
sympie_zoom_axis (
    const SympieCanvas *canvas, SympieZoomAxis *axis, int n, double zoom)
{
  /* As published: a cut of whole pixels, its corners on the corners of an
   * enlargement whose surplus goes on both sides. */
  int cut = (int) ceil (n / zoom), large = (int) floor (cut * zoom + 0.5);
  int first = (n - cut) / 2, surplus = (large - n) / 2;
  double step = large > 1 ? (cut - 1) / (double) (large - 1) : 0;

  axis->index = sympie_arena_take (canvas->arena, n, sizeof *axis->index);
  axis->weight = sympie_arena_take (canvas->arena, n, sizeof *axis->weight);
  if (!axis->index || !axis->weight)
    return false;
  for (int i = 0; i < n; i++) {
    double position = first + (i + surplus) * step;
    int index = (int) position;

    index = index < n - 1 ? index : n - 2;
    index = index > 0 ? index : 0;
    axis->index[i] = index;
    axis->weight[i] = (float) (position - index);
  }
  return true;
}

enum
{
  MAX_LAYERS = 16
};

typedef struct
{
  const SympieCanvas *canvas;
  const SympiePlane *src;
  uint8_t *const *dst;
  int n_layers;
  SympieZoomAxis across[MAX_LAYERS], down[MAX_LAYERS];
  float *scratch; /* for each thread: a row between two rows, a row of sums */
  ptrdiff_t scratch_stride;
} Zoom;

SYMPIE_VARIANTS (add_row,
    (const uint8_t *above, const uint8_t *below, float share,
        const SympieZoomAxis *across, float *restrict row, float *restrict sums,
        int n),
    (above, below, share, across, row, sums, n))
{
  const int *restrict index = across->index;
  const float *restrict weight = across->weight;

  for (int x = 0; x < n; x++)
    row[x] = above[x] + share * (float) (below[x] - above[x]);
  row[n] = row[n - 1];
  for (int x = 0; x < n; x++) {
    float left = row[index[x]], right = row[index[x] + 1];

    sums[x] += left + weight[x] * (right - left);
  }
}

SYMPIE_ROWS_VARIANTS (zoom_rows)
{
  const Zoom *zoom = data;
  int n = zoom->canvas->width, height = zoom->canvas->height;
  float *row = zoom->scratch + thread * zoom->scratch_stride;
  float *restrict sums = row + n + 1;
  float weight = 1.0f / (zoom->n_layers + 1);

  for (int c = 0; c < 3; c++)
    for (int y = first; y < end; y++) {
      const uint8_t *in = zoom->src[c].bytes;
      ptrdiff_t stride = zoom->src[c].stride;
      uint8_t *restrict out = zoom->dst[c] + y * zoom->canvas->stride;

      for (int x = 0; x < n; x++)
        sums[x] = in[y * stride + x];
      for (int i = 0; i < zoom->n_layers; i++) {
        int index = zoom->down[i].index[y];
        const uint8_t *above = in + index * stride;

        SYMPIE_CALL (zoom->canvas->cpu_flags, add_row, above,
            index + 1 < height ? above + stride : above,
            zoom->down[i].weight[y], &zoom->across[i], row, sums, n);
      }
      for (int x = 0; x < n; x++)
        out[x] = sympie_byte (weight * sums[x]);
    }
}

bool
sympie_zoom_blur (SympieCanvas *canvas, int severity)
{
  static const struct
  {
    double step;
    int layers; /* the first of which does not zoom */
  } constants[] = { { 0.01, 11 }, { 0.01, 16 }, { 0.02, 11 }, { 0.02, 13 },
    { 0.03, 11 } };
  SympiePlane src[3];
  Zoom zoom = { canvas, src, canvas->planes,
    .n_layers = constants[severity - 1].layers };

  for (int i = 0; i < zoom.n_layers; i++) {
    double factor = 1 + i * constants[severity - 1].step;

    if (!sympie_zoom_axis (canvas, &zoom.across[i], canvas->width, factor)
        || !sympie_zoom_axis (canvas, &zoom.down[i], canvas->height, factor))
      return false;
  }
  for (int c = 0; c < 3; c++) {
    src[c] = sympie_canvas_copy (canvas, c);
    if (!src[c].bytes)
      return false;
  }
  zoom.scratch = sympie_canvas_scratch (
      canvas, 2 * (size_t) canvas->width + 1, &zoom.scratch_stride);
  if (!zoom.scratch)
    return false;
  sympie_canvas_rows (canvas, canvas->height,
      SYMPIE_PICK (canvas->cpu_flags, zoom_rows), &zoom);
  return true;
}
