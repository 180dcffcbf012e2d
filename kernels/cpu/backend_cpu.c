/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "../backend.h"

#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "../image.h"
#include "../pool.h"
#include "cpu.h"
#include "dwm.h"
#include "nem.h"
#include "packing.h"
#include "preprocess.h"

typedef struct
{
  SympiePool *pool;
  SympieDwm *dwm;
  SympiePreprocess *preprocess; /* these three only with weights */
  SympieCrop *crop;
  SympieNem *nem;
} Cpu;

static void
cpu_close (void *backend)
{
  Cpu *cpu = backend;

  sympie_nem_free (cpu->nem);
  free (cpu->crop);
  sympie_preprocess_free (cpu->preprocess);
  sympie_dwm_free (cpu->dwm);
  sympie_pool_free (cpu->pool);
  free (cpu);
}

static bool
prepare_estimate (Cpu *cpu, unsigned flags, const SympieNemWeights *weights,
    SympieError *error)
{
  cpu->crop = aligned_alloc (64, sizeof *cpu->crop);
  if (!cpu->crop)
    return sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
  memset (cpu->crop, 0, sizeof *cpu->crop);
  return (cpu->preprocess = sympie_preprocess_new (
              cpu->pool, flags, SYMPIE_INPUT_CROP224, error))
         && (cpu->nem = sympie_nem_new (cpu->pool, flags, weights, error));
}

static void *
cpu_open (const SympieConfig *config, const SympieNemWeights *weights,
    SympieError *error)
{
  unsigned flags = sympie_cpu_flags (config->cpu_disabled);
  Cpu *cpu = calloc (1, sizeof *cpu);

  if (!cpu) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    return NULL;
  }
  if (!(cpu->pool = sympie_pool_new (config->n_threads, error))
      || !(cpu->dwm = sympie_dwm_new (cpu->pool, flags, error))
      || (weights && !prepare_estimate (cpu, flags, weights, error))) {
    cpu_close (cpu);
    return NULL;
  }
  return cpu;
}

static bool
cpu_estimate (void *backend, const SympieImage *image, SympieParams *params,
    float *gate, SympieError *error)
{
  Cpu *cpu = backend;

  if (!sympie_preprocess_run (cpu->preprocess, image, cpu->crop, error))
    return false;
  sympie_nem_run (cpu->nem, cpu->crop, params, gate);
  return true;
}

static bool
cpu_apply (void *backend, const SympieImage *src, const SympieTarget *dst,
    const SympieParams *params, SympieError *error)
{
  Cpu *cpu = backend;
  SympieParams identity;

  sympie_params_identity (&identity);
  if (sympie_params_distance (params, &identity) == 0) {
    sympie_packing_copy (src, dst);
    return true;
  }
  return sympie_dwm_apply (cpu->dwm, src, dst, params, error);
}

const SympieBackend sympie_backend_cpu = {
  .device = SYMPIE_DEVICE_CPU,
  .open = cpu_open,
  .close = cpu_close,
  .estimate = cpu_estimate,
  .apply = cpu_apply,
};
