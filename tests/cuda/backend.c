/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The CUDA backend as a whole: frames in host and in device memory, in place,
 * of changing sizes, from many threads.
 *
 * backend [SEED] repeats a failing run. */

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "backend.h"
#include "gpu.h"
#include "params.h"
#include "reference.h"

static const SympieBackend *backend = &sympie_backend_cuda;
static const SympieColorimetry colorimetry = { 0.2126f, 0.0722f, false,
  SYMPIE_CHROMA_LEFT };
static SympieNemWeights *weights;

static void *
open_backend (void)
{
  SympieConfig config = SYMPIE_CONFIG_INIT;
  SympieError error = { 0 };
  void *state = backend->open (&config, weights, &error);

  CHECK (state, "%s", error.message);
  return state;
}

/* The largest difference of two frames' samples. */
static int
difference (const Frame *a, const Frame *b)
{
  const SympieFormatInfo *info = sympie_format_info (a->image.format);
  int largest = 0;

  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &info->component[c];

    for (int y = 0; y < sympie_component_height (component, a->image.height);
         y++)
      for (int x = 0; x < sympie_component_width (component, a->image.width);
           x++) {
        int of_sample = abs (frame_get (a, c, x, y) - frame_get (b, c, x, y));

        if (of_sample > largest)
          largest = of_sample;
      }
  }
  return largest;
}

static SympieImage
in_cuda_memory (const Frame *frame)
{
  SympieImage image = gpu_frame_new (frame);

  image.memory = SYMPIE_MEMORY_CUDA;
  GPU (cudaStreamSynchronize (gpu_stream ()));
  return image;
}

/* All ways through memory give the same frame. */
static void
test_memory (
    void *state, SympieFormat format, int width, int height, uint64_t *seed)
{
  const char *name = sympie_format_info (format)->name;
  Frame src = frame_new (format, width, height, 8, &colorimetry, seed);
  Frame dst = frame_new (format, width, height, 16, &colorimetry, seed);
  Frame other = frame_new (format, width, height, 16, &colorimetry, seed);
  SympieImage device_src = in_cuda_memory (&src);
  SympieImage device_dst = in_cuda_memory (&other);
  SympieTarget to_src = gpu_frame_target (&device_src);
  SympieTarget to_dst = gpu_frame_target (&device_dst);
  SympieParams params;

  sympie_params_identity (&params);
  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    params.values[i] += check_random_float (seed, -0.2f, 0.2f);

  CHECK (backend->apply (state, &src.image, &dst.target, &params, NULL),
      "%s, host to host", name);
  CHECK (backend->apply (state, &device_src, &to_dst, &params, NULL),
      "%s, device to device", name);
  gpu_frame_get (&other, &device_dst);
  CHECK (frame_same_pixels (&dst, &other), "%s, device to device", name);

  CHECK (backend->apply (state, &device_src, &other.target, &params, NULL),
      "%s, device to host", name);
  CHECK (frame_same_pixels (&dst, &other), "%s, device to host", name);
  CHECK (backend->apply (state, &src.image, &to_dst, &params, NULL),
      "%s, host to device", name);
  gpu_frame_get (&other, &device_dst);
  CHECK (frame_same_pixels (&dst, &other), "%s, host to device", name);

  CHECK (backend->apply (state, &device_src, &to_src, &params, NULL),
      "%s, device, in place", name);
  gpu_frame_get (&src, &device_src);
  CHECK (frame_same_pixels (&dst, &src), "%s, device, in place", name);

  gpu_frame_free (&device_src);
  gpu_frame_free (&device_dst);
  frame_clear (&src);
  frame_clear (&dst);
  frame_clear (&other);
}

/* What `enhance` does is what the two steps do. */
static void
test_enhance (void *state, uint64_t *seed)
{
  Frame src = frame_new (SYMPIE_FORMAT_NV12, 250, 240, 0, &colorimetry, seed);
  Frame dst = frame_new (SYMPIE_FORMAT_NV12, 250, 240, 0, &colorimetry, seed);
  Frame steps = frame_new (SYMPIE_FORMAT_NV12, 250, 240, 0, &colorimetry, seed);
  SympieImage device_src = in_cuda_memory (&src);
  SympieImage device_dst = in_cuda_memory (&dst);
  SympieTarget to_dst = gpu_frame_target (&device_dst);
  SympieParams estimated, from_device, blended;
  float gate, gate_again;

  CHECK (backend->estimate (state, &src.image, &estimated, &gate, NULL),
      "estimate");
  CHECK (backend->enhance (state, &device_src, &to_dst, 0.25f, &from_device,
             &gate_again, NULL),
      "enhance");
  gpu_frame_get (&dst, &device_dst);
  CHECK (memcmp (&estimated, &from_device, sizeof estimated) == 0,
      "the same parameters");
  CHECK (gate == 0.375f && gate_again == gate, "gates %g and %g", gate,
      gate_again);

  sympie_params_identity (&blended);
  sympie_params_blend (&blended, &estimated, 0.25f * gate, &blended);
  CHECK (backend->apply (state, &src.image, &steps.target, &blended, NULL),
      "apply");
  CHECK (
      difference (&dst, &steps) <= 1, "%d levels", difference (&dst, &steps));

  gpu_frame_free (&device_src);
  gpu_frame_free (&device_dst);
  frame_clear (&src);
  frame_clear (&dst);
  frame_clear (&steps);
}

/* A gate that is shut leaves every byte as it is, of colours too that RGB has
 * not, which most are here. One that is no number shows. */
static void
test_gate (uint64_t *seed)
{
  Frame src = frame_new (SYMPIE_FORMAT_NV12, 250, 241, 0, &colorimetry, seed);
  Frame dst = frame_new (SYMPIE_FORMAT_NV12, 250, 241, 3, &colorimetry, seed);
  SympieConfig config = SYMPIE_CONFIG_INIT;
  SympieNemWeights *shut = reference_nem_weights (seed);
  SympieParams params;
  float gate = 1;
  void *state;

  shut->gate_weight = calloc (SYMPIE_NEM_FEATURES, sizeof *shut->gate_weight);
  shut->gate_bias = calloc (1, sizeof *shut->gate_bias);
  *shut->gate_bias = -1;
  state = backend->open (&config, shut, NULL);
  CHECK (backend->enhance (
             state, &src.image, &dst.target, 1, &params, &gate, NULL),
      "enhance");
  CHECK (gate == 0 && frame_same_pixels (&src, &dst),
      "gate %g: %d levels from what was", gate, difference (&src, &dst));
  backend->close (state);

  *shut->gate_bias = NAN;
  state = backend->open (&config, shut, NULL);
  CHECK (backend->estimate (state, &src.image, &params, &gate, NULL)
             && isnan (gate),
      "gate %g", gate);
  backend->close (state);
  sympie_nem_weights_free (shut);
  frame_clear (&src);
  frame_clear (&dst);
}

static void
test_errors (void *state, uint64_t *seed)
{
  Frame frame = frame_new (SYMPIE_FORMAT_RGBA, 8, 8, 4, &colorimetry, seed);
  SympieImage image = in_cuda_memory (&frame);
  SympieTarget odd = gpu_frame_target (&image);
  SympieConfig config = SYMPIE_CONFIG_INIT;
  SympieParams params;
  SympieError error = { 0 };

  sympie_params_identity (&params);
  odd.planes[0]++;
  CHECK (!backend->apply (state, &image, &odd, &params, &error)
             && strstr (error.message, "aligned"),
      "%s", error.message);
  error = (SympieError){ 0 };
  CHECK (
      !sympie_cuda_available (1000, &error) && strstr (error.message, "1000"),
      "%s", error.message);

  error = (SympieError){ 0 };
  config.device = SYMPIE_DEVICE_CUDA;
  config.cuda_device = 1000;
  CHECK (!sympie_open (&config, &error) && strstr (error.message, "1000"), "%s",
      error.message);
  gpu_frame_free (&image);
  frame_clear (&frame);
}

/* What a neighbour brings is worked in, on the device where it is, which is not
 * the one that the configuration names: another device has weights of its own.
 */
static void
test_contexts (void)
{
#ifdef SYMPIE_EMULATED
  SympieConfig config = SYMPIE_CONFIG_INIT;
  int before = emulate_live_objects (), of_one;
  void *state[3];

  config.cuda_context = &config;
  emulate_n_devices = 2;
  for (int i = 0; i < 3; i++) {
    GPU (cudaSetDevice (i / 2));
    state[i] = backend->open (&config, weights, NULL);
    if (i == 0)
      of_one = emulate_live_objects () - before;
    CHECK (state[i]
               && emulate_live_objects () - before
                      == (i + 1) * of_one - (i == 0 ? 0 : 1),
        "context %d: %d objects", i, emulate_live_objects () - before);
  }
  for (int i = 0; i < 3; i++)
    backend->close (state[i]);
  GPU (cudaSetDevice (0));
  emulate_n_devices = 1;
  CHECK (emulate_live_objects () == before, "%d objects left",
      emulate_live_objects () - before);
#endif
}

/* The frame is there once the stream was waited for, and not before. */
static void
test_async (uint64_t *seed)
{
  SympieConfig config = SYMPIE_CONFIG_INIT;
  Frame src = frame_new (SYMPIE_FORMAT_NV12, 130, 50, 0, &colorimetry, seed);
  Frame dst = frame_new (SYMPIE_FORMAT_NV12, 130, 50, 0, &colorimetry, seed);
  Frame other = frame_new (SYMPIE_FORMAT_NV12, 130, 50, 0, &colorimetry, seed);
  SympieImage device_src = in_cuda_memory (&src);
  SympieImage device_dst = in_cuda_memory (&other);
  SympieTarget to_dst = gpu_frame_target (&device_dst);
  SympieParams params;
  void *state;

  config.cuda_stream = gpu_stream ();
  config.cuda_async = true;
  state = backend->open (&config, NULL, NULL);
  sympie_params_identity (&params);
  params.kernel[11] = 0.2f;
  CHECK (state && backend->apply (state, &src.image, &dst.target, &params, NULL)
             && backend->apply (state, &device_src, &to_dst, &params, NULL),
      "apply");
#ifdef SYMPIE_EMULATED
  CHECK (emulate_waiting (gpu_stream ()) > 0, "the call has waited");
#endif
  /* Parameters are the call's own. */
  sympie_params_identity (&params);
  gpu_frame_get (&other, &device_dst);
  CHECK (frame_same_pixels (&dst, &other), "the frame");

  backend->close (state);
  gpu_frame_free (&device_src);
  gpu_frame_free (&device_dst);
  frame_clear (&src);
  frame_clear (&dst);
  frame_clear (&other);
}

/* ---- Threads ------------------------------------------------------------ */

typedef struct
{
  pthread_t thread;
  const Frame *src, *expected;
  bool ok;
} Worker;

static void *
work (void *data)
{
  Worker *worker = data;
  SympieConfig config = SYMPIE_CONFIG_INIT;
  void *state = backend->open (&config, NULL, NULL);
  uint64_t seed = 1;
  Frame dst = frame_new (worker->src->image.format, worker->src->image.width,
      worker->src->image.height, 0, &colorimetry, &seed);
  SympieParams params;

  sympie_params_identity (&params);
  params.kernel[11] = 0.2f;
  worker->ok = state != NULL;
  for (int i = 0; i < 3 && worker->ok; i++)
    worker->ok =
        backend->apply (state, &worker->src->image, &dst.target, &params, NULL)
        && frame_same_pixels (&dst, worker->expected);
  if (state)
    backend->close (state);
  frame_clear (&dst);
  return NULL;
}

static void
test_threads (void *state, uint64_t *seed)
{
  enum
  {
    N = 16
  };
  Frame src = frame_new (SYMPIE_FORMAT_I420, 70, 50, 0, &colorimetry, seed);
  Frame expected =
      frame_new (SYMPIE_FORMAT_I420, 70, 50, 0, &colorimetry, seed);
  SympieParams params;
  Worker workers[N];

  sympie_params_identity (&params);
  params.kernel[11] = 0.2f;
  backend->apply (state, &src.image, &expected.target, &params, NULL);
  for (int i = 0; i < N; i++) {
    workers[i] = (Worker){ .src = &src, .expected = &expected };
    pthread_create (&workers[i].thread, NULL, work, &workers[i]);
  }
  for (int i = 0; i < N; i++) {
    pthread_join (workers[i].thread, NULL);
    CHECK (workers[i].ok, "thread %d", i);
  }
  frame_clear (&src);
  frame_clear (&expected);
}

int
main (int argc, char **argv)
{
  uint64_t seed = check_seed (argc > 1 ? argv[1] : NULL);
  void *state;

  gpu_stream ();
  weights = reference_nem_weights (&seed);
  weights->gate_weight =
      calloc (SYMPIE_NEM_FEATURES, sizeof *weights->gate_weight);
  weights->gate_bias = calloc (1, sizeof *weights->gate_bias);
  *weights->gate_bias = 0.375f;
  state = open_backend ();
  if (state) {
    test_memory (state, SYMPIE_FORMAT_NV12, 130, 50, &seed);
    test_memory (state, SYMPIE_FORMAT_BGRX, 67, 35, &seed);
    test_memory (state, SYMPIE_FORMAT_P010_10LE, 66, 34, &seed);
    test_memory (state, SYMPIE_FORMAT_GBR, 1, 1, &seed);
    test_enhance (state, &seed);
    test_gate (&seed);
    test_errors (state, &seed);
    test_threads (state, &seed);
    test_async (&seed);
    test_contexts ();
    backend->close (state);
  }
  sympie_nem_weights_free (weights);
  return check_end ();
}
