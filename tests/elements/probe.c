/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "probe.h"

#include <glib/gstdio.h>
#include <gst/video/video.h>

#include "vgg19_seed.h"

static gchar *folder, *weights;

gchar *
test_path (const gchar *name)
{
  if (!folder)
    folder = g_dir_make_tmp ("sympie-probe-XXXXXX", NULL);
  fail_unless (folder != NULL);
  return g_build_filename (folder, name, NULL);
}

const gchar *
test_weights (void)
{
  if (!weights) {
    weights = test_path ("vgg19.safetensors");
    fail_unless (vgg19_seed_write (weights, 1, 1));
  }
  return weights;
}

void
test_remove_files (void)
{
  GDir *dir = folder ? g_dir_open (folder, 0, NULL) : NULL;
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    gchar *path = g_build_filename (folder, name, NULL);

    g_unlink (path);
    g_free (path);
  }
  if (dir) {
    g_dir_close (dir);
    g_rmdir (folder);
  }
  g_clear_pointer (&weights, g_free);
  g_clear_pointer (&folder, g_free);
}

/* ---- Streams ----------------------------------------------------------- */

static GstBuffer *
make_frame (const GstVideoInfo *info, guint32 seed, gint time)
{
  GRand *random = g_rand_new_with_seed (seed);
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  for (gsize i = 0; i < map.size; i++)
    map.data[i] = (guint8) g_rand_int_range (random, 0, 256);
  gst_buffer_unmap (buffer, &map);
  g_rand_free (random);
  GST_BUFFER_PTS (buffer) = time * GST_MSECOND;
  GST_BUFFER_DURATION (buffer) = GST_MSECOND;
  return buffer;
}

static void
feed (GstElement *pipeline, guint number, const TestStream *stream)
{
  gchar *name = g_strdup_printf ("stream%u", number);
  GstElement *source = gst_bin_get_by_name (GST_BIN (pipeline), name);
  GstCaps *caps = gst_caps_from_string (stream->caps);
  GstVideoInfo info;
  GstFlowReturn ret;

  fail_unless (gst_video_info_from_caps (&info, caps));
  g_object_set (source, "caps", caps, NULL);
  for (gint i = 0; stream->times[i] >= 0; i++) {
    GstBuffer *buffer = make_frame (&info, stream->seed + i, stream->times[i]);

    g_signal_emit_by_name (source, "push-buffer", buffer, &ret);
    gst_buffer_unref (buffer);
  }
  g_signal_emit_by_name (source, "end-of-stream", &ret);
  gst_caps_unref (caps);
  gst_object_unref (source);
  g_free (name);
}

static void
count_frame (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer n)
{
  g_atomic_int_inc ((gint *) n);
}

/* Stream 0 is the reference, 1 goes to dist_sink, 2 to dist_sink_0. */
static GstElement *
make_pipeline (guint n_streams, const gchar *properties, gint *n_passed)
{
  GString *sources = g_string_new (NULL);
  gchar *line;
  GError *error = NULL;
  GstElement *pipeline, *sink;

  for (guint i = 2; i < n_streams; i++)
    g_string_append_printf (sources,
        "appsrc name=stream%u format=time ! p.dist_sink_%u ", i, i - 2);
  line = g_strdup_printf ("appsrc name=stream0 format=time ! p.ref_sink "
                          "appsrc name=stream1 format=time ! p.dist_sink %s"
                          "sympieprobe name=p device=cpu layer=relu1_1 "
                          "weights=%s frame-message=true %s ! "
                          "fakesink name=sink signal-handoffs=true",
      sources->str, test_weights (), properties);
  g_string_free (sources, TRUE);
  pipeline = gst_parse_launch (line, &error);
  fail_unless (pipeline && !error, "%s", error ? error->message : "");
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_signal_connect (sink, "handoff", G_CALLBACK (count_frame), n_passed);
  gst_object_unref (sink);
  g_free (line);
  return pipeline;
}

static TestResults *
finish (GstElement *pipeline, gint *n_passed)
{
  TestResults *results = test_collect (pipeline, G_MAXUINT);

  gst_element_set_state (pipeline, GST_STATE_NULL);
  results->n_passed = (guint) g_atomic_int_get (n_passed);
  gst_object_unref (pipeline);
  return results;
}

TestResults *
test_run_many (const TestStream *ref, const TestStream *dist, guint n,
    const guint *order, const gchar *properties)
{
  gint n_passed = 0;
  GstElement *pipeline = make_pipeline (1 + n, properties, &n_passed);

  if (order)
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (guint i = 0; i <= n; i++) {
    guint number = order ? order[i] : i;

    feed (pipeline, number, number == 0 ? ref : &dist[number - 1]);
    if (order)
      g_usleep (100 * 1000);
  }
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  return finish (pipeline, &n_passed);
}

TestResults *
test_run (
    const TestStream *ref, const TestStream *dist, const gchar *properties)
{
  return test_run_many (ref, dist, 1, NULL, properties);
}

TestResults *
test_run_one_first (
    const TestStream *ref, const TestStream *dist, gboolean ref_first)
{
  const guint orders[2][2] = { { 1, 0 }, { 0, 1 } };

  return test_run_many (ref, dist, 1, orders[ref_first != FALSE], "");
}

/* ---- Results ----------------------------------------------------------- */

static void
collect_element_message (TestResults *results, GstMessage *message)
{
  const GstStructure *structure = gst_message_get_structure (message);

  if (!gst_structure_has_name (structure, "sympieprobe"))
    return;
  if (g_str_equal (gst_structure_get_string (structure, "type"), "frame")) {
    fail_if (results->pooled, "a frame after the pooled result");
    g_ptr_array_add (results->frames, gst_structure_copy (structure));
  } else if (g_str_equal (
                 gst_structure_get_string (structure, "pad"), "dist_sink")) {
    fail_if (results->pooled, "a second pooled result");
    results->pooled = gst_structure_copy (structure);
  } else {
    g_ptr_array_add (results->more, gst_structure_copy (structure));
  }
}

TestResults *
test_collect (GstElement *pipeline, guint n_frames)
{
  TestResults *results = g_new0 (TestResults, 1);
  GstBus *bus = gst_element_get_bus (pipeline);
  gboolean done = FALSE;

  results->frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_structure_free);
  results->more =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_structure_free);
  while (!done && results->frames->len < n_frames) {
    GstMessage *message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND,
        GST_MESSAGE_ELEMENT | GST_MESSAGE_EOS | GST_MESSAGE_ERROR
            | GST_MESSAGE_WARNING);

    fail_unless (message != NULL, "nothing happened in a minute");
    switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ELEMENT:
      collect_element_message (results, message);
      break;
    case GST_MESSAGE_WARNING:
      results->n_warnings++;
      break;
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, &results->error, &results->debug);
      done = TRUE;
      break;
    default:
      done = TRUE;
      break;
    }
    gst_message_unref (message);
  }
  gst_object_unref (bus);
  return results;
}

void
test_results_free (TestResults *results)
{
  g_ptr_array_unref (results->frames);
  g_ptr_array_unref (results->more);
  if (results->pooled)
    gst_structure_free (results->pooled);
  g_clear_error (&results->error);
  g_free (results->debug);
  g_free (results);
}

guint64
test_uint64 (const GstStructure *structure, const gchar *field)
{
  guint64 value = 0;

  fail_unless (gst_structure_get_uint64 (structure, field, &value),
      "no guint64 %s in %" GST_PTR_FORMAT, field, structure);
  return value;
}

gdouble
test_double (const GstStructure *structure, const gchar *field)
{
  gdouble value = 0;

  fail_unless (gst_structure_get_double (structure, field, &value),
      "no gdouble %s in %" GST_PTR_FORMAT, field, structure);
  return value;
}
