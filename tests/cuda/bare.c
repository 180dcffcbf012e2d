/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Stands in for the rest of the library, where run-on-gpu.sh builds the tests
 * with the CUDA toolkit alone: there is no CPU backend, no file of weights and
 * no VGG19. */

#include <stdlib.h>

#include "backend.h"
#include "error.h"

static void *
no_cpu (const SympieConfig *config, const SympieNemWeights *weights,
    SympieError *error)
{
  sympie_fail (error, SYMPIE_ERROR_DEVICE, "built without a CPU backend");
  return NULL;
}

const SympieBackend sympie_backend_cpu = {
  .device = SYMPIE_DEVICE_CPU,
  .open = no_cpu,
};

const SympieVgg19Layer sympie_vgg19_layers[SYMPIE_VGG19_N_CONVS];

SympieNemWeights *
sympie_nem_weights_load (const char *path, SympieError *error)
{
  sympie_fail (error, SYMPIE_ERROR_INVALID,
      "%s: built without a reader of weights", path);
  return NULL;
}
