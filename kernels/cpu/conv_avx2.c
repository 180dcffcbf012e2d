/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Convolutions with AVX2 and FMA. */

#define BLOCK 8
#define MAX_TILES 6
#define FUNCTIONS sympie_conv_functions_avx2
#include "conv_tmpl.h"
