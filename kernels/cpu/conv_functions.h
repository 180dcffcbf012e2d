/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The inner loops of a convolution and what they work on.
 *
 * Tiles are 4x4 outputs, counted along the rows of the first image, then of the
 * next. A group of tiles goes through three steps: the 6x6 inputs of each tile
 * and channel are transformed to 36 points; at each point a matrix product
 * takes channels to channels; the 36 products of each output channel are
 * transformed to its 4x4 outputs. */

#ifndef SYMPIE_CONV_FUNCTIONS_H
#define SYMPIE_CONV_FUNCTIONS_H

#include "conv.h"

enum
{
  SYMPIE_TILE = 4,    /* rows and columns of outputs */
  SYMPIE_TILE_IN = 6, /* and of the inputs they take */
  SYMPIE_TILE_POINTS = 36,
  SYMPIE_SMALL = 3, /* rows and columns of a small image */
  SYMPIE_SMALL_POINTS = 9,
  SYMPIE_CONV_PANEL = 2,   /* vectors of output channels made at a time */
  SYMPIE_CONV_SPREAD = 16, /* floats that keep what is used together off the
                              same sets of the cache */
};

/* A layer at work on a batch. */
typedef struct
{
  int n_in, n_out;
  int n_in_blocks; /* 1 for planes */
  /* [n_out / panel][36][n_in][panel] transformed, or as they are for a small
   * layer: [n_out / block][n_in][9][block] */
  const float *weight;
  const float *bias; /* [n_out] */
  const float *scale, *shift;
  bool relu;
  SympiePooling pooling;

  SympieConvBatch batch;  /* src at row 0, row and plane never 0 */
  int first_row, end_row; /* of the input, all others are zeros */
  int tiles_x, tiles_y;   /* of an image */
  int out_width;          /* of dst, and floats in a plane of one block */
  size_t out_plane;
} SympieConvJob;

typedef struct
{
  int block; /* channels in a vector */

  /* Inputs of tiles first to first + n - 1: v[36][n_in_blocks][n][block], with
   * SYMPIE_CONV_SPREAD floats more at each of the 36. */
  void (*transform) (const SympieConvJob *job, int first, int n, float *v);

  /* From there to the outputs of panel `panel` of channels. With average
   * pooling the tiles are whole rows; `m` is memory for
   * [36][n][panel] + SYMPIE_CONV_SPREAD floats. */
  void (*multiply) (const SympieConvJob *job, int first, int n, int panel,
      const float *v, float *m);

  /* The second half of average pooling, for one block of channels of dst: adds
   * what the tiles above gave, and divides. */
  void (*average) (const SympieConvJob *job, int image, int block);

  /* The same for small images: v[n_in][9] of one, and a block of outputs. */
  void (*gather_small) (const SympieConvJob *job, int image, float *v);
  void (*multiply_small) (
      const SympieConvJob *job, int image, int block, const float *v);
} SympieConvFunctions;

extern const SympieConvFunctions sympie_conv_functions_c;
extern const SympieConvFunctions sympie_conv_functions_avx2;
extern const SympieConvFunctions sympie_conv_functions_avx512;

const SympieConvFunctions *sympie_conv_functions (unsigned cpu_flags);

#endif /* SYMPIE_CONV_FUNCTIONS_H */
