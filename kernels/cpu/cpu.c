/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cpu.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

unsigned
sympie_cpu_flags (unsigned mask)
{
  unsigned flags = 0;

#if defined(__x86_64__)
  __builtin_cpu_init ();
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma"))
    flags |= SYMPIE_CPU_AVX2;
  if ((flags & SYMPIE_CPU_AVX2) && __builtin_cpu_supports ("avx512f")
      && __builtin_cpu_supports ("avx512bw")
      && __builtin_cpu_supports ("avx512dq")
      && __builtin_cpu_supports ("avx512vl")
      && __builtin_cpu_supports ("avx512vnni"))
    flags |= SYMPIE_CPU_AVX512;
#endif
  return flags & mask;
}

unsigned
sympie_cpu_mask_from_environment (void)
{
  const char *name = getenv ("SYMPIE_CPU");

  if (name && strcmp (name, "c") == 0)
    return 0;
  if (name && strcmp (name, "avx2") == 0)
    return SYMPIE_CPU_AVX2;
  return SYMPIE_CPU_ALL;
}

int
sympie_cpu_count (void)
{
  cpu_set_t set;

  if (sched_getaffinity (0, sizeof set, &set) != 0)
    return 1; /* more processors than a cpu_set_t holds: be modest */
  return CPU_COUNT (&set);
}
