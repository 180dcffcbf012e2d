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
sympie_cpu_flags (unsigned disabled)
{
  unsigned flags = 0;

#if defined(__x86_64__)
  __builtin_cpu_init ();
  if (__builtin_cpu_supports ("ssse3"))
    flags |= SYMPIE_CPU_SSSE3;
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma"))
    flags |= SYMPIE_CPU_AVX2;
  if ((flags & SYMPIE_CPU_AVX2) && __builtin_cpu_supports ("avx512f")
      && __builtin_cpu_supports ("avx512bw")
      && __builtin_cpu_supports ("avx512dq")
      && __builtin_cpu_supports ("avx512vl"))
    flags |= SYMPIE_CPU_AVX512;
#elif defined(__aarch64__)
  flags |= SYMPIE_CPU_NEON;
#endif
  flags &= ~disabled;
  return flags & SYMPIE_CPU_AVX2 ? flags : flags & ~SYMPIE_CPU_AVX512;
}

bool
sympie_choose_cpu (unsigned *disabled, SympieError *error)
{
  static const struct
  {
    const char *name;
    unsigned flag;
  } levels[] = {
    { "c", 0 },
    { "ssse3", SYMPIE_CPU_SSSE3 },
    { "avx2", SYMPIE_CPU_AVX2 },
    { "avx512", SYMPIE_CPU_AVX512 },
    { "neon", SYMPIE_CPU_NEON },
  };
  const char *name = getenv ("SYMPIE_CPU");
  unsigned allowed = 0;

  if (*disabled || !name || !*name)
    return true;
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
    allowed |= levels[i].flag;
    if (strcmp (name, levels[i].name) == 0) {
      *disabled = ~allowed;
      return true;
    }
  }
  return sympie_fail (error, SYMPIE_ERROR_INVALID,
      "environment variable SYMPIE_CPU is '%s', not c, ssse3, avx2, avx512 "
      "or neon",
      name);
}

int
sympie_cpu_count (void)
{
  cpu_set_t set;

  if (sched_getaffinity (0, sizeof set, &set) != 0)
    return 1; /* more processors than a cpu_set_t holds */
  return CPU_COUNT (&set);
}

bool
sympie_choose_threads (int *n_threads, SympieError *error)
{
  if (*n_threads < 0 || *n_threads > SYMPIE_MAX_THREADS)
    return sympie_fail (error, SYMPIE_ERROR_INVALID,
        "%d threads asked for, not 0 to %d", *n_threads, SYMPIE_MAX_THREADS);
  if (*n_threads == 0)
    *n_threads = sympie_cpu_count ();
  return true;
}
