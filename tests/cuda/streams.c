/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* sympieenhance on frames in CUDA memory where GStreamer has streams, as from
 * 1.24 on. What 1.22 lacks for that is here, as little as the element needs:
 * the plugin, whatever it was built with, finds it when it is loaded. */

#include "memory.h"

#if GST_CHECK_VERSION(1, 24, 0)
#define NEED_SYNC GST_CUDA_MEMORY_TRANSFER_NEED_SYNC

static GstBuffer *
upload_to_stream (GstCudaStream *stream, GstCudaContext *context, GstCaps *caps,
    GstBuffer *buffer)
{
  GstBufferPool *pool = new_pool (context, caps);
  GstStructure *config = gst_buffer_pool_get_config (pool);

  gst_buffer_pool_config_set_cuda_stream (config, stream);
  fail_unless (gst_buffer_pool_set_config (pool, config));
  return upload_to_pool (pool, caps, buffer);
}
#else
#define NEED_SYNC (GST_MEMORY_FLAG_LAST << 2)

/* ---- As in GStreamer 1.24 ------------------------------------------------ */

typedef struct
{
  GstMiniObject object;
  cudaStream_t handle;
} GstCudaStream;

static GstCudaStream *of_pools; /* what the element last gave a pool */

GstCudaStream *gst_cuda_stream_new (GstCudaContext *context);
CUstream gst_cuda_stream_get_handle (GstCudaStream *stream);
void gst_buffer_pool_config_set_cuda_stream (
    GstStructure *config, GstCudaStream *stream);
GstCudaStream *gst_cuda_memory_get_stream (GstCudaMemory *memory);
void gst_cuda_memory_sync (GstCudaMemory *memory);

static void
stream_free (GstMiniObject *object)
{
  GstCudaStream *stream = (GstCudaStream *) object;

  fail_unless_equals_int (emulate_waiting (stream->handle), 0);
  cudaStreamDestroy (stream->handle);
  g_free (stream);
}

GstCudaStream *
gst_cuda_stream_new (GstCudaContext *context)
{
  GstCudaStream *stream = g_new0 (GstCudaStream, 1);

  gst_mini_object_init (&stream->object, 0, 0, NULL, NULL, stream_free);
  fail_unless (
      cudaStreamCreateWithFlags (&stream->handle, cudaStreamNonBlocking)
      == cudaSuccess);
  return stream;
}

CUstream
gst_cuda_stream_get_handle (GstCudaStream *stream)
{
  return stream->handle;
}

void
gst_buffer_pool_config_set_cuda_stream (
    GstStructure *config, GstCudaStream *stream)
{
  of_pools = stream;
}

/* Memory is of the element's pools unless the test says otherwise. */
GstCudaStream *
gst_cuda_memory_get_stream (GstCudaMemory *memory)
{
  GstCudaStream *other = gst_mini_object_get_qdata (
      GST_MINI_OBJECT_CAST (memory), g_quark_from_static_string ("stream"));

  return other ? other : of_pools;
}

void
gst_cuda_memory_sync (GstCudaMemory *memory)
{
  CUstream stream = gst_cuda_memory_get_stream (memory)->handle;

  if (!GST_MEMORY_FLAG_IS_SET (memory, NEED_SYNC))
    return;
  fail_unless (gst_cuda_context_push (memory->context));
  fail_unless_equals_int (CuStreamSynchronize (stream), CUDA_SUCCESS);
  gst_cuda_context_pop (NULL);
  GST_MINI_OBJECT_FLAG_UNSET (memory, NEED_SYNC);
}

static GstBuffer *
upload_to_stream (GstCudaStream *stream, GstCudaContext *context, GstCaps *caps,
    GstBuffer *buffer)
{
  GstBuffer *uploaded = upload (context, caps, buffer);

  gst_mini_object_set_qdata (GST_MINI_OBJECT_CAST (memory_of (uploaded)),
      g_quark_from_static_string ("stream"), stream, NULL);
  return uploaded;
}
#endif

/* ---- Tests --------------------------------------------------------------- */

/* The pool that the element offers upstream. */
static GstBufferPool *
offered_pool (GstPad *pad, GstCaps *caps)
{
  GstQuery *query = gst_query_new_allocation (caps, TRUE);
  GstBufferPool *pool = NULL;
  GstStructure *config;
  guint size;

  fail_unless (gst_pad_peer_query (pad, query));
  fail_unless (gst_query_get_n_allocation_pools (query) > 0);
  gst_query_parse_nth_allocation_pool (query, 0, &pool, &size, NULL, NULL);
  fail_unless (pool != NULL);
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_set_params (config, caps, size, 0, 0);
  fail_unless (gst_buffer_pool_set_config (pool, config));
  gst_query_unref (query);
  return pool;
}

/* As upstream leaves it: on the device, and with work that it waits for. */
static void
leave_unfinished (GstBuffer *buffer)
{
  GstMapInfo map;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ | GST_MAP_CUDA));
  gst_buffer_unmap (buffer, &map);
  GST_MINI_OBJECT_FLAG_SET (memory_of (buffer), NEED_SYNC);
}

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
  GstCudaStream *other = gst_cuda_stream_new (context);
  GstVideoInfo info;

  fail_unless (gst_video_info_from_caps (&info, caps));
  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  gst_harness_set_src_caps (in_system, system_caps);
  for (guint number = 0; number < 4; number++) {
    gboolean is_ours = number == 1 || number == 2;
    GstBuffer *frame = test_buffer (&info, number), *in, *out;
    GstBuffer *expected =
        gst_harness_push_and_pull (in_system, gst_buffer_copy_deep (frame));
    GstCudaStream *stream;
    GstMapInfo map;
    glong n_waits;

    in = is_ours ? upload_to_pool (offered_pool (h->srcpad, caps), caps, frame)
                 : upload_to_stream (other, context, caps, frame);
    leave_unfinished (in);
    n_waits = driver_waits ();
    /* Kept: CUDA frees no memory that work waits for, our driver would. */
    out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
    stream = gst_cuda_memory_get_stream (memory_of (out));
    fail_unless (stream != NULL);
    fail_unless_equals_int (
        stream == gst_cuda_memory_get_stream (memory_of (in)), is_ours);
    fail_unless_equals_int64 (driver_waits () - n_waits, is_ours ? 0 : 2);
    fail_unless_equals_int (
        GST_MEMORY_FLAG_IS_SET (memory_of (out), NEED_SYNC) != 0, is_ours);
    fail_unless_equals_int (
        emulate_waiting (gst_cuda_stream_get_handle (stream)) > 0, is_ours);
    if (is_ours)
      gst_cuda_memory_sync (memory_of (out));
    gst_buffer_unref (in);

    out = download (&info, out);
    expected = download (&info, expected);
    fail_unless (gst_buffer_map (expected, &map, GST_MAP_READ));
    fail_unless (gst_buffer_memcmp (out, 0, map.data, map.size) == 0,
        "frame %u", number);
    gst_buffer_unmap (expected, &map);
    gst_buffer_unref (expected);
    gst_buffer_unref (out);
  }
  gst_mini_object_unref (GST_MINI_OBJECT_CAST (other));
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
  tcase_add_checked_fixture (tcase, use_streams, NULL);
  tcase_add_test (tcase, test_streams);
  return suite;
}

GST_CHECK_MAIN (cuda_streams);
