/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "frame.h"

#include <string.h>

#include "check.h"

/* The plane's bytes that hold pixels, in a row, and its rows. */
static void
plane_size (const SympieImage *image, int plane, size_t *bytes, int *rows)
{
  const SympieFormatInfo *info = sympie_format_info (image->format);

  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &info->component[c];

    if (component->plane == plane) {
      *bytes = (size_t) component->step
               * sympie_component_width (component, image->width);
      *rows = sympie_component_height (component, image->height);
    }
  }
}

Frame
frame_new (SympieFormat format, int width, int height, int padding,
    const SympieColorimetry *colorimetry, uint64_t *seed)
{
  const SympieFormatInfo *info = sympie_format_info (format);
  Frame frame = { .image = { format, width, height } };

  frame.image.colorimetry = *colorimetry;
  for (int p = 0; p < info->n_planes; p++) {
    size_t bytes = 0;
    int rows = 0;

    plane_size (&frame.image, p, &bytes, &rows);
    /* The last row has no padding, so that a sanitizer sees what overruns. */
    frame.size[p] = (bytes + padding) * rows - padding;
    frame.memory[p] = malloc (frame.size[p]);
    for (size_t i = 0; i < frame.size[p]; i++)
      frame.memory[p][i] = (uint8_t) check_random (seed);
    frame.image.planes[p] = frame.memory[p];
    frame.image.strides[p] = (ptrdiff_t) bytes + padding;
  }
  if (info->depth > 8)
    for (int c = 0; c < 3; c++) {
      const SympieComponent *component = &info->component[c];

      for (int y = 0; y < sympie_component_height (component, height); y++)
        for (int x = 0; x < sympie_component_width (component, width); x++)
          frame_set (&frame, c, x, y, (int) (check_random (seed) & 1023));
    }
  return frame;
}

void
frame_clear (Frame *frame)
{
  for (int p = 0; p < 3; p++)
    free (frame->memory[p]);
}

void
frame_copy (const Frame *from, Frame *to)
{
  const SympieFormatInfo *info = sympie_format_info (from->image.format);

  for (int p = 0; p < info->n_planes; p++) {
    size_t bytes = 0;
    int rows = 0;

    plane_size (&from->image, p, &bytes, &rows);
    for (int y = 0; y < rows; y++)
      memcpy (to->memory[p] + y * to->image.strides[p],
          from->memory[p] + y * from->image.strides[p], bytes);
  }
}

bool
frame_same_padding (const Frame *a, const Frame *b)
{
  const SympieFormatInfo *info = sympie_format_info (a->image.format);

  for (int p = 0; p < info->n_planes; p++) {
    size_t bytes = 0, stride = (size_t) a->image.strides[p];
    int rows = 0;

    plane_size (&a->image, p, &bytes, &rows);
    for (int y = 0; y + 1 < rows; y++)
      if (memcmp (a->memory[p] + y * stride + bytes,
              b->memory[p] + y * stride + bytes, stride - bytes)
          != 0)
        return false;
  }
  return true;
}

bool
frame_same_pixels (const Frame *a, const Frame *b)
{
  const SympieFormatInfo *info = sympie_format_info (a->image.format);

  for (int p = 0; p < info->n_planes; p++) {
    size_t bytes = 0;
    int rows = 0;

    plane_size (&a->image, p, &bytes, &rows);
    for (int y = 0; y < rows; y++)
      if (memcmp (a->memory[p] + y * a->image.strides[p],
              b->memory[p] + y * b->image.strides[p], bytes)
          != 0)
        return false;
  }
  return true;
}

static uint8_t *
sample (const Frame *frame, int c, int x, int y)
{
  const SympieComponent *component =
      &sympie_format_info (frame->image.format)->component[c];

  return frame->memory[component->plane]
         + y * frame->image.strides[component->plane] + x * component->step
         + component->offset;
}

int
frame_get (const Frame *frame, int component, int x, int y)
{
  const SympieFormatInfo *info = sympie_format_info (frame->image.format);
  const uint8_t *at = sample (frame, component, x, y);

  return info->depth > 8 ? (at[0] | at[1] << 8) >> info->shift : at[0];
}

void
frame_set (Frame *frame, int component, int x, int y, int code)
{
  const SympieFormatInfo *info = sympie_format_info (frame->image.format);
  uint8_t *at = sample (frame, component, x, y);

  code <<= info->shift;
  at[0] = (uint8_t) code;
  if (info->depth > 8)
    at[1] = (uint8_t) (code >> 8);
}
