/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../kernels/check.h"

double *
reference_conv (const double *in, int height, int width, int n_in,
    const float *weight, const float *bias, int n_out)
{
  double *out = malloc ((size_t) height * width * n_out * sizeof *out);
  /* [tap][n_in][n_out], so that the inner loop is over neighbours. */
  double *turned = malloc ((size_t) 9 * n_in * n_out * sizeof *turned);

  for (int n = 0; n < n_out; n++)
    for (int c = 0; c < n_in; c++)
      for (int tap = 0; tap < 9; tap++)
        turned[((size_t) tap * n_in + c) * n_out + n] =
            weight[((size_t) n * n_in + c) * 9 + tap];

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      double *sum = out + ((size_t) y * width + x) * n_out;

      for (int n = 0; n < n_out; n++)
        sum[n] = bias[n];
      for (int tap = 0; tap < 9; tap++) {
        int from_y = y + tap / 3 - 1, from_x = x + tap % 3 - 1;

        if (from_y < 0 || from_x < 0 || from_y >= height || from_x >= width)
          continue;
        for (int c = 0; c < n_in; c++) {
          double value = in[((size_t) from_y * width + from_x) * n_in + c];
          const double *row = turned + ((size_t) tap * n_in + c) * n_out;

          for (int n = 0; n < n_out; n++)
            sum[n] += value * row[n];
        }
      }
    }
  free (turned);
  return out;
}

static double
pool_at (const double *in, int height, int width, int n,
    const SympieCudaPool *pool, int y, int x)
{
  double result = pool->max ? -INFINITY : 0;

  for (int j = 0; j < pool->size; j++)
    for (int i = 0; i < pool->size; i++) {
      int from_y = y * pool->stride - pool->pad + j;
      int from_x = x * pool->stride - pool->pad + i;

      if (from_y < 0 || from_x < 0 || from_y >= height || from_x >= width)
        continue;
      double value = in[((size_t) from_y * width + from_x) * n];

      if (!pool->max)
        result += value;
      else if (value > result || isnan (value))
        result = value;
    }
  return pool->max ? result : result / (pool->size * pool->size);
}

double *
reference_pool (
    const double *in, int height, int width, int n, const SympieCudaPool *pool)
{
  double *out = malloc ((size_t) pool->height * pool->width * n * sizeof *out);

  for (int y = 0; y < pool->height; y++)
    for (int x = 0; x < pool->width; x++)
      for (int c = 0; c < n; c++)
        out[((size_t) y * pool->width + x) * n + c] =
            pool_at (in + c, height, width, n, pool, y, x);
  return out;
}

/* conv, ReLU; the result replaces `in`. */
static double *
conv_relu (double *in, int side, const SympieConv *conv)
{
  double *out = reference_conv (
      in, side, side, conv->n_in, conv->weight, conv->bias, conv->n_out);

  for (size_t i = 0; i < (size_t) side * side * conv->n_out; i++)
    out[i] = fmax (out[i], 0);
  free (in);
  return out;
}

static double *
pool_5 (double *in, int *side, int n)
{
  SympieCudaPool pool = { .size = 5, .stride = 4, .pad = 1 };
  double *out;

  pool.height = pool.width = (*side + 2 - 5) / 4 + 1;
  out = reference_pool (in, *side, *side, n, &pool);
  *side = pool.height;
  free (in);
  return out;
}

void
reference_nem (const SympieNemWeights *weights, const double *crop,
    double params[SYMPIE_N_PARAMS])
{
  int side = SYMPIE_NEM_SIZE;
  size_t size = (size_t) side * side * 3 * sizeof *crop;
  double *x = malloc (size);

  memcpy (x, crop, size);
  x = conv_relu (x, side, &weights->stem);
  for (int b = 0; b < SYMPIE_NEM_N_BLOCKS; b++) {
    const SympieNemBlock *block = &weights->block[b];
    const SympieConv *conv = &block->conv1;
    double *x0, *y;
    size_t n;

    x = pool_5 (x, &side, conv->n_in);
    n = (size_t) side * side * conv->n_out;
    x0 = reference_conv (
        x, side, side, conv->n_in, conv->weight, conv->bias, conv->n_out);
    y = malloc (n * sizeof *y);
    for (size_t i = 0; i < n; i++)
      y[i] = fmax (block->scale1[i % conv->n_out] * x0[i]
                       + block->shift1[i % conv->n_out],
          0);
    y = conv_relu (y, side, &block->conv2);
    for (size_t i = 0; i < n; i++)
      x0[i] += y[i];
    free (x);
    free (y);
    x = x0;
  }

  for (int p = 0; p < SYMPIE_N_PARAMS; p++) {
    params[p] = weights->head_bias[p];
    for (int i = 0; i < SYMPIE_NEM_FEATURES; i++) {
      double mean = 0;

      for (int pixel = 0; pixel < side * side; pixel++)
        mean += x[pixel * SYMPIE_NEM_FEATURES + i] / (side * side);
      params[p] += weights->head_weight[p * SYMPIE_NEM_FEATURES + i] * mean;
    }
  }
  free (x);
}

static float *
random_floats (size_t n, float centre, float spread, uint64_t *seed)
{
  float *values = malloc (n * sizeof *values);

  for (size_t i = 0; i < n; i++)
    values[i] = check_random_float (seed, centre - spread, centre + spread);
  return values;
}

static SympieConv
random_conv (int n_in, int n_out, uint64_t *seed)
{
  /* Keeps the variance of what a ReLU halved. */
  float spread = sqrtf (6.f / (9 * (float) n_in));

  return (SympieConv){
    .n_in = n_in,
    .n_out = n_out,
    .weight = random_floats ((size_t) 9 * n_in * n_out, 0, spread, seed),
    .bias = random_floats (n_out, 0, 0.3f, seed),
  };
}

SympieNemWeights *
reference_nem_weights (uint64_t *seed)
{
  static uint64_t n_files;
  SympieNemWeights *weights = calloc (1, sizeof *weights);
  int n = 64;

  /* As if they came from a file of their own: that is what contexts know them
   * by. */
  weights->file = (SympieFileIdentity){ .inode = ++n_files, .size = 1 };
  weights->stem = random_conv (3, n, seed);
  for (int b = 0; b < SYMPIE_NEM_N_BLOCKS; b++, n *= 2)
    weights->block[b] = (SympieNemBlock){
      .conv1 = random_conv (n, 2 * n, seed),
      .conv2 = random_conv (2 * n, 2 * n, seed),
      .scale1 = random_floats (2 * n, 1, 0.3f, seed),
      .shift1 = random_floats (2 * n, 0, 0.3f, seed),
    };
  weights->head_weight =
      random_floats (SYMPIE_N_PARAMS * SYMPIE_NEM_FEATURES, 0, 0.03f, seed);
  weights->head_bias = random_floats (SYMPIE_N_PARAMS, 0, 1, seed);
  return weights;
}
