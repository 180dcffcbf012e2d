/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* NEM's last layer: a warp for each of the 37 numbers. */

#include "device.h"

#include "kernels.h"

namespace {

constexpr int WARPS = 4; /* of a block */

template <typename T>
__global__ void
__launch_bounds__ (WARPS * 32) head (
    const T *features, const float *weight, const float *bias, float *params)
{
  int output = blockIdx.x * WARPS + threadIdx.x / 32, lane = threadIdx.x % 32;
  float sum = 0;

  if (output >= SYMPIE_N_PARAMS) /* all of the warp */
    return;
  for (int i = lane; i < SYMPIE_NEM_FEATURES; i += 32)
    sum += weight[output * SYMPIE_NEM_FEATURES + i] * to_float (features[i]);
  for (int other = 16; other > 0; other /= 2)
    sum += __shfl_xor_sync (0xffffffff, sum, other);
  if (lane == 0)
    params[output] = sum + bias[output];
}

} // namespace

cudaError_t
sympie_cuda_head (const void *features, const float *weight, const float *bias,
    float *params, bool as_half, SympieCudaTarget *to)
{
  dim3 grid ((SYMPIE_N_PARAMS + WARPS - 1) / WARPS);

  return as_half ? launch (head<half>, grid, WARPS * 32, 0, to,
             (const half *) features, weight, bias, params)
                 : launch (head<float>, grid, WARPS * 32, 0, to,
                     (const float *) features, weight, bias, params);
}
