/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "net.h"

#include "error.h"

static size_t
larger (size_t a, size_t b)
{
  return a > b ? a : b;
}

static int
pooled (const SympieCudaPool *pool, int size)
{
  int padded = size + 2 * pool->pad;

  return padded < pool->size ? 0 : (padded - pool->size) / pool->stride + 1;
}

static void *
take (const SympieCudaNet *net, size_t *size, size_t bytes)
{
  size_t begin = *size;

  *size += (bytes + 255) / 256 * 256;
  return net->memory ? (uint8_t *) net->memory + begin : NULL;
}

/* Sets all layers up; with no memory at hand it only finds out how much they
 * need, which is 0 where the last one is empty. */
static size_t
plan (SympieCudaNet *net, int multiprocessors)
{
  int n = net->weights->n_layers, height = net->height, width = net->width;
  size_t element = net->weights->half ? sizeof (uint16_t) : sizeof (float);
  size_t crop = (size_t) height * width * SYMPIE_CUDA_CROP_CHANNELS * element;
  size_t raw = 0, out = 0, largest = 0, workspace = 0, n_counters = 0, size = 0;
  void *tensors[2], *raw_tensor, *shared_workspace, *counters;

  for (int i = 0; i < n; i++) {
    SympieCudaConv *layer = &net->layer[i];
    SympieCudaConvTiles *tiles = &net->tiles[i];

    *layer = net->weights->layer[i];
    layer->height = height;
    layer->width = width;
    if (i == n - 1 && net->skips_last_pool)
      layer->pool = (SympieCudaPool){ 0 };
    out = (size_t) height * width * layer->n_out * element;
    if (layer->scale)
      raw = larger (raw, out);
    if (layer->pool.size > 0) {
      height = layer->pool.height = pooled (&layer->pool, height);
      width = layer->pool.width = pooled (&layer->pool, width);
      out = (size_t) height * width * layer->n_out * element;
    }
    if (out == 0)
      return 0;
    largest = larger (largest, out);
    workspace = larger (
        workspace, sympie_cuda_conv_tile (layer, multiprocessors, tiles));
    n_counters = larger (n_counters,
        (size_t) tiles->count * layer->n_out / SYMPIE_CUDA_CONV_CHANNELS);
  }

  for (int i = 0; i < net->n_images; i++) {
    net->crop[i] = take (net, &size, crop);
    net->features[i] = take (net, &size, out);
  }
  for (int i = 0; i < 2; i++)
    tensors[i] = take (net, &size, largest);
  raw_tensor = take (net, &size, raw);
  counters = take (net, &size, n_counters * sizeof (unsigned));
  shared_workspace = take (net, &size, workspace);
  for (int i = 0; i < n; i++) {
    net->layer[i].in = tensors[(i + 1) % 2];
    net->layer[i].out = tensors[i % 2];
    /* What a layer that scales has before that, the next one adds. */
    net->layer[i].raw = net->layer[i].scale ? raw_tensor : NULL;
    net->layer[i].residual = i > 0 ? net->layer[i - 1].raw : NULL;
    net->tiles[i].counters = counters;
    net->tiles[i].workspace = shared_workspace;
  }
  return size;
}

bool
sympie_cuda_net_prepare (
    SympieCudaNet *net, int width, int height, SympieError *error)
{
  int multiprocessors;
  size_t size;

  if (net->memory && net->width == width && net->height == height)
    return true;
  sympie_cuda_net_clear (net);
  net->width = width;
  net->height = height;
  if (!sympie_cuda_ok (cudaDeviceGetAttribute (&multiprocessors,
                           cudaDevAttrMultiProcessorCount, net->device),
          "count the multiprocessors", error))
    return false;
  size = plan (net, multiprocessors);
  if (size == 0)
    return sympie_fail (error, SYMPIE_ERROR_INVALID,
        "an image of %dx%d pixels is too small for the last layer", width,
        height);
  net->memory = sympie_cuda_new (size, "allocate tensors", error);
  if (!net->memory
      || !sympie_cuda_ok (cudaMemsetAsync (net->memory, 0, size, net->stream),
          "clear tensors", error)) {
    sympie_cuda_net_clear (net);
    return false;
  }
  plan (net, multiprocessors);
  return true;
}

void
sympie_cuda_net_clear (SympieCudaNet *net)
{
  sympie_cuda_free (net->memory);
  net->memory = NULL;
}

cudaError_t
sympie_cuda_net_run (const SympieCudaNet *net, int image, SympieCudaTarget *to)
{
  int n = net->weights->n_layers;
  cudaError_t result = cudaSuccess;

  for (int i = 0; i < n && result == cudaSuccess; i++) {
    SympieCudaConv layer = net->layer[i];

    if (i == 0)
      layer.in = net->crop[image];
    if (i == n - 1)
      layer.out = net->features[image];
    result = sympie_cuda_conv (&layer, &net->tiles[i], net->weights->half, to);
  }
  return result;
}
