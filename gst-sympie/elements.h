/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The elements of the plugin. */

#ifndef GST_SYMPIE_ELEMENTS_H
#define GST_SYMPIE_ELEMENTS_H

#include "gstsympiefilter.h"

/* Nobody to write to and no address yet; what package a build comes in and from
 * where, meson's options say. */
#define GST_SYMPIE_AUTHOR "The gst-sympie project"

#define GST_TYPE_SYMPIE_ENHANCE (gst_sympie_enhance_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSympieEnhance, gst_sympie_enhance, GST, SYMPIE_ENHANCE, GstSympieFilter)

#define GST_TYPE_SYMPIE_ENHANCE_BIN (gst_sympie_enhance_bin_get_type ())
G_DECLARE_FINAL_TYPE (GstSympieEnhanceBin, gst_sympie_enhance_bin, GST,
    SYMPIE_ENHANCE_BIN, GstBin)

#define GST_TYPE_SYMPIE_CORRUPT (gst_sympie_corrupt_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSympieCorrupt, gst_sympie_corrupt, GST, SYMPIE_CORRUPT, GstSympieFilter)

GST_ELEMENT_REGISTER_DECLARE (sympieenhance);
GST_ELEMENT_REGISTER_DECLARE (sympieenhancebin);
GST_ELEMENT_REGISTER_DECLARE (sympiecorrupt);
GST_ELEMENT_REGISTER_DECLARE (sympieprobe);

#endif /* GST_SYMPIE_ELEMENTS_H */
