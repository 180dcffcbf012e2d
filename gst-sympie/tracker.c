/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tracker.h"

#include <math.h>

/* ---- Smoothing ----------------------------------------------------------- */

/* A distance between parameters that no pixel shows: whatever their signs, the
 * 37 differences add up to less than a tenth of one of 255 levels. */
#define UNSEEN 1e-5f

void
gst_sympie_smoother_next (GstSympieSmoother *smoother,
    const SympieParams *target, GstClockTime elapsed, GstClockTime constant,
    SympieParams *params)
{
  static const SympieParams none;
  SympieParams *rest = &smoother->rest;
  gdouble part = 0;

  if (smoother->holds && constant > 0 && GST_CLOCK_TIME_IS_VALID (elapsed))
    part = exp (-(gdouble) elapsed / (gdouble) constant);
  for (guint i = 0; i < SYMPIE_N_PARAMS; i++) {
    gfloat moved = smoother->target.values[i] - target->values[i];

    rest->values[i] = (gfloat) (part * (rest->values[i] + moved));
  }
  if (sympie_params_distance (rest, &none) < UNSEEN)
    *rest = none;
  smoother->target = *target;
  smoother->holds = TRUE;
  gst_sympie_smoother_get (smoother, params);
}

void
gst_sympie_smoother_get (
    const GstSympieSmoother *smoother, SympieParams *params)
{
  for (guint i = 0; i < SYMPIE_N_PARAMS; i++)
    params->values[i] = smoother->target.values[i] + smoother->rest.values[i];
}

/* ---- Frames -------------------------------------------------------------- */

void
gst_sympie_tracker_reset (GstSympieTracker *tracker)
{
  gst_sympie_schedule_reset (&tracker->schedule);
  tracker->n_targets = 0;
  for (guint i = 0; i < GST_SYMPIE_MAX_ITERATIONS; i++)
    tracker->smoothers[i].holds = FALSE;
}

gboolean
gst_sympie_tracker_begin (GstSympieTracker *tracker,
    const GstSympieScheduleSettings *settings, const GstSympieFrame *frame)
{
  GstSympieScheduleSettings schedule = *settings;
  GstSympieDecision decision;

  schedule.load = tracker->load.level;
  decision = gst_sympie_schedule_next (&tracker->schedule, &schedule, frame);
  tracker->number++;
  tracker->estimates = decision != GST_SYMPIE_KEEP;
  tracker->anew = decision == GST_SYMPIE_ANEW;
  return tracker->estimates;
}

GstSympieEstimate
gst_sympie_tracker_about (
    const GstSympieTracker *tracker, const GstSympieFrame *frame)
{
  return (GstSympieEstimate){
    .number = tracker->number,
    .time = frame->time,
    .anew = tracker->anew,
  };
}

void
gst_sympie_tracker_put (GstSympieTracker *tracker, guint iteration,
    const GstSympieEstimate *estimate)
{
  tracker->targets[iteration] = *estimate;
  tracker->n_targets = MAX (tracker->n_targets, iteration + 1);
  if (estimate->anew)
    tracker->smoothers[iteration].holds = FALSE;
}

gboolean
gst_sympie_tracker_wants (const GstSympieTracker *tracker, guint iteration)
{
  return tracker->estimates || iteration >= tracker->n_targets;
}

void
gst_sympie_tracker_get (GstSympieTracker *tracker, guint iteration,
    GstClockTime smoothing, SympieParams *params)
{
  if (iteration < tracker->n_targets)
    gst_sympie_smoother_next (&tracker->smoothers[iteration],
        &tracker->targets[iteration].params, tracker->schedule.elapsed,
        smoothing, params);
  else
    sympie_params_identity (params);
}

void
gst_sympie_tracker_get_info (
    const GstSympieTracker *tracker, GstSympieParamsInfo *info)
{
  const GstSympieEstimate *target = &tracker->targets[0];

  if (tracker->n_targets == 0) {
    *info = (GstSympieParamsInfo){ .time = GST_CLOCK_TIME_NONE };
    sympie_params_identity (&info->params);
    return;
  }
  *info = (GstSympieParamsInfo){
    .gate = target->gate,
    .estimated = target->number == tracker->number,
    .age = (guint) (tracker->number - target->number),
    .time = target->time,
  };
  gst_sympie_smoother_get (&tracker->smoothers[0], &info->params);
}
