/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Parameters along stream time: found for each frame, read back from a file bit
 * by bit; from one branch of a pipeline to another and from one run to the next
 * they do to each frame what they did. */

#include <glib/gstdio.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "enhance.h"
#include "timeline.h"

#define NONE GST_CLOCK_TIME_NONE
#define WALL G_GUINT64_CONSTANT (1764133200000000000)

static GstSympieParamsInfo
info_of (gfloat number)
{
  GstSympieParamsInfo info = { .gate = 1, .time = NONE };

  info.params.values[0] = number;
  return info;
}

static gfloat
number_at (GstSympieTimeline *timeline, GstClockTime time)
{
  GstSympieParamsInfo info;

  return gst_sympie_timeline_get (timeline, time, &info) ? info.params.values[0]
                                                         : -1;
}

static void
put (GstSympieTimeline *timeline, GstClockTime time, gfloat number)
{
  GstSympieParamsInfo info = info_of (number);

  gst_sympie_timeline_put (timeline, time, &info);
}

GST_START_TEST (test_times)
{
  GstSympieTimeline *timeline = gst_sympie_timeline_join ("times");
  GstSympieTimeline *same = gst_sympie_timeline_join ("times");
  GstSympieTimeline *other = gst_sympie_timeline_join ("other");

  fail_unless (timeline == same && timeline != other);
  fail_unless (number_at (timeline, 0) == -1);
  put (timeline, 10, 1);
  put (timeline, 20, 2);
  put (timeline, 30, 3);
  fail_unless (number_at (same, 9) == -1);
  fail_unless (number_at (same, 10) == 1);
  fail_unless (number_at (same, 19) == 1);
  fail_unless (number_at (same, 29) == 2);
  fail_unless (number_at (same, 1000) == 3);
  fail_unless (number_at (same, NONE) == 3);
  fail_unless (number_at (other, 1000) == -1);
  /* The same again, and back. */
  put (timeline, 30, 4);
  fail_unless (number_at (same, 30) == 4);
  put (timeline, 15, 5);
  fail_unless (number_at (same, 10) == 1 && number_at (same, 1000) == 5);
  /* It is remembered while somebody is there, but not for ever. */
  gst_sympie_timeline_leave (timeline);
  for (guint i = 0; i < 100000; i++)
    put (same, 100 + i, (gfloat) i);
  fail_unless (number_at (same, 100 + 99000) == 99000);
  fail_unless (number_at (same, 15) == -1);
  gst_sympie_timeline_leave (same);
  timeline = gst_sympie_timeline_join ("times");
  fail_unless (number_at (timeline, 1000) == -1);
  gst_sympie_timeline_leave (timeline);
  gst_sympie_timeline_leave (other);
}
GST_END_TEST;

/* The stream goes back: what was noted of later frames no longer holds, also
 * where the newest parameters are those noted last. */
GST_START_TEST (test_back)
{
  GstSympieNotes writer = { .channel = NULL }, reader = { .channel = NULL };
  const GstSympieParamsInfo a = info_of (1), b = info_of (2);
  GstSympieParamsInfo found;
  gchar *reason;

  fail_unless (gst_sympie_notes_open (&writer, TRUE, "back", NULL, &reason));
  fail_unless (gst_sympie_notes_open (&reader, FALSE, "back", NULL, &reason));
  gst_sympie_notes_write (&writer, 0, &a);
  gst_sympie_notes_write (&writer, 5, &b);
  gst_sympie_notes_write (&writer, 10, &a);
  gst_sympie_notes_write (&writer, 11, &a);
  gst_sympie_notes_write (&writer, 3, &a);
  gst_sympie_notes_write (&writer, 4, &a);
  fail_unless (gst_sympie_notes_read (&reader, 6, &found));
  fail_unless (found.params.values[0] == 1);
  gst_sympie_notes_close (&writer);
  gst_sympie_notes_close (&reader);
}
GST_END_TEST;

/* One thread tells, others join, ask and leave. */
static void *
tell (void *data)
{
  for (guint i = 0; i < 2000; i++) {
    GstSympieTimeline *timeline = gst_sympie_timeline_join ("threads");

    put (timeline, i, (gfloat) i);
    gst_sympie_timeline_leave (timeline);
  }
  return NULL;
}

static void *
ask (void *data)
{
  for (guint i = 0; i < 2000; i++) {
    GstSympieTimeline *timeline = gst_sympie_timeline_join ("threads");
    gfloat number = number_at (timeline, i);

    fail_unless (number >= -1 && number <= i, "%g at %u", number, i);
    gst_sympie_timeline_leave (timeline);
  }
  return NULL;
}

GST_START_TEST (test_threads)
{
  pthread_t threads[3];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    fail_unless_equals_int (
        pthread_create (&threads[i], NULL, i == 0 ? tell : ask, NULL), 0);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    pthread_join (threads[i], NULL);
}
GST_END_TEST;

/* ---- Files --------------------------------------------------------------- */

static gchar *
new_file (const gchar *text)
{
  gchar *path;
  gint fd = g_file_open_tmp ("timeline-XXXXXX", &path, NULL);

  fail_unless (fd >= 0);
  fail_unless (g_close (fd, NULL));
  fail_unless (g_file_set_contents (path, text, -1, NULL));
  return path;
}

GST_START_TEST (test_lines)
{
  GRand *random = g_rand_new_with_seed (1);
  GString *text = g_string_new (NULL);
  GstSympieParamsInfo infos[50], found;
  GstSympieTimeline *timeline;
  gchar *path, *line, *reason;

  for (guint i = 0; i < G_N_ELEMENTS (infos); i++) {
    infos[i] = (GstSympieParamsInfo){
      .gate = (gfloat) g_rand_double (random),
      .estimated = i % 2,
      .age = i == 7 ? G_MAXUINT : i,
      .time = i == 9 ? NONE : i,
    };
    for (guint k = 0; k < SYMPIE_N_PARAMS; k++)
      infos[i].params.values[k] =
          (gfloat) ((g_rand_double (random) - 0.5)
                    * pow (10, g_rand_int_range (random, -30, 30)));
    /* Times of the clock on the wall need 19 digits. */
    line = gst_sympie_timeline_to_line (i * GST_SECOND + WALL, &infos[i]);
    fail_unless (strchr (line, '\n') == line + strlen (line) - 1);
    g_string_append (text, line);
    g_free (line);
  }
  path = new_file (text->str);
  timeline = gst_sympie_timeline_read (path, &reason);
  fail_unless (timeline != NULL, "%s", reason);
  for (guint i = 0; i < G_N_ELEMENTS (infos); i++) {
    fail_unless (
        gst_sympie_timeline_get (timeline, i * GST_SECOND + WALL, &found));
    fail_unless (
        memcmp (&found.params, &infos[i].params, sizeof found.params) == 0);
    fail_unless (found.gate == infos[i].gate);
    fail_unless_equals_int (found.estimated, infos[i].estimated);
    fail_unless (found.age == infos[i].age);
    fail_unless_equals_uint64 (found.time, infos[i].time);
  }
  gst_sympie_timeline_leave (timeline);
  g_remove (path);
  g_free (path);
  g_string_free (text, TRUE);
  g_rand_free (random);
}
GST_END_TEST;

GST_START_TEST (test_bad_lines)
{
  GstSympieParamsInfo info = info_of (1);
  gchar *good = gst_sympie_timeline_to_line (0, &info);
  static const struct
  {
    const gchar *from, *to, *said;
  } cases[] = {
    { "{", "", ":2: " },
    { "\"time\": 0", "\"time\": -1", "no usable \"time\"" },
    { "\"time\": 0", "\"time\": \"0\"", "no usable \"time\"" },
    { "\"time\": 0, ", "", "no usable \"time\"" },
    { "\"gate\": 1", "\"gate\": true", "no usable \"gate\"" },
    { "\"gate\": 1", "\"gate\": 1e99", "no usable \"gate\"" },
    { "\"estimated\": false", "\"estimated\": 0", "no usable \"estimated\"" },
    { "\"age\": 0", "\"age\": 4294967296", "no usable \"age\"" },
    { "\"estimate-time\"", "\"time-estimate\"", "no usable \"estimate-time\"" },
    { "[1, ", "[", "no usable \"parameters\"" },
    { "[1, ", "[1, 1, ", "no usable \"parameters\"" },
    { "[1, ", "[[1], ", "no usable \"parameters\"" },
    { "[1, ", "[null, ", "no usable \"parameters\"" },
    { "\"parameters\"", "\"params\"", "no usable \"parameters\"" },
    { "[1, ", "[nan, ", "no usable \"parameters\"" },
    { "]}", "]", "no usable end" },
    { "]}", "], \"note\": 1}", "no usable end" },
    { "]}", "]} {}", "no usable end" },
  };
  gchar *reason;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gchar **halves = g_strsplit (good, cases[i].from, 2);
    gchar *bad = g_strjoinv (cases[i].to, halves);
    gchar *text = g_strconcat (good, bad, NULL), *path = new_file (text);

    fail_unless (g_strv_length (halves) == 2, "%s", cases[i].from);
    fail_unless (gst_sympie_timeline_read (path, &reason) == NULL, "%s", bad);
    fail_unless (g_str_has_prefix (reason, path), "%s", reason);
    fail_unless (strstr (reason, cases[i].said) != NULL, "%s", reason);
    fail_unless (strstr (reason, ":2: ") != NULL, "%s", reason);
    g_remove (path);
    g_free (reason);
    g_free (path);
    g_free (text);
    g_free (bad);
    g_strfreev (halves);
  }
  g_free (good);
  fail_unless (gst_sympie_timeline_read ("/no/where", &reason) == NULL);
  fail_unless (strstr (reason, "/no/where") != NULL, "%s", reason);
  g_free (reason);
}
GST_END_TEST;

/* Frames of these times are noted, the number in the parameters counting up;
 * then the frames from 0 on find those of `expected`. */
static void
check_recording (const GstClockTime *times, guint n, const gfloat *expected,
    guint n_expected)
{
  gchar *path = new_file (""), *reason;
  GstSympieNotes writer = { .channel = NULL }, reader = { .channel = NULL };
  GstSympieParamsInfo info;

  fail_unless (gst_sympie_notes_open (&writer, TRUE, NULL, path, &reason));
  for (guint i = 0; i < n; i++) {
    info = info_of ((gfloat) i);
    fail_unless (gst_sympie_notes_write (&writer, times[i], &info));
  }
  gst_sympie_notes_close (&writer);
  fail_unless (gst_sympie_notes_open (&reader, FALSE, NULL, path, &reason));
  for (guint i = 0; i < n_expected; i++) {
    fail_unless (gst_sympie_notes_read (&reader, i, &info));
    fail_unless (info.params.values[0] == expected[i], "frame %u: %g, not %g",
        i, info.params.values[0], expected[i]);
  }
  gst_sympie_notes_close (&reader);
  g_remove (path);
  g_free (path);
}

/* A recording keeps what was noted of later frames when the stream goes back,
 * and all of one that is played in reverse. */
GST_START_TEST (test_recording_back)
{
  static const GstClockTime back[] = { 0, 1, 2, 3, 4, 0, 1 };
  static const gfloat after_back[] = { 5, 6, 2, 3, 4, 4 };
  static const GstClockTime reverse[] = { 4, 3, 2, 1, 0 };
  static const gfloat after_reverse[] = { 4, 3, 2, 1, 0 };
  static const GstClockTime with_none[] = { 2, NONE, 1, NONE, 0 };
  static const gfloat after_none[] = { 4, 2, 0 };

  check_recording (
      back, G_N_ELEMENTS (back), after_back, G_N_ELEMENTS (after_back));
  check_recording (reverse, G_N_ELEMENTS (reverse), after_reverse,
      G_N_ELEMENTS (after_reverse));
  check_recording (with_none, G_N_ELEMENTS (with_none), after_none,
      G_N_ELEMENTS (after_none));
}
GST_END_TEST;

/* ---- In pipelines -------------------------------------------------------- */

/* Checksums of frames and of what they were enhanced with. */
typedef struct
{
  GPtrArray *frames;
  GArray *params; /* of SympieParams */
} Seen;

static void
see (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  Seen *seen = data;
  GstCustomMeta *meta =
      gst_buffer_get_custom_meta (buffer, "GstSympieParamsMeta");
  GstSympieParamsInfo info;
  GstMapInfo map;
  gchar *reason;

  fail_unless (meta != NULL);
  fail_unless (gst_sympie_params_meta_get (buffer, &info, &reason));
  g_array_append_val (seen->params, info.params);
  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_ptr_array_add (seen->frames,
      g_compute_checksum_for_data (G_CHECKSUM_MD5, map.data, map.size));
  gst_buffer_unmap (buffer, &map);
}

/* Plays to the end; what comes to the sinks called a and, if it is there, b. */
static void
play (const gchar *launch, Seen seen[2])
{
  GstElement *pipeline = parse_pipeline (launch), *sink;

  for (guint i = 0; i < 2; i++) {
    seen[i].frames = g_ptr_array_new_with_free_func (g_free);
    seen[i].params = g_array_new (FALSE, FALSE, sizeof (SympieParams));
    sink = gst_bin_get_by_name (GST_BIN (pipeline), i ? "b" : "a");
    if (sink) {
      g_object_set (sink, "signal-handoffs", TRUE, NULL);
      g_signal_connect (sink, "handoff", G_CALLBACK (see), &seen[i]);
      gst_object_unref (sink);
    }
  }
  play_to_end (pipeline);
  stop_pipeline (pipeline);
}

static void
clear (Seen seen[2])
{
  for (guint i = 0; i < 2; i++) {
    g_ptr_array_unref (seen[i].frames);
    g_array_unref (seen[i].params);
  }
}

#define SOURCE                                                                 \
  "videotestsrc num-buffers=20 pattern=ball ! video/x-raw, format=RGB, "       \
  "width=320, height=240, framerate=25/1 ! "
#define MARKED "attach-parameters=true ! fakesink async=false name="
#define ENHANCE "sympieenhance device=cpu n-threads=1 gate=off "

/* The small branch comes first, frame by frame: the large one gets the same. */
GST_START_TEST (test_branches)
{
  Seen seen[2];

  play (SOURCE "tee name=t t. ! videoscale ! video/x-raw, width=232, "
               "height=232 ! " ENHANCE "mode=estimate channel=small " MARKED
               "a "
               "t. ! queue ! " ENHANCE "mode=apply channel=small " MARKED "b",
      seen);
  fail_unless_equals_int (seen[0].params->len, 20);
  fail_unless_equals_int (seen[1].params->len, 20);
  for (guint i = 0; i < 20; i++) {
    const SympieParams *a = &g_array_index (seen[0].params, SympieParams, i);
    const SympieParams *b = &g_array_index (seen[1].params, SympieParams, i);

    fail_unless (memcmp (a, b, sizeof *a) == 0, "frame %u", i);
    fail_unless (i == 0 || memcmp (a, a - 1, sizeof *a) != 0, "frame %u", i);
  }
  clear (seen);
}
GST_END_TEST;

/* A mistyped channel leaves all frames as they are, and is told at the end. */
GST_START_TEST (test_silent_channel)
{
  GstElement *pipeline = parse_pipeline (
      SOURCE "sympieenhance device=cpu mode=apply channel=samll ! fakesink");
  GstMessage *message;
  GError *error;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = wait_for (pipeline, GST_MESSAGE_WARNING | GST_MESSAGE_EOS);
  fail_unless_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_WARNING);
  gst_message_parse_warning (message, &error, NULL);
  fail_unless (
      strstr (error->message, "channel 'samll'") != NULL, "%s", error->message);
  g_error_free (error);
  gst_message_unref (message);
  stop_pipeline (pipeline);
}
GST_END_TEST;

/* sympieenhance on that channel, with a recording where that is not NULL. */
static GstHarness *
channel_harness (const gchar *channel, const gchar *mode,
    const SympieParams *params, const gchar *recording)
{
  GstElement *element = enhance_element (params);
  GstHarness *h;

  gst_util_set_object_arg (G_OBJECT (element), "device", "cpu");
  gst_util_set_object_arg (G_OBJECT (element), "mode", mode);
  g_object_set (element, "channel", channel, "recording", recording, NULL);
  h = harness_with_messages (element);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  return h;
}

static void
assert_uses (GstHarness *h, guint frame, const SympieParams *expected)
{
  GstVideoInfo info = video_info (TEST_CAPS);
  SympieParams last;

  push_frames (h, &info, frame, 1);
  fail_unless (get_parameters (h->element, "last-parameters", &last));
  fail_unless (sympie_params_distance (&last, expected) == 0, "frame %u: %g",
      frame, sympie_params_distance (&last, expected));
}

static void
set_mode (GstHarness *h, const gchar *mode)
{
  gst_util_set_object_arg (G_OBJECT (h->element), "mode", mode);
}

static void
assert_no_warning (GstHarness *h)
{
  fail_unless (
      gst_bus_pop_filtered (GST_ELEMENT_BUS (h->element), GST_MESSAGE_WARNING)
      == NULL);
}

/* Whether an element tells or takes goes by the mode that it has at the frame.
 * Its recording, once begun, gets what it tells. */
GST_START_TEST (test_mode_changes)
{
  SympieParams a = test_params (1), b = test_params (2), identity;
  gchar *path = new_file (""), *reason;
  GstHarness *one = channel_harness ("modes", "enhance", &a, path);
  GstHarness *other = channel_harness ("modes", "apply", &b, NULL);
  GstHarness *reader = channel_harness ("modes", "apply", NULL, NULL);
  GstHarness *lost = channel_harness ("lost", "enhance", NULL, NULL);
  const SympieParams *expected[] = { &a, &a, &a, &a, &b };
  GstSympieTimeline *timeline;
  GstSympieParamsInfo info;

  assert_uses (one, 0, &a);
  assert_uses (other, 0, &a);
  assert_uses (reader, 0, &a);
  set_mode (one, "apply");
  set_mode (other, "enhance");
  assert_uses (other, 1, &b);
  assert_uses (one, 1, &b);
  assert_uses (reader, 1, &b);
  /* It tells again what it has told before. */
  set_mode (other, "apply");
  set_mode (one, "enhance");
  assert_uses (one, 2, &a);
  assert_uses (other, 2, &a);
  assert_uses (reader, 2, &a);
  set_mode (one, "apply");
  assert_uses (one, 3, &a);
  set_mode (one, "enhance");
  set_parameters (one->element, &b);
  assert_uses (one, 4, &b);

  sympie_params_identity (&identity);
  set_mode (lost, "apply");
  assert_uses (lost, 0, &identity);
  gst_harness_push_event (lost, gst_event_new_eos ());
  assert_said_once (lost, GST_MESSAGE_WARNING, "channel 'lost'");
  gst_harness_push_event (reader, gst_event_new_eos ());
  assert_no_warning (reader);
  assert_no_warning (one);
  assert_no_warning (other);
  teardown_with_messages (one);
  teardown_with_messages (other);
  teardown_with_messages (reader);
  teardown_with_messages (lost);

  timeline = gst_sympie_timeline_read (path, &reason);
  fail_unless (timeline != NULL, "%s", reason);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++) {
    fail_unless (
        gst_sympie_timeline_get (timeline, i * TEST_FRAME_DURATION, &info));
    fail_unless (
        sympie_params_distance (&info.params, expected[i]) == 0, "frame %u", i);
  }
  gst_sympie_timeline_leave (timeline);
  g_remove (path);
  g_free (path);
}
GST_END_TEST;

/* Two that tell on a channel get into each other's way, unless one of them is
 * off: then the other's word counts, and its own again once it is back. */
GST_START_TEST (test_two_writers)
{
  SympieParams a = test_params (1), b = test_params (2);
  GstHarness *one = channel_harness ("two", "enhance", &a, NULL);
  GstHarness *other = channel_harness ("two", "enhance", &b, NULL);
  GstHarness *reader = channel_harness ("two", "apply", NULL, NULL);
  GstVideoInfo info = video_info (TEST_CAPS);

  push_frames (one, &info, 0, 1);
  push_frames (other, &info, 0, 1);
  assert_no_warning (one);
  push_frames (one, &info, 1, 2);
  push_frames (other, &info, 1, 2);
  assert_said_once (one, GST_MESSAGE_WARNING, "channel 'two'");
  assert_no_warning (other);

  g_object_set (one->element, "enabled", FALSE, NULL);
  push_frames (one, &info, 3, 1);
  g_object_set (other->element, "enabled", FALSE, NULL);
  push_frames (other, &info, 3, 1);
  g_object_set (other->element, "enabled", TRUE, NULL);
  push_frames (other, &info, 4, 1);
  assert_uses (reader, 4, &b);
  g_object_set (other->element, "enabled", FALSE, NULL);
  push_frames (other, &info, 5, 1);
  g_object_set (one->element, "enabled", TRUE, NULL);
  push_frames (one, &info, 5, 1);
  assert_uses (reader, 5, &a);
  assert_no_warning (one);
  assert_no_warning (other);
  teardown_with_messages (one);
  teardown_with_messages (other);
  teardown_with_messages (reader);
}
GST_END_TEST;

/* Estimated beside, at whatever pace, and smoothed: the second run gives the
 * same bytes, without weights. */
GST_START_TEST (test_runs)
{
  gchar *path = new_file (""), *text, **lines;
  gchar *record =
      g_strdup_printf (SOURCE "identity sleep-time=2000 ! " ENHANCE
                              "estimation=async recording=%s " MARKED "a",
          path);
  gchar *replay = g_strdup_printf (SOURCE ENHANCE
      "weights=/nowhere mode=apply recording=%s " MARKED "a",
      path);
  Seen one[2], two[2];

  play (record, one);
  play (replay, two);
  fail_unless_equals_int (one->frames->len, 20);
  fail_unless_equals_int (two->frames->len, 20);
  for (guint i = 0; i < 20; i++)
    fail_unless_equals_string (
        g_ptr_array_index (one->frames, i), g_ptr_array_index (two->frames, i));
  fail_if (strcmp (g_ptr_array_index (one->frames, 19),
               g_ptr_array_index (one->frames, 0))
           == 0);
  fail_unless (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  /* As many estimates as the machine had time for, and the empty end. */
  fail_unless (g_strv_length (lines) >= 2 && g_strv_length (lines) <= 21);
  g_strfreev (lines);
  g_free (text);
  clear (one);
  clear (two);
  g_remove (path);
  g_free (path);
  g_free (record);
  g_free (replay);
}
GST_END_TEST;

/* A single image, estimated from beside, has in the end what it has otherwise.
 */
GST_START_TEST (test_single_image)
{
  SympieParams found[2], identity;

  for (guint i = 0; i < 2; i++) {
    gchar *path = new_file (""), *reason;
    gchar *launch = g_strdup_printf (
        "videotestsrc num-buffers=1 ! video/x-raw, format=RGB ! " ENHANCE
        "mode=estimate estimation=%s recording=%s ! fakesink",
        i == 0 ? "sync" : "async", path);
    GstSympieTimeline *timeline;
    GstSympieParamsInfo info;

    assert_plays (launch);
    timeline = gst_sympie_timeline_read (path, &reason);
    fail_unless (timeline != NULL, "%s", reason);
    fail_unless (gst_sympie_timeline_get (timeline, 0, &info));
    found[i] = info.params;
    gst_sympie_timeline_leave (timeline);
    g_remove (path);
    g_free (path);
    g_free (launch);
  }
  sympie_params_identity (&identity);
  fail_unless (sympie_params_distance (&found[0], &identity) > 0);
  fail_unless (sympie_params_distance (&found[0], &found[1]) < 1e-4f);
}
GST_END_TEST;

/* A disk that is full ends the recording; the stream and the channel go on. */
GST_START_TEST (test_full)
{
  SympieParams params[] = { test_params (1), test_params (2) };
  GstHarness *writer =
      channel_harness ("full", "enhance", &params[0], "/dev/full");
  GstHarness *reader = channel_harness ("full", "apply", NULL, NULL);

  assert_uses (writer, 0, &params[0]);
  assert_said_once (
      writer, GST_MESSAGE_WARNING, "/dev/full: No space left on device");
  set_parameters (writer->element, &params[1]);
  assert_uses (writer, 1, &params[1]);
  assert_uses (reader, 1, &params[1]);
  assert_no_error (writer);
  teardown_with_messages (writer);
  teardown_with_messages (reader);
}
GST_END_TEST;

/* Files that cannot be written or read at the start. */
GST_START_TEST (test_faults)
{
  GstHarness *h = enhance_harness (NULL);
  GstVideoInfo info = video_info (TEST_CAPS);

  gst_element_set_state (h->element, GST_STATE_NULL);
  g_object_set (h->element, "recording", "/no/where", NULL);
  fail_unless_equals_int (gst_element_set_state (h->element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  assert_said (h, GST_MESSAGE_ERROR, "Cannot record parameters: /no/where: ");
  gst_element_set_state (h->element, GST_STATE_NULL);
  gst_util_set_object_arg (G_OBJECT (h->element), "mode", "apply");
  fail_unless_equals_int (gst_element_set_state (h->element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  assert_said (h, GST_MESSAGE_ERROR, "/no/where");
  gst_element_set_state (h->element, GST_STATE_NULL);
  gst_util_set_object_arg (G_OBJECT (h->element), "mode", "enhance");

  /* While it is off nobody misses them. */
  g_object_set (h->element, "recording", "/no/where", "enabled", FALSE, NULL);
  fail_unless_equals_int (gst_element_set_state (h->element, GST_STATE_PLAYING),
      GST_STATE_CHANGE_SUCCESS);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  push_frames (h, &info, 0, 1);
  assert_no_error (h);
  g_object_set (h->element, "enabled", TRUE, NULL);
  fail_unless_equals_int (
      gst_harness_push (h, test_buffer (&info, 1)), GST_FLOW_ERROR);
  assert_said (h, GST_MESSAGE_ERROR, "Cannot record parameters: /no/where: ");
  teardown_with_messages (h);
}
GST_END_TEST;

static Suite *
timeline_suite (void)
{
  Suite *suite = suite_create ("timeline");
  TCase *tests = tcase_create ("general");

  suite_add_tcase (suite, tests);
  tcase_add_test (tests, test_times);
  tcase_add_test (tests, test_back);
  tcase_add_test (tests, test_threads);
  tcase_add_test (tests, test_lines);
  tcase_add_test (tests, test_bad_lines);
  tcase_add_test (tests, test_recording_back);
  tcase_add_test (tests, test_branches);
  tcase_add_test (tests, test_silent_channel);
  tcase_add_test (tests, test_mode_changes);
  tcase_add_test (tests, test_two_writers);
  tcase_add_test (tests, test_runs);
  tcase_add_test (tests, test_single_image);
  tcase_add_test (tests, test_full);
  tcase_add_test (tests, test_faults);
  return suite;
}

GST_CHECK_MAIN (timeline);
