/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Which video works, and what it is in libsympie's words. */

#ifndef GST_SYMPIE_FORMATS_H
#define GST_SYMPIE_FORMATS_H

#include <gst/video/video.h>

#include "sympie.h"

/* The formats and sizes of sympie.h as caps, and the formats that CUDA takes
 * (see sympie_format_is_on_cuda), of which GStreamer allocates all but two in
 * CUDA memory; an element puts its caps features in front. */
#define GST_SYMPIE_FORMATS_CUDA_MEMORY                                         \
  "RGB, BGR, RGBx, BGRx, RGBA, BGRA, ARGB, ABGR, GBR, "                        \
  "I420, YV12, NV12, NV21, Y42B, Y444, I420_10LE, P010_10LE"
#define GST_SYMPIE_FORMATS_CUDA GST_SYMPIE_FORMATS_CUDA_MEMORY ", xRGB, xBGR"
#if GST_CHECK_VERSION(1, 24, 0)
#define GST_SYMPIE_FORMATS_1_24                                                \
  ", A422, A444, A420_12LE, A420_12BE, A422_12LE, A422_12BE, A444_12LE, "      \
  "A444_12BE, RBGA"
#else
#define GST_SYMPIE_FORMATS_1_24
#endif
#if GST_CHECK_VERSION(1, 26, 0)
#define GST_SYMPIE_FORMATS_1_26 ", GRAY10_LE16"
#else
#define GST_SYMPIE_FORMATS_1_26
#endif
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
  "P012_BE, Y210, Y212_LE, Y212_BE, Y410, Y412_LE, Y412_BE, v210, "            \
  "YUV9, YVU9, IYU1, UYVP, GRAY10_LE32, NV12_10LE32, NV16_10LE32, "            \
  "NV12_10LE40" GST_SYMPIE_FORMATS_1_24 GST_SYMPIE_FORMATS_1_26
#define GST_SYMPIE_CAPS_FIELDS_OF(formats)                                     \
  ", format = (string) { " formats " }, "                                      \
  "width = (int) [ 1, 32768 ], height = (int) [ 1, 32768 ], "                  \
  "framerate = " GST_VIDEO_FPS_RANGE

/* Frames in system memory, by themselves and with pictures to be laid over. */
#define GST_SYMPIE_OVERLAID                                                    \
  "video/x-raw(memory:SystemMemory, meta:GstVideoOverlayComposition)"
#define GST_SYMPIE_CAPS_OF(formats)                                            \
  "video/x-raw" GST_SYMPIE_CAPS_FIELDS_OF (formats) "; " GST_SYMPIE_OVERLAID   \
  GST_SYMPIE_CAPS_FIELDS_OF (formats)
#define GST_SYMPIE_CAPS GST_SYMPIE_CAPS_OF (GST_SYMPIE_FORMATS)

/* What the frames of a stream are. */
typedef struct
{
  GstVideoInfo info;
  SympieFormat format;
  SympieColorimetry colorimetry;
} GstSympieFormat;

/* Of fixed caps. Fails on those that say too little and on what DWM would
 * mangle, with what it is in `reason`, which the caller frees: transfer
 * functions that are not gamma-coded (PQ, linear, logarithmic), YUV formats
 * with the matrix RGB, views that share a frame, and fields and views kept in
 * memory of their own. */
gboolean gst_sympie_format_from_caps (
    GstSympieFormat *format, GstCaps *caps, gchar **reason);

/* Of `caps` what gst_sympie_format_from_caps() takes, in formats and memory of
 * `formats`. Fields that are open name what works where a converter asks, which
 * then converts: that shows in `asked`, what upstream offers, or NULL. Caps of
 * a stream, with one format and size, are open no more. */
GstCaps *gst_sympie_caps_restrict (
    GstCaps *caps, GstCaps *formats, GstCaps *asked);

#endif /* GST_SYMPIE_FORMATS_H */
