/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympietally.h"

#include <math.h>

#include "gstsympiesummary.h"

void
gst_sympie_tally_init (GstSympieTally *tally)
{
  *tally = (GstSympieTally){
    .feature_mse = g_array_new (FALSE, FALSE, sizeof (gdouble)),
    .pixel_mse = g_array_new (FALSE, FALSE, sizeof (gdouble)),
  };
}

void
gst_sympie_tally_clear (GstSympieTally *tally)
{
  g_array_unref (tally->feature_mse);
  g_array_unref (tally->pixel_mse);
}

void
gst_sympie_tally_reset (GstSympieTally *tally)
{
  gst_sympie_tally_clear (tally);
  gst_sympie_tally_init (tally);
}

void
gst_sympie_tally_add (
    GstSympieTally *tally, const GstSympieMeasurement *measurement)
{
  const SympieDifference *difference = &measurement->difference;

  g_array_append_val (tally->feature_mse, difference->feature_mse);
  g_array_append_val (tally->pixel_mse, difference->pixel_mse);
  tally->feature_sum += difference->feature_mse;
  tally->measure_time += measurement->measure_time;
}

gdouble
gst_sympie_tally_mean (const GstSympieTally *tally)
{
  guint n = tally->feature_mse->len;

  return n > 0 ? tally->feature_sum / n : 0.0;
}

GstStructure *
gst_sympie_tally_stats (const GstSympieTally *tally)
{
  guint64 frames = tally->feature_mse->len;
  gdouble seconds = (gdouble) tally->measure_time / GST_SECOND;

  return gst_structure_new ("application/x-sympie-stats", "frames",
      G_TYPE_UINT64, frames, "pairs", G_TYPE_UINT64, tally->n_pairs,
      "unmatched-ref", G_TYPE_UINT64, tally->n_unmatched[GST_SYMPIE_REF],
      "unmatched-dist", G_TYPE_UINT64, tally->n_unmatched[GST_SYMPIE_DIST],
      "measure-time", G_TYPE_UINT64, tally->measure_time, "rate", G_TYPE_DOUBLE,
      seconds > 0.0 ? (gdouble) frames / seconds : 0.0, NULL);
}

static gdouble
psnr (gdouble mse)
{
  return 10.0 * log10 (255.0 * 255.0 / mse);
}

GstStructure *
gst_sympie_measurement_to_structure (const GstSympieMeasurement *measurement)
{
  const SympieDifference *difference = &measurement->difference;

  return gst_structure_new ("sympieprobe", "index", G_TYPE_UINT64,
      measurement->index, "timestamp", G_TYPE_UINT64, measurement->timestamp,
      "stream-time", G_TYPE_UINT64, measurement->stream_time, "running-time",
      G_TYPE_UINT64, measurement->running_time, "duration", G_TYPE_UINT64,
      measurement->duration, "feature-mse", G_TYPE_DOUBLE,
      difference->feature_mse, "pixel-mse", G_TYPE_DOUBLE,
      difference->pixel_mse, "psnr", G_TYPE_DOUBLE,
      psnr (difference->pixel_mse), NULL);
}

static void
set_summary (
    GstStructure *structure, const gchar *what, const GstSympieSummary *summary)
{
  const struct
  {
    const gchar *name;
    gdouble value;
  } fields[] = {
    { "mean", summary->mean },
    { "harmonic-mean", summary->harmonic_mean },
    { "min", summary->min },
    { "max", summary->max },
    { "median", summary->median },
  };

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    gchar *name = g_strdup_printf ("%s-%s", what, fields[i].name);

    gst_structure_set (structure, name, G_TYPE_DOUBLE, fields[i].value, NULL);
    g_free (name);
  }
}

void
gst_sympie_tally_pool (
    const GstSympieTally *tally, gboolean complete, GstStructure *pooled)
{
  GstSympieSummary features, pixels;

  gst_sympie_summary_compute (&features, tally->feature_mse);
  gst_sympie_summary_compute (&pixels, tally->pixel_mse);
  gst_structure_set (pooled, "frames", G_TYPE_UINT64,
      (guint64) tally->feature_mse->len, "pairs", G_TYPE_UINT64, tally->n_pairs,
      "unmatched-ref", G_TYPE_UINT64, tally->n_unmatched[GST_SYMPIE_REF],
      "unmatched-dist", G_TYPE_UINT64, tally->n_unmatched[GST_SYMPIE_DIST],
      NULL);
  set_summary (pooled, "feature-mse", &features);
  set_summary (pooled, "pixel-mse", &pixels);
  gst_structure_set (pooled, "psnr", G_TYPE_DOUBLE, psnr (pixels.mean),
      "complete", G_TYPE_BOOLEAN, complete, NULL);
}
