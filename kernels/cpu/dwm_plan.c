/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "dwm_plan.h"

#include <math.h>

#include "../dwm_fold.h"

/* The largest error of 16-bit taps and samples that is let pass, in 8-bit
 * levels. It is a bound: what happens is several times less. */
#define TOLERANCE 0.35

static int16_t
q15 (double value)
{
  return (int16_t) lrint (value * 32768);
}

static void
plan_yuv (SympieDwmPlan *plan, const SympieColour *colour)
{
  int extra = plan->info->depth - 8; /* bits */
  double one = SYMPIE_DWM_ONE;

  /* Luma as 128 times an 8-bit code, chroma as 256 times: the largest that fit
   * 16 bits. */
  plan->luma_offset = (int16_t) colour->offset[0];
  plan->luma_scale = (int16_t) (128 >> extra);
  plan->luma = q15 (colour->to_rgb[0][0] * one / (128 >> extra));

  double chroma = one / (256 >> extra);

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

/* Two taps of a column in a 32-bit lane, for the rows of a pair. */
static void
pair_taps (SympieDwmPlan *plan)
{
  for (int odd = 0; odd < 2; odd++)
    for (int t = 0; t < 3; t++)
      for (int x = 0; x < 5; x++) {
        int top = 2 * t - odd; /* an odd row starts at a pair's second row */
        uint16_t a = top >= 0 ? (uint16_t) plan->taps[5 * top + x] : 0;
        uint16_t b = top < 4 ? (uint16_t) plan->taps[5 * (top + 1) + x] : 0;

        plan->pair_taps[odd][t][x] = (int32_t) (a | (uint32_t) b << 16);
      }
}

/* Taps of 16 bits, and a bound of the error of the result in units of the
 * output; infinite where the parameters do not fit. */
static double
quantise (SympieDwmPlan *plan)
{
  double largest = 0, sum = 0, sample = SYMPIE_DWM_ONE, pad_error = 0;
  double error = 0, worst = 0;
  int total = 0;

  for (int d = 0; d < 3; d++) {
    double pad = rint (plan->wide_pad[d]);

    if (!(fabs (pad) <= INT16_MAX))
      return INFINITY;
    plan->pad[d] = (int16_t) pad;
    pad_error = fmax (pad_error, fabs (plan->wide_pad[d] - pad));
    sample = fmax (sample, fabs (pad));
  }
  for (int i = 0; i < 25; i++) {
    largest = fmax (largest, fabs (plan->wide_kernel[i]));
    sum += fabs (plan->wide_kernel[i]);
  }

  /* 25 rounded taps can be 12.5 more than their exact sum. */
  double scale = fmin (INT16_MAX / largest, (INT32_MAX / sample - 13) / sum);

  if (!(largest > 0))
    scale = 1;
  for (int i = 0; i < 25; i++) {
    plan->taps[i] = (int16_t) lrint (plan->wide_kernel[i] * scale);
    total += plan->taps[i];
    error += fabs (plan->taps[i] / scale - plan->wide_kernel[i]);
  }
  pair_taps (plan);

  for (int c = 0; c < 3; c++) {
    double bias = plan->wide_bias[c], bound = 0;

    for (int d = 0; d < 3; d++) {
      double mix = plan->wide_mix[c][d], pad = plan->wide_pad[d];

      /* Without a kernel there is nothing to mix, however large that is. */
      plan->mix[c][d] = largest > 0 ? (float) (mix / scale) : 0;
      bias -= mix / scale * pad * total;

      /* Taps, pad, and a dozen roundings of floats. */
      bound += fabs (mix)
               * (error * fmax (fabs (pad), fabs (SYMPIE_DWM_ONE - pad))
                   + sum * pad_error + sum * 2 * sample * 0x1p-21);
    }
    plan->bias[c] = (float) bias;
    worst = fmax (worst, bound);
  }
  return worst;
}

void
sympie_dwm_plan (SympieDwmPlan *plan, const SympieImage *src,
    const SympieTarget *dst, const SympieParams *params)
{
  const SympieFormatInfo *info = sympie_format_info (src->format);
  SympieDwmFold fold;
  SympieColour colour;
  double tolerance = TOLERANCE, unit, zero = 0, out_unit, out_zero = 0;

  *plan = (SympieDwmPlan){
    .width = src->width,
    .height = src->height,
    .info = info,
    .src = *src,
    .dst = *dst,
  };
  sympie_dwm_fold (&fold, params);
  sympie_colour_init (&colour, info, &src->colorimetry);
  plan->up = 13 - info->depth;
  plan->direct = info->n_planes > 1 && sympie_format_has_own_words (info);
  plan->shift = info->component[0].shift;
  plan->max = (int16_t) colour.max;

  /* Samples are zero + unit * x for x in [0, 1], outputs alike. */
  if (info->yuv) {
    plan_yuv (plan, &colour);
    unit = out_unit = SYMPIE_DWM_ONE;
    tolerance *= 32;
  } else {
    out_unit = colour.from_rgb[0][0];
    out_zero = colour.offset[0];
    unit = (1 << plan->up) * out_unit;
    zero = (1 << plan->up) * out_zero;
  }

  plan->low = (float) (out_zero + 0.5);
  plan->high = (float) (out_zero + out_unit + 0.5);
  for (int c = 0; c < 3; c++) {
    plan->wide_pad[c] = zero + unit * fold.pad[c];
    plan->wide_bias[c] = out_zero + out_unit * fold.mean[c] + 0.5;
    for (int d = 0; d < 3; d++)
      plan->wide_mix[c][d] = fold.mix[c][d] * out_unit / unit;
  }
  for (int i = 0; i < 25; i++)
    plan->wide_kernel[i] = fold.kernel[i];

  plan->wide = !(quantise (plan) <= tolerance);
}
