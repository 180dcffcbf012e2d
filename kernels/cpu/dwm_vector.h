/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM's filter in vectors. Before the inclusion: Vec, of LANES samples; on them
 * load_vec(), store_vec(), splat() (a number in all lanes), multiply()
 * (sympie_mul_q15()), add(), add_saturated(), clamp_vec() and shift_down();
 * IN_REGISTER, the constraint that puts one into a register. */

#include "dwm_tmpl.h"

enum
{
  STEP = 2 * LANES /* columns filtered at a time */
};

/* Taps in the order of their use: by column, then by row. */
typedef struct
{
  Vec taps[5][5];
} SpreadTaps;

typedef struct
{
  Vec mix[3][3], bias[3], low, high;
  int doublings, down;
} SpreadMix;

static void
spread (const SympieDwmPlan *plan, SpreadTaps *taps, SpreadMix *mix)
{
  for (int i = 0; i < 25; i++)
    taps->taps[i % 5][i / 5] = splat (plan->taps[i]);
  for (int c = 0; c < 3; c++) {
    for (int d = 0; d < 3; d++)
      mix->mix[c][d] = splat (plan->mix[c][d]);
    mix->bias[c] = splat (plan->bias[c]);
  }
  mix->low = splat (plan->low);
  mix->high = splat (plan->high);
  mix->doublings = plan->doublings;
  mix->down = plan->down;
}

/* Keeps a vector in a register, and the compiler from changing the order. */
#ifndef KEEP
#define KEEP(vector) __asm__("" : "+" IN_REGISTER (vector))
#endif

/* 5x5 sums of one channel: STEP columns of the four rows of a group, from the
 * pairs `p`, `q`, `r` and `s`, two columns before them. With the taps of a
 * column and the sums, fifteen registers are in use; sums in an array, and GCC
 * spills them. */
INLINE void
sum_group (const SpreadTaps *taps, const int16_t *p, const int16_t *q,
    const int16_t *r, const int16_t *s, ptrdiff_t pitch,
    Vec sums[SYMPIE_DWM_GROUP][2])
{
  Vec a0 = splat (0), b0 = a0, c0 = a0, d0 = a0;
  Vec a1 = a0, b1 = a0, c1 = a0, d1 = a0;

#define TAP(sum, i)                                                            \
  sum = add (sum, multiply (samples, k##i));                                   \
  KEEP (sum)
#define TAPS_1(row, a, i)                                                      \
  samples = load_vec (row);                                                    \
  KEEP (samples);                                                              \
  TAP (a, i)
#define TAPS_2(row, a, i, b, j)                                                \
  TAPS_1 (row, a, i);                                                          \
  TAP (b, j)
#define TAPS_3(row, a, i, b, j, c, k)                                          \
  TAPS_2 (row, a, i, b, j);                                                    \
  TAP (c, k)
#define TAPS_4(row, a, i, b, j, c, k, d, l)                                    \
  TAPS_3 (row, a, i, b, j, c, k);                                              \
  TAP (d, l)

#pragma GCC unroll 5
  for (int dx = 0; dx < 5; dx++) {
    Vec k0 = taps->taps[dx][0], k1 = taps->taps[dx][1];
    Vec k2 = taps->taps[dx][2], k3 = taps->taps[dx][3];
    Vec k4 = taps->taps[dx][4], samples;

    KEEP (k0);
    KEEP (k1);
    KEEP (k2);
    KEEP (k3);
    KEEP (k4);
    TAPS_1 (p + dx, a0, 0);
    TAPS_1 (p + dx + LANES, a1, 0);
    TAPS_2 (p + pitch + dx, a0, 1, b0, 0);
    TAPS_2 (p + pitch + dx + LANES, a1, 1, b1, 0);
    TAPS_3 (q + dx, a0, 2, b0, 1, c0, 0);
    TAPS_3 (q + dx + LANES, a1, 2, b1, 1, c1, 0);
    TAPS_4 (q + pitch + dx, a0, 3, b0, 2, c0, 1, d0, 0);
    TAPS_4 (q + pitch + dx + LANES, a1, 3, b1, 2, c1, 1, d1, 0);
    TAPS_4 (r + dx, a0, 4, b0, 3, c0, 2, d0, 1);
    TAPS_4 (r + dx + LANES, a1, 4, b1, 3, c1, 2, d1, 1);
    TAPS_3 (r + pitch + dx, b0, 4, c0, 3, d0, 2);
    TAPS_3 (r + pitch + dx + LANES, b1, 4, c1, 3, d1, 2);
    TAPS_2 (s + dx, c0, 4, d0, 3);
    TAPS_2 (s + dx + LANES, c1, 4, d1, 3);
    TAPS_1 (s + pitch + dx, d0, 4);
    TAPS_1 (s + pitch + dx + LANES, d1, 4);
  }
#undef TAP
#undef TAPS_1
#undef TAPS_2
#undef TAPS_3
#undef TAPS_4

  sums[0][0] = a0;
  sums[0][1] = a1;
  sums[1][0] = b0;
  sums[1][1] = b1;
  sums[2][0] = c0;
  sums[2][1] = c1;
  sums[3][0] = d0;
  sums[3][1] = d1;
}

INLINE void
sum_channels (const SympieDwmPlan *plan, const SpreadTaps *taps,
    const int16_t *const pairs[4], int x, Vec sums[3][SYMPIE_DWM_GROUP][2])
{
  ptrdiff_t pitch = plan->pitch, at = SYMPIE_DWM_LEFT + x - 2;

  for (int c = 0; c < 3; c++, at += 2 * pitch)
    sum_group (taps, pairs[0] + at, pairs[1] + at, pairs[2] + at, pairs[3] + at,
        pitch, sums[c]);
}

/* The result of one channel. */
INLINE Vec
mix_channel (const SpreadMix *mix, int channel, Vec r, Vec g, Vec b)
{
  const Vec *factors = mix->mix[channel];
  Vec value = add (mix->bias[channel], multiply (r, factors[0]));

  value = add (value, multiply (g, factors[1]));
  value = add (value, multiply (b, factors[2]));
  for (int i = 0; i < mix->doublings; i++)
    value = add_saturated (value, value);
  return shift_down (clamp_vec (value, mix->low, mix->high), mix->down);
}

/* Asks for what the next group loads and stores in `n` columns from `x`. Each
 * row is a stream of its own and too short for the processor to see it coming.
 * Addresses outside the frame do no harm. */
INLINE void
prefetch (const SympieDwmPlan *plan, int y, int x, int n)
{
  const SympieImage *src = &plan->src;
  const SympieTarget *dst = &plan->dst;

  for (int p = 0; p < plan->info->n_planes; p++) {
    int sub_y = plan->sub_y[p], n_rows = SYMPIE_DWM_GROUP >> sub_y;
    int end = (x + n) * plan->column_bytes[p] >> 8;
    const char *from = (const char *) src->planes[p]
                       + (((y + 6) >> sub_y) + sub_y) * src->strides[p];
    const char *to =
        (const char *) dst->planes[p] + ((y + 4) >> sub_y) * dst->strides[p];

    for (int at = ((x * plan->column_bytes[p] >> 8) + 63) & ~63; at < end;
         at += 64)
      for (int i = 0; i < n_rows; i++) {
        __builtin_prefetch (from + i * src->strides[p] + at, 0, 2);
        __builtin_prefetch (to + i * dst->strides[p] + at, 1, 2);
      }
  }
}

static void
filter (const SympieDwmPlan *plan, const int16_t *const pairs[4], int y,
    const SympieDwmScratch *scratch)
{
  SpreadTaps taps;
  SpreadMix mix;

  spread (plan, &taps, &mix);
  for (int x = 0; x < plan->width; x += STEP) {
    Vec sums[3][SYMPIE_DWM_GROUP][2];

    prefetch (plan, y, x, STEP);
    sum_channels (plan, &taps, pairs, x, sums);
    for (int i = 0; i < SYMPIE_DWM_GROUP; i++)
      for (int half = 0; half < 2; half++)
        for (int c = 0; c < 3; c++)
          store_vec (scratch->out[c] + (i + 1) * plan->pitch + SYMPIE_DWM_LEFT
                         + x + half * LANES,
              mix_channel (&mix, c, sums[0][i][half], sums[1][i][half],
                  sums[2][i][half]));
  }
}
