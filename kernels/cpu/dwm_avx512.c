/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM with AVX-512 and VNNI. */

#include <immintrin.h>

#define PAIRED 1
#include "dwm_tmpl.h"

enum
{
  LANES = 16,
  STEP = 2 * LANES, /* columns filtered at a time */
};

/* 5x5 sums of one channel: STEP columns from `x` of the four rows of a group.
 * Eight sums stay in registers; more of them, and GCC spills. */
INLINE void
sum_group (const SympieDwmPlan *plan, const int16_t *const pairs[4],
    int channel, int x, __m512i sums[SYMPIE_DWM_GROUP][2])
{
  const int16_t *at[4];
  __m512i sum[SYMPIE_DWM_GROUP][2];

  for (int j = 0; j < 4; j++)
    at[j] = &PAIR_AT (plan, pairs[j] + 2 * channel * plan->pitch, 0, x - 2);
  for (int i = 0; i < SYMPIE_DWM_GROUP; i++)
    sum[i][0] = sum[i][1] = _mm512_setzero_si512 ();

#pragma GCC unroll 5
  for (int dx = 0; dx < 5; dx++) {
    __m512i taps[2][3];

    for (int odd = 0; odd < 2; odd++)
      for (int t = 0; t < 3; t++)
        taps[odd][t] = _mm512_set1_epi32 (plan->pair_taps[odd][t][dx]);

#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      __m512i a = _mm512_loadu_si512 (at[j] + 2 * dx);
      __m512i b = _mm512_loadu_si512 (at[j] + 2 * (dx + LANES));

#pragma GCC unroll 4
      for (int i = 0; i < SYMPIE_DWM_GROUP; i++) {
        int t = j - i / 2;

        if (t < 0 || t > 2)
          continue;
        sum[i][0] = _mm512_dpwssd_epi32 (sum[i][0], a, taps[i % 2][t]);
        sum[i][1] = _mm512_dpwssd_epi32 (sum[i][1], b, taps[i % 2][t]);
      }
    }
  }

  for (int i = 0; i < SYMPIE_DWM_GROUP; i++) {
    sums[i][0] = sum[i][0];
    sums[i][1] = sum[i][1];
  }
}

/* The result of one channel, rounded but not clamped: 16-bit taps are taken
 * only where it is far from overflowing. */
INLINE __m512i
mix (const SympieDwmPlan *plan, int channel, const __m512 sums[3])
{
  __m512 value = _mm512_set1_ps (plan->bias[channel]);

  for (int d = 0; d < 3; d++)
    value = _mm512_add_ps (
        value, _mm512_mul_ps (sums[d], _mm512_set1_ps (plan->mix[channel][d])));
  return _mm512_cvttps_epi32 (value);
}

static void
filter (const SympieDwmPlan *plan, const int16_t *const pairs[4], int y,
    const SympieDwmScratch *scratch)
{
  const __m256i low = _mm256_set1_epi16 ((int16_t) plan->low);
  const __m256i high = _mm256_set1_epi16 ((int16_t) plan->high);

  for (int x = 0; x < plan->width; x += STEP) {
    __m512i sums[3][SYMPIE_DWM_GROUP][2];

    for (int c = 0; c < 3; c++)
      sum_group (plan, pairs, c, x, sums[c]);

    for (int i = 0; i < SYMPIE_DWM_GROUP; i++)
      for (int half = 0; half < 2; half++) {
        ptrdiff_t at =
            (i + 1) * plan->pitch + SYMPIE_DWM_LEFT + x + half * LANES;
        __m512 sum[3];

        for (int c = 0; c < 3; c++)
          sum[c] = _mm512_cvtepi32_ps (sums[c][i][half]);
        for (int c = 0; c < 3; c++) {
          __m256i value = _mm512_cvtsepi32_epi16 (mix (plan, c, sum));

          value = _mm256_min_epi16 (_mm256_max_epi16 (value, low), high);
          _mm256_storeu_si256 ((__m256i *) (scratch->out[c] + at), value);
        }
      }
  }
}

/* ---- Pixels of four bytes ---------------------------------------------- */

static void
load_packed (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int p,
    int16_t *pair)
{
  ptrdiff_t stride = plan->src.strides[0];
  int n = plan->width;
  __m512i order[3];

  if (p < 0 || 2 * p + 1 >= plan->height) {
    load (plan, scratch, p, pair);
    return;
  }

  const uint8_t *top = plan->src.planes[0] + 2 * p * stride;
  const uint8_t *bottom = top + stride;

  /* The byte of a channel goes to the top of both halves of its lane, whence a
   * shift makes it 32 times itself. */
  for (int c = 0; c < 3; c++) {
    int offset = plan->info->component[c].offset;

    order[c] = _mm512_add_epi8 (
        _mm512_set4_epi32 (12 * 0x01010101, 8 * 0x01010101, 4 * 0x01010101, 0),
        _mm512_set1_epi32 (offset * 0x01010101));
  }

  for (int x = 0; x < n; x += LANES) {
    __mmask16 in = n - x < LANES ? (__mmask16) ((1u << (n - x)) - 1) : 0xffff;
    __m512i a = _mm512_maskz_loadu_epi32 (in, top + 4 * x);
    __m512i b = _mm512_maskz_loadu_epi32 (in, bottom + 4 * x);

    for (int c = 0; c < 3; c++) {
      __m512i bytes =
          _mm512_maskz_shuffle_epi8 (0x2222222222222222, a, order[c]);

      bytes = _mm512_mask_shuffle_epi8 (bytes, 0x8888888888888888, b, order[c]);
      _mm512_storeu_si512 (&PAIR_AT (plan, pair + 2 * c * plan->pitch, 0, x),
          _mm512_srli_epi16 (bytes, 3));
    }
  }

  pad_columns (plan, pair);
}

static void
filter_packed (const SympieDwmPlan *plan, const int16_t *const pairs[4], int y)
{
  const SympieComponent *component = plan->info->component;
  int n_rows = plan->height - y;
  uint8_t byte[4];
  uint32_t word;

  if (n_rows > SYMPIE_DWM_GROUP)
    n_rows = SYMPIE_DWM_GROUP;

  /* Packing leaves R, G, B and 0 of four pixels one after the other in each
   * quarter of a vector. */
  for (int c = 0; c < 3; c++)
    byte[component[c].offset] = (uint8_t) (4 * c);
  byte[component[3].offset] = 12;
  memcpy (&word, byte, sizeof word);

  const __m512i order = _mm512_add_epi8 (_mm512_set1_epi32 ((int) word),
      _mm512_set4_epi32 (0x03030303, 0x02020202, 0x01010101, 0));
  const __m512i alpha =
      _mm512_set1_epi32 ((int) (0xffu << (8 * component[3].offset)));
  const __m512i low = _mm512_set1_epi8 ((char) (uint8_t) plan->low);
  const __m512i high = _mm512_set1_epi8 ((char) (uint8_t) plan->high);

  for (int x = 0; x < plan->width; x += STEP) {
    __m512i sums[3][SYMPIE_DWM_GROUP][2];

    prefetch_packed (plan, y, x, STEP);
    for (int c = 0; c < 3; c++)
      sum_group (plan, pairs, c, x, sums[c]);

    for (int i = 0; i < n_rows; i++)
      for (int half = 0; half < 2; half++) {
        int at = x + half * LANES, left = plan->width - at;
        const uint8_t *src =
            plan->src.planes[0] + (y + i) * plan->src.strides[0] + 4 * at;
        uint8_t *dst =
            plan->dst.planes[0] + (y + i) * plan->dst.strides[0] + 4 * at;
        __mmask16 in = left >= LANES ? 0xffff
                       : left > 0    ? (__mmask16) ((1u << left) - 1)
                                     : 0;
        __m512 sum[3];
        __m512i rg, b, bytes;

        for (int c = 0; c < 3; c++)
          sum[c] = _mm512_cvtepi32_ps (sums[c][i][half]);
        rg = _mm512_packs_epi32 (mix (plan, 0, sum), mix (plan, 1, sum));
        b = _mm512_packs_epi32 (mix (plan, 2, sum), _mm512_setzero_si512 ());
        bytes = _mm512_packus_epi16 (rg, b);
        bytes = _mm512_min_epu8 (_mm512_max_epu8 (bytes, low), high);
        bytes = _mm512_shuffle_epi8 (bytes, order);
        /* alpha ? source : bytes */
        bytes = _mm512_ternarylogic_epi32 (
            alpha, _mm512_maskz_loadu_epi32 (in, src), bytes, 0xca);
        _mm512_mask_storeu_epi32 (dst, in, bytes);
      }
  }
}

void
sympie_dwm_functions_avx512 (SympieDwmFunctions *functions)
{
  *functions = (SympieDwmFunctions){
    .load = load,
    .filter = filter,
    .filter_wide = filter_wide,
    .store = store,
    .load_packed = load_packed,
    .filter_packed = filter_packed,
  };
}
