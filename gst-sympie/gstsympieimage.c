/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympieimage.h"

static gboolean
sympie_format_from_video (GstVideoFormat video, SympieFormat *format)
{
  static const struct
  {
    GstVideoFormat video;
    SympieFormat sympie;
  } formats[SYMPIE_N_FORMATS] = {
    { GST_VIDEO_FORMAT_RGB, SYMPIE_FORMAT_RGB },
    { GST_VIDEO_FORMAT_BGR, SYMPIE_FORMAT_BGR },
    { GST_VIDEO_FORMAT_RGBx, SYMPIE_FORMAT_RGBX },
    { GST_VIDEO_FORMAT_BGRx, SYMPIE_FORMAT_BGRX },
    { GST_VIDEO_FORMAT_xRGB, SYMPIE_FORMAT_XRGB },
    { GST_VIDEO_FORMAT_xBGR, SYMPIE_FORMAT_XBGR },
    { GST_VIDEO_FORMAT_RGBA, SYMPIE_FORMAT_RGBA },
    { GST_VIDEO_FORMAT_BGRA, SYMPIE_FORMAT_BGRA },
    { GST_VIDEO_FORMAT_ARGB, SYMPIE_FORMAT_ARGB },
    { GST_VIDEO_FORMAT_ABGR, SYMPIE_FORMAT_ABGR },
    { GST_VIDEO_FORMAT_GBR, SYMPIE_FORMAT_GBR },
    { GST_VIDEO_FORMAT_I420, SYMPIE_FORMAT_I420 },
    { GST_VIDEO_FORMAT_YV12, SYMPIE_FORMAT_YV12 },
    { GST_VIDEO_FORMAT_NV12, SYMPIE_FORMAT_NV12 },
    { GST_VIDEO_FORMAT_NV21, SYMPIE_FORMAT_NV21 },
    { GST_VIDEO_FORMAT_Y42B, SYMPIE_FORMAT_Y42B },
    { GST_VIDEO_FORMAT_Y444, SYMPIE_FORMAT_Y444 },
    { GST_VIDEO_FORMAT_I420_10LE, SYMPIE_FORMAT_I420_10LE },
    { GST_VIDEO_FORMAT_P010_10LE, SYMPIE_FORMAT_P010_10LE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++) {
    if (formats[i].video == video) {
      *format = formats[i].sympie;
      return TRUE;
    }
  }
  return FALSE;
}

/* The caps' own colorimetry where they name one: GstVideoInfo quietly replaces
 * one that it finds odd. */
static GstVideoColorimetry
colorimetry_from_caps (GstCaps *caps, const GstVideoInfo *info)
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

gboolean
gst_sympie_stream_from_caps (GstSympieStream *stream, GstCaps *caps,
    const GstVideoInfo *info, gchar **reason)
{
  GstVideoColorimetry named = colorimetry_from_caps (caps, info);
  gdouble kr = 0.0, kb = 0.0;

  if (named.transfer == GST_VIDEO_TRANSFER_SMPTE2084
      || named.transfer == GST_VIDEO_TRANSFER_ARIB_STD_B67) {
    *reason = g_strdup_printf ("video with the transfer function %s; convert "
                               "it to standard dynamic range first",
        named.transfer == GST_VIDEO_TRANSFER_SMPTE2084 ? "PQ" : "HLG");
    return FALSE;
  }
  if (GST_VIDEO_INFO_IS_YUV (info)) {
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
  if (GST_VIDEO_INFO_INTERLACE_MODE (info) == GST_VIDEO_INTERLACE_MODE_FIELDS
      || GST_VIDEO_INFO_INTERLACE_MODE (info)
             == GST_VIDEO_INTERLACE_MODE_ALTERNATE) {
    *reason = g_strdup ("interlaced video with fields that are not interleaved "
                        "in frames");
    return FALSE;
  }
  if (!sympie_format_from_video (
          GST_VIDEO_INFO_FORMAT (info), &stream->format)) {
    *reason = g_strdup_printf ("video format %s", GST_VIDEO_INFO_NAME (info));
    return FALSE;
  }

  stream->colorimetry = (SympieColorimetry){
    .kr = (float) kr,
    .kb = (float) kb,
    .full_range = info->colorimetry.range == GST_VIDEO_COLOR_RANGE_UNKNOWN
                      ? GST_VIDEO_INFO_IS_RGB (info)
                      : info->colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255,
    .chroma_site = chroma_site_from_video (info),
  };
  return TRUE;
}

/* Whether the memory mapped for a plane goes on as far as `last`. */
static gboolean
plane_reaches (const GstVideoFrame *frame, guint plane, const guint8 *last)
{
  const guint8 *start = GST_VIDEO_FRAME_PLANE_DATA (frame, plane);

  /* One map for each plane or one for all. */
  for (guint i = 0; i < GST_VIDEO_MAX_PLANES; i++) {
    const guint8 *data = frame->map[i].data;

    if (data && start >= data && start < data + frame->map[i].size)
      return last < data + frame->map[i].size;
  }
  return FALSE;
}

/* Every second row, from row `parity` on. Chroma belongs to the fields row by
 * row as luma does. A bottom field of an odd number of lines ends in one chroma
 * row more than the frame of 4:2:0 video is said to have: GStreamer's layout
 * for interlaced video has that row, other layouts may not. */
static gboolean
field_of_frame (SympieImage *field, const SympieImage *frame, gint parity,
    const GstVideoFrame *mapped)
{
  *field = *frame;
  field->height = (frame->height + 1 - parity) / 2;

  for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES (mapped); i++) {
    gint rows = i == 0 ? field->height
                       : GST_VIDEO_FORMAT_INFO_SCALE_HEIGHT (
                           mapped->info.finfo, i, field->height);

    field->planes[i] = frame->planes[i] + parity * frame->strides[i];
    field->strides[i] = 2 * frame->strides[i];
    if (!plane_reaches (
            mapped, i, field->planes[i] + (rows - 1) * field->strides[i]))
      return FALSE;
  }
  return TRUE;
}

guint
gst_sympie_images_from_frame (SympieImage images[GST_SYMPIE_MAX_IMAGES],
    const GstSympieStream *stream, const GstVideoFrame *frame)
{
  SympieImage whole = {
    .format = stream->format,
    .width = GST_VIDEO_FRAME_WIDTH (frame),
    .height = GST_VIDEO_FRAME_HEIGHT (frame),
    .colorimetry = stream->colorimetry,
  };

  for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES (frame); i++) {
    whole.planes[i] = GST_VIDEO_FRAME_PLANE_DATA (frame, i);
    whole.strides[i] = GST_VIDEO_FRAME_PLANE_STRIDE (frame, i);
  }

  /* A single line is a field by itself. */
  if (!GST_VIDEO_FRAME_IS_INTERLACED (frame) || whole.height < 2) {
    images[0] = whole;
    return 1;
  }
  if (!field_of_frame (&images[0], &whole, 0, frame)
      || !field_of_frame (&images[1], &whole, 1, frame))
    return 0;
  return 2;
}

gboolean
gst_sympie_meta_stays_true (const GstMeta *meta)
{
  static const gchar *const kept[] = {
    GST_META_TAG_VIDEO_STR,
    GST_META_TAG_VIDEO_SIZE_STR,
    GST_META_TAG_VIDEO_ORIENTATION_STR,
    GST_META_TAG_VIDEO_COLORSPACE_STR,
    NULL,
  };
  const gchar *const *tag = gst_meta_api_type_get_tags (meta->info->api);

  while (tag && *tag) {
    if (!g_strv_contains (kept, *tag))
      return FALSE;
    tag++;
  }
  return TRUE;
}
