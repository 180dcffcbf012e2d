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
 * NEM costs much more than DWM on small frames, and need not look at each of
 * them: #GstSympieEnhance:reuse-interval and #GstSympieEnhance:reuse-time keep
 * an estimate for a number of frames or a time, with #GstSympieEnhance:reuse
 * adaptive until a thumbnail of the picture has changed. A scene that begins is
 * estimated from at once: after a cut that the thumbnail shows or the element
 * scenechange tells of, a flush, new caps, a new stream, a jump in time of more
 * than a second and ten frames, or frames that the element does not change
 * because of #GstSympieEnhance:enabled or #GstSympieEnhance:strength. Frames
 * that were dropped, here or before, end no scene.
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
 * #GstSympieEnhance:parameters takes 37 numbers given by hand in the place of
 * NEM; no weights are read then.
 *
 * ## Colour
 *
 * Matrix, range and chroma site are those of the caps, or, where the caps say
 * nothing, GStreamer's defaults for the format and size. Video in HLG, which
 * phones record, is taken as the signal that it is: it was made to be shown as
 * it is on screens of standard dynamic range, and comes out as HLG. What is not
 * gamma-coded (PQ, linear light) would be mangled, and so would YUV formats
 * with the colour matrix RGB: negotiation keeps them out, so that a converter
 * before the element converts them.
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
 * element takes any raw video in any memory, reads no weights, opens no device
 * and passes buffers on as they are. Switched on while playing, it has upstream
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
 *
 * Since: 0.1
 */

#include "gstsympieenhance.h"

#include <stdlib.h>

#include "aside.h"
#include "gstsympiedevice.h"
#include "gstsympieparams.h"
#include "tracker.h"

GST_DEBUG_CATEGORY_STATIC (gst_sympie_enhance_debug);
#define GST_CAT_DEFAULT gst_sympie_enhance_debug

enum
{
  PROP_0,
  PROP_WEIGHTS,
  PROP_DEVICE,
  PROP_ACTIVE_DEVICE,
  PROP_CUDA_DEVICE_ID,
  PROP_ENABLED,
  PROP_STRENGTH,
  PROP_ITERATIONS,
  PROP_REUSE_INTERVAL,
  PROP_REUSE_TIME,
  PROP_REUSE,
  PROP_SMOOTHING,
  PROP_ESTIMATION,
  PROP_GATE,
  PROP_MODE,
  PROP_ATTACH_PARAMETERS,
  PROP_POST_MESSAGES,
  PROP_PARAMETERS,
  PROP_LAST_PARAMETERS,
  PROP_STATS,
};

#define DEFAULT_DEVICE SYMPIE_DEVICE_AUTO
#define DEFAULT_CUDA_DEVICE_ID 0
#define DEFAULT_ENABLED TRUE
#define DEFAULT_STRENGTH 1.0
#define DEFAULT_ITERATIONS 1
#define MAX_ITERATIONS GST_SYMPIE_MAX_ITERATIONS
#define DEFAULT_REUSE_INTERVAL 1
#define DEFAULT_REUSE_TIME 0
#define MAX_TIME (24 * 3600 * GST_SECOND) /* more is as much */
#define DEFAULT_REUSE GST_SYMPIE_REUSE_FIXED
#define DEFAULT_SMOOTHING 0
#define DEFAULT_ESTIMATION ESTIMATION_SYNC
#define DEFAULT_GATE GATE_AUTO
#define DEFAULT_MODE MODE_ENHANCE
#define DEFAULT_ATTACH_PARAMETERS FALSE
#define DEFAULT_POST_MESSAGES FALSE

/* last-parameters is notified at most that often. */
#define NOTIFY_TIME (200 * GST_MSECOND)

typedef enum
{
  ESTIMATION_SYNC,
  ESTIMATION_ASYNC
} Estimation;

typedef enum
{
  GATE_AUTO,
  GATE_OFF,
} Gate;

typedef enum
{
  MODE_ENHANCE,
  MODE_ESTIMATE,
  MODE_APPLY
} Mode;

/* The properties that may change from one frame to the next. */
typedef struct
{
  gdouble strength; /* 0 to 1: blend of identity and parameters */
  guint iterations; /* 1 to MAX_ITERATIONS */
  GstSympieTrackerSettings tracker;
  gboolean manual; /* take `parameters`, do not estimate */
  SympieParams parameters;
  Mode mode;
  gboolean attach_parameters, post_messages;
} Settings;

/* What was done; times in nanoseconds. */
typedef struct
{
  guint64 frames;
  guint64 estimates;
  guint64 reused;    /* frames without an estimate of their own */
  guint64 untouched; /* frames that their parameters would leave as they are */
  guint64 shed;      /* estimates that made way for newer ones */
  GstClockTime estimate_time;
  GstClockTime apply_time;
} Stats;

struct _GstSympieEnhance
{
  GstSympieFilter parent;

  /* The object lock guards these; it is never held while a frame is worked
   * on. */
  gchar *weights;
  SympieDevice device;
  SympieDevice active_device;
  guint cuda_device_id;
  gboolean enabled;
  Settings settings;
  Estimation estimation;
  Gate gate;
  gboolean was_late; /* a frame, says downstream */
  guint load;
  gchar *parameters_error; /* why `parameters` cannot be used, or NULL */
  gboolean has_last_parameters;
  SympieParams last_parameters;
  gdouble last_gate;
  Stats stats;

  /* The rest belongs to the streaming thread, and while there is none to
   * start and stop. */
  SympieContext *context;
  gboolean can_estimate; /* the context has weights */

  GstSympieAside aside; /* estimation=async, on the processor */
  GstSympieTracker tracker;
  gboolean cut; /* upstream says that a scene begins with the next frame */
  GstClockTime notified;

  /* The frame in hand. */
  Settings frame_settings;
  GstSympieFrame frame;
  SympieThumbnail thumbnail;
  GstSympieParamsInfo given; /* in the place of estimates */
  const SympieImage *image;  /* to be estimated from */
  SympieParams params;       /* of the iteration at hand, before the strength */
  GstSympieParamsInfo frame_info; /* of the first iteration */
  gboolean frame_was_late;
  Stats frame_stats;
};

static GType
gst_sympie_reuse_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { GST_SYMPIE_REUSE_FIXED, "For reuse-interval and reuse-time", "fixed" },
    { GST_SYMPIE_REUSE_ADAPTIVE, "Until the picture has changed", "adaptive" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstSympieReuse", values));
  return type;
}

static GType
gst_sympie_estimation_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { ESTIMATION_SYNC, "Before the frame goes on", "sync" },
    { ESTIMATION_ASYNC, "In a thread beside, for frames to come", "async" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstSympieEstimation", values));
  return type;
}

static GType
gst_sympie_gate_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { GATE_AUTO, "As the weights say", "auto" },
    { GATE_OFF, "Open: all estimates count in full", "off" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstSympieGate", values));
  return type;
}

static GType
gst_sympie_mode_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { MODE_ENHANCE, "Estimate and apply", "enhance" },
    { MODE_ESTIMATE, "Estimate only: frames pass untouched", "estimate" },
    { MODE_APPLY, "Apply the parameters that frames carry", "apply" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("GstSympieMode", values));
  return type;
}

/* On the processor; on CUDA; there with frames in CUDA memory too; anywhere. */
#define CPU_FORMATS "video/x-raw, " GST_SYMPIE_CAPS_FIELDS
#define CUDA_FORMATS                                                           \
  "video/x-raw, " GST_SYMPIE_CAPS_FIELDS_OF (GST_SYMPIE_FORMATS_CUDA)

static GstStaticCaps cpu_formats = GST_STATIC_CAPS (CPU_FORMATS);
static GstStaticCaps cuda_formats = GST_STATIC_CAPS (CUDA_FORMATS);
static GstStaticCaps cuda_memory_formats =
    GST_STATIC_CAPS (CUDA_FORMATS GST_SYMPIE_CUDA_CAPS);
static GstStaticCaps formats =
    GST_STATIC_CAPS (CPU_FORMATS GST_SYMPIE_CUDA_CAPS);

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
        GST_SYMPIE_FILTER_PAD_CAPS (CPU_FORMATS GST_SYMPIE_CUDA_CAPS));

static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS,
        GST_SYMPIE_FILTER_PAD_CAPS (CPU_FORMATS GST_SYMPIE_CUDA_CAPS));

#define gst_sympie_enhance_parent_class parent_class
/* Presets are the user's to make. */
G_DEFINE_TYPE_WITH_CODE (GstSympieEnhance, gst_sympie_enhance,
    GST_TYPE_SYMPIE_FILTER, G_IMPLEMENT_INTERFACE (GST_TYPE_PRESET, NULL));
GST_ELEMENT_REGISTER_DEFINE (
    sympieenhance, "sympieenhance", GST_RANK_NONE, GST_TYPE_SYMPIE_ENHANCE);

/* ---- Properties ---------------------------------------------------------- */

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

/* Setting a property cannot fail: what is no good stays out while frames are
 * worked on, and otherwise is an error at the start. */
static void
gst_sympie_enhance_set_parameters (GstSympieEnhance *self, const GValue *array)
{
  gboolean manual = gst_value_array_get_size (array) > 0;
  gboolean running = gst_sympie_filter_is_running (GST_SYMPIE_FILTER (self));
  SympieParams params;
  gchar *error = NULL;

  if (manual && !gst_sympie_params_from_value (&params, array, &error)
      && running) {
    GST_ELEMENT_WARNING (self, LIBRARY, SETTINGS,
        ("The property parameters stays as it is: %s", error), (NULL));
    g_free (error);
    return;
  }
  GST_OBJECT_LOCK (self);
  g_free (self->parameters_error);
  self->parameters_error = error;
  self->settings.manual = manual;
  if (manual && !error)
    self->settings.parameters = params;
  GST_OBJECT_UNLOCK (self);
}

static void
gst_sympie_enhance_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (object);

  if (!gst_sympie_filter_may_set (GST_SYMPIE_FILTER (self), pspec))
    return;
  if (id == PROP_PARAMETERS) {
    gst_sympie_enhance_set_parameters (self, value);
    return;
  }
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
    self->settings.tracker.schedule.interval = g_value_get_uint (value);
    break;
  case PROP_REUSE_TIME:
    self->settings.tracker.schedule.time =
        MIN (g_value_get_uint64 (value), MAX_TIME);
    break;
  case PROP_REUSE:
    self->settings.tracker.schedule.reuse = g_value_get_enum (value);
    break;
  case PROP_SMOOTHING:
    self->settings.tracker.smoothing =
        MIN (g_value_get_uint64 (value), MAX_TIME);
    break;
  case PROP_ESTIMATION:
    self->estimation = g_value_get_enum (value);
    break;
  case PROP_GATE:
    self->gate = g_value_get_enum (value);
    break;
  case PROP_MODE:
    self->settings.mode = g_value_get_enum (value);
    break;
  case PROP_ATTACH_PARAMETERS:
    self->settings.attach_parameters = g_value_get_boolean (value);
    break;
  case PROP_POST_MESSAGES:
    self->settings.post_messages = g_value_get_boolean (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK (self);
  gst_sympie_filter_settings_changed (GST_SYMPIE_FILTER (self));
}

/* Frames that an estimate serves at least, as the load makes it. */
static guint
gst_sympie_enhance_get_interval (GstSympieEnhance *self)
{
  guint64 interval = self->settings.tracker.schedule.interval;

  return (guint) MIN (interval << self->load, G_MAXUINT);
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
    g_value_set_uint (value, self->settings.tracker.schedule.interval);
    break;
  case PROP_REUSE_TIME:
    g_value_set_uint64 (value, self->settings.tracker.schedule.time);
    break;
  case PROP_REUSE:
    g_value_set_enum (value, self->settings.tracker.schedule.reuse);
    break;
  case PROP_SMOOTHING:
    g_value_set_uint64 (value, self->settings.tracker.smoothing);
    break;
  case PROP_ESTIMATION:
    g_value_set_enum (value, self->estimation);
    break;
  case PROP_GATE:
    g_value_set_enum (value, self->gate);
    break;
  case PROP_MODE:
    g_value_set_enum (value, self->settings.mode);
    break;
  case PROP_ATTACH_PARAMETERS:
    g_value_set_boolean (value, self->settings.attach_parameters);
    break;
  case PROP_POST_MESSAGES:
    g_value_set_boolean (value, self->settings.post_messages);
    break;
  case PROP_PARAMETERS:
    if (self->settings.manual && !self->parameters_error)
      gst_sympie_params_to_value (&self->settings.parameters, value);
    break;
  case PROP_LAST_PARAMETERS:
    if (self->has_last_parameters)
      gst_sympie_params_to_value (&self->last_parameters, value);
    break;
  case PROP_STATS:
    g_value_take_boxed (value,
        gst_structure_new ("application/x-sympie-enhance-stats", "frames",
            G_TYPE_UINT64, self->stats.frames, "estimates", G_TYPE_UINT64,
            self->stats.estimates, "reused", G_TYPE_UINT64, self->stats.reused,
            "untouched", G_TYPE_UINT64, self->stats.untouched, "gate",
            G_TYPE_DOUBLE, self->last_gate, "shed", G_TYPE_UINT64,
            self->stats.shed, "interval", G_TYPE_UINT,
            gst_sympie_enhance_get_interval (self), "estimate-time",
            G_TYPE_UINT64, self->stats.estimate_time, "apply-time",
            G_TYPE_UINT64, self->stats.apply_time, NULL));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK (self);
}

/* ---- Life cycle ---------------------------------------------------------- */

static void
gst_sympie_enhance_set_active_device (
    GstSympieEnhance *self, SympieDevice device)
{
  GST_OBJECT_LOCK (self);
  self->active_device = device;
  GST_OBJECT_UNLOCK (self);
  g_object_notify (G_OBJECT (self), "active-device");
}

static void
gst_sympie_enhance_close_context (GstSympieEnhance *self)
{
  GstSympieCuda *cuda = gst_sympie_filter_get_cuda (GST_SYMPIE_FILTER (self));

  gst_sympie_aside_close (&self->aside);
  gst_sympie_cuda_enter (cuda);
  sympie_close (self->context);
  gst_sympie_cuda_leave (cuda);
  self->context = NULL;
}

static void
gst_sympie_enhance_post_open_error (GstSympieEnhance *self,
    const SympieConfig *config, const gchar *weights, const char *error)
{
  if (config->weights && !g_file_test (weights, G_FILE_TEST_EXISTS))
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("Cannot find the weights: %s", error), ("weights: %s", weights));
  else if (config->device == SYMPIE_DEVICE_CUDA)
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ_WRITE,
        ("Cannot start on the CUDA device: %s", error),
        ("cuda-device-id: %d, weights: %s", config->cuda_device, weights));
  else if (config->weights)
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ,
        ("Cannot use the weights: %s", error), ("weights: %s", weights));
  else
    GST_ELEMENT_ERROR (
        self, LIBRARY, INIT, ("Cannot start libsympie: %s", error), (NULL));
}

/* Opens libsympie on the device that was chosen, or chooses one; with weights
 * only if the parameters are to be estimated. */
static gboolean
gst_sympie_enhance_open_context (GstSympieEnhance *self, gboolean estimating)
{
  GstSympieFilter *filter = GST_SYMPIE_FILTER (self);
  GstSympieCuda *cuda = gst_sympie_filter_get_cuda (filter);
  SympieConfig config = SYMPIE_CONFIG_INIT;
  GstClockTime begin = gst_util_get_timestamp ();
  gboolean aside, opened = TRUE;
  SympieError error;
  gchar *weights;

  GST_OBJECT_LOCK (self);
  aside = estimating && self->estimation == ESTIMATION_ASYNC;
  weights = gst_sympie_enhance_dup_weights (self);
  config.device = self->active_device != SYMPIE_DEVICE_AUTO
                      ? self->active_device
                      : self->device;
  config.cuda_device = (int) self->cuda_device_id;
  config.ignore_gate = self->gate == GATE_OFF;
  GST_OBJECT_UNLOCK (self);
  config.n_threads = (int) gst_sympie_filter_get_n_threads (filter);
  if (estimating)
    config.weights = weights;

  gst_sympie_enhance_close_context (self);
  if (!gst_sympie_device_choose (
          GST_ELEMENT (self), &config.device, config.cuda_device)) {
    g_free (weights);
    return FALSE;
  }
  if (config.device == SYMPIE_DEVICE_CUDA) {
    /* None is no reason to give up: frames in system memory need none. */
    gst_sympie_cuda_open (cuda, GST_ELEMENT (self), config.cuda_device);
    config.cuda_context = gst_sympie_cuda_handle (cuda);
    config.cuda_stream = gst_sympie_cuda_stream (cuda);
  }
  if (aside && config.device == SYMPIE_DEVICE_CPU)
    opened = gst_sympie_aside_open (&self->aside, &config, &error);
  gst_sympie_cuda_enter (cuda);
  self->context = opened ? sympie_open (&config, &error) : NULL;
  gst_sympie_cuda_leave (cuda);
  if (self->context) {
    self->can_estimate = estimating;
    gst_sympie_filter_limit (filter,
        config.device == SYMPIE_DEVICE_CPU ? &cpu_formats
        : !config.cuda_context             ? &cuda_formats
                                           : &cuda_memory_formats,
        config.device == SYMPIE_DEVICE_CPU ? "on the processor"
        : !config.cuda_context             ? "without a CUDA context"
                                           : NULL);
    gst_sympie_enhance_set_active_device (self, sympie_device (self->context));
    GST_INFO_OBJECT (self, "opened on %s in %" GST_TIME_FORMAT ", weights %s",
        config.device == SYMPIE_DEVICE_CUDA ? "CUDA" : "the processor",
        GST_TIME_ARGS (gst_util_get_timestamp () - begin),
        estimating ? weights : "not needed");
  } else {
    if (estimating)
      config.weights = weights;
    gst_sympie_enhance_post_open_error (self, &config, weights, error.message);
  }
  g_free (weights);
  return self->context != NULL;
}

/* Whether the frame in hand may be estimated from. */
static gboolean
gst_sympie_enhance_estimates (GstSympieEnhance *self)
{
  return !self->frame_settings.manual
         && self->frame_settings.mode != MODE_APPLY;
}

/* Manual parameters may have been taken back since the context was opened. */
static gboolean
gst_sympie_enhance_ensure_open (GstSympieFilter *filter)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (filter);
  gboolean estimating = gst_sympie_enhance_estimates (self);

  return (self->context && (!estimating || self->can_estimate))
         || gst_sympie_enhance_open_context (self, estimating);
}

static void
gst_sympie_enhance_close (GstSympieFilter *filter)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (filter);

  gst_sympie_enhance_close_context (self);
  gst_sympie_enhance_set_active_device (self, SYMPIE_DEVICE_AUTO);
}

static gboolean
gst_sympie_enhance_start (GstBaseTransform *trans)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);
  gchar *error;

  GST_OBJECT_LOCK (self);
  error = g_strdup (self->parameters_error);
  self->stats = (Stats){ 0 };
  self->load = 0;
  self->was_late = FALSE;
  self->has_last_parameters = FALSE;
  self->last_gate = 1;
  GST_OBJECT_UNLOCK (self);
  if (error) {
    GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS,
        ("Cannot use the property parameters: %s", error), (NULL));
    g_free (error);
    return FALSE;
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->start (trans);
}

/* ---- CUDA contexts, which neighbours share --------------------------------
 */

static void
gst_sympie_enhance_set_context (GstElement *element, GstContext *context)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (element);

  gst_sympie_cuda_set_context (
      gst_sympie_filter_get_cuda (GST_SYMPIE_FILTER (self)), element,
      (gint) self->cuda_device_id, context);
  GST_ELEMENT_CLASS (parent_class)->set_context (element, context);
}

static gboolean
gst_sympie_enhance_query (
    GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_CONTEXT
      && gst_sympie_cuda_query (
          gst_sympie_filter_get_cuda (GST_SYMPIE_FILTER (trans)),
          GST_ELEMENT (trans), query))
    return TRUE;
  return GST_BASE_TRANSFORM_CLASS (parent_class)
      ->query (trans, direction, query);
}

/* What is applied where nothing is estimated. */
static void
gst_sympie_enhance_read_given (GstSympieEnhance *self, GstBuffer *buffer)
{
  const Settings *settings = &self->frame_settings;
  GstSympieParamsInfo info;
  gchar *reason = NULL;

  self->given = (GstSympieParamsInfo){
    .params = settings->parameters, .gate = 1, .time = GST_CLOCK_TIME_NONE
  };
  if (!settings->manual)
    sympie_params_identity (&self->given.params);
  if (settings->mode != MODE_APPLY)
    return;
  if (gst_sympie_params_meta_get (buffer, &info, &reason))
    self->given = info;
  else if (reason)
    GST_ELEMENT_WARNING (self, STREAM, FORMAT,
        ("Cannot apply the parameters that a frame carries: %s", reason),
        (NULL));
  g_free (reason);
}

/* Goes on in the context that the buffers come from. */
static void
gst_sympie_enhance_before_transform (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);
  GstSympieFilter *filter = GST_SYMPIE_FILTER (trans);
  GstSympieCuda *cuda = gst_sympie_filter_get_cuda (filter);

  GST_BASE_TRANSFORM_CLASS (parent_class)->before_transform (trans, buffer);
  gst_sympie_enhance_read_given (self, buffer);
  if (gst_base_transform_is_passthrough (trans)
      || !gst_sympie_filter_is_in_cuda (filter)
      || !gst_sympie_cuda_is_foreign (cuda, buffer))
    return;
  GST_INFO_OBJECT (self, "buffers come from another CUDA context");
  gst_sympie_enhance_close_context (self);
  gst_sympie_cuda_adopt (cuda, buffer);
  /* On failure there is no context, which ensure_open() tells. */
  if (gst_sympie_enhance_open_context (
          self, gst_sympie_enhance_estimates (self)))
    gst_base_transform_reconfigure_src (trans);
}

/* ---- Frames -------------------------------------------------------------- */

static gboolean
gst_sympie_enhance_is_on (GstSympieFilter *filter)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (filter);

  return self->enabled && self->settings.strength > 0.0;
}

static void
gst_sympie_enhance_begin_frame (
    GstSympieFilter *filter, GstClockTime stream_time)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (filter);

  self->frame_settings = self->settings;
  self->frame.time = stream_time;
  self->frame_was_late = self->was_late;
  self->was_late = FALSE;
}

static void
gst_sympie_enhance_end_scene (GstSympieFilter *filter)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (filter);

  if (self->aside.estimator)
    gst_sympie_estimator_flush (self->aside.estimator);
  gst_sympie_tracker_reset (&self->tracker);
  self->cut = FALSE;
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
  GstSympieFilter *filter = GST_SYMPIE_FILTER (self);
  GstClockTimeDiff lateness = gst_sympie_filter_get_lateness (filter);
  GstClockTime now = gst_util_get_timestamp ();
  gboolean late = self->frame_was_late;
  guint interval;

  if (GST_CLOCK_STIME_IS_VALID (lateness))
    late |= gst_sympie_load_is_behind (
        &self->tracker.load, lateness, self->frame.duration, now);
  if (!gst_sympie_load_note (&self->tracker.load, late, now))
    return;
  GST_OBJECT_LOCK (self);
  self->load = self->tracker.load.level;
  interval = gst_sympie_enhance_get_interval (self);
  GST_OBJECT_UNLOCK (self);
  GST_INFO_OBJECT (self, "load %u: estimates %u frames apart",
      self->tracker.load.level, interval);
  gst_sympie_enhance_post (self,
      gst_structure_new ("sympieenhance-load", "load", G_TYPE_UINT,
          self->tracker.load.level, "interval", G_TYPE_UINT, interval, NULL));
}

/* Tells of the frame in hand: properties, messages. */
static void
gst_sympie_enhance_publish (GstSympieEnhance *self)
{
  const Stats *done = &self->frame_stats;
  gboolean reused = gst_sympie_enhance_estimates (self) && done->estimates == 0;
  GstClockTime now = gst_util_get_timestamp ();

  GST_OBJECT_LOCK (self);
  self->last_parameters = self->frame_info.params;
  self->last_gate = self->frame_info.gate;
  self->has_last_parameters = TRUE;
  self->stats.frames++;
  self->stats.estimates += done->estimates;
  self->stats.reused += reused;
  self->stats.shed += done->shed;
  self->stats.untouched += done->untouched;
  self->stats.estimate_time += done->estimate_time;
  self->stats.apply_time += done->apply_time;
  GST_OBJECT_UNLOCK (self);
  GST_LOG_OBJECT (self,
      "parameters %u frames old, estimates took %" GST_TIME_FORMAT
      ", application %" GST_TIME_FORMAT,
      self->frame_info.age, GST_TIME_ARGS (done->estimate_time),
      GST_TIME_ARGS (done->apply_time));

  if (self->frame_settings.post_messages && done->estimates > 0)
    gst_sympie_enhance_post (
        self, gst_sympie_params_info_to_structure (
                  &self->frame_info, "sympieenhance-parameters"));
  if (self->notified == 0 || now >= self->notified + NOTIFY_TIME) {
    self->notified = now;
    g_object_notify (G_OBJECT (self), "last-parameters");
  }
}

static gboolean
gst_sympie_enhance_estimate (gpointer user, guint iteration,
    SympieParams *params, gfloat *gate, SympieError *error)
{
  GstSympieEnhance *self = user;
  GstClockTime begin = gst_util_get_timestamp ();

  if (!sympie_estimate (self->context, self->image, params, gate, error))
    return FALSE;
  self->frame_stats.estimates++;
  self->frame_stats.estimate_time += gst_util_get_timestamp () - begin;
  return TRUE;
}

/* Has the frame in hand estimated from aside, and takes what came of an earlier
 * one. */
static gboolean
gst_sympie_enhance_estimate_aside (
    GstSympieEnhance *self, gboolean wanted, SympieError *error)
{
  GstSympieEstimate estimate;
  GstSympieHeld *held;

  switch (gst_sympie_estimator_take (self->aside.estimator, &estimate, error)) {
  case GST_SYMPIE_ESTIMATE_FAILED:
    return FALSE;
  case GST_SYMPIE_ESTIMATE_READY:
    gst_sympie_tracker_put (&self->tracker, 0, &estimate);
    self->frame_stats.estimates++;
    self->frame_stats.estimate_time += estimate.took;
    break;
  case GST_SYMPIE_ESTIMATE_NONE:
    break;
  }
  if (!wanted)
    return TRUE;
  held = gst_sympie_filter_hold_frame (GST_SYMPIE_FILTER (self));
  if (!held)
    return FALSE;
  estimate = gst_sympie_tracker_about (&self->tracker, &self->frame);
  self->frame_stats.shed +=
      gst_sympie_estimator_submit (self->aside.estimator, held, &estimate);
  return TRUE;
}

/* The parameters of an iteration over a frame that now looks like `image`. */
static gboolean
gst_sympie_enhance_get_parameters (GstSympieEnhance *self, guint iteration,
    const SympieImage *image, SympieParams *params, SympieError *error)
{
  const Settings *settings = &self->frame_settings;
  gboolean aside = self->aside.estimator && iteration == 0;

  if (!gst_sympie_enhance_estimates (self)) {
    *params = self->frame_info.params;
    return TRUE;
  }
  self->image = image;
  if (!gst_sympie_tracker_get (&self->tracker, &settings->tracker, &self->frame,
          iteration, aside ? NULL : gst_sympie_enhance_estimate, self, params,
          error))
    return FALSE;
  if (iteration == 0)
    gst_sympie_tracker_get_info (&self->tracker, &self->frame_info);
  return TRUE;
}

/* Whether one call of the library can do an iteration of `n` images: on CUDA
 * the frame and its parameters then stay on the device in between. */
static gboolean
gst_sympie_enhance_is_one_step (
    GstSympieEnhance *self, guint iteration, guint n)
{
  return n == 1 && gst_sympie_enhance_estimates (self)
         && self->frame_settings.mode == MODE_ENHANCE
         && self->frame_settings.tracker.smoothing == 0
         && (self->tracker.estimates || iteration >= self->tracker.n_targets)
         && sympie_device (self->context) == SYMPIE_DEVICE_CUDA;
}

static SympieParams
gst_sympie_enhance_blend (GstSympieEnhance *self, const SympieParams *params)
{
  SympieParams blended;

  sympie_params_identity (&blended);
  sympie_params_blend (
      &blended, params, (float) self->frame_settings.strength, &blended);
  return blended;
}

/* What is known of the frame in hand before it is decided whether to estimate.
 * Thumbnails are for changes and cuts, where these matter. */
static gboolean
gst_sympie_enhance_glance (
    GstSympieEnhance *self, const SympieImage *image, SympieError *error)
{
  const GstSympieTrackerSettings *settings = &self->frame_settings.tracker;

  self->frame.duration =
      gst_sympie_filter_get_frame_duration (GST_SYMPIE_FILTER (self));
  self->frame.previous =
      gst_sympie_filter_get_previous_time (GST_SYMPIE_FILTER (self));
  self->frame.cut = self->cut;
  self->cut = FALSE;
  self->frame.thumbnail = NULL;
  if (image->memory != SYMPIE_MEMORY_HOST
      || (settings->schedule.reuse == GST_SYMPIE_REUSE_FIXED
          && settings->schedule.interval == 1 && settings->schedule.time == 0
          && settings->smoothing == 0))
    return TRUE;
  self->frame.thumbnail = &self->thumbnail;
  return sympie_thumbnail (image, &self->thumbnail, error);
}

/* Estimates before it is decided where the frame goes: one that the parameters
 * would leave as it is passes. */
static gboolean
gst_sympie_enhance_prepare (GstSympieFilter *filter, const GstSympieView *views,
    guint n, gboolean *changes, SympieError *error)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (filter);
  const Settings *settings = &self->frame_settings;
  SympieParams params, identity, blended;
  gboolean wanted;

  self->frame_stats = (Stats){ 0 };
  gst_sympie_enhance_note_load (self);
  if (gst_sympie_enhance_estimates (self)) {
    if (!gst_sympie_enhance_glance (self, &views[0].image, error))
      return FALSE;
    wanted = gst_sympie_tracker_begin (
        &self->tracker, &settings->tracker, &self->frame);
    if (self->aside.estimator
        && !gst_sympie_enhance_estimate_aside (self, wanted, error))
      return FALSE;
    if (gst_sympie_enhance_is_one_step (self, 0, n))
      return TRUE;
  } else {
    gst_sympie_tracker_reset (&self->tracker);
    self->frame_info = self->given;
  }

  if (!gst_sympie_enhance_get_parameters (
          self, 0, &views[0].image, &params, error))
    return FALSE;
  self->params = params;
  sympie_params_identity (&identity);
  blended = gst_sympie_enhance_blend (self, &params);
  *changes = settings->mode != MODE_ESTIMATE
             && sympie_params_distance (&identity, &blended) > 0.0f;
  if (!*changes) {
    self->frame_stats.untouched = 1;
    gst_sympie_enhance_publish (self);
  }
  return TRUE;
}

static gboolean
gst_sympie_enhance_iterate (GstSympieEnhance *self, guint iteration,
    const GstSympieView *from, const GstSympieView *to, guint n,
    SympieError *error)
{
  GstSympieEstimate estimate;
  SympieParams blended;
  GstClockTime begin;

  if (gst_sympie_enhance_is_one_step (self, iteration, n)) {
    begin = gst_util_get_timestamp ();
    estimate = gst_sympie_tracker_about (&self->tracker, &self->frame);
    if (!sympie_enhance (self->context, &from->image, &to->target,
            (float) self->frame_settings.strength, &estimate.params,
            &estimate.gate, error))
      return FALSE;
    gst_sympie_tracker_put (&self->tracker, iteration, &estimate);
    if (iteration == 0)
      gst_sympie_tracker_get_info (&self->tracker, &self->frame_info);
    self->frame_stats.estimates++;
  } else {
    if (iteration > 0
        && !gst_sympie_enhance_get_parameters (
            self, iteration, &from->image, &self->params, error))
      return FALSE;
    blended = gst_sympie_enhance_blend (self, &self->params);
    begin = gst_util_get_timestamp ();
    for (guint i = 0; i < n; i++)
      if (!sympie_apply (
              self->context, &from[i].image, &to[i].target, &blended, error))
        return FALSE;
  }
  self->frame_stats.apply_time += gst_util_get_timestamp () - begin;
  return TRUE;
}

static gboolean
gst_sympie_enhance_apply (GstSympieFilter *filter, const GstSympieView *src,
    const GstSympieView *dst, guint n, SympieError *error)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (filter);

  for (guint i = 0; i < self->frame_settings.iterations; i++)
    if (!gst_sympie_enhance_iterate (
            self, i, i == 0 ? src : dst, dst, n, error))
      return FALSE;
  gst_sympie_enhance_publish (self);
  return TRUE;
}

static gboolean
gst_sympie_enhance_wants_mark (GstSympieFilter *filter)
{
  return GST_SYMPIE_ENHANCE (filter)->frame_settings.attach_parameters;
}

static void
gst_sympie_enhance_mark (GstSympieFilter *filter, GstBuffer *buffer)
{
  gst_sympie_params_meta_set (buffer, &GST_SYMPIE_ENHANCE (filter)->frame_info);
}

/* ---- Events -------------------------------------------------------------- */

/* The element scenechange marks a new scene by an event that asks for a key
 * frame. */
static gboolean
gst_sympie_enhance_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);

  if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM
      && gst_video_event_is_force_key_unit (event))
    self->cut = TRUE;
  return GST_BASE_TRANSFORM_CLASS (parent_class)->sink_event (trans, event);
}

static gboolean
gst_sympie_enhance_src_event (GstBaseTransform *trans, GstEvent *event)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);
  GstClockTimeDiff jitter;

  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS) {
    gst_event_parse_qos (event, NULL, NULL, &jitter, NULL);
    GST_OBJECT_LOCK (self);
    self->was_late |= jitter > 0;
    GST_OBJECT_UNLOCK (self);
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->src_event (trans, event);
}

/* ---- Class --------------------------------------------------------------- */

static void
gst_sympie_enhance_finalize (GObject *object)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (object);

  g_free (self->weights);
  g_free (self->parameters_error);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_sympie_enhance_install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  const GParamFlags ready = flags | GST_PARAM_MUTABLE_READY;
  const GParamFlags playing = flags | GST_PARAM_MUTABLE_PLAYING;
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->set_property = gst_sympie_enhance_set_property;
  object_class->get_property = gst_sympie_enhance_get_property;
  gst_type_mark_as_plugin_api (GST_TYPE_SYMPIE_DEVICE, 0);
  gst_type_mark_as_plugin_api (gst_sympie_reuse_get_type (), 0);
  gst_type_mark_as_plugin_api (gst_sympie_estimation_get_type (), 0);
  gst_type_mark_as_plugin_api (gst_sympie_gate_get_type (), 0);
  gst_type_mark_as_plugin_api (gst_sympie_mode_get_type (), 0);
  gst_sympie_params_meta_register ();

  /**
   * GstSympieEnhance:weights:
   *
   * Path of NEM's weights, a safetensors file. If it is not set, the
   * environment variable SYMPIE_WEIGHTS names the file, and without that it is
   * the one that was installed with the plugin. Reads as the path in use.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_WEIGHTS,
      g_param_spec_string ("weights", "Weights",
          "Safetensors file with NEM's weights (unset = environment variable "
          "SYMPIE_WEIGHTS, else the installed file)",
          NULL, ready));
  /**
   * GstSympieEnhance:device:
   *
   * Where to compute: on an NVIDIA GPU with auto, if there is one, else on the
   * processor, which the element says in a warning. A device that is asked for
   * by name and is not there is an error, not a reason to take another one.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_DEVICE,
      g_param_spec_enum ("device", "Device", "Device to compute on",
          GST_TYPE_SYMPIE_DEVICE, DEFAULT_DEVICE, ready));
  /**
   * GstSympieEnhance:active-device:
   *
   * The device in use, or auto while the element is stopped.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_ACTIVE_DEVICE,
      g_param_spec_enum ("active-device", "Active device",
          "Device in use (auto = none yet)", GST_TYPE_SYMPIE_DEVICE,
          SYMPIE_DEVICE_AUTO, readable));
  /**
   * GstSympieEnhance:cuda-device-id:
   *
   * Which CUDA device to take where there are several.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_CUDA_DEVICE_ID,
      g_param_spec_uint ("cuda-device-id", "CUDA device",
          "Index of the CUDA device to use", 0, G_MAXINT,
          DEFAULT_CUDA_DEVICE_ID, ready));
  /**
   * GstSympieEnhance:enabled:
   *
   * FALSE lets all buffers pass untouched.
   *
   * Since: 0.1
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
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_STRENGTH,
      g_param_spec_double ("strength", "Strength",
          "Effect, from none (0) to that of the estimated parameters (1)", 0.0,
          1.0, DEFAULT_STRENGTH, playing | GST_PARAM_CONTROLLABLE));
  /**
   * GstSympieEnhance:iterations:
   *
   * How often to estimate and apply, each time on the frame that came out.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_ITERATIONS,
      g_param_spec_uint ("iterations", "Iterations",
          "How often each frame is enhanced, the result fed back", 1,
          MAX_ITERATIONS, DEFAULT_ITERATIONS, playing));
  /**
   * GstSympieEnhance:reuse-interval:
   *
   * How many frames an estimate serves at least, its own included. The first
   * frame of a scene is always estimated from.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_REUSE_INTERVAL,
      g_param_spec_uint ("reuse-interval", "Reuse interval",
          "Frames that an estimate serves at least", 1, G_MAXUINT,
          DEFAULT_REUSE_INTERVAL, playing));
  /**
   * GstSympieEnhance:reuse-time:
   *
   * How many nanoseconds of the stream an estimate serves: with
   * #GstSympieEnhance:reuse fixed at least, with adaptive at most (0 = five
   * seconds).
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_REUSE_TIME,
      g_param_spec_uint64 ("reuse-time", "Reuse time",
          "Nanoseconds that an estimate serves: at least where reuse is fixed, "
          "at most where it is adaptive (0 = 5 s)",
          0, G_MAXUINT64, DEFAULT_REUSE_TIME, playing));
  /**
   * GstSympieEnhance:reuse:
   *
   * Whether an estimate serves for a fixed while or until a thumbnail of the
   * picture has changed. In system memory a scene cut is seen either way; in
   * CUDA memory nothing is.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_REUSE,
      g_param_spec_enum ("reuse", "Reuse", "How long an estimate serves",
          gst_sympie_reuse_get_type (), DEFAULT_REUSE, playing));
  /**
   * GstSympieEnhance:smoothing:
   *
   * Time constant in nanoseconds with which the parameters move towards the
   * newest estimate, so that the picture does not flicker. At a scene cut they
   * jump. 0 takes every estimate as it is.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_SMOOTHING,
      g_param_spec_uint64 ("smoothing", "Smoothing",
          "Time constant of the way to a new estimate in nanoseconds (0 = at "
          "once)",
          0, G_MAXUINT64, DEFAULT_SMOOTHING, playing));
  /**
   * GstSympieEnhance:estimation:
   *
   * With sync a frame waits for its estimate. With async frames never wait: NEM
   * runs on a thread of its own, on the newest frame that is due, and what it
   * says counts from the frame on that comes next. Until the first estimate
   * frames pass untouched. On a CUDA device, and for
   * #GstSympieEnhance:iterations after the first, async is as sync.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_ESTIMATION,
      g_param_spec_enum ("estimation", "Estimation",
          "Whether frames wait for estimates",
          gst_sympie_estimation_get_type (), DEFAULT_ESTIMATION, ready));
  /**
   * GstSympieEnhance:gate:
   *
   * NEM tells undamaged frames from damaged ones, where its weights have learnt
   * that: a gate from 0 to 1 is how much of the estimated parameters counts. At
   * 0 the frame passes untouched. off takes every estimate in full.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_GATE,
      g_param_spec_enum ("gate", "Gate",
          "Whether frames that look undamaged are spared",
          gst_sympie_gate_get_type (), DEFAULT_GATE, ready));
  /**
   * GstSympieEnhance:mode:
   *
   * estimate looks at frames and lets them pass untouched, for
   * #GstSympieEnhance:attach-parameters, #GstSympieEnhance:post-messages or
   * #GstSympieEnhance:last-parameters to tell of. apply does what the
   * GstSympieParamsMeta of each frame says or, where it has none,
   * #GstSympieEnhance:parameters.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_MODE,
      g_param_spec_enum ("mode", "Mode", "What to do",
          gst_sympie_mode_get_type (), DEFAULT_MODE, playing));
  /**
   * GstSympieEnhance:attach-parameters:
   *
   * Put on each buffer what the frame was enhanced with, as a custom meta
   * GstSympieParamsMeta, the structure of which has
   *
   * * #GstValueArray of 37 #gdouble `parameters`, after smoothing and before
   *   #GstSympieEnhance:strength
   * * #gdouble `gate`: 0 where the network takes the frame for undamaged, to 1
   * * #gboolean `estimated`: from this very frame
   * * #guint `age`: frames since the one that was estimated from
   * * #guint64 `time`: stream time of that frame
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_ATTACH_PARAMETERS,
      g_param_spec_boolean ("attach-parameters", "Attach parameters",
          "Put a GstSympieParamsMeta on each buffer", DEFAULT_ATTACH_PARAMETERS,
          playing));
  /**
   * GstSympieEnhance:post-messages:
   *
   * Post an element message for every estimate, sympieenhance-parameters, with
   * the fields of GstSympieParamsMeta.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
          "Post an element message for every estimate", DEFAULT_POST_MESSAGES,
          playing));
  /**
   * GstSympieEnhance:parameters:
   *
   * 37 numbers to apply instead of NEM's estimates, in standardised RGB (mean
   * 0.485, 0.456, 0.406; deviation 0.229, 0.224, 0.225): the colour matrix, 9,
   * input channel by input channel; the shift that comes before it, 3; the
   * kernel, 25, row by row. An empty array goes back to NEM. Anything else is
   * an error at the start; while playing it is a warning, and what was set
   * before stays.
   *
   * Since: 0.1
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
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_LAST_PARAMETERS,
      gst_param_spec_array ("last-parameters", "Last parameters",
          "37 numbers estimated or given for the latest frame", NULL,
          readable));
  /**
   * GstSympieEnhance:stats:
   *
   * What was done since the start, a structure
   * application/x-sympie-enhance-stats:
   *
   * * #guint64 `frames`: frames enhanced
   * * #guint64 `estimates`: how often NEM ran
   * * #guint64 `reused`: frames for which it did not, as the parameters of an
   *   earlier frame were kept
   * * #guint64 `untouched`: frames that their parameters would leave as they
   *   are, and which were not even copied
   * * #gdouble `gate`: of the latest frame, see #GstSympieEnhance:gate; 1 where
   *   the weights have none
   * * #guint64 `shed`: estimates not made because a newer frame came first
   * * #guint `interval`: #GstSympieEnhance:reuse-interval as the load makes it
   * * #guint64 `estimate-time`: nanoseconds that NEM took
   * * #guint64 `apply-time`: nanoseconds that DWM took; on CUDA with NEM, which
   *   is not waited for on its own
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "frames, estimates, reused, untouched, shed and, in nanoseconds, "
          "estimate-time and apply-time since the start, as guint64; the gate "
          "of the latest frame and the interval in force",
          GST_TYPE_STRUCTURE, readable));
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

  object_class->finalize = gst_sympie_enhance_finalize;
  gst_sympie_enhance_install_properties (object_class);

  gst_element_class_set_static_metadata (element_class,
      "SyMPIE video enhancement", "Filter/Effect/Video",
      "Makes degraded video easier to understand for vision models",
      "The gst-sympie project");
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  element_class->set_context =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_set_context);

  trans_class->start = GST_DEBUG_FUNCPTR (gst_sympie_enhance_start);
  trans_class->query = GST_DEBUG_FUNCPTR (gst_sympie_enhance_query);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_sympie_enhance_sink_event);
  trans_class->src_event = GST_DEBUG_FUNCPTR (gst_sympie_enhance_src_event);
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
  filter_class->wants_mark = gst_sympie_enhance_wants_mark;
  filter_class->mark = gst_sympie_enhance_mark;
}

static void
gst_sympie_enhance_init (GstSympieEnhance *self)
{
  self->device = DEFAULT_DEVICE;
  self->active_device = SYMPIE_DEVICE_AUTO;
  self->cuda_device_id = DEFAULT_CUDA_DEVICE_ID;
  self->enabled = DEFAULT_ENABLED;
  self->settings = (Settings){
    .strength = DEFAULT_STRENGTH,
    .iterations = DEFAULT_ITERATIONS,
    .tracker = { { .reuse = DEFAULT_REUSE,
                     .interval = DEFAULT_REUSE_INTERVAL,
                     .time = DEFAULT_REUSE_TIME },
        DEFAULT_SMOOTHING },
    .mode = DEFAULT_MODE,
    .attach_parameters = DEFAULT_ATTACH_PARAMETERS,
    .post_messages = DEFAULT_POST_MESSAGES,
  };
  self->estimation = DEFAULT_ESTIMATION;
  self->gate = DEFAULT_GATE;
}
