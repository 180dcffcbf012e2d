/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* How one axis of a frame becomes one axis of NEM's crop: every output is a
 * weighted sum of a few neighbouring samples. */

#ifndef SYMPIE_TAPS_H
#define SYMPIE_TAPS_H

#include "../nem_weights.h"

typedef enum
{
  SYMPIE_SAMPLES_ALL,     /* one for each pixel */
  SYMPIE_SAMPLES_CENTRED, /* one for two pixels, between them */
  SYMPIE_SAMPLES_COSITED, /* one for two pixels, on the first */
} SympieSampling;

typedef struct
{
  int count;                  /* taps of every output */
  int start[SYMPIE_NEM_SIZE]; /* its first sample, never out of range */
  float *weights;             /* [SYMPIE_NEM_SIZE][count] */
  int low, high;              /* samples that are read: low to high - 1 */
} SympieTaps;

/* Taps from an axis of `size` pixels in a frame whose smaller side is
 * `smaller`: resized in the proportion of SYMPIE_NEM_RESIZE to `smaller` (by
 * area where it shrinks, bilinearly where it grows) and cut to the middle
 * SYMPIE_NEM_SIZE. Chroma samples are first brought to the pixels bilinearly.
 * False when memory is short; the taps then can still be cleared. */
bool sympie_taps_init (
    SympieTaps *taps, int size, int smaller, SympieSampling sampling);
void sympie_taps_clear (SympieTaps *taps);

#endif /* SYMPIE_TAPS_H */
