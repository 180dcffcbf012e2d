/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* From parameters and images to the constants of the inner loops. */

#ifndef SYMPIE_DWM_PLAN_H
#define SYMPIE_DWM_PLAN_H

#include "dwm_functions.h"

/* Decides whether 16 bits are enough; `pitch` is left to the caller. */
void sympie_dwm_plan (SympieDwmPlan *plan, const SympieImage *src,
    const SympieTarget *dst, const SympieParams *params);

#endif /* SYMPIE_DWM_PLAN_H */
