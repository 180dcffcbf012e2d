/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* 3x3 convolutions, stride 1, zero padding 1, with what surrounds them in NEM
 * and VGG19. Tensors are [height][width][channels] of half or float. */

#ifndef SYMPIE_CUDA_CONV_H
#define SYMPIE_CUDA_CONV_H

#include <stdbool.h>
#include <stddef.h>

#include "target.h"

#ifdef __cplusplus
extern "C" {
#endif

enum
{
  SYMPIE_CUDA_CONV_CHANNELS = 64, /* output channels of a block */
  SYMPIE_CUDA_CONV_STEP = 128,    /* inputs that the longest step has */
  SYMPIE_CUDA_CONV_INPUTS = 32,   /* inputs of a group of warps and a step */
};

/* Windows of size x size pixels, the first `pad` pixels outside. The mean
 * counts zeros for pixels outside; the maximum ignores them. */
typedef struct
{
  int size; /* 0: no pooling; up to 5 for a mean, 2 for a maximum */
  int stride, pad;
  bool max;
  int height, width; /* of the result */
} SympieCudaPool;

/* x = in * weight + bias, which goes to raw where it is not NULL;
 * x = scale * x + shift where scale is not NULL; x = max (x, 0) with relu;
 * x = x + residual where it is not NULL; out = pool (x).
 * raw and residual have the convolution's size and n_out channels. */
typedef struct
{
  const void *in;
  int height, width;
  int n_in;           /* a power of 2, 8 or more */
  int n_out;          /* a multiple of SYMPIE_CUDA_CONV_CHANNELS */
  const void *weight; /* as sympie_cuda_conv_pack makes it */
  const float *bias, *scale, *shift; /* [n_out] */
  bool relu;
  const void *residual;
  void *raw, *out;
  SympieCudaPool pool;
} SympieCudaConv;

/* How a layer is cut into blocks. */
typedef struct
{
  int pixels;             /* of a block, 32, 64 or 128 */
  int count, across;      /* blocks, and with pooling those in a row */
  int pooled_h, pooled_w; /* pooled pixels of a block */
  int height, width;      /* pixels of a block that these need */
  int splits;             /* blocks that share one sum */
  float *workspace;       /* of the size asked for */
  unsigned *counters;     /* zeros, [count * n_out / CHANNELS] */
} SympieCudaConvTiles;

/* Elements of a row of packed weights: the inputs of one output channel, with
 * zeros up to whole steps. */
static inline int
sympie_cuda_conv_row (int n_in)
{
  int step = SYMPIE_CUDA_CONV_STEP;

  return (9 * n_in + step - 1) / step * step;
}

/* The tiles that cost least on a GPU of so many multiprocessors; workspace and
 * counters are left to the caller. Returns the workspace that they need, in
 * bytes. */
size_t sympie_cuda_conv_tile (const SympieCudaConv *layer, int multiprocessors,
    SympieCudaConvTiles *tiles);

/* From [n_out][n_in][3][3] floats to the order of the kernel, with n_in filled
 * up with zeros to `padded_in`; `packed` has room for n_out *
 * sympie_cuda_conv_row (padded_in) elements. */
void sympie_cuda_conv_pack (const float *weight, int n_out, int n_in,
    int padded_in, bool half, void *packed);

cudaError_t sympie_cuda_conv (const SympieCudaConv *layer,
    const SympieCudaConvTiles *tiles, bool half, SympieCudaTarget *to);

#ifdef __cplusplus
}
#endif

#endif /* SYMPIE_CUDA_CONV_H */
