/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Times as a Markdown table: NEM, preprocessing and DWM of 1080p frames in
 * every format and a copy of the same bytes within the device, each by events
 * around a graph of many, in which the host has no part; and whole frames, by
 * the host's clock: to others, in place, and from streams beside each other.
 * Frames take turns, so that they come from memory and not from the cache. The
 * table of the emulation only shows that the program works. */

#include <math.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "backend.h"
#include "cuda/resize.h"
#include "gpu.h"
#include "reference.h"

#ifdef SYMPIE_EMULATED
enum
{
  WIDTH = 192,
  HEIGHT = 108,
  N_FRAMES = 2,
  N_RUNS = 1,
  N_ROUNDS = 1,
  MAX_STREAMS = 1,
};
#else
enum
{
  WIDTH = 1920,
  HEIGHT = 1080,
  N_FRAMES = 24, /* in and out, 2.5 times an H200's cache at least */
  N_RUNS = 240,
  N_ROUNDS = 9,
  MAX_STREAMS = 16,
};
#endif

typedef struct
{
  cudaStream_t stream;
  SympieImage in[N_FRAMES], out[N_FRAMES];
  SympieTarget to[N_FRAMES];
  SympieCudaResize resize;
  SympieCudaNet net;
  float *params;
  void *backend; /* for whole frames */
  SympieCudaOperator *op;
  double of_streams[MAX_STREAMS + 1];
} Bench;

/* Adds nodes to a graph. */
typedef void (*Put) (Bench *bench, int frame, SympieCudaTarget *to);

static int
compare (const void *a, const void *b)
{
  float x = *(const float *) a, y = *(const float *) b;

  return (x > y) - (x < y);
}

/* The emulation has neither a clock nor a memory that others share. */
#ifdef SYMPIE_EMULATED
static cudaError_t
cudaEventElapsedTime (float *milliseconds, cudaEvent_t begin, cudaEvent_t end)
{
  *milliseconds = NAN;
  return cudaSuccess;
}

static cudaError_t
cudaMemGetInfo (size_t *available, size_t *total)
{
  *available = *total = 0;
  return cudaSuccess;
}
#endif

/* Microseconds of one, the median of the rounds. */
static double
measure (Bench *bench, Put put)
{
  SympieCudaTarget to = { .overlaps = gpu_overlaps () };
  float times[N_ROUNDS];
  cudaEvent_t begin, end;
  cudaGraphExec_t exec;

  GPU (cudaGraphCreate (&to.graph, 0));
  for (int i = 0; i < N_FRAMES; i++)
    put (bench, i, &to);
  GPU (cudaGraphInstantiate (&exec, to.graph, 0));
  GPU (cudaEventCreateWithFlags (&begin, 0));
  GPU (cudaEventCreateWithFlags (&end, 0));
  GPU (cudaGraphLaunch (exec, bench->stream));
  for (int round = 0; round < N_ROUNDS; round++) {
    GPU (cudaEventRecord (begin, bench->stream));
    for (int i = 0; i < N_RUNS; i += N_FRAMES)
      GPU (cudaGraphLaunch (exec, bench->stream));
    GPU (cudaEventRecord (end, bench->stream));
    GPU (cudaEventSynchronize (end));
    GPU (cudaEventElapsedTime (&times[round], begin, end));
  }
  GPU (cudaEventDestroy (begin));
  GPU (cudaEventDestroy (end));
  GPU (cudaGraphExecDestroy (exec));
  GPU (cudaGraphDestroy (to.graph));
  qsort (times, N_ROUNDS, sizeof *times, compare);
  return times[N_ROUNDS / 2] * 1e3 / N_RUNS;
}

static void
put_nem (Bench *bench, int frame, SympieCudaTarget *to)
{
  gpu_nem (&bench->net, bench->params, to);
}

static void
put_preprocess (Bench *bench, int frame, SympieCudaTarget *to)
{
  GPU (sympie_cuda_preprocess (
      &bench->in[frame], bench->resize.taps, bench->net.crop[0], true, to));
}

static void
put_dwm (Bench *bench, int frame, SympieCudaTarget *to)
{
  GPU (sympie_cuda_dwm (&bench->in[frame], &bench->out[frame], bench->op, to));
}

static size_t
plane_bytes (const SympieImage *image, int plane)
{
  const SympieFormatInfo *info = sympie_format_info (image->format);

  for (int c = 0; c < 3; c++)
    if (info->component[c].plane == plane)
      return (size_t) image->strides[plane]
             * sympie_component_height (&info->component[c], image->height);
  return 0;
}

static size_t
frame_bytes (const SympieImage *image)
{
  size_t bytes = 0;

  for (int p = 0; p < sympie_format_info (image->format)->n_planes; p++)
    bytes += plane_bytes (image, p);
  return bytes;
}

/* All planes of a frame are one allocation here. */
static void
put_copy (Bench *bench, int frame, SympieCudaTarget *to)
{
#ifndef SYMPIE_EMULATED
  cudaGraphNode_t before = to->node;

  GPU (cudaGraphAddMemcpyNode1D (&to->node, to->graph, &before, before ? 1 : 0,
      bench->to[frame].planes[0], bench->in[frame].planes[0],
      frame_bytes (&bench->in[frame]), cudaMemcpyDeviceToDevice));
#endif
}

static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return (double) time.tv_sec * 1e6 + (double) time.tv_nsec * 1e-3;
}

/* What an application sees: one frame after the other, waited for. */
static void
run_frames (Bench *bench, void *backend, bool in_place)
{
  SympieParams params;
  float gate;

  for (int i = 0; i < N_RUNS; i++) {
    SympieImage *image = &bench->in[i % N_FRAMES];
    SympieTarget to =
        in_place ? gpu_frame_target (image) : bench->to[i % N_FRAMES];

    if (!sympie_backend_cuda.enhance (
            backend, image, &to, 1, &params, &gate, NULL))
      exit (EXIT_FAILURE);
  }
}

static double
measure_frames (Bench *bench, bool in_place)
{
  double best = INFINITY;

  for (int round = 0; round < N_ROUNDS + 1; round++) {
    double begin = now ();

    run_frames (bench, bench->backend, in_place);
    best = fmin (best, (now () - begin) / N_RUNS);
  }
  return best;
}

typedef struct
{
  pthread_t thread;
  Bench *bench;
  void *backend;
} Stream;

static void *
run_stream (void *data)
{
  Stream *stream = data;

  run_frames (stream->bench, stream->backend, false);
  return NULL;
}

/* Frames a second of so many contexts together, each with a thread. */
static double
measure_streams (Bench *bench, const SympieNemWeights *weights, int n)
{
  SympieConfig config = SYMPIE_CONFIG_INIT;
  Stream streams[MAX_STREAMS];
  double begin, time;

  for (int i = 0; i < n; i++) {
    streams[i].bench = bench;
    streams[i].backend = sympie_backend_cuda.open (&config, weights, NULL);
    if (!streams[i].backend)
      exit (EXIT_FAILURE);
    run_frames (bench, streams[i].backend, false);
  }
  begin = now ();
  for (int i = 0; i < n; i++)
    if (pthread_create (&streams[i].thread, NULL, run_stream, &streams[i]) != 0)
      exit (EXIT_FAILURE);
  for (int i = 0; i < n; i++)
    pthread_join (streams[i].thread, NULL);
  time = now () - begin;
  for (int i = 0; i < n; i++)
    sympie_backend_cuda.close (streams[i].backend);
  return n * N_RUNS / time * 1e6;
}

static SympieImage
new_image (SympieFormat format, uint64_t *seed)
{
  const SympieColorimetry colorimetry = { 0.2126f, 0.0722f, false,
    SYMPIE_CHROMA_LEFT };
  Frame frame = frame_new (format, WIDTH, HEIGHT, 0, &colorimetry, seed);
  SympieImage image = frame.image;
  size_t offset = 0;
  uint8_t *memory = gpu_new (NULL, frame_bytes (&image));

  image.memory = SYMPIE_MEMORY_CUDA;
  for (int p = 0; p < sympie_format_info (format)->n_planes; p++) {
    image.planes[p] = memory + offset;
    GPU (cudaMemcpyAsync (memory + offset, frame.memory[p],
        plane_bytes (&image, p), cudaMemcpyHostToDevice, gpu_stream ()));
    offset += plane_bytes (&image, p);
  }
  GPU (cudaStreamSynchronize (gpu_stream ()));
  frame_clear (&frame);
  return image;
}

static void
bench_format (Bench *bench, const SympieNemWeights *weights,
    SympieFormat format, const SympieParams *params, uint64_t *seed)
{
  SympieCudaFold fold;
  const char *name = sympie_format_info (format)->name;
  double dwm, copy, preprocess, whole, in_place, bytes;

  for (int i = 0; i < N_FRAMES; i++) {
    bench->in[i] = new_image (format, seed);
    bench->out[i] = new_image (format, seed);
    bench->to[i] = gpu_frame_target (&bench->out[i]);
  }
  if (!sympie_cuda_resize_prepare (
          &bench->resize, &bench->in[0], bench->stream, NULL))
    exit (EXIT_FAILURE);

  sympie_cuda_fold_init (&fold, &bench->in[0], 1);
  GPU (sympie_cuda_fold (&fold, params, bench->op, gpu_target ()));
  bytes = 2. * (double) frame_bytes (&bench->in[0]);
  preprocess = measure (bench, put_preprocess);
  dwm = measure (bench, put_dwm);
  copy = measure (bench, put_copy);
  whole = measure_frames (bench, false);
  in_place = measure_frames (bench, true);
  printf ("| %s | %.2f | %.2f | %.2f | %.0f %% | %.0f | %.1f | %.1f | %.0f |\n",
      name, preprocess, dwm, copy, 100 * copy / dwm, bytes / dwm * 1e-3, whole,
      in_place, 1e6 / whole);
  fflush (stdout);
  if (format == SYMPIE_FORMAT_NV12)
    for (int n = 1; n <= MAX_STREAMS; n *= 4)
      bench->of_streams[n] = measure_streams (bench, weights, n);

  for (int i = 0; i < N_FRAMES; i++) {
    GPU (cudaFree (gpu_frame_target (&bench->in[i]).planes[0]));
    GPU (cudaFree (bench->to[i].planes[0]));
  }
  sympie_cuda_resize_clear (&bench->resize);
}

int
main (void)
{
  static const SympieFormat formats[] = { SYMPIE_FORMAT_NV12,
    SYMPIE_FORMAT_I420, SYMPIE_FORMAT_P010_10LE, SYMPIE_FORMAT_Y444,
    SYMPIE_FORMAT_RGBA, SYMPIE_FORMAT_RGB };
  SympieConfig config = SYMPIE_CONFIG_INIT;
  uint64_t seed = (uint64_t) time (NULL);
  Bench bench = { .stream = gpu_stream () };
  SympieNemWeights *weights = reference_nem_weights (&seed);
  const SympieCudaWeights *on_device;
  size_t before, after, total;
  SympieParams params;

  GPU (cudaMemGetInfo (&before, &total));
  bench.backend = sympie_backend_cuda.open (&config, weights, NULL);
  on_device =
      sympie_cuda_weights_ref (weights, NULL, 0, NULL, bench.stream, NULL);
  bench.net = (SympieCudaNet){
    .weights = on_device, .stream = bench.stream, .n_images = 1
  };
  if (!bench.backend || !on_device
      || !sympie_cuda_net_prepare (
          &bench.net, SYMPIE_NEM_SIZE, SYMPIE_NEM_SIZE, NULL))
    exit (EXIT_FAILURE);
  bench.params = gpu_new (NULL, (SYMPIE_N_PARAMS + 1) * sizeof (float));
  GPU (cudaMemGetInfo (&after, &total));
  sympie_params_identity (&params);
  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    params.values[i] += check_random_float (&seed, -0.1f, 0.1f);
  bench.op = gpu_new (NULL, sympie_cuda_operator_size ());

  printf ("NEM, half, batch 1: %.1f us. Device memory of weights and two "
          "contexts: %.1f MB.\n\n",
      measure (&bench, put_nem), (double) (before - after) * 1e-6);
  printf ("%dx%d, microseconds; DWM against a copy of the same bytes on the "
          "device; the whole frame is waited for.\n\n",
      WIDTH, HEIGHT);
  printf (
      "| format | preprocessing | DWM | copy | copy/DWM | DWM, GB/s | whole "
      "frame | in place | frames/s |\n");
  printf ("|---|---|---|---|---|---|---|---|---|\n");
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    bench_format (&bench, weights, formats[i], &params, &seed);
  printf ("\n| streams of NV12 | frames/s together |\n|---|---|\n");
  for (int n = 1; n <= MAX_STREAMS; n *= 4)
    printf ("| %d | %.0f |\n", n, bench.of_streams[n]);

  GPU (cudaFree (bench.op));
  GPU (cudaFree (bench.params));
  sympie_cuda_net_clear (&bench.net);
  sympie_cuda_weights_unref (on_device);
  sympie_backend_cuda.close (bench.backend);
  sympie_nem_weights_free (weights);
  return EXIT_SUCCESS;
}
