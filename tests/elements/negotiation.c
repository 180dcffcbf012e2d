/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Which caps sympieenhance and sympiecorrupt take: those that ask hear what
 * works, converters convert the rest and only that, and what comes all the same
 * is refused in words. */

#include "filter.h"

/* What is kept out by a field, and the word for it. */
static const struct
{
  const gchar *fields, *word;
} kept_out[] = {
  { "format=I420_10LE, colorimetry=bt2100-pq", "PQ" },
  { "format=NV12, colorimetry=bt2100-pq", "PQ" },
  { "format=RGB, colorimetry=(string)1:1:1:1", "gamma" },
  { "format=NV12, interlace-mode=fields", "fields" },
  { "format=NV12, multiview-mode=side-by-side", "views" },
};

static GstCaps *
kept_out_caps (guint i)
{
  gchar *text =
      g_strdup_printf ("video/x-raw, %s, width=64, height=48, framerate=25/1",
          kept_out[i].fields);
  GstCaps *caps = gst_caps_from_string (text);

  g_free (text);
  return caps;
}

/* Neither by itself nor as one of many that a converter has. */
GST_START_TEST (test_query)
{
  GstCaps *converter =
      gst_caps_from_string ("video/x-raw, width=64, height=48, framerate=25/1");

  for (guint e = 0; e < G_N_ELEMENTS (each); e++)
    for (guint i = 0; i < G_N_ELEMENTS (kept_out); i++) {
      GstHarness *h = filter_harness (each[e], TRUE);
      GstCaps *caps = kept_out_caps (i), *answer;

      answer = gst_pad_peer_query_caps (h->srcpad, caps);
      fail_unless (gst_caps_is_empty (answer), "%s", kept_out[i].fields);
      gst_caps_unref (answer);
      assert_said_once (h, GST_MESSAGE_WARNING, kept_out[i].word);
      answer = gst_pad_peer_query_caps (h->srcpad, converter);
      fail_if (gst_caps_can_intersect (answer, caps), "%s", kept_out[i].fields);
      gst_caps_unref (answer);

      set (h, each[e], FALSE);
      answer = gst_pad_peer_query_caps (h->srcpad, caps);
      fail_unless (gst_caps_is_equal (answer, caps), "%s", kept_out[i].fields);
      gst_caps_unref (answer);
      gst_caps_unref (caps);
      assert_quiet (h);
      teardown_with_messages (h);
    }
  gst_caps_unref (converter);
}
GST_END_TEST;

/* A neighbour that asks whether its caps are among those that work, as
 * imagefreeze does, leaves fields out that have a default. */
GST_START_TEST (test_query_with_defaults)
{
  static const gchar *const streams[] = {
    "video/x-raw, format=I420, width=64, height=48",
    "video/x-raw, format=RGB, width=64, height=48, interlace-mode=progressive",
    "video/x-raw, format=I420, width=64, height=48, colorimetry=bt709",
    "video/x-raw, format=NV12, width=64, height=48, multiview-mode=mono",
  };

  for (guint e = 0; e < G_N_ELEMENTS (each); e++)
    for (guint i = 0; i < G_N_ELEMENTS (streams); i++) {
      GstHarness *h = filter_harness (each[e], TRUE);
      GstCaps *caps = gst_caps_from_string (streams[i]), *answer;

      gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION, 25, 1, NULL);
      answer = gst_pad_peer_query_caps (h->srcpad, caps);
      fail_unless (gst_caps_is_subset (caps, answer), "%s", streams[i]);
      gst_caps_unref (answer);
      gst_caps_unref (caps);
      assert_quiet (h);
      teardown_with_messages (h);
    }
}
GST_END_TEST;

/* A decoder asks what works after it and tells that a demuxer, whose files may
 * name a part of their colorimetry only. */
GST_START_TEST (test_query_of_decoder)
{
  static const gchar *const colorimetries[] = { "1:0:0:0", "2:4:0:0", "0:0:5:0",
    "2:3:16:1", "bt709" };
  static const gchar *const filters_of[] = { NULL, "video/x-raw" };

  for (guint e = 0; e < G_N_ELEMENTS (each); e++)
    for (guint f = 0; f < G_N_ELEMENTS (filters_of); f++) {
      GstHarness *h = filter_harness (each[e], TRUE);
      GstCaps *filter =
          filters_of[f] ? gst_caps_from_string (filters_of[f]) : NULL;
      GstCaps *answer = gst_pad_peer_query_caps (h->srcpad, filter);

      for (guint i = 0; i < G_N_ELEMENTS (colorimetries); i++) {
        GstCaps *stream = gst_caps_new_simple ("video/x-raw", "colorimetry",
            G_TYPE_STRING, colorimetries[i], NULL);

        fail_unless (gst_caps_can_intersect (stream, answer), "%s for %s",
            colorimetries[i], filters_of[f]);
        gst_caps_unref (stream);
      }
      gst_caps_unref (answer);
      gst_clear_caps (&filter);
      teardown_with_messages (h);
    }
}
GST_END_TEST;

/* A source such as intervideosrc fixes the fields that it knows: no others come
 * to it. */
GST_START_TEST (test_query_of_source)
{
  GstCaps *source = gst_caps_from_string (
      "video/x-raw, format={I420,RGB}, width=[1,2147483647], "
      "height=[1,2147483647], framerate=[0/1,2147483647/1]");

  for (guint e = 0; e < G_N_ELEMENTS (each); e++) {
    GstHarness *h = filter_harness (each[e], TRUE);
    GstCaps *answer = gst_pad_peer_query_caps (h->srcpad, source);

    fail_if (gst_caps_is_empty (answer));
    for (guint i = 0; i < gst_caps_get_size (answer); i++)
      fail_unless_equals_int (
          gst_structure_n_fields (gst_caps_get_structure (answer, i)), 4);
    gst_caps_unref (answer);
    teardown_with_messages (h);
  }
  gst_caps_unref (source);
}
GST_END_TEST;

static GstBuffer *
overlaid_buffer (const GstVideoInfo *info)
{
  GstBuffer *buffer = test_buffer (info, 1);
  GstBuffer *pixels = gst_buffer_new_allocate (NULL, 4 * 8 * 8, NULL);
  GstVideoOverlayComposition *composition;
  GstVideoOverlayRectangle *rectangle;

  gst_buffer_memset (pixels, 0, 0xff, 4 * 8 * 8);
  gst_buffer_add_video_meta (
      pixels, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_FORMAT_BGRA, 8, 8);
  rectangle = gst_video_overlay_rectangle_new_raw (
      pixels, 4, 4, 8, 8, GST_VIDEO_OVERLAY_FORMAT_FLAG_NONE);
  composition = gst_video_overlay_composition_new (rectangle);
  gst_buffer_add_video_overlay_composition_meta (buffer, composition);
  gst_video_overlay_composition_unref (composition);
  gst_video_overlay_rectangle_unref (rectangle);
  gst_buffer_unref (pixels);
  return buffer;
}

/* Subtitles and the like: elements that draw them ask whether they may leave
 * that to someone after us, and do so where somebody does it. */
GST_START_TEST (test_overlays)
{
  const gchar *text =
      "video/x-raw(memory:SystemMemory, meta:GstVideoOverlayComposition), "
      "format=RGB, width=64, height=48, framerate=25/1";
  GType api = GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE;
  GstCaps *caps = gst_caps_from_string (text), *answer;
  GstVideoInfo info = video_info (TEST_CAPS);

  for (guint e = 0; e < G_N_ELEMENTS (each); e++) {
    GstHarness *h = filter_harness (each[e], TRUE);
    GstQuery *query = gst_query_new_allocation (caps, FALSE);
    GstBuffer *in = overlaid_buffer (&info), *out;

    gst_harness_add_propose_allocation_meta (h, api, NULL);
    gst_harness_set_src_caps (h, gst_caps_ref (caps));
    out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
    fail_if (same_bytes (in, out));
    fail_unless (gst_buffer_get_video_overlay_composition_meta (out) != NULL);
    fail_unless (gst_pad_peer_query (h->srcpad, query));
    fail_unless (gst_query_find_allocation_meta (query, api, NULL));
    gst_query_unref (query);
    gst_buffer_unref (in);
    gst_buffer_unref (out);

    gst_harness_set_sink_caps_str (h, "video/x-raw");
    answer = gst_pad_peer_query_caps (h->srcpad, caps);
    fail_unless (gst_caps_is_empty (answer));
    gst_caps_unref (answer);
    assert_quiet (h);
    teardown_with_messages (h);
  }
  gst_caps_unref (caps);
}
GST_END_TEST;

/* Fields that no stream has, of a type that is not theirs. */
GST_START_TEST (test_query_of_nonsense)
{
  static const gchar *const fields[] = { "colorimetry=(int)5",
    "interlace-mode=(boolean)true", "multiview-mode=(int)[0,1]" };

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    GstHarness *h = filter_harness (0, TRUE);
    gchar *text = g_strdup_printf (
        "video/x-raw, format=RGB, width=64, height=48, %s", fields[i]);
    GstCaps *caps = gst_caps_from_string (text), *answer;

    answer = gst_pad_peer_query_caps (h->srcpad, caps);
    fail_unless (gst_caps_is_empty (answer), "%s", fields[i]);
    gst_caps_unref (answer);
    gst_caps_unref (caps);
    g_free (text);
    teardown_with_messages (h);
  }
}
GST_END_TEST;

/* Converters before the element convert what it does not take, and only that.
 */
GST_START_TEST (test_converter)
{
  const struct
  {
    const gchar *in, *out; /* NULL: the same */
    const gchar *wanted;   /* after the converter, or NULL */
  } streams[] = {
    { "format=I420_10LE, colorimetry=bt2100-pq", "colorimetry=bt709", NULL },
    { "format=RGB, colorimetry=(string)1:1:1:1", "format=RGB", NULL },
    { "format=ARGB64_LE", "format={BGRA,RGBA,ARGB,ABGR,RGB,BGR}", NULL },
    { "format=I420", NULL, NULL },
    { "format=NV12, colorimetry=bt601", NULL, NULL },
    { "format=NV12, colorimetry=bt2020", NULL, NULL },
    { "format=I420_10LE, colorimetry=bt2100-hlg", NULL, NULL },
    { "format=RGBA, colorimetry=sRGB", NULL, NULL },
    { "format=I420, colorimetry=(string)1:4:0:0", NULL, NULL },
    /* A format that is asked for leaves a converter its colorimetry, which
     * has to be asked for, too. */
    { "format=P010_10LE, colorimetry=bt2100-pq", "format=NV12",
        "video/x-raw, format=NV12, colorimetry=bt709" },
    { "format=NV12, colorimetry=bt601", NULL, "video/x-raw, format=NV12" },
    { "format=P010_10LE, colorimetry=bt2100-pq", "colorimetry=bt709",
        "videoscale" },
    { "format=P010_10LE, colorimetry=bt2100-pq", "colorimetry=bt709",
        "videorate ! videoscale ! queue" },
  };

  for (guint e = 0; e < G_N_ELEMENTS (each); e++)
    for (guint i = 0; i < G_N_ELEMENTS (streams); i++) {
      const gchar *wanted = streams[i].wanted;
      gchar *launch = g_strdup_printf (
          "videotestsrc num-buffers=2 ! video/x-raw, %s, width=64, height=48 ! "
          "videoconvert ! %s%s%s ! video/x-raw, %s ! fakesink",
          streams[i].in, wanted ? wanted : "", wanted ? " ! " : "",
          filters[each[e]].launch,
          streams[i].out ? streams[i].out : streams[i].in);

      assert_plays (launch);
      g_free (launch);
    }
}
GST_END_TEST;

/* Upstream that can send whatever is asked for. */
static GstPadProbeReturn
answer_any_caps (GstPad *pad, GstPadProbeInfo *probe, gpointer data)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (probe);
  GstCaps *filter;

  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS)
    return GST_PAD_PROBE_OK;
  gst_query_parse_caps (query, &filter);
  gst_query_set_caps_result (query, filter);
  return GST_PAD_PROBE_HANDLED;
}

/* Caps that are no good for it while it is switched on: nothing dies where
 * upstream can send others, and one error says why where it cannot. */
GST_START_TEST (test_switched_on_with_wrong_caps)
{
  for (gint has_others = FALSE; has_others <= TRUE; has_others++) {
    GstHarness *h = filter_harness (__i__, FALSE);
    GstVideoInfo info = video_info (TEST_CAPS);
    GstBuffer *in = test_buffer (&info, 1), *out;

    gst_harness_set_src_caps_str (h, any_caps[2]);
    push_frames (h, &info, 0, 1);
    count_reconfigure (h);
    if (has_others)
      gst_pad_add_probe (h->srcpad, GST_PAD_PROBE_TYPE_QUERY_UPSTREAM,
          answer_any_caps, NULL, NULL);

    set (h, __i__, TRUE);
    fail_unless_equals_int (count_reconfigure (h), 1);
    if (has_others) {
      for (guint i = 0; i < 3; i++) {
        out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
        fail_unless (out == in);
        gst_buffer_unref (out);
      }
      assert_said_once (h, GST_MESSAGE_WARNING, "ARGB64_LE");
      gst_harness_set_src_caps_str (h, TEST_CAPS);
      out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
      fail_if (same_bytes (in, out));
      gst_buffer_unref (out);
      assert_quiet (h);
    } else {
      for (guint i = 0; i < 3; i++)
        fail_unless_equals_int (
            gst_harness_push (h, gst_buffer_ref (in)), GST_FLOW_NOT_NEGOTIATED);
      assert_said_once (h, GST_MESSAGE_ERROR, "ARGB64_LE");
      /* Off again, it takes them. */
      set (h, __i__, FALSE);
      out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
      fail_unless (out == in);
      gst_buffer_unref (out);
      set (h, __i__, TRUE);
      fail_unless_equals_int (
          gst_harness_push (h, gst_buffer_ref (in)), GST_FLOW_NOT_NEGOTIATED);
    }
    gst_buffer_unref (in);
    teardown_with_messages (h);
  }
}
GST_END_TEST;

static Suite *
negotiation_suite (void)
{
  Suite *suite = suite_create ("negotiation");
  TCase *tcase = tcase_create ("negotiation");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_query);
  tcase_add_test (tcase, test_query_with_defaults);
  tcase_add_test (tcase, test_query_of_decoder);
  tcase_add_test (tcase, test_query_of_source);
  tcase_add_test (tcase, test_query_of_nonsense);
  tcase_add_test (tcase, test_overlays);
  tcase_add_test (tcase, test_converter);
  tcase_add_loop_test (
      tcase, test_switched_on_with_wrong_caps, 0, G_N_ELEMENTS (filters));
  return suite;
}

GST_CHECK_MAIN (negotiation);
