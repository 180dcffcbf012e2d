/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM with SSE2, which every x86-64 has. */

#include <emmintrin.h>

#define PAIRED 1
#include "dwm_tmpl.h"

enum
{
  LANES = 4,
  STEP = 2 * LANES, /* columns filtered at a time */
};

/* 5x5 sums of one channel: STEP columns from `x` of the four rows of a group,
 * as in dwm_avx2.c. */
INLINE void
sum_group (const int32_t taps[2][3][5][LANES], const int16_t *const at[4],
    __m128i sums[SYMPIE_DWM_GROUP][2])
{
  __m128i sum[SYMPIE_DWM_GROUP][2];

  for (int i = 0; i < SYMPIE_DWM_GROUP; i++)
    sum[i][0] = sum[i][1] = _mm_setzero_si128 ();

#pragma GCC unroll 5
  for (int dx = 0; dx < 5; dx++)
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      __m128i a = _mm_loadu_si128 ((const __m128i *) (at[j] + 2 * dx));
      __m128i b =
          _mm_loadu_si128 ((const __m128i *) (at[j] + 2 * (dx + LANES)));

#pragma GCC unroll 4
      for (int i = 0; i < SYMPIE_DWM_GROUP; i++) {
        int t = j - i / 2;
        __m128i tap;

        if (t < 0 || t > 2)
          continue;
        tap = _mm_load_si128 ((const __m128i *) taps[i % 2][t][dx]);
        sum[i][0] = _mm_add_epi32 (sum[i][0], _mm_madd_epi16 (a, tap));
        sum[i][1] = _mm_add_epi32 (sum[i][1], _mm_madd_epi16 (b, tap));
        __asm__("" : "+x"(sum[i][0]), "+x"(sum[i][1]));
      }
    }

  for (int i = 0; i < SYMPIE_DWM_GROUP; i++) {
    sums[i][0] = sum[i][0];
    sums[i][1] = sum[i][1];
  }
}

/* The result of one channel, rounded but not clamped: 16-bit taps are taken
 * only where it is far from overflowing. */
INLINE __m128i
mix (const SympieDwmPlan *plan, int channel, const __m128 sums[3])
{
  __m128 value = _mm_set1_ps (plan->bias[channel]);

  for (int d = 0; d < 3; d++)
    value = _mm_add_ps (
        value, _mm_mul_ps (sums[d], _mm_set1_ps (plan->mix[channel][d])));
  return _mm_cvttps_epi32 (value);
}

static void
filter (const SympieDwmPlan *plan, const int16_t *const pairs[4], int y,
    const SympieDwmScratch *scratch)
{
  const __m128i low = _mm_set1_epi16 ((int16_t) plan->low);
  const __m128i high = _mm_set1_epi16 ((int16_t) plan->high);
  int32_t taps[2][3][5][LANES] __attribute__ ((aligned (16)));

  for (int odd = 0; odd < 2; odd++)
    for (int t = 0; t < 3; t++)
      for (int dx = 0; dx < 5; dx++)
        for (int i = 0; i < LANES; i++)
          taps[odd][t][dx][i] = plan->pair_taps[odd][t][dx];

  for (int x = 0; x < plan->width; x += STEP) {
    __m128i sums[3][SYMPIE_DWM_GROUP][2];

    for (int c = 0; c < 3; c++) {
      const int16_t *at[4];

      for (int j = 0; j < 4; j++)
        at[j] = &PAIR_AT (plan, pairs[j] + 2 * c * plan->pitch, 0, x - 2);
      sum_group (taps, at, sums[c]);
    }
    for (int i = 0; i < SYMPIE_DWM_GROUP; i++) {
      ptrdiff_t at = (i + 1) * plan->pitch + SYMPIE_DWM_LEFT + x;
      __m128 sum[2][3];

      for (int c = 0; c < 3; c++) {
        sum[0][c] = _mm_cvtepi32_ps (sums[c][i][0]);
        sum[1][c] = _mm_cvtepi32_ps (sums[c][i][1]);
      }
      for (int c = 0; c < 3; c++) {
        __m128i value =
            _mm_packs_epi32 (mix (plan, c, sum[0]), mix (plan, c, sum[1]));

        value = _mm_min_epi16 (_mm_max_epi16 (value, low), high);
        _mm_storeu_si128 ((__m128i *) (scratch->out[c] + at), value);
      }
    }
  }
}

void
sympie_dwm_functions_sse2 (SympieDwmFunctions *functions)
{
  *functions = (SympieDwmFunctions){
    .load = load,
    .filter = filter,
    .filter_wide = filter_wide,
    .store = store,
  };
}
