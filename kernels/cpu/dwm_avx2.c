/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM with AVX2. */

#include <immintrin.h>

#include "dwm_functions.h"

typedef __m256i Vec;

enum
{
  LANES = 16
};

#define IN_REGISTER "x"
#define splat _mm256_set1_epi16
#define multiply _mm256_mulhrs_epi16
#define add _mm256_add_epi16
#define add_saturated _mm256_adds_epi16
#define load_vec(at) _mm256_loadu_si256 ((const __m256i *) (at))
#define store_vec(at, vec) _mm256_storeu_si256 ((__m256i *) (at), vec)
#define clamp_vec(vec, low, high)                                              \
  _mm256_min_epi16 (_mm256_max_epi16 (vec, low), high)
#define shift_down(vec, n) _mm256_sra_epi16 (vec, _mm_cvtsi32_si128 (n))
#define store_vec_of_pixels store_pixels

#include "dwm_vector.h"

#include "dwm_pixels.h"

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
