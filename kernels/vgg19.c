/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "vgg19.h"

#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "safetensors.h"

const SympieVgg19Layer sympie_vgg19_layers[SYMPIE_VGG19_N_CONVS] = {
  { 3, 64, 0, false },
  { 64, 64, 2, true },
  { 64, 128, 5, false },
  { 128, 128, 7, true },
  { 128, 256, 10, false },
  { 256, 256, 12, false },
  { 256, 256, 14, false },
  { 256, 256, 16, true },
  { 256, 512, 19, false },
  { 512, 512, 21, false },
  { 512, 512, 23, false },
  { 512, 512, 25, true },
  { 512, 512, 28, false },
  { 512, 512, 30, false },
  { 512, 512, 32, false },
  { 512, 512, 34, true },
};

/* A layer is named by its stage and its place in the stage: relu3_2. */
static const char *const layer_names[SYMPIE_N_LAYERS] = {
  "relu1_1",
  "relu1_2",
  "relu2_1",
  "relu2_2",
  "relu3_1",
  "relu3_2",
  "relu3_3",
  "relu3_4",
  "relu4_1",
  "relu4_2",
  "relu4_3",
  "relu4_4",
  "relu5_1",
  "relu5_2",
  "relu5_3",
  "relu5_4",
  "pool5",
};

const char *
sympie_layer_name (SympieLayer layer)
{
  return (unsigned) layer < SYMPIE_N_LAYERS ? layer_names[layer] : NULL;
}

int
sympie_vgg19_depth (SympieLayer layer)
{
  return layer == SYMPIE_LAYER_POOL5 ? SYMPIE_VGG19_N_CONVS : (int) layer + 1;
}

bool
sympie_vgg19_ends_in_pool (SympieLayer layer)
{
  return layer == SYMPIE_LAYER_POOL5;
}

static bool
load_conv (SympieSafetensors *file, const SympieVgg19Layer *layer,
    SympieConv *conv, SympieError *error)
{
  int64_t shape[4] = { layer->n_out, layer->n_in, 3, 3 };
  char weight[32], bias[32];

  snprintf (weight, sizeof weight, "features.%d.weight", layer->index);
  snprintf (bias, sizeof bias, "features.%d.bias", layer->index);
  if (!conv)
    return sympie_safetensors_check (file, weight, shape, 4, error)
           && sympie_safetensors_check (file, bias, shape, 1, error);

  conv->n_in = layer->n_in;
  conv->n_out = layer->n_out;
  return (conv->weight =
                 sympie_safetensors_read (file, weight, shape, 4, error))
         && (conv->bias =
                 sympie_safetensors_read (file, bias, shape, 1, error));
}

static bool
load_all (SympieVgg19Weights *weights, const char *path, SympieError *error)
{
  SympieSafetensors *file = sympie_safetensors_open (path, error);
  bool ok = file != NULL;

  for (int i = 0; ok && i < SYMPIE_VGG19_N_CONVS; i++)
    ok = load_conv (file, &sympie_vgg19_layers[i],
        i < weights->n_convs ? &weights->convs[i] : NULL, error);
  sympie_safetensors_close (file);
  return ok;
}

SympieVgg19Weights *
sympie_vgg19_weights_load (const char *path, int n_convs, SympieError *error)
{
  SympieVgg19Weights *weights = calloc (1, sizeof *weights);

  if (!weights) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "%s: out of memory", path);
    return NULL;
  }
  weights->n_convs = n_convs;
  if (!load_all (weights, path, error)) {
    sympie_vgg19_weights_free (weights);
    return NULL;
  }
  return weights;
}
