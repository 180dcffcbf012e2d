/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What sympieprobe says: messages, properties, the results file, errors. */

#include <math.h>

#include <json-glib/json-glib.h>

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

/* ---- Results file ------------------------------------------------------ */

typedef struct
{
  guint n_frames;
  gboolean complete;
} Contents;

static Contents
read_json (const gchar *path)
{
  JsonParser *parser = json_parser_new ();
  GError *error = NULL;
  JsonObject *root, *pooled;
  JsonArray *frames;
  Contents contents;

  fail_unless (json_parser_load_from_file (parser, path, &error), "%s",
      error ? error->message : "");
  root = json_node_get_object (json_parser_get_root (parser));
  fail_unless_equals_string (
      json_object_get_string_member (root, "layer"), "relu1_1");
  fail_unless_equals_string (
      json_object_get_string_member (root, "weights"), test_weights ());
  frames = json_object_get_array_member (root, "frames");
  contents.n_frames = json_array_get_length (frames);
  for (guint i = 0; i < contents.n_frames; i++)
    fail_unless (json_object_get_double_member (
                     json_array_get_object_element (frames, i), "feature-mse")
                 > 0.0);
  pooled = json_object_get_object_member (root, "pooled");
  contents.complete = json_object_get_boolean_member (pooled, "complete");
  fail_unless_equals_int (
      json_object_get_int_member (pooled, "frames"), contents.n_frames);
  g_object_unref (parser);
  return contents;
}

static void
count_element (GMarkupParseContext *context, const gchar *name,
    const gchar **names, const gchar **values, gpointer data, GError **error)
{
  Contents *contents = data;

  contents->n_frames += g_str_equal (name, "frame");
  for (guint i = 0; names[i]; i++)
    if (g_str_equal (names[i], "complete"))
      contents->complete = g_str_equal (values[i], "true");
}

static Contents
read_xml (const gchar *path)
{
  const GMarkupParser parser = { .start_element = count_element };
  Contents contents = { 0, FALSE };
  GMarkupParseContext *context =
      g_markup_parse_context_new (&parser, 0, &contents, NULL);
  GError *error = NULL;
  gchar *text;
  gsize size;

  fail_unless (g_file_get_contents (path, &text, &size, NULL));
  fail_unless (g_markup_parse_context_parse (context, text, size, &error)
                   && g_markup_parse_context_end_parse (context, &error),
      "%s", error ? error->message : "");
  g_markup_parse_context_free (context);
  g_free (text);
  return contents;
}

/* CSV does not know whether it is complete. */
static Contents
read_csv (const gchar *path)
{
  Contents contents = { 0, TRUE };
  gchar *text, **lines;

  fail_unless (g_file_get_contents (path, &text, NULL, NULL));
  fail_unless (g_str_has_suffix (text, "\n"));
  lines = g_strsplit (text, "\n", -1);
  fail_unless_equals_string (lines[0],
      "index,timestamp,stream-time,running-time,duration,feature-mse,pixel-mse,"
      "psnr");
  for (; *lines[contents.n_frames + 1]; contents.n_frames++) {
    gchar **cells = g_strsplit (lines[contents.n_frames + 1], ",", -1);

    fail_unless_equals_int (g_strv_length (cells), 8);
    fail_unless (g_ascii_strtod (cells[5], NULL) > 0.0);
    g_strfreev (cells);
  }
  g_strfreev (lines);
  g_free (text);
  return contents;
}

static const struct
{
  const gchar *name;
  Contents (*read) (const gchar *path);
} formats[] = {
  { "csv", read_csv },
  { "json", read_json },
  { "xml", read_xml },
};

GST_START_TEST (test_file)
{
  gchar *path = test_path (formats[__i__].name);
  gchar *properties = g_strdup_printf (
      "results-filename=%s results-format=%s", path, formats[__i__].name);

  for (guint run = 0; run < 2; run++) { /* the second one starts over */
    TestResults *results = test_run (&ref, &dist, properties);
    Contents contents = formats[__i__].read (path);

    fail_if (
        results->error, "%s", results->error ? results->error->message : "");
    fail_unless_equals_int (contents.n_frames, 4);
    fail_unless (contents.complete);
    test_results_free (results);
  }
  g_free (properties);
  g_free (path);
}
GST_END_TEST;

/* The file can be read at any moment. */
GST_START_TEST (test_file_interrupted)
{
  gchar *path = test_path ("interrupted");
  gchar *line = g_strdup_printf (
      "videotestsrc ! " RGB " ! p.ref_sink "
      "videotestsrc pattern=snow ! " RGB " ! p.dist_sink "
      "sympieprobe name=p layer=relu1_1 weights=%s frame-message=true "
      "results-filename=%s results-format=%s ! fakesink",
      test_weights (), path, formats[__i__].name);
  GstElement *pipeline = gst_parse_launch (line, NULL);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  test_results_free (test_collect (pipeline, 3));
  gst_element_set_state (pipeline, GST_STATE_NULL);
  fail_unless (formats[__i__].read (path).n_frames >= 3);
  fail_if (formats[__i__].read == read_json && read_json (path).complete);
  fail_if (formats[__i__].read == read_xml && read_xml (path).complete);
  gst_object_unref (pipeline);
  g_free (line);
  g_free (path);
}
GST_END_TEST;

GST_START_TEST (test_file_errors)
{
  TestResults *results;

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    gchar *properties = g_strdup_printf (
        "results-filename=/dev/full results-format=%s", formats[i].name);

    results = test_run (&ref, &dist, properties);
    fail_unless (results->error != NULL);
    fail_unless (strstr (results->error->message, "/dev/full") != NULL);
    fail_if (results->pooled, "pooled after an error");
    test_results_free (results);
    g_free (properties);
  }

  results = test_run (&ref, &dist, "results-filename=/nowhere/results.csv");
  fail_unless (g_error_matches (
      results->error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_WRITE));
  fail_unless (
      strstr (results->error->message, "/nowhere/results.csv") != NULL);
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

/* `mean` and `stats` keep up with the messages. */
GST_START_TEST (test_mean)
{
  gchar *line = g_strdup_printf (
      "videotestsrc num-buffers=4 ! " RGB " ! p.ref_sink "
      "videotestsrc num-buffers=4 pattern=snow ! " RGB " ! p.dist_sink "
      "sympieprobe name=p layer=relu1_1 weights=%s ! fakesink",
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

GST_START_TEST (test_device)
{
  TestResults *results = test_run (&ref, &dist, "device=cuda");

  fail_unless (g_error_matches (
      results->error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND));
  fail_unless (strstr (results->error->message, "device=cuda") != NULL);
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
  tcase_add_loop_test (tc, test_file, 0, G_N_ELEMENTS (formats));
  tcase_add_loop_test (tc, test_file_interrupted, 0, G_N_ELEMENTS (formats));
  tcase_add_test (tc, test_file_errors);
  tcase_add_test (tc, test_properties);
  tcase_add_test (tc, test_mean);
  tcase_add_test (tc, test_bad_weights);
  tcase_add_test (tc, test_weights_path);
  tcase_add_test (tc, test_device);
  return suite;
}

GST_CHECK_MAIN (probe_results);
