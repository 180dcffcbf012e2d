/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The memory of weights, which backends need on machines where no file of them
 * is read. */

#include <stdlib.h>

#include "nem_weights.h"
#include "vgg19.h"

static void
free_conv (SympieConv *conv)
{
  free (conv->weight);
  free (conv->bias);
}

void
sympie_nem_weights_free (SympieNemWeights *weights)
{
  if (!weights)
    return;
  free_conv (&weights->stem);
  for (int i = 0; i < SYMPIE_NEM_N_BLOCKS; i++) {
    free_conv (&weights->block[i].conv1);
    free_conv (&weights->block[i].conv2);
    free (weights->block[i].scale1);
    free (weights->block[i].shift1);
  }
  free (weights->head_weight);
  free (weights->head_bias);
  free (weights->gate_weight);
  free (weights->gate_bias);
  free (weights);
}

void
sympie_vgg19_weights_free (SympieVgg19Weights *weights)
{
  if (!weights)
    return;
  for (int i = 0; i < weights->n_convs; i++)
    free_conv (&weights->convs[i]);
  free (weights);
}
