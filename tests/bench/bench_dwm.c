/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM through the library: each variant of RGBA beside what others do with such
 * a frame, then every format. */

#include <math.h>
#include <string.h>

#include "../../kernels/image.h"
#include "peers.h"
#include "ring.h"

typedef struct
{
  SympieContext *context;
  BenchRing *ring;
  SympieParams params;
} Apply;

static double
apply (void *data)
{
  Apply *self = data;
  const SympieImage *src;
  const SympieTarget *dst;
  SympieError error = { 0 };
  double start;
  bool ok;

  bench_ring_next (self->ring, &src, &dst);
  start = bench_now ();
  ok = sympie_apply (self->context, src, dst, &self->params, &error);
  start = bench_now () - start;
  bench_require (ok, error.message);
  return start;
}

static double
copy (void *data)
{
  BenchRing *ring = data;
  const SympieImage *src;
  const SympieTarget *dst;
  double start;

  bench_ring_next (ring, &src, &dst);
  start = bench_now ();
  memcpy (dst->planes[0], src->planes[0], ring->size);
  return bench_now () - start;
}

/* Of a frame, in levels. */
static int
distance (Apply *self, BenchTorch *module)
{
  const SympieImage *src;
  const SympieTarget *dst;
  SympieError error = { 0 };

  bench_ring_next (self->ring, &src, &dst);
  bench_require (sympie_apply (self->context, src, dst, &self->params, &error),
      error.message);
  return bench_torch_dwm_difference (module, src, dst, &self->params);
}

static SympieContext *
open_context (const Bench *bench, unsigned disabled)
{
  SympieConfig config = SYMPIE_CONFIG_INIT;
  SympieContext *context;
  SympieError error = { 0 };

  config.device = SYMPIE_DEVICE_CPU;
  config.n_threads = bench->n_threads;
  config.cpu_disabled = disabled;
  context = sympie_open (&config, &error);
  bench_require (context != NULL, error.message);
  return context;
}

static void
bench_rgba (Bench *bench)
{
  /* Each variant beside FFmpeg's chain: how many times faster must it be? */
  static const struct
  {
    const char *name;
    unsigned flags;
    double target;
  } variants[] = {
    { "plain C", 0, 3 },
    { "AVX2", SYMPIE_CPU_AVX2, 10 },
    { "AVX-512", SYMPIE_CPU_AVX2 | SYMPIE_CPU_AVX512, 20 },
  };
  unsigned flags = bench_cpu_flags ();
  BenchGroup *group = bench_group (bench, "DWM, RGBA, frames out of the cache");
  BenchRing *ring = bench_ring_new (SYMPIE_FORMAT_RGBA);
  bool one = bench->n_threads == 1;
  Apply self[G_N_ELEMENTS (variants)];
  BenchCase *variant[G_N_ELEMENTS (variants)] = { NULL };
  BenchCase *memory, *best = NULL, *ffmpeg = NULL, *torch = NULL;
  BenchFfmpeg *chain = NULL;
  BenchTorch *module = NULL;

  memory = bench_case (group, copy, ring, "memcpy");
  for (guint i = 0; i < G_N_ELEMENTS (variants); i++) {
    if ((variants[i].flags & flags) != variants[i].flags)
      continue;
    self[i] = (Apply){ open_context (bench, ~variants[i].flags), ring,
      bench_params () };
    best = variant[i] =
        bench_case (group, apply, &self[i], "DWM, %s", variants[i].name);
  }
  if (bench->peers) {
    chain = bench_ffmpeg_new (bench);
    if (chain)
      ffmpeg = bench_case (group, bench_ffmpeg_run, chain,
          "FFmpeg colorchannelmixer,convolution (GBR planes)");
    module = bench_torch_new (bench, "dwm");
    if (module) {
      torch = bench_case (group, bench_torch_run, module,
          "PyTorch DWM (float planes in and out)");
      torch->threads_linger = true;
    }
  }

  bench_group_run (bench, group);

  for (guint i = 0; i < G_N_ELEMENTS (variants); i++)
    if (variant[i] && ffmpeg) {
      char *name =
          g_strdup_printf ("FFmpeg's chain / DWM, %s", variants[i].name);

      bench_claim_ratio (bench, name, ffmpeg, variant[i], true,
          one ? variants[i].target : NAN);
      g_free (name);
    }
  bench_claim_ratio (bench, "DWM / memcpy", best, memory, false,
      one && best == variant[2] ? 3.3 : NAN);
  if (torch) {
    bench_claim_ratio (bench, "PyTorch DWM / DWM", torch, best, true, NAN);
    bench_claim (bench, "DWM's distance from PyTorch", "levels",
        distance (best->data, module), NAN, false, 1);
  }

  for (guint i = 0; i < G_N_ELEMENTS (variants); i++)
    if (variant[i])
      sympie_close (self[i].context);
  bench_ffmpeg_free (chain);
  bench_torch_free (module);
  bench_ring_free (ring);
}

static void
bench_formats (Bench *bench)
{
  /* What cameras, capture cards and editors give, beside what films are in. */
  static const SympieFormat hot[] = { SYMPIE_FORMAT_YUY2, SYMPIE_FORMAT_UYVY,
    SYMPIE_FORMAT_YVYU, SYMPIE_FORMAT_VYUY, SYMPIE_FORMAT_AYUV,
    SYMPIE_FORMAT_VUYA, SYMPIE_FORMAT_I422_10LE, SYMPIE_FORMAT_Y210,
    SYMPIE_FORMAT_V210 };
  BenchGroup *group = bench_group (bench, "DWM, every format");
  BenchCase *cases[SYMPIE_N_FORMATS];
  Apply self[SYMPIE_N_FORMATS];

  for (int f = 0; f < SYMPIE_N_FORMATS; f++) {
    self[f] = (Apply){ open_context (bench, 0),
      bench_ring_new ((SympieFormat) f), bench_params () };
    cases[f] =
        bench_case (group, apply, &self[f], "%s", sympie_format_info (f)->name);
  }
  bench_group_run (bench, group);
  for (size_t i = 0; i < G_N_ELEMENTS (hot); i++) {
    char *name =
        g_strdup_printf ("%s / I420", sympie_format_info (hot[i])->name);

    bench_claim_ratio (
        bench, name, cases[hot[i]], cases[SYMPIE_FORMAT_I420], false, 1.5);
    g_free (name);
  }
  for (int f = 0; f < SYMPIE_N_FORMATS; f++) {
    sympie_close (self[f].context);
    bench_ring_free (self[f].ring);
  }
}

void
bench_dwm (Bench *bench)
{
  bench_rgba (bench);
  bench_formats (bench);
}
