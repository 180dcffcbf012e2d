/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What live streams suffer: clocks that jump, sources that die and come back,
 * layouts and sizes at the edge, memory that is not to be had. Nothing is lost
 * and nothing stays behind. */

#include <string.h>

#include "../threads.h"
#include "enhance.h"

#define FRAME TEST_FRAME_DURATION

/* ---- Clocks -------------------------------------------------------------- */

/* The pipeline's clock is set an hour ahead, and back, by whoever sets clocks:
 * frames are not late for that. */
GST_START_TEST (test_clock_jumps)
{
  GstHarness *h = enhance_harness (NULL);
  GstVideoInfo info = video_info (TEST_CAPS);
  static const gint64 jumps[] = { 0, 3600, -3600, 3600, 7200 };
  GstClockTime offset = 10000 * GST_SECOND;
  guint number = 0;

  gst_harness_use_testclock (h);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  g_object_set (h->element, "reuse-interval", 5, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (jumps); i++) {
    offset += jumps[i] * GST_SECOND;
    for (guint k = 0; k < 10; k++, number++) {
      /* A test clock does not go back: frames then come early instead. */
      GstBuffer *buffer = test_buffer (&info, number);

      if (jumps[i] >= 0)
        gst_harness_set_time (h, offset + number * FRAME);
      gst_buffer_unref (gst_harness_push_and_pull (h, buffer));
    }
    fail_unless_equals_int (get_interval (h->element), 5);
  }
  fail_unless_equals_uint64 (get_stat (h->element, "frames"), number);
  teardown_with_messages (h);
}
GST_END_TEST;

/* ---- Sources ------------------------------------------------------------- */

/* Times that are missing, stand still, or go back to where they were: estimates
 * go on, and as often as before. */
GST_START_TEST (test_times)
{
  static const gint64 steps[] = { 40, G_MININT64, 0, -4000 }; /* ms */

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    GstHarness *h = enhance_harness (NULL);
    GstVideoInfo info = video_info (TEST_CAPS);
    gint64 time = 100000;

    g_object_set (
        h->element, "reuse-interval", 10, "smoothing", GST_SECOND / 2, NULL);
    gst_harness_set_src_caps_str (h, TEST_CAPS);
    for (guint k = 0; k < 60; k++) {
      GstBuffer *buffer = test_buffer (&info, 0), *out;
      GstClockTime pts;

      if (steps[i] != -4000)
        time += steps[i] == G_MININT64 ? 0 : steps[i];
      else
        time += k % 30 == 29 ? -4000 : 40;
      pts = steps[i] == G_MININT64 ? GST_CLOCK_TIME_NONE
                                   : (GstClockTime) time * GST_MSECOND;
      GST_BUFFER_PTS (buffer) = pts;
      out = gst_harness_push_and_pull (h, buffer);
      fail_unless_equals_uint64 (GST_BUFFER_PTS (out), pts);
      gst_buffer_unref (out);
    }
    /* Every ten frames, and where time goes back. */
    fail_unless (get_stat (h->element, "estimates") >= 6);
    fail_unless (get_stat (h->element, "estimates") <= 8);
    teardown_with_messages (h);
  }
}
GST_END_TEST;

/* A source that counts bytes, as one of raw files does, has no times at all. */
GST_START_TEST (test_bytes)
{
  static const gchar *const launches[] = { "sympieenhance device=cpu",
    "sympieenhance enabled=false", "sympiecorrupt" };

  for (guint i = 0; i < G_N_ELEMENTS (launches); i++) {
    GstHarness *h = harness_with_messages (parse_pipeline (launches[i]));
    GstVideoInfo info = video_info (TEST_CAPS);
    GstSegment segment;

    gst_segment_init (&segment, GST_FORMAT_BYTES);
    gst_harness_set_src_caps_str (h, TEST_CAPS);
    fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
    for (guint k = 0; k < 3; k++) {
      GstBuffer *buffer = test_buffer (&info, k);

      GST_BUFFER_PTS (buffer) = GST_CLOCK_TIME_NONE;
      gst_buffer_unref (gst_harness_push_and_pull (h, buffer));
    }
    assert_no_error (h);
    teardown_with_messages (h);
  }
}
GST_END_TEST;

/* The source ends in the midst of it and another comes, of another size, as
 * often as it likes. */
GST_START_TEST (test_source_comes_back)
{
  GstHarness *h = enhance_harness (NULL);
  static const gchar *const caps[] = { TEST_CAPS,
    "video/x-raw, format = RGB, width = 32, height = 20, framerate = 5/1" };
  GstSegment segment;

  gst_element_set_state (h->element, GST_STATE_NULL);
  gst_util_set_object_arg (G_OBJECT (h->element), "estimation", "async");
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  for (guint i = 0; i < 20; i++) {
    GstVideoInfo info = video_info (caps[i % 2]);
    gchar *id = g_strdup_printf ("source %u", i);

    fail_unless (gst_harness_push_event (h, gst_event_new_stream_start (id)));
    gst_harness_set_src_caps_str (h, caps[i % 2]);
    gst_segment_init (&segment, GST_FORMAT_TIME);
    fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
    push_frames (h, &info, 0, 5);
    if (i % 3 == 0) {
      fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
      gst_harness_push_event (h, gst_event_new_flush_start ());
      gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
    }
    g_free (id);
  }
  fail_unless_equals_uint64 (get_stat (h->element, "frames"), 100);
  teardown_with_messages (h);
  fail_unless_equals_int (threads_settled ("sympie-estimate", 0), 0);
}
GST_END_TEST;

/* ---- Layouts and sizes --------------------------------------------------- */

/* The frame with rows a mebibyte apart. */
static GstBuffer *
spread (const GstVideoInfo *info, GstBuffer *plain)
{
  gsize offsets[GST_VIDEO_MAX_PLANES] = { 0 }, size = 0;
  gint strides[GST_VIDEO_MAX_PLANES] = { 0 };
  GstVideoFrame from, to;
  GstBuffer *buffer;

  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (info); p++) {
    strides[p] = (1 << 20) + (gint) p * 4;
    offsets[p] = size + 12;
    size = offsets[p] + (gsize) strides[p] * GST_VIDEO_INFO_HEIGHT (info);
  }
  buffer = gst_buffer_new_allocate (NULL, size, NULL);
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_INFO_FORMAT (info), GST_VIDEO_INFO_WIDTH (info),
      GST_VIDEO_INFO_HEIGHT (info), GST_VIDEO_INFO_N_PLANES (info), offsets,
      strides);
  fail_unless (
      gst_video_frame_map (&from, (GstVideoInfo *) info, plain, GST_MAP_READ));
  fail_unless (
      gst_video_frame_map (&to, (GstVideoInfo *) info, buffer, GST_MAP_WRITE));
  fail_unless (gst_video_frame_copy (&to, &from));
  gst_video_frame_unmap (&from);
  gst_video_frame_unmap (&to);
  return buffer;
}

/* The picture of a buffer, laid out as the caps say. */
static GBytes *
picture_of (const GstVideoInfo *info, GstBuffer *buffer)
{
  GstBuffer *plain =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  GstVideoFrame from, to;
  gpointer data;
  gsize size;

  gst_buffer_memset (plain, 0, 0, GST_VIDEO_INFO_SIZE (info));
  fail_unless (
      gst_video_frame_map (&from, (GstVideoInfo *) info, buffer, GST_MAP_READ));
  fail_unless (
      gst_video_frame_map (&to, (GstVideoInfo *) info, plain, GST_MAP_WRITE));
  fail_unless (gst_video_frame_copy (&to, &from));
  gst_video_frame_unmap (&from);
  gst_video_frame_unmap (&to);
  gst_buffer_extract_dup (plain, 0, -1, &data, &size);
  gst_buffer_unref (plain);
  return g_bytes_new_take (data, size);
}

GST_START_TEST (test_edges)
{
  static const gchar *const formats[] = { "RGB", "I420", "NV12", "YUY2",
    "P010_10LE", "v210" };
  static const gint sizes[][2] = { { 1, 1 }, { 1, 9 }, { 9, 1 }, { 16384, 2 },
    { 2, 16384 }, { 36, 7 } };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    for (guint k = 0; k < G_N_ELEMENTS (sizes); k++) {
      gchar *caps = g_strdup_printf ("video/x-raw, format = %s, width = %d, "
                                     "height = %d, framerate = 25/1",
          formats[i], sizes[k][0], sizes[k][1]);
      GstVideoInfo info = video_info (caps);
      /* Samples of a word that no pixel has may be anything. */
      gboolean has_spare = i >= 3 && i != 4 && sizes[k][0] % 6 != 0;
      GstHarness *h = enhance_harness (NULL);
      GstBuffer *plain = test_buffer (&info, 1), *out;
      GBytes *one, *two;

      gst_harness_set_src_caps_str (h, caps);
      out = gst_harness_push_and_pull (h, gst_buffer_ref (plain));
      one = picture_of (&info, out);
      gst_buffer_unref (out);
      /* Sixteen gibibytes are not to be had for 16384 rows. */
      if (sizes[k][1] < 100) {
        out = gst_harness_push_and_pull (h, spread (&info, plain));
        two = picture_of (&info, out);
        fail_unless (has_spare || g_bytes_equal (one, two), "%s", caps);
        g_bytes_unref (two);
        gst_buffer_unref (out);
      }
      g_bytes_unref (one);
      gst_buffer_unref (plain);
      teardown_with_messages (h);
      g_free (caps);
    }
}
GST_END_TEST;

/* ---- Memory -------------------------------------------------------------- */

typedef GstBufferPool PoorPool;
typedef GstBufferPoolClass PoorPoolClass;

GType poor_pool_get_type (void);

static gint n_left; /* frames that memory is for */

G_DEFINE_TYPE (PoorPool, poor_pool, GST_TYPE_BUFFER_POOL);

static GstFlowReturn
poor_pool_alloc (
    GstBufferPool *pool, GstBuffer **buffer, GstBufferPoolAcquireParams *params)
{
  if (g_atomic_int_add (&n_left, -1) <= 0)
    return GST_FLOW_ERROR;
  return GST_BUFFER_POOL_CLASS (poor_pool_parent_class)
      ->alloc_buffer (pool, buffer, params);
}

static void
poor_pool_class_init (PoorPoolClass *klass)
{
  klass->alloc_buffer = poor_pool_alloc;
}

static void
poor_pool_init (PoorPool *pool)
{
}

static GstPadProbeReturn
offer_poor_pool (GstPad *pad, GstPadProbeInfo *probe, gpointer data)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (probe);
  GstBufferPool *pool;
  GstStructure *config;
  GstVideoInfo info;
  GstCaps *caps;

  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION
      || !(GST_PAD_PROBE_INFO_TYPE (probe) & GST_PAD_PROBE_TYPE_PULL))
    return GST_PAD_PROBE_OK;
  gst_query_parse_allocation (query, &caps, NULL);
  fail_unless (gst_video_info_from_caps (&info, caps));
  pool = g_object_new (poor_pool_get_type (), NULL);
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_set_params (
      config, caps, (guint) GST_VIDEO_INFO_SIZE (&info), 0, 0);
  fail_unless (gst_buffer_pool_set_config (pool, config));
  gst_query_add_allocation_pool (
      query, pool, (guint) GST_VIDEO_INFO_SIZE (&info), 0, 0);
  gst_object_unref (pool);
  return GST_PAD_PROBE_OK;
}

/* Downstream's pool has no memory left: an error in the stream, not a crash,
 * and once there is memory again it plays. */
GST_START_TEST (test_no_memory)
{
  SympieParams params = test_params (1);
  GstHarness *h = enhance_harness (&params);
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *ours = test_buffer (&info, 0);

  gst_pad_add_probe (h->sinkpad,
      GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM | GST_PAD_PROBE_TYPE_PULL
          | GST_PAD_PROBE_TYPE_PUSH,
      offer_poor_pool, NULL, NULL);
  g_atomic_int_set (&n_left, 2);
  for (guint i = 0; i < 3; i++) {
    GstBuffer *held[4] = { NULL };
    guint n = 0;

    gst_harness_set_src_caps_str (h, TEST_CAPS);
    while (n < G_N_ELEMENTS (held)
           && gst_harness_push (h, gst_buffer_ref (ours)) == GST_FLOW_OK)
      held[n++] = gst_harness_pull (h);
    fail_unless (n > 0 && n < G_N_ELEMENTS (held), "%u frames", n);
    while (n > 0)
      gst_buffer_unref (held[--n]);
    gst_element_set_state (h->element, GST_STATE_READY);
    g_atomic_int_set (&n_left, 2);
    gst_element_set_state (h->element, GST_STATE_PLAYING);
  }
  teardown_with_messages (h);
  fail_unless_equals_int (GST_MINI_OBJECT_REFCOUNT_VALUE (ours), 1);
  gst_buffer_unref (ours);
}
GST_END_TEST;

/* A picture without the bytes that GStreamer puts at the end of its rows, as
 * NumPy has it. */
GST_START_TEST (test_rows_without_padding)
{
  static const gchar *const elements[] = { "sympieenhance device=cpu gate=off",
    "sympiecorrupt" };

  for (guint i = 0; i < G_N_ELEMENTS (elements); i++) {
    GstHarness *h = harness_with_messages (parse_pipeline (elements[i]));

    gst_harness_set_src_caps_str (
        h, "video/x-raw, format=RGB, width=10, height=10, framerate=25/1");
    fail_unless_equals_int (
        gst_harness_push (h, gst_harness_create_buffer (h, 300)),
        GST_FLOW_ERROR);
    assert_said_once (
        h, GST_MESSAGE_ERROR, "of 300 bytes: RGB of 10x10 takes 320");
    teardown_with_messages (h);
  }
}
GST_END_TEST;

static Suite *
faults_suite (void)
{
  Suite *suite = suite_create ("faults");
  TCase *tests = tcase_create ("general");

  suite_add_tcase (suite, tests);
  tcase_add_test (tests, test_clock_jumps);
  tcase_add_test (tests, test_times);
  tcase_add_test (tests, test_bytes);
  tcase_add_test (tests, test_source_comes_back);
  tcase_add_test (tests, test_edges);
  tcase_add_test (tests, test_no_memory);
  tcase_add_test (tests, test_rows_without_padding);
  return suite;
}

GST_CHECK_MAIN (faults);
