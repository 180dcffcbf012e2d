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
#include "error.h"
#include "image.h"
#include "machine.h"
#include "params.h"
#include "sized.h"

struct SympieContext
{
  const SympieBackend *backend;
  void *state;
  bool can_estimate, ignore_gate;
};

unsigned
sympie_version (void)
{
  return SYMPIE_VERSION;
}

/* Checks the configuration and puts in what it leaves to the library. */
static bool
complete (SympieConfig *config, SympieError *error)
{
  return sympie_choose (&config->device, config->cuda_device,
      &config->n_threads, &config->cpu_disabled, error);
}

static const SympieBackend *
find_backend (SympieDevice device)
{
#ifdef SYMPIE_HAVE_CUDA
  if (device == SYMPIE_DEVICE_CUDA)
    return &sympie_backend_cuda;
#endif
  return &sympie_backend_cpu;
}

SympieContext *
sympie_open (const SympieConfig *given, SympieError *error)
{
  SympieConfig config;
  SympieNemWeights *weights = NULL;
  SympieContext *context;

  if (!SYMPIE_TAKE (SympieConfig, &config, given, cuda_async, error)
      || !complete (&config, error))
    return NULL;
  if (config.weights
      && !(weights = sympie_nem_weights_load (config.weights, error)))
    return NULL;

  context = calloc (1, sizeof *context);
  if (context) {
    context->backend = find_backend (config.device);
    context->can_estimate = weights != NULL;
    context->ignore_gate = config.ignore_gate;
    context->state = context->backend->open (&config, weights, error);
  } else {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
  }
  sympie_nem_weights_free (weights);
  if (context && !context->state) {
    free (context);
    return NULL;
  }
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

static bool
check_memory (
    const SympieContext *context, SympieMemory memory, SympieError *error)
{
  return memory == SYMPIE_MEMORY_HOST
         || context->backend->device == SYMPIE_DEVICE_CUDA
         || sympie_fail (error, SYMPIE_ERROR_INVALID,
             "an image in CUDA memory for the CPU");
}

static bool
take_source (const SympieContext *context, SympieImage *own,
    const SympieImage *src, SympieError *error)
{
  return sympie_image_take (own, src, error)
         && check_memory (context, own->memory, error)
         && sympie_device_takes (context->backend->device, own->format, error);
}

static bool
take_target (const SympieContext *context, SympieTarget *own,
    const SympieTarget *dst, const SympieImage *src, SympieError *error)
{
  return sympie_target_take (own, dst, src, error)
         && check_memory (context, own->memory, error);
}

static bool
check_weights (const SympieContext *context, SympieError *error)
{
  return context->can_estimate
         || sympie_fail (
             error, SYMPIE_ERROR_INVALID, "no weights to estimate with");
}

/* From what NEM says, blended by the gate unless that is ignored. */
static bool
take_estimate (const SympieContext *context, SympieParams *params, float gate,
    SympieError *error)
{
  SympieParams identity;

  if (!sympie_params_finite (params) || !isfinite (gate))
    return sympie_fail (
        error, SYMPIE_ERROR_NOT_FINITE, "NEM's estimate is not finite");
  sympie_params_identity (&identity);
  if (!context->ignore_gate)
    sympie_params_blend (&identity, params, gate, params);
  return true;
}

static bool
check_params (const SympieParams *params, SympieError *error)
{
  return sympie_params_finite (params)
         || sympie_fail (
             error, SYMPIE_ERROR_INVALID, "parameters that are not finite");
}

static bool
check_strength (float strength, SympieError *error)
{
  return (strength >= 0 && strength <= 1)
         || sympie_fail (error, SYMPIE_ERROR_INVALID,
             "a strength of %g, not 0 to 1", strength);
}

bool
sympie_estimate (SympieContext *context, const SympieImage *image,
    SympieParams *params, float *gate, SympieError *error)
{
  SympieImage own;
  float estimated;

  if (!check_weights (context, error)
      || !take_source (context, &own, image, error)
      || !context->backend->estimate (
          context->state, &own, params, &estimated, error)
      || !take_estimate (context, params, estimated, error))
    return false;
  if (gate)
    *gate = estimated;
  return true;
}

bool
sympie_apply (SympieContext *context, const SympieImage *src,
    const SympieTarget *dst, const SympieParams *params, SympieError *error)
{
  SympieImage from;
  SympieTarget into;

  return take_source (context, &from, src, error)
         && take_target (context, &into, dst, &from, error)
         && check_params (params, error)
         && context->backend->apply (
             context->state, &from, &into, params, error);
}

bool
sympie_enhance (SympieContext *context, const SympieImage *src,
    const SympieTarget *dst, float strength, SympieParams *params, float *gate,
    SympieError *error)
{
  SympieParams estimated, blended;
  SympieImage from;
  SympieTarget into;
  float opening;

  if (!check_weights (context, error) || !check_strength (strength, error)
      || !take_source (context, &from, src, error)
      || !take_target (context, &into, dst, &from, error))
    return false;

  if (context->backend->enhance) {
    if (!context->backend->enhance (
            context->state, &from, &into, strength, &estimated, &opening, error)
        || !take_estimate (context, &estimated, opening, error))
      return false;
  } else {
    if (!context->backend->estimate (
            context->state, &from, &estimated, &opening, error)
        || !take_estimate (context, &estimated, opening, error))
      return false;
    sympie_params_identity (&blended);
    sympie_params_blend (&blended, &estimated, strength, &blended);
    if (!context->backend->apply (
            context->state, &from, &into, &blended, error))
      return false;
  }
  if (params)
    *params = estimated;
  if (gate)
    *gate = opening;
  return true;
}
