/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "negotiation.h"

#include "gstsympiecuda.h"

/* ---- What works ---------------------------------------------------------- */

void
gst_sympie_negotiation_set_formats (GstSympieNegotiation *negotiation,
    GstStaticCaps *formats, const gchar *why_no_cuda)
{
  GST_OBJECT_LOCK (negotiation->element);
  negotiation->formats = formats;
  negotiation->why_no_cuda = why_no_cuda;
  GST_OBJECT_UNLOCK (negotiation->element);
}

static GstCaps *
get_formats (GstSympieNegotiation *negotiation)
{
  GstStaticCaps *formats;

  GST_OBJECT_LOCK (negotiation->element);
  formats = negotiation->formats;
  GST_OBJECT_UNLOCK (negotiation->element);
  return gst_static_caps_get (formats);
}

GstCaps *
gst_sympie_negotiation_restrict (
    GstSympieNegotiation *negotiation, GstCaps *caps, GstCaps *asked)
{
  GstCaps *formats = get_formats (negotiation);
  GstCaps *possible = gst_sympie_caps_restrict (caps, formats, asked);

  gst_caps_unref (formats);
  return possible;
}

guint
gst_sympie_negotiation_count_cuda (const GstCaps *caps)
{
  guint n = 0;

  for (guint i = 0; i < gst_caps_get_size (caps); i++)
    n += gst_caps_features_contains (
        gst_caps_get_features (caps, i), GST_SYMPIE_CUDA_MEMORY);
  return n;
}

gchar *
gst_sympie_negotiation_find_refusal (
    GstSympieNegotiation *negotiation, GstCaps *caps, GstSympieFormat *format)
{
  GstCaps *formats = get_formats (negotiation);
  gboolean fits = gst_caps_can_intersect (caps, formats);
  gboolean in_cuda = gst_sympie_negotiation_count_cuda (caps) > 0;
  const gchar *why_no_cuda;
  gchar *reason = NULL;

  gst_caps_unref (formats);
  gst_video_info_init (&format->info);
  GST_OBJECT_LOCK (negotiation->element);
  why_no_cuda = negotiation->why_no_cuda;
  GST_OBJECT_UNLOCK (negotiation->element);

  if (!fits && in_cuda && why_no_cuda)
    reason = g_strdup_printf ("video in CUDA memory %s", why_no_cuda);
  else if (!fits && !in_cuda
           && !gst_caps_features_is_equal (gst_caps_get_features (caps, 0),
               GST_CAPS_FEATURES_MEMORY_SYSTEM_MEMORY))
    reason = g_strdup ("video in memory of that kind");
  else if (gst_sympie_format_from_caps (format, caps, &reason) && !fits)
    reason = g_strdup_printf ("%s video of %dx%d on this device",
        GST_VIDEO_INFO_NAME (&format->info),
        GST_VIDEO_INFO_WIDTH (&format->info),
        GST_VIDEO_INFO_HEIGHT (&format->info));
  return reason;
}

/* ---- Messages ------------------------------------------------------------ */

void
gst_sympie_negotiation_forget (GstSympieNegotiation *negotiation)
{
  GST_OBJECT_LOCK (negotiation->element);
  gst_clear_caps (&negotiation->refused);
  GST_OBJECT_UNLOCK (negotiation->element);
}

/* Whether a message about these caps is still to be posted: upstream sends caps
 * that were refused again with whatever comes next. */
static gboolean
is_first_refusal (GstSympieNegotiation *negotiation, GstCaps *caps)
{
  gboolean first;

  GST_OBJECT_LOCK (negotiation->element);
  first =
      !negotiation->refused || !gst_caps_is_equal (negotiation->refused, caps);
  gst_caps_replace (&negotiation->refused, caps);
  GST_OBJECT_UNLOCK (negotiation->element);
  return first;
}

static void
post_refusal (GstSympieNegotiation *negotiation, GstCaps *caps,
    const gchar *refusal, gboolean is_error, const gchar *debug)
{
  gchar *text = gst_caps_to_string (caps);

  if (is_error)
    GST_ELEMENT_ERROR (negotiation->element, STREAM, FORMAT,
        ("Cannot %s %s: %s", negotiation->verb, refusal, text), ("%s", debug));
  else
    GST_ELEMENT_WARNING (negotiation->element, STREAM, FORMAT,
        ("Cannot %s %s: %s", negotiation->verb, refusal, text), ("%s", debug));
  g_free (text);
}

gboolean
gst_sympie_negotiation_is_stuck (
    GstSympieNegotiation *negotiation, GstPad *pad, const gchar *refusal)
{
  GstCaps *caps = gst_pad_get_current_caps (pad), *formats, *others;
  gboolean is_stuck = FALSE;

  if (caps && is_first_refusal (negotiation, caps)) {
    formats = get_formats (negotiation);
    others = gst_pad_peer_query_caps (pad, formats);
    is_stuck = gst_caps_is_empty (others);
    post_refusal (negotiation, caps, refusal, is_stuck,
        is_stuck ? "upstream has no others"
                 : "frames pass untouched until upstream sends other caps");
    gst_caps_unref (others);
    gst_caps_unref (formats);
  }
  gst_clear_caps (&caps);
  return is_stuck;
}

void
gst_sympie_negotiation_explain_failure (GstSympieNegotiation *negotiation,
    GstCaps *caps, GstPad *srcpad, gboolean works)
{
  GstCaps *peer = gst_pad_peer_query_caps (srcpad, NULL);
  guint n = gst_caps_get_size (peer);
  guint n_cuda = gst_sympie_negotiation_count_cuda (peer);
  gboolean in_cuda = gst_sympie_negotiation_count_cuda (caps) > 0;
  GstSympieFormat format;
  gchar *reason = NULL;

  gst_caps_unref (peer);
  if (works)
    reason = gst_sympie_negotiation_find_refusal (negotiation, caps, &format);
  if (!reason && in_cuda && n > 0 && n_cuda == 0)
    reason = g_strdup ("video in CUDA memory for an element that takes none");
  else if (!reason && !in_cuda && n > 0 && n_cuda == n)
    reason = g_strdup (
        "video in system memory for an element that takes CUDA memory");
  if (reason && is_first_refusal (negotiation, caps))
    post_refusal (negotiation, caps, reason, TRUE, "caps were not accepted");
  g_free (reason);
}

void
gst_sympie_negotiation_explain_empty (
    GstSympieNegotiation *negotiation, GstCaps *wanted)
{
  GstCaps *possible =
      gst_sympie_negotiation_restrict (negotiation, wanted, wanted);
  GstCaps *one = gst_caps_fixate (gst_caps_copy (wanted));
  GstSympieFormat format;
  gchar *reason = NULL;

  if (gst_caps_is_empty (possible))
    reason = gst_sympie_negotiation_find_refusal (negotiation, one, &format);
  if (reason && is_first_refusal (negotiation, wanted))
    post_refusal (
        negotiation, wanted, reason, FALSE, "nothing of it is possible");
  gst_caps_unref (possible);
  gst_caps_unref (one);
  g_free (reason);
}
