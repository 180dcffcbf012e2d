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
 * frame. With #GstSympieProbe:subsample, every Nth pair is measured.
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

#include <math.h>
#include <stdlib.h>

#include "gstsympiedevice.h"
#include "gstsympieimage.h"
#include "gstsympieresults.h"
#include "gstsympiesummary.h"

GST_DEBUG_CATEGORY_STATIC (gst_sympie_probe_debug);
#define GST_CAT_DEFAULT gst_sympie_probe_debug

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

/* Containers round times to a millisecond at worst, and both may. */
#define PAIRING_TOLERANCE (2 * GST_MSECOND)
#define PROGRESS_INTERVAL GST_SECOND

typedef enum
{
  REF,
  DIST,
  N_SIDES
} Side;

static const gchar *const side_names[N_SIDES] = { "ref_sink", "dist_sink" };

/* One of the two streams. */
typedef struct
{
  GstAggregatorPad *pad;
  gboolean has_caps;
  GstVideoInfo info;
  GstSympieStream stream;
} Input;

/* The results of a pair. */
typedef struct
{
  guint64 index;
  GstClockTime timestamp, stream_time, running_time, duration;
  SympieDifference difference;
} Measurement;

struct _GstSympieProbe
{
  GstAggregator parent;

  /* The object lock guards these. */
  gchar *weights;
  SympieFeaturesConfig config; /* without the weights */
  guint subsample;
  gboolean frame_message;
  gboolean strict;
  gchar *results_filename;
  GstSympieResultsFormat results_format;
  GArray *feature_mse, *pixel_mse; /* gdouble, of each pair measured */
  gdouble feature_sum;
  guint64 n_pairs;
  guint64 n_unmatched[N_SIDES];
  GstClockTime measuring; /* time it took */

  /* The rest belongs to the streaming thread, and while there is none to
   * start and stop. */
  SympieFeatures *features;
  GstSympieResults *results;
  Input inputs[N_SIDES];
  GstClockTime last_progress;
};

#define GST_SYMPIE_PROBE_CAPS                                                  \
  GST_STATIC_CAPS ("video/x-raw, " GST_SYMPIE_CAPS_FIELDS)

static GstStaticPadTemplate ref_template = GST_STATIC_PAD_TEMPLATE (
    "ref_sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_SYMPIE_PROBE_CAPS);

static GstStaticPadTemplate dist_template = GST_STATIC_PAD_TEMPLATE (
    "dist_sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_SYMPIE_PROBE_CAPS);

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_SYMPIE_PROBE_CAPS);

#define gst_sympie_probe_parent_class parent_class
G_DEFINE_TYPE (GstSympieProbe, gst_sympie_probe, GST_TYPE_AGGREGATOR);
GST_ELEMENT_REGISTER_DEFINE (
    sympieprobe, "sympieprobe", GST_RANK_NONE, GST_TYPE_SYMPIE_PROBE);

#define GST_TYPE_SYMPIE_PROBE_LAYER (gst_sympie_probe_layer_get_type ())
static GType
gst_sympie_probe_layer_get_type (void)
{
  static gsize type = 0;
  static GEnumValue values[SYMPIE_N_LAYERS + 1];

  if (g_once_init_enter (&type)) {
    for (gint i = 0; i < SYMPIE_N_LAYERS; i++)
      values[i] = (GEnumValue){ i,
        i == SYMPIE_LAYER_POOL5 ? "The last max-pool: all features"
                                : "A convolution after its ReLU",
        sympie_layer_name (i) };
    g_once_init_leave (
        &type, g_enum_register_static ("GstSympieProbeLayer", values));
  }
  return type;
}

static const gchar *const input_names[] = { "crop224", "full" };

#define GST_TYPE_SYMPIE_PROBE_INPUT (gst_sympie_probe_input_get_type ())
static GType
gst_sympie_probe_input_get_type (void)
{
  static gsize type = 0;
  static GEnumValue values[] = {
    { SYMPIE_INPUT_CROP224, "The central 224x224 of the frame, reduced", NULL },
    { SYMPIE_INPUT_FULL, "The whole frame at its size", NULL },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type)) {
    for (gint i = 0; i < 2; i++)
      values[i].value_nick = input_names[i];
    g_once_init_leave (
        &type, g_enum_register_static ("GstSympieProbeInput", values));
  }
  return type;
}

/* ---- Start and stop ---------------------------------------------------- */

/* The file that is read: property, environment or the user's data, in this
 * order. Call with the object lock. */
static gchar *
gst_sympie_probe_dup_weights (GstSympieProbe *self)
{
  const gchar *weights = self->weights;

  if (!weights || !*weights)
    weights = g_getenv ("SYMPIE_VGG19_WEIGHTS");
  if (weights && *weights)
    return g_strdup (weights);
  return g_build_filename (
      g_get_user_data_dir (), "gst-sympie", "vgg19.safetensors", NULL);
}

static gboolean
gst_sympie_probe_open_features (GstSympieProbe *self)
{
  GstClockTime begin = gst_util_get_timestamp ();
  SympieFeaturesConfig config;
  char *error = NULL;
  gchar *weights;

  GST_OBJECT_LOCK (self);
  config = self->config;
  weights = gst_sympie_probe_dup_weights (self);
  GST_OBJECT_UNLOCK (self);
  config.weights = weights;

  self->features = sympie_features_open (&config, &error);
  if (self->features)
    GST_INFO_OBJECT (self, "set up in %" GST_TIME_FORMAT ", weights %s",
        GST_TIME_ARGS (gst_util_get_timestamp () - begin), weights);
  else if (config.device == SYMPIE_DEVICE_CUDA)
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("Cannot use device=cuda: %s", error), (NULL));
  else if (!g_file_test (weights, G_FILE_TEST_EXISTS))
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("There are no weights of VGG19 at %s; weights/fetch-vgg19.sh of "
         "gst-sympie installs them",
            weights),
        ("%s", error));
  else
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ,
        ("Cannot use the weights of VGG19: %s; weights/fetch-vgg19.sh of "
         "gst-sympie installs some that fit",
            error),
        ("weights: %s", weights));
  free (error);
  g_free (weights);
  return self->features != NULL;
}

/* Creates or empties the results file, if there is to be one. */
static gboolean
gst_sympie_probe_open_results (GstSympieProbe *self)
{
  GstSympieResultsFormat format;
  gchar *filename, *weights;
  GstStructure *about;
  GError *error = NULL;

  gst_sympie_results_free (self->results);
  self->results = NULL;

  GST_OBJECT_LOCK (self);
  filename = g_strdup (self->results_filename);
  format = self->results_format;
  weights = gst_sympie_probe_dup_weights (self);
  about = gst_structure_new ("about", "layer", G_TYPE_STRING,
      sympie_layer_name (self->config.layer), "input", G_TYPE_STRING,
      input_names[self->config.input], "subsample", G_TYPE_UINT64,
      (guint64) self->subsample, "weights", G_TYPE_STRING, weights, NULL);
  GST_OBJECT_UNLOCK (self);

  if (filename && *filename)
    self->results = gst_sympie_results_new (filename, format, about, &error);
  g_free (filename);
  g_free (weights);
  gst_structure_free (about);
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
  g_array_set_size (self->feature_mse, 0);
  g_array_set_size (self->pixel_mse, 0);
  self->feature_sum = 0.0;
  self->n_pairs = 0;
  self->n_unmatched[REF] = self->n_unmatched[DIST] = 0;
  self->measuring = 0;
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
  for (Side side = REF; side < N_SIDES; side++)
    self->inputs[side].has_caps = FALSE;
  return TRUE;
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

/* ---- Results ----------------------------------------------------------- */

static gdouble
gst_sympie_probe_psnr (gdouble mse)
{
  return 10.0 * log10 (255.0 * 255.0 / mse);
}

static void
gst_sympie_probe_set_summary (
    GstStructure *structure, const gchar *what, const GArray *values)
{
  GstSympieSummary summary;
  const struct
  {
    const gchar *name;
    const gdouble *value;
  } fields[] = {
    { "mean", &summary.mean },
    { "harmonic-mean", &summary.harmonic_mean },
    { "min", &summary.min },
    { "max", &summary.max },
    { "median", &summary.median },
  };

  gst_sympie_summary_compute (&summary, values);
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    gchar *name = g_strdup_printf ("%s-%s", what, fields[i].name);

    gst_structure_set (structure, name, G_TYPE_DOUBLE, *fields[i].value, NULL);
    g_free (name);
  }
}

/* The fields of the pooled message. */
static GstStructure *
gst_sympie_probe_pool (GstSympieProbe *self, gboolean complete)
{
  GstStructure *pooled;
  GstSympieSummary pixels;

  GST_OBJECT_LOCK (self);
  gst_sympie_summary_compute (&pixels, self->pixel_mse);
  pooled = gst_structure_new ("sympieprobe", "type", G_TYPE_STRING, "pooled",
      "layer", G_TYPE_STRING, sympie_layer_name (self->config.layer), "input",
      G_TYPE_STRING, input_names[self->config.input], "frames", G_TYPE_UINT64,
      (guint64) self->feature_mse->len, "pairs", G_TYPE_UINT64, self->n_pairs,
      "unmatched-ref", G_TYPE_UINT64, self->n_unmatched[REF], "unmatched-dist",
      G_TYPE_UINT64, self->n_unmatched[DIST], NULL);
  gst_sympie_probe_set_summary (pooled, "feature-mse", self->feature_mse);
  gst_sympie_probe_set_summary (pooled, "pixel-mse", self->pixel_mse);
  gst_structure_set (pooled, "psnr", G_TYPE_DOUBLE,
      gst_sympie_probe_psnr (pixels.mean), "complete", G_TYPE_BOOLEAN, complete,
      NULL);
  GST_OBJECT_UNLOCK (self);
  return pooled;
}

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
gst_sympie_probe_report (GstSympieProbe *self, const Measurement *measurement)
{
  const SympieDifference *difference = &measurement->difference;
  GstStructure *frame;
  gboolean post;
  GError *error = NULL;

  frame = gst_structure_new ("sympieprobe", "index", G_TYPE_UINT64,
      measurement->index, "timestamp", G_TYPE_UINT64, measurement->timestamp,
      "stream-time", G_TYPE_UINT64, measurement->stream_time, "running-time",
      G_TYPE_UINT64, measurement->running_time, "duration", G_TYPE_UINT64,
      measurement->duration, "feature-mse", G_TYPE_DOUBLE,
      difference->feature_mse, "pixel-mse", G_TYPE_DOUBLE,
      difference->pixel_mse, "psnr", G_TYPE_DOUBLE,
      gst_sympie_probe_psnr (difference->pixel_mse), NULL);

  if (self->results) {
    GstStructure *pooled = gst_sympie_probe_pool (self, FALSE);

    gst_sympie_results_add (self->results, frame, pooled, &error);
    gst_structure_free (pooled);
  }

  GST_OBJECT_LOCK (self);
  post = self->frame_message;
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

/* Both streams have ended. */
static GstFlowReturn
gst_sympie_probe_finish (GstSympieProbe *self)
{
  GstStructure *pooled = gst_sympie_probe_pool (self, TRUE);
  GError *error = NULL;
  guint64 frames;

  gst_structure_get_uint64 (pooled, "frames", &frames);
  if (frames == 0)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        ("Nothing was measured: no frames came in pairs"),
        ("%" GST_PTR_FORMAT, pooled));
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

/* ---- Pairs ------------------------------------------------------------- */

static GstClockTime
gst_sympie_probe_running_time (
    GstSympieProbe *self, Side side, GstBuffer *buffer)
{
  GstAggregatorPad *pad = self->inputs[side].pad;
  GstClockTime time;

  GST_OBJECT_LOCK (pad);
  time = gst_segment_to_running_time (
      &pad->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  GST_OBJECT_UNLOCK (pad);
  return time;
}

/* Compares the fields of two frames, or the frames where there are none. */
static gboolean
gst_sympie_probe_compare (GstSympieProbe *self, GstVideoFrame frames[N_SIDES],
    SympieDifference *difference)
{
  SympieImage images[N_SIDES][GST_SYMPIE_MAX_IMAGES];
  guint n[N_SIDES];

  for (Side side = REF; side < N_SIDES; side++)
    n[side] = gst_sympie_images_from_frame (
        images[side], &self->inputs[side].stream, &frames[side]);
  if (n[REF] == 0 || n[REF] != n[DIST]) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Cannot compare an interlaced frame with a progressive one, or fields "
         "without their last chroma row"),
        ("%u fields of the reference, %u distorted", n[REF], n[DIST]));
    return FALSE;
  }

  *difference = (SympieDifference){ 0.0, 0.0 };
  for (guint i = 0; i < n[REF]; i++) {
    SympieDifference field;
    char *error = NULL;

    if (!sympie_features_compare (self->features, &images[REF][i],
            &images[DIST][i], &field, &error)) {
      GST_ELEMENT_ERROR (self, STREAM, FAILED,
          ("Cannot compare a pair of frames: %s", error), (NULL));
      free (error);
      return FALSE;
    }
    difference->feature_mse += field.feature_mse / n[REF];
    difference->pixel_mse += field.pixel_mse / n[REF];
  }
  return TRUE;
}

static GstFlowReturn
gst_sympie_probe_measure (GstSympieProbe *self,
    GstBuffer *const buffers[N_SIDES], Measurement *measurement)
{
  GstClockTime begin = gst_util_get_timestamp ();
  GstVideoFrame frames[N_SIDES];
  gboolean ok;

  for (Side side = REF; side < N_SIDES; side++) {
    if (!gst_video_frame_map (&frames[side], &self->inputs[side].info,
            buffers[side], GST_MAP_READ)) {
      if (side == DIST)
        gst_video_frame_unmap (&frames[REF]);
      GST_ELEMENT_ERROR (self, RESOURCE, READ,
          ("Cannot map a frame of %s", side_names[side]), (NULL));
      return GST_FLOW_ERROR;
    }
  }
  ok = gst_sympie_probe_compare (self, frames, &measurement->difference);
  for (Side side = REF; side < N_SIDES; side++)
    gst_video_frame_unmap (&frames[side]);
  if (!ok)
    return GST_FLOW_ERROR;

  GST_OBJECT_LOCK (self);
  g_array_append_val (self->feature_mse, measurement->difference.feature_mse);
  g_array_append_val (self->pixel_mse, measurement->difference.pixel_mse);
  self->feature_sum += measurement->difference.feature_mse;
  self->measuring += gst_util_get_timestamp () - begin;
  GST_OBJECT_UNLOCK (self);
  return gst_sympie_probe_report (self, measurement);
}

/* Takes the next buffer of `side` and, if it is distorted, hands it on. */
static GstFlowReturn
gst_sympie_probe_pass (GstSympieProbe *self, Side side)
{
  GstBuffer *buffer = gst_aggregator_pad_pop_buffer (self->inputs[side].pad);

  if (!buffer) /* flushed meanwhile */
    return GST_FLOW_OK;
  if (side == DIST)
    return gst_aggregator_finish_buffer (GST_AGGREGATOR (self), buffer);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_sympie_probe_unmatched (
    GstSympieProbe *self, Side side, GstClockTime running_time)
{
  gboolean strict;

  GST_OBJECT_LOCK (self);
  self->n_unmatched[side]++;
  strict = self->strict;
  GST_OBJECT_UNLOCK (self);

  if (strict) {
    GST_ELEMENT_ERROR (self, STREAM, FAILED,
        ("The frame of %s at running time %" GST_TIME_FORMAT
         " has no partner at the other pad",
            side_names[side], GST_TIME_ARGS (running_time)),
        (NULL));
    return GST_FLOW_ERROR;
  }
  GST_INFO_OBJECT (self, "%s: no partner for the frame at %" GST_TIME_FORMAT,
      side_names[side], GST_TIME_ARGS (running_time));
  return gst_sympie_probe_pass (self, side);
}

static GstFlowReturn
gst_sympie_probe_pair (GstSympieProbe *self, GstBuffer *const buffers[N_SIDES],
    GstClockTime running_time)
{
  GstSegment *segment = &self->inputs[DIST].pad->segment;
  Measurement measurement = {
    .timestamp = GST_BUFFER_PTS (buffers[DIST]),
    .duration = GST_BUFFER_DURATION (buffers[DIST]),
    .running_time = running_time,
  };
  GstFlowReturn ret = GST_FLOW_OK;
  gboolean measuring;

  GST_OBJECT_LOCK (self);
  measurement.index = self->n_pairs++;
  measuring = measurement.index % self->subsample == 0;
  GST_OBJECT_UNLOCK (self);
  GST_OBJECT_LOCK (self->inputs[DIST].pad);
  measurement.stream_time = gst_segment_to_stream_time (
      segment, GST_FORMAT_TIME, measurement.timestamp);
  GST_OBJECT_UNLOCK (self->inputs[DIST].pad);

  if (measuring)
    ret = gst_sympie_probe_measure (self, buffers, &measurement);
  if (ret != GST_FLOW_OK)
    return ret;
  gst_sympie_probe_pass (self, REF);
  return gst_sympie_probe_pass (self, DIST);
}

/* Deals with the frames at the heads of both queues; either can be NULL. */
static GstFlowReturn
gst_sympie_probe_take (GstSympieProbe *self, GstBuffer *const buffers[N_SIDES])
{
  GstClockTime times[N_SIDES];

  for (Side side = REF; side < N_SIDES; side++) {
    times[side] = GST_CLOCK_TIME_NONE;
    if (!buffers[side])
      continue;
    if (gst_buffer_get_size (buffers[side]) == 0
        && GST_BUFFER_FLAG_IS_SET (buffers[side], GST_BUFFER_FLAG_GAP)) {
      gst_aggregator_pad_drop_buffer (self->inputs[side].pad);
      return GST_FLOW_OK; /* stands for a gap event */
    }
    times[side] = gst_sympie_probe_running_time (self, side, buffers[side]);
    if (!GST_CLOCK_TIME_IS_VALID (times[side])) {
      GST_ELEMENT_ERROR (self, STREAM, FAILED,
          ("A frame of %s has no running time to pair it by", side_names[side]),
          ("%" GST_PTR_FORMAT, buffers[side]));
      return GST_FLOW_ERROR;
    }
    if (!self->inputs[side].has_caps) {
      GST_ELEMENT_ERROR (self, CORE, NEGOTIATION,
          ("Frames came to %s before their caps", side_names[side]), (NULL));
      return GST_FLOW_NOT_NEGOTIATED;
    }
  }

  for (Side side = REF; side < N_SIDES; side++) {
    Side other = side == REF ? DIST : REF;

    if (buffers[side]
        && (!buffers[other] || times[side] + PAIRING_TOLERANCE < times[other]))
      return gst_sympie_probe_unmatched (self, side, times[side]);
  }
  return gst_sympie_probe_pair (self, buffers, times[DIST]);
}

/* The base class calls this when each pad has a buffer or has ended. */
static GstFlowReturn
gst_sympie_probe_aggregate (GstAggregator *agg, gboolean timeout)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (agg);
  GstBuffer *buffers[N_SIDES];
  GstFlowReturn ret = GST_FLOW_OK;
  guint n_ended = 0;

  for (Side side = REF; side < N_SIDES; side++) {
    GstAggregatorPad *pad = self->inputs[side].pad;

    buffers[side] = gst_aggregator_pad_peek_buffer (pad);
    if (!buffers[side]) {
      if (!gst_aggregator_pad_is_eos (pad))
        ret = GST_AGGREGATOR_FLOW_NEED_DATA;
      n_ended++;
    }
  }

  if (ret == GST_FLOW_OK)
    ret = n_ended == N_SIDES ? gst_sympie_probe_finish (self)
                             : gst_sympie_probe_take (self, buffers);
  for (Side side = REF; side < N_SIDES; side++)
    gst_clear_buffer (&buffers[side]);
  return ret;
}

/* ---- Events and queries ------------------------------------------------ */

static Side
gst_sympie_probe_side (GstSympieProbe *self, GstAggregatorPad *pad)
{
  return pad == self->inputs[REF].pad ? REF : DIST;
}

static gboolean
gst_sympie_probe_set_caps (GstSympieProbe *self, Side side, GstCaps *caps)
{
  Input *input = &self->inputs[side];
  gchar *reason = NULL;

  input->has_caps = FALSE;
  if (!gst_video_info_from_caps (&input->info, caps)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Cannot understand the caps of %s", side_names[side]),
        ("caps: %" GST_PTR_FORMAT, caps));
    return FALSE;
  }
  if (!gst_sympie_stream_from_caps (
          &input->stream, caps, &input->info, &reason)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Cannot compare %s at %s", reason, side_names[side]),
        ("caps: %" GST_PTR_FORMAT, caps));
    g_free (reason);
    return FALSE;
  }
  input->has_caps = TRUE;
  if (side == DIST)
    gst_aggregator_set_src_caps (GST_AGGREGATOR (self), caps);
  return TRUE;
}

static gboolean
gst_sympie_probe_sink_event (
    GstAggregator *agg, GstAggregatorPad *pad, GstEvent *event)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (agg);
  Side side = gst_sympie_probe_side (self, pad);
  const GstSegment *segment;
  GstCaps *caps;
  gboolean ok;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
    gst_event_parse_caps (event, &caps);
    ok = gst_sympie_probe_set_caps (self, side, caps);
    gst_event_unref (event);
    return ok;
  case GST_EVENT_SEGMENT:
    gst_event_parse_segment (event, &segment);
    if (segment->format != GST_FORMAT_TIME) {
      GST_ELEMENT_ERROR (self, STREAM, FORMAT,
          ("The segment of %s is in %s, not in time", side_names[side],
              gst_format_get_name (segment->format)),
          (NULL));
      gst_event_unref (event);
      return FALSE;
    }
    if (side == DIST)
      gst_aggregator_update_segment (agg, segment);
    break;
  case GST_EVENT_TAG:
    /* What is said of the reference is not true of what is handed on. */
    if (side == REF) {
      gst_event_unref (event);
      return TRUE;
    }
    break;
  default:
    break;
  }
  return GST_AGGREGATOR_CLASS (parent_class)->sink_event (agg, pad, event);
}

/* What the distorted stream can be depends on what comes after; the reference
 * ends here. */
static gboolean
gst_sympie_probe_sink_query (
    GstAggregator *agg, GstAggregatorPad *pad, GstQuery *query)
{
  GstCaps *filter, *caps, *possible;

  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS)
    return GST_AGGREGATOR_CLASS (parent_class)->sink_query (agg, pad, query);

  gst_query_parse_caps (query, &filter);
  caps = gst_pad_get_pad_template_caps (GST_PAD (pad));
  if (gst_sympie_probe_side (GST_SYMPIE_PROBE (agg), pad) == DIST) {
    possible = gst_pad_peer_query_caps (agg->srcpad, caps);
    gst_caps_unref (caps);
    caps = possible;
  }
  if (filter) {
    possible = gst_caps_intersect_full (filter, caps, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref (caps);
    caps = possible;
  }
  gst_query_set_caps_result (query, caps);
  gst_caps_unref (caps);
  return TRUE;
}

/* The caps of the source pad are those of the distorted stream, whenever they
 * come: there is nothing to choose. */
static gboolean
gst_sympie_probe_negotiate (GstAggregator *agg)
{
  return TRUE;
}

static gboolean
gst_sympie_probe_propose_allocation (GstAggregator *agg, GstAggregatorPad *pad,
    GstQuery *decide_query, GstQuery *query)
{
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return TRUE;
}

/* Drops what lies beside the segment. */
static GstBuffer *
gst_sympie_probe_clip (
    GstAggregator *agg, GstAggregatorPad *pad, GstBuffer *buffer)
{
  guint64 start = GST_BUFFER_PTS (buffer), stop = start;

  if (!GST_CLOCK_TIME_IS_VALID (start))
    return buffer;
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    stop += GST_BUFFER_DURATION (buffer);
  if (gst_segment_clip (
          &pad->segment, GST_FORMAT_TIME, start, stop, &start, &stop)) {
    /* Frames that begin before the segment have no running time. */
    if (start != GST_BUFFER_PTS (buffer)) {
      buffer = gst_buffer_make_writable (buffer);
      GST_BUFFER_PTS (buffer) = start;
      GST_BUFFER_DURATION (buffer) = stop - start;
    }
    return buffer;
  }
  GST_DEBUG_OBJECT (pad, "outside the segment: %" GST_PTR_FORMAT, buffer);
  gst_buffer_unref (buffer);
  return NULL;
}

static GstFlowReturn
gst_sympie_probe_flush (GstAggregator *agg)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (agg);

  gst_sympie_probe_forget (self);
  return gst_sympie_probe_open_results (self) ? GST_FLOW_OK : GST_FLOW_ERROR;
}

/* ---- Properties -------------------------------------------------------- */

static void
gst_sympie_probe_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_WEIGHTS:
    g_free (self->weights);
    self->weights = g_value_dup_string (value);
    break;
  case PROP_LAYER:
    self->config.layer = g_value_get_enum (value);
    break;
  case PROP_INPUT:
    self->config.input = g_value_get_enum (value);
    break;
  case PROP_SUBSAMPLE:
    self->subsample = g_value_get_uint (value);
    break;
  case PROP_DEVICE:
    self->config.device = g_value_get_enum (value);
    break;
  case PROP_N_THREADS:
    self->config.n_threads = (int) g_value_get_uint (value);
    break;
  case PROP_FRAME_MESSAGE:
    self->frame_message = g_value_get_boolean (value);
    break;
  case PROP_STRICT:
    self->strict = g_value_get_boolean (value);
    break;
  case PROP_RESULTS_FILENAME:
    g_free (self->results_filename);
    self->results_filename = g_value_dup_string (value);
    break;
  case PROP_RESULTS_FORMAT:
    self->results_format = g_value_get_enum (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK (self);
}

/* Call with the object lock. */
static GstStructure *
gst_sympie_probe_get_stats (GstSympieProbe *self)
{
  guint64 frames = self->feature_mse->len;
  gdouble seconds = (gdouble) self->measuring / GST_SECOND;

  return gst_structure_new ("application/x-sympie-stats", "frames",
      G_TYPE_UINT64, frames, "pairs", G_TYPE_UINT64, self->n_pairs,
      "unmatched-ref", G_TYPE_UINT64, self->n_unmatched[REF], "unmatched-dist",
      G_TYPE_UINT64, self->n_unmatched[DIST], "measure-time", G_TYPE_UINT64,
      self->measuring, "rate", G_TYPE_DOUBLE,
      seconds > 0.0 ? (gdouble) frames / seconds : 0.0, NULL);
}

static void
gst_sympie_probe_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSympieProbe *self = GST_SYMPIE_PROBE (object);

  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_WEIGHTS:
    g_value_take_string (value, gst_sympie_probe_dup_weights (self));
    break;
  case PROP_LAYER:
    g_value_set_enum (value, self->config.layer);
    break;
  case PROP_INPUT:
    g_value_set_enum (value, self->config.input);
    break;
  case PROP_SUBSAMPLE:
    g_value_set_uint (value, self->subsample);
    break;
  case PROP_DEVICE:
    g_value_set_enum (value, self->config.device);
    break;
  case PROP_N_THREADS:
    g_value_set_uint (value, self->config.n_threads);
    break;
  case PROP_FRAME_MESSAGE:
    g_value_set_boolean (value, self->frame_message);
    break;
  case PROP_STRICT:
    g_value_set_boolean (value, self->strict);
    break;
  case PROP_RESULTS_FILENAME:
    g_value_set_string (value, self->results_filename);
    break;
  case PROP_RESULTS_FORMAT:
    g_value_set_enum (value, self->results_format);
    break;
  case PROP_MEAN:
    g_value_set_double (value, self->feature_mse->len > 0
                                   ? self->feature_sum / self->feature_mse->len
                                   : 0.0);
    break;
  case PROP_STATS:
    g_value_take_boxed (value, gst_sympie_probe_get_stats (self));
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

  g_free (self->weights);
  g_free (self->results_filename);
  g_array_unref (self->feature_mse);
  g_array_unref (self->pixel_mse);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_sympie_probe_install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  const GParamFlags ready = flags | GST_PARAM_MUTABLE_READY;
  const GParamFlags playing = flags | GST_PARAM_MUTABLE_PLAYING;
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  /**
   * GstSympieProbe:weights:
   *
   * Path of VGG19's weights, a safetensors file with torchvision's names. If it
   * is not set, the environment variable SYMPIE_VGG19_WEIGHTS names the file,
   * and without that it is gst-sympie/vgg19.safetensors in the user's data
   * folder, where `weights/fetch-vgg19.sh` puts it. Reads as the path in use.
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
   */
  g_object_class_install_property (object_class, PROP_LAYER,
      g_param_spec_enum ("layer", "Layer",
          "Layer of VGG19 whose values are compared",
          GST_TYPE_SYMPIE_PROBE_LAYER, DEFAULT_LAYER, ready));
  /**
   * GstSympieProbe:input:
   *
   * What VGG19 sees: the central 224x224 of the frame after its smaller side
   * was reduced (or enlarged) to 232, or the whole frame. Whole frames cost
   * more in proportion to their size, and must be of one size on both sides.
   */
  g_object_class_install_property (object_class, PROP_INPUT,
      g_param_spec_enum ("input", "Input", "What VGG19 sees of a frame",
          GST_TYPE_SYMPIE_PROBE_INPUT, DEFAULT_INPUT, ready));
  /**
   * GstSympieProbe:subsample:
   *
   * Measure every Nth pair, from the first on.
   */
  g_object_class_install_property (object_class, PROP_SUBSAMPLE,
      g_param_spec_uint ("subsample", "Subsample", "Measure every Nth pair", 1,
          G_MAXUINT, DEFAULT_SUBSAMPLE, playing));
  /**
   * GstSympieProbe:device:
   *
   * Where to compute. A device that is asked for by name and does not have
   * VGG19 is an error, not a reason to take another one.
   */
  g_object_class_install_property (object_class, PROP_DEVICE,
      g_param_spec_enum ("device", "Device", "Device to compute on",
          GST_TYPE_SYMPIE_DEVICE, DEFAULT_DEVICE, ready));
  /**
   * GstSympieProbe:n-threads:
   *
   * Threads that work on a pair on the processor.
   */
  g_object_class_install_property (object_class, PROP_N_THREADS,
      g_param_spec_uint ("n-threads", "Threads",
          "Number of threads on the processor (0 = one for each processor)", 0,
          MAX_N_THREADS, DEFAULT_N_THREADS, ready));
  /**
   * GstSympieProbe:frame-message:
   *
   * Post an element message for every pair measured.
   */
  g_object_class_install_property (object_class, PROP_FRAME_MESSAGE,
      g_param_spec_boolean ("frame-message", "Frame message",
          "Post a message for every pair measured", DEFAULT_FRAME_MESSAGE,
          playing));
  /**
   * GstSympieProbe:strict:
   *
   * Stop with an error at the first frame without a partner.
   */
  g_object_class_install_property (object_class, PROP_STRICT,
      g_param_spec_boolean ("strict", "Strict",
          "A frame without a partner is an error", DEFAULT_STRICT, playing));
  /**
   * GstSympieProbe:results-filename:
   *
   * File that gets the results; it is emptied at the start.
   */
  g_object_class_install_property (object_class, PROP_RESULTS_FILENAME,
      g_param_spec_string ("results-filename", "Results file",
          "File that gets the results (unset = none)", NULL, ready));
  /**
   * GstSympieProbe:results-format:
   */
  g_object_class_install_property (object_class, PROP_RESULTS_FORMAT,
      g_param_spec_enum ("results-format", "Results format",
          "Format of the results file", GST_TYPE_SYMPIE_RESULTS_FORMAT,
          DEFAULT_RESULTS_FORMAT, ready));
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
          "(guint64) "
          "and rate (gdouble) since the start",
          GST_TYPE_STRUCTURE, readable));
}

static void
gst_sympie_probe_class_init (GstSympieProbeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstAggregatorClass *agg_class = GST_AGGREGATOR_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      gst_sympie_probe_debug, "sympieprobe", 0, "Feature error of VGG19");

  object_class->set_property = gst_sympie_probe_set_property;
  object_class->get_property = gst_sympie_probe_get_property;
  object_class->finalize = gst_sympie_probe_finalize;
  gst_sympie_probe_install_properties (object_class);
  gst_type_mark_as_plugin_api (GST_TYPE_SYMPIE_PROBE_LAYER, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_SYMPIE_PROBE_INPUT, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_SYMPIE_RESULTS_FORMAT, 0);

  gst_element_class_set_static_metadata (element_class, "VGG19 feature error",
      "Filter/Analyzer/Video",
      "Compares a distorted stream with its reference by features of VGG19",
      "The gst-sympie project");
  gst_element_class_add_static_pad_template_with_gtype (
      element_class, &ref_template, GST_TYPE_AGGREGATOR_PAD);
  gst_element_class_add_static_pad_template_with_gtype (
      element_class, &dist_template, GST_TYPE_AGGREGATOR_PAD);
  gst_element_class_add_static_pad_template_with_gtype (
      element_class, &src_template, GST_TYPE_AGGREGATOR_PAD);

  agg_class->start = GST_DEBUG_FUNCPTR (gst_sympie_probe_start);
  agg_class->stop = GST_DEBUG_FUNCPTR (gst_sympie_probe_stop);
  agg_class->flush = GST_DEBUG_FUNCPTR (gst_sympie_probe_flush);
  agg_class->clip = GST_DEBUG_FUNCPTR (gst_sympie_probe_clip);
  agg_class->aggregate = GST_DEBUG_FUNCPTR (gst_sympie_probe_aggregate);
  agg_class->sink_event = GST_DEBUG_FUNCPTR (gst_sympie_probe_sink_event);
  agg_class->sink_query = GST_DEBUG_FUNCPTR (gst_sympie_probe_sink_query);
  agg_class->negotiate = GST_DEBUG_FUNCPTR (gst_sympie_probe_negotiate);
  agg_class->propose_allocation =
      GST_DEBUG_FUNCPTR (gst_sympie_probe_propose_allocation);
}

static void
gst_sympie_probe_init (GstSympieProbe *self)
{
  GstElementClass *klass = GST_ELEMENT_GET_CLASS (self);

  self->config = sympie_features_config_default ();
  self->config.layer = DEFAULT_LAYER;
  self->config.input = DEFAULT_INPUT;
  self->config.device = DEFAULT_DEVICE;
  self->config.n_threads = DEFAULT_N_THREADS;
  self->subsample = DEFAULT_SUBSAMPLE;
  self->frame_message = DEFAULT_FRAME_MESSAGE;
  self->strict = DEFAULT_STRICT;
  self->results_format = DEFAULT_RESULTS_FORMAT;
  self->feature_mse = g_array_new (FALSE, FALSE, sizeof (gdouble));
  self->pixel_mse = g_array_new (FALSE, FALSE, sizeof (gdouble));

  for (Side side = REF; side < N_SIDES; side++) {
    GstPadTemplate *template =
        gst_element_class_get_pad_template (klass, side_names[side]);
    GstPad *pad =
        g_object_new (GST_TYPE_AGGREGATOR_PAD, "name", side_names[side],
            "direction", GST_PAD_SINK, "template", template, NULL);

    self->inputs[side].pad = GST_AGGREGATOR_PAD (pad);
    gst_element_add_pad (GST_ELEMENT (self), pad);
  }
}
