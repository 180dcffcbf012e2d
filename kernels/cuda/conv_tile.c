/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The host's part of a convolution: tiles and the order of the weights. */

#include "conv.h"

#include <string.h>

#include "half.h"

static int
ceil_div (int a, int b)
{
  return (a + b - 1) / b;
}

static int
min (int a, int b)
{
  return a < b ? a : b;
}

static int
max (int a, int b)
{
  return a > b ? a : b;
}

/* Pixels along one axis that `n` pooled ones need at most, where the axis has
 * `size` pixels and `pooled` pooled ones. */
static int
span (const SympieCudaPool *pool, int n, int size, int pooled)
{
  int longest = 0;

  for (int first = 0; first < pooled; first += n) {
    int begin = max (first * pool->stride - pool->pad, 0);
    int end = min (first + n, pooled) - 1;

    end = min (end * pool->stride - pool->pad + pool->size, size);
    longest = max (longest, end - begin);
  }
  return longest;
}

/* The rectangles with the fewest blocks. */
static void
cut (const SympieCudaConv *layer, int pixels, SympieCudaConvTiles *tiles)
{
  const SympieCudaPool *pool = &layer->pool;

  tiles->pixels = pixels;
  if (pool->size == 0) {
    tiles->count = ceil_div (layer->height * layer->width, pixels);
    return;
  }
  tiles->count = 0;
  for (int h = 1; h <= pool->height; h++)
    for (int w = 1; w <= pool->width; w++) {
      int height = span (pool, h, layer->height, pool->height);
      int width = span (pool, w, layer->width, pool->width);
      int across = ceil_div (pool->width, w);
      int count = across * ceil_div (pool->height, h);

      if (height * width > pixels)
        break;
      if (tiles->count > 0 && count >= tiles->count)
        continue;
      tiles->count = count;
      tiles->across = across;
      tiles->pooled_h = h;
      tiles->pooled_w = w;
      tiles->height = height;
      tiles->width = width;
    }
}

int
sympie_cuda_conv_blocks (
    const SympieCudaConv *layer, const SympieCudaConvTiles *tiles)
{
  return tiles->count * (layer->n_out / SYMPIE_CUDA_CONV_CHANNELS)
         * tiles->splits;
}

/* In cycles of a multiprocessor. README.md has the figures: reckoned from the
 * machine code, measured by nobody. */
double
sympie_cuda_conv_cost (const SympieCudaConv *layer,
    const SympieCudaConvTiles *tiles, int multiprocessors)
{
  const SympieCudaPool *pool = &layer->pool;
  double blocks =
      ceil_div (sympie_cuda_conv_blocks (layer, tiles), multiprocessors);
  int steps = ceil_div (sympie_cuda_conv_steps (layer->n_in), tiles->splits);
  int rows = pool->size > 0 ? tiles->width * tiles->height
                            : min (tiles->pixels, layer->width * layer->height);
  int warps = tiles->pixels / 16;
  /* Of a block: the products of a tensor core, 13 cycles each; all
   * instructions, four of which begin in a cycle; and what a block alone waits
   * for in a step.
   */
  double products =
      steps * 13. * 8 * min (ceil_div (rows, 16), 2) * (rows > 64 ? 2 : 1);
  double instructions = warps / 4. * (steps * 98 + 1000);
  double alone = 200. * steps;
  double work = products > instructions ? products : instructions;

  work *= blocks;
  return (work > alone ? work : alone)
         + 1500 /* from its first load to its last store, with nothing beside */
         + (tiles->splits > 1 ? 1500 + 60 * tiles->splits : 0);
}

size_t
sympie_cuda_conv_tile (const SympieCudaConv *layer, int multiprocessors,
    SympieCudaConvTiles *tiles)
{
  int steps = sympie_cuda_conv_steps (layer->n_in);
  double least = 0;

  for (int pixels = 64; pixels <= 128; pixels *= 2) {
    SympieCudaConvTiles candidate = { 0 };

    cut (layer, pixels, &candidate);
    /* Blocks of at least four steps share a sum. */
    for (int splits = 1; splits <= max (1, min (steps / 4, 8)); splits++) {
      double cost;

      candidate.splits = splits;
      cost = sympie_cuda_conv_cost (layer, &candidate, multiprocessors);
      if (candidate.count > 0 && (least == 0 || cost < least)) {
        least = cost;
        *tiles = candidate;
      }
    }
  }
  if (tiles->splits == 1)
    return 0;
  return (size_t) sympie_cuda_conv_blocks (layer, tiles) * tiles->pixels
         * SYMPIE_CUDA_CONV_CHANNELS * sizeof (float);
}

void
sympie_cuda_conv_pack (const float *weight, int n_out, int n_in, int padded_in,
    bool half, void *packed)
{
  size_t row =
      (size_t) sympie_cuda_conv_steps (padded_in) * SYMPIE_CUDA_CONV_INPUTS;

  memset (packed, 0, n_out * row * (half ? 2 : 4));
  for (int n = 0; n < n_out; n++)
    for (int c = 0; c < n_in; c++)
      for (int tap = 0; tap < 9; tap++) {
        const float *value = &weight[((size_t) n * n_in + c) * 9 + tap];
        size_t at = n * row + (size_t) tap * padded_in + c;

        if (half)
          sympie_cuda_to_half (value, 1, (uint16_t *) packed + at);
        else
          ((float *) packed)[at] = *value;
      }
}
