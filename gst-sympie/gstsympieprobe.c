/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/**
 * SECTION:element-sympieprobe
 * @title: sympieprobe
 * @short_description: measures what compression costs a vision model
 *
 * sympieprobe compares a distorted stream with its reference by what VGG19
 * makes of them: the mean squared error of its features, the measure of table 8
 * of Barbato et al., "A Modular System for Enhanced Robustness of Multimedia
 * Understanding Networks via Deep Parametric Estimation", ACM MMSys 2024. The
 * error of the pixels and the PSNR are reported beside it.
 *
 * The reference goes to the pad `ref_sink`, the distorted stream to
 * `dist_sink`. The source pad hands the distorted frames on, untouched. More
 * distorted versions of the same reference go to request pads `dist_sink_%u`,
 * where they end: the reference's features are computed once for all.
 *
 * ## Weights
 *
 * The weights of VGG19 are not part of the plugin. `weights/fetch-vgg19.sh`
 * installs them in the user's data folder; see #GstSympieProbe:weights.
 *
 * ## Pairs
 *
 * Frames of each distorted stream are paired with the reference's by their
 * running times, which may differ by 2 ms: containers round. A frame without a
 * partner is not measured; it is counted, reported and, with
 * #GstSympieProbe:strict, an error. No frame is ever repeated, so streams of
 * different frame rates are compared where both have a frame. Two live sources
 * time their frames each on its own: use one and a tee. With
 * #GstSympieProbe:subsample, every Nth pair of each pad is measured.
 *
 * The streams may differ in format, colorimetry and, unless
 * #GstSympieProbe:input is `full`, in size: each is prepared for VGG19 on its
 * own. Interlaced frames are measured field by field.
 *
 * A seek that flushes starts the measurement anew.
 *
 * ## Messages
 *
 * Element messages carry a structure `sympieprobe`. With
 * #GstSympieProbe:frame-message there is one for every pair measured:
 *
 * * #gchararray `type`: "frame"
 * * #gchararray `pad`: whose frame it is: "dist_sink" or "dist_sink_0" and so
 * on
 * * #guint64 `index`: place of the pair among all pairs of the pad, from 0
 * * #guint64 `timestamp`, `stream-time`, `running-time`, `duration`: of the
 *   distorted frame, in nanoseconds
 * * #gdouble `feature-mse`
 * * #gdouble `pixel-mse`: of R, G and B from 0 to 255, of what VGG19 sees
 * * #gdouble `psnr`: of the same in dB; infinite for frames that are the same
 *
 * Always there is one for each distorted stream at the end of all, after the
 * last frame:
 *
 * * #gchararray `type`: "pooled"
 * * #gchararray `pad`: as above
 * * #gchararray `layer`, `input`: as the properties
 * * #guint64 `frames`: pairs measured
 * * #guint64 `pairs`: pairs found
 * * #guint64 `unmatched-ref`, `unmatched-dist`: frames without a partner
 * * #gdouble `feature-mse-mean`, `feature-mse-harmonic-mean`,
 *   `feature-mse-min`, `feature-mse-max`, `feature-mse-median`
 * * #gdouble `pixel-mse-mean` and so on
 * * #gdouble `psnr`: of the mean of `pixel-mse`
 * * #gboolean `complete`: TRUE
 *
 * Where nothing was measured, the statistics are NaN, and there is a warning.
 *
 * ## Results
 *
 * #GstSympieProbe:results-filename gets the same numbers: CSV one line a frame,
 * JSON and XML those of the pooled message too. The file can be read at any
 * moment, also after the program was killed; `complete` is then false, and
 * there is no median.
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 -m filesrc location=original.mp4 ! decodebin ! p.ref_sink
 *     filesrc location=compressed.mp4 ! decodebin ! p.dist_sink
 *     sympieprobe name=p ! fakesink
 * ]| Measures a compressed video. Name both pads: decodebin links when it knows
 * what it has, and whoever comes first takes the pad that is free.
 * |[
 * gst-launch-1.0 filesrc location=original.mp4 ! decodebin ! p.ref_sink
 *     filesrc location=compressed.mp4 ! decodebin ! sympieenhance ! p.dist_sink
 *     sympieprobe name=p subsample=10 results-filename=enhanced.json
 *     results-format=json ! fakesink
 * ]| Measures what sympieenhance brings back, on every tenth frame.
 * |[
 * gst-launch-1.0 -m filesrc location=original.mp4 ! decodebin ! p.ref_sink
 *     filesrc location=compressed.mp4 ! decodebin ! tee name=t
 *     t. ! queue ! p.dist_sink t. ! queue ! sympieenhance ! p.dist_sink_0
 *     sympieprobe name=p ! fakesink
 * ]| Both at once.
 *
 * Since: 0.1
 */

#include "gstsympieprobe.h"

#include "gstsympiedevice.h"
#include "gstsympievgg19.h"
#include "measurement.h"

GST_DEBUG_CATEGORY (gst_sympie_probe_debug);

enum
{
  PROP_0,
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
  PROP_MEAN,
  PROP_STATS,
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

struct _GstSympieProbe
{
  GstSympiePairs parent;

  GstSympieMeasurement measurement;
};

#define gst_sympie_probe_parent_class parent_class
G_DEFINE_TYPE (GstSympieProbe, gst_sympie_probe, GST_TYPE_SYMPIE_PAIRS);
GST_ELEMENT_REGISTER_DEFINE (
    sympieprobe, "sympieprobe", GST_RANK_NONE, GST_TYPE_SYMPIE_PROBE);

/* ---- Measuring --------------------------------------------------------- */

static gboolean
gst_sympie_probe_start (GstAggregator *agg)
{
  return gst_sympie_measurement_start (&GST_SYMPIE_PROBE (agg)->measurement);
}

static gboolean
gst_sympie_probe_stop (GstAggregator *agg)
{
  gst_sympie_measurement_stop (&GST_SYMPIE_PROBE (agg)->measurement);
  return GST_AGGREGATOR_CLASS (parent_class)->stop (agg);
}

static GstFlowReturn
gst_sympie_probe_flush (GstAggregator *agg)
{
  return gst_sympie_measurement_restart (&GST_SYMPIE_PROBE (agg)->measurement)
             ? GST_FLOW_OK
             : GST_FLOW_ERROR;
}

static GstFlowReturn
gst_sympie_probe_pair (GstSympiePairs *pairs, const GstSympieFrame *ref,
    const GstSympieFrame *dist, guint n)
{
  return gst_sympie_measurement_pair (
      &GST_SYMPIE_PROBE (pairs)->measurement, ref, dist, n);
}

static GstFlowReturn
gst_sympie_probe_unmatched (
    GstSympiePairs *pairs, GstSympiePairsPad *dist, const GstSympieFrame *frame)
{
  return gst_sympie_measurement_unmatched (
      &GST_SYMPIE_PROBE (pairs)->measurement, dist, frame);
}

static GstFlowReturn
gst_sympie_probe_finish (GstSympiePairs *pairs)
{
  return gst_sympie_measurement_finish (&GST_SYMPIE_PROBE (pairs)->measurement);
}

/* ---- Properties -------------------------------------------------------- */

static void
gst_sympie_probe_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (object);
  GstSympieMeasurementSettings *settings = &self->measurement.settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_WEIGHTS:
    g_free (settings->weights);
    settings->weights = g_value_dup_string (value);
    break;
  case PROP_LAYER:
    settings->features.layer = g_value_get_enum (value);
    break;
  case PROP_INPUT:
    settings->features.input = g_value_get_enum (value);
    break;
  case PROP_SUBSAMPLE:
    settings->subsample = g_value_get_uint (value);
    break;
  case PROP_DEVICE:
    settings->features.device = g_value_get_enum (value);
    break;
  case PROP_N_THREADS:
    settings->features.n_threads = (int) g_value_get_uint (value);
    break;
  case PROP_FRAME_MESSAGE:
    settings->frame_message = g_value_get_boolean (value);
    break;
  case PROP_STRICT:
    settings->strict = g_value_get_boolean (value);
    break;
  case PROP_RESULTS_FILENAME:
    g_free (settings->results_filename);
    settings->results_filename = g_value_dup_string (value);
    break;
  case PROP_RESULTS_FORMAT:
    settings->results_format = g_value_get_enum (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_sympie_probe_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (object);
  GstSympieMeasurementSettings *settings = &self->measurement.settings;

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_WEIGHTS:
    g_value_take_string (
        value, gst_sympie_vgg19_dup_weights (settings->weights));
    break;
  case PROP_LAYER:
    g_value_set_enum (value, settings->features.layer);
    break;
  case PROP_INPUT:
    g_value_set_enum (value, settings->features.input);
    break;
  case PROP_SUBSAMPLE:
    g_value_set_uint (value, settings->subsample);
    break;
  case PROP_DEVICE:
    g_value_set_enum (value, settings->features.device);
    break;
  case PROP_N_THREADS:
    g_value_set_uint (value, settings->features.n_threads);
    break;
  case PROP_FRAME_MESSAGE:
    g_value_set_boolean (value, settings->frame_message);
    break;
  case PROP_STRICT:
    g_value_set_boolean (value, settings->strict);
    break;
  case PROP_RESULTS_FILENAME:
    g_value_set_string (value, settings->results_filename);
    break;
  case PROP_RESULTS_FORMAT:
    g_value_set_enum (value, settings->results_format);
    break;
  case PROP_MEAN:
    g_value_set_double (
        value, gst_sympie_measurement_mean (&self->measurement));
    break;
  case PROP_STATS:
    g_value_take_boxed (
        value, gst_sympie_measurement_stats (&self->measurement));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_sympie_probe_finalize (GObject *object)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (object);

  gst_sympie_measurement_clear (&self->measurement);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_sympie_probe_install_properties (GObjectClass *object_class)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
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
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_WEIGHTS,
      g_param_spec_string ("weights", "Weights",
          "Safetensors file with VGG19's weights (unset = environment variable "
          "SYMPIE_VGG19_WEIGHTS, else the file in the user's data folder)",
          NULL, ready));
  /**
   * GstSympieProbe:layer:
   *
   * Layer of VGG19 whose values are compared. Early ones are much cheaper.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_LAYER,
      g_param_spec_enum ("layer", "Layer",
          "Layer of VGG19 whose values are compared", GST_TYPE_SYMPIE_LAYER,
          DEFAULT_LAYER, ready));
  /**
   * GstSympieProbe:input:
   *
   * What VGG19 sees: the central 224x224 of the frame after its smaller side
   * was reduced (or enlarged) to 232, or the whole frame. Whole frames cost
   * more in proportion to their size, and must be of one size on both sides.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_INPUT,
      g_param_spec_enum ("input", "Input", "What VGG19 sees of a frame",
          GST_TYPE_SYMPIE_INPUT, DEFAULT_INPUT, ready));
  /**
   * GstSympieProbe:subsample:
   *
   * Measure every Nth pair of each pad, from the first on.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_SUBSAMPLE,
      g_param_spec_uint ("subsample", "Subsample", "Measure every Nth pair", 1,
          G_MAXUINT, DEFAULT_SUBSAMPLE, playing));
  /**
   * GstSympieProbe:device:
   *
   * Where to compute: on an NVIDIA GPU with auto, if there is one, else on the
   * processor, which the first element in the process to find none says in a
   * warning. A device that is asked for by name and is not there is an error,
   * not a reason to take another one.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_DEVICE,
      g_param_spec_enum ("device", "Device", "Device to compute on",
          GST_TYPE_SYMPIE_DEVICE, DEFAULT_DEVICE, ready));
  /**
   * GstSympieProbe:n-threads:
   *
   * Threads that work on a pair on the processor, out of one pool for all
   * elements of the process.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_N_THREADS,
      g_param_spec_uint ("n-threads", "Threads",
          "Number of threads on the processor (0 = one for each processor)", 0,
          MAX_N_THREADS, DEFAULT_N_THREADS, ready));
  /**
   * GstSympieProbe:frame-message:
   *
   * Post an element message for every pair measured.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_FRAME_MESSAGE,
      g_param_spec_boolean ("frame-message", "Frame message",
          "Post a message for every pair measured", DEFAULT_FRAME_MESSAGE,
          playing));
  /**
   * GstSympieProbe:strict:
   *
   * Stop with an error at the first frame without a partner.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_STRICT,
      g_param_spec_boolean ("strict", "Strict",
          "A frame without a partner is an error", DEFAULT_STRICT, playing));
  /**
   * GstSympieProbe:results-filename:
   *
   * File that gets the results; it is emptied at the start.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_RESULTS_FILENAME,
      g_param_spec_string ("results-filename", "Results file",
          "File that gets the results (unset = none)", NULL, ready));
  /**
   * GstSympieProbe:results-format:
   *
   * How the file of #GstSympieProbe:results-filename is written.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_RESULTS_FORMAT,
      g_param_spec_enum ("results-format", "Results format",
          "Format of the results file", GST_TYPE_SYMPIE_RESULTS_FORMAT,
          DEFAULT_RESULTS_FORMAT, ready));
  /**
   * GstSympieProbe:mean:
   *
   * Mean of the feature MSE of dist_sink's pairs measured so far; 0 before the
   * first.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_MEAN,
      g_param_spec_double ("mean", "Mean",
          "Mean of the feature MSE of dist_sink's pairs measured so far", 0.0,
          G_MAXDOUBLE, 0.0, readable));
  /**
   * GstSympieProbe:stats:
   *
   * What was done since the start at all pads, a structure
   * application/x-sympie-probe-stats:
   *
   * * #guint64 `frames`: pairs measured
   * * #guint64 `pairs`: pairs found
   * * #guint64 `unmatched-ref`, `unmatched-dist`: frames without a partner
   * * #guint64 `measure-time`: nanoseconds that measuring took
   * * #gdouble `rate`: pairs measured in a second of that
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "frames, pairs, unmatched-ref, unmatched-dist, measure-time "
          "(guint64) and rate (gdouble) since the start",
          GST_TYPE_STRUCTURE, readable));
}

static void
gst_sympie_probe_class_init (GstSympieProbeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstAggregatorClass *agg_class = GST_AGGREGATOR_CLASS (klass);
  GstSympiePairsClass *pairs_class = GST_SYMPIE_PAIRS_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      gst_sympie_probe_debug, "sympieprobe", 0, "Feature error of VGG19");

  object_class->set_property = gst_sympie_probe_set_property;
  object_class->get_property = gst_sympie_probe_get_property;
  object_class->finalize = gst_sympie_probe_finalize;
  gst_sympie_probe_install_properties (object_class);
  gst_type_mark_as_plugin_api (GST_TYPE_SYMPIE_PAIRS, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_SYMPIE_PAIRS_PAD, 0);

  gst_element_class_set_static_metadata (element_class, "VGG19 feature error",
      "Filter/Analyzer/Video",
      "Compares a distorted stream with its reference by features of VGG19",
      "The gst-sympie project");
  agg_class->start = GST_DEBUG_FUNCPTR (gst_sympie_probe_start);
  agg_class->stop = GST_DEBUG_FUNCPTR (gst_sympie_probe_stop);
  agg_class->flush = GST_DEBUG_FUNCPTR (gst_sympie_probe_flush);
  pairs_class->pair = GST_DEBUG_FUNCPTR (gst_sympie_probe_pair);
  pairs_class->unmatched = GST_DEBUG_FUNCPTR (gst_sympie_probe_unmatched);
  pairs_class->finish = GST_DEBUG_FUNCPTR (gst_sympie_probe_finish);
}

static void
gst_sympie_probe_init (GstSympieProbe *self)
{
  GstSympieMeasurementSettings *settings = &self->measurement.settings;

  gst_sympie_measurement_init (&self->measurement, GST_SYMPIE_PAIRS (self));
  settings->features.layer = DEFAULT_LAYER;
  settings->features.input = DEFAULT_INPUT;
  settings->features.device = DEFAULT_DEVICE;
  settings->features.n_threads = DEFAULT_N_THREADS;
  settings->subsample = DEFAULT_SUBSAMPLE;
  settings->frame_message = DEFAULT_FRAME_MESSAGE;
  settings->strict = DEFAULT_STRICT;
  settings->results_format = DEFAULT_RESULTS_FORMAT;
}
