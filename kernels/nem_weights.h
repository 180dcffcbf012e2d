/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* NEM's weights as every backend wants them: float32, batch norm turned into
 * scale and shift and folded into the convolution before it where nothing else
 * reads that convolution's output. */

#ifndef SYMPIE_NEM_WEIGHTS_H
#define SYMPIE_NEM_WEIGHTS_H

#include "safetensors.h"
#include "sympie.h"

enum
{
  SYMPIE_NEM_SIZE = 224,   /* side of the crop that NEM sees */
  SYMPIE_NEM_RESIZE = 232, /* smaller side of the frame it is cut from */
  SYMPIE_NEM_N_BLOCKS = 3,
  SYMPIE_NEM_FEATURES = 512, /* channels of the last block */
};

/* A 3x3 convolution, stride 1, zero padding 1. */
typedef struct
{
  int n_in, n_out;
  float *weight; /* [n_out][n_in][3][3] */
  float *bias;   /* [n_out] */
} SympieConv;

/* x0 = conv1 (pool (x)); y = relu (scale1 * x0 + shift1);
 * out = x0 + relu (conv2 (y)), with the second batch norm in conv2. */
typedef struct
{
  SympieConv conv1, conv2;
  float *scale1, *shift1; /* [conv1.n_out] */
} SympieNemBlock;

typedef struct
{
  SympieConv stem; /* relu (stem (x)), its batch norm folded in */
  SympieNemBlock block[SYMPIE_NEM_N_BLOCKS];
  float *head_weight; /* [SYMPIE_N_PARAMS][SYMPIE_NEM_FEATURES] */
  float *head_bias;   /* [SYMPIE_N_PARAMS] */
  /* The gate is gate_weight * features + *gate_bias, cut to [0, 1]. Both are
   * NULL where the file has none. */
  float *gate_weight;      /* [SYMPIE_NEM_FEATURES] */
  float *gate_bias;        /* [1] */
  SympieFileIdentity file; /* that they were read from */
} SympieNemWeights;

/* Reads a safetensors file with the names of the authors' state dict
 * ("colm.backbone.0.weight" and so on), and "gate.weight" and "gate.bias" where
 * it has either; other tensors are ignored. NULL with a message that names the
 * file and the tensor at fault. */
SympieNemWeights *sympie_nem_weights_load (
    const char *path, SympieError *error);

/* NULL is allowed. */
void sympie_nem_weights_free (SympieNemWeights *weights);

#endif /* SYMPIE_NEM_WEIGHTS_H */
