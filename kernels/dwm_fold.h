/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM without standardised space, for every device. */

#ifndef SYMPIE_DWM_FOLD_H
#define SYMPIE_DWM_FOLD_H

#include "sympie.h"

/* With x the RGB values in [0, 1] of a frame and * the 5x5 cross-correlation:
 *   out[c] = mean[c] + sum over d of mix[c][d] * (kernel * (x[d] - pad[d]))
 * clamped to [0, 1]. The definition pads the frame with zeros after the colour
 * operators; pad is the colour that they turn into zero, so a frame that is
 * surrounded by it has no border to treat. */
typedef struct
{
  double pad[3];    /* any value, not only [0, 1] */
  double mix[3][3]; /* [output channel][input channel] */
  double mean[3];
  double kernel[25]; /* row-major */
} SympieDwmFold;

void sympie_dwm_fold (SympieDwmFold *fold, const SympieParams *params);

#endif /* SYMPIE_DWM_FOLD_H */
