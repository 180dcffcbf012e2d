/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* async-depth: a frame in system memory is uploaded to the GPU while the GPU
 * works on the frame before it.
 *
 * That takes a second frame before the first is out, and a filter that waits
 * for one has a latency. It is the user's choice, as in msdkvpp, whose property
 * this is named after: by default each frame leaves before the next comes, so
 * that an application that pushes an image and waits for the result gets it.
 * Where frames overlap, the query for the latency says so, and whatever must
 * not overtake a frame (events, queries of the allocation, gaps in the stream)
 * waits until all are out. */

#include "gstsympieenhance-private.h"

#include <stdlib.h>

#define GST_CAT_DEFAULT gst_sympie_enhance_debug

static GstBaseTransformClass *parent_class;

void
gst_sympie_enhance_set_overlap (
    GstSympieEnhance *self, const GstVideoInfo *info)
{
  GstClockTime delay = 0;
  gboolean is_news;

  GST_OBJECT_LOCK (self);
  self->overlaps = self->async_depth > 1 && !self->in_cuda
                   && self->active_device == SYMPIE_DEVICE_CUDA;
  if (self->overlaps && GST_VIDEO_INFO_FPS_N (info) > 0)
    delay = gst_util_uint64_scale_int (
        GST_SECOND, GST_VIDEO_INFO_FPS_D (info), GST_VIDEO_INFO_FPS_N (info));
  is_news = delay != self->delay;
  self->delay = delay;
  GST_OBJECT_UNLOCK (self);
  if (is_news)
    gst_element_post_message (
        GST_ELEMENT (self), gst_message_new_latency (GST_OBJECT (self)));
}

/* ---- A frame's two halves ------------------------------------------------ */

gboolean
gst_sympie_enhance_try_begin (GstSympieEnhance *self, GstBuffer *buffer)
{
  SympieImage src[GST_SYMPIE_MAX_IMAGES];
  GstVideoFrame frame;
  gboolean begun = TRUE;
  char *error = NULL;

  if (!self->overlaps || self->after_gap || self->frame_settings.iterations > 1)
    return TRUE;
  if (!gst_sympie_enhance_is_ready (self)
      || (gst_sympie_scene_must_wait (&self->scene, &self->frame_settings)
          && !gst_sympie_enhance_complete (self)))
    return FALSE;

  if (!gst_video_frame_map (
          &frame, &GST_VIDEO_FILTER (self)->in_info, buffer, GST_MAP_READ)) {
    GST_ELEMENT_ERROR (
        self, RESOURCE, READ, ("Cannot map a frame to read it"), (NULL));
    return FALSE;
  }
  /* Fields of interlaced frames do not overlap. */
  if (gst_sympie_images_from_frame (src, &self->stream, &frame) == 1) {
    begun = gst_sympie_cuda_enter (&self->cuda)
            && gst_sympie_scene_begin (&self->scene, self->context,
                &self->frame_settings, src, &self->just_begun, &error);
    gst_sympie_cuda_leave (&self->cuda);
    self->has_just_begun = begun;
  }
  gst_video_frame_unmap (&frame);
  if (!begun)
    GST_ELEMENT_ERROR (
        self, STREAM, FAILED, ("Cannot begin a frame: %s", error), (NULL));
  free (error);
  return begun;
}

/* Writes the frame begun to `frame`, or drops it where that is NULL. */
static gboolean
gst_sympie_enhance_finish (GstSympieEnhance *self, const GstVideoFrame *frame)
{
  SympieImage dst[GST_SYMPIE_MAX_IMAGES];
  SympieParams used;
  gboolean finished;
  char *error = NULL;

  if (frame)
    gst_sympie_images_from_frame (dst, &self->stream, frame);
  gst_sympie_cuda_enter (&self->cuda);
  finished = gst_sympie_scene_finish (&self->scene, self->context, &self->begun,
      frame ? dst : NULL, &used, &error);
  gst_sympie_cuda_leave (&self->cuda);
  if (finished && frame)
    gst_sympie_enhance_note (self, &self->begun.stats, &used);
  else if (frame)
    GST_ELEMENT_ERROR (
        self, STREAM, FAILED, ("Cannot enhance a frame: %s", error), (NULL));
  free (error);
  return finished;
}

gboolean
gst_sympie_enhance_complete (GstSympieEnhance *self)
{
  GstBuffer *buffer = g_steal_pointer (&self->begun_buffer);
  GstVideoFrame frame;
  gboolean completed;

  if (!buffer)
    return TRUE;
  if (gst_video_frame_map (&frame, &GST_VIDEO_FILTER (self)->out_info, buffer,
          GST_MAP_READWRITE)) {
    completed = gst_sympie_enhance_finish (self, &frame);
    gst_video_frame_unmap (&frame);
  } else {
    gst_sympie_enhance_finish (self, NULL);
    GST_ELEMENT_ERROR (
        self, RESOURCE, WRITE, ("Cannot map a frame to write it"), (NULL));
    completed = FALSE;
  }
  if (completed)
    g_queue_push_tail (&self->done, buffer);
  else
    gst_buffer_unref (buffer);
  return completed;
}

GstFlowReturn
gst_sympie_enhance_drain (GstSympieEnhance *self)
{
  GstFlowReturn result =
      gst_sympie_enhance_complete (self) ? GST_FLOW_OK : GST_FLOW_ERROR;
  GstBuffer *buffer;

  while ((buffer = g_queue_pop_head (&self->done))) {
    if (result == GST_FLOW_OK)
      result = gst_pad_push (GST_BASE_TRANSFORM_SRC_PAD (self), buffer);
    else
      gst_buffer_unref (buffer);
  }
  return result;
}

void
gst_sympie_enhance_discard (GstSympieEnhance *self)
{
  if (self->begun_buffer)
    gst_sympie_enhance_finish (self, NULL);
  gst_clear_buffer (&self->begun_buffer);
  g_queue_clear_full (&self->done, (GDestroyNotify) gst_buffer_unref);
}

/* ---- The base class's part ----------------------------------------------- */

/* The base class marks whatever comes out after a gap: that must be the frame
 * that came in after it. */
static GstFlowReturn
gst_sympie_enhance_submit_input_buffer (
    GstBaseTransform *trans, gboolean is_discont, GstBuffer *input)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);
  GstFlowReturn result = GST_FLOW_OK;

  self->after_gap = is_discont;
  if (is_discont)
    result = gst_sympie_enhance_drain (self);
  if (result == GST_FLOW_OK)
    return parent_class->submit_input_buffer (trans, is_discont, input);
  gst_buffer_unref (input);
  return result;
}

/* The base class asks until there is nothing. */
static GstFlowReturn
gst_sympie_enhance_generate_output (GstBaseTransform *trans, GstBuffer **outbuf)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);
  GstBuffer *next = NULL;
  GstFlowReturn result;

  if (trans->queued_buf) {
    self->has_just_begun = FALSE;
    result = parent_class->generate_output (trans, &next);
    if (result == GST_FLOW_OK && !gst_sympie_enhance_complete (self))
      result = GST_FLOW_ERROR;
    if (self->has_just_begun) {
      self->begun = self->just_begun;
      self->begun_buffer = next;
    } else if (next) {
      g_queue_push_tail (&self->done, next);
    }
    if (result != GST_FLOW_OK) {
      gst_sympie_enhance_discard (self);
      return result;
    }
  }
  *outbuf = g_queue_pop_head (&self->done);
  return GST_FLOW_OK;
}

void
gst_sympie_enhance_install_async (GstSympieEnhanceClass *klass)
{
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  parent_class = g_type_class_peek_parent (klass);
  trans_class->submit_input_buffer =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_submit_input_buffer);
  trans_class->generate_output =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_generate_output);
}
