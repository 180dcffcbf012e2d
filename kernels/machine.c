/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "machine.h"

#include "backend.h"
#include "cpu/cpu.h"
#include "error.h"
#include "image.h"

bool
sympie_cuda_available (int cuda_device, SympieError *error)
{
#ifdef SYMPIE_HAVE_CUDA
  return sympie_cuda_probe (cuda_device, error);
#else
  return sympie_fail (
      error, SYMPIE_ERROR_DEVICE, "this libsympie was built without CUDA");
#endif
}

static bool
choose_device (SympieDevice *device, int cuda_device, SympieError *error)
{
  switch (*device) {
  case SYMPIE_DEVICE_AUTO:
    *device = sympie_cuda_available (cuda_device, NULL) ? SYMPIE_DEVICE_CUDA
                                                        : SYMPIE_DEVICE_CPU;
    return true;
  case SYMPIE_DEVICE_CPU:
    return true;
  case SYMPIE_DEVICE_CUDA:
    return sympie_cuda_available (cuda_device, error);
  }
  return sympie_fail (
      error, SYMPIE_ERROR_INVALID, "unknown device %d", (int) *device);
}

bool
sympie_choose (SympieDevice *device, int cuda_device, int *n_threads,
    unsigned *cpu_disabled, SympieError *error)
{
  return sympie_choose_threads (n_threads, error)
         && sympie_choose_cpu (cpu_disabled, error)
         && choose_device (device, cuda_device, error);
}

bool
sympie_device_takes (
    SympieDevice device, SympieFormat format, SympieError *error)
{
  return device == SYMPIE_DEVICE_CPU || sympie_format_is_on_cuda (format)
         || sympie_fail (error, SYMPIE_ERROR_INVALID,
             "%s is for the CPU only, not for CUDA",
             sympie_format_info (format)->name);
}
