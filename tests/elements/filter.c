/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What sympieenhance and sympiecorrupt have from their base: what is off takes
 * everything and touches nothing; properties, logs and presets. Which caps they
 * take is in negotiation.c, how buffers are laid out in layout.c. */

#include <time.h>

#include "filter.h"

/* ---- Off ----------------------------------------------------------------- */

/* Any raw video, its buffers whoever holds them. */
GST_START_TEST (test_off)
{
  GstHarness *h = filter_harness (__i__, FALSE);
  GstVideoInfo info = video_info (TEST_CAPS);

  for (guint i = 0; i < G_N_ELEMENTS (any_caps); i++) {
    gst_harness_set_src_caps_str (h, any_caps[i]);
    for (gint held = FALSE; held <= TRUE; held++) {
      GstBuffer *in = test_buffer (&info, i), *out;

      out = gst_harness_push_and_pull (h, held ? gst_buffer_ref (in) : in);
      fail_unless (out == in, "%s", any_caps[i]);
      gst_buffer_unref (out);
      if (held)
        gst_buffer_unref (in);
    }
  }
  assert_quiet (h);
  teardown_with_messages (h);
}
GST_END_TEST;

/* A camera that switches to what cannot be enhanced, and back. */
GST_START_TEST (test_off_and_on)
{
  GstHarness *h = filter_harness (__i__, TRUE);
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *in = test_buffer (&info, 7), *out;

  gst_harness_set_src_caps_str (h, TEST_CAPS);
  out = gst_harness_push_and_pull (h, test_buffer (&info, 7));
  fail_if (same_bytes (in, out));
  gst_buffer_unref (out);
  set (h, __i__, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (any_caps); i++) {
    gst_harness_set_src_caps_str (h, any_caps[i]);
    out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
    fail_unless (out == in, "%s", any_caps[i]);
    gst_buffer_unref (out);
  }
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  set (h, __i__, TRUE);
  out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
  fail_if (same_bytes (in, out));
  gst_buffer_unref (out);
  gst_buffer_unref (in);
  assert_quiet (h);
  teardown_with_messages (h);
}
GST_END_TEST;

/* Files and devices are not missed by what does not need them. */
GST_START_TEST (test_off_opens_nothing)
{
  const gchar *launches[] = {
    "sympieenhance enabled=false weights=/nowhere",
    "sympieenhance strength=0 weights=/nowhere",
    "sympieenhance enabled=false recording=/nowhere/at/all",
    "sympieenhance enabled=false mode=apply recording=/nowhere",
    "sympieenhance enabled=false crop=nonsense",
    "sympiecorrupt corruption=none frost-folder=/nowhere",
  };
  GstVideoInfo info = video_info (TEST_CAPS);

  for (guint i = 0; i < G_N_ELEMENTS (launches); i++) {
    GstElement *element = gst_parse_launch (launches[i], NULL);
    GstHarness *h = gst_harness_new_with_element (element, "sink", "src");

    gst_object_unref (element);
    gst_harness_set_src_caps_str (h, TEST_CAPS);
    push_frames (h, &info, 0, 2);
    gst_harness_teardown (h);
  }
}
GST_END_TEST;

static gint64
thread_nanoseconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

/* Processor time of a buffer that passes, the best of several rounds. */
static gint64
cost_of (GstElement *element)
{
  const gint n = 5000;
  GstHarness *h = gst_harness_new_with_element (element, "sink", "src");
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *buffer = test_buffer (&info, 0);
  gint64 best = G_MAXINT64;

  gst_harness_set_drop_buffers (h, TRUE);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  for (guint round = 0; round < 20; round++) {
    gint64 begin = thread_nanoseconds ();

    for (gint i = 0; i < n; i++)
      gst_harness_push (h, gst_buffer_ref (buffer));
    best = MIN (best, (thread_nanoseconds () - begin) / n);
  }
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
  return best;
}

/* Under 2 microseconds, the harness's own work included. */
GST_START_TEST (test_off_cost)
{
  GstElement *element = gst_parse_launch (filters[__i__].launch, NULL);
  gint64 cost;

  gst_util_set_object_arg (
      G_OBJECT (element), filters[__i__].property, filters[__i__].off);
  cost = cost_of (element);
  gst_object_unref (element);
  g_print ("%s %s=%s: %" G_GINT64_FORMAT " ns a buffer\n",
      filters[__i__].launch, filters[__i__].property, filters[__i__].off, cost);
  fail_unless (cost < 2000, "%" G_GINT64_FORMAT " ns", cost);
}
GST_END_TEST;

/* ---- Properties ---------------------------------------------------------- */

/* Those for a stopped element are not taken by another, and not in silence. */
GST_START_TEST (test_properties_while_playing)
{
  const struct
  {
    guint filter;
    const gchar *name, *value;
  } properties[] = {
    { 0, "weights", "/nowhere" },
    { 0, "device", "cuda" },
    { 0, "cuda-device-id", "3" },
    { 0, "n-threads", "3" },
    { 2, "scale", "0.5" },
    { 2, "frost-folder", "/nowhere" },
    { 2, "n-threads", "3" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (properties); i++) {
    GstHarness *h = filter_harness (properties[i].filter, TRUE);
    const gchar *name = properties[i].name;
    GParamSpec *pspec =
        g_object_class_find_property (G_OBJECT_GET_CLASS (h->element), name);
    GValue before = G_VALUE_INIT, after = G_VALUE_INIT;

    g_object_get_property (G_OBJECT (h->element), name, &before);
    gst_util_set_object_arg (G_OBJECT (h->element), name, properties[i].value);
    g_object_get_property (G_OBJECT (h->element), name, &after);
    fail_unless (g_param_values_cmp (pspec, &before, &after) == 0, "%s", name);
    assert_said_once (h, GST_MESSAGE_WARNING, name);

    gst_element_set_state (h->element, GST_STATE_READY);
    gst_util_set_object_arg (G_OBJECT (h->element), name, properties[i].value);
    g_object_get_property (G_OBJECT (h->element), name, &after);
    fail_if (g_param_values_cmp (pspec, &before, &after) == 0, "%s", name);
    g_value_unset (&before);
    g_value_unset (&after);
    assert_quiet (h);
    teardown_with_messages (h);
  }
}
GST_END_TEST;

static void
count_message (GstDebugCategory *category, GstDebugLevel level,
    const gchar *file, const gchar *function, gint line, GObject *object,
    GstDebugMessage *message, gpointer counts)
{
  if (g_str_has_prefix (gst_debug_category_get_name (category), "sympie")
      && (level == GST_LEVEL_INFO || level == GST_LEVEL_LOG))
    g_atomic_int_inc ((gint *) counts + (level == GST_LEVEL_LOG));
}

/* Each frame is told of at LOG, what changes the work at INFO: the device and
 * weights, the caps, that frames pass and that they are worked on again. */
GST_START_TEST (test_log)
{
  GstHarness *h;
  GstVideoInfo info = video_info (TEST_CAPS);
  gint counts[2] = { 0, 0 };

  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (count_message, counts, NULL);
  gst_debug_set_active (TRUE);
  gst_debug_set_threshold_for_name ("sympie*", GST_LEVEL_LOG);

  h = filter_harness (each[__i__], TRUE);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  push_frames (h, &info, 0, 1);
  fail_unless (counts[0] >= 1);
  counts[1] = 0;
  push_frames (h, &info, 1, 5);
  fail_unless (counts[1] >= 5);
  counts[0] = 0;
  set (h, each[__i__], FALSE);
  push_frames (h, &info, 6, 1);
  fail_unless (counts[0] >= 1);
  counts[0] = 0;
  set (h, each[__i__], TRUE);
  push_frames (h, &info, 7, 1);
  fail_unless (counts[0] >= 1);
  teardown_with_messages (h);

  gst_debug_unset_threshold_for_name ("sympie*");
  gst_debug_remove_log_function (count_message);
  gst_debug_add_log_function (gst_debug_log_default, NULL, NULL);
}
GST_END_TEST;

/* What a user saves comes back, for all that can be set. */
GST_START_TEST (test_presets)
{
  GstElement *element = gst_parse_launch (filters[0].launch, NULL);
  GstElement *other = gst_element_factory_make ("sympieenhance", NULL);
  GParamSpec **specs;
  guint n;

  g_object_set (element, "strength", 0.5, "iterations", 2, "n-threads", 3,
      "reuse-interval", 7, NULL);
  fail_unless (gst_preset_save_preset (GST_PRESET (element), "test"));
  fail_unless (gst_preset_load_preset (GST_PRESET (other), "test"));
  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);
  for (guint i = 0; i < n; i++) {
    GValue a = G_VALUE_INIT, b = G_VALUE_INIT;

    if (!g_str_has_prefix (g_type_name (specs[i]->owner_type), "GstSympie")
        || !(specs[i]->flags & G_PARAM_WRITABLE))
      continue;
    g_object_get_property (G_OBJECT (element), specs[i]->name, &a);
    g_object_get_property (G_OBJECT (other), specs[i]->name, &b);
    fail_unless (
        gst_value_compare (&a, &b) == GST_VALUE_EQUAL, "%s", specs[i]->name);
    g_value_unset (&a);
    g_value_unset (&b);
  }
  g_free (specs);
  fail_unless (gst_preset_delete_preset (GST_PRESET (element), "test"));
  gst_object_unref (element);
  gst_object_unref (other);
}
GST_END_TEST;

/* Loaded while it plays, it is no reason for warnings where nothing changes. */
GST_START_TEST (test_preset_while_playing)
{
  GstHarness *h = filter_harness (each[__i__], TRUE);
  GstPreset *preset = GST_PRESET (h->element);

  fail_unless (gst_preset_save_preset (preset, "playing"));
  fail_unless (gst_preset_load_preset (preset, "playing"));
  assert_quiet (h);
  fail_unless (gst_preset_delete_preset (preset, "playing"));
  teardown_with_messages (h);
}
GST_END_TEST;

/* A frame that the parameters would leave as it is is not even copied. */
GST_START_TEST (test_identity)
{
  SympieParams identity;
  GstHarness *h;
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *in = test_buffer (&info, 1), *out;

  sympie_params_identity (&identity);
  h = enhance_harness (&identity);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
  fail_unless (out == in);
  gst_buffer_unref (out);
  gst_buffer_unref (in);
  assert_stats (h->element, 1, 0, 0);
  gst_harness_teardown (h);
}
GST_END_TEST;

static Suite *
filter_suite (void)
{
  Suite *suite = suite_create ("filters");
  TCase *tcase = tcase_create ("filter");

  suite_add_tcase (suite, tcase);
  tcase_add_loop_test (tcase, test_off, 0, G_N_ELEMENTS (filters));
  tcase_add_loop_test (tcase, test_off_and_on, 0, G_N_ELEMENTS (filters));
  tcase_add_test (tcase, test_off_opens_nothing);
  tcase_add_loop_test (tcase, test_off_cost, 0, G_N_ELEMENTS (filters));
  tcase_add_test (tcase, test_properties_while_playing);
  tcase_add_loop_test (tcase, test_log, 0, G_N_ELEMENTS (each));
  tcase_add_test (tcase, test_presets);
  tcase_add_loop_test (
      tcase, test_preset_while_playing, 0, G_N_ELEMENTS (each));
  tcase_add_test (tcase, test_identity);
  return suite;
}

GST_CHECK_MAIN (filter);
