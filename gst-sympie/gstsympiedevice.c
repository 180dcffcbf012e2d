/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympiedevice.h"

#include "enums.h"

GST_SYMPIE_DEFINE_ENUM (GstSympieDevice, gst_sympie_device,
    { SYMPIE_DEVICE_AUTO, "The best device there is", "auto" },
    { SYMPIE_DEVICE_CPU, "The processor", "cpu" },
    { SYMPIE_DEVICE_CUDA, "An NVIDIA GPU", "cuda" });

gboolean
gst_sympie_device_choose (
    GstElement *element, SympieDevice *device, gint cuda_device)
{
  SympieError error;

  if (*device == SYMPIE_DEVICE_CPU)
    return TRUE;
  if (sympie_cuda_available (cuda_device, &error)) {
    *device = SYMPIE_DEVICE_CUDA;
    return TRUE;
  }
  if (*device == SYMPIE_DEVICE_CUDA) {
    GST_ELEMENT_ERROR (element, RESOURCE, NOT_FOUND,
        ("Cannot use device=cuda: %s", error.message), (NULL));
    return FALSE;
  }
#ifdef SYMPIE_HAVE_CUDA
  GST_ELEMENT_WARNING (element, RESOURCE, NOT_FOUND,
      ("device=auto takes the processor: %s", error.message),
      ("device=cpu does so without this warning"));
#else
  GST_INFO_OBJECT (
      element, "device=auto takes the processor: %s", error.message);
#endif
  *device = SYMPIE_DEVICE_CPU;
  return TRUE;
}
