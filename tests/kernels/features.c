/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Features of VGG19 against those of PyTorch (tests/golden/vgg19.py), and what
 * sympie.h promises about comparing images. */

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "sympie.h"
#include "vgg19_seed.h"

enum
{
  SEED = 1,
  N_PROJECTIONS = 16,
  POOL5_SIZE = 512 * 7 * 7,
  CROP_SIDE = 232, /* so that nothing is resized */
  FULL_WIDTH = 150,
  FULL_HEIGHT = 131,
};

static const double tolerance = 1e-4; /* relative, in the norm */

static char weights[] = "/tmp/sympie-vgg19-XXXXXX";

/* The same as in the script: gradients and noise. */
static SympieImage
make_picture (int width, int height)
{
  uint64_t state = width;
  uint8_t *pixels = malloc ((size_t) width * height * 3);
  SympieImage image = {
    .struct_size = sizeof image,
    .format = SYMPIE_FORMAT_RGB,
    .width = width,
    .height = height,
    .planes = { pixels },
    .strides = { (ptrdiff_t) width * 3 },
    .colorimetry = { .full_range = true },
  };
  uint8_t *p = pixels;

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < 3; c++)
        *p++ = (uint8_t) ((x * 3 + y * 2 + c * 50) / 8
                          + (int) (check_random (&state) >> 58));
  return image;
}

/* Its memory, to change or to free. */
static uint8_t *
memory_of (const SympieImage *picture)
{
  return (uint8_t *) picture->planes[0];
}

/* tests/cuda compares the GPU with this. */
static SympieFeaturesConfig
cpu_config (void)
{
  SympieFeaturesConfig config = SYMPIE_FEATURES_CONFIG_INIT;

  config.device = SYMPIE_DEVICE_CPU;
  return config;
}

static SympieFeatures *
open_features (SympieLayer layer, SympieInput input, int n_threads)
{
  SympieFeaturesConfig config = cpu_config ();
  SympieFeatures *features;
  SympieError error = { 0 };

  config.weights = weights;
  config.layer = layer;
  config.input = input;
  config.n_threads = n_threads;
  features = sympie_features_open (&config, &error);
  if (!CHECK (
          features != NULL, "%s: %s", sympie_layer_name (layer), error.message))
    exit (check_end ());
  return features;
}

static SympieLayer
layer_from_name (const char *name)
{
  for (int layer = 0; layer < SYMPIE_N_LAYERS; layer++)
    if (strcmp (sympie_layer_name (layer), name) == 0)
      return layer;
  return SYMPIE_N_LAYERS;
}

/* ---- Against PyTorch --------------------------------------------------- */

static void
check_projections (const char *what, const char *layer, const float *values,
    size_t n, double norm, const double *wanted)
{
  double projections[N_PROJECTIONS] = { 0 }, squares = 0, distance = 0;
  uint64_t state = 0;

  for (size_t i = 0; i < n; i++) {
    uint64_t bits = check_random (&state);

    squares += (double) values[i] * values[i];
    for (int j = 0; j < N_PROJECTIONS; j++)
      projections[j] += (bits >> (48 + j)) & 1 ? -values[i] : values[i];
  }
  for (int j = 0; j < N_PROJECTIONS; j++) {
    double d = projections[j] - wanted[j];

    distance += d * d / N_PROJECTIONS;
  }
  CHECK (fabs (sqrt (squares) / norm - 1) < tolerance, "%s %s: norm %g, not %g",
      what, layer, sqrt (squares), norm);
  CHECK (sqrt (distance) < tolerance * norm, "%s %s: relative difference %g",
      what, layer, sqrt (distance) / norm);
}

/* All values of the last layer. */
static void
check_values (const float *values, size_t n)
{
  static float wanted[POOL5_SIZE];
  FILE *file = fopen (check_golden ("vgg19_pool5.f32"), "rb");
  double distance = 0, norm = 0;

  if (!CHECK (file && fread (wanted, sizeof *wanted, n, file) == n,
          "cannot read %s", check_golden ("vgg19_pool5.f32")))
    return;
  fclose (file);
  for (size_t i = 0; i < n; i++) {
    double d = (double) values[i] - wanted[i];

    distance += d * d;
    norm += (double) wanted[i] * wanted[i];
  }
  CHECK (sqrt (distance) < tolerance * sqrt (norm),
      "pool5: relative difference %g", sqrt (distance / norm));
}

static void
check_layer (const char *what, const char *name, size_t n, double norm,
    const double *projections)
{
  bool full = strcmp (what, "full") == 0;
  SympieLayer layer = layer_from_name (name);
  SympieImage image = full ? make_picture (FULL_WIDTH, FULL_HEIGHT)
                           : make_picture (CROP_SIDE, CROP_SIDE);
  SympieFeatures *features =
      open_features (layer, full ? SYMPIE_INPUT_FULL : SYMPIE_INPUT_CROP224, 2);
  float *values = malloc (n * sizeof *values);
  SympieError error = { 0 };
  int shape[3];

  sympie_features_shape (features, image.width, image.height, shape);
  if (CHECK ((size_t) shape[0] * shape[1] * shape[2] == n,
          "%s %s: %d x %d x %d, not %zu values", what, name, shape[0], shape[1],
          shape[2], n)
      && CHECK (sympie_features_extract (features, &image, values, &error),
          "%s %s: %s", what, name, error.message)) {
    check_projections (what, name, values, n, norm, projections);
    if (!full && layer == SYMPIE_LAYER_POOL5)
      check_values (values, n);
  }
  free (values);
  free (memory_of (&image));
  sympie_features_close (features);
}

static void
test_golden (void)
{
  FILE *file = fopen (check_golden ("vgg19.txt"), "r");
  char what[16], name[16];
  double numbers[1 + N_PROJECTIONS];
  size_t n;
  int n_lines = 0;

  if (!CHECK (file != NULL, "cannot read %s", check_golden ("vgg19.txt")))
    return;
  while (fscanf (file, "%15s %15s %zu", what, name, &n) == 3) {
    for (int i = 0; i < 1 + N_PROJECTIONS; i++)
      if (!CHECK (fscanf (file, "%lf", &numbers[i]) == 1, "line %d", n_lines))
        exit (check_end ());
    check_layer (what, name, n, numbers[0], numbers + 1);
    n_lines++;
  }
  fclose (file);
  CHECK (n_lines == SYMPIE_N_LAYERS + 4, "%d lines", n_lines);
}

/* ---- What sympie.h promises --------------------------------------------- */

static void
test_compare (void)
{
  SympieImage a = make_picture (301, 240), b = make_picture (301, 240);
  SympieDifference ab, ba, aa, other;
  SympieError error = { 0 };

  for (int i = 0; i < 301 * 240 * 3; i += 5)
    memory_of (&b)[i] ^= 16;

  for (int input = SYMPIE_INPUT_CROP224; input <= SYMPIE_INPUT_FULL; input++) {
    SympieFeatures *one = open_features (SYMPIE_LAYER_RELU3_1, input, 1);
    SympieFeatures *three = open_features (SYMPIE_LAYER_RELU3_1, input, 3);

    CHECK (sympie_features_compare (one, &a, &a, &aa, &error), "%s",
        error.message);
    CHECK (aa.feature_mse == 0 && aa.pixel_mse == 0, "%g and %g",
        aa.feature_mse, aa.pixel_mse);
    CHECK (sympie_features_compare (one, &a, &b, &ab, &error)
               && sympie_features_compare (one, &b, &a, &ba, &error)
               && sympie_features_compare (three, &a, &b, &other, &error),
        "%s", error.message);
    CHECK (ab.feature_mse > 0 && ab.feature_mse == ba.feature_mse
               && ab.pixel_mse == ba.pixel_mse,
        "%.17g and %.17g", ab.feature_mse, ba.feature_mse);
    CHECK (ab.feature_mse == other.feature_mse, "3 threads: %.17g, not %.17g",
        other.feature_mse, ab.feature_mse);
    if (input == SYMPIE_INPUT_FULL)
      CHECK (fabs (ab.pixel_mse - 256 / 5.0) < 0.01, "%g", ab.pixel_mse);
    sympie_features_close (one);
    sympie_features_close (three);
  }
  free (memory_of (&a));
  free (memory_of (&b));
}

/* The mean squared differences of what extract gives and of the pixels. */
static void
check_mse (SympieLayer layer, int width, int height)
{
  SympieImage images[2] = { make_picture (width, height),
    make_picture (width, height) };
  SympieFeatures *features = open_features (layer, SYMPIE_INPUT_FULL, 2);
  SympieDifference difference;
  size_t n, n_pixels = (size_t) width * height * 3;
  uint64_t state = width;
  float *values[2];
  double sum = 0, pixels = 0;
  SympieError error = { 0 };
  int shape[3];

  sympie_features_shape (features, width, height, shape);
  n = (size_t) shape[0] * shape[1] * shape[2];
  for (size_t i = 0; i < n_pixels; i++) {
    int was = memory_of (&images[1])[i], is = was ^ check_random (&state) % 16;

    memory_of (&images[1])[i] = is;
    pixels += (is - was) * (is - was);
  }
  for (int i = 0; i < 2; i++) {
    values[i] = malloc (n * sizeof (float));
    CHECK (sympie_features_extract (features, &images[i], values[i], &error),
        "%s", error.message);
  }
  for (size_t i = 0; i < n; i++) {
    double d = (double) values[0][i] - values[1][i];

    sum += d * d;
  }
  CHECK (sympie_features_compare (
             features, &images[0], &images[1], &difference, &error),
      "%s", error.message);
  CHECK (fabs (difference.feature_mse / (sum / n) - 1) < 1e-6,
      "%s of %dx%d: %g, not %g", sympie_layer_name (layer), width, height,
      difference.feature_mse, sum / n);
  CHECK (fabs (difference.pixel_mse / (pixels / n_pixels) - 1) < 1e-5,
      "%dx%d: %g, not %g", width, height, difference.pixel_mse,
      pixels / n_pixels);
  for (int i = 0; i < 2; i++) {
    free (values[i]);
    free (memory_of (&images[i]));
  }
  sympie_features_close (features);
}

static void
test_compare_is_mse (void)
{
  check_mse (SYMPIE_LAYER_RELU2_2, 700, 388); /* enough for strips */
  /* whose values do not fill vectors or runs of the sums */
  check_mse (SYMPIE_LAYER_RELU1_1, 37, 29);
  check_mse (SYMPIE_LAYER_RELU1_1, 1, 1);
  check_mse (SYMPIE_LAYER_RELU2_1, 35, 31);
  check_mse (SYMPIE_LAYER_RELU3_1, 13, 21);
}

/* One with many, more than go side by side, is one with each. */
static void
test_compare_many (void)
{
  enum
  {
    N = 18,
  };

  for (int input = SYMPIE_INPUT_CROP224; input <= SYMPIE_INPUT_FULL; input++) {
    SympieFeatures *features = open_features (SYMPIE_LAYER_RELU1_2, input, 2);
    SympieImage reference = make_picture (900, 300); /* in full in strips */
    SympieImage images[N];
    const SympieImage *distorted[N];
    SympieDifference many[N], each;
    SympieError error = { 0 };

    for (int i = 0; i < N; i++) {
      images[i] = make_picture (900, 300);
      distorted[i] = &images[i];
      for (int at = 0; i > 0 && at < 900 * 300 * 3; at += i)
        memory_of (&images[i])[at] ^= 16;
    }
    CHECK (sympie_features_compare_many (
               features, &reference, distorted, N, many, &error),
        "%s", error.message);
    CHECK (many[0].feature_mse == 0 && many[0].pixel_mse == 0, "%g and %g",
        many[0].feature_mse, many[0].pixel_mse);
    for (int i = 0; i < N; i += 3) {
      CHECK (sympie_features_compare (
                 features, &reference, &images[i], &each, &error),
          "%s", error.message);
      CHECK (many[i].feature_mse == each.feature_mse
                 && many[i].pixel_mse == each.pixel_mse,
          "image %d of many: %.17g, not %.17g", i, many[i].feature_mse,
          each.feature_mse);
    }
    images[N - 1].width = 0;
    CHECK (!sympie_features_compare_many (
               features, &reference, distorted, N, many, &error),
        "an image without pixels");
    for (int i = 0; i < N; i++)
      free (memory_of (&images[i]));
    free (memory_of (&reference));
    sympie_features_close (features);
  }
}

/* The crops of one picture in two sizes are alike, and in two formats too. */
static void
test_sizes (void)
{
  SympieImage a = make_picture (464, 464), b = make_picture (232, 232);
  SympieImage c = make_picture (232, 300);
  SympieFeatures *crop =
      open_features (SYMPIE_LAYER_RELU1_1, SYMPIE_INPUT_CROP224, 1);
  SympieFeatures *full =
      open_features (SYMPIE_LAYER_RELU2_1, SYMPIE_INPUT_FULL, 1);
  SympieDifference difference;
  SympieError error = { 0 };

  for (int y = 0; y < 464; y++)
    for (int x = 0; x < 464 * 3; x++)
      memory_of (&a)[y * 464 * 3 + x] =
          b.planes[0][y / 2 * 232 * 3 + x / 6 * 3 + x % 3];
  CHECK (sympie_features_compare (crop, &a, &b, &difference, &error), "%s",
      error.message);
  CHECK (difference.feature_mse < 1e-9 && difference.pixel_mse < 1e-5,
      "%g and %g", difference.feature_mse, difference.pixel_mse);

  CHECK (!sympie_features_compare (full, &b, &c, &difference, &error)
             && strstr (error.message, "232x232")
             && strstr (error.message, "232x300"),
      "%s", error.message);
  error = (SympieError){ 0 };
  b.width = 1;
  CHECK (!sympie_features_compare (full, &b, &b, &difference, &error)
             && strstr (error.message, "1x232")
             && strstr (error.message, "too small"),
      "%s", error.message);
  error = (SympieError){ 0 };
  b.width = 232;
  CHECK (sympie_features_compare (full, &b, &b, &difference, &error), "%s",
      error.message); /* nothing is left over of the failure */
  free (memory_of (&a));
  free (memory_of (&b));
  free (memory_of (&c));
  sympie_features_close (crop);
  sympie_features_close (full);
}

/* The same pixels in two formats, which take turns in the same place. */
static void
test_formats (void)
{
  for (int input = SYMPIE_INPUT_CROP224; input <= SYMPIE_INPUT_FULL; input++) {
    SympieFeatures *features = open_features (SYMPIE_LAYER_RELU1_1, input, 1);
    SympieImage rgb = make_picture (232, 232), bgr = make_picture (232, 232);
    SympieError error = { 0 };
    SympieDifference difference;

    bgr.format = SYMPIE_FORMAT_BGR;
    for (int i = 0; i < 232 * 232 * 3; i++)
      memory_of (&bgr)[i] = rgb.planes[0][i / 3 * 3 + 2 - i % 3];
    for (int i = 0; i < 4; i++) {
      CHECK (sympie_features_compare (features, i & 1 ? &bgr : &rgb,
                 i & 2 ? &bgr : &rgb, &difference, &error),
          "%s", error.message);
      CHECK (difference.feature_mse == 0 && difference.pixel_mse == 0,
          "input %d, turn %d: %g and %g", input, i, difference.feature_mse,
          difference.pixel_mse);
    }
    free (memory_of (&rgb));
    free (memory_of (&bgr));
    sympie_features_close (features);
  }
}

/* ---- Bad configurations and weights ------------------------------------- */

static void
expect_failure (SympieFeaturesConfig config, const char *part)
{
  SympieError error = { 0 };
  SympieFeatures *features = sympie_features_open (&config, &error);

  CHECK (!features && strstr (error.message, part), "'%s' is not in '%s'", part,
      error.message);
  sympie_features_close (features);
}

/* Damages a copy of the weights by writing `text` at `position`, or truncating
 * it there. */
static void
expect_damage (long position, const char *text, const char *part)
{
  char path[] = "/tmp/sympie-vgg19-bad-XXXXXX";
  int fd = mkstemp (path);
  SympieFeaturesConfig config = cpu_config ();

  config.weights = path;
  config.layer = SYMPIE_LAYER_RELU1_2;
  CHECK (fd >= 0 && vgg19_seed_write (path, SEED, 2), "cannot write %s", path);
  if (text)
    CHECK (
        pwrite (fd, text, strlen (text), position) == (ssize_t) strlen (text),
        "cannot write %s", path);
  else
    CHECK (ftruncate (fd, position) == 0, "cannot truncate %s", path);
  close (fd);
  expect_failure (config, part);
  unlink (path);
}

static void
test_failures (void)
{
  SympieFeaturesConfig config = cpu_config ();
  SympieFeatures *features;

  expect_failure (config, "no weights");
  config.weights = "/nowhere/vgg19.safetensors";
  expect_failure (config, "/nowhere/vgg19.safetensors");
  config.weights = weights;
  config.layer = SYMPIE_N_LAYERS;
  expect_failure (config, "layer");
  config.layer = SYMPIE_LAYER_RELU1_1;
  config.n_threads = -1;
  expect_failure (config, "-1 threads");
  config.n_threads = 5000;
  expect_failure (config, "5000 threads");
  config.n_threads = 1;
  setenv ("SYMPIE_CPU", "avx9", 1);
  expect_failure (config, "SYMPIE_CPU is 'avx9'");
  config.cpu_disabled = SYMPIE_CPU_AVX512;
  features = sympie_features_open (&config, NULL);
  CHECK (features, "SYMPIE_CPU counts although the caller chose");
  sympie_features_close (features);
  config.cpu_disabled = 0;
  unsetenv ("SYMPIE_CPU");
  config.device = SYMPIE_DEVICE_CUDA + 1;
  expect_failure (config, "device");
  config.device = SYMPIE_DEVICE_CUDA;
  if (!sympie_cuda_available (0, NULL))
    expect_failure (config, "CUDA");

  expect_damage (0, NULL, "empty");
  expect_damage (100000, NULL, "truncated");
  /* "features.0.weight" becomes "features.1.weight", and so on. */
  expect_damage (8 + 11, "1", "'features.0.weight' is missing");
  expect_damage (8 + 8192, "\x01\xfc", "'features.0.weight' holds NaN");
}

/* Layers that are not read are checked all the same. */
static void
test_other_layers_are_checked (void)
{
  char header[8192];
  FILE *file = fopen (weights, "rb");
  const char *last;

  CHECK (file && fseek (file, 8, SEEK_SET) == 0
             && fread (header, 1, sizeof header - 1, file) == sizeof header - 1,
      "cannot read %s", weights);
  fclose (file);
  header[sizeof header - 1] = '\0';
  last = strstr (header, "features.34.bias");
  if (CHECK (last != NULL, "no features.34.bias"))
    expect_damage (
        8 + (last - header), "features.99", "'features.34.bias' is missing");
}

int
main (void)
{
  int fd = mkstemp (weights);

  if (!CHECK (fd >= 0 && vgg19_seed_write (weights, SEED, 16),
          "cannot write %s", weights))
    return check_end ();
  close (fd);
  test_golden ();
  test_compare ();
  test_compare_many ();
  test_compare_is_mse ();
  test_sizes ();
  test_formats ();
  test_failures ();
  test_other_layers_are_checked ();
  unlink (weights);
  return check_end ();
}
