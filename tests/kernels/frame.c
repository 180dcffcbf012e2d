/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "frame.h"

#include <string.h>

#include "check.h"

/* Where v210 has its codes: word and field of the group, luma then U then V. */
static const uint8_t v210[3][6][2] = {
  { { 0, 1 }, { 1, 0 }, { 1, 2 }, { 2, 1 }, { 3, 0 }, { 3, 2 } },
  { { 0, 0 }, { 1, 1 }, { 2, 2 } },
  { { 0, 2 }, { 2, 0 }, { 3, 1 } },
};

typedef struct
{
  uint8_t *at; /* the word */
  int bytes, shift;
  uint64_t unused; /* bits of the word that nobody has */
} Place;

static Place
find (const Frame *frame, int c, int x, int y)
{
  const SympieFormatInfo *info = sympie_format_info (frame->image.format);
  const SympieComponent *component = &info->component[c];
  uint8_t *row = frame->memory[component->plane]
                 + y * frame->image.strides[component->plane];

  if (info->v210) {
    int n = c == 0 ? 6 : 3;
    const uint8_t *place = v210[c][x % n];

    return (Place){ row + x / n * 16 + 4 * place[0], 4, 10 * place[1],
      0xc0000000u };
  } else if (component->n) {
    Place place = { row + x / component->n * component->step, component->step,
      component->shifts[x % component->n], 0 };

    if (component->step % 4 == 0)
      place.unused = 0xc0000000c0000000u;
    if (component->step == 8) { /* two words; a last pair has but one */
      place.at += place.shift / 32 * 4;
      place.bytes = 4;
      place.shift %= 32;
    }
    return place;
  } else {
    Place place = { row + component->offset + x * component->step, info->word,
      component->shift, ~0u };

    for (int i = 0; i < 4; i++)
      if (i == c
          || (info->component[i].plane == component->plane
              && info->component[i].offset == component->offset
              && info->component[i].bits))
        place.unused &= ~(
            ((1u << info->component[i].bits) - 1) << info->component[i].shift);
    return place;
  }
}

static uint64_t
read_word (const SympieFormatInfo *info, const Place *place)
{
  uint64_t word = 0;

  for (int i = 0; i < place->bytes; i++)
    word |= (uint64_t) place->at[i]
            << 8 * (info->big_endian ? place->bytes - 1 - i : i);
  return word;
}

int
frame_get (const Frame *frame, int component, int x, int y)
{
  const SympieFormatInfo *info = sympie_format_info (frame->image.format);
  Place place = find (frame, component, x, y);

  return (int) (read_word (info, &place) >> place.shift
                & ((1u << info->component[component].bits) - 1));
}

void
frame_set (Frame *frame, int component, int x, int y, int code)
{
  const SympieFormatInfo *info = sympie_format_info (frame->image.format);
  Place place = find (frame, component, x, y);
  uint64_t mask = (1u << info->component[component].bits) - 1;
  uint64_t word = read_word (info, &place) & ~place.unused;

  word &= ~(mask << place.shift);
  word |= (uint64_t) code << place.shift;
  for (int i = 0; i < place.bytes; i++)
    place.at[i] =
        (uint8_t) (word >> 8 * (info->big_endian ? place.bytes - 1 - i : i));
}

int
frame_code (const Frame *frame, int component, int x, int y)
{
  const SympieFormatInfo *info = sympie_format_info (frame->image.format);
  int bits = info->component[component].bits, left = info->depth - bits;
  int code = frame_get (frame, component, x, y);

  return component == 3 ? code : code << left | code >> (bits - left);
}

/* For each sample of the format. */
#define EACH_SAMPLE(image, c, x, y)                                            \
  for (int c = 0; c < 4; c++)                                                  \
    for (int y = 0, h_##c = frame_rows (image, c); y < h_##c; y++)             \
      for (int x = 0, w_##c = frame_columns (image, c); x < w_##c; x++)

static int
frame_rows (const SympieImage *image, int c)
{
  const SympieComponent *component =
      &sympie_format_info (image->format)->component[c];

  return component->bits ? sympie_component_height (component, image->height)
                         : 0;
}

static int
frame_columns (const SympieImage *image, int c)
{
  return sympie_component_width (
      &sympie_format_info (image->format)->component[c], image->width);
}

Frame
frame_new (SympieFormat format, int width, int height, int padding,
    const SympieColorimetry *colorimetry, uint64_t *seed)
{
  const SympieFormatInfo *info = sympie_format_info (format);
  Frame frame = { .image = SYMPIE_IMAGE_INIT, .target = SYMPIE_TARGET_INIT };

  frame.image.format = format;
  frame.image.width = width;
  frame.image.height = height;
  frame.image.colorimetry = *colorimetry;
  for (int p = 0; p < info->n_planes; p++) {
    size_t bytes = sympie_format_row_bytes (info, p, width);
    int rows = sympie_format_rows (info, p, height);

    /* The last row has no padding, so that a sanitizer sees what overruns. */
    frame.size[p] = (bytes + padding) * rows - padding;
    frame.memory[p] = malloc (frame.size[p]);
    for (size_t i = 0; i < frame.size[p]; i++)
      frame.memory[p][i] = (uint8_t) check_random (seed);
    frame.image.planes[p] = frame.target.planes[p] = frame.memory[p];
    frame.image.strides[p] = frame.target.strides[p] =
        (ptrdiff_t) bytes + padding;
  }
  if (info->word > 1)
    EACH_SAMPLE (&frame.image, c, x, y)
  frame_set (&frame, c, x, y,
      (int) (check_random (seed) & ((1u << info->component[c].bits) - 1)));
  return frame;
}

void
frame_clear (Frame *frame)
{
  for (int p = 0; p < 4; p++)
    free (frame->memory[p]);
}

void
frame_copy (const Frame *from, Frame *to)
{
  EACH_SAMPLE (&from->image, c, x, y)
  frame_set (to, c, x, y, frame_get (from, c, x, y));
}

bool
frame_same_padding (const Frame *a, const Frame *b)
{
  const SympieFormatInfo *info = sympie_format_info (a->image.format);
  Frame left = *a, right = *b;
  bool same = true;

  for (int p = 0; p < info->n_planes; p++) {
    left.memory[p] = malloc (a->size[p]);
    right.memory[p] = malloc (b->size[p]);
    memcpy (left.memory[p], a->memory[p], a->size[p]);
    memcpy (right.memory[p], b->memory[p], b->size[p]);
  }
  EACH_SAMPLE (&a->image, c, x, y)
  {
    frame_set (&left, c, x, y, 0);
    frame_set (&right, c, x, y, 0);
  }
  for (int p = 0; p < info->n_planes; p++)
    same &= memcmp (left.memory[p], right.memory[p], a->size[p]) == 0;
  frame_clear (&left);
  frame_clear (&right);
  return same;
}

/* Unused bits too. */
bool
frame_same_pixels (const Frame *a, const Frame *b)
{
  const SympieFormatInfo *info = sympie_format_info (a->image.format);

  EACH_SAMPLE (&a->image, c, x, y)
  {
    bool shares = info->v210 || info->component[c].n; /* with padding */

    if (shares ? frame_get (a, c, x, y) != frame_get (b, c, x, y)
               : memcmp (find (a, c, x, y).at, find (b, c, x, y).at, info->word)
                     != 0)
      return false;
  }
  return true;
}
