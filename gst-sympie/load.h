/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* How far to go in sparing the processor: a level that goes up while frames are
 * late and down again when they have not been for a while. A calm that turns
 * out to have been too short is twice as long the next time. */

#ifndef GST_SYMPIE_LOAD_H
#define GST_SYMPIE_LOAD_H

#include <gst/gst.h>

#define GST_SYMPIE_MAX_LOAD 8

/* All zero is one that knows of no load. */
typedef struct
{
  guint level;
  gboolean eased; /* the last change was downwards */
  GstClockTime changed, late;
  GstClockTime patience; /* calm that it takes to go down; 0: the least */

  gboolean has_base;
  GstClockTimeDiff base; /* the least lateness, which every frame has */
  GstClockTimeDiff latest;
  GstClockTime base_time; /* when that was, by the clock that runs on */
} GstSympieLoad;

/* A frame was late or was not, by a clock that runs on. TRUE where that changed
 * the level. */
gboolean gst_sympie_load_note (
    GstSympieLoad *load, gboolean late, GstClockTime now);

/* Whether a frame of a live source that arrived so much after its time tells of
 * frames that queue up, seen beside those before it: not of a pipeline's clock,
 * or times, that jump. */
gboolean gst_sympie_load_is_behind (GstSympieLoad *load,
    GstClockTimeDiff lateness, GstClockTime duration, GstClockTime now);

#endif /* GST_SYMPIE_LOAD_H */
