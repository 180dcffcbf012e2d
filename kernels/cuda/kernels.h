/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The kernels as C functions that put them where target.h says. Each returns
 * what CUDA returned; nothing here waits. All pointers are to device memory.
 *
 * Tensors are IEEE half, products run on tensor cores, sums are float. Where a
 * function asks for `half`, the other choice is float and CUDA cores: VGG19's
 * alone. Images have their planes in device memory. */

#ifndef SYMPIE_CUDA_KERNELS_H
#define SYMPIE_CUDA_KERNELS_H

#include "target.h"

#ifdef __cplusplus
extern "C" {
#endif

#include "../colour.h"
#include "../nem_weights.h"

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

/* ---- Comparison ---------------------------------------------------------- */

enum
{
  SYMPIE_CUDA_N_SUMS = 256,
};

/* The sum of weights[i % SYMPIE_CUDA_CROP_CHANNELS] * (a[i] - b[i])^2 over `n`
 * values of half or float, a multiple of the weights' number, in `sums`, which
 * the host adds up. Neither order nor time changes the result. */
cudaError_t sympie_cuda_squares (const void *a, const void *b, size_t n,
    const float weights[SYMPIE_CUDA_CROP_CHANNELS], double *sums, bool half,
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

/* NEM's last layer, from SYMPIE_NEM_FEATURES values of half. */
typedef struct
{
  const void *features;
  const float *weight;      /* [SYMPIE_N_PARAMS][SYMPIE_NEM_FEATURES] */
  const float *bias;        /* [SYMPIE_N_PARAMS] */
  const float *gate_weight; /* [SYMPIE_NEM_FEATURES], or NULL */
  const float *gate_bias;
  float *params; /* the result, in memory that the device can write:
                    SYMPIE_N_PARAMS, then the gate in [0, 1], which is 1
                    without weights for it */
} SympieCudaHead;

/* Then, where `fold` is not NULL, as above. */
cudaError_t sympie_cuda_head (const SympieCudaHead *head,
    const SympieCudaFold *fold, SympieCudaOperator *op, SympieCudaTarget *to);

/* ---- DWM ---------------------------------------------------------------- */

/* `src` and `dst` are alike but for their memory, which does not overlap. */
cudaError_t sympie_cuda_dwm (const SympieImage *src, const SympieImage *dst,
    const SympieCudaOperator *op, SympieCudaTarget *to);

#ifdef __cplusplus
}
#endif

#endif /* SYMPIE_CUDA_KERNELS_H */
