/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a caller's choice of device, threads and instruction sets comes to on
 * this machine. */

#ifndef SYMPIE_MACHINE_H
#define SYMPIE_MACHINE_H

#include "sympie.h"

/* Puts what was left to the library into a configuration: the CPU or CUDA in
 * the place of SYMPIE_DEVICE_AUTO, the number of processors in that of 0
 * threads, in that of no instruction set disabled those that SYMPIE_CPU leaves
 * out. Fails on what is out of range, and when CUDA is asked for and cannot be
 * used. */
bool sympie_choose (SympieDevice *device, int cuda_device, int *n_threads,
    unsigned *cpu_disabled, SympieError *error);

/* Whether the device takes images of that format. */
bool sympie_device_takes (
    SympieDevice device, SympieFormat format, SympieError *error);

#endif /* SYMPIE_MACHINE_H */
