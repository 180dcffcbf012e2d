/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympieprobeproperties.h"

#include "gstsympiedevice.h"
#include "gstsympievgg19.h"

/* Counted from the first of them. */
enum
{
  PROP_WEIGHTS,
  PROP_LAYER,
  PROP_INPUT,
  PROP_SUBSAMPLE,
  PROP_DEVICE,
  PROP_N_THREADS,
  PROP_FRAME_MESSAGE,
  PROP_STRICT,
  PROP_RESULTS_FILENAME,
  PROP_RESULTS_FORMAT,
};

#define DEFAULT_LAYER SYMPIE_LAYER_POOL5
#define DEFAULT_INPUT SYMPIE_INPUT_CROP224
#define DEFAULT_SUBSAMPLE 1
#define DEFAULT_DEVICE SYMPIE_DEVICE_AUTO
#define DEFAULT_N_THREADS 0
#define MAX_N_THREADS 1024
#define DEFAULT_FRAME_MESSAGE FALSE
#define DEFAULT_STRICT FALSE
#define DEFAULT_RESULTS_FORMAT GST_SYMPIE_RESULTS_CSV

void
gst_sympie_probe_properties_init (GstSympieProbeProperties *properties)
{
  *properties = (GstSympieProbeProperties){
    .features = sympie_features_config_default (),
    .subsample = DEFAULT_SUBSAMPLE,
    .frame_message = DEFAULT_FRAME_MESSAGE,
    .strict = DEFAULT_STRICT,
    .results_format = DEFAULT_RESULTS_FORMAT,
  };
  properties->features.layer = DEFAULT_LAYER;
  properties->features.input = DEFAULT_INPUT;
  properties->features.device = DEFAULT_DEVICE;
  properties->features.n_threads = DEFAULT_N_THREADS;
}

void
gst_sympie_probe_properties_clear (GstSympieProbeProperties *properties)
{
  g_free (properties->weights);
  g_free (properties->results_filename);
}

void
gst_sympie_probe_properties_install (GObjectClass *object_class, guint first)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  const GParamFlags ready = flags | GST_PARAM_MUTABLE_READY;
  const GParamFlags playing = flags | GST_PARAM_MUTABLE_PLAYING;

  /**
   * GstSympieProbe:weights:
   *
   * Path of VGG19's weights, a safetensors file with torchvision's names. If it
   * is not set, the environment variable SYMPIE_VGG19_WEIGHTS names the file,
   * and without that it is gst-sympie/vgg19.safetensors in the user's data
   * folder, where `weights/fetch-vgg19.sh` puts it. Reads as the path in use.
   */
  g_object_class_install_property (object_class, first + PROP_WEIGHTS,
      g_param_spec_string ("weights", "Weights",
          "Safetensors file with VGG19's weights (unset = environment variable "
          "SYMPIE_VGG19_WEIGHTS, else the file in the user's data folder)",
          NULL, ready));
  /**
   * GstSympieProbe:layer:
   *
   * Layer of VGG19 whose values are compared. Early ones are much cheaper.
   */
  g_object_class_install_property (object_class, first + PROP_LAYER,
      g_param_spec_enum ("layer", "Layer",
          "Layer of VGG19 whose values are compared", GST_TYPE_SYMPIE_LAYER,
          DEFAULT_LAYER, ready));
  /**
   * GstSympieProbe:input:
   *
   * What VGG19 sees: the central 224x224 of the frame after its smaller side
   * was reduced (or enlarged) to 232, or the whole frame. Whole frames cost
   * more in proportion to their size, and must be of one size on both sides.
   */
  g_object_class_install_property (object_class, first + PROP_INPUT,
      g_param_spec_enum ("input", "Input", "What VGG19 sees of a frame",
          GST_TYPE_SYMPIE_INPUT, DEFAULT_INPUT, ready));
  /**
   * GstSympieProbe:subsample:
   *
   * Measure every Nth pair, from the first on.
   */
  g_object_class_install_property (object_class, first + PROP_SUBSAMPLE,
      g_param_spec_uint ("subsample", "Subsample", "Measure every Nth pair", 1,
          G_MAXUINT, DEFAULT_SUBSAMPLE, playing));
  /**
   * GstSympieProbe:device:
   *
   * Where to compute: on an NVIDIA GPU with auto, if there is one, else on the
   * processor, which the first element in the process to find none says in a
   * warning. A device that is asked for by name and is not there is an error,
   * not a reason to take another one.
   */
  g_object_class_install_property (object_class, first + PROP_DEVICE,
      g_param_spec_enum ("device", "Device", "Device to compute on",
          GST_TYPE_SYMPIE_DEVICE, DEFAULT_DEVICE, ready));
  /**
   * GstSympieProbe:n-threads:
   *
   * Threads that work on a pair on the processor, out of one pool for all
   * elements of the process.
   */
  g_object_class_install_property (object_class, first + PROP_N_THREADS,
      g_param_spec_uint ("n-threads", "Threads",
          "Number of threads on the processor (0 = one for each processor)", 0,
          MAX_N_THREADS, DEFAULT_N_THREADS, ready));
  /**
   * GstSympieProbe:frame-message:
   *
   * Post an element message for every pair measured.
   */
  g_object_class_install_property (object_class, first + PROP_FRAME_MESSAGE,
      g_param_spec_boolean ("frame-message", "Frame message",
          "Post a message for every pair measured", DEFAULT_FRAME_MESSAGE,
          playing));
  /**
   * GstSympieProbe:strict:
   *
   * Stop with an error at the first frame without a partner.
   */
  g_object_class_install_property (object_class, first + PROP_STRICT,
      g_param_spec_boolean ("strict", "Strict",
          "A frame without a partner is an error", DEFAULT_STRICT, playing));
  /**
   * GstSympieProbe:results-filename:
   *
   * File that gets the results; it is emptied at the start.
   */
  g_object_class_install_property (object_class, first + PROP_RESULTS_FILENAME,
      g_param_spec_string ("results-filename", "Results file",
          "File that gets the results (unset = none)", NULL, ready));
  /**
   * GstSympieProbe:results-format:
   */
  g_object_class_install_property (object_class, first + PROP_RESULTS_FORMAT,
      g_param_spec_enum ("results-format", "Results format",
          "Format of the results file", GST_TYPE_SYMPIE_RESULTS_FORMAT,
          DEFAULT_RESULTS_FORMAT, ready));
}

gboolean
gst_sympie_probe_properties_set (
    GstSympieProbeProperties *properties, guint id, const GValue *value)
{
  switch (id) {
  case PROP_WEIGHTS:
    g_free (properties->weights);
    properties->weights = g_value_dup_string (value);
    break;
  case PROP_LAYER:
    properties->features.layer = g_value_get_enum (value);
    break;
  case PROP_INPUT:
    properties->features.input = g_value_get_enum (value);
    break;
  case PROP_SUBSAMPLE:
    properties->subsample = g_value_get_uint (value);
    break;
  case PROP_DEVICE:
    properties->features.device = g_value_get_enum (value);
    break;
  case PROP_N_THREADS:
    properties->features.n_threads = (int) g_value_get_uint (value);
    break;
  case PROP_FRAME_MESSAGE:
    properties->frame_message = g_value_get_boolean (value);
    break;
  case PROP_STRICT:
    properties->strict = g_value_get_boolean (value);
    break;
  case PROP_RESULTS_FILENAME:
    g_free (properties->results_filename);
    properties->results_filename = g_value_dup_string (value);
    break;
  case PROP_RESULTS_FORMAT:
    properties->results_format = g_value_get_enum (value);
    break;
  default:
    return FALSE;
  }
  return TRUE;
}

gboolean
gst_sympie_probe_properties_get (
    const GstSympieProbeProperties *properties, guint id, GValue *value)
{
  switch (id) {
  case PROP_WEIGHTS:
    g_value_take_string (
        value, gst_sympie_vgg19_dup_weights (properties->weights));
    break;
  case PROP_LAYER:
    g_value_set_enum (value, properties->features.layer);
    break;
  case PROP_INPUT:
    g_value_set_enum (value, properties->features.input);
    break;
  case PROP_SUBSAMPLE:
    g_value_set_uint (value, properties->subsample);
    break;
  case PROP_DEVICE:
    g_value_set_enum (value, properties->features.device);
    break;
  case PROP_N_THREADS:
    g_value_set_uint (value, properties->features.n_threads);
    break;
  case PROP_FRAME_MESSAGE:
    g_value_set_boolean (value, properties->frame_message);
    break;
  case PROP_STRICT:
    g_value_set_boolean (value, properties->strict);
    break;
  case PROP_RESULTS_FILENAME:
    g_value_set_string (value, properties->results_filename);
    break;
  case PROP_RESULTS_FORMAT:
    g_value_set_enum (value, properties->results_format);
    break;
  default:
    return FALSE;
  }
  return TRUE;
}
