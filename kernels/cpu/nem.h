/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* NEM on the CPU (paper, section 3.2). */

#ifndef SYMPIE_NEM_H
#define SYMPIE_NEM_H

#include "../nem_weights.h"
#include "../pool.h"

/* What NEM sees: three planes (R, G, B, standardised) of 224 x 224 with a
 * border of zeros, the padding of the first convolution, that the filler of
 * the crop leaves alone. Rows are padded to whole cache lines. */
enum
{
  SYMPIE_CROP_BORDER = 1,
  SYMPIE_CROP_HEIGHT = SYMPIE_NEM_SIZE + 2 * SYMPIE_CROP_BORDER,
  SYMPIE_CROP_STRIDE = 240,
};

typedef struct
{
  float rgb[3][SYMPIE_CROP_HEIGHT][SYMPIE_CROP_STRIDE];
} SympieCrop;

typedef struct SympieNem SympieNem;

/* Prepares the network for `pool`, which must outlive the result, and for
 * `cpu_flags` (SympieCpuFlags that the processor has). The weights are not
 * needed afterwards. NULL with a message when memory is short. */
SympieNem *sympie_nem_new (SympiePool *pool, unsigned cpu_flags,
    const SympieNemWeights *weights, SympieError *error);
void sympie_nem_free (SympieNem *nem); /* NULL is allowed */

/* `params` as the network gives them, and the gate in [0, 1] that they have not
 * gone through: 1 where the weights have none. */
void sympie_nem_run (
    SympieNem *nem, const SympieCrop *crop, SympieParams *params, float *gate);

#endif /* SYMPIE_NEM_H */
