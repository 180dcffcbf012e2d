/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "schedule.h"

#include <math.h>
#include <stdlib.h>

/* A jump in time: more than a second and more than that many frames. Frames
 * that were dropped leave smaller gaps. */
#define JUMP_TIME GST_SECOND
#define JUMP_FRAMES 10

/* Levels of 8 bits. A cut stands out of the usual change from frame to frame.
 */
#define CHANGE 1.0f
#define USUAL_CHANGE 4.0f /* at most, to begin with */
#define CUT 12.0f
#define CUT_TO_UNREST 4.0f

/* A new frame's part in the usual change and the usual noise. */
#define RATE 0.1f

/* Of noise's own change, in squares: it varies. */
#define NOISE_MARGIN 2.0f

/* For so long after an estimate only what would be a cut is a change: people
 * and cars that go by a still camera are not worth more. After that little is
 * enough, as what is dark or pale changes little. */
#define REST_TIME GST_SECOND

/* Blur comes and goes unseen by a thumbnail. */
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
  BLOCK = 4, /* in cells */
  N_BLOCKS = (N / BLOCK) * (N / BLOCK),
  N_CELLS = BLOCK * BLOCK /* of a block */
};

static gint
compare_floats (gconstpointer a, gconstpointer b)
{
  const gfloat *x = a, *y = b;

  return (*x > *y) - (*x < *y);
}

/* Blocks' means tell a change. How the cells of a block differ tells noise, or
 * motion: in the median block noise, as motion is seldom everywhere. */
GstSympieDifference
gst_sympie_thumbnail_compare (
    const SympieThumbnail *a, const SympieThumbnail *b)
{
  GstSympieDifference difference = { 0, 0 };

  for (gint c = 0; c < 3; c++) {
    gfloat variances[N_BLOCKS];
    gint n = 0;

    for (gint i = 0; i < N; i += BLOCK)
      for (gint j = 0; j < N; j += BLOCK) {
        gint sum = 0, squares = 0;
        gfloat mean;

        for (gint y = i; y < i + BLOCK; y++)
          for (gint x = j; x < j + BLOCK; x++) {
            gint d = a->cells[c][y][x] - b->cells[c][y][x];

            sum += d;
            squares += d * d;
          }
        mean = (gfloat) sum / N_CELLS;
        difference.change += mean * mean / (3 * N_BLOCKS);
        variances[n++] =
            ((gfloat) squares - mean * (gfloat) sum) / (N_CELLS - 1);
      }
    qsort (variances, N_BLOCKS, sizeof variances[0], compare_floats);
    difference.noise += variances[N_BLOCKS / 2] / (3 * N_CELLS);
  }
  return difference;
}

static void
move (gfloat *usual, gfloat value, gboolean is_known)
{
  *usual += (is_known ? RATE : 1) * (value - *usual);
}

/* Whether a scene begins with the frame. Blocks, as noise makes cells of small
 * frames change as much as a cut does. */
static gboolean
see_cut (GstSympieSchedule *schedule, const SympieThumbnail *thumbnail)
{
  GstSympieDifference difference;
  gfloat change;
  gboolean cut;

  if (!schedule->has_last)
    return FALSE;
  difference = gst_sympie_thumbnail_compare (thumbnail, &schedule->last);
  change = sqrtf (difference.change);
  /* The same frame once more. */
  if (difference.change == 0 && difference.noise == 0)
    return FALSE;
  cut = change > CUT && change > CUT_TO_UNREST * schedule->unrest;
  /* The first two frames that differ may be in motion. */
  move (&schedule->unrest,
      schedule->is_used ? change : MIN (change, USUAL_CHANGE),
      schedule->is_used);
  if (!cut)
    move (&schedule->noise, difference.noise, schedule->is_used);
  schedule->is_used = TRUE;
  return cut;
}

/* ---- Time ---------------------------------------------------------------- */

static GstClockTime
distance (GstClockTime a, GstClockTime b)
{
  return a > b ? a - b : b - a;
}

/* Takes note of the frame's time; whether it is far from the one before: not if
 * that came after two thirds as long at least, as in a stream slower than its
 * caps say, or than one frame a second. */
static gboolean
see_jump (GstSympieSchedule *schedule, const GstSympieFrame *frame)
{
  GstClockTime duration =
      GST_CLOCK_TIME_IS_VALID (frame->duration) ? frame->duration : 0;
  GstClockTime last = schedule->last_time;
  GstClockTime previous =
      GST_CLOCK_TIME_IS_VALID (frame->previous) ? frame->previous : last;
  GstClockTime step = schedule->step;
  gboolean is_far, is_steady;

  schedule->last_time = frame->time;
  schedule->elapsed = duration > 0 ? duration : GST_CLOCK_TIME_NONE;
  schedule->step = 0;
  if (!schedule->has_last || !GST_CLOCK_TIME_IS_VALID (last)
      || !GST_CLOCK_TIME_IS_VALID (frame->time))
    return FALSE;
  is_far = distance (frame->time, previous)
           > MAX (JUMP_TIME, JUMP_FRAMES * duration);
  if (frame->time > previous)
    schedule->step = frame->time - previous;
  is_steady = schedule->step > 0 && schedule->step <= step + step / 2;
  if (is_far && !is_steady)
    return TRUE;
  if (frame->time != last)
    schedule->elapsed = distance (frame->time, last);
  return FALSE;
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
 * makes any two frames differ. */
static gboolean
has_changed (const GstSympieSchedule *schedule, const GstSympieFrame *frame)
{
  gfloat least = has_passed (schedule, REST_TIME, frame) ? CHANGE : CUT;
  GstSympieDifference difference =
      gst_sympie_thumbnail_compare (frame->thumbnail, &schedule->estimated);

  return difference.change > least * least + NOISE_MARGIN * schedule->noise;
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
         || (frame->thumbnail && has_changed (schedule, frame));
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
