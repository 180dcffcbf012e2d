/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What sympieenhance and sympiecorrupt have from their base: what is off takes
 * everything and touches nothing, what is on says what works, and buffers leave
 * in a layout that downstream can read. */

#include <string.h>
#include <time.h>

#include "enhance.h"

#define MANUAL                                                                 \
  "parameters=\"<1.1,0,0,0,1.1,0,0,0,1.1,0.,0,0,"                              \
  "0,0,0,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0>\""

/* How either element is on; how it is switched off, and on again. */
static const struct
{
  const gchar *launch;
  const gchar *property, *off, *on;
} filters[] = {
  { "sympieenhance device=cpu " MANUAL, "enabled", "false", "true" },
  { "sympieenhance device=cpu " MANUAL, "strength", "0", "1" },
  { "sympiecorrupt temporal=clip corruption=darken", "corruption", "none",
      "darken" },
  { "sympiecorrupt temporal=clip corruption=darken", "severity", "0", "3" },
};

/* One of each element. */
static const guint each[] = { 0, 2 };

static void
set (GstHarness *h, guint filter, gboolean on)
{
  gst_util_set_object_arg (G_OBJECT (h->element), filters[filter].property,
      on ? filters[filter].on : filters[filter].off);
}

/* A harness with a bus, the element on or off from the start. */
static GstHarness *
filter_harness (guint filter, gboolean on)
{
  GstElement *element = gst_parse_launch (filters[filter].launch, NULL);

  fail_unless (element != NULL);
  gst_util_set_object_arg (G_OBJECT (element), filters[filter].property,
      on ? filters[filter].on : filters[filter].off);
  return harness_with_messages (element);
}

/* The text of the next message of that type; NULL if there is none. */
static gchar *
pop_text (GstHarness *h, GstMessageType type)
{
  GstMessage *message =
      gst_bus_pop_filtered (GST_ELEMENT_BUS (h->element), type);
  GError *error;
  gchar *text;

  if (!message)
    return NULL;
  if (type == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  else
    gst_message_parse_warning (message, &error, NULL);
  text = g_strdup (error->message);
  g_error_free (error);
  gst_message_unref (message);
  return text;
}

static void
assert_text (GstHarness *h, GstMessageType type, const gchar *word)
{
  gchar *text = pop_text (h, type);

  fail_unless (text && strstr (text, word), "no %s in: %s", word, text);
  g_free (text);
  text = pop_text (h, type);
  fail_unless (text == NULL, "another message: %s", text);
}

static void
assert_quiet (GstHarness *h)
{
  fail_unless (pop_text (h, GST_MESSAGE_ERROR) == NULL);
  fail_unless (pop_text (h, GST_MESSAGE_WARNING) == NULL);
}

static gboolean
same_bytes (GstBuffer *a, GstBuffer *b)
{
  GstMapInfo map;
  gboolean same;

  fail_unless (gst_buffer_map (a, &map, GST_MAP_READ));
  same = gst_buffer_get_size (b) == map.size
         && gst_buffer_memcmp (b, 0, map.data, map.size) == 0;
  gst_buffer_unmap (a, &map);
  return same;
}

/* ---- Off ------------------------------------------------------------------
 */

static const gchar *const any_caps[] = {
  TEST_CAPS,
  "video/x-raw, format=I420_10LE, width=64, height=48, framerate=25/1, "
  "colorimetry=bt2100-pq",
  "video/x-raw, format=ARGB64_LE, width=64, height=48, framerate=25/1",
  "video/x-raw, format=RGB, width=64, height=48, framerate=25/1, "
  "colorimetry=(string)1:1:1:1",
  "video/x-raw, format=NV12, width=64, height=48, framerate=25/1, "
  "interlace-mode=fields",
  "video/x-raw, format=NV12, width=64, height=48, framerate=25/1, "
  "multiview-mode=side-by-side",
  "video/x-raw(memory:DMABuf), format=DMA_DRM, drm-format=NV12, width=64, "
  "height=48, framerate=25/1",
  "video/x-raw(memory:GLMemory), format=RGBA, width=64, height=48, "
  "framerate=25/1",
};

/* Any raw video, its buffers whoever holds them. */
GST_START_TEST (test_off)
{
  GstHarness *h = filter_harness (__i__, FALSE);
  GstVideoInfo info = video_info (TEST_CAPS);

  for (guint i = 0; i < G_N_ELEMENTS (any_caps); i++) {
    gst_harness_set_src_caps_str (h, any_caps[i]);
    for (gint held = FALSE; held <= TRUE; held++) {
      GstBuffer *in = test_buffer (&info, i), *out;

      out = gst_harness_push_and_pull (h, held ? gst_buffer_ref (in) : in);
      fail_unless (out == in, "%s", any_caps[i]);
      gst_buffer_unref (out);
      if (held)
        gst_buffer_unref (in);
    }
  }
  assert_quiet (h);
  teardown_with_messages (h);
}
GST_END_TEST;

/* A camera that switches to what cannot be enhanced, and back. */
GST_START_TEST (test_off_and_on)
{
  GstHarness *h = filter_harness (__i__, TRUE);
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *in = test_buffer (&info, 7), *out;

  gst_harness_set_src_caps_str (h, TEST_CAPS);
  out = gst_harness_push_and_pull (h, test_buffer (&info, 7));
  fail_if (same_bytes (in, out));
  gst_buffer_unref (out);
  set (h, __i__, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (any_caps); i++) {
    gst_harness_set_src_caps_str (h, any_caps[i]);
    out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
    fail_unless (out == in, "%s", any_caps[i]);
    gst_buffer_unref (out);
  }
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  set (h, __i__, TRUE);
  out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
  fail_if (same_bytes (in, out));
  gst_buffer_unref (out);
  gst_buffer_unref (in);
  assert_quiet (h);
  teardown_with_messages (h);
}
GST_END_TEST;

/* Files and devices are not missed by what does not need them. */
GST_START_TEST (test_off_opens_nothing)
{
  const gchar *launches[] = {
    "sympieenhance enabled=false weights=/nowhere",
    "sympieenhance strength=0 weights=/nowhere",
    "sympieenhance enabled=false recording=/nowhere/at/all",
    "sympieenhance enabled=false mode=apply recording=/nowhere",
    "sympieenhance enabled=false crop=nonsense",
    "sympiecorrupt corruption=none frost-folder=/nowhere",
  };
  GstVideoInfo info = video_info (TEST_CAPS);

  for (guint i = 0; i < G_N_ELEMENTS (launches); i++) {
    GstElement *element = gst_parse_launch (launches[i], NULL);
    GstHarness *h = gst_harness_new_with_element (element, "sink", "src");

    gst_object_unref (element);
    gst_harness_set_src_caps_str (h, TEST_CAPS);
    push_frames (h, &info, 0, 2);
    gst_harness_teardown (h);
  }
}
GST_END_TEST;

static gint64
thread_nanoseconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec;
}

/* Processor time of a buffer that passes, the best of several rounds. */
static gint64
cost_of (GstElement *element)
{
  const gint n = 5000;
  GstHarness *h = gst_harness_new_with_element (element, "sink", "src");
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *buffer = test_buffer (&info, 0);
  gint64 best = G_MAXINT64;

  gst_harness_set_drop_buffers (h, TRUE);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  for (guint round = 0; round < 20; round++) {
    gint64 begin = thread_nanoseconds ();

    for (gint i = 0; i < n; i++)
      gst_harness_push (h, gst_buffer_ref (buffer));
    best = MIN (best, (thread_nanoseconds () - begin) / n);
  }
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
  return best;
}

/* Under 2 microseconds, the harness's own work included. */
GST_START_TEST (test_off_cost)
{
  GstElement *element = gst_parse_launch (filters[__i__].launch, NULL);
  gint64 cost;

  gst_util_set_object_arg (
      G_OBJECT (element), filters[__i__].property, filters[__i__].off);
  cost = cost_of (element);
  gst_object_unref (element);
  g_print ("%s %s=%s: %" G_GINT64_FORMAT " ns a buffer\n",
      filters[__i__].launch, filters[__i__].property, filters[__i__].off, cost);
  fail_unless (cost < 2000, "%" G_GINT64_FORMAT " ns", cost);
}
GST_END_TEST;

/* ---- Caps -----------------------------------------------------------------
 */

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

/* Neither by itself nor as one of many. */
GST_START_TEST (test_query)
{
  for (guint e = 0; e < G_N_ELEMENTS (each); e++)
    for (guint i = 0; i < G_N_ELEMENTS (kept_out); i++) {
      GstHarness *h = filter_harness (each[e], TRUE);
      GstCaps *caps = kept_out_caps (i), *answer;

      answer = gst_pad_peer_query_caps (h->srcpad, caps);
      fail_unless (gst_caps_is_empty (answer), "%s", kept_out[i].fields);
      gst_caps_unref (answer);
      assert_text (h, GST_MESSAGE_WARNING, kept_out[i].word);
      answer = gst_pad_peer_query_caps (h->srcpad, NULL);
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
    const gchar *wanted;   /* caps after the converter, or NULL */
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
    GstEvent *event;
    GstBuffer *in = test_buffer (&info, 1), *out;
    guint n_reconfigure = 0;

    gst_harness_set_src_caps_str (h, any_caps[2]);
    push_frames (h, &info, 0, 1);
    while ((event = gst_harness_try_pull_upstream_event (h)))
      gst_event_unref (event);
    if (has_others)
      gst_pad_add_probe (h->srcpad, GST_PAD_PROBE_TYPE_QUERY_UPSTREAM,
          answer_any_caps, NULL, NULL);

    set (h, __i__, TRUE);
    while ((event = gst_harness_try_pull_upstream_event (h))) {
      n_reconfigure += GST_EVENT_TYPE (event) == GST_EVENT_RECONFIGURE;
      gst_event_unref (event);
    }
    fail_unless_equals_int (n_reconfigure, 1);
    if (has_others) {
      for (guint i = 0; i < 3; i++) {
        out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
        fail_unless (out == in);
        gst_buffer_unref (out);
      }
      assert_text (h, GST_MESSAGE_WARNING, "ARGB64_LE");
      gst_harness_set_src_caps_str (h, TEST_CAPS);
      out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
      fail_if (same_bytes (in, out));
      gst_buffer_unref (out);
      assert_quiet (h);
    } else {
      for (guint i = 0; i < 3; i++)
        fail_unless_equals_int (
            gst_harness_push (h, gst_buffer_ref (in)), GST_FLOW_NOT_NEGOTIATED);
      assert_text (h, GST_MESSAGE_ERROR, "ARGB64_LE");
    }
    gst_buffer_unref (in);
    teardown_with_messages (h);
  }
}
GST_END_TEST;

/* ---- Layout ---------------------------------------------------------------
 */

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

static guint
count_reconfigure (GstHarness *h)
{
  GstEvent *event;
  guint n = 0;

  while ((event = gst_harness_try_pull_upstream_event (h))) {
    n += GST_EVENT_TYPE (event) == GST_EVENT_RECONFIGURE;
    gst_event_unref (event);
  }
  return n;
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
  gst_video_info_set_interlaced_format (&info, GST_VIDEO_FORMAT_I420,
      GST_VIDEO_INTERLACE_MODE_PROGRESSIVE, 33, 20);
  {
    GstVideoFrame a, b;

    fail_unless (gst_video_frame_map (&a, &info, untouched, GST_MAP_READ));
    fail_unless (gst_video_frame_map (&b, &info, out, GST_MAP_READ));
    for (gint y = 0; y < 20; y++)
      fail_unless (memcmp ((guint8 *) a.data[0] + y * a.info.stride[0],
                       (guint8 *) b.data[0] + y * b.info.stride[0], 33)
                   == 0);
    gst_video_frame_unmap (&a);
    gst_video_frame_unmap (&b);
  }
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

/* ---- Properties -----------------------------------------------------------
 */

/* Those for a stopped element are not taken by another, and not in silence. */
GST_START_TEST (test_properties_while_playing)
{
  const struct
  {
    guint filter;
    const gchar *name, *value;
  } properties[] = {
    { 0, "weights", "/nowhere" },
    { 0, "device", "cuda" },
    { 0, "cuda-device-id", "3" },
    { 0, "n-threads", "3" },
    { 2, "scale", "0.5" },
    { 2, "frost-folder", "/nowhere" },
    { 2, "n-threads", "3" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (properties); i++) {
    GstHarness *h = filter_harness (properties[i].filter, TRUE);
    const gchar *name = properties[i].name;
    GParamSpec *pspec =
        g_object_class_find_property (G_OBJECT_GET_CLASS (h->element), name);
    GValue before = G_VALUE_INIT, after = G_VALUE_INIT;

    g_object_get_property (G_OBJECT (h->element), name, &before);
    gst_util_set_object_arg (G_OBJECT (h->element), name, properties[i].value);
    g_object_get_property (G_OBJECT (h->element), name, &after);
    fail_unless (g_param_values_cmp (pspec, &before, &after) == 0, "%s", name);
    assert_text (h, GST_MESSAGE_WARNING, name);

    gst_element_set_state (h->element, GST_STATE_READY);
    gst_util_set_object_arg (G_OBJECT (h->element), name, properties[i].value);
    g_object_get_property (G_OBJECT (h->element), name, &after);
    fail_if (g_param_values_cmp (pspec, &before, &after) == 0, "%s", name);
    g_value_unset (&before);
    g_value_unset (&after);
    assert_quiet (h);
    teardown_with_messages (h);
  }
}
GST_END_TEST;

static void
count_message (GstDebugCategory *category, GstDebugLevel level,
    const gchar *file, const gchar *function, gint line, GObject *object,
    GstDebugMessage *message, gpointer counts)
{
  if (g_str_has_prefix (gst_debug_category_get_name (category), "sympie")
      && (level == GST_LEVEL_INFO || level == GST_LEVEL_LOG))
    g_atomic_int_inc ((gint *) counts + (level == GST_LEVEL_LOG));
}

/* Each frame is told of at LOG, what changes the work at INFO: the device and
 * weights, the caps, that frames pass and that they are worked on again. */
GST_START_TEST (test_log)
{
  GstHarness *h;
  GstVideoInfo info = video_info (TEST_CAPS);
  gint counts[2] = { 0, 0 };

  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (count_message, counts, NULL);
  gst_debug_set_active (TRUE);
  gst_debug_set_threshold_for_name ("sympie*", GST_LEVEL_LOG);

  h = filter_harness (each[__i__], TRUE);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  push_frames (h, &info, 0, 1);
  fail_unless (counts[0] >= 1);
  counts[1] = 0;
  push_frames (h, &info, 1, 5);
  fail_unless (counts[1] >= 5);
  counts[0] = 0;
  set (h, each[__i__], FALSE);
  push_frames (h, &info, 6, 1);
  fail_unless (counts[0] >= 1);
  counts[0] = 0;
  set (h, each[__i__], TRUE);
  push_frames (h, &info, 7, 1);
  fail_unless (counts[0] >= 1);
  teardown_with_messages (h);

  gst_debug_unset_threshold_for_name ("sympie*");
  gst_debug_remove_log_function (count_message);
  gst_debug_add_log_function (gst_debug_log_default, NULL, NULL);
}
GST_END_TEST;

/* What a user saves comes back, for all that can be set. */
GST_START_TEST (test_presets)
{
  GstElement *element = gst_parse_launch (filters[0].launch, NULL);
  GstElement *other = gst_element_factory_make ("sympieenhance", NULL);
  GParamSpec **specs;
  guint n;

  g_object_set (element, "strength", 0.5, "iterations", 2, "n-threads", 3,
      "reuse-interval", 7, NULL);
  fail_unless (gst_preset_save_preset (GST_PRESET (element), "test"));
  fail_unless (gst_preset_load_preset (GST_PRESET (other), "test"));
  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);
  for (guint i = 0; i < n; i++) {
    GValue a = G_VALUE_INIT, b = G_VALUE_INIT;

    if (!g_str_has_prefix (g_type_name (specs[i]->owner_type), "GstSympie")
        || !(specs[i]->flags & G_PARAM_WRITABLE))
      continue;
    g_object_get_property (G_OBJECT (element), specs[i]->name, &a);
    g_object_get_property (G_OBJECT (other), specs[i]->name, &b);
    fail_unless (
        gst_value_compare (&a, &b) == GST_VALUE_EQUAL, "%s", specs[i]->name);
    g_value_unset (&a);
    g_value_unset (&b);
  }
  g_free (specs);
  fail_unless (gst_preset_delete_preset (GST_PRESET (element), "test"));
  gst_object_unref (element);
  gst_object_unref (other);
}
GST_END_TEST;

/* A frame that the parameters would leave as it is is not even copied. */
GST_START_TEST (test_identity)
{
  SympieParams identity;
  GstHarness *h;
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *in = test_buffer (&info, 1), *out;

  sympie_params_identity (&identity);
  h = enhance_harness (&identity);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
  fail_unless (out == in);
  gst_buffer_unref (out);
  gst_buffer_unref (in);
  assert_stats (h->element, 1, 0, 0);
  gst_harness_teardown (h);
}
GST_END_TEST;

static Suite *
filter_suite (void)
{
  Suite *suite = suite_create ("filters");
  TCase *tcase = tcase_create ("filter");

  suite_add_tcase (suite, tcase);
  tcase_add_loop_test (tcase, test_off, 0, G_N_ELEMENTS (filters));
  tcase_add_loop_test (tcase, test_off_and_on, 0, G_N_ELEMENTS (filters));
  tcase_add_test (tcase, test_off_opens_nothing);
  tcase_add_loop_test (tcase, test_off_cost, 0, G_N_ELEMENTS (filters));
  tcase_add_test (tcase, test_query);
  tcase_add_test (tcase, test_query_with_defaults);
  tcase_add_test (tcase, test_query_of_nonsense);
  tcase_add_test (tcase, test_converter);
  tcase_add_loop_test (
      tcase, test_switched_on_with_wrong_caps, 0, G_N_ELEMENTS (filters));
  tcase_add_loop_test (tcase, test_layout, 0, G_N_ELEMENTS (filters));
  tcase_add_loop_test (tcase, test_layout_off, 0, G_N_ELEMENTS (filters));
  tcase_add_test (tcase, test_properties_while_playing);
  tcase_add_loop_test (tcase, test_log, 0, G_N_ELEMENTS (each));
  tcase_add_test (tcase, test_presets);
  tcase_add_test (tcase, test_identity);
  return suite;
}

GST_CHECK_MAIN (filter);
