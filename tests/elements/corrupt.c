/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* sympiecorrupt does to frames what the library does to images, when and how
 * its properties say. */

#include <gst/controller/gstdirectcontrolbinding.h>
#include <gst/controller/gstinterpolationcontrolsource.h>
#include <string.h>

#include "enhance.h"
#include "sympie_corrupt.h"

static const struct
{
  const gchar *name;
  SympieFormat format;
} formats[] = {
  { "RGB", SYMPIE_FORMAT_RGB },
  { "BGR", SYMPIE_FORMAT_BGR },
  { "RGBx", SYMPIE_FORMAT_RGBX },
  { "BGRx", SYMPIE_FORMAT_BGRX },
  { "xRGB", SYMPIE_FORMAT_XRGB },
  { "xBGR", SYMPIE_FORMAT_XBGR },
  { "RGBA", SYMPIE_FORMAT_RGBA },
  { "BGRA", SYMPIE_FORMAT_BGRA },
  { "ARGB", SYMPIE_FORMAT_ARGB },
  { "ABGR", SYMPIE_FORMAT_ABGR },
  { "GBR", SYMPIE_FORMAT_GBR },
  { "I420", SYMPIE_FORMAT_I420 },
  { "YV12", SYMPIE_FORMAT_YV12 },
  { "NV12", SYMPIE_FORMAT_NV12 },
  { "NV21", SYMPIE_FORMAT_NV21 },
  { "Y42B", SYMPIE_FORMAT_Y42B },
  { "Y444", SYMPIE_FORMAT_Y444 },
  { "AYUV", SYMPIE_FORMAT_AYUV },
  { "A420", SYMPIE_FORMAT_A420 },
  { "I422_10LE", SYMPIE_FORMAT_I422_10LE },
  { "P012_LE", SYMPIE_FORMAT_P012_LE },
};

/* `properties` are as for gst-launch: name=value, spaces in between. */
static GstHarness *
corrupt_harness (const gchar *caps, const gchar *properties)
{
  GstHarness *h = gst_harness_new ("sympiecorrupt");
  gchar **pairs = g_strsplit (properties, " ", -1);

  for (gchar **pair = pairs; *pair; pair++) {
    gchar *value = strchr (*pair, '=');

    *value = 0;
    gst_util_set_object_arg (G_OBJECT (h->element), *pair, value + 1);
  }
  g_strfreev (pairs);
  gst_harness_set_src_caps_str (h, caps);
  return h;
}

/* Takes the buffers. */
static gboolean
same_frames (GstBuffer *a, GstBuffer *b)
{
  gboolean same = same_bytes (a, b);

  gst_buffer_unref (a);
  gst_buffer_unref (b);
  return same;
}

/* Frame 0 with the timestamp of frame `number`. */
static GstBuffer *
buffer_at (const GstVideoInfo *info, guint number)
{
  GstBuffer *buffer = test_buffer (info, 0);

  GST_BUFFER_PTS (buffer) = number * TEST_FRAME_DURATION;
  return buffer;
}

static GstBuffer *
push_at (GstHarness *h, const GstVideoInfo *info, guint number)
{
  return gst_harness_push_and_pull (h, buffer_at (info, number));
}

/* The same frame by the library. */
static GstBuffer *
expected_at (const GstVideoInfo *info, SympieFormat format,
    const SympieColorimetry *colorimetry, SympieCorruption corruption,
    gint severity, guint64 seed, gdouble phase)
{
  SympieCorruptorConfig config = SYMPIE_CORRUPTOR_CONFIG_INIT;
  SympieCorruptor *corruptor;
  GstBuffer *buffer = test_buffer (info, 0);
  SympieImage image;
  SympieTarget target;
  GstMapInfo map;

  config.scale = 0;
  corruptor = sympie_corruptor_new (&config, NULL);
  fail_unless (corruptor != NULL);
  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READWRITE));
  image = test_image (format, info, map.data);
  image.colorimetry = *colorimetry;
  target = test_target (&image);
  fail_unless (sympie_corrupt (
      corruptor, &image, &target, corruption, severity, seed, phase, NULL));
  gst_buffer_unmap (buffer, &map);
  sympie_corruptor_free (corruptor);
  return buffer;
}

GST_START_TEST (test_every_corruption)
{
  const SympieColorimetry full = { .full_range = true };
  GstVideoInfo info = video_info (TEST_CAPS);
  GstHarness *h = corrupt_harness (TEST_CAPS, "temporal=clip seed=7");

  for (gint c = 0; c < SYMPIE_N_CORRUPTIONS; c++) {
    gchar *name = g_strdup (sympie_corruption_name (c));

    gst_util_set_object_arg (
        G_OBJECT (h->element), "corruption", g_strdelimit (name, "_", '-'));
    for (gint severity = 0; severity <= SYMPIE_MAX_SEVERITY; severity++) {
      g_object_set (h->element, "severity", severity, NULL);
      fail_unless (
          same_frames (push_at (h, &info, c),
              expected_at (&info, SYMPIE_FORMAT_RGB, &full, c, severity, 7, 0)),
          "%s %d", name, severity);
    }
    g_free (name);
  }
  gst_harness_teardown (h);
}
GST_END_TEST;

/* Odd sizes, so that rows have padding; colorimetry as the caps say. */
GST_START_TEST (test_formats)
{
  static const struct
  {
    const gchar *caps;
    SympieColorimetry yuv;
  } colours[] = {
    { "colorimetry = bt601, chroma-site = jpeg",
        { 0.299f, 0.114f, false, SYMPIE_CHROMA_CENTRE } },
    { "colorimetry = bt709, chroma-site = mpeg2",
        { 0.2126f, 0.0722f, false, SYMPIE_CHROMA_LEFT } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    for (guint j = 0; j < G_N_ELEMENTS (colours); j++) {
      gboolean yuv = formats[i].format >= SYMPIE_FORMAT_I420;
      gchar *caps = g_strdup_printf ("video/x-raw, format = %s, width = 385, "
                                     "height = 89, framerate = 25/1%s%s",
          formats[i].name, yuv ? ", " : "", yuv ? colours[j].caps : "");
      GstVideoInfo info = video_info (caps);
      SympieColorimetry colorimetry = { .full_range = true };
      GstHarness *h = corrupt_harness (
          caps, "corruption=motion-blur severity=4 temporal=clip n-threads=3");

      if (yuv)
        colorimetry = colours[j].yuv;
      fail_unless (same_frames (push_at (h, &info, 0),
                       expected_at (&info, formats[i].format, &colorimetry,
                           SYMPIE_CORRUPTION_MOTION_BLUR, 4, 0, 0)),
          "%s", caps);
      gst_harness_teardown (h);
      g_free (caps);
    }
}
GST_END_TEST;

GST_START_TEST (test_untouched)
{
  const gchar *properties[] = { "corruption=none severity=5", "severity=0" };
  GstVideoInfo info = video_info (TEST_CAPS);

  for (guint i = 0; i < G_N_ELEMENTS (properties); i++) {
    GstHarness *h = corrupt_harness (TEST_CAPS, properties[i]);
    GstBuffer *in = test_buffer (&info, 0), *out;

    out = gst_harness_push_and_pull (h, in);
    fail_unless (out == in, "%s", properties[i]);
    fail_unless (same_frames (out, test_buffer (&info, 0)));
    gst_harness_teardown (h);
  }
}
GST_END_TEST;

/* A frame that others hold as well is not changed for them. */
GST_START_TEST (test_shared_buffer)
{
  GstVideoInfo info = video_info (TEST_CAPS);
  GstHarness *h = corrupt_harness (TEST_CAPS, "corruption=darken");
  GstBuffer *kept = test_buffer (&info, 0), *out;

  out = gst_harness_push_and_pull (h, gst_buffer_ref (kept));
  fail_unless (same_frames (gst_buffer_ref (kept), test_buffer (&info, 0)));
  fail_if (same_frames (out, kept));
  gst_harness_teardown (h);
}
GST_END_TEST;

GST_START_TEST (test_temporal)
{
  GstVideoInfo info = video_info (TEST_CAPS);
  GstHarness *h = corrupt_harness (TEST_CAPS, "corruption=gaussian-noise");
  GstBuffer *first;

  /* The same time twice is the same draw; another time or seed is not. */
  fail_unless (same_frames (push_at (h, &info, 3), push_at (h, &info, 3)));
  fail_if (same_frames (push_at (h, &info, 3), push_at (h, &info, 4)));
  first = push_at (h, &info, 3);
  g_object_set (h->element, "seed", G_MAXUINT64, NULL);
  fail_if (same_frames (first, push_at (h, &info, 3)));

  gst_util_set_object_arg (G_OBJECT (h->element), "temporal", "clip");
  fail_unless (same_frames (push_at (h, &info, 3), push_at (h, &info, 4)));

  /* One period on there is the draw of phase 1; halfway there is another. */
  gst_util_set_object_arg (G_OBJECT (h->element), "temporal", "drift");
  g_object_set (
      h->element, "drift-period", 10 * TEST_FRAME_DURATION, "seed", 5, NULL);
  for (guint i = 0; i <= 20; i += 5) {
    const SympieColorimetry full = { .full_range = true };

    fail_unless (same_frames (push_at (h, &info, i),
                     expected_at (&info, SYMPIE_FORMAT_RGB, &full,
                         SYMPIE_CORRUPTION_GAUSSIAN_NOISE, 3, 5, i / 10.0)),
        "frame %u", i);
  }
  gst_harness_teardown (h);
}
GST_END_TEST;

/* Without timestamps frames are told apart by their number. */
GST_START_TEST (test_no_timestamps)
{
  GstVideoInfo info = video_info (TEST_CAPS);
  GstHarness *h = corrupt_harness (TEST_CAPS, "corruption=gaussian-noise");
  GstBuffer *frames[2];

  for (guint i = 0; i < 2; i++) {
    GstBuffer *buffer = test_buffer (&info, 0);

    GST_BUFFER_PTS (buffer) = GST_CLOCK_TIME_NONE;
    frames[i] = gst_harness_push_and_pull (h, buffer);
  }
  fail_if (same_frames (frames[0], frames[1]));
  gst_harness_teardown (h);
}
GST_END_TEST;

/* Times are those of the stream, wherever its segment starts. */
GST_START_TEST (test_segment)
{
  GstVideoInfo info = video_info (TEST_CAPS);
  GstHarness *h = corrupt_harness (TEST_CAPS, "corruption=gaussian-noise");
  GstBuffer *first = push_at (h, &info, 3);
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = 100 * TEST_FRAME_DURATION;
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  fail_unless (same_frames (first, push_at (h, &info, 103)));
  gst_harness_teardown (h);
}
GST_END_TEST;

GST_START_TEST (test_controlled_severity)
{
  const SympieColorimetry full = { .full_range = true };
  GstVideoInfo info = video_info (TEST_CAPS);
  GstHarness *h = corrupt_harness (TEST_CAPS, "corruption=contrast");
  GstControlSource *source = gst_interpolation_control_source_new ();

  g_object_set (source, "mode", GST_INTERPOLATION_MODE_LINEAR, NULL);
  gst_object_add_control_binding (GST_OBJECT (h->element),
      gst_direct_control_binding_new_absolute (
          GST_OBJECT (h->element), "severity", source));
  gst_timed_value_control_source_set (
      GST_TIMED_VALUE_CONTROL_SOURCE (source), 0, 0);
  gst_timed_value_control_source_set (
      GST_TIMED_VALUE_CONTROL_SOURCE (source), 5 * TEST_FRAME_DURATION, 5);
  for (gint i = 0; i <= 5; i++)
    fail_unless (same_frames (push_at (h, &info, i),
                     expected_at (&info, SYMPIE_FORMAT_RGB, &full,
                         SYMPIE_CORRUPTION_CONTRAST, i, 0, 0)),
        "severity %d", i);
  gst_object_unref (source);
  gst_harness_teardown (h);
}
GST_END_TEST;

GST_START_TEST (test_renegotiation)
{
  const gchar *caps[] = {
    "video/x-raw, format = RGB, width = 1, height = 1, framerate = 25/1",
    "video/x-raw, format = I420, width = 3, height = 5, framerate = 25/1",
    "video/x-raw, format = NV12, width = 321, height = 7, framerate = 0/1",
  };
  GstHarness *h = corrupt_harness (TEST_CAPS, "corruption=mixed severity=5");

  for (guint i = 0; i < G_N_ELEMENTS (caps); i++) {
    GstVideoInfo info = video_info (caps[i]);

    gst_harness_set_src_caps_str (h, caps[i]);
    for (guint j = 0; j < 3; j++)
      gst_buffer_unref (push_at (h, &info, j));
  }
  gst_harness_teardown (h);
}
GST_END_TEST;

/* Interlaced frames are corrupted field by field: a blur does not mix them. */
GST_START_TEST (test_interlaced)
{
  const gchar *caps =
      "video/x-raw, format = RGB, width = 64, height = 48, framerate = 25/1, "
      "interlace-mode = interleaved";
  GstVideoInfo info = video_info (caps);
  GstHarness *h = corrupt_harness (
      caps, "corruption=gaussian-blur severity=5 scale=1 temporal=clip");
  GstBuffer *buffer = test_buffer (&info, 0);
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  for (gint y = 0; y < 48; y++)
    memset (map.data + y * 192, y % 2 ? 200 : 50, 192);
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_FLAG_SET (buffer, GST_VIDEO_BUFFER_FLAG_INTERLACED);
  buffer = gst_harness_push_and_pull (h, buffer);
  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
  for (gint i = 0; i < 48 * 192; i++)
    fail_unless_equals_int (map.data[i], i / 192 % 2 ? 200 : 50);
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);
  gst_harness_teardown (h);
}
GST_END_TEST;

/* Expects an error of `domain` that says `part`. */
static void
assert_error (GstBus *bus, GQuark domain, const gchar *part)
{
  GstMessage *message =
      gst_bus_timed_pop_filtered (bus, GST_SECOND, GST_MESSAGE_ERROR);
  GError *error;

  fail_unless (message != NULL, "no error that says %s", part);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (error->domain == domain, "%s", error->message);
  fail_unless (strstr (error->message, part) != NULL, "%s", error->message);
  g_error_free (error);
  gst_message_unref (message);
}

GST_START_TEST (test_frost_folder)
{
  GstElement *element = gst_element_factory_make ("sympiecorrupt", NULL);
  GstBus *bus = gst_bus_new ();

  gst_element_set_bus (element, bus);
  g_object_set (element, "frost-folder", "/nonexistent", NULL);
  fail_unless (gst_element_set_state (element, GST_STATE_PAUSED)
               == GST_STATE_CHANGE_FAILURE);
  assert_error (bus, GST_RESOURCE_ERROR, "/nonexistent");
  gst_element_set_state (element, GST_STATE_NULL);

  /* Neither folder nor an empty one is an error. */
  g_object_set (element, "frost-folder", "", NULL);
  fail_unless (gst_element_set_state (element, GST_STATE_PAUSED)
               != GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (element);
  gst_object_unref (bus);
}
GST_END_TEST;

GST_START_TEST (test_high_dynamic_range)
{
  GstHarness *h = gst_harness_new ("sympiecorrupt");
  GstBus *bus = gst_bus_new ();

  gst_element_set_bus (h->element, bus);
  gst_harness_set_src_caps_str (h,
      "video/x-raw, format = I420, width = 64, height = 48, framerate = 25/1, "
      "colorimetry = bt2100-pq");
  fail_unless (gst_harness_push (
                   h, gst_buffer_new_allocate (NULL, 64 * 48 * 3 / 2, NULL))
               == GST_FLOW_NOT_NEGOTIATED);
  assert_error (bus, GST_STREAM_ERROR, "PQ");
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}
GST_END_TEST;

GST_START_TEST (test_metadata)
{
  GstVideoInfo info = video_info (TEST_CAPS);
  GstHarness *h = corrupt_harness (TEST_CAPS, "corruption=fog");

  for (guint shared = 0; shared < 2; shared++) {
    GstBuffer *in = test_buffer (&info, 0), *out;
    GstVideoRegionOfInterestMeta *region;

    gst_buffer_add_video_region_of_interest_meta (in, "face", 1, 2, 3, 4);
    GST_BUFFER_OFFSET (in) = 17;
    out = gst_harness_push_and_pull (h, shared ? gst_buffer_ref (in) : in);
    region = gst_buffer_get_video_region_of_interest_meta_id (out, -1);
    if (!region)
      region = (GstVideoRegionOfInterestMeta *) gst_buffer_get_meta (
          out, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
    fail_unless (region != NULL && region->w == 3);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (out), 0);
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (out), TEST_FRAME_DURATION);
    fail_unless_equals_uint64 (GST_BUFFER_OFFSET (out), 17);
    gst_buffer_unref (out);
    if (shared)
      gst_buffer_unref (in);
  }
  gst_harness_teardown (h);
}
GST_END_TEST;

static Suite *
corrupt_suite (void)
{
  Suite *suite = suite_create ("sympiecorrupt");
  TCase *tcase = tcase_create ("corrupt");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_every_corruption);
  tcase_add_test (tcase, test_formats);
  tcase_add_test (tcase, test_untouched);
  tcase_add_test (tcase, test_shared_buffer);
  tcase_add_test (tcase, test_temporal);
  tcase_add_test (tcase, test_no_timestamps);
  tcase_add_test (tcase, test_segment);
  tcase_add_test (tcase, test_controlled_severity);
  tcase_add_test (tcase, test_renegotiation);
  tcase_add_test (tcase, test_interlaced);
  tcase_add_test (tcase, test_frost_folder);
  tcase_add_test (tcase, test_high_dynamic_range);
  tcase_add_test (tcase, test_metadata);
  return suite;
}

GST_CHECK_MAIN (corrupt);
