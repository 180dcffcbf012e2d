/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The parts of NEM around oneDNN's convolutions.
 *
 * Activations are blocked as oneDNN likes them: [channels / block][rows]
 * [columns][block], where a block is one vector. So the channels of a range of
 * blocks are contiguous, and a thread that owns them writes nobody else's. */

#ifndef SYMPIE_NEM_LAYERS_H
#define SYMPIE_NEM_LAYERS_H

#include "nem.h"

enum
{
  SYMPIE_STEM_CHANNELS = 64,
  SYMPIE_STEM_SIZE = 56, /* side of the stem's output, after its pool */
  SYMPIE_POOL_AREA = 25, /* 5 x 5, the padding counts */
};

typedef struct
{
  int block; /* channels in a vector */

  /* Rows first to end - 1 of pool (relu (stem (crop))), summed and not
   * averaged. weight: [3][3][3][64] as input channel, row, column, output. */
  void (*stem) (const SympieCrop *crop, const float *weight, const float *bias,
      float *out, int first, int end);

  /* y = relu (scale * x + shift) for `n_blocks` blocks of size x size. */
  void (*affine_relu) (const float *x, const float *scale, const float *shift,
      float *y, int n_blocks, int size);

  /* The 5x5 mean with stride 4 and padding 1 of a + b, from size x size to
   * size / 4 x size / 4 (rounded down). */
  void (*pool_sum) (
      const float *a, const float *b, float *out, int n_blocks, int size);

  /* The mean of a + b over size x size, for each channel. */
  void (*mean_sum) (
      const float *a, const float *b, float *out, int n_blocks, int size);
} SympieNemLayers;

const SympieNemLayers *sympie_nem_layers (unsigned cpu_flags);

#endif /* SYMPIE_NEM_LAYERS_H */
