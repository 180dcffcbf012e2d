/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The squared distance of two tensors. A block adds up what its threads have,
 * in an order that is always the same. */

#include "device.h"

#include "kernels.h"

namespace {

constexpr int THREADS = 256;

using Values = Pack<float, SYMPIE_CUDA_CROP_CHANNELS>;

__global__ void
__launch_bounds__ (THREADS) squares (
    const Values *a, const Values *b, size_t n, Values weights, double *sums)
{
  auto of_warps = shared_array<double> (THREADS / 32);
  double sum = 0;

#pragma unroll 2
  for (size_t i = blockIdx.x * THREADS + threadIdx.x; i < n;
       i += (size_t) SYMPIE_CUDA_N_SUMS * THREADS) {
    Values x = a[i], y = b[i];
    float of_values = 0; /* few enough for float */

    for (int c = 0; c < Values::SIZE; c++) {
      float d = x.values[c] - y.values[c];

      of_values += weights.values[c] * d * d;
    }
    sum += of_values;
  }

  for (int other = 16; other > 0; other /= 2)
    sum += __shfl_xor_sync (0xffffffff, sum, other);
  if (threadIdx.x % 32 == 0)
    of_warps.set (threadIdx.x / 32, sum);
  __syncthreads ();
  if (threadIdx.x == 0) {
    sum = 0;
    for (int i = 0; i < THREADS / 32; i++)
      sum += of_warps.get (i);
    sums[blockIdx.x] = sum;
  }
}

} // namespace

cudaError_t
sympie_cuda_squares (const float *a, const float *b, size_t n,
    const float weights[SYMPIE_CUDA_CROP_CHANNELS], double *sums,
    SympieCudaTarget *to)
{
  Values by_value;

  memcpy (by_value.values, weights, sizeof by_value);
  return launch (squares, SYMPIE_CUDA_N_SUMS, THREADS,
      THREADS / 32 * sizeof (double), to, (const Values *) a,
      (const Values *) b, n / Values::SIZE, by_value, sums);
}
