/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* SYMPIE_CLONES before a function has the compiler make a variant of it for
 * AVX2 that is chosen when the library is loaded. Floating point is the same
 * in all of them: these files are compiled without contraction to FMA and
 * without any licence to reorder. */

#ifndef SYMPIE_CLONES_H
#define SYMPIE_CLONES_H

#include <stdint.h> /* says whether the C library is glibc: it can choose */

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(SYMPIE_NO_CLONES)
#define SYMPIE_CLONES __attribute__ ((target_clones ("avx2", "default")))
#else
#define SYMPIE_CLONES
#endif

#endif /* SYMPIE_CLONES_H */
