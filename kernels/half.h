/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* IEEE half precision, as its 16 bits. */

#ifndef SYMPIE_HALF_H
#define SYMPIE_HALF_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float
sympie_half_to_float (uint16_t half)
{
  uint32_t bits = (uint32_t) (half & 0x7fff) << 13;
  uint32_t sign = (uint32_t) (half & 0x8000) << 16;
  float value;

  /* Exponent and fraction as they are, then the other bias; so subnormal
   * numbers come out right as well. */
  memcpy (&value, &bits, sizeof value);
  value *= 0x1p112f;
  memcpy (&bits, &value, sizeof bits);
  if ((half & 0x7c00) == 0x7c00) /* infinity and NaN */
    bits |= 0x7f800000;
  bits |= sign;
  memcpy (&value, &bits, sizeof value);
  return value;
}

/* To the nearest, ties to even; beyond the range to infinity. */
static inline uint16_t
sympie_half_from_float (float value)
{
  float magnitude = fabsf (value), sum = magnitude + 0.5f;
  uint32_t bits, sign;

  memcpy (&bits, &value, sizeof bits);
  sign = bits >> 16 & 0x8000;
  if (!(magnitude < 65520))
    return (uint16_t) (sign | (magnitude > 65519 ? 0x7c00 : 0x7e00));
  if (magnitude < 0x1p-14f) {
    /* The sum has exactly the bits of a subnormal half. */
    memcpy (&bits, &sum, sizeof bits);
    return (uint16_t) (sign | (bits & 0x7fffff));
  }
  bits &= 0x7fffffff;
  bits += 0xfff + (bits >> 13 & 1);
  return (uint16_t) (sign | ((bits - (112u << 23)) >> 13));
}

#endif /* SYMPIE_HALF_H */
