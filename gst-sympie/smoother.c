/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "smoother.h"

#include <math.h>

void
gst_sympie_smoother_reset (GstSympieSmoother *smoother)
{
  smoother->holds = FALSE;
}

void
gst_sympie_smoother_next (GstSympieSmoother *smoother,
    const SympieParams *target, GstClockTime elapsed, GstClockTime constant,
    SympieParams *params)
{
  gdouble part = 1;

  if (smoother->holds && constant > 0 && GST_CLOCK_TIME_IS_VALID (elapsed))
    part = -expm1 (-(gdouble) elapsed / (gdouble) constant);
  sympie_params_blend (
      &smoother->params, target, (gfloat) part, &smoother->params);
  smoother->holds = TRUE;
  *params = smoother->params;
}
