/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* VGG19 on CUDA against the CPU, whole and cropped, from images of several
 * formats. */

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "../kernels/vgg19_seed.h"
#include "gpu.h"
#include "vgg19.h"

static const SympieColorimetry colorimetry = { 0.2126f, 0.0722f, false,
  SYMPIE_CHROMA_LEFT };
static char weights[] = "/tmp/sympie-cuda-vgg19-XXXXXX";

static SympieFeatures *
open_features (SympieDevice device, SympieLayer layer, SympieInput input)
{
  SympieFeaturesConfig config = SYMPIE_FEATURES_CONFIG_INIT;
  SympieFeatures *features;
  SympieError error = { 0 };

  config.weights = weights;
  config.layer = layer;
  config.input = input;
  config.device = device;
  features = sympie_features_open (&config, &error);
  if (!CHECK (features, "%s", error.message))
    exit (check_end ());
  CHECK (sympie_features_device (features) == device, "the device asked for");
  return features;
}

static double
mean_square (const float *values, size_t n)
{
  double sum = 0;

  for (size_t i = 0; i < n; i++)
    sum += (double) values[i] * values[i];
  return sum / (double) n;
}

/* Relative to the norm of the expected values. */
static double
distance (const float *values, const float *expected, size_t n)
{
  double squares = 0;

  for (size_t i = 0; i < n; i++) {
    double d = (double) values[i] - expected[i];

    squares += d * d;
  }
  return sqrt (squares / (double) n / mean_square (expected, n));
}

static bool
is_near (double value, double expected, double tolerance)
{
  return fabs (value - expected) <= tolerance * expected;
}

static void
test (SympieLayer layer, SympieInput input, SympieFormat format, int width,
    int height, uint64_t *seed)
{
  const char *name = sympie_layer_name (layer);
  Frame frames[2] = {
    frame_new (format, width, height, 4, &colorimetry, seed),
    frame_new (SYMPIE_FORMAT_RGB, width, height, 0, &colorimetry, seed),
  };
  const SympieImage *a = &frames[0].image, *b = &frames[1].image;
  SympieFeatures *cpu = open_features (SYMPIE_DEVICE_CPU, layer, input);
  SympieFeatures *cuda = open_features (SYMPIE_DEVICE_CUDA, layer, input);
  SympieDifference expected, difference, other;
  double tolerance = layer == SYMPIE_LAYER_POOL5 ? 1e-5 : 2e-6;
  float *values, *wanted;
  int shape[3], again[3];
  SympieError error = { 0 };
  size_t n;

  sympie_features_shape (cpu, width, height, shape);
  sympie_features_shape (cuda, width, height, again);
  CHECK (memcmp (shape, again, sizeof shape) == 0, "%s: shape", name);
  n = (size_t) shape[0] * shape[1] * shape[2];
  values = malloc (n * sizeof *values);
  wanted = malloc (n * sizeof *wanted);
  CHECK (sympie_features_extract (cpu, a, wanted, NULL), "%s: CPU", name);
  if (CHECK (sympie_features_extract (cuda, a, values, &error), "%s: %s", name,
          error.message)) {
    double off = distance (values, wanted, n);

    CHECK (off <= tolerance, "%s, %dx%d: %g off", name, width, height, off);
    printf ("%s: %g off\n", name, off);
  }

  CHECK (sympie_features_compare (cpu, a, b, &expected, NULL), "%s", name);
  CHECK (sympie_features_compare (cuda, a, b, &difference, NULL), "%s", name);
  /* What the features of both images may be off, weighs twice in the square of
   * a difference, and the more the smaller that is. */
  tolerance *=
      3 * fmax (1, sqrt (mean_square (wanted, n) / expected.feature_mse));
  CHECK (is_near (difference.feature_mse, expected.feature_mse, tolerance),
      "%s: features %g, not %g", name, difference.feature_mse,
      expected.feature_mse);
  CHECK (is_near (difference.pixel_mse, expected.pixel_mse, 1e-5),
      "%s: pixels %g, not %g", name, difference.pixel_mse, expected.pixel_mse);
  CHECK (sympie_features_compare (cuda, b, a, &other, NULL)
             && memcmp (&other, &difference, sizeof other) == 0,
      "%s: either order", name);
  CHECK (sympie_features_compare (cuda, a, a, &other, NULL)
             && other.feature_mse == 0 && other.pixel_mse == 0,
      "%s: the same image", name);

  sympie_features_close (cpu);
  sympie_features_close (cuda);
  frame_clear (&frames[0]);
  frame_clear (&frames[1]);
  free (values);
  free (wanted);
}

/* One after the other through the same features: sizes, and one too small. */
static void
test_sizes (uint64_t *seed)
{
  SympieFeatures *cuda = open_features (
      SYMPIE_DEVICE_CUDA, SYMPIE_LAYER_RELU2_1, SYMPIE_INPUT_FULL);
  static const int sizes[][2] = { { 12, 9 }, { 1, 9 }, { 21, 5 } };
  SympieError error = { 0 };

  for (int i = 0; i < 3; i++) {
    Frame frame = frame_new (
        SYMPIE_FORMAT_I420, sizes[i][0], sizes[i][1], 0, &colorimetry, seed);
    SympieDifference difference;
    bool ok = sympie_features_compare (
        cuda, &frame.image, &frame.image, &difference, &error);

    if (i == 1)
      CHECK (!ok && strstr (error.message, "1x9"), "%s", error.message);
    else
      CHECK (
          ok && difference.feature_mse == 0, "%dx%d", sizes[i][0], sizes[i][1]);
    frame_clear (&frame);
  }
  sympie_features_close (cuda);
}

int
main (int argc, char **argv)
{
  uint64_t seed = check_seed (argc > 1 ? argv[1] : NULL);

  gpu_stream ();
  close (mkstemp (weights));
  if (!CHECK (
          vgg19_seed_write (weights, 1, SYMPIE_VGG19_N_CONVS), "%s", weights))
    return check_end ();
  test_sizes (&seed);
  test (SYMPIE_LAYER_RELU1_1, SYMPIE_INPUT_FULL, SYMPIE_FORMAT_NV12, 23, 17,
      &seed);
  test (SYMPIE_LAYER_RELU2_1, SYMPIE_INPUT_FULL, SYMPIE_FORMAT_P010_10LE, 22,
      19, &seed);
  test (SYMPIE_LAYER_RELU3_2, SYMPIE_INPUT_FULL, SYMPIE_FORMAT_I420, 21, 14,
      &seed);
  test (
      SYMPIE_LAYER_POOL5, SYMPIE_INPUT_FULL, SYMPIE_FORMAT_BGRX, 35, 32, &seed);
  test (SYMPIE_LAYER_RELU1_1, SYMPIE_INPUT_CROP224, SYMPIE_FORMAT_NV12, 40, 30,
      &seed);
  unlink (weights);
  return check_end ();
}
