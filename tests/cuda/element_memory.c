/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* sympieenhance with frames in CUDA memory, on the driver of driver.c: what
 * comes out is what comes of the same frames in system memory, in memory that
 * is given back, and nothing of it was on the host in between. */

#include <glib/gstdio.h>
#include <string.h>

#include "../kernels/nem_file.h"
#include "memory.h"

/* Of new streams, larger and smaller, and to other formats. */
static const gchar *const changing_fields[] = {
  FIELDS ("NV12", 64, 48),
  FIELDS ("NV12", 131, 57),
  FIELDS ("NV12", 34, 30),
  FIELDS ("RGBA", 65, 33),
  FIELDS ("I420_10LE", 66, 40),
  FIELDS ("NV12", 64, 48),
  NULL,
};

/* ---- The element --------------------------------------------------------- */

/* Pushes the same frames in CUDA memory, of `context`, and in system memory. Of
 * every second one a reference is kept. None is changed in place: the decoder
 * may have given the only reference away and lack the memory all the same. */
static void
compare_memory (const SympieParams *params, GstCudaContext *context,
    const gchar *const *fields, guint n_frames)
{
  GstHarness *in_cuda = harness (params, "cuda");
  GstHarness *in_system = harness (params, "cuda");

  for (; *fields; fields++) {
    GstCaps *cuda_caps = caps_of (CUDA, *fields);
    GstCaps *system_caps = caps_of (SYSTEM, *fields);
    GstVideoInfo info;

    fail_unless (gst_video_info_from_caps (&info, system_caps));
    gst_harness_set_src_caps (in_cuda, gst_caps_ref (cuda_caps));
    gst_harness_set_src_caps (in_system, system_caps);
    for (guint number = 0; number < n_frames; number++) {
      GstBuffer *in = upload (context, cuda_caps, test_buffer (&info, number));
      GstBuffer *kept = number % 2 ? gst_buffer_ref (in) : NULL;
      GstCudaMemory *memory = memory_of (in);
      glong downloaded;
      GstBuffer *out[2];
      GstMapInfo map;

      downloaded = driver_downloaded_bytes ();
      out[0] = gst_harness_push_and_pull (in_cuda, in);
      fail_unless_equals_int64 (driver_downloaded_bytes (), downloaded);
      fail_unless (memory_of (out[0])->context == context);
      fail_unless (memory_of (out[0]) != memory);
      gst_clear_buffer (&kept);
      out[1] =
          gst_harness_push_and_pull (in_system, test_buffer (&info, number));
      fail_unless_equals_uint64 (
          GST_BUFFER_PTS (out[0]), GST_BUFFER_PTS (out[1]));

      for (guint i = 0; i < 2; i++)
        out[i] = download (&info, out[i]);
      fail_unless (gst_buffer_map (out[1], &map, GST_MAP_READ));
      fail_unless (gst_buffer_memcmp (out[0], 0, map.data, map.size) == 0,
          "%s, frame %u", *fields, number);
      gst_buffer_unmap (out[1], &map);
      gst_buffer_unref (out[0]);
      gst_buffer_unref (out[1]);
    }
    gst_caps_unref (cuda_caps);
  }
  assert_no_error (in_cuda);
  teardown_with_messages (in_cuda);
  teardown_with_messages (in_system);
}

/* The context is not the element's own: it goes over to that of the frames.
 * Four frames, so that one comes out in memory that was used before. */
GST_START_TEST (test_changing_caps)
{
  SympieParams params = test_params (7);
  GstCudaContext *context = new_context ();

  compare_memory (&params, context, changing_fields, 4);
  gst_object_unref (context);
  fail_unless_equals_int (driver_live_objects (), 0);
}
GST_END_TEST;

/* Going over to the context of the frames fails, as the weights are gone. */
GST_START_TEST (test_no_way_over)
{
  GstElement *element = enhance_element (NULL);
  GstCaps *caps = caps_of (CUDA, changing_fields[0]);
  GstCudaContext *context = new_context ();
  gchar *path, *weights;
  GstVideoInfo info;
  GstHarness *h;
  gsize size;

  fail_unless (
      g_file_get_contents (g_getenv ("SYMPIE_WEIGHTS"), &weights, &size, NULL));
  fail_unless (g_close (g_file_open_tmp ("weights-XXXXXX", &path, NULL), NULL));
  fail_unless (g_file_set_contents (path, weights, (gssize) size, NULL));
  g_object_set (element, "weights", path, NULL);
  gst_util_set_object_arg (G_OBJECT (element), "device", "cuda");
  h = harness_with_messages (element);
  g_remove (path);

  fail_unless (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  fail_unless_equals_int (
      gst_harness_push (h, upload (context, caps, test_buffer (&info, 0))),
      GST_FLOW_ERROR);
  assert_said_once (h, GST_MESSAGE_ERROR, "Cannot find the weights");
  teardown_with_messages (h);
  gst_object_unref (context);
  gst_caps_unref (caps);
  g_free (weights);
  g_free (path);
  fail_unless_equals_int (driver_live_objects (), 0);
}
GST_END_TEST;

/* Of a stream whose gate is shut a frame is copied, and the next one passes. */
static void
check_shut_gate (GstCudaContext *context)
{
  NemFault weight = { .tensor = "gate.weight", .poke = TRUE, .value = -1e9f };
  GstHarness *h = harness (NULL, "cuda");
  GstCaps *caps = caps_of (CUDA, FIELDS ("NV12", 64, 48));
  GstVideoInfo info;

  nem_file_write (temporary_path ("gate.safetensors"), 2, &weight);
  gst_element_set_state (h->element, GST_STATE_NULL);
  g_object_set (
      h->element, "weights", temporary_path ("gate.safetensors"), NULL);
  gst_util_set_object_arg (G_OBJECT (h->element), "gate", "auto");
  gst_element_set_state (h->element, GST_STATE_PLAYING);
  fail_unless (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  for (guint n = 0; n < 2; n++) {
    GstBuffer *in = upload (context, caps, test_buffer (&info, n));
    GstBuffer *out = gst_harness_push_and_pull (h, gst_buffer_ref (in));

    fail_unless (
        (memory_of (out) == memory_of (in)) == (n == 1), "frame %u", n);
    gst_buffer_unref (out);
    gst_buffer_unref (in);
  }
  fail_unless_equals_uint64 (get_stat (h->element, "untouched"), 1);
  assert_no_error (h);
  teardown_with_messages (h);
  gst_caps_unref (caps);
  temporary_clear ();
}

GST_START_TEST (test_estimates)
{
  static const gchar *const fields[] = { FIELDS ("NV12", 64, 48), NULL };
  GstCudaContext *context = new_context ();

  compare_memory (NULL, context, fields, 1);
  check_shut_gate (context);
  gst_object_unref (context);
  fail_unless_equals_int (driver_live_objects (), 0);
}
GST_END_TEST;

/* What the pads' caps say of CUDA memory is what GStreamer can allocate there
 * and CUDA can load; what they do not say is refused. */
GST_START_TEST (test_formats)
{
  SympieParams params = test_params (7);
  GstCudaContext *context = new_context ();
  GstHarness *h = harness (&params, "cuda");
  GstPad *pad = gst_element_get_static_pad (h->element, "sink");
  GstCaps *caps = gst_pad_get_pad_template_caps (pad);
  guint n_formats = 0;

  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    const GValue *formats =
        gst_structure_get_value (gst_caps_get_structure (caps, i), "format");

    if (!gst_caps_features_contains (gst_caps_get_features (caps, i),
            GST_CAPS_FEATURE_MEMORY_CUDA_MEMORY)
        || !formats)
      continue;
    for (guint k = 0; k < gst_value_list_get_size (formats); k++) {
      gchar *fields = g_strdup_printf (FIELDS ("%s", 34, 18),
          g_value_get_string (gst_value_list_get_value (formats, k)));
      const gchar *const one[] = { fields, NULL };

      compare_memory (&params, context, one, 1);
      g_free (fields);
      n_formats++;
    }
  }
  fail_unless_equals_int (n_formats, 17);
  gst_caps_unref (caps);
  gst_object_unref (pad);

  for (GstVideoFormat format = GST_VIDEO_FORMAT_I420;
       format <= GST_VIDEO_FORMAT_BGR10A2_LE; format++) {
    gchar *fields = g_strdup_printf (
        FIELDS ("%s", 34, 18), gst_video_format_to_string (format));
    GstCaps *asked = caps_of (CUDA, fields), *answer;

    answer = gst_pad_peer_query_caps (h->srcpad, asked);
    n_formats -= !gst_caps_is_empty (answer);
    gst_caps_unref (answer);
    gst_caps_unref (asked);
    g_free (fields);
  }
  fail_unless_equals_int (n_formats, 0);
  teardown_with_messages (h);
  gst_object_unref (context);
  fail_unless_equals_int (driver_live_objects (), 0);
}
GST_END_TEST;

/* Elements that no neighbour gives a context have the same one. */
GST_START_TEST (test_shared_context)
{
  SympieParams params = test_params (7);
  GstHarness *h[2];
  GstCudaContext *context[2];

  for (guint i = 0; i < 2; i++) {
    h[i] = harness (&params, "cuda");
    context[i] = context_of (h[i]->srcpad);
  }
  fail_unless (context[0] == context[1]);
  for (guint i = 0; i < 2; i++) {
    teardown_with_messages (h[i]);
    gst_object_unref (context[i]);
  }
  fail_unless_equals_int (driver_live_objects (), 0);
}
GST_END_TEST;

/* Neighbours that ask get the element's context, and a pool in it. */
GST_START_TEST (test_pool)
{
  SympieParams params = test_params (7);
  GstHarness *h = harness (&params, "cuda");
  GstCaps *caps = caps_of (CUDA, changing_fields[0]);
  GstCudaContext *context;
  GstQuery *query;
  GstBufferPool *pool;
  GstVideoInfo info;
  GstBuffer *buffer;
  guint size, min, max;

  fail_unless (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  context = context_of (h->srcpad);

  /* Before the first frame the element has no query of its own. */
  buffer = gst_harness_push_and_pull (
      h, upload (context, caps, test_buffer (&info, 0)));
  gst_buffer_unref (buffer);

  query = gst_query_new_allocation (caps, TRUE);
  fail_unless (gst_pad_peer_query (h->srcpad, query));
  fail_unless_equals_int (gst_query_get_n_allocation_pools (query), 1);
  gst_query_parse_nth_allocation_pool (query, 0, &pool, &size, &min, &max);
  fail_unless (GST_IS_CUDA_BUFFER_POOL (pool));
  fail_unless (GST_CUDA_BUFFER_POOL (pool)->context == context);
  gst_object_unref (pool);
  gst_query_unref (query);

  gst_object_unref (context);
  gst_caps_unref (caps);
  teardown_with_messages (h);
  fail_unless_equals_int (driver_live_objects (), 0);
}
GST_END_TEST;

/* ---- Refused ------------------------------------------------------------- */

/* The memory of a frame stays what it is. */
GST_START_TEST (test_mixed)
{
  static const gchar *const memories[] = { SYSTEM, CUDA };
  static const gchar *const errors[] = {
    "Cannot enhance video in system memory for an element that takes CUDA "
    "memory: video/x-raw, ",
    "Cannot enhance video in CUDA memory for an element that takes none: "
    "video/x-raw(memory:CUDAMemory), ",
  };

  for (guint i = 0; i < 2; i++) {
    SympieParams params = test_params (7);
    GstHarness *h = harness (&params, "cuda");
    GstCaps *caps = caps_of (SYSTEM, changing_fields[0]);
    GstVideoInfo info;

    fail_unless (gst_video_info_from_caps (&info, caps));
    gst_caps_unref (caps);
    gst_harness_set_caps (h, caps_of (memories[i], changing_fields[0]),
        caps_of (memories[1 - i], changing_fields[0]));
    fail_unless_equals_int (
        gst_harness_push (h, test_buffer (&info, 0)), GST_FLOW_NOT_NEGOTIATED);
    assert_said_once (h, GST_MESSAGE_ERROR, errors[i]);
    teardown_with_messages (h);
  }
  fail_unless_equals_int (driver_live_objects (), 0);
}
GST_END_TEST;

/* A buffer that is not what its caps say. */
GST_START_TEST (test_system_buffer)
{
  SympieParams params = test_params (7);
  GstHarness *h = harness (&params, "cuda");
  GstCaps *caps = caps_of (CUDA, changing_fields[0]);
  GstVideoInfo info;

  fail_unless (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (h, caps);
  fail_unless_equals_int (
      gst_harness_push (h, test_buffer (&info, 0)), GST_FLOW_ERROR);
  assert_said_once (h, GST_MESSAGE_ERROR, "Cannot map a buffer in CUDA memory");
  teardown_with_messages (h);
  fail_unless_equals_int (driver_live_objects (), 0);
}
GST_END_TEST;

/* libsympie has a device and a context of its own, GStreamer has none. */
GST_START_TEST (test_without_context)
{
  SympieParams params = test_params (7);
  GstHarness *h;
  GstCaps *caps = caps_of (CUDA, changing_fields[0]);
  GstVideoInfo info;

  driver_refuse_contexts ();
  h = harness (&params, "cuda");
  fail_unless (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (h, caps_of (SYSTEM, changing_fields[0]));
  push_frames (h, &info, 0, 1);
  gst_harness_set_src_caps (h, caps);
  fail_unless_equals_int (
      gst_harness_push (h, test_buffer (&info, 1)), GST_FLOW_NOT_NEGOTIATED);
  assert_said_once (h, GST_MESSAGE_ERROR,
      "Cannot enhance video in CUDA memory without a CUDA "
      "context: video/x-raw(memory:CUDAMemory)");
  teardown_with_messages (h);
  fail_unless_equals_int (driver_live_objects (), 0);
}
GST_END_TEST;

/* The driver is there and no device: the CPU, and only system memory. */
GST_START_TEST (test_auto_without_device)
{
  SympieParams params = test_params (7);
  GstHarness *h;
  GstCaps *caps = caps_of (CUDA, changing_fields[0]);
  GstVideoInfo info;
  gint device;

  g_setenv ("CUDA_VISIBLE_DEVICES", "", TRUE);
  fail_unless (gst_cuda_load_library ());
  h = harness (&params, "auto");
  fail_unless (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (h, caps_of (SYSTEM, changing_fields[0]));
  push_frames (h, &info, 0, 1);
  g_object_get (h->element, "active-device", &device, NULL);
  fail_unless_equals_int (device, SYMPIE_DEVICE_CPU);
  gst_harness_set_src_caps (h, caps);
  fail_unless_equals_int (
      gst_harness_push (h, test_buffer (&info, 1)), GST_FLOW_NOT_NEGOTIATED);
  teardown_with_messages (h);
  fail_unless_equals_int (driver_live_objects (), 0);
}
GST_END_TEST;

GST_START_TEST (test_cuda_without_device)
{
  GstElement *pipeline;
  GstMessage *message;
  GError *error;

  g_setenv ("CUDA_VISIBLE_DEVICES", "", TRUE);
  fail_unless (gst_cuda_load_library ());
  pipeline =
      parse_pipeline ("videotestsrc ! sympieenhance device=cuda ! fakesink");
  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_PLAYING),
      GST_STATE_CHANGE_FAILURE);
  message = wait_for (pipeline, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (
      g_str_has_prefix (error->message, "Cannot use device=cuda: CUDA cannot"),
      "%s", error->message);
  g_error_free (error);
  gst_message_unref (message);
  stop_pipeline (pipeline);
  fail_unless_equals_int (driver_live_objects (), 0);
}
GST_END_TEST;

static Suite *
cuda_memory_suite (void)
{
  Suite *suite = suite_create ("sympieenhance in CUDA memory");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_set_timeout (tcase, 240);
  tcase_add_checked_fixture (tcase, use_streams, NULL);
  tcase_add_test (tcase, test_changing_caps);
  tcase_add_test (tcase, test_no_way_over);
  tcase_add_test (tcase, test_estimates);
  tcase_add_test (tcase, test_formats);
  tcase_add_test (tcase, test_shared_context);
  tcase_add_test (tcase, test_pool);
  tcase_add_test (tcase, test_mixed);
  tcase_add_test (tcase, test_system_buffer);
  tcase_add_test (tcase, test_without_context);
  tcase_add_test (tcase, test_auto_without_device);
  tcase_add_test (tcase, test_cuda_without_device);
  return suite;
}

GST_CHECK_MAIN (cuda_memory);
