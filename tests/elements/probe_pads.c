/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What goes through sympieprobe's pads besides frames, which caps they take,
 * and what becomes of pads that nothing comes through. */

#include <gst/check/gstharness.h>
#include <gst/check/gsttestclock.h>

#include "probe.h"
#include "sympie.h"

#define RGB "video/x-raw, format=RGB, width=64, height=48, framerate=25/1"

static const gchar *const names[] = { "dist_sink", "ref_sink", "dist_sink_0" };

/* A sympieprobe between three sources and a sink. */
typedef struct
{
  GstElement *probe;
  GstBus *bus;
  GstHarness *sinks[3]; /* in the order of `names`; the first has src, too */
} Probe;

/* Opens it with pad `unlinked` there, but with nothing that comes to it; with
 * all linked where that is G_N_ELEMENTS (names). */
static void
probe_open_in_part (Probe *p, guint unlinked)
{
  p->probe = gst_element_factory_make ("sympieprobe", NULL);
  g_object_set (p->probe, "weights", test_weights (), "layer",
      SYMPIE_LAYER_RELU1_1, "device", SYMPIE_DEVICE_CPU, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    p->sinks[i] = gst_harness_new_with_element (
        p->probe, i == unlinked ? NULL : names[i], i == 0 ? "src" : NULL);
  p->bus = gst_bus_new ();
  gst_element_set_bus (p->probe, p->bus);
}

static void
probe_open (Probe *p)
{
  probe_open_in_part (p, G_N_ELEMENTS (names));
}

static void
probe_close (Probe *p)
{
  gst_element_set_state (p->probe, GST_STATE_NULL);
  gst_element_set_bus (p->probe, NULL);
  gst_object_unref (p->bus);
  for (guint i = G_N_ELEMENTS (names); i-- > 0;)
    gst_harness_teardown (p->sinks[i]);
  gst_object_unref (p->probe);
}

/* What the next warning or error says; NULL where there is none. */
static GError *
pop (GstBus *bus, GstMessageType type)
{
  GstMessage *message = gst_bus_pop_filtered (bus, type);
  GError *error = NULL;

  if (message && type == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  else if (message)
    gst_message_parse_warning (message, &error, NULL);
  if (message)
    gst_message_unref (message);
  return error;
}

static GstFlowReturn
push_frame (GstHarness *h, GstClockTime time)
{
  GstBuffer *buffer = gst_harness_create_buffer (h, 64 * 48 * 3);

  gst_buffer_memset (buffer, 0, 0, 64 * 48 * 3);
  GST_BUFFER_PTS (buffer) = time;
  GST_BUFFER_DURATION (buffer) = 40 * GST_MSECOND;
  return gst_harness_push (h, buffer);
}

/* ---- Events ------------------------------------------------------------ */

static guint
count_upstream (GstHarness *h, GstEventType type)
{
  GstEvent *event;
  guint n = 0;

  while ((event = gst_harness_try_pull_upstream_event (h))) {
    n += GST_EVENT_TYPE (event) == type;
    gst_event_unref (event);
  }
  return n;
}

/* A decoder that is told that the sink is late drops frames, each its own: the
 * streams would no longer fit together. */
GST_START_TEST (test_qos)
{
  static const GstEventType types[] = { GST_EVENT_QOS, GST_EVENT_LATENCY };
  Probe p;

  probe_open (&p);
  for (guint k = 0; k < G_N_ELEMENTS (names); k++) {
    gst_harness_set_src_caps_str (p.sinks[k], RGB);
    fail_unless_equals_int (push_frame (p.sinks[k], 0), GST_FLOW_OK);
  }
  gst_buffer_unref (gst_harness_pull (p.sinks[0]));

  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    GstEvent *event = types[i] == GST_EVENT_QOS
                          ? gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 2.0,
                              GST_SECOND, GST_SECOND)
                          : gst_event_new_latency (GST_SECOND);

    fail_unless (gst_harness_push_upstream_event (p.sinks[0], event));
    for (guint k = 0; k < G_N_ELEMENTS (names); k++)
      fail_unless_equals_int (
          count_upstream (p.sinks[k], types[i]), types[i] != GST_EVENT_QOS);
  }
  probe_close (&p);
}
GST_END_TEST;

/* ---- Caps -------------------------------------------------------------- */

/* One error says what is wrong with a stream, and its frames end there. */
GST_START_TEST (test_refused)
{
  static const struct
  {
    const gchar *caps, *part;
    GstFormat format;
  } refused[] = {
    { RGB ", colorimetry=(string)bt2100-pq", "PQ", GST_FORMAT_TIME },
    { RGB ", colorimetry=(string)1:1:1:1", "gamma", GST_FORMAT_TIME },
    { RGB, "bytes", GST_FORMAT_BYTES },
    { NULL, "before their caps", GST_FORMAT_TIME },
  };

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    for (guint k = 0; k < G_N_ELEMENTS (names); k++) {
      GError *error;
      Probe p;

      probe_open (&p);
      for (guint j = 0; j < G_N_ELEMENTS (names); j++) {
        const gchar *text = j == k ? refused[i].caps : RGB;
        GstSegment segment;

        gst_segment_init (
            &segment, j == k ? refused[i].format : GST_FORMAT_TIME);
        if (text) {
          GstCaps *caps = gst_caps_from_string (text);

          gst_harness_push_event (p.sinks[j], gst_event_new_caps (caps));
          gst_caps_unref (caps);
        }
        gst_harness_push_event (p.sinks[j], gst_event_new_segment (&segment));
        push_frame (p.sinks[j], 0);
      }
      while (push_frame (p.sinks[0], 0) == GST_FLOW_OK)
        ;

      error = pop (p.bus, GST_MESSAGE_ERROR);
      fail_unless (error != NULL, "%s: in silence", refused[i].part);
      if (refused[i].caps)
        fail_unless (
            g_error_matches (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT));
      else
        fail_unless (g_error_matches (
            error, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION));
      fail_unless (
          strstr (error->message, refused[i].part), "%s", error->message);
      fail_unless (strstr (error->message, names[k]), "%s", error->message);
      g_error_free (error);
      fail_if (pop (p.bus, GST_MESSAGE_ERROR));
      probe_close (&p);
    }
}
GST_END_TEST;

/* Who asks is told, at each pad, what will not work: by itself with a warning,
 * and as one of many. */
GST_START_TEST (test_query)
{
  static const struct
  {
    const gchar *fields, *word;
  } kept_out[] = {
    { "format=P010_10LE, colorimetry=bt2100-pq", "PQ" },
    { "format=RGB, colorimetry=(string)1:1:1:1", "gamma" },
    { "format=NV12, interlace-mode=fields", "fields" },
  };
  static const gchar *const works[] = {
    "video/x-raw, format=I420, width=64, height=48, framerate=25/1",
    "video/x-raw, format=NV12, width=64, height=48, framerate=25/1, "
    "colorimetry=bt709",
  };
  GstCaps *converter =
      gst_caps_from_string ("video/x-raw, width=64, height=48, framerate=25/1");

  for (guint k = 0; k < G_N_ELEMENTS (names); k++) {
    GstElement *probe = gst_element_factory_make ("sympieprobe", NULL);
    GstPad *more = gst_element_request_pad_simple (probe, "dist_sink_0");
    GstPad *pad = gst_element_get_static_pad (probe, names[k]);
    GstBus *bus = gst_bus_new ();
    GstCaps *caps, *answer;

    gst_element_set_bus (probe, bus);
    for (guint i = 0; i < G_N_ELEMENTS (kept_out); i++) {
      gchar *text = g_strdup_printf (
          "video/x-raw, %s, width=64, height=48, framerate=25/1",
          kept_out[i].fields);
      GError *error;

      caps = gst_caps_from_string (text);
      answer = gst_pad_query_caps (pad, caps);
      fail_unless (gst_caps_is_empty (answer), "%s: %s", names[k], text);
      gst_caps_unref (answer);
      error = pop (bus, GST_MESSAGE_WARNING);
      fail_unless (error != NULL, "%s: %s", names[k], text);
      fail_unless (strstr (error->message, kept_out[i].word) != NULL, "%s",
          error->message);
      g_error_free (error);

      answer = gst_pad_query_caps (pad, converter);
      fail_if (gst_caps_can_intersect (answer, caps), "%s: %s", names[k], text);
      gst_caps_unref (answer);
      gst_caps_unref (caps);
      g_free (text);
    }
    for (guint i = 0; i < G_N_ELEMENTS (works); i++) {
      caps = gst_caps_from_string (works[i]);
      answer = gst_pad_query_caps (pad, caps);
      fail_unless (
          gst_caps_is_subset (caps, answer), "%s: %s", names[k], works[i]);
      gst_caps_unref (answer);
      gst_caps_unref (caps);
    }
    gst_element_set_bus (probe, NULL);
    gst_object_unref (bus);
    gst_object_unref (pad);
    gst_element_release_request_pad (probe, more);
    gst_object_unref (more);
    gst_object_unref (probe);
  }
  gst_caps_unref (converter);
}
GST_END_TEST;

/* So that a converter in front converts. */
GST_START_TEST (test_converted)
{
  for (guint k = 0; k < G_N_ELEMENTS (names); k++) {
    GString *line = g_string_new (NULL);
    GstElement *pipeline;
    TestResults *results;

    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
      g_string_append_printf (line,
          "videotestsrc num-buffers=2 ! video/x-raw, format=%s, width=64, "
          "height=48 ! videoconvert ! p.%s ",
          i == k ? "P010_10LE, colorimetry=bt2100-pq" : "NV12", names[i]);
    g_string_append_printf (line,
        "sympieprobe name=p device=cpu layer=relu1_1 weights=%s ! fakesink",
        test_weights ());
    pipeline = gst_parse_launch (line->str, NULL);
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    results = test_collect (pipeline, G_MAXUINT);
    fail_if (results->error, "%s: %s", names[k],
        results->error ? results->error->message : "");
    fail_unless_equals_int (test_uint64 (results->pooled, "frames"), 2);
    test_results_free (results);
    gst_element_set_state (pipeline, GST_STATE_NULL);
    gst_object_unref (pipeline);
    g_string_free (line, TRUE);
  }
}
GST_END_TEST;

/* ---- Pads that nothing is linked to ------------------------------------ */

/* All streams wait for those that do not come. A while later somebody says so,
 * once; before that it may be a decoder that has yet to find its stream. */
GST_START_TEST (test_unlinked)
{
  GstClock *clock = gst_test_clock_new ();
  GstTestClock *test_clock = GST_TEST_CLOCK (clock);

  gst_system_clock_set_default (clock);
  for (guint k = 0; k < G_N_ELEMENTS (names); k++)
    for (guint linked_late = 0; linked_late < 2; linked_late++) {
      GstPad *pad, *src = gst_pad_new ("src", GST_PAD_SRC);
      GError *error;
      Probe p;

      probe_open_in_part (&p, k);
      pad = k < 2 ? gst_element_get_static_pad (p.probe, names[k])
                  : gst_element_request_pad_simple (p.probe, names[k]);
      for (guint j = 0; j < G_N_ELEMENTS (names); j++)
        if (j != k)
          gst_harness_set_src_caps_str (p.sinks[j], RGB);
      gst_test_clock_wait_for_next_pending_id (test_clock, NULL);
      if (linked_late)
        fail_unless_equals_int (gst_pad_link (src, pad), GST_PAD_LINK_OK);
      fail_if (pop (p.bus, GST_MESSAGE_WARNING));
      fail_unless (gst_test_clock_crank (test_clock));

      error = pop (p.bus, GST_MESSAGE_WARNING);
      fail_unless ((error == NULL) == linked_late);
      fail_if (error && !strstr (error->message, names[k]));
      g_clear_error (&error);
      fail_if (pop (p.bus, GST_MESSAGE_WARNING));
      fail_if (gst_test_clock_peek_next_pending_id (test_clock, NULL));
      probe_close (&p);
      gst_object_unref (pad);
      gst_object_unref (src);
    }
  gst_system_clock_set_default (NULL);
  gst_object_unref (clock);
}
GST_END_TEST;

/* Nobody waits any more when it has stopped. */
GST_START_TEST (test_unlinked_and_stopped)
{
  GstClock *clock = gst_test_clock_new ();
  GstTestClock *test_clock = GST_TEST_CLOCK (clock);
  Probe p;

  gst_system_clock_set_default (clock);
  probe_open_in_part (&p, 1);
  gst_harness_set_src_caps_str (p.sinks[0], RGB);
  gst_test_clock_wait_for_next_pending_id (test_clock, NULL);
  gst_element_set_state (p.probe, GST_STATE_NULL);
  fail_if (gst_test_clock_peek_next_pending_id (test_clock, NULL));
  probe_close (&p);
  gst_system_clock_set_default (NULL);
  gst_object_unref (clock);
}
GST_END_TEST;

/* ---- Pads that are released -------------------------------------------- */

static guint64
get_n_frames (GstElement *probe)
{
  GstStructure *stats;
  guint64 n_frames;

  g_object_get (probe, "stats", &stats, NULL);
  n_frames = test_uint64 (stats, "frames");
  gst_structure_free (stats);
  return n_frames;
}

static void
push_pairs (Probe *p, guint n_sinks, guint n)
{
  for (guint i = 0; i < n; i++) {
    for (guint k = 0; k < n_sinks; k++)
      fail_unless_equals_int (push_frame (p->sinks[k], 0), GST_FLOW_OK);
    gst_buffer_unref (gst_harness_pull (p->sinks[0]));
  }
}

static void
release (Probe *p, const gchar *name)
{
  GstPad *pad = gst_element_get_static_pad (p->probe, name);
  GstPad *peer = gst_pad_get_peer (pad);

  if (peer) {
    gst_pad_unlink (peer, pad);
    gst_object_unref (peer);
  }
  gst_element_release_request_pad (p->probe, pad);
  gst_object_unref (pad);
}

static void
wait_for_end (GstHarness *h)
{
  GstEventType type;

  do {
    GstEvent *event = gst_harness_pull_event (h);

    fail_unless (event != NULL);
    type = GST_EVENT_TYPE (event);
    gst_event_unref (event);
  } while (type != GST_EVENT_EOS);
}

/* What was measured at a pad that is there no more is part of the result; a pad
 * that nothing came to is not. */
GST_START_TEST (test_released)
{
  static const struct
  {
    const gchar *pad;
    guint n_frames;
  } wanted[] = { { "dist_sink", 3 }, { "dist_sink_0", 2 } };
  gchar *path = test_path ("released.json"), *text;
  GstMessage *message;
  Probe p;

  probe_open (&p);
  gst_element_set_state (p.probe, GST_STATE_NULL);
  g_object_set (p.probe, "results-filename", path, "results-format", 1, NULL);
  gst_element_set_state (p.probe, GST_STATE_PLAYING);
  gst_object_unref (gst_element_request_pad_simple (p.probe, "dist_sink_1"));
  release (&p, "dist_sink_1");

  for (guint k = 0; k < G_N_ELEMENTS (names); k++)
    gst_harness_set_src_caps_str (p.sinks[k], RGB);
  push_pairs (&p, 3, 2);
  release (&p, "dist_sink_0");
  push_pairs (&p, 2, 1);
  fail_unless_equals_uint64 (get_n_frames (p.probe), 5);
  for (guint k = 0; k < 2; k++)
    gst_harness_push_event (p.sinks[k], gst_event_new_eos ());
  wait_for_end (p.sinks[0]);

  fail_unless (g_file_get_contents (path, &text, NULL, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++) {
    const GstStructure *pooled;
    gchar *part = g_strdup_printf (
        "\"pooled\", \"pad\": \"%s\", \"layer\": \"relu1_1\", "
        "\"input\": \"crop224\", \"frames\": %u, \"pairs\": %u, "
        "\"unmatched-ref\": 0, \"unmatched-dist\": 0, ",
        wanted[i].pad, wanted[i].n_frames, wanted[i].n_frames);

    fail_unless (strstr (text, part) != NULL, "no %s in %s", part, text);
    g_free (part);
    message = gst_bus_pop_filtered (p.bus, GST_MESSAGE_ELEMENT);
    fail_unless (message != NULL, "no pooled result of %s", wanted[i].pad);
    pooled = gst_message_get_structure (message);
    fail_unless_equals_string (
        gst_structure_get_string (pooled, "pad"), wanted[i].pad);
    fail_unless_equals_uint64 (
        test_uint64 (pooled, "frames"), wanted[i].n_frames);
    fail_unless_equals_uint64 (test_uint64 (pooled, "unmatched-ref"), 0);
    gst_message_unref (message);
  }
  fail_if (strstr (text, "dist_sink_1"));
  fail_if (
      gst_bus_pop_filtered (p.bus, GST_MESSAGE_ELEMENT | GST_MESSAGE_WARNING));

  /* The next start has nothing to do with it. */
  gst_element_set_state (p.probe, GST_STATE_READY);
  gst_element_set_state (p.probe, GST_STATE_PAUSED);
  fail_unless_equals_uint64 (get_n_frames (p.probe), 0);
  probe_close (&p);
  g_free (text);
  g_free (path);
}
GST_END_TEST;

static Suite *
probe_pads_suite (void)
{
  Suite *suite = suite_create ("sympieprobe pads");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_checked_fixture (tc, NULL, test_remove_files);
  tcase_add_test (tc, test_qos);
  tcase_add_test (tc, test_refused);
  tcase_add_test (tc, test_query);
  tcase_add_test (tc, test_converted);
  tcase_add_test (tc, test_unlinked);
  tcase_add_test (tc, test_unlinked_and_stopped);
  tcase_add_test (tc, test_released);
  return suite;
}

GST_CHECK_MAIN (probe_pads);
