/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Between the caller's pixels and the canvas, for all formats: what has more
 * than 8 bits is rounded to them. */

#ifndef SYMPIE_PIXELS_H
#define SYMPIE_PIXELS_H

#include "../image.h"
#include "canvas.h"

/* Makes planes for the canvas and fills them. False without memory. */
bool sympie_canvas_load (SympieCanvas *canvas, const SympieImage *image);

/* To a target for the image that it was loaded from, `src`, whose alpha it
 * takes. False without memory. */
bool sympie_canvas_store (const SympieCanvas *canvas, const SympieImage *src,
    const SympieTarget *dst);

#endif /* SYMPIE_PIXELS_H */
