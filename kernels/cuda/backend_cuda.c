/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A frame takes a slot: its memory, if it comes from the host, and an event
 * that says when it is done. Uploads have a stream of their own, so that the
 * next frame's goes on while the GPU works on this one. Kernels only ever see
 * device memory. */

#include "../backend.h"

#include <stdlib.h>

#include "../error.h"
#include "error.h"
#include "staging.h"
#include "steps.h"

typedef struct
{
  SympieCudaStaging in, out;
  SympieParams *params; /* pinned: to apply, or what was estimated */
  cudaEvent_t uploaded, done;
} Slot;

typedef struct
{
  int device;
  bool half;
  bool is_primary; /* context: then the device must be made current */
  bool own_stream;
  cudaStream_t stream, uploads;

  const SympieCudaWeights *weights; /* NULL: DWM is all there is */
  SympieCudaSteps steps;
  float *params; /* on the device, those to apply */

  Slot slots[SYMPIE_MAX_BEGUN];
  unsigned n_begun, n_finished; /* frames since the start */
} Cuda;

/* What to do with a frame. */
typedef struct
{
  const SympieImage *src;
  const SympieImage *dst; /* or one like it in host memory; NULL: estimate */
  const SympieParams *params; /* to apply; NULL: those estimated */
  float strength;
} Job;

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
clear_slot (Slot *slot)
{
  sympie_cuda_staging_clear (&slot->in);
  sympie_cuda_staging_clear (&slot->out);
  if (slot->params)
    cudaFreeHost (slot->params);
  if (slot->uploaded)
    cudaEventDestroy (slot->uploaded);
  if (slot->done)
    cudaEventDestroy (slot->done);
}

static bool
prepare_slot (Slot *slot, char **error)
{
  void *params;

  if (!sympie_cuda_ok (
          cudaHostAlloc (&params, sizeof (SympieParams), cudaHostAllocDefault),
          "allocate the parameters", error))
    return false;
  slot->params = params;
  return sympie_cuda_ok (
             cudaEventCreateWithFlags (&slot->uploaded, cudaEventDisableTiming),
             "make an event", error)
         && sympie_cuda_ok (
             cudaEventCreateWithFlags (&slot->done, cudaEventDisableTiming),
             "make an event", error);
}

/* Nothing goes on after this, whether it succeeds or not. */
static void
wait_for_all (Cuda *cuda)
{
  if (cuda->uploads)
    cudaStreamSynchronize (cuda->uploads);
  if (cuda->stream)
    cudaStreamSynchronize (cuda->stream);
}

static void
cuda_close (void *backend)
{
  Cuda *cuda = backend;

  enter (cuda, NULL);
  wait_for_all (cuda);
  for (int i = 0; i < SYMPIE_MAX_BEGUN; i++)
    clear_slot (&cuda->slots[i]);
  sympie_cuda_steps_clear (&cuda->steps);
  sympie_cuda_weights_unref (cuda->weights);
  if (cuda->params)
    cudaFree (cuda->params);
  if (cuda->uploads)
    cudaStreamDestroy (cuda->uploads);
  if (cuda->stream && cuda->own_stream)
    cudaStreamDestroy (cuda->stream);
  free (cuda);
}

static bool
prepare (Cuda *cuda, const SympieConfig *config,
    const SympieNemWeights *weights, char **error)
{
  void *params;

  if (!enter (cuda, error))
    return false;
  cuda->stream = config->cuda_stream;
  cuda->own_stream = config->cuda_stream == NULL;
  if (cuda->own_stream
      && !sympie_cuda_ok (
          cudaStreamCreateWithFlags (&cuda->stream, cudaStreamNonBlocking),
          "make a stream", error))
    return false;
  if (!sympie_cuda_ok (
          cudaStreamCreateWithFlags (&cuda->uploads, cudaStreamNonBlocking),
          "make a stream", error)
      || !sympie_cuda_ok (cudaMalloc (&params, sizeof (SympieParams)),
          "allocate the parameters", error))
    return false;
  cuda->params = params;
  for (int i = 0; i < SYMPIE_MAX_BEGUN; i++)
    if (!prepare_slot (&cuda->slots[i], error))
      return false;

  cuda->steps.half = cuda->half;
  cuda->steps.stream = cuda->stream;
  if (!weights)
    return true;
  cuda->weights = sympie_cuda_weights_ref (weights, cuda->half, cuda->device,
      config->cuda_context, cuda->stream, error);
  if (!cuda->weights)
    return false;
  cuda->steps.nem =
      sympie_cuda_nem_new (cuda->weights, cuda->device, cuda->stream, error);
  return cuda->steps.nem != NULL;
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

/* ---- Frames -------------------------------------------------------------- */

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

/* A block reads pixels that another one writes: work in place needs a copy. */
static bool
is_in_place (const Job *job)
{
  return job->dst && job->src->memory == SYMPIE_MEMORY_CUDA
         && job->src->planes[0] == job->dst->planes[0];
}

/* What to read from: the image, or its copy in the slot. */
static bool
put_source (Cuda *cuda, Slot *slot, const Job *job, SympieImage *on_device,
    char **error)
{
  bool is_host = job->src->memory == SYMPIE_MEMORY_HOST;

  *on_device = *job->src;
  if (!is_host && !is_in_place (job))
    return check_alignment (job->src, error);
  if (!sympie_cuda_staging_prepare (&slot->in, job->src, error)
      || !sympie_cuda_staging_upload (
          &slot->in, job->src, is_host ? cuda->uploads : cuda->stream, error))
    return false;
  *on_device = slot->in.device;
  return !is_host
         || (sympie_cuda_ok (cudaEventRecord (slot->uploaded, cuda->uploads),
                 "upload a frame", error)
             && sympie_cuda_ok (
                 cudaStreamWaitEvent (cuda->stream, slot->uploaded, 0),
                 "upload a frame", error));
}

/* What to write to. */
static bool
prepare_result (
    Slot *slot, const SympieImage *dst, SympieImage *on_device, char **error)
{
  *on_device = *dst;
  if (dst->memory == SYMPIE_MEMORY_CUDA)
    return check_alignment (dst, error);
  if (!sympie_cuda_staging_prepare (&slot->out, dst, error))
    return false;
  *on_device = slot->out.device;
  return true;
}

static bool
put_given (Cuda *cuda, Slot *slot, const Job *job, const SympieImage *src,
    const SympieImage *dst, char **error)
{
  *slot->params = *job->params;
  return sympie_cuda_ok (
             cudaMemcpyAsync (cuda->params, slot->params, sizeof *slot->params,
                 cudaMemcpyHostToDevice, cuda->stream),
             "upload the parameters", error)
         && sympie_cuda_steps_apply (
             &cuda->steps, src, dst, cuda->params, job->strength, error);
}

static bool
put_estimated (Cuda *cuda, Slot *slot, const Job *job, const SympieImage *src,
    const SympieImage *dst, char **error)
{
  return (dst ? sympie_cuda_steps_enhance (
              &cuda->steps, src, dst, job->strength, error)
              : sympie_cuda_steps_estimate (&cuda->steps, src, error))
         && sympie_cuda_ok (
             cudaMemcpyAsync (slot->params,
                 sympie_cuda_nem_params (cuda->steps.nem), sizeof *slot->params,
                 cudaMemcpyDeviceToHost, cuda->stream),
             "download the parameters", error);
}

static bool
put_job (Cuda *cuda, Slot *slot, const Job *job, char **error)
{
  SympieImage src, dst;

  return enter (cuda, error) && put_source (cuda, slot, job, &src, error)
         && (!job->dst || prepare_result (slot, job->dst, &dst, error))
         && (job->params ? put_given (cuda, slot, job, &src, &dst, error)
                         : put_estimated (cuda, slot, job, &src,
                             job->dst ? &dst : NULL, error))
         && (!job->dst || job->dst->memory == SYMPIE_MEMORY_CUDA
             || sympie_cuda_staging_download (&slot->out, cuda->stream, error))
         && sympie_cuda_ok (
             cudaEventRecord (slot->done, cuda->stream), "mark an end", error);
}

/* Puts the work on the streams, or nothing that is left. Images in host memory
 * may be used again at once. */
static bool
begin (Cuda *cuda, const Job *job, char **error)
{
  if (!put_job (
          cuda, &cuda->slots[cuda->n_begun % SYMPIE_MAX_BEGUN], job, error)) {
    wait_for_all (cuda);
    return false;
  }
  cuda->n_begun++;
  return true;
}

/* Waits for the frame that was begun first and writes it to `dst`, where that
 * is in host memory. */
static bool
finish (Cuda *cuda, const char *what, const SympieImage *dst,
    SympieParams *params, char **error)
{
  Slot *slot = &cuda->slots[cuda->n_finished++ % SYMPIE_MAX_BEGUN];

  if (!enter (cuda, error)
      || !sympie_cuda_ok (cudaEventSynchronize (slot->done), what, error)) {
    wait_for_all (cuda);
    return false;
  }
  if (params)
    *params = *slot->params;
  if (dst && dst->memory == SYMPIE_MEMORY_HOST)
    sympie_cuda_staging_finish (&slot->out, dst);
  return true;
}

/* ---- The backend's functions --------------------------------------------- */

static bool
cuda_estimate (
    void *backend, const SympieImage *image, SympieParams *params, char **error)
{
  Job job = { .src = image };

  return begin (backend, &job, error)
         && finish (backend, "estimate the parameters", NULL, params, error);
}

static bool
cuda_apply (void *backend, const SympieImage *src, const SympieImage *dst,
    const SympieParams *params, char **error)
{
  Job job = { .src = src, .dst = dst, .params = params, .strength = 1 };

  return begin (backend, &job, error)
         && finish (backend, "apply the parameters", dst, NULL, error);
}

static bool
cuda_enhance (void *backend, const SympieImage *src, const SympieImage *dst,
    float strength, SympieParams *params, char **error)
{
  Job job = { .src = src, .dst = dst, .strength = strength };

  return begin (backend, &job, error)
         && finish (backend, "enhance a frame", dst, params, error);
}

static bool
cuda_begin (void *backend, const SympieImage *src, const SympieParams *params,
    float strength, char **error)
{
  Job job = {
    .src = src,
    .dst = src, /* of the same size, and on the host */
    .params = params,
    .strength = strength,
  };

  return begin (backend, &job, error);
}

static bool
cuda_finish (
    void *backend, const SympieImage *dst, SympieParams *params, char **error)
{
  return finish (backend, "enhance a frame", dst, params, error);
}

const SympieBackend sympie_backend_cuda = {
  .device = SYMPIE_DEVICE_CUDA,
  .open = cuda_open,
  .close = cuda_close,
  .estimate = cuda_estimate,
  .apply = cuda_apply,
  .enhance = cuda_enhance,
  .begin = cuda_begin,
  .finish = cuda_finish,
};
