/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM in plain C: the reference for the other variants. */

#include "dwm_tmpl.h"

/* Five products of a row: sympie_mul_q15() in the form that compilers do faster
 * where no instruction does it. */
INLINE int
row_sum (const int16_t *row, const int16_t *taps)
{
  int sum = 0;

#pragma GCC unroll 5
  for (int i = 0; i < 5; i++)
    sum += (row[i] * taps[i] + (1 << 14)) >> 15;
  return sum;
}

/* The 5x5 sums of a row. All taps in one expression: the compiler then keeps
 * the sums in registers and takes 16-bit multiplications. */
static void
sum_row (const int16_t *const rows[5], const int16_t *restrict taps,
    int16_t *restrict sum, int n)
{
  const int16_t *restrict a = rows[0], *restrict b = rows[1];
  const int16_t *restrict c = rows[2], *restrict d = rows[3];
  const int16_t *restrict e = rows[4];

  for (int x = 0; x < n; x++)
    sum[x] =
        (int16_t) (row_sum (a + x, taps) + row_sum (b + x, taps + 5)
                   + row_sum (c + x, taps + 10) + row_sum (d + x, taps + 15)
                   + row_sum (e + x, taps + 20));
}

static void
mix (const SympieDwmPlan *plan, int channel, int16_t sums[3][TILE],
    int16_t *restrict out, int n)
{
  const int16_t *factors = plan->mix[channel];
  int bias = plan->bias[channel], low = plan->low, high = plan->high;
  int doublings = plan->doublings, down = plan->down;

  for (int x = 0; x < n; x++) {
    int value = bias + sympie_mul_q15 (sums[0][x], factors[0])
                + sympie_mul_q15 (sums[1][x], factors[1])
                + sympie_mul_q15 (sums[2][x], factors[2]);

    value = clamp (value * (1 << doublings), low, high);
    out[x] = (int16_t) (value >> down);
  }
}

static void
filter (const SympieDwmPlan *plan, const int16_t *const pairs[4], int y,
    const SympieDwmScratch *scratch)
{
  int16_t sums[3][TILE];

  for (int x = 0; x < plan->width; x += TILE) {
    int n = plan->width - x < TILE ? plan->width - x : TILE;

    for (int i = 0; i < SYMPIE_DWM_GROUP; i++) {
      for (int c = 0; c < 3; c++) {
        const int16_t *rows[5];

        for (int j = 0; j < 5; j++)
          rows[j] = row_of (plan, pairs[(i + j) / 2], c, (i + j) % 2) + x - 2;
        sum_row (rows, plan->taps, sums[c], n);
      }
      for (int c = 0; c < 3; c++)
        mix (plan, c, sums,
            scratch->out[c] + (i + 1) * plan->pitch + SYMPIE_DWM_LEFT + x, n);
    }
  }
}

void
sympie_dwm_functions_c (SympieDwmFunctions *functions)
{
  *functions = (SympieDwmFunctions){
    .load = load,
    .filter = filter,
    .filter_wide = filter_wide,
    .store = store,
  };
}
