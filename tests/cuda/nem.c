/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* All of NEM against plain C, as a first run and as a graph.
 *
 * nem [SEED] repeats a failing run. */

#include <math.h>
#include <string.h>

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

  for (int i = 0; i <= SYMPIE_N_PARAMS; i++)
    largest = check_larger (largest, fabs (params[i] - expected[i]));
  return largest;
}

static void
test (const SympieNemWeights *weights, const float *crop,
    const double *expected, int n_runs)
{
  cudaStream_t stream = gpu_stream ();
  const SympieCudaWeights *on_device =
      sympie_cuda_weights_ref (weights, NULL, 0, NULL, stream, NULL);
  const SympieCudaWeights *again =
      sympie_cuda_weights_ref (weights, NULL, 0, NULL, stream, NULL);
  SympieCudaNet net = { .weights = on_device, .stream = stream, .n_images = 1 };
  float *params = gpu_new (NULL, (SYMPIE_N_PARAMS + 1) * sizeof *params);
  size_t size = (size_t) N_PIXELS * CHANNELS * sizeof (uint16_t);
  uint16_t *bytes = malloc (size);

  CHECK (on_device && on_device == again, "weights are shared");
  sympie_cuda_weights_unref (again);
  CHECK (sympie_cuda_net_prepare (&net, SYMPIE_NEM_SIZE, SYMPIE_NEM_SIZE, NULL),
      "memory for tensors");
  for (int i = 0; i < N_PIXELS * CHANNELS; i++)
    bytes[i] = sympie_half_from_float (crop[i]);
  GPU (cudaMemcpyAsync (
      net.crop[0], bytes, size, cudaMemcpyHostToDevice, stream));

  /* Layer by layer, then as a graph. */
  for (int run = 0; run < n_runs; run++) {
    SympieCudaTarget graph = { .overlaps = gpu_overlaps () };
    cudaGraphExec_t exec;
    float values[SYMPIE_N_PARAMS + 1];
    double difference;

    if (run == 0)
      gpu_nem (&net, params, gpu_target ());
    else {
      GPU (cudaGraphCreate (&graph.graph, 0));
      gpu_nem (&net, params, &graph);
      GPU (cudaGraphInstantiate (&exec, graph.graph, 0));
      GPU (cudaGraphLaunch (exec, stream));
    }
    gpu_get (values, params, sizeof values);
    difference = largest_difference (values, expected);
    CHECK (difference <= 5e-3, "run %d: %g off", run, difference);
    printf ("run %d: %g off\n", run, difference);
  }
  GPU (cudaFree (params));
  sympie_cuda_net_clear (&net);
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
