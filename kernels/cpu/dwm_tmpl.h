/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The parts of DWM that a compiler vectorises well: rows from and to every
 * format, and the filter in double. Compiled once per instruction set, with the
 * same results: integers, and doubles without contraction.
 */

#include <endian.h>
#include <string.h>

#include "dwm_functions.h"

#define INLINE static inline __attribute__ ((always_inline))

INLINE int
clamp (int value, int low, int high)
{
  return value < low ? low : value > high ? high : value;
}

/* Row i of a channel of a pair. */
INLINE int16_t *
row_of (const SympieDwmPlan *plan, const int16_t *pair, int channel, int i)
{
  return (int16_t *) pair + (2 * channel + i) * plan->pitch + SYMPIE_DWM_LEFT;
}

#include "dwm_load_tmpl.h"
#include "dwm_store_tmpl.h"

enum
{
  TILE = 128, /* columns whose sums are kept at a time: they fit the L1 cache */
};

/* Columns x - 2 to x + n + 1 of rows y - 2 to y + 5, less the pad. */
static void
widen (const SympieDwmPlan *plan, const int16_t *const pairs[4], int channel,
    int y, int x, int n, double dst[8][TILE + 4])
{
  double pad = plan->wide_pad[channel];
  int first = x >= 2 ? -2 : 0;
  int end = x + n + 2 <= plan->width ? n + 2 : plan->width - x;

  for (int i = 0; i < 8; i++) {
    const int16_t *row = row_of (plan, pairs[i / 2], channel, i % 2) + x;

    if (y - 2 + i < 0 || y - 2 + i >= plan->height) {
      memset (dst[i], 0, sizeof dst[i]);
      continue;
    }
    dst[i][0] = dst[i][1] = dst[i][n + 2] = dst[i][n + 3] = 0;
    for (int j = first; j < end; j++)
      dst[i][j + 2] = row[j] - pad;
  }
}

static void
correlate (const double src[5][TILE + 4], const double *kernel,
    double *restrict sum, int n)
{
  for (int i = 0; i < 5; i++) {
    const double *k = kernel + 5 * i, *row = src[i];

    for (int x = 0; x < n; x++) {
      double part = row[x] * k[0] + row[x + 1] * k[1] + row[x + 2] * k[2]
                    + row[x + 3] * k[3] + row[x + 4] * k[4];

      sum[x] = i == 0 ? part : sum[x] + part;
    }
  }
}

static void
filter_wide (const SympieDwmPlan *plan, const int16_t *const pairs[4], int y,
    const SympieDwmScratch *scratch)
{
  double low = plan->wide_low, high = plan->wide_high;

  for (int x = 0; x < plan->width; x += TILE) {
    int n = plan->width - x < TILE ? plan->width - x : TILE;
    double samples[3][8][TILE + 4], sums[3][TILE];

    for (int c = 0; c < 3; c++)
      widen (plan, pairs, c, y, x, n, samples[c]);
    for (int i = 0; i < SYMPIE_DWM_GROUP; i++) {
      for (int c = 0; c < 3; c++)
        correlate ((const double (*)[TILE + 4]) & samples[c][i],
            plan->wide_kernel, sums[c], n);
      for (int c = 0; c < 3; c++) {
        const double *mix = plan->wide_mix[c];
        double bias = plan->wide_bias[c];
        int16_t *out =
            scratch->out[c] + (i + 1) * plan->pitch + SYMPIE_DWM_LEFT + x;

        for (int j = 0; j < n; j++) {
          double value = bias + mix[0] * sums[0][j] + mix[1] * sums[1][j]
                         + mix[2] * sums[2][j];

          value = value > low ? value : low;
          value = value < high ? value : high;
          out[j] = (int16_t) (int) value;
        }
      }
    }
  }
}
