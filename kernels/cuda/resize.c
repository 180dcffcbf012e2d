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
    int size = i % 2 == 0 ? image->width : image->height;
    int log2 = i % 2 == 0 ? component->sub_x : component->sub_y;
    unsigned cosited = i % 2 == 0 ? SYMPIE_CHROMA_LEFT : SYMPIE_CHROMA_TOP;
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

static size_t
size_of (const SympieTaps *taps)
{
  return taps->n * (sizeof (int) + taps->count * sizeof (float));
}

/* Starts, then weights with the outputs of one tap side by side, as the threads
 * read them. */
static void
lay_out (const SympieTaps *taps, void *memory)
{
  int *start = memory;
  float *weights = (float *) (start + taps->n);

  memcpy (start, taps->start, taps->n * sizeof *start);
  for (int i = 0; i < taps->n; i++)
    for (int t = 0; t < taps->count; t++)
      weights[t * taps->n + i] = taps->weights[i * taps->count + t];
}

static SympieCudaTaps
on_device (const SympieTaps *taps, uint8_t *memory)
{
  return (SympieCudaTaps){
    .n = taps->n,
    .count = taps->count,
    .start = (const int *) memory,
    .weights = (const float *) memory + taps->n,
  };
}

bool
sympie_cuda_resize_prepare (SympieCudaResize *resize, const SympieImage *image,
    cudaStream_t stream, SympieError *error)
{
  unsigned site = image->colorimetry.chroma_site;
  SympieTaps taps[N_AXES] = { 0 };
  uint8_t *host = NULL;
  size_t size = 0;
  bool ok = false;

  if (resize->memory && resize->format == image->format
      && resize->width == image->width && resize->height == image->height
      && resize->chroma_site == site)
    return true;

  /* An earlier frame may still read those that go. */
  if (resize->memory
      && !sympie_cuda_ok (
          cudaStreamSynchronize (stream), "finish a frame", error))
    return false;
  sympie_cuda_resize_clear (resize);
  if (!make_taps (taps, image, resize->input)) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    goto done;
  }
  for (int i = 0; i < N_AXES; i++)
    size += size_of (&taps[i]);
  host = malloc (size);
  if (!host) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    goto done;
  }
  if (!sympie_cuda_ok (cudaMalloc (&resize->memory, size),
          "allocate the taps of preprocessing", error))
    goto done;

  size = 0;
  for (int i = 0; i < N_AXES; i++) {
    SympieCudaTaps *axis = i % 2 == 0 ? &resize->x[i / 2] : &resize->y[i / 2];

    lay_out (&taps[i], host + size);
    *axis = on_device (&taps[i], (uint8_t *) resize->memory + size);
    size += size_of (&taps[i]);
  }
  ok = sympie_cuda_ok (cudaMemcpyAsync (resize->memory, host, size,
                           cudaMemcpyHostToDevice, stream),
           "upload the taps of preprocessing", error)
       && sympie_cuda_ok (cudaStreamSynchronize (stream),
           "upload the taps of preprocessing", error);
  resize->format = image->format;
  resize->width = image->width;
  resize->height = image->height;
  resize->chroma_site = site;

done:
  if (!ok)
    sympie_cuda_resize_clear (resize);
  for (int i = 0; i < N_AXES; i++)
    sympie_taps_clear (&taps[i]);
  free (host);
  return ok;
}

void
sympie_cuda_resize_clear (SympieCudaResize *resize)
{
  if (resize->memory)
    cudaFree (resize->memory);
  resize->memory = NULL;
}
