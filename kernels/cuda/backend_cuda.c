/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A frame's work is put on one stream and waited for once. Host images pass
 * through staging; the kernels only ever see device memory. */

#include "../backend.h"

#include <stdlib.h>

#include "../error.h"
#include "error.h"
#include "nem.h"
#include "resize.h"
#include "staging.h"

typedef struct
{
  int device;
  bool half;
  bool is_primary; /* context: then the device must be made current */
  cudaStream_t stream;

  const SympieCudaWeights *weights; /* these two only with weights */
  SympieCudaNem *nem;
  SympieCudaResize resize;

  SympieParams *host_params; /* pinned */
  float *params;             /* on the device, those of apply */
  SympieCudaStaging in, out;
} Cuda;

/* Every entry: the calling thread may be another one than before. */
static bool
enter (const Cuda *cuda, char **error)
{
  return !cuda->is_primary
         || sympie_cuda_ok (
             cudaSetDevice (cuda->device), "use the device", error);
}

bool
sympie_cuda_probe (int device, char **error)
{
  int count = 0;

  if (!sympie_cuda_ok (cudaGetDeviceCount (&count), "look for a device", error))
    return false;
  if (device < 0 || device >= count)
    return sympie_fail (
        error, "no CUDA device %d: there are %d, from 0", device, count);
  return true;
}

static void
cuda_close (void *backend)
{
  Cuda *cuda = backend;

  enter (cuda, NULL);
  if (cuda->stream)
    cudaStreamSynchronize (cuda->stream);
  sympie_cuda_staging_clear (&cuda->in);
  sympie_cuda_staging_clear (&cuda->out);
  sympie_cuda_resize_clear (&cuda->resize);
  sympie_cuda_nem_free (cuda->nem);
  sympie_cuda_weights_unref (cuda->weights);
  if (cuda->params)
    cudaFree (cuda->params);
  if (cuda->host_params)
    cudaFreeHost (cuda->host_params);
  if (cuda->stream)
    cudaStreamDestroy (cuda->stream);
  free (cuda);
}

static bool
prepare (Cuda *cuda, const SympieConfig *config,
    const SympieNemWeights *weights, char **error)
{
  void *params, *host_params;

  if (!enter (cuda, error)
      || !sympie_cuda_ok (
          cudaStreamCreateWithFlags (&cuda->stream, cudaStreamNonBlocking),
          "make a stream", error)
      || !sympie_cuda_ok (cudaMalloc (&params, sizeof (SympieParams)),
          "allocate the parameters", error))
    return false;
  cuda->params = params;
  if (!sympie_cuda_ok (cudaHostAlloc (&host_params, sizeof (SympieParams),
                           cudaHostAllocDefault),
          "allocate the parameters", error))
    return false;
  cuda->host_params = host_params;
  if (!weights)
    return true;
  cuda->weights = sympie_cuda_weights_ref (weights, cuda->half, cuda->device,
      config->cuda_context, cuda->stream, error);
  if (!cuda->weights)
    return false;
  cuda->nem =
      sympie_cuda_nem_new (cuda->weights, cuda->device, cuda->stream, error);
  return cuda->nem != NULL;
}

static void *
cuda_open (
    const SympieConfig *config, const SympieNemWeights *weights, char **error)
{
  Cuda *cuda = calloc (1, sizeof *cuda);

  if (!cuda) {
    sympie_fail (error, "out of memory");
    return NULL;
  }
  cuda->device = config->cuda_device;
  cuda->half = !config->cuda_float;
  cuda->is_primary = config->cuda_context == NULL;
  if (!prepare (cuda, config, weights, error)) {
    cuda_close (cuda);
    return NULL;
  }
  return cuda;
}

/* ---- The steps of a frame, each put on the stream ------------------------ */

static bool
check_alignment (const SympieImage *image, char **error)
{
  const SympieFormatInfo *info = sympie_format_info (image->format);
  uintptr_t word = info->alpha >= 0 ? 4 : info->depth > 8 ? 2 : 1;

  for (int p = 0; p < info->n_planes; p++)
    if (((uintptr_t) image->planes[p] | (uintptr_t) image->strides[p]) % word)
      return sympie_fail (error,
          "%s image in CUDA memory that is not aligned to %d bytes", info->name,
          (int) word);
  return true;
}

/* `image` or its copy on the device. */
static bool
to_device (Cuda *cuda, const SympieImage *image, bool copy,
    SympieImage *on_device, char **error)
{
  *on_device = *image;
  if (image->memory == SYMPIE_MEMORY_CUDA && !copy)
    return check_alignment (image, error);
  if (!sympie_cuda_staging_prepare (&cuda->in, image, error)
      || !sympie_cuda_staging_upload (&cuda->in, image, cuda->stream, error))
    return false;
  *on_device = cuda->in.device;
  return true;
}

static bool
run_estimate (Cuda *cuda, const SympieImage *on_device, char **error)
{
  SympieCudaFrame frame = sympie_cuda_frame (on_device);
  SympieColour colour;

  sympie_colour_init (&colour, frame.info, &on_device->colorimetry);
  return sympie_cuda_resize_prepare (
             &cuda->resize, on_device, cuda->stream, error)
         && sympie_cuda_ok (
             sympie_cuda_preprocess (&frame, &colour, cuda->resize.x,
                 cuda->resize.y, sympie_cuda_nem_crop (cuda->nem), cuda->half,
                 cuda->stream),
             "run the preprocessing", error)
         && sympie_cuda_nem_run (cuda->nem, error);
}

static bool
run_apply (Cuda *cuda, const SympieImage *src, const SympieImage *dst,
    const float *params, float strength, char **error)
{
  SympieImage on_device = *dst;
  SympieCudaFrame from = sympie_cuda_frame (src), to;
  SympieColour colour;

  if (dst->memory == SYMPIE_MEMORY_HOST) {
    if (!sympie_cuda_staging_prepare (&cuda->out, dst, error))
      return false;
    on_device = cuda->out.device;
  } else if (!check_alignment (dst, error)) {
    return false;
  }
  to = sympie_cuda_frame (&on_device);
  sympie_colour_init (&colour, from.info, &src->colorimetry);
  return sympie_cuda_ok (
             sympie_cuda_dwm (&from, &to, &colour, src->colorimetry.chroma_site,
                 params, strength, cuda->half, cuda->stream),
             "run DWM", error)
         && (dst->memory == SYMPIE_MEMORY_CUDA
             || sympie_cuda_staging_download (&cuda->out, cuda->stream, error));
}

static bool
run_get_params (Cuda *cuda, char **error)
{
  return sympie_cuda_ok (
      cudaMemcpyAsync (cuda->host_params, sympie_cuda_nem_params (cuda->nem),
          sizeof (SympieParams), cudaMemcpyDeviceToHost, cuda->stream),
      "download the parameters", error);
}

/* Waits, whether the steps succeeded or not: nothing of this frame may go on in
 * memory that the caller has back. */
static bool
finish (Cuda *cuda, bool ok, const char *what, char **error)
{
  return sympie_cuda_ok (
             cudaStreamSynchronize (cuda->stream), what, ok ? error : NULL)
         && ok;
}

/* ---- The backend's functions --------------------------------------------- */

static bool
cuda_estimate (
    void *backend, const SympieImage *image, SympieParams *params, char **error)
{
  Cuda *cuda = backend;
  SympieImage on_device;
  bool ok =
      enter (cuda, error) && to_device (cuda, image, false, &on_device, error)
      && run_estimate (cuda, &on_device, error) && run_get_params (cuda, error);

  ok = finish (cuda, ok, "estimate the parameters", error);
  if (ok)
    *params = *cuda->host_params;
  return ok;
}

/* A block reads pixels that another one writes: work in place needs a copy. */
static bool
is_in_place (const SympieImage *src, const SympieImage *dst)
{
  return src->memory == SYMPIE_MEMORY_CUDA && src->planes[0] == dst->planes[0];
}

static bool
cuda_apply (void *backend, const SympieImage *src, const SympieImage *dst,
    const SympieParams *params, char **error)
{
  Cuda *cuda = backend;
  SympieImage on_device;
  bool ok;

  *cuda->host_params = *params;
  ok = enter (cuda, error)
       && to_device (cuda, src, is_in_place (src, dst), &on_device, error)
       && sympie_cuda_ok (
           cudaMemcpyAsync (cuda->params, cuda->host_params, sizeof *params,
               cudaMemcpyHostToDevice, cuda->stream),
           "upload the parameters", error)
       && run_apply (cuda, &on_device, dst, cuda->params, 1, error);
  ok = finish (cuda, ok, "apply the parameters", error);
  if (ok && dst->memory == SYMPIE_MEMORY_HOST)
    sympie_cuda_staging_finish (&cuda->out, dst);
  return ok;
}

static bool
cuda_enhance (void *backend, const SympieImage *src, const SympieImage *dst,
    float strength, SympieParams *params, char **error)
{
  Cuda *cuda = backend;
  SympieImage on_device;
  bool ok = enter (cuda, error)
            && to_device (cuda, src, is_in_place (src, dst), &on_device, error)
            && run_estimate (cuda, &on_device, error)
            && run_get_params (cuda, error)
            && run_apply (cuda, &on_device, dst,
                sympie_cuda_nem_params (cuda->nem), strength, error);

  ok = finish (cuda, ok, "enhance a frame", error);
  if (ok)
    *params = *cuda->host_params;
  if (ok && dst->memory == SYMPIE_MEMORY_HOST)
    sympie_cuda_staging_finish (&cuda->out, dst);
  return ok;
}

const SympieBackend sympie_backend_cuda = {
  .device = SYMPIE_DEVICE_CUDA,
  .open = cuda_open,
  .close = cuda_close,
  .estimate = cuda_estimate,
  .apply = cuda_apply,
  .enhance = cuda_enhance,
};
