/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Included by resample.c for each instruction set, with
 *   LANES        floats in a vector
 *   NAME (name)  name with the suffix of the set
 *   TARGET       the attribute that lets the compiler use it */

#define CHUNK (4 * LANES)

/* A chunk of sums stays in registers; the last one overlaps that before. In a
 * box all weights but the outermost are the same: of bytes, those between are
 * summed as they are, in 16 bits, which hold twice as many as there can be.
 * What the next output reads is asked for early: its rows are too many streams,
 * and too short, for the processor to see it coming. */
#define DEFINE_ROWS(suffix, Sample, boxed, drop)                               \
  TARGET static inline void NAME (chunk_##suffix) (const uint8_t *rows,        \
      ptrdiff_t stride, const float *weights, int count, int first, int end,   \
      int shift, float *out, int n)                                            \
  {                                                                            \
    uint16_t whole[CHUNK] = { 0 };                                             \
    float sum[CHUNK];                                                          \
                                                                               \
    for (int t = first; t < end; t++) {                                        \
      const Sample *row = (const Sample *) (rows + t * stride);                \
                                                                               \
      for (int i = 0; i < n; i++)                                              \
        whole[i] = (uint16_t) (whole[i] + row[i]);                             \
    }                                                                          \
    for (int i = 0; i < n; i++)                                                \
      sum[i] = weights[first] * (float) whole[i];                              \
    for (int t = 0; t < count; t++) {                                          \
      const Sample *row = (const Sample *) (rows + t * stride);                \
      float weight = weights[t];                                               \
                                                                               \
      if (weight == 0 || (t >= first && t < end))                              \
        continue;                                                              \
      for (int i = 0; i < n; i++)                                              \
        sum[i] += weight * (float) (row[i] >> (drop));                         \
    }                                                                          \
    memcpy (out, sum, n * sizeof *out);                                        \
  }                                                                            \
                                                                               \
  TARGET static void NAME (rows_##suffix) (const void *rows, ptrdiff_t stride, \
      const float *weights, int count, int shift, float *out, int n)           \
  {                                                                            \
    const Sample *samples = rows;                                              \
    int first = count / 2, end = first + boxed;                                \
                                                                               \
    while (boxed && first > 0 && weights[first - 1] == weights[first])         \
      first--;                                                                 \
    while (boxed && end < count && weights[end] == weights[first])             \
      end++;                                                                   \
    if (n < CHUNK) {                                                           \
      NAME (chunk_##suffix)                                                    \
      (rows, stride, weights, count, first, end, shift, out, n);               \
      return;                                                                  \
    }                                                                          \
    for (int x = 0; x < n; x += CHUNK) {                                       \
      if (x > n - CHUNK)                                                       \
        x = n - CHUNK;                                                         \
      for (int t = count - 1; t < 2 * count - 1; t++)                          \
        __builtin_prefetch ((const uint8_t *) (samples + x) + t * stride);     \
      NAME (chunk_##suffix)                                                    \
      ((const uint8_t *) (samples + x), stride, weights, count, first, end,    \
          shift, out + x, CHUNK);                                              \
    }                                                                          \
  }

DEFINE_ROWS (8, uint8_t, true, 0)
DEFINE_ROWS (16, Word, false, shift)

TARGET static void
NAME (columns) (const float *row, int step, const SympieTaps *taps, float *out)
{
  const float *weights = taps->weights;

  for (int i = 0; i < taps->n; i++) {
    const float *in = row + (size_t) (taps->start[i] - taps->low) * step;
    float sum = 0;

    for (int t = 0; t < taps->count; t++)
      sum += *weights++ * in[t * step];
    out[i] = sum;
  }
}

TARGET static void
NAME (pixels) (
    const float *row, int step, const SympieTaps *taps, float *const out[4])
{
  const float *weights = taps->weights;

  for (int i = 0; i < taps->n; i++) {
    const float *in = row + (size_t) (taps->start[i] - taps->low) * step;
    Pixel sum = { 0 };

    for (int t = 0; t < taps->count; t++)
      sum += *weights++ * *(const Pixel *) (in + t * step);
    for (int k = 0; k < step; k++)
      if (out[k])
        out[k][i] = sum[k];
  }
}

TARGET static void
NAME (standardise) (float *const codes[3], const float matrix[3][3],
    const float constant[3], float *const rgb[3], int n)
{
  for (int c = 0; c < 3; c++) {
    float m0 = matrix[c][0], m1 = matrix[c][1], m2 = matrix[c][2];
    float k = constant[c], mean = sympie_mean[c], scale = 1 / sympie_std[c];
    const float *p = codes[0], *q = codes[1], *r = codes[2];
    float *restrict out = rgb[c];

    for (int i = 0; i < n; i++) {
      float v = m0 * p[i] + m1 * q[i] + m2 * r[i] + k;

      v = v < 0 ? 0 : v;
      v = v > 1 ? 1 : v;
      out[i] = (v - mean) * scale;
    }
  }
}

static const SympieResample NAME (resample) = {
  .rows_8 = NAME (rows_8),
  .rows_16 = NAME (rows_16),
  .columns = NAME (columns),
  .pixels = NAME (pixels),
  .standardise = NAME (standardise),
};

#undef CHUNK
#undef DEFINE_ROWS
#undef LANES
#undef NAME
#undef TARGET
