/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* CUDA's errors as the library's, and memory. */

#ifndef SYMPIE_CUDA_ERROR_H
#define SYMPIE_CUDA_ERROR_H

#include <cuda_runtime_api.h>

#include "../error.h"

/* Whether a call succeeded; the message says what could not be done, and
 * CUDA's reason. */
static inline bool
sympie_cuda_ok (cudaError_t result, const char *what, SympieError *error)
{
  if (result == cudaSuccess)
    return true;
  cudaGetLastError (); /* or the next launch would report it again */
  return sympie_fail (error, SYMPIE_ERROR_DEVICE, "CUDA cannot %s: %s", what,
      cudaGetErrorString (result));
}

/* Memory of the device, or pinned memory of the host; NULL with a message. */
static inline void *
sympie_cuda_new (size_t size, const char *what, SympieError *error)
{
  void *memory;

  return sympie_cuda_ok (cudaMalloc (&memory, size), what, error) ? memory
                                                                  : NULL;
}

static inline void *
sympie_cuda_new_pinned (size_t size, const char *what, SympieError *error)
{
  void *memory;

  return sympie_cuda_ok (
             cudaHostAlloc (&memory, size, cudaHostAllocDefault), what, error)
             ? memory
             : NULL;
}

/* NULL is allowed, which CUDA would make a context for. */
static inline void
sympie_cuda_free (void *memory)
{
  if (memory)
    cudaFree (memory);
}

static inline void
sympie_cuda_free_pinned (void *memory)
{
  if (memory)
    cudaFreeHost (memory);
}

#endif /* SYMPIE_CUDA_ERROR_H */
