/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* One source for each instruction set; the compiler's vectors keep it plain. */

#include "nem_layers.h"

#include <string.h>

#define BLOCK 8
#define STEM_BLOCKS 2 /* of channels at a time; 16 registers hold no more */
#define NAME(name) name##_c
#define TARGET
#include "nem_layers_tmpl.h"

#if defined(__x86_64__)
#define BLOCK 8
#define STEM_BLOCKS 2
#define NAME(name) name##_avx2
#define TARGET __attribute__ ((target ("avx2,fma")))
#include "nem_layers_tmpl.h"

#define BLOCK 16
#define STEM_BLOCKS 4
#define NAME(name) name##_avx512
#define TARGET __attribute__ ((target ("avx512f,avx512bw,avx512dq,avx512vl")))
#include "nem_layers_tmpl.h"
#endif

const SympieNemLayers *
sympie_nem_layers (unsigned cpu_flags)
{
#if defined(__x86_64__)
  if (cpu_flags & SYMPIE_CPU_AVX512)
    return &layers_avx512;
  if (cpu_flags & SYMPIE_CPU_AVX2)
    return &layers_avx2;
#endif
  return &layers_c;
}
