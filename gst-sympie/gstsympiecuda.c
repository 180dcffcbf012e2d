/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympiecuda.h"

#ifdef HAVE_GST_CUDA

#define GST_USE_UNSTABLE_API

#include <gst/cuda/gstcudabufferpool.h>
#include <gst/cuda/gstcudacontext.h>
#include <gst/cuda/gstcudaloader.h>
#include <gst/cuda/gstcudamemory.h>
#include <gst/cuda/gstcudautils.h>

/* ---- What differs between versions of GStreamer -------------------------- */

/* From 1.24 on memory has a stream: an element may pass it on before the GPU
 * has finished with it, and what works on the same stream need not wait.
 * Before, whoever passes a buffer on has waited. Which of the two it is shows
 * when the plugin runs: these are weak, and NULL where the library has them
 * not. */
#if GST_CHECK_VERSION(1, 24, 0)
#include <gst/cuda/gstcudastream.h>
#else
typedef struct _GstCudaStream GstCudaStream;
GstCudaStream *gst_cuda_stream_new (GstCudaContext *context);
CUstream gst_cuda_stream_get_handle (GstCudaStream *stream);
void gst_buffer_pool_config_set_cuda_stream (
    GstStructure *config, GstCudaStream *stream);
GstCudaStream *gst_cuda_memory_get_stream (GstCudaMemory *memory);
void gst_cuda_memory_sync (GstCudaMemory *memory);
#define GST_CUDA_MEMORY_TRANSFER_NEED_SYNC (GST_MEMORY_FLAG_LAST << 2)
#endif
#pragma weak gst_cuda_stream_new
#pragma weak gst_cuda_stream_get_handle
#pragma weak gst_buffer_pool_config_set_cuda_stream
#pragma weak gst_cuda_memory_get_stream
#pragma weak gst_cuda_memory_sync

static gboolean
has_streams (void)
{
  return gst_cuda_stream_new && gst_cuda_stream_get_handle
         && gst_buffer_pool_config_set_cuda_stream && gst_cuda_memory_get_stream
         && gst_cuda_memory_sync;
}

static GstCudaStream *
stream_of (const GstSympieCuda *cuda)
{
  return (GstCudaStream *) cuda->stream;
}

/* Whether what works on our stream need not wait for the memory. */
static gboolean
is_of_stream (const GstSympieCuda *cuda, GstCudaMemory *memory)
{
  return cuda->stream
         && gst_cuda_memory_get_stream (memory) == stream_of (cuda);
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

/* For those that no neighbour brings one: the context of a device that other
 * elements of this process use, or a new one. Takes hundreds of megabytes of
 * the device's memory each. */
static GstCudaContext *
share_context (gint device)
{
  static GMutex mutex;
  static GHashTable *contexts; /* a GWeakRef for each device */
  GstCudaContext *context;
  GWeakRef *ref;

  g_mutex_lock (&mutex);
  if (!contexts)
    contexts = g_hash_table_new (NULL, NULL);
  ref = g_hash_table_lookup (contexts, GINT_TO_POINTER (device));
  if (!ref) {
    ref = g_new (GWeakRef, 1);
    g_weak_ref_init (ref, NULL);
    g_hash_table_insert (contexts, GINT_TO_POINTER (device), ref);
  }
  context = g_weak_ref_get (ref);
  if (!context) {
    context = gst_cuda_context_new ((guint) device);
    g_weak_ref_set (ref, context);
  }
  g_mutex_unlock (&mutex);
  return context;
}

/* Takes the reference to a context, unless there is one. */
static void
set_context (GstSympieCuda *cuda, GstElement *element, GstCudaContext *context)
{
  GST_OBJECT_LOCK (element);
  if (!cuda->context) {
    cuda->context = (GstObject *) context;
    context = NULL;
  }
  GST_OBJECT_UNLOCK (element);
  gst_clear_object (&context);
}

void
gst_sympie_cuda_set_context (
    GstSympieCuda *cuda, GstElement *element, gint device, GstContext *context)
{
  GstCudaContext *found = NULL;

  if (has_library ()
      && gst_cuda_handle_set_context (element, context, device, &found)
      && found)
    set_context (cuda, element, found);
}

gboolean
gst_sympie_cuda_query (
    const GstSympieCuda *cuda, GstElement *element, GstQuery *query)
{
  GstObject *context;
  gboolean answered;

  GST_OBJECT_LOCK (element);
  context = cuda->context ? gst_object_ref (cuda->context) : NULL;
  GST_OBJECT_UNLOCK (element);
  answered = context
             && gst_cuda_handle_context_query (
                 element, query, (GstCudaContext *) context);
  gst_clear_object (&context);
  return answered;
}

/* Those asked answer through gst_element_set_context(). */
static void
ask_for_context (GstElement *element)
{
  GstPad *pads[] = { gst_element_get_static_pad (element, "src"),
    gst_element_get_static_pad (element, "sink") };

  for (guint i = 0; i < G_N_ELEMENTS (pads); i++) {
    GstQuery *query = gst_query_new_context (GST_CUDA_CONTEXT_TYPE);
    GstContext *context;

    if (gst_pad_peer_query (pads[i], query)) {
      gst_query_parse_context (query, &context);
      if (context)
        gst_element_set_context (element, context);
    }
    gst_query_unref (query);
    gst_object_unref (pads[i]);
  }
  gst_element_post_message (
      element, gst_message_new_need_context (
                   GST_OBJECT (element), GST_CUDA_CONTEXT_TYPE));
}

void
gst_sympie_cuda_open (
    GstSympieCuda *cuda, GstElement *element, SympieConfig *config)
{
  GstCudaContext *context;

  if (!has_library ())
    return;
  if (!cuda->context)
    ask_for_context (element);
  if (!cuda->context && (context = share_context (config->cuda_device))) {
    gst_element_post_message (
        element, gst_message_new_have_context (GST_OBJECT (element),
                     gst_context_new_cuda_context (context)));
    set_context (cuda, element, context);
  }
  gst_clear_mini_object (&cuda->stream);
  if (!cuda->context)
    return;
  config->cuda_context = gst_cuda_context_get_handle (context_of (cuda));
  /* Without one of its own libsympie makes one, which is as right. */
  if (has_streams ())
    cuda->stream = (GstMiniObject *) gst_cuda_stream_new (context_of (cuda));
  config->cuda_async = cuda->stream != NULL;
  if (cuda->stream)
    config->cuda_stream = gst_cuda_stream_get_handle (stream_of (cuda));
}

static void
replace_context (GstSympieCuda *cuda, GstElement *element, GstObject *context)
{
  GstObject *old;

  gst_clear_mini_object (&cuda->stream);
  GST_OBJECT_LOCK (element);
  old = cuda->context;
  cuda->context = context;
  GST_OBJECT_UNLOCK (element);
  gst_clear_object (&old);
}

void
gst_sympie_cuda_close (GstSympieCuda *cuda, GstElement *element)
{
  replace_context (cuda, element, NULL);
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
gst_sympie_cuda_adopt (
    GstSympieCuda *cuda, GstElement *element, GstBuffer *buffer)
{
  replace_context (cuda, element, gst_object_ref (memory_of (buffer)->context));
}

gboolean
gst_sympie_cuda_map (const GstSympieCuda *cuda, GstVideoFrame *frame,
    const GstVideoInfo *info, GstBuffer *buffer, GstMapFlags flags)
{
  GstCudaMemory *memory = memory_of (buffer);

  if (!memory
      || !gst_video_frame_map (
          frame, info, buffer, flags | (GstMapFlags) GST_MAP_CUDA))
    return FALSE;
  /* After the map, which may have put an upload on the memory's stream. */
  if (has_streams () && !is_of_stream (cuda, memory))
    gst_cuda_memory_sync (memory);
  return TRUE;
}

gboolean
gst_sympie_cuda_finish (
    const GstSympieCuda *cuda, GstBuffer *in, GstBuffer *out)
{
  GstCudaMemory *memory = memory_of (out);
  gboolean done;

  if (!cuda->stream)
    return TRUE; /* then libsympie has waited */
  if (is_of_stream (cuda, memory_of (in)) && is_of_stream (cuda, memory)) {
    GST_MINI_OBJECT_FLAG_SET (memory, GST_CUDA_MEMORY_TRANSFER_NEED_SYNC);
    return TRUE;
  }
  done = CuStreamSynchronize (gst_cuda_stream_get_handle (stream_of (cuda)))
         == CUDA_SUCCESS;
  GST_MINI_OBJECT_FLAG_UNSET (memory, GST_CUDA_MEMORY_TRANSFER_NEED_SYNC);
  return done;
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
  if (cuda->stream)
    gst_buffer_pool_config_set_cuda_stream (config, stream_of (cuda));
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
  GstBufferPool *pool;
  guint size, min = 0, max = 0;
  gboolean is_offered;
  GstCaps *caps;

  gst_query_parse_allocation (query, &caps, NULL);
  if (!caps || !cuda->context)
    return FALSE;
  is_offered = gst_query_get_n_allocation_pools (query) > 0;
  /* A pool of another context, or of no CUDA memory, is of no use. */
  if (is_offered)
    gst_query_parse_nth_allocation_pool (query, 0, NULL, NULL, &min, &max);
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
