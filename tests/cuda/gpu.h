/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the tests of the CUDA kernels share: they run on a GPU and on the
 * emulation alike. */

#ifndef SYMPIE_TEST_GPU_H
#define SYMPIE_TEST_GPU_H

#include "../kernels/check.h"
#include "../kernels/frame.h"
#include "cuda/net.h"

/* GPU (call): stops the test where a call of the CUDA runtime fails. */
#define GPU(call) gpu_check ((call), #call, __FILE__, __LINE__)

void gpu_check (
    cudaError_t error, const char *call, const char *file, int line);

/* The stream of all tests. Where there is no device the program says so and
 * ends, skipped. */
cudaStream_t gpu_stream (void);
SympieCudaTarget *gpu_target (void);

/* Device memory filled from the host, or with bytes that make every float, half
 * and code wrong where `bytes` is NULL. */
void *gpu_new (const void *bytes, size_t size);

/* Waits for the stream. */
void gpu_get (void *bytes, const void *memory, size_t size);

/* Whether kernels of a graph overlap (SympieCudaTarget), as the backend has it.
 */
bool gpu_overlaps (void);

/* Puts NEM's layers where `to` says; `params` are in device memory. */
void gpu_nem (SympieCudaNet *net, float *params, SympieCudaTarget *to);

/* A frame's twin on the device: an allocation a plane, no byte longer than the
 * frame's. */
SympieImage gpu_frame_new (const Frame *frame);
SympieTarget gpu_frame_target (const SympieImage *image); /* to write it */
void gpu_frame_get (Frame *frame, const SympieImage *image);
void gpu_frame_free (const SympieImage *image);

#endif /* SYMPIE_TEST_GPU_H */
