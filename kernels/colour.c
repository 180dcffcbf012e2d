/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "colour.h"

void
sympie_colour_init (SympieColour *colour, const SympieFormatInfo *info,
    const SympieColorimetry *colorimetry)
{
  bool full = colorimetry->full_range;
  int unit = 1 << (info->depth - 8); /* limited ranges are given at 8 bits */
  int max = (1 << info->depth) - 1;
  double luma = full ? max : 219 * unit; /* codes from black to white */

  *colour = (SympieColour){ .max = max };
  if (!info->yuv) {
    for (int c = 0; c < 3; c++) {
      colour->offset[c] = full ? 0 : 16 * unit;
      colour->to_rgb[c][c] = (float) (1 / luma);
      colour->from_rgb[c][c] = (float) luma;
    }
    return;
  }

  /* Y = kr R + kg G + kb B; U = (B - Y) / (2 (1 - kb)) and
   * V = (R - Y) / (2 (1 - kr)), both in [-1/2, 1/2]. */
  double chroma = full ? max : 224 * unit;
  double k[3] = { colorimetry->kr, 0, colorimetry->kb };
  double u = 2 * (1 - k[2]), v = 2 * (1 - k[0]);

  k[1] = 1 - k[0] - k[2];
  colour->offset[0] = full ? 0 : 16 * unit;
  colour->offset[1] = colour->offset[2] = 128 * unit;

  for (int c = 0; c < 3; c++) {
    colour->to_rgb[c][0] = (float) (1 / luma);
    colour->from_rgb[0][c] = (float) (luma * k[c]);
    colour->from_rgb[1][c] = (float) (chroma * ((c == 2) - k[c]) / u);
    colour->from_rgb[2][c] = (float) (chroma * ((c == 0) - k[c]) / v);
  }
  colour->to_rgb[0][2] = (float) (v / chroma);
  colour->to_rgb[1][1] = (float) (-u * k[2] / k[1] / chroma);
  colour->to_rgb[1][2] = (float) (-v * k[0] / k[1] / chroma);
  colour->to_rgb[2][1] = (float) (u / chroma);

  /* Gray has no chroma. */
  if (!info->component[1].bits)
    for (int c = 0; c < 3; c++)
      colour->to_rgb[c][1] = colour->to_rgb[c][2] = 0;
}
