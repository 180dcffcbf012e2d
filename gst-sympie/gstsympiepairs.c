/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympiepairs.h"

GST_DEBUG_CATEGORY_STATIC (gst_sympie_pairs_debug);
#define GST_CAT_DEFAULT gst_sympie_pairs_debug

/* Containers round times to a millisecond at worst, and both may. */
#define PAIRING_TOLERANCE (2 * GST_MSECOND)

static const gchar *const side_names[GST_SYMPIE_N_SIDES] = { "ref_sink",
  "dist_sink" };

/* One of the two streams. */
typedef struct
{
  GstAggregatorPad *pad;
  gboolean has_caps;
  GstVideoInfo info;
  GstSympieStream stream;
} Input;

/* The streaming thread's, and while there is none stop()'s. */
typedef struct
{
  Input inputs[GST_SYMPIE_N_SIDES];
} GstSympiePairsPrivate;

#define GST_SYMPIE_PAIRS_CAPS                                                  \
  GST_STATIC_CAPS ("video/x-raw, " GST_SYMPIE_CAPS_FIELDS)

static GstStaticPadTemplate ref_template = GST_STATIC_PAD_TEMPLATE (
    "ref_sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_SYMPIE_PAIRS_CAPS);

static GstStaticPadTemplate dist_template = GST_STATIC_PAD_TEMPLATE (
    "dist_sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_SYMPIE_PAIRS_CAPS);

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_SYMPIE_PAIRS_CAPS);

#define gst_sympie_pairs_parent_class parent_class
G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (
    GstSympiePairs, gst_sympie_pairs, GST_TYPE_AGGREGATOR);

const gchar *
gst_sympie_side_name (GstSympieSide side)
{
  return side_names[side];
}

static Input *
gst_sympie_pairs_input (GstSympiePairs *self, GstSympieSide side)
{
  GstSympiePairsPrivate *priv = gst_sympie_pairs_get_instance_private (self);

  return &priv->inputs[side];
}

static GstSympieSide
gst_sympie_pairs_side (GstSympiePairs *self, GstAggregatorPad *pad)
{
  return pad == gst_sympie_pairs_input (self, GST_SYMPIE_REF)->pad
             ? GST_SYMPIE_REF
             : GST_SYMPIE_DIST;
}

/* ---- Pairs ------------------------------------------------------------- */

/* Takes the next buffer of `side` and, if it is distorted, hands it on. */
static GstFlowReturn
gst_sympie_pairs_pass (GstSympiePairs *self, GstSympieSide side)
{
  GstBuffer *buffer =
      gst_aggregator_pad_pop_buffer (gst_sympie_pairs_input (self, side)->pad);

  if (!buffer) /* flushed meanwhile */
    return GST_FLOW_OK;
  if (side == GST_SYMPIE_DIST)
    return gst_aggregator_finish_buffer (GST_AGGREGATOR (self), buffer);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static GstFlowReturn
gst_sympie_pairs_unmatched (
    GstSympiePairs *self, GstSympieSide side, GstClockTime running_time)
{
  GstFlowReturn ret =
      GST_SYMPIE_PAIRS_GET_CLASS (self)->unmatched (self, side, running_time);

  return ret == GST_FLOW_OK ? gst_sympie_pairs_pass (self, side) : ret;
}

static GstFlowReturn
gst_sympie_pairs_pair (
    GstSympiePairs *self, const GstSympieFrame frames[GST_SYMPIE_N_SIDES])
{
  GstFlowReturn ret = GST_SYMPIE_PAIRS_GET_CLASS (self)->pair (self, frames);

  if (ret != GST_FLOW_OK)
    return ret;
  gst_sympie_pairs_pass (self, GST_SYMPIE_REF);
  return gst_sympie_pairs_pass (self, GST_SYMPIE_DIST);
}

/* What is known of the next buffer of `side`. */
static GstSympieFrame
gst_sympie_pairs_frame (
    GstSympiePairs *self, GstSympieSide side, GstBuffer *buffer)
{
  const Input *input = gst_sympie_pairs_input (self, side);
  const GstSegment *segment = &input->pad->segment;
  GstSympieFrame frame = {
    .buffer = buffer,
    .info = &input->info,
    .stream = &input->stream,
  };

  GST_OBJECT_LOCK (input->pad);
  frame.running_time = gst_segment_to_running_time (
      segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  frame.stream_time = gst_segment_to_stream_time (
      segment, GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));
  GST_OBJECT_UNLOCK (input->pad);
  return frame;
}

/* Deals with the frames at the heads of both queues; either can be NULL. */
static GstFlowReturn
gst_sympie_pairs_take (
    GstSympiePairs *self, GstBuffer *const buffers[GST_SYMPIE_N_SIDES])
{
  GstSympieFrame frames[GST_SYMPIE_N_SIDES];

  for (guint side = 0; side < GST_SYMPIE_N_SIDES; side++) {
    const Input *input = gst_sympie_pairs_input (self, side);

    if (!buffers[side])
      continue;
    if (gst_buffer_get_size (buffers[side]) == 0
        && GST_BUFFER_FLAG_IS_SET (buffers[side], GST_BUFFER_FLAG_GAP)) {
      gst_aggregator_pad_drop_buffer (input->pad);
      return GST_FLOW_OK; /* stands for a gap event */
    }
    frames[side] = gst_sympie_pairs_frame (self, side, buffers[side]);
    if (!GST_CLOCK_TIME_IS_VALID (frames[side].running_time)) {
      GST_ELEMENT_ERROR (self, STREAM, FAILED,
          ("A frame of %s has no running time to pair it by", side_names[side]),
          ("%" GST_PTR_FORMAT, buffers[side]));
      return GST_FLOW_ERROR;
    }
    if (!input->has_caps) {
      GST_ELEMENT_ERROR (self, CORE, NEGOTIATION,
          ("Frames came to %s before their caps", side_names[side]), (NULL));
      return GST_FLOW_NOT_NEGOTIATED;
    }
  }

  for (guint side = 0; side < GST_SYMPIE_N_SIDES; side++) {
    guint other = !side;

    if (buffers[side]
        && (!buffers[other]
            || frames[side].running_time + PAIRING_TOLERANCE
                   < frames[other].running_time))
      return gst_sympie_pairs_unmatched (self, side, frames[side].running_time);
  }
  return gst_sympie_pairs_pair (self, frames);
}

/* The base class calls this when each pad has a buffer or has ended. */
static GstFlowReturn
gst_sympie_pairs_aggregate (GstAggregator *agg, gboolean timeout)
{
  GstSympiePairs *self = GST_SYMPIE_PAIRS (agg);
  GstBuffer *buffers[GST_SYMPIE_N_SIDES];
  GstFlowReturn ret = GST_FLOW_OK;
  guint n_ended = 0;

  for (guint side = 0; side < GST_SYMPIE_N_SIDES; side++) {
    GstAggregatorPad *pad = gst_sympie_pairs_input (self, side)->pad;

    buffers[side] = gst_aggregator_pad_peek_buffer (pad);
    if (!buffers[side]) {
      if (!gst_aggregator_pad_is_eos (pad))
        ret = GST_AGGREGATOR_FLOW_NEED_DATA;
      n_ended++;
    }
  }

  if (ret == GST_FLOW_OK)
    ret = n_ended == GST_SYMPIE_N_SIDES
              ? GST_SYMPIE_PAIRS_GET_CLASS (self)->finish (self)
              : gst_sympie_pairs_take (self, buffers);
  for (guint side = 0; side < GST_SYMPIE_N_SIDES; side++)
    gst_clear_buffer (&buffers[side]);
  return ret;
}

static gboolean
gst_sympie_pairs_stop (GstAggregator *agg)
{
  GstSympiePairs *self = GST_SYMPIE_PAIRS (agg);

  for (guint side = 0; side < GST_SYMPIE_N_SIDES; side++)
    gst_sympie_pairs_input (self, side)->has_caps = FALSE;
  return TRUE;
}

/* ---- Events and queries ------------------------------------------------ */

static gboolean
gst_sympie_pairs_set_caps (
    GstSympiePairs *self, GstSympieSide side, GstCaps *caps)
{
  Input *input = gst_sympie_pairs_input (self, side);
  gchar *reason = NULL;

  input->has_caps = FALSE;
  if (!gst_video_info_from_caps (&input->info, caps)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Cannot understand the caps of %s", side_names[side]),
        ("caps: %" GST_PTR_FORMAT, caps));
    return FALSE;
  }
  if (!gst_sympie_stream_from_caps (
          &input->stream, caps, &input->info, &reason)) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Cannot compare %s at %s", reason, side_names[side]),
        ("caps: %" GST_PTR_FORMAT, caps));
    g_free (reason);
    return FALSE;
  }
  input->has_caps = TRUE;
  if (side == GST_SYMPIE_DIST)
    gst_aggregator_set_src_caps (GST_AGGREGATOR (self), caps);
  return TRUE;
}

static gboolean
gst_sympie_pairs_sink_event (
    GstAggregator *agg, GstAggregatorPad *pad, GstEvent *event)
{
  GstSympiePairs *self = GST_SYMPIE_PAIRS (agg);
  GstSympieSide side = gst_sympie_pairs_side (self, pad);
  const GstSegment *segment;
  GstCaps *caps;
  gboolean ok;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_CAPS:
    gst_event_parse_caps (event, &caps);
    ok = gst_sympie_pairs_set_caps (self, side, caps);
    gst_event_unref (event);
    return ok;
  case GST_EVENT_SEGMENT:
    gst_event_parse_segment (event, &segment);
    if (segment->format != GST_FORMAT_TIME) {
      GST_ELEMENT_ERROR (self, STREAM, FORMAT,
          ("The segment of %s is in %s, not in time", side_names[side],
              gst_format_get_name (segment->format)),
          (NULL));
      gst_event_unref (event);
      return FALSE;
    }
    if (side == GST_SYMPIE_DIST)
      gst_aggregator_update_segment (agg, segment);
    break;
  case GST_EVENT_TAG:
    /* What is said of the reference is not true of what is handed on. */
    if (side == GST_SYMPIE_REF) {
      gst_event_unref (event);
      return TRUE;
    }
    break;
  default:
    break;
  }
  return GST_AGGREGATOR_CLASS (parent_class)->sink_event (agg, pad, event);
}

/* What the distorted stream can be depends on what comes after; the reference
 * ends here. */
static gboolean
gst_sympie_pairs_sink_query (
    GstAggregator *agg, GstAggregatorPad *pad, GstQuery *query)
{
  GstCaps *filter, *caps, *possible;

  if (GST_QUERY_TYPE (query) != GST_QUERY_CAPS)
    return GST_AGGREGATOR_CLASS (parent_class)->sink_query (agg, pad, query);

  gst_query_parse_caps (query, &filter);
  caps = gst_pad_get_pad_template_caps (GST_PAD (pad));
  if (gst_sympie_pairs_side (GST_SYMPIE_PAIRS (agg), pad) == GST_SYMPIE_DIST) {
    possible = gst_pad_peer_query_caps (agg->srcpad, caps);
    gst_caps_unref (caps);
    caps = possible;
  }
  if (filter) {
    possible = gst_caps_intersect_full (filter, caps, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref (caps);
    caps = possible;
  }
  gst_query_set_caps_result (query, caps);
  gst_caps_unref (caps);
  return TRUE;
}

/* The caps of the source pad are those of the distorted stream, whenever they
 * come: there is nothing to choose. */
static gboolean
gst_sympie_pairs_negotiate (GstAggregator *agg)
{
  return TRUE;
}

static gboolean
gst_sympie_pairs_propose_allocation (GstAggregator *agg, GstAggregatorPad *pad,
    GstQuery *decide_query, GstQuery *query)
{
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return TRUE;
}

/* Drops what lies beside the segment. */
static GstBuffer *
gst_sympie_pairs_clip (
    GstAggregator *agg, GstAggregatorPad *pad, GstBuffer *buffer)
{
  guint64 start = GST_BUFFER_PTS (buffer), stop = start;

  if (!GST_CLOCK_TIME_IS_VALID (start))
    return buffer;
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    stop += GST_BUFFER_DURATION (buffer);
  if (gst_segment_clip (
          &pad->segment, GST_FORMAT_TIME, start, stop, &start, &stop)) {
    /* Frames that begin before the segment have no running time. */
    if (start != GST_BUFFER_PTS (buffer)) {
      buffer = gst_buffer_make_writable (buffer);
      GST_BUFFER_PTS (buffer) = start;
      GST_BUFFER_DURATION (buffer) = stop - start;
    }
    return buffer;
  }
  GST_DEBUG_OBJECT (pad, "outside the segment: %" GST_PTR_FORMAT, buffer);
  gst_buffer_unref (buffer);
  return NULL;
}

static void
gst_sympie_pairs_class_init (GstSympiePairsClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstAggregatorClass *agg_class = GST_AGGREGATOR_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      gst_sympie_pairs_debug, "sympiepairs", 0, "Pairs of frames");

  gst_element_class_add_static_pad_template_with_gtype (
      element_class, &ref_template, GST_TYPE_AGGREGATOR_PAD);
  gst_element_class_add_static_pad_template_with_gtype (
      element_class, &dist_template, GST_TYPE_AGGREGATOR_PAD);
  gst_element_class_add_static_pad_template_with_gtype (
      element_class, &src_template, GST_TYPE_AGGREGATOR_PAD);

  agg_class->stop = GST_DEBUG_FUNCPTR (gst_sympie_pairs_stop);
  agg_class->clip = GST_DEBUG_FUNCPTR (gst_sympie_pairs_clip);
  agg_class->aggregate = GST_DEBUG_FUNCPTR (gst_sympie_pairs_aggregate);
  agg_class->sink_event = GST_DEBUG_FUNCPTR (gst_sympie_pairs_sink_event);
  agg_class->sink_query = GST_DEBUG_FUNCPTR (gst_sympie_pairs_sink_query);
  agg_class->negotiate = GST_DEBUG_FUNCPTR (gst_sympie_pairs_negotiate);
  agg_class->propose_allocation =
      GST_DEBUG_FUNCPTR (gst_sympie_pairs_propose_allocation);
}

static void
gst_sympie_pairs_init (GstSympiePairs *self)
{
  GstElementClass *klass = GST_ELEMENT_GET_CLASS (self);

  for (guint side = 0; side < GST_SYMPIE_N_SIDES; side++) {
    GstPadTemplate *template =
        gst_element_class_get_pad_template (klass, side_names[side]);
    GstPad *pad =
        g_object_new (GST_TYPE_AGGREGATOR_PAD, "name", side_names[side],
            "direction", GST_PAD_SINK, "template", template, NULL);

    gst_sympie_pairs_input (self, side)->pad = GST_AGGREGATOR_PAD (pad);
    gst_element_add_pad (GST_ELEMENT (self), pad);
  }
}
