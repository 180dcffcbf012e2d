/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "elements.h"

/* An element that cannot be registered does not take the others with it. */
static gboolean
plugin_init (GstPlugin *plugin)
{
  gboolean any = FALSE;

  any |= GST_ELEMENT_REGISTER (sympieenhance, plugin);
  any |= GST_ELEMENT_REGISTER (sympieenhancebin, plugin);
  any |= GST_ELEMENT_REGISTER (sympiecorrupt, plugin);
  any |= GST_ELEMENT_REGISTER (sympieprobe, plugin);
  return any;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, sympie,
    "SyMPIE: makes video easier to understand for vision models", plugin_init,
    PACKAGE_VERSION, "LGPL", PACKAGE_NAME, PACKAGE_ORIGIN)
