/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympiefilter.h"

#include "arrival.h"
#include "layout.h"
#include "properties.h"

GST_DEBUG_CATEGORY_STATIC (gst_sympie_filter_debug);
#define GST_CAT_DEFAULT gst_sympie_filter_debug

#define gst_sympie_filter_parent_class parent_class
G_DEFINE_ABSTRACT_TYPE (
    GstSympieFilter, gst_sympie_filter, GST_TYPE_BASE_TRANSFORM);

/* ---- Settings ------------------------------------------------------------ */

static gboolean
gst_sympie_filter_is_on (GstSympieFilter *self)
{
  gboolean on;

  GST_OBJECT_LOCK (self);
  on = GST_SYMPIE_FILTER_GET_CLASS (self)->is_on (self);
  GST_OBJECT_UNLOCK (self);
  return on;
}

/* What is on takes other caps than what is off. */
static void
gst_sympie_filter_settings_changed (GstSympieFilter *self)
{
  gboolean is_news;

  GST_OBJECT_LOCK (self);
  is_news = GST_SYMPIE_FILTER_GET_CLASS (self)->is_on (self) != self->told_on;
  if (is_news)
    self->told_on = !self->told_on;
  is_news = is_news && self->running;
  GST_OBJECT_UNLOCK (self);
  if (is_news)
    gst_base_transform_reconfigure_sink (GST_BASE_TRANSFORM (self));
}

static void
gst_sympie_filter_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  gst_sympie_field_set (object, id, value, pspec);
  gst_sympie_filter_settings_changed (GST_SYMPIE_FILTER (object));
}

GstClockTime
gst_sympie_filter_get_frame_duration (GstSympieFilter *self)
{
  const GstVideoInfo *info = &self->format.info;

  if (GST_VIDEO_INFO_FPS_N (info) <= 0 || GST_VIDEO_INFO_FPS_D (info) <= 0)
    return GST_CLOCK_TIME_NONE;
  return gst_util_uint64_scale_int (
      GST_SECOND, GST_VIDEO_INFO_FPS_D (info), GST_VIDEO_INFO_FPS_N (info));
}

/* ---- Life cycle ---------------------------------------------------------- */

static void
gst_sympie_filter_end_scene (GstSympieFilter *self)
{
  GstSympieFilterClass *klass = GST_SYMPIE_FILTER_GET_CLASS (self);

  if (klass->end_scene)
    klass->end_scene (self);
}

static gboolean
gst_sympie_filter_stop (GstBaseTransform *trans)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);

  GST_SYMPIE_FILTER_GET_CLASS (self)->close (self);
  gst_sympie_cuda_close (&self->cuda, GST_ELEMENT (self));
  gst_sympie_filter_end_scene (self);
  g_clear_pointer (&self->refusal, g_free);
  self->is_stuck = self->in_cuda = self->upstream_may_pad = FALSE;

  gst_sympie_negotiation_forget (&self->negotiation);
  gst_sympie_negotiation_set_formats (
      &self->negotiation, GST_SYMPIE_FILTER_GET_CLASS (self)->formats, NULL);

  GST_OBJECT_LOCK (self);
  self->running = FALSE;
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

/* What is off opens nothing. */
static gboolean
gst_sympie_filter_start (GstBaseTransform *trans)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);
  GstSympieFilterClass *klass = GST_SYMPIE_FILTER_GET_CLASS (self);
  gboolean on;

  GST_OBJECT_LOCK (self);
  self->running = TRUE;
  klass->begin_frame (self, GST_CLOCK_TIME_NONE);
  on = self->told_on = klass->is_on (self);
  GST_OBJECT_UNLOCK (self);

  gst_base_transform_set_passthrough (trans, !on);
  if (!on || klass->ensure_open (self))
    return TRUE;
  gst_sympie_filter_stop (trans);
  return FALSE;
}

/* ---- Caps ---------------------------------------------------------------- */

void
gst_sympie_filter_limit (
    GstSympieFilter *self, GstStaticCaps *formats, const gchar *why_no_cuda)
{
  GstCaps *caps = gst_pad_get_current_caps (GST_BASE_TRANSFORM_SINK_PAD (self));

  gst_sympie_negotiation_set_formats (&self->negotiation, formats, why_no_cuda);
  if (caps) {
    g_free (self->refusal);
    self->refusal = gst_sympie_negotiation_find_refusal (
        &self->negotiation, caps, &self->format);
    gst_caps_unref (caps);
  }
}

static GstCaps *
gst_sympie_filter_transform_caps (GstBaseTransform *trans,
    GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);
  GstCaps *possible, *filtered;

  if (!gst_sympie_filter_is_on (self)) {
    possible = gst_caps_ref (caps);
  } else if (gst_caps_is_fixed (caps)) {
    GstSympieFormat format;
    gchar *refusal =
        gst_sympie_negotiation_find_refusal (&self->negotiation, caps, &format);

    possible = refusal ? gst_caps_new_empty () : gst_caps_ref (caps);
    g_free (refusal);
  } else {
    possible = gst_sympie_negotiation_restrict (
        &self->negotiation, caps, direction == GST_PAD_SINK ? caps : filter);
  }
  if (!filter)
    return possible;
  filtered =
      gst_caps_intersect_full (filter, possible, GST_CAPS_INTERSECT_FIRST);
  gst_caps_unref (possible);
  return filtered;
}

/* The query for caps says what works. Caps that come all the same are let in,
 * so that the error can say what is wrong with them. */
static gboolean
gst_sympie_filter_accept_caps (
    GstBaseTransform *trans, GstPadDirection direction, GstCaps *caps)
{
  GstPad *pad = direction == GST_PAD_SINK ? GST_BASE_TRANSFORM_SINK_PAD (trans)
                                          : GST_BASE_TRANSFORM_SRC_PAD (trans);
  GstCaps *template = gst_pad_get_pad_template_caps (pad);
  gboolean accepted = gst_caps_can_intersect (caps, template);

  gst_caps_unref (template);
  return accepted;
}

static gboolean
gst_sympie_filter_query (
    GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);
  GstCaps *filter, *caps;

  if (GST_QUERY_TYPE (query) == GST_QUERY_CONTEXT
      && gst_sympie_cuda_query (&self->cuda, GST_ELEMENT (self), query))
    return TRUE;
  if (!GST_BASE_TRANSFORM_CLASS (parent_class)->query (trans, direction, query))
    return FALSE;
  if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS && direction == GST_PAD_SINK
      && GST_PAD_IS_ACTIVE (GST_BASE_TRANSFORM_SINK_PAD (trans))) {
    gst_query_parse_caps (query, &filter);
    gst_query_parse_caps_result (query, &caps);
    if (filter && !gst_caps_is_any (filter) && !gst_caps_is_empty (filter)
        && gst_caps_is_empty (caps) && gst_sympie_filter_is_on (self))
      gst_sympie_negotiation_explain_empty (&self->negotiation, filter);
  }
  return TRUE;
}

static gboolean
gst_sympie_filter_set_caps (
    GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);

  gst_sympie_filter_end_scene (self);
  self->in_cuda = gst_sympie_negotiation_count_cuda (incaps) > 0;
  g_free (self->refusal);
  self->refusal = gst_sympie_negotiation_find_refusal (
      &self->negotiation, incaps, &self->format);
  GST_INFO_OBJECT (self, "%s: %" GST_PTR_FORMAT,
      self->refusal ? self->refusal : "video that can be worked on", incaps);
  self->is_stuck = FALSE;
  gst_sympie_negotiation_forget (&self->negotiation);
  return TRUE;
}

static gboolean
gst_sympie_filter_sink_event (GstBaseTransform *trans, GstEvent *event)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);
  GstCaps *caps = NULL;
  gboolean handled;

  switch (GST_EVENT_TYPE (event)) {
  case GST_EVENT_FLUSH_STOP:
  case GST_EVENT_STREAM_START:
    gst_sympie_filter_end_scene (self);
    break;
  case GST_EVENT_CAPS:
    gst_event_parse_caps (event, &caps);
    gst_caps_ref (caps);
    break;
  default:
    break;
  }
  handled = GST_BASE_TRANSFORM_CLASS (parent_class)->sink_event (trans, event);
  if (caps && !handled)
    gst_sympie_negotiation_explain_failure (&self->negotiation, caps,
        GST_BASE_TRANSFORM_SRC_PAD (trans), gst_sympie_filter_is_on (self));
  gst_clear_caps (&caps);
  return handled;
}

/* ---- Buffers ------------------------------------------------------------- */

static gboolean
gst_sympie_filter_get_unit_size (
    GstBaseTransform *trans, GstCaps *caps, gsize *size)
{
  GstVideoInfo info;

  if (!gst_video_info_from_caps (&info, caps))
    return FALSE;
  *size = GST_VIDEO_INFO_SIZE (&info);
  return TRUE;
}

static gboolean
gst_sympie_filter_propose_allocation (
    GstBaseTransform *trans, GstQuery *decide_query, GstQuery *query)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);

  /* Without a query of ours buffers pass, and those after us decide. */
  self->upstream_may_pad = decide_query != NULL;
  if (decide_query && self->in_cuda)
    return gst_sympie_cuda_propose_allocation (&self->cuda, query);
  if (!GST_BASE_TRANSFORM_CLASS (parent_class)
           ->propose_allocation (trans, decide_query, query))
    return FALSE;
  if (!decide_query)
    return TRUE;
  gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  return gst_sympie_layout_offer_pool (query, self->n_held);
}

/* Whoever draws over frames may leave that to those after us, if they do it. */
static gboolean
gst_sympie_filter_filter_meta (GstBaseTransform *trans, GstQuery *query,
    GType api, const GstStructure *params)
{
  return api == GST_VIDEO_OVERLAY_COMPOSITION_META_API_TYPE;
}

static gboolean
gst_sympie_filter_decide_allocation (GstBaseTransform *trans, GstQuery *query)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);

  self->downstream_reads_meta =
      gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  GST_DEBUG_OBJECT (self, "downstream %s",
      self->downstream_reads_meta ? "reads GstVideoMeta"
                                  : "takes the layout of the caps only");
  if (!self->in_cuda)
    gst_sympie_layout_choose_pool (
        query, &self->format.info, self->downstream_reads_meta);
  else if (!gst_sympie_cuda_decide_allocation (&self->cuda, query))
    return FALSE;
  return GST_BASE_TRANSFORM_CLASS (parent_class)
      ->decide_allocation (trans, query);
}

/* Whether downstream understands how the buffer is laid out. While buffers
 * pass, upstream knows that from downstream itself, but for the first ones. */
static gboolean
gst_sympie_filter_may_leave (GstSympieFilter *self, GstBuffer *buffer)
{
  return self->downstream_reads_meta || self->in_cuda
         || (!self->upstream_may_pad
             && gst_base_transform_is_passthrough (GST_BASE_TRANSFORM (self)))
         || gst_sympie_layout_is_plain (buffer, &self->format.info);
}

/* A frame that passes untouched: the buffer, or a copy laid out as its caps
 * say.
 */
static GstFlowReturn
gst_sympie_filter_pass (
    GstSympieFilter *self, GstBuffer *inbuf, GstBuffer **outbuf)
{
  GstBaseTransform *trans = GST_BASE_TRANSFORM (self);

  *outbuf = inbuf;
  if (gst_sympie_filter_may_leave (self, inbuf))
    return GST_FLOW_OK;
  *outbuf = gst_sympie_layout_copy_plain (inbuf, &self->format.info);
  if (!*outbuf) {
    GST_ELEMENT_ERROR (self, RESOURCE, FAILED, ("Cannot copy a frame"), (NULL));
    return GST_FLOW_ERROR;
  }
  GST_BASE_TRANSFORM_GET_CLASS (trans)->copy_metadata (trans, inbuf, *outbuf);
  if (GST_BUFFER_FLAG_IS_SET (inbuf, GST_BUFFER_FLAG_GAP))
    GST_BUFFER_FLAG_SET (*outbuf, GST_BUFFER_FLAG_GAP);
  return GST_FLOW_OK;
}

static gboolean
gst_sympie_filter_transform_meta (
    GstBaseTransform *trans, GstBuffer *outbuf, GstMeta *meta, GstBuffer *inbuf)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);

  /* The new buffer holds the part alone. */
  if (meta->info->api == GST_VIDEO_CROP_META_API_TYPE
      && gst_sympie_is_cropped (inbuf, &self->format.info))
    return FALSE;
  return gst_sympie_meta_stays_true (meta)
         || GST_BASE_TRANSFORM_CLASS (parent_class)
                ->transform_meta (trans, outbuf, meta, inbuf);
}

/* ---- Frames -------------------------------------------------------------- */

/* Decides what becomes of the frame. Only here does passthrough change, so that
 * no frame sees both. */
static void
gst_sympie_filter_before_transform (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);
  GstSympieFilterClass *klass = GST_SYMPIE_FILTER_GET_CLASS (self);
  GstClockTime stream_time = gst_sympie_arrival_stream_time (trans, buffer);
  gboolean passthrough;

  if (GST_CLOCK_TIME_IS_VALID (stream_time))
    gst_object_sync_values (GST_OBJECT (self), stream_time);
  GST_OBJECT_LOCK (self);
  klass->begin_frame (self, stream_time);
  passthrough = !klass->is_on (self);
  GST_OBJECT_UNLOCK (self);

  self->verdict =
      passthrough || klass->ensure_open (self) ? GST_FLOW_OK : GST_FLOW_ERROR;
  /* The settings say on and the caps no. Until other caps come, frames pass,
   * or none does. */
  if (!passthrough && self->refusal) {
    self->is_stuck |= gst_sympie_negotiation_is_stuck (
        &self->negotiation, GST_BASE_TRANSFORM_SINK_PAD (trans), self->refusal);
    if (self->is_stuck)
      self->verdict = GST_FLOW_NOT_NEGOTIATED;
    passthrough = TRUE;
  }
  if (passthrough != gst_base_transform_is_passthrough (trans)) {
    GST_INFO_OBJECT (self, "frames %s from %" GST_TIME_FORMAT " on",
        passthrough ? "pass untouched" : "are worked on",
        GST_TIME_ARGS (stream_time));
    gst_sympie_filter_end_scene (self);
    gst_base_transform_set_passthrough (trans, passthrough);
    /* Who allocates what is another question then. */
    gst_base_transform_reconfigure_src (trans);
    gst_base_transform_reconfigure_sink (trans);
  }
}

static gboolean
gst_sympie_filter_map (GstSympieFilter *self, GstSympieMapped *mapped,
    GstBuffer *buffer, GstMapFlags flags)
{
  gboolean done = self->in_cuda ? gst_sympie_cuda_map (&self->cuda,
                      &mapped->frame, &self->format.info, buffer, flags)
                                : gst_video_frame_map (&mapped->frame,
                                    &self->format.info, buffer, flags);

  if (!done) {
    GST_ELEMENT_ERROR (self, RESOURCE, FAILED,
        ("Cannot map a buffer in %s memory " GST_SYMPIE_MISFIT_FORMAT,
            self->in_cuda ? "CUDA" : "system",
            GST_SYMPIE_MISFIT_ARGS (buffer, &self->format.info)),
        ("%" GST_PTR_FORMAT, buffer));
    return FALSE;
  }
  gst_sympie_mapped_find_views (mapped, &self->format);
  for (guint i = 0; i < mapped->n && self->in_cuda; i++)
    mapped->views[i].image.memory = mapped->views[i].target.memory =
        SYMPIE_MEMORY_CUDA;
  if (mapped->n > 0)
    return TRUE;
  GST_ELEMENT_ERROR (self, STREAM, FORMAT,
      ("Cannot %s %s", GST_SYMPIE_FILTER_GET_CLASS (self)->verb,
          gst_sympie_mapped_get_fault (mapped, &self->format)),
      ("%" GST_PTR_FORMAT, buffer));
  gst_video_frame_unmap (&mapped->frame);
  return FALSE;
}

gboolean
gst_sympie_filter_hold_frame (GstSympieFilter *self, GstSympieMapped *held)
{
  return gst_sympie_filter_map (self, held, self->buffer, GST_MAP_READ);
}

/* Has the subclass look at a frame (`out` NULL) or change it. */
static gboolean
gst_sympie_filter_work (GstSympieFilter *self, const GstSympieMapped *in,
    const GstSympieMapped *out)
{
  GstSympieFilterClass *klass = GST_SYMPIE_FILTER_GET_CLASS (self);
  SympieError error = { 0 };
  gboolean done;

  if (out && out->n != in->n) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Cannot %s fields to a progressive frame, or back", klass->verb),
        ("%u images to %u", in->n, out->n));
    return FALSE;
  }
  if (!gst_sympie_cuda_enter (&self->cuda)) {
    GST_ELEMENT_ERROR (self, RESOURCE, FAILED,
        ("Cannot use the CUDA context of the stream"), (NULL));
    return FALSE;
  }
  done = out ? klass->apply (self, in->views, out->views, in->n, &error)
             : klass->prepare (self, in->views, in->n, &self->changes, &error);
  if (done && out && self->in_cuda
      && !gst_sympie_cuda_finish (
          &self->cuda, in->frame.buffer, out->frame.buffer)) {
    g_strlcpy (
        error.message, "the GPU did not finish it", sizeof error.message);
    done = FALSE;
  }
  gst_sympie_cuda_leave (&self->cuda);
  if (!done)
    GST_ELEMENT_ERROR (self, STREAM, FAILED,
        ("Cannot %s a frame: %s", klass->verb, error.message), (NULL));
  return done;
}

static gboolean
gst_sympie_filter_prepare (GstSympieFilter *self, GstBuffer *buffer)
{
  GstSympieMapped mapped;
  gboolean prepared;

  self->changes = TRUE;
  if (!GST_SYMPIE_FILTER_GET_CLASS (self)->prepare)
    return TRUE;
  if (!gst_sympie_filter_map (self, &mapped, buffer, GST_MAP_READ))
    return FALSE;
  self->buffer = buffer;
  prepared = gst_sympie_filter_work (self, &mapped, NULL);
  self->buffer = NULL;
  gst_video_frame_unmap (&mapped.frame);
  return prepared;
}

/* Marks the buffer of a frame that passes untouched: another of the same memory
 * where somebody else has this one too. */
static GstBuffer *
gst_sympie_filter_mark_untouched (
    GstSympieFilter *self, GstBuffer *inbuf, GstBuffer *buffer)
{
  if (!self->marks)
    return buffer;
  if (!gst_buffer_is_writable (buffer))
    buffer = buffer == inbuf ? gst_buffer_copy (buffer)
                             : gst_buffer_make_writable (buffer);
  GST_SYMPIE_FILTER_GET_CLASS (self)->mark (self, buffer);
  return buffer;
}

/* Decoders keep references to most of their frames, so the base class's choice
 * for good, in place or not, would copy either those or all the others. In CUDA
 * memory never in place: the device would copy the frame first, and the decoder
 * lacks each buffer that others hold on to. */
static GstFlowReturn
gst_sympie_filter_prepare_output_buffer (
    GstBaseTransform *trans, GstBuffer *inbuf, GstBuffer **outbuf)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);

  *outbuf = NULL;
  if (self->verdict != GST_FLOW_OK)
    return self->verdict;
  if (gst_base_transform_is_passthrough (trans))
    return gst_sympie_filter_pass (self, inbuf, outbuf);
  if (!gst_sympie_filter_prepare (self, inbuf))
    return GST_FLOW_ERROR;
  if (!self->changes) {
    GstFlowReturn flow = gst_sympie_filter_pass (self, inbuf, outbuf);

    if (flow == GST_FLOW_OK)
      *outbuf = gst_sympie_filter_mark_untouched (self, inbuf, *outbuf);
    return flow;
  }
  if (!self->in_cuda && gst_buffer_is_writable (inbuf)
      && gst_buffer_is_all_memory_writable (inbuf)
      && gst_sympie_filter_may_leave (self, inbuf)) {
    GST_BUFFER_FLAG_UNSET (inbuf, GST_BUFFER_FLAG_GAP);
    *outbuf = inbuf;
    return GST_FLOW_OK;
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)
      ->prepare_output_buffer (trans, inbuf, outbuf);
}

static GstFlowReturn
gst_sympie_filter_transform (
    GstBaseTransform *trans, GstBuffer *inbuf, GstBuffer *outbuf)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);
  gboolean in_place = inbuf == outbuf, done = FALSE;
  GstSympieMapped in, out;

  if (!self->changes)
    return GST_FLOW_OK;
  if (!gst_sympie_filter_map (
          self, &in, inbuf, in_place ? GST_MAP_READWRITE : GST_MAP_READ))
    return GST_FLOW_ERROR;
  if (in_place) {
    done = gst_sympie_filter_work (self, &in, &in);
  } else if (gst_sympie_filter_map (self, &out, outbuf, GST_MAP_WRITE)) {
    done = gst_sympie_filter_work (self, &in, &out);
    gst_video_frame_unmap (&out.frame);
  }
  gst_video_frame_unmap (&in.frame);
  if (done && self->marks)
    GST_SYMPIE_FILTER_GET_CLASS (self)->mark (self, outbuf);
  return done ? GST_FLOW_OK : GST_FLOW_ERROR;
}

/* ---- Class --------------------------------------------------------------- */

/* Here the class is the subclass's, as it is not yet in init(). */
static void
gst_sympie_filter_constructed (GObject *object)
{
  GstSympieFilterClass *klass = GST_SYMPIE_FILTER_GET_CLASS (object);
  GstSympieNegotiation *negotiation = &GST_SYMPIE_FILTER (object)->negotiation;

  negotiation->element = GST_ELEMENT (object);
  negotiation->verb = klass->verb;
  negotiation->formats = klass->formats;
  gst_sympie_fields_reset (object);
  G_OBJECT_CLASS (parent_class)->constructed (object);
}

static void
gst_sympie_filter_finalize (GObject *object)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (object);

  gst_sympie_fields_reset (object);
  gst_sympie_cuda_close (&self->cuda, GST_ELEMENT (object));
  gst_sympie_negotiation_forget (&self->negotiation);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_sympie_filter_class_init (GstSympieFilterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (gst_sympie_filter_debug, "sympiefilter", 0,
      "What filters of SyMPIE have in common");

  object_class->set_property = gst_sympie_filter_set_property;
  object_class->get_property = gst_sympie_field_get;
  object_class->constructed = gst_sympie_filter_constructed;
  object_class->finalize = gst_sympie_filter_finalize;
  gst_type_mark_as_plugin_api (GST_TYPE_SYMPIE_FILTER, 0);

  gst_sympie_install_n_threads (
      object_class, G_STRUCT_OFFSET (GstSympieFilter, n_threads));

  trans_class->start = GST_DEBUG_FUNCPTR (gst_sympie_filter_start);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_sympie_filter_stop);
  trans_class->query = GST_DEBUG_FUNCPTR (gst_sympie_filter_query);
  trans_class->accept_caps = GST_DEBUG_FUNCPTR (gst_sympie_filter_accept_caps);
  trans_class->transform_caps =
      GST_DEBUG_FUNCPTR (gst_sympie_filter_transform_caps);
  trans_class->set_caps = GST_DEBUG_FUNCPTR (gst_sympie_filter_set_caps);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_sympie_filter_sink_event);
  trans_class->get_unit_size =
      GST_DEBUG_FUNCPTR (gst_sympie_filter_get_unit_size);
  trans_class->propose_allocation =
      GST_DEBUG_FUNCPTR (gst_sympie_filter_propose_allocation);
  trans_class->filter_meta = GST_DEBUG_FUNCPTR (gst_sympie_filter_filter_meta);
  trans_class->decide_allocation =
      GST_DEBUG_FUNCPTR (gst_sympie_filter_decide_allocation);
  trans_class->transform_meta =
      GST_DEBUG_FUNCPTR (gst_sympie_filter_transform_meta);
  trans_class->before_transform =
      GST_DEBUG_FUNCPTR (gst_sympie_filter_before_transform);
  trans_class->prepare_output_buffer =
      GST_DEBUG_FUNCPTR (gst_sympie_filter_prepare_output_buffer);
  trans_class->transform = GST_DEBUG_FUNCPTR (gst_sympie_filter_transform);
}

static void
gst_sympie_filter_init (GstSympieFilter *self)
{
  gst_video_info_init (&self->format.info);
  gst_base_transform_set_qos_enabled (GST_BASE_TRANSFORM (self), TRUE);
}
