/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "half.h"

#include <math.h>
#include <string.h>

static uint16_t
to_half (float value)
{
  float magnitude = fabsf (value);
  uint32_t bits, sign;

  memcpy (&bits, &value, sizeof bits);
  sign = bits >> 16 & 0x8000;
  if (!(magnitude < 65520))
    return (uint16_t) (sign | (isnan (value) ? 0x7e00 : 0x7c00));
  if (magnitude < 0x1p-14f)
    return (uint16_t) (sign | (uint32_t) lrintf (magnitude * 0x1p24f));
  bits &= 0x7fffffff;
  bits += 0xfff + (bits >> 13 & 1);
  return (uint16_t) (sign | ((bits - (112u << 23)) >> 13));
}

static float
from_half (uint16_t half)
{
  int exponent = half >> 10 & 31, mantissa = half & 0x3ff;
  float magnitude;

  if (exponent == 31)
    magnitude = mantissa ? NAN : INFINITY;
  else if (exponent == 0)
    magnitude = ldexpf ((float) mantissa, -24);
  else
    magnitude = ldexpf ((float) (mantissa + 1024), exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

void
sympie_cuda_to_half (const float *values, size_t n, uint16_t *halves)
{
  for (size_t i = 0; i < n; i++)
    halves[i] = to_half (values[i]);
}

void
sympie_cuda_from_half (const uint16_t *halves, size_t n, float *values)
{
  for (size_t i = 0; i < n; i++)
    values[i] = from_half (halves[i]);
}
