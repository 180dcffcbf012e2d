/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Which parameters a frame gets: the schedule says whether to estimate, the
 * frame itself or, in a thread beside, the estimator does, and the smoother
 * moves from what was towards what is new. */

#ifndef GST_SYMPIE_TRACKER_H
#define GST_SYMPIE_TRACKER_H

#include <gst/gst.h>

#include "estimator.h"
#include "load.h"
#include "params.h"
#include "schedule.h"

#define GST_SYMPIE_MAX_ITERATIONS 4

/* Moves parameters towards the newest estimate, so that the picture does not
 * pulse with each: the distance shrinks by 1/e in the time constant, whatever
 * the frame rate, and ends where no pixel would show it. One that holds
 * nothing, as all zero, starts from the next frame's own target. */
typedef struct
{
  gboolean holds;
  SympieParams target;
  SympieParams rest; /* what the frame's parameters still differ from it by */
} GstSympieSmoother;

/* `params` of a frame that comes `elapsed` after the one before. A `constant`
 * of 0 gives the target itself, and so does an `elapsed` that is not known. */
void gst_sympie_smoother_next (GstSympieSmoother *smoother,
    const SympieParams *target, GstClockTime elapsed, GstClockTime constant,
    SympieParams *params);

/* The parameters of the last frame again. */
void gst_sympie_smoother_get (
    const GstSympieSmoother *smoother, SympieParams *params);

/* All zero is one that has seen no frame. */
typedef struct
{
  GstSympieSchedule schedule;
  GstSympieLoad load;
  guint64 number;           /* of the frame in hand */
  gboolean estimates, anew; /* the frame in hand is estimated from; so */

  /* One for each iteration, the first `n_targets` known. */
  GstSympieEstimate targets[GST_SYMPIE_MAX_ITERATIONS];
  guint n_targets;
  GstSympieSmoother smoothers[GST_SYMPIE_MAX_ITERATIONS];
} GstSympieTracker;

/* For a flush, new caps, a new stream. */
void gst_sympie_tracker_reset (GstSympieTracker *tracker);

/* Begins the next frame. TRUE where it is to be estimated from, by the caller
 * or an estimator. The load of `settings` is the tracker's own. */
gboolean gst_sympie_tracker_begin (GstSympieTracker *tracker,
    const GstSympieScheduleSettings *settings, const GstSympieFrame *frame);

/* What an estimate says of the frame in hand. */
GstSympieEstimate gst_sympie_tracker_about (
    const GstSympieTracker *tracker, const GstSympieFrame *frame);

/* Whether an iteration over the frame in hand needs an estimate: as
 * gst_sympie_tracker_begin() said, or because nothing is known yet. */
gboolean gst_sympie_tracker_wants (
    const GstSympieTracker *tracker, guint iteration);

/* An estimate, perhaps from an earlier frame. */
void gst_sympie_tracker_put (GstSympieTracker *tracker, guint iteration,
    const GstSympieEstimate *estimate);

/* The parameters of an iteration over the frame in hand; the identity where
 * nothing is known. */
void gst_sympie_tracker_get (GstSympieTracker *tracker, guint iteration,
    GstClockTime smoothing, SympieParams *params);

/* What was used for the frame in hand, in its first iteration, of which
 * gst_sympie_tracker_get() was asked before. */
void gst_sympie_tracker_get_info (
    const GstSympieTracker *tracker, GstSympieParamsInfo *info);

#endif /* GST_SYMPIE_TRACKER_H */
