/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef GST_SYMPIE_ENHANCE_BIN_H
#define GST_SYMPIE_ENHANCE_BIN_H

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_SYMPIE_ENHANCE_BIN (gst_sympie_enhance_bin_get_type ())
G_DECLARE_FINAL_TYPE (GstSympieEnhanceBin, gst_sympie_enhance_bin, GST,
    SYMPIE_ENHANCE_BIN, GstBin)

GST_ELEMENT_REGISTER_DECLARE (sympieenhancebin);

G_END_DECLS

#endif /* GST_SYMPIE_ENHANCE_BIN_H */
