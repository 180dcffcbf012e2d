/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* sympieenhance with CUDA: its choice of device, with a device and without, and
 * frames in system memory against those of the CPU. Those in CUDA memory are in
 * element_memory.c. */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../elements/enhance.h"
#include "../kernels/nem_file.h"
#include "../kernels/vgg19_seed.h"

static void
hide_device (void)
{
  g_setenv ("CUDA_VISIBLE_DEVICES", "", TRUE);
}

static gboolean
has_device (void)
{
  return sympie_cuda_available (0, NULL);
}

static SympieDevice
active_device (GstElement *element)
{
  gint device;

  g_object_get (element, "active-device", &device, NULL);
  return device;
}

/* The parameters of the latest frame are the same. */
static void
compare_parameters (GstElement *const *elements)
{
  GValue array[2] = { G_VALUE_INIT, G_VALUE_INIT };

  for (guint i = 0; i < 2; i++)
    g_object_get_property (
        G_OBJECT (elements[i]), "last-parameters", &array[i]);
  fail_unless_equals_int (
      gst_value_array_get_size (&array[0]), SYMPIE_N_PARAMS);
  for (guint p = 0; p < SYMPIE_N_PARAMS; p++) {
    gdouble a = g_value_get_double (gst_value_array_get_value (&array[0], p));
    gdouble b = g_value_get_double (gst_value_array_get_value (&array[1], p));

    fail_unless (ABS (a - b) < 1e-2, "parameter %u: %g, %g", p, a, b);
  }
  g_value_unset (&array[0]);
  g_value_unset (&array[1]);
}

/* Pushes frames through an element on the CPU and one on CUDA, and compares. */
static void
compare_devices (const SympieParams *params, const gchar *first_property,
    guint value, const gchar *const *caps, guint n_frames)
{
  static const SympieDevice devices[] = { SYMPIE_DEVICE_CPU,
    SYMPIE_DEVICE_CUDA };
  GstHarness *h[2];

  for (guint i = 0; i < 2; i++) {
    GstElement *element = enhance_element (params);

    g_object_set (element, "device", devices[i], NULL);
    if (first_property)
      g_object_set (element, first_property, value, NULL);
    h[i] = harness_with_messages (element);
  }
  for (; *caps; caps++) {
    GstVideoInfo info = video_info (*caps);

    for (guint i = 0; i < 2; i++) {
      gst_harness_set_src_caps_str (h[i], *caps);
      fail_unless_equals_int (active_device (h[i]->element), devices[i]);
    }
    for (guint frame = 0; frame < n_frames; frame++) {
      GstBuffer *out[2];
      GstMapInfo map[2];
      gint level = GST_VIDEO_INFO_COMP_DEPTH (&info, 0) > 8 ? 4 : 1;
      guint64 sum = 0, n = 0;

      for (guint i = 0; i < 2; i++) {
        out[i] = gst_harness_push_and_pull (h[i], test_buffer (&info, frame));
        fail_unless (gst_buffer_map (out[i], &map[i], GST_MAP_READ));
      }
      compare_parameters ((GstElement *[]){ h[0]->element, h[1]->element });
      fail_unless_equals_int (map[0].size, map[1].size);
      for (gsize i = 0; i < map[0].size; i++) {
        gint a = map[0].data[i], b = map[1].data[i];

        if (level > 1) {
          /* A little-endian word; what is below its 10 bits counts too. */
          a |= map[0].data[i + 1] << 8;
          b |= map[1].data[i + 1] << 8;
          i++;
        }
        fail_unless (ABS (a - b) <= 2 * level, "%s, frame %u, byte %zu: %d, %d",
            *caps, frame, i, a, b);
        sum += ABS (a - b);
        n++;
      }
      fail_unless (sum <= n * level / 10, "%s, frame %u: %f on average", *caps,
          frame, (double) sum / n);
      for (guint i = 0; i < 2; i++) {
        gst_buffer_unmap (out[i], &map[i]);
        gst_buffer_unref (out[i]);
      }
    }
  }
  teardown_with_messages (h[0]);
  teardown_with_messages (h[1]);
}

#define CAPS(format, width, height)                                            \
  "video/x-raw, format = " format ", width = " #width ", height = " #height    \
  ", framerate = 25/1, colorimetry = bt709"

/* New caps mid-stream, larger and smaller, to other formats. */
static const gchar *const changing_caps[] = {
  CAPS ("NV12", 64, 48),
  CAPS ("NV12", 162, 71),
  CAPS ("I420", 34, 30),
  CAPS ("I420_10LE", 66, 40),
  CAPS ("NV12", 80, 50) ", interlace-mode = interleaved",
  NULL,
};

static const gchar *const rgb_caps[] = {
  "video/x-raw, format = RGBA, width = 65, height = 33, framerate = 25/1",
  "video/x-raw, format = RGB, width = 65, height = 33, framerate = 25/1",
  "video/x-raw, format = GBR, width = 3, height = 5, framerate = 25/1",
  NULL,
};

GST_START_TEST (test_by_hand)
{
  SympieParams params = test_params (7);

  compare_devices (&params, NULL, 0, changing_caps, 2);
  compare_devices (&params, "iterations", 2, rgb_caps, 1);
}
GST_END_TEST;

/* On CUDA one call estimates and applies, unless the frame before stayed as it
 * was: of a stream whose gate is shut only the first frame is copied. */
static void
check_shut_gate (void)
{
  GstElement *element = gst_element_factory_make ("sympieenhance", NULL);
  GstVideoInfo info = video_info (TEST_CAPS);
  NemFault weight = { .tensor = "gate.weight", .poke = TRUE, .value = -1e9f };
  GstHarness *h;

  nem_file_write (temporary_path ("gate.safetensors"), 2, &weight);
  g_object_set (element, "weights", temporary_path ("gate.safetensors"),
      "device", SYMPIE_DEVICE_CUDA, "smoothing", (guint64) 0, NULL);
  h = harness_with_messages (element);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  for (guint n = 0; n < 2; n++) {
    GstBuffer *in = test_buffer (&info, n);
    GstBuffer *out = gst_harness_push_and_pull (h, gst_buffer_ref (in));

    fail_unless ((out == in) == (n > 0), "frame %u", n);
    gst_buffer_unref (out);
    gst_buffer_unref (in);
  }
  fail_unless_equals_uint64 (get_stat (h->element, "untouched"), 1);
  fail_unless_equals_uint64 (get_stat (h->element, "estimates"), 2);
  teardown_with_messages (h);
  temporary_clear ();
}

/* Frames that NEM looks at, and after each one with the same parameters. */
GST_START_TEST (test_estimates)
{
  static const gchar *const caps[] = { CAPS ("NV12", 320, 240), NULL };

  compare_devices (NULL, "reuse-interval", 2, caps, 4);
  check_shut_gate ();
}
GST_END_TEST;

/* ---- sympieprobe --------------------------------------------------------- */

/* The mean over a short stream of what VGG19 and the eye see differ. */
static void
probe (const gchar *device, const gchar *weights, gdouble *features,
    gdouble *pixels)
{
  static const gchar caps[] =
      "video/x-raw, format=NV12, width=24, height=16, framerate=25/1";
  gchar *launch = g_strdup_printf (
      "videotestsrc num-buffers=2 pattern=smpte ! %s ! p.ref_sink "
      "videotestsrc num-buffers=2 pattern=ball ! %s ! p.dist_sink "
      "sympieprobe name=p layer=relu2_1 input=full weights=%s device=%s ! "
      "fakesink",
      caps, caps, weights, device);
  GstElement *pipeline = parse_pipeline (launch);
  GstMessage *message;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = wait_for (pipeline, GST_MESSAGE_ELEMENT);
  fail_unless (gst_structure_get (gst_message_get_structure (message),
      "feature-mse-mean", G_TYPE_DOUBLE, features, "pixel-mse-mean",
      G_TYPE_DOUBLE, pixels, NULL));
  gst_message_unref (message);
  stop_pipeline (pipeline);
  g_free (launch);
}

GST_START_TEST (test_probe)
{
  gchar weights[] = "/tmp/sympie-cuda-probe-XXXXXX";
  gdouble features[2], pixels[2];

  close (mkstemp (weights));
  fail_unless (vgg19_seed_write (weights, 1, SYMPIE_LAYER_RELU2_1 + 1));
  probe ("cpu", weights, &features[0], &pixels[0]);
  probe ("cuda", weights, &features[1], &pixels[1]);
  unlink (weights);
  fail_unless (features[0] > 0 && pixels[0] > 0);
  fail_unless (ABS (features[1] / features[0] - 1) < 1e-4, "%g, %g",
      features[1], features[0]);
  fail_unless (
      ABS (pixels[1] / pixels[0] - 1) < 1e-4, "%g, %g", pixels[1], pixels[0]);
}
GST_END_TEST;

/* ---- Choice of device ---------------------------------------------------- */

static void
check_auto (SympieDevice expected)
{
  SympieParams params = test_params (1);
  GstHarness *h = enhance_harness (&params);
  GstVideoInfo info = video_info (TEST_CAPS);

  gst_harness_set_src_caps_str (h, TEST_CAPS);
  push_frames (h, &info, 0, 1);
  fail_unless_equals_int (active_device (h->element), expected);
  teardown_with_messages (h);
}

GST_START_TEST (test_auto)
{
  check_auto (SYMPIE_DEVICE_CUDA);
}
GST_END_TEST;

/* Runs with the device left open, to the end; how many warnings came of it. */
static guint
count_warnings (void)
{
  GstElement *pipeline = parse_pipeline (
      "videotestsrc num-buffers=2 ! " TEST_CAPS " ! sympieenhance ! fakesink");
  gboolean ended = FALSE;
  guint n = 0;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (!ended) {
    GstMessage *message =
        wait_for (pipeline, GST_MESSAGE_WARNING | GST_MESSAGE_EOS);
    GError *error;

    ended = GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
    if (!ended) {
      gst_message_parse_warning (message, &error, NULL);
      fail_unless (g_error_matches (
          error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND));
      fail_unless (g_str_has_prefix (
                       error->message, "device=auto takes the processor: CUDA"),
          "%s", error->message);
      g_error_free (error);
      n++;
    }
    gst_message_unref (message);
  }
  stop_pipeline (pipeline);
  return n;
}

/* One warning an element. */
GST_START_TEST (test_auto_without_device)
{
  hide_device ();
  fail_unless_equals_int (count_warnings (), 1);
  fail_unless_equals_int (count_warnings (), 1);
  check_auto (SYMPIE_DEVICE_CPU);
}
GST_END_TEST;

/* Runs with device=cuda, which must fail with `text` in the error. */
static void
assert_no_start (const gchar *properties, const gchar *text)
{
  gchar *launch = g_strdup_printf ("videotestsrc num-buffers=2 ! " TEST_CAPS
                                   " ! sympieenhance device=cuda %s ! fakesink",
      properties);
  GstElement *pipeline = parse_pipeline (launch);
  GstMessage *message;
  GError *error;

  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_PLAYING),
      GST_STATE_CHANGE_FAILURE);
  message = wait_for (pipeline, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (
      g_error_matches (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND),
      "%s", error->message);
  fail_unless (strstr (error->message, text), "%s", error->message);
  g_error_free (error);
  gst_message_unref (message);
  stop_pipeline (pipeline);
  g_free (launch);
}

GST_START_TEST (test_cuda_without_device)
{
  hide_device ();
  assert_no_start ("", "Cannot use device=cuda: CUDA cannot");
}
GST_END_TEST;

GST_START_TEST (test_wrong_device)
{
  assert_no_start ("cuda-device-id=99", "no CUDA device 99");
}
GST_END_TEST;

/* What is offered does not depend on the machine, what is accepted does. */
GST_START_TEST (test_cuda_memory_without_device)
{
  GstHarness *h;
  GstCaps *caps;

  hide_device ();
  h = enhance_harness (NULL);
  caps = gst_pad_query_caps (h->srcpad, NULL);
  for (guint i = 0; i < gst_caps_get_size (caps); i++)
    fail_if (gst_caps_features_contains (
        gst_caps_get_features (caps, i), "memory:CUDAMemory"));
  gst_caps_unref (caps);
  teardown_with_messages (h);
}
GST_END_TEST;

static Suite *
cuda_suite (void)
{
  Suite *suite = suite_create ("sympieenhance on CUDA");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_set_timeout (tcase, 240);
  tcase_add_test (tcase, test_auto_without_device);
  tcase_add_test (tcase, test_cuda_without_device);
  tcase_add_test (tcase, test_cuda_memory_without_device);
  if (has_device ()) {
    tcase_add_test (tcase, test_auto);
    tcase_add_test (tcase, test_wrong_device);
    tcase_add_test (tcase, test_by_hand);
    tcase_add_test (tcase, test_estimates);
    tcase_add_test (tcase, test_probe);
  }
  return suite;
}

GST_CHECK_MAIN (cuda);
