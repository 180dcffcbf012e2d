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
 * in contrast, hazy, noisy) without any change to that model. It is SyMPIE of
 * Barbato et al., "A Modular System for Enhanced Robustness of Multimedia
 * Understanding Networks via Deep Parametric Estimation", ACM MMSys 2024: a
 * small network (NEM) looks at the central square of a frame, reduced to
 * 224x224, and estimates 37 numbers, a 3x3 colour matrix, a colour shift and a
 * 5x5 kernel; these are then applied (DWM) to the frame at its full resolution.
 *
 * The element sits between a decoder and whatever analyses or shows the video.
 * It works on the formats that decoders and cameras deliver as they are, so
 * that no conversion is needed around it. Size, format, colorimetry, timestamps
 * and metadata of the frames stay, alpha is not touched, and no latency is
 * added beyond the time it takes. Subtitles that are drawn after it, by the
 * sink, lie over the enhanced frames. Buffers that may be written are changed
 * in place.
 *
 * ## Parameters over time
 *
 * NEM costs much more than DWM on small frames, and need not look at each of
 * them: #GstSympieEnhance:reuse-interval and #GstSympieEnhance:reuse-time keep
 * an estimate for a number of frames or a time, with #GstSympieEnhance:reuse
 * adaptive until a thumbnail of the picture has changed. A scene that begins is
 * estimated from at once: after a cut that the thumbnail shows or the element
 * scenechange tells of, a flush, new caps, a new stream, a jump in time of more
 * than a second and ten frames (where frames do not come as slowly as that all
 * the time), or frames that the element does not change because of
 * #GstSympieEnhance:enabled or #GstSympieEnhance:strength, or changes with
 * parameters from elsewhere. Frames that were dropped, here or before, end no
 * scene.
 *
 * #GstSympieEnhance:smoothing moves the parameters gently towards each new
 * estimate, so that the picture does not flicker with NEM's uncertainty.
 *
 * ## Live streams
 *
 * With #GstSympieEnhance:estimation async no frame waits for NEM, and the
 * latency is that of applying.
 *
 * Where frames come too late, as a sink's QoS events tell, or pile up before
 * the element, as a live pipeline's clock does, estimates become rarer: by
 * half, and half again four times a second, down to one in 256 frames (times
 * #GstSympieEnhance:reuse-interval); and more frequent again when no frame has
 * been late for two seconds, or for longer where that turned out to be too
 * early. Each step is an element message sympieenhance-load, with #guint `load`
 * (0 to 8) and #guint `interval` in frames, which #GstSympieEnhance:stats has
 * too. Frames are dropped only as any filter with #GstBaseTransform:qos drops
 * them.
 *
 * ## Parameters as data
 *
 * #GstSympieEnhance:attach-parameters puts on each buffer what it was enhanced
 * with, #GstSympieEnhance:post-messages posts each estimate, and
 * #GstSympieEnhance:mode divides the work: one element estimates and marks the
 * buffers, another, perhaps after a tracker or a switch, applies.
 *
 * #GstSympieEnhance:channel carries parameters to other elements of the
 * process, and #GstSympieEnhance:recording to another run.
 *
 * #GstSympieEnhance:parameters takes 37 numbers given by hand in the place of
 * NEM; no weights are read then.
 *
 * ## Where to look
 *
 * NEM sees the central square of a frame. Where that is spoilt by a burnt-in
 * clock, a bonnet or black bars, #GstSympieEnhance:crop gives it a part of the
 * frame to look at instead, and #GstSympieEnhance:look-at has it look between
 * the bars, or where a detector before it has put a
 * GstVideoRegionOfInterestMeta. What it finds is applied to the whole frame.
 *
 * ## Colour
 *
 * Matrix, range and chroma site are those of the caps, or, where the caps say
 * nothing, GStreamer's defaults for the format and size. Video in HLG, which
 * phones record, is taken as the signal that it is: it was made to be shown as
 * it is on screens of standard dynamic range, and comes out as HLG. What is not
 * gamma-coded (PQ, linear light) would be mangled, and so would YUV formats
 * with the colour matrix RGB: negotiation keeps them out, so that a converter
 * before the element converts them. Caps after the converter that ask for a
 * format have to ask for a colorimetry too
 * (`video/x-raw,format=NV12,colorimetry=bt709`), or it keeps PQ.
 *
 * ## Interlaced video
 *
 * Frames of interleaved and mixed video that are interlaced are enhanced field
 * by field, each as an image of half the height. One set of parameters is
 * estimated for the frame, from the top field. 4:2:0 video has its vertical
 * chroma position taken for that of progressive frames of the field's size.
 * Fields in buffers of their own are kept out by negotiation, and so is
 * stereoscopic video with both views in a frame.
 *
 * ## Off
 *
 * With #GstSympieEnhance:enabled FALSE or a #GstSympieEnhance:strength of 0 the
 * element takes any raw video in any memory, opens no file and no device and
 * passes buffers on as they are. Switched on while playing, it has upstream
 * negotiate anew.
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 filesrc location=dark.mp4 ! decodebin ! sympieenhance !
 *     videoconvert ! autovideosink
 * ]| Plays an enhanced file.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! sympieenhance estimation=async
 *     reuse=adaptive ! videoconvert ! autovideosink
 * ]| Enhances a camera, estimating whenever the picture has changed, while no
 * frame waits for that.
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
 * |[
 * gst-launch-1.0 filesrc location=in.mp4 ! decodebin ! tee name=t
 *     t. ! videoscale ! video/x-raw,width=416,height=232 !
 *     sympieenhance mode=estimate channel=small ! fakesink
 *     t. ! queue ! sympieenhance mode=apply channel=small ! videoconvert !
 *     autovideosink
 * ]| Looks at a small copy of the frames and enhances the large ones.
 * |[
 * gst-launch-1.0 v4l2src num-buffers=500 ! tee name=t
 *     t. ! queue ! videoconvert ! x264enc ! matroskamux !
 *     filesink location=raw.mkv
 *     t. ! queue ! videoconvert ! sympieenhance estimation=async
 *     recording=run.jsonl ! fakesink
 * ]| Records a camera and what it was enhanced with; mode=apply with
 * recording=run.jsonl does the same to raw.mkv.
 *
 * Since: 0.1
 */

#include "elements.h"

#include <errno.h>

#include "arrival.h"
#include "enhanceproperties.h"
#include "params.h"
#include "properties.h"
#include "timeline.h"

GST_DEBUG_CATEGORY_STATIC (gst_sympie_enhance_debug);
#define GST_CAT_DEFAULT gst_sympie_enhance_debug

/* For which estimates serve and parameters move: more is as much. */
#define MAX_TIME (24 * 3600 * GST_SECOND)

/* last-parameters is notified at most that often. */
#define NOTIFY_TIME (200 * GST_MSECOND)

struct _GstSympieEnhance
{
  GstSympieFilter parent;

  /* The object lock guards these; it is never held while a frame is worked
   * on. */
  GstSympieEnhanceProperties props;
  gboolean was_late; /* a frame, says downstream */

  /* The rest belongs to the streaming thread, and while there is none to
   * start and stop. */
  GstSympieEnhancer enhancer;
  GstSympieArrival arrival;
  GstSympieNotes notes;
  gboolean has_notes;
  GstClockTime notified;

  /* The frame in hand. */
  GstClockTimeDiff lateness;
  gboolean frame_was_late;
  gboolean post_messages;
};

/* On the processor; on CUDA; there with frames in CUDA memory too; anywhere. */
#define CUDA_FORMATS GST_SYMPIE_CAPS_OF (GST_SYMPIE_FORMATS_CUDA)

static GstStaticCaps cpu_formats = GST_STATIC_CAPS (GST_SYMPIE_CAPS);
static GstStaticCaps cuda_formats = GST_STATIC_CAPS (CUDA_FORMATS);
static GstStaticCaps cuda_memory_formats =
    GST_STATIC_CAPS (CUDA_FORMATS GST_SYMPIE_CUDA_CAPS);
static GstStaticCaps formats =
    GST_STATIC_CAPS (GST_SYMPIE_CAPS GST_SYMPIE_CUDA_CAPS);

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
        GST_SYMPIE_FILTER_PAD_CAPS (GST_SYMPIE_CAPS GST_SYMPIE_CUDA_CAPS));

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_SYMPIE_FILTER_PAD_CAPS (GST_SYMPIE_CAPS GST_SYMPIE_CUDA_CAPS));

#define gst_sympie_enhance_parent_class parent_class
/* Presets are the user's to make. */
G_DEFINE_TYPE_WITH_CODE (GstSympieEnhance, gst_sympie_enhance,
    GST_TYPE_SYMPIE_FILTER, G_IMPLEMENT_INTERFACE (GST_TYPE_PRESET, NULL));
GST_ELEMENT_REGISTER_DEFINE (
    sympieenhance, "sympieenhance", GST_RANK_NONE, GST_TYPE_SYMPIE_ENHANCE);

/* ---- Properties ---------------------------------------------------------- */

static void
gst_sympie_enhance_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (object);
  gchar *reason = NULL;
  gboolean done;

  GST_OBJECT_LOCK (self);
  done = gst_sympie_enhance_properties_set (
      &self->props, id, value, self->parent.running, &reason);
  GST_OBJECT_UNLOCK (self);
  if (!done)
    G_OBJECT_CLASS (parent_class)->set_property (object, id, value, pspec);
  if (reason)
    GST_ELEMENT_WARNING (self, LIBRARY, SETTINGS,
        ("The property %s stays as it is: %s", pspec->name, reason), (NULL));
  g_free (reason);
}

static void
gst_sympie_enhance_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (object);
  gboolean done;

  GST_OBJECT_LOCK (self);
  done = gst_sympie_enhance_properties_get (&self->props, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!done)
    gst_sympie_field_get (object, id, value, pspec);
}

/* ---- Life cycle ---------------------------------------------------------- */

static void
gst_sympie_enhance_set_active_device (
    GstSympieEnhance *self, SympieDevice device)
{
  GST_OBJECT_LOCK (self);
  self->props.active_device = device;
  GST_OBJECT_UNLOCK (self);
  g_object_notify (G_OBJECT (self), "active-device");
}

static void
gst_sympie_enhance_post_open_error (GstSympieEnhance *self,
    const SympieConfig *config, const SympieError *error)
{
  gboolean is_file =
      error->code == SYMPIE_ERROR_FILE || error->code == SYMPIE_ERROR_DAMAGED;

  if (is_file && !g_file_test (config->weights, G_FILE_TEST_EXISTS))
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("Cannot find the weights: %s", error->message), (NULL));
  else if (is_file)
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ,
        ("Cannot use the weights: %s", error->message), (NULL));
  else if (config->device == SYMPIE_DEVICE_CUDA)
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ_WRITE,
        ("Cannot start on the CUDA device: %s", error->message),
        ("cuda-device-id: %d", config->cuda_device));
  else
    GST_ELEMENT_ERROR (self, LIBRARY, INIT,
        ("Cannot start libsympie: %s", error->message), (NULL));
}

/* What was set while the element was stopped may be no good. */
static gboolean
gst_sympie_enhance_check_settings (GstSympieEnhance *self)
{
  const gchar *wrong;
  gchar *error;

  GST_OBJECT_LOCK (self);
  wrong = self->props.parameters_error ? "parameters" : "crop";
  error = g_strdup (self->props.parameters_error ? self->props.parameters_error
                                                 : self->props.crop_error);
  GST_OBJECT_UNLOCK (self);
  if (!error)
    return TRUE;
  GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS,
      ("Cannot use the property %s: %s", wrong, error), (NULL));
  g_free (error);
  return FALSE;
}

/* Opens libsympie on the device that was chosen, or chooses one; with weights
 * only if the parameters are to be estimated. */
static gboolean
gst_sympie_enhance_open (GstSympieEnhance *self)
{
  GstClockTime begin = gst_util_get_timestamp ();
  gboolean estimates = gst_sympie_enhancer_estimates (&self->enhancer);
  SympieConfig config = SYMPIE_CONFIG_INIT;
  gboolean async, opened = FALSE;
  SympieError error;
  gchar *weights;

  GST_OBJECT_LOCK (self);
  weights = gst_sympie_enhance_properties_dup_weights (&self->props);
  async = self->props.estimation == GST_SYMPIE_ESTIMATION_ASYNC;
  config.device = self->props.active_device != SYMPIE_DEVICE_AUTO
                      ? self->props.active_device
                      : self->props.device;
  config.cuda_device = (int) self->props.cuda_device_id;
  config.ignore_gate = self->props.gate == GST_SYMPIE_GATE_OFF;
  config.n_threads = (int) self->parent.n_threads;
  GST_OBJECT_UNLOCK (self);
  config.weights = estimates ? weights : NULL;

  gst_sympie_enhancer_close (&self->enhancer);
  if (gst_sympie_device_choose (
          GST_ELEMENT (self), &config.device, config.cuda_device)) {
    /* No context is no reason to give up: frames in system memory need none. */
    if (config.device == SYMPIE_DEVICE_CUDA)
      gst_sympie_cuda_open (&self->parent.cuda, GST_ELEMENT (self), &config);
    opened = gst_sympie_enhancer_open (&self->enhancer, &config, async, &error);
    if (!opened)
      gst_sympie_enhance_post_open_error (self, &config, &error);
  }
  if (opened) {
    gst_sympie_filter_limit (&self->parent,
        config.device == SYMPIE_DEVICE_CPU ? &cpu_formats
        : !config.cuda_context             ? &cuda_formats
                                           : &cuda_memory_formats,
        config.device == SYMPIE_DEVICE_CPU ? "on the processor"
        : !config.cuda_context             ? "without a CUDA context"
                                           : NULL);
    gst_sympie_enhance_set_active_device (self, config.device);
    GST_INFO_OBJECT (self, "opened on %s in %" GST_TIME_FORMAT ", weights %s",
        config.device == SYMPIE_DEVICE_CUDA ? "CUDA" : "the processor",
        GST_TIME_ARGS (gst_util_get_timestamp () - begin),
        estimates ? weights : "not needed");
  }
  g_free (weights);
  return opened;
}

/* Where parameters go to or come from besides: from the first frame on that is
 * worked on until the stop. */
static gboolean
gst_sympie_enhance_open_notes (GstSympieEnhance *self)
{
  gboolean records;
  gchar *channel, *recording, *reason;

  GST_OBJECT_LOCK (self);
  records = self->props.frame.mode != GST_SYMPIE_MODE_APPLY;
  channel = g_strdup (self->props.channel);
  recording = g_strdup (self->props.recording);
  GST_OBJECT_UNLOCK (self);
  self->has_notes = gst_sympie_notes_open (
      &self->notes, records, channel, recording, &reason);
  if (!self->has_notes && records)
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_WRITE,
        ("Cannot record parameters: %s", reason), (NULL));
  else if (!self->has_notes)
    GST_ELEMENT_ERROR (self, RESOURCE, READ,
        ("Cannot use the recorded parameters: %s", reason), (NULL));
  g_free (channel);
  g_free (recording);
  g_free (reason);
  return self->has_notes;
}

/* Manual parameters may have been taken back since the context was opened. */
static gboolean
gst_sympie_enhance_ensure_open (GstSympieFilter *filter)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (filter);

  return (gst_sympie_enhancer_is_ready (&self->enhancer)
             || (gst_sympie_enhance_check_settings (self)
                 && gst_sympie_enhance_open (self)))
         && (self->has_notes || gst_sympie_enhance_open_notes (self));
}

static void
gst_sympie_enhance_close (GstSympieFilter *filter)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (filter);

  gst_sympie_notes_close (&self->notes);
  self->has_notes = FALSE;
  gst_sympie_enhancer_close (&self->enhancer);
  gst_sympie_enhance_set_active_device (self, SYMPIE_DEVICE_AUTO);
}

static gboolean
gst_sympie_enhance_start (GstBaseTransform *trans)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);

  self->enhancer.tracker.load = (GstSympieLoad){ 0 };
  GST_OBJECT_LOCK (self);
  self->props.stats = (GstSympieEnhancerStats){ 0 };
  self->props.load = 0;
  self->was_late = FALSE;
  self->props.has_last = FALSE;
  /* One that is worked on and one that waits. */
  self->parent.n_held =
      self->props.estimation == GST_SYMPIE_ESTIMATION_ASYNC ? 2 : 0;
  GST_OBJECT_UNLOCK (self);
  return GST_BASE_TRANSFORM_CLASS (parent_class)->start (trans);
}

/* ---- CUDA contexts, which neighbours share ------------------------------- */

static void
gst_sympie_enhance_set_context (GstElement *element, GstContext *context)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (element);

  gst_sympie_cuda_set_context (
      &self->parent.cuda, element, (gint) self->props.cuda_device_id, context);
  GST_ELEMENT_CLASS (parent_class)->set_context (element, context);
}

/* Goes on in the context that the buffer comes from. */
static void
gst_sympie_enhance_follow_context (GstSympieEnhance *self, GstBuffer *buffer)
{
  GstSympieCuda *cuda = &self->parent.cuda;

  if (!self->parent.in_cuda || !gst_sympie_cuda_is_foreign (cuda, buffer))
    return;
  GST_INFO_OBJECT (self, "buffers come from another CUDA context");
  gst_sympie_enhancer_close (&self->enhancer);
  gst_sympie_cuda_adopt (cuda, GST_ELEMENT (self), buffer);
  if (gst_sympie_enhance_open (self))
    gst_base_transform_reconfigure_src (GST_BASE_TRANSFORM (self));
  else
    self->parent.verdict = GST_FLOW_ERROR;
}

/* ---- Frames -------------------------------------------------------------- */

static gboolean
gst_sympie_enhance_is_on (GstSympieFilter *filter)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (filter);

  return self->props.enabled && self->props.frame.strength > 0.0;
}

static void
gst_sympie_enhance_begin_frame (
    GstSympieFilter *filter, GstClockTime stream_time)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (filter);
  GstSympieEnhancerSettings *frame = &self->enhancer.settings;

  *frame = self->props.frame;
  frame->schedule.time = MIN (frame->schedule.time, MAX_TIME);
  frame->smoothing = MIN (frame->smoothing, MAX_TIME);
  self->enhancer.frame.time = stream_time;
  filter->marks = self->props.attach_parameters;
  self->post_messages = self->props.post_messages;
  self->frame_was_late = self->was_late;
  self->was_late = FALSE;
}

/* What is applied where nothing is estimated. */
static GstSympieParamsInfo
gst_sympie_enhance_read_given (GstSympieEnhance *self, GstBuffer *buffer)
{
  const GstSympieEnhancerSettings *settings = &self->enhancer.settings;
  GstSympieParamsInfo given = {
    .params = settings->parameters, .gate = 1, .time = GST_CLOCK_TIME_NONE
  };
  GstSympieParamsInfo carried;
  gchar *reason = NULL;

  if (!settings->manual)
    sympie_params_identity (&given.params);
  if (settings->mode != GST_SYMPIE_MODE_APPLY)
    return given;
  if (gst_sympie_params_meta_get (buffer, &carried, &reason))
    return carried;
  if (reason)
    GST_ELEMENT_WARNING (self, STREAM, FORMAT,
        ("Cannot apply the parameters that a frame carries: %s", reason),
        (NULL));
  g_free (reason);
  if (gst_sympie_notes_read (&self->notes, self->enhancer.frame.time, &carried))
    return carried;
  return given;
}

static GstFlowReturn
gst_sympie_enhance_submit_input_buffer (
    GstBaseTransform *trans, gboolean is_discont, GstBuffer *buffer)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);

  gst_sympie_arrival_note (&self->arrival, trans, buffer);
  return GST_BASE_TRANSFORM_CLASS (parent_class)
      ->submit_input_buffer (trans, is_discont, buffer);
}

static void
gst_sympie_enhance_before_transform (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);

  GST_BASE_TRANSFORM_CLASS (parent_class)->before_transform (trans, buffer);
  if (gst_base_transform_is_passthrough (trans)) {
    gst_sympie_notes_skip (&self->notes);
    return;
  }
  self->lateness =
      gst_sympie_arrival_get_lateness (&self->arrival, trans, buffer);
  self->enhancer.has_regions =
      gst_sympie_regions_get (buffer, &self->enhancer.regions);
  self->enhancer.given = gst_sympie_enhance_read_given (self, buffer);
  gst_sympie_enhance_follow_context (self, buffer);
}

static void
gst_sympie_enhance_end_scene (GstSympieFilter *filter)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (filter);

  gst_sympie_enhancer_end_scene (&self->enhancer);
  gst_sympie_arrival_reset (&self->arrival);
}

static void
gst_sympie_enhance_post (GstSympieEnhance *self, GstStructure *structure)
{
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self), structure));
}

/* Estimates go first where frames are late, frames last. */
static void
gst_sympie_enhance_note_load (GstSympieEnhance *self)
{
  GstSympieLoad *load = &self->enhancer.tracker.load;
  GstClockTime now = gst_util_get_timestamp ();
  gboolean late = self->frame_was_late;
  guint interval;

  if (GST_CLOCK_STIME_IS_VALID (self->lateness))
    late |= gst_sympie_load_is_behind (load, self->lateness,
        gst_sympie_filter_get_frame_duration (&self->parent), now);
  if (!gst_sympie_load_note (load, late, now))
    return;
  GST_OBJECT_LOCK (self);
  self->props.load = load->level;
  interval = gst_sympie_enhance_properties_get_interval (&self->props);
  GST_OBJECT_UNLOCK (self);
  GST_INFO_OBJECT (
      self, "load %u: estimates %u frames apart", load->level, interval);
  gst_sympie_enhance_post (
      self, gst_structure_new ("sympieenhance-load", "load", G_TYPE_UINT,
                load->level, "interval", G_TYPE_UINT, interval, NULL));
}

/* For others. What the mode apply takes is no news of this element's. */
static void
gst_sympie_enhance_note (GstSympieEnhance *self)
{
  const GstSympieEnhancer *enhancer = &self->enhancer;

  if (enhancer->settings.mode == GST_SYMPIE_MODE_APPLY) {
    gst_sympie_notes_skip (&self->notes);
    return;
  }
  if (!gst_sympie_notes_check_alone (&self->notes))
    GST_ELEMENT_WARNING (self, RESOURCE, BUSY,
        ("Another element tells parameters on the channel '%s', too",
            self->props.channel),
        (NULL));
  if (!gst_sympie_notes_write (
          &self->notes, enhancer->frame.time, &enhancer->info))
    GST_ELEMENT_WARNING (self, RESOURCE, WRITE,
        ("Cannot record parameters from here on: %s: %s", self->props.recording,
            g_strerror (errno)),
        (NULL));
}

/* Tells of the frame in hand, or of an estimate that no frame waited for:
 * properties, messages, notes. */
static void
gst_sympie_enhance_publish (GstSympieEnhance *self)
{
  const GstSympieEnhancerStats *done = &self->enhancer.stats;
  const GstSympieParamsInfo *info = &self->enhancer.info;
  gboolean reused =
      gst_sympie_enhancer_estimates (&self->enhancer) && done->estimates == 0;
  /* At the end the latest frame is gone, perhaps with other parameters. */
  gboolean is_used =
      done->frames > 0
      || self->enhancer.settings.mode == GST_SYMPIE_MODE_ESTIMATE;
  GstClockTime now = gst_util_get_timestamp ();

  GST_OBJECT_LOCK (self);
  if (is_used) {
    self->props.last = *info;
    self->props.has_last = TRUE;
  }
  self->props.stats.frames += done->frames;
  self->props.stats.estimates += done->estimates;
  self->props.stats.reused += reused;
  self->props.stats.shed += done->shed;
  self->props.stats.untouched += done->untouched;
  self->props.stats.estimate_time += done->estimate_time;
  self->props.stats.apply_time += done->apply_time;
  GST_OBJECT_UNLOCK (self);
  GST_LOG_OBJECT (self,
      "parameters %u frames old, estimates took %" GST_TIME_FORMAT
      ", application %" GST_TIME_FORMAT,
      info->age, GST_TIME_ARGS (done->estimate_time),
      GST_TIME_ARGS (done->apply_time));

  if (self->post_messages && done->estimates > 0)
    gst_sympie_enhance_post (self,
        gst_sympie_params_info_to_structure (info, "sympieenhance-parameters"));
  if (!is_used)
    return;
  gst_sympie_enhance_note (self);
  if (self->notified == 0 || now >= self->notified + NOTIFY_TIME) {
    self->notified = now;
    g_object_notify (G_OBJECT (self), "last-parameters");
  }
}

static gboolean
gst_sympie_enhance_prepare (GstSympieFilter *filter, const GstSympieView *views,
    guint n, gboolean *changes, SympieError *error)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (filter);

  gst_sympie_enhance_note_load (self);
  self->enhancer.frame.previous = self->arrival.previous;
  if (!gst_sympie_enhancer_prepare (&self->enhancer, views, n, changes, error))
    return FALSE;
  if (!*changes)
    gst_sympie_enhance_publish (self);
  return TRUE;
}

static gboolean
gst_sympie_enhance_apply (GstSympieFilter *filter, const GstSympieView *src,
    const GstSympieView *dst, guint n, SympieError *error)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (filter);

  if (!gst_sympie_enhancer_apply (&self->enhancer, src, dst, n, error))
    return FALSE;
  gst_sympie_enhance_publish (self);
  return TRUE;
}

static void
gst_sympie_enhance_mark (GstSympieFilter *filter, GstBuffer *buffer)
{
  gst_sympie_params_meta_set (
      buffer, &GST_SYMPIE_ENHANCE (filter)->enhancer.info);
}

/* ---- Events -------------------------------------------------------------- */

/* At the end: no frame comes any more to take what is estimated aside. */
static void
gst_sympie_enhance_drain (GstSympieEnhance *self)
{
  SympieError error;

  switch (gst_sympie_enhancer_drain (&self->enhancer, &error)) {
  case GST_SYMPIE_ESTIMATE_READY:
    gst_sympie_enhance_publish (self);
    break;
  case GST_SYMPIE_ESTIMATE_FAILED:
    GST_ELEMENT_ERROR (self, STREAM, FAILED,
        ("Cannot estimate from the last frames: %s", error.message), (NULL));
    break;
  case GST_SYMPIE_ESTIMATE_NONE:
    break;
  }
}

/* At the end: a channel that no one told anything on may have another name. */
static void
gst_sympie_enhance_check_channel (GstSympieEnhance *self)
{
  if (self->notes.has_sought && !self->notes.has_found)
    GST_ELEMENT_WARNING (self, RESOURCE, NOT_FOUND,
        ("No frame found parameters on the channel '%s'", self->props.channel),
        (NULL));
}

/* The element scenechange marks a new scene by an event that asks for a key
 * frame. */
static gboolean
gst_sympie_enhance_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);

  if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM
      && gst_video_event_is_force_key_unit (event))
    self->enhancer.cut = TRUE;
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS) {
    gst_sympie_enhance_drain (self);
    gst_sympie_enhance_check_channel (self);
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->sink_event (trans, event);
}

static gboolean
gst_sympie_enhance_src_event (GstBaseTransform *trans, GstEvent *event)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);
  GstClockTimeDiff jitter;
  GstQOSType type;

  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS) {
    gst_event_parse_qos (event, &type, NULL, &jitter, NULL);
    GST_OBJECT_LOCK (self);
    /* A sink that throttles wants fewer frames, not earlier ones. */
    self->was_late |= jitter > 0 && type != GST_QOS_TYPE_THROTTLE;
    GST_OBJECT_UNLOCK (self);
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->src_event (trans, event);
}

/* ---- Class --------------------------------------------------------------- */

static void
gst_sympie_enhance_finalize (GObject *object)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (object);

  gst_sympie_enhance_properties_clear (&self->props);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_sympie_enhance_class_init (GstSympieEnhanceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);
  GstSympieFilterClass *filter_class = GST_SYMPIE_FILTER_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      gst_sympie_enhance_debug, "sympieenhance", 0, "SyMPIE video enhancement");

  object_class->set_property = gst_sympie_enhance_set_property;
  object_class->get_property = gst_sympie_enhance_get_property;
  object_class->finalize = gst_sympie_enhance_finalize;
  gst_sympie_enhance_properties_install (
      object_class, G_STRUCT_OFFSET (GstSympieEnhance, props));
  gst_sympie_params_meta_register ();

  gst_element_class_set_static_metadata (element_class,
      "SyMPIE video enhancement", "Filter/Effect/Video",
      "Makes degraded video easier to understand for vision models",
      GST_SYMPIE_AUTHOR);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  element_class->set_context =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_set_context);

  trans_class->start = GST_DEBUG_FUNCPTR (gst_sympie_enhance_start);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_sympie_enhance_sink_event);
  trans_class->src_event = GST_DEBUG_FUNCPTR (gst_sympie_enhance_src_event);
  trans_class->submit_input_buffer =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_submit_input_buffer);
  trans_class->before_transform =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_before_transform);

  filter_class->verb = "enhance";
  filter_class->formats = &formats;
  filter_class->is_on = gst_sympie_enhance_is_on;
  filter_class->begin_frame = gst_sympie_enhance_begin_frame;
  filter_class->ensure_open = gst_sympie_enhance_ensure_open;
  filter_class->close = gst_sympie_enhance_close;
  filter_class->end_scene = gst_sympie_enhance_end_scene;
  filter_class->prepare = gst_sympie_enhance_prepare;
  filter_class->apply = gst_sympie_enhance_apply;
  filter_class->mark = gst_sympie_enhance_mark;
}

static void
gst_sympie_enhance_init (GstSympieEnhance *self)
{
  self->enhancer.filter = GST_SYMPIE_FILTER (self);
  gst_sympie_arrival_reset (&self->arrival);
}
