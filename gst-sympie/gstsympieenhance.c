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

#include "gstsympieenhance.h"

#include <stdlib.h>

#include "gstsympiecuda.h"
#include "gstsympiedevice.h"
#include "gstsympieimage.h"
#include "gstsympieparams.h"
#include "gstsympiescene.h"

GST_DEBUG_CATEGORY_STATIC (gst_sympie_enhance_debug);
#define GST_CAT_DEFAULT gst_sympie_enhance_debug

enum
{
  PROP_0,
  PROP_WEIGHTS,
  PROP_DEVICE,
  PROP_ACTIVE_DEVICE,
  PROP_CUDA_DEVICE_ID,
  PROP_N_THREADS,
  PROP_ENABLED,
  PROP_STRENGTH,
  PROP_ITERATIONS,
  PROP_REUSE_INTERVAL,
  PROP_PARAMETERS,
  PROP_LAST_PARAMETERS,
  PROP_STATS,
};

#define DEFAULT_DEVICE SYMPIE_DEVICE_AUTO
#define DEFAULT_CUDA_DEVICE_ID 0
#define DEFAULT_N_THREADS 0
#define MAX_N_THREADS 1024
#define DEFAULT_ENABLED TRUE
#define DEFAULT_STRENGTH 1.0
#define DEFAULT_ITERATIONS 1
#define DEFAULT_REUSE_INTERVAL 1

struct _GstSympieEnhance
{
  GstVideoFilter parent;

  /* The object lock guards these; it is never held while a frame is worked
   * on. */
  gchar *weights;
  SympieDevice device;
  SympieDevice active_device;
  guint cuda_device_id;
  guint n_threads;
  gboolean enabled;
  GstSympieSettings settings;
  gchar *parameters_error; /* why `parameters` cannot be used, or NULL */
  gboolean has_last_parameters;
  SympieParams last_parameters;
  GstSympieStats stats;

  /* The rest belongs to the streaming thread, and while there is none to
   * start and stop. */
  SympieContext *context;
  gboolean can_estimate; /* the context has weights */
  GstSympieCuda cuda;
  gboolean warned;  /* that there is no CUDA device */
  gboolean in_cuda; /* the stream is in CUDA memory */
  GstSympieStream stream;
  GstCaps *refused; /* the latest caps were these, and the error is posted */
  GstSympieSettings frame_settings;
  GstSympieScene scene;
};

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

/* The file that is read: property, environment or installation, in this order.
 * Call with the object lock. */
static gchar *
gst_sympie_enhance_dup_weights (GstSympieEnhance *self)
{
  const gchar *weights = self->weights;

  if (!weights || !*weights)
    weights = g_getenv ("SYMPIE_WEIGHTS");
  if (!weights || !*weights)
    weights = GST_SYMPIE_WEIGHTS;
  return g_strdup (weights);
}

static void
gst_sympie_enhance_close (GstSympieEnhance *self)
{
  gst_sympie_cuda_enter (&self->cuda);
  sympie_close (self->context);
  gst_sympie_cuda_leave (&self->cuda);
  self->context = NULL;
}

/* Decides for CUDA or the CPU, and gets the CUDA context. False, with an error
 * posted, where a device was asked for that is not there. */
static gboolean
gst_sympie_enhance_choose_device (GstSympieEnhance *self, SympieConfig *config)
{
  char *error = NULL;

  if (config->device == SYMPIE_DEVICE_CPU)
    return TRUE;
  if (sympie_cuda_available (config->cuda_device, &error)) {
    /* None is no reason to give up: frames in system memory need none. */
    config->device = SYMPIE_DEVICE_CUDA;
    gst_sympie_cuda_open (&self->cuda, GST_ELEMENT (self), config->cuda_device);
    config->cuda_context = gst_sympie_cuda_handle (&self->cuda);
    return TRUE;
  }

  if (config->device == SYMPIE_DEVICE_CUDA) {
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("Cannot use device=cuda: %s", error), (NULL));
    free (error);
    return FALSE;
  }
  if (!self->warned)
    GST_WARNING_OBJECT (self, "device=auto takes the CPU: %s", error);
  self->warned = TRUE;
  config->device = SYMPIE_DEVICE_CPU;
  free (error);
  return TRUE;
}

/* Reads the weights only if `estimating`: they are not asked for where all
 * parameters come by hand. Posts an error where it fails. */
static gboolean
gst_sympie_enhance_open (GstSympieEnhance *self, gboolean estimating)
{
  SympieConfig config = sympie_config_default ();
  GstClockTime begin = gst_util_get_timestamp ();
  char *error = NULL;
  gchar *weights;

  GST_OBJECT_LOCK (self);
  weights = gst_sympie_enhance_dup_weights (self);
  config.device = self->device;
  config.cuda_device = (int) self->cuda_device_id;
  config.n_threads = (int) self->n_threads;
  GST_OBJECT_UNLOCK (self);
  if (estimating)
    config.weights = weights;

  gst_sympie_enhance_close (self);
  if (!gst_sympie_enhance_choose_device (self, &config)) {
    g_free (weights);
    return FALSE;
  }
  gst_sympie_cuda_enter (&self->cuda);
  self->context = sympie_open (&config, &error);
  gst_sympie_cuda_leave (&self->cuda);
  if (!self->context) {
    if (estimating && !g_file_test (weights, G_FILE_TEST_EXISTS))
      GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
          ("Cannot find the weights: %s", error), ("weights: %s", weights));
    else if (config.device == SYMPIE_DEVICE_CUDA)
      GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ_WRITE,
          ("Cannot start on the CUDA device: %s", error),
          ("cuda-device-id: %d, weights: %s", config.cuda_device, weights));
    else if (estimating)
      GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ,
          ("Cannot use the weights: %s", error), ("weights: %s", weights));
    else
      GST_ELEMENT_ERROR (
          self, LIBRARY, INIT, ("Cannot start libsympie: %s", error), (NULL));
    free (error);
    g_free (weights);
    return FALSE;
  }

  self->can_estimate = estimating;
  GST_OBJECT_LOCK (self);
  self->active_device = sympie_device (self->context);
  GST_OBJECT_UNLOCK (self);
  g_object_notify (G_OBJECT (self), "active-device");
  GST_INFO_OBJECT (self, "set up in %" GST_TIME_FORMAT ", weights %s",
      GST_TIME_ARGS (gst_util_get_timestamp () - begin),
      estimating ? weights : "not needed");
  g_free (weights);
  return TRUE;
}

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
  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_FLUSH_STOP:
  case GST_EVENT_SEGMENT:
    gst_sympie_scene_end (&GST_SYMPIE_ENHANCE (trans)->scene);
    break;
  default:
    break;
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->sink_event (trans, event);
}

/* ---- CUDA memory --------------------------------------------------------- */

static void
gst_sympie_enhance_set_context (GstElement *element, GstContext *context)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (element);

  gst_sympie_cuda_set_context (
      &self->cuda, element, (gint) self->cuda_device_id, context);
  GST_ELEMENT_CLASS (parent_class)->set_context (element, context);
}

static gboolean
gst_sympie_enhance_query (
    GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);

  if (GST_QUERY_TYPE (query) == GST_QUERY_CONTEXT
      && gst_sympie_cuda_query (&self->cuda, GST_ELEMENT (self), query))
    return TRUE;
  return GST_BASE_TRANSFORM_CLASS (parent_class)
      ->query (trans, direction, query);
}

/* The memory of a frame stays what it is. On the CPU it is not CUDA's. */
static GstCaps *
gst_sympie_enhance_transform_caps (GstBaseTransform *trans,
    GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);
  GstCaps *possible = GST_BASE_TRANSFORM_CLASS (parent_class)
                          ->transform_caps (trans, direction, caps, filter);
  SympieDevice device;

  GST_OBJECT_LOCK (self);
  device = self->active_device;
  GST_OBJECT_UNLOCK (self);
  return device == SYMPIE_DEVICE_CPU
             ? gst_sympie_cuda_remove_from_caps (possible)
             : possible;
}

static gboolean
gst_sympie_enhance_propose_allocation (
    GstBaseTransform *trans, GstQuery *decide_query, GstQuery *query)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);

  /* Without a query of ours buffers pass, and those after us decide. */
  return decide_query && self->in_cuda
             ? gst_sympie_cuda_propose_allocation (&self->cuda, query)
             : GST_BASE_TRANSFORM_CLASS (parent_class)
                   ->propose_allocation (trans, decide_query, query);
}

static gboolean
gst_sympie_enhance_decide_allocation (GstBaseTransform *trans, GstQuery *query)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);

  if (self->in_cuda && !gst_sympie_cuda_decide_allocation (&self->cuda, query))
    return FALSE;
  return GST_BASE_TRANSFORM_CLASS (parent_class)
      ->decide_allocation (trans, query);
}

/* Goes on in the context that the buffers come from. */
static void
gst_sympie_enhance_follow_context (GstSympieEnhance *self, GstBuffer *buffer)
{
  GST_INFO_OBJECT (self, "buffers come from another CUDA context");
  gst_sympie_enhance_close (self);
  gst_sympie_cuda_adopt (&self->cuda, buffer);
  /* On failure there is no context, which the next frame tells. */
  if (gst_sympie_enhance_open (self, self->can_estimate))
    gst_base_transform_reconfigure_src (GST_BASE_TRANSFORM (self));
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

  mapped = gst_sympie_cuda_map (&in_frame, &filter->in_info, inbuf,
      in_place ? GST_MAP_READWRITE : GST_MAP_READ);
  if (mapped && !in_place) {
    mapped = gst_sympie_cuda_map (
        &out_frame, &filter->out_info, outbuf, GST_MAP_WRITE);
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
  gboolean estimating = !self->frame_settings.by_hand;
  SympieParams used;
  GstSympieStats stats;
  gboolean enhanced;
  char *error = NULL;
  guint n;

  if (!gst_sympie_enhance_check_parameters (self))
    return GST_FLOW_ERROR;
  /* Parameters given by hand at the start may have been taken back since, and
   * the weights may have been missing then. */
  if ((!self->context || (estimating && !self->can_estimate))
      && !gst_sympie_enhance_open (self, estimating))
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

  GST_OBJECT_LOCK (self);
  self->last_parameters = used;
  self->has_last_parameters = TRUE;
  self->stats.frames += stats.frames;
  self->stats.estimates += stats.estimates;
  self->stats.reused += stats.reused;
  self->stats.estimate_time += stats.estimate_time;
  self->stats.apply_time += stats.apply_time;
  GST_OBJECT_UNLOCK (self);
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_sympie_enhance_transform_frame_ip (
    GstVideoFilter *filter, GstVideoFrame *frame)
{
  return gst_sympie_enhance_transform_frame (filter, frame, frame);
}

/* Call with the object lock. */
static void
gst_sympie_enhance_set_parameters (GstSympieEnhance *self, const GValue *array)
{
  g_clear_pointer (&self->parameters_error, g_free);
  self->settings.by_hand = gst_value_array_get_size (array) > 0;
  if (self->settings.by_hand)
    gst_sympie_params_from_value (
        &self->settings.parameters, array, &self->parameters_error);
}

static void
gst_sympie_enhance_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_WEIGHTS:
    g_free (self->weights);
    self->weights = g_value_dup_string (value);
    break;
  case PROP_DEVICE:
    self->device = g_value_get_enum (value);
    break;
  case PROP_CUDA_DEVICE_ID:
    self->cuda_device_id = g_value_get_uint (value);
    break;
  case PROP_N_THREADS:
    self->n_threads = g_value_get_uint (value);
    break;
  case PROP_ENABLED:
    self->enabled = g_value_get_boolean (value);
    break;
  case PROP_STRENGTH:
    self->settings.strength = g_value_get_double (value);
    break;
  case PROP_ITERATIONS:
    self->settings.iterations = g_value_get_uint (value);
    break;
  case PROP_REUSE_INTERVAL:
    self->settings.reuse_interval = g_value_get_uint (value);
    break;
  case PROP_PARAMETERS:
    gst_sympie_enhance_set_parameters (self, value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_sympie_enhance_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_WEIGHTS:
    g_value_take_string (value, gst_sympie_enhance_dup_weights (self));
    break;
  case PROP_DEVICE:
    g_value_set_enum (value, self->device);
    break;
  case PROP_ACTIVE_DEVICE:
    g_value_set_enum (value, self->active_device);
    break;
  case PROP_CUDA_DEVICE_ID:
    g_value_set_uint (value, self->cuda_device_id);
    break;
  case PROP_N_THREADS:
    g_value_set_uint (value, self->n_threads);
    break;
  case PROP_ENABLED:
    g_value_set_boolean (value, self->enabled);
    break;
  case PROP_STRENGTH:
    g_value_set_double (value, self->settings.strength);
    break;
  case PROP_ITERATIONS:
    g_value_set_uint (value, self->settings.iterations);
    break;
  case PROP_REUSE_INTERVAL:
    g_value_set_uint (value, self->settings.reuse_interval);
    break;
  case PROP_PARAMETERS:
    if (self->settings.by_hand && !self->parameters_error)
      gst_sympie_params_to_value (&self->settings.parameters, value);
    break;
  case PROP_LAST_PARAMETERS:
    if (self->has_last_parameters)
      gst_sympie_params_to_value (&self->last_parameters, value);
    break;
  case PROP_STATS:
    g_value_take_boxed (value,
        gst_structure_new ("application/x-sympie-stats", "frames",
            G_TYPE_UINT64, self->stats.frames, "estimates", G_TYPE_UINT64,
            self->stats.estimates, "reused", G_TYPE_UINT64, self->stats.reused,
            "estimate-time", G_TYPE_UINT64, self->stats.estimate_time,
            "apply-time", G_TYPE_UINT64, self->stats.apply_time, NULL));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK (self);
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
gst_sympie_enhance_install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  const GParamFlags ready = flags | GST_PARAM_MUTABLE_READY;
  const GParamFlags playing = flags | GST_PARAM_MUTABLE_PLAYING;
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  /**
   * GstSympieEnhance:weights:
   *
   * Path of NEM's weights, a safetensors file. If it is not set, the
   * environment variable SYMPIE_WEIGHTS names the file, and without that it is
   * the one that was installed with the plugin. Reads as the path in use.
   */
  g_object_class_install_property (object_class, PROP_WEIGHTS,
      g_param_spec_string ("weights", "Weights",
          "Safetensors file with NEM's weights (unset = environment variable "
          "SYMPIE_WEIGHTS, else the installed file)",
          NULL, ready));
  /**
   * GstSympieEnhance:device:
   *
   * Where to compute. A device that is asked for by name and is not there is
   * an error, not a reason to take another one.
   */
  g_object_class_install_property (object_class, PROP_DEVICE,
      g_param_spec_enum ("device", "Device", "Device to compute on",
          GST_TYPE_SYMPIE_DEVICE, DEFAULT_DEVICE, ready));
  /**
   * GstSympieEnhance:active-device:
   *
   * The device in use, or auto while the element is stopped.
   */
  g_object_class_install_property (object_class, PROP_ACTIVE_DEVICE,
      g_param_spec_enum ("active-device", "Active device",
          "Device in use (auto = none yet)", GST_TYPE_SYMPIE_DEVICE,
          SYMPIE_DEVICE_AUTO, readable));
  /**
   * GstSympieEnhance:cuda-device-id:
   *
   * Which CUDA device to take where there are several.
   */
  g_object_class_install_property (object_class, PROP_CUDA_DEVICE_ID,
      g_param_spec_uint ("cuda-device-id", "CUDA device",
          "Index of the CUDA device to use", 0, G_MAXINT,
          DEFAULT_CUDA_DEVICE_ID, ready));
  /**
   * GstSympieEnhance:n-threads:
   *
   * Threads that work on a frame on the processor.
   */
  g_object_class_install_property (object_class, PROP_N_THREADS,
      g_param_spec_uint ("n-threads", "Threads",
          "Number of threads on the processor (0 = one for each processor)", 0,
          MAX_N_THREADS, DEFAULT_N_THREADS, ready));
  /**
   * GstSympieEnhance:enabled:
   *
   * FALSE lets all buffers pass untouched.
   */
  g_object_class_install_property (object_class, PROP_ENABLED,
      g_param_spec_boolean ("enabled", "Enabled",
          "Enhance frames; FALSE lets them pass untouched", DEFAULT_ENABLED,
          playing));
  /**
   * GstSympieEnhance:strength:
   *
   * How far to go from parameters that change nothing (0) to those estimated
   * (1). At 0 buffers pass untouched.
   */
  g_object_class_install_property (object_class, PROP_STRENGTH,
      g_param_spec_double ("strength", "Strength",
          "Effect, from none (0) to that of the estimated parameters (1)", 0.0,
          1.0, DEFAULT_STRENGTH, playing | GST_PARAM_CONTROLLABLE));
  /**
   * GstSympieEnhance:iterations:
   *
   * How often to estimate and apply, each time on the frame that came out.
   */
  g_object_class_install_property (object_class, PROP_ITERATIONS,
      g_param_spec_uint ("iterations", "Iterations",
          "How often each frame is enhanced, the result fed back", 1,
          GST_SYMPIE_MAX_ITERATIONS, DEFAULT_ITERATIONS, playing));
  /**
   * GstSympieEnhance:reuse-interval:
   *
   * Estimate on every Nth frame and keep the parameters in between. A
   * discontinuity starts anew.
   */
  g_object_class_install_property (object_class, PROP_REUSE_INTERVAL,
      g_param_spec_uint ("reuse-interval", "Reuse interval",
          "Estimate on every Nth frame and keep the parameters in between", 1,
          G_MAXUINT, DEFAULT_REUSE_INTERVAL, playing));
  /**
   * GstSympieEnhance:parameters:
   *
   * 37 numbers to apply instead of NEM's estimates, in standardised RGB (mean
   * 0.485, 0.456, 0.406; deviation 0.229, 0.224, 0.225): the colour matrix, 9,
   * input channel by input channel; the shift that comes before it, 3; the
   * kernel, 25, row by row. An empty array goes back to NEM. Anything else is
   * an error at the start or the next frame.
   */
  g_object_class_install_property (object_class, PROP_PARAMETERS,
      gst_param_spec_array ("parameters", "Parameters",
          "37 numbers to apply (9 of the colour matrix, 3 of the shift, 25 of "
          "the kernel) instead of estimates; empty = estimate",
          NULL, playing));
  /**
   * GstSympieEnhance:last-parameters:
   *
   * The 37 numbers, of type double, estimated or given for the latest frame (in
   * its first iteration, before #GstSympieEnhance:strength). Empty before the
   * first frame.
   */
  g_object_class_install_property (object_class, PROP_LAST_PARAMETERS,
      gst_param_spec_array ("last-parameters", "Last parameters",
          "37 numbers estimated or given for the latest frame", NULL,
          readable));
  /**
   * GstSympieEnhance:stats:
   *
   * What was done since the start, a structure application/x-sympie-stats:
   *
   * * #guint64 `frames`: frames enhanced
   * * #guint64 `estimates`: how often NEM ran
   * * #guint64 `reused`: frames for which it did not, as the parameters of an
   *   earlier frame were kept
   * * #guint64 `estimate-time`: nanoseconds that NEM took
   * * #guint64 `apply-time`: nanoseconds that DWM took; on CUDA with NEM, which
   *   is not waited for on its own
   */
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "frames, estimates, reused and, in nanoseconds, estimate-time and "
          "apply-time since the start, as guint64",
          GST_TYPE_STRUCTURE, readable));
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

  object_class->set_property = gst_sympie_enhance_set_property;
  object_class->get_property = gst_sympie_enhance_get_property;
  object_class->finalize = gst_sympie_enhance_finalize;
  gst_sympie_enhance_install_properties (object_class);
  gst_type_mark_as_plugin_api (GST_TYPE_SYMPIE_DEVICE, 0);

  gst_element_class_set_static_metadata (element_class,
      "SyMPIE video enhancement", "Filter/Effect/Video",
      "Makes degraded video easier to understand for vision models",
      "The gst-sympie project");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  element_class->set_context =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_set_context);

  trans_class->start = GST_DEBUG_FUNCPTR (gst_sympie_enhance_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_sympie_enhance_stop);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_sympie_enhance_sink_event);
  trans_class->query = GST_DEBUG_FUNCPTR (gst_sympie_enhance_query);
  trans_class->transform_caps =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_transform_caps);
  trans_class->propose_allocation =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_propose_allocation);
  trans_class->decide_allocation =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_decide_allocation);
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
  self->device = DEFAULT_DEVICE;
  self->active_device = SYMPIE_DEVICE_AUTO;
  self->cuda_device_id = DEFAULT_CUDA_DEVICE_ID;
  self->n_threads = DEFAULT_N_THREADS;
  self->enabled = DEFAULT_ENABLED;
  self->settings = (GstSympieSettings){
    .strength = DEFAULT_STRENGTH,
    .iterations = DEFAULT_ITERATIONS,
    .reuse_interval = DEFAULT_REUSE_INTERVAL,
  };
}
