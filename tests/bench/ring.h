/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Frames as a decoder hands them over: not in any cache. A ring holds so many
 * that the first has left the caches when its turn comes again. */

#ifndef BENCH_RING_H
#define BENCH_RING_H

#include "../../kernels/sympie.h"
#include "bench.h"

typedef struct
{
  int n, next;
  size_t size; /* bytes of one image */
  SympieImage *src;
  SympieTarget *dst;
} BenchRing;

BenchRing *bench_ring_new (SympieFormat format);
void bench_ring_free (BenchRing *ring);

/* The next pair: an image to read and where one may be written. */
void bench_ring_next (
    BenchRing *ring, const SympieImage **src, const SympieTarget **dst);

/* Parameters as NEM may give them: near identity, no value zero. */
SympieParams bench_params (void);

/* Fills `size` bytes with something between a picture and noise, all values
 * within limited range. */
void bench_texture (uint8_t *memory, size_t size);

#endif /* BENCH_RING_H */
