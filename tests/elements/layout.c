/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Buffers leave sympieenhance and sympiecorrupt in a layout that downstream can
 * read, and are not copied for nothing. */

#include "filter.h"

#define PADDED_CAPS                                                            \
  "video/x-raw, format=I420, width=33, height=20, framerate=25/1"

/* Frame 0 of PADDED_CAPS, laid out as decoders like it. */
static GstBuffer *
padded_buffer (const GstVideoInfo *info)
{
  GstBuffer *plain = test_buffer (info, 0), *padded;
  gsize offsets[GST_VIDEO_MAX_PLANES] = { 0, 64 * 32, 64 * 32 + 32 * 16 };
  gint strides[GST_VIDEO_MAX_PLANES] = { 64, 32, 32 };
  GstVideoFrame from, to;

  padded = gst_buffer_new_allocate (NULL, 64 * 32 + 2 * 32 * 16, NULL);
  gst_buffer_memset (padded, 0, 0xa5, -1);
  gst_buffer_add_video_meta_full (padded, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_FORMAT_I420, 33, 20, 3, offsets, strides);
  fail_unless (gst_video_frame_map (&from, info, plain, GST_MAP_READ));
  fail_unless (gst_video_frame_map (&to, info, padded, GST_MAP_WRITE));
  fail_unless (gst_video_frame_copy (&to, &from));
  gst_video_frame_unmap (&from);
  gst_video_frame_unmap (&to);
  gst_buffer_copy_into (padded, plain, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  gst_buffer_unref (plain);
  return padded;
}

static void
assert_same_luma (const GstVideoInfo *info, GstBuffer *a, GstBuffer *b)
{
  GstVideoFrame frames[2];

  fail_unless (gst_video_frame_map (&frames[0], info, a, GST_MAP_READ));
  fail_unless (gst_video_frame_map (&frames[1], info, b, GST_MAP_READ));
  for (gint y = 0; y < GST_VIDEO_INFO_HEIGHT (info); y++)
    fail_unless (
        memcmp ((guint8 *) frames[0].data[0] + y * frames[0].info.stride[0],
            (guint8 *) frames[1].data[0] + y * frames[1].info.stride[0],
            (gsize) GST_VIDEO_INFO_WIDTH (info))
        == 0);
  gst_video_frame_unmap (&frames[0]);
  gst_video_frame_unmap (&frames[1]);
}

/* What upstream hears when it asks about GstVideoMeta. */
static gboolean
says_video_meta (GstHarness *h)
{
  GstCaps *caps = gst_caps_from_string (PADDED_CAPS);
  GstQuery *query = gst_query_new_allocation (caps, TRUE);
  gboolean found;

  found =
      gst_pad_peer_query (h->srcpad, query)
      && gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  gst_query_unref (query);
  gst_caps_unref (caps);
  return found;
}

/* Downstream reads the caps and no GstVideoMeta: whatever comes in, on, off and
 * in between, nothing else leaves. */
GST_START_TEST (test_layout)
{
  GstHarness *h = filter_harness (__i__, TRUE);
  GstVideoInfo info = video_info (PADDED_CAPS);
  GstBuffer *out, *untouched = test_buffer (&info, 0), *in;

  gst_harness_set_src_caps_str (h, PADDED_CAPS);
  out = gst_harness_push_and_pull (h, padded_buffer (&info));
  fail_unless_equals_uint64 (gst_buffer_get_size (out), info.size);
  gst_buffer_unref (out);

  /* Upstream may use it, as the element copes. */
  fail_unless (says_video_meta (h));
  for (gint held = FALSE; held <= TRUE; held++) {
    in = padded_buffer (&info);
    out = gst_harness_push_and_pull (h, held ? gst_buffer_ref (in) : in);
    fail_unless_equals_uint64 (gst_buffer_get_size (out), info.size);
    gst_buffer_unref (out);
    if (held)
      gst_buffer_unref (in);
  }

  /* Off: upstream is told to ask anew. What it sends until then is copied. */
  count_reconfigure (h);
  set (h, __i__, FALSE);
  out = gst_harness_push_and_pull (h, padded_buffer (&info));
  fail_unless (count_reconfigure (h) > 0);
  fail_unless_equals_uint64 (gst_buffer_get_size (out), info.size);
  assert_same_luma (&info, untouched, out);
  gst_buffer_unref (out);
  fail_if (says_video_meta (h));
  in = test_buffer (&info, 0);
  out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
  fail_unless (out == in);
  gst_buffer_unref (out);
  gst_buffer_unref (in);

  /* On again. */
  set (h, __i__, TRUE);
  out = gst_harness_push_and_pull (h, test_buffer (&info, 0));
  fail_unless (count_reconfigure (h) > 0);
  fail_unless (says_video_meta (h));
  gst_buffer_unref (out);
  gst_buffer_unref (untouched);
  assert_quiet (h);
  teardown_with_messages (h);
}
GST_END_TEST;

/* Off from the start, upstream asks downstream: nothing is copied, and nothing
 * is promised that downstream did not say. */
GST_START_TEST (test_layout_off)
{
  for (gint reads_meta = FALSE; reads_meta <= TRUE; reads_meta++) {
    GstHarness *h = filter_harness (__i__, FALSE);
    GstVideoInfo info = video_info (PADDED_CAPS);
    GstBuffer *in = padded_buffer (&info), *out;

    if (reads_meta)
      gst_harness_add_propose_allocation_meta (
          h, GST_VIDEO_META_API_TYPE, NULL);
    gst_harness_set_src_caps_str (h, PADDED_CAPS);
    fail_unless (says_video_meta (h) == reads_meta);
    out = gst_harness_push_and_pull (h, in);
    fail_unless (out == in);
    gst_buffer_unref (out);
    teardown_with_messages (h);
  }
}
GST_END_TEST;

/* Frames that wait for an estimate are upstream's: a camera with a few buffers
 * has to have more. */
GST_START_TEST (test_held)
{
  for (gint async = FALSE; async <= TRUE; async++) {
    GstHarness *h = gst_harness_new_parse (
        async ? "sympieenhance estimation=async" : "sympieenhance");
    GstCaps *caps = gst_caps_from_string (PADDED_CAPS);
    GstQuery *query = gst_query_new_allocation (caps, TRUE);
    guint min;

    gst_harness_set_src_caps (h, gst_caps_ref (caps));
    fail_unless (gst_pad_peer_query (h->srcpad, query));
    fail_unless_equals_int (gst_query_get_n_allocation_pools (query), 1);
    gst_query_parse_nth_allocation_pool (query, 0, NULL, NULL, &min, NULL);
    fail_unless_equals_int (min, async ? 2 : 0);
    gst_query_unref (query);
    gst_caps_unref (caps);
    gst_harness_teardown (h);
  }
}
GST_END_TEST;

static Suite *
layout_suite (void)
{
  Suite *suite = suite_create ("layout");
  TCase *tcase = tcase_create ("layout");

  suite_add_tcase (suite, tcase);
  tcase_add_loop_test (tcase, test_layout, 0, G_N_ELEMENTS (filters));
  tcase_add_loop_test (tcase, test_layout_off, 0, G_N_ELEMENTS (filters));
  tcase_add_test (tcase, test_held);
  return suite;
}

GST_CHECK_MAIN (layout);
