/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The sums of preprocessing, for each instruction set. */

#ifndef SYMPIE_RESAMPLE_H
#define SYMPIE_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "taps.h"

typedef struct
{
  /* out[x] = sum over t of weights[t] * row t[x], for n samples of `count` rows
   * that are `stride` bytes apart. */
  void (*rows_8) (const void *rows, ptrdiff_t stride, const float *weights,
      int count, int shift, float *out, int n);
  /* The same for 16-bit samples, of which `shift` bits are dropped. */
  void (*rows_16) (const void *rows, ptrdiff_t stride, const float *weights,
      int count, int shift, float *out, int n);

  /* out[i] = sum over t of weights[i][t] * row[(start[i] - low + t) * step],
   * for each i. */
  void (*columns) (
      const float *row, int step, const SympieTaps *taps, float *out);
  /* The same for all of the 3 or 4 components of pixels at once; where out[k]
   * is NULL, nobody wants component k. Reads up to a float after the row. */
  void (*pixels) (
      const float *row, int step, const SympieTaps *taps, float *const out[4]);

  /* Codes of a pixel to R, G, B: clamp (matrix * code + constant) from 0 to 1,
   * then standardised; n pixels. */
  void (*standardise) (float *const codes[3], const float matrix[3][3],
      const float constant[3], float *const rgb[3], int n);
} SympieResample;

const SympieResample *sympie_resample (unsigned cpu_flags);

#endif /* SYMPIE_RESAMPLE_H */
