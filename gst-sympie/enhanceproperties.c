/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "enhanceproperties.h"

#include "params.h"
#include "properties.h"

enum
{
  PROP_WEIGHTS = 1,
  PROP_PARAMETERS,
  PROP_CROP,
  PROP_LAST_PARAMETERS,
  PROP_STATS
};

#define GST_TYPE_SYMPIE_REUSE (gst_sympie_reuse_get_type ())
static GST_SYMPIE_DEFINE_ENUM (GstSympieReuse, gst_sympie_reuse,
    { GST_SYMPIE_REUSE_FIXED, "For reuse-interval and reuse-time", "fixed" },
    { GST_SYMPIE_REUSE_ADAPTIVE, "Until the picture has changed", "adaptive" });

#define GST_TYPE_SYMPIE_ESTIMATION (gst_sympie_estimation_get_type ())
static GST_SYMPIE_DEFINE_ENUM (GstSympieEstimation, gst_sympie_estimation,
    { GST_SYMPIE_ESTIMATION_SYNC, "Before the frame goes on", "sync" },
    { GST_SYMPIE_ESTIMATION_ASYNC, "In a thread beside, for frames to come",
        "async" });

#define GST_TYPE_SYMPIE_GATE (gst_sympie_gate_get_type ())
static GST_SYMPIE_DEFINE_ENUM (GstSympieGate, gst_sympie_gate,
    { GST_SYMPIE_GATE_AUTO, "As the weights say", "auto" },
    { GST_SYMPIE_GATE_OFF, "Open: all estimates count in full", "off" });

#define GST_TYPE_SYMPIE_MODE (gst_sympie_mode_get_type ())
static GST_SYMPIE_DEFINE_ENUM (GstSympieMode, gst_sympie_mode,
    { GST_SYMPIE_MODE_ENHANCE, "Estimate and apply", "enhance" },
    { GST_SYMPIE_MODE_ESTIMATE, "Estimate only: frames pass untouched",
        "estimate" },
    { GST_SYMPIE_MODE_APPLY, "Apply the parameters that frames carry",
        "apply" });

#define GST_TYPE_SYMPIE_LOOK_AT (gst_sympie_look_at_get_type ())
static GST_SYMPIE_DEFINE_ENUM (GstSympieLookAt, gst_sympie_look_at,
    { GST_SYMPIE_LOOK_AT_FRAME, "The frame, or crop", "frame" },
    { GST_SYMPIE_LOOK_AT_PICTURE, "What is between black bars", "picture" },
    { GST_SYMPIE_LOOK_AT_REGIONS, "What a GstVideoRegionOfInterestMeta marks",
        "regions" });

void
gst_sympie_enhance_properties_clear (GstSympieEnhanceProperties *props)
{
  g_free (props->parameters_error);
  g_free (props->crop);
  g_free (props->crop_error);
}

gchar *
gst_sympie_enhance_properties_dup_weights (
    const GstSympieEnhanceProperties *props)
{
  return gst_sympie_dup_filename (
      props->weights, "SYMPIE_WEIGHTS", GST_SYMPIE_WEIGHTS);
}

static gchar *
set_parameters (
    GstSympieEnhanceProperties *props, const GValue *array, gboolean is_running)
{
  gboolean manual = gst_value_array_get_size (array) > 0;
  SympieParams params;
  gchar *reason = NULL;

  if (manual && !gst_sympie_params_from_value (&params, array, &reason)
      && is_running)
    return reason;
  g_free (props->parameters_error);
  props->parameters_error = reason;
  props->frame.manual = manual;
  if (manual && !reason)
    props->frame.parameters = params;
  return NULL;
}

static gchar *
set_crop (
    GstSympieEnhanceProperties *props, const gchar *text, gboolean is_running)
{
  GstSympieCrop crop;
  gchar *reason;

  if (!gst_sympie_crop_parse (&crop, text, &reason) && is_running)
    return reason;
  g_free (props->crop);
  g_free (props->crop_error);
  props->crop = g_strdup (text);
  props->crop_error = reason;
  props->frame.crop = crop;
  return NULL;
}

guint
gst_sympie_enhance_properties_get_interval (
    const GstSympieEnhanceProperties *props)
{
  guint64 interval = props->frame.schedule.interval;

  return (guint) MIN (interval << props->load, G_MAXUINT);
}

static GstStructure *
get_stats (const GstSympieEnhanceProperties *props)
{
  const GstSympieEnhancerStats *stats = &props->stats;

  return gst_structure_new ("application/x-sympie-enhance-stats", "frames",
      G_TYPE_UINT64, stats->frames, "estimates", G_TYPE_UINT64,
      stats->estimates, "reused", G_TYPE_UINT64, stats->reused, "untouched",
      G_TYPE_UINT64, stats->untouched, "gate", G_TYPE_DOUBLE,
      props->has_last ? (gdouble) props->last.gate : 1.0, "shed", G_TYPE_UINT64,
      stats->shed, "interval", G_TYPE_UINT,
      gst_sympie_enhance_properties_get_interval (props), "estimate-time",
      G_TYPE_UINT64, stats->estimate_time, "apply-time", G_TYPE_UINT64,
      stats->apply_time, NULL);
}

gboolean
gst_sympie_enhance_properties_set (GstSympieEnhanceProperties *props, guint id,
    const GValue *value, gboolean is_running, gchar **reason)
{
  switch (id) {
  case PROP_PARAMETERS:
    *reason = set_parameters (props, value, is_running);
    return TRUE;
  case PROP_CROP:
    *reason = set_crop (props, g_value_get_string (value), is_running);
    return TRUE;
  default:
    return FALSE;
  }
}

gboolean
gst_sympie_enhance_properties_get (
    const GstSympieEnhanceProperties *props, guint id, GValue *value)
{
  switch (id) {
  case PROP_WEIGHTS:
    g_value_take_string (
        value, gst_sympie_enhance_properties_dup_weights (props));
    return TRUE;
  case PROP_PARAMETERS:
    if (props->frame.manual && !props->parameters_error)
      gst_sympie_params_to_value (&props->frame.parameters, value);
    return TRUE;
  case PROP_CROP:
    g_value_set_string (value, props->crop);
    return TRUE;
  case PROP_LAST_PARAMETERS:
    if (props->has_last)
      gst_sympie_params_to_value (&props->last.params, value);
    return TRUE;
  case PROP_STATS:
    g_value_take_boxed (value, get_stats (props));
    return TRUE;
  default:
    return FALSE;
  }
}

/* In the instance, which has them at `offset`. */
#define FIELD(name)                                                            \
  (offset + G_STRUCT_OFFSET (GstSympieEnhanceProperties, name))

void
gst_sympie_enhance_properties_install (GObjectClass *klass, gsize offset)
{
  /**
   * GstSympieEnhance:weights:
   *
   * Path of NEM's weights, a safetensors file. If it is not set, the
   * environment variable SYMPIE_WEIGHTS names the file, and without that it is
   * the one that was installed with the plugin. Reads as the path in use.
   */
  g_object_class_install_property (klass, PROP_WEIGHTS,
      gst_sympie_field (
          FIELD (weights), g_param_spec_string ("weights", "Weights",
                               "Safetensors file with NEM's weights (unset = "
                               "environment variable "
                               "SYMPIE_WEIGHTS, else the installed file)",
                               NULL, GST_SYMPIE_READY)));
  gst_sympie_install_device (klass, FIELD (device));
  gst_sympie_install_field (klass, FIELD (cuda_device_id),
      g_param_spec_uint ("cuda-device-id", "CUDA device",
          "Index of the CUDA device to use", 0, G_MAXINT, 0, GST_SYMPIE_READY));
  gst_sympie_install_field (klass, FIELD (enabled),
      g_param_spec_boolean ("enabled", "Enabled",
          "Enhance frames; FALSE lets them pass untouched", TRUE,
          GST_SYMPIE_PLAYING));
  /**
   * GstSympieEnhance:strength:
   *
   * How far to go from parameters that change nothing (0) to those estimated
   * (1). At 0 buffers pass untouched.
   */
  gst_sympie_install_field (klass, FIELD (frame.strength),
      g_param_spec_double ("strength", "Strength",
          "Effect, from none (0) to that of the estimated parameters (1)", 0.0,
          1.0, 1.0, GST_SYMPIE_PLAYING | GST_PARAM_CONTROLLABLE));
  gst_sympie_install_field (klass, FIELD (frame.iterations),
      g_param_spec_uint ("iterations", "Iterations",
          "How often each frame is enhanced, the result fed back", 1,
          GST_SYMPIE_MAX_ITERATIONS, 1, GST_SYMPIE_PLAYING));
  /**
   * GstSympieEnhance:reuse-interval:
   *
   * How many frames an estimate serves at least, its own included. The first
   * frame of a scene is always estimated from.
   */
  gst_sympie_install_field (klass, FIELD (frame.schedule.interval),
      g_param_spec_uint ("reuse-interval", "Reuse interval",
          "Frames that an estimate serves at least", 1, G_MAXUINT, 1,
          GST_SYMPIE_PLAYING));
  /**
   * GstSympieEnhance:reuse-time:
   *
   * How many nanoseconds of the stream an estimate serves: with
   * #GstSympieEnhance:reuse fixed at least, with adaptive at most (0 = five
   * seconds).
   */
  gst_sympie_install_field (klass, FIELD (frame.schedule.time),
      g_param_spec_uint64 ("reuse-time", "Reuse time",
          "Nanoseconds that an estimate serves: at least where reuse is fixed, "
          "at most where it is adaptive (0 = 5 s)",
          0, G_MAXUINT64, 0, GST_SYMPIE_PLAYING));
  /**
   * GstSympieEnhance:reuse:
   *
   * Whether an estimate serves for a fixed while or until a thumbnail of the
   * picture has changed, by more than noise changes it: a little, once the
   * estimate is a second old, before that as much as from one scene to another.
   * In system memory a scene cut is seen either way; in CUDA memory nothing is.
   */
  gst_sympie_install_field (klass, FIELD (frame.schedule.reuse),
      g_param_spec_enum ("reuse", "Reuse", "How long an estimate serves",
          GST_TYPE_SYMPIE_REUSE, GST_SYMPIE_REUSE_FIXED, GST_SYMPIE_PLAYING));
  /**
   * GstSympieEnhance:smoothing:
   *
   * Time constant in nanoseconds with which the parameters move towards the
   * newest estimate, so that the picture does not flicker. They jump at a scene
   * cut, and where no time is known to have passed. 0 takes every estimate as
   * it is, for pictures that have nothing to do with each other. In CUDA
   * memory, where no cut is seen, nothing is smoothed.
   */
  gst_sympie_install_field (klass, FIELD (frame.smoothing),
      g_param_spec_uint64 ("smoothing", "Smoothing",
          "Time constant of the way to a new estimate in nanoseconds (0 = at "
          "once)",
          0, G_MAXUINT64, (750 * GST_MSECOND), GST_SYMPIE_PLAYING));
  /**
   * GstSympieEnhance:estimation:
   *
   * With sync a frame waits for its estimate. With async frames never wait: NEM
   * runs on a thread of its own, on the newest frame that is due, and what it
   * says counts from the frame on that comes next. Until the first estimate
   * frames pass untouched. At the end of the stream what is still estimated is
   * waited for, and told of. On a CUDA device, and for
   * #GstSympieEnhance:iterations after the first, async is as sync.
   */
  gst_sympie_install_field (klass, FIELD (estimation),
      g_param_spec_enum ("estimation", "Estimation",
          "Whether frames wait for estimates", GST_TYPE_SYMPIE_ESTIMATION,
          GST_SYMPIE_ESTIMATION_SYNC, GST_SYMPIE_READY));
  /**
   * GstSympieEnhance:gate:
   *
   * NEM tells undamaged frames from damaged ones, where its weights have learnt
   * that: a gate from 0 to 1 is how much of the estimated parameters counts. At
   * 0 the frame passes untouched, in CUDA memory from the second such frame on.
   * off takes every estimate in full.
   */
  gst_sympie_install_field (klass, FIELD (gate),
      g_param_spec_enum ("gate", "Gate",
          "Whether frames that look undamaged are spared", GST_TYPE_SYMPIE_GATE,
          GST_SYMPIE_GATE_AUTO, GST_SYMPIE_READY));
  /**
   * GstSympieEnhance:mode:
   *
   * estimate looks at frames and lets them pass untouched, for
   * #GstSympieEnhance:attach-parameters, #GstSympieEnhance:post-messages or
   * #GstSympieEnhance:last-parameters to tell of. apply does what the
   * GstSympieParamsMeta of each frame says or, where it has none,
   * #GstSympieEnhance:channel, #GstSympieEnhance:recording or
   * #GstSympieEnhance:parameters.
   */
  gst_sympie_install_field (klass, FIELD (frame.mode),
      g_param_spec_enum ("mode", "Mode", "What to do", GST_TYPE_SYMPIE_MODE,
          GST_SYMPIE_MODE_ENHANCE, GST_SYMPIE_PLAYING));
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
   */
  gst_sympie_install_field (klass, FIELD (attach_parameters),
      g_param_spec_boolean ("attach-parameters", "Attach parameters",
          "Put a GstSympieParamsMeta on each buffer", FALSE,
          GST_SYMPIE_PLAYING));
  /**
   * GstSympieEnhance:post-messages:
   *
   * Post an element message for every estimate, sympieenhance-parameters, with
   * the fields of GstSympieParamsMeta.
   */
  gst_sympie_install_field (klass, FIELD (post_messages),
      g_param_spec_boolean ("post-messages", "Post messages",
          "Post an element message for every estimate", FALSE,
          GST_SYMPIE_PLAYING));
  /**
   * GstSympieEnhance:parameters:
   *
   * 37 numbers to apply instead of NEM's estimates, in standardised RGB (mean
   * 0.485, 0.456, 0.406; deviation 0.229, 0.224, 0.225): the colour matrix, 9,
   * input channel by input channel; the shift that comes before it, 3; the
   * kernel, 25, row by row. An empty array goes back to NEM. Anything else is
   * an error at the start; while playing it is a warning, and what was set
   * before stays.
   */
  g_object_class_install_property (klass, PROP_PARAMETERS,
      gst_param_spec_array ("parameters", "Parameters",
          "37 numbers to apply (9 of the colour matrix, 3 of the shift, 25 of "
          "the kernel) instead of estimates; empty = estimate",
          NULL, GST_SYMPIE_PLAYING));
  /**
   * GstSympieEnhance:crop:
   *
   * Which part of the frame NEM looks at; what is applied is applied to all of
   * it. X,Y,WIDTH,HEIGHT is a rectangle of samples; WIDTH:HEIGHT the largest
   * rectangle of that shape in the middle, such as 239:100 for a film between
   * bars. Of it NEM sees the central square. A rectangle that does not lie in
   * the frame at all is an error of the frame, whenever it was set; any other
   * text is one at the start, and while playing a warning: all stays as it is.
   * Unset is all of the frame.
   */
  g_object_class_install_property (klass, PROP_CROP,
      g_param_spec_string ("crop", "Crop",
          "Part of the frame to estimate from: X,Y,WIDTH,HEIGHT or "
          "WIDTH:HEIGHT (unset = all)",
          NULL, GST_SYMPIE_PLAYING));
  /**
   * GstSympieEnhance:look-at:
   *
   * What NEM looks at: #GstSympieEnhance:crop, with frame; with picture what is
   * between black bars as wide on either side, as thumbnails of the scene show
   * them; with regions the smallest rectangle around all of the frame's
   * GstVideoRegionOfInterestMeta. Where a frame has nothing of the kind, it is
   * crop, too. Bars are not seen in CUDA memory.
   */
  gst_sympie_install_field (klass, FIELD (frame.look_at),
      g_param_spec_enum ("look-at", "Look at",
          "Where in the frame to estimate from", GST_TYPE_SYMPIE_LOOK_AT,
          GST_SYMPIE_LOOK_AT_FRAME, GST_SYMPIE_PLAYING));
  /**
   * GstSympieEnhance:channel:
   *
   * A name that elements of the process share: with #GstSympieEnhance:mode
   * enhance or estimate the element tells on it what each frame is enhanced
   * with, with apply it takes from it what was told for the stream time of its
   * frame, or the time before. So a small copy of the video can be looked at,
   * and the large one changed, in two branches of a tee. Whoever looked there
   * and found nothing for any frame warns at the end of the stream. One element
   * tells at a time; it warns where another begins to, too.
   */
  gst_sympie_install_field (klass, FIELD (channel),
      g_param_spec_string ("channel", "Channel",
          "Name under which parameters go from one element to others that "
          "apply them (unset = none)",
          NULL, GST_SYMPIE_READY));
  /**
   * GstSympieEnhance:recording:
   *
   * A file of JSON lines with the parameters along stream time. With
   * #GstSympieEnhance:mode enhance or estimate it is written, a line for each
   * change; with apply it is read, so that a second run does to each frame what
   * the first did (with one of #GstSympieEnhance:iterations), whatever the
   * machine's load was then. Where the stream went back, what was noted before
   * stays, but for the times that are noted again. Which of the two is decided
   * when the element starts or, where it is off then, is first switched on.
   * While the mode is apply, nothing is added to one that is written. A disk
   * that is full ends the recording, with a warning, and not the stream.
   */
  gst_sympie_install_field (klass, FIELD (recording),
      g_param_spec_string ("recording", "Recording",
          "JSON lines of parameters, written, or read where the mode is apply "
          "(unset = none)",
          NULL, GST_SYMPIE_READY));
  gst_sympie_install_field (klass, FIELD (active_device),
      g_param_spec_enum ("active-device", "Active device",
          "Device in use (auto = none yet)", GST_TYPE_SYMPIE_DEVICE,
          SYMPIE_DEVICE_AUTO, GST_SYMPIE_READABLE));
  /**
   * GstSympieEnhance:last-parameters:
   *
   * The 37 numbers, of type double, estimated or given for the latest frame (in
   * its first iteration, before #GstSympieEnhance:strength). Empty before the
   * first frame.
   */
  g_object_class_install_property (klass, PROP_LAST_PARAMETERS,
      gst_param_spec_array ("last-parameters", "Last parameters",
          "37 numbers estimated or given for the latest frame", NULL,
          GST_SYMPIE_READABLE));
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
   */
  g_object_class_install_property (klass, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "frames, estimates, reused, untouched, shed and, in nanoseconds, "
          "estimate-time and apply-time since the start, as guint64; the gate "
          "of the latest frame and the interval in force",
          GST_TYPE_STRUCTURE, GST_SYMPIE_READABLE));
}
