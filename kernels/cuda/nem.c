/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nem.h"

#include <stdlib.h>

#include "error.h"

SympieCudaNem *
sympie_cuda_nem_new (const SympieCudaWeights *weights, int device,
    cudaStream_t stream, SympieError *error)
{
  static const SympieCudaPool pool_5 = { .size = 5, .stride = 4, .pad = 1 };
  SympieCudaNem *nem = calloc (1, sizeof *nem);

  if (!nem) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    return NULL;
  }
  nem->net.weights = weights;
  nem->net.device = device;
  nem->net.stream = stream;
  nem->net.n_images = 1;
  /* After the stem and each block; after the last one the mean of all that is
   * left. */
  for (int i = 0; i < weights->n_layers; i += 2)
    nem->net.pool[i] = pool_5;
  nem->net.pool[weights->n_layers - 1] =
      (SympieCudaPool){ .size = 3, .stride = 3 };
  nem->estimate = sympie_cuda_new_pinned (
      sizeof *nem->estimate, "allocate the parameters", error);
  if (!nem->estimate
      || !sympie_cuda_net_prepare (
          &nem->net, SYMPIE_NEM_SIZE, SYMPIE_NEM_SIZE, error)) {
    sympie_cuda_nem_free (nem);
    return NULL;
  }
  return nem;
}

void
sympie_cuda_nem_free (SympieCudaNem *nem)
{
  if (!nem)
    return;
  sympie_cuda_net_clear (&nem->net);
  sympie_cuda_free_pinned (nem->estimate);
  free (nem);
}

cudaError_t
sympie_cuda_nem_head (const SympieCudaNem *nem, const SympieCudaFold *fold,
    SympieCudaOperator *op, SympieCudaTarget *to)
{
  const SympieCudaWeights *weights = nem->net.weights;
  SympieCudaHead head = {
    .features = nem->net.features[0],
    .weight = weights->head_weight,
    .bias = weights->head_bias,
    .gate_weight = weights->gate_weight,
    .gate_bias = weights->gate_bias,
    .params = nem->estimate->params.values,
  };

  return sympie_cuda_head (&head, fold, op, to);
}
