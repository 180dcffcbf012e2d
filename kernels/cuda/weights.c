/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "weights.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

typedef struct Shared Shared;
struct Shared
{
  SympieCudaWeights weights; /* first: what the callers have */
  void *memory;

  /* What they are known by, and how many use them. */
  SympieFileIdentity file;
  int device;
  void *context;
  int n_users;
  Shared *next;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static Shared *all;

/* Lays out one array after the other, first to learn the size, then for real.
 */
typedef struct
{
  uint8_t *host, *device; /* NULL while measuring */
  size_t size;
} Arena;

static const void *
take (Arena *arena, size_t size, void **host)
{
  size_t begin = arena->size;

  arena->size += (size + 255) / 256 * 256;
  *host = arena->host ? arena->host + begin : NULL;
  return arena->device ? arena->device + begin : NULL;
}

static const float *
put_floats (Arena *arena, const float *values, size_t n)
{
  void *host;
  const void *device;

  if (!values)
    return NULL;
  device = take (arena, n * sizeof *values, &host);
  if (host)
    memcpy (host, values, n * sizeof *values);
  return device;
}

static void
put_conv (Arena *arena, const SympieConv *conv, const float *scale,
    const float *shift, SympieCudaPool pool, SympieCudaWeights *out)
{
  SympieCudaConv *layer = &out->layer[out->n_layers++];
  int n_in = conv->n_in < SYMPIE_CUDA_CROP_CHANNELS ? SYMPIE_CUDA_CROP_CHANNELS
                                                    : conv->n_in;
  size_t n = (size_t) conv->n_out * sympie_cuda_conv_row (n_in);
  void *host;

  layer->n_in = n_in;
  layer->n_out = conv->n_out;
  layer->pool = pool;
  layer->weight = take (arena, n * (out->half ? 2 : 4), &host);
  if (host)
    sympie_cuda_conv_pack (
        conv->weight, conv->n_out, conv->n_in, n_in, out->half, host);
  layer->bias = put_floats (arena, conv->bias, conv->n_out);
  layer->scale = put_floats (arena, scale, conv->n_out);
  layer->shift = put_floats (arena, shift, conv->n_out);
}

static void
put_vgg19 (
    Arena *arena, const SympieVgg19Weights *vgg19, SympieCudaWeights *out)
{
  const SympieCudaPool none = { 0 };
  const SympieCudaPool largest = { .size = 2, .stride = 2, .max = true };

  for (int i = 0; i < vgg19->n_convs; i++)
    put_conv (arena, &vgg19->convs[i], NULL, NULL,
        sympie_vgg19_layers[i].pooled ? largest : none, out);
}

static void
put_nem (Arena *arena, const SympieNemWeights *nem, SympieCudaWeights *out)
{
  const SympieCudaPool none = { 0 };
  const SympieCudaPool mean = { .size = 5, .stride = 4, .pad = 1 };
  const SympieCudaPool of_all = { .size = 3, .stride = 3 }; /* that is left */

  put_conv (arena, &nem->stem, NULL, NULL, mean, out);
  for (int b = 0; b < SYMPIE_NEM_N_BLOCKS; b++) {
    const SympieNemBlock *block = &nem->block[b];

    put_conv (arena, &block->conv1, block->scale1, block->shift1, none, out);
    put_conv (arena, &block->conv2, NULL, NULL,
        b + 1 < SYMPIE_NEM_N_BLOCKS ? mean : of_all, out);
  }
  out->head.weight = put_floats (
      arena, nem->head_weight, SYMPIE_N_PARAMS * SYMPIE_NEM_FEATURES);
  out->head.bias = put_floats (arena, nem->head_bias, SYMPIE_N_PARAMS);
  out->head.gate_weight =
      put_floats (arena, nem->gate_weight, SYMPIE_NEM_FEATURES);
  out->head.gate_bias = put_floats (arena, nem->gate_bias, 1);
}

static void
put_all (Arena *arena, const SympieNemWeights *nem,
    const SympieVgg19Weights *vgg19, SympieCudaWeights *out)
{
  arena->size = 0;
  *out = (SympieCudaWeights){ .half = nem != NULL };
  if (nem)
    put_nem (arena, nem, out);
  else
    put_vgg19 (arena, vgg19, out);
}

static void
shared_free (Shared *shared)
{
  sympie_cuda_free (shared->memory);
  free (shared);
}

static Shared *
shared_new (const SympieNemWeights *nem, const SympieVgg19Weights *vgg19,
    cudaStream_t stream, SympieError *error)
{
  Shared *shared = calloc (1, sizeof *shared);
  Arena arena = { 0 };
  bool ok;

  if (shared) {
    put_all (&arena, nem, vgg19, &shared->weights);
    arena.host = calloc (1, arena.size);
  }
  if (!arena.host) {
    free (shared);
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    return NULL;
  }
  shared->memory = sympie_cuda_new (arena.size, "allocate weights", error);
  arena.device = shared->memory;
  put_all (&arena, nem, vgg19, &shared->weights);
  ok = shared->memory
       && sympie_cuda_ok (cudaMemcpyAsync (arena.device, arena.host, arena.size,
                              cudaMemcpyHostToDevice, stream),
           "upload weights", error)
       && sympie_cuda_ok (
           cudaStreamSynchronize (stream), "upload weights", error);
  free (arena.host);
  if (ok)
    return shared;
  shared_free (shared);
  return NULL;
}

const SympieCudaWeights *
sympie_cuda_weights_ref (const SympieNemWeights *nem,
    const SympieVgg19Weights *vgg19, int device, void *context,
    cudaStream_t stream, SympieError *error)
{
  Shared *shared = NULL;

  pthread_mutex_lock (&mutex);
  if (nem && nem->file.size > 0)
    for (shared = all; shared; shared = shared->next)
      if (sympie_file_is_same (&shared->file, &nem->file)
          && shared->device == device && shared->context == context)
        break;
  if (!shared && (shared = shared_new (nem, vgg19, stream, error))) {
    if (nem)
      shared->file = nem->file;
    shared->device = device;
    shared->context = context;
    shared->next = all;
    all = shared;
  }
  if (shared)
    shared->n_users++;
  pthread_mutex_unlock (&mutex);
  return shared ? &shared->weights : NULL;
}

void
sympie_cuda_weights_unref (const SympieCudaWeights *weights)
{
  Shared *shared = (Shared *) weights, **at = &all;

  if (!shared)
    return;
  pthread_mutex_lock (&mutex);
  if (--shared->n_users == 0) {
    while (*at != shared)
      at = &(*at)->next;
    *at = shared->next;
    shared_free (shared);
  }
  pthread_mutex_unlock (&mutex);
}
