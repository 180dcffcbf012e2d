/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the processor can do, and how many of them there are. */

#ifndef SYMPIE_CPU_H
#define SYMPIE_CPU_H

#include "../sympie.h"

/* SympieCpuFlags of this processor without those disabled. */
unsigned sympie_cpu_flags (unsigned disabled);

/* Puts the flags that the environment variable SYMPIE_CPU disables in the place
 * of 0. False with a message when its value means nothing. */
bool sympie_choose_cpu (unsigned *disabled, SympieError *error);

/* Processors that this process may run on, 1 or more. */
int sympie_cpu_count (void);

/* Puts that number in the place of 0. Fails on what is not 0 to
 * SYMPIE_MAX_THREADS. */
bool sympie_choose_threads (int *n_threads, SympieError *error);

#endif /* SYMPIE_CPU_H */
