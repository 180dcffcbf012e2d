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

template <typename T>
__global__ void
__launch_bounds__ (THREADS)
    squares (const T *a, const T *b, size_t n, Weights weights, double *sums)
{
  constexpr int CHANNELS = SYMPIE_CUDA_CROP_CHANNELS, PACK = Pack<T>::SIZE;
  SharedLayout shared;
  auto of_warps = shared.array<double> (THREADS / 32);
  double sum = 0;

  for (size_t i = blockIdx.x * THREADS + threadIdx.x; i < n / CHANNELS;
       i += (size_t) SYMPIE_CUDA_N_SUMS * THREADS) {
    float of_values = 0; /* few enough for float */

    for (int p = 0; p < CHANNELS; p += PACK) {
      Pack<T> x = *(const Pack<T> *) (a + i * CHANNELS + p);
      Pack<T> y = *(const Pack<T> *) (b + i * CHANNELS + p);

      for (int e = 0; e < PACK; e++) {
        float d = (float) x.values[e] - (float) y.values[e];

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
sympie_cuda_squares (const void *a, const void *b, size_t n,
    const float weights[SYMPIE_CUDA_CROP_CHANNELS], double *sums, bool as_half,
    SympieCudaTarget *to)
{
  constexpr size_t SHARED = THREADS / 32 * sizeof (double);
  Weights by_value;

  for (int c = 0; c < SYMPIE_CUDA_CROP_CHANNELS; c++)
    by_value.values[c] = weights[c];
  return as_half
             ? launch (squares<half>, SYMPIE_CUDA_N_SUMS, THREADS, SHARED, to,
                 (const half *) a, (const half *) b, n, by_value, sums)
             : launch (squares<float>, SYMPIE_CUDA_N_SUMS, THREADS, SHARED, to,
                 (const float *) a, (const float *) b, n, by_value, sums);
}
