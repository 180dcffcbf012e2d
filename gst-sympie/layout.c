/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "layout.h"

#include "gstsympieimage.h"

gboolean
gst_sympie_layout_is_plain (GstBuffer *buffer, const GstVideoInfo *info)
{
  GstVideoMeta *meta = gst_buffer_get_video_meta (buffer);

  if (!meta || GST_VIDEO_INFO_FORMAT (info) == GST_VIDEO_FORMAT_UNKNOWN)
    return TRUE;
  for (guint i = 0; i < meta->n_planes; i++)
    if (meta->stride[i] != GST_VIDEO_INFO_PLANE_STRIDE (info, i)
        || meta->offset[i] != GST_VIDEO_INFO_PLANE_OFFSET (info, i))
      return FALSE;
  return gst_buffer_get_size (buffer) == GST_VIDEO_INFO_SIZE (info);
}

/* Has a frame's planes begin where its GstVideoCropMeta does. FALSE where less
 * is left from there than `info` is about, or pixels have no bytes of their
 * own.
 */
static gboolean
begin_at_crop (GstVideoFrame *frame, const GstVideoInfo *info)
{
  const GstVideoCropMeta *crop = gst_buffer_get_video_crop_meta (frame->buffer);
  const GstVideoFormatInfo *finfo = frame->info.finfo;

  if (crop
      && ((guint64) crop->x + (guint) GST_VIDEO_INFO_WIDTH (info)
              > (guint) GST_VIDEO_FRAME_WIDTH (frame)
          || (guint64) crop->y + (guint) GST_VIDEO_INFO_HEIGHT (info)
                 > (guint) GST_VIDEO_FRAME_HEIGHT (frame)))
    return FALSE;
  for (guint p = 0; crop && p < GST_VIDEO_FRAME_N_PLANES (frame); p++) {
    gint c[GST_VIDEO_MAX_COMPONENTS], x, y;

    gst_video_format_info_component (finfo, p, c);
    x = (gint) crop->x >> GST_VIDEO_FORMAT_INFO_W_SUB (finfo, c[0]);
    y = (gint) crop->y >> GST_VIDEO_FORMAT_INFO_H_SUB (finfo, c[0]);
    if (GST_VIDEO_FORMAT_INFO_IS_COMPLEX (finfo) && (x > 0 || y > 0))
      return FALSE;
    frame->data[p] = (guint8 *) frame->data[p]
                     + y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, p)
                     + x * GST_VIDEO_FRAME_COMP_PSTRIDE (frame, c[0]);
  }
  return TRUE;
}

GstBuffer *
gst_sympie_layout_copy_plain (GstBuffer *buffer, const GstVideoInfo *info)
{
  GstBuffer *copy =
      gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (info), NULL);
  GstVideoFrame from, to;
  gboolean copied = FALSE;

  if (gst_video_frame_map (&from, info, buffer, GST_MAP_READ)) {
    if (gst_video_frame_map (&to, info, copy, GST_MAP_WRITE)) {
      copied =
          (!gst_sympie_is_cropped (buffer, info) || begin_at_crop (&from, info))
          && gst_video_frame_copy (&to, &from);
      gst_video_frame_unmap (&to);
    }
    gst_video_frame_unmap (&from);
  }
  if (!copied)
    gst_clear_buffer (&copy);
  return copy;
}

static void
configure (GstBufferPool *pool, GstCaps *caps, guint size, guint min, guint max,
    gboolean with_meta)
{
  GstStructure *config = gst_buffer_pool_get_config (pool);

  gst_buffer_pool_config_set_params (config, caps, size, min, max);
  if (with_meta)
    gst_buffer_pool_config_add_option (
        config, GST_BUFFER_POOL_OPTION_VIDEO_META);
  /* Where the pool wants it otherwise its user looks into it. */
  gst_buffer_pool_set_config (pool, config);
}

gboolean
gst_sympie_layout_offer_pool (GstQuery *query, guint n_held)
{
  GstBufferPool *pool;
  GstVideoInfo info;
  GstCaps *caps;
  guint size;

  gst_query_parse_allocation (query, &caps, NULL);
  if (!caps || !gst_video_info_from_caps (&info, caps))
    return FALSE;
  size = (guint) GST_VIDEO_INFO_SIZE (&info);
  pool = gst_video_buffer_pool_new ();
  configure (pool, caps, size, n_held, 0, FALSE);
  gst_query_add_allocation_pool (query, pool, size, n_held, 0);
  gst_object_unref (pool);
  return TRUE;
}

void
gst_sympie_layout_choose_pool (
    GstQuery *query, const GstVideoInfo *info, gboolean downstream_reads_meta)
{
  GstBufferPool *pool = NULL;
  guint size = (guint) GST_VIDEO_INFO_SIZE (info), min = 0, max = 0;
  gboolean is_offered = gst_query_get_n_allocation_pools (query) > 0;
  GstCaps *caps;

  gst_query_parse_allocation (query, &caps, NULL);
  if (is_offered)
    gst_query_parse_nth_allocation_pool (query, 0, &pool, &size, &min, &max);
  if (!pool)
    pool = gst_video_buffer_pool_new ();
  configure (pool, caps, size, min, max, downstream_reads_meta);
  if (is_offered)
    gst_query_set_nth_allocation_pool (query, 0, pool, size, min, max);
  else
    gst_query_add_allocation_pool (query, pool, size, min, max);
  gst_object_unref (pool);
}
