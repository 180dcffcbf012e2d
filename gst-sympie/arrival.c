/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "arrival.h"

void
gst_sympie_arrival_reset (GstSympieArrival *arrival)
{
  arrival->asked_live = FALSE;
  arrival->latest = arrival->previous = GST_CLOCK_TIME_NONE;
}

GstClockTime
gst_sympie_arrival_stream_time (GstBaseTransform *trans, GstBuffer *buffer)
{
  if (trans->segment.format != GST_FORMAT_TIME)
    return GST_CLOCK_TIME_NONE;
  return gst_segment_to_stream_time (
      &trans->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
}

void
gst_sympie_arrival_note (
    GstSympieArrival *arrival, GstBaseTransform *trans, GstBuffer *buffer)
{
  arrival->previous = arrival->latest;
  arrival->latest = gst_sympie_arrival_stream_time (trans, buffer);
}

static gboolean
is_live (GstSympieArrival *arrival, GstBaseTransform *trans)
{
  GstQuery *query;

  if (arrival->asked_live)
    return arrival->is_live;
  query = gst_query_new_latency ();
  if (gst_pad_peer_query (GST_BASE_TRANSFORM_SINK_PAD (trans), query))
    gst_query_parse_latency (query, &arrival->is_live, NULL, NULL);
  gst_query_unref (query);
  arrival->asked_live = TRUE;
  return arrival->is_live;
}

GstClockTimeDiff
gst_sympie_arrival_get_lateness (
    GstSympieArrival *arrival, GstBaseTransform *trans, GstBuffer *buffer)
{
  GstClockTime base = gst_element_get_base_time (GST_ELEMENT (trans)), time;
  GstClockTimeDiff lateness = GST_CLOCK_STIME_NONE;
  GstClock *clock;

  if (trans->segment.format != GST_FORMAT_TIME)
    return lateness;
  time = gst_segment_to_running_time (
      &trans->segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  if (!GST_CLOCK_TIME_IS_VALID (time) || !GST_CLOCK_TIME_IS_VALID (base)
      || !is_live (arrival, trans))
    return lateness;
  clock = gst_element_get_clock (GST_ELEMENT (trans));
  if (clock) {
    lateness = GST_CLOCK_DIFF (base + time, gst_clock_get_time (clock));
    gst_object_unref (clock);
  }
  return lateness;
}
