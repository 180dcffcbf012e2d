/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A frame's way to the device and back through pinned memory, and its copy on
 * the device. */

#ifndef SYMPIE_CUDA_STAGING_H
#define SYMPIE_CUDA_STAGING_H

#include "kernels.h"

typedef struct
{
  size_t size;
  uint8_t *memory; /* on the device */
  uint8_t *pinned; /* the same on the host; NULL where none came from there */
  SympieImage device; /* its planes are in `memory` */
} SympieCudaStaging;

/* Makes room for images like this one; false with a message when there is none,
 * and what was there is gone. */
bool sympie_cuda_staging_prepare (
    SympieCudaStaging *staging, const SympieImage *image, SympieError *error);
void sympie_cuda_staging_clear (SympieCudaStaging *staging);

/* From the image, in host or device memory, to staging->device. `image` may be
 * used again at once where it is in host memory. */
bool sympie_cuda_staging_upload (SympieCudaStaging *staging,
    const SympieImage *image, cudaStream_t stream, SympieError *error);

/* From staging->device to pinned memory; after the stream was waited for, from
 * there to a target in host memory. */
bool sympie_cuda_staging_download (
    SympieCudaStaging *staging, cudaStream_t stream, SympieError *error);
void sympie_cuda_staging_finish (
    const SympieCudaStaging *staging, const SympieTarget *target);

#endif /* SYMPIE_CUDA_STAGING_H */
