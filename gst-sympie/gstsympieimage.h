/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Frames of GStreamer's as images of libsympie's. */

#ifndef GST_SYMPIE_IMAGE_H
#define GST_SYMPIE_IMAGE_H

#include <gst/video/video.h>

#include "formats.h"

/* A frame of interlaced video is two images, one a field. */
#define GST_SYMPIE_MAX_VIEWS 2

/* A frame or field in memory, to read it and, where that is mapped, to write
 * it. */
typedef struct
{
  SympieImage image;
  SympieTarget target;
} GstSympieView;

/* A buffer's frame, mapped, and views of its memory: 1, or for an interlaced
 * frame 2, of which the first is the top field. 0 where the buffer ends before
 * the chroma rows that a bottom field of an odd number of lines needs, or where
 * its GstVideoCropMeta begins between samples of chroma. */
typedef struct
{
  GstVideoFrame frame;
  GstSympieView views[GST_SYMPIE_MAX_VIEWS];
  guint n;
} GstSympieMapped;

/* For errors: a buffer that cannot be mapped is mostly too small. */
#define GST_SYMPIE_MISFIT_FORMAT                                               \
  "of %" G_GSIZE_FORMAT " bytes: %s of %dx%d takes %" G_GSIZE_FORMAT
#define GST_SYMPIE_MISFIT_ARGS(buffer, info)                                   \
  gst_buffer_get_size (buffer), GST_VIDEO_INFO_NAME (info),                    \
      GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info),               \
      GST_VIDEO_INFO_SIZE (info)

void gst_sympie_mapped_find_views (
    GstSympieMapped *mapped, const GstSympieFormat *format);

/* What a frame is, for an error, that has no views. */
const gchar *gst_sympie_mapped_get_fault (
    const GstSympieMapped *mapped, const GstSympieFormat *format);

/* Whether the frame is a part of what the buffer holds: the part is what the
 * caps, and `info`, are about, and where it begins GstVideoCropMeta says. */
gboolean gst_sympie_is_cropped (GstBuffer *buffer, const GstVideoInfo *info);

/* Whether metadata is as true of a frame of the same size and colorimetry with
 * other pixels. */
gboolean gst_sympie_meta_stays_true (const GstMeta *meta);

#endif /* GST_SYMPIE_IMAGE_H */
