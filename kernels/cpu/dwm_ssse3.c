/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM with SSSE3. */

#include <tmmintrin.h>

#include "dwm_functions.h"

typedef __m128i Vec;

enum
{
  LANES = 8
};

#define IN_REGISTER "x"
#define splat _mm_set1_epi16
#define multiply _mm_mulhrs_epi16
#define add _mm_add_epi16
#define add_saturated _mm_adds_epi16
#define load_vec(at) _mm_loadu_si128 ((const __m128i *) (at))
#define store_vec(at, vec) _mm_storeu_si128 ((__m128i *) (at), vec)
#define clamp_vec(vec, low, high) _mm_min_epi16 (_mm_max_epi16 (vec, low), high)
#define shift_down(vec, n) _mm_sra_epi16 (vec, _mm_cvtsi32_si128 (n))

#include "dwm_vector.h"

void
sympie_dwm_functions_ssse3 (SympieDwmFunctions *functions)
{
  *functions = (SympieDwmFunctions){
    .load = load,
    .filter = filter,
    .filter_wide = filter_wide,
    .store = store,
  };
}
