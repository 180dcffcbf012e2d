/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What sympieprobe has counted and measured since the start, and the structures
 * that tell of it. */

#ifndef GST_SYMPIE_TALLY_H
#define GST_SYMPIE_TALLY_H

#include "gstsympiepairs.h"

G_BEGIN_DECLS

/* A pair that was measured. */
typedef struct
{
  guint64 index; /* among all pairs, from 0 */
  GstClockTime timestamp, stream_time, running_time, duration;
  SympieDifference difference;
  GstClockTime measure_time; /* that it took */
} GstSympieMeasurement;

typedef struct
{
  guint64 n_pairs;
  guint64 n_unmatched[GST_SYMPIE_N_SIDES];
  GArray *feature_mse, *pixel_mse; /* gdouble, of each pair measured */
  gdouble feature_sum;
  GstClockTime measure_time;
} GstSympieTally;

void gst_sympie_tally_init (GstSympieTally *tally);
void gst_sympie_tally_clear (GstSympieTally *tally);
/* Forgets everything. */
void gst_sympie_tally_reset (GstSympieTally *tally);

void gst_sympie_tally_add (
    GstSympieTally *tally, const GstSympieMeasurement *measurement);

/* The mean feature MSE; 0 of nothing. */
gdouble gst_sympie_tally_mean (const GstSympieTally *tally);

/* The property `stats`. */
GstStructure *gst_sympie_tally_stats (const GstSympieTally *tally);

/* The fields of a frame message, and those of the pooled message behind `layer`
 * and `input`. */
GstStructure *gst_sympie_measurement_to_structure (
    const GstSympieMeasurement *measurement);
void gst_sympie_tally_pool (
    const GstSympieTally *tally, gboolean complete, GstStructure *pooled);

G_END_DECLS

#endif /* GST_SYMPIE_TALLY_H */
