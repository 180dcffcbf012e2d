/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Plain C in double precision to compare the GPU's layers with. Tensors are
 * [height][width][channels]; the caller frees what is returned. */

#ifndef SYMPIE_TEST_REFERENCE_H
#define SYMPIE_TEST_REFERENCE_H

#include "cuda/kernels.h"
#include "nem_weights.h"

/* 3x3, zero padding 1; `weight` is [n_out][n_in][3][3]. */
double *reference_conv (const double *in, int height, int width, int n_in,
    const float *weight, const float *bias, int n_out);

double *reference_pool (
    const double *in, int height, int width, int n, const SympieCudaPool *pool);

/* NEM on a crop of 3 channels. */
void reference_nem (const SympieNemWeights *weights, const double *crop,
    double params[SYMPIE_N_PARAMS]);

/* Weights of NEM that keep the values of all layers near 1, from a seed. */
SympieNemWeights *reference_nem_weights (uint64_t *seed);

#endif /* SYMPIE_TEST_REFERENCE_H */
