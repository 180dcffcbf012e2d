/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Standardised space: ImageNet's mean and deviation of R, G, B in [0, 1]. */

#ifndef SYMPIE_STANDARD_H
#define SYMPIE_STANDARD_H

static const float sympie_mean[3] = { 0.485f, 0.456f, 0.406f };
static const float sympie_std[3] = { 0.229f, 0.224f, 0.225f };

#endif /* SYMPIE_STANDARD_H */
