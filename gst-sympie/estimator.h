/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Estimates in a thread of its own, "sympie-estimate", from the newest frame
 * that it was given: one that waits makes way for one that is newer, so that
 * nothing queues up. What a frame is, is the user's business. */

#ifndef GST_SYMPIE_ESTIMATOR_H
#define GST_SYMPIE_ESTIMATOR_H

#include <gst/gst.h>

#include "sympie.h"

typedef struct
{
  SympieParams params;
  gfloat gate;
  GstClockTime took; /* the estimator's thread to make it */
  /* Of the frame that it was made from. */
  guint64 number;
  GstClockTime time;
  gboolean anew; /* nothing before that frame has to do with it */
} GstSympieEstimate;

typedef struct
{
  /* Called in the estimator's thread; fills params and gate. Fails as the
   * library does. */
  gboolean (*estimate) (gpointer user, gpointer frame,
      GstSympieEstimate *estimate, SympieError *error);
  /* Called for each frame once it is done with, in either thread. */
  void (*release) (gpointer frame);
} GstSympieEstimatorFunctions;

typedef struct _GstSympieEstimator GstSympieEstimator;

typedef enum
{
  GST_SYMPIE_ESTIMATE_NONE,
  GST_SYMPIE_ESTIMATE_READY,
  GST_SYMPIE_ESTIMATE_FAILED
} GstSympieEstimateState;

/* NULL with a message where no thread can be started. */
GstSympieEstimator *gst_sympie_estimator_new (
    const GstSympieEstimatorFunctions *functions, gpointer user,
    SympieError *error);

/* Ends the thread after the frame that it works on; NULL is allowed. */
void gst_sympie_estimator_free (GstSympieEstimator *estimator);

/* Takes over `frame`, of which `about` says what an estimate says of its frame.
 * TRUE where one that waited was dropped for it. */
gboolean gst_sympie_estimator_submit (GstSympieEstimator *estimator,
    gpointer frame, const GstSympieEstimate *about);

/* The newest estimate that was not taken yet, or the failure to make one. Does
 * not wait. */
GstSympieEstimateState gst_sympie_estimator_take (GstSympieEstimator *estimator,
    GstSympieEstimate *estimate, SympieError *error);

/* Waits until every frame that was given is done with. */
void gst_sympie_estimator_drain (GstSympieEstimator *estimator);

/* Drops what waits and what was estimated, and waits for the frame that is
 * worked on: no frame is held and nothing can be taken afterwards. */
void gst_sympie_estimator_flush (GstSympieEstimator *estimator);

#endif /* GST_SYMPIE_ESTIMATOR_H */
