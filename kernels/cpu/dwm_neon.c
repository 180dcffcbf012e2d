/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM with NEON, which every 64-bit ARM has. */

#include <arm_neon.h>

#include "dwm_functions.h"

typedef int16x8_t Vec;

enum
{
  LANES = 8
};

#define IN_REGISTER "w"
#define splat vdupq_n_s16
#define multiply vqrdmulhq_s16
#define add vaddq_s16
#define add_saturated vqaddq_s16
#define load_vec vld1q_s16
#define store_vec vst1q_s16
#define clamp_vec(vec, low, high) vminq_s16 (vmaxq_s16 (vec, low), high)
#define shift_down(vec, n) vshlq_s16 (vec, vdupq_n_s16 ((int16_t) - (n)))

#include "dwm_vector.h"

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
