/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a caller's choice of device and instruction sets comes to on this
 * machine. */

#ifndef SYMPIE_MACHINE_H
#define SYMPIE_MACHINE_H

#include "sympie.h"

/* Those that SYMPIE_CPU leaves out in place of 0. */
bool sympie_choose_cpu (unsigned *cpu_disabled, SympieError *error);

/* The CPU or CUDA in place of SYMPIE_DEVICE_AUTO; fails when CUDA is asked for
 * and cannot be used. */
bool sympie_choose_device (
    SympieDevice *device, int cuda_device, SympieError *error);

#endif /* SYMPIE_MACHINE_H */
