/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What cuda.h here is, for OpenGL: which the emulation has nothing of. */

#ifndef SYMPIE_EMULATED_CUDAGL_H
#define SYMPIE_EMULATED_CUDAGL_H

#include "cuda.h"

typedef enum
{
  CU_GL_DEVICE_LIST_ALL = 1,
} CUGLDeviceList;

#endif /* SYMPIE_EMULATED_CUDAGL_H */
