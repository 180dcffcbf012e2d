/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* NEM's weights in device memory, once for all contexts that use the same. */

#ifndef SYMPIE_CUDA_WEIGHTS_H
#define SYMPIE_CUDA_WEIGHTS_H

#include "kernels.h"

enum
{
  SYMPIE_CUDA_N_LAYERS = 1 + 2 * SYMPIE_NEM_N_BLOCKS, /* the stem first */
};

/* A convolution as SympieCudaConv wants it. */
typedef struct
{
  int n_in, n_out; /* n_in padded */
  const void *weight;
  const float *bias, *scale, *shift; /* the last two NULL but for conv1 */
} SympieCudaLayerWeights;

typedef struct
{
  SympieCudaLayerWeights layer[SYMPIE_CUDA_N_LAYERS];
  const float *head_weight, *head_bias;
  const float *gate_weight, *gate_bias; /* NULL: no gate */
} SympieCudaWeights;

/* Uploads the weights to the current device, unless they are there. `context`
 * tells device contexts apart: what is in one cannot be used in another. NULL
 * with a message when memory is short. The only lock of the backend is here and
 * in the unref. */
const SympieCudaWeights *sympie_cuda_weights_ref (
    const SympieNemWeights *weights, int device, void *context,
    cudaStream_t stream, SympieError *error);
void sympie_cuda_weights_unref (const SympieCudaWeights *weights); /* or NULL */

#endif /* SYMPIE_CUDA_WEIGHTS_H */
