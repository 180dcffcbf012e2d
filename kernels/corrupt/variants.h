/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A function in plain C and, from the same source, for AVX2:
 *
 *     SYMPIE_VARIANTS (add, (float *a, const float *b, int n), (a, b, n))
 *     {
 *       ...
 *     }
 *
 * SYMPIE_PICK (cpu_flags, add) is the one to call. Floating point is the same
 * in both: these files are compiled without contraction to FMA and without any
 * licence to reorder. */

#ifndef SYMPIE_VARIANTS_H
#define SYMPIE_VARIANTS_H

#include "../sympie.h"

#if defined(__x86_64__)
#define SYMPIE_VARIANTS(name, parameters, arguments)                           \
  static inline __attribute__ ((always_inline)) void name##_body parameters;   \
  static void name##_c parameters                                              \
  {                                                                            \
    name##_body arguments;                                                     \
  }                                                                            \
  __attribute__ ((target ("avx2"))) static void name##_avx2 parameters         \
  {                                                                            \
    name##_body arguments;                                                     \
  }                                                                            \
  static inline __attribute__ ((always_inline)) void name##_body parameters
#define SYMPIE_PICK(cpu_flags, name)                                           \
  ((cpu_flags) &SYMPIE_CPU_AVX2 ? name##_avx2 : name##_c)
#else
#define SYMPIE_VARIANTS(name, parameters, arguments)                           \
  static void name##_c parameters
#define SYMPIE_PICK(cpu_flags, name) name##_c
#endif

#define SYMPIE_CALL(cpu_flags, name, ...)                                      \
  SYMPIE_PICK (cpu_flags, name) (__VA_ARGS__)

/* A function that sympie_canvas_rows() calls. */
#define SYMPIE_ROWS_VARIANTS(name)                                             \
  SYMPIE_VARIANTS (name, (void *data, int first, int end, int thread),         \
      (data, first, end, thread))

#endif /* SYMPIE_VARIANTS_H */
