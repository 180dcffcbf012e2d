/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* One source for each instruction set. */

#include "resample.h"

#include <string.h>

#include "../standard.h"
#include "../sympie.h"

/* Strides may be odd. */
typedef uint16_t Word __attribute__ ((aligned (1)));

/* Read whole, also where a pixel has three components. */
typedef float Pixel
    __attribute__ ((vector_size (4 * sizeof (float)), aligned (4)));

#define LANES 8
#define NAME(name) name##_c
#define TARGET
#include "resample_tmpl.h"

#if defined(__x86_64__)
#define LANES 8
#define NAME(name) name##_avx2
#define TARGET __attribute__ ((target ("avx2,fma")))
#include "resample_tmpl.h"

#define LANES 16
#define NAME(name) name##_avx512
#define TARGET __attribute__ ((target ("avx512f,avx512bw,avx512dq,avx512vl")))
#include "resample_tmpl.h"
#endif

const SympieResample *
sympie_resample (unsigned cpu_flags)
{
#if defined(__x86_64__)
  if (cpu_flags & SYMPIE_CPU_AVX512)
    return &resample_avx512;
  if (cpu_flags & SYMPIE_CPU_AVX2)
    return &resample_avx2;
#endif
  return &resample_c;
}
