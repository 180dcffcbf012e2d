/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "dwm_plan.h"

#include <math.h>
#include <stdlib.h>

#include "../dwm_fold.h"

/* The largest error of 16 bits that is let pass, in 8-bit levels: six standard
 * deviations, the roundings taken as independent. All that NEM gives for the
 * corruptions comes to less. */
#define TOLERANCE 0.5

/* The variance of a rounding. */
#define ROUNDING (1 / 12.)

enum
{
  MAX_DOUBLINGS = 3
};

static int16_t
q15 (double value)
{
  return (int16_t) lrint (value * 32768);
}

static void
plan_yuv (SympieDwmPlan *plan, const SympieColour *colour)
{
  int extra = plan->info->depth - 8; /* bits */
  double one = SYMPIE_DWM_ONE, two = 2 * one;

  /* Luma as 128 times an 8-bit code, chroma as 256 times: the largest that fit
   * 16 bits. */
  plan->luma_offset = (int16_t) colour->offset[0];
  plan->luma_scale = (int16_t) (128 >> extra);
  plan->luma = q15 (colour->to_rgb[0][0] * two / (128 >> extra));

  double chroma = two / (256 >> extra);

  plan->chroma_offset = (int16_t) (16 * colour->offset[1]);
  plan->chroma_scale = (int16_t) (16 >> extra);
  plan->r_v = q15 (colour->to_rgb[0][2] * chroma);
  plan->g_u = q15 (colour->to_rgb[1][1] * chroma);
  plan->g_v = q15 (colour->to_rgb[1][2] * chroma);
  plan->b_u = q15 (colour->to_rgb[2][1] * chroma);

  plan->y_shift = (int16_t) (5 - extra);
  plan->y_offset = (int16_t) (((int) colour->offset[0] << plan->y_shift)
                              + (1 << (plan->y_shift - 1)));
  plan->uv_shift = (int16_t) (6 - extra);
  plan->uv_offset = (int16_t) (((int) colour->offset[1] << plan->uv_shift)
                               + (1 << (plan->uv_shift - 1)));
  for (int c = 0; c < 3; c++) {
    double y = (1 << plan->y_shift) / one;
    double uv = (1 << plan->uv_shift) / (4 * one);

    plan->y_factor[c] = q15 (colour->from_rgb[0][c] * y);
    plan->u_factor[c] = q15 (colour->from_rgb[1][c] * uv);
    plan->v_factor[c] = q15 (colour->from_rgb[2][c] * uv);
  }
}

/* The matrix and what is added, of 16 bits. `mix` and `bias` are in units of
 * out, the sums at most `largest`. FALSE where they do not fit. */
static bool
quantise_mix (SympieDwmPlan *plan, const double mix[3][3], const double bias[3],
    double largest)
{
  double range = 0, factor = 0, unit;

  for (int c = 0; c < 3; c++) {
    double all = fabs (bias[c]);

    for (int d = 0; d < 3; d++) {
      all += fabs (mix[c][d]) * largest;
      factor = fmax (factor, fabs (mix[c][d]));
    }
    range = fmax (range, all);
  }
  for (plan->doublings = 0; plan->doublings <= MAX_DOUBLINGS;
       plan->doublings++) {
    unit = 1 << plan->doublings;
    if (factor / unit * 32768 <= INT16_MAX && range / unit <= INT16_MAX - 3)
      break;
  }
  if (!(plan->doublings <= MAX_DOUBLINGS))
    return false;
  for (int c = 0; c < 3; c++) {
    plan->bias[c] = (int16_t) lrint (bias[c] / unit);
    for (int d = 0; d < 3; d++)
      plan->mix[c][d] = q15 (mix[c][d] / unit);
  }
  return true;
}

/* Taps and matrix of 16 bits. Returns TOLERANCE's measure of what they miss of
 * the result, infinite where the parameters do not fit. */
static double
quantise (SympieDwmPlan *plan)
{
  double largest = 0, sum = 0, sums = 0, worst = 0;
  double sample = plan->info->yuv ? 2 * SYMPIE_DWM_ONE : -INT16_MIN;
  double mix[3][3], bias[3], variance, mix_variance;

  for (int d = 0; d < 3; d++) {
    double pad = rint (plan->wide_pad[d]);

    /* Where samples of YUV are, and nearly all of RGB's. */
    if (!(fabs (pad) <= 2 * SYMPIE_DWM_ONE))
      return INFINITY;
    plan->pad[d] = (int16_t) pad;
  }
  for (int i = 0; i < 25; i++) {
    largest = fmax (largest, fabs (plan->wide_kernel[i]));
    sum += fabs (plan->wide_kernel[i]);
  }

  /* As large as taps and their sums may be: those are rounded 50 times. */
  double scale =
      fmin (INT16_MAX / 32768. / largest, (INT16_MAX - 26) / sample / sum);

  if (!(largest > 0))
    scale = 1;
  for (int i = 0; i < 25; i++) {
    plan->taps[i] = q15 (plan->wide_kernel[i] * scale);
    sums += sample * abs (plan->taps[i]) / 32768 + 0.5;
  }

  for (int c = 0; c < 3; c++) {
    /* A rounding is in the last product. */
    bias[c] = plan->info->yuv ? plan->wide_bias[c] - 0.5
                              : ldexp (plan->wide_bias[c], plan->down);
    for (int d = 0; d < 3; d++) {
      mix[c][d] = ldexp (plan->wide_mix[c][d], plan->down) / scale;
      for (int i = 0; i < 25; i++)
        bias[c] -= mix[c][d] * sympie_mul_q15 (plan->pad[d], plan->taps[i]);
    }
  }
  if (!quantise_mix (plan, mix, bias, sums))
    return INFINITY;

  /* Of a sum: each product and each tap; of the result: each product with the
   * matrix, its numbers, and the bias. */
  variance = 25 * ROUNDING * (1 + (sample / 32768) * (sample / 32768));
  mix_variance = 7 * ROUNDING * (1 << (2 * plan->doublings));
  for (int c = 0; c < 3; c++) {
    double all = mix_variance;

    for (int d = 0; d < 3; d++)
      all += mix[c][d] * mix[c][d] * variance;
    worst = fmax (worst, all);
  }
  return 6 * sqrt (worst) / 32;
}

void
sympie_dwm_plan (SympieDwmPlan *plan, const SympieImage *src,
    const SympieTarget *dst, const SympieParams *params)
{
  const SympieFormatInfo *info = sympie_format_info (src->format);
  SympieDwmFold fold;
  SympieColour colour;
  double unit, zero, out_unit, out_zero = 0;

  *plan = (SympieDwmPlan){
    .width = src->width,
    .height = src->height,
    .info = info,
    .src = *src,
    .dst = *dst,
  };
  sympie_dwm_fold (&fold, params);
  sympie_colour_init (&colour, info, &src->colorimetry);
  plan->up = 16 - info->depth;
  plan->down = info->yuv ? 0 : 13 - info->depth;
  plan->direct = info->n_planes > 1 && sympie_format_has_own_words (info);
  plan->shift = info->component[0].shift;
  for (int c = 0; c < 4; c++)
    if (info->component[c].bits) {
      int p = info->component[c].plane;

      plan->column_bytes[p] =
          (int) (256 * sympie_format_row_bytes (info, p, src->width)
                 / src->width);
      plan->sub_y[p] = info->component[c].sub_y;
    }
  plan->max = (int16_t) colour.max;

  /* Samples are zero + unit * x for x in [0, 1], outputs alike. */
  if (info->yuv) {
    plan_yuv (plan, &colour);
    out_unit = SYMPIE_DWM_ONE;
    unit = 4 * out_unit;
    zero = -2 * out_unit;
  } else {
    out_unit = colour.from_rgb[0][0];
    out_zero = colour.offset[0];
    unit = (1 << plan->up) * out_unit;
    zero = (1 << plan->up) * out_zero + INT16_MIN;
  }

  plan->wide_low = out_zero + 0.5;
  plan->wide_high = out_zero + out_unit + 0.5;
  plan->low = (int16_t) ldexp (plan->wide_low, plan->down);
  plan->high = (int16_t) ldexp (plan->wide_high, plan->down);
  for (int c = 0; c < 3; c++) {
    plan->wide_pad[c] = zero + unit * fold.pad[c];
    plan->wide_bias[c] = out_zero + out_unit * fold.mean[c] + 0.5;
    for (int d = 0; d < 3; d++)
      plan->wide_mix[c][d] = fold.mix[c][d] * out_unit / unit;
  }
  for (int i = 0; i < 25; i++)
    plan->wide_kernel[i] = fold.kernel[i];

  plan->wide = !(quantise (plan) <= TOLERANCE);
}
