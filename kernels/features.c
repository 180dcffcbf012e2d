/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The public entry points for features: check what comes in, hand it to the
 * backend. */

#include "sympie.h"

#include <math.h>
#include <stdlib.h>

#include "backend.h"
#include "error.h"
#include "image.h"
#include "machine.h"
#include "sized.h"
#include "vgg19.h"

enum
{
  FEW = 15 /* images that go through the layers beside their reference */
};

struct SympieFeatures
{
  const SympieFeaturesBackend *backend;
  void *state;
  SympieLayer layer;
  SympieInput input;
};

/* Checks the configuration and puts in what it leaves to the library. */
static bool
complete (SympieFeaturesConfig *config, SympieError *error)
{
  if ((unsigned) config->layer >= SYMPIE_N_LAYERS)
    return sympie_fail (error, SYMPIE_ERROR_INVALID,
        "unknown layer %d of VGG19", (int) config->layer);
  if (config->input != SYMPIE_INPUT_CROP224
      && config->input != SYMPIE_INPUT_FULL)
    return sympie_fail (error, SYMPIE_ERROR_INVALID,
        "unknown input %d of VGG19", (int) config->input);
  if (!config->weights)
    return sympie_fail (error, SYMPIE_ERROR_INVALID, "no weights for VGG19");
  return sympie_choose (&config->device, config->cuda_device,
      &config->n_threads, &config->cpu_disabled, error);
}

static const SympieFeaturesBackend *
find_backend (SympieDevice device)
{
#ifdef SYMPIE_HAVE_CUDA
  if (device == SYMPIE_DEVICE_CUDA)
    return &sympie_features_cuda;
#endif
  return &sympie_features_cpu;
}

SympieFeatures *
sympie_features_open (const SympieFeaturesConfig *given, SympieError *error)
{
  SympieFeaturesConfig config;
  SympieVgg19Weights *weights;
  SympieFeatures *features;

  if (!SYMPIE_TAKE (SympieFeaturesConfig, &config, given, cuda_device, error)
      || !complete (&config, error))
    return NULL;
  features = calloc (1, sizeof *features);
  if (!features) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    return NULL;
  }
  features->backend = find_backend (config.device);
  features->layer = config.layer;
  features->input = config.input;
  weights = sympie_vgg19_weights_load (
      config.weights, sympie_vgg19_depth (config.layer), error);
  if (weights)
    features->state = features->backend->open (&config, weights, error);
  sympie_vgg19_weights_free (weights);
  if (!features->state) {
    sympie_features_close (features);
    return NULL;
  }
  return features;
}

void
sympie_features_close (SympieFeatures *features)
{
  if (!features)
    return;
  if (features->state)
    features->backend->close (features->state);
  free (features);
}

SympieDevice
sympie_features_device (const SympieFeatures *features)
{
  return features->backend->device;
}

void
sympie_features_shape (
    const SympieFeatures *features, int width, int height, int shape[3])
{
  int n_convs = sympie_vgg19_depth (features->layer);
  bool in_pool = sympie_vgg19_ends_in_pool (features->layer);

  if (features->input == SYMPIE_INPUT_CROP224)
    width = height = SYMPIE_NEM_SIZE;
  for (int l = 0; l < n_convs; l++) {
    bool last = l == n_convs - 1;

    if (last ? in_pool : sympie_vgg19_layers[l].pooled) {
      width /= 2;
      height /= 2;
    }
  }
  shape[0] = sympie_vgg19_layers[n_convs - 1].n_out;
  shape[1] = height;
  shape[2] = width;
}

static bool
take_image (const SympieFeatures *features, SympieImage *own,
    const SympieImage *image, SympieError *error)
{
  if (!sympie_image_take (own, image, error))
    return false;
  if (own->memory != SYMPIE_MEMORY_HOST)
    return sympie_fail (
        error, SYMPIE_ERROR_INVALID, "features of an image in CUDA memory");
  return sympie_device_takes (features->backend->device, own->format, error);
}

bool
sympie_features_extract (SympieFeatures *features, const SympieImage *image,
    float *values, SympieError *error)
{
  SympieImage own;
  int shape[3];

  if (!take_image (features, &own, image, error))
    return false;
  sympie_features_shape (features, own.width, own.height, shape);
  return features->backend->extract (
      features->state, &own, shape, values, error);
}

static bool
compare_few (SympieFeatures *features, const SympieImage *reference,
    const SympieImage *const distorted[], int n, SympieDifference differences[],
    SympieError *error)
{
  SympieImage own[FEW];
  const SympieImage *taken[FEW];
  int shape[3];

  for (int i = 0; i < n; i++) {
    taken[i] = &own[i];
    if (!take_image (features, &own[i], distorted[i], error))
      return false;
    if (features->input == SYMPIE_INPUT_FULL
        && (reference->width != own[i].width
            || reference->height != own[i].height))
      return sympie_fail (error, SYMPIE_ERROR_INVALID,
          "cannot compare all of images of %dx%d and %dx%d pixels",
          reference->width, reference->height, own[i].width, own[i].height);
  }

  sympie_features_shape (features, reference->width, reference->height, shape);
  if (!features->backend->compare (
          features->state, reference, taken, n, shape, differences, error))
    return false;
  for (int i = 0; i < n; i++)
    if (!isfinite (differences[i].feature_mse))
      return sympie_fail (error, SYMPIE_ERROR_NOT_FINITE,
          "features of %s are not finite", sympie_layer_name (features->layer));
  return true;
}

bool
sympie_features_compare_many (SympieFeatures *features,
    const SympieImage *reference, const SympieImage *const distorted[], int n,
    SympieDifference differences[], SympieError *error)
{
  SympieImage own;

  if (!take_image (features, &own, reference, error))
    return false;
  for (int i = 0; i < n; i += FEW)
    if (!compare_few (features, &own, distorted + i, n - i < FEW ? n - i : FEW,
            differences + i, error))
      return false;
  return true;
}

bool
sympie_features_compare (SympieFeatures *features, const SympieImage *reference,
    const SympieImage *distorted, SympieDifference *difference,
    SympieError *error)
{
  return sympie_features_compare_many (
      features, reference, &distorted, 1, difference, error);
}
