/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Outlines, for spatter. */

#ifndef SYMPIE_RIM_H
#define SYMPIE_RIM_H

#include "blur.h"

/* How far each sample of a plane of whole levels from 0 to 255 is from the next
 * outline in it, up to `limit` samples; `distance` is a new plane. False
 * without memory. */
bool sympie_rim_distance (const SympieCanvas *canvas, const SympiePlane *levels,
    float limit, SympiePlane *distance);

#endif /* SYMPIE_RIM_H */
