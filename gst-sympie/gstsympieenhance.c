/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/**
 * SECTION:element-sympieenhance
 * @title: sympieenhance
 * @short_description: makes video easier to understand for vision models
 *
 * sympieenhance improves what a vision model sees in degraded video (dark, low
 * in contrast, hazy, noisy, strongly compressed) without any change to that
 * model. It is SyMPIE of Barbato et al., "A Modular System for Enhanced
 * Robustness of Multimedia Understanding Networks via Deep Parametric
 * Estimation", ACM MMSys 2024: a small network (NEM) looks at the central
 * square of a frame, reduced to 224x224, and estimates 37 numbers, a 3x3 colour
 * matrix, a colour shift and a 5x5 kernel; these are then applied (DWM) to the
 * frame at its full resolution.
 *
 * The element sits between a decoder and whatever analyses or shows the video.
 * It works on the formats that decoders and cameras deliver as they are, so
 * that no conversion is needed around it. Size, format, colorimetry, timestamps
 * and metadata of the frames stay, alpha is not touched, and no latency is
 * added beyond the time it takes. Buffers that may be written are changed in
 * place.
 *
 * ## Parameters over time
 *
 * NEM costs much more than DWM on small frames.
 * #GstSympieEnhance:reuse-interval runs it on every Nth frame only and keeps
 * the parameters in between, until a discontinuity, a flush, a new segment or
 * new caps end the scene that they were estimated for. Frames that the element
 * does not change, because of #GstSympieEnhance:enabled or a
 * #GstSympieEnhance:strength of 0, end it too. Frames dropped for quality of
 * service do not count.
 *
 * #GstSympieEnhance:parameters takes 37 numbers given by hand in the place of
 * NEM; no weights are read then.
 *
 * ## Colour
 *
 * Matrix, range and chroma site are those of the caps, or, where the caps say
 * nothing, GStreamer's defaults for the format and size. High dynamic range
 * video (transfer functions PQ and HLG) is refused rather than mangled, and so
 * are YUV formats with the colour matrix RGB.
 *
 * ## Interlaced video
 *
 * Frames of interleaved and mixed video that are interlaced are enhanced field
 * by field, each as an image of half the height. One set of parameters is
 * estimated for the frame, from the top field. 4:2:0 video has its vertical
 * chroma position taken for that of progressive frames of the field's size.
 * Fields in buffers of their own are refused.
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 filesrc location=dark.mp4 ! decodebin ! sympieenhance !
 *     videoconvert ! autovideosink
 * ]| Plays an enhanced file.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! sympieenhance reuse-interval=15 !
 *     videoconvert ! autovideosink
 * ]| Enhances a camera, estimating twice a second at 30 frames a second.
 * |[
 * gst-launch-1.0 -e filesrc location=in.mp4 ! decodebin !
 *     sympieenhance strength=0.5 iterations=2 ! x264enc ! mp4mux !
 *     filesink location=out.mp4
 * ]| Transcodes with half the effect, estimated and applied twice.
 * |[
 * gst-launch-1.0 videotestsrc ! sympieenhance parameters="<1.2,0,0, 0,1.2,0,
 *     0,0,1.2, 0.1,0.1,0.1, 0,0,0,0,0, 0,0,0,0,0, 0,0,1,0,0, 0,0,0,0,0,
 *     0,0,0,0,0>" ! videoconvert ! autovideosink
 * ]| Raises contrast and brightness by hand.
 */

#include "gstsympieenhance-private.h"

#include <stdlib.h>

GST_DEBUG_CATEGORY (gst_sympie_enhance_debug);
#define GST_CAT_DEFAULT gst_sympie_enhance_debug

#define GST_SYMPIE_CAPS                                                        \
  GST_STATIC_CAPS ("video/x-raw, " GST_SYMPIE_CAPS_FIELDS GST_SYMPIE_CUDA_CAPS)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_SYMPIE_CAPS);

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_SYMPIE_CAPS);

#define gst_sympie_enhance_parent_class parent_class
G_DEFINE_TYPE (GstSympieEnhance, gst_sympie_enhance, GST_TYPE_VIDEO_FILTER);
GST_ELEMENT_REGISTER_DEFINE (
    sympieenhance, "sympieenhance", GST_RANK_NONE, GST_TYPE_SYMPIE_ENHANCE);

/* False, with an error posted, where `parameters` was set to something that
 * cannot be used: setting a property has no other way to fail. */
static gboolean
gst_sympie_enhance_check_parameters (GstSympieEnhance *self)
{
  gchar *error;

  GST_OBJECT_LOCK (self);
  error = g_strdup (self->parameters_error);
  GST_OBJECT_UNLOCK (self);
  if (!error)
    return TRUE;

  GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS,
      ("Cannot use the property parameters: %s", error), (NULL));
  g_free (error);
  return FALSE;
}

gboolean
gst_sympie_enhance_is_ready (GstSympieEnhance *self)
{
  gboolean estimating = !self->frame_settings.by_hand;

  if (!gst_sympie_enhance_check_parameters (self))
    return FALSE;
  /* Parameters given by hand at the start may have been taken back since, and
   * the weights may have been missing then. */
  return (self->context && (!estimating || self->can_estimate))
         || gst_sympie_enhance_open (self, estimating);
}

/* For the properties, after a frame. */
static void
gst_sympie_enhance_note (GstSympieEnhance *self, const GstSympieStats *stats,
    const SympieParams *used)
{
  GST_OBJECT_LOCK (self);
  self->last_parameters = *used;
  self->has_last_parameters = TRUE;
  self->stats.frames += stats->frames;
  self->stats.estimates += stats->estimates;
  self->stats.reused += stats->reused;
  self->stats.estimate_time += stats->estimate_time;
  self->stats.apply_time += stats->apply_time;
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_sympie_enhance_start (GstBaseTransform *trans)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);
  gboolean enabled, by_hand;

  GST_OBJECT_LOCK (self);
  enabled = self->enabled;
  by_hand = self->settings.by_hand;
  self->stats = (GstSympieStats){ 0 };
  self->has_last_parameters = FALSE;
  GST_OBJECT_UNLOCK (self);

  gst_sympie_scene_end (&self->scene);
  gst_base_transform_set_passthrough (trans, !enabled);
  return gst_sympie_enhance_check_parameters (self)
         && gst_sympie_enhance_open (self, !by_hand);
}

static gboolean
gst_sympie_enhance_stop (GstBaseTransform *trans)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);

  gst_sympie_enhance_close (self);
  gst_sympie_cuda_close (&self->cuda);
  gst_caps_replace (&self->refused, NULL);
  gst_sympie_scene_end (&self->scene);

  GST_OBJECT_LOCK (self);
  self->active_device = SYMPIE_DEVICE_AUTO;
  GST_OBJECT_UNLOCK (self);
  g_object_notify (G_OBJECT (self), "active-device");
  return TRUE;
}

static gboolean
gst_sympie_enhance_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);
  GstBaseTransformClass *base = GST_BASE_TRANSFORM_CLASS (parent_class);
  GstCaps *caps = NULL;
  gboolean handled;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_FLUSH_STOP:
  case GST_EVENT_SEGMENT:
    gst_sympie_scene_end (&self->scene);
    break;
  case GST_EVENT_CAPS:
    gst_event_parse_caps (event, &caps);
    gst_caps_ref (caps);
    break;
  default:
    break;
  }
  handled = base->sink_event (trans, event);
  if (caps && !handled)
    gst_sympie_enhance_explain_refusal (self, caps);
  gst_clear_caps (&caps);
  return handled;
}

/* ---- Frames -------------------------------------------------------------- */

static gboolean
gst_sympie_enhance_set_info (GstVideoFilter *filter, GstCaps *incaps,
    GstVideoInfo *in_info, GstCaps *outcaps, GstVideoInfo *out_info)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (filter);
  gchar *reason = NULL;

  self->in_cuda = gst_sympie_cuda_is_in_caps (incaps);
  if (self->in_cuda && !self->cuda.context)
    reason = g_strdup ("video in CUDA memory without a CUDA context");
  if (reason
      || !gst_sympie_stream_from_caps (
          &self->stream, incaps, in_info, &reason)) {
    /* Pads send caps that were refused again with whatever comes next. */
    if (!self->refused || !gst_caps_is_equal (self->refused, incaps))
      GST_ELEMENT_ERROR (self, STREAM, FORMAT,
          ("Cannot enhance %s: %" GST_PTR_FORMAT, reason, incaps), (NULL));
    gst_caps_replace (&self->refused, incaps);
    g_free (reason);
    return FALSE;
  }
  gst_caps_replace (&self->refused, NULL);
  gst_sympie_scene_end (&self->scene);
  return TRUE;
}

/* Fixes what this frame is done with. Only here does passthrough change, so
 * that no frame sees both. */
static void
gst_sympie_enhance_before_transform (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);
  GstClockTime stream_time = gst_segment_to_stream_time (
      &trans->segment, GST_FORMAT_TIME, GST_BUFFER_TIMESTAMP (buffer));
  gboolean passthrough;

  if (GST_CLOCK_TIME_IS_VALID (stream_time))
    gst_object_sync_values (GST_OBJECT (self), stream_time);

  GST_OBJECT_LOCK (self);
  self->frame_settings = self->settings;
  passthrough = !self->enabled;
  GST_OBJECT_UNLOCK (self);

  if (self->in_cuda && gst_sympie_cuda_is_foreign (&self->cuda, buffer))
    gst_sympie_enhance_follow_context (self, buffer);

  /* The input's flag: the base class marks the output after each frame that it
   * dropped for quality of service, when estimating anew would not help. */
  if (GST_BUFFER_IS_DISCONT (buffer))
    gst_sympie_scene_end (&self->scene);

  if (passthrough != gst_base_transform_is_passthrough (trans)) {
    GST_DEBUG_OBJECT (self, "passthrough: %d", passthrough);
    gst_sympie_scene_end (&self->scene);
    gst_base_transform_set_passthrough (trans, passthrough);
    if (!passthrough)
      gst_base_transform_reconfigure_src (trans); /* for a buffer pool */
  }
}

/* Decoders keep references to most of their frames, so the base class's choice
 * for good, in place or not, would copy either those or all the others. */
static GstFlowReturn
gst_sympie_enhance_prepare_output_buffer (
    GstBaseTransform *trans, GstBuffer *inbuf, GstBuffer **outbuf)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);

  if (!gst_base_transform_is_passthrough (trans)) {
    if (self->frame_settings.strength == 0.0) {
      *outbuf = inbuf;
      return GST_FLOW_OK;
    }
    if (gst_buffer_is_writable (inbuf)
        && gst_buffer_is_all_memory_writable (inbuf)) {
      GST_BUFFER_FLAG_UNSET (inbuf, GST_BUFFER_FLAG_GAP);
      *outbuf = inbuf;
      return GST_FLOW_OK;
    }
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)
      ->prepare_output_buffer (trans, inbuf, outbuf);
}

static GstFlowReturn gst_sympie_enhance_transform_frame (
    GstVideoFilter *filter, GstVideoFrame *in_frame, GstVideoFrame *out_frame);

/* What the base class does for a frame in system memory. */
static GstFlowReturn
gst_sympie_enhance_transform_cuda (
    GstSympieEnhance *self, GstBuffer *inbuf, GstBuffer *outbuf)
{
  GstVideoFilter *filter = GST_VIDEO_FILTER (self);
  gboolean in_place = inbuf == outbuf;
  GstVideoFrame in_frame, out_frame;
  GstFlowReturn result = GST_FLOW_ERROR;
  gboolean mapped;

  mapped = gst_sympie_cuda_map (&self->cuda, &in_frame, &filter->in_info, inbuf,
      in_place ? GST_MAP_READWRITE : GST_MAP_READ);
  if (mapped && !in_place) {
    mapped = gst_sympie_cuda_map (
        &self->cuda, &out_frame, &filter->out_info, outbuf, GST_MAP_WRITE);
    if (!mapped)
      gst_video_frame_unmap (&in_frame);
  }
  if (mapped) {
    result = gst_sympie_enhance_transform_frame (
        filter, &in_frame, in_place ? &in_frame : &out_frame);
    if (!in_place)
      gst_video_frame_unmap (&out_frame);
    gst_video_frame_unmap (&in_frame);
  } else {
    GST_ELEMENT_ERROR (
        self, RESOURCE, FAILED, ("Cannot map a buffer in CUDA memory"), (NULL));
  }
  return result;
}

static GstFlowReturn
gst_sympie_enhance_transform (
    GstBaseTransform *trans, GstBuffer *inbuf, GstBuffer *outbuf)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);
  GstBaseTransformClass *base = GST_BASE_TRANSFORM_CLASS (parent_class);

  if (self->frame_settings.strength == 0.0) {
    gst_sympie_scene_end (&self->scene);
    return GST_FLOW_OK;
  }
  if (self->in_cuda)
    return gst_sympie_enhance_transform_cuda (self, inbuf, outbuf);
  return inbuf == outbuf ? base->transform_ip (trans, outbuf)
                         : base->transform (trans, inbuf, outbuf);
}

static gboolean
gst_sympie_enhance_transform_meta (
    GstBaseTransform *trans, GstBuffer *outbuf, GstMeta *meta, GstBuffer *inbuf)
{
  return gst_sympie_meta_stays_true (meta)
         || GST_BASE_TRANSFORM_CLASS (parent_class)
                ->transform_meta (trans, outbuf, meta, inbuf);
}

static GstFlowReturn
gst_sympie_enhance_transform_frame (
    GstVideoFilter *filter, GstVideoFrame *in_frame, GstVideoFrame *out_frame)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (filter);
  SympieImage src[GST_SYMPIE_MAX_IMAGES], dst[GST_SYMPIE_MAX_IMAGES];
  SympieParams used;
  GstSympieStats stats;
  gboolean enhanced;
  char *error = NULL;
  guint n;

  if (!gst_sympie_enhance_is_ready (self))
    return GST_FLOW_ERROR;

  n = gst_sympie_images_from_frame (src, &self->stream, in_frame);
  if (n == 0
      || gst_sympie_images_from_frame (dst, &self->stream, out_frame) != n) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Cannot enhance an interlaced frame without its last chroma row"),
        ("%dx%d %s", GST_VIDEO_FRAME_WIDTH (in_frame),
            GST_VIDEO_FRAME_HEIGHT (in_frame),
            gst_video_format_to_string (GST_VIDEO_FRAME_FORMAT (in_frame))));
    return GST_FLOW_ERROR;
  }

  for (guint i = 0; i < n && self->in_cuda; i++)
    src[i].memory = dst[i].memory = SYMPIE_MEMORY_CUDA;

  if (!gst_sympie_cuda_enter (&self->cuda)) {
    GST_ELEMENT_ERROR (self, RESOURCE, FAILED,
        ("Cannot use the CUDA context of the stream"), (NULL));
    return GST_FLOW_ERROR;
  }
  enhanced = gst_sympie_scene_enhance (&self->scene, self->context,
      &self->frame_settings, src, dst, n, &used, &stats, &error);
  gst_sympie_cuda_leave (&self->cuda);
  if (!enhanced) {
    GST_ELEMENT_ERROR (
        self, STREAM, FAILED, ("Cannot enhance a frame: %s", error), (NULL));
    free (error);
    return GST_FLOW_ERROR;
  }

  gst_sympie_enhance_note (self, &stats, &used);
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_sympie_enhance_transform_frame_ip (
    GstVideoFilter *filter, GstVideoFrame *frame)
{
  return gst_sympie_enhance_transform_frame (filter, frame, frame);
}

static void
gst_sympie_enhance_finalize (GObject *object)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (object);

  g_free (self->weights);
  g_free (self->parameters_error);
  gst_sympie_cuda_close (&self->cuda);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_sympie_enhance_class_init (GstSympieEnhanceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);
  GstVideoFilterClass *filter_class = GST_VIDEO_FILTER_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      gst_sympie_enhance_debug, "sympieenhance", 0, "SyMPIE video enhancement");

  object_class->finalize = gst_sympie_enhance_finalize;
  gst_sympie_enhance_install_properties (object_class);
  gst_sympie_enhance_install_device (klass);

  gst_element_class_set_static_metadata (element_class,
      "SyMPIE video enhancement", "Filter/Effect/Video",
      "Makes degraded video easier to understand for vision models",
      "The gst-sympie project");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  trans_class->start = GST_DEBUG_FUNCPTR (gst_sympie_enhance_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_sympie_enhance_stop);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_sympie_enhance_sink_event);
  trans_class->before_transform =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_before_transform);
  trans_class->prepare_output_buffer =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_prepare_output_buffer);
  trans_class->transform = GST_DEBUG_FUNCPTR (gst_sympie_enhance_transform);
  trans_class->transform_meta =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_transform_meta);
  trans_class->transform_ip_on_passthrough = FALSE;

  filter_class->set_info = GST_DEBUG_FUNCPTR (gst_sympie_enhance_set_info);
  filter_class->transform_frame =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_transform_frame);
  filter_class->transform_frame_ip =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_transform_frame_ip);
}

static void
gst_sympie_enhance_init (GstSympieEnhance *self)
{
  gst_sympie_enhance_init_properties (self);
}
