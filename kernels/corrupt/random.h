/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Random numbers by position: the number at (stream, row, column) of a draw
 * needs no other one to be made first, so any thread can make it. */

#ifndef SYMPIE_RANDOM_H
#define SYMPIE_RANDOM_H

#include <stdint.h>

/* The draws of two neighbouring whole phases and what is taken of the second:
 * by share for uniform numbers, by angle for normal ones. */
typedef struct
{
  uint64_t keys[2];
  float share;        /* in [0, 1) */
  float cosine, sine; /* of share * 90 degrees */
  unsigned cpu_flags; /* SympieCpuFlags to use */
} SympieDraw;

SympieDraw sympie_draw (uint64_t seed, double phase, unsigned cpu_flags);

/* A seed that has nothing to do with `seed` nor with those of other numbers. */
uint64_t sympie_seed_split (uint64_t seed, uint64_t number);

/* Numbers 0 to n - 1 of a row of a stream. Uniform ones are multiples of 2^-24
 * in [0, 1) where the phase is whole; normal ones have mean 0 and deviation 1
 * and need room for a multiple of 2. */
void sympie_random_uniform (
    const SympieDraw *draw, int stream, int row, float *out, int n);
void sympie_random_normal (
    const SympieDraw *draw, int stream, int row, float *out, int n);

/* One number of a stream that has no other use: uniform in [low, high). */
double sympie_random_between (
    const SympieDraw *draw, int stream, double low, double high);

#endif /* SYMPIE_RANDOM_H */
