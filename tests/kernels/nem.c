/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* NEM and the way to it against PyTorch, with each instruction set:
 * tests/golden/make_nem.py describes the cases.
 *
 * nem cuda: some of the frames through the CUDA backend, in half precision. */

#include "cpu/nem.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "cpu/cpu.h"
#include "frame.h"
#include "nem_file.h"

enum
{
  N_CUDA_FRAMES = 3 /* emulated, each takes seconds */
};

static const struct
{
  const char *name;
  unsigned disabled;
} variants[] = {
  { "c", ~0u },
  { "avx2", SYMPIE_CPU_AVX512 },
  { "avx512", 0 },
};

enum
{
  N_VARIANTS = sizeof variants / sizeof *variants
};

static bool on_cuda;
static double tolerance = 1e-5;
/* The shipped gate is a steep line, from 0 to 1 along a small part of what the
   features span. */
static double gate_tolerance = 1e-4;
static double worst_crop, worst_frame;

static double
distance (const SympieParams *params, const double *expected)
{
  double worst = 0;

  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    worst = check_larger (worst, fabs (params->values[i] - expected[i]));
  return worst;
}

/* ---- Crops ------------------------------------------------------------- */

static const char *
weights_path (int seed)
{
  const char *path;

  if (seed == 0)
    return getenv ("SYMPIE_WEIGHTS");
  path = temporary_path ("nem.safetensors");
  nem_file_write (path, seed, NULL);
  return path;
}

static void
run_crop (int variant, const SympieCrop *crop, const SympieNemWeights *weights,
    int n_threads, SympieParams *params, float *gate)
{
  unsigned flags = sympie_cpu_flags (variants[variant].disabled);
  SympieError error = { 0 };
  SympiePool *pool = sympie_pool_new (n_threads, &error);
  SympieNem *nem = pool ? sympie_nem_new (pool, flags, weights, &error) : NULL;

  /* Twice: nothing of a run must be left for the next. */
  if (CHECK (nem, "%s", error.message))
    for (int i = 0; i < 2; i++)
      sympie_nem_run (nem, crop, params, gate);
  sympie_nem_free (nem);
  sympie_pool_free (pool);
}

static void
test_crop (int weights_seed, uint64_t seed, const double *expected)
{
  static SympieCrop crop;
  SympieNemWeights *weights;
  SympieParams params[3];
  float gate[3];
  SympieError error = { 0 };

  memset (&crop, 0, sizeof crop);
  for (int c = 0; c < 3; c++)
    for (int y = 0; y < SYMPIE_NEM_SIZE; y++)
      for (int x = 0; x < SYMPIE_NEM_SIZE; x++)
        crop.rgb[c][y + 1][x + 1] = check_random_float (&seed, -2, 2);

  weights = sympie_nem_weights_load (weights_path (weights_seed), &error);
  if (!CHECK (weights, "%s", error.message))
    return;
  for (int v = 0; v < N_VARIANTS; v++)
    for (int i = 0; i < (v == 0 && check_is_slow ? 1 : 3); i++) {
      double off;

      run_crop (v, &crop, weights, i + 1, &params[i], &gate[i]);
      off = distance (&params[i], expected);
      worst_crop = fmax (worst_crop, off);
      CHECK (off < tolerance, "%s, weights %d, %d threads: off by %g",
          variants[v].name, weights_seed, i + 1, off);
      CHECK (fabs (gate[i] - expected[SYMPIE_N_PARAMS]) < tolerance
                 && gate[i] == gate[0],
          "%s, weights %d, %d threads: gate %g, not %g", variants[v].name,
          weights_seed, i + 1, gate[i], expected[SYMPIE_N_PARAMS]);
      CHECK (sympie_params_distance (&params[i], &params[0]) == 0,
          "%s: %d threads differ from one by %g", variants[v].name, i + 1,
          sympie_params_distance (&params[i], &params[0]));
    }
  sympie_nem_weights_free (weights);
}

/* ---- Frames ------------------------------------------------------------ */

static void
fill (Frame *frame)
{
  const SympieFormatInfo *info = sympie_format_info (frame->image.format);

  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &info->component[c];
    int width = sympie_component_width (component, frame->image.width);
    int height = sympie_component_height (component, frame->image.height);

    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++) {
        int code = (3 * x + 5 * y + 40 * c + ((x * y) >> 5)) & 255;

        if (info->yuv)
          code = c == 0 ? 80 + (code * 90 >> 8) : 110 + (code * 36 >> 8);
        else if (!frame->image.colorimetry.full_range)
          code = 16 + (code * 219 >> 8);
        if (info->depth > 8)
          code = code << (info->depth - 8) | (x & 3);
        frame_set (frame, c, x, y, code);
      }
  }
}

/* With the variants from `first` on. */
static void
test_frame (SympieContext *const contexts[N_VARIANTS], int first,
    const char *format, int width, int height,
    const SympieColorimetry *colorimetry, const double *expected)
{
  uint64_t seed = 1;
  SympieParams params;
  SympieError error = { 0 };
  float gate;
  Frame frame;
  int i = 0;

  while (i < SYMPIE_N_FORMATS && strcmp (sympie_format_info (i)->name, format))
    i++;
  if (!CHECK (i < SYMPIE_N_FORMATS, "no format %s", format))
    return;
  frame = frame_new (i, width, height, 12, colorimetry, &seed);
  fill (&frame);
  for (int v = first; v < N_VARIANTS; v++)
    if (contexts[v]
        && CHECK (
            sympie_estimate (contexts[v], &frame.image, &params, &gate, &error),
            "%s", error.message)) {
      double off = distance (&params, expected);

      worst_frame = fmax (worst_frame, off);
      CHECK (off < tolerance, "%s, %s %dx%d: off by %g", variants[v].name,
          format, width, height, off);
      CHECK (fabs (gate - expected[SYMPIE_N_PARAMS]) < gate_tolerance,
          "%s, %s %dx%d: gate %g, not %g", variants[v].name, format, width,
          height, gate, expected[SYMPIE_N_PARAMS]);
    }
  frame_clear (&frame);
}

/* ---- Golden data ------------------------------------------------------- */

static bool
read_numbers (FILE *file, double *numbers)
{
  for (int i = 0; i < SYMPIE_N_PARAMS + 1; i++)
    if (!CHECK (fscanf (file, "%lf", &numbers[i]) == 1, "number %d", i))
      return false;
  return true;
}

static void
test_golden (FILE *file, SympieContext *const contexts[N_VARIANTS])
{
  int n_crops = 0, n_frames = 0;
  char kind[8];

  while (fscanf (file, "%7s", kind) == 1) {
    double expected[SYMPIE_N_PARAMS + 1]; /* and the gate */

    if (strcmp (kind, "crop") == 0) {
      int weights, seed;

      if (!CHECK (
              fscanf (file, "%d %d", &weights, &seed) == 2, "crop %d", n_crops)
          || !read_numbers (file, expected))
        return;
      if (!on_cuda)
        test_crop (weights, seed, expected);
      n_crops++;
    } else {
      SympieColorimetry colorimetry;
      char format[16];
      int width, height, full;

      if (!CHECK (fscanf (file, "%15s %d %d %d %f %f %u", format, &width,
                      &height, &full, &colorimetry.kr, &colorimetry.kb,
                      &colorimetry.chroma_site)
                      == 7,
              "frame %d", n_frames)
          || !read_numbers (file, expected))
        return;
      colorimetry.full_range = full;
      /* of which none has a gate between shut and open; so another one */
      if (!on_cuda || n_frames < N_CUDA_FRAMES
          || fabs (expected[SYMPIE_N_PARAMS] - 0.5) < 0.5)
        test_frame (contexts, check_is_slow && !on_cuda && n_frames % 4, format,
            width, height, &colorimetry, expected);
      n_frames++;
    }
  }
  CHECK (n_crops == 3 && n_frames == 14, "%d crops and %d frames in nem.txt",
      n_crops, n_frames);
}

int
main (int argc, char **argv)
{
  FILE *file = fopen (check_golden ("nem.txt"), "r");
  SympieConfig config = SYMPIE_CONFIG_INIT;
  SympieContext *contexts[N_VARIANTS] = { NULL };
  SympieError error = { 0 };

  config.weights = weights_path (0);
  config.n_threads = 2;
  config.ignore_gate = true;
  on_cuda = argc > 1 && strcmp (argv[1], "cuda") == 0;
  if (on_cuda) {
    config.device = SYMPIE_DEVICE_CUDA;
    tolerance = gate_tolerance = 2e-2;
    if (!sympie_cuda_available (0, &error)) {
      printf ("skipped: %s\n", error.message);
      return CHECK_SKIPPED;
    }
  }
  for (int v = 0; v < (on_cuda ? 1 : N_VARIANTS); v++) {
    config.cpu_disabled = variants[v].disabled;
    contexts[v] = sympie_open (&config, &error);
    CHECK (contexts[v], "%s", error.message);
  }
  if (CHECK (file, "cannot open %s", check_golden ("nem.txt")))
    test_golden (file, contexts);
  printf (
      "off by at most %g for crops, %g for frames\n", worst_crop, worst_frame);
  for (int v = 0; v < N_VARIANTS; v++)
    sympie_close (contexts[v]);
  if (file)
    fclose (file);
  temporary_clear ();
  return check_end ();
}
