/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* sympieenhance on live streams: when it estimates and where, what becomes of
 * that from frame to frame, what it tells of it, and what it does under load.
 */

#include <math.h>

#include "../threads.h"
#include "enhance.h"

#define FRAME TEST_FRAME_DURATION

/* A frame in one tone, which makes an estimate that is all its own. */
static GstBuffer *
plain_buffer (const GstVideoInfo *info, GstClockTime time, guint8 tone)
{
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);

  gst_buffer_memset (buffer, 0, tone, GST_VIDEO_INFO_SIZE (info));
  GST_BUFFER_PTS (buffer) = time;
  GST_BUFFER_DURATION (buffer) = FRAME;
  return buffer;
}

static void
push_plain (GstHarness *h, GstClockTime time, guint8 tone)
{
  GstVideoInfo info = video_info (TEST_CAPS);

  gst_buffer_unref (
      gst_harness_push_and_pull (h, plain_buffer (&info, time, tone)));
}

/* What NEM says of a plain frame. */
static SympieParams
estimate_of (guint8 tone)
{
  GstVideoInfo info = video_info (TEST_CAPS);
  gsize size = GST_VIDEO_INFO_SIZE (&info);
  guint8 *data = g_malloc (size);
  SympieImage image = test_image (SYMPIE_FORMAT_RGB, &info, data);
  SympieContext *context = test_context (TRUE);
  SympieParams params;

  memset (data, tone, size);
  image.colorimetry.full_range = true;
  fail_unless (sympie_estimate (context, &image, &params, NULL, NULL));
  sympie_close (context);
  g_free (data);
  return params;
}

static void
assert_last (GstHarness *h, const SympieParams *expected)
{
  SympieParams last;

  fail_unless (get_parameters (h->element, "last-parameters", &last));
  fail_unless (sympie_params_distance (&last, expected) < 1e-4f, "%g",
      sympie_params_distance (&last, expected));
}

static SympieParams
between (const SympieParams *a, const SympieParams *b, gdouble part)
{
  SympieParams params;

  sympie_params_blend (a, b, (gfloat) part, &params);
  return params;
}

static GstHarness *
live_harness (void)
{
  GstHarness *h = enhance_harness (NULL);

  gst_harness_set_src_caps_str (h, TEST_CAPS);
  return h;
}

/* As many seconds, whatever the frames. */
GST_START_TEST (test_reuse_time)
{
  GstHarness *h = live_harness ();

  g_object_set (h->element, "reuse-time", GST_SECOND, NULL);
  for (guint i = 0; i < 51; i++)
    push_plain (h, i * FRAME, 100);
  assert_stats (h->element, 51, 3, 48);
  for (guint i = 0; i < 5; i++)
    push_plain (h, 2 * GST_SECOND + (i + 1) * 500 * GST_MSECOND, 100);
  assert_stats (h->element, 56, 5, 51);
  teardown_with_messages (h);
}
GST_END_TEST;

GST_START_TEST (test_adaptive)
{
  GstHarness *h = live_harness ();
  SympieParams dark = estimate_of (20), bright = estimate_of (200);

  gst_util_set_object_arg (G_OBJECT (h->element), "reuse", "adaptive");
  for (guint i = 0; i < 100; i++)
    push_plain (h, i * FRAME, 20);
  assert_stats (h->element, 100, 1, 99);
  assert_last (h, &dark);
  push_plain (h, 100 * FRAME, 200);
  assert_stats (h->element, 101, 2, 99);
  assert_last (h, &bright);
  teardown_with_messages (h);
}
GST_END_TEST;

/* Towards what is new in stream time, at once at a cut. */
GST_START_TEST (test_smoothing)
{
  GstHarness *h = live_harness ();
  SympieParams first = estimate_of (60), second = estimate_of (66), expected;

  g_object_set (h->element, "smoothing", GST_SECOND, NULL);
  push_plain (h, 0, 60);
  assert_last (h, &first);
  push_plain (h, FRAME, 66);
  expected = between (&first, &second, 1 - exp (-0.04));
  assert_last (h, &expected);
  push_plain (h, FRAME + 700 * GST_MSECOND, 66);
  expected = between (&first, &second, 1 - exp (-0.74));
  assert_last (h, &expected);
  push_plain (h, 2 * FRAME + 700 * GST_MSECOND, 200);
  expected = estimate_of (200);
  assert_last (h, &expected);
  teardown_with_messages (h);
}
GST_END_TEST;

/* It is on unless told otherwise; where no time is known to pass, estimates
 * count at once. */
GST_START_TEST (test_smoothing_by_default)
{
  GstElement *element = gst_element_factory_make ("sympieenhance", NULL);
  GstHarness *h = harness_with_messages (element);
  SympieParams first = estimate_of (60), second = estimate_of (66), expected;
  GstVideoInfo info = video_info (TEST_CAPS);
  guint8 tones[] = { 60, 66 };

  gst_element_set_state (element, GST_STATE_NULL);
  gst_util_set_object_arg (G_OBJECT (element), "gate", "off");
  gst_element_set_state (element, GST_STATE_PLAYING);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  push_plain (h, 0, 60);
  push_plain (h, FRAME, 66);
  expected = between (&first, &second, 1 - exp (-0.04 / 0.75));
  assert_last (h, &expected);
  /* Times that stand still count as frames do. */
  push_plain (h, FRAME, 66);
  expected = between (&first, &second, 1 - exp (-0.08 / 0.75));
  assert_last (h, &expected);

  gst_harness_set_src_caps_str (
      h, "video/x-raw, format = RGB, width = 64, height = 48, framerate = 0/1");
  for (guint i = 0; i < 2; i++) {
    GstBuffer *buffer = plain_buffer (&info, GST_CLOCK_TIME_NONE, tones[i]);

    GST_BUFFER_DURATION (buffer) = GST_CLOCK_TIME_NONE;
    gst_buffer_unref (gst_harness_push_and_pull (h, buffer));
  }
  assert_last (h, &second);
  teardown_with_messages (h);
}
GST_END_TEST;

/* The element scenechange says that a scene begins. */
GST_START_TEST (test_scene_change_event)
{
  GstHarness *h = live_harness ();

  g_object_set (h->element, "reuse-interval", 1000, NULL);
  push_plain (h, 0, 60);
  push_plain (h, FRAME, 61);
  assert_stats (h->element, 2, 1, 1);
  fail_unless (gst_harness_push_event (
      h, gst_video_event_new_downstream_force_key_unit (GST_CLOCK_TIME_NONE,
             GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, FALSE, 0)));
  push_plain (h, 2 * FRAME, 61);
  push_plain (h, 3 * FRAME, 61);
  assert_stats (h->element, 4, 2, 2);
  teardown_with_messages (h);
}
GST_END_TEST;

/* ---- Aside --------------------------------------------------------------- */

static GstHarness *
async_harness (void)
{
  GstHarness *h = enhance_harness (NULL);

  gst_element_set_state (h->element, GST_STATE_NULL);
  gst_util_set_object_arg (G_OBJECT (h->element), "estimation", "async");
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  return h;
}

/* Pushes frames of a tone from `time` on until an estimate more is known. */
static guint
push_until_estimated (GstHarness *h, GstClockTime time, guint8 tone)
{
  guint64 before = get_stat (h->element, "estimates");
  guint n = 0;

  do {
    push_plain (h, time + n * GST_MSECOND, tone);
  } while (!estimate_came (h->element, before, ++n));
  return n;
}

/* Frames pass until the first estimate; then they are enhanced as with sync. */
GST_START_TEST (test_async)
{
  GstHarness *h = async_harness ();
  GstVideoInfo info = video_info (TEST_CAPS);
  SympieParams dark = estimate_of (20), bright = estimate_of (200);
  GstBuffer *in = plain_buffer (&info, 0, 20), *out;

  g_object_set (h->element, "reuse-interval", G_MAXUINT, NULL);
  out = gst_harness_push_and_pull (h, in);
  fail_unless_equals_int (
      gst_buffer_memcmp (out, 0, "\x14\x14\x14\x14\x14\x14\x14\x14", 8), 0);
  gst_buffer_unref (out);
  push_until_estimated (h, GST_MSECOND, 20);
  assert_last (h, &dark);
  /* A cut: what is old holds until the new is there. */
  push_plain (h, 6 * GST_SECOND, 200);
  push_until_estimated (h, 6 * GST_SECOND + GST_MSECOND, 200);
  assert_last (h, &bright);
  teardown_with_messages (h);
  fail_unless_equals_int (threads_settled ("sympie-estimate", 0), 0);
}
GST_END_TEST;

/* Iterations after the first are estimated at once, from what the first made of
 * the frame. */
GST_START_TEST (test_async_iterations)
{
  GstHarness *h = async_harness ();
  GstVideoInfo info = video_info (TEST_CAPS);
  gsize size = GST_VIDEO_INFO_SIZE (&info);
  guint8 *expected = g_malloc (size);
  SympieImage image = test_image (SYMPIE_FORMAT_RGB, &info, expected);
  SympieConfig config = SYMPIE_CONFIG_INIT;
  SympieContext *context;
  SympieParams params;
  GstBuffer *out;
  guint n;

  /* The gate would spare a plain frame. */
  config.weights = g_getenv ("SYMPIE_WEIGHTS");
  config.device = SYMPIE_DEVICE_CPU;
  config.ignore_gate = true;
  context = sympie_open (&config, NULL);
  fail_unless (context != NULL);
  memset (expected, 20, size);
  image.colorimetry.full_range = true;
  for (guint i = 0; i < 2; i++) {
    guint8 before = expected[size / 2];

    fail_unless (sympie_estimate (context, &image, &params, NULL, NULL));
    fail_unless (apply_in_place (context, &image, &params));
    fail_if (expected[size / 2] == before);
  }
  sympie_close (context);

  gst_element_set_state (h->element, GST_STATE_NULL);
  gst_util_set_object_arg (G_OBJECT (h->element), "gate", "off");
  g_object_set (h->element, "iterations", 2, NULL);
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  n = push_until_estimated (h, 0, 20);
  out =
      gst_harness_push_and_pull (h, plain_buffer (&info, n * GST_MSECOND, 20));
  fail_unless_equals_int (gst_buffer_memcmp (out, 0, expected, size), 0);
  gst_buffer_unref (out);
  g_free (expected);
  teardown_with_messages (h);
}
GST_END_TEST;

/* The frame that is looked at stays as it was, in memory of its own; nothing is
 * held once the stream was flushed or stopped. */
GST_START_TEST (test_async_holds)
{
  GstHarness *h = async_harness ();
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *kept = plain_buffer (&info, 0, 20);
  GstSegment segment;
  GstMapInfo map;

  for (guint round = 0; round < 40; round++) {
    gst_buffer_unref (gst_harness_push_and_pull (h, gst_buffer_ref (kept)));
    push_plain (h, FRAME, 20 + round);
    if (round % 4 == 0) {
      gst_harness_push_event (h, gst_event_new_flush_start ());
      gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
      gst_segment_init (&segment, GST_FORMAT_TIME);
      gst_harness_push_event (h, gst_event_new_segment (&segment));
      fail_unless (gst_buffer_is_writable (kept));
    } else if (round % 4 == 1) {
      gst_element_set_state (h->element, GST_STATE_READY);
      fail_unless (gst_buffer_is_writable (kept));
      fail_unless_equals_int (threads_settled ("sympie-estimate", 0), 0);
      gst_element_set_state (h->element, GST_STATE_PLAYING);
      gst_harness_set_src_caps_str (h, TEST_CAPS);
    } else if (round % 4 == 2) {
      gst_harness_set_src_caps_str (h,
          "video/x-raw, format = RGB, width = 64, height = 48, "
          "framerate = 30/1");
      fail_unless (gst_buffer_is_writable (kept));
      gst_harness_set_src_caps_str (h, TEST_CAPS);
    }
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  teardown_with_messages (h);
  fail_unless (gst_buffer_is_writable (kept));
  fail_unless (gst_buffer_map (kept, &map, GST_MAP_READ));
  for (gsize i = 0; i < map.size; i++)
    fail_unless_equals_int (map.data[i], 20);
  gst_buffer_unmap (kept, &map);
  gst_buffer_unref (kept);
}
GST_END_TEST;

/* What is estimated when the stream ends is told of. It is the latest frame's
 * where that passed untouched anyway, but not where that was enhanced. */
static void
check_end (const gchar *mode, const SympieParams *expected)
{
  GstHarness *h = async_harness ();
  GstMessage *message;
  guint64 time;
  guint age;

  gst_util_set_object_arg (G_OBJECT (h->element), "mode", mode);
  g_object_set (h->element, "post-messages", TRUE, NULL);
  push_plain (h, FRAME, 20);
  assert_stats (h->element, 1, 0, 1);
  gst_harness_push_event (h, gst_event_new_eos ());
  assert_stats (h->element, 1, 1, 1);
  assert_last (h, expected);
  message =
      gst_bus_pop_filtered (GST_ELEMENT_BUS (h->element), GST_MESSAGE_ELEMENT);
  fail_unless (message != NULL);
  fail_unless (gst_message_has_name (message, "sympieenhance-parameters"));
  fail_unless (gst_structure_get (gst_message_get_structure (message), "time",
      G_TYPE_UINT64, &time, "age", G_TYPE_UINT, &age, NULL));
  fail_unless_equals_uint64 (time, FRAME);
  fail_unless_equals_int (age, 0);
  gst_message_unref (message);
  /* Once. */
  gst_harness_push_event (h, gst_event_new_eos ());
  assert_stats (h->element, 1, 1, 1);
  assert_no_error (h);
  teardown_with_messages (h);
}

GST_START_TEST (test_async_end)
{
  SympieParams dark = estimate_of (20), identity;

  sympie_params_identity (&identity);
  check_end ("estimate", &dark);
  check_end ("enhance", &identity);
}
GST_END_TEST;

/* What was estimated before others' parameters were applied has nothing to do
 * with the frames after that. */
GST_START_TEST (test_async_mode)
{
  GstHarness *h = async_harness ();
  SympieParams identity;

  sympie_params_identity (&identity);
  push_plain (h, 0, 20);
  gst_util_set_object_arg (G_OBJECT (h->element), "mode", "apply");
  push_plain (h, FRAME, 20);
  g_usleep (G_USEC_PER_SEC / 2); /* in which NEM is done */
  gst_util_set_object_arg (G_OBJECT (h->element), "mode", "enhance");
  push_plain (h, 2 * FRAME, 200);
  assert_last (h, &identity);
  teardown_with_messages (h);
}
GST_END_TEST;

/* ---- Telling ------------------------------------------------------------- */

static GstStructure *
meta_of (GstBuffer *buffer)
{
  GstCustomMeta *meta =
      gst_buffer_get_custom_meta (buffer, "GstSympieParamsMeta");

  return meta ? gst_custom_meta_get_structure (meta) : NULL;
}

GST_START_TEST (test_meta)
{
  GstHarness *h = live_harness ();
  GstVideoInfo info = video_info (TEST_CAPS);

  g_object_set (h->element, "reuse-interval", 3, NULL);
  for (guint i = 0; i < 7; i++) {
    GstBuffer *in = plain_buffer (&info, i * FRAME, 20), *out;
    gboolean estimated;
    guint age;
    guint64 time;

    g_object_set (h->element, "attach-parameters", i > 0, NULL);
    if (i > 3)
      gst_buffer_ref (in); /* not in place */
    out = gst_harness_push_and_pull (h, in);
    fail_unless ((meta_of (out) != NULL) == (i > 0));
    if (i > 0) {
      fail_unless (gst_structure_get (meta_of (out), "estimated",
          G_TYPE_BOOLEAN, &estimated, "age", G_TYPE_UINT, &age, "time",
          G_TYPE_UINT64, &time, NULL));
      fail_unless_equals_int (estimated, i % 3 == 0);
      fail_unless_equals_int (age, i % 3);
      fail_unless_equals_uint64 (time, i / 3 * 3 * FRAME);
    }
    if (i > 3) {
      fail_unless (meta_of (in) == NULL);
      gst_buffer_unref (in);
    }
    gst_buffer_unref (out);
  }
  teardown_with_messages (h);
}
GST_END_TEST;

/* One estimates and marks, another applies: the same bytes as one that does
 * both. */
GST_START_TEST (test_modes)
{
  GstHarness *both = live_harness (), *one = live_harness (),
             *other = enhance_harness (NULL);
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *marked, *applied, *expected;
  GstMapInfo a, b;

  gst_util_set_object_arg (G_OBJECT (one->element), "mode", "estimate");
  g_object_set (one->element, "attach-parameters", TRUE, NULL);
  gst_util_set_object_arg (G_OBJECT (other->element), "mode", "apply");
  gst_harness_set_src_caps_str (other, TEST_CAPS);
  for (guint i = 0; i < 3; i++) {
    GstBuffer *in = test_buffer (&info, i);

    expected = gst_harness_push_and_pull (both, test_buffer (&info, i));
    if (i == 1)
      gst_buffer_ref (in);
    marked = gst_harness_push_and_pull (one, in);
    fail_unless (meta_of (marked) != NULL);
    if (i == 1) {
      fail_unless (meta_of (in) == NULL);
      gst_buffer_unref (in);
    }
    applied = gst_harness_push_and_pull (other, marked);
    fail_unless (gst_buffer_map (applied, &a, GST_MAP_READ));
    fail_unless (gst_buffer_map (expected, &b, GST_MAP_READ));
    fail_unless_equals_int (memcmp (a.data, b.data, a.size), 0);
    gst_buffer_unmap (applied, &a);
    gst_buffer_unmap (expected, &b);
    gst_buffer_unref (applied);
    gst_buffer_unref (expected);
  }
  assert_stats (one->element, 3, 3, 0);
  assert_stats (other->element, 3, 0, 0);
  teardown_with_messages (both);
  teardown_with_messages (one);
  teardown_with_messages (other);
}
GST_END_TEST;

static void
count_notify (GObject *object, GParamSpec *pspec, gpointer data)
{
  (*(guint *) data)++;
}

GST_START_TEST (test_messages)
{
  GstHarness *h = live_harness ();
  GstMessage *message;
  guint n = 0, n_notified = 0;
  gint64 begin = g_get_monotonic_time ();

  g_signal_connect (h->element, "notify::last-parameters",
      G_CALLBACK (count_notify), &n_notified);
  g_object_set (h->element, "reuse-interval", 2, NULL);
  push_plain (h, 0, 20);
  g_object_set (h->element, "post-messages", TRUE, NULL);
  for (guint i = 1; i < 9; i++)
    push_plain (h, i * FRAME, 20);
  while ((message = gst_bus_pop_filtered (
              GST_ELEMENT_BUS (h->element), GST_MESSAGE_ELEMENT))) {
    const GstStructure *structure = gst_message_get_structure (message);

    fail_unless (
        gst_structure_has_name (structure, "sympieenhance-parameters"));
    fail_unless (gst_structure_has_field_typed (
        structure, "parameters", GST_TYPE_ARRAY));
    gst_message_unref (message);
    n++;
  }
  fail_unless_equals_int (n, 4);
  fail_unless (n_notified >= 1
               && n_notified <= 1 + (g_get_monotonic_time () - begin) / 200000);
  teardown_with_messages (h);
}
GST_END_TEST;

/* ---- Load ---------------------------------------------------------------- */

/* A late frame makes estimates rarer, and says so. */
GST_START_TEST (test_load)
{
  GstHarness *h = live_harness ();
  GstMessage *message;
  gint64 begin;
  guint load, interval;

  g_object_set (h->element, "reuse-interval", 3, NULL);
  push_plain (h, 0, 20);
  fail_unless_equals_int (get_interval (h->element), 3);
  gst_harness_push_upstream_event (
      h, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.1, GST_MSECOND, 0));
  begin = g_get_monotonic_time ();
  push_plain (h, FRAME, 20);
  fail_unless_equals_int (get_interval (h->element), 6);
  for (guint i = 2; i < 12; i++)
    push_plain (h, i * FRAME, 20);
  /* After two seconds without a late frame all is as before. */
  if (g_get_monotonic_time () - begin < 2 * G_TIME_SPAN_SECOND)
    assert_stats (h->element, 12, 2, 10);
  message =
      gst_bus_pop_filtered (GST_ELEMENT_BUS (h->element), GST_MESSAGE_ELEMENT);
  fail_unless (message != NULL);
  fail_unless (gst_message_has_name (message, "sympieenhance-load"));
  fail_unless (gst_structure_get (gst_message_get_structure (message), "load",
      G_TYPE_UINT, &load, "interval", G_TYPE_UINT, &interval, NULL));
  fail_unless_equals_int (load, 1);
  fail_unless_equals_int (interval, 6);
  gst_message_unref (message);
  teardown_with_messages (h);
}
GST_END_TEST;

/* A sink that throttles finds nothing late. */
GST_START_TEST (test_throttled)
{
  GstHarness *h = live_harness ();

  g_object_set (h->element, "reuse-interval", 3, NULL);
  gst_harness_push_upstream_event (
      h, gst_event_new_qos (GST_QOS_TYPE_THROTTLE, 1.1, GST_MSECOND, 0));
  push_plain (h, FRAME, 20);
  fail_unless_equals_int (get_interval (h->element), 3);
  teardown_with_messages (h);
}
GST_END_TEST;

/* A stream that begins knows nothing of the load of the one before. */
GST_START_TEST (test_load_is_forgotten)
{
  GstHarness *h = live_harness ();

  g_object_set (h->element, "reuse-interval", 3, NULL);
  for (guint i = 0; i < 2; i++) {
    for (guint k = 0; k < 7; k++)
      push_plain (h, k * FRAME, 20);
    assert_stats (h->element, 7, 3, 4);
    gst_harness_push_upstream_event (
        h, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 1.1, GST_MSECOND, 0));
    push_plain (h, 7 * FRAME, 20);
    fail_unless_equals_int (get_interval (h->element), 6);
    gst_element_set_state (h->element, GST_STATE_READY);
    gst_element_set_state (h->element, GST_STATE_PLAYING);
    fail_unless_equals_int (get_interval (h->element), 3);
    gst_harness_set_src_caps_str (h, TEST_CAPS);
  }
  teardown_with_messages (h);
}
GST_END_TEST;

static Suite *
live_suite (void)
{
  Suite *suite = suite_create ("live");
  TCase *tests = tcase_create ("general");

  suite_add_tcase (suite, tests);
  tcase_add_test (tests, test_reuse_time);
  tcase_add_test (tests, test_adaptive);
  tcase_add_test (tests, test_smoothing);
  tcase_add_test (tests, test_smoothing_by_default);
  tcase_add_test (tests, test_scene_change_event);
  tcase_add_test (tests, test_async);
  tcase_add_test (tests, test_async_iterations);
  tcase_add_test (tests, test_async_holds);
  tcase_add_test (tests, test_async_end);
  tcase_add_test (tests, test_async_mode);
  tcase_add_test (tests, test_meta);
  tcase_add_test (tests, test_modes);
  tcase_add_test (tests, test_messages);
  tcase_add_test (tests, test_load);
  tcase_add_test (tests, test_throttled);
  tcase_add_test (tests, test_load_is_forgotten);
  return suite;
}

GST_CHECK_MAIN (live);
