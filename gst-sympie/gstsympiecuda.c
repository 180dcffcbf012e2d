/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympiecuda.h"

#ifdef HAVE_GST_CUDA

#define GST_USE_UNSTABLE_API
#if GST_CHECK_VERSION(1, 24, 0)
#include <gst/cuda/gstcuda.h>
#else
#include <gst/cuda/gstcudabufferpool.h>
#include <gst/cuda/gstcudacontext.h>
#include <gst/cuda/gstcudaloader.h>
#include <gst/cuda/gstcudamemory.h>
#include <gst/cuda/gstcudautils.h>
#endif

#define CUDA_FEATURES "memory:CUDAMemory"

/* ---- What differs between versions of GStreamer -------------------------- */

/* From 1.24 on an element that works on a stream of its own may pass a buffer
 * on before the GPU has finished with it. libsympie has its own stream too. */
static void
wait_for_memory (GstBuffer *buffer)
{
#if GST_CHECK_VERSION(1, 24, 0)
  for (guint i = 0; i < gst_buffer_n_memory (buffer); i++) {
    GstMemory *memory = gst_buffer_peek_memory (buffer, i);

    if (gst_is_cuda_memory (memory))
      gst_cuda_memory_sync (GST_CUDA_MEMORY_CAST (memory));
  }
#endif
}

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
  return has_library ()
         && gst_cuda_ensure_element_context (
             element, device, (GstCudaContext **) &cuda->context);
}

void
gst_sympie_cuda_close (GstSympieCuda *cuda)
{
  gst_clear_object (&cuda->context);
}

gpointer
gst_sympie_cuda_handle (const GstSympieCuda *cuda)
{
  return cuda->context ? gst_cuda_context_get_handle (context_of (cuda)) : NULL;
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
  gst_object_replace (
      &cuda->context, GST_OBJECT_CAST (memory_of (buffer)->context));
}

gboolean
gst_sympie_cuda_map (GstVideoFrame *frame, const GstVideoInfo *info,
    GstBuffer *buffer, GstMapFlags flags)
{
  if (!memory_of (buffer))
    return FALSE;
  wait_for_memory (buffer);
  return gst_video_frame_map (
      frame, info, buffer, flags | (GstMapFlags) GST_MAP_CUDA);
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

#else /* without gst/cuda */

void
gst_sympie_cuda_set_context (
    GstSympieCuda *cuda, GstElement *element, gint device, GstContext *context)
{
}

gboolean
gst_sympie_cuda_query (
    const GstSympieCuda *cuda, GstElement *element, GstQuery *query)
{
  return FALSE;
}

gboolean
gst_sympie_cuda_open (GstSympieCuda *cuda, GstElement *element, gint device)
{
  return FALSE;
}

void
gst_sympie_cuda_close (GstSympieCuda *cuda)
{
}

gpointer
gst_sympie_cuda_handle (const GstSympieCuda *cuda)
{
  return NULL;
}

gboolean
gst_sympie_cuda_enter (const GstSympieCuda *cuda)
{
  return TRUE;
}

void
gst_sympie_cuda_leave (const GstSympieCuda *cuda)
{
}

gboolean
gst_sympie_cuda_is_in_caps (const GstCaps *caps)
{
  return FALSE;
}

GstCaps *
gst_sympie_cuda_remove_from_caps (GstCaps *caps)
{
  return caps;
}

gboolean
gst_sympie_cuda_is_foreign (const GstSympieCuda *cuda, GstBuffer *buffer)
{
  return FALSE;
}

void
gst_sympie_cuda_adopt (GstSympieCuda *cuda, GstBuffer *buffer)
{
}

gboolean
gst_sympie_cuda_map (GstVideoFrame *frame, const GstVideoInfo *info,
    GstBuffer *buffer, GstMapFlags flags)
{
  return FALSE;
}

gboolean
gst_sympie_cuda_propose_allocation (const GstSympieCuda *cuda, GstQuery *query)
{
  return FALSE;
}

gboolean
gst_sympie_cuda_decide_allocation (const GstSympieCuda *cuda, GstQuery *query)
{
  return FALSE;
}

#endif
