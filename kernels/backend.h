/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The tables of functions behind which a device hides. */

#ifndef SYMPIE_BACKEND_H
#define SYMPIE_BACKEND_H

#include "nem_weights.h"
#include "sympie.h"
#include "vgg19.h"

/* The functions get what sympie.h promises already checked and chosen: a
 * configuration without zeros that stand for something, valid images, finite
 * parameters. `weights` may be NULL, in which
 * case estimate is never called; they stay valid only during open. */
typedef struct
{
  SympieDevice device;
  void *(*open) (const SympieConfig *config, const SympieNemWeights *weights,
      SympieError *error);
  void (*close) (void *backend);
  /* `params` as NEM gives them; `gate` in [0, 1], 1 where the weights have
   * none. The caller blends. */
  bool (*estimate) (void *backend, const SympieImage *image,
      SympieParams *params, float *gate, SympieError *error);
  bool (*apply) (void *backend, const SympieImage *src, const SympieTarget *dst,
      const SympieParams *params, SympieError *error);
  /* NULL where it is no more than the two after each other. The backend blends
   * by strength and, unless the configuration ignores it, gate; `params` and
   * `gate` are as in estimate. */
  bool (*enhance) (void *backend, const SympieImage *src,
      const SympieTarget *dst, float strength, SympieParams *params,
      float *gate, SympieError *error);
} SympieBackend;

extern const SympieBackend sympie_backend_cpu;

/* The same for features of VGG19. `shape` is what sympie_features_shape says
 * for the images. */
typedef struct
{
  SympieDevice device;
  void *(*open) (const SympieFeaturesConfig *config,
      const SympieVgg19Weights *weights, SympieError *error);
  void (*close) (void *backend);
  bool (*extract) (void *backend, const SympieImage *image, const int shape[3],
      float *values, SympieError *error);
  /* One with each of `n`. */
  bool (*compare) (void *backend, const SympieImage *reference,
      const SympieImage *const distorted[], int n, const int shape[3],
      SympieDifference differences[], SympieError *error);
} SympieFeaturesBackend;

extern const SympieFeaturesBackend sympie_features_cpu;

#ifdef SYMPIE_HAVE_CUDA
extern const SympieBackend sympie_backend_cuda;
extern const SympieFeaturesBackend sympie_features_cuda;
bool sympie_cuda_probe (int device, SympieError *error);
#endif

#endif /* SYMPIE_BACKEND_H */
