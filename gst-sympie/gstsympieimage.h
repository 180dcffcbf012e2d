/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* From GStreamer's words for video to libsympie's: what the elements share. */

#ifndef GST_SYMPIE_IMAGE_H
#define GST_SYMPIE_IMAGE_H

#include <gst/video/video.h>

#include "sympie.h"

G_BEGIN_DECLS

/* The formats and sizes of sympie.h as caps, and the formats that CUDA takes
 * (see sympie_format_is_on_cuda); an element puts its caps features
 * in front. */
#define GST_SYMPIE_FORMATS_8_BITS                                              \
  "RGB, BGR, RGBx, BGRx, xRGB, xBGR, RGBA, BGRA, ARGB, ABGR, GBR, "            \
  "I420, YV12, NV12, NV21, Y42B, Y444"
#define GST_SYMPIE_FORMATS_CUDA                                                \
  GST_SYMPIE_FORMATS_8_BITS ", I420_10LE, P010_10LE"
#define GST_SYMPIE_FORMATS                                                     \
  GST_SYMPIE_FORMATS_CUDA                                                      \
  ", "                                                                         \
  "GBRA, RGBP, BGRP, RGB16, BGR16, RGB15, BGR15, GBR_10LE, GBR_10BE, "         \
  "GBR_12LE, GBR_12BE, GBRA_10LE, GBRA_10BE, GBRA_12LE, GBRA_12BE, "           \
  "RGB10A2_LE, BGR10A2_LE, r210, GRAY8, A420, AV12, Y41B, NV16, NV61, "        \
  "NV24, YUY2, UYVY, YVYU, VYUY, AYUV, VUYA, v308, IYU2, I420_10BE, "          \
  "I420_12LE, I420_12BE, I422_10LE, I422_10BE, I422_12LE, I422_12BE, "         \
  "Y444_10LE, Y444_10BE, Y444_12LE, Y444_12BE, A420_10LE, A420_10BE, "         \
  "A422_10LE, A422_10BE, A444_10LE, A444_10BE, P010_10BE, P012_LE, "           \
  "P012_BE, Y210, Y212_LE, Y212_BE, Y410, Y412_LE, Y412_BE, v210"
#define GST_SYMPIE_CAPS_FIELDS_OF(formats)                                     \
  "format = (string) { " formats " }, "                                        \
  "width = (int) [ 1, 32768 ], height = (int) [ 1, 32768 ], "                  \
  "framerate = " GST_VIDEO_FPS_RANGE
#define GST_SYMPIE_CAPS_FIELDS GST_SYMPIE_CAPS_FIELDS_OF (GST_SYMPIE_FORMATS)

/* A frame of interlaced video is two images, one a field. */
#define GST_SYMPIE_MAX_VIEWS 2

/* What all frames of a stream have in common. */
typedef struct
{
  SympieFormat format;
  SympieColorimetry colorimetry;
} GstSympieStream;

/* `info` is `caps`, fixed, parsed. Fails on what DWM would mangle, with what it
 * is in `reason`, which the caller frees: transfer functions that are not
 * gamma-coded (PQ, linear, logarithmic), YUV formats with the matrix RGB, views
 * that share a frame, and fields and views kept in memory of their own. */
gboolean gst_sympie_stream_from_caps (GstSympieStream *stream, GstCaps *caps,
    const GstVideoInfo *info, gchar **reason);

/* Of `caps` what gst_sympie_stream_from_caps() takes, in formats and memory of
 * `formats`. Fields that are open name what works: a neighbour that can convert
 * then does. */
GstCaps *gst_sympie_caps_restrict (GstCaps *caps, GstCaps *formats);

/* A frame or field in memory, to read it and, where that is mapped, to write
 * it. */
typedef struct
{
  SympieImage image;
  SympieTarget target;
} GstSympieView;

/* Views of the memory of a mapped frame, valid as long as the map. Returns how
 * many: 1, or for an interlaced frame 2, of which the first is the top field.
 * Returns 0 where the buffer ends before the chroma rows that a bottom field of
 * an odd number of lines needs. */
guint gst_sympie_views_of_frame (GstSympieView views[GST_SYMPIE_MAX_VIEWS],
    const GstSympieStream *stream, const GstVideoFrame *frame);

/* Whether metadata is as true of a frame of the same size and colorimetry with
 * other pixels. */
gboolean gst_sympie_meta_stays_true (const GstMeta *meta);

G_END_DECLS

#endif /* GST_SYMPIE_IMAGE_H */
