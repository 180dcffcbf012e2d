/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the properties of sympieenhance do, also while it plays. */

#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>
#include <string.h>

#include "enhance.h"

/* Test frame `number` with `params` applied, then `again`, if given. */
static GstBuffer *
expected_buffer (const GstVideoInfo *info, guint number,
    const SympieParams *params, const SympieParams *again)
{
  SympieContext *context = test_context (FALSE);
  GstBuffer *buffer = test_buffer (info, number);
  SympieImage image;
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READWRITE));
  image = test_image (SYMPIE_FORMAT_RGB, info, map.data);
  image.colorimetry.full_range = true;
  fail_unless (apply_in_place (context, &image, params));
  if (again)
    fail_unless (apply_in_place (context, &image, again));
  gst_buffer_unmap (buffer, &map);
  sympie_close (context);
  return buffer;
}

static SympieParams
blended (const SympieParams *params, gdouble strength)
{
  SympieParams blend;

  sympie_params_identity (&blend);
  sympie_params_blend (&blend, params, (float) strength, &blend);
  return blend;
}

/* Takes both buffers. */
static void
assert_same_bytes (GstBuffer *a, GstBuffer *b)
{
  fail_unless (same_bytes (a, b));
  gst_buffer_unref (a);
  gst_buffer_unref (b);
}

/* A harness that plays TEST_CAPS with test_params (1) by hand. */
static GstHarness *
harness_by_hand (void)
{
  SympieParams params = test_params (1);
  GstHarness *h = enhance_harness (&params);

  gst_harness_set_src_caps_str (h, TEST_CAPS);
  return h;
}

static void
push_and_compare (GstHarness *h, guint number, const SympieParams *params)
{
  GstVideoInfo info = video_info (TEST_CAPS);

  assert_same_bytes (gst_harness_push_and_pull (h, test_buffer (&info, number)),
      expected_buffer (&info, number, params, NULL));
}

/* The buffer comes out as it went in, although it may be written. */
static void
push_untouched (GstHarness *h, guint number)
{
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *in = test_buffer (&info, number), *out;

  out = gst_harness_push_and_pull (h, in);
  fail_unless (out == in);
  assert_same_bytes (out, test_buffer (&info, number));
}

GST_START_TEST (test_defaults)
{
  GstElement *element = gst_element_factory_make ("sympieenhance", NULL);
  gint device, active_device;
  guint n_threads, iterations, reuse_interval;
  gboolean enabled, qos;
  gdouble strength;
  gchar *weights;
  SympieParams params;

  g_object_get (element, "weights", &weights, "device", &device,
      "active-device", &active_device, "n-threads", &n_threads, "enabled",
      &enabled, "strength", &strength, "iterations", &iterations,
      "reuse-interval", &reuse_interval, "qos", &qos, NULL);
  fail_unless_equals_string (weights, g_getenv ("SYMPIE_WEIGHTS"));
  fail_unless_equals_int (device, SYMPIE_DEVICE_AUTO);
  fail_unless_equals_int (active_device, SYMPIE_DEVICE_AUTO);
  fail_unless_equals_int (n_threads, 0);
  fail_unless (enabled);
  fail_unless (qos);
  fail_unless (strength == 1.0);
  fail_unless_equals_int (iterations, 1);
  fail_unless_equals_int (reuse_interval, 1);
  fail_if (get_parameters (element, "parameters", &params));
  fail_if (get_parameters (element, "last-parameters", &params));
  assert_stats (element, 0, 0, 0);
  fail_unless_equals_uint64 (get_stat (element, "estimate-time"), 0);
  fail_unless_equals_uint64 (get_stat (element, "apply-time"), 0);

  g_free (weights);
  gst_object_unref (element);
}
GST_END_TEST;

/* Property, then environment, then installation. */
GST_START_TEST (test_weights)
{
  GstElement *element = gst_element_factory_make ("sympieenhance", NULL);
  gchar *environment = g_strdup (g_getenv ("SYMPIE_WEIGHTS"));
  gchar *weights;

  g_object_set (element, "weights", "/some/where.safetensors", NULL);
  g_object_get (element, "weights", &weights, NULL);
  fail_unless_equals_string (weights, "/some/where.safetensors");
  g_free (weights);

  g_object_set (element, "weights", "", NULL);
  g_object_get (element, "weights", &weights, NULL);
  fail_unless_equals_string (weights, environment);
  g_free (weights);

  g_unsetenv ("SYMPIE_WEIGHTS");
  g_object_set (element, "weights", NULL, NULL);
  g_object_get (element, "weights", &weights, NULL);
  fail_unless (g_str_has_suffix (weights, "/gst-sympie/nem.safetensors"));
  g_free (weights);

  g_setenv ("SYMPIE_WEIGHTS", environment, TRUE);
  g_free (environment);
  gst_object_unref (element);
}
GST_END_TEST;

GST_START_TEST (test_device)
{
  GstElement *element = parse_pipeline ("sympieenhance device=cpu");
  GstHarness *h = harness_with_messages (element);
  GstVideoInfo info = video_info (TEST_CAPS);
  gint device;

  gst_harness_set_src_caps_str (h, TEST_CAPS);
  push_frames (h, &info, 0, 1);
  g_object_get (element, "active-device", &device, NULL);
  fail_unless_equals_int (device, SYMPIE_DEVICE_CPU);

  gst_element_set_state (element, GST_STATE_READY);
  g_object_get (element, "active-device", &device, NULL);
  fail_unless_equals_int (device, SYMPIE_DEVICE_AUTO);

  teardown_with_messages (h);
}
GST_END_TEST;

/* The result does not depend on the number of threads. */
GST_START_TEST (test_n_threads)
{
  SympieParams params = test_params (1);

  for (guint n = 1; n <= 3; n++) {
    GstHarness *h = enhance_harness (&params);

    gst_element_set_state (h->element, GST_STATE_NULL);
    g_object_set (h->element, "n-threads", n, NULL);
    gst_element_set_state (h->element, GST_STATE_PLAYING);
    gst_harness_set_src_caps_str (h, TEST_CAPS);
    push_and_compare (h, n, &params);
    teardown_with_messages (h);
  }
}
GST_END_TEST;

/* Disabled, buffers pass as they are, from the start or from any frame on, and
 * buffers that may not be written do so too. */
GST_START_TEST (test_enabled)
{
  GstHarness *h = harness_by_hand ();
  GstVideoInfo info = video_info (TEST_CAPS);
  SympieParams params = test_params (1);
  GstBuffer *in, *out;

  g_object_set (h->element, "enabled", FALSE, NULL);
  push_untouched (h, 0);
  in = test_buffer (&info, 1);
  out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
  fail_unless (out == in);
  gst_buffer_unref (in);
  gst_buffer_unref (out);
  assert_stats (h->element, 0, 0, 0);

  g_object_set (h->element, "enabled", TRUE, NULL);
  push_and_compare (h, 2, &params);
  in = test_buffer (&info, 3);
  out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
  fail_unless (out != in);
  fail_unless (out->pool != NULL);
  gst_buffer_unref (in);
  assert_same_bytes (out, expected_buffer (&info, 3, &params, NULL));

  g_object_set (h->element, "enabled", FALSE, NULL);
  push_untouched (h, 4);
  assert_stats (h->element, 2, 0, 0);
  teardown_with_messages (h);
}
GST_END_TEST;

GST_START_TEST (test_strength)
{
  GstHarness *h = harness_by_hand ();
  SympieParams params = test_params (1), blend;

  push_and_compare (h, 0, &params);
  g_object_set (h->element, "strength", 0.25, NULL);
  blend = blended (&params, 0.25);
  push_and_compare (h, 1, &blend);
  g_object_set (h->element, "strength", 0.0, NULL);
  push_untouched (h, 2);
  g_object_set (h->element, "strength", 1.0, NULL);
  push_and_compare (h, 3, &params);
  assert_stats (h->element, 3, 0, 0);
  teardown_with_messages (h);
}
GST_END_TEST;

/* A controller that raises the strength from 0 to 1 over ten frames. */
GST_START_TEST (test_controller)
{
  GstHarness *h = harness_by_hand ();
  SympieParams params = test_params (1);
  GstControlSource *source = gst_interpolation_control_source_new ();
  GstTimedValueControlSource *timed = GST_TIMED_VALUE_CONTROL_SOURCE (source);

  g_object_set (source, "mode", GST_INTERPOLATION_MODE_LINEAR, NULL);
  fail_unless (gst_timed_value_control_source_set (timed, 0, 0.0));
  fail_unless (gst_timed_value_control_source_set (
      timed, 10 * TEST_FRAME_DURATION, 1.0));
  fail_unless (gst_object_add_control_binding (GST_OBJECT (h->element),
      gst_direct_control_binding_new (
          GST_OBJECT (h->element), "strength", source)));
  gst_object_unref (source);

  push_untouched (h, 0);
  for (guint i = 1; i <= 12; i++) {
    SympieParams blend;
    gdouble strength;
    GstBuffer *out;
    GstVideoInfo info = video_info (TEST_CAPS);

    out = gst_harness_push_and_pull (h, test_buffer (&info, i));
    g_object_get (h->element, "strength", &strength, NULL);
    fail_unless (ABS (strength - MIN (i / 10.0, 1.0)) < 1e-6, "frame %u: %g", i,
        strength);
    blend = blended (&params, strength);
    assert_same_bytes (out, expected_buffer (&info, i, &blend, NULL));
  }
  teardown_with_messages (h);
}
GST_END_TEST;

/* Parameters come and go while playing; without them, NEM. An element that
 * started without weights loads them then. */
GST_START_TEST (test_parameters)
{
  SympieParams one = test_params (1), two = test_params (2), got, estimate;
  GstHarness *h = enhance_harness (&one);
  SympieContext *context = test_context (TRUE);
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *buffer = test_buffer (&info, 3);
  GstMapInfo map;
  SympieImage image;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
  image = test_image (SYMPIE_FORMAT_RGB, &info, map.data);
  image.colorimetry.full_range = true;
  fail_unless (sympie_estimate (context, &image, &estimate, NULL, NULL));
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);

  gst_harness_set_src_caps_str (h, TEST_CAPS);

  push_and_compare (h, 0, &one);
  set_parameters (h->element, &two);
  fail_unless (get_parameters (h->element, "parameters", &got));
  fail_unless (memcmp (&got, &two, sizeof got) == 0);
  push_and_compare (h, 1, &two);
  fail_unless (get_parameters (h->element, "last-parameters", &got));
  fail_unless (memcmp (&got, &two, sizeof got) == 0);
  assert_stats (h->element, 2, 0, 0);

  set_parameters (h->element, NULL);
  fail_if (get_parameters (h->element, "parameters", &got));
  push_and_compare (h, 3, &estimate);
  fail_unless (get_parameters (h->element, "last-parameters", &got));
  fail_unless (memcmp (&got, &estimate, sizeof got) == 0);
  assert_stats (h->element, 3, 1, 0);

  set_parameters (h->element, &one);
  push_and_compare (h, 4, &one);
  teardown_with_messages (h);
  sympie_close (context);
}
GST_END_TEST;

/* Integers, floats and doubles, alone and mixed, as gst-launch writes them. */
GST_START_TEST (test_parameters_text)
{
  GstElement *element = gst_element_factory_make ("sympieenhance", NULL);
  GString *text = g_string_new ("<(int)1, (float)0, 0.5");
  SympieParams params, got;

  memset (&params, 0, sizeof params);
  params.values[0] = 1;
  params.values[2] = 0.5f;
  for (int i = 3; i < SYMPIE_N_PARAMS; i++) {
    params.values[i] = i % 2 ? i : -i / 4.0f;
    g_string_append_printf (text, ", %g", params.values[i]);
  }
  g_string_append_c (text, '>');
  gst_util_set_object_arg (G_OBJECT (element), "parameters", text->str);
  fail_unless (get_parameters (element, "parameters", &got));
  fail_unless (memcmp (&got, &params, sizeof got) == 0);

  g_string_free (text, TRUE);
  gst_object_unref (element);
}
GST_END_TEST;

GST_START_TEST (test_iterations)
{
  GstHarness *h = harness_by_hand ();
  GstVideoInfo info = video_info (TEST_CAPS);
  SympieParams params = test_params (1);

  push_and_compare (h, 0, &params);
  g_object_set (h->element, "iterations", 2, NULL);
  assert_same_bytes (gst_harness_push_and_pull (h, test_buffer (&info, 1)),
      expected_buffer (&info, 1, &params, &params));
  teardown_with_messages (h);
}
GST_END_TEST;

/* The second estimate is of what the first made; last-parameters tells the
 * first, also where both are kept. */
GST_START_TEST (test_iterations_estimate)
{
  GstHarness *h = enhance_harness (NULL);
  GstElement *element = h->element;
  GstVideoInfo info = video_info (TEST_CAPS);
  SympieContext *context = test_context (TRUE);
  SympieParams one, two, last;
  GstBuffer *expected = test_buffer (&info, 0);
  GstMapInfo map;
  SympieImage image;

  fail_unless (gst_buffer_map (expected, &map, GST_MAP_READWRITE));
  image = test_image (SYMPIE_FORMAT_RGB, &info, map.data);
  image.colorimetry.full_range = true;
  fail_unless (sympie_estimate (context, &image, &one, NULL, NULL));
  fail_unless (apply_in_place (context, &image, &one));
  fail_unless (sympie_estimate (context, &image, &two, NULL, NULL));
  fail_unless (apply_in_place (context, &image, &two));
  gst_buffer_unmap (expected, &map);
  fail_if (sympie_params_distance (&one, &two) == 0.0f);

  g_object_set (element, "iterations", 2, "reuse-interval", 3, NULL);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  assert_same_bytes (
      gst_harness_push_and_pull (h, test_buffer (&info, 0)), expected);
  fail_unless (get_parameters (element, "last-parameters", &last));
  fail_unless (memcmp (&last, &one, sizeof last) == 0);
  assert_stats (element, 1, 2, 0);

  assert_same_bytes (gst_harness_push_and_pull (h, test_buffer (&info, 1)),
      expected_buffer (&info, 1, &one, &two));
  assert_stats (element, 2, 2, 1);

  /* One iteration more needs one estimate more. */
  g_object_set (element, "iterations", 3, NULL);
  push_frames (h, &info, 2, 1);
  assert_stats (element, 3, 3, 1);
  push_frames (h, &info, 3, 1);
  assert_stats (element, 4, 6, 1);

  teardown_with_messages (h);
  sympie_close (context);
}
GST_END_TEST;

GST_START_TEST (test_reuse_interval)
{
  GstHarness *h = enhance_harness (NULL);
  GstVideoInfo info = video_info (TEST_CAPS);
  SympieParams params;

  g_object_set (h->element, "reuse-interval", 4, NULL);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  push_frames (h, &info, 0, 1);
  assert_stats (h->element, 1, 1, 0);
  fail_unless (get_parameters (h->element, "last-parameters", &params));
  push_and_compare (h, 1, &params);
  push_and_compare (h, 2, &params);
  push_and_compare (h, 3, &params);
  assert_stats (h->element, 4, 1, 3);
  push_frames (h, &info, 4, 6);
  assert_stats (h->element, 10, 3, 7);
  fail_unless (get_stat (h->element, "estimate-time") > 0);
  fail_unless (get_stat (h->element, "apply-time") > 0);

  /* A shorter interval holds at once. */
  g_object_set (h->element, "reuse-interval", 1, NULL);
  push_frames (h, &info, 10, 3);
  assert_stats (h->element, 13, 6, 7);
  g_object_set (h->element, "reuse-interval", G_MAXUINT, NULL);
  push_frames (h, &info, 13, 20);
  assert_stats (h->element, 33, 6, 27);

  /* Frames left alone end the scene. */
  g_object_set (h->element, "strength", 0.0, NULL);
  push_frames (h, &info, 33, 1);
  g_object_set (h->element, "strength", 1.0, NULL);
  push_frames (h, &info, 34, 2);
  assert_stats (h->element, 35, 7, 28);
  g_object_set (h->element, "enabled", FALSE, NULL);
  push_frames (h, &info, 36, 1);
  g_object_set (h->element, "enabled", TRUE, NULL);
  push_frames (h, &info, 37, 2);
  assert_stats (h->element, 37, 8, 29);
  teardown_with_messages (h);
}
GST_END_TEST;

static gpointer
turn_everything (gpointer data)
{
  GstElement *element = data;
  SympieParams params = test_params (5);

  for (guint i = 0; !g_object_get_data (G_OBJECT (element), "stop"); i++) {
    SympieParams got;
    gchar *weights;

    g_object_set (element, "enabled", i % 3 != 0, "strength", i % 5 / 4.0,
        "iterations", 1 + i % 4, "reuse-interval", 1 + i % 7, NULL);
    set_parameters (element, i % 2 ? &params : NULL);
    get_parameters (element, "parameters", &got);
    get_parameters (element, "last-parameters", &got);
    get_stat (element, "frames");
    g_object_get (element, "weights", &weights, NULL);
    g_free (weights);
  }
  return NULL;
}

/* Another thread sets and reads everything while frames pass. */
GST_START_TEST (test_from_another_thread)
{
  GstHarness *h = enhance_harness (NULL);
  GstVideoInfo info = video_info (TEST_CAPS);
  GThread *thread;

  gst_harness_set_src_caps_str (h, TEST_CAPS);
  thread = g_thread_new ("properties", turn_everything, h->element);
  for (guint i = 0; i < 100; i++) {
    GstBuffer *in = test_buffer (&info, i), *out;

    if (i % 2)
      gst_buffer_ref (in);
    out = gst_harness_push_and_pull (h, in);
    fail_unless (out != NULL);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (out), i * TEST_FRAME_DURATION);
    gst_buffer_unref (out);
    if (i % 2) {
      /* Whatever is set, a buffer that someone else holds stays as it is. */
      assert_same_bytes (in, test_buffer (&info, i));
    }
  }
  g_object_set_data (G_OBJECT (h->element), "stop", GINT_TO_POINTER (1));
  g_thread_join (thread);
  teardown_with_messages (h);
}
GST_END_TEST;

static Suite *
properties_suite (void)
{
  Suite *suite = suite_create ("sympieenhance properties");
  TCase *tcase = tcase_create ("properties");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_defaults);
  tcase_add_test (tcase, test_weights);
  tcase_add_test (tcase, test_device);
  tcase_add_test (tcase, test_n_threads);
  tcase_add_test (tcase, test_enabled);
  tcase_add_test (tcase, test_strength);
  tcase_add_test (tcase, test_controller);
  tcase_add_test (tcase, test_parameters);
  tcase_add_test (tcase, test_parameters_text);
  tcase_add_test (tcase, test_iterations);
  tcase_add_test (tcase, test_iterations_estimate);
  tcase_add_test (tcase, test_reuse_interval);
  tcase_add_test (tcase, test_from_another_thread);
  return suite;
}

GST_CHECK_MAIN (properties);
