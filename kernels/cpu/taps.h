/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* How one axis of a frame becomes one axis of what a network sees: every output
 * is a weighted sum of a few neighbouring samples. */

#ifndef SYMPIE_TAPS_H
#define SYMPIE_TAPS_H

#include <stdbool.h>

typedef struct
{
  int n;          /* outputs */
  int count;      /* taps of every output */
  int *start;     /* [n] its first sample, never out of range */
  float *weights; /* [n][count] */
  int low, high;  /* samples that are read: low to high - 1 */
} SympieTaps;

/* Taps from an axis of `size` pixels that is resized to `resized` (by area
 * where it shrinks, bilinearly where it grows) and cut to the middle `n`. There
 * is a sample for 2^log2 pixels, on the first of them (cosited) or in the
 * middle of them; such samples are first brought to the pixels bilinearly.
 * False when memory is short; the taps then can still be cleared. */
bool sympie_taps_init (
    SympieTaps *taps, int size, int resized, int n, int log2, bool cosited);
void sympie_taps_clear (SympieTaps *taps);

#endif /* SYMPIE_TAPS_H */
