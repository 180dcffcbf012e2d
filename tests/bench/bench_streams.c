/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Live streams: what the thread that brings a frame waits for sympieenhance,
 * how many streams one process keeps up with, what each more of them takes, and
 * what becomes of one where others want the processors, too. */

#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <math.h>
#include <stdatomic.h>
#include <unistd.h>

#include "../../kernels/cpu/cpu.h"
#include "bench.h"
#include "ring.h"

enum
{
  WIDTH = 1280,
  HEIGHT = 720,
  RATE = 25,
  N_BUFFERS = 4 /* that a stream has on the way */
};

#define FRAME (GST_SECOND / RATE)

/* One that estimates once a second, and applies what it finds to every frame.
 */
#define ASYNC                                                                  \
  "sympieenhance device=cpu n-threads=1 estimation=async "                     \
  "gate=off reuse-time=1000000000"

typedef struct
{
  GstHarness *harness;
  GstBufferPool *pool;
  gsize size; /* of a frame */
  guint number;
  /* Of double, ms: of each frame in the element, by the wall's clock and the
   * thread's, which does not count what others take of the processor. */
  GArray *times, *thread_times;

  /* For streams in threads of their own. */
  GThread *thread;
  GstClockTime begin, end;
  guint n_due; /* frames, of which those that came too late were dropped */
} Live;

static Live *
live_new (const char *launch, int width, int height)
{
  Live *self = g_new0 (Live, 1);
  char *text = g_strdup_printf (
      "video/x-raw,format=NV12,width=%d,height=%d,framerate=%d/1", width,
      height, RATE);
  GstCaps *caps = gst_caps_from_string (text);
  GstVideoInfo info;
  GstStructure *config;

  self->harness = gst_harness_new_parse (launch);
  if (!self->harness || !gst_video_info_from_caps (&info, caps))
    bench_fail ("no pipeline '%s'", launch);
  gst_harness_set_caps_str (self->harness, text, text);
  self->size = GST_VIDEO_INFO_SIZE (&info);
  self->pool = gst_buffer_pool_new ();
  config = gst_buffer_pool_get_config (self->pool);
  gst_buffer_pool_config_set_params (
      config, caps, (guint) self->size, N_BUFFERS, 0);
  if (!gst_buffer_pool_set_config (self->pool, config)
      || !gst_buffer_pool_set_active (self->pool, TRUE))
    bench_fail ("no buffers");
  self->times = g_array_new (FALSE, FALSE, sizeof (double));
  self->thread_times = g_array_new (FALSE, FALSE, sizeof (double));
  gst_caps_unref (caps);
  g_free (text);
  return self;
}

static void
live_free (Live *self)
{
  gst_harness_teardown (self->harness);
  gst_buffer_pool_set_active (self->pool, FALSE);
  gst_object_unref (self->pool);
  g_array_unref (self->times);
  g_array_unref (self->thread_times);
  g_free (self);
}

/* The frame of a time: tones that go by, so that something moves. */
static GstBuffer *
live_next (Live *self, GstClockTime time)
{
  GstBuffer *buffer = NULL;
  GstMapInfo map;

  if (gst_buffer_pool_acquire_buffer (self->pool, &buffer, NULL) != GST_FLOW_OK
      || !gst_buffer_map (buffer, &map, GST_MAP_WRITE))
    bench_fail ("no buffer");
  memset (map.data, (int) (64 + time / FRAME % 32), map.size * 2 / 3);
  memset (map.data + map.size * 2 / 3, 120, map.size - map.size * 2 / 3);
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = time;
  GST_BUFFER_DURATION (buffer) = FRAME;
  return buffer;
}

static void
live_push_at (Live *self, GstClockTime time_of_frame)
{
  GstBuffer *buffer = live_next (self, time_of_frame);
  double begin = bench_now (), thread_begin = bench_thread_now (), time;

  if (gst_harness_push (self->harness, buffer) != GST_FLOW_OK
      || !(buffer = gst_harness_try_pull (self->harness)))
    bench_fail ("the element gives no frame");
  time = bench_now () - begin;
  g_array_append_val (self->times, time);
  time = bench_thread_now () - thread_begin;
  g_array_append_val (self->thread_times, time);
  gst_buffer_unref (buffer);
}

static void
live_push (Live *self)
{
  live_push_at (self, self->number++ * FRAME);
}

static void
live_forget (Live *self)
{
  g_array_set_size (self->times, 0);
  g_array_set_size (self->thread_times, 0);
}

static void
claim_percentiles (Bench *bench, const char *what, const GArray *times)
{
  char *name = g_strdup_printf ("%s, median of a frame", what);

  bench_claim (
      bench, name, "ms", bench_percentile (times, 0.5), NAN, false, NAN);
  g_free (name);
  name = g_strdup_printf ("%s, 99.9th percentile of a frame", what);
  bench_claim (
      bench, name, "ms", bench_percentile (times, 0.999), NAN, false, NAN);
  g_free (name);
}

/* ---- Waiting ------------------------------------------------------------- */

/* Frame by frame in turns with one whose parameters are given, so that what
 * others do to the machine happens to both. */
static void
bench_waiting (Bench *bench)
{
  GString *launch =
      g_string_new ("sympieenhance device=cpu n-threads=1 parameters=\"<");
  SympieParams params = bench_params ();
  const int n = bench->quick ? 20 : 1500;
  Live *async, *alone;

  bench_say (bench, "a frame's time, %d frames of 1920x1080\n", n);
  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    g_string_append_printf (
        launch, "%s(float)%.6f", i ? "," : "", params.values[i]);
  g_string_append (launch, ">\"");
  async = live_new (ASYNC, BENCH_WIDTH, BENCH_HEIGHT);
  alone = live_new (launch->str, BENCH_WIDTH, BENCH_HEIGHT);
  for (int i = 0; i < n; i++) {
    live_push (async);
    live_push (alone);
    if (i < 10) { /* all is allocated, and there is an estimate */
      g_usleep (50000);
      live_forget (async);
      live_forget (alone);
    }
  }
  claim_percentiles (bench, "async", async->times);
  claim_percentiles (bench, "DWM alone", alone->times);
  bench_claim (bench, "async - DWM alone, 99.9th percentile", "ms",
      bench_percentile (async->times, 0.999)
          - bench_percentile (alone->times, 0.999),
      NAN, false, 0.5);
  bench_claim (bench, "the same, of the thread's own time", "ms",
      bench_percentile (async->thread_times, 0.999)
          - bench_percentile (alone->thread_times, 0.999),
      bench_percentile (async->thread_times, 0.5)
          - bench_percentile (alone->thread_times, 0.5),
      false, 0.5);
  live_free (async);
  live_free (alone);
  g_string_free (launch, TRUE);
}

/* ---- Many ---------------------------------------------------------------- */

/* By the system's clock the element sees where frames come late, and spares
 * estimates, as in a live pipeline. */
static Live *
camera_new (void)
{
  Live *self = live_new (ASYNC, WIDTH, HEIGHT);

  gst_harness_use_systemclock (self->harness);
  return self;
}

/* A camera: a frame is there when its time has come, and
 * lost where those before it keep all buffers till then. */
static gpointer
play (gpointer data)
{
  Live *self = data;

  for (GstClockTime due = self->begin; due < self->end; due += FRAME) {
    GstClockTime now = gst_util_get_timestamp ();

    self->n_due++;
    if (now >= due + N_BUFFERS * FRAME)
      continue;
    if (due > now)
      g_usleep ((gulong) ((due - now) / 1000));
    live_push_at (self, due);
  }
  return NULL;
}

static double
resident_mib (void)
{
  char *text, *end;
  double pages;

  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL))
    bench_fail ("cannot read /proc/self/statm");
  g_ascii_strtoull (text, &end, 10);
  pages = (double) g_ascii_strtoull (end, NULL, 10);
  g_free (text);
  return pages * (double) sysconf (_SC_PAGESIZE) / (1 << 20);
}

static void
play_all (GPtrArray *streams, GstClockTime duration)
{
  GstClockTime now = gst_util_get_timestamp ();

  for (guint i = 0; i < streams->len; i++) {
    Live *self = g_ptr_array_index (streams, i);

    /* Cameras do not keep step. */
    self->begin = now + i * FRAME / streams->len;
    self->end = self->begin + duration;
    self->n_due = 0;
    live_forget (self);
    self->thread = g_thread_new ("camera", play, self);
  }
  for (guint i = 0; i < streams->len; i++)
    g_thread_join (((Live *) g_ptr_array_index (streams, i))->thread);
}

static void
bench_many (Bench *bench, int n)
{
  GPtrArray *streams =
      g_ptr_array_new_with_free_func ((GDestroyNotify) live_free);
  GArray *times = g_array_new (FALSE, FALSE, sizeof (double));
  GstClockTime duration = bench->quick ? GST_SECOND / 2 : 10 * GST_SECOND;
  double one, all, cpu, begin, lasted;
  guint64 n_estimates = 0;
  guint n_due = 0;
  char *name;

  bench_say (bench, "%d streams of %dx%d at %d frames a second\n", n, WIDTH,
      HEIGHT, RATE);
  g_ptr_array_add (streams, camera_new ());
  play_all (streams, GST_SECOND);
  one = resident_mib ();
  for (int i = 1; i < n; i++)
    g_ptr_array_add (streams, camera_new ());
  play_all (streams, GST_SECOND);
  for (guint i = 0; i < streams->len; i++) {
    Live *self = g_ptr_array_index (streams, i);

    n_estimates -= bench_stat (self->harness, "estimates");
  }
  cpu = (double) clock () / CLOCKS_PER_SEC;
  begin = bench_now ();
  play_all (streams, duration);
  lasted = MAX ((bench_now () - begin) / 1000, (double) duration / GST_SECOND);
  cpu = (double) clock () / CLOCKS_PER_SEC - cpu;
  all = resident_mib ();
  for (guint i = 0; i < streams->len; i++) {
    Live *self = g_ptr_array_index (streams, i);

    g_array_append_vals (times, self->times->data, self->times->len);
    n_due += self->n_due;
    n_estimates += bench_stat (self->harness, "estimates");
  }

  name = g_strdup_printf ("frames a second, %d streams", n);
  bench_claim (
      bench, name, "fps", times->len / lasted, NAN, true, 0.99 * n * RATE);
  g_free (name);
  name = g_strdup_printf ("estimates a second, %d streams", n);
  bench_claim (bench, name, "", (double) n_estimates / lasted, NAN, true, NAN);
  g_free (name);
  name = g_strdup_printf ("frames lost, %d streams", n);
  bench_claim (
      bench, name, "%", 100.0 * (n_due - times->len) / n_due, NAN, false, NAN);
  g_free (name);
  name = g_strdup_printf ("%d streams", n);
  claim_percentiles (bench, name, times);
  g_free (name);
  /* Also where others kept them from having all. */
  name = g_strdup_printf ("processors that %d streams want", n);
  bench_claim (bench, name, "", cpu / times->len * n * RATE, NAN, false,
      n <= 16 ? 2 : NAN);
  g_free (name);
  if (n > 1) {
    double buffers = (double) N_BUFFERS * WIDTH * HEIGHT * 3 / 2 / (1 << 20);

    name = g_strdup_printf ("memory of each more of %d streams, but for %d "
                            "frames",
        n, N_BUFFERS);
    bench_claim (
        bench, name, "MiB", (all - one) / (n - 1) - buffers, NAN, false, 12);
    g_free (name);
  }
  g_array_unref (times);
  g_ptr_array_unref (streams);
}

/* ---- Others -------------------------------------------------------------- */

static atomic_bool others_end;

static gpointer
spin (gpointer data)
{
  while (!atomic_load_explicit (&others_end, memory_order_relaxed))
    ;
  return NULL;
}

/* Milliseconds a frame for a while, on all processors, as many threads of
 * others at work. */
static double
run_beside (Live *stream, int n_others, guint n_frames)
{
  GPtrArray *others = g_ptr_array_new ();
  double begin;

  atomic_store (&others_end, false);
  for (int i = 0; i < n_others; i++)
    g_ptr_array_add (others, g_thread_new ("other", spin, NULL));
  live_push (stream);
  begin = bench_now ();
  for (guint i = 0; i < n_frames; i++)
    live_push (stream);
  begin = (bench_now () - begin) / n_frames;
  atomic_store (&others_end, true);
  for (guint i = 0; i < others->len; i++)
    g_thread_join (g_ptr_array_index (others, i));
  g_ptr_array_unref (others);
  return begin;
}

static void
bench_beside_others (Bench *bench)
{
  int n = sympie_cpu_count (), n_rounds = bench->quick ? 1 : 7;
  GArray *ratios = g_array_new (FALSE, FALSE, sizeof (double));
  Live *stream = live_new ("sympieenhance device=cpu gate=off reuse-interval=4",
      BENCH_WIDTH, BENCH_HEIGHT);

  bench_say (bench, "beside %d others\n", n);
  for (int i = 0; i < n_rounds; i++) {
    double alone = run_beside (stream, 0, bench->quick ? 4 : 100);
    double ratio = run_beside (stream, n, bench->quick ? 4 : 100) / alone;

    g_array_append_val (ratios, ratio);
  }
  bench_claim (bench, "all processors busy with others / idle", "x",
      bench_percentile (ratios, 0), bench_percentile (ratios, 0.5), false, 2);
  g_array_unref (ratios);
  live_free (stream);
}

void
bench_streams (Bench *bench, int n)
{
  bench_waiting (bench);
  bench_many (bench, n);
  bench_beside_others (bench);
}
