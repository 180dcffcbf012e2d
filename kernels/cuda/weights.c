/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "weights.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

/* Weights that are the same have the same bytes here: that is what they are
 * recognised by. */
typedef struct Shared Shared;
struct Shared
{
  SympieCudaWeights weights; /* first: what the callers have */
  Shared *next;
  int refs;
  int device;
  void *context;
  uint64_t hash;
  size_t size;
  void *memory;
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
  const void *device = take (arena, n * sizeof *values, &host);

  if (host)
    memcpy (host, values, n * sizeof *values);
  return device;
}

static void
put_conv (Arena *arena, const SympieConv *conv, const float *scale,
    const float *shift, SympieCudaWeights *out)
{
  SympieCudaConv *layer = &out->layer[out->n_layers++];
  int n_in = conv->n_in < SYMPIE_CUDA_CROP_CHANNELS ? SYMPIE_CUDA_CROP_CHANNELS
                                                    : conv->n_in;
  size_t n = (size_t) conv->n_out * sympie_cuda_conv_row (n_in);
  void *host;

  layer->n_in = n_in;
  layer->n_out = conv->n_out;
  layer->relu = true;
  layer->weight = take (arena, n * (out->half ? 2 : 4), &host);
  if (host)
    sympie_cuda_conv_pack (
        conv->weight, conv->n_out, conv->n_in, n_in, out->half, host);
  layer->bias = put_floats (arena, conv->bias, conv->n_out);
  layer->scale = scale ? put_floats (arena, scale, conv->n_out) : NULL;
  layer->shift = shift ? put_floats (arena, shift, conv->n_out) : NULL;
}

/* Of one of the two. */
typedef struct
{
  const SympieNemWeights *nem;
  const SympieVgg19Weights *vgg19;
} Source;

static void
put_all (Arena *arena, const Source *source, SympieCudaWeights *out)
{
  const SympieNemWeights *nem = source->nem;

  out->n_layers = 0;
  if (!nem) {
    for (int i = 0; i < source->vgg19->n_convs; i++)
      put_conv (arena, &source->vgg19->convs[i], NULL, NULL, out);
    return;
  }
  put_conv (arena, &nem->stem, NULL, NULL, out);
  for (int b = 0; b < SYMPIE_NEM_N_BLOCKS; b++) {
    const SympieNemBlock *block = &nem->block[b];

    put_conv (arena, &block->conv1, block->scale1, block->shift1, out);
    put_conv (arena, &block->conv2, NULL, NULL, out);
  }
  out->head_weight = put_floats (
      arena, nem->head_weight, SYMPIE_N_PARAMS * SYMPIE_NEM_FEATURES);
  out->head_bias = put_floats (arena, nem->head_bias, SYMPIE_N_PARAMS);
  if (nem->gate_weight) {
    out->gate_weight =
        put_floats (arena, nem->gate_weight, SYMPIE_NEM_FEATURES);
    out->gate_bias = put_floats (arena, nem->gate_bias, 1);
  }
}

/* FNV-1a on words: fast enough for 10 MB, and nobody attacks it. */
static uint64_t
hash_of (const void *bytes, size_t size)
{
  uint64_t hash = 0xcbf29ce484222325u, word;

  for (size_t i = 0; i + sizeof word <= size; i += sizeof word) {
    memcpy (&word, (const uint8_t *) bytes + i, sizeof word);
    hash = (hash ^ word) * 0x100000001b3u;
    hash ^= hash >> 29;
  }
  return hash;
}

static bool
upload (Shared *shared, const Source *source, const void *host,
    cudaStream_t stream, SympieError *error)
{
  Arena arena = { 0 };

  shared->memory = sympie_cuda_new (shared->size, "allocate weights", error);
  if (!shared->memory)
    return false;
  arena.device = shared->memory;
  put_all (&arena, source, &shared->weights);
  return sympie_cuda_ok (cudaMemcpyAsync (shared->memory, host, shared->size,
                             cudaMemcpyHostToDevice, stream),
             "upload weights", error)
         && sympie_cuda_ok (
             cudaStreamSynchronize (stream), "upload weights", error);
}

static const SympieCudaWeights *
ref (const Source *source, bool half, int device, void *context,
    cudaStream_t stream, SympieError *error)
{
  Shared *shared = calloc (1, sizeof *shared), *found;
  Arena arena = { 0 };

  if (shared) {
    shared->weights.half = half;
    put_all (&arena, source, &shared->weights);
    shared->size = arena.size;
    arena = (Arena){ .host = calloc (1, shared->size) };
  }
  if (!arena.host) {
    free (shared);
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    return NULL;
  }
  put_all (&arena, source, &shared->weights);
  shared->hash = hash_of (arena.host, shared->size);
  shared->device = device;
  shared->context = context;
  shared->refs = 1;

  pthread_mutex_lock (&mutex);
  for (found = all; found; found = found->next)
    if (found->hash == shared->hash && found->size == shared->size
        && found->device == device && found->context == context)
      break;
  if (found) {
    found->refs++;
    free (shared);
    shared = found;
  } else if (upload (shared, source, arena.host, stream, error)) {
    shared->next = all;
    all = shared;
  } else {
    sympie_cuda_free (shared->memory);
    free (shared);
    shared = NULL;
  }
  pthread_mutex_unlock (&mutex);
  free (arena.host);
  return shared ? &shared->weights : NULL;
}

const SympieCudaWeights *
sympie_cuda_weights_ref (const SympieNemWeights *weights, int device,
    void *context, cudaStream_t stream, SympieError *error)
{
  Source source = { .nem = weights };

  return ref (&source, true, device, context, stream, error);
}

const SympieCudaWeights *
sympie_cuda_weights_ref_vgg19 (const SympieVgg19Weights *weights, bool half,
    int device, cudaStream_t stream, SympieError *error)
{
  Source source = { .vgg19 = weights };

  return ref (&source, half, device, NULL, stream, error);
}

void
sympie_cuda_weights_unref (const SympieCudaWeights *weights)
{
  if (!weights)
    return;
  pthread_mutex_lock (&mutex);
  for (Shared **link = &all; *link; link = &(*link)->next) {
    Shared *shared = *link;

    if (&shared->weights != weights)
      continue;
    if (--shared->refs == 0) {
      *link = shared->next;
      cudaFree (shared->memory);
      free (shared);
    }
    break;
  }
  pthread_mutex_unlock (&mutex);
}
