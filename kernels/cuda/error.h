/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* CUDA's errors as the library's. */

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

#endif /* SYMPIE_CUDA_ERROR_H */
