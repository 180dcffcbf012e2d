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

__global__ void
__launch_bounds__ (WARPS * 32)
    head (SympieCudaHead a, const half *features, float *params,
        const __grid_constant__ SympieCudaFold fold, SympieCudaOperator *op)
{
  constexpr int FOURS = SYMPIE_NEM_FEATURES / 4;
  auto memory = shared_array<float> (FOLD_MEMORY);
  constexpr int PER_LANE = FOURS / 32, TURNS = SYMPIE_N_PARAMS / WARPS + 1;
  int lane = lane_of_warp (), warp = threadIdx.x / 32;
  float4 weight[TURNS][PER_LANE];

  let_next_begin ();
#pragma unroll
  for (int turn = 0; turn < TURNS; turn++) {
    int output = turn * WARPS + warp;
    const float4 *row = (const float4 *) a.weight + output * FOURS;

    if (output == SYMPIE_N_PARAMS)
      row = (const float4 *) a.gate_weight;
#pragma unroll
    for (int i = 0; i < PER_LANE; i++)
      weight[turn][i] = output <= SYMPIE_N_PARAMS && row
                            ? __ldg (&row[i * 32 + lane])
                            : make_float4 (0, 0, 0, 0);
  }
  wait_for_previous ();

#pragma unroll
  for (int turn = 0; turn < TURNS; turn++) {
    int output = turn * WARPS + warp;
    bool is_gate = output == SYMPIE_N_PARAMS;
    float sum = 0;

    if (output > SYMPIE_N_PARAMS)
      break;
#pragma unroll
    for (int i = 0; i < PER_LANE; i++) {
      float4 four = weight[turn][i];
      const half *of_four = features + 4 * (i * 32 + lane);

      sum += four.x * (float) of_four[0] + four.y * (float) of_four[1]
             + four.z * (float) of_four[2] + four.w * (float) of_four[3];
    }
    for (int other = 16; other > 0; other /= 2)
      sum += __shfl_xor_sync (0xffffffff, sum, other);
    if (lane == 0) {
      float value = !is_gate        ? sum + a.bias[output]
                    : a.gate_weight ? sum + *a.gate_bias
                                    : 1;

      if (is_gate) /* NaN stays NaN, which a saturating add would hide */
        value = value < 0 ? 0 : value > 1 ? 1 : value;

      params[output] = value;
      memory.set (output, value);
    }
  }
  if (!op)
    return;
  __syncthreads ();
  fold_parameters (fold, memory, op);
}

} // namespace

cudaError_t
sympie_cuda_head (const SympieCudaHead *arguments, const void *features,
    float *params, const SympieCudaFold *fold, SympieCudaOperator *op,
    SympieCudaTarget *to)
{
  SympieCudaFold none = {};

  return launch (head, 1, WARPS * 32, FOLD_MEMORY * sizeof (float), to,
      *arguments, (const half *) features, params, fold ? *fold : none,
      fold ? op : NULL);
}
