/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What sympieprobe says: messages, properties, errors. */

#include <math.h>

#include "probe.h"
#include "sympie.h"

#define RGB "video/x-raw, format=RGB, width=64, height=48, framerate=25/1"
#define SEED 7

static const gint steady[] = { 0, 40, 80, 120, -1 };
static const TestStream ref = { RGB, steady, SEED };
static const TestStream dist = { RGB, steady, SEED + 100 };

static void
assert_close (gdouble value, gdouble wanted, gdouble tolerance)
{
  fail_unless (fabs (value - wanted) <= tolerance * fabs (wanted),
      "%.17g, not %.17g", value, wanted);
}

typedef struct
{
  const gchar *name;
  GType type;
} Field;

/* Exactly these fields, of these types. */
static void
check_fields (const GstStructure *structure, const Field *fields, guint n)
{
  fail_unless (gst_structure_has_name (structure, "sympieprobe"));
  fail_unless_equals_int (gst_structure_n_fields (structure), n);
  for (guint i = 0; i < n; i++)
    fail_unless (gst_structure_has_field_typed (
                     structure, fields[i].name, fields[i].type),
        "%s is not in %" GST_PTR_FORMAT, fields[i].name, structure);
}

#define STATISTICS(what)                                                       \
  { what "-mean", G_TYPE_DOUBLE }, { what "-harmonic-mean", G_TYPE_DOUBLE },   \
      { what "-min", G_TYPE_DOUBLE }, { what "-max", G_TYPE_DOUBLE },          \
  {                                                                            \
    what "-median", G_TYPE_DOUBLE                                              \
  }

GST_START_TEST (test_messages)
{
  const Field frame[] = {
    { "type", G_TYPE_STRING },
    { "pad", G_TYPE_STRING },
    { "index", G_TYPE_UINT64 },
    { "timestamp", G_TYPE_UINT64 },
    { "stream-time", G_TYPE_UINT64 },
    { "running-time", G_TYPE_UINT64 },
    { "duration", G_TYPE_UINT64 },
    { "feature-mse", G_TYPE_DOUBLE },
    { "pixel-mse", G_TYPE_DOUBLE },
    { "psnr", G_TYPE_DOUBLE },
  };
  const Field pooled[] = {
    { "type", G_TYPE_STRING },
    { "pad", G_TYPE_STRING },
    { "layer", G_TYPE_STRING },
    { "input", G_TYPE_STRING },
    { "frames", G_TYPE_UINT64 },
    { "pairs", G_TYPE_UINT64 },
    { "unmatched-ref", G_TYPE_UINT64 },
    { "unmatched-dist", G_TYPE_UINT64 },
    STATISTICS ("feature-mse"),
    STATISTICS ("pixel-mse"),
    { "psnr", G_TYPE_DOUBLE },
    { "complete", G_TYPE_BOOLEAN },
  };
  TestResults *results = test_run (&ref, &dist, "");
  gdouble values[4], pixels = 0.0, sum = 0.0, inverse = 0.0, min = INFINITY;
  gdouble max = 0.0;

  fail_unless_equals_int (results->frames->len, 4);
  for (guint i = 0; i < 4; i++) {
    const GstStructure *message = g_ptr_array_index (results->frames, i);

    check_fields (message, frame, G_N_ELEMENTS (frame));
    fail_unless_equals_string (
        gst_structure_get_string (message, "type"), "frame");
    fail_unless_equals_uint64 (test_uint64 (message, "index"), i);
    fail_unless_equals_uint64 (
        test_uint64 (message, "timestamp"), i * 40 * GST_MSECOND);
    fail_unless_equals_uint64 (
        test_uint64 (message, "running-time"), i * 40 * GST_MSECOND);
    fail_unless_equals_uint64 (
        test_uint64 (message, "stream-time"), i * 40 * GST_MSECOND);
    fail_unless_equals_uint64 (test_uint64 (message, "duration"), GST_MSECOND);
    values[i] = test_double (message, "feature-mse");
    pixels += test_double (message, "pixel-mse") / 4;
    fail_unless (values[i] > 0.0);
    assert_close (test_double (message, "psnr"),
        10 * log10 (255 * 255 / test_double (message, "pixel-mse")), 1e-9);
    sum += values[i];
    inverse += 1.0 / values[i];
    min = fmin (min, values[i]);
    max = fmax (max, values[i]);
  }

  check_fields (results->pooled, pooled, G_N_ELEMENTS (pooled));
  fail_unless_equals_string (
      gst_structure_get_string (results->pooled, "layer"), "relu1_1");
  fail_unless_equals_string (
      gst_structure_get_string (results->pooled, "input"), "crop224");
  assert_close (
      test_double (results->pooled, "feature-mse-mean"), sum / 4, 1e-12);
  assert_close (test_double (results->pooled, "feature-mse-harmonic-mean"),
      4 / inverse, 1e-12);
  fail_unless (test_double (results->pooled, "feature-mse-min") == min);
  fail_unless (test_double (results->pooled, "feature-mse-max") == max);
  assert_close (test_double (results->pooled, "feature-mse-median"),
      (sum - min - max) / 2, 1e-12);
  assert_close (test_double (results->pooled, "psnr"),
      10 * log10 (255 * 255 / pixels), 1e-9);
  test_results_free (results);
}
GST_END_TEST;

GST_START_TEST (test_frame_message_off)
{
  TestResults *results = test_run (&ref, &dist, "frame-message=false");

  fail_unless_equals_int (results->frames->len, 0);
  fail_unless_equals_int (test_uint64 (results->pooled, "frames"), 4);
  test_results_free (results);
}
GST_END_TEST;

/* ---- Properties -------------------------------------------------------- */

GST_START_TEST (test_properties)
{
  GstElement *probe = gst_element_factory_make ("sympieprobe", NULL);
  GstStructure *stats;
  guint subsample, n_threads;
  gboolean frame_message, strict;
  gint layer, input, device, format;
  gdouble mean;

  fail_unless (probe != NULL);
  g_object_get (probe, "layer", &layer, "input", &input, "subsample",
      &subsample, "device", &device, "n-threads", &n_threads, "frame-message",
      &frame_message, "strict", &strict, "results-format", &format, "mean",
      &mean, "stats", &stats, NULL);
  fail_unless_equals_int (layer, SYMPIE_LAYER_POOL5);
  fail_unless_equals_int (input, SYMPIE_INPUT_CROP224);
  fail_unless_equals_int (subsample, 1);
  fail_unless_equals_int (device, SYMPIE_DEVICE_AUTO);
  fail_unless_equals_int (n_threads, 0);
  fail_if (frame_message || strict);
  fail_unless_equals_int (format, 0);
  fail_unless (mean == 0.0);
  fail_unless_equals_uint64 (test_uint64 (stats, "frames"), 0);
  fail_unless_equals_uint64 (test_uint64 (stats, "pairs"), 0);
  fail_unless_equals_uint64 (test_uint64 (stats, "unmatched-ref"), 0);
  fail_unless_equals_uint64 (test_uint64 (stats, "unmatched-dist"), 0);
  fail_unless_equals_uint64 (test_uint64 (stats, "measure-time"), 0);
  fail_unless (test_double (stats, "rate") == 0.0);
  gst_structure_free (stats);

  for (gint i = 0; i < SYMPIE_N_LAYERS; i++) {
    gst_util_set_object_arg (G_OBJECT (probe), "layer", sympie_layer_name (i));
    g_object_get (probe, "layer", &layer, NULL);
    fail_unless_equals_int (layer, i);
  }
  gst_object_unref (probe);
}
GST_END_TEST;

/* What was decided at the start stays, and not in silence. */
GST_START_TEST (test_properties_while_playing)
{
  static const gchar *const names[] = { "weights", "layer", "input", "device",
    "n-threads", "results-filename", "results-format" };
  static const gchar *const values[] = { "/nowhere", "pool5", "full", "cuda",
    "3", "/nowhere", "xml" };
  GstElement *probe = gst_element_factory_make ("sympieprobe", NULL);
  GstBus *bus = gst_bus_new ();

  gst_element_set_bus (probe, bus);
  g_object_set (probe, "weights", test_weights (), "device", SYMPIE_DEVICE_CPU,
      "layer", SYMPIE_LAYER_RELU1_1, NULL);
  fail_if (gst_element_set_state (probe, GST_STATE_PAUSED)
           == GST_STATE_CHANGE_FAILURE);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GParamSpec *pspec =
        g_object_class_find_property (G_OBJECT_GET_CLASS (probe), names[i]);
    GValue before = G_VALUE_INIT, after = G_VALUE_INIT;
    GstMessage *message;
    GError *error;

    g_object_get_property (G_OBJECT (probe), names[i], &before);
    gst_util_set_object_arg (G_OBJECT (probe), names[i], values[i]);
    g_object_get_property (G_OBJECT (probe), names[i], &after);
    fail_unless (
        g_param_values_cmp (pspec, &before, &after) == 0, "%s", names[i]);
    message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
    fail_unless (message != NULL, "%s: in silence", names[i]);
    gst_message_parse_warning (message, &error, NULL);
    fail_unless (strstr (error->message, names[i]), "%s", error->message);
    g_error_free (error);
    gst_message_unref (message);
    g_value_unset (&before);
    g_value_unset (&after);
  }
  gst_element_set_state (probe, GST_STATE_NULL);
  gst_element_set_bus (probe, NULL);
  gst_object_unref (probe);
  gst_object_unref (bus);
}
GST_END_TEST;

/* `mean` and `stats` keep up with the messages. */
GST_START_TEST (test_mean)
{
  gchar *line = g_strdup_printf (
      "videotestsrc num-buffers=4 ! " RGB " ! p.ref_sink "
      "videotestsrc num-buffers=4 pattern=snow ! " RGB " ! p.dist_sink "
      "sympieprobe name=p device=cpu layer=relu1_1 weights=%s ! fakesink",
      test_weights ());
  GstElement *pipeline = gst_parse_launch (line, NULL), *probe;
  TestResults *results;
  GstStructure *stats;
  gdouble mean;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  results = test_collect (pipeline, G_MAXUINT);
  probe = gst_bin_get_by_name (GST_BIN (pipeline), "p");
  g_object_get (probe, "mean", &mean, "stats", &stats, NULL);
  assert_close (mean, test_double (results->pooled, "feature-mse-mean"), 1e-12);
  fail_unless_equals_uint64 (test_uint64 (stats, "frames"), 4);
  fail_unless (test_double (stats, "rate") > 0.0);
  fail_unless (test_uint64 (stats, "measure-time") > 0);
  gst_structure_free (stats);
  test_results_free (results);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (probe);
  gst_object_unref (pipeline);
  g_free (line);
}
GST_END_TEST;

/* ---- Weights ----------------------------------------------------------- */

static void
expect_weights_error (const gchar *weights, GstResourceError code)
{
  GstElement *probe = gst_element_factory_make ("sympieprobe", NULL);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GError *error;

  gst_element_set_bus (probe, bus);
  g_object_set (probe, "weights", weights, NULL);
  fail_unless_equals_int (gst_element_set_state (probe, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (
      g_error_matches (error, GST_RESOURCE_ERROR, code), "%s", error->message);
  fail_unless (strstr (error->message, "fetch-vgg19.sh") != NULL);
  fail_unless (strstr (error->message, weights) != NULL);
  g_error_free (error);
  gst_message_unref (message);
  fail_if (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR), "a second error");

  gst_element_set_state (probe, GST_STATE_NULL);
  gst_element_set_bus (probe, NULL);
  gst_object_unref (bus);
  gst_object_unref (probe);
}

GST_START_TEST (test_bad_weights)
{
  gchar *path = test_path ("bad.safetensors");
  const gchar *nem = g_getenv ("SYMPIE_WEIGHTS");

  expect_weights_error (
      "/nowhere/vgg19.safetensors", GST_RESOURCE_ERROR_NOT_FOUND);
  fail_unless (g_file_set_contents (path, "", 0, NULL));
  expect_weights_error (path, GST_RESOURCE_ERROR_OPEN_READ);
  fail_unless (g_file_set_contents (path, "PK\003\004 a .pth file", -1, NULL));
  expect_weights_error (path, GST_RESOURCE_ERROR_OPEN_READ);
  if (nem) /* good weights of another network */
    expect_weights_error (nem, GST_RESOURCE_ERROR_OPEN_READ);
  g_free (path);
}
GST_END_TEST;

/* Property, environment, the user's data. */
GST_START_TEST (test_weights_path)
{
  GstElement *probe = gst_element_factory_make ("sympieprobe", NULL);
  gchar *path, *wanted = g_build_filename (g_get_user_data_dir (), "gst-sympie",
                   "vgg19.safetensors", NULL);

  g_unsetenv ("SYMPIE_VGG19_WEIGHTS");
  g_object_get (probe, "weights", &path, NULL);
  fail_unless_equals_string (path, wanted);
  g_free (path);
  g_setenv ("SYMPIE_VGG19_WEIGHTS", "/environment", TRUE);
  g_object_get (probe, "weights", &path, NULL);
  fail_unless_equals_string (path, "/environment");
  g_free (path);
  g_object_set (probe, "weights", "/property", NULL);
  g_object_get (probe, "weights", &path, NULL);
  fail_unless_equals_string (path, "/property");
  g_free (path);
  g_unsetenv ("SYMPIE_VGG19_WEIGHTS");
  g_free (wanted);
  gst_object_unref (probe);
}
GST_END_TEST;

/* A device that is not there is told from weights that are not. */
GST_START_TEST (test_device)
{
  TestResults *results;

  if (sympie_cuda_available (0, NULL))
    return; /* tests/cuda has it */
  results = test_run (&ref, &dist, "device=cuda");
  fail_unless (g_error_matches (
      results->error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND));
  fail_unless (strstr (results->error->message, "device=cuda") != NULL);
  fail_if (strstr (results->error->message, "weights") != NULL);
  test_results_free (results);

  results = test_run (&ref, &dist, "device=cuda weights=/nowhere/vgg19");
  fail_unless (g_error_matches (
      results->error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND));
  fail_unless (strstr (results->error->message, "fetch-vgg19.sh") != NULL);
  test_results_free (results);

  results = test_run (&ref, &dist, "device=cpu");
  fail_if (results->error, "%s", results->error ? results->error->message : "");
  test_results_free (results);
}
GST_END_TEST;

static Suite *
probe_results_suite (void)
{
  Suite *suite = suite_create ("sympieprobe results");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_checked_fixture (tc, NULL, test_remove_files);
  tcase_add_test (tc, test_messages);
  tcase_add_test (tc, test_frame_message_off);
  tcase_add_test (tc, test_properties);
  tcase_add_test (tc, test_properties_while_playing);
  tcase_add_test (tc, test_mean);
  tcase_add_test (tc, test_bad_weights);
  tcase_add_test (tc, test_weights_path);
  tcase_add_test (tc, test_device);
  return suite;
}

GST_CHECK_MAIN (probe_results);
