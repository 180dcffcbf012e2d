/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the tests of sympieenhance on frames in CUDA memory share. */

#ifndef SYMPIE_TEST_CUDA_MEMORY_H
#define SYMPIE_TEST_CUDA_MEMORY_H

#include <string.h>

#define GST_USE_UNSTABLE_API

#include <gst/cuda/gstcudabufferpool.h>
#include <gst/cuda/gstcudacontext.h>
#include <gst/cuda/gstcudaloader.h>
#include <gst/cuda/gstcudamemory.h>
#include <gst/cuda/gstcudautils.h>

#include <cuda_runtime_api.h>

#include "../elements/enhance.h"
#include "driver.h"

#define CUDA "video/x-raw(memory:CUDAMemory), "
#define SYSTEM "video/x-raw, "
#define FIELDS(format, width, height)                                          \
  "format = " format ", width = " #width ", height = " #height                 \
  ", framerate = 25/1"

static inline GstCaps *
caps_of (const gchar *memory, const gchar *fields)
{
  gchar *text = g_strconcat (memory, fields, NULL);
  GstCaps *caps = gst_caps_from_string (text);

  fail_unless (caps != NULL, "%s", text);
  g_free (text);
  return caps;
}

/* ---- Streams ------------------------------------------------------------- */

static inline int
make_stream (CUstream *stream, unsigned flags)
{
  return cudaStreamCreateWithFlags (stream, flags);
}

static inline int
wait_for_stream (CUstream stream)
{
  return cudaStreamSynchronize (stream);
}

static inline int
give_stream_back (CUstream stream)
{
  return cudaStreamDestroy (stream);
}

/* A fixture. */
static inline void
use_streams (void)
{
  static const DriverStreams streams = { make_stream, wait_for_stream,
    give_stream_back };

  driver_set_streams (&streams);
}

/* ---- Buffers ------------------------------------------------------------- */

static inline GstCudaContext *
new_context (void)
{
  GstCudaContext *context;

  fail_unless (gst_cuda_load_library ());
  gst_cuda_memory_init_once ();
  context = gst_cuda_context_new (0);
  fail_unless (context != NULL);
  return context;
}

/* Samples only: from 1.24 on gst_video_frame_copy() brings padding, too. */
static inline void
copy_frame (const GstVideoInfo *info, GstBuffer *to, GstBuffer *from)
{
  GstVideoFrame src, dst;

  fail_unless (gst_video_frame_map (&src, info, from, GST_MAP_READ));
  fail_unless (gst_video_frame_map (&dst, info, to, GST_MAP_WRITE));
  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (info); p++) {
    gint c[GST_VIDEO_MAX_COMPONENTS];
    gsize bytes;

    gst_video_format_info_component (info->finfo, p, c);
    bytes = (gsize) GST_VIDEO_INFO_COMP_WIDTH (info, c[0])
            * (gsize) GST_VIDEO_INFO_COMP_PSTRIDE (info, c[0]);
    for (gint y = 0; y < GST_VIDEO_INFO_COMP_HEIGHT (info, c[0]); y++)
      memcpy ((guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&dst, p)
                  + y * GST_VIDEO_FRAME_PLANE_STRIDE (&dst, p),
          (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&src, p)
              + y * GST_VIDEO_FRAME_PLANE_STRIDE (&src, p),
          bytes);
  }
  gst_video_frame_unmap (&dst);
  gst_video_frame_unmap (&src);
}

/* Takes a pool for such frames and a buffer, and returns the buffer's like of
 * that pool. */
static inline GstBuffer *
upload_to_pool (GstBufferPool *pool, GstCaps *caps, GstBuffer *buffer)
{
  GstBuffer *uploaded;
  GstVideoInfo info;

  fail_unless (gst_video_info_from_caps (&info, caps));
  fail_unless (gst_buffer_pool_set_active (pool, TRUE));
  fail_unless_equals_int (
      gst_buffer_pool_acquire_buffer (pool, &uploaded, NULL), GST_FLOW_OK);
  copy_frame (&info, uploaded, buffer);
  gst_buffer_copy_into (uploaded, buffer, GST_BUFFER_COPY_TIMESTAMPS, 0, -1);
  gst_buffer_unref (buffer);
  gst_buffer_pool_set_active (pool, FALSE);
  gst_object_unref (pool);
  return uploaded;
}

static inline GstBufferPool *
new_pool (GstCudaContext *context, GstCaps *caps)
{
  GstBufferPool *pool = gst_cuda_buffer_pool_new (context);
  GstStructure *config = gst_buffer_pool_get_config (pool);
  GstVideoInfo info;

  fail_unless (gst_video_info_from_caps (&info, caps));
  gst_buffer_pool_config_add_option (config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  gst_buffer_pool_config_set_params (
      config, caps, (guint) GST_VIDEO_INFO_SIZE (&info), 0, 0);
  fail_unless (gst_buffer_pool_set_config (pool, config));
  return pool;
}

/* Takes a buffer and returns its like in CUDA memory. */
static inline GstBuffer *
upload (GstCudaContext *context, GstCaps *caps, GstBuffer *buffer)
{
  return upload_to_pool (new_pool (context, caps), caps, buffer);
}

/* Takes a buffer and returns its samples without padding, in system memory. */
static inline GstBuffer *
download (const GstVideoInfo *info, GstBuffer *buffer)
{
  GstBuffer *downloaded =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);

  gst_buffer_memset (downloaded, 0, 0, GST_VIDEO_INFO_SIZE (info));
  copy_frame (info, downloaded, buffer);
  gst_buffer_unref (buffer);
  return downloaded;
}

static inline GstCudaMemory *
memory_of (GstBuffer *buffer)
{
  GstMemory *memory = gst_buffer_peek_memory (buffer, 0);

  fail_unless (gst_is_cuda_memory (memory));
  return GST_CUDA_MEMORY_CAST (memory);
}

/* ---- The element --------------------------------------------------------- */

/* As enhance_harness(), with the device chosen and its messages kept. */
static inline GstHarness *
harness (const SympieParams *params, const gchar *device)
{
  GstElement *element = enhance_element (params);

  gst_util_set_object_arg (G_OBJECT (element), "device", device);
  return harness_with_messages (element);
}

/* The context of an element whose pad this is. */
static inline GstCudaContext *
context_of (GstPad *pad)
{
  GstQuery *query = gst_query_new_context (GST_CUDA_CONTEXT_TYPE);
  GstCudaContext *context = NULL;
  GstContext *answer;

  fail_unless (gst_pad_peer_query (pad, query));
  gst_query_parse_context (query, &answer);
  fail_unless (gst_structure_get (gst_context_get_structure (answer),
      GST_CUDA_CONTEXT_TYPE, GST_TYPE_CUDA_CONTEXT, &context, NULL));
  gst_query_unref (query);
  return context;
}

#endif /* SYMPIE_TEST_CUDA_MEMORY_H */
