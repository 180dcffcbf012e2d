/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympiefilter.h"

#include "layout.h"

GST_DEBUG_CATEGORY_STATIC (gst_sympie_filter_debug);
#define GST_CAT_DEFAULT gst_sympie_filter_debug

enum
{
  PROP_0,
  PROP_N_THREADS,
};

#define DEFAULT_N_THREADS 0
#define MAX_N_THREADS 1024

typedef struct
{
  /* The object lock guards these. */
  guint n_threads;
  gboolean running; /* between start and stop */
  gboolean told_on; /* what upstream was last told of the settings */
  GstCaps *refused; /* these caps were refused, and the message is posted */
  GstStaticCaps *formats;   /* what can be worked on; NULL: the class's */
  const gchar *why_no_cuda; /* memory; NULL where it is among them */

  /* The rest belongs to the streaming thread, and while there is none to start
   * and stop. */
  GstSympieCuda cuda;

  /* The stream. */
  GstVideoInfo info;
  GstSympieFormat format;
  gboolean in_cuda;
  gchar *refusal;    /* what in the caps keeps frames from being changed */
  gboolean is_stuck; /* on, with these caps, and upstream has no others */

  /* Layout: frames laid out in another way than the caps imply carry a
   * GstVideoMeta, which not everyone reads. */
  gboolean downstream_reads_meta;
  gboolean upstream_may_pad; /* as it was told so here */

  gboolean asked_live, is_live;   /* the source, once it was asked */
  GstClockTime arrived, previous; /* stream times of the latest two frames */

  /* The frame in hand. */
  gboolean has_failed; /* before it came to it */
  GstBuffer *buffer;   /* while it is prepared */
  GstClockTimeDiff lateness;
  gboolean changes;
} GstSympieFilterPrivate;

#define gst_sympie_filter_parent_class parent_class
G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (
    GstSympieFilter, gst_sympie_filter, GST_TYPE_BASE_TRANSFORM);

#define PRIVATE(self)                                                          \
  ((GstSympieFilterPrivate *) gst_sympie_filter_get_instance_private (self))

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

gboolean
gst_sympie_filter_is_running (GstSympieFilter *self)
{
  gboolean running;

  GST_OBJECT_LOCK (self);
  running = PRIVATE (self)->running;
  GST_OBJECT_UNLOCK (self);
  return running;
}

gboolean
gst_sympie_filter_may_set (GstSympieFilter *self, GParamSpec *pspec)
{
  if (!(pspec->flags & GST_PARAM_MUTABLE_READY)
      || !gst_sympie_filter_is_running (self))
    return TRUE;
  GST_ELEMENT_WARNING (self, LIBRARY, SETTINGS,
      ("The property %s stays as it is: it can be changed only in NULL or "
       "READY state",
          pspec->name),
      (NULL));
  return FALSE;
}

/* What is on takes other caps than what is off. */
void
gst_sympie_filter_settings_changed (GstSympieFilter *self)
{
  GstSympieFilterPrivate *priv = PRIVATE (self);
  gboolean is_news;

  GST_OBJECT_LOCK (self);
  is_news = GST_SYMPIE_FILTER_GET_CLASS (self)->is_on (self) != priv->told_on;
  if (is_news)
    priv->told_on = !priv->told_on;
  is_news = is_news && priv->running;
  GST_OBJECT_UNLOCK (self);
  if (is_news)
    gst_base_transform_reconfigure_sink (GST_BASE_TRANSFORM (self));
}

guint
gst_sympie_filter_get_n_threads (GstSympieFilter *self)
{
  guint n;

  GST_OBJECT_LOCK (self);
  n = PRIVATE (self)->n_threads;
  GST_OBJECT_UNLOCK (self);
  return n;
}

static void
gst_sympie_filter_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (object);

  if (!gst_sympie_filter_may_set (self, pspec))
    return;
  GST_OBJECT_LOCK (self);
  switch (id) {
  case PROP_N_THREADS:
    PRIVATE (self)->n_threads = g_value_get_uint (value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_sympie_filter_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (object);

  switch (id) {
  case PROP_N_THREADS:
    g_value_set_uint (value, gst_sympie_filter_get_n_threads (self));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    break;
  }
}

GstClockTime
gst_sympie_filter_get_frame_duration (GstSympieFilter *self)
{
  const GstVideoInfo *info = &PRIVATE (self)->info;

  if (GST_VIDEO_INFO_FPS_N (info) <= 0 || GST_VIDEO_INFO_FPS_D (info) <= 0)
    return GST_CLOCK_TIME_NONE;
  return gst_util_uint64_scale_int (
      GST_SECOND, GST_VIDEO_INFO_FPS_D (info), GST_VIDEO_INFO_FPS_N (info));
}

GstSympieCuda *
gst_sympie_filter_get_cuda (GstSympieFilter *self)
{
  return &PRIVATE (self)->cuda;
}

gboolean
gst_sympie_filter_is_in_cuda (GstSympieFilter *self)
{
  return PRIVATE (self)->in_cuda;
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
  GstSympieFilterPrivate *priv = PRIVATE (self);

  GST_SYMPIE_FILTER_GET_CLASS (self)->close (self);
  gst_sympie_cuda_close (&priv->cuda);
  gst_sympie_filter_end_scene (self);
  g_clear_pointer (&priv->refusal, g_free);
  priv->is_stuck = priv->in_cuda = priv->upstream_may_pad = FALSE;

  GST_OBJECT_LOCK (self);
  priv->running = FALSE;
  gst_clear_caps (&priv->refused);
  priv->formats = NULL;
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
  PRIVATE (self)->running = TRUE;
  klass->begin_frame (self, GST_CLOCK_TIME_NONE);
  on = PRIVATE (self)->told_on = klass->is_on (self);
  GST_OBJECT_UNLOCK (self);

  gst_base_transform_set_passthrough (trans, !on);
  if (!on || klass->ensure_open (self))
    return TRUE;
  gst_sympie_filter_stop (trans);
  return FALSE;
}

/* ---- Caps ---------------------------------------------------------------- */

static GstCaps *
gst_sympie_filter_get_formats (GstSympieFilter *self)
{
  GstStaticCaps *formats;

  GST_OBJECT_LOCK (self);
  formats = PRIVATE (self)->formats;
  GST_OBJECT_UNLOCK (self);
  return gst_static_caps_get (
      formats ? formats : GST_SYMPIE_FILTER_GET_CLASS (self)->formats);
}

/* Of caps those with which frames can be worked on. */
static GstCaps *
gst_sympie_filter_restrict (GstSympieFilter *self, GstCaps *caps)
{
  GstCaps *formats = gst_sympie_filter_get_formats (self);
  GstCaps *possible = gst_sympie_caps_restrict (caps, formats);

  gst_caps_unref (formats);
  return possible;
}

/* What of fixed caps keeps frames from being changed, NULL where nothing does.
 * `info` and `format` get what is known of the frames. */
static gchar *
gst_sympie_filter_find_refusal (GstSympieFilter *self, GstCaps *caps,
    GstVideoInfo *info, GstSympieFormat *format)
{
  GstCaps *formats = gst_sympie_filter_get_formats (self);
  gboolean fits = gst_caps_can_intersect (caps, formats);
  gboolean in_cuda = gst_sympie_cuda_is_in_caps (caps);
  const gchar *why_no_cuda;
  gchar *reason = NULL;

  gst_caps_unref (formats);
  GST_OBJECT_LOCK (self);
  why_no_cuda = PRIVATE (self)->why_no_cuda;
  GST_OBJECT_UNLOCK (self);

  if (!fits && in_cuda && why_no_cuda)
    reason = g_strdup_printf ("video in CUDA memory %s", why_no_cuda);
  else if (!fits && !in_cuda
           && !gst_caps_features_is_equal (gst_caps_get_features (caps, 0),
               GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY))
    reason = g_strdup ("video in memory of that kind");
  else if (!gst_video_info_from_caps (info, caps))
    reason = g_strdup ("video with caps that say too little");
  else if (gst_sympie_format_from_caps (format, caps, info, &reason) && !fits)
    reason = g_strdup_printf ("%s video of %dx%d on this device",
        GST_VIDEO_INFO_NAME (info), GST_VIDEO_INFO_WIDTH (info),
        GST_VIDEO_INFO_HEIGHT (info));
  return reason;
}

void
gst_sympie_filter_limit (
    GstSympieFilter *self, GstStaticCaps *formats, const gchar *why_no_cuda)
{
  GstSympieFilterPrivate *priv = PRIVATE (self);
  GstCaps *caps = gst_pad_get_current_caps (GST_BASE_TRANSFORM_SINK_PAD (self));

  GST_OBJECT_LOCK (self);
  priv->formats = formats;
  priv->why_no_cuda = why_no_cuda;
  GST_OBJECT_UNLOCK (self);
  if (caps) {
    g_free (priv->refusal);
    priv->refusal =
        gst_sympie_filter_find_refusal (self, caps, &priv->info, &priv->format);
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
    GstVideoInfo info;
    GstSympieFormat format;
    gchar *refusal =
        gst_sympie_filter_find_refusal (self, caps, &info, &format);

    possible = refusal ? gst_caps_new_empty () : gst_caps_ref (caps);
    g_free (refusal);
  } else {
    possible = gst_sympie_filter_restrict (self, caps);
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

/* Whether a message about these caps is still to be posted: upstream sends caps
 * that were refused again with whatever comes next. */
static gboolean
gst_sympie_filter_is_first_refusal (GstSympieFilter *self, GstCaps *caps)
{
  GstSympieFilterPrivate *priv = PRIVATE (self);
  gboolean first;

  GST_OBJECT_LOCK (self);
  first = !priv->refused || !gst_caps_is_equal (priv->refused, caps);
  gst_caps_replace (&priv->refused, caps);
  GST_OBJECT_UNLOCK (self);
  return first;
}

#define CANNOT(self, reason, caps)                                             \
  ("Cannot %s %s: %" GST_PTR_FORMAT, GST_SYMPIE_FILTER_GET_CLASS (self)->verb, \
      reason, caps)

/* After caps that nothing came of. The base class says nothing. */
static void
gst_sympie_filter_explain_refusal (GstSympieFilter *self, GstCaps *caps)
{
  GstCaps *peer =
      gst_pad_peer_query_caps (GST_BASE_TRANSFORM_SRC_PAD (self), NULL);
  guint n = gst_caps_get_size (peer), n_cuda;
  gboolean in_cuda = gst_sympie_cuda_is_in_caps (caps);
  GstVideoInfo info;
  GstSympieFormat format;
  gchar *reason = NULL;

  peer = gst_sympie_cuda_remove_from_caps (peer);
  n_cuda = n - gst_caps_get_size (peer);
  gst_caps_unref (peer);

  if (gst_sympie_filter_is_on (self))
    reason = gst_sympie_filter_find_refusal (self, caps, &info, &format);
  if (!reason && in_cuda && n > 0 && n_cuda == 0)
    reason = g_strdup ("video in CUDA memory for an element that takes none");
  else if (!reason && !in_cuda && n > 0 && n_cuda == n)
    reason = g_strdup (
        "video in system memory for an element that takes CUDA memory");
  if (reason && gst_sympie_filter_is_first_refusal (self, caps))
    GST_ELEMENT_ERROR (
        self, STREAM, FORMAT, CANNOT (self, reason, caps), (NULL));
  g_free (reason);
}

/* A neighbour whose caps are all kept out fails without a word of why. */
static void
gst_sympie_filter_explain_empty (GstSympieFilter *self, GstCaps *wanted)
{
  GstCaps *possible = gst_sympie_filter_restrict (self, wanted);
  GstCaps *one = gst_caps_fixate (gst_caps_copy (wanted));
  GstVideoInfo info;
  GstSympieFormat format;
  gchar *reason = NULL;

  if (gst_caps_is_empty (possible))
    reason = gst_sympie_filter_find_refusal (self, one, &info, &format);
  if (reason && gst_sympie_filter_is_first_refusal (self, wanted))
    GST_ELEMENT_WARNING (
        self, STREAM, FORMAT, CANNOT (self, reason, wanted), (NULL));
  gst_caps_unref (possible);
  gst_caps_unref (one);
  g_free (reason);
}

static gboolean
gst_sympie_filter_query (
    GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);
  GstCaps *filter, *caps;

  if (!GST_BASE_TRANSFORM_CLASS (parent_class)->query (trans, direction, query))
    return FALSE;
  if (GST_QUERY_TYPE (query) == GST_QUERY_CAPS && direction == GST_PAD_SINK
      && GST_PAD_IS_ACTIVE (GST_BASE_TRANSFORM_SINK_PAD (trans))) {
    gst_query_parse_caps (query, &filter);
    gst_query_parse_caps_result (query, &caps);
    if (filter && !gst_caps_is_any (filter) && !gst_caps_is_empty (filter)
        && gst_caps_is_empty (caps) && gst_sympie_filter_is_on (self))
      gst_sympie_filter_explain_empty (self, filter);
  }
  return TRUE;
}

static gboolean
gst_sympie_filter_set_caps (
    GstBaseTransform *trans, GstCaps *incaps, GstCaps *outcaps)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);
  GstSympieFilterPrivate *priv = PRIVATE (self);

  gst_sympie_filter_end_scene (self);
  priv->in_cuda = gst_sympie_cuda_is_in_caps (incaps);
  gst_video_info_init (&priv->info);
  g_free (priv->refusal);
  priv->refusal =
      gst_sympie_filter_find_refusal (self, incaps, &priv->info, &priv->format);
  GST_INFO_OBJECT (self, "%s: %" GST_PTR_FORMAT,
      priv->refusal ? priv->refusal : "video that can be worked on", incaps);
  priv->is_stuck = FALSE;
  GST_OBJECT_LOCK (self);
  gst_clear_caps (&priv->refused);
  GST_OBJECT_UNLOCK (self);
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
    PRIVATE (self)->asked_live = FALSE;
    PRIVATE (self)->arrived = GST_CLOCK_TIME_NONE;
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
    gst_sympie_filter_explain_refusal (self, caps);
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
  GstSympieFilterPrivate *priv = PRIVATE (self);

  /* Without a query of ours buffers pass, and those after us decide. */
  priv->upstream_may_pad = decide_query != NULL;
  if (decide_query && priv->in_cuda)
    return gst_sympie_cuda_propose_allocation (&priv->cuda, query);
  if (!GST_BASE_TRANSFORM_CLASS (parent_class)
           ->propose_allocation (trans, decide_query, query))
    return FALSE;
  return !decide_query || gst_sympie_layout_offer_pool (query);
}

static gboolean
gst_sympie_filter_decide_allocation (GstBaseTransform *trans, GstQuery *query)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);
  GstSympieFilterPrivate *priv = PRIVATE (self);

  priv->downstream_reads_meta =
      gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  GST_DEBUG_OBJECT (self, "downstream %s",
      priv->downstream_reads_meta ? "reads GstVideoMeta"
                                  : "takes the layout of the caps only");
  if (!priv->in_cuda)
    gst_sympie_layout_choose_pool (
        query, &priv->info, priv->downstream_reads_meta);
  else if (!gst_sympie_cuda_decide_allocation (&priv->cuda, query))
    return FALSE;
  return GST_BASE_TRANSFORM_CLASS (parent_class)
      ->decide_allocation (trans, query);
}

/* Whether downstream understands how the buffer is laid out. While buffers
 * pass, upstream knows that from downstream itself, but for the first ones. */
static gboolean
gst_sympie_filter_may_leave (GstSympieFilter *self, GstBuffer *buffer)
{
  GstSympieFilterPrivate *priv = PRIVATE (self);

  return priv->downstream_reads_meta || priv->in_cuda
         || (!priv->upstream_may_pad
             && gst_base_transform_is_passthrough (GST_BASE_TRANSFORM (self)))
         || gst_sympie_layout_is_plain (buffer, &priv->info);
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
  *outbuf = gst_sympie_layout_copy_plain (inbuf, &PRIVATE (self)->info);
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
  return gst_sympie_meta_stays_true (meta)
         || GST_BASE_TRANSFORM_CLASS (parent_class)
                ->transform_meta (trans, outbuf, meta, inbuf);
}

/* ---- Frames -------------------------------------------------------------- */

/* The settings say on and the caps no. The caps query says so too, and upstream
 * was told to ask: until other caps come, frames pass. */
static void
gst_sympie_filter_wait_for_caps (GstSympieFilter *self)
{
  GstSympieFilterPrivate *priv = PRIVATE (self);
  GstPad *pad = GST_BASE_TRANSFORM_SINK_PAD (self);
  GstCaps *caps = gst_pad_get_current_caps (pad), *formats, *others;

  if (caps && gst_sympie_filter_is_first_refusal (self, caps)) {
    formats = gst_sympie_filter_get_formats (self);
    others = gst_pad_peer_query_caps (pad, formats);
    priv->is_stuck = gst_caps_is_empty (others);
    if (priv->is_stuck)
      GST_ELEMENT_ERROR (
          self, STREAM, FORMAT, CANNOT (self, priv->refusal, caps), (NULL));
    else
      GST_ELEMENT_WARNING (self, STREAM, FORMAT,
          CANNOT (self, priv->refusal, caps),
          ("frames pass untouched until upstream sends other caps"));
    gst_caps_unref (others);
    gst_caps_unref (formats);
  }
  gst_clear_caps (&caps);
}

static gboolean
gst_sympie_filter_ask_live (GstSympieFilter *self)
{
  GstSympieFilterPrivate *priv = PRIVATE (self);
  GstQuery *query = gst_query_new_latency ();

  if (gst_pad_peer_query (
          GST_BASE_TRANSFORM_SINK_PAD (GST_BASE_TRANSFORM (self)), query))
    gst_query_parse_latency (query, &priv->is_live, NULL, NULL);
  gst_query_unref (query);
  priv->asked_live = TRUE;
  return priv->is_live;
}

static void
gst_sympie_filter_measure_lateness (GstSympieFilter *self, GstBuffer *buffer)
{
  GstSympieFilterPrivate *priv = PRIVATE (self);
  GstClockTime base = gst_element_get_base_time (GST_ELEMENT (self));
  GstClockTime time =
      gst_segment_to_running_time (&GST_BASE_TRANSFORM (self)->segment,
          GST_FORMAT_TIME, GST_BUFFER_TIMESTAMP (buffer));
  GstClock *clock;

  priv->lateness = GST_CLOCK_STIME_NONE;
  if (!GST_CLOCK_TIME_IS_VALID (time) || !GST_CLOCK_TIME_IS_VALID (base)
      || !(priv->asked_live ? priv->is_live : gst_sympie_filter_ask_live (self))
      || !(clock = gst_element_get_clock (GST_ELEMENT (self))))
    return;
  priv->lateness = GST_CLOCK_DIFF (base + time, gst_clock_get_time (clock));
  gst_object_unref (clock);
}

/* Every frame comes by here, before the base class drops any. */
static GstFlowReturn
gst_sympie_filter_submit_input_buffer (
    GstBaseTransform *trans, gboolean is_discont, GstBuffer *buffer)
{
  GstSympieFilterPrivate *priv = PRIVATE (GST_SYMPIE_FILTER (trans));

  priv->previous = priv->arrived;
  priv->arrived = gst_segment_to_stream_time (
      &trans->segment, GST_FORMAT_TIME, GST_BUFFER_TIMESTAMP (buffer));
  return GST_BASE_TRANSFORM_CLASS (parent_class)
      ->submit_input_buffer (trans, is_discont, buffer);
}

GstClockTime
gst_sympie_filter_get_previous_time (GstSympieFilter *self)
{
  return PRIVATE (self)->previous;
}

GstClockTimeDiff
gst_sympie_filter_get_lateness (GstSympieFilter *self)
{
  return PRIVATE (self)->lateness;
}

/* Decides what becomes of the frame. Only here does passthrough change, so that
 * no frame sees both. */
static void
gst_sympie_filter_before_transform (GstBaseTransform *trans, GstBuffer *buffer)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);
  GstSympieFilterClass *klass = GST_SYMPIE_FILTER_GET_CLASS (self);
  GstSympieFilterPrivate *priv = PRIVATE (self);
  GstClockTime stream_time = gst_segment_to_stream_time (
      &trans->segment, GST_FORMAT_TIME, GST_BUFFER_TIMESTAMP (buffer));
  gboolean passthrough;

  if (GST_CLOCK_TIME_IS_VALID (stream_time))
    gst_object_sync_values (GST_OBJECT (self), stream_time);
  GST_OBJECT_LOCK (self);
  klass->begin_frame (self, stream_time);
  passthrough = !klass->is_on (self);
  GST_OBJECT_UNLOCK (self);

  priv->has_failed = !passthrough && !klass->ensure_open (self);
  if (!passthrough && priv->refusal) {
    gst_sympie_filter_wait_for_caps (self);
    passthrough = TRUE;
  }
  if (!passthrough)
    gst_sympie_filter_measure_lateness (self, buffer);
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
gst_sympie_filter_map (GstSympieFilter *self, GstVideoFrame *frame,
    GstBuffer *buffer, GstMapFlags flags)
{
  GstSympieFilterPrivate *priv = PRIVATE (self);

  if (priv->in_cuda
          ? gst_sympie_cuda_map (&priv->cuda, frame, &priv->info, buffer, flags)
          : gst_video_frame_map (frame, &priv->info, buffer, flags))
    return TRUE;
  GST_ELEMENT_ERROR (self, RESOURCE, FAILED,
      ("Cannot map a buffer in %s memory", priv->in_cuda ? "CUDA" : "system"),
      ("%" GST_PTR_FORMAT, buffer));
  return FALSE;
}

/* How many views there are of the frame; 0, with an error posted, if they
 * cannot be had. */
static guint
gst_sympie_filter_get_views (GstSympieFilter *self, const GstVideoFrame *frame,
    GstSympieView views[GST_SYMPIE_MAX_VIEWS])
{
  GstSympieFilterPrivate *priv = PRIVATE (self);
  guint n = gst_sympie_views_of_frame (views, &priv->format, frame);

  if (n == 0)
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("Cannot %s an interlaced frame without its last chroma row",
            GST_SYMPIE_FILTER_GET_CLASS (self)->verb),
        ("%dx%d %s", GST_VIDEO_FRAME_WIDTH (frame),
            GST_VIDEO_FRAME_HEIGHT (frame),
            gst_video_format_to_string (GST_VIDEO_FRAME_FORMAT (frame))));
  for (guint i = 0; i < n && priv->in_cuda; i++)
    views[i].image.memory = views[i].target.memory = SYMPIE_MEMORY_CUDA;
  return n;
}

/* Has the subclass look at a frame (`out` NULL) or change it. */
static gboolean
gst_sympie_filter_work (
    GstSympieFilter *self, const GstVideoFrame *in, const GstVideoFrame *out)
{
  GstSympieFilterClass *klass = GST_SYMPIE_FILTER_GET_CLASS (self);
  GstSympieFilterPrivate *priv = PRIVATE (self);
  GstSympieView src[GST_SYMPIE_MAX_VIEWS], dst[GST_SYMPIE_MAX_VIEWS];
  guint n = gst_sympie_filter_get_views (self, in, src);
  SympieError error;
  gboolean done;

  if (n == 0 || (out && gst_sympie_filter_get_views (self, out, dst) != n))
    return FALSE;
  if (!gst_sympie_cuda_enter (&priv->cuda)) {
    GST_ELEMENT_ERROR (self, RESOURCE, FAILED,
        ("Cannot use the CUDA context of the stream"), (NULL));
    return FALSE;
  }
  done = out ? klass->apply (self, src, dst, n, &error)
             : klass->prepare (self, src, n, &priv->changes, &error);
  gst_sympie_cuda_leave (&priv->cuda);
  if (!done)
    GST_ELEMENT_ERROR (self, STREAM, FAILED,
        ("Cannot %s a frame: %s", klass->verb, error.message), (NULL));
  return done;
}

struct _GstSympieHeld
{
  GstVideoFrame frame; /* holds the buffer */
  GstSympieView views[GST_SYMPIE_MAX_VIEWS];
};

GstSympieHeld *
gst_sympie_filter_hold_frame (GstSympieFilter *self)
{
  GstSympieHeld *held = g_new (GstSympieHeld, 1);

  if (!gst_sympie_filter_map (
          self, &held->frame, PRIVATE (self)->buffer, GST_MAP_READ)) {
    g_free (held);
    return NULL;
  }
  if (gst_sympie_filter_get_views (self, &held->frame, held->views) > 0)
    return held;
  gst_sympie_held_free (held);
  return NULL;
}

const SympieImage *
gst_sympie_held_get_image (const GstSympieHeld *held)
{
  return &held->views[0].image;
}

void
gst_sympie_held_free (GstSympieHeld *held)
{
  gst_video_frame_unmap (&held->frame);
  g_free (held);
}

static gboolean
gst_sympie_filter_prepare (GstSympieFilter *self, GstBuffer *buffer)
{
  GstVideoFrame frame;
  gboolean prepared;

  PRIVATE (self)->changes = TRUE;
  if (!GST_SYMPIE_FILTER_GET_CLASS (self)->prepare)
    return TRUE;
  if (!gst_sympie_filter_map (self, &frame, buffer, GST_MAP_READ))
    return FALSE;
  PRIVATE (self)->buffer = buffer;
  prepared = gst_sympie_filter_work (self, &frame, NULL);
  PRIVATE (self)->buffer = NULL;
  gst_video_frame_unmap (&frame);
  return prepared;
}

/* Marks the buffer of a frame that passes untouched: another of the same memory
 * where somebody else has this one too. */
static GstBuffer *
gst_sympie_filter_mark_untouched (
    GstSympieFilter *self, GstBuffer *inbuf, GstBuffer *buffer)
{
  GstSympieFilterClass *klass = GST_SYMPIE_FILTER_GET_CLASS (self);

  if (!klass->wants_mark || !klass->wants_mark (self))
    return buffer;
  if (!gst_buffer_is_writable (buffer))
    buffer = buffer == inbuf ? gst_buffer_copy (buffer)
                             : gst_buffer_make_writable (buffer);
  klass->mark (self, buffer);
  return buffer;
}

/* Decoders keep references to most of their frames, so the base class's choice
 * for good, in place or not, would copy either those or all the others. */
static GstFlowReturn
gst_sympie_filter_prepare_output_buffer (
    GstBaseTransform *trans, GstBuffer *inbuf, GstBuffer **outbuf)
{
  GstSympieFilter *self = GST_SYMPIE_FILTER (trans);
  GstSympieFilterPrivate *priv = PRIVATE (self);

  *outbuf = NULL;
  if (priv->has_failed)
    return GST_FLOW_ERROR;
  if (priv->is_stuck)
    return GST_FLOW_NOT_NEGOTIATED;
  if (gst_base_transform_is_passthrough (trans))
    return gst_sympie_filter_pass (self, inbuf, outbuf);
  if (!gst_sympie_filter_prepare (self, inbuf))
    return GST_FLOW_ERROR;
  if (!priv->changes) {
    GstFlowReturn flow = gst_sympie_filter_pass (self, inbuf, outbuf);

    if (flow == GST_FLOW_OK)
      *outbuf = gst_sympie_filter_mark_untouched (self, inbuf, *outbuf);
    return flow;
  }
  if (gst_buffer_is_writable (inbuf)
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
  GstSympieFilterClass *klass = GST_SYMPIE_FILTER_GET_CLASS (self);
  gboolean in_place = inbuf == outbuf, done = FALSE;
  GstVideoFrame in, out;

  if (!PRIVATE (self)->changes)
    return GST_FLOW_OK;
  if (!gst_sympie_filter_map (
          self, &in, inbuf, in_place ? GST_MAP_READWRITE : GST_MAP_READ))
    return GST_FLOW_ERROR;
  if (in_place) {
    done = gst_sympie_filter_work (self, &in, &in);
  } else if (gst_sympie_filter_map (self, &out, outbuf, GST_MAP_WRITE)) {
    done = gst_sympie_filter_work (self, &in, &out);
    gst_video_frame_unmap (&out);
  }
  gst_video_frame_unmap (&in);
  if (done && klass->wants_mark && klass->wants_mark (self))
    klass->mark (self, outbuf);
  return done ? GST_FLOW_OK : GST_FLOW_ERROR;
}

/* ---- Class --------------------------------------------------------------- */

static void
gst_sympie_filter_finalize (GObject *object)
{
  GstSympieFilterPrivate *priv = PRIVATE (GST_SYMPIE_FILTER (object));

  gst_sympie_cuda_close (&priv->cuda);
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
  object_class->get_property = gst_sympie_filter_get_property;
  object_class->finalize = gst_sympie_filter_finalize;
  gst_type_mark_as_plugin_api (GST_TYPE_SYMPIE_FILTER, 0);

  /**
   * GstSympieFilter:n-threads:
   *
   * Threads that work on a frame on the processor. The result is the same for
   * any number.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_N_THREADS,
      g_param_spec_uint ("n-threads", "Threads",
          "Number of threads on the processor (0 = one for each processor)", 0,
          MAX_N_THREADS, DEFAULT_N_THREADS,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
              | GST_PARAM_MUTABLE_READY));

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
  trans_class->decide_allocation =
      GST_DEBUG_FUNCPTR (gst_sympie_filter_decide_allocation);
  trans_class->transform_meta =
      GST_DEBUG_FUNCPTR (gst_sympie_filter_transform_meta);
  trans_class->submit_input_buffer =
      GST_DEBUG_FUNCPTR (gst_sympie_filter_submit_input_buffer);
  trans_class->before_transform =
      GST_DEBUG_FUNCPTR (gst_sympie_filter_before_transform);
  trans_class->prepare_output_buffer =
      GST_DEBUG_FUNCPTR (gst_sympie_filter_prepare_output_buffer);
  trans_class->transform = GST_DEBUG_FUNCPTR (gst_sympie_filter_transform);
}

static void
gst_sympie_filter_init (GstSympieFilter *self)
{
  GstSympieFilterPrivate *priv = PRIVATE (self);

  priv->n_threads = DEFAULT_N_THREADS;
  priv->arrived = priv->previous = GST_CLOCK_TIME_NONE;
  gst_video_info_init (&priv->info);
  gst_base_transform_set_qos_enabled (GST_BASE_TRANSFORM (self), TRUE);
}
