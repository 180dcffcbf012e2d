/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "image.h"

#include <string.h>

#include "error.h"
#include "sized.h"

/* clang-format off */
#define NONE { .bits = 0 }
#define SAMPLE(plane, offset, step, sub_x, sub_y, shift, bits) \
  { plane, offset, step, sub_x, sub_y, shift, bits, 0, { 0 } }
#define GROUP(plane, bytes, sub_x, sub_y, bits, n, ...) \
  { plane, 0, bytes, sub_x, sub_y, 0, bits, n, { __VA_ARGS__ } }
#define BYTE(offset, step) SAMPLE (0, offset, step, 0, 0, 0, 8)

#define RGB_3(name, r, g, b) \
  { name, false, false, false, 1, 8, 1, \
    { BYTE (r, 3), BYTE (g, 3), BYTE (b, 3), NONE } }
#define RGB_4(name, r, g, b, a) \
  { name, false, false, false, 1, 8, 1, \
    { BYTE (r, 4), BYTE (g, 4), BYTE (b, 4), BYTE (a, 4) } }
#define RGB_BITS(name, r, r_bits, g, g_bits, b, b_bits) \
  { name, false, false, false, 2, 8, 1, \
    { SAMPLE (0, 0, 2, 0, 0, r, r_bits), SAMPLE (0, 0, 2, 0, 0, g, g_bits), \
      SAMPLE (0, 0, 2, 0, 0, b, b_bits), NONE } }
/* Three codes of 10 bits and perhaps one of 2 in a word. */
#define TENS(name, yuv, be, r, g, b, a_bits) \
  { name, yuv, false, be, 4, 10, 1, \
    { SAMPLE (0, 0, 4, 0, 0, r, 10), SAMPLE (0, 0, 4, 0, 0, g, 10), \
      SAMPLE (0, 0, 4, 0, 0, b, 10), \
      SAMPLE (0, 0, (a_bits) ? 4 : 0, 0, 0, 30, a_bits) } }

/* A plane each; r, g, b may be Y, U, V. */
#define WORD(depth) ((depth) > 8 ? 2 : 1)
#define PLANES(name, yuv, be, depth, r, g, b, sub_x, sub_y) \
  { name, yuv, false, be, WORD (depth), depth, 3, \
    { SAMPLE (r, 0, WORD (depth), 0, 0, 0, depth), \
      SAMPLE (g, 0, WORD (depth), sub_x, sub_y, 0, depth), \
      SAMPLE (b, 0, WORD (depth), sub_x, sub_y, 0, depth), NONE } }
#define PLANES_A(name, yuv, be, depth, r, g, b, sub_x, sub_y) \
  { name, yuv, false, be, WORD (depth), depth, 4, \
    { SAMPLE (r, 0, WORD (depth), 0, 0, 0, depth), \
      SAMPLE (g, 0, WORD (depth), sub_x, sub_y, 0, depth), \
      SAMPLE (b, 0, WORD (depth), sub_x, sub_y, 0, depth), \
      SAMPLE (3, 0, WORD (depth), 0, 0, 0, depth) } }
/* U and V in pairs; u and v are 0 and 1. */
#define PAIRS(name, be, depth, shift, u, v, sub_x, sub_y) \
  { name, true, false, be, WORD (depth), depth, 2, \
    { SAMPLE (0, 0, WORD (depth), 0, 0, shift, depth), \
      SAMPLE (1, (u) * WORD (depth), 2 * WORD (depth), sub_x, sub_y, shift, \
          depth), \
      SAMPLE (1, (v) * WORD (depth), 2 * WORD (depth), sub_x, sub_y, shift, \
          depth), NONE } }
/* Words of two pixels of 4:2:2: y is the place of the first Y. */
#define PIXEL_PAIRS(name, be, depth, shift, y, u, v) \
  { name, true, false, be, WORD (depth), depth, 1, \
    { SAMPLE (0, (y) * WORD (depth), 2 * WORD (depth), 0, 0, shift, depth), \
      SAMPLE (0, (u) * WORD (depth), 4 * WORD (depth), 1, 0, shift, depth), \
      SAMPLE (0, (v) * WORD (depth), 4 * WORD (depth), 1, 0, shift, depth), \
      NONE } }
#define YUV_3(name, y, u, v) \
  { name, true, false, false, 1, 8, 1, \
    { BYTE (y, 3), BYTE (u, 3), BYTE (v, 3), NONE } }
#define YUV_4(name, be, depth, shift, y, u, v, a) \
  { name, true, false, be, WORD (depth), depth, 1, \
    { SAMPLE (0, (y) * WORD (depth), 4 * WORD (depth), 0, 0, shift, depth), \
      SAMPLE (0, (u) * WORD (depth), 4 * WORD (depth), 0, 0, shift, depth), \
      SAMPLE (0, (v) * WORD (depth), 4 * WORD (depth), 0, 0, shift, depth), \
      SAMPLE (0, (a) * WORD (depth), 4 * WORD (depth), 0, 0, shift, depth) } }

/* Three codes in each word of 32 bits, U and V in turn. */
#define WORD_TENS(name, sub_y) \
  { name, true, false, false, 8, 10, 2, \
    { GROUP (0, 4, 0, 0, 10, 3, 0, 10, 20), \
      GROUP (1, 8, 1, sub_y, 10, 3, 0, 20, 42), \
      GROUP (1, 8, 1, sub_y, 10, 3, 10, 32, 52), NONE } }

static const SympieFormatInfo formats[SYMPIE_N_FORMATS] = {
  [SYMPIE_FORMAT_RGB] = RGB_3 ("RGB", 0, 1, 2),
  [SYMPIE_FORMAT_BGR] = RGB_3 ("BGR", 2, 1, 0),
  [SYMPIE_FORMAT_RGBX] = RGB_4 ("RGBx", 0, 1, 2, 3),
  [SYMPIE_FORMAT_BGRX] = RGB_4 ("BGRx", 2, 1, 0, 3),
  [SYMPIE_FORMAT_XRGB] = RGB_4 ("xRGB", 1, 2, 3, 0),
  [SYMPIE_FORMAT_XBGR] = RGB_4 ("xBGR", 3, 2, 1, 0),
  [SYMPIE_FORMAT_RGBA] = RGB_4 ("RGBA", 0, 1, 2, 3),
  [SYMPIE_FORMAT_BGRA] = RGB_4 ("BGRA", 2, 1, 0, 3),
  [SYMPIE_FORMAT_ARGB] = RGB_4 ("ARGB", 1, 2, 3, 0),
  [SYMPIE_FORMAT_ABGR] = RGB_4 ("ABGR", 3, 2, 1, 0),
  [SYMPIE_FORMAT_GBR] = PLANES ("GBR", false, false, 8, 2, 0, 1, 0, 0),
  [SYMPIE_FORMAT_I420] = PLANES ("I420", true, false, 8, 0, 1, 2, 1, 1),
  [SYMPIE_FORMAT_YV12] = PLANES ("YV12", true, false, 8, 0, 2, 1, 1, 1),
  [SYMPIE_FORMAT_NV12] = PAIRS ("NV12", false, 8, 0, 0, 1, 1, 1),
  [SYMPIE_FORMAT_NV21] = PAIRS ("NV21", false, 8, 0, 1, 0, 1, 1),
  [SYMPIE_FORMAT_Y42B] = PLANES ("Y42B", true, false, 8, 0, 1, 2, 1, 0),
  [SYMPIE_FORMAT_Y444] = PLANES ("Y444", true, false, 8, 0, 1, 2, 0, 0),
  [SYMPIE_FORMAT_I420_10LE] =
      PLANES ("I420_10LE", true, false, 10, 0, 1, 2, 1, 1),
  [SYMPIE_FORMAT_P010_10LE] = PAIRS ("P010_10LE", false, 10, 6, 0, 1, 1, 1),

  [SYMPIE_FORMAT_GBRA] = PLANES_A ("GBRA", false, false, 8, 2, 0, 1, 0, 0),
  [SYMPIE_FORMAT_RGBP] = PLANES ("RGBP", false, false, 8, 0, 1, 2, 0, 0),
  [SYMPIE_FORMAT_BGRP] = PLANES ("BGRP", false, false, 8, 2, 1, 0, 0, 0),
  [SYMPIE_FORMAT_RGB16] = RGB_BITS ("RGB16", 11, 5, 5, 6, 0, 5),
  [SYMPIE_FORMAT_BGR16] = RGB_BITS ("BGR16", 0, 5, 5, 6, 11, 5),
  [SYMPIE_FORMAT_RGB15] = RGB_BITS ("RGB15", 10, 5, 5, 5, 0, 5),
  [SYMPIE_FORMAT_BGR15] = RGB_BITS ("BGR15", 0, 5, 5, 5, 10, 5),
  [SYMPIE_FORMAT_GBR_10LE] =
      PLANES ("GBR_10LE", false, false, 10, 2, 0, 1, 0, 0),
  [SYMPIE_FORMAT_GBR_10BE] =
      PLANES ("GBR_10BE", false, true, 10, 2, 0, 1, 0, 0),
  [SYMPIE_FORMAT_GBR_12LE] =
      PLANES ("GBR_12LE", false, false, 12, 2, 0, 1, 0, 0),
  [SYMPIE_FORMAT_GBR_12BE] =
      PLANES ("GBR_12BE", false, true, 12, 2, 0, 1, 0, 0),
  [SYMPIE_FORMAT_GBRA_10LE] =
      PLANES_A ("GBRA_10LE", false, false, 10, 2, 0, 1, 0, 0),
  [SYMPIE_FORMAT_GBRA_10BE] =
      PLANES_A ("GBRA_10BE", false, true, 10, 2, 0, 1, 0, 0),
  [SYMPIE_FORMAT_GBRA_12LE] =
      PLANES_A ("GBRA_12LE", false, false, 12, 2, 0, 1, 0, 0),
  [SYMPIE_FORMAT_GBRA_12BE] =
      PLANES_A ("GBRA_12BE", false, true, 12, 2, 0, 1, 0, 0),
  [SYMPIE_FORMAT_RGB10A2_LE] = TENS ("RGB10A2_LE", false, false, 0, 10, 20, 2),
  [SYMPIE_FORMAT_BGR10A2_LE] = TENS ("BGR10A2_LE", false, false, 20, 10, 0, 2),
  [SYMPIE_FORMAT_R210] = TENS ("r210", false, true, 20, 10, 0, 0),

  [SYMPIE_FORMAT_GRAY8] = { "GRAY8", true, false, false, 1, 8, 1,
    { BYTE (0, 1), NONE, NONE, NONE } },
  [SYMPIE_FORMAT_A420] = PLANES_A ("A420", true, false, 8, 0, 1, 2, 1, 1),
  [SYMPIE_FORMAT_AV12] = { "AV12", true, false, false, 1, 8, 3,
    { BYTE (0, 1), SAMPLE (1, 0, 2, 1, 1, 0, 8), SAMPLE (1, 1, 2, 1, 1, 0, 8),
      SAMPLE (2, 0, 1, 0, 0, 0, 8) } },
  [SYMPIE_FORMAT_Y41B] = PLANES ("Y41B", true, false, 8, 0, 1, 2, 2, 0),
  [SYMPIE_FORMAT_NV16] = PAIRS ("NV16", false, 8, 0, 0, 1, 1, 0),
  [SYMPIE_FORMAT_NV61] = PAIRS ("NV61", false, 8, 0, 1, 0, 1, 0),
  [SYMPIE_FORMAT_NV24] = PAIRS ("NV24", false, 8, 0, 0, 1, 0, 0),
  [SYMPIE_FORMAT_YUY2] = PIXEL_PAIRS ("YUY2", false, 8, 0, 0, 1, 3),
  [SYMPIE_FORMAT_UYVY] = PIXEL_PAIRS ("UYVY", false, 8, 0, 1, 0, 2),
  [SYMPIE_FORMAT_YVYU] = PIXEL_PAIRS ("YVYU", false, 8, 0, 0, 3, 1),
  [SYMPIE_FORMAT_VYUY] = PIXEL_PAIRS ("VYUY", false, 8, 0, 1, 2, 0),
  [SYMPIE_FORMAT_AYUV] = YUV_4 ("AYUV", false, 8, 0, 1, 2, 3, 0),
  [SYMPIE_FORMAT_VUYA] = YUV_4 ("VUYA", false, 8, 0, 2, 1, 0, 3),
  [SYMPIE_FORMAT_V308] = YUV_3 ("v308", 0, 1, 2),
  [SYMPIE_FORMAT_IYU2] = YUV_3 ("IYU2", 1, 0, 2),
  [SYMPIE_FORMAT_I420_10BE] =
      PLANES ("I420_10BE", true, true, 10, 0, 1, 2, 1, 1),
  [SYMPIE_FORMAT_I420_12LE] =
      PLANES ("I420_12LE", true, false, 12, 0, 1, 2, 1, 1),
  [SYMPIE_FORMAT_I420_12BE] =
      PLANES ("I420_12BE", true, true, 12, 0, 1, 2, 1, 1),
  [SYMPIE_FORMAT_I422_10LE] =
      PLANES ("I422_10LE", true, false, 10, 0, 1, 2, 1, 0),
  [SYMPIE_FORMAT_I422_10BE] =
      PLANES ("I422_10BE", true, true, 10, 0, 1, 2, 1, 0),
  [SYMPIE_FORMAT_I422_12LE] =
      PLANES ("I422_12LE", true, false, 12, 0, 1, 2, 1, 0),
  [SYMPIE_FORMAT_I422_12BE] =
      PLANES ("I422_12BE", true, true, 12, 0, 1, 2, 1, 0),
  [SYMPIE_FORMAT_Y444_10LE] =
      PLANES ("Y444_10LE", true, false, 10, 0, 1, 2, 0, 0),
  [SYMPIE_FORMAT_Y444_10BE] =
      PLANES ("Y444_10BE", true, true, 10, 0, 1, 2, 0, 0),
  [SYMPIE_FORMAT_Y444_12LE] =
      PLANES ("Y444_12LE", true, false, 12, 0, 1, 2, 0, 0),
  [SYMPIE_FORMAT_Y444_12BE] =
      PLANES ("Y444_12BE", true, true, 12, 0, 1, 2, 0, 0),
  [SYMPIE_FORMAT_A420_10LE] =
      PLANES_A ("A420_10LE", true, false, 10, 0, 1, 2, 1, 1),
  [SYMPIE_FORMAT_A420_10BE] =
      PLANES_A ("A420_10BE", true, true, 10, 0, 1, 2, 1, 1),
  [SYMPIE_FORMAT_A422_10LE] =
      PLANES_A ("A422_10LE", true, false, 10, 0, 1, 2, 1, 0),
  [SYMPIE_FORMAT_A422_10BE] =
      PLANES_A ("A422_10BE", true, true, 10, 0, 1, 2, 1, 0),
  [SYMPIE_FORMAT_A444_10LE] =
      PLANES_A ("A444_10LE", true, false, 10, 0, 1, 2, 0, 0),
  [SYMPIE_FORMAT_A444_10BE] =
      PLANES_A ("A444_10BE", true, true, 10, 0, 1, 2, 0, 0),
  [SYMPIE_FORMAT_P010_10BE] = PAIRS ("P010_10BE", true, 10, 6, 0, 1, 1, 1),
  [SYMPIE_FORMAT_P012_LE] = PAIRS ("P012_LE", false, 12, 4, 0, 1, 1, 1),
  [SYMPIE_FORMAT_P012_BE] = PAIRS ("P012_BE", true, 12, 4, 0, 1, 1, 1),
  [SYMPIE_FORMAT_Y210] = PIXEL_PAIRS ("Y210", false, 10, 6, 0, 1, 3),
  [SYMPIE_FORMAT_Y212_LE] = PIXEL_PAIRS ("Y212_LE", false, 12, 4, 0, 1, 3),
  [SYMPIE_FORMAT_Y212_BE] = PIXEL_PAIRS ("Y212_BE", true, 12, 4, 0, 1, 3),
  [SYMPIE_FORMAT_Y410] = TENS ("Y410", true, false, 10, 0, 20, 2),
  [SYMPIE_FORMAT_Y412_LE] = YUV_4 ("Y412_LE", false, 12, 4, 1, 0, 2, 3),
  [SYMPIE_FORMAT_Y412_BE] = YUV_4 ("Y412_BE", true, 12, 4, 1, 0, 2, 3),
  [SYMPIE_FORMAT_V210] = { "v210", true, true, false, 4, 10, 1,
    { SAMPLE (0, 0, 0, 0, 0, 0, 10), SAMPLE (0, 0, 0, 1, 0, 0, 10),
      SAMPLE (0, 0, 0, 1, 0, 0, 10), NONE } },

  [SYMPIE_FORMAT_YUV9] = PLANES ("YUV9", true, false, 8, 0, 1, 2, 2, 2),
  [SYMPIE_FORMAT_YVU9] = PLANES ("YVU9", true, false, 8, 0, 2, 1, 2, 2),
  [SYMPIE_FORMAT_IYU1] = { "IYU1", true, false, false, 8, 8, 1,
    { GROUP (0, 6, 0, 0, 8, 4, 8, 16, 32, 40), GROUP (0, 6, 2, 0, 8, 1, 0),
      GROUP (0, 6, 2, 0, 8, 1, 24), NONE } },
  [SYMPIE_FORMAT_UYVP] = { "UYVP", true, false, true, 8, 10, 1,
    { GROUP (0, 5, 0, 0, 10, 2, 20, 0), GROUP (0, 5, 1, 0, 10, 1, 30),
      GROUP (0, 5, 1, 0, 10, 1, 10), NONE } },
  [SYMPIE_FORMAT_GRAY10_LE32] = { "GRAY10_LE32", true, false, false, 8, 10, 1,
    { GROUP (0, 4, 0, 0, 10, 3, 0, 10, 20), NONE, NONE, NONE } },
  [SYMPIE_FORMAT_NV12_10LE32] = WORD_TENS ("NV12_10LE32", 1),
  [SYMPIE_FORMAT_NV16_10LE32] = WORD_TENS ("NV16_10LE32", 0),
  [SYMPIE_FORMAT_NV12_10LE40] = { "NV12_10LE40", true, false, false, 8, 10, 2,
    { GROUP (0, 5, 0, 0, 10, 4, 0, 10, 20, 30),
      GROUP (1, 5, 1, 1, 10, 2, 0, 20), GROUP (1, 5, 1, 1, 10, 2, 10, 30),
      NONE } },

  [SYMPIE_FORMAT_A422] = PLANES_A ("A422", true, false, 8, 0, 1, 2, 1, 0),
  [SYMPIE_FORMAT_A444] = PLANES_A ("A444", true, false, 8, 0, 1, 2, 0, 0),
  [SYMPIE_FORMAT_A420_12LE] =
      PLANES_A ("A420_12LE", true, false, 12, 0, 1, 2, 1, 1),
  [SYMPIE_FORMAT_A420_12BE] =
      PLANES_A ("A420_12BE", true, true, 12, 0, 1, 2, 1, 1),
  [SYMPIE_FORMAT_A422_12LE] =
      PLANES_A ("A422_12LE", true, false, 12, 0, 1, 2, 1, 0),
  [SYMPIE_FORMAT_A422_12BE] =
      PLANES_A ("A422_12BE", true, true, 12, 0, 1, 2, 1, 0),
  [SYMPIE_FORMAT_A444_12LE] =
      PLANES_A ("A444_12LE", true, false, 12, 0, 1, 2, 0, 0),
  [SYMPIE_FORMAT_A444_12BE] =
      PLANES_A ("A444_12BE", true, true, 12, 0, 1, 2, 0, 0),
  [SYMPIE_FORMAT_RBGA] = RGB_4 ("RBGA", 0, 2, 1, 3),
  [SYMPIE_FORMAT_GRAY10_LE16] = { "GRAY10_LE16", true, false, false, 2, 10, 1,
    { SAMPLE (0, 0, 2, 0, 0, 0, 10), NONE, NONE, NONE } },
};
/* clang-format on */

const SympieFormatInfo *
sympie_format_info (SympieFormat format)
{
  return &formats[format];
}

bool
sympie_format_from_name (const char *name, SympieFormat *format)
{
  for (int i = 0; i < SYMPIE_N_FORMATS; i++)
    if (strcmp (formats[i].name, name) == 0) {
      *format = (SympieFormat) i;
      return true;
    }
  return false;
}

bool
sympie_format_is_on_cuda (SympieFormat format)
{
  return format <= SYMPIE_FORMAT_P010_10LE;
}

/* Codes of a component that share a word. */
static int
group_size (const SympieComponent *component)
{
  return component->n ? component->n : 1;
}

unsigned
sympie_format_code (
    const SympieFormatInfo *info, int c, const uint8_t *row, int x)
{
  /* Four words of v210, three codes each from the low bits up, as numbers of
   * codes: luma, then U, then V (see packing.c). */
  static const uint8_t v210[3][6] = { { 1, 3, 5, 7, 9, 11 }, { 0, 4, 8 },
    { 2, 6, 10 } };
  const SympieComponent *component = &info->component[c];
  int group = group_size (component);
  const uint8_t *at = row + component->offset + x / group * component->step;
  int bits = component->bits, shift = component->shift, left;
  int bytes = component->n ? component->step : info->word;
  uint64_t word = 0;
  unsigned code;

  /* A row may end with the code. */
  if (component->n) {
    shift = component->shifts[x % group];
    if (!info->big_endian)
      bytes = (shift + bits + 7) / 8;
  }
  if (info->v210) {
    int n = c == 0 ? 6 : 3, number = v210[c][x % n];

    at = row + x / n * 16 + number / 3 * 4;
    shift = number % 3 * 10;
  }
  for (int i = 0; i < bytes; i++)
    word = word << 8 | at[info->big_endian ? i : bytes - 1 - i];
  code = (unsigned) (word >> shift) & ((1u << bits) - 1);
  left = info->depth - bits;
  return code << left | code >> (bits - left);
}

static int
subsampled (int size, int log2)
{
  return (size + (1 << log2) - 1) >> log2;
}

int
sympie_component_width (const SympieComponent *component, int width)
{
  return subsampled (width, component->sub_x);
}

int
sympie_component_height (const SympieComponent *component, int height)
{
  return subsampled (height, component->sub_y);
}

int
sympie_format_period (const SympieFormatInfo *info)
{
  int period = info->v210 ? 6 : 1;

  /* 1, 2, 3, 4 or 6, each time a multiple of what was before. */
  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &info->component[c];
    int pixels = group_size (component) << component->sub_x;

    period = pixels > period ? pixels : period;
  }
  return period;
}

size_t
sympie_format_row_bytes (const SympieFormatInfo *info, int plane, int width)
{
  size_t bytes = 0;

  if (info->v210)
    return (size_t) (width + 5) / 6 * 16;
  for (int c = 0; c < 4; c++) {
    const SympieComponent *component = &info->component[c];
    int n = sympie_component_width (component, width);
    int group = group_size (component);
    size_t row = (size_t) component->step * ((n + group - 1) / group);

    /* A last pair needs the first of two words only. */
    if (component->n && component->step == 8 && n % group == 1)
      row -= 4;

    if (component->bits && component->plane == plane && row > bytes)
      bytes = row;
  }
  return bytes;
}

int
sympie_format_rows (const SympieFormatInfo *info, int plane, int height)
{
  int c = 0;

  while (!info->component[c].bits || info->component[c].plane != plane)
    c++;
  return sympie_component_height (&info->component[c], height);
}

static bool
check_place (const SympieImage *image, SympieError *error)
{
  const SympieFormatInfo *info = sympie_format_info (image->format);

  if ((unsigned) image->memory > SYMPIE_MEMORY_CUDA)
    return sympie_fail (error, SYMPIE_ERROR_INVALID,
        "%s image in unknown memory %d", info->name, (int) image->memory);
  for (int p = 0; p < info->n_planes; p++) {
    ptrdiff_t row = (ptrdiff_t) sympie_format_row_bytes (info, p, image->width);

    if (!image->planes[p])
      return sympie_fail (error, SYMPIE_ERROR_INVALID,
          "%s image without plane %d", info->name, p);
    if (image->strides[p] < row)
      return sympie_fail (error, SYMPIE_ERROR_INVALID,
          "%s image with a stride of %td bytes in plane %d, fewer than the %td "
          "of its row",
          info->name, image->strides[p], p, row);
  }
  return true;
}

bool
sympie_image_take (
    SympieImage *own, const SympieImage *theirs, SympieError *error)
{
  const SympieFormatInfo *info;

  if (!SYMPIE_TAKE (SympieImage, own, theirs, colorimetry, error))
    return false;
  if ((unsigned) own->format >= SYMPIE_N_FORMATS)
    return sympie_fail (error, SYMPIE_ERROR_INVALID, "unknown pixel format %d",
        (int) own->format);
  if (own->width < 1 || own->width > SYMPIE_MAX_SIZE || own->height < 1
      || own->height > SYMPIE_MAX_SIZE)
    return sympie_fail (error, SYMPIE_ERROR_INVALID,
        "image of %dx%d pixels, not 1 to %d each way", own->width, own->height,
        SYMPIE_MAX_SIZE);
  if (!check_place (own, error))
    return false;

  info = sympie_format_info (own->format);
  if (info->yuv) {
    float kr = own->colorimetry.kr, kb = own->colorimetry.kb;

    /* Written so that NaN fails too. Green has more than half in every
     * standard; with less than two fifths DWM's 16 bits overflow. */
    if (!(kr > 0 && kb > 0 && kr + kb <= 0.6f))
      return sympie_fail (error, SYMPIE_ERROR_INVALID,
          "%s image with luma weights of %g for red and %g for blue",
          info->name, kr, kb);
  }
  return true;
}

bool
sympie_target_take (SympieTarget *own, const SympieTarget *theirs,
    const SympieImage *src, SympieError *error)
{
  SympieImage image;

  if (!SYMPIE_TAKE (SympieTarget, own, theirs, memory, error))
    return false;
  image = sympie_target_image (own, src);
  return check_place (&image, error);
}

SympieImage
sympie_target_image (const SympieTarget *target, const SympieImage *src)
{
  SympieImage image = *src;

  for (int p = 0; p < SYMPIE_MAX_PLANES; p++) {
    image.planes[p] = target->planes[p];
    image.strides[p] = target->strides[p];
  }
  image.memory = target->memory;
  return image;
}

/* Bytes from the start of a row to the word of a column, where one begins. */
static ptrdiff_t
column_offset (const SympieFormatInfo *info, int c, int x)
{
  const SympieComponent *component = &info->component[c];
  int group = group_size (component);

  if (info->v210)
    return (ptrdiff_t) (x / 6) * 16;
  return (ptrdiff_t) ((x >> component->sub_x) / group) * component->step;
}

bool
sympie_image_crop (
    SympieImage *image, int x, int y, int width, int height, SympieError *error)
{
  SympieImage own;
  const SympieFormatInfo *info;
  int64_t right = (int64_t) x + width, bottom = (int64_t) y + height;
  int left = x < 0 ? 0 : x, top = y < 0 ? 0 : y;

  if (!sympie_image_take (&own, image, error))
    return false;
  info = sympie_format_info (own.format);
  right = right < own.width ? right : own.width;
  bottom = bottom < own.height ? bottom : own.height;
  if (right <= left || bottom <= top)
    return sympie_fail (error, SYMPIE_ERROR_INVALID,
        "nothing at %d, %d, %dx%d, of an image of %dx%d", x, y, width, height,
        own.width, own.height);

  for (int c = 0; c < 4; c++)
    if (info->component[c].bits)
      top &= ~((1 << info->component[c].sub_y) - 1);
  left -= left % sympie_format_period (info);
  for (int c = 0; c < 4; c++) {
    const SympieComponent *component = &info->component[c];
    int p = component->plane;

    if (component->bits)
      image->planes[p] = own.planes[p] + column_offset (info, c, left)
                         + (top >> component->sub_y) * own.strides[p];
  }
  image->width = (int) right - left;
  image->height = (int) bottom - top;
  return true;
}
