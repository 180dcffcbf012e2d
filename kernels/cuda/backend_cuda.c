/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A frame's work goes on one stream, which is waited for before the frame is
 * given back. Kernels only ever see device memory. */

#include "../backend.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "../error.h"
#include "error.h"
#include "staging.h"
#include "steps.h"

typedef struct
{
  int device;
  bool is_primary; /* context: then the device must be made current */
  bool own_stream;
  bool is_async; /* SympieConfig.cuda_async */
  cudaStream_t stream;
  cudaEvent_t done; /* waiting for it takes no processor */

  const SympieCudaWeights *weights; /* NULL: DWM is all there is */
  SympieCudaSteps steps;
  SympieCudaStaging in, out; /* where frames do not come from the device */
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

typedef struct
{
  int device;
  bool is_usable;
  SympieError *error;
} Probe;

/* In a thread of its own, where there can be one: the caller's current device
 * stays what it is. */
static void *
probe (void *data)
{
  Probe *probe = data;
  int count = 0;

  if (!sympie_cuda_ok (
          cudaGetDeviceCount (&count), "look for a device", probe->error))
    return NULL;
  if (probe->device < 0 || probe->device >= count)
    probe->is_usable = sympie_fail (probe->error, SYMPIE_ERROR_DEVICE,
        "no CUDA device %d: there are %d, from 0", probe->device, count);
  else
    probe->is_usable = sympie_cuda_ok (cudaSetDevice (probe->device),
                           "use the device", probe->error)
                       && sympie_cuda_ok (sympie_cuda_has_kernels (),
                           "run kernels on the device", probe->error);
  return NULL;
}

bool
sympie_cuda_probe (int device, SympieError *error)
{
  Probe mine = { device, false, error };
  pthread_t thread;

  if (pthread_create (&thread, NULL, probe, &mine) == 0)
    pthread_join (thread, NULL);
  else
    probe (&mine);
  return mine.is_usable;
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
  sympie_cuda_steps_clear (&cuda->steps);
  sympie_cuda_weights_unref (cuda->weights);
  sympie_cuda_free (cuda->steps.op);
  if (cuda->done)
    cudaEventDestroy (cuda->done);
  if (cuda->stream && cuda->own_stream)
    cudaStreamDestroy (cuda->stream);
  free (cuda);
}

static bool
prepare (Cuda *cuda, const SympieConfig *config,
    const SympieNemWeights *weights, SympieError *error)
{
  int capability;

  /* A context that is given may be on any device. */
  if (!enter (cuda, error)
      || (!cuda->is_primary
          && !sympie_cuda_ok (
              cudaGetDevice (&cuda->device), "find the device", error)))
    return false;
  cuda->stream = config->cuda_stream;
  cuda->own_stream = config->cuda_stream == NULL;
  if (cuda->own_stream
      && !sympie_cuda_ok (
          cudaStreamCreateWithFlags (&cuda->stream, cudaStreamNonBlocking),
          "make a stream", error))
    return false;
  if (!sympie_cuda_ok (cudaEventCreateWithFlags (&cuda->done,
                           cudaEventBlockingSync | cudaEventDisableTiming),
          "make an event", error))
    return false;
  cuda->steps.op = sympie_cuda_new (
      sympie_cuda_operator_size (), "allocate the parameters", error);
  if (!cuda->steps.op)
    return false;
  if (!sympie_cuda_ok (cudaDeviceGetAttribute (&capability,
                           cudaDevAttrComputeCapabilityMajor, cuda->device),
          "find what the device is capable of", error))
    return false;
  cuda->steps.overlaps = capability >= 9;
  cuda->steps.heeds_gate = !config->ignore_gate;
  cuda->steps.stream = cuda->stream;
  if (!weights)
    return true;
  cuda->weights = sympie_cuda_weights_ref (
      weights, cuda->device, config->cuda_context, cuda->stream, error);
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
  cuda->is_primary = config->cuda_context == NULL;
  cuda->is_async = config->cuda_async;
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
put_job (Cuda *cuda, const Job *job, SympieError *error)
{
  SympieImage src, dst;

  return put_source (cuda, job, &src, error)
         && (!job->dst || prepare_result (cuda, job, &dst, error))
         && (job->params ? sympie_cuda_steps_apply (
                 &cuda->steps, &src, &dst, job->params, error)
             : job->dst
                 ? sympie_cuda_steps_enhance (
                     &cuda->steps, &src, &dst, job->strength, error)
                 : sympie_cuda_steps_estimate (&cuda->steps, &src, error))
         && (!job->dst || job->dst->memory == SYMPIE_MEMORY_CUDA
             || sympie_cuda_staging_download (&cuda->out, cuda->stream, error));
}

/* Whether the caller may go on while the device works: it needs no result on
 * the host, and wants it so. */
static bool
is_async (const Cuda *cuda, const Job *job)
{
  return cuda->is_async && job->params && !is_in_place (job)
         && job->src->memory == SYMPIE_MEMORY_CUDA
         && job->dst->memory == SYMPIE_MEMORY_CUDA;
}

/* Waking up takes longer than a frame may: so it looks before it sleeps. */
static cudaError_t
wait (cudaEvent_t done)
{
  const int64_t longest = 300000; /* ns */
  struct timespec begin, now;
  cudaError_t result;

  clock_gettime (CLOCK_MONOTONIC, &begin);
  do {
    result = cudaEventQuery (done);
    clock_gettime (CLOCK_MONOTONIC, &now);
  } while (result == cudaErrorNotReady
           && (now.tv_sec - begin.tv_sec) * INT64_C (1000000000) + now.tv_nsec
                      - begin.tv_nsec
                  < longest);
  return result == cudaErrorNotReady ? cudaEventSynchronize (done) : result;
}

/* Whether it succeeds or not, nothing goes on after this, but for that. */
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
  if (is_async (cuda, job))
    return true;
  if (!sympie_cuda_ok (cudaEventRecord (cuda->done, cuda->stream), what, error)
      || !sympie_cuda_ok (wait (cuda->done), what, error))
    return false;
  if (params)
    *params = cuda->steps.nem->estimate->params;
  if (gate)
    *gate = cuda->steps.nem->estimate->gate;
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
  Job job = { .src = src, .dst = dst, .params = params };

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
