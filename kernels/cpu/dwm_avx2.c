/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM with AVX2, and once more with AVX-VNNI, which multiplies and adds in one
 * instruction. */

#include <immintrin.h>

#define PAIRED 1
#include "dwm_tmpl.h"

enum
{
  LANES = 8,
  STEP = 2 * LANES, /* columns filtered at a time */
};

INLINE __m256i
multiply_add (__m256i sum, __m256i samples, __m256i taps)
{
#ifdef __AVXVNNI__
  return _mm256_dpwssd_avx_epi32 (sum, samples, taps);
#else
  return _mm256_add_epi32 (sum, _mm256_madd_epi16 (samples, taps));
#endif
}

/* 5x5 sums of one channel: STEP columns from `x` of the four rows of a group.
 * Eight sums stay in registers; the taps come from memory. The empty assembler
 * orders the sums: GCC would first take all 120 products and spill them. */
INLINE void
sum_group (const int32_t taps[2][3][5][LANES], const int16_t *const at[4],
    __m256i sums[SYMPIE_DWM_GROUP][2])
{
  __m256i sum[SYMPIE_DWM_GROUP][2];

  for (int i = 0; i < SYMPIE_DWM_GROUP; i++)
    sum[i][0] = sum[i][1] = _mm256_setzero_si256 ();

#pragma GCC unroll 5
  for (int dx = 0; dx < 5; dx++)
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      __m256i a = _mm256_loadu_si256 ((const __m256i *) (at[j] + 2 * dx));
      __m256i b =
          _mm256_loadu_si256 ((const __m256i *) (at[j] + 2 * (dx + LANES)));

#pragma GCC unroll 4
      for (int i = 0; i < SYMPIE_DWM_GROUP; i++) {
        int t = j - i / 2;
        __m256i tap;

        if (t < 0 || t > 2)
          continue;
        tap = _mm256_load_si256 ((const __m256i *) taps[i % 2][t][dx]);
        sum[i][0] = multiply_add (sum[i][0], a, tap);
        sum[i][1] = multiply_add (sum[i][1], b, tap);
        __asm__("" : "+x"(sum[i][0]), "+x"(sum[i][1]));
      }
    }

  for (int i = 0; i < SYMPIE_DWM_GROUP; i++) {
    sums[i][0] = sum[i][0];
    sums[i][1] = sum[i][1];
  }
}

INLINE void
sum_channels (const SympieDwmPlan *plan, const int32_t taps[2][3][5][LANES],
    const int16_t *const pairs[4], int x, __m256i sums[3][SYMPIE_DWM_GROUP][2])
{
  for (int c = 0; c < 3; c++) {
    const int16_t *at[4];

    for (int j = 0; j < 4; j++)
      at[j] = &PAIR_AT (plan, pairs[j] + 2 * c * plan->pitch, 0, x - 2);
    sum_group (taps, at, sums[c]);
  }
}

static void
spread_taps (const SympieDwmPlan *plan, int32_t taps[2][3][5][LANES])
{
  for (int odd = 0; odd < 2; odd++)
    for (int t = 0; t < 3; t++)
      for (int dx = 0; dx < 5; dx++)
        for (int i = 0; i < LANES; i++)
          taps[odd][t][dx][i] = plan->pair_taps[odd][t][dx];
}

/* The result of one channel, rounded but not clamped: 16-bit taps are taken
 * only where it is far from overflowing. */
INLINE __m256i
mix (const SympieDwmPlan *plan, int channel, const __m256 sums[3])
{
  __m256 value = _mm256_set1_ps (plan->bias[channel]);

  for (int d = 0; d < 3; d++)
    value = _mm256_add_ps (
        value, _mm256_mul_ps (sums[d], _mm256_set1_ps (plan->mix[channel][d])));
  return _mm256_cvttps_epi32 (value);
}

static void
filter (const SympieDwmPlan *plan, const int16_t *const pairs[4], int y,
    const SympieDwmScratch *scratch)
{
  const __m256i low = _mm256_set1_epi16 ((int16_t) plan->low);
  const __m256i high = _mm256_set1_epi16 ((int16_t) plan->high);
  int32_t taps[2][3][5][LANES] __attribute__ ((aligned (32)));

  spread_taps (plan, taps);
  for (int x = 0; x < plan->width; x += STEP) {
    __m256i sums[3][SYMPIE_DWM_GROUP][2];

    sum_channels (plan, taps, pairs, x, sums);
    for (int i = 0; i < SYMPIE_DWM_GROUP; i++) {
      ptrdiff_t at = (i + 1) * plan->pitch + SYMPIE_DWM_LEFT + x;
      __m256 sum[2][3];

      for (int c = 0; c < 3; c++) {
        sum[0][c] = _mm256_cvtepi32_ps (sums[c][i][0]);
        sum[1][c] = _mm256_cvtepi32_ps (sums[c][i][1]);
      }
      for (int c = 0; c < 3; c++) {
        __m256i value =
            _mm256_packs_epi32 (mix (plan, c, sum[0]), mix (plan, c, sum[1]));

        /* Packing works within halves. */
        value = _mm256_permute4x64_epi64 (value, _MM_SHUFFLE (3, 1, 2, 0));
        value = _mm256_min_epi16 (_mm256_max_epi16 (value, low), high);
        _mm256_storeu_si256 ((__m256i *) (scratch->out[c] + at), value);
      }
    }
  }
}

/* ---- Pixels of four bytes ---------------------------------------------- */

/* The first `n` lanes. */
INLINE __m256i
first_lanes (int n)
{
  return _mm256_cmpgt_epi32 (
      _mm256_set1_epi32 (n), _mm256_setr_epi32 (0, 1, 2, 3, 4, 5, 6, 7));
}

static void
load_packed (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int p,
    int16_t *pair)
{
  ptrdiff_t stride = plan->src.strides[0];
  int n = plan->width;
  __m256i top_order[3], bottom_order[3];

  if (p < 0 || 2 * p + 1 >= plan->height) {
    load (plan, scratch, p, pair);
    return;
  }

  const uint8_t *top = plan->src.planes[0] + 2 * p * stride;
  const uint8_t *bottom = top + stride;

  /* The byte of a channel goes to the top of its half of the lane, whence a
   * shift makes it 32 times itself; 0x80 gives 0. */
  for (int c = 0; c < 3; c++) {
    int offset = plan->info->component[c].offset;
    __m256i pixel = _mm256_broadcastsi128_si256 (_mm_setr_epi32 (0, 4, 8, 12));
    __m256i byte = _mm256_add_epi32 (pixel, _mm256_set1_epi32 (offset));

    top_order[c] = _mm256_or_si256 (
        _mm256_slli_epi32 (byte, 8), _mm256_set1_epi32 ((int) 0x80800080));
    bottom_order[c] = _mm256_or_si256 (
        _mm256_slli_epi32 (byte, 24), _mm256_set1_epi32 (0x00808080));
  }

  for (int x = 0; x < n; x += LANES) {
    __m256i in = first_lanes (n - x);
    __m256i a = _mm256_maskload_epi32 ((const int *) (top + 4 * x), in);
    __m256i b = _mm256_maskload_epi32 ((const int *) (bottom + 4 * x), in);

    for (int c = 0; c < 3; c++) {
      __m256i bytes = _mm256_or_si256 (_mm256_shuffle_epi8 (a, top_order[c]),
          _mm256_shuffle_epi8 (b, bottom_order[c]));

      _mm256_storeu_si256 (
          (__m256i *) &PAIR_AT (plan, pair + 2 * c * plan->pitch, 0, x),
          _mm256_srli_epi16 (bytes, 3));
    }
  }
  pad_columns (plan, pair);
}

static void
filter_packed (const SympieDwmPlan *plan, const int16_t *const pairs[4], int y)
{
  const SympieComponent *component = plan->info->component;
  int32_t taps[2][3][5][LANES] __attribute__ ((aligned (32)));
  int n_rows = plan->height - y;
  uint8_t byte[4];
  uint32_t word;

  if (n_rows > SYMPIE_DWM_GROUP)
    n_rows = SYMPIE_DWM_GROUP;
  spread_taps (plan, taps);

  /* Packing leaves R, G, B and 0 of four pixels one after the other in each
   * half of a vector. */
  for (int c = 0; c < 3; c++)
    byte[component[c].offset] = (uint8_t) (4 * c);
  byte[component[3].offset] = 12;
  memcpy (&word, byte, sizeof word);

  const __m256i order = _mm256_add_epi8 (_mm256_set1_epi32 ((int) word),
      _mm256_broadcastsi128_si256 (
          _mm_setr_epi32 (0, 0x01010101, 0x02020202, 0x03030303)));
  const __m256i alpha =
      _mm256_set1_epi32 ((int) (0xffu << (8 * component[3].offset)));
  const __m256i low = _mm256_set1_epi8 ((char) (uint8_t) plan->low);
  const __m256i high = _mm256_set1_epi8 ((char) (uint8_t) plan->high);

  for (int x = 0; x < plan->width; x += STEP) {
    __m256i sums[3][SYMPIE_DWM_GROUP][2];

    prefetch_packed (plan, y, x, STEP);
    sum_channels (plan, taps, pairs, x, sums);
    for (int i = 0; i < n_rows; i++)
      for (int half = 0; half < 2; half++) {
        int at = x + half * LANES;
        const uint8_t *src =
            plan->src.planes[0] + (y + i) * plan->src.strides[0] + 4 * at;
        uint8_t *dst =
            plan->dst.planes[0] + (y + i) * plan->dst.strides[0] + 4 * at;
        bool whole = at + LANES <= plan->width;
        __m256i in = first_lanes (plan->width - at);
        __m256 sum[3];
        __m256i rg, b, bytes, pixels;

        for (int c = 0; c < 3; c++)
          sum[c] = _mm256_cvtepi32_ps (sums[c][i][half]);
        rg = _mm256_packs_epi32 (mix (plan, 0, sum), mix (plan, 1, sum));
        b = _mm256_packs_epi32 (mix (plan, 2, sum), _mm256_setzero_si256 ());
        bytes = _mm256_packus_epi16 (rg, b);
        bytes = _mm256_min_epu8 (_mm256_max_epu8 (bytes, low), high);
        bytes = _mm256_shuffle_epi8 (bytes, order);
        /* Masked stores are slow on AMD's processors. */
        pixels = whole ? _mm256_loadu_si256 ((const __m256i *) src)
                       : _mm256_maskload_epi32 ((const int *) src, in);
        bytes = _mm256_blendv_epi8 (bytes, pixels, alpha);
        if (whole)
          _mm256_storeu_si256 ((__m256i *) dst, bytes);
        else
          _mm256_maskstore_epi32 ((int *) dst, in, bytes);
      }
  }
}

#ifdef __AVXVNNI__
#define sympie_dwm_functions_avx2 sympie_dwm_functions_avxvnni
#endif

void
sympie_dwm_functions_avx2 (SympieDwmFunctions *functions)
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
