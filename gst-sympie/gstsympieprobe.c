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
 * `dist_sink`. The source pad hands the distorted frames on, untouched.
 *
 * ## Weights
 *
 * The weights of VGG19 are not part of the plugin. `weights/fetch-vgg19.sh`
 * installs them in the user's data folder; see #GstSympieProbe:weights.
 *
 * ## Pairs
 *
 * Frames are paired by their running times, which may differ by 2 ms:
 * containers round. A frame without a partner is not measured; it is counted,
 * reported and, with #GstSympieProbe:strict, an error. No frame is ever
 * repeated, so streams of different frame rates are compared where both have a
 * frame. Two live sources time their frames each on its own: use one and a tee.
 * With #GstSympieProbe:subsample, every Nth pair is measured.
 *
 * The two streams may differ in format, colorimetry and, unless
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
 * * #guint64 `index`: place of the pair among all pairs, from 0
 * * #guint64 `timestamp`, `stream-time`, `running-time`, `duration`: of the
 *   distorted frame, in nanoseconds
 * * #gdouble `feature-mse`
 * * #gdouble `pixel-mse`: of R, G and B from 0 to 255, of what VGG19 sees
 * * #gdouble `psnr`: of the same in dB; infinite for frames that are the same
 *
 * Always there is one at the end of the stream, after the last frame:
 *
 * * #gchararray `type`: "pooled"
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
 * moment, also after the program was killed; `complete` is then false.
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
 */

#include "gstsympieprobe.h"

#include "gstsympieprobeproperties.h"
#include "gstsympieresults.h"
#include "gstsympietally.h"
#include "gstsympievgg19.h"

GST_DEBUG_CATEGORY_STATIC (gst_sympie_probe_debug);
#define GST_CAT_DEFAULT gst_sympie_probe_debug

enum
{
  PROP_0,
  PROP_MEAN,
  PROP_STATS,
  PROP_WRITABLE, /* the first of those in gstsympieprobeproperties.h */
};

#define PROGRESS_INTERVAL GST_SECOND

struct _GstSympieProbe
{
  GstSympiePairs parent;

  /* The object lock guards these. */
  GstSympieProbeProperties properties;
  GstSympieTally tally;

  /* The rest belongs to the streaming thread, and while there is none to
   * start and stop. */
  SympieFeatures *features;
  GstSympieResults *results;
  GstClockTime last_progress;
};

#define gst_sympie_probe_parent_class parent_class
G_DEFINE_TYPE (GstSympieProbe, gst_sympie_probe, GST_TYPE_SYMPIE_PAIRS);
GST_ELEMENT_REGISTER_DEFINE (
    sympieprobe, "sympieprobe", GST_RANK_NONE, GST_TYPE_SYMPIE_PROBE);

/* ---- Start and stop ---------------------------------------------------- */

static gboolean
gst_sympie_probe_open_features (GstSympieProbe *self)
{
  GstClockTime begin = gst_util_get_timestamp ();
  SympieFeaturesConfig config;
  gchar *weights;

  GST_OBJECT_LOCK (self);
  config = self->properties.features;
  weights = gst_sympie_vgg19_dup_weights (self->properties.weights);
  GST_OBJECT_UNLOCK (self);
  config.weights = weights;

  self->features = gst_sympie_vgg19_open (GST_ELEMENT (self), &config);
  if (self->features)
    GST_INFO_OBJECT (self,
        "set up on the %s in %" GST_TIME_FORMAT ", weights %s",
        sympie_features_device (self->features) == SYMPIE_DEVICE_CUDA
            ? "GPU"
            : "processor",
        GST_TIME_ARGS (gst_util_get_timestamp () - begin), weights);
  g_free (weights);
  return self->features != NULL;
}

/* The fields of the pooled message. */
static GstStructure *
gst_sympie_probe_pool (GstSympieProbe *self, gboolean complete)
{
  const SympieFeaturesConfig *config = &self->properties.features;
  GstStructure *pooled;

  GST_OBJECT_LOCK (self);
  pooled = gst_structure_new ("sympieprobe", "type", G_TYPE_STRING, "pooled",
      "layer", G_TYPE_STRING, sympie_layer_name (config->layer), "input",
      G_TYPE_STRING, gst_sympie_input_name (config->input), NULL);
  gst_sympie_tally_pool (&self->tally, complete, pooled);
  GST_OBJECT_UNLOCK (self);
  return pooled;
}

/* Creates or empties the results file, if there is to be one. */
static gboolean
gst_sympie_probe_open_results (GstSympieProbe *self)
{
  const GstSympieProbeProperties *properties = &self->properties;
  GstSympieResultsFormat format;
  gchar *filename, *weights;
  GstStructure *about, *nothing = gst_sympie_probe_pool (self, FALSE);
  GError *error = NULL;

  gst_sympie_results_free (self->results);
  self->results = NULL;

  GST_OBJECT_LOCK (self);
  filename = g_strdup (properties->results_filename);
  format = properties->results_format;
  weights = gst_sympie_vgg19_dup_weights (properties->weights);
  about = gst_structure_new ("about", "layer", G_TYPE_STRING,
      sympie_layer_name (properties->features.layer), "input", G_TYPE_STRING,
      gst_sympie_input_name (properties->features.input), "subsample",
      G_TYPE_UINT64, (guint64) properties->subsample, "weights", G_TYPE_STRING,
      weights, NULL);
  GST_OBJECT_UNLOCK (self);

  if (filename && *filename)
    self->results =
        gst_sympie_results_new (filename, format, about, nothing, &error);
  g_free (filename);
  g_free (weights);
  gst_structure_free (about);
  gst_structure_free (nothing);
  if (!error)
    return TRUE;

  GST_ELEMENT_ERROR (self, RESOURCE, OPEN_WRITE,
      ("Cannot write the results: %s", error->message), (NULL));
  g_error_free (error);
  return FALSE;
}

static void
gst_sympie_probe_forget (GstSympieProbe *self)
{
  GST_OBJECT_LOCK (self);
  gst_sympie_tally_reset (&self->tally);
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_sympie_probe_stop (GstAggregator *agg)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (agg);

  sympie_features_close (self->features);
  self->features = NULL;
  gst_sympie_results_free (self->results);
  self->results = NULL;
  return GST_AGGREGATOR_CLASS (parent_class)->stop (agg);
}

static gboolean
gst_sympie_probe_start (GstAggregator *agg)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (agg);

  self->last_progress = gst_util_get_timestamp ();
  gst_sympie_probe_forget (self);
  if (gst_sympie_probe_open_features (self)
      && gst_sympie_probe_open_results (self))
    return TRUE;
  gst_sympie_probe_stop (agg); /* the base class does not */
  return FALSE;
}

static GstFlowReturn
gst_sympie_probe_flush (GstAggregator *agg)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (agg);

  gst_sympie_probe_forget (self);
  return gst_sympie_probe_open_results (self) ? GST_FLOW_OK : GST_FLOW_ERROR;
}

/* ---- Results ----------------------------------------------------------- */

static GstFlowReturn
gst_sympie_probe_results_failed (GstSympieProbe *self, GError *error)
{
  if (g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC))
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
        ("Cannot write the results: %s", error->message), (NULL));
  else
    GST_ELEMENT_ERROR (self, RESOURCE, WRITE,
        ("Cannot write the results: %s", error->message), (NULL));
  g_error_free (error);
  return GST_FLOW_ERROR;
}

static void
gst_sympie_probe_log_progress (GstSympieProbe *self)
{
  GstClockTime now = gst_util_get_timestamp ();
  GstStructure *stats;

  if (now - self->last_progress < PROGRESS_INTERVAL)
    return;
  self->last_progress = now;
  g_object_get (self, "stats", &stats, NULL);
  GST_INFO_OBJECT (self, "%" GST_PTR_FORMAT, stats);
  gst_structure_free (stats);
}

/* Tells everybody of a pair that was measured. */
static GstFlowReturn
gst_sympie_probe_report (
    GstSympieProbe *self, const GstSympieMeasurement *measurement)
{
  GstStructure *frame = gst_sympie_measurement_to_structure (measurement);
  gboolean post;
  GError *error = NULL;

  if (self->results) {
    GstStructure *pooled = gst_sympie_probe_pool (self, FALSE);

    gst_sympie_results_add (self->results, frame, pooled, &error);
    gst_structure_free (pooled);
  }

  GST_OBJECT_LOCK (self);
  post = self->properties.frame_message;
  GST_OBJECT_UNLOCK (self);
  if (post) {
    gst_structure_set (frame, "type", G_TYPE_STRING, "frame", NULL);
    gst_element_post_message (
        GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), frame));
  } else {
    gst_structure_free (frame);
  }
  gst_sympie_probe_log_progress (self);
  return error ? gst_sympie_probe_results_failed (self, error) : GST_FLOW_OK;
}

/* ---- Pairs ------------------------------------------------------------- */

static GstFlowReturn
gst_sympie_probe_measure (GstSympieProbe *self,
    const GstSympieFrame frames[GST_SYMPIE_N_SIDES], guint64 index)
{
  const GstSympieFrame *dist = &frames[GST_SYMPIE_DIST];
  GstClockTime begin = gst_util_get_timestamp ();
  GstSympieMeasurement measurement = {
    .index = index,
    .timestamp = GST_BUFFER_PTS (dist->buffer),
    .stream_time = dist->stream_time,
    .running_time = dist->running_time,
    .duration = GST_BUFFER_DURATION (dist->buffer),
  };

  if (!gst_sympie_vgg19_compare (
          GST_ELEMENT (self), self->features, frames, &measurement.difference))
    return GST_FLOW_ERROR;
  measurement.measure_time = gst_util_get_timestamp () - begin;

  GST_OBJECT_LOCK (self);
  gst_sympie_tally_add (&self->tally, &measurement);
  GST_OBJECT_UNLOCK (self);
  return gst_sympie_probe_report (self, &measurement);
}

static GstFlowReturn
gst_sympie_probe_pair (
    GstSympiePairs *pairs, const GstSympieFrame frames[GST_SYMPIE_N_SIDES])
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (pairs);
  gboolean measuring;
  guint64 index;

  GST_OBJECT_LOCK (self);
  index = self->tally.n_pairs++;
  measuring = index % self->properties.subsample == 0;
  GST_OBJECT_UNLOCK (self);
  return measuring ? gst_sympie_probe_measure (self, frames, index)
                   : GST_FLOW_OK;
}

static GstFlowReturn
gst_sympie_probe_unmatched (
    GstSympiePairs *pairs, GstSympieSide side, GstClockTime running_time)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (pairs);
  gboolean strict;

  GST_OBJECT_LOCK (self);
  self->tally.n_unmatched[side]++;
  strict = self->properties.strict;
  GST_OBJECT_UNLOCK (self);

  if (strict) {
    GST_ELEMENT_ERROR (self, STREAM, FAILED,
        ("The frame of %s at running time %" GST_TIME_FORMAT
         " has no partner at the other pad",
            gst_sympie_side_name (side), GST_TIME_ARGS (running_time)),
        (NULL));
    return GST_FLOW_ERROR;
  }
  GST_INFO_OBJECT (self, "%s: no partner for the frame at %" GST_TIME_FORMAT,
      gst_sympie_side_name (side), GST_TIME_ARGS (running_time));
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_sympie_probe_finish (GstSympiePairs *pairs)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (pairs);
  GstStructure *pooled = gst_sympie_probe_pool (self, TRUE);
  GError *error = NULL;
  guint64 n_pairs, n_ref, n_dist;

  GST_OBJECT_LOCK (self);
  n_pairs = self->tally.n_pairs;
  n_ref = self->tally.n_unmatched[GST_SYMPIE_REF];
  n_dist = self->tally.n_unmatched[GST_SYMPIE_DIST];
  GST_OBJECT_UNLOCK (self);
  if (n_pairs == 0) /* the first is always measured */
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        ("Nothing was measured: %" G_GUINT64_FORMAT
         " frames came to ref_sink, %" G_GUINT64_FORMAT
         " to dist_sink, and none in pairs",
            n_ref, n_dist),
        (NULL));
  GST_INFO_OBJECT (self, "%" GST_PTR_FORMAT, pooled);

  if (self->results)
    gst_sympie_results_finish (self->results, pooled, &error);
  if (error) {
    gst_structure_free (pooled);
    return gst_sympie_probe_results_failed (self, error);
  }
  gst_element_post_message (
      GST_ELEMENT (self), gst_message_new_element (GST_OBJECT (self), pooled));
  return GST_FLOW_EOS;
}

/* ---- Properties -------------------------------------------------------- */

static void
gst_sympie_probe_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (object);

  GST_OBJECT_LOCK (self);
  if (!gst_sympie_probe_properties_set (
          &self->properties, id - PROP_WRITABLE, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_sympie_probe_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (object);

  GST_OBJECT_LOCK (self);
  if (id == PROP_MEAN)
    g_value_set_double (value, gst_sympie_tally_mean (&self->tally));
  else if (id == PROP_STATS)
    g_value_take_boxed (value, gst_sympie_tally_stats (&self->tally));
  else if (!gst_sympie_probe_properties_get (
               &self->properties, id - PROP_WRITABLE, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_sympie_probe_finalize (GObject *object)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (object);

  gst_sympie_probe_properties_clear (&self->properties);
  gst_sympie_tally_clear (&self->tally);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_sympie_probe_install_properties (GObjectClass *object_class)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  gst_sympie_probe_properties_install (object_class, PROP_WRITABLE);
  /**
   * GstSympieProbe:mean:
   *
   * Mean of the feature MSE of all pairs measured so far; 0 before the first.
   */
  g_object_class_install_property (object_class, PROP_MEAN,
      g_param_spec_double ("mean", "Mean",
          "Mean of the feature MSE of the pairs measured so far", 0.0,
          G_MAXDOUBLE, 0.0, readable));
  /**
   * GstSympieProbe:stats:
   *
   * What was done since the start, a structure application/x-sympie-stats:
   *
   * * #guint64 `frames`: pairs measured
   * * #guint64 `pairs`: pairs found
   * * #guint64 `unmatched-ref`, `unmatched-dist`: frames without a partner
   * * #guint64 `measure-time`: nanoseconds that measuring took
   * * #gdouble `rate`: pairs measured in a second of that
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
  gst_type_mark_as_plugin_api (GST_TYPE_SYMPIE_LAYER, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_SYMPIE_INPUT, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_SYMPIE_RESULTS_FORMAT, 0);

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
  gst_sympie_probe_properties_init (&self->properties);
  gst_sympie_tally_init (&self->tally);
}
