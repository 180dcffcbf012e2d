/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* IEEE half precision on the host. */

#ifndef SYMPIE_CUDA_HALF_H
#define SYMPIE_CUDA_HALF_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* To the nearest, ties to even; beyond the range to infinity. */
void sympie_cuda_to_half (const float *values, size_t n, uint16_t *halves);
void sympie_cuda_from_half (const uint16_t *halves, size_t n, float *values);

#ifdef __cplusplus
}
#endif

#endif /* SYMPIE_CUDA_HALF_H */
