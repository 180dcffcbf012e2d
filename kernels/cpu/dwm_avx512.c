/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM with AVX-512 (BW). */

#include <immintrin.h>

#include "dwm_functions.h"

typedef __m512i Vec;

enum
{
  LANES = 32
};

#define IN_REGISTER "v"
#define splat _mm512_set1_epi16
#define multiply _mm512_mulhrs_epi16
#define add _mm512_add_epi16
#define add_saturated _mm512_adds_epi16
#define load_vec(at) _mm512_loadu_si512 (at)
#define store_vec(at, vec) _mm512_storeu_si512 (at, vec)
#define clamp_vec(vec, low, high)                                              \
  _mm512_min_epi16 (_mm512_max_epi16 (vec, low), high)
#define shift_down(vec, n) _mm512_sra_epi16 (vec, _mm_cvtsi32_si128 (n))
#define half_of(vec, i) _mm512_extracti64x4_epi64 (vec, i)
#define store_vec_of_pixels(order, dst, src, r, g, b, n)                       \
  do {                                                                         \
    Vec v_r = r, v_g = g, v_b = b;                                             \
                                                                               \
    store_pixels (order, dst, src, half_of (v_r, 0), half_of (v_g, 0),         \
        half_of (v_b, 0), n);                                                  \
    store_pixels (order, (dst) + 4 * PIXELS, (src) + 4 * PIXELS,               \
        half_of (v_r, 1), half_of (v_g, 1), half_of (v_b, 1), (n) -PIXELS);    \
  } while (0)

#include "dwm_vector.h"

#include "dwm_pixels.h"

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
