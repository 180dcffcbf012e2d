/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* All of NEM against plain C, as a first run and as a graph, in both
 * precisions.
 *
 * nem [SEED] repeats a failing run. */

#include <math.h>
#include <string.h>

#include "cuda/nem.h"
#include "gpu.h"
#include "half.h"
#include "reference.h"

enum
{
  N_PIXELS = SYMPIE_NEM_SIZE * SYMPIE_NEM_SIZE,
  CHANNELS = SYMPIE_CUDA_CROP_CHANNELS,
};

/* A gate that is `scale` times parameter `i` less its bias, and `bias`. Returns
 * what it should then be. */
static double
set_gate (SympieNemWeights *weights, int i, float scale, float bias,
    const double *params)
{
  double gate = scale * (params[i] - weights->head_bias[i]) + bias;

  for (int k = 0; k < SYMPIE_NEM_FEATURES; k++)
    weights->gate_weight[k] =
        scale * weights->head_weight[i * SYMPIE_NEM_FEATURES + k];
  *weights->gate_bias = bias;
  return fmin (fmax (gate, 0), 1);
}

/* Values that half holds: smooth ones with some noise, as in a picture. */
static void
random_crop (double *values, float *padded, uint64_t *seed)
{
  for (int i = 0; i < N_PIXELS; i++)
    for (int c = 0; c < CHANNELS; c++) {
      double value = sin (i % SYMPIE_NEM_SIZE * (0.03 + 0.01 * c))
                     + sin (i / SYMPIE_NEM_SIZE * 0.05)
                     + check_random_float (seed, -0.3f, 0.3f);

      value = c < 3 ? rint (value * 256) / 256 : 0;
      padded[i * CHANNELS + c] = (float) value;
      if (c < 3)
        values[i * 3 + c] = value;
    }
}

static double
largest_difference (const float *params, const double *expected)
{
  double largest = 0;

  for (int i = 0; i <= SYMPIE_N_PARAMS; i++) {
    double difference = fabs (params[i] - expected[i]);

    if (!(difference <= largest))
      largest = difference; /* NaN too */
  }
  return largest;
}

static void
test (const SympieNemWeights *weights, const float *crop,
    const double *expected, int n_runs)
{
  cudaStream_t stream = gpu_stream ();
  const SympieCudaWeights *on_device =
      sympie_cuda_weights_ref (weights, 0, NULL, stream, NULL);
  const SympieCudaWeights *again =
      sympie_cuda_weights_ref (weights, 0, NULL, stream, NULL);
  SympieCudaNem *nem = sympie_cuda_nem_new (on_device, 0, stream, NULL);
  size_t size = (size_t) N_PIXELS * CHANNELS * sizeof (uint16_t);
  uint16_t *bytes = malloc (size);

  CHECK (on_device && on_device == again, "weights are shared");
  sympie_cuda_weights_unref (again);
  for (int i = 0; i < N_PIXELS * CHANNELS; i++)
    bytes[i] = sympie_half_from_float (crop[i]);
  GPU (cudaMemcpyAsync (
      nem->net.crop[0], bytes, size, cudaMemcpyHostToDevice, stream));

  /* Layer by layer, then as a graph. */
  for (int run = 0; run < n_runs; run++) {
    float params[SYMPIE_N_PARAMS + 1];
    double difference;

    if (run == 0) {
      GPU (sympie_cuda_net_run (&nem->net, 0, gpu_target ()));
      GPU (sympie_cuda_nem_head (nem, NULL, NULL, gpu_target ()));
    } else
      GPU (cudaGraphLaunch (gpu_nem_graph (nem), stream));
    GPU (cudaStreamSynchronize (stream));
    memcpy (params, nem->estimate, sizeof params);
    difference = largest_difference (params, expected);
    CHECK (difference <= 5e-3, "run %d: %g off", run, difference);
    printf ("run %d: %g off\n", run, difference);
  }
  sympie_cuda_nem_free (nem);
  sympie_cuda_weights_unref (on_device);
  free (bytes);
}

int
main (int argc, char **argv)
{
  uint64_t seed = check_seed (argc > 1 ? argv[1] : NULL);
  SympieNemWeights *weights;
  double *values = malloc ((size_t) N_PIXELS * 3 * sizeof *values);
  float *crop = malloc ((size_t) N_PIXELS * CHANNELS * sizeof *crop);
  double expected[SYMPIE_N_PARAMS + 1]; /* and the gate */

  gpu_stream ();
  weights = reference_nem_weights (&seed);
  random_crop (values, crop, &seed);
  reference_nem (weights, values, expected);
  expected[SYMPIE_N_PARAMS] = 1;
  test (weights, crop, expected, 2);
  weights->gate_weight =
      calloc (SYMPIE_NEM_FEATURES, sizeof *weights->gate_weight);
  weights->gate_bias = calloc (1, sizeof *weights->gate_bias);
  expected[SYMPIE_N_PARAMS] = set_gate (weights, 5, 0.25f, 0.5f, expected);
  test (weights, crop, expected, 1);

  sympie_nem_weights_free (weights);
  free (values);
  free (crop);
  return check_end ();
}
