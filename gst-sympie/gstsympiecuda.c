/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympiecuda.h"

#ifdef HAVE_GST_CUDA

#define GST_USE_UNSTABLE_API

#define CUDA_FEATURES "memory:CUDAMemory"

/* ---- What differs between versions of GStreamer -------------------------- */

/* From 1.24 on buffers have a stream: an element may pass one on before the GPU
 * has finished with it, and what works on the same stream need not wait. */
#ifndef GST_SYMPIE_CUDA_STREAMS
#define GST_SYMPIE_CUDA_STREAMS GST_CHECK_VERSION (1, 24, 0)
#endif

#if GST_SYMPIE_CUDA_STREAMS

#include <gst/cuda/gstcuda.h>

static GstCudaStream *
stream_of (const GstSympieCuda *cuda)
{
  return (GstCudaStream *) cuda->stream;
}

static void
clear_stream (GstSympieCuda *cuda)
{
  gst_clear_cuda_stream ((GstCudaStream **) &cuda->stream);
}

/* Without one of its own libsympie makes one, which is as right. */
static void
make_stream (GstSympieCuda *cuda)
{
  clear_stream (cuda);
  cuda->stream =
      (GstMiniObject *) gst_cuda_stream_new ((GstCudaContext *) cuda->context);
}

static gpointer
stream_handle (const GstSympieCuda *cuda)
{
  return cuda->stream ? gst_cuda_stream_get_handle (stream_of (cuda)) : NULL;
}

static void
set_stream_of_pool (const GstSympieCuda *cuda, GstStructure *config)
{
  if (cuda->stream)
    gst_buffer_pool_config_set_cuda_stream (config, stream_of (cuda));
}

/* After the map, which may have put an upload on the memory's stream. */
static void
wait_for_memory (const GstSympieCuda *cuda, GstBuffer *buffer)
{
  for (guint i = 0; i < gst_buffer_n_memory (buffer); i++) {
    GstMemory *memory = gst_buffer_peek_memory (buffer, i);

    if (gst_is_cuda_memory (memory)
        && (!cuda->stream
            || gst_cuda_memory_get_stream (GST_CUDA_MEMORY_CAST (memory))
                   != stream_of (cuda)))
      gst_cuda_memory_sync (GST_CUDA_MEMORY_CAST (memory));
  }
}

#else /* up to 1.22 whoever passes a buffer on has waited */

#include <gst/cuda/gstcudabufferpool.h>
#include <gst/cuda/gstcudacontext.h>
#include <gst/cuda/gstcudaloader.h>
#include <gst/cuda/gstcudamemory.h>
#include <gst/cuda/gstcudautils.h>

static void
clear_stream (GstSympieCuda *cuda)
{
}

static void
make_stream (GstSympieCuda *cuda)
{
}

static gpointer
stream_handle (const GstSympieCuda *cuda)
{
  return NULL;
}

static void
set_stream_of_pool (const GstSympieCuda *cuda, GstStructure *config)
{
}

static void
wait_for_memory (const GstSympieCuda *cuda, GstBuffer *buffer)
{
}

#endif

/* ---- Contexts ------------------------------------------------------------ */

/* Without a driver every other function of the library aborts or crashes. */
static gboolean
has_library (void)
{
  static gsize state = 0;

  if (g_once_init_enter (&state)) {
    gboolean loaded = gst_cuda_load_library ();

    if (loaded)
      gst_cuda_memory_init_once ();
    g_once_init_leave (&state, loaded ? 1 : 2);
  }
  return state == 1;
}

static GstCudaContext *
context_of (const GstSympieCuda *cuda)
{
  return (GstCudaContext *) cuda->context;
}

void
gst_sympie_cuda_set_context (
    GstSympieCuda *cuda, GstElement *element, gint device, GstContext *context)
{
  if (has_library ())
    gst_cuda_handle_set_context (
        element, context, device, (GstCudaContext **) &cuda->context);
}

gboolean
gst_sympie_cuda_query (
    const GstSympieCuda *cuda, GstElement *element, GstQuery *query)
{
  return cuda->context
         && gst_cuda_handle_context_query (element, query, context_of (cuda));
}

gboolean
gst_sympie_cuda_open (GstSympieCuda *cuda, GstElement *element, gint device)
{
  if (!has_library ()
      || !gst_cuda_ensure_element_context (
          element, device, (GstCudaContext **) &cuda->context))
    return FALSE;
  make_stream (cuda);
  return TRUE;
}

void
gst_sympie_cuda_close (GstSympieCuda *cuda)
{
  clear_stream (cuda);
  gst_clear_object (&cuda->context);
}

gpointer
gst_sympie_cuda_handle (const GstSympieCuda *cuda)
{
  return cuda->context ? gst_cuda_context_get_handle (context_of (cuda)) : NULL;
}

gpointer
gst_sympie_cuda_stream (const GstSympieCuda *cuda)
{
  return stream_handle (cuda);
}

gboolean
gst_sympie_cuda_enter (const GstSympieCuda *cuda)
{
  return !cuda->context || gst_cuda_context_push (context_of (cuda));
}

void
gst_sympie_cuda_leave (const GstSympieCuda *cuda)
{
  if (cuda->context)
    gst_cuda_context_pop (NULL);
}

/* ---- Buffers ------------------------------------------------------------- */

gboolean
gst_sympie_cuda_is_in_caps (const GstCaps *caps)
{
  return caps && gst_caps_get_size (caps) > 0
         && gst_caps_features_contains (
             gst_caps_get_features (caps, 0), CUDA_FEATURES);
}

static gboolean
is_not_cuda (GstCapsFeatures *features, GstStructure *structure, gpointer data)
{
  return !gst_caps_features_contains (features, CUDA_FEATURES);
}

GstCaps *
gst_sympie_cuda_remove_from_caps (GstCaps *caps)
{
  caps = gst_caps_make_writable (caps);
  gst_caps_filter_and_map_in_place (
      caps, (GstCapsFilterMapFunc) is_not_cuda, NULL);
  return caps;
}

static GstCudaMemory *
memory_of (GstBuffer *buffer)
{
  GstMemory *memory = gst_buffer_peek_memory (buffer, 0);

  return has_library () && gst_is_cuda_memory (memory)
             ? GST_CUDA_MEMORY_CAST (memory)
             : NULL;
}

gboolean
gst_sympie_cuda_is_foreign (const GstSympieCuda *cuda, GstBuffer *buffer)
{
  GstCudaMemory *memory = memory_of (buffer);

  return memory && memory->context != context_of (cuda);
}

void
gst_sympie_cuda_adopt (GstSympieCuda *cuda, GstBuffer *buffer)
{
  clear_stream (cuda);
  gst_object_replace (
      &cuda->context, GST_OBJECT_CAST (memory_of (buffer)->context));
}

gboolean
gst_sympie_cuda_map (const GstSympieCuda *cuda, GstVideoFrame *frame,
    const GstVideoInfo *info, GstBuffer *buffer, GstMapFlags flags)
{
  if (!memory_of (buffer)
      || !gst_video_frame_map (
          frame, info, buffer, flags | (GstMapFlags) GST_MAP_CUDA))
    return FALSE;
  wait_for_memory (cuda, buffer);
  return TRUE;
}

/* ---- Pools --------------------------------------------------------------- */

/* A pool for these caps, its buffers' size in `size`. */
static GstBufferPool *
new_pool (
    const GstSympieCuda *cuda, GstCaps *caps, guint *size, guint min, guint max)
{
  GstBufferPool *pool = gst_cuda_buffer_pool_new (context_of (cuda));
  GstStructure *config = gst_buffer_pool_get_config (pool);
  GstVideoInfo info;

  if (!gst_video_info_from_caps (&info, caps)) {
    gst_structure_free (config);
    gst_object_unref (pool);
    return NULL;
  }
  gst_buffer_pool_config_add_option (config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  set_stream_of_pool (cuda, config);
  gst_buffer_pool_config_set_params (
      config, caps, (guint) GST_VIDEO_INFO_SIZE (&info), min, max);
  if (!gst_buffer_pool_set_config (pool, config)) {
    gst_object_unref (pool);
    return NULL;
  }

  /* Rows are as far apart as the device likes: the pool knows the size. */
  config = gst_buffer_pool_get_config (pool);
  gst_buffer_pool_config_get_params (config, NULL, size, NULL, NULL);
  gst_structure_free (config);
  return pool;
}

gboolean
gst_sympie_cuda_propose_allocation (const GstSympieCuda *cuda, GstQuery *query)
{
  GstBufferPool *pool;
  GstCaps *caps;
  guint size;

  gst_query_parse_allocation (query, &caps, NULL);
  if (!caps || !cuda->context)
    return FALSE;
  pool = new_pool (cuda, caps, &size, 0, 0);
  if (!pool)
    return FALSE;
  gst_query_add_allocation_pool (query, pool, size, 0, 0);
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  gst_object_unref (pool);
  return TRUE;
}

gboolean
gst_sympie_cuda_decide_allocation (const GstSympieCuda *cuda, GstQuery *query)
{
  GstBufferPool *pool = NULL;
  guint size, min = 0, max = 0;
  gboolean is_offered;
  GstCaps *caps;

  gst_query_parse_allocation (query, &caps, NULL);
  if (!caps || !cuda->context)
    return FALSE;
  is_offered = gst_query_get_n_allocation_pools (query) > 0;
  if (is_offered)
    gst_query_parse_nth_allocation_pool (query, 0, &pool, &size, &min, &max);
  /* A pool of another context, or of no CUDA memory, is of no use. */
  gst_clear_object (&pool);
  pool = new_pool (cuda, caps, &size, min, max);
  if (!pool)
    return FALSE;
  if (is_offered)
    gst_query_set_nth_allocation_pool (query, 0, pool, size, min, max);
  else
    gst_query_add_allocation_pool (query, pool, size, min, max);
  gst_object_unref (pool);
  return TRUE;
}

#endif /* HAVE_GST_CUDA */
