/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Real clips through decodebin and sympieenhance, to the end: every frame comes
 * out, when it should. */

#include <stdio.h>

#include "enhance.h"

#define SKIPPED 77

static const gchar *const clips[] = { "bigbuckbunny.mp4", "bikes.mp4",
  "car-detection.mp4", "carphone_pristine.mp4", "cockatoo.mp4" };
static const gchar *const corruptions[G_N_ELEMENTS (clips)] = { "white-point",
  "fog", "darken", "mixed", "contrast" };

static void
note_time (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  GArray *times = data;

  g_array_append_val (times, GST_BUFFER_PTS (buffer));
  g_array_append_val (times, GST_BUFFER_DURATION (buffer));
}

/* Timestamp and duration of every frame that `filter` lets out. */
static GArray *
play (const gchar *path, const gchar *filter)
{
  gchar *launch = g_strdup_printf ("filesrc location=\"%s\" ! decodebin name=d "
                                   "d. ! video/x-raw ! %s ! fakesink name=s "
                                   "signal-handoffs=true",
      path, filter);
  GstElement *pipeline = parse_pipeline (launch);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "s");
  GstElement *enhance = gst_bin_get_by_name (GST_BIN (pipeline), "e");
  GArray *times = g_array_new (FALSE, FALSE, sizeof (GstClockTime));

  g_signal_connect (sink, "handoff", G_CALLBACK (note_time), times);
  play_to_end (pipeline);
  if (enhance) {
    fail_unless_equals_uint64 (get_stat (enhance, "frames"), times->len / 2);
    gst_object_unref (enhance);
  }
  gst_object_unref (sink);
  stop_pipeline (pipeline);
  g_free (launch);
  return times;
}

GST_START_TEST (test_clip)
{
  gchar *path = g_build_filename (
      g_getenv ("SYMPIE_TEST_DATA"), "videos", clips[__i__], NULL);
  gchar *corrupt = g_strdup_printf ("sympiecorrupt corruption=%s "
                                    "temporal=drift ! sympieenhance name=e "
                                    "reuse-interval=100",
      corruptions[__i__]);
  GArray *plain = play (path, "identity");
  GArray *enhanced = play (path, "sympieenhance name=e reuse-interval=100");

  fail_unless (plain->len > 2 * 100, "%s: %u frames", path, plain->len / 2);
  fail_unless_equals_int (enhanced->len, plain->len);
  for (guint i = 0; i < plain->len; i++)
    fail_unless_equals_uint64 (g_array_index (enhanced, GstClockTime, i),
        g_array_index (plain, GstClockTime, i));
  g_array_unref (enhanced);
  enhanced = play (path, corrupt);
  fail_unless_equals_int (enhanced->len, plain->len);
  g_array_unref (plain);
  g_array_unref (enhanced);
  g_free (corrupt);
  g_free (path);
}
GST_END_TEST;

static Suite *
clips_suite (void)
{
  Suite *suite = suite_create ("sympieenhance clips");
  TCase *tcase = tcase_create ("clips");

  suite_add_tcase (suite, tcase);
  tcase_add_loop_test (tcase, test_clip, 0, G_N_ELEMENTS (clips));
  return suite;
}

int
main (int argc, char **argv)
{
  const gchar *data = g_getenv ("SYMPIE_TEST_DATA");
  gchar *folder = g_build_filename (data ? data : "", "videos", NULL);

  if (!g_file_test (folder, G_FILE_TEST_IS_DIR)) {
    printf ("skipped: no clips in %s (SYMPIE_TEST_DATA)\n", folder);
    g_free (folder);
    return SKIPPED;
  }
  g_free (folder);
  gst_check_init (&argc, &argv);
  return gst_check_run_suite (clips_suite (), "clips", __FILE__);
}
