/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "taps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The weights of one output, from sample `first` on. */
typedef struct
{
  int n_samples;
  int log2; /* pixels a sample */
  bool cosited;
  int first, n;
  double *weights;
} Output;

static void
add (Output *output, int sample, double weight)
{
  int index = sample - output->first;

  if (output->n == 0) {
    output->first = sample;
    index = 0;
  }
  while (output->n <= index)
    output->weights[output->n++] = 0;
  output->weights[index] += weight;
}

/* A pixel, by linear interpolation of samples, of which the outermost go on for
 * ever. */
static void
add_pixel (Output *output, int pixel, double weight)
{
  int n = 1 << output->log2;
  double position =
      output->cosited ? (double) pixel / n : (pixel - (n - 1) / 2.0) / n;
  double clamped = fmin (fmax (position, 0), output->n_samples - 1);
  int sample = (int) clamped;
  double part = clamped - sample;

  add (output, sample, weight * (1 - part));
  if (part > 0)
    add (output, sample + 1, weight * part);
}

/* Pixel `index` of an axis that is resized from `size` to `resized` pixels. */
static void
make_output (Output *output, int64_t index, int64_t size, int64_t resized)
{
  output->n = 0;
  if (resized <= size) {
    /* In units of 1 / resized of a pixel, so that all is whole: it covers
     * [begin, end), and pixel x covers [x * resized, (x + 1) * resized). */
    int64_t begin = index * size, end = begin + size;

    for (int64_t x = begin / resized; x * resized < end; x++) {
      int64_t left = x * resized, right = left + resized;
      int64_t covered =
          (right < end ? right : end) - (left > begin ? left : begin);

      add_pixel (output, (int) x, (double) covered / (double) size);
    }
  } else {
    double position = (index + 0.5) * (double) size / (double) resized - 0.5;
    double clamped = fmin (fmax (position, 0), (double) size - 1);
    int x = (int) clamped;
    double part = clamped - x;

    add_pixel (output, x, 1 - part);
    if (part > 0)
      add_pixel (output, x + 1, part);
  }
}

bool
sympie_taps_init (
    SympieTaps *taps, int size, int resized, int n, int log2, bool cosited)
{
  int offset = (resized - n) / 2;
  int n_samples = (size + (1 << log2) - 1) >> log2;
  Output output = { .n_samples = n_samples, .log2 = log2, .cosited = cosited };

  *taps = (SympieTaps){ .n = n, .low = n_samples };
  /* Room for what one output can need: its pixels and a neighbour each way. */
  output.weights = malloc ((size / resized + 4) * 2 * sizeof *output.weights);
  if (!output.weights)
    return false;

  for (int i = 0; i < n; i++) {
    make_output (&output, offset + i, size, resized);
    if (output.n > taps->count)
      taps->count = output.n;
  }
  taps->start = calloc (n, sizeof *taps->start);
  taps->weights = calloc ((size_t) n * taps->count, sizeof *taps->weights);
  for (int i = 0; taps->start && taps->weights && i < n; i++) {
    float *weights = taps->weights + (size_t) i * taps->count;
    int start;

    make_output (&output, offset + i, size, resized);
    start = output.first;
    if (start > n_samples - taps->count)
      start = n_samples - taps->count;
    for (int t = 0; t < output.n; t++)
      weights[output.first - start + t] = (float) output.weights[t];
    taps->start[i] = start;
    if (start < taps->low)
      taps->low = start;
    if (start + taps->count > taps->high)
      taps->high = start + taps->count;
  }
  free (output.weights);
  return taps->start && taps->weights;
}

void
sympie_taps_clear (SympieTaps *taps)
{
  free (taps->start);
  free (taps->weights);
  *taps = (SympieTaps){ 0 };
}
