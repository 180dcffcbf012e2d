/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A layer is one run of the pool: each share of its output channels goes
 * through the convolution and what comes after it while it is in the cache. */

#include "nem.h"

#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "conv.h"
#include "nem_layers.h"

enum
{
  MAX_SHARES = 16,
  ALIGNMENT = 64,
};

typedef struct
{
  int first, n_channels;
  SympieConvPlan *conv1, *conv2;
} Share;

typedef struct
{
  int size; /* rows and columns */
  Share shares[MAX_SHARES];
  int n_shares;
  float *scale, *shift;
  float *in;     /* pooled */
  float *x0, *y; /* conv1's output and what conv2 reads */
  float *z;      /* conv2's output after ReLU; x0 + z is the block's */
  float *out;    /* pooled again: the next block's in, or the features */
} Block;

struct SympieNem
{
  SympiePool *pool;
  const SympieNemLayers *layers;

  float *stem_weight, *stem_bias;
  int n_strips;
  Block blocks[SYMPIE_NEM_N_BLOCKS];
  float *head_weight, *head_bias;

  /* The run at hand. */
  const SympieCrop *crop;
  Block *block;
  struct
  {
    bool failed;
    char *error;
  } faults[MAX_SHARES]; /* of the shares */
};

/* ---- Preparation ------------------------------------------------------- */

static float *
allocate (size_t n)
{
  return aligned_alloc (
      ALIGNMENT, (n * sizeof (float) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

static float *
copy (const float *from, size_t n)
{
  float *to = allocate (n);

  if (to)
    memcpy (to, from, n * sizeof *to);
  return to;
}

static int
min (int a, int b)
{
  return a < b ? a : b;
}

/* The order of nem_layers.h, and divided by the area of the pool, so that the
 * pool's sum is the mean: relu (x) / 25 = relu (x / 25). */
static bool
prepare_stem (SympieNem *nem, const SympieConv *conv)
{
  nem->stem_weight = allocate (27 * SYMPIE_STEM_CHANNELS);
  nem->stem_bias = allocate (SYMPIE_STEM_CHANNELS);
  if (!nem->stem_weight || !nem->stem_bias)
    return false;
  for (int o = 0; o < SYMPIE_STEM_CHANNELS; o++) {
    nem->stem_bias[o] = conv->bias[o] / SYMPIE_POOL_AREA;
    for (int i = 0; i < 27; i++)
      nem->stem_weight[i * SYMPIE_STEM_CHANNELS + o] =
          conv->weight[o * 27 + i] / SYMPIE_POOL_AREA;
  }
  /* Neighbouring strips both compute the row between them. */
  nem->n_strips =
      sympie_pool_size (nem->pool) == 1
          ? 1
          : min (2 * sympie_pool_size (nem->pool), SYMPIE_STEM_SIZE / 2);
  return true;
}

static bool
prepare_share (Block *block, Share *share, const SympieNemBlock *weights,
    int vector, char **error)
{
  SympieConvShare conv = {
    .first = share->first,
    .n_channels = share->n_channels,
    .width = block->size,
    .height = block->size,
    .block = vector,
  };

  conv.conv = &weights->conv1;
  if (!(share->conv1 = sympie_conv_plan_new (&conv, error)))
    return false;
  conv.conv = &weights->conv2;
  conv.relu = true;
  return (share->conv2 = sympie_conv_plan_new (&conv, error));
}

static bool
prepare_block (SympieNem *nem, Block *block, int size, int n_next,
    const SympieNemBlock *weights, char **error)
{
  int n_channels = weights->conv1.n_out, vector = nem->layers->block;
  int n_vectors = n_channels / vector;
  size_t n = (size_t) n_channels * size * size;

  block->size = size;
  if (!(block->x0 = allocate (n)) || !(block->y = allocate (n))
      || !(block->z = allocate (n))
      || !(block->out = allocate ((size_t) n_channels * n_next))
      || !(block->scale = copy (weights->scale1, n_channels))
      || !(block->shift = copy (weights->shift1, n_channels)))
    return sympie_fail (error, "out of memory");

  block->n_shares =
      min (min (sympie_pool_size (nem->pool), n_vectors), MAX_SHARES);
  for (int i = 0; i < block->n_shares; i++) {
    Share *share = &block->shares[i];
    int end = n_vectors * (i + 1) / block->n_shares * vector;

    share->first = n_vectors * i / block->n_shares * vector;
    share->n_channels = end - share->first;
    if (!prepare_share (block, share, weights, vector, error))
      return false;
  }
  return true;
}

static bool
prepare (SympieNem *nem, const SympieNemWeights *weights, char **error)
{
  float *in =
      allocate (SYMPIE_STEM_CHANNELS * SYMPIE_STEM_SIZE * SYMPIE_STEM_SIZE);
  int size = SYMPIE_STEM_SIZE;

  nem->blocks[0].in = in;
  nem->head_weight =
      copy (weights->head_weight, SYMPIE_N_PARAMS * SYMPIE_NEM_FEATURES);
  nem->head_bias = copy (weights->head_bias, SYMPIE_N_PARAMS);
  if (!in || !nem->head_weight || !nem->head_bias
      || !prepare_stem (nem, &weights->stem))
    return sympie_fail (error, "out of memory");

  for (int i = 0; i < SYMPIE_NEM_N_BLOCKS; i++) {
    int next = i + 1 < SYMPIE_NEM_N_BLOCKS ? size / 4 : 1;

    nem->blocks[i].in = in;
    if (!prepare_block (
            nem, &nem->blocks[i], size, next * next, &weights->block[i], error))
      return false;
    in = nem->blocks[i].out;
    size = next;
  }
  return true;
}

SympieNem *
sympie_nem_new (SympiePool *pool, unsigned cpu_flags,
    const SympieNemWeights *weights, char **error)
{
  SympieNem *nem = calloc (1, sizeof *nem);

  if (!nem) {
    sympie_fail (error, "out of memory");
    return NULL;
  }
  nem->pool = pool;
  nem->layers = sympie_nem_layers (cpu_flags);
  sympie_conv_limit_cpu (cpu_flags);
  if (!prepare (nem, weights, error)) {
    sympie_nem_free (nem);
    return NULL;
  }
  return nem;
}

void
sympie_nem_free (SympieNem *nem)
{
  if (!nem)
    return;
  free (nem->blocks[0].in);
  for (int i = 0; i < SYMPIE_NEM_N_BLOCKS; i++) {
    Block *block = &nem->blocks[i];

    for (int s = 0; s < block->n_shares; s++) {
      sympie_conv_plan_free (block->shares[s].conv1);
      sympie_conv_plan_free (block->shares[s].conv2);
    }
    free (block->scale);
    free (block->shift);
    free (block->x0);
    free (block->y);
    free (block->z);
    free (block->out);
  }
  free (nem->stem_weight);
  free (nem->stem_bias);
  free (nem->head_weight);
  free (nem->head_bias);
  free (nem);
}

/* ---- A run ------------------------------------------------------------- */

static void
run_stem (void *data, int strip, int thread)
{
  SympieNem *nem = data;

  nem->layers->stem (nem->crop, nem->stem_weight, nem->stem_bias,
      nem->blocks[0].in, SYMPIE_STEM_SIZE * strip / nem->n_strips,
      SYMPIE_STEM_SIZE * (strip + 1) / nem->n_strips);
}

static bool
run_conv (SympieNem *nem, int share, SympieConvPlan *plan, const float *src,
    float *dst)
{
  if (sympie_conv_plan_run (plan, src, dst, &nem->faults[share].error))
    return true;
  nem->faults[share].failed = true;
  return false;
}

static void
run_conv1 (void *data, int index, int thread)
{
  SympieNem *nem = data;
  Block *block = nem->block;
  Share *share = &block->shares[index];
  size_t at = (size_t) share->first * block->size * block->size;

  if (run_conv (nem, index, share->conv1, block->in, block->x0 + at))
    nem->layers->affine_relu (block->x0 + at, block->scale + share->first,
        block->shift + share->first, block->y + at,
        share->n_channels / nem->layers->block, block->size);
}

static void
run_conv2 (void *data, int index, int thread)
{
  SympieNem *nem = data;
  Block *block = nem->block;
  Share *share = &block->shares[index];
  size_t at = (size_t) share->first * block->size * block->size;
  bool last = block == &nem->blocks[SYMPIE_NEM_N_BLOCKS - 1];
  int next = last ? 1 : block->size / 4;

  if (run_conv (nem, index, share->conv2, block->y, block->z + at))
    (last ? nem->layers->mean_sum : nem->layers->pool_sum) (block->x0 + at,
        block->z + at, block->out + (size_t) share->first * next * next,
        share->n_channels / nem->layers->block, block->size);
}

/* False with the last fault of the shares, if any. */
static bool
collect_faults (SympieNem *nem, char **error)
{
  char *fault = NULL;
  bool ok = true;

  for (int i = 0; i < MAX_SHARES; i++)
    if (nem->faults[i].failed) {
      free (fault);
      fault = nem->faults[i].error;
      nem->faults[i].error = NULL;
      nem->faults[i].failed = false;
      ok = false;
    }
  if (error && !ok)
    *error = fault;
  else
    free (fault);
  return ok;
}

static void
run_head (const SympieNem *nem, const float *features, SympieParams *params)
{
  const float *weight = nem->head_weight;

  for (int p = 0; p < SYMPIE_N_PARAMS; p++) {
    float sum = nem->head_bias[p];

    for (int i = 0; i < SYMPIE_NEM_FEATURES; i++)
      sum += features[i] * *weight++;
    params->values[p] = sum;
  }
}

bool
sympie_nem_run (
    SympieNem *nem, const SympieCrop *crop, SympieParams *params, char **error)
{
  nem->crop = crop;
  sympie_pool_run (nem->pool, run_stem, nem, nem->n_strips);
  for (int i = 0; i < SYMPIE_NEM_N_BLOCKS; i++) {
    nem->block = &nem->blocks[i];
    sympie_pool_run (nem->pool, run_conv1, nem, nem->block->n_shares);
    sympie_pool_run (nem->pool, run_conv2, nem, nem->block->n_shares);
    if (!collect_faults (nem, error))
      return false;
  }
  run_head (nem, nem->block->out, params);
  return true;
}
