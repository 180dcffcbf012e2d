/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "dwm_fold.h"

#include "standard.h"

void
sympie_dwm_fold (SympieDwmFold *fold, const SympieParams *params)
{
  for (int c = 0; c < 3; c++) {
    double std = sympie_std[c];

    fold->mean[c] = sympie_mean[c];
    fold->pad[c] = sympie_mean[c] - std * params->shift[c];
    for (int d = 0; d < 3; d++)
      fold->mix[c][d] = std * params->matrix[3 * d + c] / sympie_std[d];
  }
  for (int i = 0; i < 25; i++)
    fold->kernel[i] = params->kernel[i];
}
