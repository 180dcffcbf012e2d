/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What VGG19's convolutional part looks like, and its weights as every backend
 * wants them. */

#ifndef SYMPIE_VGG19_H
#define SYMPIE_VGG19_H

#include "nem_weights.h"

enum
{
  SYMPIE_VGG19_N_CONVS = 16
};

/* A 3x3 convolution with its ReLU. */
typedef struct
{
  int n_in, n_out;
  int index;   /* torchvision calls it features.<index> */
  bool pooled; /* a 2x2 max-pool with stride 2 follows */
} SympieVgg19Layer;

extern const SympieVgg19Layer sympie_vgg19_layers[SYMPIE_VGG19_N_CONVS];

/* Convolutions that lead to `layer`, and whether its values are those after the
 * max-pool behind the last of them. */
int sympie_vgg19_depth (SympieLayer layer);
bool sympie_vgg19_ends_in_pool (SympieLayer layer);

typedef struct
{
  int n_convs; /* the first ones */
  SympieConv convs[SYMPIE_VGG19_N_CONVS];
} SympieVgg19Weights;

/* Reads the first `n_convs` convolutions of a safetensors file with
 * torchvision's names ("features.0.weight" and so on); the file must have all
 * the others as well, in their shapes. Other tensors, such as those of the
 * classifier, are ignored. NULL with a message that names the file and the
 * tensor at fault. */
SympieVgg19Weights *sympie_vgg19_weights_load (
    const char *path, int n_convs, SympieError *error);
void sympie_vgg19_weights_free (
    SympieVgg19Weights *weights); /* NULL is allowed */

#endif /* SYMPIE_VGG19_H */
