/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Features of VGG19 on the CPU: from images to values and differences. */

#include <stdlib.h>

#include "../backend.h"
#include "../error.h"
#include "../pool.h"
#include "../standard.h"
#include "cpu.h"
#include "preprocess.h"
#include "vgg.h"

typedef struct
{
  SympieInput input;
  SympiePool *pool;
  unsigned cpu_flags;
  SympiePreprocess *preprocess[SYMPIE_VGG_MAX_IMAGES]; /* sizes may differ */
  SympieVgg *vgg;
} Features;

static void
features_close (void *backend)
{
  Features *features = backend;

  sympie_vgg_free (features->vgg);
  for (int i = 0; i < SYMPIE_VGG_MAX_IMAGES; i++)
    sympie_preprocess_free (features->preprocess[i]);
  sympie_pool_free (features->pool);
  free (features);
}

static bool
prepare (
    Features *features, int width, int height, int n_images, SympieError *error)
{
  for (int i = 0; i < n_images; i++)
    if (!features->preprocess[i]
        && !(features->preprocess[i] = sympie_preprocess_new (
                 features->pool, features->cpu_flags, features->input, error)))
      return false;
  if (features->input == SYMPIE_INPUT_CROP224)
    width = height = SYMPIE_NEM_SIZE;
  return sympie_vgg_prepare (
      features->vgg, width, height, n_images, SYMPIE_VGG_WHOLE, error);
}

static bool
set_up (Features *features, const SympieFeaturesConfig *config,
    const SympieVgg19Weights *weights, SympieError *error)
{
  features->cpu_flags = sympie_cpu_flags (config->cpu_disabled);
  features->input = config->input;
  if (!(features->pool = sympie_pool_new (config->n_threads, error)))
    return false;
  features->vgg = sympie_vgg_new (features->pool, features->cpu_flags, weights,
      sympie_vgg19_ends_in_pool (config->layer), error);
  /* The size of whole frames is not known yet. */
  return features->vgg
         && (config->input == SYMPIE_INPUT_FULL
             || prepare (features, 0, 0, 2, error));
}

static void *
features_open (const SympieFeaturesConfig *config,
    const SympieVgg19Weights *weights, SympieError *error)
{
  Features *features = calloc (1, sizeof *features);

  if (!features) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    return NULL;
  }
  if (!set_up (features, config, weights, error)) {
    features_close (features);
    return NULL;
  }
  return features;
}

/* Writes what step `step` wants to see of an image. */
static bool
load (Features *features, int image, const SympieImage *view, int width,
    int height, int step, SympieError *error)
{
  int n_rows = sympie_vgg_n_rows (features->vgg), first = step * n_rows;
  int n = first + n_rows < height ? n_rows : height - first;
  float *planes[3];

  if (n <= 0)
    return true; /* the last steps only let the layers catch up */
  planes[0] = sympie_vgg_input (features->vgg, image);
  for (int c = 1; c < 3; c++)
    planes[c] = planes[c - 1] + (size_t) n_rows * width;
  return sympie_preprocess_rows (
      features->preprocess[image], view, first, n, planes, width, error);
}

/* ---- Extract ----------------------------------------------------------- */

static void
store (const SympieVggStrip *strip, int height, float *values)
{
  for (int c = 0; c < strip->n_channels; c++)
    for (int y = 0; y < strip->n; y++) {
      const float *in = strip->values[0]
                        + ((size_t) (c / strip->block) * strip->pitch + y)
                              * strip->width * strip->block
                        + c % strip->block;
      float *out =
          values + ((size_t) c * height + strip->first + y) * strip->width;

      for (int x = 0; x < strip->width; x++)
        out[x] = in[(size_t) x * strip->block];
    }
}

static bool
features_extract (void *backend, const SympieImage *image, const int shape[3],
    float *values, SympieError *error)
{
  Features *features = backend;
  bool full = features->input == SYMPIE_INPUT_FULL;
  int width = full ? image->width : SYMPIE_NEM_SIZE;
  int height = full ? image->height : SYMPIE_NEM_SIZE;

  if (!prepare (features, width, height, 1, error))
    return false;
  for (int s = 0; s < sympie_vgg_n_steps (features->vgg); s++) {
    SympieVggStrip strip;

    if (!load (features, 0, image, width, height, s, error))
      return false;
    sympie_vgg_run (features->vgg, s, 1, &strip);
    store (&strip, shape[1], values);
  }
  return true;
}

/* ---- Compare ----------------------------------------------------------- */

/* In runs, so that most of the sums can be in float, where they are fast. */
static double
sum_squares (const float *a, const float *b, size_t n)
{
  enum
  {
    LANES = 16,
    RUN = 16 * LANES,
  };
  double total = 0;

  for (size_t i = 0; i < n; i += RUN) {
    size_t end = i + RUN < n ? i + RUN : n, j = i;
    float sums[LANES] = { 0 };

    for (; j + LANES <= end; j += LANES)
      for (int lane = 0; lane < LANES; lane++) {
        float d = a[j + lane] - b[j + lane];

        sums[lane] += d * d;
      }
    for (; j < end; j++) {
      float d = a[j] - b[j];

      sums[0] += d * d;
    }
    for (int lane = 0; lane < LANES; lane++)
      total += sums[lane];
  }
  return total;
}

/* Of the inputs of a step, image 0 and another, in [0, 255]. */
static double
pixel_squares (Features *features, int image, int width, int height, int step)
{
  int n_rows = sympie_vgg_n_rows (features->vgg), first = step * n_rows;
  int n = first + n_rows < height ? n_rows : height - first;
  const float *a = sympie_vgg_input (features->vgg, 0);
  const float *b = sympie_vgg_input (features->vgg, image);
  double total = 0;

  for (int c = 0; c < 3 && n > 0; c++) {
    size_t at = (size_t) c * n_rows * width;
    double scale = 255 * sympie_std[c];

    total += scale * scale * sum_squares (a + at, b + at, (size_t) n * width);
  }
  return total;
}

static double
feature_squares (const SympieVggStrip *strip, int image)
{
  size_t row = (size_t) strip->width * strip->block;
  double total = 0;

  for (int p = 0; p < strip->n_channels / strip->block; p++) {
    size_t at = p * strip->pitch * row;

    total += sum_squares (
        strip->values[0] + at, strip->values[image] + at, strip->n * row);
  }
  return total;
}

/* At most as many as fit beside the reference. */
static bool
compare_few (Features *features, const SympieImage *reference,
    const SympieImage *const distorted[], int n, const int shape[3],
    SympieDifference differences[], SympieError *error)
{
  bool full = features->input == SYMPIE_INPUT_FULL;
  int width = full ? reference->width : SYMPIE_NEM_SIZE;
  int height = full ? reference->height : SYMPIE_NEM_SIZE;

  if (!prepare (features, width, height, n + 1, error))
    return false;
  for (int i = 0; i < n; i++)
    differences[i] = (SympieDifference){ 0, 0 };
  for (int s = 0; s < sympie_vgg_n_steps (features->vgg); s++) {
    SympieVggStrip strip;

    for (int i = 0; i <= n; i++)
      if (!load (features, i, i == 0 ? reference : distorted[i - 1], width,
              height, s, error))
        return false;
    for (int i = 0; i < n; i++)
      differences[i].pixel_mse +=
          pixel_squares (features, i + 1, width, height, s);
    sympie_vgg_run (features->vgg, s, n + 1, &strip);
    for (int i = 0; i < n; i++)
      differences[i].feature_mse += feature_squares (&strip, i + 1);
  }
  for (int i = 0; i < n; i++) {
    differences[i].pixel_mse /= 3.0 * width * height;
    differences[i].feature_mse /= (double) shape[0] * shape[1] * shape[2];
  }
  return true;
}

static bool
features_compare (void *backend, const SympieImage *reference,
    const SympieImage *const distorted[], int n, const int shape[3],
    SympieDifference differences[], SympieError *error)
{
  const int most = SYMPIE_VGG_MAX_IMAGES - 1;

  for (int first = 0; first < n; first += most)
    if (!compare_few (backend, reference, distorted + first,
            n - first < most ? n - first : most, shape, differences + first,
            error))
      return false;
  return true;
}

const SympieFeaturesBackend sympie_features_cpu = {
  .device = SYMPIE_DEVICE_CPU,
  .open = features_open,
  .close = features_close,
  .extract = features_extract,
  .compare = features_compare,
};
