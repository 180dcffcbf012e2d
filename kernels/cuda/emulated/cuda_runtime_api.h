/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The part of the CUDA runtime that the backend uses, on the CPU, for
 * -Dcuda=emulated. It stands in for the toolkit's header of the same name; the
 * device's side is in emulate.h. Names, arguments and errors are CUDA's. What
 * it makes stricter than a GPU, so that mistakes show:
 *
 * - Work on a stream waits until something waits for it. Memory that is read,
 *   changed or freed too early gives wrong results every time.
 * - Device memory cannot be touched by the host: each allocation has its own
 *   pages, closed outside kernels and copies, filled with 0xff (NaN) at first
 *   and followed, to within 15 bytes, by a page that is always closed.
 * - A kernel that does something undefined stops with an error that stays, as
 *   after a GPU's fault, and cudaGetErrorString() says what it did.
 */

#ifndef SYMPIE_EMULATED_CUDA_RUNTIME_API_H
#define SYMPIE_EMULATED_CUDA_RUNTIME_API_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cudaError
{
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInsufficientDriver = 35,
  cudaErrorInvalidDevice = 101,
  cudaErrorNoKernelImageForDevice = 209,
  cudaErrorNotReady = 600,
  cudaErrorIllegalAddress = 700,
  cudaErrorLaunchOutOfResources = 701,
  cudaErrorContextIsDestroyed = 709,
  cudaErrorMisalignedAddress = 716,
  cudaErrorLaunchFailure = 719,
} cudaError_t;

enum cudaMemcpyKind
{
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
};

enum cudaDeviceAttr
{
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrComputeCapabilityMajor = 75,
};

enum
{
  cudaStreamNonBlocking = 1,
  cudaEventBlockingSync = 1,
  cudaEventDisableTiming = 2,
  cudaHostAllocDefault = 0,
};

typedef struct CUstream_st *cudaStream_t;
typedef struct CUevent_st *cudaEvent_t;
typedef struct CUgraph_st *cudaGraph_t;
typedef struct CUgraphNode_st *cudaGraphNode_t;
typedef struct CUgraphExec_st *cudaGraphExec_t;

cudaError_t cudaGetDeviceCount (int *count);
cudaError_t cudaGetDevice (int *device);
cudaError_t cudaSetDevice (int device);
cudaError_t cudaDeviceGetAttribute (
    int *value, enum cudaDeviceAttr attribute, int device);
typedef struct
{
  int numRegs;
} cudaFuncAttributes;

/* Fails with cudaErrorNoKernelImageForDevice where it is planned. */
cudaError_t cudaFuncGetAttributes (
    cudaFuncAttributes *attributes, const void *kernel);
cudaError_t cudaGetLastError (void);
const char *cudaGetErrorString (cudaError_t error);

cudaError_t cudaMalloc (void **memory, size_t size);
cudaError_t cudaFree (void *memory);
cudaError_t cudaHostAlloc (void **memory, size_t size, unsigned flags);
cudaError_t cudaFreeHost (void *memory);

cudaError_t cudaStreamCreateWithFlags (cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy (cudaStream_t stream);
cudaError_t cudaStreamSynchronize (cudaStream_t stream);
cudaError_t cudaEventCreateWithFlags (cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventDestroy (cudaEvent_t event);
cudaError_t cudaEventRecord (cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventQuery (cudaEvent_t event);
cudaError_t cudaEventSynchronize (cudaEvent_t event);

cudaError_t cudaMemcpyAsync (void *dst, const void *src, size_t size,
    enum cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemcpy2DAsync (void *dst, size_t dst_pitch, const void *src,
    size_t src_pitch, size_t width, size_t height, enum cudaMemcpyKind kind,
    cudaStream_t stream);
cudaError_t cudaMemsetAsync (
    void *memory, int value, size_t size, cudaStream_t stream);

/* Graphs here are chains of kernels: launch() of device.h adds and changes the
 * nodes. */
cudaError_t cudaGraphCreate (cudaGraph_t *graph, unsigned flags);
cudaError_t cudaGraphInstantiate (
    cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphLaunch (cudaGraphExec_t exec, cudaStream_t stream);
cudaError_t cudaGraphExecDestroy (cudaGraphExec_t exec);
cudaError_t cudaGraphDestroy (cudaGraph_t graph);

/* ---- For tests of the error paths ---------------------------------------- */

/* The call of `function` ("cudaMalloc", "launch") after `after` more fails with
 * `error`, once; an error of 700 and above stays until the reset. */
void emulate_fail (const char *function, int after, cudaError_t error);

/* To be set: devices that there seem to be, at the first call 1, or none where
 * the environment variable CUDA_VISIBLE_DEVICES is empty; */
extern int emulate_n_devices;
/* whether kernels are launched but do nothing, which is quick; */
extern bool emulate_skips_kernels;
/* whether threads and warps run last to first: code that relies on an order
 * that nothing guarantees gives other results. */
extern bool emulate_runs_backward;

/* Forgets errors and planned failures. */
void emulate_reset (void);

/* What a kernel did wrong, the empty string when none did since the reset. */
const char *emulate_fault_text (void);

/* Allocations, streams, events and graphs that have not been given back. */
int emulate_live_objects (void);

/* What is on a stream and has not happened yet. */
int emulate_waiting (cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif /* SYMPIE_EMULATED_CUDA_RUNTIME_API_H */
