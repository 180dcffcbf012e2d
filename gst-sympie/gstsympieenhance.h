/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef GST_SYMPIE_ENHANCE_H
#define GST_SYMPIE_ENHANCE_H

#include "gstsympiefilter.h"

G_BEGIN_DECLS

#define GST_TYPE_SYMPIE_ENHANCE (gst_sympie_enhance_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSympieEnhance, gst_sympie_enhance, GST, SYMPIE_ENHANCE, GstSympieFilter)

GST_ELEMENT_REGISTER_DECLARE (sympieenhance);

G_END_DECLS

#endif /* GST_SYMPIE_ENHANCE_H */
