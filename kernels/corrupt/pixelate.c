/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Too few pixels: the mean of a box stands for all that lie in it. */

#include "corruptions.h"

typedef struct
{
  const SympieCanvas *canvas;
  int columns, rows;
} Boxes;

/* The first sample whose centre lies in box `box` of `count` on n samples. */
static int
box_start (int box, int count, int n)
{
  return (int) ((2 * (int64_t) box * n + count) / (2 * count));
}

static void
box_rows (void *data, int first, int end, int thread)
{
  const Boxes *boxes = data;
  const SympieCanvas *canvas = boxes->canvas;

  for (int row = first; row < end; row++) {
    int top = box_start (row, boxes->rows, canvas->height);
    int bottom = box_start (row + 1, boxes->rows, canvas->height);

    for (int c = 0; c < 3; c++)
      for (int column = 0; column < boxes->columns; column++) {
        int left = box_start (column, boxes->columns, canvas->width);
        int right = box_start (column + 1, boxes->columns, canvas->width);
        uint64_t sum = 0, area = (uint64_t) (right - left) * (bottom - top);

        for (int y = top; y < bottom; y++)
          for (int x = left; x < right; x++)
            sum += canvas->planes[c][y * canvas->stride + x];
        sum = (2 * sum + area) / (2 * area);
        for (int y = top; y < bottom; y++)
          for (int x = left; x < right; x++)
            canvas->planes[c][y * canvas->stride + x] = (uint8_t) sum;
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

  sympie_canvas_rows (canvas, boxes.rows, box_rows, &boxes);
  return true;
}
