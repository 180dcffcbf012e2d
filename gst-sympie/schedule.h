/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* When to estimate. Of a frame it knows the time and, at most, a thumbnail; of
 * how much rarer the load makes estimates. */

#ifndef GST_SYMPIE_SCHEDULE_H
#define GST_SYMPIE_SCHEDULE_H

#include <gst/gst.h>

#include "sympie.h"

typedef enum
{
  GST_SYMPIE_REUSE_FIXED,
  GST_SYMPIE_REUSE_ADAPTIVE
} GstSympieReuse;

/* For how long an estimate serves. Fixed: until `interval` frames and `time`
 * have both passed. Adaptive: until the picture has changed and `interval`
 * frames have passed, at the latest for `time`, or five seconds where that is
 * 0; in the first second only until it has changed as much as in a cut. Either:
 * until a scene begins. */
typedef struct
{
  GstSympieReuse reuse;
  guint interval; /* 1 or more */
  GstClockTime time;
  guint
      load; /* both are 2^load times longer, and cuts wait for 2^load frames */
} GstSympieScheduleSettings;

typedef struct
{
  GstClockTime time; /* stream time or GST_CLOCK_TIME_NONE */
  /* Of the frame before it, also where that was dropped unseen; or
   * GST_CLOCK_TIME_NONE. */
  GstClockTime previous;
  GstClockTime duration;            /* of a frame, or GST_CLOCK_TIME_NONE */
  gboolean cut;                     /* upstream says that a scene begins */
  const SympieThumbnail *thumbnail; /* or NULL: changes are not seen */
} GstSympieFrame;

typedef enum
{
  GST_SYMPIE_KEEP,  /* the estimate serves this frame too */
  GST_SYMPIE_AGAIN, /* estimate; what was before goes over into it */
  GST_SYMPIE_ANEW   /* estimate; what was before has nothing to do with it */
} GstSympieDecision;

/* All zero is one that has seen no frame. */
typedef struct
{
  gboolean has_estimate;
  gboolean cut; /* since the estimate, which was not made anew */
  guint frames; /* since the estimate, its own included */
  GstClockTime since;
  SympieThumbnail estimated; /* the frame that was estimated from */

  gboolean has_last;
  GstClockTime last_time;
  /* Stream time from the frame before to the latest one: its duration where the
   * times say nothing, and GST_CLOCK_TIME_NONE where that is not known. */
  GstClockTime elapsed;
  GstClockTime step; /* ahead to the latest frame, jump or not; 0: none */
  SympieThumbnail last;
  gboolean is_used; /* to this stream, that is, what is usual is known: */
  gfloat unrest;    /* change from frame to frame */
  gfloat noise;     /* the part of its square that is noise */
} GstSympieSchedule;

/* For a flush, new caps, a new stream. */
void gst_sympie_schedule_reset (GstSympieSchedule *schedule);

/* What to do with the next frame. Counts on it being done. */
GstSympieDecision gst_sympie_schedule_next (GstSympieSchedule *schedule,
    const GstSympieScheduleSettings *settings, const GstSympieFrame *frame);

typedef struct
{
  gfloat change; /* of blocks of 4 by 4 cells, with: */
  gfloat noise;  /* what noise alone makes of that */
} GstSympieDifference;

/* Mean squares, in levels of 8 bits. Small things in motion hardly touch
 * blocks. */
GstSympieDifference gst_sympie_thumbnail_compare (
    const SympieThumbnail *a, const SympieThumbnail *b);

#endif /* GST_SYMPIE_SCHEDULE_H */
