/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nem.h"

#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "conv.h"

enum
{
  N_LAYERS = 1 + 2 * SYMPIE_NEM_N_BLOCKS,
};

typedef struct
{
  int n_channels, size; /* rows and columns */
  float *in;            /* pooled */
  float *x0;            /* conv1's output, which conv2 reads */
} Block;

struct SympieNem
{
  SympieConvNet *net; /* the stem, then the two layers of each block */
  Block blocks[SYMPIE_NEM_N_BLOCKS];
  float *out; /* of the last block */
  float *head_weight, *head_bias;
  float *gate_weight, gate_bias; /* NULL: no gate */
};

/* ---- Preparation ------------------------------------------------------- */

static bool
prepare_net (SympieNem *nem, SympiePool *pool, unsigned cpu_flags,
    const SympieNemWeights *weights, SympieError *error)
{
  SympieConvLayer layers[N_LAYERS] = {
    {
        .conv = &weights->stem,
        .relu = true,
        .pooling = SYMPIE_POOLING_AVERAGE,
    },
  };

  for (int i = 0; i < SYMPIE_NEM_N_BLOCKS; i++) {
    const SympieNemBlock *block = &weights->block[i];
    bool last = i == SYMPIE_NEM_N_BLOCKS - 1;

    layers[1 + 2 * i] = (SympieConvLayer){
      .conv = &block->conv1,
      .small = last,
    };
    layers[2 + 2 * i] = (SympieConvLayer){
      .conv = &block->conv2,
      .scale = block->scale1,
      .shift = block->shift1,
      .relu = true,
      .pooling = last ? SYMPIE_POOLING_NONE : SYMPIE_POOLING_AVERAGE,
      .small = last,
    };
  }
  return (nem->net = sympie_conv_net_new (
              pool, cpu_flags, &weights->file, layers, N_LAYERS, error));
}

static bool
prepare_memory (
    SympieNem *nem, const SympieNemWeights *weights, SympieError *error)
{
  int size = SYMPIE_NEM_SIZE / 4;

  for (int i = 0; i < SYMPIE_NEM_N_BLOCKS; i++) {
    Block *block = &nem->blocks[i];
    size_t area = (size_t) size * size;

    block->n_channels = weights->block[i].conv1.n_out;
    block->size = size;
    /* Pooled sums take twice the room. */
    if (!(block->in = sympie_floats_new (
              2 * area * weights->block[i].conv1.n_in, error))
        || !(block->x0 = sympie_floats_new (area * block->n_channels, error)))
      return false;
    if (i == SYMPIE_NEM_N_BLOCKS - 1)
      return (nem->out = sympie_floats_new (area * block->n_channels, error));
    size /= 4;
  }
  return true;
}

static bool
prepare_head (
    SympieNem *nem, const SympieNemWeights *weights, SympieError *error)
{
  size_t n = SYMPIE_N_PARAMS * SYMPIE_NEM_FEATURES;

  if (!(nem->head_weight = sympie_floats_new (n, error))
      || !(nem->head_bias = sympie_floats_new (SYMPIE_N_PARAMS, error)))
    return false;
  memcpy (nem->head_weight, weights->head_weight, n * sizeof (float));
  memcpy (nem->head_bias, weights->head_bias, SYMPIE_N_PARAMS * sizeof (float));
  if (!weights->gate_weight)
    return true;
  nem->gate_weight = sympie_floats_new (SYMPIE_NEM_FEATURES, error);
  if (!nem->gate_weight)
    return false;
  memcpy (nem->gate_weight, weights->gate_weight,
      SYMPIE_NEM_FEATURES * sizeof (float));
  nem->gate_bias = *weights->gate_bias;
  return true;
}

SympieNem *
sympie_nem_new (SympiePool *pool, unsigned cpu_flags,
    const SympieNemWeights *weights, SympieError *error)
{
  SympieNem *nem = calloc (1, sizeof *nem);

  if (!nem) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    return NULL;
  }
  if (!prepare_net (nem, pool, cpu_flags, weights, error)
      || !prepare_memory (nem, weights, error)
      || !prepare_head (nem, weights, error)) {
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
  sympie_conv_net_free (nem->net);
  for (int i = 0; i < SYMPIE_NEM_N_BLOCKS; i++) {
    free (nem->blocks[i].in);
    free (nem->blocks[i].x0);
  }
  free (nem->out);
  free (nem->head_weight);
  free (nem->head_bias);
  free (nem->gate_weight);
  free (nem);
}

/* ---- A run ------------------------------------------------------------- */

static void
run_stem (SympieNem *nem, const SympieCrop *crop)
{
  SympieConvBatch batch = {
    .n_images = 1,
    .width = SYMPIE_NEM_SIZE,
    .height = SYMPIE_NEM_SIZE,
    .row = SYMPIE_CROP_STRIDE,
    .plane = SYMPIE_CROP_HEIGHT * SYMPIE_CROP_STRIDE,
    .src = { &crop->rgb[0][SYMPIE_CROP_BORDER][SYMPIE_CROP_BORDER] },
    .dst = { nem->blocks[0].in },
  };

  sympie_conv_net_run (nem->net, 0, &batch);
}

static void
run_block (SympieNem *nem, int index, float *out)
{
  const Block *block = &nem->blocks[index];
  SympieConvBatch batch = {
    .n_images = 1,
    .width = block->size,
    .height = block->size,
    .src = { block->in },
    .dst = { block->x0 },
  };

  sympie_conv_net_run (nem->net, 1 + 2 * index, &batch);
  batch.src[0] = batch.residual[0] = block->x0;
  batch.dst[0] = out;
  sympie_conv_net_run (nem->net, 2 + 2 * index, &batch);
}

/* The mean of each channel of the last block. */
static void
average (const SympieNem *nem, float features[SYMPIE_NEM_FEATURES])
{
  const Block *last = &nem->blocks[SYMPIE_NEM_N_BLOCKS - 1];
  int block = sympie_conv_net_block (nem->net), area = last->size * last->size;
  const float *value = nem->out;

  for (int first = 0; first < SYMPIE_NEM_FEATURES; first += block) {
    float sums[SYMPIE_CONV_BLOCK_MAX] = { 0 };

    for (int i = 0; i < area; i++)
      for (int c = 0; c < block; c++)
        sums[c] += *value++;
    for (int c = 0; c < block; c++)
      features[first + c] = sums[c] / (float) area;
  }
}

static float
dot (const float *features, const float *weight, float bias)
{
  float sum = bias;

  for (int i = 0; i < SYMPIE_NEM_FEATURES; i++)
    sum += features[i] * weight[i];
  return sum;
}

static void
run_head (const SympieNem *nem, const float *features, SympieParams *params)
{
  for (int p = 0; p < SYMPIE_N_PARAMS; p++)
    params->values[p] = dot (features,
        nem->head_weight + (size_t) p * SYMPIE_NEM_FEATURES, nem->head_bias[p]);
}

/* NaN stays NaN, as in the parameters. */
static float
run_gate (const SympieNem *nem, const float *features)
{
  float gate =
      nem->gate_weight ? dot (features, nem->gate_weight, nem->gate_bias) : 1;

  return gate < 0 ? 0 : gate > 1 ? 1 : gate;
}

void
sympie_nem_run (
    SympieNem *nem, const SympieCrop *crop, SympieParams *params, float *gate)
{
  float features[SYMPIE_NEM_FEATURES];

  run_stem (nem, crop);
  for (int i = 0; i < SYMPIE_NEM_N_BLOCKS; i++)
    run_block (
        nem, i, i < SYMPIE_NEM_N_BLOCKS - 1 ? nem->blocks[i + 1].in : nem->out);
  average (nem, features);
  run_head (nem, features, params);
  *gate = run_gate (nem, features);
}
