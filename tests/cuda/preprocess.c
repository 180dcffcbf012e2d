/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Preprocessing on the GPU against its definition in double precision: frames
 * that shrink and that grow, all formats and chroma sites.
 *
 * preprocess [SEED] repeats a failing run. */

#include <math.h>

#include "cuda/resize.h"
#include "gpu.h"
#include "half.h"

enum
{
  N = SYMPIE_NEM_SIZE,
  CHANNELS = SYMPIE_CUDA_CROP_CHANNELS,
};

static const double mean[3] = { 0.485, 0.456, 0.406 };
static const double std[3] = { 0.229, 0.224, 0.225 };

static const int sizes[][2] = { { 385, 289 }, { 1, 1 }, { 3, 7 }, { 100, 60 },
  { 232, 232 }, { 233, 700 } };

static double
limit (double value, double low, double high)
{
  return value < low ? low : value > high ? high : value;
}

/* A component at a pixel, chroma interpolated. */
static double
code_at (const Frame *frame, int c, int x, int y)
{
  const SympieComponent *component =
      &sympie_format_info (frame->image.format)->component[c];
  unsigned site = frame->image.colorimetry.chroma_site;
  int width = sympie_component_width (component, frame->image.width);
  int height = sympie_component_height (component, frame->image.height);
  double px = x, py = y, sum = 0;

  if (component->sub_x)
    px = site & SYMPIE_CHROMA_LEFT ? x / 2. : (x - 0.5) / 2;
  if (component->sub_y)
    py = site & SYMPIE_CHROMA_TOP ? y / 2. : (y - 0.5) / 2;
  px = limit (px, 0, width - 1);
  py = limit (py, 0, height - 1);
  for (int j = 0; j < 2; j++)
    for (int i = 0; i < 2; i++) {
      int nx = (int) px + i, ny = (int) py + j;
      double weight = (1 - fabs (px - nx)) * (1 - fabs (py - ny));

      if (weight > 0)
        sum += weight * frame_get (frame, c, nx, ny);
    }
  return sum;
}

/* Weight of pixel `x` of an axis in output `i` of the axis once resized. */
static double
weight_of (int x, int i, int size, int resized)
{
  if (resized <= size) {
    double ratio = (double) size / resized;
    double begin = fmax (i * ratio, x), end = fmin ((i + 1) * ratio, x + 1);

    return fmax (end - begin, 0) / ratio;
  }
  double position = limit ((i + 0.5) * size / resized - 0.5, 0, size - 1);

  return fmax (1 - fabs (position - x), 0);
}

static void
expected_pixel (
    const Frame *frame, const SympieColour *colour, int i, int j, double rgb[3])
{
  int width = frame->image.width, height = frame->image.height;
  int64_t smaller = width < height ? width : height;
  int resized_w = (int) (width * (int64_t) SYMPIE_NEM_RESIZE / smaller);
  int resized_h = (int) (height * (int64_t) SYMPIE_NEM_RESIZE / smaller);
  int at_x = (resized_w - N) / 2 + i, at_y = (resized_h - N) / 2 + j;
  double code[3] = { 0 };

  for (int y = 0; y < height; y++) {
    double weight_y = weight_of (y, at_y, height, resized_h);

    for (int x = 0; weight_y > 0 && x < width; x++) {
      double weight = weight_y * weight_of (x, at_x, width, resized_w);

      for (int c = 0; weight > 0 && c < 3; c++)
        code[c] += weight * code_at (frame, c, x, y);
    }
  }
  for (int c = 0; c < 3; c++) {
    double value = 0;

    for (int d = 0; d < 3; d++)
      value += colour->to_rgb[c][d] * (code[d] - colour->offset[d]);
    rgb[c] = (limit (value, 0, 1) - mean[c]) / std[c];
  }
}

static float
value_at (const void *crop, size_t i, bool half)
{
  return half ? sympie_half_to_float (((const uint16_t *) crop)[i])
              : ((const float *) crop)[i];
}

static void
test (SympieFormat format, int width, int height, bool half,
    const SympieColorimetry *colorimetry, uint64_t *seed)
{
  const SympieFormatInfo *info = sympie_format_info (format);
  /* Samples of 16 bits must stay aligned. */
  int padding = info->depth > 8 ? 6 : 5;
  Frame frame = frame_new (format, width, height, padding, colorimetry, seed);
  SympieImage image = gpu_frame_new (&frame);
  size_t size = (size_t) N * N * CHANNELS * (half ? 2 : 4);
  void *crop = malloc (size), *device = gpu_new (NULL, size);
  SympieCudaResize resize = { 0 };
  SympieColour colour;
  double largest = 0;
  bool zeros = true;

  sympie_colour_init (&colour, info, colorimetry);
  CHECK (sympie_cuda_resize_prepare (&resize, &image, gpu_stream (), NULL),
      "%s %dx%d", info->name, width, height);
  GPU (sympie_cuda_preprocess (
      &image, resize.taps, device, half, gpu_target ()));
  gpu_get (crop, device, size);

  /* Some pixels are enough: all corners, and a scatter. */
  for (int k = 0; k < 400; k++) {
    int x = k < 4 ? k % 2 * (N - 1) : (int) (check_random (seed) % N);
    int y = k < 4 ? k / 2 * (N - 1) : (int) (check_random (seed) % N);
    size_t at = (size_t) (y * N + x) * CHANNELS;
    double rgb[3];

    expected_pixel (&frame, &colour, x, y, rgb);
    for (int c = 0; c < 3; c++)
      largest = fmax (largest, fabs (value_at (crop, at + c, half) - rgb[c]));
  }
  for (size_t i = 0; i < (size_t) N * N * CHANNELS; i++)
    if (i % CHANNELS > 2 && value_at (crop, i, half) != 0)
      zeros = false;
  /* Half of the last place at 2.6, or rounding to float along the way. */
  CHECK (largest <= (half ? 0.00125 : 2e-5), "%s %dx%d, %s: %g off", info->name,
      width, height, half ? "half" : "float", largest);
  CHECK (zeros, "%s %dx%d", info->name, width, height);

  sympie_cuda_resize_clear (&resize);
  gpu_frame_free (&image);
  GPU (cudaFree (device));
  free (crop);
  frame_clear (&frame);
}

int
main (int argc, char **argv)
{
  uint64_t seed = check_seed (argc > 1 ? argv[1] : NULL);

  gpu_stream ();
  for (int format = 0; sympie_format_is_on_cuda (format); format++)
    for (int s = 0; s < 6; s++) {
      SympieColorimetry colorimetry = { 0.2126f, 0.0722f,
        check_random (&seed) & 1, check_random (&seed) & 3 };

      /* The first size for all, the others in turn. */
      if (s == 0 || s == 1 + format % 5)
        test (format, sizes[s][0], sizes[s][1], (s + format) & 1, &colorimetry,
            &seed);
    }
  return check_end ();
}
