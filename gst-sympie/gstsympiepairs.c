/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympiepairs.h"

#include "layout.h"

GST_DEBUG_CATEGORY_STATIC (gst_sympie_pairs_debug);
#define GST_CAT_DEFAULT gst_sympie_pairs_debug

/* Containers round times to a millisecond at worst, and both may. */
#define PAIRING_TOLERANCE (2 * GST_MSECOND)

/* How long all may wait for a stream without a word. A decoder links its pad
 * when it knows what it has, which is often after others have begun. */
#define PATIENCE (5 * GST_SECOND)

static GstStaticCaps formats = GST_STATIC_CAPS (GST_SYMPIE_CAPS);

static GstStaticPadTemplate ref_template = GST_STATIC_PAD_TEMPLATE ("ref_sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_SYMPIE_CAPS));

static GstStaticPadTemplate dist_template =
    GST_STATIC_PAD_TEMPLATE ("dist_sink", GST_PAD_SINK, GST_PAD_ALWAYS,
        GST_STATIC_CAPS (GST_SYMPIE_CAPS));

static GstStaticPadTemplate more_template =
    GST_STATIC_PAD_TEMPLATE ("dist_sink_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (GST_SYMPIE_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_SYMPIE_CAPS));

#define gst_sympie_pairs_parent_class parent_class
G_DEFINE_ABSTRACT_TYPE (GstSympiePairs, gst_sympie_pairs, GST_TYPE_AGGREGATOR);

/* ---- Pads -------------------------------------------------------------- */

G_DEFINE_TYPE (
    GstSympiePairsPad, gst_sympie_pairs_pad, GST_TYPE_AGGREGATOR_PAD);

static void
gst_sympie_pairs_pad_finalize (GObject *object)
{
  gst_sympie_tally_clear (&GST_SYMPIE_PAIRS_PAD (object)->tally);
  G_OBJECT_CLASS (gst_sympie_pairs_pad_parent_class)->finalize (object);
}

static void
gst_sympie_pairs_pad_class_init (GstSympiePairsPadClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = gst_sympie_pairs_pad_finalize;
}

static void
gst_sympie_pairs_pad_init (GstSympiePairsPad *pad)
{
  gst_sympie_tally_init (&pad->tally);
}

static gboolean
gst_sympie_pairs_is_main (GstSympiePairs *self, GstAggregatorPad *pad)
{
  return GST_AGGREGATOR_PAD (self->dist) == pad;
}

/* ---- Pairs ------------------------------------------------------------- */

/* Takes a frame off its queue and, if it is dist_sink's, hands it on. */
static GstFlowReturn
gst_sympie_pairs_pass (GstSympiePairs *self, const GstSympiePairsFrame *frame)
{
  GstAggregatorPad *pad = GST_AGGREGATOR_PAD (frame->pad);
  GstBuffer *buffer = gst_aggregator_pad_pop_buffer (pad);

  if (!buffer) /* flushed meanwhile */
    return GST_FLOW_OK;
  if (gst_sympie_pairs_is_main (self, pad))
    return gst_aggregator_finish_buffer (GST_AGGREGATOR (self), buffer);
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

static gboolean
is_before (const GstSympiePairsFrame *a, const GstSympiePairsFrame *b)
{
  return a->buffer
         && (!b->buffer
             || a->running_time + PAIRING_TOLERANCE < b->running_time);
}

/* What is at the heads of `n` queues, the reference's first; where a stream has
 * ended, its buffer is NULL. A distorted frame that comes before the
 * reference's has no partner; else it is the turn of the reference's, with all
 * those that belong to it. */
static GstFlowReturn
gst_sympie_pairs_take (
    GstSympiePairs *self, const GstSympiePairsFrame *frames, guint n)
{
  GstSympiePairsClass *klass = GST_SYMPIE_PAIRS_GET_CLASS (self);
  GstSympiePairsFrame *partners = g_newa (GstSympiePairsFrame, n);
  GstFlowReturn ret = GST_FLOW_OK;
  guint n_partners = 0;

  for (guint i = 1; i < n; i++)
    if (is_before (&frames[i], &frames[0])) {
      ret = klass->unmatched (self, frames[i].pad, &frames[i]);
      return ret == GST_FLOW_OK ? gst_sympie_pairs_pass (self, &frames[i])
                                : ret;
    }

  for (guint i = 1; ret == GST_FLOW_OK && i < n; i++) {
    if (is_before (&frames[0], &frames[i]))
      ret = klass->unmatched (self, frames[i].pad, &frames[0]);
    else
      partners[n_partners++] = frames[i];
  }
  if (ret == GST_FLOW_OK && n_partners > 0)
    ret = klass->pair (self, &frames[0], partners, n_partners);
  if (ret == GST_FLOW_OK)
    ret = gst_sympie_pairs_pass (self, &frames[0]);
  for (guint i = 0; ret == GST_FLOW_OK && i < n_partners; i++)
    ret = gst_sympie_pairs_pass (self, &partners[i]);
  return ret;
}

static gboolean
stands_for_gap (const GstSympiePairsFrame *frame)
{
  return frame->buffer && gst_buffer_get_size (frame->buffer) == 0
         && GST_BUFFER_FLAG_IS_SET (frame->buffer, GST_BUFFER_FLAG_GAP);
}

/* Fills in the times of the frame that has just come to the head of its queue.
 * Whoever returns another value than GST_FLOW_OK has posted why. */
static GstFlowReturn
gst_sympie_pairs_check (GstSympiePairs *self, GstSympiePairsFrame *frame)
{
  const GstSegment *segment = &GST_AGGREGATOR_PAD (frame->pad)->segment;

  if (frame->pad->is_refused)
    return GST_FLOW_NOT_NEGOTIATED;

  GST_OBJECT_LOCK (frame->pad);
  frame->running_time = gst_segment_to_running_time (
      segment, GST_FORMAT_TIME, GST_BUFFER_PTS (frame->buffer));
  frame->stream_time = gst_segment_to_stream_time (
      segment, GST_FORMAT_TIME, GST_BUFFER_PTS (frame->buffer));
  GST_OBJECT_UNLOCK (frame->pad);

  if (!GST_CLOCK_TIME_IS_VALID (frame->running_time)) {
    GST_ELEMENT_ERROR (self, STREAM, FAILED,
        ("A frame of %s has no running time to pair it by",
            GST_PAD_NAME (frame->pad)),
        ("%" GST_PTR_FORMAT, frame->buffer));
    return GST_FLOW_ERROR;
  }
  if (!frame->pad->has_caps) {
    GST_ELEMENT_ERROR (self, CORE, NEGOTIATION,
        ("Frames came to %s before their caps", GST_PAD_NAME (frame->pad)),
        (NULL));
    return GST_FLOW_NOT_NEGOTIATED;
  }
  return GST_FLOW_OK;
}

/* Looks at the head of a queue. GST_FLOW_EOS: the stream has ended. */
static GstFlowReturn
gst_sympie_pairs_peek (GstSympiePairs *self, GstSympiePairsFrame *frame)
{
  GstAggregatorPad *pad = GST_AGGREGATOR_PAD (frame->pad);

  frame->buffer = gst_aggregator_pad_peek_buffer (pad);
  while (stands_for_gap (frame)) {
    gst_buffer_unref (frame->buffer);
    gst_aggregator_pad_drop_buffer (pad);
    frame->buffer = gst_aggregator_pad_peek_buffer (pad);
  }
  if (frame->buffer)
    return gst_sympie_pairs_check (self, frame);
  return gst_aggregator_pad_is_eos (pad) ? GST_FLOW_EOS
                                         : GST_AGGREGATOR_FLOW_NEED_DATA;
}

/* The base class calls this when each pad has a buffer or has ended. */
static GstFlowReturn
gst_sympie_pairs_aggregate (GstAggregator *agg, gboolean timeout)
{
  GstSympiePairs *self = GST_SYMPIE_PAIRS (agg);
  GstSympiePairsFrame *frames;
  gboolean ended = TRUE;
  GstFlowReturn ret = GST_FLOW_OK;
  guint n = 0;

  GST_OBJECT_LOCK (self);
  frames = g_new0 (GstSympiePairsFrame, GST_ELEMENT (self)->numsinkpads);
  for (GList *l = GST_ELEMENT (self)->sinkpads; l; l = l->next)
    frames[n++].pad = gst_object_ref (l->data);
  GST_OBJECT_UNLOCK (self);

  for (guint i = 0; i < n; i++) {
    GstFlowReturn found = gst_sympie_pairs_peek (self, &frames[i]);

    ended = ended && found == GST_FLOW_EOS;
    if (ret == GST_FLOW_OK && found != GST_FLOW_EOS)
      ret = found;
  }
  if (ret == GST_FLOW_OK)
    ret = ended ? GST_SYMPIE_PAIRS_GET_CLASS (self)->finish (self)
                : gst_sympie_pairs_take (self, frames, n);
  for (guint i = 0; i < n; i++) {
    gst_clear_buffer (&frames[i].buffer);
    gst_object_unref (frames[i].pad);
  }
  g_free (frames);
  return ret;
}

/* ---- Pads that nothing is linked to ------------------------------------ */

/* Their names, to be freed, or NULL. */
static gchar *
gst_sympie_pairs_find_unlinked (GstSympiePairs *self)
{
  GString *names = g_string_new (NULL);

  GST_OBJECT_LOCK (self);
  for (GList *l = GST_ELEMENT (self)->sinkpads; l; l = l->next)
    if (!gst_pad_is_linked (l->data))
      g_string_append_printf (
          names, "%s%s", names->len > 0 ? " and " : "", GST_PAD_NAME (l->data));
  GST_OBJECT_UNLOCK (self);
  return g_string_free (names, names->len == 0);
}

static gboolean
gst_sympie_pairs_warn_of_unlinked (
    GstClock *clock, GstClockTime time, GstClockID id, gpointer weak)
{
  GstSympiePairs *self = g_weak_ref_get (weak);
  gchar *names = self ? gst_sympie_pairs_find_unlinked (self) : NULL;

  if (names)
    GST_ELEMENT_WARNING (self, CORE, PAD,
        ("All streams wait for %s, which nothing is linked to", names), (NULL));
  g_free (names);
  g_clear_object (&self);
  return TRUE;
}

static void
free_weak_ref (gpointer weak)
{
  g_weak_ref_clear (weak);
  g_free (weak);
}

static void
gst_sympie_pairs_watch_unlinked (GstSympiePairs *self)
{
  gchar *names = self->watch ? NULL : gst_sympie_pairs_find_unlinked (self);
  GstClock *clock;
  GWeakRef *weak;

  if (!names)
    return;
  g_free (names);
  weak = g_new0 (GWeakRef, 1);
  g_weak_ref_init (weak, self);
  clock = gst_system_clock_obtain ();
  self->watch = gst_clock_new_single_shot_id (
      clock, gst_clock_get_time (clock) + PATIENCE);
  gst_clock_id_wait_async (
      self->watch, gst_sympie_pairs_warn_of_unlinked, weak, free_weak_ref);
  gst_object_unref (clock);
}

static void
gst_sympie_pairs_end_watch (GstSympiePairs *self)
{
  if (self->watch)
    gst_clock_id_unschedule (self->watch);
  g_clear_pointer (&self->watch, gst_clock_id_unref);
}

/* ---- Life -------------------------------------------------------------- */

static gboolean
gst_sympie_pairs_stop (GstAggregator *agg)
{
  GstSympiePairs *self = GST_SYMPIE_PAIRS (agg);

  gst_sympie_pairs_end_watch (self);
  gst_sympie_negotiation_forget (&self->negotiation);
  GST_OBJECT_LOCK (agg);
  for (GList *l = GST_ELEMENT (agg)->sinkpads; l; l = l->next) {
    GST_SYMPIE_PAIRS_PAD (l->data)->is_refused = FALSE;
    GST_SYMPIE_PAIRS_PAD (l->data)->has_caps = FALSE;
  }
  GST_OBJECT_UNLOCK (agg);
  return TRUE;
}

static void
gst_sympie_pairs_finalize (GObject *object)
{
  /* Caps may have been refused without a start. */
  gst_sympie_negotiation_forget (&GST_SYMPIE_PAIRS (object)->negotiation);
  G_OBJECT_CLASS (gst_sympie_pairs_parent_class)->finalize (object);
}

/* ---- Events and queries ------------------------------------------------ */

static gboolean
gst_sympie_pairs_set_caps (
    GstSympiePairs *self, GstSympiePairsPad *pad, GstCaps *caps)
{
  gchar *reason = NULL;

  if (!gst_sympie_format_from_caps (&pad->format, caps, &reason)) {
    pad->is_refused = TRUE;
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Cannot compare %s at %s", reason, GST_PAD_NAME (pad)),
        ("caps: %" GST_PTR_FORMAT, caps));
    g_free (reason);
    return FALSE;
  }
  pad->has_caps = TRUE;
  if (gst_sympie_pairs_is_main (self, GST_AGGREGATOR_PAD (pad)))
    gst_aggregator_set_src_caps (GST_AGGREGATOR (self), caps);
  return TRUE;
}

static gboolean
gst_sympie_pairs_sink_event (
    GstAggregator *agg, GstAggregatorPad *pad, GstEvent *event)
{
  GstSympiePairs *self = GST_SYMPIE_PAIRS (agg);
  gboolean is_main = gst_sympie_pairs_is_main (self, pad);
  const GstSegment *segment;
  GstCaps *caps;
  gboolean ok;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_STREAM_START:
    gst_sympie_pairs_watch_unlinked (self);
    break;
  case GST_EVENT_CAPS:
    gst_event_parse_caps (event, &caps);
    ok = gst_sympie_pairs_set_caps (self, GST_SYMPIE_PAIRS_PAD (pad), caps);
    gst_event_unref (event);
    return ok;
  case GST_EVENT_SEGMENT:
    gst_event_parse_segment (event, &segment);
    if (segment->format != GST_FORMAT_TIME) {
      GST_SYMPIE_PAIRS_PAD (pad)->is_refused = TRUE;
      GST_ELEMENT_ERROR (self, STREAM, FORMAT,
          ("The segment of %s is in %s, not in time", GST_PAD_NAME (pad),
              gst_format_get_name (segment->format)),
          (NULL));
      gst_event_unref (event);
      return FALSE;
    }
    if (is_main)
      gst_aggregator_update_segment (agg, segment);
    break;
  case GST_EVENT_TAG:
    /* What is said of the others is not true of what is handed on. */
    if (!is_main) {
      gst_event_unref (event);
      return TRUE;
    }
    break;
  default:
    break;
  }
  return GST_AGGREGATOR_CLASS (parent_class)->sink_event (agg, pad, event);
}

/* Who is told that frames come late drops some, each source its own, and they
 * would have no partners. */
static gboolean
gst_sympie_pairs_src_event (GstAggregator *agg, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS) {
    gst_event_unref (event);
    return TRUE;
  }
  return GST_AGGREGATOR_CLASS (parent_class)->src_event (agg, event);
}

/* What dist_sink can be depends on what comes after; the others end here. Caps
 * that come without having been asked for are let in, so that the error can say
 * what is wrong with them. */
static GstCaps *
gst_sympie_pairs_possible_caps (
    GstSympiePairs *self, GstAggregatorPad *pad, GstCaps *filter)
{
  GstCaps *caps = filter && !gst_caps_is_any (filter)
                      ? gst_caps_ref (filter)
                      : gst_pad_get_pad_template_caps (GST_PAD (pad));
  GstCaps *possible =
      gst_sympie_negotiation_restrict (&self->negotiation, caps, caps);

  gst_caps_unref (caps);
  if (filter && !gst_caps_is_empty (filter) && gst_caps_is_empty (possible))
    gst_sympie_negotiation_explain_empty (&self->negotiation, filter);
  if (gst_sympie_pairs_is_main (self, pad)) {
    GstCaps *peer =
        gst_pad_peer_query_caps (GST_AGGREGATOR (self)->srcpad, possible);

    gst_caps_unref (possible);
    return peer;
  }
  return possible;
}

/* Frames of dist_sink go on as they are: what they may look like, and which
 * pool they had best come from, is for the next element to say. The others are
 * only looked at, and so may have any layout. */
static gboolean
gst_sympie_pairs_answer_allocation (
    GstAggregator *agg, GstAggregatorPad *pad, GstQuery *query)
{
  if (gst_sympie_pairs_is_main (GST_SYMPIE_PAIRS (agg), pad))
    gst_pad_peer_query (agg->srcpad, query);
  else
    gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return gst_query_get_n_allocation_pools (query) > 0
         || gst_sympie_layout_offer_pool (query, 0);
}

static gboolean
gst_sympie_pairs_sink_query (
    GstAggregator *agg, GstAggregatorPad *pad, GstQuery *query)
{
  GstCaps *filter, *caps;

  switch (GST_QUERY_TYPE (query)) {
  case GST_QUERY_CAPS:
    gst_query_parse_caps (query, &filter);
    caps = gst_sympie_pairs_possible_caps (GST_SYMPIE_PAIRS (agg), pad, filter);
    gst_query_set_caps_result (query, caps);
    gst_caps_unref (caps);
    return TRUE;
  case GST_QUERY_ALLOCATION:
    return gst_sympie_pairs_answer_allocation (agg, pad, query);
  default:
    return GST_AGGREGATOR_CLASS (parent_class)->sink_query (agg, pad, query);
  }
}

/* The caps of the source pad are those of dist_sink, whenever they come: there
 * is nothing to choose. */
static gboolean
gst_sympie_pairs_negotiate (GstAggregator *agg)
{
  return TRUE;
}

/* Drops what lies beside the segment. */
static GstBuffer *
gst_sympie_pairs_clip (
    GstAggregator *agg, GstAggregatorPad *pad, GstBuffer *buffer)
{
  guint64 start = GST_BUFFER_PTS (buffer), stop = start;

  if (GST_SYMPIE_PAIRS_PAD (pad)->is_refused
      || !GST_CLOCK_TIME_IS_VALID (start))
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

static GstPad *
new_pad (const gchar *name, GstPadTemplate *template)
{
  GstPad *pad = g_object_new (GST_TYPE_SYMPIE_PAIRS_PAD, "name", name,
      "direction", GST_PAD_SINK, "template", template, NULL);

  GST_PAD_SET_ACCEPT_TEMPLATE (pad);
  return pad;
}

/* Named as asked for, else by the first number that is free. */
static GstAggregatorPad *
gst_sympie_pairs_create_new_pad (GstAggregator *agg, GstPadTemplate *template,
    const gchar *wanted, const GstCaps *caps)
{
  gchar *name = g_strdup (wanted);
  GstPad *pad, *taken;

  for (guint i = 0; !name || strchr (name, '%'); i++) {
    g_free (name);
    name = g_strdup_printf ("dist_sink_%u", i);
    taken = gst_element_get_static_pad (GST_ELEMENT (agg), name);
    if (taken) {
      g_clear_pointer (&name, g_free);
      gst_object_unref (taken);
    }
  }
  pad = new_pad (name, template);
  g_free (name);
  return GST_AGGREGATOR_PAD (pad);
}

static void
gst_sympie_pairs_class_init (GstSympiePairsClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstAggregatorClass *agg_class = GST_AGGREGATOR_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      gst_sympie_pairs_debug, "sympiepairs", 0, "Pairs of frames");

  gst_element_class_add_static_pad_template_with_gtype (
      element_class, &ref_template, GST_TYPE_SYMPIE_PAIRS_PAD);
  gst_element_class_add_static_pad_template_with_gtype (
      element_class, &dist_template, GST_TYPE_SYMPIE_PAIRS_PAD);
  gst_element_class_add_static_pad_template_with_gtype (
      element_class, &more_template, GST_TYPE_SYMPIE_PAIRS_PAD);
  gst_element_class_add_static_pad_template_with_gtype (
      element_class, &src_template, GST_TYPE_AGGREGATOR_PAD);

  G_OBJECT_CLASS (klass)->finalize = gst_sympie_pairs_finalize;
  agg_class->stop = GST_DEBUG_FUNCPTR (gst_sympie_pairs_stop);
  agg_class->create_new_pad =
      GST_DEBUG_FUNCPTR (gst_sympie_pairs_create_new_pad);
  agg_class->clip = GST_DEBUG_FUNCPTR (gst_sympie_pairs_clip);
  agg_class->aggregate = GST_DEBUG_FUNCPTR (gst_sympie_pairs_aggregate);
  agg_class->sink_event = GST_DEBUG_FUNCPTR (gst_sympie_pairs_sink_event);
  agg_class->src_event = GST_DEBUG_FUNCPTR (gst_sympie_pairs_src_event);
  agg_class->sink_query = GST_DEBUG_FUNCPTR (gst_sympie_pairs_sink_query);
  agg_class->negotiate = GST_DEBUG_FUNCPTR (gst_sympie_pairs_negotiate);
}

static GstSympiePairsPad *
gst_sympie_pairs_add_pad (GstSympiePairs *self, const gchar *name)
{
  GstPadTemplate *template =
      gst_element_class_get_pad_template (GST_ELEMENT_GET_CLASS (self), name);
  GstPad *pad = new_pad (name, template);

  gst_element_add_pad (GST_ELEMENT (self), pad);
  return GST_SYMPIE_PAIRS_PAD (pad);
}

static void
gst_sympie_pairs_init (GstSympiePairs *self)
{
  self->negotiation.element = GST_ELEMENT (self);
  self->negotiation.verb = "compare";
  self->negotiation.formats = &formats;
  /* The first of the sink pads, now and for ever. */
  self->ref = gst_sympie_pairs_add_pad (self, "ref_sink");
  self->dist = gst_sympie_pairs_add_pad (self, "dist_sink");
}
