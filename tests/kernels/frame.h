/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Frames for tests: memory of their own with padding that must stay as it is,
 * samples as plain numbers. */

#ifndef SYMPIE_FRAME_H
#define SYMPIE_FRAME_H

#include "image.h"

typedef struct
{
  SympieImage image;
  SympieTarget target; /* the same memory, to be written */
  uint8_t *memory[SYMPIE_MAX_PLANES];
  size_t size[SYMPIE_MAX_PLANES];
} Frame;

/* A frame whose rows are `padding` bytes longer than needed, with random bytes
 * everywhere, but 0 in bits of words that no component has. */
Frame frame_new (SympieFormat format, int width, int height, int padding,
    const SympieColorimetry *colorimetry, uint64_t *seed);
void frame_clear (Frame *frame);

/* The same pixels; `to` keeps its padding. */
void frame_copy (const Frame *from, Frame *to);

/* Whether all that is not a sample, alpha or x byte is equal. */
bool frame_same_padding (const Frame *a, const Frame *b);

/* Whether all pixels are equal, alpha and x bytes too. */
bool frame_same_pixels (const Frame *a, const Frame *b);

/* The code of a sample: component 0..2 in the order R, G, B or Y, U, V, or 3
 * for alpha and padding bytes, in the component's own coordinates and bits. */
int frame_get (const Frame *frame, int component, int x, int y);
void frame_set (Frame *frame, int component, int x, int y, int code);

/* The same in codes of the format's depth, which RGB16 and its like have by
 * repeating their bits. */
int frame_code (const Frame *frame, int component, int x, int y);

#endif /* SYMPIE_FRAME_H */
