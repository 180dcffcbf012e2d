/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* 3x3 convolutions with stride 1 and a padding of zeros, by Winograd's
 * F(4x4, 3x3): 36 multiplications make 4x4 outputs, for which the definition
 * takes 144 (Lavin and Gray, "Fast Algorithms for Convolutional Neural
 * Networks", 2015). What comes before and after a convolution is done on the
 * way in and out.
 *
 * Values are in blocks of channels: [channels / block][rows][columns][block],
 * where a block is one vector of the processor. */

#ifndef SYMPIE_CONV_H
#define SYMPIE_CONV_H

#include "../nem_weights.h"
#include "../pool.h"

enum
{
  SYMPIE_CONV_MAX_IMAGES = 16,
  SYMPIE_CONV_BLOCK_MAX = 16,
  SYMPIE_CONV_PANEL_MAX = 32, /* n_out is a multiple of it */
  SYMPIE_CONV_AVERAGE_WIDTH = 256,
};

typedef enum
{
  SYMPIE_POOLING_NONE,
  SYMPIE_POOLING_MAX,     /* 2x2, stride 2: size / 2, rounded down */
  SYMPIE_POOLING_AVERAGE, /* 5x5, stride 4, padding 1, which counts: size / 4,
                             rounded down */
} SympiePooling;

/* out = pooling (relu (conv (x)) + residual), each part where asked for; the
 * residual not with SYMPIE_POOLING_MAX. */
typedef struct
{
  const SympieConv *conv;
  const float *scale, *shift; /* [n_in]: reads relu (scale * x + shift); NULL:
                                 reads x */
  bool relu;
  SympiePooling pooling;
  bool small; /* for images of at most 3x3, not pooled: too few for Winograd,
                 whose weights are four times as large */
} SympieConvLayer;

/* What a layer is applied to. All pointers are aligned to 64 bytes, but those
 * to planes. */
typedef struct
{
  int n_images, width, height;
  /* Inputs fewer than a block come in planes, all others in blocks. Distances
   * in floats between rows and between planes of channels or blocks; 0: dense,
   * and rows that are given count. */
  size_t row, plane;
  bool rows_given; /* src begins with the row above the image, and the one below
                      it is there too; else they are zeros, as the columns
                      beside it always are */
  const float *src[SYMPIE_CONV_MAX_IMAGES];
  const float *residual[SYMPIE_CONV_MAX_IMAGES]; /* like the unpooled output; or
                                                  NULL */
  /* With SYMPIE_POOLING_AVERAGE twice as large as the values in it, and the
   * width is at most SYMPIE_CONV_AVERAGE_WIDTH. */
  float *dst[SYMPIE_CONV_MAX_IMAGES];
} SympieConvBatch;

/* Layers in the form in which they are multiplied, and the memory that running
 * them takes. */
typedef struct SympieConvNet SympieConvNet;

/* `pool` must outlive the result, the layers need not. Nets with layers that
 * come from the same `file` (NULL: from none) share their weights. `cpu_flags`
 * are SympieCpuFlags that the processor has. NULL with a message when memory is
 * short. */
SympieConvNet *sympie_conv_net_new (SympiePool *pool, unsigned cpu_flags,
    const SympieFileIdentity *file, const SympieConvLayer *layers, int n_layers,
    SympieError *error);
void sympie_conv_net_free (SympieConvNet *net); /* NULL is allowed */

int sympie_conv_net_block (const SympieConvNet *net); /* channels */

/* Runs layer `layer` on the threads of the pool. Allocates nothing. The results
 * do not depend on the number of threads. */
void sympie_conv_net_run (
    SympieConvNet *net, int layer, const SympieConvBatch *batch);

/* `n` floats, zero and aligned to 64 bytes, for free (); NULL with a message
 * when memory is short. */
float *sympie_floats_new (size_t n, SympieError *error);

#endif /* SYMPIE_CONV_H */
