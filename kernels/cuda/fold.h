/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the parameters become for DWM, computed once a frame by one block of
 * threads. */

#ifndef SYMPIE_CUDA_FOLD_H
#define SYMPIE_CUDA_FOLD_H

#include "device.h"

#include "kernels.h"

/* DWM in device memory. A pixel is
 *   out[c] = base[its class][c] + sum over d of mix[c][d] * sum_d
 * with sum_d the filter's for R, G, B of the samples in shared memory. */
struct SympieCudaOperator
{
  /* For each lane the band matrices of the five rows of taps, two words each
   * (see matrix.h), rounded to half; then what the rounding left over. */
  uint4 band[2][32][3];
  float mix[9];
  /* By the columns and rows of taps that lie outside of the frame: none, 1 or 2
   * on the left (or top) times three plus those on the right (or bottom). The
   * one of columns is nine times that of rows further on. */
  float base[81][3];
  unsigned passes; /* 1; 2 where what is left over matters; 0 for the identity,
                      which leaves frames as they are */
};

/* Samples lie in shared memory in this order within four. */
__device__ __forceinline__ int
place_of (int x)
{
  return (x & ~3) | (x & 1) << 1 | (x >> 1 & 1);
}

/* The tap of row `ky` that element `k` of the 16 inputs has for output column
 * `n` of 8, which is input 4 + n; -1 for none. */
__device__ __forceinline__ int
tap_of (int ky, int k, int n)
{
  int kx = place_of (k) - 2 - n;

  return kx >= 0 && kx < 5 ? ky * 5 + kx : -1;
}

/* Floats of shared memory that this takes; the parameters come first, and then
 * the gate. */
constexpr int FOLD_MEMORY = SYMPIE_N_PARAMS + 1 + 65;

/* All threads of the block, 128 or more, come here, when the parameters are in
 * `memory` and seen by all. */
__device__ __forceinline__ void
fold_parameters (const SympieCudaFold &a, const SharedArray<float> &memory,
    SympieCudaOperator *result)
{
  constexpr int TAPS = SYMPIE_N_PARAMS + 1, ROUNDED = TAPS + 25,
                MIX = ROUNDED + 25, BIAS = MIX + 9, ZERO = BIAS + 3;
  int i = threadIdx.x;
  float strength =
      a.is_gated ? a.strength * memory.get (SYMPIE_N_PARAMS) : a.strength;
  auto blended = [&] (int at, bool one) {
    return (1 - strength) * one + strength * memory.get (at);
  };
  float largest = 0, scale, inverse;

  /* Every thread finds the largest tap; a power of two divides exactly. */
  for (int k = 0; k < 25; k++)
    largest = fmaxf (largest, fabsf (blended (12 + k, k == 12)));
  scale = __uint_as_float (__float_as_uint (largest) & 0x7f800000);
  scale = fminf (fmaxf (scale, 0x1p-100f), 0x1p100f);
  inverse = __uint_as_float ((254u << 23) - __float_as_uint (scale));

  if (i < 25) {
    float tap = blended (12 + i, i == 12) * inverse;

    memory.set (TAPS + i, tap);
    memory.set (ROUNDED + i, (half) tap);
  } else if (i >= 32 && i < 35) {
    int c = i - 32;
    float bias = 0, zero = 0;

    for (int d = 0; d < 3; d++) {
      float mix =
          a.std[c] * a.inverse_std[d] * blended (3 * d + c, c == d) * scale;
      float pad = a.mean[d] - a.std[d] * blended (9 + d, false);
      float of_sample = mix * a.inverse_unit[d];

      bias += mix * (a.centre[d] - pad);
      zero += of_sample * a.zero;
      memory.set (MIX + c * 3 + d, of_sample);
      result->mix[c * 3 + d] = of_sample * a.of_stored;
    }
    memory.set (BIAS + c, bias);
    memory.set (ZERO + c, zero);
  }
  __syncthreads ();

  float error = 0, gain = 0;
  bool fine;

  for (int k = 0; k < 25; k++)
    error += fabsf (memory.get (TAPS + k) - memory.get (ROUNDED + k));
  for (int c = 0; c < 3; c++) {
    float of_channel = 0;

    for (int d = 0; d < 3; d++)
      of_channel += fabsf (memory.get (MIX + c * 3 + d)) * a.reach;
    gain = fmaxf (gain, of_channel);
  }
  fine = error * gain > 0.1f / 255; /* a tenth of a level of 8 bits */
  if (i == 0)
    result->passes = strength == 0 ? 0 : fine ? 2 : 1;

  if (i < 81) {
    int left = i / 27, right = i / 9 % 3, above = i / 3 % 3, below = i % 3;
    float sum = 0, of_used = 0;

    for (int k = 0; k < 25; k++)
      if (k % 5 >= left && k % 5 < 5 - right && k / 5 >= above
          && k / 5 < 5 - below) {
        sum += memory.get (TAPS + k);
        of_used += memory.get ((fine ? TAPS : ROUNDED) + k);
      }
    for (int c = 0; c < 3; c++)
      result->base[i][c] = a.mean[c] + sum * memory.get (BIAS + c)
                           - of_used * memory.get (ZERO + c);
  }

  if (i < 64) {
    int part = i / 32, g = i % 32 / 4, t = i % 4;
    unsigned words[12] = {};

    for (int w = 0; w < 10; w++) {
      float pair[2];

      for (int e = 0; e < 2; e++) {
        int tap = tap_of (w / 2, w % 2 * 8 + 2 * t + e, g);
        float whole = tap >= 0 ? memory.get (TAPS + tap) : 0;
        float rounded = tap >= 0 ? memory.get (ROUNDED + tap) : 0;

        pair[e] = part == 0 ? rounded : whole - rounded;
      }
      words[w] = as_bits (__floats2half2_rn (pair[0], pair[1]));
    }
    for (int w = 0; w < 3; w++)
      result->band[part][i % 32][w] = make_uint4 (
          words[w * 4], words[w * 4 + 1], words[w * 4 + 2], words[w * 4 + 3]);
  }
}

#endif /* SYMPIE_CUDA_FOLD_H */
