/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nem.h"

#include <stdlib.h>

#include "conv.h"
#include "error.h"

struct SympieCudaNem
{
  const SympieCudaWeights *weights;

  /* One allocation: crop, counters, and the tensors between layers. */
  void *memory, *crop;
  SympieCudaEstimate *estimate; /* pinned: head writes there */
  const void *features;
  SympieCudaConv layer[SYMPIE_CUDA_N_LAYERS];
  SympieCudaConvTiles tiles[SYMPIE_CUDA_N_LAYERS];
};

/* The pooling after a layer whose result has `size` pixels a side. */
static const SympieCudaPool pool_5 = { .size = 5, .stride = 4, .pad = 1 };

static SympieCudaPool
pooled (SympieCudaPool pool, int size)
{
  pool.height = pool.width =
      (size + 2 * pool.pad - pool.size) / pool.stride + 1;
  return pool;
}

static void *
take (uint8_t *memory, size_t *size, size_t bytes)
{
  size_t begin = *size;

  *size += (bytes + 255) / 256 * 256;
  return memory ? memory + begin : NULL;
}

/* Sets all layers up; with no memory at hand it only finds out how much they
 * need. */
static size_t
plan (SympieCudaNem *nem, int multiprocessors)
{
  const SympieCudaWeights *weights = nem->weights;
  size_t element = sizeof (uint16_t), size = 0, workspace = 0;
  uint8_t *memory = nem->memory;
  size_t n_counters = 0;
  unsigned *counters;
  float *shared_workspace;
  const void *in;
  int side = SYMPIE_NEM_SIZE;

  in = nem->crop = take (memory, &size,
      (size_t) side * side * SYMPIE_CUDA_CROP_CHANNELS * element);
  for (int i = 0; i < SYMPIE_CUDA_N_LAYERS; i++) {
    const SympieCudaLayerWeights *of_layer = &weights->layer[i];
    SympieCudaConv *layer = &nem->layer[i];
    size_t bytes = (size_t) side * side * of_layer->n_out * element, needed;
    bool is_first = i % 2 == 1; /* of a block; the stem is like a second one */
    size_t n_tiles;

    *layer = (SympieCudaConv){
      .in = in,
      .height = side,
      .width = side,
      .n_in = of_layer->n_in,
      .n_out = of_layer->n_out,
      .weight = of_layer->weight,
      .bias = of_layer->bias,
      .scale = of_layer->scale,
      .shift = of_layer->shift,
      .relu = true,
    };
    if (is_first) {
      layer->raw = take (memory, &size, bytes);
      layer->out = take (memory, &size, bytes);
    } else {
      layer->residual = i > 0 ? nem->layer[i - 1].raw : NULL;
      /* The last one is the mean of all that is left. */
      layer->pool =
          i + 1 < SYMPIE_CUDA_N_LAYERS
              ? pooled (pool_5, side)
              : pooled ((SympieCudaPool){ .size = side, .stride = side }, side);
      side = layer->pool.height;
      layer->out = take (
          memory, &size, (size_t) side * side * of_layer->n_out * element);
    }
    in = layer->out;

    needed = sympie_cuda_conv_tile (layer, multiprocessors, &nem->tiles[i]);
    if (needed > workspace)
      workspace = needed;
    n_tiles =
        (size_t) nem->tiles[i].count * layer->n_out / SYMPIE_CUDA_CONV_CHANNELS;
    if (n_tiles > n_counters)
      n_counters = n_tiles;
  }
  nem->features = in;

  /* Layers come one after the other: they can share these. */
  counters = take (memory, &size, n_counters * sizeof *counters);
  shared_workspace = take (memory, &size, workspace);
  for (int i = 0; i < SYMPIE_CUDA_N_LAYERS; i++) {
    nem->tiles[i].counters = counters;
    nem->tiles[i].workspace = shared_workspace;
  }
  return size;
}

SympieCudaNem *
sympie_cuda_nem_new (const SympieCudaWeights *weights, int device,
    cudaStream_t stream, SympieError *error)
{
  SympieCudaNem *nem = calloc (1, sizeof *nem);
  int multiprocessors;
  void *estimate;
  size_t size;

  if (!nem) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    return NULL;
  }
  nem->weights = weights;
  if (!sympie_cuda_ok (cudaDeviceGetAttribute (&multiprocessors,
                           cudaDevAttrMultiProcessorCount, device),
          "count the multiprocessors", error)
      || !sympie_cuda_ok (cudaHostAlloc (&estimate, sizeof *nem->estimate,
                              cudaHostAllocDefault),
          "allocate the parameters", error))
    goto fail;
  nem->estimate = estimate;
  size = plan (nem, multiprocessors);
  if (!sympie_cuda_ok (
          cudaMalloc (&nem->memory, size), "allocate NEM's tensors", error)
      || !sympie_cuda_ok (cudaMemsetAsync (nem->memory, 0, size, stream),
          "clear NEM's tensors", error))
    goto fail;
  plan (nem, multiprocessors);
  return nem;

fail:
  sympie_cuda_nem_free (nem);
  return NULL;
}

void
sympie_cuda_nem_free (SympieCudaNem *nem)
{
  if (!nem)
    return;
  if (nem->memory)
    cudaFree (nem->memory);
  if (nem->estimate)
    cudaFreeHost (nem->estimate);
  free (nem);
}

void *
sympie_cuda_nem_crop (const SympieCudaNem *nem)
{
  return nem->crop;
}

const SympieCudaEstimate *
sympie_cuda_nem_estimate (const SympieCudaNem *nem)
{
  return nem->estimate;
}

cudaError_t
sympie_cuda_nem_run (SympieCudaNem *nem, SympieCudaTarget *to)
{
  for (int i = 0; i < SYMPIE_CUDA_N_LAYERS; i++) {
    cudaError_t result =
        sympie_cuda_conv (&nem->layer[i], &nem->tiles[i], true, to);

    if (result != cudaSuccess)
      return result;
  }
  return cudaSuccess;
}

cudaError_t
sympie_cuda_nem_head (SympieCudaNem *nem, const SympieCudaFold *fold,
    SympieCudaOperator *op, SympieCudaTarget *to)
{
  const SympieCudaWeights *weights = nem->weights;

  SympieCudaHead head = {
    .features = nem->features,
    .weight = weights->head_weight,
    .bias = weights->head_bias,
    .gate_weight = weights->gate_weight,
    .gate_bias = weights->gate_bias,
    .params = nem->estimate->params.values,
  };

  return sympie_cuda_head (&head, fold, op, to);
}
