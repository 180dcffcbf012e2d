/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What sympieenhance cannot do: one error that says what and where, and a clean
 * stop. */

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "enhance.h"

/* Takes the one message of that type that `element` must have posted on `bus`;
 * it is of that domain and code and its text contains `word`. */
static void
assert_one_message (GstBus *bus, GstMessageType type, GstElement *element,
    GQuark domain, gint code, const gchar *word)
{
  GstMessage *message;
  GError *error = NULL;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (bus, type)) != NULL) {
    if (GST_MESSAGE_SRC (message) == GST_OBJECT (element)) {
      n++;
      g_clear_error (&error);
      if (type == GST_MESSAGE_ERROR)
        gst_message_parse_error (message, &error, NULL);
      else
        gst_message_parse_warning (message, &error, NULL);
    }
    gst_message_unref (message);
  }
  fail_unless_equals_int (n, 1);
  fail_unless (g_error_matches (error, domain, code), "%s %d: %s",
      g_quark_to_string (error->domain), error->code, error->message);
  fail_unless (
      strstr (error->message, word), "no %s in: %s", word, error->message);
  g_clear_error (&error);
}

static void
assert_one_error (GstBus *bus, GstElement *element, GQuark domain, gint code,
    const gchar *word)
{
  assert_one_message (bus, GST_MESSAGE_ERROR, element, domain, code, word);
}

/* Runs `launch`, which cannot start because of its element e, twice, as the
 * element must come out of a failure as it went in. */
static void
assert_start_fails (
    const gchar *launch, GQuark domain, gint code, const gchar *word)
{
  GstElement *pipeline = parse_pipeline (launch);
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), "e");
  GstBus *bus = gst_element_get_bus (pipeline);

  for (guint i = 0; i < 2; i++) {
    fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_PLAYING),
        GST_STATE_CHANGE_FAILURE);
    assert_one_error (bus, element, domain, code, word);
    fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_NULL),
        GST_STATE_CHANGE_SUCCESS);
    gst_bus_set_flushing (bus, TRUE);
    gst_bus_set_flushing (bus, FALSE);
  }
  gst_object_unref (bus);
  gst_object_unref (element);
  gst_object_unref (pipeline);
}

#define LAUNCH(properties)                                                     \
  "videotestsrc num-buffers=5 ! " TEST_CAPS                                    \
  " ! sympieenhance name=e " properties " ! fakesink"

GST_START_TEST (test_weights_missing)
{
  assert_start_fails (LAUNCH ("weights=/nowhere/at/all"), GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, "/nowhere/at/all");
}
GST_END_TEST;

GST_START_TEST (test_weights_folder)
{
  assert_start_fails (LAUNCH ("weights=/tmp"), GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_OPEN_READ, "/tmp");
}
GST_END_TEST;

GST_START_TEST (test_weights_garbage)
{
  gchar *launch, *path;
  gint file = g_file_open_tmp ("sympie-XXXXXX", &path, NULL);
  gchar garbage[4096];

  fail_unless (file >= 0);
  close (file);
  memset (garbage, '{', sizeof garbage);
  for (gssize size = 0; size <= (gssize) sizeof garbage; size += 2048) {
    fail_unless (g_file_set_contents (path, garbage, size, NULL));
    launch = g_strdup_printf (LAUNCH ("weights=%s"), path);
    assert_start_fails (
        launch, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ, path);
    g_free (launch);
  }
  g_unlink (path);
  g_free (path);
}
GST_END_TEST;

/* The weights are not blamed for what else is wrong. */
GST_START_TEST (test_environment)
{
  g_setenv ("SYMPIE_CPU", "z80", TRUE);
  assert_start_fails (LAUNCH ("device=cpu"), GST_LIBRARY_ERROR,
      GST_LIBRARY_ERROR_INIT, "SYMPIE_CPU");
  g_unsetenv ("SYMPIE_CPU");
}
GST_END_TEST;

/* A device that is asked for and not there is not replaced by another. */
GST_START_TEST (test_cuda)
{
  if (sympie_cuda_available (0, NULL))
    return;
  assert_start_fails (LAUNCH ("device=cuda"), GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, "device=cuda");
}
GST_END_TEST;

/* Everything that is not 37 finite numbers, from the start. */
GST_START_TEST (test_parameters_at_start)
{
  static const struct
  {
    const gchar *first;
    guint more; /* zeros behind it */
    const gchar *word;
  } arrays[] = {
    { "1", 0, "1 number" },
    { "1", 35, "36 numbers" },
    { "1", 37, "38 numbers" },
    { "(string)one", 36, "gchararray" },
    { "(double)nan", 36, "nan" },
    { "(double)inf", 36, "inf" },
    { "(double)1e300", 36, "1e+300" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (arrays); i++) {
    GString *launch = g_string_new (LAUNCH ("parameters=\"<"));
    gchar *end = g_strdup (strstr (launch->str, " ! fakesink"));

    g_string_truncate (launch, launch->len - strlen (end));
    g_string_append (launch, arrays[i].first);
    for (guint j = 0; j < arrays[i].more; j++)
      g_string_append (launch, ",(double)0");
    g_string_append_printf (launch, ">\" %s", end);
    assert_start_fails (launch->str, GST_LIBRARY_ERROR,
        GST_LIBRARY_ERROR_SETTINGS, arrays[i].word);
    g_string_free (launch, TRUE);
    g_free (end);
  }
}
GST_END_TEST;

/* While playing, bad parameters are told and those before them stay. */
GST_START_TEST (test_parameters_while_playing)
{
  SympieParams params = test_params (1), bad = params, got;
  GstHarness *h = enhance_harness (&params);
  GstVideoInfo info = video_info (TEST_CAPS);

  gst_harness_set_src_caps_str (h, TEST_CAPS);
  push_frames (h, &info, 0, 1);
  gst_util_set_object_arg (G_OBJECT (h->element), "parameters", "<1, 2, 3>");
  assert_one_message (GST_ELEMENT_BUS (h->element), GST_MESSAGE_WARNING,
      h->element, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "3 numbers");
  bad.values[36] = NAN;
  set_parameters (h->element, &bad);
  assert_one_message (GST_ELEMENT_BUS (h->element), GST_MESSAGE_WARNING,
      h->element, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "number 36");
  push_frames (h, &info, 1, 2);
  fail_unless (get_parameters (h->element, "parameters", &got));
  fail_unless (memcmp (&got, &params, sizeof got) == 0);
  fail_unless (get_parameters (h->element, "last-parameters", &got));
  fail_unless (memcmp (&got, &params, sizeof got) == 0);
  assert_no_error (h);
  teardown_with_messages (h);
}
GST_END_TEST;

/* Weights that are first needed in the middle of the stream. */
GST_START_TEST (test_weights_missing_later)
{
  SympieParams params = test_params (1);
  GstHarness *h = enhance_harness (&params);
  GstVideoInfo info = video_info (TEST_CAPS);

  gst_element_set_state (h->element, GST_STATE_NULL);
  g_object_set (h->element, "weights", "/nowhere", NULL);
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  push_frames (h, &info, 0, 1);
  set_parameters (h->element, NULL);
  fail_unless_equals_int (
      gst_harness_push (h, test_buffer (&info, 1)), GST_FLOW_ERROR);
  assert_one_error (GST_ELEMENT_BUS (h->element), h->element,
      GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "/nowhere");

  set_parameters (h->element, &params);
  push_frames (h, &info, 2, 1);
  teardown_with_messages (h);
}
GST_END_TEST;

/* Caps that would be mangled are refused, with the caps in the text, once,
 * however often they are sent. Other caps work then. */
static const struct
{
  const gchar *format, *more, *word;
} refused_caps[] = {
  { "P010_10LE", ", colorimetry = bt2100-pq", "PQ" },
  { "I420_10LE", ", colorimetry = (string)2:5:14:7", "PQ" },
  { "RGB", ", colorimetry = (string)1:1:14:7", "PQ" },
  { "RGB", ", colorimetry = (string)1:1:1:1", "gamma" },
  { "GBR", ", colorimetry = (string)1:1:9:1", "gamma" },
  { "RGB", ", multiview-mode = side-by-side", "views" },
  { "NV12", ", multiview-mode = top-bottom", "views" },
  { "I420", ", colorimetry = (string)1:1:5:1", "matrix RGB" },
  { "NV12", ", colorimetry = sRGB", "matrix RGB" },
  { "NV12", ", interlace-mode = fields", "fields" },
};

GST_START_TEST (test_caps_refused)
{
  SympieParams params = test_params (1);
  GstHarness *h = enhance_harness (&params);
  gchar *string = g_strdup_printf ("video/x-raw, format = %s, width = 64, "
                                   "height = 48, framerate = 25/1%s",
      refused_caps[__i__].format, refused_caps[__i__].more);
  GstCaps *caps = gst_caps_from_string (string);
  GstVideoInfo info = video_info (string);
  gchar *described = gst_caps_to_string (caps);

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  for (guint i = 0; i < 3; i++)
    fail_unless_equals_int (
        gst_harness_push (h, test_buffer (&info, i)), GST_FLOW_NOT_NEGOTIATED);
  assert_one_error (GST_ELEMENT_BUS (h->element), h->element, GST_STREAM_ERROR,
      GST_STREAM_ERROR_FORMAT, refused_caps[__i__].word);

  gst_harness_set_src_caps_str (h, TEST_CAPS);
  info = video_info (TEST_CAPS);
  push_frames (h, &info, 0, 1);
  assert_no_error (h);

  /* Refused anew, told anew. */
  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  assert_one_error (GST_ELEMENT_BUS (h->element), h->element, GST_STREAM_ERROR,
      GST_STREAM_ERROR_FORMAT, described);

  teardown_with_messages (h);
  g_free (described);
  g_free (string);
  gst_caps_unref (caps);
}
GST_END_TEST;

/* 4:2:0 fields of an odd number of lines where the buffer ends before the
 * bottom field's last chroma row. */
GST_START_TEST (test_chroma_row_missing)
{
  const gchar *caps = "video/x-raw, format = P010_10LE, width = 64, "
                      "height = 50, framerate = 25/1, "
                      "interlace-mode = interleaved";
  SympieParams params = test_params (1);
  GstHarness *h = enhance_harness (&params);
  gsize offsets[GST_VIDEO_MAX_PLANES] = { 0, 128 * 50 };
  gint strides[GST_VIDEO_MAX_PLANES] = { 128, 128 };
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 128 * 75, NULL);

  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_INTERLACED,
      GST_VIDEO_FORMAT_P010_10LE, 64, 50, 2, offsets, strides);
  GST_BUFFER_PTS (buffer) = 0;
  gst_harness_set_src_caps_str (h, caps);
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_ERROR);
  assert_one_error (GST_ELEMENT_BUS (h->element), h->element, GST_STREAM_ERROR,
      GST_STREAM_ERROR_FORMAT, "last chroma row");
  teardown_with_messages (h);
}
GST_END_TEST;

static Suite *
errors_suite (void)
{
  Suite *suite = suite_create ("sympieenhance errors");
  TCase *tcase = tcase_create ("errors");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_weights_missing);
  tcase_add_test (tcase, test_weights_folder);
  tcase_add_test (tcase, test_weights_garbage);
  tcase_add_test (tcase, test_environment);
  tcase_add_test (tcase, test_cuda);
  tcase_add_test (tcase, test_parameters_at_start);
  tcase_add_test (tcase, test_parameters_while_playing);
  tcase_add_test (tcase, test_weights_missing_later);
  tcase_add_loop_test (
      tcase, test_caps_refused, 0, G_N_ELEMENTS (refused_caps));
  tcase_add_test (tcase, test_chroma_row_missing);
  return suite;
}

GST_CHECK_MAIN (errors);
