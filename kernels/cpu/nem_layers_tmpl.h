/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Included by nem_layers.c for each instruction set, with
 *   BLOCK        channels in a vector
 *   STEM_BLOCKS  vectors of channels that the stem keeps in registers
 *   NAME (name)  name with the suffix of the set
 *   TARGET       the attribute that lets the compiler use it */

#define VECTOR_BYTES (BLOCK * sizeof (float))

typedef float NAME (Vector) __attribute__ ((vector_size (VECTOR_BYTES)));
typedef int NAME (Mask) __attribute__ ((vector_size (VECTOR_BYTES)));

#define Vector NAME (Vector)
#define Mask NAME (Mask)
#define INLINE TARGET static inline __attribute__ ((always_inline))

#define RELU(x) ((Vector) ((Mask) (x) & ((x) > 0)))

INLINE const Vector *
NAME (load) (const float *p)
{
  return (const Vector *) p;
}

/* ---- Stem and the pool behind it --------------------------------------- */

/* What a row of the stem gives to the row of the pool: for each window its five
 * columns, the first of which is the last of the window before. Four columns
 * and STEM_BLOCKS vectors of channels are in registers at a time. */
INLINE void
NAME (stem_row) (const SympieCrop *crop, int y, const float *weight,
    const float *bias, float *out, float *out_next)
{
  Vector last[STEM_BLOCKS] = {};

  for (int j = 0; j < SYMPIE_STEM_SIZE; j++) {
    Vector sum[4][STEM_BLOCKS];

    for (int p = 0; p < 4; p++)
      for (int g = 0; g < STEM_BLOCKS; g++)
        sum[p][g] = NAME (load) (bias)[g];

    for (int c = 0; c < 3; c++)
      for (int ky = 0; ky < 3; ky++) {
        const float *in = &crop->rgb[c][y + ky][4 * j];
        const float *w = weight + (c * 3 + ky) * 3 * SYMPIE_STEM_CHANNELS;

        for (int kx = 0; kx < 3; kx++, w += SYMPIE_STEM_CHANNELS)
          for (int g = 0; g < STEM_BLOCKS; g++) {
            Vector v = NAME (load) (w)[g];

            for (int p = 0; p < 4; p++)
              sum[p][g] += v * in[kx + p];
          }
      }

    for (int g = 0; g < STEM_BLOCKS; g++) {
      Vector row = last[g];
      size_t at = (size_t) g * SYMPIE_STEM_SIZE * SYMPIE_STEM_SIZE + j;

      for (int p = 0; p < 4; p++) {
        last[g] = RELU (sum[p][g]);
        row += last[g];
      }
      if (out)
        ((Vector *) out)[at] += row;
      if (out_next)
        ((Vector *) out_next)[at] = row;
    }
  }
}

TARGET static void
NAME (stem) (const SympieCrop *crop, const float *weight, const float *bias,
    float *out, int first, int end)
{
  enum
  {
    ROW = SYMPIE_STEM_SIZE * BLOCK,
    GROUP = STEM_BLOCKS * BLOCK, /* channels */
  };

  /* Row y of the stem is in windows y / 4 and, every fourth, in the next. */
  for (int y = first ? 4 * first - 1 : 0; y < 4 * end; y++)
    for (int channel = 0; channel < SYMPIE_STEM_CHANNELS; channel += GROUP) {
      float *o = out + (size_t) channel * SYMPIE_STEM_SIZE * SYMPIE_STEM_SIZE;
      int i = y / 4;
      bool opens = y % 4 == 3 && i + 1 < end;

      if (y == 0)
        for (int g = 0; g < STEM_BLOCKS; g++)
          memset (o + (size_t) g * ROW * SYMPIE_STEM_SIZE, 0, ROW * sizeof *o);
      NAME (stem_row)
      (crop, y, weight + channel, bias + channel,
          i >= first ? o + (size_t) i * ROW : NULL,
          opens ? o + (size_t) (i + 1) * ROW : NULL);
    }
}

/* ---- Between convolutions ---------------------------------------------- */

TARGET static void
NAME (affine_relu) (const float *x, const float *scale, const float *shift,
    float *y, int n_blocks, int size)
{
  const Vector *in = NAME (load) (x);
  Vector *out = (Vector *) y;

  for (int b = 0; b < n_blocks; b++) {
    Vector factor = NAME (load) (scale)[b], term = NAME (load) (shift)[b];

    for (int i = 0; i < size * size; i++) {
      Vector v = factor * *in++ + term;

      *out++ = RELU (v);
    }
  }
}

TARGET static void
NAME (pool_sum) (
    const float *a, const float *b, float *out, int n_blocks, int size)
{
  int n = size / 4;
  Vector *o = (Vector *) out;

  for (int block = 0; block < n_blocks; block++) {
    size_t at = (size_t) block * size * size;
    const Vector *p = NAME (load) (a) + at, *q = NAME (load) (b) + at;

    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) {
        Vector sum = {};

        for (int y = i ? 4 * i - 1 : 0; y < 4 * i + 4; y++)
          for (int x = j ? 4 * j - 1 : 0; x < 4 * j + 4; x++)
            sum += p[y * size + x] + q[y * size + x];
        *o++ = sum / SYMPIE_POOL_AREA;
      }
  }
}

TARGET static void
NAME (mean_sum) (
    const float *a, const float *b, float *out, int n_blocks, int size)
{
  const Vector *p = NAME (load) (a), *q = NAME (load) (b);

  for (int block = 0; block < n_blocks; block++) {
    Vector sum = {};

    for (int i = 0; i < size * size; i++)
      sum += *p++ + *q++;
    ((Vector *) out)[block] = sum / (float) (size * size);
  }
}

static const SympieNemLayers NAME (layers) = {
  .block = BLOCK,
  .stem = NAME (stem),
  .affine_relu = NAME (affine_relu),
  .pool_sum = NAME (pool_sum),
  .mean_sum = NAME (mean_sum),
};

#undef Vector
#undef Mask
#undef INLINE
#undef RELU
#undef VECTOR_BYTES
#undef BLOCK
#undef STEM_BLOCKS
#undef NAME
#undef TARGET
