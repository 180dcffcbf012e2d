/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What sympieprobe measures, from its start to its end: pairs of frames go
 * through VGG19; messages, the file of results and the tallies of the pads get
 * what comes of it. */

#ifndef GST_SYMPIE_MEASUREMENT_H
#define GST_SYMPIE_MEASUREMENT_H

#include "gstsympiepairs.h"
#include "gstsympieresults.h"
#include "sympie.h"

G_BEGIN_DECLS

typedef struct
{
  gchar *weights;                /* or NULL: gst_sympie_vgg19_dup_weights() */
  SympieFeaturesConfig features; /* without the weights */
  guint subsample;
  gboolean frame_message;
  gboolean strict;
  gchar *results_filename; /* or NULL: none */
  GstSympieResultsFormat results_format;
} GstSympieMeasurementSettings;

typedef struct
{
  GstSympiePairs *element; /* its messages, and its pads' tallies */

  /* The element's object lock guards these. */
  GstSympieMeasurementSettings settings;
  GstClockTime measure_time;

  /* The rest belongs to the streaming thread, and while there is none to
   * start and stop. */
  SympieFeatures *vgg19;
  GstSympieResults *results;
  GstClockTime last_progress;
} GstSympieMeasurement;

/* Of zeros, and back to what owns nothing. */
void gst_sympie_measurement_init (
    GstSympieMeasurement *self, GstSympiePairs *element);
void gst_sympie_measurement_clear (GstSympieMeasurement *self);

/* Where these return FALSE or GST_FLOW_ERROR, the element has posted why, and
 * what failed to start has been stopped. A restart forgets what was measured.
 */
gboolean gst_sympie_measurement_start (GstSympieMeasurement *self);
gboolean gst_sympie_measurement_restart (GstSympieMeasurement *self);
void gst_sympie_measurement_stop (GstSympieMeasurement *self);

/* As in GstSympiePairsClass. */
GstFlowReturn gst_sympie_measurement_pair (GstSympieMeasurement *self,
    const GstSympieFrame *ref, const GstSympieFrame *dist, guint n);
GstFlowReturn gst_sympie_measurement_unmatched (GstSympieMeasurement *self,
    GstSympiePairsPad *dist, const GstSympieFrame *frame);
GstFlowReturn gst_sympie_measurement_finish (GstSympieMeasurement *self);

/* What there is so far, as the properties say; with the object lock held. */
gdouble gst_sympie_measurement_mean (GstSympieMeasurement *self);
GstStructure *gst_sympie_measurement_stats (GstSympieMeasurement *self);

G_END_DECLS

#endif /* GST_SYMPIE_MEASUREMENT_H */
