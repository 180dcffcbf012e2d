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

struct Weights
{
  float values[SYMPIE_CUDA_CROP_CHANNELS];
};

__global__ void
__launch_bounds__ (THREADS) squares (
    const float *a, const float *b, size_t n, Weights weights, double *sums)
{
  constexpr int CHANNELS = SYMPIE_CUDA_CROP_CHANNELS, PACK = 4;
  SharedLayout shared;
  auto of_warps = shared.array<double> (THREADS / 32);
  double sum = 0;

  for (size_t i = blockIdx.x * THREADS + threadIdx.x; i < n / CHANNELS;
       i += (size_t) SYMPIE_CUDA_N_SUMS * THREADS) {
    float of_values = 0; /* few enough for float */

    for (int p = 0; p < CHANNELS; p += PACK) {
      auto x = *(const Pack<float> *) (a + i * CHANNELS + p);
      auto y = *(const Pack<float> *) (b + i * CHANNELS + p);

      for (int e = 0; e < PACK; e++) {
        float d = x.values[e] - y.values[e];

        of_values += weights.values[p + e] * d * d;
      }
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
  Weights by_value;

  for (int c = 0; c < SYMPIE_CUDA_CROP_CHANNELS; c++)
    by_value.values[c] = weights[c];
  return launch (squares, SYMPIE_CUDA_N_SUMS, THREADS,
      THREADS / 32 * sizeof (double), to, a, b, n, by_value, sums);
}
