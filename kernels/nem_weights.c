/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "nem_weights.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "safetensors.h"

static const double bn_epsilon = 1e-5;

enum
{
  STEM_CHANNELS = 64, /* each block doubles them */
};

/* Batch norm at inference: scale * x + shift for each channel. */
typedef struct
{
  float *scale, *shift;
} Affine;

typedef struct
{
  const char *path;
  SympieSafetensors *file;
  SympieError *error;
} Loader;

static float *__attribute__ ((format (printf, 4, 5))) read_named (
    Loader *loader, const int64_t *shape, int n_dims, const char *format, ...)
{
  char name[64];
  va_list args;

  va_start (args, format);
  vsnprintf (name, sizeof name, format, args);
  va_end (args);
  return sympie_safetensors_read (
      loader->file, name, shape, n_dims, loader->error);
}

/* Reads the convolution `prefix` ("colm.backbone.0"). */
static bool
read_conv (
    Loader *loader, SympieConv *conv, int n_in, int n_out, const char *prefix)
{
  int64_t shape[4] = { n_out, n_in, 3, 3 };

  conv->n_in = n_in;
  conv->n_out = n_out;
  return (conv->weight = read_named (loader, shape, 4, "%s.weight", prefix))
         && (conv->bias = read_named (loader, shape, 1, "%s.bias", prefix));
}

/* In double: a variance near zero makes large factors that cancel later. */
static bool
make_affine (Loader *loader, Affine *affine, int n, const char *prefix,
    const float *mean, const float *variance)
{
  for (int c = 0; c < n; c++) {
    double scale, shift;

    if (variance[c] < 0)
      return sympie_fail (loader->error, SYMPIE_ERROR_DAMAGED,
          "%s: tensor '%s.running_var' holds the negative variance %g",
          loader->path, prefix, variance[c]);
    scale = affine->scale[c] / sqrt (variance[c] + bn_epsilon);
    shift = affine->shift[c] - scale * mean[c];
    affine->scale[c] = (float) scale;
    affine->shift[c] = (float) shift;
    if (!isfinite (affine->scale[c]) || !isfinite (affine->shift[c]))
      return sympie_fail (loader->error, SYMPIE_ERROR_DAMAGED,
          "%s: batch norm '%s' overflows in channel %d", loader->path, prefix,
          c);
  }
  return true;
}

/* Reads the batch norm `prefix`; scale and shift are allocated. */
static bool
read_bn (Loader *loader, Affine *affine, int n_channels, const char *prefix)
{
  int64_t n = n_channels;
  float *mean = NULL, *variance = NULL;
  bool ok;

  ok = (affine->scale = read_named (loader, &n, 1, "%s.weight", prefix))
       && (affine->shift = read_named (loader, &n, 1, "%s.bias", prefix))
       && (mean = read_named (loader, &n, 1, "%s.running_mean", prefix))
       && (variance = read_named (loader, &n, 1, "%s.running_var", prefix))
       && make_affine (loader, affine, n_channels, prefix, mean, variance);
  free (mean);
  free (variance);
  return ok;
}

/* Reads the batch norm `prefix` into the convolution before it. */
static bool
fold_bn (Loader *loader, SympieConv *conv, const char *prefix)
{
  int n = conv->n_in * 9;
  Affine affine = { NULL, NULL };
  bool ok = read_bn (loader, &affine, conv->n_out, prefix);

  for (int o = 0; ok && o < conv->n_out; o++) {
    float scale = affine.scale[o];

    conv->bias[o] = scale * conv->bias[o] + affine.shift[o];
    ok = isfinite (conv->bias[o]);
    for (int i = 0; i < n; i++) {
      float *weight = &conv->weight[(size_t) o * n + i];

      *weight *= scale;
      ok = ok && isfinite (*weight);
    }
    if (!ok)
      sympie_fail (loader->error, SYMPIE_ERROR_DAMAGED,
          "%s: batch norm '%s' overflows in channel %d", loader->path, prefix,
          o);
  }
  free (affine.scale);
  free (affine.shift);
  return ok;
}

static bool
read_block (Loader *loader, SympieNemBlock *block, int index)
{
  int n_in = STEM_CHANNELS << index, n_out = 2 * n_in;
  char conv1[32], bn1[32], conv2[32], bn2[32];
  Affine affine = { NULL, NULL };
  bool ok;

  snprintf (conv1, sizeof conv1, "colm.backbone.%d.conv1", index + 3);
  snprintf (bn1, sizeof bn1, "colm.backbone.%d.bn1", index + 3);
  snprintf (conv2, sizeof conv2, "colm.backbone.%d.conv2", index + 3);
  snprintf (bn2, sizeof bn2, "colm.backbone.%d.bn2", index + 3);

  ok = read_conv (loader, &block->conv1, n_in, n_out, conv1)
       && read_bn (loader, &affine, n_out, bn1)
       && read_conv (loader, &block->conv2, n_out, n_out, conv2)
       && fold_bn (loader, &block->conv2, bn2);
  block->scale1 = affine.scale;
  block->shift1 = affine.shift;
  return ok;
}

/* One of the two alone is a damaged file. */
static bool
read_gate (Loader *loader, SympieNemWeights *weights)
{
  const int64_t shape[2] = { 1, SYMPIE_NEM_FEATURES };

  if (!sympie_safetensors_has (loader->file, "gate.weight")
      && !sympie_safetensors_has (loader->file, "gate.bias"))
    return true;
  return (weights->gate_weight = read_named (loader, shape, 2, "gate.weight"))
         && (weights->gate_bias = read_named (loader, shape, 1, "gate.bias"));
}

static bool
read_all (Loader *loader, SympieNemWeights *weights)
{
  const int64_t head[2] = { SYMPIE_N_PARAMS, SYMPIE_NEM_FEATURES };

  if (!read_conv (loader, &weights->stem, 3, STEM_CHANNELS, "colm.backbone.0")
      || !fold_bn (loader, &weights->stem, "colm.backbone.1"))
    return false;
  for (int i = 0; i < SYMPIE_NEM_N_BLOCKS; i++)
    if (!read_block (loader, &weights->block[i], i))
      return false;
  return (weights->head_weight =
                 read_named (loader, head, 2, "colm.out.weight"))
         && (weights->head_bias = read_named (loader, head, 1, "colm.out.bias"))
         && read_gate (loader, weights);
}

SympieNemWeights *
sympie_nem_weights_load (const char *path, SympieError *error)
{
  SympieNemWeights *weights = calloc (1, sizeof *weights);
  Loader loader = { .path = path, .error = error };
  bool ok;

  if (!weights) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "%s: out of memory", path);
    return NULL;
  }
  ok = (loader.file = sympie_safetensors_open (path, error))
       && read_all (&loader, weights);
  if (ok)
    weights->file = sympie_safetensors_identity (loader.file);
  sympie_safetensors_close (loader.file);
  if (!ok) {
    sympie_nem_weights_free (weights);
    return NULL;
  }
  return weights;
}
