/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the tests of sympieenhance share. */

#ifndef SYMPIE_TEST_ENHANCE_H
#define SYMPIE_TEST_ENHANCE_H

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <string.h>

#include "sympie.h"

/* Caps of the stream that most tests use: small, so that they are quick. */
#define TEST_CAPS                                                              \
  "video/x-raw, format = RGB, width = 64, height = 48, framerate = 25/1"
#define TEST_FRAME_DURATION (40 * GST_MSECOND)

/* Random samples, padding included; the unused bits of the two formats of 10
 * bits that tests compare with the caller's own memory stay clear, as they are
 * in real video. */
static inline void
fill_random (const GstVideoInfo *info, guint8 *data, gsize size, guint32 seed)
{
  GRand *random = g_rand_new_with_seed (seed);

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) g_rand_int_range (random, 0, 256);
  if (GST_VIDEO_INFO_FORMAT (info) == GST_VIDEO_FORMAT_I420_10LE)
    for (gsize i = 1; i < size; i += 2)
      data[i] &= 0x03;
  if (GST_VIDEO_INFO_FORMAT (info) == GST_VIDEO_FORMAT_P010_10LE)
    for (gsize i = 0; i < size; i += 2)
      data[i] &= 0xc0;
  g_rand_free (random);
}

/* Frame `number` of a stream, the random samples of which depend on it. */
static inline GstBuffer *
test_buffer (const GstVideoInfo *info, guint number)
{
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  fill_random (info, map.data, map.size, number);
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = number * TEST_FRAME_DURATION;
  GST_BUFFER_DURATION (buffer) = TEST_FRAME_DURATION;
  return buffer;
}

/* Parameters that a test can tell from identity and from each other. */
static inline SympieParams
test_params (guint32 seed)
{
  GRand *random = g_rand_new_with_seed (seed);
  SympieParams params;

  sympie_params_identity (&params);
  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    params.values[i] += (float) g_rand_double_range (random, -0.1, 0.1);
  g_rand_free (random);
  return params;
}

static inline void
set_parameters (GstElement *element, const SympieParams *params)
{
  GValue array = G_VALUE_INIT, number = G_VALUE_INIT;

  g_value_init (&array, GST_TYPE_ARRAY);
  g_value_init (&number, G_TYPE_DOUBLE);
  for (int i = 0; params && i < SYMPIE_N_PARAMS; i++) {
    g_value_set_double (&number, params->values[i]);
    gst_value_array_append_value (&array, &number);
  }
  g_object_set_property (G_OBJECT (element), "parameters", &array);
  g_value_unset (&array);
}

/* gst_parse_launch() with every element there. */
static inline GstElement *
parse_pipeline (const gchar *launch)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (launch, &error);

  fail_unless (error == NULL, "%s: %s", launch, error->message);
  return pipeline;
}

/* The next message of these types. An error that is not among them ends the
 * test, as its time limit does. */
static inline GstMessage *
wait_for (GstElement *pipeline, GstMessageType types)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (
      bus, GST_CLOCK_TIME_NONE, types | GST_MESSAGE_ERROR);
  GError *error;

  if (!(GST_MESSAGE_TYPE (message) & types)) {
    gst_message_parse_error (message, &error, NULL);
    fail ("%s: %s", GST_MESSAGE_SRC_NAME (message), error->message);
  }
  gst_object_unref (bus);
  return message;
}

static inline void
play_to_end (GstElement *pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  gst_message_unref (wait_for (pipeline, GST_MESSAGE_EOS));
}

static inline void
stop_pipeline (GstElement *pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

/* Plays to the end, without an error or a warning. */
static inline void
assert_plays (const gchar *launch)
{
  GstElement *pipeline = parse_pipeline (launch);
  GstMessage *message;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = wait_for (pipeline, GST_MESSAGE_WARNING | GST_MESSAGE_EOS);
  fail_unless (
      GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS, "%s: warns", launch);
  gst_message_unref (message);
  stop_pipeline (pipeline);
}

/* A harness that plays `element`, which it takes over, and keeps its messages.
 */
static inline GstHarness *
harness_with_messages (GstElement *element)
{
  GstBus *bus = gst_bus_new ();
  GstHarness *h;

  fail_unless (element != NULL);
  gst_element_set_bus (element, bus);
  gst_object_unref (bus);
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  return h;
}

/* No property was set too late, which tests nothing. The messages have
 * references to contexts, and to who has the bus. */
static inline void
teardown_with_messages (GstHarness *h)
{
  GstBus *bus = GST_ELEMENT_BUS (h->element);
  GstMessage *message;

  while ((message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING))) {
    GError *error;

    gst_message_parse_warning (message, &error, NULL);
    fail_if (strstr (error->message, "only in NULL or READY state"), "%s",
        error->message);
    g_error_free (error);
    gst_message_unref (message);
  }
  gst_bus_set_flushing (bus, TRUE);
  gst_harness_teardown (h);
}

/* Takes the next error or warning that was kept, which says `text`. */
static inline void
assert_said (GstHarness *h, GstMessageType type, const gchar *text)
{
  GstMessage *message =
      gst_bus_pop_filtered (GST_ELEMENT_BUS (h->element), type);
  GError *error;

  fail_unless (message != NULL, "not said: %s", text);
  if (type == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  else
    gst_message_parse_warning (message, &error, NULL);
  fail_unless (strstr (error->message, text) != NULL, "%s", error->message);
  g_error_free (error);
  gst_message_unref (message);
}

/* There is one such message, which says `text`. */
static inline void
assert_said_once (GstHarness *h, GstMessageType type, const gchar *text)
{
  assert_said (h, type, text);
  fail_unless (
      gst_bus_pop_filtered (GST_ELEMENT_BUS (h->element), type) == NULL);
}

static inline void
assert_no_error (GstHarness *h)
{
  fail_unless (
      gst_bus_pop_filtered (GST_ELEMENT_BUS (h->element), GST_MESSAGE_ERROR)
      == NULL);
}

/* sympieenhance with `params` by hand, for which it reads no weights, or with
 * estimates if NULL: each frame's its own, and in full, whatever the gate of
 * the weights takes random frames for. */
static inline GstElement *
enhance_element (const SympieParams *params)
{
  GstElement *element = gst_element_factory_make ("sympieenhance", NULL);

  fail_unless (element != NULL);
  set_parameters (element, params);
  g_object_set (element, "smoothing", G_GUINT64_CONSTANT (0), NULL);
  gst_util_set_object_arg (G_OBJECT (element), "gate", "off");
  return element;
}

/* One that plays it on the device that there is. */
static inline GstHarness *
enhance_harness (const SympieParams *params)
{
  GstHarness *h = harness_with_messages (enhance_element (params));

  /* The device that it took is of no interest. */
  gst_bus_set_flushing (GST_ELEMENT_BUS (h->element), TRUE);
  gst_bus_set_flushing (GST_ELEMENT_BUS (h->element), FALSE);
  return h;
}

/* Reads one of the two properties with parameters; FALSE where it is empty. */
static inline gboolean
get_parameters (GstElement *element, const gchar *name, SympieParams *params)
{
  GValue array = G_VALUE_INIT;
  guint n;

  g_object_get_property (G_OBJECT (element), name, &array);
  n = gst_value_array_get_size (&array);
  if (n > 0) {
    fail_unless_equals_int (n, SYMPIE_N_PARAMS);
    for (guint i = 0; i < n; i++)
      params->values[i] =
          (float) g_value_get_double (gst_value_array_get_value (&array, i));
  }
  g_value_unset (&array);
  return n > 0;
}

static inline void
read_stat (GstElement *element, const gchar *field, GType type, gpointer value)
{
  GstStructure *stats;

  g_object_get (element, "stats", &stats, NULL);
  fail_unless (
      gst_structure_has_name (stats, "application/x-sympie-enhance-stats"));
  fail_unless (
      gst_structure_get (stats, field, type, value, NULL), "%s", field);
  gst_structure_free (stats);
}

static inline guint64
get_stat (GstElement *element, const gchar *field)
{
  guint64 value;

  read_stat (element, field, G_TYPE_UINT64, &value);
  return value;
}

/* Frames that an estimate serves at least, as the load makes it. */
static inline guint
get_interval (GstElement *element)
{
  guint interval;

  read_stat (element, "interval", G_TYPE_UINT, &interval);
  return interval;
}

#define assert_stats(element, n_frames, n_estimates, n_reused)                 \
  G_STMT_START                                                                 \
  {                                                                            \
    fail_unless_equals_uint64 (get_stat (element, "frames"), n_frames);        \
    fail_unless_equals_uint64 (get_stat (element, "estimates"), n_estimates);  \
    fail_unless_equals_uint64 (get_stat (element, "reused"), n_reused);        \
  }                                                                            \
  G_STMT_END

/* Whether there are more than `before` estimates now that `n` frames were
 * pushed for one that is made aside; waits a little where not. It may be long
 * in coming: NEM can take a second where sanitisers and other work slow it. */
static inline gboolean
estimate_came (GstElement *element, guint64 before, guint n)
{
  if (get_stat (element, "estimates") > before)
    return TRUE;
  fail_unless (n < 60000, "no estimate in a minute");
  g_usleep (1000);
  return FALSE;
}

static inline gboolean
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

/* Pushes frames `first` to `first + n - 1` and drops what comes out. */
static inline void
push_frames (GstHarness *h, const GstVideoInfo *info, guint first, guint n)
{
  for (guint i = 0; i < n; i++)
    gst_buffer_unref (
        gst_harness_push_and_pull (h, test_buffer (info, first + i)));
}

static inline GstVideoInfo
video_info (const gchar *caps_string)
{
  GstCaps *caps = gst_caps_from_string (caps_string);
  GstVideoInfo info;

  fail_unless (gst_video_info_from_caps (&info, caps), "%s", caps_string);
  gst_caps_unref (caps);
  return info;
}

/* The view of `data` that the caps promise, found without the plugin's code:
 * planes and strides of GstVideoInfo, the library's format of that name. The
 * colorimetry is the caller's to fill in. */
static inline SympieImage
test_image (SympieFormat format, const GstVideoInfo *info, guint8 *data)
{
  SympieImage image = {
    .struct_size = sizeof image,
    .format = format,
    .width = GST_VIDEO_INFO_WIDTH (info),
    .height = GST_VIDEO_INFO_HEIGHT (info),
  };

  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES (info); i++) {
    image.planes[i] = data + GST_VIDEO_INFO_PLANE_OFFSET (info, i);
    image.strides[i] = GST_VIDEO_INFO_PLANE_STRIDE (info, i);
  }
  return image;
}

/* The memory of such a view, to be written. */
static inline SympieTarget
test_target (const SympieImage *image)
{
  SympieTarget target = SYMPIE_TARGET_INIT;

  for (guint i = 0; i < SYMPIE_MAX_PLANES; i++) {
    target.planes[i] = (guint8 *) image->planes[i];
    target.strides[i] = image->strides[i];
  }
  return target;
}

/* Applies them in place. */
static inline gboolean
apply_in_place (SympieContext *context, const SympieImage *image,
    const SympieParams *params)
{
  SympieTarget target = test_target (image);

  return sympie_apply (context, image, &target, params, NULL);
}

/* A context of the library to compute expectations with. */
static inline SympieContext *
test_context (gboolean estimating)
{
  SympieConfig config = SYMPIE_CONFIG_INIT;
  SympieContext *context;
  SympieError error = { 0 };

  if (estimating)
    config.weights = g_getenv ("SYMPIE_WEIGHTS");
  config.ignore_gate = true;
  context = sympie_open (&config, &error);
  fail_unless (context != NULL, "%s", error.message);
  return context;
}

#endif /* SYMPIE_TEST_ENHANCE_H */
