/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympiedevice.h"

GType
gst_sympie_device_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
    { SYMPIE_DEVICE_AUTO, "The best device there is", "auto" },
    { SYMPIE_DEVICE_CPU, "The processor", "cpu" },
    { SYMPIE_DEVICE_CUDA, "An NVIDIA GPU", "cuda" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (
        &type, g_enum_register_static ("GstSympieDevice", values));
  return type;
}
