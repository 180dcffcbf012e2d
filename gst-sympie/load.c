/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "load.h"

/* Up at most once in this time: what the last step spared must show first. */
#define STEP_TIME (250 * GST_MSECOND)
#define MIN_PATIENCE (2 * GST_SECOND)
#define MAX_PATIENCE (32 * GST_SECOND)

/* Behind: that many frames and that long after the usual. */
#define BEHIND_FRAMES 3
#define BEHIND_TIME (100 * GST_MSECOND)
/* The usual creeps up by a hundredth of the time that passes, so that a source
 * whose clock runs slow does not count as late for ever. */
#define CREEP 100

static void
change (GstSympieLoad *load, gint by, GstClockTime now)
{
  load->level += by;
  load->eased = by < 0;
  load->changed = now;
}

gboolean
gst_sympie_load_note (GstSympieLoad *load, gboolean late, GstClockTime now)
{
  GstClockTime patience = MAX (load->patience, MIN_PATIENCE);

  if (late) {
    load->late = now;
    if (load->level == GST_SYMPIE_MAX_LOAD
        || (load->level > 0 && now < load->changed + STEP_TIME))
      return FALSE;
    if (load->eased)
      load->patience = now < load->changed + patience
                           ? MIN (2 * patience, MAX_PATIENCE)
                           : MIN_PATIENCE;
    change (load, +1, now);
    return TRUE;
  }
  if (load->level == 0 || now < MAX (load->late, load->changed) + patience)
    return FALSE;
  change (load, -1, now);
  return TRUE;
}

gboolean
gst_sympie_load_is_behind (GstSympieLoad *load, GstClockTimeDiff lateness,
    GstClockTime duration, GstClockTime now)
{
  GstClockTime limit = BEHIND_TIME;

  if (GST_CLOCK_TIME_IS_VALID (duration))
    limit = MAX (limit, BEHIND_FRAMES * duration);
  if (load->has_base && now > load->base_time)
    load->base += (now - load->base_time) / CREEP;
  /* No frame gets later faster than time goes by. */
  if (load->has_base) {
    GstClockTimeDiff excess =
        lateness - load->latest - GST_CLOCK_DIFF (load->base_time, now);

    if (excess > (GstClockTimeDiff) BEHIND_TIME)
      load->base += excess;
  }
  if (!load->has_base || lateness < load->base)
    load->base = lateness;
  load->has_base = TRUE;
  load->latest = lateness;
  load->base_time = now;
  return lateness - load->base > (GstClockTimeDiff) limit;
}
