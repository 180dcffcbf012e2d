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

static size_t
row_bytes (const SympieImage *image, int plane)
{
  return sympie_format_row_bytes (
      sympie_format_info (image->format), plane, image->width);
}

static size_t
rows (const SympieImage *image, int plane)
{
  return sympie_format_rows (
      sympie_format_info (image->format), plane, image->height);
}

static bool
fits (const SympieCudaStaging *staging, const SympieImage *image)
{
  return staging->memory && staging->device.format == image->format
         && staging->device.width == image->width
         && staging->device.height == image->height;
}

bool
sympie_cuda_staging_prepare (
    SympieCudaStaging *staging, const SympieImage *image, SympieError *error)
{
  int n_planes = sympie_format_info (image->format)->n_planes;

  if (!fits (staging, image)) {
    size_t offset[SYMPIE_MAX_PLANES], size = 0;

    sympie_cuda_staging_clear (staging);
    staging->device = *image;
    for (int p = 0; p < n_planes; p++) {
      size_t stride =
          (row_bytes (image, p) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

      offset[p] = size;
      staging->device.strides[p] = (ptrdiff_t) stride;
      size += stride * rows (image, p);
    }
    staging->memory = sympie_cuda_new (size, "allocate a frame", error);
    if (!staging->memory)
      return false;
    for (int p = 0; p < n_planes; p++)
      staging->device.planes[p] = staging->memory + offset[p];
    staging->size = size;
  }
  if (image->memory == SYMPIE_MEMORY_HOST && !staging->pinned) {
    staging->pinned = sympie_cuda_new_pinned (
        staging->size, "allocate pinned memory for a frame", error);
    if (!staging->pinned) {
      sympie_cuda_staging_clear (staging);
      return false;
    }
    /* The rows' padding travels too. */
    memset (staging->pinned, 0, staging->size);
  }
  staging->device.colorimetry = image->colorimetry;
  staging->device.memory = SYMPIE_MEMORY_CUDA;
  return true;
}

void
sympie_cuda_staging_clear (SympieCudaStaging *staging)
{
  sympie_cuda_free_pinned (staging->pinned);
  sympie_cuda_free (staging->memory);
  staging->pinned = staging->memory = NULL;
}

static size_t
row_offset (const SympieCudaStaging *staging, int plane, size_t row)
{
  return (staging->device.planes[plane] - staging->memory)
         + row * staging->device.strides[plane];
}

bool
sympie_cuda_staging_upload (SympieCudaStaging *staging,
    const SympieImage *image, cudaStream_t stream, SympieError *error)
{
  int n_planes = sympie_format_info (image->format)->n_planes;

  for (int p = 0; p < n_planes; p++) {
    if (image->memory == SYMPIE_MEMORY_HOST)
      for (size_t y = 0; y < rows (image, p); y++)
        memcpy (staging->pinned + row_offset (staging, p, y),
            image->planes[p] + (ptrdiff_t) y * image->strides[p],
            row_bytes (image, p));
    else if (!sympie_cuda_ok (
                 cudaMemcpy2DAsync (
                     staging->memory + row_offset (staging, p, 0),
                     staging->device.strides[p], image->planes[p],
                     image->strides[p], row_bytes (image, p), rows (image, p),
                     cudaMemcpyDeviceToDevice, stream),
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
  int n_planes = sympie_format_info (image->format)->n_planes;

  for (int p = 0; p < n_planes; p++)
    for (size_t y = 0; y < rows (image, p); y++)
      memcpy (target->planes[p] + (ptrdiff_t) y * target->strides[p],
          staging->pinned + row_offset (staging, p, y), row_bytes (image, p));
}
