/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "resize.h"

#include <stdlib.h>
#include <string.h>

#include "../cpu/taps.h"
#include "error.h"

enum
{
  N_AXES = 4 /* x and y of luma, x and y of chroma */
};

static bool
make_taps (SympieTaps taps[N_AXES], const SympieImage *image, SympieInput input)
{
  const SympieFormatInfo *info = sympie_format_info (image->format);
  unsigned site = image->colorimetry.chroma_site;
  int64_t smaller = image->width < image->height ? image->width : image->height;

  for (int i = 0; i < N_AXES; i++) {
    const SympieComponent *component = &info->component[i / 2];
    bool down = i % 2; /* y */
    int size = down ? image->height : image->width;
    int log2 = down ? component->sub_y : component->sub_x;
    unsigned cosited = down ? SYMPIE_CHROMA_TOP : SYMPIE_CHROMA_LEFT;
    int resized = size, n = size;

    if (input == SYMPIE_INPUT_CROP224) {
      resized = (int) (size * (int64_t) SYMPIE_NEM_RESIZE / smaller);
      n = SYMPIE_NEM_SIZE;
    }
    if (!sympie_taps_init (&taps[i], size, resized, n, log2, site & cosited))
      return false;
  }
  return true;
}

/* Each axis is starts, then weights with the outputs of one tap side by side,
 * as the threads read them. */
static bool
upload (SympieCudaResize *resize, const SympieTaps taps[N_AXES],
    cudaStream_t stream, SympieError *error)
{
  const char *what = "upload the taps of preprocessing";
  size_t size = 0, at = 0;
  float *host, *memory;
  bool ok;

  for (int i = 0; i < N_AXES; i++)
    size += (size_t) taps[i].n * (1 + taps[i].count) * sizeof *host;
  host = malloc (size);
  if (!host)
    return sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
  resize->memory = memory =
      sympie_cuda_new (size, "allocate the taps of preprocessing", error);
  for (int i = 0; i < N_AXES && memory; i++) {
    int n = taps[i].n, count = taps[i].count;

    memcpy (host + at, taps[i].start, n * sizeof (int));
    for (int k = 0; k < n; k++)
      for (int t = 0; t < count; t++)
        host[at + (1 + t) * n + k] = taps[i].weights[k * count + t];
    resize->taps[i] = (SympieCudaTaps){ .n = n,
      .count = count,
      .start = (const int *) (memory + at),
      .weights = memory + at + n };
    at += (size_t) n * (1 + count);
  }
  ok = memory
       && sympie_cuda_ok (
           cudaMemcpyAsync (memory, host, size, cudaMemcpyHostToDevice, stream),
           what, error)
       && sympie_cuda_ok (cudaStreamSynchronize (stream), what, error);
  free (host);
  return ok;
}

bool
sympie_cuda_resize_fits (
    const SympieCudaResize *resize, const SympieImage *image)
{
  return resize->memory && resize->image.format == image->format
         && resize->image.width == image->width
         && resize->image.height == image->height
         && resize->image.colorimetry.chroma_site
                == image->colorimetry.chroma_site;
}

bool
sympie_cuda_resize_prepare (SympieCudaResize *resize, const SympieImage *image,
    cudaStream_t stream, SympieError *error)
{
  SympieTaps taps[N_AXES] = { 0 };
  bool ok;

  if (sympie_cuda_resize_fits (resize, image))
    return true;
  sympie_cuda_resize_clear (resize);
  resize->image = *image;
  ok = make_taps (taps, image, resize->input)
           ? upload (resize, taps, stream, error)
           : sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
  if (!ok)
    sympie_cuda_resize_clear (resize);
  for (int i = 0; i < N_AXES; i++)
    sympie_taps_clear (&taps[i]);
  return ok;
}

void
sympie_cuda_resize_clear (SympieCudaResize *resize)
{
  sympie_cuda_free (resize->memory);
  resize->memory = NULL;
}
