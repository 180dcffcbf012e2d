/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A camera that moves. */

#include "blur.h"
#include "corruptions.h"

bool
sympie_motion_blur (SympieCanvas *canvas, int severity)
{
  static const struct
  {
    double radius, sigma;
  } constants[] = { { 10, 3 }, { 15, 5 }, { 15, 8 }, { 15, 12 }, { 20, 15 } };
  double degrees = sympie_random_between (&canvas->draw, 0, -45, 45);

  for (int c = 0; c < 3; c++) {
    SympiePlane plane = sympie_canvas_plane (canvas, c);

    if (!sympie_motion (canvas, &plane, &plane,
            canvas->unit * constants[severity - 1].radius,
            canvas->unit * constants[severity - 1].sigma, degrees))
      return false;
  }
  return true;
}
