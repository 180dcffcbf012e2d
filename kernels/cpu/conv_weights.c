/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "conv_weights.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../error.h"

enum
{
  ALIGNMENT = 64, /* bytes */
  /* Transformed inputs of a group, about: they stay in a second-level cache
   * while all output channels are made from them. */
  GROUP_BYTES = 1 << 18,
  MIN_TILES = 32 /* for each of which the weights are read once */
};

/* Held while layers are packed, so that nobody else packs the same, and over
 * forks, so that the child is not left with it. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static SympieConvWeights *shared;
static bool minds_forks;

static void
lock (void)
{
  pthread_mutex_lock (&mutex);
}

static void
unlock (void)
{
  pthread_mutex_unlock (&mutex);
}

float *
sympie_floats_take (size_t n)
{
  return aligned_alloc (
      ALIGNMENT, (n * sizeof (float) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

float *
sympie_floats_new (size_t n, SympieError *error)
{
  float *values = sympie_floats_take (n);

  if (values)
    memset (values, 0, n * sizeof *values);
  else
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
  return values;
}

static int
min (int a, int b)
{
  return a < b ? a : b;
}

/* ---- Packing ------------------------------------------------------------- */

/* G g G^T of the paper, for the points of conv_tmpl.h. */
static void
transform_weight (const float *weight, double points[SYMPIE_TILE_POINTS])
{
  static const double root = 1.4142135623730950488; /* of 2 */
  static const double g[SYMPIE_TILE_IN][3] = {
    { 1, 0, 0 },
    { -2 / 3., -root / 3, -1 / 3. },
    { -2 / 3., root / 3, -1 / 3. },
    { 1 / 6., root / 6, 1 / 3. },
    { 1 / 6., -root / 6, 1 / 3. },
    { 0, 0, 1 },
  };

  for (int y = 0; y < SYMPIE_TILE_IN; y++) {
    double row[3];

    for (int x = 0; x < 3; x++)
      row[x] = g[y][0] * weight[x] + g[y][1] * weight[3 + x]
               + g[y][2] * weight[6 + x];
    for (int x = 0; x < SYMPIE_TILE_IN; x++)
      points[y * SYMPIE_TILE_IN + x] =
          g[x][0] * row[0] + g[x][1] * row[1] + g[x][2] * row[2];
  }
}

static void
pack (const SympieConv *conv, int panel, float *packed)
{
  for (int o = 0; o < conv->n_out; o++)
    for (int i = 0; i < conv->n_in; i++) {
      size_t at =
          ((size_t) o / panel * SYMPIE_TILE_POINTS * conv->n_in + i) * panel
          + o % panel;
      double points[SYMPIE_TILE_POINTS];

      transform_weight (
          conv->weight + ((size_t) o * conv->n_in + i) * 9, points);
      for (int p = 0; p < SYMPIE_TILE_POINTS; p++)
        packed[at + (size_t) p * conv->n_in * panel] = (float) points[p];
    }
}

static void
pack_small (const SympieConv *conv, int block, float *packed)
{
  for (int o = 0; o < conv->n_out; o++)
    for (int i = 0; i < conv->n_in * 9; i++)
      packed[((size_t) o / block * conv->n_in * 9 + i) * block + o % block] =
          conv->weight[(size_t) o * conv->n_in * 9 + i];
}

static bool
copy (float **to, const float *from, size_t n)
{
  if (!from)
    return true;
  if (!(*to = sympie_floats_take (n)))
    return false;
  memcpy (*to, from, n * sizeof **to);
  return true;
}

static bool
pack_layer (SympieConvPacked *layer, const SympieConvLayer *given, int block)
{
  const SympieConv *conv = given->conv;
  int n_in_blocks = conv->n_in < block ? 1 : conv->n_in / block;
  size_t n = (size_t) conv->n_out * conv->n_in;
  int tiles =
      GROUP_BYTES
      / (SYMPIE_TILE_POINTS * n_in_blocks * block * (int) sizeof (float));

  assert (conv->n_in < block ? !given->scale : conv->n_in % block == 0);
  assert (conv->n_out % (SYMPIE_CONV_PANEL * block) == 0);
  assert (!given->small || given->pooling == SYMPIE_POOLING_NONE);
  layer->small = given->small;
  layer->max_tiles =
      tiles < MIN_TILES ? MIN_TILES : min (tiles, SYMPIE_CONV_MAX_GROUP);
  if (!(layer->weight =
              sympie_floats_take (n * (given->small ? 9 : SYMPIE_TILE_POINTS)))
      || !copy (&layer->bias, conv->bias, conv->n_out)
      || !copy (&layer->scale, given->scale, conv->n_in)
      || !copy (&layer->shift, given->shift, conv->n_in))
    return false;
  if (given->small)
    pack_small (conv, block, layer->weight);
  else
    pack (conv, SYMPIE_CONV_PANEL * block, layer->weight);
  layer->job = (SympieConvJob){
    .n_in = conv->n_in,
    .n_out = conv->n_out,
    .n_in_blocks = n_in_blocks,
    .weight = layer->weight,
    .bias = layer->bias,
    .scale = layer->scale,
    .shift = layer->shift,
    .relu = given->relu,
    .pooling = given->pooling,
  };
  return true;
}

static void
weights_free (SympieConvWeights *weights)
{
  for (int l = 0; weights->layers && l < weights->n_layers; l++) {
    SympieConvPacked *layer = &weights->layers[l];

    free (layer->weight);
    free (layer->bias);
    free (layer->scale);
    free (layer->shift);
  }
  free (weights->layers);
  free (weights);
}

static SympieConvWeights *
weights_new (const SympieConvFunctions *functions,
    const SympieConvLayer *layers, int n_layers)
{
  SympieConvWeights *weights = calloc (1, sizeof *weights);
  bool ok;

  if (!weights)
    return NULL;
  weights->functions = functions;
  weights->n_layers = n_layers;
  weights->n_users = 1;
  weights->layers = calloc (n_layers, sizeof *weights->layers);
  ok = weights->layers;
  for (int l = 0; ok && l < n_layers; l++)
    ok = pack_layer (&weights->layers[l], &layers[l], functions->block);
  if (ok)
    return weights;
  weights_free (weights);
  return NULL;
}

/* ---- Sharing ------------------------------------------------------------- */

static bool
are_same (const SympieConvWeights *weights, const SympieFileIdentity *file,
    const SympieConvFunctions *functions, int n_layers)
{
  return weights->functions == functions && weights->n_layers == n_layers
         && sympie_file_is_same (&weights->file, file);
}

SympieConvWeights *
sympie_conv_weights_take (const SympieFileIdentity *file,
    const SympieConvFunctions *functions, const SympieConvLayer *layers,
    int n_layers)
{
  SympieConvWeights *weights;

  if (!file || file->size == 0)
    return weights_new (functions, layers, n_layers);

  lock ();
  if (!minds_forks && pthread_atfork (lock, unlock, unlock) != 0) {
    unlock ();
    return NULL; /* there is no memory */
  }
  minds_forks = true;
  for (weights = shared; weights; weights = weights->next)
    if (are_same (weights, file, functions, n_layers))
      break;
  if (weights) {
    weights->n_users++;
  } else if ((weights = weights_new (functions, layers, n_layers))) {
    weights->file = *file;
    weights->next = shared;
    shared = weights;
  }
  unlock ();
  return weights;
}

void
sympie_conv_weights_give_back (SympieConvWeights *weights)
{
  SympieConvWeights **at = &shared;
  bool last;

  if (!weights)
    return;
  lock ();
  last = --weights->n_users == 0;
  if (last) {
    while (*at && *at != weights)
      at = &(*at)->next;
    if (*at)
      *at = weights->next;
  }
  unlock ();
  if (last)
    weights_free (weights);
}
