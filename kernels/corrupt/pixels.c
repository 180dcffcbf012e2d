/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The caller's pixels to planes of R, G and B and back. */

#include <string.h>

#include "../image.h"
#include "canvas.h"

bool
sympie_canvas_load (SympieCanvas *canvas, const SympieImage *image)
{
  const SympieFormatInfo *info = sympie_format_info (image->format);

  canvas->width = image->width;
  canvas->height = image->height;
  canvas->stride = sympie_canvas_stride (image->width);
  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &info->component[c];

    canvas->planes[c] = sympie_arena_take (
        canvas->arena, (size_t) canvas->stride * image->height, 1);
    if (!canvas->planes[c])
      return false;
    for (int y = 0; y < image->height; y++) {
      const uint8_t *in = image->planes[component->plane]
                          + y * image->strides[component->plane]
                          + component->offset;
      uint8_t *out = canvas->planes[c] + y * canvas->stride;

      for (int x = 0; x < image->width; x++)
        out[x] = in[x * component->step];
    }
  }
  return true;
}

void
sympie_canvas_store (
    const SympieCanvas *canvas, const SympieImage *src, const SympieImage *dst)
{
  const SympieFormatInfo *info = sympie_format_info (dst->format);

  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &info->component[c];

    for (int y = 0; y < dst->height; y++) {
      const uint8_t *in = canvas->planes[c] + y * canvas->stride;
      uint8_t *out = dst->planes[component->plane]
                     + y * dst->strides[component->plane] + component->offset;

      for (int x = 0; x < dst->width; x++)
        out[x * component->step] = in[x];
    }
  }
  if (info->alpha >= 0)
    for (int y = 0; y < dst->height; y++) {
      const uint8_t *in = src->planes[0] + y * src->strides[0] + info->alpha;
      uint8_t *out = dst->planes[0] + y * dst->strides[0] + info->alpha;

      for (int x = 0; x < dst->width; x++)
        out[4 * x] = in[4 * x];
    }
}
