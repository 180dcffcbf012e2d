/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The taps of preprocessing in device memory, for one size of frame: to NEM's
 * crop, or to all of the frame. */

#ifndef SYMPIE_CUDA_RESIZE_H
#define SYMPIE_CUDA_RESIZE_H

#include "kernels.h"

/* All zero, but for the input, before. */
typedef struct
{
  SympieInput input;
  SympieCudaTaps taps[4]; /* x and y of luma, x and y of chroma */
  void *memory;           /* all of them; NULL before and after */
  SympieImage image;      /* that they are for */
} SympieCudaResize;

/* Whether the taps for images like this one are there. */
bool sympie_cuda_resize_fits (
    const SympieCudaResize *resize, const SympieImage *image);

/* Makes them, unless they are there; nothing may be using those that go. False
 * with a message when memory is short; then there are none. */
bool sympie_cuda_resize_prepare (SympieCudaResize *resize,
    const SympieImage *image, cudaStream_t stream, SympieError *error);
void sympie_cuda_resize_clear (SympieCudaResize *resize);

#endif /* SYMPIE_CUDA_RESIZE_H */
