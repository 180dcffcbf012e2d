/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The parts of DWM that a compiler vectorises well: rows from and to every
 * format, and the filter in double. Compiled once per instruction set, with the
 * same results: integers, and doubles without contraction.
 *
 * PAIRED before the inclusion says how a pair keeps its two rows: 1 as the two
 * halves of 32-bit lanes (one multiply-add for both), 0 one after the other. */

#include <endian.h>
#include <string.h>

#include "dwm_functions.h"

#define INLINE static inline __attribute__ ((always_inline))

enum
{
  TILE = 128, /* columns whose sums are kept at a time: they fit the L1 cache */
};

#if PAIRED
#define COLUMN 2 /* from a sample to its neighbour in the row */
#define PAIR_AT(plan, pair, row, x)                                            \
  ((pair)[2 * (SYMPIE_DWM_LEFT + (x)) + (row)])
#else
#define COLUMN 1
#define PAIR_AT(plan, pair, row, x)                                            \
  ((pair)[(row) * (plan)->pitch + SYMPIE_DWM_LEFT + (x)])
#endif

INLINE int
clamp (int value, int low, int high)
{
  return value < low ? low : value > high ? high : value;
}

/* a * b / 2^15, rounded: pmulhrsw. */
INLINE int16_t
mul_q15 (int16_t a, int16_t b)
{
  return (int16_t) ((((a * b) >> 14) + 1) >> 1);
}

/* ---- Loading ----------------------------------------------------------- */

INLINE void
load_bytes (int16_t *restrict dst, const uint8_t *restrict src, int step, int n)
{
  for (int x = 0; x < n; x++)
    dst[x] = (int16_t) (src[step * x] << 5);
}

static void
load_rgb (const SympieDwmPlan *plan, int y, int16_t *const dst[3])
{
  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &plan->info->component[c];
    const uint8_t *src = plan->src.planes[component->plane]
                         + y * plan->src.strides[component->plane]
                         + component->offset;

    switch (component->step) {
    case 1:
      load_bytes (dst[c], src, 1, plan->width);
      break;
    case 3:
      load_bytes (dst[c], src, 3, plan->width);
      break;
    default:
      load_bytes (dst[c], src, 4, plan->width);
      break;
    }
  }
}

/* The code of a sample of `bytes` bytes. */
INLINE int
code_at (const uint8_t *src, int bytes, int shift, int max)
{
  uint16_t word;

  if (bytes == 1)
    return *src;
  memcpy (&word, src, sizeof word);
  word = le16toh (word);
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
  for (int x = 0; x < n; x++)
    dst[x] =
        (int16_t) ((4 - weight) * code_at (near + step * x, bytes, shift, max)
                   + weight * code_at (far + step * x, bytes, shift, max));
}

/* Row y of U or V as sixteen times its code at every pixel. `narrow` is memory
 * for a row of chroma. */
static void
load_chroma (const SympieDwmPlan *plan, int index, int y,
    int16_t *restrict narrow, int16_t *restrict wide)
{
  const SympieComponent *component = &plan->info->component[index];
  unsigned site = plan->src.colorimetry.chroma_site;
  int n = sympie_component_width (component, plan->width);
  int n_rows = sympie_component_height (component, plan->height);
  ptrdiff_t stride = plan->src.strides[component->plane];
  const uint8_t *plane = plan->src.planes[component->plane] + component->offset;
  int row = y >> component->sub_y, other = row, weight = 0;
  int shift = plan->info->shift, max = plan->max;

  if (component->sub_y) {
    if (site & SYMPIE_CHROMA_TOP) {
      other = row + (y & 1);
      weight = y & 1 ? 2 : 0;
    } else {
      other = row + (y & 1 ? 1 : -1);
      weight = 1;
    }
    other = clamp (other, 0, n_rows - 1);
  }

  const uint8_t *near = plane + row * stride, *far = plane + other * stride;

  switch (component->step + 16 * (plan->info->depth > 8)) {
  case 1:
    blend_chroma (narrow, near, far, weight, 1, 1, 0, 255, n);
    break;
  case 2:
    blend_chroma (narrow, near, far, weight, 1, 2, 0, 255, n);
    break;
  case 16 + 2:
    blend_chroma (narrow, near, far, weight, 2, 2, shift, max, n);
    break;
  default:
    blend_chroma (narrow, near, far, weight, 2, 4, shift, max, n);
    break;
  }

  narrow[-1] = narrow[0];
  narrow[n] = narrow[n - 1];
  if (!component->sub_x) {
    for (int x = 0; x < n; x++)
      wide[x] = (int16_t) (4 * narrow[x]);
  } else if (site & SYMPIE_CHROMA_LEFT) {
    for (int x = 0; x < n; x++) {
      wide[2 * x] = (int16_t) (4 * narrow[x]);
      wide[2 * x + 1] = (int16_t) (2 * (narrow[x] + narrow[x + 1]));
    }
  } else {
    for (int x = 0; x < n; x++) {
      wide[2 * x] = (int16_t) (3 * narrow[x] + narrow[x - 1]);
      wide[2 * x + 1] = (int16_t) (3 * narrow[x] + narrow[x + 1]);
    }
  }
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
  int shift = plan->info->shift, max = plan->max, n = plan->width;

  for (int x = 0; x < n; x++) {
    int16_t code = (int16_t) code_at (luma + bytes * x, bytes, shift, max);
    int16_t y =
        mul_q15 ((int16_t) ((code - luma_offset) * luma_scale), luma_factor);
    int16_t u = (int16_t) ((u_row[x] - chroma_offset) * chroma_scale);
    int16_t v = (int16_t) ((v_row[x] - chroma_offset) * chroma_scale);
    int16_t r = (int16_t) (y + mul_q15 (v, r_v));
    int16_t g = (int16_t) (y + mul_q15 (u, g_u) + mul_q15 (v, g_v));
    int16_t b = (int16_t) (y + mul_q15 (u, b_u));

    r_row[x] = (int16_t) clamp (r, 0, SYMPIE_DWM_ONE);
    g_row[x] = (int16_t) clamp (g, 0, SYMPIE_DWM_ONE);
    b_row[x] = (int16_t) clamp (b, 0, SYMPIE_DWM_ONE);
  }
}

static void
load_yuv (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int y,
    int16_t *const dst[3])
{
  const uint8_t *luma = plan->src.planes[0] + y * plan->src.strides[0];
  int16_t *const *chroma = scratch->chroma;

  load_chroma (plan, 1, y, chroma[0], chroma[2]);
  load_chroma (plan, 2, y, chroma[1], chroma[3]);
  if (plan->info->depth == 8)
    yuv_to_rgb (plan, luma, chroma[2], chroma[3], 1, dst[0], dst[1], dst[2]);
  else
    yuv_to_rgb (plan, luma, chroma[2], chroma[3], 2, dst[0], dst[1], dst[2]);
}

#if PAIRED
static void
interleave (int16_t *restrict dst, const int16_t *restrict top,
    const int16_t *restrict bottom, int n)
{
  for (int x = 0; x < n; x++) {
    dst[2 * x] = top[x];
    dst[2 * x + 1] = bottom[x];
  }
}
#endif

/* The columns outside the frame that the filter reads. */
static void
pad_columns (const SympieDwmPlan *plan, int16_t *pair)
{
  int n = plan->width;

  for (int c = 0; c < 3; c++)
    for (int i = 0; i < 2; i++) {
      int16_t *row = &PAIR_AT (plan, pair + 2 * c * plan->pitch, i, 0);

      row[-2 * COLUMN] = row[-COLUMN] = plan->pad[c];
      row[n * COLUMN] = row[(n + 1) * COLUMN] = plan->pad[c];
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
#if PAIRED
      row[c] = scratch->rows[i][c];
#else
      row[c] = &PAIR_AT (plan, pair + 2 * c * plan->pitch, i, 0);
#endif

    if (y >= 0 && y < plan->height) {
      if (plan->info->yuv)
        load_yuv (plan, scratch, y, row);
      else
        load_rgb (plan, y, row);
    } else {
      for (int c = 0; c < 3; c++)
        for (int x = 0; x < n; x++)
          row[c][x] = plan->pad[c];
    }
  }

#if PAIRED
  for (int c = 0; c < 3; c++)
    interleave (&PAIR_AT (plan, pair + 2 * c * plan->pitch, 0, 0),
        scratch->rows[0][c], scratch->rows[1][c], n);
#endif
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
    const int16_t *pair = pairs[i / 2] + 2 * channel * plan->pitch;

    if (y - 2 + i < 0 || y - 2 + i >= plan->height) {
      memset (dst[i], 0, sizeof dst[i]);
      continue;
    }
    dst[i][0] = dst[i][1] = dst[i][n + 2] = dst[i][n + 3] = 0;
    for (int j = first; j < end; j++)
      dst[i][j + 2] = PAIR_AT (plan, pair, i % 2, x + j) - pad;
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
  double low = plan->low, high = plan->high;

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

INLINE void
store_bytes (
    uint8_t *restrict dst, const int16_t *restrict src, int step, int n)
{
  for (int x = 0; x < n; x++)
    dst[step * x] = (uint8_t) src[x];
}

/* Four-byte pixels at once, so that the fourth byte is the source's. */
INLINE void
store_packed (uint8_t *dst, const uint8_t *src, const int16_t *const rgb[3],
    const SympieFormatInfo *info, int n)
{
  const int16_t *restrict r = rgb[0], *restrict g = rgb[1];
  const int16_t *restrict b = rgb[2];
  int r_bits = 8 * info->component[0].offset;
  int g_bits = 8 * info->component[1].offset;
  int b_bits = 8 * info->component[2].offset;
  uint32_t alpha = 0xffu << (8 * info->alpha);

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

/* Asks for what the next group loads and stores in `n` columns from `x` of
 * frames of four-byte pixels. Each row is a stream of its own and too short for
 * the processor to see it coming. Addresses outside the frame do no harm. */
INLINE void __attribute__ ((unused))
prefetch_packed (const SympieDwmPlan *plan, int y, int x, int n)
{
  const SympieImage *src = &plan->src, *dst = &plan->dst;

  for (int i = 0; i < SYMPIE_DWM_GROUP; i++)
    for (int at = 4 * x; at < 4 * (x + n); at += 64) {
      __builtin_prefetch (
          (char *) src->planes[0] + (y + 6 + i) * src->strides[0] + at, 0, 2);
      __builtin_prefetch (
          (char *) dst->planes[0] + (y + 4 + i) * dst->strides[0] + at, 1, 2);
    }
}

static void
store_rgb (const SympieDwmPlan *plan, int y, const int16_t *const rgb[3])
{
  const SympieImage *dst = &plan->dst;

  if (plan->info->alpha >= 0) {
    store_packed (dst->planes[0] + y * dst->strides[0],
        plan->src.planes[0] + y * plan->src.strides[0], rgb, plan->info,
        plan->width);
    return;
  }
  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &plan->info->component[c];
    uint8_t *row = dst->planes[component->plane]
                   + y * dst->strides[component->plane] + component->offset;

    if (component->step == 1)
      store_bytes (row, rgb[c], 1, plan->width);
    else
      store_bytes (row, rgb[c], 3, plan->width);
  }
}

INLINE void
store_code (uint8_t *dst, int code, int bytes, int shift)
{
  if (bytes == 1) {
    *dst = (uint8_t) code;
  } else {
    uint16_t word = htole16 ((uint16_t) (code << shift));

    memcpy (dst, &word, sizeof word);
  }
}

INLINE void
store_luma (const SympieDwmPlan *plan, uint8_t *restrict dst,
    const int16_t *restrict r, const int16_t *restrict g,
    const int16_t *restrict b, int bytes)
{
  const int16_t r_factor = plan->y_factor[0], g_factor = plan->y_factor[1];
  const int16_t b_factor = plan->y_factor[2], offset = plan->y_offset;
  int y_shift = plan->y_shift, shift = plan->info->shift, n = plan->width;

  for (int x = 0; x < n; x++) {
    int16_t sum = (int16_t) (mul_q15 (r[x], r_factor) + mul_q15 (g[x], g_factor)
                             + mul_q15 (b[x], b_factor) + offset);

    store_code (dst + bytes * x, sum >> y_shift, bytes, shift);
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

/* Four times the mean of columns around a column of chroma. */
INLINE int16_t
average_columns (const int16_t *row, int x, bool sub_x, bool left)
{
  if (!sub_x)
    return (int16_t) (2 * row[x]);
  if (!left)
    return (int16_t) (row[2 * x] + row[2 * x + 1]);
  return (
      int16_t) (((uint16_t) (row[2 * x - 1] + 2 * row[2 * x] + row[2 * x + 1])
                    + 1)
                >> 1);
}

INLINE void
store_chroma (const SympieDwmPlan *plan, uint8_t *restrict u_dst,
    uint8_t *restrict v_dst, const int16_t *restrict r_row,
    const int16_t *restrict g_row, const int16_t *restrict b_row, int bytes,
    int step, bool sub_x, bool left)
{
  int n = (plan->width + sub_x) >> sub_x;
  const int16_t u_r = plan->u_factor[0], u_g = plan->u_factor[1];
  const int16_t u_b = plan->u_factor[2], v_r = plan->v_factor[0];
  const int16_t v_g = plan->v_factor[1], v_b = plan->v_factor[2];
  const int16_t offset = plan->uv_offset;
  int uv_shift = plan->uv_shift, shift = plan->info->shift, max = plan->max;

  for (int x = 0; x < n; x++) {
    int16_t r = average_columns (r_row, x, sub_x, left);
    int16_t g = average_columns (g_row, x, sub_x, left);
    int16_t b = average_columns (b_row, x, sub_x, left);
    int16_t u = (int16_t) (mul_q15 (r, u_r) + mul_q15 (g, u_g)
                           + mul_q15 (b, u_b) + offset);
    int16_t v = (int16_t) (mul_q15 (r, v_r) + mul_q15 (g, v_g)
                           + mul_q15 (b, v_b) + offset);

    store_code (u_dst + step * x, clamp (u >> uv_shift, 0, max), bytes, shift);
    store_code (v_dst + step * x, clamp (v >> uv_shift, 0, max), bytes, shift);
  }
}

static void
store_chroma_row (
    const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int row)
{
  const SympieComponent *u = &plan->info->component[1], *v = u + 1;
  const SympieImage *dst = &plan->dst;
  uint8_t *u_dst =
      dst->planes[u->plane] + row * dst->strides[u->plane] + u->offset;
  uint8_t *v_dst =
      dst->planes[v->plane] + row * dst->strides[v->plane] + v->offset;
  const int16_t *r = scratch->average[0], *g = scratch->average[1];
  const int16_t *b = scratch->average[2];
  bool left = dst->colorimetry.chroma_site & SYMPIE_CHROMA_LEFT;
  bool deep = plan->info->depth > 8;

#define STORE(bytes, step, sub_x, left)                                        \
  store_chroma (plan, u_dst, v_dst, r, g, b, bytes, step, sub_x, left)
  if (!u->sub_x)
    STORE (1, 1, false, false);
  else if (u->step == 1 && left)
    STORE (1, 1, true, true);
  else if (u->step == 1)
    STORE (1, 1, true, false);
  else if (u->step == 2 && !deep && left)
    STORE (1, 2, true, true);
  else if (u->step == 2 && !deep)
    STORE (1, 2, true, false);
  else if (u->step == 2 && left)
    STORE (2, 2, true, true);
  else if (u->step == 2)
    STORE (2, 2, true, false);
  else if (left)
    STORE (2, 4, true, true);
  else
    STORE (2, 4, true, false);
#undef STORE
}

static void
store_yuv (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int y,
    int n_rows)
{
  const SympieComponent *chroma = &plan->info->component[1];
  bool top = plan->dst.colorimetry.chroma_site & SYMPIE_CHROMA_TOP;
  const int16_t *rgb[3];

  for (int c = 0; c < 3; c++)
    rgb[c] = scratch->out[c] + plan->pitch + SYMPIE_DWM_LEFT;

  for (int i = 0; i < n_rows; i++) {
    ptrdiff_t at = i * plan->pitch;
    uint8_t *dst = plan->dst.planes[0] + (y + i) * plan->dst.strides[0];

    if (plan->info->depth == 8)
      store_luma (plan, dst, rgb[0] + at, rgb[1] + at, rgb[2] + at, 1);
    else
      store_luma (plan, dst, rgb[0] + at, rgb[1] + at, rgb[2] + at, 2);
  }

  for (int i = 0; i < n_rows; i += 1 << chroma->sub_y) {
    for (int c = 0; c < 3; c++) {
      const int16_t *row = rgb[c] + i * plan->pitch;
      const int16_t *above = NULL, *below = row;
      int16_t *average = scratch->average[c];

      if (chroma->sub_y && i + 1 < n_rows)
        below = row + plan->pitch;
      if (chroma->sub_y && top)
        above = y + i > 0 ? row - plan->pitch : row;
      average_rows (average, above, row, below, plan->width);
      average[-1] = average[0];
      average[plan->width] = average[plan->width - 1];
    }
    store_chroma_row (plan, scratch, (y + i) >> chroma->sub_y);
  }
}

static void
store (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int y)
{
  int n_rows = plan->height - y;

  if (n_rows > SYMPIE_DWM_GROUP)
    n_rows = SYMPIE_DWM_GROUP;
  if (plan->info->yuv) {
    store_yuv (plan, scratch, y, n_rows);
    return;
  }
  for (int i = 0; i < n_rows; i++) {
    const int16_t *rgb[3];

    for (int c = 0; c < 3; c++)
      rgb[c] = scratch->out[c] + (i + 1) * plan->pitch + SYMPIE_DWM_LEFT;
    store_rgb (plan, y + i, rgb);
  }
}
