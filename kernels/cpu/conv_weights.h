/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Weights of layers in the form in which they are multiplied. All that come
 * from the same file are one copy, however many contexts of the process use
 * them. */

#ifndef SYMPIE_CONV_WEIGHTS_H
#define SYMPIE_CONV_WEIGHTS_H

#include "conv_functions.h"

typedef struct
{
  SympieConvJob job; /* without a batch */
  float *weight, *bias, *scale, *shift;
  bool small;
  int max_tiles; /* in a group */
} SympieConvPacked;

typedef struct SympieConvWeights SympieConvWeights;

struct SympieConvWeights
{
  SympieConvPacked *layers;
  int n_layers;

  /* What they are known by, and how many use them. */
  SympieFileIdentity file;
  const SympieConvFunctions *functions;
  int n_users;
  SympieConvWeights *next;
};

enum
{
  SYMPIE_CONV_MAX_GROUP = SYMPIE_CONV_AVERAGE_WIDTH / SYMPIE_TILE /* tiles */
};

/* `n` floats, aligned to 64 bytes, with anything in them, for free (); NULL
 * when memory is short. */
float *sympie_floats_take (size_t n);

/* Packs the layers, or finds them packed: those that have `file`, functions and
 * number in common are the same. `file` NULL, or of no file: they are not
 * shared. NULL when memory is short. */
SympieConvWeights *sympie_conv_weights_take (const SympieFileIdentity *file,
    const SympieConvFunctions *functions, const SympieConvLayer *layers,
    int n_layers);

/* The last to give them back frees them; NULL is allowed. */
void sympie_conv_weights_give_back (SympieConvWeights *weights);

#endif /* SYMPIE_CONV_WEIGHTS_H */
