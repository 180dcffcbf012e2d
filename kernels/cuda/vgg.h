/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* VGG19's convolutions on the GPU, over two images one after the other.
 *
 * Each image goes through in one piece, so that memory grows with its size: two
 * tensors as large as the first layer's, 470 MB in float at 720p. */

#ifndef SYMPIE_CUDA_VGG_H
#define SYMPIE_CUDA_VGG_H

#include "../vgg19.h"
#include "kernels.h"

typedef struct SympieCudaVgg SympieCudaVgg;

/* Uploads the weights; NULL with a message. With the pool behind the last
 * convolution if `end_in_pool`. */
SympieCudaVgg *sympie_cuda_vgg_new (const SympieVgg19Weights *weights,
    bool end_in_pool, bool half, int device, cudaStream_t stream,
    SympieError *error);
void sympie_cuda_vgg_free (SympieCudaVgg *vgg); /* NULL is allowed */

/* Prepares for images of that size, unless it is. False with a message where
 * memory is short or the last layer would be empty. */
bool sympie_cuda_vgg_prepare (
    SympieCudaVgg *vgg, int width, int height, SympieError *error);

/* What sympie_cuda_preprocess fills for image 0 or 1, and what comes of it,
 * [height][width][channels] of half or float. */
void *sympie_cuda_vgg_crop (const SympieCudaVgg *vgg, int image);
const void *sympie_cuda_vgg_features (const SympieCudaVgg *vgg, int image);

/* Puts the layers where `to` says. */
cudaError_t sympie_cuda_vgg_run (
    SympieCudaVgg *vgg, int image, SympieCudaTarget *to);

#endif /* SYMPIE_CUDA_VGG_H */
