/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Between the two halves of the emulation: blocks.cc runs kernels, runtime.cc
 * has memory and streams. */

#ifndef SYMPIE_EMULATE_INTERNAL_H
#define SYMPIE_EMULATE_INTERNAL_H

#include "emulate.h"

namespace emulate {

/* Runs all blocks; cudaErrorLaunchFailure or one of addresses after a
 * fault, whose text set_fault() has got. */
cudaError_t run_blocks (
    dim3 grid, dim3 block, size_t shared, const std::function<void ()> &kernel);

void set_fault (const char *text);
bool runs_backward ();

/* Makes device memory accessible while it lives. */
struct OpenMemory
{
  OpenMemory ();
  ~OpenMemory ();
};

/* Stops the running CUDA thread, if any, for touching this address. Returns
 * where the fault is not a kernel's. */
void stop_thread_at (const void *address);

/* Writes what is known of an address into `text`. */
void describe_address (const void *address, char *text, size_t size);

} // namespace emulate

#endif /* SYMPIE_EMULATE_INTERNAL_H */
