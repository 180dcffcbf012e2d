/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The corruptions: on pictures as a training loader has them, and on video. */

#include <math.h>

#include "../../kernels/sympie_corrupt.h"
#include "ring.h"

enum
{
  FIRST = SYMPIE_CORRUPTION_NONE + 1,
  N_POOL = SYMPIE_CORRUPTION_MIXED - FIRST,
  PICTURE = 224
};

typedef struct
{
  SympieCorruptor *corruptor;
  SympieCorruption corruption;
  BenchRing *ring; /* or NULL: the picture, which the cache may hold */
  SympieImage picture;
  SympieTarget out;
  uint64_t seed;
} Corrupt;

static double
corrupt (Corrupt *self, const SympieImage *src, const SympieTarget *dst,
    int severity)
{
  SympieError error = { 0 };
  double start = bench_now ();
  bool ok = sympie_corrupt (self->corruptor, src, dst, self->corruption,
      severity, self->seed++, 0, &error);

  start = bench_now () - start;
  bench_require (ok, error.message);
  return start;
}

/* Mean over the severities. */
static double
corrupt_picture (void *data)
{
  Corrupt *self = data;
  double sum = 0;

  for (int severity = 1; severity <= SYMPIE_MAX_SEVERITY; severity++)
    sum += corrupt (self, &self->picture, &self->out, severity);
  return sum / SYMPIE_MAX_SEVERITY;
}

static double
corrupt_frame (void *data)
{
  Corrupt *self = data;
  const SympieImage *src;
  const SympieTarget *dst;

  bench_ring_next (self->ring, &src, &dst);
  return corrupt (self, src, dst, 3);
}

static SympieCorruptor *
new_corruptor (const Bench *bench, float scale)
{
  SympieCorruptorConfig config = SYMPIE_CORRUPTOR_CONFIG_INIT;
  SympieCorruptor *corruptor;
  SympieError error = { 0 };

  config.n_threads = bench->n_threads;
  config.scale = scale;
  corruptor = sympie_corruptor_new (&config, &error);
  bench_require (corruptor != NULL, error.message);
  return corruptor;
}

static void
bench_pictures (Bench *bench)
{
  BenchGroup *group = bench_group (bench, "corruptions of a 224x224 picture");
  size_t size = 3 * PICTURE * PICTURE;
  uint8_t *memory = g_malloc (2 * size);
  Corrupt self[N_POOL];
  double minimum = 0, median = 0;

  bench_texture (memory, size);
  for (int i = 0; i < N_POOL; i++) {
    SympieImage picture = { .struct_size = sizeof picture,
      .format = SYMPIE_FORMAT_RGB,
      .width = PICTURE,
      .height = PICTURE,
      .planes = { memory },
      .strides = { 3 * PICTURE },
      .colorimetry = { .full_range = true } };

    SympieTarget out = { .struct_size = sizeof out,
      .planes = { memory + size },
      .strides = { 3 * PICTURE } };

    self[i] = (Corrupt){ .corruptor =
                             i ? self[0].corruptor : new_corruptor (bench, 1),
      .corruption = FIRST + i,
      .picture = picture,
      .out = out };
    bench_case (group, corrupt_picture, &self[i], "%s",
        sympie_corruption_name (FIRST + i));
  }
  bench_group_run (bench, group);
  for (int i = 0; i < N_POOL; i++) {
    const BenchCase *one = g_ptr_array_index (group->cases, i);

    minimum += one->minimum / N_POOL;
    median += one->median / N_POOL;
  }
  bench_claim (bench, "corrupted pictures a second, mean over the pool", "/s",
      1e3 / minimum, 1e3 / median, true, bench->n_threads == 1 ? 400 : NAN);
  sympie_corruptor_free (self[0].corruptor);
  g_free (memory);
}

static void
bench_frames (Bench *bench)
{
  BenchGroup *group =
      bench_group (bench, "corruptions of 1080p NV12, severity 3");
  BenchRing *ring = bench_ring_new (SYMPIE_FORMAT_NV12);
  Corrupt self[N_POOL];

  for (int i = 0; i < N_POOL; i++) {
    self[i] = (Corrupt){ .corruptor =
                             i ? self[0].corruptor : new_corruptor (bench, 0),
      .corruption = FIRST + i,
      .ring = ring };
    bench_case (group, corrupt_frame, &self[i], "%s, 1080p",
        sympie_corruption_name (FIRST + i));
  }
  bench_group_run (bench, group);
  sympie_corruptor_free (self[0].corruptor);
  bench_ring_free (ring);
}

void
bench_corrupt (Bench *bench)
{
  bench_pictures (bench);
  bench_frames (bench);
}
