/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Sixteen pixels of four bytes at a time, with AVX2. */

enum
{
  PIXELS = 16
};

/* The first `n` lanes. */
INLINE __m256i
first_lanes (int n)
{
  return _mm256_cmpgt_epi32 (
      _mm256_set1_epi32 (n), _mm256_setr_epi32 (0, 1, 2, 3, 4, 5, 6, 7));
}

/* In each half of a vector, the bytes of pixel i that `bytes` has, from the
 * lowest on: at 4 * i + j where `by_pixel`, else at i + 4 * j. */
INLINE __m256i
byte_order (const uint8_t bytes[4], bool by_pixel)
{
  uint8_t order[16];

  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++)
      order[by_pixel ? 4 * i + j : i + 4 * j] = (uint8_t) (4 * i + bytes[j]);
  return _mm256_broadcastsi128_si256 (
      _mm_loadu_si128 ((const __m128i *) order));
}

/* A row of samples of each channel. */
INLINE void
load_pixels (const SympieDwmPlan *plan, const uint8_t *src, int16_t *r,
    int16_t *g, int16_t *b)
{
  const SympieComponent *component = plan->info->component;
  const uint8_t bytes[4] = { component[0].offset, component[1].offset,
    component[2].offset, component[3].offset };
  const __m256i order = byte_order (bytes, false);
  const __m256i gather = _mm256_setr_epi32 (0, 4, 1, 5, 2, 6, 3, 7);
  const __m256i middle = _mm256_set1_epi8 (INT8_MIN);
  const __m256i zero = _mm256_setzero_si256 ();

  for (int x = 0; x < plan->width; x += PIXELS, src += 4 * PIXELS) {
    int n = plan->width - x;
    __m256i a, c, rg, b_;

    if (n >= PIXELS) {
      a = _mm256_loadu_si256 ((const __m256i *) src);
      c = _mm256_loadu_si256 ((const __m256i *) (src + 32));
    } else {
      a = _mm256_maskload_epi32 ((const int *) src, first_lanes (n));
      c = _mm256_maskload_epi32 ((const int *) (src + 32), first_lanes (n - 8));
    }
    /* R, G, B and what remains of eight pixels, one after the other. */
    a = _mm256_permutevar8x32_epi32 (_mm256_shuffle_epi8 (a, order), gather);
    c = _mm256_permutevar8x32_epi32 (_mm256_shuffle_epi8 (c, order), gather);
    rg = _mm256_xor_si256 (_mm256_permute2x128_si256 (a, c, 0x20), middle);
    b_ = _mm256_xor_si256 (_mm256_permute2x128_si256 (a, c, 0x31), middle);
    _mm256_storeu_si256 ((__m256i *) (r + x), _mm256_unpacklo_epi8 (zero, rg));
    _mm256_storeu_si256 ((__m256i *) (g + x), _mm256_unpackhi_epi8 (zero, rg));
    _mm256_storeu_si256 ((__m256i *) (b + x), _mm256_unpacklo_epi8 (zero, b_));
  }
}

static void
load_packed (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int p,
    int16_t *pair)
{
  const uint8_t *src = plan->src.planes[0] + 2 * p * plan->src.strides[0];

  if (p < 0 || 2 * p + 1 >= plan->height) {
    load (plan, scratch, p, pair);
    return;
  }
  for (int i = 0; i < 2; i++)
    load_pixels (plan, src + i * plan->src.strides[0],
        row_of (plan, pair, 0, i), row_of (plan, pair, 1, i),
        row_of (plan, pair, 2, i));
  pad_columns (plan, pair);
}

typedef struct
{
  __m256i order, alpha;
} PixelOrder;

INLINE PixelOrder
pixel_order (const SympieDwmPlan *plan)
{
  const SympieComponent *component = plan->info->component;
  uint8_t bytes[4];

  for (int c = 0; c < 4; c++)
    bytes[component[c].offset] = (uint8_t) c;
  return (PixelOrder){
    .order = byte_order (bytes, true),
    .alpha = _mm256_set1_epi32 ((int) (0xffu << (8 * component[3].offset))),
  };
}

/* Eight pixels of which `rgb` has the bytes R, G, B and 0; alpha is that of
 * `src`. `n` of them are in the frame. */
INLINE void
store_eight (const PixelOrder *order, uint8_t *dst, const uint8_t *src,
    __m256i rgb, int n)
{
  __m256i in = first_lanes (n), pixels;

  rgb = _mm256_shuffle_epi8 (rgb, order->order);
  /* Masked stores are slow on AMD's processors. */
  pixels = n >= 8 ? _mm256_loadu_si256 ((const __m256i *) src)
                  : _mm256_maskload_epi32 ((const int *) src, in);
  rgb = _mm256_blendv_epi8 (rgb, pixels, order->alpha);
  if (n >= 8)
    _mm256_storeu_si256 ((__m256i *) dst, rgb);
  else
    _mm256_maskstore_epi32 ((int *) dst, in, rgb);
}

INLINE void
store_pixels (const PixelOrder *order, uint8_t *dst, const uint8_t *src,
    __m256i r, __m256i g, __m256i b, int n)
{
  __m256i rb = _mm256_packus_epi16 (r, b);
  __m256i g0 = _mm256_packus_epi16 (g, _mm256_setzero_si256 ());
  __m256i rg = _mm256_unpacklo_epi8 (rb, g0);
  __m256i b0 = _mm256_unpackhi_epi8 (rb, g0);
  __m256i low = _mm256_unpacklo_epi16 (rg, b0);  /* 0..3, 8..11 */
  __m256i high = _mm256_unpackhi_epi16 (rg, b0); /* 4..7, 12..15 */

  store_eight (order, dst, src, _mm256_permute2x128_si256 (low, high, 0x20), n);
  store_eight (order, dst + 32, src + 32,
      _mm256_permute2x128_si256 (low, high, 0x31), n - 8);
}

static void
filter_packed (const SympieDwmPlan *plan, const int16_t *const pairs[4], int y)
{
  ptrdiff_t src_stride = plan->src.strides[0];
  ptrdiff_t dst_stride = plan->dst.strides[0];
  const uint8_t *src = plan->src.planes[0] + y * src_stride;
  uint8_t *dst = plan->dst.planes[0] + y * dst_stride;
  PixelOrder order = pixel_order (plan);
  int n_rows = plan->height - y;
  SpreadTaps taps;
  SpreadMix mix;

  if (n_rows > SYMPIE_DWM_GROUP)
    n_rows = SYMPIE_DWM_GROUP;
  spread (plan, &taps, &mix);

  for (int x = 0; x < plan->width; x += STEP) {
    Vec sums[3][SYMPIE_DWM_GROUP][2];

    prefetch (plan, y, x, STEP);
    sum_channels (plan, &taps, pairs, x, sums);
    for (int i = 0; i < n_rows; i++)
      for (int half = 0; half < 2; half++) {
        Vec r = sums[0][i][half], g = sums[1][i][half], b = sums[2][i][half];
        int at = x + half * LANES;

        store_vec_of_pixels (&order, dst + i * dst_stride + 4 * at,
            src + i * src_stride + 4 * at, mix_channel (&mix, 0, r, g, b),
            mix_channel (&mix, 1, r, g, b), mix_channel (&mix, 2, r, g, b),
            plan->width - at);
      }
  }
}
