/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Values go back and forth between two buffers an image. Each operation of a
 * layer (lay out the input in strips, convolve, pool) reads one and writes the
 * other, in one run of the thread pool. */

#include "vgg.h"

#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "conv.h"

enum
{
  MAX_SHARES = 16,
  ALIGNMENT = 64,
  STRIP_ROWS = 64, /* a multiple of 2 for each max-pool */
  STRIP_ROWS_MIN = 32,
};

typedef struct
{
  int first, n_channels;
  SympieConvPlan *plan;
} Share;

typedef struct
{
  int width, height; /* of the image at this layer */
  int rows;          /* a step; all of them where the image is in one piece */
  int n_planes, row; /* of the input, and floats in a row of one */
  int n_out;
  bool pooled;

  /* In strips, a step's input begins with row step * rows - lag - 1: n_kept
   * rows kept from the step before, then those that the layer before has just
   * made. Its outputs begin one row later. */
  int lag, n_kept;
  float *kept[SYMPIE_VGG_MAX_IMAGES]; /* [n_planes][n_kept][row] */

  Share shares[MAX_SHARES];
  int n_shares;
} Layer;

struct SympieVgg
{
  SympiePool *pool;
  const SympieVgg19Weights *weights;
  bool end_in_pool;
  int block; /* channels in a vector */

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
  char *faults[MAX_SHARES];
};

SympieVgg *
sympie_vgg_new (SympiePool *pool, unsigned cpu_flags,
    const SympieVgg19Weights *weights, bool end_in_pool, char **error)
{
  SympieVgg *vgg = calloc (1, sizeof *vgg);

  if (!vgg) {
    sympie_fail (error, "out of memory");
    return NULL;
  }
  vgg->pool = pool;
  vgg->weights = weights;
  vgg->end_in_pool = end_in_pool;
  vgg->block = cpu_flags & SYMPIE_CPU_AVX512 ? 16 : 8;
  sympie_conv_limit_cpu (cpu_flags);
  return vgg;
}

static void
clear (SympieVgg *vgg)
{
  for (int l = 0; l < SYMPIE_VGG19_N_CONVS; l++) {
    Layer *layer = &vgg->layers[l];

    for (int s = 0; s < layer->n_shares; s++)
      sympie_conv_plan_free (layer->shares[s].plan);
    for (int i = 0; i < vgg->n_prepared; i++)
      free (layer->kept[i]);
    *layer = (Layer){ 0 };
  }
  for (int i = 0; i < vgg->n_prepared; i++)
    for (int b = 0; b < 2; b++) {
      free (vgg->buffers[i][b]);
      vgg->buffers[i][b] = NULL;
    }
  vgg->width = vgg->height = vgg->n_prepared = 0;
}

void
sympie_vgg_free (SympieVgg *vgg)
{
  if (!vgg)
    return;
  clear (vgg);
  free (vgg);
}

/* ---- Preparation ------------------------------------------------------- */

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

/* Zeros, so that no bit pattern from elsewhere slows down what is computed
 * beyond the image and dropped. */
static float *
allocate (size_t n)
{
  size_t size = (n * sizeof (float) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  float *values = aligned_alloc (ALIGNMENT, size);

  if (values)
    memset (values, 0, size);
  return values;
}

/* Sizes and lags of all layers. */
static bool
lay_out (SympieVgg *vgg, int width, int height, int whole, char **error)
{
  int rows, lag = 0, w = width, h = height;

  vgg->whole = (int64_t) width * height <= whole;
  if (vgg->whole)
    rows = height;
  else
    rows = (int64_t) width * STRIP_ROWS <= whole ? STRIP_ROWS : STRIP_ROWS_MIN;

  for (int l = 0; l < vgg->weights->n_convs; l++) {
    const SympieConv *conv = &vgg->weights->convs[l];
    Layer *layer = &vgg->layers[l];
    bool last = l == vgg->weights->n_convs - 1;

    layer->width = w;
    layer->height = h;
    layer->rows = rows;
    layer->n_planes = l == 0 ? conv->n_in : conv->n_in / vgg->block;
    layer->row = l == 0 ? w : w * vgg->block;
    layer->n_out = conv->n_out;
    layer->pooled = last ? vgg->end_in_pool : sympie_vgg19_layers[l].pooled;
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
    return sympie_fail (error,
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
prepare_shares (
    SympieVgg *vgg, Layer *layer, const SympieConv *conv, char **error)
{
  int n_vectors = conv->n_out / vgg->block;
  int n_shares =
      min (min (sympie_pool_size (vgg->pool), n_vectors), MAX_SHARES);

  for (int s = 0; s < n_shares; s++) {
    int first = n_vectors * s / n_shares * vgg->block;
    int end = n_vectors * (s + 1) / n_shares * vgg->block;
    SympieConvShare share = {
      .conv = conv,
      .first = first,
      .n_channels = end - first,
      .width = layer->width,
      .height = layer->rows,
      .block = vgg->block,
      .rows_given = !vgg->whole,
      .relu = true,
    };

    layer->shares[s] =
        (Share){ first, end - first, sympie_conv_plan_new (&share, error) };
    layer->n_shares = s + 1;
    if (!layer->shares[s].plan)
      return false;
  }
  return true;
}

static bool
prepare_memory (SympieVgg *vgg, char **error)
{
  size_t size = 0;

  for (int l = 0; l < vgg->weights->n_convs; l++) {
    Layer *layer = &vgg->layers[l];
    size_t in = (size_t) layer->n_planes * layer->row;

    size = max (size, in * (layer->rows + (vgg->whole ? 0 : 2)));
    size = max (size, (size_t) layer->n_out * layer->rows * layer->width);
    for (int i = 0; i < vgg->n_prepared && !vgg->whole; i++)
      if (!(layer->kept[i] = allocate (in * layer->n_kept)))
        return sympie_fail (error, "out of memory");
  }
  for (int i = 0; i < vgg->n_prepared; i++)
    for (int b = 0; b < 2; b++)
      if (!(vgg->buffers[i][b] = allocate (size)))
        return sympie_fail (error, "out of memory");
  return true;
}

bool
sympie_vgg_prepare (SympieVgg *vgg, int width, int height, int n_images,
    int whole, char **error)
{
  bool ok;

  if (vgg->width == width && vgg->height == height
      && n_images <= vgg->n_prepared)
    return true;

  clear (vgg);
  vgg->n_prepared = n_images;
  ok =
      lay_out (vgg, width, height, whole, error) && prepare_memory (vgg, error);
  for (int l = 0; ok && l < vgg->weights->n_convs; l++)
    ok = prepare_shares (vgg, &vgg->layers[l], &vgg->weights->convs[l], error);
  if (!ok) {
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
run_share (void *data, int index, int thread)
{
  SympieVgg *vgg = data;
  Layer *layer = vgg->layer;
  Share *share = &layer->shares[index];
  size_t at = (size_t) share->first * layer->rows * layer->width;

  for (int i = 0; i < vgg->n_images && !vgg->faults[index]; i++)
    sympie_conv_plan_run (share->plan, current (vgg, i), other (vgg, i) + at,
        &vgg->faults[index]);
}

/* The larger of each two values; the loop is as long as a vector. */
static inline void
keep_larger (float *a, const float *b, int block)
{
  for (int c = 0; c < block; c++)
    a[c] = a[c] > b[c] ? a[c] : b[c];
}

static inline void
pool_plane (const float *in, float *out, int rows, int width, int block)
{
  size_t row = (size_t) width * block;

  for (int y = 0; y < rows / 2; y++, in += 2 * row)
    for (int x = 0; x < width / 2; x++, out += block) {
      const float *p = in + (size_t) 2 * x * block;

      memcpy (out, p, block * sizeof *out);
      keep_larger (out, p + block, block);
      keep_larger (out, p + row, block);
      keep_larger (out, p + row + block, block);
    }
}

static void
run_pool (void *data, int task, int thread)
{
  SympieVgg *vgg = data;
  const Layer *layer = vgg->layer;
  int n_planes = layer->n_out / vgg->block;
  int image = task / n_planes, plane = task % n_planes;
  int rows = layer->rows, width = layer->width;
  const float *in =
      current (vgg, image) + (size_t) plane * rows * width * vgg->block;
  float *out = other (vgg, image)
               + (size_t) plane * (rows / 2) * (width / 2) * vgg->block;

  if (vgg->block == 16)
    pool_plane (in, out, rows, width, 16);
  else
    pool_plane (in, out, rows, width, 8);
}

static void
run_tasks (SympieVgg *vgg, SympieTask task, int n_tasks)
{
  sympie_pool_run (vgg->pool, task, vgg, n_tasks);
  vgg->current = !vgg->current;
}

/* False with the first fault of the shares, if any. */
static bool
collect_faults (SympieVgg *vgg, char **error)
{
  bool ok = true;

  for (int i = 0; i < MAX_SHARES; i++) {
    if (vgg->faults[i]) {
      if (ok)
        sympie_fail (error, "%s", vgg->faults[i]);
      free (vgg->faults[i]);
      vgg->faults[i] = NULL;
      ok = false;
    }
  }
  return ok;
}

bool
sympie_vgg_run (
    SympieVgg *vgg, int step, int n_images, SympieVggStrip *strip, char **error)
{
  const Layer *last = &vgg->layers[vgg->weights->n_convs - 1];
  int begin = step * vgg->out_rows - vgg->out_lag;
  int end = min (begin + vgg->out_rows, vgg->out_height);
  int skipped = begin < 0 ? min (-begin, vgg->out_rows) : 0;

  vgg->step = step;
  vgg->n_images = n_images;
  vgg->current = 0;
  for (vgg->layer = vgg->layers; vgg->layer <= last; vgg->layer++) {
    if (!vgg->whole)
      run_tasks (vgg, run_gather, n_images * vgg->layer->n_planes);
    run_tasks (vgg, run_share, vgg->layer->n_shares);
    if (!collect_faults (vgg, error))
      return false;
    if (vgg->layer->pooled)
      run_tasks (vgg, run_pool, n_images * vgg->layer->n_out / vgg->block);
  }

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
  return true;
}
