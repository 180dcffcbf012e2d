/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympietally.h"

#include <math.h>

/* ---- Statistics -------------------------------------------------------- */

static void
statistics_init (GstSympieStatistics *statistics)
{
  *statistics = (GstSympieStatistics){
    .min = INFINITY,
    .max = -INFINITY,
    .values = g_array_new (FALSE, FALSE, sizeof (gdouble)),
  };
}

static void
statistics_add (GstSympieStatistics *statistics, gdouble value)
{
  statistics->sum += value;
  statistics->inverse_sum += 1.0 / value; /* of 0: infinite */
  statistics->min = MIN (statistics->min, value);
  statistics->max = MAX (statistics->max, value);
  g_array_append_val (statistics->values, value);
}

static gdouble
statistics_mean (const GstSympieStatistics *statistics)
{
  return statistics->sum / statistics->values->len; /* of nothing: NaN */
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  gdouble x = *(const gdouble *) a, y = *(const gdouble *) b;

  return (x > y) - (x < y);
}

/* Of an even number of values the mean of the two in the middle. */
static gdouble
statistics_median (const GstSympieStatistics *statistics)
{
  guint n = statistics->values->len;
  gdouble *sorted, median;

  if (n == 0)
    return NAN;
  sorted = g_memdup2 (statistics->values->data, n * sizeof *sorted);
  qsort (sorted, n, sizeof *sorted, compare);
  median = 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]);
  g_free (sorted);
  return median;
}

static void
statistics_set (const GstSympieStatistics *statistics, gboolean complete,
    const gchar *what, GstStructure *structure)
{
  guint n = statistics->values->len;
  const struct
  {
    const gchar *name;
    gdouble value;
  } fields[] = {
    { "mean", statistics_mean (statistics) },
    { "harmonic-mean", n / statistics->inverse_sum },
    { "min", n > 0 ? statistics->min : NAN },
    { "max", n > 0 ? statistics->max : NAN },
    { "median", complete ? statistics_median (statistics) : NAN },
  };

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    gchar *name = g_strdup_printf ("%s-%s", what, fields[i].name);

    gst_structure_set (structure, name, G_TYPE_DOUBLE, fields[i].value, NULL);
    g_free (name);
  }
}

/* ---- Tally ------------------------------------------------------------- */

void
gst_sympie_tally_init (GstSympieTally *tally)
{
  *tally = (GstSympieTally){ 0 };
  statistics_init (&tally->feature_mse);
  statistics_init (&tally->pixel_mse);
}

void
gst_sympie_tally_clear (GstSympieTally *tally)
{
  g_array_unref (tally->feature_mse.values);
  g_array_unref (tally->pixel_mse.values);
}

void
gst_sympie_tally_reset (GstSympieTally *tally)
{
  gst_sympie_tally_clear (tally);
  gst_sympie_tally_init (tally);
}

void
gst_sympie_tally_add (GstSympieTally *tally, const SympieDifference *difference)
{
  statistics_add (&tally->feature_mse, difference->feature_mse);
  statistics_add (&tally->pixel_mse, difference->pixel_mse);
}

gboolean
gst_sympie_tally_is_empty (const GstSympieTally *tally)
{
  return tally->n_pairs == 0 && tally->n_unmatched_ref == 0
         && tally->n_unmatched_dist == 0;
}

guint64
gst_sympie_tally_n_frames (const GstSympieTally *tally)
{
  return tally->feature_mse.values->len;
}

gdouble
gst_sympie_tally_mean (const GstSympieTally *tally)
{
  return gst_sympie_tally_n_frames (tally) > 0
             ? statistics_mean (&tally->feature_mse)
             : 0.0;
}

void
gst_sympie_tally_pool (
    const GstSympieTally *tally, gboolean complete, GstStructure *pooled)
{
  gst_structure_set (pooled, "frames", G_TYPE_UINT64,
      gst_sympie_tally_n_frames (tally), "pairs", G_TYPE_UINT64, tally->n_pairs,
      "unmatched-ref", G_TYPE_UINT64, tally->n_unmatched_ref, "unmatched-dist",
      G_TYPE_UINT64, tally->n_unmatched_dist, NULL);
  statistics_set (&tally->feature_mse, complete, "feature-mse", pooled);
  statistics_set (&tally->pixel_mse, complete, "pixel-mse", pooled);
  gst_structure_set (pooled, "psnr", G_TYPE_DOUBLE,
      gst_sympie_psnr (statistics_mean (&tally->pixel_mse)), "complete",
      G_TYPE_BOOLEAN, complete, NULL);
}

gdouble
gst_sympie_psnr (gdouble mse)
{
  return 10.0 * log10 (255.0 * 255.0 / mse);
}
