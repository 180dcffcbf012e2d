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
#include "cpu/cpu.h"
#include "error.h"
#include "image.h"
#include "vgg19.h"

struct SympieFeatures
{
  const SympieFeaturesBackend *backend;
  void *state;
  SympieVgg19Weights *weights;
  SympieLayer layer;
  SympieInput input;
};

SympieFeaturesConfig
sympie_features_config_default (void)
{
  return (SympieFeaturesConfig){
    .layer = SYMPIE_LAYER_POOL5,
    .input = SYMPIE_INPUT_CROP224,
    .device = SYMPIE_DEVICE_AUTO,
    .cpu_mask = sympie_cpu_mask_from_environment (),
  };
}

static bool
check_config (const SympieFeaturesConfig *config, char **error)
{
  if (config->n_threads < 0)
    return sympie_fail (error, "%d threads asked for", config->n_threads);
  if ((unsigned) config->layer >= SYMPIE_N_LAYERS)
    return sympie_fail (error, "unknown layer %d of VGG19", config->layer);
  if (config->input != SYMPIE_INPUT_CROP224
      && config->input != SYMPIE_INPUT_FULL)
    return sympie_fail (error, "unknown input %d of VGG19", config->input);
  if (!config->weights)
    return sympie_fail (error, "no weights for VGG19");
  if ((unsigned) config->device > SYMPIE_DEVICE_CUDA)
    return sympie_fail (error, "unknown device %d", (int) config->device);
  return true;
}

/* The backend of the device asked for, NULL with a message when it cannot be
 * used. */
static const SympieFeaturesBackend *
choose_backend (const SympieFeaturesConfig *config, char **error)
{
  bool asked = config->device == SYMPIE_DEVICE_CUDA;

  if (config->device == SYMPIE_DEVICE_CPU)
    return &sympie_features_cpu;
#ifdef SYMPIE_HAVE_CUDA
  if (sympie_cuda_available (config->cuda_device, asked ? error : NULL))
    return &sympie_features_cuda;
#else
  if (asked)
    sympie_cuda_available (config->cuda_device, error);
#endif
  return asked ? NULL : &sympie_features_cpu;
}

SympieFeatures *
sympie_features_open (const SympieFeaturesConfig *config, char **error)
{
  SympieFeatures *features;

  if (!check_config (config, error))
    return NULL;
  features = calloc (1, sizeof *features);
  if (!features) {
    sympie_fail (error, "out of memory");
    return NULL;
  }
  features->backend = choose_backend (config, error);
  features->layer = config->layer;
  features->input = config->input;
  if (features->backend)
    features->weights = sympie_vgg19_weights_load (
        config->weights, sympie_vgg19_depth (config->layer), error);
  if (features->weights)
    features->state =
        features->backend->open (config, features->weights, error);
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
  sympie_vgg19_weights_free (features->weights);
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
check_image (
    const SympieFeatures *features, const SympieImage *image, char **error)
{
  if (image->memory != SYMPIE_MEMORY_HOST)
    return sympie_fail (error, "features of an image in CUDA memory");
  if (!sympie_image_check (image, error))
    return false;
  if (features->backend->device == SYMPIE_DEVICE_CUDA
      && !sympie_format_is_on_cuda (image->format))
    return sympie_fail (error, "%s is for the CPU only, not for CUDA",
        sympie_format_info (image->format)->name);
  return true;
}

bool
sympie_features_extract (SympieFeatures *features, const SympieImage *image,
    float *values, char **error)
{
  int shape[3];

  if (!check_image (features, image, error))
    return false;
  sympie_features_shape (features, image->width, image->height, shape);
  return features->backend->extract (
      features->state, image, shape, values, error);
}

bool
sympie_features_compare_many (SympieFeatures *features,
    const SympieImage *reference, const SympieImage *const distorted[], int n,
    SympieDifference differences[], char **error)
{
  int shape[3];

  if (!check_image (features, reference, error))
    return false;
  for (int i = 0; i < n; i++) {
    if (!check_image (features, distorted[i], error))
      return false;
    if (features->input == SYMPIE_INPUT_FULL
        && (reference->width != distorted[i]->width
            || reference->height != distorted[i]->height))
      return sympie_fail (error,
          "cannot compare all of images of %dx%d and %dx%d pixels",
          reference->width, reference->height, distorted[i]->width,
          distorted[i]->height);
  }

  sympie_features_shape (features, reference->width, reference->height, shape);
  if (n > 0
      && !features->backend->compare (
          features->state, reference, distorted, n, shape, differences, error))
    return false;
  for (int i = 0; i < n; i++)
    if (!isfinite (differences[i].feature_mse))
      return sympie_fail (error, "features of %s are not finite",
          sympie_layer_name (features->layer));
  return true;
}

bool
sympie_features_compare (SympieFeatures *features, const SympieImage *reference,
    const SympieImage *distorted, SympieDifference *difference, char **error)
{
  return sympie_features_compare_many (
      features, reference, &distorted, 1, difference, error);
}
