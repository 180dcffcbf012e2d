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

/* Waits for streams, by GStreamer and the element. */
long driver_waits (void);

/* How streams are made, waited for and given back, each 0 where that succeeds:
 * they are the emulated runtime's, whose kernels wait in them. Until this is
 * called there are none. */
typedef struct
{
  int (*create) (CUstream *stream, unsigned flags);
  int (*synchronize) (CUstream stream);
  int (*destroy) (CUstream stream);
} DriverStreams;

void driver_set_streams (const DriverStreams *streams);

#endif /* SYMPIE_TEST_DRIVER_H */
