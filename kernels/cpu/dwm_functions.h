/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The inner loops of DWM and what they work on.
 *
 * Samples are R, G and B as int16 in units of 1/32 of an 8-bit level: RGB codes
 * times 32 (8 at 10 bits, 2 at 12), or YUV converted to RGB with [0, 1] as
 * 0..8160. Two rows 2p and
 * 2p + 1 of the frame make a pair, the unit of loading. Four output rows, a
 * group, need four pairs. */

#ifndef SYMPIE_DWM_FUNCTIONS_H
#define SYMPIE_DWM_FUNCTIONS_H

#include "../colour.h"
#include "packing.h"

enum
{
  SYMPIE_DWM_ONE = 32 * 255, /* sample value of 1 when converted from YUV */
  SYMPIE_DWM_GROUP = 4,      /* rows of a group */
  SYMPIE_DWM_LEFT = 16,      /* columns in memory before column 0 */
  SYMPIE_DWM_RIGHT = 16,     /* and after the last, rounded up: */
  SYMPIE_DWM_ROUND = 32,
};

/* Everything that is constant over a frame. */
typedef struct
{
  int width, height;
  ptrdiff_t pitch; /* columns in memory of a row of samples */
  const SympieFormatInfo *info;
  const SympiePacking *packing;
  SympieImage src;
  SympieTarget dst;

  /* Codes of YUV are read and written where they lie, else through `packing`;
   * their shift in their words. */
  bool direct;
  int shift;

  /* 5x5 sums in int32 of sample * tap, then
   * out[c] = bias[c] + sum over d of mix[c][d] * sum[d], clamped to
   * [low, high] and truncated: the half that rounds is in all of them. Out is
   * in codes for RGB, in sample units for YUV. */
  int16_t taps[25];
  int32_t pair_taps[2][3][5]; /* see sympie_dwm_functions_sse2 */
  int16_t pad[3];             /* the sample outside the frame */
  int up;                     /* log2 of RGB samples' units in a code */
  float mix[3][3], bias[3];
  float low, high;

  /* The same in double, for parameters that do not fit 16 bits: sums of
   * (sample - wide_pad) * kernel, 0 outside the frame. */
  bool wide;
  double wide_kernel[25], wide_pad[3], wide_mix[3][3], wide_bias[3];

  /* YUV to samples: Y is (code - luma_offset) * luma_scale, U and V, sixteen
   * times the code after up-sampling, (u - chroma_offset) * chroma_scale; then
   * R = Y luma + V r_v and so on, with Q15 factors. */
  int16_t luma_offset, luma_scale, chroma_offset, chroma_scale;
  int16_t luma, r_v, g_u, g_v, b_u;

  /* And back, with Q15 factors: R, G, B to Y with `y_shift` bits below the
   * code; four times their mean to U and V with `uv_shift` bits. The offsets
   * have the half that rounds in them. */
  int16_t y_factor[3], u_factor[3], v_factor[3];
  int16_t y_offset, uv_offset, y_shift, uv_shift, max;
} SympieDwmPlan;

/* Memory of one thread. A pair is [3 channels][2 * pitch] samples, in an order
 * that is private to the functions; rows are [pitch]. Column 0 is at
 * SYMPIE_DWM_LEFT. */
typedef struct
{
  int16_t *ring[4];
  int16_t *rows[2][3]; /* being loaded */
  int16_t *chroma[4];  /* U and V, at chroma's width and at full width */
  int16_t *out[3]; /* a group of rows, after the last row of the one before */
  int16_t *average[3]; /* R, G, B at chroma's places */
  uint16_t *codes[4];  /* what is unpacked or to be packed; the last one also
                          for a second row of chroma */
} SympieDwmScratch;

typedef struct
{
  /* Loads pair `p` of the source, with the columns outside the frame that the
   * filter reads; rows outside are all pad. */
  void (*load) (const SympieDwmPlan *plan, const SympieDwmScratch *scratch,
      int p, int16_t *pair);

  /* From the pairs that hold rows y - 2 to y + 5 to rows y to y + 3 of
   * scratch->out, rounded. */
  void (*filter) (const SympieDwmPlan *plan, const int16_t *const pairs[4],
      int y, const SympieDwmScratch *scratch);
  void (*filter_wide) (const SympieDwmPlan *plan, const int16_t *const pairs[4],
      int y, const SympieDwmScratch *scratch);

  /* Stores those rows, without the ones below the frame. */
  void (*store) (
      const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int y);

  /* The same for pixels of four bytes, filtered and stored in one go, or NULL.
   * The source's alpha is read as late as that. */
  void (*load_packed) (const SympieDwmPlan *plan,
      const SympieDwmScratch *scratch, int p, int16_t *pair);
  void (*filter_packed) (
      const SympieDwmPlan *plan, const int16_t *const pairs[4], int y);
} SympieDwmFunctions;

/* The best that `cpu_flags` allow. */
void sympie_dwm_functions (SympieDwmFunctions *functions, unsigned cpu_flags);

void sympie_dwm_functions_c (SympieDwmFunctions *functions);

/* Only for processors that have them. A pair's rows share 32-bit lanes, so that
 * one instruction does two taps: row i of a group needs the three pairs from
 * i / 2 on, with pair_taps[i % 2]. */
void sympie_dwm_functions_sse2 (SympieDwmFunctions *functions);
void sympie_dwm_functions_avx2 (SympieDwmFunctions *functions);
void sympie_dwm_functions_avxvnni (SympieDwmFunctions *functions);
void sympie_dwm_functions_avx512 (SympieDwmFunctions *functions);

/* With rows apart, as in plain C. */
void sympie_dwm_functions_neon (SympieDwmFunctions *functions);

#endif /* SYMPIE_DWM_FUNCTIONS_H */
