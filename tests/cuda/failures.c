/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Every call of CUDA failing once, emulated: memory that is short, a context
 * that is lost, kernels that cannot be loaded. Each is an error with a text,
 * and nothing is left behind. Kernels are skipped, which makes this quick.
 *
 * failures [SEED] repeats a failing run. */

#include <string.h>
#include <unistd.h>

#include "../kernels/vgg19_seed.h"
#include "backend.h"
#include "gpu.h"
#include "reference.h"

static const SympieColorimetry colorimetry = { 0.2126f, 0.0722f, false,
  SYMPIE_CHROMA_LEFT };
static SympieNemWeights *weights;
static char vgg19[] = "/tmp/sympie-cuda-vgg19-XXXXXX";
static Frame frames[2];
static SympieImage on_device;
static SympieTarget to_device; /* the same */

/* Frames of two sizes and kinds of memory are enhanced. */
static bool
enhance (SympieError *error)
{
  const SympieBackend *backend = &sympie_backend_cuda;
  SympieConfig config = SYMPIE_CONFIG_INIT;
  void *state = backend->open (&config, weights, error);
  SympieParams params;
  float gate;
  bool ok = state != NULL;

  for (int i = 0; i < 4 && ok; i++)
    ok = backend->enhance (state, &frames[i / 2].image, &frames[i / 2].target,
        1, &params, &gate, error);
  ok = ok && backend->apply (state, &on_device, &to_device, &params, error)
       && backend->estimate (state, &on_device, &params, &gate, error);
  if (state)
    backend->close (state);
  return ok;
}

/* Two frames are compared. What VGG19 did not make is NaN, which is an error
 * that only the library's door makes of it. */
static bool
compare (SympieError *error)
{
  const SympieFeaturesBackend *backend = &sympie_features_cuda;
  const SympieImage *image = &frames[0].image;
  SympieFeaturesConfig config = SYMPIE_FEATURES_CONFIG_INIT;
  SympieVgg19Weights *layers = sympie_vgg19_weights_load (vgg19, 2, NULL);
  SympieDifference difference;
  int shape[3] = { 64, 48, 64 };
  void *state;
  bool ok;

  config.layer = SYMPIE_LAYER_RELU1_2;
  config.input = SYMPIE_INPUT_FULL;
  state = backend->open (&config, layers, error);
  ok = state
       && backend->compare (state, image, &image, 1, shape, &difference, error);
  if (state)
    backend->close (state);
  sympie_vgg19_weights_free (layers);
  return ok;
}

/* Returns how often the function can fail. */
static int
fail_each (bool (*live) (SympieError *), const char *name, cudaError_t failure)
{
  int before = emulate_live_objects ();

  for (int after = 0;; after++) {
    SympieError error = { 0 };
    bool ok;

    emulate_fail (name, after, failure);
    ok = live (&error);
    emulate_reset ();
    CHECK (emulate_live_objects () == before, "%s %d: %d left", name, after,
        emulate_live_objects () - before);
    if (ok)
      return after; /* past the last call */
    CHECK (strstr (error.message, cudaGetErrorString (failure)), "%s %d: %s",
        name, after, error.message);
  }
}

static void
test_failures (void)
{
  static const struct
  {
    const char *function;
    cudaError_t error;
  } failures[] = {
    { "cudaMalloc", cudaErrorMemoryAllocation },
    { "cudaHostAlloc", cudaErrorMemoryAllocation },
    { "cudaStreamCreateWithFlags", cudaErrorMemoryAllocation },
    { "cudaSetDevice", cudaErrorInvalidDevice },
    { "cudaDeviceGetAttribute", cudaErrorInvalidDevice },
    { "cudaMemsetAsync", cudaErrorInvalidValue },
    { "cudaMemcpyAsync", cudaErrorInvalidValue },
    { "launch", cudaErrorLaunchOutOfResources },
    { "launch", cudaErrorContextIsDestroyed },
    { "cudaGraphCreate", cudaErrorMemoryAllocation },
    { "cudaGraphAddKernelNode", cudaErrorMemoryAllocation },
    { "cudaGraphExecKernelNodeSetParams", cudaErrorInvalidValue },
    { "cudaGraphInstantiate", cudaErrorMemoryAllocation },
    { "cudaGraphLaunch", cudaErrorContextIsDestroyed },
    { "cudaStreamSynchronize", cudaErrorLaunchFailure },
    { "cudaEventCreateWithFlags", cudaErrorMemoryAllocation },
    { "cudaEventRecord", cudaErrorContextIsDestroyed },
    { "cudaEventSynchronize", cudaErrorLaunchFailure },
  };
  SympieError error = { 0 };
  int n = 0;

  CHECK (enhance (&error) && compare (&error), "without a failure: %s",
      error.message);
  for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
    const char *name = failures[i].function;
    int of_function = fail_each (enhance, name, failures[i].error)
                      + fail_each (compare, name, failures[i].error);

    CHECK (of_function > 0, "%s never failed", name);
    n += of_function;
  }
  CHECK (enhance (NULL) && compare (NULL), "after all failures");
  printf ("%d failures\n", n);
}

/* A GPU that is there, but older than what the kernels are compiled for. */
static void
test_old_device (void)
{
  SympieDevice device = SYMPIE_DEVICE_AUTO;
  SympieConfig config = SYMPIE_CONFIG_INIT;
  SympieContext *context;
  SympieError error = { 0 };

  for (int i = 0; i < 3; i++) {
    emulate_fail ("cudaFuncGetAttributes", 0, cudaErrorNoKernelImageForDevice);
    if (i == 0) {
      CHECK (!sympie_cuda_available (0, &error)
                 && strstr (error.message, "no kernel image"),
          "%s", error.message);
    } else {
      config.device = i == 1 ? SYMPIE_DEVICE_AUTO : SYMPIE_DEVICE_CUDA;
      error = (SympieError){ 0 };
      context = sympie_open (&config, &error);
      device = context ? sympie_device (context) : SYMPIE_DEVICE_AUTO;
      CHECK (device == (i == 1 ? SYMPIE_DEVICE_CPU : SYMPIE_DEVICE_AUTO),
          "%d: device %d, %s", i, device, error.message);
      sympie_close (context);
    }
    emulate_reset ();
  }
}

static void
test_no_device (void)
{
  SympieError error = { 0 };

  emulate_n_devices = 0;
  CHECK (!sympie_cuda_available (0, &error) && strstr (error.message, "driver"),
      "%s", error.message);
  emulate_n_devices = 1;
}

int
main (int argc, char **argv)
{
  uint64_t seed = check_seed (argc > 1 ? argv[1] : NULL);

  gpu_stream ();
  close (mkstemp (vgg19));
  weights = reference_nem_weights (&seed);
  if (!CHECK (vgg19_seed_write (vgg19, 1, 2), "%s", vgg19))
    return check_end ();
  frames[0] = frame_new (SYMPIE_FORMAT_NV12, 64, 48, 0, &colorimetry, &seed);
  frames[1] = frame_new (SYMPIE_FORMAT_RGBA, 32, 40, 0, &colorimetry, &seed);
  on_device = gpu_frame_new (&frames[0]);
  on_device.memory = SYMPIE_MEMORY_CUDA;
  to_device = gpu_frame_target (&on_device);
  GPU (cudaStreamSynchronize (gpu_stream ()));

  emulate_skips_kernels = true;
  test_failures ();
  test_no_device ();
  test_old_device ();
  emulate_skips_kernels = false;

  gpu_frame_free (&on_device);
  frame_clear (&frames[0]);
  frame_clear (&frames[1]);
  sympie_nem_weights_free (weights);
  unlink (vgg19);
  return check_end ();
}
