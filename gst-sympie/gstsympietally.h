/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What sympieprobe has counted and measured of one distorted stream, and what
 * it says of it. */

#ifndef GST_SYMPIE_TALLY_H
#define GST_SYMPIE_TALLY_H

#include <gst/gst.h>

#include "sympie.h"

/* Of values that are 0 or more. All but the median are at hand at any time. */
typedef struct
{
  gdouble sum, inverse_sum, min, max;
  GArray *values; /* gdouble, for the median */
} GstSympieStatistics;

typedef struct
{
  guint64 n_pairs;
  guint64 n_unmatched_ref, n_unmatched_dist;
  GstSympieStatistics feature_mse, pixel_mse;
} GstSympieTally;

void gst_sympie_tally_init (GstSympieTally *tally);
void gst_sympie_tally_clear (GstSympieTally *tally);
/* Forgets everything. */
void gst_sympie_tally_reset (GstSympieTally *tally);

void gst_sympie_tally_add (
    GstSympieTally *tally, const SympieDifference *difference);

/* Nothing was measured and nothing counted. */
gboolean gst_sympie_tally_is_empty (const GstSympieTally *tally);

/* How many pairs were measured, and their mean feature MSE; 0 of nothing. */
guint64 gst_sympie_tally_n_frames (const GstSympieTally *tally);
gdouble gst_sympie_tally_mean (const GstSympieTally *tally);

/* Sets the fields of the pooled message from `frames` on. The harmonic mean is
 * 0 where a value is, as its limit is. The median, for which all values are
 * sorted, is that of a `complete` tally, and NaN before; of no value at all
 * every statistic is NaN. */
void gst_sympie_tally_pool (
    const GstSympieTally *tally, gboolean complete, GstStructure *pooled);

/* In dB, of a mean squared error of values from 0 to 255. */
gdouble gst_sympie_psnr (gdouble mse);

#endif /* GST_SYMPIE_TALLY_H */
