/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The convolution and all that is fused with it against plain C in double
 * precision, with and without blocks that share a sum.
 *
 * conv [SEED] repeats a failing run. */

#include <math.h>
#include <string.h>

#include "cuda/kernels.h"
#include "gpu.h"
#include "half.h"
#include "reference.h"

typedef struct
{
  const char *name;
  int n_in, n_out, height, width;
  bool raw, affine, residual;
  SympieCudaPool pool; /* its result's size is worked out */
} Case;

static const Case cases[] = {
  { .name = "stem", 3, 64, 21, 37, .pool = { 5, 4, 1, .max = false } },
  {
      .name = "first of a block",
      64,
      128,
      7,
      9,
      .raw = true,
      .affine = true,
  },
  { .name = "second of a block",
      128,
      128,
      14,
      14,
      .residual = true,
      .pool = { 5, 4, 1, .max = false } },
  { .name = "last of all",
      64,
      64,
      3,
      3,
      .residual = true,
      .pool = { 3, 3, 0, .max = false } },
  { .name = "VGG, pooled", 64, 64, 18, 15, .pool = { 2, 2, 0, true } },
  { .name = "nothing else", 128, 64, 1, 1, .raw = false },
  { .name = "one column", 16, 64, 150, 1, .residual = true },
  { .name = "maxima with a border", 8, 64, 5, 70, .pool = { 2, 2, 1, true } },
};

/* Multiples of 1/64, which half holds exactly. */
static float *
random_values (size_t n, uint64_t *seed)
{
  float *values = malloc (n * sizeof *values);

  for (size_t i = 0; i < n; i++)
    values[i] = (float) ((int) (check_random (seed) % 129) - 64) / 64;
  return values;
}

static void *
upload (const float *values, size_t n, bool half)
{
  void *bytes = malloc (n * 4), *memory;

  for (size_t i = 0; i < n; i++)
    if (half)
      ((uint16_t *) bytes)[i] = sympie_half_from_float (values[i]);
    else
      ((float *) bytes)[i] = values[i];
  memory = gpu_new (bytes, n * (half ? 2 : 4));
  GPU (cudaStreamSynchronize (gpu_stream ()));
  free (bytes);
  return memory;
}

static float *
download (const void *memory, size_t n, bool half)
{
  void *bytes = malloc (n * 4);
  float *values = malloc (n * sizeof *values);

  gpu_get (bytes, memory, n * (half ? 2 : 4));
  for (size_t i = 0; i < n; i++)
    values[i] = half ? sympie_half_to_float (((uint16_t *) bytes)[i])
                     : ((float *) bytes)[i];
  free (bytes);
  return values;
}

/* The largest error, in units of the last place at the value or at 1. NaN is
 * one where it is not expected, and where it is missing. */
static double
largest_error (const float *values, const double *expected, size_t n)
{
  double largest = 0;

  for (size_t i = 0; i < n; i++) {
    double error =
        fabs (values[i] - expected[i]) / fmax (fabs (expected[i]), 1);

    if (!isnan (expected[i]) || !isnan (values[i]))
      largest = check_larger (largest, error);
  }
  return largest;
}

/* With `nan` an input is not a number, in the middle of the image. */
static void
test (const Case *t, int multiprocessors, bool half, bool nan, uint64_t *seed)
{
  int padded_in = t->n_in < 8 ? 8 : t->n_in;
  size_t n_pixels = (size_t) t->height * t->width;
  size_t n_values = n_pixels * t->n_out;
  size_t n_packed = (size_t) t->n_out * sympie_cuda_conv_row (padded_in);
  float *in = random_values (n_pixels * padded_in, seed);
  float *weight = random_values ((size_t) t->n_out * t->n_in * 9, seed);
  float *bias = random_values (t->n_out, seed);
  float *scale = random_values (t->n_out, seed);
  float *shift = random_values (t->n_out, seed);
  float *residual = random_values (n_values, seed);
  void *packed = malloc (n_packed * 4);
  SympieCudaPool pool = t->pool;
  SympieCudaConv layer;
  SympieCudaConvTiles tiles;
  double *expected, tolerance = half ? 0x1p-11 : 1e-5, error;
  float *result;

  for (size_t i = 0; i < n_pixels * padded_in; i++)
    if ((int) (i % padded_in) >= t->n_in)
      in[i] = 0;
  if (nan)
    in[(t->height / 2 * t->width + t->width / 2) * padded_in] = NAN;
  if (pool.size > 0) {
    pool.height = (t->height + 2 * pool.pad - pool.size) / pool.stride + 1;
    pool.width = (t->width + 2 * pool.pad - pool.size) / pool.stride + 1;
  }
  sympie_cuda_conv_pack (weight, t->n_out, t->n_in, padded_in, half, packed);
  layer = (SympieCudaConv){
    .in = upload (in, n_pixels * padded_in, half),
    .height = t->height,
    .width = t->width,
    .n_in = padded_in,
    .n_out = t->n_out,
    .weight = gpu_new (packed, n_packed * (half ? 2 : 4)),
    .bias = upload (bias, t->n_out, false),
    .scale = t->affine ? upload (scale, t->n_out, false) : NULL,
    .shift = t->affine ? upload (shift, t->n_out, false) : NULL,
    .residual = t->residual ? upload (residual, n_values, half) : NULL,
    .raw = t->raw ? gpu_new (NULL, n_values * (half ? 2 : 4)) : NULL,
    .pool = pool,
  };
  size_t n_out =
      pool.size ? (size_t) pool.height * pool.width * t->n_out : n_values;
  size_t workspace = sympie_cuda_conv_tile (&layer, multiprocessors, &tiles);
  size_t n_tiles = (size_t) tiles.count * t->n_out / SYMPIE_CUDA_CONV_CHANNELS;
  unsigned *zeros = calloc (n_tiles, sizeof *zeros);

  layer.out = gpu_new (NULL, n_out * (half ? 2 : 4));
  tiles.workspace = gpu_new (NULL, workspace + 1);
  tiles.counters = gpu_new (zeros, n_tiles * sizeof *zeros);

  double *wide_in = malloc (n_pixels * t->n_in * sizeof *wide_in);

  for (size_t i = 0; i < n_pixels * t->n_in; i++)
    wide_in[i] = in[i / t->n_in * padded_in + i % t->n_in];
  expected = reference_conv (
      wide_in, t->height, t->width, t->n_in, weight, bias, t->n_out);
  free (wide_in);

  /* Twice: the counters of the first run must not disturb the second. */
  for (int run = 0; run < 2; run++)
    GPU (sympie_cuda_conv (&layer, &tiles, half, gpu_target ()));
  if (t->raw) {
    result = download (layer.raw, n_values, half);
    error = largest_error (result, expected, n_values);
    CHECK (error <= tolerance, "%s, %s, %d splits%s, raw: %g", t->name,
        half ? "half" : "float", tiles.splits, nan ? ", NaN" : "", error);
    free (result);
  }
  for (size_t i = 0; i < n_values; i++) {
    double value = expected[i];

    if (t->affine)
      value = scale[i % t->n_out] * value + shift[i % t->n_out];
    value = value < 0 ? 0 : value;
    if (t->residual)
      value += residual[i];
    expected[i] = value;
  }
  if (pool.size) {
    double *all = expected;

    expected = reference_pool (all, t->height, t->width, t->n_out, &pool);
    free (all);
  }
  result = download (layer.out, n_out, half);
  error = largest_error (result, expected, n_out);
  CHECK (error <= tolerance, "%s, %s, %d blocks of %d pixels, %d splits%s: %g",
      t->name, half ? "half" : "float", tiles.count, tiles.pixels, tiles.splits,
      nan ? ", NaN" : "", error);

  free (result);
  free (expected);
  const void *memory[] = { layer.in, layer.weight, layer.bias, layer.scale,
    layer.shift, layer.residual, layer.raw, layer.out, tiles.workspace,
    tiles.counters };

  for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
    GPU (cudaFree ((void *) memory[i]));
  free (zeros);
  free (in);
  free (weight);
  free (bias);
  free (scale);
  free (shift);
  free (residual);
  free (packed);
}

int
main (int argc, char **argv)
{
  uint64_t seed = check_seed (argc > 1 ? argv[1] : NULL);

  gpu_stream ();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int half = 0; half < 2; half++) {
#ifdef SYMPIE_EMULATED
      emulate_runs_backward = (int) i % 2;
#endif
      /* From large tiles to small ones and splits: an H200's. */
      test (&cases[i], 1, half, false, &seed);
      test (&cases[i], 8, half, false, &seed);
      test (&cases[i], 132, half, false, &seed);
      test (&cases[i], 132, half, true, &seed);
    }
  return check_end ();
}
