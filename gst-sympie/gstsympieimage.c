/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympieimage.h"

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
field_of_frame (GstSympieView *field, const GstSympieView *frame, gint parity,
    const GstVideoFrame *mapped)
{
  *field = *frame;
  field->image.height = (frame->image.height + 1 - parity) / 2;

  for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES (mapped); i++) {
    gint rows = i == 0 ? field->image.height
                       : GST_VIDEO_FORMAT_INFO_SCALE_HEIGHT (
                           mapped->info.finfo, i, field->image.height);
    guint8 *plane = frame->target.planes[i] + parity * frame->target.strides[i];
    gssize stride = 2 * frame->target.strides[i];

    field->image.planes[i] = field->target.planes[i] = plane;
    field->image.strides[i] = field->target.strides[i] = stride;
    if (!plane_reaches (mapped, i, plane + (rows - 1) * stride))
      return FALSE;
  }
  return TRUE;
}

gboolean
gst_sympie_is_cropped (GstBuffer *buffer, const GstVideoInfo *info)
{
  const GstVideoMeta *meta = gst_buffer_get_video_meta (buffer);

  return meta
         && (meta->width != (guint) GST_VIDEO_INFO_WIDTH (info)
             || meta->height != (guint) GST_VIDEO_INFO_HEIGHT (info));
}

/* Of an image as large as memory says, what the caps are about. FALSE where
 * that does not begin at a pixel with words of its own. */
static gboolean
crop_to_caps (
    SympieImage *image, GstBuffer *buffer, const GstSympieFormat *format)
{
  const GstVideoCropMeta *crop = gst_buffer_get_video_crop_meta (buffer);
  gint width = GST_VIDEO_INFO_WIDTH (&format->info);
  gint height = GST_VIDEO_INFO_HEIGHT (&format->info);

  return sympie_image_crop (image, crop ? (gint) crop->x : 0,
             crop ? (gint) crop->y : 0, width, height, NULL)
         && image->width == width && image->height == height;
}

void
gst_sympie_mapped_find_views (
    GstSympieMapped *mapped, const GstSympieFormat *format)
{
  const GstVideoFrame *frame = &mapped->frame;
  GstSympieView whole = { SYMPIE_IMAGE_INIT, SYMPIE_TARGET_INIT };

  whole.image.format = format->format;
  whole.image.width = GST_VIDEO_FRAME_WIDTH (frame);
  whole.image.height = GST_VIDEO_FRAME_HEIGHT (frame);
  whole.image.colorimetry = format->colorimetry;
  for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES (frame); i++) {
    whole.image.planes[i] = GST_VIDEO_FRAME_PLANE_DATA (frame, i);
    whole.image.strides[i] = GST_VIDEO_FRAME_PLANE_STRIDE (frame, i);
  }
  mapped->n = 0;
  if (gst_sympie_is_cropped (frame->buffer, &format->info)
      && !crop_to_caps (&whole.image, frame->buffer, format))
    return;
  for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES (frame); i++) {
    whole.target.planes[i] = (guint8 *) whole.image.planes[i];
    whole.target.strides[i] = whole.image.strides[i];
  }

  /* A single line is a field by itself. */
  if (!GST_VIDEO_FRAME_IS_INTERLACED (frame) || whole.image.height < 2) {
    mapped->views[0] = whole;
    mapped->n = 1;
    return;
  }
  mapped->n = 2;
  for (gint parity = 0; parity < 2; parity++)
    if (!field_of_frame (&mapped->views[parity], &whole, parity, frame))
      mapped->n = 0;
}

const gchar *
gst_sympie_mapped_get_fault (
    const GstSympieMapped *mapped, const GstSympieFormat *format)
{
  return gst_sympie_is_cropped (mapped->frame.buffer, &format->info)
             ? "a frame whose GstVideoCropMeta begins between samples"
             : "an interlaced frame without its last chroma row";
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
