/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The corruptions themselves. Each changes the canvas in place with a severity
 * of 1 to 5 and returns false only without memory. */

#ifndef SYMPIE_CORRUPTIONS_H
#define SYMPIE_CORRUPTIONS_H

#include "canvas.h"

typedef bool SympieCorrupt (SympieCanvas *canvas, int severity);

/* noise.c */
SympieCorrupt sympie_gaussian_noise, sympie_shot_noise, sympie_impulse_noise,
    sympie_speckle_noise;

/* focus.c, glass.c, motion.c, zoom.c */
SympieCorrupt sympie_gaussian_blur, sympie_defocus_blur, sympie_glass_blur,
    sympie_motion_blur, sympie_zoom_blur;

/* fog.c, frost.c, snow.c, spatter.c */
SympieCorrupt sympie_fog, sympie_frost, sympie_snow, sympie_spatter;

/* tone.c, jpeg.c, pixelate.c, elastic.c */
SympieCorrupt sympie_contrast, sympie_brightness, sympie_saturate,
    sympie_jpeg_compression, sympie_pixelate, sympie_elastic_transform;

/* light.c */
SympieCorrupt sympie_darken, sympie_horizon, sympie_night, sympie_white_point;

#endif /* SYMPIE_CORRUPTIONS_H */
