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
__launch_bounds__ (WARPS * 32) head (SympieCudaHead a,
    const __grid_constant__ SympieCudaFold fold, SympieCudaOperator *op)
{
  constexpr int FOURS = SYMPIE_NEM_FEATURES / 4;
  SharedLayout shared;
  auto memory = shared.array<float> (FOLD_MEMORY);
  int lane = lane_of_warp ();

  for (int output = threadIdx.x / 32; output <= SYMPIE_N_PARAMS;
       output += WARPS) {
    bool is_gate = output == SYMPIE_N_PARAMS;
    const float4 *row = (const float4 *) a.weight + output * FOURS;
    float sum = 0;

    if (is_gate)
      row = (const float4 *) a.gate_weight;
    if (row)
#pragma unroll
      for (int i = 0; i < FOURS / 32; i++) {
        float4 four = __ldg (&row[i * 32 + lane]);
        const T *of_four = (const T *) a.features + 4 * (i * 32 + lane);

        sum += four.x * to_float (of_four[0]) + four.y * to_float (of_four[1])
               + four.z * to_float (of_four[2])
               + four.w * to_float (of_four[3]);
      }
    for (int other = 16; other > 0; other /= 2)
      sum += __shfl_xor_sync (0xffffffff, sum, other);
    if (lane == 0)
      a.params[output] = !is_gate ? sum + a.bias[output]
                         : row    ? __saturatef (sum + *a.gate_bias)
                                  : 1;
  }
  if (!op)
    return;
  __syncthreads ();
  fold_parameters<T> (fold, a.params, memory, op);
}

} // namespace

cudaError_t
sympie_cuda_head (const SympieCudaHead *arguments, const SympieCudaFold *fold,
    SympieCudaOperator *op, bool as_half, SympieCudaTarget *to)
{
  size_t shared = (FOLD_MEMORY * sizeof (float) + 15) / 16 * 16;
  SympieCudaFold none = {};

  return launch (as_half ? head<half> : head<float>, 1, WARPS * 32, shared, to,
      *arguments, fold ? *fold : none, fold ? op : NULL);
}
