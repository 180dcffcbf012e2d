/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympieenhance-private.h"

#include "gstsympiedevice.h"
#include "gstsympieparams.h"

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

gchar *
gst_sympie_enhance_dup_weights (GstSympieEnhance *self)
{
  const gchar *weights = self->weights;

  if (!weights || !*weights)
    weights = g_getenv ("SYMPIE_WEIGHTS");
  if (!weights || !*weights)
    weights = GST_SYMPIE_WEIGHTS;
  return g_strdup (weights);
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

void
gst_sympie_enhance_install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  const GParamFlags ready = flags | GST_PARAM_MUTABLE_READY;
  const GParamFlags playing = flags | GST_PARAM_MUTABLE_PLAYING;
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->set_property = gst_sympie_enhance_set_property;
  object_class->get_property = gst_sympie_enhance_get_property;
  gst_type_mark_as_plugin_api (GST_TYPE_SYMPIE_DEVICE, 0);

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
   * Where to compute: on an NVIDIA GPU with auto, if there is one, else on the
   * processor, which the first element in the process to find none says in a
   * warning. A device that is asked for by name and is not there is an error,
   * not a reason to take another one.
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
   * Threads that work on a frame on the processor, out of one pool for all
   * elements of the process.
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

void
gst_sympie_enhance_init_properties (GstSympieEnhance *self)
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
