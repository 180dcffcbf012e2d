/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Where NEM looks: what the property crop says, bars and marks, alone; and that
 * the element's estimate is that of the part, as if there were no more. */

#include <string.h>

#include "enhance.h"
#include "region.h"

#define FRAME TEST_FRAME_DURATION

static void
assert_rectangle (
    const GstVideoRectangle *found, gint x, gint y, gint w, gint h)
{
  fail_unless (found->x == x && found->y == y && found->w == w && found->h == h,
      "%d, %d, %dx%d and not %d, %d, %dx%d", found->x, found->y, found->w,
      found->h, x, y, w, h);
}

GST_START_TEST (test_crop)
{
  static const struct
  {
    const gchar *text;
    gint x, y, w, h; /* in 640x480; w 0: refused */
  } cases[] = {
    { NULL, 0, 0, 640, 480 },
    { "", 0, 0, 640, 480 },
    { "10,20,30,40", 10, 20, 30, 40 },
    { "0,0,32768,1", 0, 0, 32768, 1 },
    { "1:1", 80, 0, 480, 480 },
    { "4:3", 0, 0, 640, 480 },
    { "16:9", 0, 60, 640, 360 },
    { "239:100", 0, 106, 640, 268 },
    { "1:3", 240, 0, 160, 480 },
    { "1:32768", 319, 0, 1, 480 },
    { "1,2,3", 0, 0, 0, 0 },
    { "1,2,3,4,5", 0, 0, 0, 0 },
    { "-1,2,3,4", 0, 0, 0, 0 },
    { "1,2,0,4", 0, 0, 0, 0 },
    { "1, 2, 3, 4", 1, 2, 3, 4 },
    { "1,2,3,32769", 0, 0, 0, 0 },
    { "1,2,3,4 ", 0, 0, 0, 0 },
    { "0:0", 0, 0, 0, 0 },
    { "1,2,3,99999999999999999999", 0, 0, 0, 0 },
    { "16:0", 0, 0, 0, 0 },
    { "2.39:1", 0, 0, 0, 0 },
    { "16:9:4", 0, 0, 0, 0 },
    { "middle", 0, 0, 0, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstSympieCrop crop;
    GstVideoRectangle found;
    gchar *reason;

    if (cases[i].w == 0) {
      fail_if (gst_sympie_crop_parse (&crop, cases[i].text, &reason), "%s",
          cases[i].text);
      fail_unless (strstr (reason, cases[i].text) != NULL, "%s", reason);
      g_free (reason);
      continue;
    }
    fail_unless (gst_sympie_crop_parse (&crop, cases[i].text, &reason),
        "%s: %s", cases[i].text, reason);
    found = gst_sympie_crop_get (&crop, 640, 480);
    assert_rectangle (&found, cases[i].x, cases[i].y, cases[i].w, cases[i].h);
  }
}
GST_END_TEST;

/* A thumbnail in one tone, but for so many rows and columns of black. */
static SympieThumbnail
barred (guint8 tone, gint top, gint bottom, gint left, gint right)
{
  SympieThumbnail thumbnail;

  memset (thumbnail.cells[0], 16, sizeof thumbnail.cells[0]);
  memset (thumbnail.cells[1], 128, 2 * sizeof thumbnail.cells[0]);
  for (gint i = top; i < SYMPIE_THUMBNAIL_SIZE - bottom; i++)
    for (gint j = left; j < SYMPIE_THUMBNAIL_SIZE - right; j++)
      thumbnail.cells[0][i][j] = tone;
  return thumbnail;
}

GST_START_TEST (test_bars)
{
  GstSympieBars bars = { 0 };
  GstVideoRectangle found;
  SympieThumbnail thumbnail;

  fail_if (gst_sympie_bars_get (&bars, 640, 480, &found));
  /* All black yet. */
  thumbnail = barred (16, 0, 0, 0, 0);
  gst_sympie_bars_see (&bars, &thumbnail, TRUE);
  fail_if (gst_sympie_bars_get (&bars, 640, 480, &found));
  thumbnail = barred (100, 2, 2, 0, 0);
  gst_sympie_bars_see (&bars, &thumbnail, TRUE);
  fail_unless (gst_sympie_bars_get (&bars, 640, 480, &found));
  assert_rectangle (&found, 0, 90, 640, 300);
  /* A dark picture has no more bars than before. */
  thumbnail = barred (20, 0, 0, 0, 0);
  gst_sympie_bars_see (&bars, &thumbnail, TRUE);
  fail_unless (gst_sympie_bars_get (&bars, 640, 480, &found));
  assert_rectangle (&found, 0, 90, 640, 300);
  /* Subtitles in the lower one. */
  thumbnail = barred (100, 2, 0, 0, 0);
  gst_sympie_bars_see (&bars, &thumbnail, TRUE);
  fail_if (gst_sympie_bars_get (&bars, 640, 480, &found));

  gst_sympie_bars_reset (&bars);
  thumbnail = barred (100, 2, 3, 1, 1);
  gst_sympie_bars_see (&bars, &thumbnail, TRUE);
  fail_unless (gst_sympie_bars_get (&bars, 641, 481, &found));
  assert_rectangle (&found, 81, 121, 479, 239);
  /* Night above, or a vignette that leaves next to nothing. */
  gst_sympie_bars_reset (&bars);
  thumbnail = barred (100, 5, 0, 0, 0);
  gst_sympie_bars_see (&bars, &thumbnail, TRUE);
  fail_if (gst_sympie_bars_get (&bars, 640, 480, &found));
  gst_sympie_bars_reset (&bars);
  thumbnail = barred (100, 6, 6, 0, 0);
  gst_sympie_bars_see (&bars, &thumbnail, TRUE);
  fail_if (gst_sympie_bars_get (&bars, 640, 480, &found));
  /* In RGB that is a dark teal, not black. */
  gst_sympie_bars_reset (&bars);
  thumbnail = barred (100, 2, 2, 0, 0);
  gst_sympie_bars_see (&bars, &thumbnail, FALSE);
  fail_if (gst_sympie_bars_get (&bars, 640, 480, &found));
}
GST_END_TEST;

GST_START_TEST (test_regions)
{
  GstBuffer *buffer = gst_buffer_new ();
  GstVideoRectangle found;

  fail_if (gst_sympie_regions_get (buffer, &found));
  gst_buffer_add_video_region_of_interest_meta (buffer, "none", 5, 5, 0, 0);
  fail_if (gst_sympie_regions_get (buffer, &found));
  gst_buffer_add_video_region_of_interest_meta (buffer, "face", 10, 40, 20, 20);
  fail_unless (gst_sympie_regions_get (buffer, &found));
  assert_rectangle (&found, 10, 40, 20, 20);
  gst_buffer_add_video_region_of_interest_meta (
      buffer, "car", 50, 20, G_MAXUINT, 10);
  fail_unless (gst_sympie_regions_get (buffer, &found));
  assert_rectangle (&found, 10, 20, SYMPIE_MAX_SIZE - 10, 40);
  gst_buffer_unref (buffer);
}
GST_END_TEST;

/* ---- In the element ------------------------------------------------------ */

enum
{
  WIDTH = 160,
  HEIGHT = 128
};

#define CAPS_OF(width, height)                                                 \
  "video/x-raw, format = RGB, framerate = 25/1, width = " #width               \
  ", height = " #height

/* A picture all of its own in a rectangle, and `around` everywhere else. */
static GstBuffer *
picture_in (gint width, gint height, const GstVideoRectangle *at, guint8 around)
{
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, (gsize) width * (gsize) height * 3, NULL);
  GstMapInfo map;

  fail_unless (width * 3 % 4 == 0); /* no padding */
  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  memset (map.data, around, map.size);
  for (gint y = 0; y < at->h; y++)
    for (gint x = 0; x < at->w; x++)
      for (gint c = 0; c < 3; c++)
        map.data[((at->y + y) * width + at->x + x) * 3 + c] =
            (guint8) (30 + (x * (c + 1) + y * 3) % 90);
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = 0;
  GST_BUFFER_DURATION (buffer) = FRAME;
  return buffer;
}

/* All estimates count in full, so that they differ. */
static GstHarness *
open_harness (const gchar *estimation)
{
  GstHarness *h = enhance_harness (NULL);

  gst_element_set_state (h->element, GST_STATE_NULL);
  gst_util_set_object_arg (G_OBJECT (h->element), "estimation", estimation);
  gst_util_set_object_arg (G_OBJECT (h->element), "gate", "off");
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  return h;
}

/* What NEM says of the picture where there is nothing else. */
static SympieParams
estimate_alone (gint width, gint height)
{
  GstHarness *h = open_harness ("sync");
  GstVideoRectangle all = { 0, 0, width, height };
  gchar *caps = g_strdup_printf ("video/x-raw, format = RGB, framerate = 25/1, "
                                 "width = %d, height = %d",
      width, height);
  SympieParams params;

  gst_harness_set_src_caps_str (h, caps);
  gst_buffer_unref (
      gst_harness_push_and_pull (h, picture_in (width, height, &all, 0)));
  fail_unless (get_parameters (h->element, "last-parameters", &params));
  teardown_with_messages (h);
  g_free (caps);
  return params;
}

/* Frames of a stream with the picture there, until there is an estimate. */
static void
assert_looks_there (GstHarness *h, const GstVideoRectangle *at, guint8 around,
    gboolean marks, const SympieParams *expected)
{
  SympieParams params;
  guint64 before = get_stat (h->element, "estimates");
  guint n = 0;

  do {
    GstBuffer *buffer = picture_in (WIDTH, HEIGHT, at, around);

    if (marks)
      gst_buffer_add_video_region_of_interest_meta (
          buffer, "face", at->x, at->y, at->w, at->h);
    gst_buffer_unref (gst_harness_push_and_pull (h, buffer));
  } while (!estimate_came (h->element, before, ++n));
  fail_unless (get_parameters (h->element, "last-parameters", &params));
  fail_unless (sympie_params_distance (&params, expected) < 1e-5f, "%g",
      sympie_params_distance (&params, expected));
}

GST_START_TEST (test_element)
{
  const GstVideoRectangle at = { 20, 12, 100, 64 };
  SympieParams alone = estimate_alone (at.w, at.h);
  GstHarness *h = open_harness (__i__ ? "async" : "sync");
  GstSegment segment;

  gst_harness_set_src_caps_str (h, CAPS_OF (160, 128));

  g_object_set (h->element, "crop", "20,12,100,64", NULL);
  assert_looks_there (h, &at, 250, FALSE, &alone);
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  g_object_set (h->element, "crop", "", NULL);
  gst_util_set_object_arg (G_OBJECT (h->element), "look-at", "regions");
  assert_looks_there (h, &at, 250, TRUE, &alone);
  teardown_with_messages (h);
}
GST_END_TEST;

/* A mark outside the frame, as one that came from before a scaler: as if there
 * were none. */
GST_START_TEST (test_element_mark_outside)
{
  const GstVideoRectangle all = { 0, 0, WIDTH, HEIGHT };
  SympieParams alone = estimate_alone (WIDTH, HEIGHT), params;
  GstHarness *h = open_harness ("sync");
  GstBuffer *buffer = picture_in (WIDTH, HEIGHT, &all, 0);

  gst_util_set_object_arg (G_OBJECT (h->element), "look-at", "regions");
  gst_harness_set_src_caps_str (h, CAPS_OF (160, 128));
  gst_buffer_add_video_region_of_interest_meta (
      buffer, "face", WIDTH, 0, 20, 20);
  buffer = gst_harness_push_and_pull (h, buffer);
  fail_unless (buffer != NULL);
  gst_buffer_unref (buffer);
  fail_unless (get_parameters (h->element, "last-parameters", &params));
  fail_unless (sympie_params_distance (&params, &alone) < 1e-6f);
  teardown_with_messages (h);
}
GST_END_TEST;

/* Between bars, in the first frame that shows them: where crop would look. */
GST_START_TEST (test_element_bars)
{
  static const gchar *const settings[][2] = { { "look-at", "frame" },
    { "look-at", "picture" }, { "crop", "0,40,160,48" } };
  const GstVideoRectangle between = { 0, 32, WIDTH, HEIGHT - 64 };
  SympieParams params[G_N_ELEMENTS (settings)];

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++) {
    GstHarness *h = open_harness ("sync");

    gst_util_set_object_arg (
        G_OBJECT (h->element), settings[i][0], settings[i][1]);
    gst_harness_set_src_caps_str (h, CAPS_OF (160, 128));
    gst_buffer_unref (
        gst_harness_push_and_pull (h, picture_in (WIDTH, HEIGHT, &between, 0)));
    fail_unless (get_parameters (h->element, "last-parameters", &params[i]));
    teardown_with_messages (h);
  }
  fail_if (sympie_params_distance (&params[0], &params[1]) < 1e-3f);
  fail_unless (sympie_params_distance (&params[1], &params[2]) < 1e-6f);
}
GST_END_TEST;

/* What cannot be used stops the start, and is a warning while it plays; a
 * rectangle outside is an error of the frame. */
GST_START_TEST (test_refused)
{
  GstHarness *h = enhance_harness (NULL);
  const GstVideoRectangle all = { 0, 0, WIDTH, HEIGHT };
  gchar *text;

  g_object_set (h->element, "crop", "left", NULL);
  assert_said (h, GST_MESSAGE_WARNING, "crop stays as it is: 'left'");
  g_object_get (h->element, "crop", &text, NULL);
  fail_unless (text == NULL);

  gst_element_set_state (h->element, GST_STATE_NULL);
  g_object_set (h->element, "crop", "left", NULL);
  fail_unless_equals_int (gst_element_set_state (h->element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  assert_said (h, GST_MESSAGE_ERROR, "property crop: 'left'");

  g_object_set (h->element, "crop", "300,0,10,10", NULL);
  fail_unless_equals_int (gst_element_set_state (h->element, GST_STATE_PLAYING),
      GST_STATE_CHANGE_SUCCESS);
  gst_harness_set_src_caps_str (h, CAPS_OF (160, 128));
  fail_unless_equals_int (
      gst_harness_push (h, picture_in (WIDTH, HEIGHT, &all, 0)),
      GST_FLOW_ERROR);
  assert_said (h, GST_MESSAGE_ERROR, "property crop: nothing at 300, 0");
  teardown_with_messages (h);
}
GST_END_TEST;

static Suite *
region_suite (void)
{
  Suite *suite = suite_create ("region");
  TCase *tests = tcase_create ("general");

  suite_add_tcase (suite, tests);
  tcase_add_test (tests, test_crop);
  tcase_add_test (tests, test_bars);
  tcase_add_test (tests, test_regions);
  tcase_add_loop_test (tests, test_element, 0, 2);
  tcase_add_test (tests, test_element_bars);
  tcase_add_test (tests, test_element_mark_outside);
  tcase_add_test (tests, test_refused);
  return suite;
}

GST_CHECK_MAIN (region);
