/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the processor can do. */

#ifndef SYMPIE_CPU_H
#define SYMPIE_CPU_H

#include "../sympie.h"

/* SympieCpuFlags of this processor, restricted to `mask`. */
unsigned sympie_cpu_flags (unsigned mask);

/* The mask that the environment variable SYMPIE_CPU asks for. */
unsigned sympie_cpu_mask_from_environment (void);

/* False with a message when SYMPIE_CPU has a value that means nothing. */
bool sympie_cpu_check_environment (char **error);

/* Processors that this process may run on, 1 or more. */
int sympie_cpu_count (void);

#endif /* SYMPIE_CPU_H */
