/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* When frames arrive: at which time of the stream, and how much later than that
 * by the pipeline's clock. */

#ifndef GST_SYMPIE_ARRIVAL_H
#define GST_SYMPIE_ARRIVAL_H

#include <gst/base/gstbasetransform.h>

/* Begins with gst_sympie_arrival_reset(), and again with a new stream. */
typedef struct
{
  gboolean asked_live, is_live; /* the source, once it was asked */
  GstClockTime latest;          /* stream time, or GST_CLOCK_TIME_NONE */
  /* The same of the frame before, also where that was dropped for quality of
   * service, which only submit_input_buffer() hears of. */
  GstClockTime previous;
} GstSympieArrival;

void gst_sympie_arrival_reset (GstSympieArrival *arrival);

/* A frame's stream time; GST_CLOCK_TIME_NONE where the segment counts something
 * else than time, too. */
GstClockTime gst_sympie_arrival_stream_time (
    GstBaseTransform *trans, GstBuffer *buffer);

/* For submit_input_buffer(), by which every frame comes before the base class
 * drops any. */
void gst_sympie_arrival_note (
    GstSympieArrival *arrival, GstBaseTransform *trans, GstBuffer *buffer);

/* How long after its time the frame in hand arrived; GST_CLOCK_STIME_NONE where
 * the source is not live or there is no telling. */
GstClockTimeDiff gst_sympie_arrival_get_lateness (
    GstSympieArrival *arrival, GstBaseTransform *trans, GstBuffer *buffer);

#endif /* GST_SYMPIE_ARRIVAL_H */
