/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Too few pixels: the mean of a box stands for all that lie in it. */

#include <string.h>

#include "corruptions.h"
#include "variants.h"

typedef struct
{
  const SympieCanvas *canvas;
  int columns, rows;
  int *starts;    /* of the columns and after the last */
  float *scratch; /* for each thread: sums of the columns of samples */
  ptrdiff_t scratch_stride;
} Boxes;

/* The first sample whose centre lies in box `box` of `count` on n samples. */
static int
box_start (int box, int count, int n)
{
  return (int) ((2 * (int64_t) box * n + count) / (2 * count));
}

SYMPIE_VARIANTS (add_row, (const uint8_t *row, uint32_t *restrict sums, int n),
    (row, sums, n))
{
  for (int x = 0; x < n; x++)
    sums[x] += row[x];
}

static void
box_rows (void *data, int first, int end, int thread)
{
  const Boxes *boxes = data;
  const SympieCanvas *canvas = boxes->canvas;
  uint32_t *sums =
      (uint32_t *) (boxes->scratch + thread * boxes->scratch_stride);

  for (int row = first; row < end; row++) {
    int top = box_start (row, boxes->rows, canvas->height);
    int bottom = box_start (row + 1, boxes->rows, canvas->height);

    for (int c = 0; c < 3; c++) {
      uint8_t *out = canvas->planes[c] + top * canvas->stride;

      memset (sums, 0, canvas->width * sizeof *sums);
      for (int y = top; y < bottom; y++)
        SYMPIE_CALL (boxes->canvas->cpu_flags, add_row,
            canvas->planes[c] + y * canvas->stride, sums, canvas->width);
      for (int column = 0; column < boxes->columns; column++) {
        int left = boxes->starts[column], right = boxes->starts[column + 1];
        uint64_t sum = 0, area = (uint64_t) (right - left) * (bottom - top);

        for (int x = left; x < right; x++)
          sum += sums[x];
        memset (
            out + left, (int) ((2 * sum + area) / (2 * area)), right - left);
      }
      for (int y = top + 1; y < bottom; y++)
        memcpy (canvas->planes[c] + y * canvas->stride, out, canvas->width);
    }
  }
}

static int
box_count (int n, double factor)
{
  int count = (int) (n * factor);

  return count < 1 ? 1 : count > n ? n : count;
}

bool
sympie_pixelate (SympieCanvas *canvas, int severity)
{
  static const double factor[] = { 0.6, 0.5, 0.4, 0.3, 0.25 };
  Boxes boxes = { canvas,
    .columns = box_count (canvas->width, factor[severity - 1] / canvas->unit),
    .rows = box_count (canvas->height, factor[severity - 1] / canvas->unit) };

  boxes.starts = sympie_arena_take (
      canvas->arena, boxes.columns + 1, sizeof *boxes.starts);
  boxes.scratch =
      sympie_canvas_scratch (canvas, canvas->width, &boxes.scratch_stride);
  if (!boxes.starts || !boxes.scratch)
    return false;
  for (int i = 0; i <= boxes.columns; i++)
    boxes.starts[i] = box_start (i, boxes.columns, canvas->width);
  sympie_canvas_rows (canvas, boxes.rows, box_rows, &boxes);
  return true;
}
