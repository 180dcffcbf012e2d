/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* sympieenhance as a pipeline uses it: a buffer is pushed, a buffer comes out.
 */

#include <gst/check/gstharness.h>
#include <math.h>

#include "../../kernels/cpu/cpu.h"
#include "../../kernels/image.h"
#include "peers.h"
#include "ring.h"

/* Outputs that whoever comes after the element still holds. */
#define N_HELD 8

typedef struct
{
  GstHarness *harness;
  BenchRing *ring;
  GPtrArray *inputs; /* of GstBuffer, one an image of the ring */
  GQueue outputs;
  guint n_pushed;
  int n_frames; /* pushed in one run, whose result is the mean */
} Stream;

/* The inputs stay ours, as a decoder keeps its reference frames: the element
 * must not write to them. */
static void
push (Stream *self)
{
  guint next = self->n_pushed % self->inputs->len;
  GstBuffer *in = g_ptr_array_index (self->inputs, next), *out;

  GST_BUFFER_PTS (in) = self->n_pushed++ * (GST_SECOND / 25);
  GST_BUFFER_DURATION (in) = GST_SECOND / 25;
  if (gst_harness_push (self->harness, gst_buffer_ref (in)) != GST_FLOW_OK
      || !(out = gst_harness_try_pull (self->harness)))
    bench_fail ("the element gives no frame");
  g_queue_push_tail (&self->outputs, out);
  if (self->outputs.length > N_HELD)
    gst_buffer_unref (g_queue_pop_head (&self->outputs));
}

static double
push_frames (void *data)
{
  Stream *self = data;
  double start = bench_now ();

  for (int i = 0; i < self->n_frames; i++)
    push (self);
  return (bench_now () - start) / self->n_frames;
}

static Stream *
stream_new (SympieFormat format, const char *launch)
{
  Stream *self = g_new0 (Stream, 1);
  char *caps = g_strdup_printf (
      "video/x-raw,format=%s,width=%d,height=%d,framerate=25/1",
      sympie_format_info (format)->name, BENCH_WIDTH, BENCH_HEIGHT);

  self->harness = gst_harness_new_parse (launch);
  if (!self->harness)
    bench_fail ("no pipeline '%s'", launch);
  gst_harness_set_caps_str (self->harness, caps, caps);
  self->ring = bench_ring_new (format);
  self->inputs =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  for (int i = 0; i < self->ring->n; i++)
    g_ptr_array_add (
        self->inputs, gst_buffer_new_wrapped_full (GST_MEMORY_FLAG_READONLY,
                          (uint8_t *) self->ring->src[i].planes[0],
                          self->ring->size, 0, self->ring->size, NULL, NULL));
  self->n_frames = 1;
  for (int i = 0; i < N_HELD + 1; i++)
    push (self);
  g_free (caps);
  return self;
}

/* A gate that is shut would spare the element half of its work. */
static void
check_changes (Stream *self)
{
  if (bench_stat (self->harness, "frames") != N_HELD + 1
      || bench_stat (self->harness, "untouched") != 0)
    bench_fail ("the element leaves frames as they are");
}

static Stream *
enhance_new (SympieFormat format, int n_threads, int reuse_interval)
{
  char *launch = g_strdup_printf (
      "sympieenhance device=cpu gate=off n-threads=%d reuse-interval=%d",
      n_threads, reuse_interval);
  Stream *self = stream_new (format, launch);

  check_changes (self);
  self->n_frames = reuse_interval;
  g_free (launch);
  return self;
}

static void
stream_free (Stream *self)
{
  if (!self)
    return;
  g_queue_clear_full (&self->outputs, (GDestroyNotify) gst_buffer_unref);
  gst_harness_teardown (self->harness);
  g_ptr_array_unref (self->inputs);
  bench_ring_free (self->ring);
  g_free (self);
}

static void
bench_formats (Bench *bench)
{
  BenchGroup *group = bench_group (bench, "sympieenhance, 1920x1080");
  int n = bench->n_threads;
  Stream *rgba = enhance_new (SYMPIE_FORMAT_RGBA, n, 1);
  Stream *nv12 = enhance_new (SYMPIE_FORMAT_NV12, n, 1);
  Stream *i420 = enhance_new (SYMPIE_FORMAT_I420, n, 1);
  Stream *convert = NULL;
  BenchTorch *module = NULL, *frame = NULL;
  BenchCase *rgba_case, *nv12_case, *i420_case;
  BenchCase *convert_case = NULL, *module_case = NULL, *frame_case = NULL;

  rgba_case = bench_case (group, push_frames, rgba, "RGBA, NEM every frame");
  nv12_case = bench_case (group, push_frames, nv12, "NV12, NEM every frame");
  i420_case = bench_case (group, push_frames, i420, "I420, NEM every frame");
  if (bench->peers) {
    char *launch = g_strdup_printf (
        "videoconvert n-threads=%d ! video/x-raw,format=RGBA ! "
        "videoconvert n-threads=%d",
        n, n);

    convert = stream_new (SYMPIE_FORMAT_NV12, launch);
    convert_case = bench_case (
        group, push_frames, convert, "videoconvert, NV12 to RGBA to NV12");
    g_free (launch);
    module = bench_torch_new (bench, "module");
    frame = bench_torch_new (bench, "frame");
  }
  if (module) {
    module_case = bench_case (
        group, bench_torch_run, module, "PyTorch module, float planes");
    frame_case = bench_case (
        group, bench_torch_run, frame, "PyTorch module, RGBA bytes");
    module_case->threads_linger = frame_case->threads_linger = true;
  }

  bench_group_run (bench, group);

  bench_claim_ratio (bench, "element, NV12 / RGBA", nv12_case, rgba_case, false,
      n == 1 ? 1.3 : NAN);
  bench_claim_ratio (bench, "element, I420 / RGBA", i420_case, rgba_case, false,
      n == 1 ? 1.3 : NAN);
  if (module_case) {
    /* The target is for the same work, bytes in and bytes out. */
    bench_claim_ratio (bench, "PyTorch, RGBA bytes / element, RGBA", frame_case,
        rgba_case, true, n == 1 ? 10 : NAN);
    bench_claim_ratio (bench, "PyTorch, float planes / element, RGBA",
        module_case, rgba_case, true, NAN);
  }
  if (convert_case)
    bench_claim_ratio (bench, "element, NV12 / videoconvert to RGBA and back",
        nv12_case, convert_case, false, NAN);

  stream_free (rgba);
  stream_free (nv12);
  stream_free (i420);
  stream_free (convert);
  bench_torch_free (module);
  bench_torch_free (frame);
}

static void
bench_reuse (Bench *bench)
{
  BenchGroup *group =
      bench_group (bench, "sympieenhance, RGBA, mean over reuse-interval");
  int n = bench->n_threads;
  Stream *by_4 = enhance_new (SYMPIE_FORMAT_RGBA, n, 4);
  Stream *by_30 = enhance_new (SYMPIE_FORMAT_RGBA, n, 30);
  /* DWM alone, through the same element: parameters by hand need no NEM. */
  GString *launch = g_string_new ("sympieenhance device=cpu parameters=\"<");
  SympieParams params = bench_params ();
  Stream *alone;
  BenchCase *by_30_case, *alone_case;

  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    g_string_append_printf (
        launch, "%s(float)%.6f", i ? "," : "", params.values[i]);
  g_string_append_printf (launch, ">\" n-threads=%d", n);
  alone = stream_new (SYMPIE_FORMAT_RGBA, launch->str);
  alone->n_frames = 30;

  alone_case = bench_case (group, push_frames, alone, "DWM alone");
  bench_case (group, push_frames, by_4, "reuse-interval=4");
  by_30_case = bench_case (group, push_frames, by_30, "reuse-interval=30");
  bench_group_run (bench, group);
  bench_claim_ratio (bench, "reuse-interval=30 / DWM alone", by_30_case,
      alone_case, false, n == 1 ? 1.3 : NAN);

  stream_free (by_4);
  stream_free (by_30);
  stream_free (alone);
  g_string_free (launch, TRUE);
}

static void
bench_threads (Bench *bench)
{
  BenchGroup *group = bench_group (bench, "sympieenhance, RGBA, threads");
  Stream *one = enhance_new (SYMPIE_FORMAT_RGBA, 1, 1);
  Stream *two = enhance_new (SYMPIE_FORMAT_RGBA, 2, 1);
  Stream *by_4 = enhance_new (SYMPIE_FORMAT_RGBA, 2, 4);
  BenchCase *one_case, *two_case, *by_4_case;

  one_case =
      bench_case (group, push_frames, one, "NEM every frame, one thread");
  two_case =
      bench_case (group, push_frames, two, "NEM every frame, two threads");
  by_4_case =
      bench_case (group, push_frames, by_4, "reuse-interval=4, two threads");
  bench_group_run (bench, group);

  bench_claim_ratio (bench, "element, one thread / two threads", one_case,
      two_case, true, 1.85);
  bench_claim (bench, "reuse-interval=4, two threads", "fps",
      1e3 / by_4_case->minimum, 1e3 / by_4_case->median, true, 289.4);

  stream_free (one);
  stream_free (two);
  stream_free (by_4);
}

static double
resident_kib (void)
{
  char *text;
  double pages = 0;

  if (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL)) {
    char *end;

    g_ascii_strtoull (text, &end, 10);
    pages = (double) g_ascii_strtoull (end, NULL, 10);
    g_free (text);
  }
  return pages * (double) sysconf (_SC_PAGESIZE) / 1024;
}

/* Of the library alone: GStreamer itself allocates a little for each buffer. */
static void
bench_allocations_per_frame (Bench *bench)
{
  BenchRing *ring = bench_ring_new (SYMPIE_FORMAT_RGBA);
  SympieConfig config = SYMPIE_CONFIG_INIT;
  const int n_frames = 20;
  unsigned long before, estimate = 0, apply = 0;
  const SympieImage *src;
  const SympieTarget *dst;
  SympieContext *context;
  SympieParams params;
  SympieError error = { 0 };

  config.device = SYMPIE_DEVICE_CPU;
  config.weights = g_getenv ("SYMPIE_WEIGHTS");
  config.n_threads = bench->n_threads;
  config.ignore_gate = true; /* frames that it spares need no memory */
  context = sympie_open (&config, &error);
  bench_require (context != NULL, error.message);
  for (int i = 0; i < 1 + n_frames; i++) {
    bench_ring_next (ring, &src, &dst);
    before = bench_allocations ();
    bench_require (
        sympie_estimate (context, src, &params, NULL, &error), error.message);
    /* The first frame may allocate, as it brings the size. */
    if (i > 0)
      estimate += bench_allocations () - before;
    before = bench_allocations ();
    bench_require (
        sympie_apply (context, src, dst, &params, &error), error.message);
    if (i > 0)
      apply += bench_allocations () - before;
  }
  bench_claim (bench, "allocations of any size, an estimate", "",
      (double) estimate / n_frames, NAN, false, 0);
  bench_claim (bench, "allocations of any size, DWM on a frame", "",
      (double) apply / n_frames, NAN, false, 0);
  sympie_close (context);
  bench_ring_free (ring);
}

static void
bench_memory (Bench *bench)
{
  Stream *stream = enhance_new (SYMPIE_FORMAT_RGBA, bench->n_threads, 30);
  int n_frames = bench->quick ? 60 : 10000;
  double before, growth;
  char *name;

  bench_say (bench, "memory over %d frames\n", n_frames);
  for (int i = 0; i < 60; i++)
    push (stream);
  before = resident_kib ();
  for (int i = 0; i < n_frames; i++)
    push (stream);
  growth = resident_kib () - before;
  name = g_strdup_printf ("growth of resident memory, %d frames", n_frames);
  bench_claim (bench, name, "KiB", growth, NAN, false, 256);
  g_free (name);
  stream_free (stream);
#ifndef __SANITIZE_ADDRESS__
  bench_allocations_per_frame (bench);
#endif
}

void
bench_element (Bench *bench)
{
  bench_formats (bench);
  bench_reuse (bench);
  if (bench->cpu_time)
    bench_fact (bench, "two threads", "missing: CPU time does not tell");
  else if (sympie_cpu_count () < 2)
    bench_fact (bench, "two threads", "missing: one processor");
  else
    bench_threads (bench);
  bench_memory (bench);
}
