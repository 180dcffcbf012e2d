/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the library knows of pixel formats. */

#ifndef SYMPIE_IMAGE_H
#define SYMPIE_IMAGE_H

#include "sympie.h"

/* Where one component lies: its codes are bits of words. Codes that share bytes
 * make up groups instead, each a word of its own of up to 8 bytes. */
typedef struct
{
  uint8_t plane;
  uint8_t offset;       /* bytes from the start of a row to the first word */
  uint8_t step;         /* bytes from one word to the next; 0: see v210 */
  uint8_t sub_x, sub_y; /* log2 of the subsampling */
  uint8_t shift;        /* bits of the word below the code */
  uint8_t bits;         /* of the code; 0: there is no such component */
  uint8_t n;            /* codes in a group, 4 at most; 0: no groups */
  uint8_t shifts[4];    /* of each, in the place of `shift` */
} SympieComponent;

typedef struct
{
  const char *name;
  bool yuv;        /* else RGB */
  bool v210;       /* its words hold three codes each, see packing.c */
  bool big_endian; /* the words */
  uint8_t word;    /* bytes of a word: 1, 2 or 4; 8: of a group at most */
  uint8_t depth;   /* bits of a code, as far as the library is concerned */
  uint8_t n_planes;
  SympieComponent component[4]; /* R, G, B or Y, U, V (gray: Y alone), and alpha
                                   or bytes of padding, which are kept */
} SympieFormatInfo;

const SympieFormatInfo *sympie_format_info (SympieFormat format);

/* Width in samples and height in rows of `component` in an image of that
 * size. */
int sympie_component_width (const SympieComponent *component, int width);
int sympie_component_height (const SympieComponent *component, int height);

/* Columns of pixels that share no bytes and no samples with those before and
 * after: parts of so many, the last part perhaps of fewer, make up a row. */
int sympie_format_period (const SympieFormatInfo *info);

/* Bytes of a row of `plane`, without padding, and rows. */
size_t sympie_format_row_bytes (
    const SympieFormatInfo *info, int plane, int width);
int sympie_format_rows (const SympieFormatInfo *info, int plane, int height);

/* Whether a code has a word for itself, in the machine's byte order, and all
 * the bits that it should have. */
static inline bool
sympie_format_has_own_words (const SympieFormatInfo *info)
{
  return info->word <= 2 && info->component[0].bits == info->depth
         && (info->word == 1 || !info->big_endian);
}

/* RGB in four bytes, one of them alpha or padding. */
static inline bool
sympie_format_is_packed (const SympieFormatInfo *info)
{
  return !info->yuv && info->word == 1 && info->component[3].step == 4;
}

/* The code of component `c`, at most 2, at its sample `x` of a row of its
 * plane: for a look here and there, slower than cpu/packing.h. */
unsigned sympie_format_code (
    const SympieFormatInfo *info, int c, const uint8_t *row, int x);

/* Whether the CUDA backend takes it too: the CPU takes all. */
bool sympie_format_is_on_cuda (SympieFormat format);

/* Take the caller's over; false with a message when the format, size, planes,
 * strides, memory or luma weights are not usable. A target is for what is made
 * of `src`. */
bool sympie_image_take (
    SympieImage *own, const SympieImage *theirs, SympieError *error);
bool sympie_target_take (SympieTarget *own, const SympieTarget *theirs,
    const SympieImage *src, SympieError *error);

/* What lies at the target, to be read. */
SympieImage sympie_target_image (
    const SympieTarget *target, const SympieImage *src);

#endif /* SYMPIE_IMAGE_H */
