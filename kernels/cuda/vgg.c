/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "vgg.h"

#include <stdlib.h>
#include <string.h>

#include "conv.h"
#include "error.h"

typedef struct
{
  void *memory; /* weight, then bias */
  const float *bias;
} Weights;

struct SympieCudaVgg
{
  bool half, end_in_pool;
  int multiprocessors;
  cudaStream_t stream;
  int n_convs;
  Weights weights[SYMPIE_VGG19_N_CONVS];

  /* For the size; one allocation. */
  int width, height;
  void *memory;
  void *crop[2], *features[2];
  SympieCudaConv layer[SYMPIE_VGG19_N_CONVS];
  SympieCudaConvTiles tiles[SYMPIE_VGG19_N_CONVS];
};

static size_t
element (const SympieCudaVgg *vgg)
{
  return vgg->half ? 2 : 4;
}

static int
padded (int n_in)
{
  return n_in < SYMPIE_CUDA_CROP_CHANNELS ? SYMPIE_CUDA_CROP_CHANNELS : n_in;
}

static bool
upload (SympieCudaVgg *vgg, const SympieConv *conv, Weights *weights,
    SympieError *error)
{
  int n_in = padded (conv->n_in);
  size_t bytes =
      (size_t) conv->n_out * sympie_cuda_conv_row (n_in) * element (vgg);
  size_t bias_bytes = conv->n_out * sizeof *conv->bias;
  uint8_t *packed = malloc (bytes + bias_bytes);
  bool ok;

  if (!packed)
    return sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
  sympie_cuda_conv_pack (
      conv->weight, conv->n_out, conv->n_in, n_in, vgg->half, packed);
  memcpy (packed + bytes, conv->bias, bias_bytes);
  ok = sympie_cuda_ok (cudaMalloc (&weights->memory, bytes + bias_bytes),
           "allocate VGG19's weights", error)
       && sympie_cuda_ok (
           cudaMemcpyAsync (weights->memory, packed, bytes + bias_bytes,
               cudaMemcpyHostToDevice, vgg->stream),
           "upload VGG19's weights", error)
       && sympie_cuda_ok (cudaStreamSynchronize (vgg->stream),
           "upload VGG19's weights", error);
  weights->bias = (const float *) ((uint8_t *) weights->memory + bytes);
  free (packed);
  return ok;
}

SympieCudaVgg *
sympie_cuda_vgg_new (const SympieVgg19Weights *weights, bool end_in_pool,
    bool half, int device, cudaStream_t stream, SympieError *error)
{
  SympieCudaVgg *vgg = calloc (1, sizeof *vgg);
  bool ok;

  if (!vgg) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    return NULL;
  }
  vgg->half = half;
  vgg->end_in_pool = end_in_pool;
  vgg->stream = stream;
  vgg->n_convs = weights->n_convs;
  ok = sympie_cuda_ok (cudaDeviceGetAttribute (&vgg->multiprocessors,
                           cudaDevAttrMultiProcessorCount, device),
      "count the multiprocessors", error);
  for (int i = 0; i < vgg->n_convs && ok; i++)
    ok = upload (vgg, &weights->convs[i], &vgg->weights[i], error);
  if (!ok) {
    sympie_cuda_vgg_free (vgg);
    return NULL;
  }
  return vgg;
}

static void
forget_size (SympieCudaVgg *vgg)
{
  if (vgg->memory)
    cudaFree (vgg->memory);
  vgg->memory = NULL;
  vgg->width = vgg->height = 0;
}

void
sympie_cuda_vgg_free (SympieCudaVgg *vgg)
{
  if (!vgg)
    return;
  forget_size (vgg);
  for (int i = 0; i < vgg->n_convs; i++)
    if (vgg->weights[i].memory)
      cudaFree (vgg->weights[i].memory);
  free (vgg);
}

static void *
take (uint8_t *memory, size_t *size, size_t bytes)
{
  size_t begin = *size;

  *size += (bytes + 255) / 256 * 256;
  return memory ? memory + begin : NULL;
}

static bool
is_pooled (const SympieCudaVgg *vgg, int i)
{
  return i + 1 < vgg->n_convs ? sympie_vgg19_layers[i].pooled
                              : vgg->end_in_pool;
}

/* Sets all layers up; with no memory at hand it only finds out how much they
 * need, which is 0 where the last one is empty. */
static size_t
plan (SympieCudaVgg *vgg, int width, int height)
{
  size_t size = 0, largest = 0, workspace = 0, n_counters = 0, last = 0;
  uint8_t *memory = vgg->memory;
  void *tensors[2], *shared_workspace;
  unsigned *counters;

  for (int i = 0; i < 2; i++)
    vgg->crop[i] = take (memory, &size,
        (size_t) width * height * SYMPIE_CUDA_CROP_CHANNELS * element (vgg));
  for (int i = 0; i < vgg->n_convs; i++) {
    const SympieVgg19Layer *shape = &sympie_vgg19_layers[i];
    SympieCudaConv *layer = &vgg->layer[i];
    size_t needed, tiles;

    *layer = (SympieCudaConv){
      .height = height,
      .width = width,
      .n_in = padded (shape->n_in),
      .n_out = shape->n_out,
      .weight = vgg->weights[i].memory,
      .bias = vgg->weights[i].bias,
      .relu = true,
    };
    if (is_pooled (vgg, i)) {
      height /= 2;
      width /= 2;
      layer->pool = (SympieCudaPool){
        .size = 2,
        .stride = 2,
        .max = true,
        .height = height,
        .width = width,
      };
    }
    if (width == 0 || height == 0)
      return 0;
    last = (size_t) width * height * shape->n_out * element (vgg);
    if (last > largest)
      largest = last;
    needed =
        sympie_cuda_conv_tile (layer, vgg->multiprocessors, &vgg->tiles[i]);
    if (needed > workspace)
      workspace = needed;
    tiles =
        (size_t) vgg->tiles[i].count * layer->n_out / SYMPIE_CUDA_CONV_CHANNELS;
    if (tiles > n_counters)
      n_counters = tiles;
  }

  /* Layers take turns with two tensors. */
  for (int i = 0; i < 2; i++) {
    tensors[i] = take (memory, &size, largest);
    vgg->features[i] = take (memory, &size, last);
  }
  counters = take (memory, &size, n_counters * sizeof *counters);
  shared_workspace = take (memory, &size, workspace);
  for (int i = 0; i < vgg->n_convs; i++) {
    vgg->layer[i].in = tensors[(i + 1) % 2];
    vgg->layer[i].out = tensors[i % 2];
    vgg->tiles[i].counters = counters;
    vgg->tiles[i].workspace = shared_workspace;
  }
  return size;
}

bool
sympie_cuda_vgg_prepare (
    SympieCudaVgg *vgg, int width, int height, SympieError *error)
{
  size_t size;

  if (vgg->width == width && vgg->height == height)
    return true;
  forget_size (vgg);
  size = plan (vgg, width, height);
  if (size == 0)
    return sympie_fail (error, SYMPIE_ERROR_INVALID,
        "an image of %dx%d pixels is too small for this layer of VGG19", width,
        height);
  if (!sympie_cuda_ok (
          cudaMalloc (&vgg->memory, size), "allocate VGG19's tensors", error)
      || !sympie_cuda_ok (cudaMemsetAsync (vgg->memory, 0, size, vgg->stream),
          "clear VGG19's tensors", error)) {
    forget_size (vgg);
    return false;
  }
  plan (vgg, width, height);
  vgg->width = width;
  vgg->height = height;
  return true;
}

void *
sympie_cuda_vgg_crop (const SympieCudaVgg *vgg, int image)
{
  return vgg->crop[image];
}

const void *
sympie_cuda_vgg_features (const SympieCudaVgg *vgg, int image)
{
  return vgg->features[image];
}

cudaError_t
sympie_cuda_vgg_run (SympieCudaVgg *vgg, int image, SympieCudaTarget *to)
{
  for (int i = 0; i < vgg->n_convs; i++) {
    SympieCudaConv layer = vgg->layer[i];
    cudaError_t result;

    if (i == 0)
      layer.in = vgg->crop[image];
    if (i + 1 == vgg->n_convs)
      layer.out = vgg->features[image];
    result = sympie_cuda_conv (&layer, &vgg->tiles[i], vgg->half, to);
    if (result != cudaSuccess)
      return result;
  }
  return cudaSuccess;
}
