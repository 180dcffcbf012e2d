/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The public entry points: check what comes in, hand it to the backend. */

#include "sympie.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "cpu/cpu.h"
#include "error.h"
#include "image.h"
#include "params.h"

enum
{
  MAX_THREADS = 1024, /* what no machine needs is a mistake */
};

struct SympieContext
{
  const SympieBackend *backend;
  void *state;
  bool can_estimate, ignore_gate;
};

SympieConfig
sympie_config_default (void)
{
  const char *cuda = getenv ("SYMPIE_CUDA");

  return (SympieConfig){
    .device = SYMPIE_DEVICE_AUTO,
    .cpu_mask = sympie_cpu_mask_from_environment (),
    .cuda_float = cuda && strcmp (cuda, "float") == 0,
  };
}

bool
sympie_cuda_available (int cuda_device, char **error)
{
#ifdef SYMPIE_HAVE_CUDA
  return sympie_cuda_probe (cuda_device, error);
#else
  return sympie_fail (error, "this libsympie was built without CUDA");
#endif
}

/* The backend of the device asked for, NULL with a message when it cannot be
 * used. */
static const SympieBackend *
choose_backend (const SympieConfig *config, char **error)
{
  bool asked = config->device == SYMPIE_DEVICE_CUDA;

#ifdef SYMPIE_HAVE_CUDA
  if (config->device != SYMPIE_DEVICE_CPU
      && sympie_cuda_available (config->cuda_device, asked ? error : NULL))
    return &sympie_backend_cuda;
#else
  if (asked)
    sympie_cuda_available (config->cuda_device, error);
#endif
  return asked ? NULL : &sympie_backend_cpu;
}

SympieContext *
sympie_open (const SympieConfig *config, char **error)
{
  const SympieBackend *backend;
  SympieNemWeights *weights = NULL;
  SympieContext *context;
  void *state;

  if (config->n_threads < 0 || config->n_threads > MAX_THREADS) {
    sympie_fail (error, "%d threads asked for, not 0 to %d", config->n_threads,
        MAX_THREADS);
    return NULL;
  }
  if (!sympie_cpu_check_environment (error))
    return NULL;
  if ((unsigned) config->device > SYMPIE_DEVICE_CUDA) {
    sympie_fail (error, "unknown device %d", (int) config->device);
    return NULL;
  }
  if (!(backend = choose_backend (config, error)))
    return NULL;
  if (config->weights) {
    weights = sympie_nem_weights_load (config->weights, error);
    if (!weights)
      return NULL;
  }

  state = backend->open (config, weights, error);
  sympie_nem_weights_free (weights);
  if (!state)
    return NULL;

  context = malloc (sizeof *context);
  if (!context) {
    backend->close (state);
    sympie_fail (error, "out of memory");
    return NULL;
  }
  context->backend = backend;
  context->state = state;
  context->can_estimate = config->weights != NULL;
  context->ignore_gate = config->ignore_gate;
  return context;
}

void
sympie_close (SympieContext *context)
{
  if (!context)
    return;
  context->backend->close (context->state);
  free (context);
}

SympieDevice
sympie_device (const SympieContext *context)
{
  return context->backend->device;
}

/* Whether the context can use the image. */
static bool
check_image (
    const SympieContext *context, const SympieImage *image, char **error)
{
  if (!sympie_image_check (image, error))
    return false;
  if (image->memory != SYMPIE_MEMORY_HOST
      && context->backend->device == SYMPIE_DEVICE_CPU)
    return sympie_fail (error, "an image in CUDA memory for the CPU");
  if (context->backend->device == SYMPIE_DEVICE_CUDA
      && !sympie_format_is_on_cuda (image->format))
    return sympie_fail (error, "%s is for the CPU only, not for CUDA",
        sympie_format_info (image->format)->name);
  return true;
}

static bool
check_images (const SympieContext *context, const SympieImage *src,
    const SympieImage *dst, char **error)
{
  if (!check_image (context, src, error) || !check_image (context, dst, error))
    return false;
  if (src->format != dst->format || src->width != dst->width
      || src->height != dst->height)
    return sympie_fail (error, "cannot apply from %s %dx%d to %s %dx%d",
        sympie_format_info (src->format)->name, src->width, src->height,
        sympie_format_info (dst->format)->name, dst->width, dst->height);
  return true;
}

/* From what NEM says, blended by the gate unless that is ignored. */
static bool
take_estimate (const SympieContext *context, SympieParams *params, float gate,
    char **error)
{
  SympieParams identity;

  if (!sympie_params_finite (params) || !isfinite (gate))
    return sympie_fail (error, "NEM's estimate is not finite");
  sympie_params_identity (&identity);
  if (!context->ignore_gate)
    sympie_params_blend (&identity, params, gate, params);
  return true;
}

bool
sympie_estimate (SympieContext *context, const SympieImage *image,
    SympieParams *params, float *gate, char **error)
{
  float estimated;

  if (!context->can_estimate)
    return sympie_fail (error, "no weights to estimate with");
  if (!check_image (context, image, error)
      || !context->backend->estimate (
          context->state, image, params, &estimated, error)
      || !take_estimate (context, params, estimated, error))
    return false;
  if (gate)
    *gate = estimated;
  return true;
}

bool
sympie_apply (SympieContext *context, const SympieImage *src,
    const SympieImage *dst, const SympieParams *params, char **error)
{
  if (!check_images (context, src, dst, error))
    return false;
  if (!sympie_params_finite (params))
    return sympie_fail (error, "parameters that are not finite");
  return context->backend->apply (context->state, src, dst, params, error);
}

static bool
check_strength (float strength, char **error)
{
  return (strength >= 0 && strength <= 1)
         || sympie_fail (error, "a strength of %g, not 0 to 1", strength);
}

bool
sympie_enhance (SympieContext *context, const SympieImage *src,
    const SympieImage *dst, float strength, SympieParams *params, float *gate,
    char **error)
{
  SympieParams estimated, blended;
  float opening;

  if (!context->can_estimate)
    return sympie_fail (error, "no weights to estimate with");
  if (!check_strength (strength, error))
    return false;
  if (!check_images (context, src, dst, error))
    return false;

  if (context->backend->enhance) {
    if (!context->backend->enhance (
            context->state, src, dst, strength, &estimated, &opening, error)
        || !take_estimate (context, &estimated, opening, error))
      return false;
  } else {
    if (!context->backend->estimate (
            context->state, src, &estimated, &opening, error)
        || !take_estimate (context, &estimated, opening, error))
      return false;
    sympie_params_identity (&blended);
    sympie_params_blend (&blended, &estimated, strength, &blended);
    if (!context->backend->apply (context->state, src, dst, &blended, error))
      return false;
  }
  if (params)
    *params = estimated;
  if (gate)
    *gate = opening;
  return true;
}
