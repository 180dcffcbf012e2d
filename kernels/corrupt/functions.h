/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The elementary functions that bytes depend on, out of additions,
 * multiplications, divisions and square roots alone: libm's differ from one
 * machine to the next in the last bit. The float ones vectorise. */

#ifndef SYMPIE_FUNCTIONS_H
#define SYMPIE_FUNCTIONS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Natural logarithm of a normal x > 0, within 3e-7. */
static inline float
sympie_log (float x)
{
  const float ln2 = 0.693147181f;
  int32_t bits, exponent;
  float m, z, zz;

  memcpy (&bits, &x, sizeof bits);
  /* x = m * 2^exponent with m in [2/3, 4/3); 0x3f2aaaab is 2/3. */
  exponent = (bits - 0x3f2aaaab) >> 23;
  bits -= exponent * (1 << 23);
  memcpy (&m, &bits, sizeof m);
  /* log (m) = 2 artanh (z), |z| <= 1/5 */
  z = (m - 1) / (m + 1);
  zz = z * z;
  return (float) exponent * ln2
         + 2 * z * (1 + zz * (1 / 3.f + zz * (1 / 5.f + zz * (1 / 7.f))));
}

/* cos (2 pi turn) for turn in [0, 1], within 2e-7. */
static inline float
sympie_cos_turn (float turn)
{
  /* = sin (2 pi w) with w in [-1/4, 1/4] */
  float w = fabsf (turn - 0.5f) - 0.25f, x = 6.28318531f * w, xx = x * x;

  return x
         * (1
             + xx
                   * (-1 / 6.f
                       + xx
                             * (1 / 120.f
                                 + xx
                                       * (-1 / 5040.f
                                           + xx
                                                 * (1 / 362880.f
                                                     + xx
                                                           * (-1
                                                               / 39916800.f))))));
}

/* exp (x), within a few ulp, for taps and probabilities. */
double sympie_exp (double x);

/* cos and sin of an angle in degrees, |degrees| <= 360. */
void sympie_direction (double degrees, double *cosine, double *sine);

#endif /* SYMPIE_FUNCTIONS_H */
