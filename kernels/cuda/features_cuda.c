/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Features of VGG19 on the GPU: from images to values and differences. */

#include "../backend.h"

#include <stdlib.h>

#include "../error.h"
#include "../standard.h"
#include "error.h"
#include "net.h"
#include "resize.h"
#include "staging.h"

typedef struct
{
  int device;
  SympieInput input;
  cudaStream_t stream;
  SympieCudaNet net;
  SympieCudaStaging staging[2]; /* sizes and formats may differ */
  SympieCudaResize resize[2];
  double *sums; /* [2][SYMPIE_CUDA_N_SUMS], of pixels and features, in pinned
                   memory of the host */
} Features;

static bool
enter (const Features *features, SympieError *error)
{
  return sympie_cuda_ok (
      cudaSetDevice (features->device), "use the device", error);
}

static void
features_close (void *backend)
{
  Features *features = backend;

  enter (features, NULL);
  if (features->stream)
    cudaStreamSynchronize (features->stream);
  sympie_cuda_net_clear (&features->net);
  sympie_cuda_weights_unref (features->net.weights);
  for (int i = 0; i < 2; i++) {
    sympie_cuda_staging_clear (&features->staging[i]);
    sympie_cuda_resize_clear (&features->resize[i]);
  }
  sympie_cuda_free_pinned (features->sums);
  if (features->stream)
    cudaStreamDestroy (features->stream);
  free (features);
}

static bool
set_up (Features *features, const SympieFeaturesConfig *config,
    const SympieVgg19Weights *weights, SympieError *error)
{
  size_t size = 2 * SYMPIE_CUDA_N_SUMS * sizeof (double);

  features->device = config->cuda_device;
  features->input = config->input;
  for (int i = 0; i < 2; i++)
    features->resize[i].input = config->input;
  if (!enter (features, error)
      || !sympie_cuda_ok (
          cudaStreamCreateWithFlags (&features->stream, cudaStreamNonBlocking),
          "make a stream", error))
    return false;
  features->sums = sympie_cuda_new_pinned (size, "allocate sums", error);
  if (!features->sums)
    return false;
  features->net = (SympieCudaNet){
    .weights = sympie_cuda_weights_ref (
        NULL, weights, features->device, NULL, features->stream, error),
    .device = features->device,
    .stream = features->stream,
    .n_images = 2,
    .skips_last_pool = !sympie_vgg19_ends_in_pool (config->layer),
  };
  return features->net.weights != NULL;
}

static void *
features_open (const SympieFeaturesConfig *config,
    const SympieVgg19Weights *weights, SympieError *error)
{
  Features *features = calloc (1, sizeof *features);

  if (!features) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    return NULL;
  }
  if (!set_up (features, config, weights, error)) {
    features_close (features);
    return NULL;
  }
  return features;
}

static bool
prepare (Features *features, const SympieImage *image, SympieError *error)
{
  bool full = features->input == SYMPIE_INPUT_FULL;

  return sympie_cuda_net_prepare (&features->net,
      full ? image->width : SYMPIE_NEM_SIZE,
      full ? image->height : SYMPIE_NEM_SIZE, error);
}

/* Puts everything from the upload to the last layer on the stream. */
static bool
run (Features *features, int i, const SympieImage *image, SympieError *error)
{
  SympieCudaStaging *staging = &features->staging[i];
  SympieCudaResize *resize = &features->resize[i];
  SympieCudaTarget to = { .stream = features->stream };

  return sympie_cuda_staging_prepare (staging, image, error)
         && sympie_cuda_staging_upload (staging, image, features->stream, error)
         && sympie_cuda_resize_prepare (
             resize, &staging->device, features->stream, error)
         && sympie_cuda_ok (
             sympie_cuda_preprocess (&staging->device, resize->taps,
                 features->net.crop[i], false, &to),
             "run the preprocessing", error)
         && sympie_cuda_ok (
             sympie_cuda_net_run (&features->net, i, &to), "run VGG19", error);
}

/* Waits, whether the steps succeeded or not. */
static bool
finish (Features *features, bool ok, SympieError *error)
{
  return sympie_cuda_ok (cudaStreamSynchronize (features->stream), "run VGG19",
             ok ? error : NULL)
         && ok;
}

/* ---- Extract ----------------------------------------------------------- */

static bool
features_extract (void *backend, const SympieImage *image, const int shape[3],
    float *values, SympieError *error)
{
  Features *features = backend;
  size_t n_pixels = (size_t) shape[1] * shape[2];
  size_t size = n_pixels * shape[0] * sizeof (float);
  float *tensor; /* [height][width][channels] */
  bool ok;

  if (!enter (features, error) || !prepare (features, image, error))
    return false;
  tensor = malloc (size);
  if (!tensor)
    return sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
  ok = run (features, 0, image, error)
       && sympie_cuda_ok (cudaMemcpyAsync (tensor, features->net.features[0],
                              size, cudaMemcpyDeviceToHost, features->stream),
           "download features", error);
  ok = finish (features, ok, error);
  for (size_t i = 0; i < n_pixels && ok; i++)
    for (int c = 0; c < shape[0]; c++)
      values[c * n_pixels + i] = tensor[i * shape[0] + c];
  free (tensor);
  return ok;
}

/* ---- Compare ----------------------------------------------------------- */

static bool
put_sums (
    Features *features, size_t n_pixels, size_t n_values, SympieError *error)
{
  SympieCudaTarget to = { .stream = features->stream };
  float pixels[SYMPIE_CUDA_CROP_CHANNELS] = { 0 };
  float values[SYMPIE_CUDA_CROP_CHANNELS];
  const SympieCudaNet *net = &features->net;

  for (int c = 0; c < SYMPIE_CUDA_CROP_CHANNELS; c++) {
    if (c < 3)
      pixels[c] = 255 * sympie_std[c] * 255 * sympie_std[c];
    values[c] = 1;
  }
  return sympie_cuda_ok (sympie_cuda_squares (net->crop[0], net->crop[1],
                             n_pixels * SYMPIE_CUDA_CROP_CHANNELS, pixels,
                             features->sums, &to),
             "compare pixels", error)
         && sympie_cuda_ok (
             sympie_cuda_squares (net->features[0], net->features[1], n_values,
                 values, features->sums + SYMPIE_CUDA_N_SUMS, &to),
             "compare features", error);
}

static double
total (const double *sums)
{
  double sum = 0;

  for (int i = 0; i < SYMPIE_CUDA_N_SUMS; i++)
    sum += sums[i];
  return sum;
}

static bool
features_compare (void *backend, const SympieImage *reference,
    const SympieImage *const distorted[], int n, const int shape[3],
    SympieDifference differences[], SympieError *error)
{
  Features *features = backend;
  size_t n_values = (size_t) shape[0] * shape[1] * shape[2], n_pixels;

  if (!enter (features, error) || !prepare (features, reference, error))
    return false;
  n_pixels = (size_t) features->net.width * features->net.height;
  for (int i = 0; i < n; i++) { /* what is made of the reference stays */
    bool ok = (i > 0 || run (features, 0, reference, error))
              && run (features, 1, distorted[i], error)
              && put_sums (features, n_pixels, n_values, error);

    if (!finish (features, ok, error))
      return false;
    differences[i].pixel_mse = total (features->sums) / (3.0 * n_pixels);
    differences[i].feature_mse =
        total (features->sums + SYMPIE_CUDA_N_SUMS) / n_values;
  }
  return true;
}

const SympieFeaturesBackend sympie_features_cuda = {
  .device = SYMPIE_DEVICE_CUDA,
  .open = features_open,
  .close = features_close,
  .extract = features_extract,
  .compare = features_compare,
};
