/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A frame's work goes on one stream, which is waited for before the frame is
 * given back. Kernels only ever see device memory.
 *
 * What begins with NEM is one CUDA graph for a size and format of frames.
 * Frames of a buffer pool change their address, so the nodes that see them are
 * given new arguments before each launch, and with DWM the one that folds the
 * parameters, whose strength may change: three short calls of the host, which
 * cost the GPU nothing. Nodes are added one by one and not captured from the
 * stream, which may be GStreamer's and busy with others' work. */

#include "../backend.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../error.h"
#include "error.h"
#include "net.h"
#include "resize.h"
#include "staging.h"

typedef struct
{
  cudaGraph_t graph;
  cudaGraphExec_t exec; /* NULL: not made yet */
  cudaGraphNode_t preprocess, head, dwm;
} Graph;

typedef struct
{
  int device;
  bool is_primary; /* context: then the device must be made current */
  bool own_stream;
  bool is_async;   /* SympieConfig.cuda_async */
  bool heeds_gate; /* where it enhances */
  bool overlaps;   /* kernels, see SympieCudaTarget */
  cudaStream_t stream;
  cudaEvent_t done; /* waiting for it takes no processor */

  SympieCudaNet net; /* NEM's; no weights: DWM is all there is */
  float *estimate;   /* parameters and gate, in pinned memory of the host */
  SympieCudaOperator *op;

  SympieCudaStaging in, out; /* where frames do not come from the device */
  SympieCudaResize resize;   /* for the frames that the graphs are for */
  Graph graphs[2];           /* to estimate, to enhance */
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
clear_graphs (Cuda *cuda)
{
  for (int i = 0; i < 2; i++) {
    if (cuda->graphs[i].exec)
      cudaGraphExecDestroy (cuda->graphs[i].exec);
    if (cuda->graphs[i].graph)
      cudaGraphDestroy (cuda->graphs[i].graph);
    cuda->graphs[i] = (Graph){ 0 };
  }
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
  clear_graphs (cuda);
  sympie_cuda_net_clear (&cuda->net);
  sympie_cuda_weights_unref (cuda->net.weights);
  sympie_cuda_free_pinned (cuda->estimate);
  sympie_cuda_free (cuda->op);
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
  cuda->op = sympie_cuda_new (
      sympie_cuda_operator_size (), "allocate the parameters", error);
  if (!cuda->op
      || !sympie_cuda_ok (cudaDeviceGetAttribute (&capability,
                              cudaDevAttrComputeCapabilityMajor, cuda->device),
          "find what the device is capable of", error))
    return false;
  cuda->overlaps = capability >= 9;
  if (!weights)
    return true;
  cuda->estimate = sympie_cuda_new_pinned (
      (SYMPIE_N_PARAMS + 1) * sizeof (float), "allocate the parameters", error);
  if (!cuda->estimate)
    return false;
  cuda->net = (SympieCudaNet){
    .weights = sympie_cuda_weights_ref (
        weights, NULL, cuda->device, config->cuda_context, cuda->stream, error),
    .device = cuda->device,
    .stream = cuda->stream,
    .n_images = 1,
  };
  return cuda->net.weights
         && sympie_cuda_net_prepare (
             &cuda->net, SYMPIE_NEM_SIZE, SYMPIE_NEM_SIZE, error);
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
  cuda->heeds_gate = !config->ignore_gate;
  if (!prepare (cuda, config, weights, error)) {
    cuda_close (cuda);
    return NULL;
  }
  return cuda;
}

/* ---- Kernels ------------------------------------------------------------- */

/* Sees to it that what depends on the size is right for `image`. */
static bool
prepare_size (Cuda *cuda, const SympieImage *image, SympieError *error)
{
  if (sympie_cuda_resize_fits (&cuda->resize, image))
    return true;
  /* An earlier frame may still need what now goes. */
  if (!sympie_cuda_ok (
          cudaStreamSynchronize (cuda->stream), "finish a frame", error))
    return false;
  clear_graphs (cuda);
  return sympie_cuda_resize_prepare (&cuda->resize, image, cuda->stream, error);
}

/* Puts the nodes into the graph or, where it is made, new ones in their place.
 * Those of NEM's convolutions stay what they are. */
static cudaError_t
put_nodes (Cuda *cuda, Graph *graph, const SympieImage *src,
    const SympieImage *dst, float strength)
{
  bool is_new = !graph->exec;
  SympieCudaTarget to = {
    .graph = graph->graph,
    .exec = graph->exec,
    .node = graph->preprocess,
    .overlaps = cuda->overlaps,
  };
  SympieCudaFold fold;
  cudaError_t result = sympie_cuda_preprocess (
      src, cuda->resize.taps, cuda->net.crop[0], true, &to);

  graph->preprocess = to.node;
  if (result == cudaSuccess && is_new)
    result = sympie_cuda_net_run (&cuda->net, 0, &to);
  if (result != cudaSuccess || (!is_new && !dst))
    return result;

  if (!is_new)
    to.node = graph->head;
  sympie_cuda_fold_init (&fold, src, strength);
  fold.is_gated = cuda->heeds_gate;
  result = sympie_cuda_head (&cuda->net.weights->head, cuda->net.features[0],
      cuda->estimate, dst ? &fold : NULL, cuda->op, &to);
  graph->head = to.node;
  if (result != cudaSuccess || !dst)
    return result;

  if (!is_new)
    to.node = graph->dwm;
  result = sympie_cuda_dwm (src, dst, cuda->op, &to);
  graph->dwm = to.node;
  return result;
}

/* `dst` NULL: estimates only. */
static bool
run_graph (Cuda *cuda, const SympieImage *src, const SympieImage *dst,
    float strength, SympieError *error)
{
  Graph *graph = &cuda->graphs[dst != NULL];
  bool ok = prepare_size (cuda, src, error)
            && (graph->graph
                || sympie_cuda_ok (
                    cudaGraphCreate (&graph->graph, 0), "make a graph", error))
            && sympie_cuda_ok (put_nodes (cuda, graph, src, dst, strength),
                "put a frame into a graph", error)
            && (graph->exec
                || sympie_cuda_ok (
                    cudaGraphInstantiate (&graph->exec, graph->graph, 0),
                    "make a graph", error));

  if (!ok && !graph->exec)
    clear_graphs (cuda);
  return ok
         && sympie_cuda_ok (
             cudaGraphLaunch (graph->exec, cuda->stream), "run a graph", error);
}

static bool
apply (Cuda *cuda, const SympieImage *src, const SympieImage *dst,
    const SympieParams *params, SympieError *error)
{
  SympieCudaTarget to = { .stream = cuda->stream };
  SympieCudaFold fold;
  SympieParams identity;

  sympie_params_identity (&identity);
  sympie_cuda_fold_init (
      &fold, src, sympie_params_distance (params, &identity) > 0);
  return sympie_cuda_ok (sympie_cuda_fold (&fold, params, cuda->op, &to),
             "fold the parameters", error)
         && sympie_cuda_ok (
             sympie_cuda_dwm (src, dst, cuda->op, &to), "run DWM", error);
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
         && (job->params ? apply (cuda, &src, &dst, job->params, error)
                         : run_graph (cuda, &src, job->dst ? &dst : NULL,
                             job->strength, error))
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
    memcpy (params->values, cuda->estimate, sizeof params->values);
  if (gate)
    *gate = cuda->estimate[SYMPIE_N_PARAMS];
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
