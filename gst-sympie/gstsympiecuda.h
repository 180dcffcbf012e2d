/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Video in CUDA memory: the only part of the plugin that knows GStreamer's CUDA
 * library. Built without it (HAVE_GST_CUDA), or where there is no driver, all
 * of this does nothing and says so. */

#ifndef GST_SYMPIE_CUDA_H
#define GST_SYMPIE_CUDA_H

#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#include "gstsympieimage.h"

#define GST_SYMPIE_CUDA_MEMORY "memory:CUDAMemory"

/* What pad templates add to the caps of system memory. */
#ifdef HAVE_GST_CUDA
#define GST_SYMPIE_CUDA_CAPS                                                   \
  "; video/x-raw(" GST_SYMPIE_CUDA_MEMORY                                      \
  ")" GST_SYMPIE_CAPS_FIELDS_OF (GST_SYMPIE_FORMATS_CUDA_MEMORY)
#else
#define GST_SYMPIE_CUDA_CAPS ""
#endif

/* A GstCudaContext that may be shared with other elements, and a GstCudaStream
 * of it, which GStreamer has from 1.24 on. Zero before. The element's lock
 * guards the context, which other threads ask for and bring. */
typedef struct
{
  GstObject *context;    /* NULL: none */
  GstMiniObject *stream; /* NULL: none */
} GstSympieCuda;

#ifdef HAVE_GST_CUDA

/* For GstElement's set_context and the query CONTEXT. */
void gst_sympie_cuda_set_context (
    GstSympieCuda *cuda, GstElement *element, gint device, GstContext *context);
gboolean gst_sympie_cuda_query (
    const GstSympieCuda *cuda, GstElement *element, GstQuery *query);

/* For libsympie on the device of `config`: asks neighbours and the application
 * for a context, or takes one that all such elements of the process share on
 * the device, and tells `config` of it and of a stream. Where GStreamer finds
 * no driver or the device none, libsympie uses a context of its own. */
void gst_sympie_cuda_open (
    GstSympieCuda *cuda, GstElement *element, SympieConfig *config);
void gst_sympie_cuda_close (GstSympieCuda *cuda, GstElement *element);

/* Between these the context is current in the calling thread. */
gboolean gst_sympie_cuda_enter (const GstSympieCuda *cuda);
void gst_sympie_cuda_leave (const GstSympieCuda *cuda);

/* Where the buffer is in the memory of another context: takes that one over and
 * returns TRUE. What was made in the old context must be gone. */
gboolean gst_sympie_cuda_is_foreign (
    const GstSympieCuda *cuda, GstBuffer *buffer);
void gst_sympie_cuda_adopt (
    GstSympieCuda *cuda, GstElement *element, GstBuffer *buffer);

/* Maps a buffer for the device: the frame's planes are device addresses. */
gboolean gst_sympie_cuda_map (const GstSympieCuda *cuda, GstVideoFrame *frame,
    const GstVideoInfo *info, GstBuffer *buffer, GstMapFlags flags);

/* After work from one buffer to another was put on the stream, where there is
 * one: where both are of that stream, leaves the waiting to who reads `out`.
 * Between enter and leave. */
gboolean gst_sympie_cuda_finish (
    const GstSympieCuda *cuda, GstBuffer *in, GstBuffer *out);

/* For GstBaseTransform, with caps in CUDA memory: offers and chooses pools. */
gboolean gst_sympie_cuda_propose_allocation (
    const GstSympieCuda *cuda, GstQuery *query);
gboolean gst_sympie_cuda_decide_allocation (
    const GstSympieCuda *cuda, GstQuery *query);

#else /* nothing to share, and nothing in such memory */

static inline void
gst_sympie_cuda_set_context (
    GstSympieCuda *cuda, GstElement *element, gint device, GstContext *context)
{
}

static inline gboolean
gst_sympie_cuda_query (
    const GstSympieCuda *cuda, GstElement *element, GstQuery *query)
{
  return FALSE;
}

static inline void
gst_sympie_cuda_open (
    GstSympieCuda *cuda, GstElement *element, SympieConfig *config)
{
}

static inline void
gst_sympie_cuda_close (GstSympieCuda *cuda, GstElement *element)
{
}

static inline gboolean
gst_sympie_cuda_enter (const GstSympieCuda *cuda)
{
  return TRUE;
}

static inline void
gst_sympie_cuda_leave (const GstSympieCuda *cuda)
{
}

static inline gboolean
gst_sympie_cuda_is_foreign (const GstSympieCuda *cuda, GstBuffer *buffer)
{
  return FALSE;
}

static inline void
gst_sympie_cuda_adopt (
    GstSympieCuda *cuda, GstElement *element, GstBuffer *buffer)
{
}

static inline gboolean
gst_sympie_cuda_finish (
    const GstSympieCuda *cuda, GstBuffer *in, GstBuffer *out)
{
  return FALSE;
}

static inline gboolean
gst_sympie_cuda_map (const GstSympieCuda *cuda, GstVideoFrame *frame,
    const GstVideoInfo *info, GstBuffer *buffer, GstMapFlags flags)
{
  return FALSE;
}

static inline gboolean
gst_sympie_cuda_propose_allocation (const GstSympieCuda *cuda, GstQuery *query)
{
  return FALSE;
}

static inline gboolean
gst_sympie_cuda_decide_allocation (const GstSympieCuda *cuda, GstQuery *query)
{
  return FALSE;
}

#endif

#endif /* GST_SYMPIE_CUDA_H */
