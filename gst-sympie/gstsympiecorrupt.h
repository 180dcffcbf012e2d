/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef GST_SYMPIE_CORRUPT_H
#define GST_SYMPIE_CORRUPT_H

#include "gstsympiefilter.h"

G_BEGIN_DECLS

#define GST_TYPE_SYMPIE_CORRUPT (gst_sympie_corrupt_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSympieCorrupt, gst_sympie_corrupt, GST, SYMPIE_CORRUPT, GstSympieFilter)

GST_ELEMENT_REGISTER_DECLARE (sympiecorrupt);

G_END_DECLS

#endif /* GST_SYMPIE_CORRUPT_H */
