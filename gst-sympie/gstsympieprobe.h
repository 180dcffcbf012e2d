/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef GST_SYMPIE_PROBE_H
#define GST_SYMPIE_PROBE_H

#include "gstsympiepairs.h"

G_BEGIN_DECLS

#define GST_TYPE_SYMPIE_PROBE (gst_sympie_probe_get_type ())
G_DECLARE_FINAL_TYPE (
    GstSympieProbe, gst_sympie_probe, GST, SYMPIE_PROBE, GstSympiePairs)

GST_ELEMENT_REGISTER_DECLARE (sympieprobe);

G_END_DECLS

#endif /* GST_SYMPIE_PROBE_H */
