/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Values go back and forth between two buffers an image. Each operation of a
 * layer (lay out the input in strips, convolve and pool) reads one and writes
 * the other, in one run of the thread pool. */

#include "vgg.h"

#include <stdlib.h>
#include <string.h>

#include "../error.h"

enum
{
  STRIP_ROWS = 64, /* a multiple of 2 for each max-pool */
  STRIP_ROWS_MIN = 32,
};

typedef struct
{
  int width, height; /* of the image at this layer */
  int rows;          /* a step; all of them where the image is in one piece */
  int n_planes, row; /* of the input, and floats in a row of one */
  int n_in, n_out;
  bool pooled;

  /* In strips, a step's input begins with row step * rows - lag - 1: n_kept
   * rows kept from the step before, then those that the layer before has just
   * made. Its outputs begin one row later. */
  int lag, n_kept;
  float *kept[SYMPIE_VGG_MAX_IMAGES]; /* [n_planes][n_kept][row] */
} Layer;

struct SympieVgg
{
  SympiePool *pool;
  SympieConvNet *net;
  int block;    /* channels in a vector */
  int n_layers; /* of which n_in, n_out and pooled never change */

  /* What the rest was made for; 0 before that. */
  int width, height, n_prepared;
  bool whole;
  int n_steps;
  int out_rows, out_lag, out_width, out_height;
  Layer layers[SYMPIE_VGG19_N_CONVS];
  float *buffers[SYMPIE_VGG_MAX_IMAGES][2];

  /* The step at hand. */
  int step, n_images;
  Layer *layer;
  int current; /* the buffers that hold the latest values */
};

/* ---- Preparation ------------------------------------------------------- */

SympieVgg *
sympie_vgg_new (SympiePool *pool, unsigned cpu_flags,
    const SympieVgg19Weights *weights, bool end_in_pool, SympieError *error)
{
  SympieVgg *vgg = calloc (1, sizeof *vgg);
  SympieConvLayer layers[SYMPIE_VGG19_N_CONVS];

  if (!vgg) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    return NULL;
  }
  vgg->pool = pool;
  vgg->n_layers = weights->n_convs;
  for (int l = 0; l < vgg->n_layers; l++) {
    Layer *layer = &vgg->layers[l];
    bool last = l == vgg->n_layers - 1;

    layer->n_in = weights->convs[l].n_in;
    layer->n_out = weights->convs[l].n_out;
    layer->pooled = last ? end_in_pool : sympie_vgg19_layers[l].pooled;
    layers[l] = (SympieConvLayer){
      .conv = &weights->convs[l],
      .relu = true,
      .pooling = layer->pooled ? SYMPIE_POOLING_MAX : SYMPIE_POOLING_NONE,
    };
  }
  vgg->net =
      sympie_conv_net_new (pool, cpu_flags, NULL, layers, vgg->n_layers, error);
  if (!vgg->net) {
    free (vgg);
    return NULL;
  }
  vgg->block = sympie_conv_net_block (vgg->net);
  return vgg;
}

static void
clear (SympieVgg *vgg)
{
  for (int i = 0; i < vgg->n_prepared; i++) {
    for (int l = 0; l < vgg->n_layers; l++) {
      free (vgg->layers[l].kept[i]);
      vgg->layers[l].kept[i] = NULL;
    }
    for (int b = 0; b < 2; b++) {
      free (vgg->buffers[i][b]);
      vgg->buffers[i][b] = NULL;
    }
  }
  vgg->width = vgg->height = vgg->n_prepared = 0;
}

void
sympie_vgg_free (SympieVgg *vgg)
{
  if (!vgg)
    return;
  clear (vgg);
  sympie_conv_net_free (vgg->net);
  free (vgg);
}

static int
min (int a, int b)
{
  return a < b ? a : b;
}

static size_t
max (size_t a, size_t b)
{
  return a > b ? a : b;
}

/* Sizes and lags of all layers. */
static bool
lay_out (SympieVgg *vgg, int width, int height, int whole, SympieError *error)
{
  int rows, lag = 0, w = width, h = height;

  vgg->whole = (int64_t) width * height <= whole;
  if (vgg->whole)
    rows = height;
  else
    rows = (int64_t) width * STRIP_ROWS <= whole ? STRIP_ROWS : STRIP_ROWS_MIN;

  for (int l = 0; l < vgg->n_layers; l++) {
    Layer *layer = &vgg->layers[l];

    layer->width = w;
    layer->height = h;
    layer->rows = rows;
    layer->lag = layer->n_kept = 0;
    layer->n_planes = l == 0 ? layer->n_in : layer->n_in / vgg->block;
    layer->row = l == 0 ? w : w * vgg->block;
    if (!vgg->whole) {
      layer->lag = lag + 1;
      if (layer->pooled && layer->lag % 2 == 1)
        layer->lag++; /* pairs of rows */
      layer->n_kept = layer->lag + 1 - lag;
      lag = layer->lag;
    }
    if (layer->pooled) {
      w /= 2;
      h /= 2;
      rows /= 2;
      lag /= 2;
    }
  }
  if (w == 0 || h == 0)
    return sympie_fail (error, SYMPIE_ERROR_INVALID,
        "an image of %dx%d pixels is too small for this layer of VGG19", width,
        height);

  vgg->out_width = w;
  vgg->out_height = h;
  vgg->out_rows = rows;
  vgg->out_lag = lag;
  vgg->n_steps = (h + lag + rows - 1) / rows;
  return true;
}

static bool
prepare_memory (SympieVgg *vgg, SympieError *error)
{
  size_t size = 0;

  for (int l = 0; l < vgg->n_layers; l++) {
    Layer *layer = &vgg->layers[l];
    size_t in = (size_t) layer->n_planes * layer->row;
    size_t out = (size_t) layer->n_out * layer->rows * layer->width;

    size = max (size, in * (layer->rows + (vgg->whole ? 0 : 2)));
    size = max (size, layer->pooled ? out / 4 : out);
    for (int i = 0; i < vgg->n_prepared && !vgg->whole; i++)
      if (!(layer->kept[i] = sympie_floats_new (in * layer->n_kept, error)))
        return false;
  }
  for (int i = 0; i < vgg->n_prepared; i++)
    for (int b = 0; b < 2; b++)
      if (!(vgg->buffers[i][b] = sympie_floats_new (size, error)))
        return false;
  return true;
}

bool
sympie_vgg_prepare (SympieVgg *vgg, int width, int height, int n_images,
    int whole, SympieError *error)
{
  if (vgg->width == width && vgg->height == height
      && n_images <= vgg->n_prepared)
    return true;

  clear (vgg);
  vgg->n_prepared = n_images;
  if (!lay_out (vgg, width, height, whole, error)
      || !prepare_memory (vgg, error)) {
    clear (vgg);
    return false;
  }
  vgg->width = width;
  vgg->height = height;
  return true;
}

int
sympie_vgg_n_steps (const SympieVgg *vgg)
{
  return vgg->n_steps;
}

int
sympie_vgg_n_rows (const SympieVgg *vgg)
{
  return vgg->layers[0].rows;
}

float *
sympie_vgg_input (SympieVgg *vgg, int image)
{
  return vgg->buffers[image][0];
}

/* ---- A step ------------------------------------------------------------ */

static const float *
current (const SympieVgg *vgg, int image)
{
  return vgg->buffers[image][vgg->current];
}

static float *
other (const SympieVgg *vgg, int image)
{
  return vgg->buffers[image][!vgg->current];
}

/* A plane of the input of a layer in strips. Rows beyond the image are zero:
 * what the layer before has made of them is not. */
static void
run_gather (void *data, int task, int thread)
{
  SympieVgg *vgg = data;
  Layer *layer = vgg->layer;
  int image = task / layer->n_planes, plane = task % layer->n_planes;
  size_t row = layer->row, size = row * sizeof (float);
  const float *in = current (vgg, image) + plane * layer->rows * row;
  float *kept = layer->kept[image] + plane * layer->n_kept * row;
  float *out = other (vgg, image) + plane * (layer->rows + 2) * row;
  int first = vgg->step * layer->rows - layer->lag - 1;

  for (int y = 0; y < layer->rows + 2; y++, out += row) {
    if (first + y < 0 || first + y >= layer->height)
      memset (out, 0, size);
    else if (y < layer->n_kept)
      memcpy (out, kept + y * row, size);
    else
      memcpy (out, in + (y - layer->n_kept) * row, size);
  }
  memcpy (kept, in + (layer->rows - layer->n_kept) * row, layer->n_kept * size);
}

static void
run_layer (SympieVgg *vgg)
{
  const Layer *layer = vgg->layer;
  SympieConvBatch batch = {
    .n_images = vgg->n_images,
    .width = layer->width,
    .height = layer->rows,
    .rows_given = !vgg->whole,
  };

  if (!vgg->whole) {
    sympie_pool_run (
        vgg->pool, run_gather, vgg, vgg->n_images * layer->n_planes);
    vgg->current = !vgg->current;
  }
  for (int i = 0; i < vgg->n_images; i++) {
    batch.src[i] = current (vgg, i);
    batch.dst[i] = other (vgg, i);
  }
  sympie_conv_net_run (vgg->net, (int) (layer - vgg->layers), &batch);
  vgg->current = !vgg->current;
}

void
sympie_vgg_run (SympieVgg *vgg, int step, int n_images, SympieVggStrip *strip)
{
  const Layer *last = &vgg->layers[vgg->n_layers - 1];
  int begin = step * vgg->out_rows - vgg->out_lag;
  int end = min (begin + vgg->out_rows, vgg->out_height);
  int skipped = begin < 0 ? min (-begin, vgg->out_rows) : 0;

  vgg->step = step;
  vgg->n_images = n_images;
  vgg->current = 0;
  for (vgg->layer = vgg->layers; vgg->layer <= last; vgg->layer++)
    run_layer (vgg);

  *strip = (SympieVggStrip){
    .first = begin + skipped,
    .n = end > begin + skipped ? end - begin - skipped : 0,
    .n_channels = last->n_out,
    .width = vgg->out_width,
    .pitch = vgg->out_rows,
    .block = vgg->block,
  };
  for (int i = 0; i < n_images; i++)
    strip->values[i] =
        current (vgg, i) + (size_t) skipped * vgg->out_width * vgg->block;
}
