/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Blurs that several corruptions are made of. */

#ifndef SYMPIE_BLUR_H
#define SYMPIE_BLUR_H

#include "canvas.h"

/* What lies outside of a picture abcd: */
typedef enum
{
  SYMPIE_EDGE_NEAREST,   /* aaa abcd ddd */
  SYMPIE_EDGE_REFLECT,   /* cba abcd dcb */
  SYMPIE_EDGE_REFLECT101 /* dcb abcd cba */
} SympieEdge;

/* The sample of 0 to n - 1 that stands at `i`, however far outside. */
int sympie_edge (SympieEdge edge, int i, int n);

/* A plane of floats or, where that is NULL, of bytes. Strides count samples. */
typedef struct
{
  float *floats;
  uint8_t *bytes;
  ptrdiff_t stride;
  int width, height;
} SympiePlane;

/* Row `y` as floats, with `pad` samples of what lies outside on either side. */
void sympie_pad_row (
    const SympiePlane *plane, int y, SympieEdge edge, int pad, float *out);

/* Convolves with a Gaussian that is cut off at truncate * sigma; in place is
 * fine. A sigma too small to matter copies. False without memory. */
bool sympie_gaussian (const SympieCanvas *canvas, const SympiePlane *src,
    const SympiePlane *dst, double sigma, double truncate, SympieEdge edge);

/* Smears bytes along a line in the direction (cos, sin) of `degrees`, y down:
 * half a Gaussian over 2 * radius + 1 pixels. `src` may be `dst`. False
 * without memory. */
bool sympie_motion (const SympieCanvas *canvas, const SympiePlane *src,
    const SympiePlane *dst, double radius, double sigma, double degrees);

/* A plane of the canvas. */
static inline SympiePlane
sympie_canvas_plane (const SympieCanvas *canvas, int c)
{
  return (SympiePlane){ .bytes = canvas->planes[c],
    .stride = canvas->stride,
    .width = canvas->width,
    .height = canvas->height };
}

/* A new plane of floats or bytes; its samples are NULL without memory. */
SympiePlane sympie_plane_floats (
    const SympieCanvas *canvas, int width, int height);
SympiePlane sympie_plane_bytes (
    const SympieCanvas *canvas, int width, int height);

/* A new plane with what is now in one of the canvas; its samples are NULL
 * without memory. */
SympiePlane sympie_canvas_copy (const SympieCanvas *canvas, int c);

#endif /* SYMPIE_BLUR_H */
