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
 * where they end: the reference's features are computed once for all. Streams
 * wait for each other: where nothing is linked to one of the pads none goes on,
 * which a warning says after five seconds.
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
 * #GstSympieProbe:subsample, every Nth pair of each pad is measured. Decoders
 * are not told of a sink that finds frames late (QoS), or they would drop some.
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
 * last frame, last those of pads that were released before:
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

#include "elements.h"

#include "gstsympiepairs.h"
#include "gstsympieresults.h"
#include "gstsympievgg19.h"
#include "properties.h"

GST_DEBUG_CATEGORY_STATIC (gst_sympie_probe_debug);
#define GST_CAT_DEFAULT gst_sympie_probe_debug

enum
{
  PROP_0,
  PROP_WEIGHTS,
  PROP_MEAN,
  PROP_STATS,
};

#define PROGRESS_INTERVAL GST_SECOND

#define GST_TYPE_SYMPIE_PROBE (gst_sympie_probe_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSympieProbe, gst_sympie_probe, GST, SYMPIE_PROBE, GstSympiePairs)

struct _GstSympieProbe
{
  GstSympiePairs parent;

  /* The object lock guards these. */
  gchar *weights; /* or NULL: gst_sympie_vgg19_dup_weights() */
  SympieLayer layer;
  SympieInput input;
  SympieDevice device;
  guint n_threads;
  guint subsample;
  gboolean frame_message;
  gboolean strict;
  gchar *results_filename; /* or NULL: none */
  GstSympieResultsFormat results_format;
  GstClockTime measure_time;
  GList *released; /* GstSympiePairsPad: were there since the start */

  /* The rest belongs to the streaming thread, and while there is none to
   * start and stop. */
  SympieFeatures *vgg19;
  GstSympieResults *results;
  GstClockTime last_progress;
};

#define gst_sympie_probe_parent_class parent_class
G_DEFINE_TYPE (GstSympieProbe, gst_sympie_probe, GST_TYPE_SYMPIE_PAIRS);
GST_ELEMENT_REGISTER_DEFINE (
    sympieprobe, "sympieprobe", GST_RANK_NONE, GST_TYPE_SYMPIE_PROBE);

/* ---- Streams ----------------------------------------------------------- */

/* The pads that results are of, with the object lock: all distorted streams,
 * then those that came to pads which have been released. To be freed. */
static GList *
list_streams (GstSympieProbe *self)
{
  GList *pads = GST_ELEMENT (self)->sinkpads, *streams = NULL;

  for (GList *l = pads; l; l = l->next)
    if (l->data != self->parent.ref)
      streams = g_list_prepend (streams, l->data);
  for (GList *l = self->released; l; l = l->next)
    if (!gst_sympie_tally_is_empty (&GST_SYMPIE_PAIRS_PAD (l->data)->tally)
        && !g_list_find (pads, l->data)) /* it is being released */
      streams = g_list_prepend (streams, l->data);
  return g_list_reverse (streams);
}

static void
gst_sympie_probe_release_pad (GstElement *element, GstPad *pad)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (element);

  GST_OBJECT_LOCK (self);
  self->released = g_list_append (self->released, gst_object_ref (pad));
  GST_OBJECT_UNLOCK (self);
  GST_ELEMENT_CLASS (parent_class)->release_pad (element, pad);
}

static void
forget (GstSympieProbe *self)
{
  GList *released;

  GST_OBJECT_LOCK (self);
  for (GList *l = GST_ELEMENT (self)->sinkpads; l; l = l->next)
    gst_sympie_tally_reset (&GST_SYMPIE_PAIRS_PAD (l->data)->tally);
  self->measure_time = 0;
  released = g_steal_pointer (&self->released);
  GST_OBJECT_UNLOCK (self);
  g_list_free_full (released, gst_object_unref);
}

/* ---- Start and stop ---------------------------------------------------- */

static gboolean
open_vgg19 (GstSympieProbe *self)
{
  GstClockTime begin = gst_util_get_timestamp ();
  SympieFeaturesConfig config = SYMPIE_FEATURES_CONFIG_INIT;
  gchar *weights;

  GST_OBJECT_LOCK (self);
  config.layer = self->layer;
  config.input = self->input;
  config.device = self->device;
  config.n_threads = (int) self->n_threads;
  weights = gst_sympie_vgg19_dup_weights (self->weights);
  GST_OBJECT_UNLOCK (self);
  config.weights = weights;

  self->vgg19 = gst_sympie_vgg19_open (GST_ELEMENT (self), &config);
  if (self->vgg19)
    GST_INFO_OBJECT (self,
        "set up on the %s in %" GST_TIME_FORMAT ", weights %s",
        sympie_features_device (self->vgg19) == SYMPIE_DEVICE_CUDA
            ? "GPU"
            : "processor",
        GST_TIME_ARGS (gst_util_get_timestamp () - begin), weights);
  g_free (weights);
  return self->vgg19 != NULL;
}

static GPtrArray *
new_structures (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) gst_structure_free);
}

/* The pooled messages' structures, one for each distorted stream. */
static GPtrArray *
pool (GstSympieProbe *self, gboolean complete)
{
  GPtrArray *all = new_structures ();
  GList *streams;

  GST_OBJECT_LOCK (self);
  streams = list_streams (self);
  for (GList *l = streams; l; l = l->next) {
    const GstSympiePairsPad *pad = l->data;
    GstStructure *pooled =
        gst_structure_new ("sympieprobe", "type", G_TYPE_STRING, "pooled",
            "pad", G_TYPE_STRING, GST_PAD_NAME (pad), "layer", G_TYPE_STRING,
            sympie_layer_name (self->layer), "input", G_TYPE_STRING,
            gst_sympie_enum_nick (GST_TYPE_SYMPIE_INPUT, self->input), NULL);

    gst_sympie_tally_pool (&pad->tally, complete, pooled);
    g_ptr_array_add (all, pooled);
  }
  g_list_free (streams);
  GST_OBJECT_UNLOCK (self);
  return all;
}

/* Creates or empties the results file, if there is to be one. */
static gboolean
open_results (GstSympieProbe *self)
{
  GstSympieResultsFormat format;
  gchar *filename, *weights;
  GstStructure *about;
  GPtrArray *nothing = pool (self, FALSE);
  GError *error = NULL;

  g_clear_pointer (&self->results, gst_sympie_results_free);
  GST_OBJECT_LOCK (self);
  filename = g_strdup (self->results_filename);
  format = self->results_format;
  weights = gst_sympie_vgg19_dup_weights (self->weights);
  about = gst_structure_new ("about", "layer", G_TYPE_STRING,
      sympie_layer_name (self->layer), "input", G_TYPE_STRING,
      gst_sympie_enum_nick (GST_TYPE_SYMPIE_INPUT, self->input), "subsample",
      G_TYPE_UINT64, (guint64) self->subsample, "weights", G_TYPE_STRING,
      weights, "device", G_TYPE_STRING,
      gst_sympie_enum_nick (
          GST_TYPE_SYMPIE_DEVICE, sympie_features_device (self->vgg19)),
      NULL);
  GST_OBJECT_UNLOCK (self);

  if (filename && *filename)
    self->results =
        gst_sympie_results_new (filename, format, about, nothing, &error);
  g_free (filename);
  g_free (weights);
  gst_structure_free (about);
  g_ptr_array_unref (nothing);
  if (!error)
    return TRUE;

  GST_ELEMENT_ERROR (self, RESOURCE, OPEN_WRITE,
      ("Cannot write the results: %s", error->message), (NULL));
  g_error_free (error);
  return FALSE;
}

static gboolean
gst_sympie_probe_stop (GstAggregator *agg)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (agg);

  g_clear_pointer (&self->vgg19, sympie_features_close);
  g_clear_pointer (&self->results, gst_sympie_results_free);
  return GST_AGGREGATOR_CLASS (parent_class)->stop (agg);
}

static gboolean
gst_sympie_probe_start (GstAggregator *agg)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (agg);

  self->last_progress = gst_util_get_timestamp ();
  forget (self);
  if (open_vgg19 (self) && open_results (self))
    return TRUE;
  gst_sympie_probe_stop (agg);
  return FALSE;
}

/* A seek: what was measured is forgotten. */
static GstFlowReturn
gst_sympie_probe_flush (GstAggregator *agg)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (agg);

  forget (self);
  return open_results (self) ? GST_FLOW_OK : GST_FLOW_ERROR;
}

/* ---- Results ----------------------------------------------------------- */

static GstFlowReturn
fail_results (GstSympieProbe *self, GError *error)
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

/* Of all pads so far, with the object lock. */
static GstStructure *
get_stats (GstSympieProbe *self)
{
  guint64 n_frames = 0, n_pairs = 0, n_ref = 0, n_dist = 0;
  gdouble seconds = (gdouble) self->measure_time / GST_SECOND;
  GList *streams = list_streams (self);

  for (GList *l = streams; l; l = l->next) {
    const GstSympieTally *tally = &GST_SYMPIE_PAIRS_PAD (l->data)->tally;

    n_frames += gst_sympie_tally_n_frames (tally);
    n_pairs += tally->n_pairs;
    n_ref += tally->n_unmatched_ref;
    n_dist += tally->n_unmatched_dist;
  }
  g_list_free (streams);
  return gst_structure_new ("application/x-sympie-probe-stats", "frames",
      G_TYPE_UINT64, n_frames, "pairs", G_TYPE_UINT64, n_pairs, "unmatched-ref",
      G_TYPE_UINT64, n_ref, "unmatched-dist", G_TYPE_UINT64, n_dist,
      "measure-time", G_TYPE_UINT64, self->measure_time, "rate", G_TYPE_DOUBLE,
      seconds > 0.0 ? (gdouble) n_frames / seconds : 0.0, NULL);
}

static void
log_progress (GstSympieProbe *self)
{
  GstClockTime now = gst_util_get_timestamp ();
  GstStructure *stats;

  if (now - self->last_progress < PROGRESS_INTERVAL)
    return;
  self->last_progress = now;
  GST_OBJECT_LOCK (self);
  stats = get_stats (self);
  GST_OBJECT_UNLOCK (self);
  GST_INFO_OBJECT (self, "%" GST_PTR_FORMAT, stats);
  gst_structure_free (stats);
}

static void
post (GstSympieProbe *self, GstStructure *structure)
{
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self), structure));
}

/* Tells everybody of the pairs that were measured; takes `frames`. */
static GstFlowReturn
report (GstSympieProbe *self, GPtrArray *frames)
{
  gboolean tells;
  GError *error = NULL;

  if (self->results) {
    GPtrArray *pooled = pool (self, FALSE);

    gst_sympie_results_add (self->results, frames, pooled, &error);
    g_ptr_array_unref (pooled);
  }

  GST_OBJECT_LOCK (self);
  tells = self->frame_message;
  GST_OBJECT_UNLOCK (self);
  for (guint i = 0; tells && i < frames->len; i++) {
    GstStructure *frame = gst_structure_copy (frames->pdata[i]);

    gst_structure_set (frame, "type", G_TYPE_STRING, "frame", NULL);
    post (self, frame);
  }
  g_ptr_array_unref (frames);
  log_progress (self);
  return error ? fail_results (self, error) : GST_FLOW_OK;
}

/* ---- Pairs ------------------------------------------------------------- */

static GstStructure *
describe (const GstSympiePairsFrame *frame, guint64 index,
    const SympieDifference *difference)
{
  return gst_structure_new ("sympieprobe", "pad", G_TYPE_STRING,
      GST_PAD_NAME (frame->pad), "index", G_TYPE_UINT64, index, "timestamp",
      G_TYPE_UINT64, GST_BUFFER_PTS (frame->buffer), "stream-time",
      G_TYPE_UINT64, frame->stream_time, "running-time", G_TYPE_UINT64,
      frame->running_time, "duration", G_TYPE_UINT64,
      GST_BUFFER_DURATION (frame->buffer), "feature-mse", G_TYPE_DOUBLE,
      difference->feature_mse, "pixel-mse", G_TYPE_DOUBLE,
      difference->pixel_mse, "psnr", G_TYPE_DOUBLE,
      gst_sympie_psnr (difference->pixel_mse), NULL);
}

/* The frames of `dist` that are to be measured now, each with the number of its
 * pair, which has been counted. */
static guint
choose (GstSympieProbe *self, const GstSympiePairsFrame *dist, guint n,
    GstSympiePairsFrame *chosen, guint64 *indices)
{
  guint n_chosen = 0;

  GST_OBJECT_LOCK (self);
  for (guint i = 0; i < n; i++) {
    guint64 index = dist[i].pad->tally.n_pairs++;

    if (index % self->subsample == 0) {
      indices[n_chosen] = index;
      chosen[n_chosen++] = dist[i];
    }
  }
  GST_OBJECT_UNLOCK (self);
  return n_chosen;
}

static GstFlowReturn
gst_sympie_probe_pair (GstSympiePairs *pairs, const GstSympiePairsFrame *ref,
    const GstSympiePairsFrame *dist, guint n)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (pairs);
  GstSympiePairsFrame *chosen = g_newa (GstSympiePairsFrame, n);
  guint64 *indices = g_newa (guint64, n);
  SympieDifference *differences = g_newa (SympieDifference, n);
  GstClockTime begin = gst_util_get_timestamp ();
  GPtrArray *frames;

  n = choose (self, dist, n, chosen, indices);
  if (n == 0)
    return GST_FLOW_OK;
  if (!gst_sympie_vgg19_compare (
          GST_ELEMENT (self), self->vgg19, ref, chosen, n, differences))
    return GST_FLOW_ERROR;

  frames = new_structures ();
  GST_OBJECT_LOCK (self);
  self->measure_time += gst_util_get_timestamp () - begin;
  for (guint i = 0; i < n; i++) {
    gst_sympie_tally_add (&chosen[i].pad->tally, &differences[i]);
    g_ptr_array_add (
        frames, describe (&chosen[i], indices[i], &differences[i]));
  }
  GST_OBJECT_UNLOCK (self);
  return report (self, frames);
}

static GstFlowReturn
gst_sympie_probe_unmatched (GstSympiePairs *pairs, GstSympiePairsPad *dist,
    const GstSympiePairsFrame *frame)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (pairs);
  gboolean is_dist = frame->pad == dist;
  const gchar *other = is_dist ? "ref_sink" : GST_PAD_NAME (dist);
  gboolean strict;

  GST_OBJECT_LOCK (self);
  if (is_dist)
    dist->tally.n_unmatched_dist++;
  else
    dist->tally.n_unmatched_ref++;
  strict = self->strict;
  GST_OBJECT_UNLOCK (self);

  if (strict) {
    GST_ELEMENT_ERROR (self, STREAM, FAILED,
        ("The frame of %s at running time %" GST_TIME_FORMAT
         " has no partner at %s",
            GST_PAD_NAME (frame->pad), GST_TIME_ARGS (frame->running_time),
            other),
        (NULL));
    return GST_FLOW_ERROR;
  }
  GST_INFO_OBJECT (self,
      "%s: no partner at %s for the frame at %" GST_TIME_FORMAT,
      GST_PAD_NAME (frame->pad), other, GST_TIME_ARGS (frame->running_time));
  return GST_FLOW_OK;
}

/* A stream without a pair is worth a warning; the first pair is always
 * measured. */
static void
warn_of_nothing (GstSympieProbe *self, const GstStructure *pooled)
{
  guint64 n_pairs, n_ref, n_dist;

  gst_structure_get (pooled, "pairs", G_TYPE_UINT64, &n_pairs, "unmatched-ref",
      G_TYPE_UINT64, &n_ref, "unmatched-dist", G_TYPE_UINT64, &n_dist, NULL);
  if (n_pairs == 0)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        ("Nothing was measured: %" G_GUINT64_FORMAT
         " frames came to ref_sink, %" G_GUINT64_FORMAT
         " to %s, and none in pairs",
            n_ref, n_dist, gst_structure_get_string (pooled, "pad")),
        (NULL));
}

static GstFlowReturn
gst_sympie_probe_finish (GstSympiePairs *pairs)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (pairs);
  GPtrArray *pooled = pool (self, TRUE);
  GError *error = NULL;

  for (guint i = 0; i < pooled->len; i++)
    warn_of_nothing (self, pooled->pdata[i]);
  if (self->results)
    gst_sympie_results_add (self->results, NULL, pooled, &error);
  for (guint i = 0; !error && i < pooled->len; i++) {
    GST_INFO_OBJECT (self, "%" GST_PTR_FORMAT, pooled->pdata[i]);
    post (self, gst_structure_copy (pooled->pdata[i]));
  }
  g_ptr_array_unref (pooled);
  return error ? fail_results (self, error) : GST_FLOW_EOS;
}

/* ---- Properties -------------------------------------------------------- */

static void
gst_sympie_probe_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (object);
  gboolean is_field = FALSE;

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_WEIGHTS:
    g_value_take_string (value, gst_sympie_vgg19_dup_weights (self->weights));
    break;
  case PROP_MEAN:
    g_value_set_double (
        value, gst_sympie_tally_mean (&self->parent.dist->tally));
    break;
  case PROP_STATS:
    g_value_take_boxed (value, get_stats (self));
    break;
  default:
    is_field = TRUE;
  }
  GST_OBJECT_UNLOCK (self);
  if (is_field)
    gst_sympie_field_get (object, id, value, pspec);
}

static void
gst_sympie_probe_finalize (GObject *object)
{
  g_list_free_full (GST_SYMPIE_PROBE (object)->released, gst_object_unref);
  gst_sympie_fields_reset (object);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

#define FIELD(name) G_STRUCT_OFFSET (GstSympieProbe, name)

static void
gst_sympie_probe_install_properties (GObjectClass *klass)
{
  /**
   * GstSympieProbe:weights:
   *
   * Path of VGG19's weights, a safetensors file with torchvision's names. If it
   * is not set, the environment variable SYMPIE_VGG19_WEIGHTS names the file,
   * and without that it is gst-sympie/vgg19.safetensors in the user's data
   * folder, where `weights/fetch-vgg19.sh` puts it. Reads as the path in use.
   */
  g_object_class_install_property (klass, PROP_WEIGHTS,
      gst_sympie_field (FIELD (weights),
          g_param_spec_string ("weights", "Weights",
              "Safetensors file with VGG19's weights (unset = environment "
              "variable "
              "SYMPIE_VGG19_WEIGHTS, else the file in the user's data folder)",
              NULL, GST_SYMPIE_READY)));
  /**
   * GstSympieProbe:layer:
   *
   * Layer of VGG19 whose values are compared. Early ones are much cheaper.
   */
  gst_sympie_install_field (klass, FIELD (layer),
      g_param_spec_enum ("layer", "Layer",
          "Layer of VGG19 whose values are compared", GST_TYPE_SYMPIE_LAYER,
          SYMPIE_LAYER_POOL5, GST_SYMPIE_READY));
  /**
   * GstSympieProbe:input:
   *
   * What VGG19 sees: the central 224x224 of the frame after its smaller side
   * was reduced (or enlarged) to 232, or the whole frame. Whole frames cost
   * more in proportion to their size, and must be of one size on both sides.
   */
  gst_sympie_install_field (klass, FIELD (input),
      g_param_spec_enum ("input", "Input", "What VGG19 sees of a frame",
          GST_TYPE_SYMPIE_INPUT, SYMPIE_INPUT_CROP224, GST_SYMPIE_READY));
  gst_sympie_install_field (klass, FIELD (subsample),
      g_param_spec_uint ("subsample", "Subsample", "Measure every Nth pair", 1,
          G_MAXUINT, 1, GST_SYMPIE_PLAYING));
  gst_sympie_install_device (klass, FIELD (device));
  gst_sympie_install_n_threads (klass, FIELD (n_threads));
  gst_sympie_install_field (klass, FIELD (frame_message),
      g_param_spec_boolean ("frame-message", "Frame message",
          "Post a message for every pair measured", FALSE, GST_SYMPIE_PLAYING));
  gst_sympie_install_field (klass, FIELD (strict),
      g_param_spec_boolean ("strict", "Strict",
          "A frame without a partner is an error", FALSE, GST_SYMPIE_PLAYING));
  /**
   * GstSympieProbe:results-filename:
   *
   * File that gets the results; it is emptied at the start.
   */
  gst_sympie_install_field (klass, FIELD (results_filename),
      g_param_spec_string ("results-filename", "Results file",
          "File that gets the results (unset = none)", NULL, GST_SYMPIE_READY));
  gst_sympie_install_field (klass, FIELD (results_format),
      g_param_spec_enum ("results-format", "Results format",
          "Format of the results file", GST_TYPE_SYMPIE_RESULTS_FORMAT,
          GST_SYMPIE_RESULTS_CSV, GST_SYMPIE_READY));
  /**
   * GstSympieProbe:mean:
   *
   * Mean of the feature MSE of dist_sink's pairs measured so far; 0 before the
   * first.
   */
  g_object_class_install_property (klass, PROP_MEAN,
      g_param_spec_double ("mean", "Mean",
          "Mean of the feature MSE of dist_sink's pairs measured so far", 0.0,
          G_MAXDOUBLE, 0.0, GST_SYMPIE_READABLE));
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
   */
  g_object_class_install_property (klass, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "frames, pairs, unmatched-ref, unmatched-dist, measure-time "
          "(guint64) and rate (gdouble) since the start",
          GST_TYPE_STRUCTURE, GST_SYMPIE_READABLE));
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

  object_class->set_property = gst_sympie_field_set;
  object_class->get_property = gst_sympie_probe_get_property;
  object_class->finalize = gst_sympie_probe_finalize;
  gst_sympie_probe_install_properties (object_class);
  gst_type_mark_as_plugin_api (GST_TYPE_SYMPIE_PAIRS, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_SYMPIE_PAIRS_PAD, 0);

  gst_element_class_set_static_metadata (element_class, "VGG19 feature error",
      "Filter/Analyzer/Video",
      "Compares a distorted stream with its reference by features of VGG19",
      GST_SYMPIE_AUTHOR);
  element_class->release_pad = GST_DEBUG_FUNCPTR (gst_sympie_probe_release_pad);
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
  gst_sympie_fields_reset (G_OBJECT (self));
}
