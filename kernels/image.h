/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the library knows of pixel formats. */

#ifndef SYMPIE_IMAGE_H
#define SYMPIE_IMAGE_H

#include "sympie.h"

/* Where one component (R, G, B or Y, U, V) lies. */
typedef struct
{
  uint8_t plane;
  uint8_t offset;       /* bytes from the start of the pixel */
  uint8_t step;         /* bytes from one sample to the next */
  uint8_t sub_x, sub_y; /* log2 of the subsampling */
} SympieComponent;

typedef struct
{
  const char *name;
  bool yuv;
  uint8_t n_planes;
  uint8_t depth; /* bits of a sample that count */
  uint8_t shift; /* bits below them: P010 keeps its 10 bits on top */
  int8_t alpha;  /* byte offset of alpha or padding in a 4-byte pixel, or -1 */
  SympieComponent component[3];
} SympieFormatInfo;

const SympieFormatInfo *sympie_format_info (SympieFormat format);

/* Width in samples and height in rows of `component` in an image of that
 * size. */
int sympie_component_width (const SympieComponent *component, int width);
int sympie_component_height (const SympieComponent *component, int height);

/* False with a message when the format, size, planes, strides or luma weights
 * are not usable. */
bool sympie_image_check (const SympieImage *image, char **error);

#endif /* SYMPIE_IMAGE_H */
