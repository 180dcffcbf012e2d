/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "measurement.h"

#include "gstsympievgg19.h"

GST_DEBUG_CATEGORY_EXTERN (gst_sympie_probe_debug);
#define GST_CAT_DEFAULT gst_sympie_probe_debug

#define PROGRESS_INTERVAL GST_SECOND

/* ---- Start and stop ---------------------------------------------------- */

void
gst_sympie_measurement_init (
    GstSympieMeasurement *self, GstSympiePairs *element)
{
  self->element = element;
  self->settings.features = (SympieFeaturesConfig) SYMPIE_FEATURES_CONFIG_INIT;
}

void
gst_sympie_measurement_clear (GstSympieMeasurement *self)
{
  g_free (self->settings.weights);
  g_free (self->settings.results_filename);
}

static gboolean
open_vgg19 (GstSympieMeasurement *self)
{
  GstClockTime begin = gst_util_get_timestamp ();
  SympieFeaturesConfig config;
  gchar *weights;

  GST_OBJECT_LOCK (self->element);
  config = self->settings.features;
  weights = gst_sympie_vgg19_dup_weights (self->settings.weights);
  GST_OBJECT_UNLOCK (self->element);
  config.weights = weights;

  self->vgg19 = gst_sympie_vgg19_open (GST_ELEMENT (self->element), &config);
  if (self->vgg19)
    GST_INFO_OBJECT (self->element,
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

/* The pooled messages' structures, one a pad. */
static GPtrArray *
pool (GstSympieMeasurement *self, gboolean complete)
{
  GPtrArray *all = new_structures ();
  GList *pads = gst_sympie_pairs_dist_pads (self->element);

  GST_OBJECT_LOCK (self->element);
  for (GList *l = pads; l; l = l->next) {
    GstSympiePairsPad *pad = l->data;
    GstStructure *pooled =
        gst_structure_new ("sympieprobe", "type", G_TYPE_STRING, "pooled",
            "pad", G_TYPE_STRING, GST_PAD_NAME (pad), "layer", G_TYPE_STRING,
            sympie_layer_name (self->settings.features.layer), "input",
            G_TYPE_STRING,
            gst_sympie_input_name (self->settings.features.input), NULL);

    gst_sympie_tally_pool (&pad->tally, complete, pooled);
    g_ptr_array_add (all, pooled);
  }
  GST_OBJECT_UNLOCK (self->element);
  g_list_free_full (pads, gst_object_unref);
  return all;
}

/* Creates or empties the results file, if there is to be one. */
static gboolean
open_results (GstSympieMeasurement *self)
{
  GstSympieResultsFormat format;
  gchar *filename, *weights;
  GstStructure *about;
  GPtrArray *nothing = pool (self, FALSE);
  GError *error = NULL;

  gst_sympie_results_free (self->results);
  self->results = NULL;

  GST_OBJECT_LOCK (self->element);
  filename = g_strdup (self->settings.results_filename);
  format = self->settings.results_format;
  weights = gst_sympie_vgg19_dup_weights (self->settings.weights);
  about = gst_structure_new ("about", "layer", G_TYPE_STRING,
      sympie_layer_name (self->settings.features.layer), "input", G_TYPE_STRING,
      gst_sympie_input_name (self->settings.features.input), "subsample",
      G_TYPE_UINT64, (guint64) self->settings.subsample, "weights",
      G_TYPE_STRING, weights, "device", G_TYPE_STRING,
      sympie_features_device (self->vgg19) == SYMPIE_DEVICE_CUDA ? "cuda"
                                                                 : "cpu",
      NULL);
  GST_OBJECT_UNLOCK (self->element);

  if (filename && *filename)
    self->results =
        gst_sympie_results_new (filename, format, about, nothing, &error);
  g_free (filename);
  g_free (weights);
  gst_structure_free (about);
  g_ptr_array_unref (nothing);
  if (!error)
    return TRUE;

  GST_ELEMENT_ERROR (self->element, RESOURCE, OPEN_WRITE,
      ("Cannot write the results: %s", error->message), (NULL));
  g_error_free (error);
  return FALSE;
}

static void
forget (GstSympieMeasurement *self)
{
  GList *pads = gst_sympie_pairs_dist_pads (self->element);

  GST_OBJECT_LOCK (self->element);
  for (GList *l = pads; l; l = l->next)
    gst_sympie_tally_reset (&GST_SYMPIE_PAIRS_PAD (l->data)->tally);
  self->measure_time = 0;
  GST_OBJECT_UNLOCK (self->element);
  g_list_free_full (pads, gst_object_unref);
}

gboolean
gst_sympie_measurement_start (GstSympieMeasurement *self)
{
  self->last_progress = gst_util_get_timestamp ();
  forget (self);
  if (open_vgg19 (self) && open_results (self))
    return TRUE;
  gst_sympie_measurement_stop (self);
  return FALSE;
}

gboolean
gst_sympie_measurement_restart (GstSympieMeasurement *self)
{
  forget (self);
  return open_results (self);
}

void
gst_sympie_measurement_stop (GstSympieMeasurement *self)
{
  sympie_features_close (self->vgg19);
  self->vgg19 = NULL;
  gst_sympie_results_free (self->results);
  self->results = NULL;
}

/* ---- Results ----------------------------------------------------------- */

static GstFlowReturn
fail_results (GstSympieMeasurement *self, GError *error)
{
  if (g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC))
    GST_ELEMENT_ERROR (self->element, RESOURCE, NO_SPACE_LEFT,
        ("Cannot write the results: %s", error->message), (NULL));
  else
    GST_ELEMENT_ERROR (self->element, RESOURCE, WRITE,
        ("Cannot write the results: %s", error->message), (NULL));
  g_error_free (error);
  return GST_FLOW_ERROR;
}

static void
log_progress (GstSympieMeasurement *self)
{
  GstClockTime now = gst_util_get_timestamp ();
  GstStructure *stats;

  if (now - self->last_progress < PROGRESS_INTERVAL)
    return;
  self->last_progress = now;
  GST_OBJECT_LOCK (self->element);
  stats = gst_sympie_measurement_stats (self);
  GST_OBJECT_UNLOCK (self->element);
  GST_INFO_OBJECT (self->element, "%" GST_PTR_FORMAT, stats);
  gst_structure_free (stats);
}

/* Tells everybody of the pairs that were measured; takes `frames`. */
static GstFlowReturn
report (GstSympieMeasurement *self, GPtrArray *frames)
{
  gboolean post;
  GError *error = NULL;

  if (self->results) {
    GPtrArray *pooled = pool (self, FALSE);

    gst_sympie_results_add (self->results, frames, pooled, &error);
    g_ptr_array_unref (pooled);
  }

  GST_OBJECT_LOCK (self->element);
  post = self->settings.frame_message;
  GST_OBJECT_UNLOCK (self->element);
  for (guint i = 0; post && i < frames->len; i++) {
    GstStructure *frame = gst_structure_copy (frames->pdata[i]);

    gst_structure_set (frame, "type", G_TYPE_STRING, "frame", NULL);
    gst_element_post_message (GST_ELEMENT (self->element),
        gst_message_new_element (GST_OBJECT (self->element), frame));
  }
  g_ptr_array_unref (frames);
  log_progress (self);
  return error ? fail_results (self, error) : GST_FLOW_OK;
}

/* ---- Pairs ------------------------------------------------------------- */

static GstStructure *
describe (const GstSympieFrame *frame, guint64 index,
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
choose (GstSympieMeasurement *self, const GstSympieFrame *dist, guint n,
    GstSympieFrame *chosen, guint64 *indices)
{
  guint n_chosen = 0;

  GST_OBJECT_LOCK (self->element);
  for (guint i = 0; i < n; i++) {
    guint64 index = dist[i].pad->tally.n_pairs++;

    if (index % self->settings.subsample == 0) {
      indices[n_chosen] = index;
      chosen[n_chosen++] = dist[i];
    }
  }
  GST_OBJECT_UNLOCK (self->element);
  return n_chosen;
}

GstFlowReturn
gst_sympie_measurement_pair (GstSympieMeasurement *self,
    const GstSympieFrame *ref, const GstSympieFrame *dist, guint n)
{
  GstSympieFrame *chosen = g_newa (GstSympieFrame, n);
  guint64 *indices = g_newa (guint64, n);
  SympieDifference *differences = g_newa (SympieDifference, n);
  GstClockTime begin = gst_util_get_timestamp ();
  GPtrArray *frames;

  n = choose (self, dist, n, chosen, indices);
  if (n == 0)
    return GST_FLOW_OK;
  if (!gst_sympie_vgg19_compare (GST_ELEMENT (self->element), self->vgg19, ref,
          chosen, n, differences))
    return GST_FLOW_ERROR;

  frames = new_structures ();
  GST_OBJECT_LOCK (self->element);
  self->measure_time += gst_util_get_timestamp () - begin;
  for (guint i = 0; i < n; i++) {
    gst_sympie_tally_add (&chosen[i].pad->tally, &differences[i]);
    g_ptr_array_add (
        frames, describe (&chosen[i], indices[i], &differences[i]));
  }
  GST_OBJECT_UNLOCK (self->element);
  return report (self, frames);
}

GstFlowReturn
gst_sympie_measurement_unmatched (GstSympieMeasurement *self,
    GstSympiePairsPad *dist, const GstSympieFrame *frame)
{
  gboolean is_dist = frame->pad == dist;
  const gchar *other = is_dist ? "ref_sink" : GST_PAD_NAME (dist);
  gboolean strict;

  GST_OBJECT_LOCK (self->element);
  if (is_dist)
    dist->tally.n_unmatched_dist++;
  else
    dist->tally.n_unmatched_ref++;
  strict = self->settings.strict;
  GST_OBJECT_UNLOCK (self->element);

  if (strict) {
    GST_ELEMENT_ERROR (self->element, STREAM, FAILED,
        ("The frame of %s at running time %" GST_TIME_FORMAT
         " has no partner at %s",
            GST_PAD_NAME (frame->pad), GST_TIME_ARGS (frame->running_time),
            other),
        (NULL));
    return GST_FLOW_ERROR;
  }
  GST_INFO_OBJECT (self->element,
      "%s: no partner at %s for the frame at %" GST_TIME_FORMAT,
      GST_PAD_NAME (frame->pad), other, GST_TIME_ARGS (frame->running_time));
  return GST_FLOW_OK;
}

/* A stream without a pair is worth a warning; the first pair is always
 * measured. */
static void
warn_of_nothing (GstSympieMeasurement *self)
{
  GList *pads = gst_sympie_pairs_dist_pads (self->element);

  for (GList *l = pads; l; l = l->next) {
    const GstSympieTally *tally = &GST_SYMPIE_PAIRS_PAD (l->data)->tally;
    guint64 n_pairs, n_ref, n_dist;

    GST_OBJECT_LOCK (self->element);
    n_pairs = tally->n_pairs;
    n_ref = tally->n_unmatched_ref;
    n_dist = tally->n_unmatched_dist;
    GST_OBJECT_UNLOCK (self->element);
    if (n_pairs == 0)
      GST_ELEMENT_WARNING (self->element, STREAM, FAILED,
          ("Nothing was measured: %" G_GUINT64_FORMAT
           " frames came to ref_sink, %" G_GUINT64_FORMAT
           " to %s, and none in pairs",
              n_ref, n_dist, GST_PAD_NAME (l->data)),
          (NULL));
  }
  g_list_free_full (pads, gst_object_unref);
}

GstFlowReturn
gst_sympie_measurement_finish (GstSympieMeasurement *self)
{
  GPtrArray *pooled = pool (self, TRUE);
  GError *error = NULL;

  warn_of_nothing (self);
  if (self->results)
    gst_sympie_results_finish (self->results, pooled, &error);
  for (guint i = 0; !error && i < pooled->len; i++) {
    GstStructure *one = gst_structure_copy (pooled->pdata[i]);

    GST_INFO_OBJECT (self->element, "%" GST_PTR_FORMAT, one);
    gst_element_post_message (GST_ELEMENT (self->element),
        gst_message_new_element (GST_OBJECT (self->element), one));
  }
  g_ptr_array_unref (pooled);
  return error ? fail_results (self, error) : GST_FLOW_EOS;
}

/* ---- So far ------------------------------------------------------------ */

gdouble
gst_sympie_measurement_mean (GstSympieMeasurement *self)
{
  return gst_sympie_tally_mean (
      &gst_sympie_pairs_main_pad (self->element)->tally);
}

GstStructure *
gst_sympie_measurement_stats (GstSympieMeasurement *self)
{
  guint64 n_frames = 0, n_pairs = 0, n_ref = 0, n_dist = 0;
  gdouble seconds = (gdouble) self->measure_time / GST_SECOND;

  for (GList *l = GST_ELEMENT (self->element)->sinkpads; l; l = l->next) {
    const GstSympieTally *tally = &GST_SYMPIE_PAIRS_PAD (l->data)->tally;

    n_frames += gst_sympie_tally_n_frames (tally);
    n_pairs += tally->n_pairs;
    n_ref += tally->n_unmatched_ref;
    n_dist += tally->n_unmatched_dist;
  }
  return gst_structure_new ("application/x-sympie-probe-stats", "frames",
      G_TYPE_UINT64, n_frames, "pairs", G_TYPE_UINT64, n_pairs, "unmatched-ref",
      G_TYPE_UINT64, n_ref, "unmatched-dist", G_TYPE_UINT64, n_dist,
      "measure-time", G_TYPE_UINT64, self->measure_time, "rate", G_TYPE_DOUBLE,
      seconds > 0.0 ? (gdouble) n_frames / seconds : 0.0, NULL);
}
