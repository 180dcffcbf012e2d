/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* VGG19's convolutions on the CPU, over several images side by side.
 *
 * Large images go through all layers in strips of rows, so that memory does not
 * grow with their height: each layer keeps the few rows that it needs again and
 * lags a little behind the one before. Nothing is computed twice, and the
 * values are those of the image in one piece. */

#ifndef SYMPIE_VGG_H
#define SYMPIE_VGG_H

#include "../vgg19.h"
#include "conv.h"

enum
{
  SYMPIE_VGG_MAX_IMAGES = SYMPIE_CONV_MAX_IMAGES,
  SYMPIE_VGG_WHOLE = 1 << 18, /* pixels that are taken in one piece */
};

typedef struct SympieVgg SympieVgg;

/* What a step makes: rows `first` to `first` + `n` - 1 of the last layer (n can
 * be 0). Value (channel, row, column) of image i is at
 *   values[i][((channel / block * pitch + row - first) * width + column) *
 * block
 *             + channel % block]. */
typedef struct
{
  int first, n;
  int n_channels, width, pitch, block;
  const float *values[SYMPIE_VGG_MAX_IMAGES];
} SympieVggStrip;

/* All convolutions of `weights`, which are not needed afterwards, and the
 * max-pools between them; with the pool behind the last one if `end_in_pool`.
 * `cpu_flags` are SympieCpuFlags that the processor has. The pool of threads
 * must outlive the result. NULL with a message when memory is short. */
SympieVgg *sympie_vgg_new (SympiePool *pool, unsigned cpu_flags,
    const SympieVgg19Weights *weights, bool end_in_pool, SympieError *error);
void sympie_vgg_free (SympieVgg *vgg); /* NULL is allowed */

/* Prepares for `n_images` of that size: in one piece up to `whole` pixels, in
 * strips beyond. Does nothing when it is prepared for as many, or more,
 * already. False with a message where memory is short, or the last layer of so
 * small an image would be empty. */
bool sympie_vgg_prepare (SympieVgg *vgg, int width, int height, int n_images,
    int whole, SympieError *error);

/* An image takes that many steps. Before step i of them, the caller writes
 * input rows i * n to i * n + n - 1, as far as the image goes, to the three
 * planes, standardised R, G and B, of each image: dense rows, planes of n. */
int sympie_vgg_n_steps (const SympieVgg *vgg);
int sympie_vgg_n_rows (const SympieVgg *vgg);
float *sympie_vgg_input (SympieVgg *vgg, int image);

/* Runs step `step` for the first `n_images` images. The input is overwritten;
 * the strip is valid until the next step. */
void sympie_vgg_run (
    SympieVgg *vgg, int step, int n_images, SympieVggStrip *strip);

#endif /* SYMPIE_VGG_H */
