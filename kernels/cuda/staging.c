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

/* Bytes of a row and rows of a plane, padding not counted. */
static void
plane_size (const SympieImage *image, int plane, size_t *bytes, size_t *rows)
{
  const SympieFormatInfo *info = sympie_format_info (image->format);

  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &info->component[c];

    if (component->plane == plane) {
      *bytes = (size_t) component->step
               * sympie_component_width (component, image->width);
      *rows = sympie_component_height (component, image->height);
    }
  }
}

static bool
fits (const SympieCudaStaging *staging, const SympieImage *image)
{
  return staging->size > 0 && staging->device.format == image->format
         && staging->device.width == image->width
         && staging->device.height == image->height;
}

bool
sympie_cuda_staging_prepare (
    SympieCudaStaging *staging, const SympieImage *image, SympieError *error)
{
  int n_planes = sympie_format_info (image->format)->n_planes;
  size_t offset[SYMPIE_MAX_PLANES], size = 0;
  void *memory;

  if (!fits (staging, image)) {
    sympie_cuda_staging_clear (staging);
    staging->device = *image;
    for (int p = 0; p < n_planes; p++) {
      size_t bytes = 0, rows = 0;

      plane_size (image, p, &bytes, &rows);
      bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
      offset[p] = size;
      staging->device.strides[p] = (ptrdiff_t) bytes;
      size += bytes * rows;
    }
    if (!sympie_cuda_ok (cudaMalloc (&memory, size), "allocate a frame", error))
      return false;
    for (int p = 0; p < n_planes; p++)
      staging->device.planes[p] = (uint8_t *) memory + offset[p];
    staging->memory = memory;
    staging->size = size;
  }
  if (image->memory == SYMPIE_MEMORY_HOST && !staging->pinned) {
    if (!sympie_cuda_ok (
            cudaHostAlloc (&memory, staging->size, cudaHostAllocDefault),
            "allocate pinned memory for a frame", error)) {
      sympie_cuda_staging_clear (staging);
      return false;
    }
    staging->pinned = memory;
    /* The rows' padding travels too. */
    memset (memory, 0, staging->size);
  }
  staging->device.colorimetry = image->colorimetry;
  staging->device.memory = SYMPIE_MEMORY_CUDA;
  return true;
}

void
sympie_cuda_staging_clear (SympieCudaStaging *staging)
{
  if (staging->pinned)
    cudaFreeHost (staging->pinned);
  if (staging->size > 0)
    cudaFree (staging->memory);
  staging->pinned = NULL;
  staging->size = 0;
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
    size_t bytes = 0, rows = 0;

    plane_size (image, p, &bytes, &rows);
    if (image->memory == SYMPIE_MEMORY_CUDA) {
      if (!sympie_cuda_ok (
              cudaMemcpy2DAsync (staging->memory + row_offset (staging, p, 0),
                  staging->device.strides[p], image->planes[p],
                  image->strides[p], bytes, rows, cudaMemcpyDeviceToDevice,
                  stream),
              "copy a frame", error))
        return false;
      continue;
    }
    for (size_t y = 0; y < rows; y++)
      memcpy (staging->pinned + row_offset (staging, p, y),
          image->planes[p] + (ptrdiff_t) y * image->strides[p], bytes);
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

  for (int p = 0; p < n_planes; p++) {
    size_t bytes = 0, rows = 0;

    plane_size (image, p, &bytes, &rows);
    for (size_t y = 0; y < rows; y++)
      memcpy (target->planes[p] + (ptrdiff_t) y * target->strides[p],
          staging->pinned + row_offset (staging, p, y), bytes);
  }
}
