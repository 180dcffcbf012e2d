/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "functions.h"

double
sympie_exp (double x)
{
  const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
  double whole, rest, sum = 1;

  if (x < -700)
    return 0;
  if (x > 700)
    return HUGE_VAL;
  whole = floor (x * 1.4426950408889634 + 0.5);
  rest = x - whole * ln2_high - whole * ln2_low;
  /* |rest| <= 0.35: 14 terms of the series are exact enough. */
  for (int i = 14; i > 0; i--)
    sum = 1 + sum * rest / i;
  return ldexp (sum, (int) whole);
}

/* sin (x) for |x| <= pi / 4 */
static double
small_sine (double x)
{
  double sum = 1;

  for (int i = 17; i > 1; i -= 2)
    sum = 1 - sum * x * x / (i * (i - 1));
  return x * sum;
}

void
sympie_direction (double degrees, double *cosine, double *sine)
{
  const double radian = 0.017453292519943295;
  double quarter = floor (degrees / 90 + 0.5);
  double s = small_sine ((degrees - 90 * quarter) * radian);
  double c = sqrt (1 - s * s); /* positive within +-45 degrees */

  switch ((int) quarter & 3) {
  case 0:
    *cosine = c, *sine = s;
    break;
  case 1:
    *cosine = -s, *sine = c;
    break;
  case 2:
    *cosine = -c, *sine = -s;
    break;
  default:
    *cosine = s, *sine = -c;
    break;
  }
}
