/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The host's part of a convolution: tiles and the order of the weights. */

#include "kernels.h"

#include <string.h>

#include "../half.h"

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

/* Cycles that depend on the splits, fitted to what NEM's layers took on an
 * H200: those of a split's steps, and until its part is left, counted and
 * fetched. */
static int
cost (int steps, int splits)
{
  return 600 * ceil_div (steps, splits)
         + (splits > 1 ? 1500 + 225 * splits : 0);
}

/* Large tiles read less, small ones occupy more of the GPU. */
size_t
sympie_cuda_conv_tile (const SympieCudaConv *layer, int multiprocessors,
    SympieCudaConvTiles *tiles)
{
  int columns = layer->n_out / SYMPIE_CUDA_CONV_CHANNELS;
  int steps = sympie_cuda_conv_row (layer->n_in) / SYMPIE_CUDA_CONV_STEP;
  int n_tiles;

  *tiles = (SympieCudaConvTiles){ .splits = 1 };
  cut (layer, 128, tiles);
  if (tiles->count * columns >= 2 * multiprocessors)
    return 0;
  cut (layer, 64, tiles);
  if (2 * tiles->count * columns >= multiprocessors)
    return 0;
  cut (layer, 32, tiles);
  n_tiles = tiles->count * columns;
  for (int splits = 2; splits <= min (steps, multiprocessors / n_tiles);
       splits++)
    if (cost (steps, splits) < cost (steps, tiles->splits))
      tiles->splits = splits;
  if (tiles->splits == 1)
    return 0;
  return (size_t) n_tiles * tiles->splits * tiles->pixels
         * SYMPIE_CUDA_CONV_CHANNELS * sizeof (float);
}

void
sympie_cuda_conv_pack (const float *weight, int n_out, int n_in, int padded_in,
    bool half, void *packed)
{
  size_t row = (size_t) sympie_cuda_conv_row (padded_in);

  memset (packed, 0, n_out * row * (half ? 2 : 4));
  for (int n = 0; n < n_out; n++)
    for (int c = 0; c < n_in; c++)
      for (int tap = 0; tap < 9; tap++) {
        float value = weight[((size_t) n * n_in + c) * 9 + tap];
        size_t at = n * row + (size_t) tap * padded_in + c;

        if (half)
          ((uint16_t *) packed)[at] = sympie_half_from_float (value);
        else
          ((float *) packed)[at] = value;
      }
}
