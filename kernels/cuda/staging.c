/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "staging.h"

#include <string.h>

#include "error.h"

enum
{
  ALIGNMENT = 256 /* of rows and planes, for wide accesses */
};

static bool
fits (const SympieCudaStaging *staging, const SympieImage *image)
{
  return staging->memory && staging->device.format == image->format
         && staging->device.width == image->width
         && staging->device.height == image->height;
}

/* Lays the planes out one after the other, in rows of their own strides. */
static bool
allocate (
    SympieCudaStaging *staging, const SympieImage *image, SympieError *error)
{
  const SympieFormatInfo *info = sympie_format_info (image->format);
  size_t offset[SYMPIE_MAX_PLANES];

  sympie_cuda_staging_clear (staging);
  staging->device = *image;
  staging->device.memory = SYMPIE_MEMORY_CUDA;
  staging->size = 0;
  for (int p = 0; p < info->n_planes; p++) {
    size_t bytes = sympie_format_row_bytes (info, p, image->width);
    size_t stride = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

    offset[p] = staging->size;
    staging->device.strides[p] = (ptrdiff_t) stride;
    staging->size += stride * sympie_format_rows (info, p, image->height);
  }
  staging->memory = sympie_cuda_new (staging->size, "allocate a frame", error);
  for (int p = 0; p < info->n_planes && staging->memory; p++)
    staging->device.planes[p] = staging->memory + offset[p];
  return staging->memory != NULL;
}

bool
sympie_cuda_staging_prepare (
    SympieCudaStaging *staging, const SympieImage *image, SympieError *error)
{
  if (!fits (staging, image) && !allocate (staging, image, error))
    return false;
  staging->device.colorimetry = image->colorimetry;
  if (image->memory == SYMPIE_MEMORY_CUDA || staging->pinned)
    return true;
  staging->pinned = sympie_cuda_new_pinned (
      staging->size, "allocate pinned memory for a frame", error);
  if (!staging->pinned) {
    sympie_cuda_staging_clear (staging);
    return false;
  }
  memset (staging->pinned, 0, staging->size); /* the padding travels too */
  return true;
}

void
sympie_cuda_staging_clear (SympieCudaStaging *staging)
{
  sympie_cuda_free_pinned (staging->pinned);
  sympie_cuda_free (staging->memory);
  staging->pinned = staging->memory = NULL;
}

/* A row of a plane in pinned memory. */
static uint8_t *
row_of (const SympieCudaStaging *staging, int plane, int y)
{
  return staging->pinned + (staging->device.planes[plane] - staging->memory)
         + y * staging->device.strides[plane];
}

bool
sympie_cuda_staging_upload (SympieCudaStaging *staging,
    const SympieImage *image, cudaStream_t stream, SympieError *error)
{
  const SympieFormatInfo *info = sympie_format_info (image->format);

  for (int p = 0; p < info->n_planes; p++) {
    size_t bytes = sympie_format_row_bytes (info, p, image->width);
    int rows = sympie_format_rows (info, p, image->height);

    if (image->memory == SYMPIE_MEMORY_HOST)
      for (int y = 0; y < rows; y++)
        memcpy (row_of (staging, p, y),
            image->planes[p] + y * image->strides[p], bytes);
    else if (!sympie_cuda_ok (
                 cudaMemcpy2DAsync ((void *) staging->device.planes[p],
                     staging->device.strides[p], image->planes[p],
                     image->strides[p], bytes, rows, cudaMemcpyDeviceToDevice,
                     stream),
                 "copy a frame", error))
      return false;
  }
  return image->memory == SYMPIE_MEMORY_CUDA
         || sympie_cuda_ok (cudaMemcpyAsync (staging->memory, staging->pinned,
                                staging->size, cudaMemcpyHostToDevice, stream),
             "upload a frame", error);
}

bool
sympie_cuda_staging_download (
    SympieCudaStaging *staging, cudaStream_t stream, SympieError *error)
{
  return sympie_cuda_ok (cudaMemcpyAsync (staging->pinned, staging->memory,
                             staging->size, cudaMemcpyDeviceToHost, stream),
      "download a frame", error);
}

void
sympie_cuda_staging_finish (
    const SympieCudaStaging *staging, const SympieTarget *target)
{
  const SympieImage *image = &staging->device;
  const SympieFormatInfo *info = sympie_format_info (image->format);

  for (int p = 0; p < info->n_planes; p++)
    for (int y = 0; y < sympie_format_rows (info, p, image->height); y++)
      memcpy (target->planes[p] + y * target->strides[p],
          row_of (staging, p, y),
          sympie_format_row_bytes (info, p, image->width));
}
