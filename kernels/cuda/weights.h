/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* NEM's and VGG19's weights in device memory, NEM's once for all that use the
 * same file. */

#ifndef SYMPIE_CUDA_WEIGHTS_H
#define SYMPIE_CUDA_WEIGHTS_H

#include "../vgg19.h"
#include "kernels.h"

enum
{
  SYMPIE_CUDA_N_LAYERS = SYMPIE_VGG19_N_CONVS, /* at most */
};

typedef struct
{
  bool half; /* the convolutions: NEM's; VGG19's are float */
  int n_layers;
  SympieCudaConv layer[SYMPIE_CUDA_N_LAYERS]; /* without tensors and sizes */
  SympieCudaHead head;                        /* NEM's */
} SympieCudaWeights;

/* Upload NEM's or VGG19's weights, the other being NULL, to the current device,
 * unless they are there. `context` tells device contexts apart: what is in one
 * cannot be used in another. NULL with a message when memory is short. The only
 * lock of the backend is here and in the unref. */
const SympieCudaWeights *sympie_cuda_weights_ref (const SympieNemWeights *nem,
    const SympieVgg19Weights *vgg19, int device, void *context,
    cudaStream_t stream, SympieError *error);
void sympie_cuda_weights_unref (const SympieCudaWeights *weights); /* or NULL */

#endif /* SYMPIE_CUDA_WEIGHTS_H */
