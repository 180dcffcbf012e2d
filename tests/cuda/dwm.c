/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM on the GPU against its definition, all formats, sizes that fit no tile,
 * rows with padding, which must stay as it is.
 *
 * dwm [SEED] repeats a failing run. */

#include <math.h>

#include "../kernels/dwm_definition.h"
#include "gpu.h"

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

/* The last ones have blocks inside the frame, which meet no border; rows of the
 * first one of them are aligned to no more than samples (or pixels of 4 bytes)
 * must be, those of the second are to what is moved at once. */
static const struct
{
  int width, height, padding;
} sizes[] = { { 1, 1, 12 }, { 3, 7, 12 }, { 61, 31, 12 }, { 64, 32, 16 },
  { 129, 66, 15 }, { 271, 75, 15 }, { 400, 107, 16 } };

/* How far the parameters may be from the identity, and how far the codes, in
 * levels of 8 bits, then from what they should be before rounding: on tensor
 * cores samples of YUV frames are rounded to 11 bits. */
static const struct
{
  const char *name;
  float spread, strength;
  double largest;
} kinds[] = {
  { "identity", 0, 1, 0.7 }, { "mild", 0.05f, 1, 0.7 }, { "strong", 1, 1, 2 },
  { "halved", 0.2f, 0.5f, 0.7 },
  { "unused", 0.2f, 0, 0 }, /* leaves all bytes as they are */
};

static SympieParams
random_params (float spread, uint64_t *seed)
{
  SympieParams params;

  sympie_params_identity (&params);
  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    params.values[i] += check_random_float (seed, -spread, spread);
  return params;
}

/* `mean` is that of the difference from the rounded codes. */
static void
compare (const Frame *frame, const Definition *definition, double *largest,
    double *mean)
{
  const SympieFormatInfo *info = sympie_format_info (frame->image.format);
  double level = info->depth > 8 ? 4 : 1, sum = 0;
  size_t n = 0;

  *largest = 0;
  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &info->component[c];
    int width = sympie_component_width (component, frame->image.width);
    int height = sympie_component_height (component, frame->image.height);

    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++, n++) {
        double error = fabs (frame_get (frame, c, x, y)
                             - definition->code[c][(size_t) y * width + x])
                       / level;

        sum += fabs (frame_get (frame, c, x, y)
                     - rint (definition->code[c][(size_t) y * width + x]))
               / level;
        *largest = fmax (*largest, error);
      }
  }
  *mean = sum / (double) n;
}

static bool
same_alpha (const Frame *a, const Frame *b)
{
  const SympieFormatInfo *info = sympie_format_info (a->image.format);

  if (!sympie_format_is_packed (info))
    return true;
  for (int y = 0; y < a->image.height; y++)
    for (int x = 0; x < a->image.width; x++)
      if (a->memory[0]
                   [y * a->image.strides[0] + 4 * x + info->component[3].offset]
          != b->memory[0][y * b->image.strides[0] + 4 * x
                          + info->component[3].offset])
        return false;
  return true;
}

static void
test (int format, int width, int height, int padding, int kind,
    const SympieColorimetry *colorimetry, uint64_t *seed)
{
  const SympieFormatInfo *info = sympie_format_info (format);
  int word = sympie_format_is_packed (info) ? 4 : info->word;

  padding -= padding % word; /* see SYMPIE_MEMORY_CUDA */

  Frame src = frame_new (format, width, height, 0, colorimetry, seed);
  Frame dst = frame_new (format, width, height, padding, colorimetry, seed);
  Frame before = frame_new (format, width, height, padding, colorimetry, seed);
  SympieParams params = random_params (kinds[kind].spread, seed), blended;
  SympieParams identity;
  SympieImage device_src, device_dst;
  SympieCudaFold fold;
  Definition definition;
  double largest, mean;
  SympieCudaOperator *op = gpu_new (NULL, sympie_cuda_operator_size ());

  /* What is there before must not matter, but in the padding. */
  for (int p = 0; p < info->n_planes; p++)
    for (size_t i = 0; i < dst.size[p]; i++)
      before.memory[p][i] = dst.memory[p][i];
  device_src = gpu_frame_new (&src);
  device_dst = gpu_frame_new (&dst);
  sympie_cuda_fold_init (&fold, &device_src, kinds[kind].strength);
  GPU (sympie_cuda_fold (&fold, &params, op, gpu_target ()));
  GPU (sympie_cuda_dwm (&device_src, &device_dst, op, gpu_target ()));
  gpu_frame_get (&dst, &device_dst);

  sympie_params_identity (&identity);
  sympie_params_blend (&identity, &params, kinds[kind].strength, &blended);
  definition = dwm_definition (&src, &blended);
  compare (&dst, &definition, &largest, &mean);
  if (kinds[kind].strength == 0) {
    CHECK (frame_same_pixels (&src, &dst), "%s %dx%d, identity", info->name,
        width, height);
    largest = mean = 0;
  }
  if (!CHECK (largest <= kinds[kind].largest
                  && (mean <= 0.08 || width * height < 1000),
          "%s %dx%d, %s parameters: %.3f levels, %.3f on average", info->name,
          width, height, kinds[kind].name, largest, mean)) {
    for (int i = 0; i < SYMPIE_N_PARAMS; i++)
      fprintf (stderr, "%.9g%s", params.values[i],
          i + 1 < SYMPIE_N_PARAMS ? ", " : "\n");
  }
  CHECK (same_alpha (&src, &dst), "%s %dx%d", info->name, width, height);
  CHECK (frame_same_padding (&before, &dst), "%s %dx%d", info->name, width,
      height);

  definition_clear (&definition);
  gpu_frame_free (&device_src);
  gpu_frame_free (&device_dst);
  GPU (cudaFree (op));
  frame_clear (&src);
  frame_clear (&dst);
  frame_clear (&before);
}

int
main (int argc, char **argv)
{
  uint64_t seed = check_seed (argc > 1 ? argv[1] : NULL);
  int n_sizes = sizeof sizes / sizeof *sizes;
  int n_kinds = sizeof kinds / sizeof *kinds;

  gpu_stream ();
  for (int format = 0; sympie_format_is_on_cuda (format); format++)
    for (int s = 0; s < n_sizes; s++)
      for (int kind = 0; kind < n_kinds; kind++) {
#ifdef SYMPIE_EMULATED
        emulate_runs_backward = (s + kind) % 2;
#endif
        test (format, sizes[s].width, sizes[s].height, sizes[s].padding, kind,
            &colorimetries[(s + kind + format) % N_COLORIMETRIES], &seed);
      }
  return check_end ();
}
