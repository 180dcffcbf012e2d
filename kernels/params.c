/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The 37 parameters between NEM and DWM. */

#include "params.h"

#include <math.h>

void
sympie_params_identity (SympieParams *params)
{
  *params = (SympieParams){
    .matrix = { [0] = 1, [4] = 1, [8] = 1 },
    .kernel = { [12] = 1 },
  };
}

void
sympie_params_blend (
    const SympieParams *a, const SympieParams *b, float t, SympieParams *out)
{
  /* Weights that sum to one rather than a + t * (b - a), which misses b. */
  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    out->values[i] = (1 - t) * a->values[i] + t * b->values[i];
}

float
sympie_params_distance (const SympieParams *a, const SympieParams *b)
{
  double sum = 0;

  for (int i = 0; i < SYMPIE_N_PARAMS; i++) {
    double difference = (double) a->values[i] - b->values[i];

    sum += difference * difference;
  }
  return (float) sqrt (sum / SYMPIE_N_PARAMS);
}

bool
sympie_params_finite (const SympieParams *params)
{
  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    if (!isfinite (params->values[i]))
      return false;
  return true;
}
