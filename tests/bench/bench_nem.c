/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What an estimate costs: the crop out of a frame, and the network. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/cpu/preprocess.h"
#include "../../kernels/image.h"
#include "peers.h"
#include "ring.h"

typedef struct
{
  SympiePreprocess *preprocess;
  BenchRing *ring;
  SympieCrop *crop;
} Preprocess;

typedef struct
{
  SympieNem *nem;
  const SympieCrop *crop;
  SympieParams params;
} Nem;

static double
preprocess (void *data)
{
  Preprocess *self = data;
  const SympieImage *src;
  const SympieTarget *dst;
  SympieError error = { 0 };
  double start;
  bool ok;

  bench_ring_next (self->ring, &src, &dst);
  start = bench_now ();
  ok = sympie_preprocess_run (self->preprocess, src, self->crop, &error);
  start = bench_now () - start;
  bench_require (ok, error.message);
  return start;
}

/* What preprocessing reads of a frame of 4 bytes a pixel, copied. */
static double
copy_seen (void *data)
{
  BenchRing *ring = data;
  const SympieImage *src;
  const SympieTarget *dst;
  int seen = BENCH_HEIGHT * SYMPIE_NEM_SIZE / SYMPIE_NEM_RESIZE + 1;
  size_t left = (size_t) (BENCH_WIDTH - seen) / 2 * 4;
  int top = (BENCH_HEIGHT - seen) / 2;
  double start;

  bench_ring_next (ring, &src, &dst);
  start = bench_now ();
  for (int y = top; y < top + seen; y++)
    memcpy (dst->planes[0] + y * dst->strides[0] + left,
        src->planes[0] + y * src->strides[0] + left, (size_t) seen * 4);
  return bench_now () - start;
}

static double
nem (void *data)
{
  Nem *self = data;
  double start = bench_now ();
  float gate;

  sympie_nem_run (self->nem, self->crop, &self->params, &gate);
  return bench_now () - start;
}

void
bench_crop_planes (const SympieCrop *crop, float *planes)
{
  for (int c = 0; c < 3; c++)
    for (int y = 0; y < SYMPIE_NEM_SIZE; y++)
      memcpy (planes + (c * SYMPIE_NEM_SIZE + y) * SYMPIE_NEM_SIZE,
          &crop->rgb[c][y + SYMPIE_CROP_BORDER][SYMPIE_CROP_BORDER],
          SYMPIE_NEM_SIZE * sizeof *planes);
}

static double
largest_difference (const SympieParams *a, const SympieParams *b)
{
  double largest = 0;

  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    largest = fmax (largest, fabs ((double) a->values[i] - b->values[i]));
  return largest;
}

static void
bench_network (Bench *bench, SympiePool *pool, const SympieCrop *crop)
{
  BenchGroup *group = bench_group (bench, "NEM, from the crop");
  bool one = bench->n_threads == 1;
  Nem self = { .crop = crop };
  BenchCase *ours, *direct = NULL, *torch = NULL;
  BenchDnnl *dnnl = NULL;
  BenchTorch *module = NULL;
  SympieNemWeights *weights;
  SympieError error = { 0 };

  weights = sympie_nem_weights_load (g_getenv ("SYMPIE_WEIGHTS"), &error);
  bench_require (weights != NULL, error.message);
  self.nem = sympie_nem_new (pool, bench_cpu_flags (), weights, &error);
  bench_require (self.nem != NULL, error.message);

  ours = bench_case (group, nem, &self, "NEM");
  if (bench->peers) {
    dnnl = bench_dnnl_new (bench, weights, crop);
    if (dnnl) {
      direct = bench_case (group, bench_dnnl_run, dnnl, "oneDNN, direct");
      direct->threads_linger = bench->n_threads > 1;
    }
    module = bench_torch_new (bench, "nem");
    if (module) {
      torch = bench_case (group, bench_torch_run, module, "PyTorch");
      torch->threads_linger = true;
    }
  }
  bench_group_run (bench, group);

  if (direct) {
    SympieParams params;

    bench_claim_ratio (
        bench, "NEM / oneDNN, direct", ours, direct, false, one ? 0.5 : NAN);
    bench_dnnl_params (dnnl, &params);
    bench_claim (bench, "NEM's distance from oneDNN, direct", "",
        largest_difference (&self.params, &params), NAN, false, 1e-5);
    bench_dnnl_free (dnnl);
  }
  if (torch) {
    SympieParams params;

    bench_claim_ratio (bench, "PyTorch NEM / NEM", torch, ours, true, NAN);
    bench_torch_nem (module, crop, &params);
    bench_claim (bench, "NEM's distance from PyTorch", "",
        largest_difference (&self.params, &params), NAN, false, 1e-5);
  }
  bench_torch_free (module);
  sympie_nem_free (self.nem);
  sympie_nem_weights_free (weights);
}

void
bench_nem (Bench *bench)
{
  static const SympieFormat formats[] = { SYMPIE_FORMAT_RGBA,
    SYMPIE_FORMAT_NV12, SYMPIE_FORMAT_I420, SYMPIE_FORMAT_P010_10LE };
  BenchGroup *group = bench_group (bench, "Preprocessing, from 1920x1080");
  Preprocess self[G_N_ELEMENTS (formats)];
  BenchCase *rgba, *copied;
  SympieCrop *crop = aligned_alloc (64, sizeof *crop);
  SympieError error = { 0 };
  SympiePool *pool = sympie_pool_new (bench->n_threads, &error);

  bench_require (pool && crop, error.message);
  memset (crop, 0, sizeof *crop);
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    self[i].preprocess = sympie_preprocess_new (
        pool, bench_cpu_flags (), SYMPIE_INPUT_CROP224, &error);
    bench_require (self[i].preprocess != NULL, error.message);
    self[i].ring = bench_ring_new (formats[i]);
    self[i].crop = crop;
    bench_case (group, preprocess, &self[i], "%s",
        sympie_format_info (formats[i])->name);
  }
  rgba = group->cases->pdata[0];
  copied = bench_case (
      group, copy_seen, self[0].ring, "memcpy of what is seen of RGBA");
  bench_group_run (bench, group);
  bench_claim_ratio (bench, "preprocessing RGBA / memcpy of what it reads",
      rgba, copied, false, bench->n_threads == 1 ? 2 : NAN);
  /* The network looks at what came out of RGBA. */
  preprocess (&self[0]);
  bench_network (bench, pool, crop);

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    sympie_preprocess_free (self[i].preprocess);
    bench_ring_free (self[i].ring);
  }
  free (crop);
  sympie_pool_free (pool);
}
