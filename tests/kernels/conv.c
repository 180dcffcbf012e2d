/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Convolutions on the CPU: every variant against the definition, in double, for
 * random shapes and everything that can be done before and after.
 *
 * conv [SEED] repeats a failing run; conv --bench [VARIANT [LAYER]] measures
 * instead. */

#include <math.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "cpu/conv.h"
#include "cpu/cpu.h"

enum
{
  N_TRIALS = 100,
  N_THREADS = 3,
  MAX_IMAGES = 3,
  GUARD = 64, /* floats behind each output */
};

static const float guard = -12345.5f;

static const struct
{
  const char *name;
  unsigned flags;
  int block;
} variants[] = {
  { "c", 0, 4 },
  { "avx2", SYMPIE_CPU_AVX2, 8 },
  { "avx512", SYMPIE_CPU_AVX2 | SYMPIE_CPU_AVX512, 16 },
};

enum
{
  N_VARIANTS = sizeof variants / sizeof *variants
};

static bool
usable (int variant)
{
  unsigned flags = variants[variant].flags;

  return (sympie_cpu_flags (0) & flags) == flags;
}

/* ---- A trial ----------------------------------------------------------- */

/* What a convolution is asked to do, and with which numbers, channel by
 * channel and without blocks. */
typedef struct
{
  int variant;
  int n_images, width, height, n_in, n_out;
  bool relu, residual, affine, rows_given, small, spaced;
  SympiePooling pooling;
  float largest; /* of the inputs */

  SympieConv conv;
  float *scale, *shift;
  float *src[MAX_IMAGES];       /* [n_in][height + 2][width] */
  float *residuals[MAX_IMAGES]; /* [n_out][height][width] */
} Trial;

static const char *
describe (const Trial *trial)
{
  static const char *const poolings[] = { "no", "max", "average" };
  static char text[256];

  snprintf (text, sizeof text,
      "%s: %d x %dx%d, %d to %d channels up to %g, %s pooling%s%s%s%s%s%s",
      variants[trial->variant].name, trial->n_images, trial->width,
      trial->height, trial->n_in, trial->n_out, trial->largest,
      poolings[trial->pooling], trial->relu ? ", relu" : "",
      trial->residual ? ", residual" : "", trial->affine ? ", affine" : "",
      trial->rows_given ? ", rows given" : "", trial->small ? ", small" : "",
      trial->spaced ? ", spaced" : "");
  return text;
}

static float *
random_floats (size_t n, float largest, uint64_t *seed)
{
  float *values = malloc (n * sizeof *values);

  for (size_t i = 0; i < n; i++)
    values[i] = check_random_float (seed, -largest, largest);
  return values;
}

static int
pick (int low, int high, uint64_t *seed)
{
  return low + (int) (check_random (seed) % (unsigned) (high - low + 1));
}

static Trial
random_trial (int variant, uint64_t *seed)
{
  static const float scales[] = { 2, 2, 2, 1e-20f, 1e15f, 0 };
  int block = variants[variant].block;
  Trial trial = {
    .variant = variant,
    .n_images = pick (1, MAX_IMAGES, seed),
    .n_out = SYMPIE_CONV_PANEL_MAX * pick (1, 2, seed),
    .relu = pick (0, 1, seed),
    .residual = pick (0, 1, seed),
    .small = pick (0, 4, seed) == 0,
    .spaced = pick (0, 1, seed),
    .largest = scales[pick (0, 5, seed)],
  };
  int side = trial.small ? 3 : pick (0, 3, seed) ? 20 : 70;
  size_t n_weights, area;

  trial.width = pick (1, side, seed);
  trial.height = pick (1, side, seed);
  if (pick (0, 3, seed) == 0)
    trial.n_in = pick (1, block - 1, seed);
  else
    trial.n_in = block * pick (1, 6, seed);
  trial.affine = trial.n_in >= block && pick (0, 1, seed);
  if (!trial.small) {
    trial.pooling = pick (0, 2, seed);
    trial.rows_given = pick (0, 1, seed);
    trial.residual &= trial.pooling != SYMPIE_POOLING_MAX;
  }

  n_weights = (size_t) trial.n_out * trial.n_in * 9;
  area = (size_t) trial.width * trial.height;
  trial.conv.n_in = trial.n_in;
  trial.conv.n_out = trial.n_out;
  trial.conv.weight = random_floats (n_weights, 1, seed);
  trial.conv.bias = random_floats (trial.n_out, trial.largest, seed);
  trial.scale = random_floats (trial.n_in, 2, seed);
  trial.shift = random_floats (trial.n_in, trial.largest, seed);
  for (int i = 0; i < trial.n_images; i++) {
    trial.src[i] = random_floats (
        trial.n_in * (area + 2 * trial.width), trial.largest, seed);
    trial.residuals[i] =
        random_floats (trial.n_out * area, 4 * trial.largest, seed);
  }
  return trial;
}

static void
trial_clear (Trial *trial)
{
  free (trial->conv.weight);
  free (trial->conv.bias);
  free (trial->scale);
  free (trial->shift);
  for (int i = 0; i < trial->n_images; i++) {
    free (trial->src[i]);
    free (trial->residuals[i]);
  }
}

/* ---- The definition ---------------------------------------------------- */

static double
input (const Trial *trial, int image, int c, int y, int x)
{
  double value;

  if (x < 0 || x >= trial->width
      || (!trial->rows_given && (y < 0 || y >= trial->height)))
    return 0;
  value =
      trial->src[image][(c * (trial->height + 2) + y + 1) * trial->width + x];
  if (trial->affine) {
    value = trial->scale[c] * value + trial->shift[c];
    value = value < 0 ? 0 : value;
  }
  return value;
}

/* The unpooled output of a channel, [height][width], and into `bound` the
 * largest sum of the products' sizes. */
static void
define_plane (
    const Trial *trial, int image, int o, double *plane, double *bound)
{
  int width = trial->width, height = trial->height;
  double *magnitude = calloc (width * height, sizeof *magnitude);

  for (int i = 0; i < width * height; i++)
    plane[i] = trial->conv.bias[o];
  for (int c = 0; c < trial->n_in; c++) {
    const float *w = trial->conv.weight + (o * trial->n_in + c) * 9;

    for (int y = -1; y <= height; y++)
      for (int x = 0; x < width; x++) {
        double value = input (trial, image, c, y, x);

        for (int ky = 0; ky < 3; ky++)
          for (int kx = 0; kx < 3; kx++) {
            int v = y - ky + 1, u = x - kx + 1;

            if (v < 0 || v >= height || u < 0 || u >= width)
              continue;
            plane[v * width + u] += w[ky * 3 + kx] * value;
            magnitude[v * width + u] += fabs (w[ky * 3 + kx] * value);
          }
      }
  }
  *bound = fabs ((double) trial->conv.bias[o]) + 4.0 * trial->largest;
  for (int i = 0; i < width * height; i++) {
    if (trial->relu && plane[i] < 0)
      plane[i] = 0;
    if (trial->residual)
      plane[i] += trial->residuals[image][o * width * height + i];
    *bound = fmax (*bound, magnitude[i]);
  }
  free (magnitude);
}

static void
pooled_size (const Trial *trial, int *width, int *height)
{
  static const int divisors[] = { 1, 2, 4 };

  *width = trial->width / divisors[trial->pooling];
  *height = trial->height / divisors[trial->pooling];
}

static double
pool (const Trial *trial, const double *plane, int y, int x)
{
  int width = trial->width;
  double result = 0;

  if (trial->pooling == SYMPIE_POOLING_NONE)
    return plane[y * width + x];
  if (trial->pooling == SYMPIE_POOLING_MAX)
    return check_larger (check_larger (plane[2 * y * width + 2 * x],
                             plane[2 * y * width + 2 * x + 1]),
        check_larger (plane[(2 * y + 1) * width + 2 * x],
            plane[(2 * y + 1) * width + 2 * x + 1]));
  for (int v = 4 * y - 1; v < 4 * y + 4; v++)
    for (int u = 4 * x - 1; u < 4 * x + 4; u++)
      if (v >= 0 && u >= 0)
        result += plane[v * width + u];
  return result / 25;
}

/* ---- Running it -------------------------------------------------------- */

/* `from`, [channels][rows][width], in blocks, or in planes where the channels
 * do not fill one, with `gap` floats more in a row and three rows more in a
 * plane of that. */
static float *
to_blocks (const float *from, int channels, int rows, int width, int block,
    size_t *row, size_t *plane)
{
  int lanes = channels < block ? 1 : block;
  float *to;

  *row += (size_t) width * lanes;
  *plane += *row * rows;
  to = aligned_alloc (64, (*plane * channels / lanes * 4 + 63) / 64 * 64);
  for (int c = 0; c < channels; c++)
    for (int y = 0; y < rows; y++)
      for (int x = 0; x < width; x++)
        to[c / lanes * *plane + y * *row + x * lanes + c % lanes] =
            from[(c * rows + y) * width + x];
  return to;
}

/* The outputs of the images, one behind the other, each with its guard. */
static float *
run (const Trial *trial, SympiePool *pool_of_threads, size_t image_size)
{
  int block = variants[trial->variant].block;
  const SympieConvLayer layer = {
    .conv = &trial->conv,
    .scale = trial->affine ? trial->scale : NULL,
    .shift = trial->affine ? trial->shift : NULL,
    .relu = trial->relu,
    .pooling = trial->pooling,
    .small = trial->small,
  };
  SympieConvBatch batch = {
    .n_images = trial->n_images,
    .width = trial->width,
    .height = trial->height,
    .rows_given = trial->rows_given,
  };
  SympieError error = { 0 };
  SympieConvNet *net = sympie_conv_net_new (
      pool_of_threads, variants[trial->variant].flags, NULL, &layer, 1, &error);
  size_t size = trial->n_images * image_size, row, plane;
  float *dst = aligned_alloc (64, size * sizeof *dst),
        *given[MAX_IMAGES][2] = { { 0 } };

  if (!CHECK (net, "%s", error.message))
    exit (check_end ());
  for (size_t i = 0; i < size; i++)
    dst[i] = guard;
  for (int i = 0; i < trial->n_images; i++) {
    row = trial->spaced ? 16 : 0;
    plane = trial->spaced ? 48 : 0;
    given[i][0] = to_blocks (trial->src[i], trial->n_in, trial->height + 2,
        trial->width, block, &row, &plane);
    batch.src[i] = given[i][0] + (trial->rows_given ? 0 : row);
    batch.row = row;
    batch.plane = plane;
    batch.dst[i] = dst + i * image_size;
    if (trial->residual) {
      row = plane = 0;
      batch.residual[i] = given[i][1] = to_blocks (trial->residuals[i],
          trial->n_out, trial->height, trial->width, block, &row, &plane);
    }
  }
  /* Twice: nothing of a run must be left for the next. */
  sympie_conv_net_run (net, 0, &batch);
  sympie_conv_net_run (net, 0, &batch);
  for (int i = 0; i < trial->n_images; i++) {
    free (given[i][0]);
    free (given[i][1]);
  }
  sympie_conv_net_free (net);
  return dst;
}

static bool
check_image (const Trial *trial, int image, const float *dst, double *worst)
{
  int block = variants[trial->variant].block, width, height;
  double *plane = malloc (trial->width * trial->height * sizeof *plane);
  bool ok = true;

  pooled_size (trial, &width, &height);
  for (int o = 0; ok && o < trial->n_out; o++) {
    double bound;

    define_plane (trial, image, o, plane, &bound);
    for (int i = 0; ok && i < width * height; i++) {
      double expected = pool (trial, plane, i / width, i % width);
      double value = dst[(o / block * width * height + i) * block + o % block];
      double off = fabs (value - expected) / (bound > 0 ? bound : 1);

      *worst = fmax (*worst, off);
      ok = off < 2e-6;
      if (!ok || (o == 0 && i == 0))
        CHECK (ok,
            "%s: image %d, channel %d, row %d, column %d: %g, not %g; off by "
            "%g of %g",
            describe (trial), image, o, i / width, i % width, value, expected,
            off, bound);
    }
  }
  free (plane);
  return ok;
}

static bool
test_trial (
    int variant, SympiePool *const pools[2], double *worst, uint64_t *seed)
{
  Trial trial = random_trial (variant, seed);
  int width, height;
  size_t used, size;
  float *dst[2];
  bool ok = true;

  pooled_size (&trial, &width, &height);
  used = (size_t) trial.n_out * width * height;
  if (trial.pooling == SYMPIE_POOLING_AVERAGE)
    used *= 2;
  size = used + GUARD;
  for (int p = 0; p < 2; p++)
    dst[p] = run (&trial, pools[p], size);
  ok =
      CHECK (memcmp (dst[0], dst[1], trial.n_images * size * sizeof **dst) == 0,
          "%s: %d threads make something else than one", describe (&trial),
          N_THREADS);
  for (int i = 0; ok && i < trial.n_images; i++) {
    for (int g = 0; ok && g < GUARD; g++)
      ok = dst[0][i * size + used + g] == guard;
    CHECK (
        ok, "%s: what is behind output %d was written", describe (&trial), i);
    ok = ok && check_image (&trial, i, dst[0] + i * size, worst);
  }
  for (int p = 0; p < 2; p++)
    free (dst[p]);
  trial_clear (&trial);
  return ok;
}

/* Outputs of the first image that a number which is none should show in, but
 * does not. */
static int
count_lost (const Trial *trial, SympiePool *threads)
{
  int block = variants[trial->variant].block, width, height, n_lost = 0;
  double *plane = malloc (trial->width * trial->height * sizeof *plane);
  float *dst;

  pooled_size (trial, &width, &height);
  /* Average pooling takes room for twice as many. */
  dst = run (trial, threads, 2 * (size_t) trial->n_out * width * height);
  for (int o = 0; o < trial->n_out; o++) {
    double bound;

    define_plane (trial, 0, o, plane, &bound);
    for (int i = 0; i < width * height; i++)
      n_lost +=
          isnan (pool (trial, plane, i / width, i % width))
          && !isnan (dst[(o / block * width * height + i) * block + o % block]);
  }
  free (plane);
  free (dst);
  return n_lost;
}

/* A value that is not a number shows in every output that it is in, be it the
 * first of a tile or just behind one. */
static void
test_nan (int variant, SympiePool *threads, uint64_t *seed)
{
  for (int kind = -1; kind <= SYMPIE_POOLING_AVERAGE; kind++) {
    bool small = kind < 0;
    SympiePooling pooling = small ? SYMPIE_POOLING_NONE : kind;
    int least = small ? 2 : 6;
    Trial trial;

    do {
      trial = random_trial (variant, seed);
      if (trial.small == small && trial.pooling == pooling
          && trial.width >= least && trial.width <= 20 && trial.height >= least
          && trial.height <= 20 && trial.largest == 2)
        break;
      trial_clear (&trial);
    } while (true);
    for (int i = 0; i < (small ? 1 : 4); i++) {
      int y = i / 2 * 4, x = i % 2 * 4, n_lost;
      float *value = &trial.src[0][(y + 1) * trial.width + x], was = *value;

      *value = NAN;
      n_lost = count_lost (&trial, threads);
      CHECK (n_lost == 0, "%s: %d outputs do not show row %d, column %d",
          describe (&trial), n_lost, y, x);
      *value = was;
    }
    trial_clear (&trial);
  }
}

static void
test_variant (int variant, uint64_t *seed)
{
  SympieError error = { 0 };
  SympiePool *pools[2] = { sympie_pool_new (1, &error),
    sympie_pool_new (N_THREADS, &error) };
  double worst = 0;

  if (!CHECK (pools[0] && pools[1], "%s", error.message))
    exit (check_end ());
  for (int i = 0; i < N_TRIALS; i++)
    if (!test_trial (variant, pools, &worst, seed))
      break;
  test_nan (variant, pools[0], seed);
  printf ("%s: off by at most %g of the sum of the sizes of the products\n",
      variants[variant].name, worst);
  for (int p = 0; p < 2; p++)
    sympie_pool_free (pools[p]);
}

/* ---- Speed ------------------------------------------------------------- */

static const struct
{
  const char *name;
  int size, n_in, n_out, n_images;
  SympiePooling pooling;
  bool small, second; /* the second of a block: affine, relu, residual */
} layers[] = {
  { "NEM stem", 224, 3, 64, 1, SYMPIE_POOLING_AVERAGE, false, false },
  { "NEM 1.1", 56, 64, 128, 1, SYMPIE_POOLING_NONE, false, false },
  { "NEM 1.2", 56, 128, 128, 1, SYMPIE_POOLING_AVERAGE, false, true },
  { "NEM 2.1", 14, 128, 256, 1, SYMPIE_POOLING_NONE, false, false },
  { "NEM 2.2", 14, 256, 256, 1, SYMPIE_POOLING_AVERAGE, false, true },
  { "NEM 3.1", 3, 256, 512, 1, SYMPIE_POOLING_NONE, true, false },
  { "NEM 3.2", 3, 512, 512, 1, SYMPIE_POOLING_NONE, true, true },
  { "VGG19 1.1", 224, 3, 64, 2, SYMPIE_POOLING_NONE, false, false },
  { "VGG19 1.2", 224, 64, 64, 2, SYMPIE_POOLING_MAX, false, false },
  { "VGG19 2.1", 112, 64, 128, 2, SYMPIE_POOLING_NONE, false, false },
  { "VGG19 2.2", 112, 128, 128, 2, SYMPIE_POOLING_MAX, false, false },
  { "VGG19 3.1", 56, 128, 256, 2, SYMPIE_POOLING_NONE, false, false },
  { "VGG19 3.2", 56, 256, 256, 2, SYMPIE_POOLING_NONE, false, false },
  { "VGG19 4.1", 28, 256, 512, 2, SYMPIE_POOLING_NONE, false, false },
  { "VGG19 4.2", 28, 512, 512, 2, SYMPIE_POOLING_NONE, false, false },
  { "VGG19 5.1", 14, 512, 512, 2, SYMPIE_POOLING_NONE, false, false },
};

/* Processor time of this thread in seconds: a busy machine adds nothing. */
static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (double) time.tv_sec + (double) time.tv_nsec * 1e-9;
}

/* The best of many runs of a layer, and the multiplications by the definition
 * that it does in a second. */
static void
bench_layer (int variant, size_t index, uint64_t *seed)
{
  SympiePool *threads = sympie_pool_new (1, NULL);
  int size = layers[index].size, n_in = layers[index].n_in;
  int n_out = layers[index].n_out, n_images = layers[index].n_images;
  bool second = layers[index].second;
  float *weight = random_floats ((size_t) n_out * n_in * 9, .1f, seed);
  float *ones = random_floats (512, 1, seed);
  SympieConv conv = { n_in, n_out, weight, ones };
  SympieConvLayer layer = {
    .conv = &conv,
    .scale = second ? ones : NULL,
    .shift = second ? ones : NULL,
    .relu = second || n_images == 2,
    .pooling = layers[index].pooling,
    .small = layers[index].small,
  };
  SympieConvNet *net = sympie_conv_net_new (
      threads, variants[variant].flags, NULL, &layer, 1, NULL);
  SympieConvBatch batch = {
    .n_images = n_images, .width = size, .height = size
  };
  size_t n = (size_t) size * size;
  double best = INFINITY, end;
  float *src[2], *dst[2];

  for (int i = 0; i < n_images; i++) {
    batch.src[i] = src[i] = sympie_floats_new (n * n_in, NULL);
    batch.dst[i] = dst[i] = sympie_floats_new (n * n_out, NULL);
    if (second)
      batch.residual[i] = src[i];
    for (size_t v = 0; v < n * n_in; v++)
      src[i][v] = check_random_float (seed, -1, 1);
  }
  end = now () + 0.15;
  while (now () < end) {
    double start = now ();

    sympie_conv_net_run (net, 0, &batch);
    best = fmin (best, now () - start);
  }
  printf ("%s %s %.3f ms, %.0f GMAC/s\n", layers[index].name,
      variants[variant].name, best * 1e3,
      (double) n * n_images * n_in * n_out * 9 / best * 1e-9);
  for (int i = 0; i < n_images; i++) {
    free (src[i]);
    free (dst[i]);
  }
  free (weight);
  free (ones);
  sympie_conv_net_free (net);
  sympie_pool_free (threads);
}

int
main (int argc, char **argv)
{
  bool bench = argc > 1 && strcmp (argv[1], "--bench") == 0;
  uint64_t seed = check_seed (argc > 1 && !bench ? argv[1] : NULL);

  for (size_t l = 0; bench && l < sizeof layers / sizeof *layers; l++)
    for (int v = 0; v < N_VARIANTS; v++)
      if (usable (v) && (argc < 3 || strcmp (argv[2], variants[v].name) == 0)
          && (argc < 4 || strcmp (argv[3], layers[l].name) == 0))
        bench_layer (v, l, &seed);
  if (bench)
    return EXIT_SUCCESS;
  for (int v = 0; v < N_VARIANTS; v++) {
    if (usable (v))
      test_variant (v, &seed);
    else
      printf ("%s: skipped, the processor has it not\n", variants[v].name);
  }
  return check_end ();
}
