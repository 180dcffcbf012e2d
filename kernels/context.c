/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The public entry points: check what comes in, hand it to the backend. */

#include "sympie.h"

#include <stdlib.h>

#include "backend.h"
#include "cpu/cpu.h"
#include "error.h"
#include "image.h"
#include "params.h"

struct SympieContext
{
  const SympieBackend *backend;
  void *state;
  bool can_estimate;
};

SympieConfig
sympie_config_default (void)
{
  return (SympieConfig){
    .device = SYMPIE_DEVICE_AUTO,
    .cpu_mask = sympie_cpu_mask_from_environment (),
  };
}

SympieContext *
sympie_open (const SympieConfig *config, char **error)
{
  const SympieBackend *backend = &sympie_backend_cpu;
  SympieNemWeights *weights = NULL;
  SympieContext *context;
  void *state;

  if (config->n_threads < 0) {
    sympie_fail (error, "%d threads asked for", config->n_threads);
    return NULL;
  }
  if (config->device == SYMPIE_DEVICE_CUDA) {
    sympie_fail (error, "this libsympie was built without CUDA");
    return NULL;
  }
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

bool
sympie_estimate (SympieContext *context, const SympieImage *image,
    SympieParams *params, char **error)
{
  if (!context->can_estimate)
    return sympie_fail (error, "no weights to estimate with");
  if (!sympie_image_check (image, error)
      || !context->backend->estimate (context->state, image, params, error))
    return false;
  if (!sympie_params_finite (params))
    return sympie_fail (error, "NEM's estimate is not finite");
  return true;
}

bool
sympie_apply (SympieContext *context, const SympieImage *src,
    const SympieImage *dst, const SympieParams *params, char **error)
{
  if (!sympie_image_check (src, error) || !sympie_image_check (dst, error))
    return false;
  if (src->format != dst->format || src->width != dst->width
      || src->height != dst->height)
    return sympie_fail (error, "cannot apply from %s %dx%d to %s %dx%d",
        sympie_format_info (src->format)->name, src->width, src->height,
        sympie_format_info (dst->format)->name, dst->width, dst->height);
  if (!sympie_params_finite (params))
    return sympie_fail (error, "parameters that are not finite");
  return context->backend->apply (context->state, src, dst, params, error);
}
