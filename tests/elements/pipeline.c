/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* sympieenhance in whole pipelines, each part with a thread of its own. */

#include "enhance.h"

/* Each seek starts a scene, and nothing else does. */
GST_START_TEST (test_seek)
{
  GstElement *pipeline = parse_pipeline (
      "videotestsrc num-buffers=50 ! video/x-raw, format=I420, width=64, "
      "height=48, framerate=25/1 ! sympieenhance name=e reuse-interval=1000 ! "
      "fakesink");
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), "e");

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  gst_message_unref (wait_for (pipeline, GST_MESSAGE_ASYNC_DONE));
  for (guint i = 1; i <= 3; i++) {
    fail_unless_equals_uint64 (get_stat (element, "estimates"), i);
    fail_unless (gst_element_seek_simple (
        pipeline, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, i * GST_SECOND / 5));
    gst_message_unref (wait_for (pipeline, GST_MESSAGE_ASYNC_DONE));
  }
  play_to_end (pipeline);
  fail_unless_equals_uint64 (get_stat (element, "estimates"), 4);

  gst_object_unref (element);
  stop_pipeline (pipeline);
}
GST_END_TEST;

static void
digest_frame (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer digest)
{
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_checksum_update (digest, map.data, (gssize) map.size);
  gst_buffer_unmap (buffer, &map);
}

#define SOURCE                                                                 \
  "videotestsrc num-buffers=20 pattern=ball ! "                                \
  "video/x-raw, format=NV12, width=128, height=96 ! "
#define BRANCH_A "queue ! sympieenhance name=a ! fakesink name=sink-a async=0 "
#define BRANCH_B                                                               \
  "queue ! sympieenhance name=b reuse-interval=3 iterations=2 ! "              \
  "fakesink name=sink-b async=0 "

/* Runs to the end; checksums of what reaches sink-a and sink-b, if there. */
static void
run (const gchar *launch, GChecksum *digests[2])
{
  const gchar *names[] = { "sink-a", "sink-b" };
  GstElement *pipeline = parse_pipeline (launch);

  for (guint i = 0; i < 2; i++) {
    GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), names[i]);

    if (!sink)
      continue;
    digests[i] = g_checksum_new (G_CHECKSUM_SHA1);
    g_object_set (sink, "signal-handoffs", TRUE, NULL);
    g_signal_connect (sink, "handoff", G_CALLBACK (digest_frame), digests[i]);
    gst_object_unref (sink);
  }
  play_to_end (pipeline);
  stop_pipeline (pipeline);
}

/* Two elements at work at once on the same buffers, which neither may write:
 * each makes of them what it makes of them alone. */
GST_START_TEST (test_two_in_parallel)
{
  GChecksum *together[2], *alone[2];

  run (SOURCE "tee name=t t. ! " BRANCH_A "t. ! " BRANCH_B, together);
  run (SOURCE BRANCH_A, alone);
  run (SOURCE BRANCH_B, alone);
  for (guint i = 0; i < 2; i++) {
    fail_unless_equals_string (
        g_checksum_get_string (together[i]), g_checksum_get_string (alone[i]));
    g_checksum_free (together[i]);
    g_checksum_free (alone[i]);
  }
}
GST_END_TEST;

static Suite *
pipeline_suite (void)
{
  Suite *suite = suite_create ("sympieenhance pipeline");
  TCase *tcase = tcase_create ("pipeline");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_seek);
  tcase_add_test (tcase, test_two_in_parallel);
  return suite;
}

GST_CHECK_MAIN (pipeline);
