/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef GST_SYMPIE_DEVICE_H
#define GST_SYMPIE_DEVICE_H

#include <gst/gst.h>

#include "sympie.h"

G_BEGIN_DECLS

/* SympieDevice as the enumeration that properties have. */
#define GST_TYPE_SYMPIE_DEVICE (gst_sympie_device_get_type ())
GType gst_sympie_device_get_type (void);

G_END_DECLS

#endif /* GST_SYMPIE_DEVICE_H */
