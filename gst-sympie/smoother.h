/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Moves parameters towards the newest estimate, so that the picture does not
 * pulse with each: the distance shrinks by 1/e in the time constant, whatever
 * the frame rate. Knows nothing of when estimates are made. */

#ifndef GST_SYMPIE_SMOOTHER_H
#define GST_SYMPIE_SMOOTHER_H

#include <gst/gst.h>

#include "sympie.h"

G_BEGIN_DECLS

/* All zero is one that has seen no frame. */
typedef struct
{
  gboolean holds;
  SympieParams params;
} GstSympieSmoother;

/* The next frame starts from its own target. */
void gst_sympie_smoother_reset (GstSympieSmoother *smoother);

/* `params` of a frame that comes `elapsed` after the one before. A `constant`
 * of 0 gives the target itself, and so does an `elapsed` that is not known. */
void gst_sympie_smoother_next (GstSympieSmoother *smoother,
    const SympieParams *target, GstClockTime elapsed, GstClockTime constant,
    SympieParams *params);

G_END_DECLS

#endif /* GST_SYMPIE_SMOOTHER_H */
