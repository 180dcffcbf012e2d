/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM on the CPU. */

#ifndef SYMPIE_DWM_H
#define SYMPIE_DWM_H

#include "../pool.h"
#include "../sympie.h"

typedef struct SympieDwm SympieDwm;

/* `cpu_flags` are the SympieCpuFlags to use, which the processor must have. The
 * pool must outlive the result. NULL with a message when memory is short. */
SympieDwm *sympie_dwm_new (
    SympiePool *pool, unsigned cpu_flags, SympieError *error);
void sympie_dwm_free (SympieDwm *dwm); /* NULL is allowed */

/* As sympie_apply, with arguments that it has checked. Memory is allocated
 * where an image needs more than those before; then, never again. */
bool sympie_dwm_apply (SympieDwm *dwm, const SympieImage *src,
    const SympieTarget *dst, const SympieParams *params, SympieError *error);

#endif /* SYMPIE_DWM_H */
