/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM with NEON, which every 64-bit ARM has: it multiplies 16 bits and adds to
 * 32 in one instruction, rows apart. */

#include <arm_neon.h>

#define PAIRED 0
#include "dwm_tmpl.h"

enum
{
  STEP = 8 /* columns filtered at a time */
};

/* 5x5 sums of one channel: STEP columns from `x` of the four rows of a group,
 * from the eight rows that start at `rows`, two columns before them. */
INLINE void
sum_group (const int16_t taps[25], const int16_t *const rows[8],
    int32x4_t sums[SYMPIE_DWM_GROUP][2])
{
  for (int i = 0; i < SYMPIE_DWM_GROUP; i++)
    sums[i][0] = sums[i][1] = vdupq_n_s32 (0);

#pragma GCC unroll 5
  for (int dx = 0; dx < 5; dx++)
#pragma GCC unroll 8
    for (int j = 0; j < 8; j++) {
      int16x8_t samples = vld1q_s16 (rows[j] + dx);

#pragma GCC unroll 4
      for (int i = 0; i < SYMPIE_DWM_GROUP; i++) {
        int16_t tap;

        if (j < i || j - i > 4)
          continue;
        tap = taps[5 * (j - i) + dx];
        sums[i][0] = vmlal_n_s16 (sums[i][0], vget_low_s16 (samples), tap);
        sums[i][1] = vmlal_n_s16 (sums[i][1], vget_high_s16 (samples), tap);
      }
    }
}

/* The result of one channel, rounded but not clamped: 16-bit taps are taken
 * only where it is far from overflowing. */
INLINE int32x4_t
mix (const SympieDwmPlan *plan, int channel, const float32x4_t sums[3])
{
  float32x4_t value = vdupq_n_f32 (plan->bias[channel]);

  for (int d = 0; d < 3; d++)
    value = vaddq_f32 (
        value, vmulq_f32 (sums[d], vdupq_n_f32 (plan->mix[channel][d])));
  return vcvtq_s32_f32 (value);
}

static void
filter (const SympieDwmPlan *plan, const int16_t *const pairs[4], int y,
    const SympieDwmScratch *scratch)
{
  const int16x8_t low = vdupq_n_s16 ((int16_t) plan->low);
  const int16x8_t high = vdupq_n_s16 ((int16_t) plan->high);

  for (int x = 0; x < plan->width; x += STEP) {
    int32x4_t sums[3][SYMPIE_DWM_GROUP][2];

    for (int c = 0; c < 3; c++) {
      const int16_t *rows[8];

      for (int j = 0; j < 8; j++)
        rows[j] =
            &PAIR_AT (plan, pairs[j / 2] + 2 * c * plan->pitch, j % 2, x - 2);
      sum_group (plan->taps, rows, sums[c]);
    }
    for (int i = 0; i < SYMPIE_DWM_GROUP; i++) {
      ptrdiff_t at = (i + 1) * plan->pitch + SYMPIE_DWM_LEFT + x;
      float32x4_t sum[2][3];

      for (int c = 0; c < 3; c++) {
        sum[0][c] = vcvtq_f32_s32 (sums[c][i][0]);
        sum[1][c] = vcvtq_f32_s32 (sums[c][i][1]);
      }
      for (int c = 0; c < 3; c++) {
        int16x8_t value = vcombine_s16 (vqmovn_s32 (mix (plan, c, sum[0])),
            vqmovn_s32 (mix (plan, c, sum[1])));

        value = vminq_s16 (vmaxq_s16 (value, low), high);
        vst1q_s16 (scratch->out[c] + at, value);
      }
    }
  }
}

void
sympie_dwm_functions_neon (SympieDwmFunctions *functions)
{
  *functions = (SympieDwmFunctions){
    .load = load,
    .filter = filter,
    .filter_wide = filter_wide,
    .store = store,
  };
}
