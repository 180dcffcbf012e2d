/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* From sample values to RGB in [0, 1] and back. */

#ifndef SYMPIE_COLOUR_H
#define SYMPIE_COLOUR_H

#include "image.h"

/* The samples of a pixel are codes: 0..255 at 8 bits, 0..1023 at 10 (without
 * the shift of P010). Components are in the order of SympieFormatInfo: R, G, B
 * or Y, U, V. With x in [0, 1] as R, G, B:
 *   x[i] = sum over j of to_rgb[i][j] * (code[j] - offset[j])
 *   code[j] = offset[j] + sum over i of from_rgb[j][i] * x[i]
 * RGB formats have diagonal matrices; they can have limited range too. */
typedef struct
{
  float offset[3];
  float to_rgb[3][3];
  float from_rgb[3][3];
  int max; /* largest code: a full-range chroma of 1/2 would lie above it */
} SympieColour;

void sympie_colour_init (SympieColour *colour, const SympieFormatInfo *info,
    const SympieColorimetry *colorimetry);

#endif /* SYMPIE_COLOUR_H */
