/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/**
 * SECTION:element-sympieenhancebin
 * @title: sympieenhancebin
 * @short_description: decodes and enhances video
 * @see_also: sympieenhance
 *
 * sympieenhancebin is all that lies between a source and a sink: a decoder, a
 * queue, sympieenhance and conversion. It takes what decodebin takes,
 * containers and streams, and gives the first video in it, enhanced; sound is
 * left out. Conversion happens only where neighbours have no format in common.
 * Frames that a decoder leaves in CUDA memory stay there where sympieenhance
 * computes on CUDA.
 *
 * Its properties are those of sympieenhance, which is its child `enhance`:
 * #GstChildProxy and controllers reach it there.
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 filesrc location=clip.mp4 ! sympieenhancebin ! autovideosink
 * ]| Plays an enhanced file.
 * |[
 * gst-launch-1.0 urisourcebin uri=https://example.org/clip.webm !
 *     sympieenhancebin strength=0.5 ! autovideosink
 * ]| Plays from the network, with half the effect.
 *
 * Since: 0.1
 */

#include "elements.h"

#include "enhanceproperties.h"
#include "properties.h"

GST_DEBUG_CATEGORY_STATIC (gst_sympie_enhance_bin_debug);
#define GST_CAT_DEFAULT gst_sympie_enhance_bin_debug

struct _GstSympieEnhanceBin
{
  GstBin parent;

  /* Children, which the bin holds; NULL where a plugin is missing. */
  GstElement *decoder, *queue, *enhance;
  gchar *missing; /* the first factory that is not there */
  gboolean has_failed;
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE (
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE (
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-raw(ANY)"));

#define gst_sympie_enhance_bin_parent_class parent_class
G_DEFINE_TYPE (GstSympieEnhanceBin, gst_sympie_enhance_bin, GST_TYPE_BIN);
GST_ELEMENT_REGISTER_DEFINE (sympieenhancebin, "sympieenhancebin",
    GST_RANK_NONE, GST_TYPE_SYMPIE_ENHANCE_BIN);

/* ---- Properties ---------------------------------------------------------- */

static void
gst_sympie_enhance_bin_set_property (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  g_object_set_property (
      G_OBJECT (GST_SYMPIE_ENHANCE_BIN (object)->enhance), pspec->name, value);
}

static void
gst_sympie_enhance_bin_get_property (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_object_get_property (
      G_OBJECT (GST_SYMPIE_ENHANCE_BIN (object)->enhance), pspec->name, value);
}

/* Of what is set the bin tells itself. */
static void
gst_sympie_enhance_bin_notify (
    GObject *enhance, GParamSpec *pspec, GstSympieEnhanceBin *self)
{
  if (!(pspec->flags & G_PARAM_WRITABLE))
    g_object_notify (G_OBJECT (self), pspec->name);
}

static void
gst_sympie_enhance_bin_install_properties (GObjectClass *object_class)
{
  GParamSpec **specs;
  guint n;

  gst_sympie_install_n_threads (object_class, 0);
  gst_sympie_enhance_properties_install (object_class, 0);
  /* Controllers work on the child. */
  specs = g_object_class_list_properties (object_class, &n);
  for (guint i = 0; i < n; i++)
    if (specs[i]->owner_type == G_OBJECT_CLASS_TYPE (object_class))
      specs[i]->flags &= ~GST_PARAM_CONTROLLABLE;
  g_free (specs);
}

/* ---- Streams ------------------------------------------------------------- */

static gboolean
gst_sympie_enhance_bin_has_video (GstSympieEnhanceBin *self)
{
  GstPad *sink = gst_element_get_static_pad (self->queue, "sink");
  gboolean is_linked = gst_pad_is_linked (sink);

  gst_object_unref (sink);
  return is_linked;
}

static void
gst_sympie_enhance_bin_pad_added (
    GstElement *decoder, GstPad *pad, GstSympieEnhanceBin *self)
{
  GstPad *sink = gst_element_get_static_pad (self->queue, "sink");

  if (gst_pad_is_linked (sink))
    GST_INFO_OBJECT (self, "left out: %" GST_PTR_FORMAT, pad);
  else if (gst_pad_link (pad, sink) != GST_PAD_LINK_OK)
    GST_ELEMENT_ERROR (self, CORE, NEGOTIATION,
        ("Cannot link the decoded video"), ("%" GST_PTR_FORMAT, pad));
  gst_object_unref (sink);
}

/* Without video the decoder says that a plugin is missing, for sound as well,
 * and whoever finds no neighbour then says that too. */
static void
gst_sympie_enhance_bin_handle_message (GstBin *bin, GstMessage *message)
{
  GstSympieEnhanceBin *self = GST_SYMPIE_ENHANCE_BIN (bin);
  gchar *debug;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR
      && GST_MESSAGE_SRC (message) == GST_OBJECT (self->decoder)
      && !gst_sympie_enhance_bin_has_video (self)) {
    gst_message_parse_error (message, NULL, &debug);
    GST_ELEMENT_ERROR (self, STREAM, CODEC_NOT_FOUND,
        ("There is no video in the stream that can be decoded"), ("%s", debug));
    g_free (debug);
    self->has_failed = TRUE;
  } else if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR
             || !self->has_failed) {
    GST_BIN_CLASS (parent_class)->handle_message (bin, message);
    return;
  }
  gst_message_unref (message);
}

static GstStateChangeReturn
gst_sympie_enhance_bin_change_state (
    GstElement *element, GstStateChange transition)
{
  GstSympieEnhanceBin *self = GST_SYMPIE_ENHANCE_BIN (element);

  if (transition == GST_STATE_CHANGE_NULL_TO_READY && self->missing) {
    GST_ELEMENT_ERROR (self, CORE, MISSING_PLUGIN,
        ("There is no element %s", self->missing), (NULL));
    return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    self->has_failed = FALSE;
  return GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
}

/* ---- Class --------------------------------------------------------------- */

static GstElement *
gst_sympie_enhance_bin_add (
    GstSympieEnhanceBin *self, const gchar *factory, const gchar *name)
{
  GstElement *child = gst_element_factory_make (factory, name);

  if (child)
    gst_bin_add (GST_BIN (self), child);
  else if (!self->missing)
    self->missing = g_strdup (factory);
  return child;
}

static void
gst_sympie_enhance_bin_add_pad (
    GstSympieEnhanceBin *self, const gchar *name, GstElement *child)
{
  GstPadTemplate *template =
      gst_element_class_get_pad_template (GST_ELEMENT_GET_CLASS (self), name);
  GstPad *target = child ? gst_element_get_static_pad (child, name) : NULL;

  gst_element_add_pad (GST_ELEMENT (self),
      target ? gst_ghost_pad_new_from_template (name, target, template)
             : gst_ghost_pad_new_no_target_from_template (name, template));
  gst_clear_object (&target);
}

static void
gst_sympie_enhance_bin_finalize (GObject *object)
{
  g_free (GST_SYMPIE_ENHANCE_BIN (object)->missing);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_sympie_enhance_bin_class_init (GstSympieEnhanceBinClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBinClass *bin_class = GST_BIN_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (gst_sympie_enhance_bin_debug, "sympieenhancebin", 0,
      "Decoding and enhancement of video");

  object_class->set_property = gst_sympie_enhance_bin_set_property;
  object_class->get_property = gst_sympie_enhance_bin_get_property;
  object_class->finalize = gst_sympie_enhance_bin_finalize;
  gst_sympie_enhance_bin_install_properties (object_class);

  gst_element_class_set_static_metadata (element_class,
      "SyMPIE decoding and enhancement", "Generic/Bin/Decoder/Video",
      "Decodes video and makes it easier to understand for vision models",
      GST_SYMPIE_AUTHOR);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_bin_change_state);
  bin_class->handle_message =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_bin_handle_message);
}

static void
gst_sympie_enhance_bin_init (GstSympieEnhanceBin *self)
{
  GstElement *before, *after;
  GstCaps *video = gst_caps_from_string ("video/x-raw(ANY)");

  self->decoder = gst_sympie_enhance_bin_add (self, "decodebin", "decoder");
  self->queue = gst_sympie_enhance_bin_add (self, "queue", "queue");
  before = gst_sympie_enhance_bin_add (self, "videoconvert", "before");
  self->enhance =
      g_object_new (GST_TYPE_SYMPIE_ENHANCE, "name", "enhance", NULL);
  g_signal_connect_object (self->enhance, "notify",
      G_CALLBACK (gst_sympie_enhance_bin_notify), self, 0);
  gst_bin_add (GST_BIN (self), self->enhance);
  after = gst_sympie_enhance_bin_add (self, "videoconvert", "after");

  if (!self->missing) {
    gst_element_link_many (self->queue, before, self->enhance, after, NULL);
    /* Sound would have to go somewhere. */
    g_object_set (
        self->decoder, "caps", video, "expose-all-streams", FALSE, NULL);
    g_signal_connect_object (self->decoder, "pad-added",
        G_CALLBACK (gst_sympie_enhance_bin_pad_added), self, 0);
  }
  gst_sympie_enhance_bin_add_pad (self, "sink", self->decoder);
  gst_sympie_enhance_bin_add_pad (self, "src", after);
  gst_caps_unref (video);
}
