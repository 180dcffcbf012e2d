/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sympie.h"

#include "error.h"
#include "image.h"

enum
{
  N = SYMPIE_THUMBNAIL_SIZE,
  ROWS = 4, /* of a cell that are looked at, evenly apart */
  RUN = 8   /* samples of each, side by side: few cache lines */
};

/* The top eight bits of a code. */
static unsigned
sample (const SympieFormatInfo *info, int c, const uint8_t *row, int x)
{
  const SympieComponent *component = &info->component[c];

  if (info->word == 1)
    return row[component->offset + x * component->step];
  return sympie_format_code (info, c, row, x) >> (info->depth - 8);
}

/* The mean of a cell, rounded. */
static uint8_t
mean (
    const SympieImage *image, const SympieFormatInfo *info, int c, int i, int j)
{
  const SympieComponent *component = &info->component[c];
  int width = sympie_component_width (component, image->width);
  int height = sympie_component_height (component, image->height);
  int run = width < RUN ? width : RUN;
  int sum = 0;

  for (int k = 0; k < ROWS; k++) {
    /* The middle of the k-th of the cell's ROWS strips and, in turn, of its
     * columns. */
    int y =
        (int) ((int64_t) height * (2 * (i * ROWS + k) + 1) / (2 * N * ROWS));
    int x = (int) ((int64_t) width * (2 * (j * ROWS + k) + 1) / (2 * N * ROWS));
    const uint8_t *row =
        image->planes[component->plane] + y * image->strides[component->plane];

    x -= run / 2;
    x = x < 0 ? 0 : x > width - run ? width - run : x;
    for (int s = 0; s < run; s++)
      sum += (int) sample (info, c, row, x + s);
  }
  return (uint8_t) ((sum + ROWS * run / 2) / (ROWS * run));
}

bool
sympie_thumbnail (
    const SympieImage *image, SympieThumbnail *thumbnail, SympieError *error)
{
  const SympieFormatInfo *info;
  SympieImage own;

  if (!sympie_image_take (&own, image, error))
    return false;
  if (own.memory != SYMPIE_MEMORY_HOST)
    return sympie_fail (
        error, SYMPIE_ERROR_INVALID, "a thumbnail of an image in CUDA memory");
  info = sympie_format_info (own.format);
  for (int c = 0; c < 3; c++)
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++)
        thumbnail->cells[c][i][j] =
            info->component[c].bits ? mean (&own, info, c, i, j) : 128;
  return true;
}
