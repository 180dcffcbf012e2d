/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The kernels as C functions that put them where a SympieCudaTarget says. Each
 * returns what CUDA returned; nothing here waits. All pointers are to device
 * memory.
 *
 * Tensors are IEEE half, products run on tensor cores, sums are float. Where a
 * function asks for `half`, the other choice is float and CUDA cores: VGG19's
 * alone. Images have their planes in device memory. */

#ifndef SYMPIE_CUDA_KERNELS_H
#define SYMPIE_CUDA_KERNELS_H

#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "../colour.h"
#include "../nem_weights.h"

/* Where a kernel goes: on a stream, to be run; to a graph that is being made;
 * or into a graph that is made, as a new version of one of its nodes. So the
 * same function launches a kernel, records it, and changes what it works on. */
typedef struct
{
  cudaStream_t stream;  /* or */
  cudaGraph_t graph;    /* to become a node after `node`; or */
  cudaGraphExec_t exec; /* to replace `node` */
  cudaGraphNode_t node; /* in a graph the latest, NULL at first */
  bool overlaps;        /* a kernel of the graph begins before the one before it
                           has ended (see let_next_begin() in device.h) */
} SympieCudaTarget;

enum
{
  SYMPIE_CUDA_CROP_CHANNELS = 8, /* of the crop: R, G, B and zeros */
};

/* Whether the current device can run kernels: it may be older than any that
 * they are compiled for. */
cudaError_t sympie_cuda_has_kernels (void);

/* ---- Preprocessing ------------------------------------------------------- */

/* Taps of one axis (see SympieTaps) for luma or chroma. */
typedef struct
{
  int n; /* outputs */
  int count;
  const int *start;     /* [n] */
  const float *weights; /* [count][n] */
} SympieCudaTaps;

/* Resized, cut and standardised to `crop`, [y][x][SYMPIE_CUDA_CROP_CHANNELS].
 * Taps are x and y of luma, then of chroma; RGB has the luma's only. */
cudaError_t sympie_cuda_preprocess (const SympieImage *image,
    const SympieCudaTaps taps[4], void *crop, bool half, SympieCudaTarget *to);

/* ---- Convolution --------------------------------------------------------- */

/* 3x3, stride 1, zero padding 1, with what surrounds it in NEM and VGG19.
 * Tensors are [height][width][channels] of half or float. */

enum
{
  SYMPIE_CUDA_CONV_CHANNELS = 64, /* output channels of a block */
  SYMPIE_CUDA_CONV_STEP = 128,    /* inputs that the longest step has */
  SYMPIE_CUDA_CONV_INPUTS = 32,   /* inputs of a group of warps and a step */
};

/* Windows of size x size pixels, the first `pad` pixels outside, which count as
 * zeros. */
typedef struct
{
  int size; /* 0: no pooling; up to 5 for a mean, 2 for a maximum */
  int stride, pad;
  bool max;          /* without a residual; else the mean */
  int height, width; /* of the result */
} SympieCudaPool;

/* x = in * weight + bias, which goes to raw where it is not NULL;
 * x = scale * x + shift where scale is not NULL; x = max (x, 0);
 * x = x + residual where it is not NULL; out = pool (x).
 * raw and residual have the convolution's size and n_out channels. What is not
 * a number stays so. */
typedef struct
{
  const void *in;
  int height, width;
  int n_in;           /* a power of 2, 8 or more */
  int n_out;          /* a multiple of SYMPIE_CUDA_CONV_CHANNELS */
  const void *weight; /* as sympie_cuda_conv_pack makes it */
  const float *bias, *scale, *shift; /* [n_out] */
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

/* ---- Comparison ---------------------------------------------------------- */

enum
{
  SYMPIE_CUDA_N_SUMS = 256,
};

/* The sum of weights[i % SYMPIE_CUDA_CROP_CHANNELS] * (a[i] - b[i])^2 over `n`
 * values, a multiple of the weights' number, in `sums`, which the host adds up,
 * in memory that the device can write. Neither order nor time changes the
 * result. */
cudaError_t sympie_cuda_squares (const float *a, const float *b, size_t n,
    const float weights[SYMPIE_CUDA_CROP_CHANNELS], double *sums,
    SympieCudaTarget *to);

/* ---- Parameters ---------------------------------------------------------- */

/* What the parameters become for DWM, in device memory. */
typedef struct SympieCudaOperator SympieCudaOperator;
size_t sympie_cuda_operator_size (void);

/* What they become it with, for images of one format and colour. A sample of
 * DWM's shared memory stands for x = centre + (sample - zero) * inverse_unit
 * and is at most `reach` from zero; it is stored divided by `of_stored`. */
typedef struct
{
  float strength; /* 0 to 1: blends the identity towards the parameters */
  bool is_gated;  /* the strength times the gate, which is after them */
  float mean[3], std[3], inverse_std[3];
  float centre[3], inverse_unit[3];
  float zero, reach, of_stored;
} SympieCudaFold;

void sympie_cuda_fold_init (
    SympieCudaFold *fold, const SympieImage *image, float strength);

/* From `params`, in host memory, to `op`. */
cudaError_t sympie_cuda_fold (const SympieCudaFold *fold,
    const SympieParams *params, SympieCudaOperator *op, SympieCudaTarget *to);

/* NEM's last layer. */
typedef struct
{
  const float *weight;      /* [SYMPIE_N_PARAMS][SYMPIE_NEM_FEATURES] */
  const float *bias;        /* [SYMPIE_N_PARAMS] */
  const float *gate_weight; /* [SYMPIE_NEM_FEATURES], or NULL */
  const float *gate_bias;
} SympieCudaHead;

/* From SYMPIE_NEM_FEATURES values of half to `params`, in memory that the
 * device can write: SYMPIE_N_PARAMS, then the gate in [0, 1], which is 1
 * without weights for it. Then, where `fold` is not NULL, as above. */
cudaError_t sympie_cuda_head (const SympieCudaHead *head, const void *features,
    float *params, const SympieCudaFold *fold, SympieCudaOperator *op,
    SympieCudaTarget *to);

/* ---- DWM ---------------------------------------------------------------- */

/* `src` and `dst` are alike but for their memory, which does not overlap. */
cudaError_t sympie_cuda_dwm (const SympieImage *src, const SympieImage *dst,
    const SympieCudaOperator *op, SympieCudaTarget *to);

#ifdef __cplusplus
}
#endif

#endif /* SYMPIE_CUDA_KERNELS_H */
