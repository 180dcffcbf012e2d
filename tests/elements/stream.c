/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* sympieenhance in a stream: what ends a scene and what does not, and what it
 * must leave as it is. */

#include <string.h>

#include "enhance.h"

/* Plays TEST_CAPS and keeps parameters for as long as it is allowed to. */
static GstHarness *
keeping_harness (void)
{
  /* No weights spare what is pushed here. */
  GstHarness *h = harness_with_messages (
      parse_pipeline ("sympieenhance gate=off device=cpu"));

  g_object_set (h->element, "reuse-interval", G_MAXUINT, NULL);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  return h;
}

GST_START_TEST (test_renegotiation)
{
  GstHarness *h = keeping_harness ();
  GstVideoInfo info = video_info (TEST_CAPS);
  const gchar *others[] = {
    "video/x-raw, format = RGB, width = 66, height = 48, framerate = 25/1",
    "video/x-raw, format = NV12, width = 66, height = 48, framerate = 25/1",
    "video/x-raw, format = I420, width = 1, height = 1, framerate = 25/1",
  };

  push_frames (h, &info, 0, 3);
  assert_stats (h->element, 3, 1, 2);
  /* The weights stay, wherever the file goes. */
  g_object_set (h->element, "weights", "/nowhere", NULL);
  assert_said (h, GST_MESSAGE_WARNING, "weights stays as it is");
  for (guint i = 0; i < G_N_ELEMENTS (others); i++) {
    info = video_info (others[i]);
    gst_harness_set_src_caps_str (h, others[i]);
    /* The same frame twice: of one pixel, another would be a cut. */
    push_frames (h, &info, 3 + i, 1);
    push_frames (h, &info, 3 + i, 1);
    assert_stats (h->element, 5 + 2 * i, 2 + i, 3 + i);
  }
  teardown_with_messages (h);
}
GST_END_TEST;

/* Frames that were lost before ours are no new scene, a jump in time is. */
GST_START_TEST (test_discontinuity)
{
  GstHarness *h = keeping_harness ();
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *buffer;

  push_frames (h, &info, 0, 3);
  buffer = test_buffer (&info, 3);
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  buffer = gst_harness_push_and_pull (h, buffer);
  fail_unless (GST_BUFFER_IS_DISCONT (buffer));
  gst_buffer_unref (buffer);
  assert_stats (h->element, 4, 1, 3);
  push_frames (h, &info, 20, 1);
  assert_stats (h->element, 5, 1, 4);
  push_frames (h, &info, 50, 1);
  assert_stats (h->element, 6, 2, 4);
  push_frames (h, &info, 0, 1);
  assert_stats (h->element, 7, 3, 4);
  teardown_with_messages (h);
}
GST_END_TEST;

/* What a flushing seek sends. */
GST_START_TEST (test_flush)
{
  GstHarness *h = keeping_harness ();
  GstVideoInfo info = video_info (TEST_CAPS);
  GstSegment segment;

  push_frames (h, &info, 0, 3);
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_start ()));
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_stop (TRUE)));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.position = segment.time = 100 * TEST_FRAME_DURATION;
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  push_frames (h, &info, 100, 2);
  assert_stats (h->element, 5, 2, 3);
  teardown_with_messages (h);
}
GST_END_TEST;

/* Nor is a segment by itself. */
GST_START_TEST (test_segment)
{
  GstHarness *h = keeping_harness ();
  GstVideoInfo info = video_info (TEST_CAPS);
  GstSegment segment;

  push_frames (h, &info, 0, 3);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.base = 3 * TEST_FRAME_DURATION;
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  push_frames (h, &info, 0, 2);
  assert_stats (h->element, 5, 1, 4);
  segment.time = 10 * GST_SECOND;
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  push_frames (h, &info, 2, 2);
  assert_stats (h->element, 7, 2, 5);
  teardown_with_messages (h);
}
GST_END_TEST;

/* Going back to READY forgets the stream, what was counted included. */
GST_START_TEST (test_stop)
{
  GstHarness *h = keeping_harness ();
  GstVideoInfo info = video_info (TEST_CAPS);
  SympieParams params;

  push_frames (h, &info, 0, 3);
  assert_stats (h->element, 3, 1, 2);
  gst_element_set_state (h->element, GST_STATE_READY);
  assert_stats (h->element, 3, 1, 2);
  fail_unless (get_parameters (h->element, "last-parameters", &params));

  gst_element_set_state (h->element, GST_STATE_PLAYING);
  assert_stats (h->element, 0, 0, 0);
  fail_if (get_parameters (h->element, "last-parameters", &params));
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  push_frames (h, &info, 3, 2);
  assert_stats (h->element, 2, 1, 1);
  teardown_with_messages (h);
}
GST_END_TEST;

/* Late frames are dropped before any work is done. The next one is marked as a
 * discontinuity by the base class, which ends no scene, and dropped frames do
 * not count for the interval. */
GST_START_TEST (test_qos)
{
  GstHarness *h = keeping_harness ();
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *buffer;
  GstMessage *message;
  GstFormat format;
  guint64 processed, dropped;

  g_object_set (h->element, "reuse-interval", 4, NULL);
  push_frames (h, &info, 0, 2);
  assert_stats (h->element, 2, 1, 1);

  gst_harness_push_upstream_event (
      h, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 2.0, 0,
             4 * TEST_FRAME_DURATION + TEST_FRAME_DURATION / 2));
  for (guint i = 2; i <= 4; i++) {
    fail_unless_equals_int (
        gst_harness_push (h, test_buffer (&info, i)), GST_FLOW_OK);
    fail_unless (gst_harness_try_pull (h) == NULL);
    message =
        gst_bus_pop_filtered (GST_ELEMENT_BUS (h->element), GST_MESSAGE_QOS);
    fail_unless (message != NULL);
    gst_message_parse_qos_stats (message, &format, &processed, &dropped);
    fail_unless_equals_uint64 (processed, 2);
    fail_unless_equals_uint64 (dropped, i - 1);
    gst_message_unref (message);
  }
  assert_stats (h->element, 2, 1, 1);

  buffer = gst_harness_push_and_pull (h, test_buffer (&info, 5));
  fail_unless (GST_BUFFER_IS_DISCONT (buffer));
  gst_buffer_unref (buffer);
  push_frames (h, &info, 6, 1);
  assert_stats (h->element, 4, 1, 3);
  push_frames (h, &info, 7, 1);
  assert_stats (h->element, 5, 2, 3);

  teardown_with_messages (h);
}
GST_END_TEST;

GST_START_TEST (test_eos)
{
  GstHarness *h = keeping_harness ();
  GstVideoInfo info = video_info (TEST_CAPS);
  GstEvent *event;

  push_frames (h, &info, 0, 2);
  while ((event = gst_harness_try_pull_event (h)) != NULL)
    gst_event_unref (event);
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  event = gst_harness_pull_event (h);
  fail_unless_equals_int (GST_EVENT_TYPE (event), GST_EVENT_EOS);
  gst_event_unref (event);
  fail_unless_equals_int (
      gst_harness_push (h, test_buffer (&info, 2)), GST_FLOW_EOS);
  teardown_with_messages (h);
}
GST_END_TEST;

/* Gap events pass and end no scene. A buffer that is a gap is a picture as any
 * other, and none any more when it was changed. */
GST_START_TEST (test_gap)
{
  GstHarness *h = keeping_harness ();
  GstVideoInfo info = video_info (TEST_CAPS);
  GstEvent *event;

  push_frames (h, &info, 0, 1);
  while ((event = gst_harness_try_pull_event (h)) != NULL)
    gst_event_unref (event);
  fail_unless (gst_harness_push_event (
      h, gst_event_new_gap (TEST_FRAME_DURATION, TEST_FRAME_DURATION)));
  event = gst_harness_pull_event (h);
  fail_unless_equals_int (GST_EVENT_TYPE (event), GST_EVENT_GAP);
  gst_event_unref (event);

  for (guint i = 2; i <= 4; i++) {
    GstBuffer *in = test_buffer (&info, i), *out;

    GST_BUFFER_FLAG_SET (in, GST_BUFFER_FLAG_GAP);
    if (i == 3)
      gst_buffer_ref (in); /* not in place */
    if (i == 4)
      g_object_set (h->element, "strength", 0.0, NULL);
    out = gst_harness_push_and_pull (h, in);
    fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_GAP) == (i == 4));
    gst_buffer_unref (out);
    if (i == 3) {
      fail_unless (GST_BUFFER_FLAG_IS_SET (in, GST_BUFFER_FLAG_GAP));
      gst_buffer_unref (in);
    }
  }
  assert_stats (h->element, 3, 1, 2);
  teardown_with_messages (h);
}
GST_END_TEST;

/* Timestamps, flags, offsets and metadata stay, in place and from buffer to
 * buffer. */
GST_START_TEST (test_metadata)
{
  GstVideoInfo info = video_info (TEST_CAPS);
  GstHarness *h = keeping_harness ();

  for (gboolean in_place = FALSE; in_place <= TRUE; in_place++) {
    GstBuffer *in = test_buffer (&info, 0), *out;
    GstVideoRegionOfInterestMeta *roi;
    GstVideoCropMeta *crop;
    GstVideoTimeCodeMeta *time_code;
    GstReferenceTimestampMeta *reference;
    GstCaps *caps = gst_caps_new_empty_simple ("timestamp/x-ntp");
    const guint8 captions[] = { 0x80, 0x80 };

    GST_BUFFER_PTS (in) = 12345;
    GST_BUFFER_DTS (in) = 12340;
    GST_BUFFER_DURATION (in) = 678;
    GST_BUFFER_OFFSET (in) = 9;
    GST_BUFFER_OFFSET_END (in) = 10;
    GST_BUFFER_FLAG_SET (in, GST_BUFFER_FLAG_MARKER);
    crop = gst_buffer_add_video_crop_meta (in);
    crop->x = 3;
    crop->width = 7;
    gst_buffer_add_video_region_of_interest_meta (in, "face", 1, 2, 3, 4);
    gst_buffer_add_video_time_code_meta_full (
        in, 25, 1, NULL, GST_VIDEO_TIME_CODE_FLAGS_NONE, 1, 2, 3, 4, 0);
    gst_buffer_add_reference_timestamp_meta (in, caps, 11, 12);
    gst_buffer_add_video_caption_meta (
        in, GST_VIDEO_CAPTION_TYPE_CEA608_RAW, captions, sizeof captions);

    if (!in_place)
      gst_buffer_ref (in);
    out = gst_harness_push_and_pull (h, in);
    fail_unless ((out == in) == in_place);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (out), 12345);
    fail_unless_equals_uint64 (GST_BUFFER_DTS (out), 12340);
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (out), 678);
    fail_unless_equals_uint64 (GST_BUFFER_OFFSET (out), 9);
    fail_unless_equals_uint64 (GST_BUFFER_OFFSET_END (out), 10);
    fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_MARKER));

    roi = gst_buffer_get_video_region_of_interest_meta_id (out, 0);
    fail_unless (roi && roi->x == 1 && roi->y == 2 && roi->w == 3);
    crop = gst_buffer_get_video_crop_meta (out);
    fail_unless (crop && crop->x == 3 && crop->width == 7);
    time_code = gst_buffer_get_video_time_code_meta (out);
    fail_unless (time_code && time_code->tc.seconds == 3);
    reference = gst_buffer_get_reference_timestamp_meta (out, caps);
    fail_unless (reference && reference->timestamp == 11);
    fail_unless_equals_int (
        gst_buffer_get_n_meta (out, GST_VIDEO_CAPTION_META_API_TYPE), 1);

    if (!in_place)
      gst_buffer_unref (in);
    gst_buffer_unref (out);
    gst_caps_unref (caps);
  }
  teardown_with_messages (h);
}
GST_END_TEST;

/* A buffer with strides and offsets of its own gives the same picture as one
 * laid out by the caps. Where downstream reads GstVideoMeta it is changed in
 * place, and what lies between stays; where not, the result is laid out by the
 * caps. */
static void
check_padded (gboolean downstream_reads_meta)
{
  const gchar *caps =
      "video/x-raw, format = NV12, width = 37, height = 23, framerate = 25/1";
  GstVideoInfo info = video_info (caps);
  SympieParams params = test_params (1);
  GstHarness *h = enhance_harness (&params);
  gsize offsets[GST_VIDEO_MAX_PLANES] = { 100, 100 + 23 * 53 + 11 };
  gint strides[GST_VIDEO_MAX_PLANES] = { 53, 71 };
  gsize size = offsets[1] + 12 * 71;
  GstBuffer *plain, *padded;
  GstVideoFrame plain_frame, padded_frame;

  if (downstream_reads_meta)
    gst_harness_add_propose_allocation_meta (h, GST_VIDEO_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (h, caps);

  plain = test_buffer (&info, 1);
  padded = gst_buffer_new_allocate (NULL, size, NULL);
  gst_buffer_memset (padded, 0, 0xa5, size);
  gst_buffer_add_video_meta_full (padded, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_FORMAT_NV12, 37, 23, 2, offsets, strides);
  fail_unless (gst_video_frame_map (&plain_frame, &info, plain, GST_MAP_READ));
  fail_unless (
      gst_video_frame_map (&padded_frame, &info, padded, GST_MAP_WRITE));
  for (guint p = 0; p < 2; p++)
    fail_unless (gst_video_frame_copy_plane (&padded_frame, &plain_frame, p));
  gst_video_frame_unmap (&plain_frame);
  gst_video_frame_unmap (&padded_frame);

  plain = gst_harness_push_and_pull (h, plain);
  padded = gst_harness_push_and_pull (h, padded);
  if (!downstream_reads_meta) {
    /* As someone reads it who knows the caps only. */
    GstVideoMeta *meta = gst_buffer_get_video_meta (padded);

    fail_unless_equals_uint64 (gst_buffer_get_size (padded), info.size);
    if (meta)
      gst_buffer_remove_meta (padded, (GstMeta *) meta);
  }
  fail_unless (gst_video_frame_map (&plain_frame, &info, plain, GST_MAP_READ));
  fail_unless (
      gst_video_frame_map (&padded_frame, &info, padded, GST_MAP_READ));
  for (guint p = 0; p < 2; p++) {
    const guint8 *want = GST_VIDEO_FRAME_PLANE_DATA (&plain_frame, p);
    const guint8 *got = GST_VIDEO_FRAME_PLANE_DATA (&padded_frame, p);
    gint stride = GST_VIDEO_FRAME_PLANE_STRIDE (&padded_frame, p);
    gint rows = p == 0 ? 23 : 12, row_bytes = p == 0 ? 37 : 38;

    if (downstream_reads_meta)
      fail_unless_equals_int (stride, strides[p]);
    for (gint y = 0; y < rows; y++) {
      fail_unless (memcmp (got, want, row_bytes) == 0, "plane %u row %d", p, y);
      if (downstream_reads_meta && y + 1 < rows)
        for (gint x = row_bytes; x < stride; x++)
          fail_unless_equals_int (got[x], 0xa5);
      want += GST_VIDEO_FRAME_PLANE_STRIDE (&plain_frame, p);
      got += stride;
    }
  }
  gst_video_frame_unmap (&plain_frame);
  gst_video_frame_unmap (&padded_frame);
  gst_buffer_unref (plain);
  gst_buffer_unref (padded);
  teardown_with_messages (h);
}

GST_START_TEST (test_video_meta)
{
  check_padded (TRUE);
  check_padded (FALSE);
}
GST_END_TEST;

/* ---- Parts of what a buffer holds ---------------------------------------- */

#define PART_CAPS                                                              \
  "video/x-raw, format = NV12, width = 36, height = 24, framerate = 25/1"

/* A frame of 64x48 of which the caps' 36x24 begin there; random, but for `part`
 * in its place. */
static GstBuffer *
cropped_buffer (guint x, guint y, GstBuffer *part)
{
  GstVideoInfo whole = video_info (
      "video/x-raw, format = NV12, width = 64, height = 48, framerate = 25/1");
  GstVideoInfo info = video_info (PART_CAPS);
  GstBuffer *buffer = test_buffer (&whole, 9);
  GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta (buffer);
  GstVideoFrame from, to;

  crop->x = x;
  crop->y = y;
  crop->width = 36;
  crop->height = 24;
  fail_unless (gst_video_frame_map (&from, &info, part, GST_MAP_READ));
  fail_unless (gst_video_frame_map (&to, &whole, buffer, GST_MAP_WRITE));
  for (guint p = 0; p < 2; p++)
    for (guint row = 0; row < 24u >> p; row++)
      memcpy (
          (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&to, p)
              + ((y >> p) + row) * (guint) GST_VIDEO_FRAME_PLANE_STRIDE (&to, p)
              + x,
          (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&from, p)
              + row * (guint) GST_VIDEO_FRAME_PLANE_STRIDE (&from, p),
          36);
  gst_video_frame_unmap (&from);
  gst_video_frame_unmap (&to);
  gst_buffer_add_video_meta (
      buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_NV12, 64, 48);
  GST_BUFFER_PTS (buffer) = GST_BUFFER_PTS (part);
  return buffer;
}

/* As decoders and videocrop leave to others to crop: the part becomes what a
 * frame of its own becomes, in its place or in a buffer of the caps' size. */
GST_START_TEST (test_cropped)
{
  GstVideoInfo info = video_info (PART_CAPS);
  SympieParams params = test_params (1);
  GstHarness *h = enhance_harness (&params);

  gst_harness_add_propose_allocation_meta (h, GST_VIDEO_META_API_TYPE, NULL);
  gst_harness_set_src_caps_str (h, PART_CAPS);
  for (gboolean in_place = FALSE; in_place <= TRUE; in_place++) {
    GstBuffer *part = test_buffer (&info, 1);
    GstBuffer *in = cropped_buffer (10, 6, part), *out, *expected, *want;
    gsize size;

    expected = gst_harness_push_and_pull (h, part);
    if (!in_place)
      gst_buffer_ref (in);
    out = gst_harness_push_and_pull (h, in);
    fail_unless ((out == in) == in_place);
    size = gst_buffer_get_size (out);
    fail_unless_equals_uint64 (size, in_place ? 64 * 48 * 3 / 2 : info.size);
    want =
        in_place ? cropped_buffer (10, 6, expected) : gst_buffer_ref (expected);
    fail_unless (same_bytes (out, want));
    fail_unless ((gst_buffer_get_video_crop_meta (out) != NULL) == in_place);
    gst_buffer_unref (want);
    gst_buffer_unref (expected);
    gst_buffer_unref (out);
    if (!in_place)
      gst_buffer_unref (in);
  }
  teardown_with_messages (h);
}
GST_END_TEST;

/* Where nothing is changed the part passes, laid out by the caps for who knows
 * of nothing else. */
GST_START_TEST (test_cropped_passes)
{
  GstVideoInfo info = video_info (PART_CAPS);
  SympieParams identity;
  GstBuffer *part = test_buffer (&info, 1), *out;
  GstHarness *h;

  sympie_params_identity (&identity);
  h = enhance_harness (&identity);
  gst_harness_set_src_caps_str (h, PART_CAPS);
  out = gst_harness_push_and_pull (h, cropped_buffer (10, 6, part));
  fail_unless (same_bytes (out, part));
  fail_unless (gst_buffer_get_video_crop_meta (out) == NULL);
  gst_buffer_unref (out);
  gst_buffer_unref (part);
  teardown_with_messages (h);
}
GST_END_TEST;

/* Nothing is copied from outside of what the buffer holds, from where a frame
 * that passes is to be: upstream has asked while it did not. */
GST_START_TEST (test_cropped_outside)
{
  static const guint places[][2] = { { 30, 6 }, { 10, 26 }, { G_MAXUINT, 6 } };
  GstVideoInfo info = video_info (PART_CAPS);
  SympieParams params = test_params (1);
  GstBuffer *part = test_buffer (&info, 1);
  GstCaps *caps = gst_caps_from_string (PART_CAPS);

  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    GstHarness *h = harness_with_messages (enhance_element (&params));
    GstQuery *query = gst_query_new_allocation (caps, FALSE);
    GstBuffer *in = cropped_buffer (10, 6, part);
    GstVideoCropMeta *crop = gst_buffer_get_video_crop_meta (in);

    crop->x = places[i][0];
    crop->y = places[i][1];
    gst_harness_set_src_caps_str (h, PART_CAPS);
    push_frames (h, &info, 0, 1);
    fail_unless (gst_pad_peer_query (h->srcpad, query));
    gst_query_unref (query);
    g_object_set (h->element, "enabled", FALSE, NULL);
    fail_unless_equals_int (gst_harness_push (h, in), GST_FLOW_ERROR);
    assert_said (h, GST_MESSAGE_ERROR, "Cannot copy a frame");
    teardown_with_messages (h);
  }
  gst_caps_unref (caps);
  gst_buffer_unref (part);
}
GST_END_TEST;

/* From the middle of a sample of chroma there is no such part. */
GST_START_TEST (test_cropped_between)
{
  GstVideoInfo info = video_info (PART_CAPS);
  SympieParams params = test_params (1);
  GstHarness *h = harness_with_messages (enhance_element (&params));
  GstBuffer *part = test_buffer (&info, 1);

  gst_harness_set_src_caps_str (h, PART_CAPS);
  fail_unless_equals_int (
      gst_harness_push (h, cropped_buffer (11, 6, part)), GST_FLOW_ERROR);
  assert_said (h, GST_MESSAGE_ERROR, "GstVideoCropMeta begins between samples");
  gst_buffer_unref (part);
  teardown_with_messages (h);
}
GST_END_TEST;

static GstPadProbeReturn
offer_pool (GstPad *pad, GstPadProbeInfo *probe, gpointer pool)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (probe);
  GstVideoInfo info = video_info (TEST_CAPS);

  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION)
    return GST_PAD_PROBE_OK;
  gst_query_add_allocation_pool (query, pool, (guint) info.size, 0, 0);
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return GST_PAD_PROBE_HANDLED;
}

/* A pool that downstream offers is used, with the padding that it asks for. */
GST_START_TEST (test_downstream_pool)
{
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBufferPool *pool = gst_video_buffer_pool_new ();
  GstCaps *caps = gst_caps_from_string (TEST_CAPS);
  SympieParams params = test_params (1);
  GstHarness *h = enhance_harness (&params);
  GstBuffer *in, *out, *in_place;
  GstVideoFrame frame, expected;
  GstVideoAlignment align;
  GstStructure *config;

  gst_video_alignment_reset (&align);
  align.padding_left = 16;
  align.padding_right = 5;
  align.padding_top = 3;
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_set_params (config, caps, (guint) info.size, 0, 0);
  gst_buffer_pool_config_add_option (config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  gst_buffer_pool_config_add_option (
      config, GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
  gst_buffer_pool_config_set_video_alignment (config, &align);
  fail_unless (gst_buffer_pool_set_config (pool, config));
  gst_pad_add_probe (
      h->sinkpad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM, offer_pool, pool, NULL);

  gst_harness_set_src_caps (h, caps);
  in = test_buffer (&info, 1);
  out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
  fail_unless (out != in && out->pool == pool);
  gst_buffer_unref (in);
  in_place = gst_harness_push_and_pull (h, test_buffer (&info, 1));

  fail_unless (gst_video_frame_map (&frame, &info, out, GST_MAP_READ));
  fail_unless (gst_video_frame_map (&expected, &info, in_place, GST_MAP_READ));
  fail_unless (GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0)
               > GST_VIDEO_FRAME_PLANE_STRIDE (&expected, 0));
  for (gint y = 0; y < 48; y++)
    fail_unless (memcmp ((guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&frame, 0)
                             + y * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0),
                     (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&expected, 0)
                         + y * GST_VIDEO_FRAME_PLANE_STRIDE (&expected, 0),
                     3 * 64)
                     == 0,
        "row %d", y);
  gst_video_frame_unmap (&frame);
  gst_video_frame_unmap (&expected);
  gst_buffer_unref (out);
  gst_buffer_unref (in_place);
  teardown_with_messages (h);
  gst_object_unref (pool);
}
GST_END_TEST;

/* What the element answers is what is downstream: it holds nothing back. */
GST_START_TEST (test_latency)
{
  GstHarness *h = keeping_harness ();
  GstVideoInfo info = video_info (TEST_CAPS);

  push_frames (h, &info, 0, 1);
  gst_harness_set_upstream_latency (h, 70 * GST_MSECOND);
  fail_unless_equals_uint64 (gst_harness_query_latency (h), 70 * GST_MSECOND);
  teardown_with_messages (h);
}
GST_END_TEST;

static Suite *
stream_suite (void)
{
  Suite *suite = suite_create ("sympieenhance stream");
  TCase *tcase = tcase_create ("stream");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_renegotiation);
  tcase_add_test (tcase, test_discontinuity);
  tcase_add_test (tcase, test_flush);
  tcase_add_test (tcase, test_segment);
  tcase_add_test (tcase, test_stop);
  tcase_add_test (tcase, test_qos);
  tcase_add_test (tcase, test_eos);
  tcase_add_test (tcase, test_gap);
  tcase_add_test (tcase, test_metadata);
  tcase_add_test (tcase, test_video_meta);
  tcase_add_test (tcase, test_cropped);
  tcase_add_test (tcase, test_cropped_passes);
  tcase_add_test (tcase, test_cropped_outside);
  tcase_add_test (tcase, test_cropped_between);
  tcase_add_test (tcase, test_downstream_pool);
  tcase_add_test (tcase, test_latency);
  return suite;
}

GST_CHECK_MAIN (stream);
