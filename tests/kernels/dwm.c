/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM on the CPU: plain C against the definition, every other variant against
 * plain C, which it must equal in every byte.
 *
 * dwm [SEED] repeats a failing run; dwm --bench [FORMAT] measures
 * instead. */

#include <float.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "cpu/cpu.h"
#include "cpu/dwm.h"
#include "cpu/dwm_plan.h"
#include "dwm_definition.h"

static const SympieColorimetry colorimetries[] = {
  { 0.2126f, 0.0722f, false, SYMPIE_CHROMA_LEFT },
  { 0.299f, 0.114f, true, SYMPIE_CHROMA_CENTRE },
  { 0.2627f, 0.0593f, false, SYMPIE_CHROMA_LEFT | SYMPIE_CHROMA_TOP },
  { 0.2126f, 0.0722f, true, SYMPIE_CHROMA_TOP },
  { 0.35f, 0.25f, true,
      SYMPIE_CHROMA_CENTRE }, /* green has the least allowed */
};

enum
{
  N_COLORIMETRIES = sizeof colorimetries / sizeof *colorimetries
};

static const int sizes[][2] = { { 1, 1 }, { 2, 2 }, { 3, 7 }, { 5, 5 },
  { 1, 9 }, { 33, 4 }, { 34, 5 }, { 65, 3 }, { 129, 6 }, { 223, 225 },
  { 385, 289 } };

/* ---- Parameters -------------------------------------------------------- */

typedef enum
{
  MILD,   /* what NEM gives */
  SHARP,  /* and for blurs and pale frames: sums that are doubled after all */
  STRONG, /* all 37 random */
  HUGE,   /* of no use, but allowed */
  ZERO,
  ONE_HOT, /* a kernel that only shifts */
  IDENTITY,
  SMOOTH,      /* shifts of 12: the pad is the largest sample by far */
  ZERO_KERNEL, /* with the largest matrix */
  N_KINDS
} Kind;

static const char *const kind_names[N_KINDS] = { "mild", "sharp", "strong",
  "huge", "zero", "one-hot", "identity", "smooth", "zero-kernel" };

static SympieParams
random_params (Kind kind, uint64_t *seed)
{
  SympieParams params;
  float spread = kind == MILD ? 0.05f : kind == STRONG ? 1.f : 1000.f;

  sympie_params_identity (&params);
  switch (kind) {
  case MILD:
  case STRONG:
  case HUGE:
    for (int i = 0; i < SYMPIE_N_PARAMS; i++)
      params.values[i] += check_random_float (seed, -spread, spread);
    break;
  case SHARP:
    for (int i = 0; i < 9; i += 4)
      params.matrix[i] = check_random_float (seed, 2.45f, 2.55f);
    for (int i = 0; i < 25; i++)
      params.kernel[i] =
          i == 12 ? 2 : check_random_float (seed, -0.05f, -0.03f);
    break;
  case ZERO:
    memset (&params, 0, sizeof params);
    break;
  case ONE_HOT:
    params.kernel[12] = 0;
    params.kernel[(const int[]){ 0, 4, 20, 24, 2 }[check_random (seed) % 5]] =
        check_random_float (seed, -2, 2);
    break;
  case SMOOTH:
    for (int i = 0; i < 25; i++)
      params.kernel[i] = check_random_float (seed, 0.03f, 0.05f);
    for (int c = 0; c < 3; c++)
      params.shift[c] = check_random (seed) & 1 ? 12 : -12;
    break;
  case ZERO_KERNEL:
    memset (&params, 0, sizeof params);
    for (int i = 0; i < 9; i++)
      params.matrix[i] = check_random (seed) & 1 ? FLT_MAX : -FLT_MAX;
    break;
  default:
    break;
  }
  return params;
}

static void
print_params (const SympieParams *params)
{
  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    fprintf (stderr, "%s%.9g", i ? ", " : "  parameters: ", params->values[i]);
  fprintf (stderr, "\n");
}

/* Each of the large sizes goes with one kind of parameters a format, and the
 * largest with the formats that have loops of their own. Where that is slow
 * only those have a large size at all, and a small one goes with one of the
 * kinds: over all of them each format meets each kind. */
static bool
skip (size_t size, int kind, int format)
{
  int area = sizes[size][0] * sizes[size][1], turn = (int) size + format;

  if (area > (check_is_slow ? 10000 : 100000)
      && format > SYMPIE_FORMAT_P010_10LE)
    return true;
  if (area > 10000)
    return kind != turn % 3 || (check_is_slow && area > 100000);
  return check_is_slow && kind != turn % N_KINDS;
}

/* ---- Against the definition -------------------------------------------- */

/* The largest distance of a code from what it should be before rounding. */
static double
largest_error (const Frame *frame, const Definition *definition)
{
  const SympieFormatInfo *info = sympie_format_info (frame->image.format);
  double largest = 0;

  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &info->component[c];
    int width = sympie_component_width (component, frame->image.width);
    int height = sympie_component_height (component, frame->image.height);

    for (int y = 0; component->bits && y < height; y++)
      for (int x = 0; x < width; x++)
        largest = fmax (
            largest, fabs (frame_get (frame, c, x, y)
                           - definition->code[c][(size_t) y * width + x]));
  }
  return largest;
}

/* Half a level of 8 bits for what is rounded on the way (see TOLERANCE in
 * dwm_plan.c) and half a code for the last rounding. */
static double
tolerance (const SympieFormatInfo *info)
{
  return 0.5 * (info->depth > 8 ? 1 << (info->depth - 8) : 1) + 0.5;
}

static void
test_definition (uint64_t *seed)
{
  SympiePool *pool = sympie_pool_new (1, NULL);
  SympieDwm *dwm = sympie_dwm_new (pool, 0, NULL);

  for (int format = 0; format < SYMPIE_N_FORMATS; format++)
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
      const SympieFormatInfo *info = sympie_format_info (format);
      int width = sizes[s][0], height = sizes[s][1];

      for (int kind = 0; kind < N_KINDS; kind++) {
        /* Samples have five bits below a level: a gain of thousands shows. */
        if ((kind == HUGE && info->yuv) || skip (s, kind, format))
          continue;

        const SympieColorimetry *colorimetry =
            &colorimetries[(kind + s) % N_COLORIMETRIES];
        Frame src = frame_new (format, width, height, 0, colorimetry, seed);
        Frame dst = frame_new (format, width, height, 7, colorimetry, seed);
        SympieParams params = random_params (kind, seed);
        Definition definition;
        SympieDwmPlan plan;
        double error;

        definition = dwm_definition (&src, &params);
        sympie_dwm_plan (&plan, &src.image, &dst.target, &params);
        sympie_dwm_apply (dwm, &src.image, &dst.target, &params, NULL);
        error = largest_error (&dst, &definition);
        if (!CHECK (error <= tolerance (info),
                "%s %dx%d, %s parameters, colorimetry %zu%s: %.3f levels",
                info->name, width, height, kind_names[kind], (kind + s) % 4,
                plan.wide ? ", wide" : "", error))
          print_params (&params);
        CHECK (kind != SHARP || (!plan.wide && plan.doublings > 0),
            "%s, sharp parameters: %d doublings%s", info->name, plan.doublings,
            plan.wide ? ", wide" : "");
        definition_clear (&definition);
        frame_clear (&src);
        frame_clear (&dst);
      }
    }
  sympie_dwm_free (dwm);
  sympie_pool_free (pool);
}

/* Equal taps and equal samples: all roundings go the same way. */
static void
test_equal (uint64_t *seed)
{
  SympiePool *pool = sympie_pool_new (1, NULL);
  SympieDwm *dwm = sympie_dwm_new (pool, 0, NULL);

  for (int i = 0; i < 400; i++) {
    SympieFormat format = i % 2 ? SYMPIE_FORMAT_RGB : SYMPIE_FORMAT_I420;
    Frame frame =
        frame_new (format, 6, 6, 0, &colorimetries[i % N_COLORIMETRIES], seed);
    float tap = check_random_float (seed, 0.01f, 0.1f);
    Definition definition;
    SympieParams params;
    double error;

    for (int p = 0; p < 4; p++)
      if (frame.memory[p])
        memset (
            frame.memory[p], (int) (check_random (seed) % 256), frame.size[p]);
    sympie_params_identity (&params);
    for (int t = 0; t < 25; t++)
      params.kernel[t] = i % 3 || t % 2 ? tap : -tap;
    for (int t = 0; t < 9; t++)
      params.matrix[t] *= 1 / (25 * tap);
    definition = dwm_definition (&frame, &params);
    sympie_dwm_apply (dwm, &frame.image, &frame.target, &params, NULL);
    error = largest_error (&frame, &definition);
    if (!CHECK (error <= 1, "%s of one colour: %.3f levels",
            sympie_format_info (format)->name, error))
      print_params (&params);
    definition_clear (&definition);
    frame_clear (&frame);
  }
  sympie_dwm_free (dwm);
  sympie_pool_free (pool);
}

/* Frames of one size after each other, of which each differs from the one
 * before in its format or in what its values mean. */
static void
test_same_size (uint64_t *seed)
{
  SympiePool *pool = sympie_pool_new (1, NULL);
  SympieDwm *dwm = sympie_dwm_new (pool, sympie_cpu_flags (0), NULL);

  for (int format = 0; format < SYMPIE_N_FORMATS; format++)
    for (int i = 0; i < 4; i++) {
      Frame src = frame_new (format, 34, 26, 0, &colorimetries[i], seed);
      SympieParams params = random_params (MILD, seed);
      Definition definition = dwm_definition (&src, &params);
      double error;

      sympie_dwm_apply (dwm, &src.image, &src.target, &params, NULL);
      error = largest_error (&src, &definition);
      CHECK (error <= tolerance (sympie_format_info (format)),
          "%s, colorimetry %d, after another: %.3f levels",
          sympie_format_info (format)->name, i, error);
      definition_clear (&definition);
      frame_clear (&src);
    }
  sympie_dwm_free (dwm);
  sympie_pool_free (pool);
}

/* ---- Variants, threads, in place ---------------------------------------- */

static const struct
{
  const char *name;
  unsigned flags;
} variants[] = {
  { "c", 0 },
  { "ssse3", SYMPIE_CPU_SSSE3 },
  { "avx2", SYMPIE_CPU_SSSE3 | SYMPIE_CPU_AVX2 },
  { "avx512", SYMPIE_CPU_SSSE3 | SYMPIE_CPU_AVX2 | SYMPIE_CPU_AVX512 },
  { "neon", SYMPIE_CPU_NEON },
};

enum
{
  N_VARIANTS = sizeof variants / sizeof *variants,
  N_THREADS = 3
};

static bool
usable (int variant)
{
  unsigned flags = variants[variant].flags;

  return (sympie_cpu_flags (0) & flags) == flags;
}

/* A frame with padding, applied to another frame or in place. */
static void
check_variant (SympieDwm *dwm, const Frame *src, const Frame *expected,
    const SympieParams *params, const char *what, uint64_t *seed)
{
  const SympieImage *image = &src->image;
  const char *name = sympie_format_info (image->format)->name;

  for (int in_place = 0; in_place < 2; in_place++) {
    uint64_t same = *seed;
    int padding = (int) (check_random (seed) % 70);
    Frame before = frame_new (image->format, image->width, image->height,
        padding, &image->colorimetry, &same);
    Frame dst = frame_new (image->format, image->width, image->height, padding,
        &image->colorimetry, seed);
    SympieError error = { 0 };

    frame_copy (&dst, &before);
    for (int p = 0; p < 4; p++)
      if (dst.memory[p])
        memcpy (before.memory[p], dst.memory[p], dst.size[p]);
    if (in_place)
      frame_copy (src, &dst);
    CHECK (sympie_dwm_apply (
               dwm, in_place ? &dst.image : image, &dst.target, params, &error),
        "%s: %s", what, error.message);
    if (!CHECK (frame_same_pixels (&dst, expected),
            "%s, %s %dx%d%s differs from plain C", what, name, image->width,
            image->height, in_place ? " in place" : ""))
      print_params (params);
    CHECK (frame_same_padding (&dst, &before), "%s, %s %dx%d%s: padding", what,
        name, image->width, image->height, in_place ? " in place" : "");
    frame_clear (&before);
    frame_clear (&dst);
  }
}

static void
test_variants (uint64_t *seed)
{
  SympiePool *pools[2] = { sympie_pool_new (1, NULL),
    sympie_pool_new (N_THREADS, NULL) };
  SympieDwm *dwm[N_VARIANTS][2] = { { NULL } };
  int n_sizes = (int) (sizeof sizes / sizeof *sizes);

  for (int v = 0; v < N_VARIANTS; v++)
    for (int p = 0; p < 2 && usable (v); p++)
      dwm[v][p] = sympie_dwm_new (pools[p], variants[v].flags, NULL);

  for (int format = 0; format < SYMPIE_N_FORMATS; format++)
    for (int s = 0; s < n_sizes; s++)
      for (int kind = 0; kind < N_KINDS; kind++) {
        if (skip (s, kind, format))
          continue;

        const SympieColorimetry *colorimetry =
            &colorimetries[check_random (seed) % N_COLORIMETRIES];
        Frame src = frame_new (format, sizes[s][0], sizes[s][1],
            (int) (check_random (seed) % 70), colorimetry, seed);
        Frame expected =
            frame_new (format, sizes[s][0], sizes[s][1], 0, colorimetry, seed);
        SympieParams params = random_params (kind, seed);

        sympie_dwm_apply (
            dwm[0][0], &src.image, &expected.target, &params, NULL);
        for (int v = 0; v < N_VARIANTS; v++)
          for (int p = 0; p < 2; p++) {
            char what[100];

            if (!dwm[v][p])
              continue;
            snprintf (what, sizeof what, "%s, %d threads, %s parameters",
                variants[v].name, p ? N_THREADS : 1, kind_names[kind]);
            check_variant (dwm[v][p], &src, &expected, &params, what, seed);
          }
        frame_clear (&src);
        frame_clear (&expected);
      }

  for (int v = 0; v < N_VARIANTS; v++)
    for (int p = 0; p < 2; p++)
      sympie_dwm_free (dwm[v][p]);
  for (int p = 0; p < 2; p++)
    sympie_pool_free (pools[p]);
}

/* ---- Speed --------------------------------------------------------------- */

/* Processor time of this thread in seconds: a busy machine adds nothing. */
static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (double) time.tv_sec + (double) time.tv_nsec * 1e-9;
}

/* Prints the best of many runs of `call`, in nanoseconds a pixel. */
#define BENCH(pixels, call, ...)                                               \
  do {                                                                         \
    double bench_best = INFINITY, bench_end = now () + 0.1;                    \
                                                                               \
    while (now () < bench_end) {                                               \
      double bench_start = now ();                                             \
                                                                               \
      call;                                                                    \
      bench_best = fmin (bench_best, now () - bench_start);                    \
    }                                                                          \
    printf (__VA_ARGS__);                                                      \
    printf (" %.3f ns/pixel\n", bench_best * 1e9 / (pixels));                  \
  } while (0)

enum
{
  BENCH_WIDTH = 1920,
  BENCH_HEIGHT = 128 /* stays in the cache and between two interruptions */
};

/* Every function by itself, over and over on the same rows. */
static void
bench_functions (
    int variant, const Frame *src, const Frame *dst, const SympieParams *params)
{
  static int16_t rows[64][1984] __attribute__ ((aligned (64)));
  const int16_t *pairs[4] = { rows[0], rows[6], rows[12], rows[18] };
  const char *name = variants[variant].name;
  const char *format = sympie_format_info (src->image.format)->name;
  const int pair = 2 * BENCH_WIDTH, group = 4 * BENCH_WIDTH, y = 64;
  SympieDwmFunctions functions;
  SympieDwmScratch scratch;
  SympieDwmPlan plan;
  int used = 24;

  sympie_dwm_functions (&functions, variants[variant].flags);
  sympie_dwm_plan (&plan, &src->image, &dst->target, params);
  plan.pitch = 1984;
  plan.packing = sympie_packing (variants[variant].flags);
  for (int i = 0; i < 4; i++)
    scratch.chroma[i] = rows[used++] + SYMPIE_DWM_LEFT;
  for (int c = 0; c < 3; c++) {
    scratch.average[c] = rows[used++] + SYMPIE_DWM_LEFT;
    scratch.out[c] = rows[used];
    used += 1 + SYMPIE_DWM_GROUP;
  }

  for (int c = 0; c < 4; c++)
    scratch.codes[c] = (uint16_t *) rows[used++] + SYMPIE_DWM_LEFT;

  BENCH (pair, functions.load (&plan, &scratch, y / 2, rows[0]), "%s %s load",
      format, name);
  BENCH (group, functions.filter (&plan, pairs, y, &scratch), "%s %s filter",
      format, name);
  BENCH (group, functions.filter_wide (&plan, pairs, y, &scratch),
      "%s %s filter_wide", format, name);
  BENCH (
      group, functions.store (&plan, &scratch, y), "%s %s store", format, name);
  if (sympie_format_is_packed (plan.info) && functions.filter_packed) {
    BENCH (pair, functions.load_packed (&plan, &scratch, y / 2, rows[0]),
        "%s %s load_packed", format, name);
    BENCH (group, functions.filter_packed (&plan, pairs, y),
        "%s %s filter_packed", format, name);
  }
}

static void
bench_variant (int variant, SympieFormat format, uint64_t *seed)
{
  SympiePool *pool = sympie_pool_new (1, NULL);
  SympieDwm *dwm = sympie_dwm_new (pool, variants[variant].flags, NULL);
  SympieParams params = random_params (MILD, seed);
  Frame src =
      frame_new (format, BENCH_WIDTH, BENCH_HEIGHT, 0, &colorimetries[0], seed);
  Frame dst =
      frame_new (format, BENCH_WIDTH, BENCH_HEIGHT, 0, &colorimetries[0], seed);

  bench_functions (variant, &src, &dst, &params);
  BENCH (BENCH_WIDTH * BENCH_HEIGHT,
      sympie_dwm_apply (dwm, &src.image, &dst.target, &params, NULL),
      "%s %s frame", sympie_format_info (format)->name, variants[variant].name);
  frame_clear (&src);
  frame_clear (&dst);
  sympie_dwm_free (dwm);
  sympie_pool_free (pool);
}

static void
bench (const char *only, uint64_t *seed)
{
  for (int format = 0; format < SYMPIE_N_FORMATS; format++)
    for (int v = 0; v < N_VARIANTS; v++)
      if (usable (v)
          && (!only || strcmp (only, sympie_format_info (format)->name) == 0))
        bench_variant (v, format, seed);
}

int
main (int argc, char **argv)
{
  bool only_bench = argc > 1 && strcmp (argv[1], "--bench") == 0;
  uint64_t seed = check_seed (argc > 1 && !only_bench ? argv[1] : NULL);

  if (only_bench) {
    bench (argc > 2 ? argv[2] : NULL, &seed);
    return EXIT_SUCCESS;
  }
  test_definition (&seed);
  test_equal (&seed);
  test_same_size (&seed);
  test_variants (&seed);
  return check_end ();
}
