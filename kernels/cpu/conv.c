/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* How a layer is shared out: a task is a group of tiles and a chunk of the
 * output channels. A thread keeps the inputs of the group that it transformed
 * last, so that they are transformed once, or once a thread where all tiles are
 * one group. */

#include "conv.h"

#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "conv_weights.h"

enum
{
  TASKS = 4, /* for each thread: it ends when the others do */
};

/* Of one thread. */
typedef struct
{
  int group;    /* whose inputs are in v; -1: none */
  float *v, *m; /* see conv_functions.h; m is behind v */
} Scratch;

struct SympieConvNet
{
  SympiePool *pool;
  const SympieConvFunctions *functions;
  SympieConvWeights *weights;
  int n_threads;
  Scratch *scratch;

  /* The run at hand. */
  SympieConvJob job;
  const SympieConvPacked *layer;
  int n_tiles, n_groups, n_chunks, n_units; /* units: of output channels */
};

const SympieConvFunctions *
sympie_conv_functions (unsigned cpu_flags)
{
#if defined(__x86_64__)
  if (cpu_flags & SYMPIE_CPU_AVX512)
    return &sympie_conv_functions_avx512;
  if (cpu_flags & SYMPIE_CPU_AVX2)
    return &sympie_conv_functions_avx2;
#endif
  return &sympie_conv_functions_c;
}

static int
min (int a, int b)
{
  return a < b ? a : b;
}

/* ---- Preparation ------------------------------------------------------- */

/* Floats of v and of m that the layer needs. */
static void
measure (const SympieConvPacked *layer, int block, size_t *v, size_t *m)
{
  int tiles = layer->job.pooling == SYMPIE_POOLING_AVERAGE
                  ? SYMPIE_CONV_MAX_GROUP
                  : layer->max_tiles;
  size_t of_v = (size_t) tiles * layer->job.n_in_blocks * block;
  size_t of_m = (size_t) tiles * SYMPIE_CONV_PANEL * block;

  of_v = layer->small ? (size_t) layer->job.n_in * SYMPIE_SMALL_POINTS
                      : (of_v + SYMPIE_CONV_SPREAD) * SYMPIE_TILE_POINTS;
  of_m = layer->small ? 0 : (of_m + SYMPIE_CONV_SPREAD) * SYMPIE_TILE_POINTS;
  *v = *v > of_v ? *v : of_v;
  *m = *m > of_m ? *m : of_m;
}

static bool
prepare (SympieConvNet *net, const SympieFileIdentity *file,
    const SympieConvLayer *layers, int n_layers)
{
  int block = net->functions->block;
  size_t v = 0, m = 0;

  net->n_threads = sympie_pool_size (net->pool);
  if (!(net->weights =
              sympie_conv_weights_take (file, net->functions, layers, n_layers))
      || !(net->scratch = calloc (net->n_threads, sizeof *net->scratch)))
    return false;
  for (int l = 0; l < n_layers; l++)
    measure (&net->weights->layers[l], block, &v, &m);
  v = (v + SYMPIE_CONV_SPREAD) / SYMPIE_CONV_SPREAD * SYMPIE_CONV_SPREAD;
  for (int t = 0; t < net->n_threads; t++) {
    if (!(net->scratch[t].v = sympie_floats_take (v + m)))
      return false;
    net->scratch[t].m = net->scratch[t].v + v;
  }
  return true;
}

SympieConvNet *
sympie_conv_net_new (SympiePool *pool, unsigned cpu_flags,
    const SympieFileIdentity *file, const SympieConvLayer *layers, int n_layers,
    SympieError *error)
{
  SympieConvNet *net = calloc (1, sizeof *net);

  if (net) {
    net->pool = pool;
    net->functions = sympie_conv_functions (cpu_flags);
    if (prepare (net, file, layers, n_layers))
      return net;
    sympie_conv_net_free (net);
  }
  sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
  return NULL;
}

void
sympie_conv_net_free (SympieConvNet *net)
{
  if (!net)
    return;
  sympie_conv_weights_give_back (net->weights);
  for (int t = 0; net->scratch && t < net->n_threads; t++)
    free (net->scratch[t].v);
  free (net->scratch);
  free (net);
}

int
sympie_conv_net_block (const SympieConvNet *net)
{
  return net->functions->block;
}

/* ---- A run ------------------------------------------------------------- */

/* Distances, tiles and the form of the output. */
static void
lay_out (SympieConvJob *job, const SympieConvBatch *batch, int block)
{
  int rows = batch->height + (batch->rows_given ? 2 : 0);
  int width = batch->width, height = batch->height;

  job->batch = *batch;
  if (!job->batch.row)
    job->batch.row = (size_t) width * (job->n_in < block ? 1 : block);
  if (!job->batch.plane)
    job->batch.plane = job->batch.row * rows;
  job->first_row = 0;
  job->end_row = height;
  if (batch->rows_given) {
    job->first_row--;
    job->end_row++;
    for (int i = 0; i < batch->n_images; i++)
      job->batch.src[i] += job->batch.row;
  }
  job->tiles_x = (width + SYMPIE_TILE - 1) / SYMPIE_TILE;
  job->tiles_y = (height + SYMPIE_TILE - 1) / SYMPIE_TILE;
  if (job->pooling == SYMPIE_POOLING_AVERAGE) {
    width = job->tiles_x = width / SYMPIE_TILE;
    height = job->tiles_y = height / SYMPIE_TILE;
  } else if (job->pooling == SYMPIE_POOLING_MAX) {
    width /= 2;
    height /= 2;
  }
  job->out_width = width;
  job->out_plane = (size_t) width * height * block;
}

/* Groups of tiles, whole rows where averages need them, and chunks. */
static void
share_out (SympieConvNet *net, const SympieConvPacked *layer)
{
  SympieConvJob *job = &net->job;
  int block = net->functions->block;
  int n_threads = net->n_threads, n_rows = job->batch.n_images * job->tiles_y;

  net->layer = layer;
  net->n_tiles = n_rows * job->tiles_x;
  if (layer->small) {
    net->n_groups = job->batch.n_images;
    net->n_units = job->n_out / block;
  } else {
    net->n_groups = (net->n_tiles + layer->max_tiles - 1) / layer->max_tiles;
    net->n_units = job->n_out / (SYMPIE_CONV_PANEL * block);
    if (job->pooling == SYMPIE_POOLING_AVERAGE) {
      int rows = layer->max_tiles / (job->tiles_x ? job->tiles_x : 1);

      rows = rows ? rows : 1;
      net->n_groups = (n_rows + rows - 1) / rows;
    }
  }
  net->n_chunks = 1;
  if (!net->n_tiles)
    net->n_groups = 0; /* pooled away */
  if (n_threads > 1 && net->n_groups > 0 && net->n_groups < TASKS * n_threads)
    net->n_chunks = min (
        (TASKS * n_threads + net->n_groups - 1) / net->n_groups, net->n_units);
  for (int t = 0; t < n_threads; t++)
    net->scratch[t].group = -1;
}

/* The first tile of a group. */
static int
first_tile (const SympieConvNet *net, int group)
{
  const SympieConvJob *job = &net->job;
  int unit = job->pooling == SYMPIE_POOLING_AVERAGE ? job->tiles_x : 1;

  return (int) ((int64_t) (net->n_tiles / unit) * group / net->n_groups) * unit;
}

static void
run_task (void *data, int task, int thread)
{
  SympieConvNet *net = data;
  const SympieConvFunctions *functions = net->functions;
  const SympieConvJob *job = &net->job;
  Scratch *scratch = &net->scratch[thread];
  int group = task / net->n_chunks, chunk = task % net->n_chunks;
  int unit = net->n_units * chunk / net->n_chunks;
  int end = net->n_units * (chunk + 1) / net->n_chunks;
  int first = first_tile (net, group);
  int n = first_tile (net, group + 1) - first;

  if (scratch->group != group) {
    if (net->layer->small)
      functions->gather_small (job, group, scratch->v);
    else
      functions->transform (job, first, n, scratch->v);
    scratch->group = group;
  }
  for (; unit < end; unit++)
    if (net->layer->small)
      functions->multiply_small (job, group, unit, scratch->v);
    else
      functions->multiply (job, first, n, unit, scratch->v, scratch->m);
}

static void
run_average (void *data, int task, int thread)
{
  SympieConvNet *net = data;
  int n_blocks = net->job.n_out / net->functions->block;

  net->functions->average (&net->job, task / n_blocks, task % n_blocks);
}

void
sympie_conv_net_run (
    SympieConvNet *net, int layer, const SympieConvBatch *batch)
{
  net->job = net->weights->layers[layer].job;
  lay_out (&net->job, batch, net->functions->block);
  share_out (net, &net->weights->layers[layer]);
  sympie_pool_run (net->pool, run_task, net, net->n_groups * net->n_chunks);
  if (net->job.pooling == SYMPIE_POOLING_AVERAGE)
    sympie_pool_run (net->pool, run_average, net,
        batch->n_images * net->job.n_out / net->functions->block);
}
