/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM, from and to every format.
 *
 * The colour operators and the filter commute but for the border, so the filter
 * comes first, on R, G, B. A block filters a region of 64x32 pixels; it brings
 * them with a margin of 2 to shared memory as samples around zero, which half
 * holds exactly for 8-bit RGB. The 5x5 filter is a matrix product: 16 rows of
 * 16 samples times a 16x8 band matrix of one row of taps give 16x8 pixels, and
 * the five rows of taps add up. A lane then holds R, G and B of the same
 * pixels: it mixes them and writes them, or leaves chroma in shared memory for
 * the average.
 *
 * Subsampled formats write only a part of the region, whose other pixels are
 * there for the averages on the tile's left and top. */

#include "device.h"
#include "matrix.h"

#include "../standard.h"
#include "kernels.h"

namespace {

constexpr int REGION_W = 64, REGION_H = 32;
constexpr int INPUT_W = REGION_W + 8; /* 4 are needed, 8 are read */
constexpr int INPUT_H = REGION_H + 4;
constexpr int INPUT = INPUT_W * INPUT_H;
constexpr int THREADS = 256; /* 8 warps of 16x16 pixels */

/* How the pixels lie in memory. */
template <typename Sample_, bool word, bool yuv, int sub_x, int sub_y>
struct Layout
{
  using Sample = Sample_;
  static constexpr bool WORD = word; /* a pixel is a word of 4 bytes */
  static constexpr bool YUV = yuv;
  static constexpr int SUB_X = sub_x, SUB_Y = sub_y;

  /* Pixels of the region before the tile. 4 keep the tile aligned. */
  static constexpr int MARGIN_X = sub_x ? 4 : 0;
  static constexpr int MARGIN_Y = sub_y ? 2 : 0;
  static constexpr int TILE_W = REGION_W - MARGIN_X;
  static constexpr int TILE_H = REGION_H - MARGIN_Y;
};

struct Arguments
{
  int width, height;
  SympieCudaPlane src[3], dst[3];
  unsigned component_shift[3]; /* bits, of R, G, B in a word */
  unsigned kept;               /* mask of alpha or padding in a word */
  int shift, max;
  bool left, top; /* chroma's site */
  float offset[3], to_rgb[3][3], from_rgb[3][3];
  float mean[3], std[3];    /* of standardised space */
  float centre[3], unit[3]; /* x = centre + sample / unit */
  const float *params;
  float strength;
};

/* What a block needs of the parameters: out[c] = mean[c]
 *   + sum over d of mix[c][d] * sum_d + bias[c] * (sum of the taps inside). */
struct Coefficients
{
  float kernel[25];
  float mix[3][3], bias[3];
  float scale; /* largest tap: those in the matrices are divided by it */
  float sum;   /* of all taps */
  float fine;  /* whether the taps need a second half for their low bits */
};

constexpr int N_COEFFICIENTS = sizeof (Coefficients) / sizeof (float);

__device__ float
blended (const Arguments &a, int i, bool one)
{
  return (1 - a.strength) * one + a.strength * a.params[i];
}

/* Every thread computes all of it: 37 numbers, mostly from the cache. */
__device__ void
fold (const Arguments &a, Coefficients *fold)
{
  float error = 0, gain = 0;

  fold->scale = fold->sum = 0;
  for (int i = 0; i < 25; i++) {
    fold->kernel[i] = blended (a, 12 + i, i == 12);
    fold->scale = fmaxf (fold->scale, fabsf (fold->kernel[i]));
    fold->sum += fold->kernel[i];
  }
  fold->scale = fold->scale > 0 ? fold->scale : 1;

  for (int c = 0; c < 3; c++) {
    float of_channel = 0;

    fold->bias[c] = 0;
    for (int d = 0; d < 3; d++) {
      float mix = a.std[c] / a.std[d] * blended (a, 3 * d + c, c == d);
      float pad = a.mean[d] - a.std[d] * blended (a, 9 + d, false);

      fold->bias[c] += mix * (a.centre[d] - pad);
      fold->mix[c][d] = mix / a.unit[d];
      of_channel += fabsf (fold->mix[c][d]) * 128;
    }
    gain = fmaxf (gain, of_channel);
  }

  for (int i = 0; i < 25; i++) {
    float tap = fold->kernel[i] / fold->scale;

    error += fabsf (tap - to_float (from_float<half> (tap)));
  }
  /* A tenth of a level of 8 bits. */
  fold->fine = error * fold->scale * gain > 0.1f / 255;
}

template <typename Sample>
__device__ __forceinline__ float
load_code (const SympieCudaPlane &plane, int x, int y, int shift)
{
  return (float) (*(const Sample *) (plane.data + y * plane.stride
                                     + (ptrdiff_t) x * plane.step)
                  >> shift);
}

template <typename Sample>
__device__ __forceinline__ void
store_code (const SympieCudaPlane &plane, int x, int y, int code, int shift)
{
  *(Sample *) (plane.data + y * plane.stride + (ptrdiff_t) x * plane.step) =
      (Sample) (code << shift);
}

__device__ __forceinline__ int
round_code (float value, int max)
{
  return (int) fminf (fmaxf (rintf (value), 0), (float) max);
}

/* One chroma component of the 1, 2 or 4 pixels of chroma sample (cx, cy), up-
 * sampled bilinearly. */
template <class L>
__device__ __forceinline__ void
load_chroma (const Arguments &a, int component, int cx, int cy,
    float values[1 << L::SUB_Y][1 << L::SUB_X])
{
  int width = (a.width + L::SUB_X) >> L::SUB_X;
  int height = (a.height + L::SUB_Y) >> L::SUB_Y;
  float row[3][1 << L::SUB_X]; /* the rows above, here and below */

  for (int j = 0; j < 1 + 2 * L::SUB_Y; j++) {
    int y = min (max (cy + j - L::SUB_Y, 0), height - 1);
    float here = load_code<typename L::Sample> (
        a.src[component], min (max (cx, 0), width - 1), y, a.shift);

    row[j][0] = here;
    if (L::SUB_X) {
      float before = load_code<typename L::Sample> (
          a.src[component], min (max (cx - 1, 0), width - 1), y, a.shift);
      float after = load_code<typename L::Sample> (
          a.src[component], min (max (cx + 1, 0), width - 1), y, a.shift);

      row[j][0] = a.left ? here : 0.25f * before + 0.75f * here;
      row[j][L::SUB_X] =
          a.left ? 0.5f * here + 0.5f * after : 0.75f * here + 0.25f * after;
    }
  }
  for (int i = 0; i < 1 << L::SUB_X; i++) {
    values[0][i] = row[0][i];
    if (L::SUB_Y) {
      values[0][i] = a.top ? row[1][i] : 0.25f * row[0][i] + 0.75f * row[1][i];
      values[L::SUB_Y][i] = a.top ? 0.5f * row[1][i] + 0.5f * row[2][i]
                                  : 0.75f * row[1][i] + 0.25f * row[2][i];
    }
  }
}

/* The samples of the pixels of one chroma sample, from pixel (x, y) on. */
template <typename T, class L>
__device__ __forceinline__ void
load_samples (
    const Arguments &a, const SharedArray<T> &input, int at, int x, int y)
{
  if constexpr (!L::YUV) {
    bool inside = x >= 0 && x < a.width && y >= 0 && y < a.height;
    float code[3] = { 0, 0, 0 };

    if (L::WORD) {
      uint32_t word = 0;

      if (inside)
        word = *(const uint32_t *) (a.src[0].data + y * a.src[0].stride
                                    + (ptrdiff_t) x * 4);
      for (int c = 0; c < 3; c++)
        code[c] = (float) (word >> a.component_shift[c] & 0xff);
    } else if (inside) {
      for (int c = 0; c < 3; c++)
        code[c] = load_code<typename L::Sample> (a.src[c], x, y, a.shift);
    }
    for (int c = 0; c < 3; c++)
      input.set (c * INPUT + at, from_float<T> (inside ? code[c] - 128 : 0));
  } else {
    float u[1 << L::SUB_Y][1 << L::SUB_X], v[1 << L::SUB_Y][1 << L::SUB_X];

    load_chroma<L> (a, 1, x >> L::SUB_X, y >> L::SUB_Y, u);
    load_chroma<L> (a, 2, x >> L::SUB_X, y >> L::SUB_Y, v);
    for (int j = 0; j < 1 << L::SUB_Y; j++)
      for (int i = 0; i < 1 << L::SUB_X; i++) {
        bool inside =
            x + i >= 0 && x + i < a.width && y + j >= 0 && y + j < a.height;
        float yuv[3] = { 0, u[j][i] - a.offset[1], v[j][i] - a.offset[2] };

        if (inside)
          yuv[0] =
              load_code<typename L::Sample> (a.src[0], x + i, y + j, a.shift)
              - a.offset[0];
        for (int c = 0; c < 3; c++) {
          float value = a.to_rgb[c][0] * yuv[0] + a.to_rgb[c][1] * yuv[1]
                        + a.to_rgb[c][2] * yuv[2];

          value = (fminf (fmaxf (value, 0), 1) - 0.5f) * 255;
          input.set (c * INPUT + at + j * INPUT_W + i,
              from_float<T> (inside ? value : 0));
        }
      }
  }
}

/* Sum of the taps that fall inside the frame at a pixel near its border. */
__device__ float
sum_inside (const Arguments &a, const SharedArray<float> &kernel, int x, int y)
{
  float sum = 0;

  for (int i = 0; i < 25; i++) {
    int tx = x + i % 5 - 2, ty = y + i / 5 - 2;

    if (tx >= 0 && tx < a.width && ty >= 0 && ty < a.height)
      sum += kernel.get (i);
  }
  return sum;
}

/* The mean around the site of chroma sample (cx, cy) of an array of the
 * region, whose pixel (0, 0) is (x0, y0) of the frame. */
template <typename T, class L>
__device__ float
average (const Arguments &a, const SharedArray<T> &array, int first, int cx,
    int cy, int x0, int y0)
{
  float sum = 0;

  for (int j = L::SUB_Y ? -1 : 0; j <= L::SUB_Y; j++) {
    /* Weights 1/4 1/2 1/4 around a pixel, or 1/2 1/2 between two. */
    float weight_y = !L::SUB_Y ? 1
                     : a.top   ? (j ? 0.25f : 0.5f)
                               : (j < 0 ? 0 : 0.5f);
    int y = min (max ((cy << L::SUB_Y) + j, 0), a.height - 1) - y0;

    for (int i = -1; i <= 1; i++) {
      float weight =
          weight_y * (a.left ? (i ? 0.25f : 0.5f) : (i < 0 ? 0 : 0.5f));
      int x = min (max ((cx << L::SUB_X) + i, 0), a.width - 1) - x0;

      if (weight > 0)
        sum += weight * to_float (array.get (first + y * REGION_W + x));
    }
  }
  return sum;
}

template <typename T, class L>
__global__ void
__launch_bounds__ (THREADS) dwm (Arguments a)
{
  SharedLayout shared;
  auto input = shared.array<T> (3 * INPUT);
  auto coefficients = shared.array<float> (N_COEFFICIENTS);
  auto chroma = shared.array<T> (L::SUB_X ? 2 * REGION_W * REGION_H : 0);
  int x0 = (int) blockIdx.x * L::TILE_W - L::MARGIN_X;
  int y0 = (int) blockIdx.y * L::TILE_H - L::MARGIN_Y;
  int warp = threadIdx.x / 32, g = lane_of_warp () / 4, t = lane_of_warp () % 4;
  int region_x = warp % 4 * 16, region_y = warp / 4 * 16;

  if (threadIdx.x < 32) {
    Coefficients all;
    float values[N_COEFFICIENTS];

    fold (a, &all);
    memcpy (values, &all, sizeof all);
#pragma unroll
    for (int i = 0; i < N_COEFFICIENTS; i++)
      if (i % 32 == lane_of_warp ())
        coefficients.set (i, values[i]);
  }
  for (int i = threadIdx.x; i < (INPUT >> (L::SUB_X + L::SUB_Y));
       i += THREADS) {
    int x = i % (INPUT_W >> L::SUB_X) << L::SUB_X;
    int y = i / (INPUT_W >> L::SUB_X) << L::SUB_Y;

    load_samples<T, L> (a, input, y * INPUT_W + x, x0 - 2 + x, y0 - 2 + y);
  }
  __syncthreads ();

  /* The filter. Column n of the band matrix has the taps from row n on. */
  Sums sums[3][2];
  float scale = coefficients.get (offsetof (Coefficients, scale) / 4);
  bool fine = coefficients.get (offsetof (Coefficients, fine) / 4) != 0;

  for (int c = 0; c < 3; c++)
    for (int s = 0; s < 2; s++)
      for (int e = 0; e < 4; e++)
        sums[c][s].values[e] = 0;
#pragma unroll 1
  for (int part = 0; part < (fine ? 2 : 1); part++)
#pragma unroll(sizeof(T) == sizeof(half) ? 5 : 1)
    for (int ky = 0; ky < 5; ky++) {
      Columns<T> band[2];

      for (int h = 0; h < 2; h++) {
        float pair[2];

        for (int e = 0; e < 2; e++) {
          int kx = h * 8 + 2 * t + e - g;
          bool is_tap = kx >= 0 && kx < 5;
          float tap = coefficients.get (ky * 5 + (is_tap ? kx : 0)) / scale;

          if (part == 1)
            tap -= to_float (from_float<T> (tap));
          pair[e] = is_tap ? tap : 0;
        }
        band[h] = make_columns<T> (pair[0], pair[1]);
      }
#pragma unroll
      for (int c = 0; c < 3; c++) {
        int at = c * INPUT + (region_y + ky) * INPUT_W + region_x;
        Rows<T> rows[3];

        load_rows_twice (rows, input, at, INPUT_W);
        load_rows (&rows[2], input, at + 16, INPUT_W);
        multiply (&sums[c][0], rows[0], rows[1], band[0], band[1]);
        multiply (&sums[c][1], rows[1], rows[2], band[0], band[1]);
      }
    }

  /* Colour, two neighbouring pixels at a time. */
  float mix[3][3], bias[3];
  float sum_of_taps = coefficients.get (offsetof (Coefficients, sum) / 4);

  for (int c = 0; c < 3; c++) {
    bias[c] = coefficients.get (offsetof (Coefficients, bias) / 4 + c);
    for (int d = 0; d < 3; d++)
      mix[c][d] =
          coefficients.get (offsetof (Coefficients, mix) / 4 + c * 3 + d)
          * scale;
  }
#pragma unroll
  for (int i = 0; i < 4; i++) {
    int column = region_x + i / 2 * 8 + 2 * t, row = region_y + i % 2 * 8 + g;
    int y = y0 + row;
    float rgb[2][3];

#pragma unroll
    for (int e = 0; e < 2; e++) {
      int x = x0 + column + e;
      float inside = sum_of_taps;

      if (x < 2 || x >= a.width - 2 || y < 2 || y >= a.height - 2)
        inside = sum_inside (a, coefficients, x, y);
      for (int c = 0; c < 3; c++) {
        float value = a.mean[c] + inside * bias[c];

        for (int d = 0; d < 3; d++)
          value += mix[c][d] * sums[d][i / 2].values[i % 2 * 2 + e];
        rgb[e][c] = fminf (fmaxf (value, 0), 1);
      }
    }

#pragma unroll
    for (int e = 0; e < 2; e++) {
      int x = x0 + column + e;
      bool is_ours = column + e >= L::MARGIN_X && row >= L::MARGIN_Y
                     && x < a.width && y < a.height;
      float code[3];

      for (int c = 0; c < 3; c++)
        code[c] = a.from_rgb[c][0] * rgb[e][0] + a.from_rgb[c][1] * rgb[e][1]
                  + a.from_rgb[c][2] * rgb[e][2];
      if (L::WORD && is_ours) {
        ptrdiff_t at = (ptrdiff_t) x * 4;
        uint32_t word =
            *(const uint32_t *) (a.src[0].data + y * a.src[0].stride + at)
            & a.kept;

        for (int c = 0; c < 3; c++)
          word |= (uint32_t) round_code (code[c] + a.offset[c], a.max)
                  << a.component_shift[c];
        *(uint32_t *) (a.dst[0].data + y * a.dst[0].stride + at) = word;
      } else if (is_ours) {
        for (int c = 0; c < (L::SUB_X ? 1 : 3); c++)
          store_code<typename L::Sample> (a.dst[c], x, y,
              round_code (code[c] + a.offset[c], a.max), a.shift);
      }
      if (L::SUB_X)
        for (int c = 1; c < 3; c++)
          chroma.set (
              (c - 1) * REGION_W * REGION_H + row * REGION_W + column + e,
              from_float<T> (code[c]));
    }
  }

  if constexpr (L::SUB_X) {
    constexpr int W = L::TILE_W >> L::SUB_X, H = L::TILE_H >> L::SUB_Y;

    __syncthreads ();
    for (int i = threadIdx.x; i < 2 * W * H; i += THREADS) {
      /* U and V of a sample one after the other, as semi-planar formats lie. */
      int c = 1 + i % 2;
      int x = (int) blockIdx.x * W + i / 2 % W;
      int y = (int) blockIdx.y * H + i / 2 / W;

      if (x << L::SUB_X >= a.width || y << L::SUB_Y >= a.height)
        continue;
      store_code<typename L::Sample> (a.dst[c], x, y,
          round_code (a.offset[c]
                          + average<T, L> (a, chroma,
                              (c - 1) * REGION_W * REGION_H, x, y, x0, y0),
              a.max),
          a.shift);
    }
  }
}

template <typename T, class L>
cudaError_t
run (const Arguments &arguments, SympieCudaTarget *to)
{
  dim3 grid ((arguments.width + L::TILE_W - 1) / L::TILE_W,
      (arguments.height + L::TILE_H - 1) / L::TILE_H);
  size_t shared = 3 * INPUT * sizeof (T)
                  + (N_COEFFICIENTS * sizeof (float) + 15) / 16 * 16
                  + (L::SUB_X ? 2 * REGION_W * REGION_H * sizeof (T) : 0);

  return launch (dwm<T, L>, grid, THREADS, shared, to, arguments);
}

template <typename T>
cudaError_t
run_format (const SympieFormatInfo *info, const Arguments &arguments,
    SympieCudaTarget *to)
{
  const SympieComponent *chroma = &info->component[1];

  if (sympie_format_is_packed (info))
    return run<T, Layout<uint8_t, true, false, 0, 0>> (arguments, to);
  if (!info->yuv)
    return run<T, Layout<uint8_t, false, false, 0, 0>> (arguments, to);
  if (info->depth > 8)
    return run<T, Layout<uint16_t, false, true, 1, 1>> (arguments, to);
  if (chroma->sub_y)
    return run<T, Layout<uint8_t, false, true, 1, 1>> (arguments, to);
  if (chroma->sub_x)
    return run<T, Layout<uint8_t, false, true, 1, 0>> (arguments, to);
  return run<T, Layout<uint8_t, false, true, 0, 0>> (arguments, to);
}

} // namespace

cudaError_t
sympie_cuda_dwm (const SympieCudaFrame *src, const SympieCudaFrame *dst,
    const SympieColour *colour, unsigned chroma_site, const float *params,
    float strength, bool as_half, SympieCudaTarget *to)
{
  const SympieFormatInfo *info = src->info;
  Arguments a = {};

  a.width = src->width;
  a.height = src->height;
  a.shift = info->component[0].shift;
  a.max = colour->max;
  a.left = chroma_site & SYMPIE_CHROMA_LEFT;
  a.top = chroma_site & SYMPIE_CHROMA_TOP;
  a.params = params;
  a.strength = strength;
  for (int c = 0; c < 3; c++) {
    a.src[c] = src->component[c];
    a.dst[c] = dst->component[c];
    a.offset[c] = colour->offset[c];
    a.mean[c] = sympie_mean[c];
    a.std[c] = sympie_std[c];
    for (int d = 0; d < 3; d++) {
      a.to_rgb[c][d] = colour->to_rgb[c][d];
      a.from_rgb[c][d] = colour->from_rgb[c][d];
    }
    a.unit[c] = info->yuv ? 255 : colour->from_rgb[c][c];
    a.centre[c] =
        info->yuv ? 0.5f : colour->to_rgb[c][c] * (128 - colour->offset[c]);
  }
  if (sympie_format_is_packed (info)) {
    /* The word begins where the pixel does, on a little-endian machine. */
    a.kept = 0xffu << 8 * info->component[3].offset;
    a.src[0].data -= info->component[0].offset;
    a.dst[0].data -= info->component[0].offset;
    for (int c = 0; c < 3; c++)
      a.component_shift[c] = 8 * info->component[c].offset;
  }
  return as_half ? run_format<half> (info, a, to)
                 : run_format<float> (info, a, to);
}
