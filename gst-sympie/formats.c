/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "formats.h"

#include "image.h"

/* ---- What works ---------------------------------------------------------- */

/* NEM has learnt, and DWM works on, values that are gamma-coded for a standard
 * screen. HLG was made to be shown on one as it is. */
static gboolean
is_gamma_coded (GstVideoTransferFunction transfer)
{
  switch (transfer) {
  case GST_VIDEO_TRANSFER_GAMMA10:
  case GST_VIDEO_TRANSFER_LOG100:
  case GST_VIDEO_TRANSFER_LOG316:
  case GST_VIDEO_TRANSFER_SMPTE2084:
    return FALSE;
  default:
    return TRUE;
  }
}

/* Views next to each other in a frame are no picture, and fields and views in
 * memory of their own are not looked for. */
static const gchar *const interlace_modes[] = { "progressive", "interleaved",
  "mixed", NULL };
static const gchar *const multiview_modes[] = { "mono", "left", "right",
  "multiview-frame-by-frame", NULL };

/* Those that a converter may choose from. Caps with another one pass as well,
 * if it is gamma-coded. */
static const gchar *const rgb_colorimetries[] = { "sRGB", "1:1:5:1", "2:1:7:1",
  "2:1:5:1", NULL };
static const gchar *const yuv_colorimetries[] = { "bt709", "bt601", "bt2020",
  "bt2020-10", "bt2100-hlg", "smpte240m", "1:4:0:0", "1:4:16:4", "1:4:5:4",
  "1:4:7:1", "1:3:5:1", "1:3:7:1", "1:6:13:7", "2:3:7:1", "2:4:5:1", "2:4:5:2",
  "2:4:5:3", "2:4:5:4", "2:4:6:2", "2:4:6:3", "2:4:7:1", NULL };

/* One that every format has room for. */
#define WHOLE_WIDTH 64

/* GStreamer has too little room at the end of the rows of formats that pack
 * pairs of pixels, UYVP and NV12_10LE32, in some odd widths. */
static gboolean
has_whole_rows (const GstVideoInfo *info)
{
  const SympieFormatInfo *own;
  SympieFormat format;

  if (!sympie_format_from_name (GST_VIDEO_INFO_NAME (info), &format))
    return FALSE;
  own = sympie_format_info (format);
  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (info); p++)
    if ((gsize) GST_VIDEO_INFO_PLANE_STRIDE (info, p)
        < sympie_format_row_bytes (own, p, GST_VIDEO_INFO_WIDTH (info)))
      return FALSE;
  return TRUE;
}

/* Whether the format is of the family, RGB or not, and works in the width if
 * there is one. */
static gboolean
is_of_family (const GstStructure *structure, const gchar *format, gboolean rgb)
{
  GstVideoInfo info;
  gint width;

  if (!gst_structure_get_int (structure, "width", &width))
    width = WHOLE_WIDTH;
  return gst_video_info_set_format (
             &info, gst_video_format_from_string (format), (guint) width, 1)
         && !GST_VIDEO_INFO_IS_RGB (&info) == !rgb && has_whole_rows (&info);
}

static gboolean
works (const GstStructure *structure, const gchar *field, const gchar *value,
    gboolean rgb)
{
  GstVideoColorimetry colorimetry;

  if (g_str_equal (field, "format"))
    return is_of_family (structure, value, rgb);
  if (g_str_equal (field, "interlace-mode"))
    return g_strv_contains (interlace_modes, value);
  if (g_str_equal (field, "multiview-mode"))
    return g_strv_contains (multiview_modes, value);
  return !gst_video_colorimetry_from_string (&colorimetry, value)
         || (is_gamma_coded (colorimetry.transfer)
             && (rgb || colorimetry.matrix != GST_VIDEO_COLOR_MATRIX_RGB));
}

static void
append_string (GValue *list, const gchar *string)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_STRING);
  g_value_set_string (&value, string);
  gst_value_list_append_and_take_value (list, &value);
}

/* Leaves of the values of `field` those that work; FALSE where none does. A
 * field that is left open offers `choice`, after `first`, or stays so where
 * that is NULL. */
static gboolean
restrict_field (GstStructure *structure, const gchar *field,
    const gchar *const *choice, const gchar *first, gboolean rgb)
{
  const GValue *value = gst_structure_get_value (structure, field);
  GValue list = G_VALUE_INIT;
  guint n;

  if (!value && !choice)
    return TRUE;
  if (value && G_VALUE_HOLDS_STRING (value))
    return works (structure, field, g_value_get_string (value), rgb);
  if (value && !GST_VALUE_HOLDS_LIST (value))
    return FALSE;
  gst_value_list_init (&list, 8);
  for (guint i = 0; value && i < gst_value_list_get_size (value); i++) {
    const GValue *one = gst_value_list_get_value (value, i);

    if (G_VALUE_HOLDS_STRING (one)
        && works (structure, field, g_value_get_string (one), rgb))
      append_string (&list, g_value_get_string (one));
  }
  if (!value && first)
    append_string (&list, first);
  for (; !value && *choice; choice++)
    if (g_strcmp0 (*choice, first) != 0)
      append_string (&list, *choice);
  n = gst_value_list_get_size (&list);
  gst_structure_take_value (structure, field, &list);
  return n > 0;
}

/* GStreamer's colorimetry for YUV video that does not name one: that should be
 * the first choice, or converters convert what they need not. */
static gchar *
default_colorimetry (const GstStructure *structure)
{
  GstVideoInfo info;
  gint height;

  if (!gst_structure_get_int (structure, "height", &height)
      || !gst_video_info_set_format (&info, GST_VIDEO_FORMAT_NV12, 16, height))
    return NULL;
  return gst_video_colorimetry_to_string (&info.colorimetry);
}

static gboolean
has_size (const GstStructure *structure)
{
  return gst_structure_has_field_typed (structure, "width", G_TYPE_INT)
         && gst_structure_has_field_typed (structure, "height", G_TYPE_INT);
}

static gboolean
has_format (const GstStructure *structure)
{
  return gst_structure_has_field_typed (structure, "format", G_TYPE_STRING);
}

/* Whether a converter asks: it has a stream, whose format it may change, and
 * elements between, such as scalers, may change some more. A decoder asks
 * before it has one, and would keep out what is not on a list: streams may name
 * any part of a colorimetry. */
static gboolean
are_of_converter (const GstCaps *caps)
{
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    const GstStructure *structure = gst_caps_get_structure (caps, i);

    if (!has_format (structure)
        && (has_size (structure)
            || gst_structure_has_field_typed (
                structure, "framerate", GST_TYPE_FRACTION)
            || gst_structure_has_field_typed (
                structure, "interlace-mode", G_TYPE_STRING)))
      return TRUE;
  }
  return FALSE;
}

/* Caps with a size and a format are those of a stream, but perhaps for its
 * frame rate. What they leave out has a default that works, and a neighbour
 * such as imagefreeze takes the answer for its caps as it is. */
GstCaps *
gst_sympie_caps_restrict (GstCaps *caps, GstCaps *formats, GstCaps *asked)
{
  GstCaps *possible =
      gst_caps_intersect_full (caps, formats, GST_CAPS_INTERSECT_FIRST);
  GstCaps *result = gst_caps_new_empty ();
  gboolean by_converter = asked && are_of_converter (asked);

  for (guint i = 0; i < gst_caps_get_size (possible); i++) {
    GstCapsFeatures *features = gst_caps_get_features (possible, i);
    const GstStructure *part = gst_caps_get_structure (possible, i);
    gboolean choose = by_converter && (!has_format (part) || !has_size (part));

    for (gint rgb = FALSE; rgb <= TRUE; rgb++) {
      GstStructure *structure = gst_structure_copy (part);
      gchar *first = choose && !rgb ? default_colorimetry (structure) : NULL;

      if (restrict_field (structure, "format", NULL, NULL, rgb)
          && restrict_field (structure, "interlace-mode",
              choose ? interlace_modes : NULL, NULL, rgb)
          && restrict_field (structure, "multiview-mode",
              choose ? multiview_modes : NULL, NULL, rgb)
          && restrict_field (structure, "colorimetry",
              !choose ? NULL
              : rgb   ? rgb_colorimetries
                      : yuv_colorimetries,
              first, rgb))
        gst_caps_append_structure_full (
            result, structure, gst_caps_features_copy (features));
      else
        gst_structure_free (structure);
      g_free (first);
    }
  }
  gst_caps_unref (possible);
  return result;
}

/* The caps' own colorimetry where they name one: GstVideoInfo quietly replaces
 * one that it finds odd. */
static GstVideoColorimetry
colorimetry_from_caps (const GstCaps *caps, const GstVideoInfo *info)
{
  GstVideoColorimetry colorimetry;
  const gchar *named;

  named = gst_structure_get_string (
      gst_caps_get_structure (caps, 0), "colorimetry");
  if (named && gst_video_colorimetry_from_string (&colorimetry, named))
    return colorimetry;
  return info->colorimetry;
}

static guint
chroma_site_from_video (const GstVideoInfo *info)
{
  GstVideoChromaSite site = GST_VIDEO_INFO_CHROMA_SITE (info);
  guint flags = SYMPIE_CHROMA_CENTRE;

  /* Caps with a colorimetry but no site leave it open; this is what GStreamer
   * takes for caps with neither. */
  if (site == GST_VIDEO_CHROMA_SITE_UNKNOWN)
    site = GST_VIDEO_INFO_HEIGHT (info) > 576 ? GST_VIDEO_CHROMA_SITE_H_COSITED
                                              : GST_VIDEO_CHROMA_SITE_NONE;
  if (site & GST_VIDEO_CHROMA_SITE_H_COSITED)
    flags |= SYMPIE_CHROMA_LEFT;
  if (site & GST_VIDEO_CHROMA_SITE_V_COSITED)
    flags |= SYMPIE_CHROMA_TOP;
  return flags;
}

/* Why `field` keeps video out, if it does. */
static gchar *
dup_objection (const GstCaps *caps, const gchar *field, const gchar *what)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const gchar *value = gst_structure_get_string (structure, field);

  return value && !works (structure, field, value, TRUE)
             ? g_strdup_printf (what, value)
             : NULL;
}

gboolean
gst_sympie_format_from_caps (
    GstSympieFormat *format, GstCaps *caps, gchar **reason)
{
  GstVideoInfo *info = &format->info;
  GstVideoColorimetry named;
  gdouble kr = 0.0, kb = 0.0;

  if (!gst_video_info_from_caps (info, caps)) {
    gst_video_info_init (info);
    *reason = g_strdup ("video with caps that say too little");
    return FALSE;
  }
  named = colorimetry_from_caps (caps, info);
  *reason = dup_objection (caps, "interlace-mode",
      "interlaced video with fields that are not interleaved in frames (%s)");
  if (!*reason)
    *reason = dup_objection (
        caps, "multiview-mode", "video with several views in a frame (%s)");
  if (!*reason)
    *reason = dup_objection (caps, "colorimetry",
        named.transfer == GST_VIDEO_TRANSFER_SMPTE2084
            ? "video with the transfer function PQ (%s), which needs a "
              "conversion to standard dynamic range"
            : "video that is not gamma-coded (%s)");
  if (*reason)
    return FALSE;

  if (GST_VIDEO_INFO_IS_GRAY (info)) {
    /* Weights that hardly count, where all three are the same. */
    if (!gst_video_color_matrix_get_Kr_Kb (info->colorimetry.matrix, &kr, &kb))
      gst_video_color_matrix_get_Kr_Kb (GST_VIDEO_COLOR_MATRIX_BT601, &kr, &kb);
  } else if (GST_VIDEO_INFO_IS_YUV (info)) {
    if (named.matrix == GST_VIDEO_COLOR_MATRIX_RGB) {
      *reason = g_strdup_printf (
          "%s video with the colour matrix RGB", GST_VIDEO_INFO_NAME (info));
      return FALSE;
    }
    if (!gst_video_color_matrix_get_Kr_Kb (
            info->colorimetry.matrix, &kr, &kb)) {
      *reason = g_strdup_printf (
          "%s video with an unknown colour matrix", GST_VIDEO_INFO_NAME (info));
      return FALSE;
    }
  }
  if (!sympie_format_from_name (GST_VIDEO_INFO_NAME (info), &format->format)) {
    *reason = g_strdup_printf ("video format %s", GST_VIDEO_INFO_NAME (info));
    return FALSE;
  }
  if (!has_whole_rows (info)) {
    *reason = g_strdup_printf ("%s video %d wide, of which GStreamer's layout "
                               "has no room for the last pair of pixels",
        GST_VIDEO_INFO_NAME (info), GST_VIDEO_INFO_WIDTH (info));
    return FALSE;
  }

  format->colorimetry = (SympieColorimetry){
    .kr = (float) kr,
    .kb = (float) kb,
    .full_range = info->colorimetry.range == GST_VIDEO_COLOR_RANGE_UNKNOWN
                      ? !GST_VIDEO_INFO_IS_YUV (info)
                      : info->colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255,
    .chroma_site = chroma_site_from_video (info),
  };
  return TRUE;
}
