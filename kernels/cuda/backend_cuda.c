/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A frame's work goes on one stream, which is waited for before the frame is
 * given back. Kernels only ever see device memory. */

#include "../backend.h"

#include <stdlib.h>

#include "../error.h"
#include "error.h"
#include "staging.h"
#include "steps.h"

enum
{
  PARAMS_SIZE = 256 /* bytes, with what aligns the operator after them */
};

/* As sympie_cuda_nem_params() has it. */
typedef struct
{
  SympieParams params;
  float gate;
} Estimate;

typedef struct
{
  int device;
  bool half;
  bool is_primary; /* context: then the device must be made current */
  bool own_stream;
  cudaStream_t stream;

  const SympieCudaWeights *weights; /* NULL: DWM is all there is */
  SympieCudaSteps steps;
  float *params; /* on the device, those to apply */

  SympieCudaStaging in, out; /* where frames do not come from the device */
  Estimate *pinned;          /* parameters to apply, or what was estimated */
} Cuda;

/* What to do with a frame. */
typedef struct
{
  const SympieImage *src;
  const SympieTarget *dst;    /* NULL: estimate */
  const SympieParams *params; /* to apply; NULL: those estimated */
  float strength;
} Job;

/* Every entry: the calling thread may be another one than before. */
static bool
enter (const Cuda *cuda, SympieError *error)
{
  return !cuda->is_primary
         || sympie_cuda_ok (
             cudaSetDevice (cuda->device), "use the device", error);
}

bool
sympie_cuda_probe (int device, SympieError *error)
{
  int count = 0;

  if (!sympie_cuda_ok (cudaGetDeviceCount (&count), "look for a device", error))
    return false;
  if (device < 0 || device >= count)
    return sympie_fail (error, SYMPIE_ERROR_DEVICE,
        "no CUDA device %d: there are %d, from 0", device, count);
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
  if (cuda->pinned)
    cudaFreeHost (cuda->pinned);
  sympie_cuda_steps_clear (&cuda->steps);
  sympie_cuda_weights_unref (cuda->weights);
  if (cuda->params)
    cudaFree (cuda->params);
  if (cuda->stream && cuda->own_stream)
    cudaStreamDestroy (cuda->stream);
  free (cuda);
}

static bool
prepare (Cuda *cuda, const SympieConfig *config,
    const SympieNemWeights *weights, SympieError *error)
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
          cudaMalloc (&params, PARAMS_SIZE + sympie_cuda_operator_size ()),
          "allocate the parameters", error))
    return false;
  cuda->params = params;
  cuda->steps.op = (SympieCudaOperator *) ((uint8_t *) params + PARAMS_SIZE);
  if (!sympie_cuda_ok (
          cudaHostAlloc (&params, sizeof (Estimate), cudaHostAllocDefault),
          "allocate the parameters", error))
    return false;
  cuda->pinned = params;

  cuda->steps.half = cuda->half;
  cuda->steps.heeds_gate = !config->ignore_gate;
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
cuda_open (const SympieConfig *config, const SympieNemWeights *weights,
    SympieError *error)
{
  Cuda *cuda = calloc (1, sizeof *cuda);

  if (!cuda) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
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
check_alignment (const SympieImage *image, SympieError *error)
{
  const SympieFormatInfo *info = sympie_format_info (image->format);
  uintptr_t word = sympie_format_is_packed (info) ? 4 : info->word;

  for (int p = 0; p < info->n_planes; p++)
    if (((uintptr_t) image->planes[p] | (uintptr_t) image->strides[p]) % word)
      return sympie_fail (error, SYMPIE_ERROR_INVALID,
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

/* What to read from: the image, or its copy. */
static bool
put_source (
    Cuda *cuda, const Job *job, SympieImage *on_device, SympieError *error)
{
  *on_device = *job->src;
  if (job->src->memory == SYMPIE_MEMORY_CUDA && !is_in_place (job))
    return check_alignment (job->src, error);
  if (!sympie_cuda_staging_prepare (&cuda->in, job->src, error)
      || !sympie_cuda_staging_upload (&cuda->in, job->src, cuda->stream, error))
    return false;
  *on_device = cuda->in.device;
  return true;
}

/* What to write to. */
static bool
prepare_result (
    Cuda *cuda, const Job *job, SympieImage *on_device, SympieError *error)
{
  *on_device = sympie_target_image (job->dst, job->src);
  if (on_device->memory == SYMPIE_MEMORY_CUDA)
    return check_alignment (on_device, error);
  if (!sympie_cuda_staging_prepare (&cuda->out, on_device, error))
    return false;
  *on_device = cuda->out.device;
  return true;
}

static bool
put_given (Cuda *cuda, const Job *job, const SympieImage *src,
    const SympieImage *dst, SympieError *error)
{
  cuda->pinned->params = *job->params;
  return sympie_cuda_ok (cudaMemcpyAsync (cuda->params, &cuda->pinned->params,
                             sizeof cuda->pinned->params,
                             cudaMemcpyHostToDevice, cuda->stream),
             "upload the parameters", error)
         && sympie_cuda_steps_apply (
             &cuda->steps, src, dst, cuda->params, job->strength, error);
}

static bool
put_estimated (Cuda *cuda, const Job *job, const SympieImage *src,
    const SympieImage *dst, SympieError *error)
{
  return (dst ? sympie_cuda_steps_enhance (
              &cuda->steps, src, dst, job->strength, error)
              : sympie_cuda_steps_estimate (&cuda->steps, src, error))
         && sympie_cuda_ok (
             cudaMemcpyAsync (cuda->pinned,
                 sympie_cuda_nem_params (cuda->steps.nem), sizeof *cuda->pinned,
                 cudaMemcpyDeviceToHost, cuda->stream),
             "download the parameters", error);
}

static bool
put_job (Cuda *cuda, const Job *job, SympieError *error)
{
  SympieImage src, dst;

  return put_source (cuda, job, &src, error)
         && (!job->dst || prepare_result (cuda, job, &dst, error))
         && (job->params ? put_given (cuda, job, &src, &dst, error)
                         : put_estimated (
                             cuda, job, &src, job->dst ? &dst : NULL, error))
         && (!job->dst || job->dst->memory == SYMPIE_MEMORY_CUDA
             || sympie_cuda_staging_download (&cuda->out, cuda->stream, error));
}

/* Whether it succeeds or not, nothing goes on after this. */
static bool
run (Cuda *cuda, const Job *job, const char *what, SympieParams *params,
    float *gate, SympieError *error)
{
  if (!enter (cuda, error))
    return false;
  if (!put_job (cuda, job, error)) {
    cudaStreamSynchronize (cuda->stream);
    return false;
  }
  if (!sympie_cuda_ok (cudaStreamSynchronize (cuda->stream), what, error))
    return false;
  if (params)
    *params = cuda->pinned->params;
  if (gate)
    *gate = cuda->pinned->gate;
  if (job->dst && job->dst->memory == SYMPIE_MEMORY_HOST)
    sympie_cuda_staging_finish (&cuda->out, job->dst);
  return true;
}

/* ---- The backend's functions --------------------------------------------- */

static bool
cuda_estimate (void *backend, const SympieImage *image, SympieParams *params,
    float *gate, SympieError *error)
{
  Job job = { .src = image };

  return run (backend, &job, "estimate the parameters", params, gate, error);
}

static bool
cuda_apply (void *backend, const SympieImage *src, const SympieTarget *dst,
    const SympieParams *params, SympieError *error)
{
  Job job = { .src = src, .dst = dst, .params = params, .strength = 1 };

  return run (backend, &job, "apply the parameters", NULL, NULL, error);
}

static bool
cuda_enhance (void *backend, const SympieImage *src, const SympieTarget *dst,
    float strength, SympieParams *params, float *gate, SympieError *error)
{
  Job job = { .src = src, .dst = dst, .strength = strength };

  return run (backend, &job, "enhance a frame", params, gate, error);
}

const SympieBackend sympie_backend_cuda = {
  .device = SYMPIE_DEVICE_CUDA,
  .open = cuda_open,
  .close = cuda_close,
  .estimate = cuda_estimate,
  .apply = cuda_apply,
  .enhance = cuda_enhance,
};
