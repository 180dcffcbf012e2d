/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What tests can tell and ask the driver of driver.c. */

#ifndef SYMPIE_TEST_DRIVER_H
#define SYMPIE_TEST_DRIVER_H

#include <cuda.h>

/* From now on no context can be made, as where the device's memory is full. */
void driver_refuse_contexts (void);

/* Contexts, streams and allocations, on the device and pinned, that have not
 * been given back. */
int driver_live_objects (void);

/* Bytes that 2D copies have brought from the device to the host. */
long driver_downloaded_bytes (void);

/* What cuStreamSynchronize() does with streams that are not the driver's: the
 * emulated runtime's. */
void driver_synchronize_others (int (*synchronize) (CUstream stream));

#endif /* SYMPIE_TEST_DRIVER_H */
