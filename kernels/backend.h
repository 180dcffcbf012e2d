/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The table of functions behind which a device hides. */

#ifndef SYMPIE_BACKEND_H
#define SYMPIE_BACKEND_H

#include "nem_weights.h"
#include "sympie.h"

/* The functions get what sympie.h promises already checked: valid images of
 * one format and size, finite parameters. `weights` may be NULL, in which
 * case estimate is never called; they stay valid only during open. */
typedef struct
{
  SympieDevice device;
  void *(*open) (const SympieConfig *config, const SympieNemWeights *weights,
      char **error);
  void (*close) (void *backend);
  bool (*estimate) (void *backend, const SympieImage *image,
      SympieParams *params, char **error);
  bool (*apply) (void *backend, const SympieImage *src, const SympieImage *dst,
      const SympieParams *params, char **error);
} SympieBackend;

extern const SympieBackend sympie_backend_cpu;

#endif /* SYMPIE_BACKEND_H */
