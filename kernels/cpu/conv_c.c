/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Convolutions with 16-byte vectors, which GCC and clang compile well on every
 * processor. */

#define BLOCK 4
#if defined(__aarch64__)
#define MAX_TILES 8 /* of twice as many registers */
#else
#define MAX_TILES 5
#endif
#define FUNCTIONS sympie_conv_functions_c
#include "conv_tmpl.h"
