/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "cpu.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "../error.h"

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

/* False when the environment variable SYMPIE_CPU holds none of its values. */
static bool
read_environment (unsigned *mask)
{
  const char *name = getenv ("SYMPIE_CPU");

  *mask = SYMPIE_CPU_ALL;
  if (!name || !*name || strcmp (name, "avx512") == 0)
    return true;
  *mask = strcmp (name, "avx2") == 0 ? SYMPIE_CPU_AVX2 : 0;
  return *mask || strcmp (name, "c") == 0;
}

unsigned
sympie_cpu_mask_from_environment (void)
{
  unsigned mask;

  read_environment (&mask);
  return mask;
}

bool
sympie_cpu_check_environment (char **error)
{
  unsigned mask;

  return read_environment (&mask)
         || sympie_fail (error,
             "environment variable SYMPIE_CPU is '%s', not c, avx2 or avx512",
             getenv ("SYMPIE_CPU"));
}

int
sympie_cpu_count (void)
{
  cpu_set_t set;

  if (sched_getaffinity (0, sizeof set, &set) != 0)
    return 1; /* more processors than a cpu_set_t holds: be modest */
  return CPU_COUNT (&set);
}
