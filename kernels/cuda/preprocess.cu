/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* From a frame in its own format to what a network sees: NEM's crop, or all of
 * it. A thread makes one pixel: sums of luma and chroma codes with the taps of
 * both axes, then RGB. */

#include "device.h"

#include "../standard.h"
#include "kernels.h"

namespace {

constexpr int THREADS = SYMPIE_NEM_SIZE;

struct Plane
{
  const uint8_t *data; /* first sample of a component */
  ptrdiff_t stride;
  int step;
};

struct Source
{
  Plane component[3];
  SympieCudaTaps taps[4];          /* x and y of luma, x and y of chroma */
  float matrix[3][3], constant[3]; /* codes to standardised RGB */
  float low[3], high[3];           /* black and white */
  int shift;
};

/* Of N components that share their taps. As many samples as a pass has are on
 * their way before the first is needed: of a frame of 1080p that is half the
 * luma, or half of both chromas. Where there are fewer, the last ones come
 * again and weigh nothing. */
template <typename Sample, int N>
__device__ __forceinline__ void
sum_of_taps (const Plane planes[N], const SympieCudaTaps &x_taps,
    const SympieCudaTaps &y_taps, int x, int y, int shift, float sums[N])
{
  constexpr int ROWS = 3, COLUMNS = 6; /* of a pass */
  const int last_x = x_taps.count - 1, last_y = y_taps.count - 1;
  const int step = planes[0].step, first = x_taps.start[x] * step;
  int row = y_taps.start[y];

  for (int c = 0; c < N; c++)
    sums[c] = 0;
#pragma unroll 1
  for (int j = 0; j <= last_y; j += ROWS) {
    float of_rows[ROWS][N] = {};
    const uint8_t *rows[ROWS][N];

    for (int r = 0; r < ROWS; r++)
      for (int c = 0; c < N; c++)
        rows[r][c] =
            planes[c].data + (row + min (j + r, last_y)) * planes[c].stride;
#pragma unroll 1
    for (int i = 0; i <= last_x; i += COLUMNS) {
      Sample samples[ROWS][COLUMNS][N];
      float weights[COLUMNS];

#pragma unroll
      for (int k = 0; k < COLUMNS; k++) {
        int tap = min (i + k, last_x);
        unsigned at = (unsigned) (first + tap * step);

        for (int r = 0; r < ROWS; r++)
          for (int c = 0; c < N; c++)
            samples[r][k][c] = *(const Sample *) (rows[r][c] + at);
        weights[k] = i + k <= last_x ? x_taps.weights[tap * x_taps.n + x] : 0;
      }
#pragma unroll
      for (int k = 0; k < COLUMNS; k++)
        for (int r = 0; r < ROWS; r++)
          for (int c = 0; c < N; c++)
            of_rows[r][c] += weights[k] * (float) (samples[r][k][c] >> shift);
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++)
      if (j + r <= last_y)
        for (int c = 0; c < N; c++)
          sums[c] += y_taps.weights[(j + r) * y_taps.n + y] * of_rows[r][c];
  }
}

template <typename T, typename Sample>
__global__ void
__launch_bounds__ (THREADS) preprocess (Source source, T *crop)
{
  int width = source.taps[0].n, y = blockIdx.x;
  int x = blockIdx.y * THREADS + threadIdx.x;
  Pack<T, SYMPIE_CUDA_CROP_CHANNELS> pixel = {};
  float code[3];

  let_next_begin ();
  if (x >= width)
    return;
  sum_of_taps<Sample, 1> (source.component, source.taps[0], source.taps[1], x,
      y, source.shift, code);
  sum_of_taps<Sample, 2> (source.component + 1, source.taps[2], source.taps[3],
      x, y, source.shift, code + 1);
  for (int c = 0; c < 3; c++) {
    float value = source.constant[c];

    for (int d = 0; d < 3; d++)
      value += source.matrix[c][d] * code[d];
    pixel.values[c] = T (fminf (fmaxf (value, source.low[c]), source.high[c]));
  }
  ((decltype (pixel) *) crop)[(size_t) y * width + x] = pixel;
}

template <typename T>
cudaError_t
run (const Source &source, int depth, T *crop, SympieCudaTarget *to)
{
  dim3 grid (source.taps[1].n, (source.taps[0].n + THREADS - 1) / THREADS);

  return launch (depth > 8 ? preprocess<T, uint16_t> : preprocess<T, uint8_t>,
      grid, THREADS, 0, to, source, crop);
}

} // namespace

cudaError_t
sympie_cuda_preprocess (const SympieImage *image, const SympieCudaTaps taps[4],
    void *crop, bool as_half, SympieCudaTarget *to)
{
  const SympieFormatInfo *info = sympie_format_info (image->format);
  SympieColour colour;
  Source source;

  sympie_colour_init (&colour, info, &image->colorimetry);
  source.shift = info->component[0].shift;
  for (int i = 0; i < 4; i++)
    source.taps[i] = taps[info->yuv ? i : i % 2]; /* R, G, B are alike */
  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &info->component[c];

    source.component[c] = { image->planes[component->plane] + component->offset,
      image->strides[component->plane], component->step };
    source.low[c] = (0 - sympie_mean[c]) / sympie_std[c];
    source.high[c] = (1 - sympie_mean[c]) / sympie_std[c];
    source.constant[c] = source.low[c];
    for (int d = 0; d < 3; d++) {
      source.matrix[c][d] = colour.to_rgb[c][d] / sympie_std[c];
      source.constant[c] -= source.matrix[c][d] * colour.offset[d];
    }
  }
  return as_half ? run (source, info->depth, (half *) crop, to)
                 : run (source, info->depth, (float *) crop, to);
}
