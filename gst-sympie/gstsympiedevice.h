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

/* Makes of SYMPIE_DEVICE_AUTO the device to use, CUDA where it is there. FALSE,
 * with an error posted, where CUDA was asked for by name and is not.
 *
 * Nobody should have to guess why video is slow: an element that had to take
 * the processor posts a warning. Where the plugin was built without CUDA there
 * was nothing to choose, and it is silent. */
gboolean gst_sympie_device_choose (
    GstElement *element, SympieDevice *device, gint cuda_device);

G_END_DECLS

#endif /* GST_SYMPIE_DEVICE_H */
