/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The inner loops of DWM and what they work on.
 *
 * Samples are R, G and B as int16 around 0, so that their products with taps
 * fit 16 bits, too: RGB codes raised to 16 bits, less 32768, or YUV converted
 * to RGB with [0, 1] as -16320..16320. Two rows 2p and 2p + 1 of the frame make
 * a pair, the unit of loading. Four output rows, a group, need four pairs. */

#ifndef SYMPIE_DWM_FUNCTIONS_H
#define SYMPIE_DWM_FUNCTIONS_H

#include "../colour.h"
#include "packing.h"

enum
{
  SYMPIE_DWM_ONE = 32 * 255, /* 1 in filtered rows of YUV */
  SYMPIE_DWM_GROUP = 4,      /* rows of a group */
  SYMPIE_DWM_LEFT = 16,      /* columns in memory before column 0 */
  SYMPIE_DWM_RIGHT = 16,     /* and after the last, rounded up: */
  SYMPIE_DWM_ROUND = 64,
};

/* a * b / 2^15, rounded: pmulhrsw. */
static inline int16_t
sympie_mul_q15 (int16_t a, int16_t b)
{
  return (int16_t) ((((a * b) >> 14) + 1) >> 1);
}

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

  /* Of each plane: bytes of a column, Q8, and log2 of the frame's rows in one
   * of its own. */
  int column_bytes[4], sub_y[4];

  /* A product is rounded: a * b is (a * b + 2^14) >> 15, as pmulhrsw does.
   * sum[d] = the 25 products of samples and taps, in int16; then
   * out[c] = bias[c] + sum over d of sum[d] * mix[c][d], which fits int16, too,
   * doubled `doublings` times, clamped to [low, high] and shifted `down`: 32
   * for an 8-bit level before that, afterwards in codes for RGB. The half that
   * rounds is in bias, low and high. */
  int16_t taps[25];
  int16_t pad[3]; /* the sample outside the frame */
  int16_t mix[3][3], bias[3], low, high;
  int doublings, down;
  int up; /* log2 of RGB samples' units in a code */

  /* The same in double, for parameters that do not fit 16 bits: sums of
   * (sample - wide_pad) * kernel, 0 outside the frame. */
  bool wide;
  double wide_kernel[25], wide_pad[3], wide_mix[3][3], wide_bias[3];
  double wide_low, wide_high;

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

/* Memory of one thread. A pair is [3 channels][2 rows][pitch] samples; rows are
 * [pitch]. Column 0 is at SYMPIE_DWM_LEFT. */
typedef struct
{
  int16_t *ring[4];
  int16_t *chroma[4]; /* U and V, at chroma's width and at full width */
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

/* Only for processors that have them. */
void sympie_dwm_functions_ssse3 (SympieDwmFunctions *functions);
void sympie_dwm_functions_avx2 (SympieDwmFunctions *functions);
void sympie_dwm_functions_avx512 (SympieDwmFunctions *functions);
void sympie_dwm_functions_neon (SympieDwmFunctions *functions);

#endif /* SYMPIE_DWM_FUNCTIONS_H */
