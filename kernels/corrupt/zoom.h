/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Enlarging the centre of a picture, one axis at a time. */

#ifndef SYMPIE_ZOOM_H
#define SYMPIE_ZOOM_H

#include "blur.h"

/* Sample i of the enlargement lies between samples index[i] and index[i] + 1,
 * with that weight for the latter. Of a single sample the weight is 0. */
typedef struct
{
  int *index;
  float *weight;
} SympieZoomAxis;

/* For an axis of n samples and a factor of 1 or more. False without memory. */
bool sympie_zoom_axis (
    const SympieCanvas *canvas, SympieZoomAxis *axis, int n, double zoom);

#endif /* SYMPIE_ZOOM_H */
