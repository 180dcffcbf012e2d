/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM in plain C: the reference for the other variants. */

#define PAIRED 0
#include "dwm_tmpl.h"

/* The 5x5 sums of a row. All taps in one expression: the compiler then keeps
 * the sums in registers and takes 16-bit multiplications. */
static void
sum_row (const int16_t *const rows[5], const int16_t *restrict k,
    float *restrict sum, int n)
{
  const int16_t *restrict a = rows[0], *restrict b = rows[1];
  const int16_t *restrict c = rows[2], *restrict d = rows[3];
  const int16_t *restrict e = rows[4];

#define ROW(row, i)                                                            \
  (row[x] * k[i] + row[x + 1] * k[i + 1] + row[x + 2] * k[i + 2]               \
      + row[x + 3] * k[i + 3] + row[x + 4] * k[i + 4])
  for (int x = 0; x < n; x++)
    sum[x] = (float) (ROW (a, 0) + ROW (b, 5) + ROW (c, 10) + ROW (d, 15)
                      + ROW (e, 20));
#undef ROW
}

static void
filter (const SympieDwmPlan *plan, const int16_t *const pairs[4], int y,
    const SympieDwmScratch *scratch)
{
  float low = plan->low, high = plan->high;

  for (int x = 0; x < plan->width; x += TILE) {
    int n = plan->width - x < TILE ? plan->width - x : TILE;
    float sums[3][TILE];

    for (int i = 0; i < SYMPIE_DWM_GROUP; i++) {
      for (int c = 0; c < 3; c++) {
        const int16_t *rows[5];

        for (int j = 0; j < 5; j++)
          rows[j] = &PAIR_AT (plan, pairs[(i + j) / 2] + 2 * c * plan->pitch,
              (i + j) % 2, x - 2);
        sum_row (rows, plan->taps, sums[c], n);
      }
      for (int c = 0; c < 3; c++) {
        const float *mix = plan->mix[c];
        float bias = plan->bias[c];
        int16_t *out =
            scratch->out[c] + (i + 1) * plan->pitch + SYMPIE_DWM_LEFT + x;

        for (int j = 0; j < n; j++) {
          float value = bias + mix[0] * sums[0][j] + mix[1] * sums[1][j]
                        + mix[2] * sums[2][j];

          value = value > low ? value : low;
          value = value < high ? value : high;
          out[j] = (int16_t) (int) value;
        }
      }
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
