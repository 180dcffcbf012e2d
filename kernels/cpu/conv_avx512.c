/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Convolutions with AVX-512. */

#define BLOCK 16
#define MAX_TILES 12
#define FUNCTIONS sympie_conv_functions_avx512
#include "conv_tmpl.h"
