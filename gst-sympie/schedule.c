/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "schedule.h"

#include <math.h>

/* A jump in time: more than a second and more than that many frames. Frames
 * that were dropped leave smaller gaps. */
#define JUMP_TIME GST_SECOND
#define JUMP_FRAMES 10

/* Levels of 8 bits. A cut stands out of the usual change from frame to frame.
 */
#define CHANGE 4.0f
#define CUT 12.0f
#define CUT_TO_UNREST 4.0f
#define UNREST_RATE 0.1f

/* Noise and blur come and go unseen by a thumbnail. */
#define ADAPTIVE_TIME (5 * GST_SECOND)

void
gst_sympie_schedule_reset (GstSympieSchedule *schedule)
{
  schedule->has_estimate = FALSE;
  schedule->has_last = FALSE;
}

/* ---- Pictures ------------------------------------------------------------ */

enum
{
  N = SYMPIE_THUMBNAIL_SIZE,
  BLOCK = 4
};

gfloat
gst_sympie_thumbnail_change (const SympieThumbnail *a, const SympieThumbnail *b)
{
  gfloat squares = 0;

  for (gint c = 0; c < 3; c++)
    for (gint i = 0; i < N; i += BLOCK)
      for (gint j = 0; j < N; j += BLOCK) {
        gint sum = 0;

        for (gint y = i; y < i + BLOCK; y++)
          for (gint x = j; x < j + BLOCK; x++)
            sum += a->cells[c][y][x] - b->cells[c][y][x];
        squares += (gfloat) (sum * sum);
      }
  return sqrtf (squares / (3 * N * N * BLOCK * BLOCK));
}

/* Whether a scene begins with the frame. Blocks, as noise makes cells of small
 * frames change as much as a cut does. */
static gboolean
see_cut (GstSympieSchedule *schedule, const SympieThumbnail *thumbnail)
{
  gfloat change;
  gboolean cut;

  if (!schedule->has_last)
    return FALSE;
  change = gst_sympie_thumbnail_change (thumbnail, &schedule->last);
  cut = change > CUT && change > CUT_TO_UNREST * schedule->unrest;
  /* The first two frames that differ may be noisy or in motion. */
  if (schedule->has_unrest)
    schedule->unrest += UNREST_RATE * (change - schedule->unrest);
  else
    schedule->unrest = MIN (change, CHANGE);
  schedule->has_unrest = TRUE;
  return cut;
}

/* ---- Time ---------------------------------------------------------------- */

static GstClockTime
distance (GstClockTime a, GstClockTime b)
{
  return a > b ? a - b : b - a;
}

/* Takes note of the frame's time; whether it is far from the one before. */
static gboolean
see_jump (GstSympieSchedule *schedule, const GstSympieFrame *frame)
{
  GstClockTime duration =
      GST_CLOCK_TIME_IS_VALID (frame->duration) ? frame->duration : 0;
  GstClockTime last = schedule->last_time;
  GstClockTime previous =
      GST_CLOCK_TIME_IS_VALID (frame->previous) ? frame->previous : last;

  schedule->last_time = frame->time;
  schedule->elapsed = duration > 0 ? duration : GST_CLOCK_TIME_NONE;
  if (!schedule->has_last || !GST_CLOCK_TIME_IS_VALID (last)
      || !GST_CLOCK_TIME_IS_VALID (frame->time))
    return FALSE;
  if (distance (frame->time, previous)
      > MAX (JUMP_TIME, JUMP_FRAMES * duration))
    return TRUE;
  if (frame->time != last)
    schedule->elapsed = distance (frame->time, last);
  return FALSE;
}

GstClockTime
gst_sympie_schedule_elapsed (const GstSympieSchedule *schedule)
{
  return schedule->elapsed;
}

/* Time since the estimate; frames count where there are no times. */
static gboolean
has_passed (const GstSympieSchedule *schedule, GstClockTime time,
    const GstSympieFrame *frame)
{
  if (GST_CLOCK_TIME_IS_VALID (frame->time)
      && GST_CLOCK_TIME_IS_VALID (schedule->since))
    return distance (frame->time, schedule->since) >= time;
  return !GST_CLOCK_TIME_IS_VALID (frame->duration)
         || schedule->frames * frame->duration >= time;
}

/* ---- Decisions ----------------------------------------------------------- */

/* Whether the picture is another than that of the estimate, by more than noise
 * makes any two frames differ; but not more than so much is taken for noise. */
static gboolean
has_changed (
    const GstSympieSchedule *schedule, const SympieThumbnail *thumbnail)
{
  gfloat change = gst_sympie_thumbnail_change (thumbnail, &schedule->estimated);
  gfloat noise = MIN (schedule->unrest, CHANGE);

  return change * change > CHANGE * CHANGE + noise * noise;
}

static gboolean
is_due (const GstSympieSchedule *schedule,
    const GstSympieScheduleSettings *settings, const GstSympieFrame *frame)
{
  GstClockTime time = settings->time << settings->load;

  if (schedule->frames < (guint64) settings->interval << settings->load)
    return FALSE;
  if (settings->reuse == GST_SYMPIE_REUSE_FIXED)
    return has_passed (schedule, time, frame);
  return has_passed (schedule, time ? time : ADAPTIVE_TIME, frame)
         || (frame->thumbnail && has_changed (schedule, frame->thumbnail));
}

static GstSympieDecision
decide (GstSympieSchedule *schedule, const GstSympieScheduleSettings *settings,
    const GstSympieFrame *frame, gboolean jump)
{
  if (!schedule->has_estimate || jump)
    return GST_SYMPIE_ANEW;
  if (frame->cut || (frame->thumbnail && see_cut (schedule, frame->thumbnail)))
    schedule->cut = TRUE;
  if (schedule->cut && schedule->frames >= 1u << settings->load)
    return GST_SYMPIE_ANEW;
  return is_due (schedule, settings, frame) ? GST_SYMPIE_AGAIN
                                            : GST_SYMPIE_KEEP;
}

GstSympieDecision
gst_sympie_schedule_next (GstSympieSchedule *schedule,
    const GstSympieScheduleSettings *settings, const GstSympieFrame *frame)
{
  gboolean jump = see_jump (schedule, frame);
  GstSympieDecision decision = decide (schedule, settings, frame, jump);

  if (decision != GST_SYMPIE_KEEP) {
    schedule->has_estimate = TRUE;
    schedule->cut = FALSE;
    schedule->frames = 0;
    schedule->since = frame->time;
    if (frame->thumbnail)
      schedule->estimated = *frame->thumbnail;
  }
  schedule->frames++;
  schedule->has_last = TRUE;
  if (frame->thumbnail)
    schedule->last = *frame->thumbnail;
  return decision;
}
