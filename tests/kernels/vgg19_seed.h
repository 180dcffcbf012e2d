/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* VGG19 weights from a seed, the same ones that tests/golden/vgg19.py makes.
 *
 * Value i of a tensor is (2k + 1 - 2048) / 2048 times a power of two, where k
 * is the top 11 bits of number i of SplitMix64 started at seed + 2^32 * index,
 * and index is the place of the tensor: features.0.weight is 0, features.0.bias
 * 1, features.2.weight 2 and so on. The factor is the power of two nearest to
 * sqrt (2 / (3 * n_in)) (He et al. for a uniform distribution) for weights,
 * 1/16 for biases. So every value is a half-precision float exactly. */

#ifndef SYMPIE_VGG19_SEED_H
#define SYMPIE_VGG19_SEED_H

#include <stdbool.h>
#include <stdint.h>

/* Writes a safetensors file, F16. Convolutions from `n_convs` on are zeros that
 * take no room on the disk. False when it cannot be written. */
bool vgg19_seed_write (const char *path, uint64_t seed, int n_convs);

#endif /* SYMPIE_VGG19_SEED_H */
