/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* NEM's or VGG19's convolutions on the GPU, and the memory between them: two
 * tensors, which the layers take turns with. An image goes through in one
 * piece, so that memory grows with its size: VGG19 wants 470 MB at 720p. */

#ifndef SYMPIE_CUDA_NET_H
#define SYMPIE_CUDA_NET_H

#include "weights.h"

/* All zero but for the first ones before. */
typedef struct
{
  const SympieCudaWeights *weights;
  int device;
  cudaStream_t stream;  /* where memory is cleared */
  int n_images;         /* 1 or 2: one after the other */
  bool skips_last_pool; /* the features are those before it */

  int width, height; /* of the images */
  void *memory;      /* one allocation */

  /* For each image what sympie_cuda_preprocess fills, and what comes of it,
   * [height][width][channels]. */
  void *crop[2], *features[2];
  SympieCudaConv layer[SYMPIE_CUDA_N_LAYERS];
  SympieCudaConvTiles tiles[SYMPIE_CUDA_N_LAYERS];
} SympieCudaNet;

/* Prepares for images of that size, unless it is. False with a message where
 * memory is short or the last layer would be empty. */
bool sympie_cuda_net_prepare (
    SympieCudaNet *net, int width, int height, SympieError *error);
void sympie_cuda_net_clear (SympieCudaNet *net);

/* Puts the layers where `to` says. */
cudaError_t sympie_cuda_net_run (
    const SympieCudaNet *net, int image, SympieCudaTarget *to);

#endif /* SYMPIE_CUDA_NET_H */
