/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* NEM's last layer: one block, whose warps take turns at the 37 numbers, and
 * then makes of them what DWM needs. */

#include "device.h"

#include "fold.h"
#include "kernels.h"

namespace {

constexpr int WARPS = 32;

template <typename T>
__global__ void
__launch_bounds__ (WARPS * 32)
    head (const T *features, const float *weight, const float *bias,
        float *params, SympieCudaFold fold, SympieCudaOperator *op)
{
  constexpr int FOURS = SYMPIE_NEM_FEATURES / 4;
  SharedLayout shared;
  auto memory = shared.array<float> (FOLD_MEMORY);
  int lane = lane_of_warp ();

  for (int output = threadIdx.x / 32; output < SYMPIE_N_PARAMS;
       output += WARPS) {
    const float4 *row = (const float4 *) weight + output * FOURS;
    float sum = 0;

#pragma unroll
    for (int i = 0; i < FOURS / 32; i++) {
      float4 four = __ldg (&row[i * 32 + lane]);
      const T *of_four = features + 4 * (i * 32 + lane);

      sum += four.x * to_float (of_four[0]) + four.y * to_float (of_four[1])
             + four.z * to_float (of_four[2]) + four.w * to_float (of_four[3]);
    }
    for (int other = 16; other > 0; other /= 2)
      sum += __shfl_xor_sync (0xffffffff, sum, other);
    if (lane == 0)
      params[output] = sum + bias[output];
  }
  if (!op)
    return;
  __syncthreads ();
  fold_parameters<T> (fold, params, memory, op);
}

} // namespace

cudaError_t
sympie_cuda_head (const void *features, const float *weight, const float *bias,
    float *params, const SympieCudaFold *fold, SympieCudaOperator *op,
    bool as_half, SympieCudaTarget *to)
{
  size_t shared = (FOLD_MEMORY * sizeof (float) + 15) / 16 * 16;
  SympieCudaFold none = {};

  if (!fold)
    op = NULL;
  return as_half ? launch (head<half>, 1, WARPS * 32, shared, to,
             (const half *) features, weight, bias, params, fold ? *fold : none,
             op)
                 : launch (head<float>, 1, WARPS * 32, shared, to,
                     (const float *) features, weight, bias, params,
                     fold ? *fold : none, op);
}
