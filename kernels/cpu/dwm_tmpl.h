/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The parts of DWM that a compiler vectorises well: rows from and to every
 * format, and the filter in double. Compiled once per instruction set, with the
 * same results: integers, and doubles without contraction.
 */

#include <endian.h>
#include <string.h>

#include "dwm_functions.h"

#define INLINE static inline __attribute__ ((always_inline))

enum
{
  TILE = 128, /* columns whose sums are kept at a time: they fit the L1 cache */
};

INLINE int
clamp (int value, int low, int high)
{
  return value < low ? low : value > high ? high : value;
}

/* Row i of a channel of a pair. */
INLINE int16_t *
row_of (const SympieDwmPlan *plan, const int16_t *pair, int channel, int i)
{
  return (int16_t *) pair + (2 * channel + i) * plan->pitch + SYMPIE_DWM_LEFT;
}

/* ---- Loading ----------------------------------------------------------- */

INLINE void
load_bytes (int16_t *restrict dst, const uint8_t *restrict src, int step, int n)
{
  for (int x = 0; x < n; x++)
    dst[x] = (int16_t) ((src[step * x] << 8) + INT16_MIN);
}

INLINE void
raise_codes (
    int16_t *restrict dst, const uint16_t *restrict codes, int up, int n)
{
  for (int x = 0; x < n; x++)
    dst[x] = (int16_t) ((codes[x] << up) + INT16_MIN);
}

static void
load_rgb (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int y,
    int16_t *const dst[3])
{
  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &plan->info->component[c];
    const uint8_t *row = plan->src.planes[component->plane]
                         + y * plan->src.strides[component->plane];

    if (plan->info->word > 1) {
      plan->packing->unpack (
          plan->info, c, row, plan->width, scratch->codes[c]);
      raise_codes (dst[c], scratch->codes[c], plan->up, plan->width);
      continue;
    }
    row += component->offset;
    switch (component->step) {
    case 1:
      load_bytes (dst[c], row, 1, plan->width);
      break;
    case 3:
      load_bytes (dst[c], row, 3, plan->width);
      break;
    default:
      load_bytes (dst[c], row, 4, plan->width);
      break;
    }
  }
}

/* Row `y` of a component of YUV, in its own rows, as bytes or words that are
 * *step bytes apart: where it lies, or unpacked in the room that is given. */
INLINE const uint8_t *
yuv_row (const SympieDwmPlan *plan, int c, int y, uint16_t *room, int *step)
{
  const SympieComponent *component = &plan->info->component[c];
  const uint8_t *row = plan->src.planes[component->plane]
                       + y * plan->src.strides[component->plane];

  if (plan->direct) {
    *step = component->step;
    return row + component->offset;
  }
  plan->packing->unpack (plan->info, c, row, plan->width, room);
  *step = sizeof *room;
  return (const uint8_t *) room;
}

/* The code of a sample of `bytes` bytes. */
INLINE int
code_at (const uint8_t *src, int bytes, int shift, int max)
{
  uint16_t word;

  if (bytes == 1)
    return *src;
  memcpy (&word, src, sizeof word);
  word = (uint16_t) (word >> shift);
  return word > max ? max : word;
}

/* Four times a row of chroma at a luma row: `near` weighs 4 - weight and `far`
 * weight. */
INLINE void
blend_chroma (int16_t *restrict dst, const uint8_t *restrict near,
    const uint8_t *restrict far, int weight, int bytes, int step, int shift,
    int max, int n)
{
  if (weight == 0) {
    for (int x = 0; x < n; x++)
      dst[x] = (int16_t) (4 * code_at (near + step * x, bytes, shift, max));
    return;
  }
  for (int x = 0; x < n; x++)
    dst[x] =
        (int16_t) ((4 - weight) * code_at (near + step * x, bytes, shift, max)
                   + weight * code_at (far + step * x, bytes, shift, max));
}

/* Eight times a row of chroma of 4:1:0: `far` weighs eighths. */
static void
blend_chroma_in_eighths (int16_t *restrict dst, const uint8_t *restrict near,
    const uint8_t *restrict far, int weight, int n)
{
  for (int x = 0; x < n; x++)
    dst[x] = (int16_t) ((8 - weight) * near[x] + weight * far[x]);
}

/* Sixteen times the code at every pixel, from four times the code, or eight
 * times (`more` 1) where there is a sample for four pixels. */
static void
widen_chroma (const int16_t *restrict narrow, int16_t *restrict wide, int sub_x,
    bool left, int more, int n)
{
  if (sub_x == 0) {
    for (int x = 0; x < n; x++)
      wide[x] = (int16_t) (4 * narrow[x]);
  } else if (sub_x == 1 && left) {
    for (int x = 0; x < n; x++) {
      wide[2 * x] = (int16_t) (4 * narrow[x]);
      wide[2 * x + 1] = (int16_t) (2 * (narrow[x] + narrow[x + 1]));
    }
  } else if (sub_x == 1) {
    for (int x = 0; x < n; x++) {
      wide[2 * x] = (int16_t) (3 * narrow[x] + narrow[x - 1]);
      wide[2 * x + 1] = (int16_t) (3 * narrow[x] + narrow[x + 1]);
    }
  } else if (left) {
    for (int x = 0; x < n; x++)
      for (int i = 0; i < 4; i++)
        wide[4 * x + i] =
            (int16_t) (((4 - i) * narrow[x] + i * narrow[x + 1] + more)
                       >> more);
  } else {
    for (int x = 0; x < n; x++) {
      int before = narrow[x - 1], here = narrow[x], after = narrow[x + 1];
      int half = 1 + more, down = 1 + more;

      wide[4 * x] = (int16_t) ((5 * here + 3 * before + half) >> down);
      wide[4 * x + 1] = (int16_t) ((7 * here + before + half) >> down);
      wide[4 * x + 2] = (int16_t) ((7 * here + after + half) >> down);
      wide[4 * x + 3] = (int16_t) ((5 * here + 3 * after + half) >> down);
    }
  }
}

/* Row y of U or V as sixteen times its code at every pixel, less 65536 where
 * that is too much for 16 bits. `narrow` is memory for a row of chroma. */
static void
load_chroma (const SympieDwmPlan *plan, const SympieDwmScratch *scratch,
    int index, int y, int16_t *restrict narrow, int16_t *restrict wide)
{
  const SympieComponent *component = &plan->info->component[index];
  unsigned site = plan->src.colorimetry.chroma_site;
  int n = sympie_component_width (component, plan->width);
  int n_rows = sympie_component_height (component, plan->height);
  int row = y >> component->sub_y, other = row, weight = 0, step;
  int shift = plan->direct ? plan->shift : 0, max = plan->max;
  const uint8_t *near, *far;

  if (component->sub_y == 2) {
    other = row + (y & 2 ? 1 : -1);
    weight = (y & 3) == 0 || (y & 3) == 3 ? 3 : 1; /* eighths */
  } else if (component->sub_y && (site & SYMPIE_CHROMA_TOP)) {
    other = row + (y & 1);
    weight = y & 1 ? 2 : 0;
  } else if (component->sub_y) {
    other = row + (y & 1 ? 1 : -1);
    weight = 1;
  }
  other = clamp (other, 0, n_rows - 1);

  near = far = yuv_row (plan, index, row, scratch->codes[index], &step);
  if (weight)
    far = yuv_row (plan, index, other, scratch->codes[3], &step);
  if (component->sub_y == 2)
    blend_chroma_in_eighths (narrow, near, far, weight, n);
  else if (plan->direct && plan->info->word == 1)
    switch (step) {
    case 1:
      blend_chroma (narrow, near, far, weight, 1, 1, 0, 255, n);
      break;
    default:
      blend_chroma (narrow, near, far, weight, 1, 2, 0, 255, n);
      break;
    }
  else
    switch (step) {
    case 2:
      blend_chroma (narrow, near, far, weight, 2, 2, shift, max, n);
      break;
    default:
      blend_chroma (narrow, near, far, weight, 2, 4, shift, max, n);
      break;
    }

  narrow[-1] = narrow[0];
  narrow[n] = narrow[n - 1];
  widen_chroma (narrow, wide, component->sub_x, site & SYMPIE_CHROMA_LEFT,
      component->sub_y == 2, n);
}

/* From [0, 1] as -SYMPIE_DWM_ONE..SYMPIE_DWM_ONE, and more that is clamped. */
INLINE int16_t
to_sample (int value)
{
  return (int16_t) (2 * clamp (value, -SYMPIE_DWM_ONE, SYMPIE_DWM_ONE));
}

INLINE void
yuv_to_rgb (const SympieDwmPlan *plan, const uint8_t *restrict luma,
    const int16_t *restrict u_row, const int16_t *restrict v_row, int bytes,
    int16_t *restrict r_row, int16_t *restrict g_row, int16_t *restrict b_row)
{
  int16_t luma_offset = plan->luma_offset, luma_scale = plan->luma_scale;
  int16_t chroma_offset = plan->chroma_offset;
  int16_t chroma_scale = plan->chroma_scale, luma_factor = plan->luma;
  int16_t r_v = plan->r_v, g_u = plan->g_u, g_v = plan->g_v, b_u = plan->b_u;
  int shift = plan->direct ? plan->shift : 0, max = plan->max, n = plan->width;

  for (int x = 0; x < n; x++) {
    int16_t code = (int16_t) code_at (luma + bytes * x, bytes, shift, max);
    int16_t y = (int16_t) (sympie_mul_q15 (
                               (int16_t) ((code - luma_offset) * luma_scale),
                               luma_factor)
                           - SYMPIE_DWM_ONE);
    int16_t u = (int16_t) ((u_row[x] - chroma_offset) * chroma_scale);
    int16_t v = (int16_t) ((v_row[x] - chroma_offset) * chroma_scale);
    int16_t r = (int16_t) (y + sympie_mul_q15 (v, r_v));
    int16_t g =
        (int16_t) (y + sympie_mul_q15 (u, g_u) + sympie_mul_q15 (v, g_v));
    int16_t b = (int16_t) (y + sympie_mul_q15 (u, b_u));

    r_row[x] = to_sample (r);
    g_row[x] = to_sample (g);
    b_row[x] = to_sample (b);
  }
}

INLINE void
load_gray (const SympieDwmPlan *plan, const uint8_t *restrict luma, int bytes,
    int16_t *restrict r_row, int16_t *restrict g_row, int16_t *restrict b_row)
{
  int16_t offset = plan->luma_offset, scale = plan->luma_scale;
  int16_t factor = plan->luma;

  for (int x = 0; x < plan->width; x++) {
    int code = code_at (luma + bytes * x, bytes, 0, plan->max);
    int16_t y = sympie_mul_q15 ((int16_t) ((code - offset) * scale), factor);

    r_row[x] = g_row[x] = b_row[x] = to_sample (y - SYMPIE_DWM_ONE);
  }
}

static void
load_yuv (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int y,
    int16_t *const dst[3])
{
  int16_t *const *chroma = scratch->chroma;
  const uint8_t *luma;
  int step;

  if (!plan->info->component[1].bits) {
    const uint8_t *row = plan->src.planes[0] + y * plan->src.strides[0];

    if (plan->info->word == 1)
      load_gray (plan, row, 1, dst[0], dst[1], dst[2]);
    else
      load_gray (plan, yuv_row (plan, 0, y, scratch->codes[0], &step), 2,
          dst[0], dst[1], dst[2]);
    return;
  }
  load_chroma (plan, scratch, 1, y, chroma[0], chroma[2]);
  load_chroma (plan, scratch, 2, y, chroma[1], chroma[3]);
  luma = yuv_row (plan, 0, y, scratch->codes[0], &step);
  if (step == 1)
    yuv_to_rgb (plan, luma, chroma[2], chroma[3], 1, dst[0], dst[1], dst[2]);
  else
    yuv_to_rgb (plan, luma, chroma[2], chroma[3], 2, dst[0], dst[1], dst[2]);
}

/* The columns outside the frame that the filter reads. */
static void
pad_columns (const SympieDwmPlan *plan, int16_t *pair)
{
  int n = plan->width;

  for (int c = 0; c < 3; c++)
    for (int i = 0; i < 2; i++) {
      int16_t *row = row_of (plan, pair, c, i);

      row[-2] = row[-1] = row[n] = row[n + 1] = plan->pad[c];
    }
}

static void
load (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int p,
    int16_t *pair)
{
  int n = plan->width;

  for (int i = 0; i < 2; i++) {
    int y = 2 * p + i;
    int16_t *row[3];

    for (int c = 0; c < 3; c++)
      row[c] = row_of (plan, pair, c, i);
    if (y >= 0 && y < plan->height) {
      if (plan->info->yuv)
        load_yuv (plan, scratch, y, row);
      else
        load_rgb (plan, scratch, y, row);
    } else {
      for (int c = 0; c < 3; c++)
        for (int x = 0; x < n; x++)
          row[c][x] = plan->pad[c];
    }
  }
  pad_columns (plan, pair);
}

/* ---- The filter in double ---------------------------------------------- */

/* Columns x - 2 to x + n + 1 of rows y - 2 to y + 5, less the pad. */
static void
widen (const SympieDwmPlan *plan, const int16_t *const pairs[4], int channel,
    int y, int x, int n, double dst[8][TILE + 4])
{
  double pad = plan->wide_pad[channel];
  int first = x >= 2 ? -2 : 0;
  int end = x + n + 2 <= plan->width ? n + 2 : plan->width - x;

  for (int i = 0; i < 8; i++) {
    const int16_t *row = row_of (plan, pairs[i / 2], channel, i % 2) + x;

    if (y - 2 + i < 0 || y - 2 + i >= plan->height) {
      memset (dst[i], 0, sizeof dst[i]);
      continue;
    }
    dst[i][0] = dst[i][1] = dst[i][n + 2] = dst[i][n + 3] = 0;
    for (int j = first; j < end; j++)
      dst[i][j + 2] = row[j] - pad;
  }
}

static void
correlate (const double src[5][TILE + 4], const double *kernel,
    double *restrict sum, int n)
{
  for (int i = 0; i < 5; i++) {
    const double *k = kernel + 5 * i, *row = src[i];

    for (int x = 0; x < n; x++) {
      double part = row[x] * k[0] + row[x + 1] * k[1] + row[x + 2] * k[2]
                    + row[x + 3] * k[3] + row[x + 4] * k[4];

      sum[x] = i == 0 ? part : sum[x] + part;
    }
  }
}

static void
filter_wide (const SympieDwmPlan *plan, const int16_t *const pairs[4], int y,
    const SympieDwmScratch *scratch)
{
  double low = plan->wide_low, high = plan->wide_high;

  for (int x = 0; x < plan->width; x += TILE) {
    int n = plan->width - x < TILE ? plan->width - x : TILE;
    double samples[3][8][TILE + 4], sums[3][TILE];

    for (int c = 0; c < 3; c++)
      widen (plan, pairs, c, y, x, n, samples[c]);
    for (int i = 0; i < SYMPIE_DWM_GROUP; i++) {
      for (int c = 0; c < 3; c++)
        correlate ((const double (*)[TILE + 4]) & samples[c][i],
            plan->wide_kernel, sums[c], n);
      for (int c = 0; c < 3; c++) {
        const double *mix = plan->wide_mix[c];
        double bias = plan->wide_bias[c];
        int16_t *out =
            scratch->out[c] + (i + 1) * plan->pitch + SYMPIE_DWM_LEFT + x;

        for (int j = 0; j < n; j++) {
          double value = bias + mix[0] * sums[0][j] + mix[1] * sums[1][j]
                         + mix[2] * sums[2][j];

          value = value > low ? value : low;
          value = value < high ? value : high;
          out[j] = (int16_t) (int) value;
        }
      }
    }
  }
}

/* ---- Storing ----------------------------------------------------------- */

/* Four-byte pixels at once, so that the fourth byte is the source's. */
INLINE void
store_packed (uint8_t *dst, const uint8_t *src, int16_t *const rgb[3],
    const SympieFormatInfo *info, int n)
{
  const int16_t *restrict r = rgb[0], *restrict g = rgb[1];
  const int16_t *restrict b = rgb[2];
  int r_bits = 8 * info->component[0].offset;
  int g_bits = 8 * info->component[1].offset;
  int b_bits = 8 * info->component[2].offset;
  uint32_t alpha = 0xffu << (8 * info->component[3].offset);

  /* In place, a pixel only meets itself. */
#pragma GCC ivdep
  for (int x = 0; x < n; x++) {
    uint32_t pixel;

    memcpy (&pixel, src + 4 * x, sizeof pixel);
    pixel = htole32 ((le32toh (pixel) & alpha) | (uint32_t) r[x] << r_bits
                     | (uint32_t) g[x] << g_bits | (uint32_t) b[x] << b_bits);
    memcpy (dst + 4 * x, &pixel, sizeof pixel);
  }
}

/* Asks for what the next group loads and stores in `n` columns from `x`. Each
 * row is a stream of its own and too short for the processor to see it coming.
 * Addresses outside the frame do no harm. */
INLINE void __attribute__ ((unused))
prefetch (const SympieDwmPlan *plan, int y, int x, int n)
{
  const SympieImage *src = &plan->src;
  const SympieTarget *dst = &plan->dst;

  for (int p = 0; p < plan->info->n_planes; p++) {
    int sub_y = plan->sub_y[p], n_rows = SYMPIE_DWM_GROUP >> sub_y;
    int end = (x + n) * plan->column_bytes[p] >> 8;
    const char *from = (const char *) src->planes[p]
                       + (((y + 6) >> sub_y) + sub_y) * src->strides[p];
    const char *to =
        (const char *) dst->planes[p] + ((y + 4) >> sub_y) * dst->strides[p];

    for (int at = ((x * plan->column_bytes[p] >> 8) + 63) & ~63; at < end;
         at += 64)
      for (int i = 0; i < n_rows; i++) {
        __builtin_prefetch (from + i * src->strides[p] + at, 0, 2);
        __builtin_prefetch (to + i * dst->strides[p] + at, 1, 2);
      }
  }
}

/* What is not a component: planes of alpha. Alpha among the components is in
 * scratch->codes for packing then. */
static void
keep_alpha (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int y)
{
  const SympieComponent *alpha = &plan->info->component[3];
  const uint8_t *src;
  uint8_t *dst;

  if (!alpha->bits)
    return;
  src = plan->src.planes[alpha->plane] + y * plan->src.strides[alpha->plane];
  dst = plan->dst.planes[alpha->plane] + y * plan->dst.strides[alpha->plane];
  if (alpha->plane == 0)
    plan->packing->unpack (plan->info, 3, src, plan->width, scratch->codes[3]);
  else if (src != dst)
    memcpy (dst, src, (size_t) plan->width * alpha->step);
}

static void
pack_planes (const SympieDwmPlan *plan, int first, int end,
    uint16_t *const codes[4], int y)
{
  for (int p = first; p < end; p++)
    plan->packing->pack (plan->info, p, codes, plan->width,
        plan->dst.planes[p] + y * plan->dst.strides[p]);
}

static void
store_rgb (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int y,
    int16_t *const rgb[3])
{
  const SympieTarget *dst = &plan->dst;
  uint16_t *codes[4] = { (uint16_t *) rgb[0], (uint16_t *) rgb[1],
    (uint16_t *) rgb[2], scratch->codes[3] };

  if (sympie_format_is_packed (plan->info)) {
    store_packed (dst->planes[0] + y * dst->strides[0],
        plan->src.planes[0] + y * plan->src.strides[0], rgb, plan->info,
        plan->width);
    return;
  }
  keep_alpha (plan, scratch, y);
  pack_planes (plan, 0, plan->info->n_planes > 1 ? 3 : 1, codes, y);
}

INLINE void
store_code (uint8_t *dst, int code, int bytes, int shift)
{
  if (bytes == 1) {
    *dst = (uint8_t) code;
  } else {
    uint16_t word = (uint16_t) (code << shift);

    memcpy (dst, &word, sizeof word);
  }
}

INLINE void
store_luma (const SympieDwmPlan *plan, uint8_t *restrict dst,
    const int16_t *restrict r, const int16_t *restrict g,
    const int16_t *restrict b, int bytes, int shift)
{
  const int16_t r_factor = plan->y_factor[0], g_factor = plan->y_factor[1];
  const int16_t b_factor = plan->y_factor[2], offset = plan->y_offset;
  int y_shift = plan->y_shift, n = plan->width;
  int16_t max = plan->max; /* white at 12 bits may round to more */

  for (int x = 0; x < n; x++) {
    int16_t sum = (int16_t) (sympie_mul_q15 (r[x], r_factor)
                             + sympie_mul_q15 (g[x], g_factor)
                             + sympie_mul_q15 (b[x], b_factor) + offset);

    sum = (int16_t) (sum >> y_shift);
    store_code (dst + bytes * x, sum < max ? sum : max, bytes, shift);
  }
}

/* Twice the mean of rows around a row of chroma. */
static void
average_rows (int16_t *restrict dst, const int16_t *above, const int16_t *row,
    const int16_t *below, int n)
{
  if (above)
    for (int x = 0; x < n; x++)
      dst[x] = (int16_t) ((above[x] + 2 * row[x] + below[x] + 1) >> 1);
  else
    for (int x = 0; x < n; x++)
      dst[x] = (int16_t) (row[x] + below[x]);
}

/* Twice the mean of the four rows that a row of chroma stands for, of which the
 * frame may have `count` only. */
static void
average_four_rows (int16_t *restrict dst, const int16_t *row, ptrdiff_t pitch,
    int count, int n)
{
  const int16_t *b = row + (count > 1 ? pitch : 0);
  const int16_t *c = count > 2 ? b + pitch : b;
  const int16_t *d = count > 3 ? c + pitch : c;

  for (int x = 0; x < n; x++)
    dst[x] = (int16_t) ((row[x] + b[x] + c[x] + d[x] + 1) >> 1);
}

/* Four times the mean of columns around a column of chroma, from rows that are
 * twice what they stand for (up 0) or just that (up 1). */
INLINE int16_t
average_columns (const int16_t *row, int x, int sub_x, bool left, int up)
{
  uint16_t sum;

  if (sub_x == 0)
    return (int16_t) (4 * row[x]);
  if (sub_x == 1 && !left)
    return (int16_t) ((1 + up) * (row[2 * x] + row[2 * x + 1]));
  if (sub_x == 1) {
    sum = (uint16_t) (row[2 * x - 1] + 2 * row[2 * x] + row[2 * x + 1]);
    return (int16_t) (up ? sum : (sum + 1) >> 1);
  }
  row += 4 * x;
  if (!left)
    return (int16_t) ((row[0] + row[1] + row[2] + row[3] + 1 - up) >> (1 - up));
  return (int16_t) ((row[-3] + row[3] + 2 * (row[-2] + row[2])
                        + 3 * (row[-1] + row[1]) + 4 * row[0] + 4 - 2 * up)
                    >> (3 - up));
}

INLINE void
store_chroma (const SympieDwmPlan *plan, uint8_t *restrict u_dst,
    uint8_t *restrict v_dst, const int16_t *restrict r_row,
    const int16_t *restrict g_row, const int16_t *restrict b_row, int bytes,
    int step, int sub_x, bool left, int up)
{
  int n = (plan->width + (1 << sub_x) - 1) >> sub_x;
  const int16_t u_r = plan->u_factor[0], u_g = plan->u_factor[1];
  const int16_t u_b = plan->u_factor[2], v_r = plan->v_factor[0];
  const int16_t v_g = plan->v_factor[1], v_b = plan->v_factor[2];
  const int16_t offset = plan->uv_offset;
  int uv_shift = plan->uv_shift, max = plan->max;
  int shift = plan->direct ? plan->shift : 0;

  for (int x = 0; x < n; x++) {
    int16_t r = average_columns (r_row, x, sub_x, left, up);
    int16_t g = average_columns (g_row, x, sub_x, left, up);
    int16_t b = average_columns (b_row, x, sub_x, left, up);
    int16_t u = (int16_t) (sympie_mul_q15 (r, u_r) + sympie_mul_q15 (g, u_g)
                           + sympie_mul_q15 (b, u_b) + offset);
    int16_t v = (int16_t) (sympie_mul_q15 (r, v_r) + sympie_mul_q15 (g, v_g)
                           + sympie_mul_q15 (b, v_b) + offset);

    store_code (u_dst + step * x, clamp (u >> uv_shift, 0, max), bytes, shift);
    store_code (v_dst + step * x, clamp (v >> uv_shift, 0, max), bytes, shift);
  }
}

static void
store_chroma_row (const SympieDwmPlan *plan, const SympieDwmScratch *scratch,
    int row, const int16_t *const rgb[3])
{
  const SympieComponent *u = &plan->info->component[1], *v = u + 1;
  const SympieTarget *dst = &plan->dst;
  uint8_t *u_dst = (uint8_t *) scratch->codes[1];
  uint8_t *v_dst = (uint8_t *) scratch->codes[2];
  const int16_t *r = rgb[0], *g = rgb[1], *b = rgb[2];
  bool left = plan->src.colorimetry.chroma_site & SYMPIE_CHROMA_LEFT;
  int bytes = 2, step = 2;

  if (plan->direct) {
    u_dst = dst->planes[u->plane] + row * dst->strides[u->plane] + u->offset;
    v_dst = dst->planes[v->plane] + row * dst->strides[v->plane] + v->offset;
    bytes = plan->info->word;
    step = u->step;
  }

#define STORE_AS(bytes, step, sub_x, left, up)                                 \
  store_chroma (plan, u_dst, v_dst, r, g, b, bytes, step, sub_x, left, up)
#define STORE(bytes, step)                                                     \
  do {                                                                         \
    if (u->sub_x == 0)                                                         \
      STORE_AS (bytes, step, 0, false, 1);                                     \
    else if (u->sub_x == 2 && u->sub_y)                                        \
      STORE_AS (bytes, step, 2, left, 0);                                      \
    else if (u->sub_x == 2)                                                    \
      STORE_AS (bytes, step, 2, left, 1);                                      \
    else if (left && u->sub_y)                                                 \
      STORE_AS (bytes, step, 1, true, 0);                                      \
    else if (left)                                                             \
      STORE_AS (bytes, step, 1, true, 1);                                      \
    else if (u->sub_y)                                                         \
      STORE_AS (bytes, step, 1, false, 0);                                     \
    else                                                                       \
      STORE_AS (bytes, step, 1, false, 1);                                     \
  } while (0)
  if (bytes == 1 && step == 1)
    STORE (1, 1);
  else if (bytes == 1)
    STORE (1, 2);
  else if (step == 2)
    STORE (2, 2);
  else
    STORE (2, 4);
#undef STORE
#undef STORE_AS
}

/* Rows `y` and those below it that share its chroma, `rgb` at row `y`. */
static void
store_chroma_rows (const SympieDwmPlan *plan, const SympieDwmScratch *scratch,
    int y, bool last, int16_t *const rgb[3])
{
  const SympieComponent *chroma = &plan->info->component[1];
  bool top = plan->src.colorimetry.chroma_site & SYMPIE_CHROMA_TOP;
  const int16_t *rows[3];
  int n = plan->width;

  for (int c = 0; c < 3; c++) {
    int16_t *row = rgb[c];

    if (chroma->sub_y == 2) {
      row = scratch->average[c];
      average_four_rows (row, rgb[c], plan->pitch, plan->height - y, n);
    } else if (chroma->sub_y) {
      row = scratch->average[c];
      average_rows (row,
          !top    ? NULL
          : y > 0 ? rgb[c] - plan->pitch
                  : rgb[c],
          rgb[c], last ? rgb[c] : rgb[c] + plan->pitch, n);
    }
    for (int i = 1; i <= 3; i++) {
      row[-i] = row[0];
      row[n - 1 + i] = row[n - 1];
    }
    rows[c] = row;
  }
  store_chroma_row (plan, scratch, y >> chroma->sub_y, rows);
}

static void
store_yuv (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int y,
    bool last, int16_t *const rgb[3])
{
  const SympieComponent *chroma = &plan->info->component[1];
  bool has_chroma = chroma->bits && !(y & ((1 << chroma->sub_y) - 1));
  uint8_t *luma = plan->direct ? plan->dst.planes[0] + y * plan->dst.strides[0]
                               : (uint8_t *) scratch->codes[0];

  if (plan->direct && plan->info->word == 1)
    store_luma (plan, luma, rgb[0], rgb[1], rgb[2], 1, 0);
  else
    store_luma (
        plan, luma, rgb[0], rgb[1], rgb[2], 2, plan->direct ? plan->shift : 0);
  if (has_chroma)
    store_chroma_rows (plan, scratch, y, last, rgb);

  keep_alpha (plan, scratch, y);
  if (!plan->direct) {
    pack_planes (plan, 0, 1, scratch->codes, y);
    if (has_chroma && chroma->plane > 0)
      pack_planes (
          plan, 1, chroma[1].plane + 1, scratch->codes, y >> chroma->sub_y);
  }
}

static void
store (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int y)
{
  for (int i = 0; i < SYMPIE_DWM_GROUP && y + i < plan->height; i++) {
    int16_t *rgb[3];

    for (int c = 0; c < 3; c++)
      rgb[c] = scratch->out[c] + (i + 1) * plan->pitch + SYMPIE_DWM_LEFT;
    if (plan->info->yuv)
      store_yuv (plan, scratch, y + i, y + i + 1 == plan->height, rgb);
    else
      store_rgb (plan, scratch, y + i, rgb);
  }
}
