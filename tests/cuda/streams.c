/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* sympieenhance on frames in CUDA memory where GStreamer has streams, as from
 * 1.24 on. What 1.22 lacks for that is here, as little as the element needs:
 * the plugin, whatever it was built with, finds it when it is loaded. */

#include "memory.h"

#include <cuda_runtime_api.h>

#define NEED_SYNC (GST_MEMORY_FLAG_LAST << 2)

typedef struct
{
  GstMiniObject object;
  cudaStream_t handle;
} Stream;

static Stream *of_pools; /* what the element last gave a pool */
static guint n_waits;

/* ---- As in GStreamer 1.24 ------------------------------------------------ */

gpointer gst_cuda_stream_new (GstCudaContext *context);
gpointer gst_cuda_stream_get_handle (Stream *stream);
void gst_buffer_pool_config_set_cuda_stream (
    GstStructure *config, Stream *stream);
Stream *gst_cuda_memory_get_stream (GstCudaMemory *memory);
void gst_cuda_memory_sync (GstCudaMemory *memory);

static void
stream_free (GstMiniObject *object)
{
  Stream *stream = (Stream *) object;

  fail_unless_equals_int (emulate_waiting (stream->handle), 0);
  cudaStreamDestroy (stream->handle);
  g_free (stream);
}

gpointer
gst_cuda_stream_new (GstCudaContext *context)
{
  Stream *stream = g_new0 (Stream, 1);

  gst_mini_object_init (&stream->object, 0, 0, NULL, NULL, stream_free);
  fail_unless (
      cudaStreamCreateWithFlags (&stream->handle, cudaStreamNonBlocking)
      == cudaSuccess);
  return stream;
}

gpointer
gst_cuda_stream_get_handle (Stream *stream)
{
  return stream->handle;
}

void
gst_buffer_pool_config_set_cuda_stream (GstStructure *config, Stream *stream)
{
  of_pools = stream;
}

/* Memory is of the element's pools unless the test says otherwise. */
Stream *
gst_cuda_memory_get_stream (GstCudaMemory *memory)
{
  Stream *other = gst_mini_object_get_qdata (
      GST_MINI_OBJECT_CAST (memory), g_quark_from_static_string ("stream"));

  return other ? other : of_pools;
}

void
gst_cuda_memory_sync (GstCudaMemory *memory)
{
  if (!GST_MEMORY_FLAG_IS_SET (memory, NEED_SYNC))
    return;
  n_waits++;
  fail_unless (
      cudaStreamSynchronize (gst_cuda_memory_get_stream (memory)->handle)
      == cudaSuccess);
  GST_MINI_OBJECT_FLAG_UNSET (memory, NEED_SYNC);
}

static int
synchronize (CUstream stream)
{
  n_waits++;
  return cudaStreamSynchronize (stream);
}

/* ---- Tests --------------------------------------------------------------- */

/* Frames of the stream that the element gave upstream are worked on and passed
 * on with no wait; those of another one are waited for, before and after. */
GST_START_TEST (test_streams)
{
  SympieParams params = test_params (7);
  GstHarness *h = harness (&params, "cuda");
  GstHarness *in_system = harness (&params, "cuda");
  GstCaps *caps = caps_of (CUDA, FIELDS ("NV12", 64, 48));
  GstCaps *system_caps = caps_of (SYSTEM, FIELDS ("NV12", 64, 48));
  GstCudaContext *context = context_of (h->srcpad);
  Stream *other = gst_cuda_stream_new (context);
  GstVideoInfo info;

  driver_synchronize_others (synchronize);
  fail_unless (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  gst_harness_set_src_caps (in_system, system_caps);
  for (guint number = 0; number < 4; number++) {
    gboolean is_ours = number > 0 && number < 3;
    GstBuffer *in = upload (context, caps, test_buffer (&info, number)), *out;
    GstBuffer *expected =
        gst_harness_push_and_pull (in_system, test_buffer (&info, number));
    GstMapInfo map;

    /* Before the first frame there is no pool that a stream could come from. */
    if (!is_ours)
      gst_mini_object_set_qdata (GST_MINI_OBJECT_CAST (memory_of (in)),
          g_quark_from_static_string ("stream"), other, NULL);
    GST_MINI_OBJECT_FLAG_SET (memory_of (in), NEED_SYNC);
    n_waits = 0;
    /* Kept: CUDA frees no memory that work waits for, our driver would. */
    out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
    fail_unless (gst_cuda_memory_get_stream (memory_of (out)) == of_pools);
    fail_unless_equals_int (n_waits, is_ours ? 0 : 2);
    fail_unless_equals_int (
        GST_MEMORY_FLAG_IS_SET (memory_of (out), NEED_SYNC) != 0, is_ours);
    fail_unless_equals_int (emulate_waiting (of_pools->handle) > 0, is_ours);
    if (is_ours)
      gst_cuda_memory_sync (memory_of (out));
    gst_buffer_unref (in);

    out = download (&info, out);
    fail_unless (gst_buffer_map (expected, &map, GST_MAP_READ));
    fail_unless (gst_buffer_memcmp (out, 0, map.data, map.size) == 0,
        "frame %u", number);
    gst_buffer_unmap (expected, &map);
    gst_buffer_unref (expected);
    gst_buffer_unref (out);
  }
  gst_mini_object_unref (&other->object);
  gst_object_unref (context);
  gst_caps_unref (caps);
  teardown_with_messages (h);
  teardown_with_messages (in_system);
  fail_unless_equals_int (driver_live_objects (), 0);
}
GST_END_TEST;

static Suite *
cuda_streams_suite (void)
{
  Suite *suite = suite_create ("sympieenhance and streams");
  TCase *tcase = tcase_create ("general");

  suite_add_tcase (suite, tcase);
  tcase_set_timeout (tcase, 240);
  tcase_add_test (tcase, test_streams);
  return suite;
}

GST_CHECK_MAIN (cuda_streams);
