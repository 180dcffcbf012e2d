/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM's way in: from a frame to R, G, B in shared memory, zero outside of the
 * frame, as the filter wants them (place_of() in fold.h).
 *
 * Samples of RGB formats are their codes; those of YUV formats are what they
 * stand for in [0, 1], less a half. A thread brings four pixels of one row, or
 * of two where rows share their chroma, in whole words and works on pairs of
 * halves. What words cannot bring comes pixel by pixel.
 *
 * A code is a half as it is: an integer's bits, taken for a half's, are that
 * integer times 2^-24. */

#ifndef SYMPIE_CUDA_DWM_LOAD_H
#define SYMPIE_CUDA_DWM_LOAD_H

#include "dwm.h"
#include "fold.h"

namespace {

/* ---- Pairs of halves ------------------------------------------------------
 */

__device__ __forceinline__ unsigned
multiply_add (unsigned x, unsigned factor, unsigned sum)
{
  return as_bits (__hfma2 (as_halves (x), as_halves (factor), as_halves (sum)));
}

__device__ __forceinline__ unsigned
multiply_halves (unsigned x, unsigned factor)
{
  return as_bits (__hmul2 (as_halves (x), as_halves (factor)));
}

__device__ __forceinline__ unsigned
clamp_halves (unsigned x)
{
  return as_bits (__hmin2 (__hmax2 (as_halves (x), as_halves (0xb800b800)),
      as_halves (0x38003800))); /* a half, either way */
}

/* R, G and B of pixels, less a half, of luma as it comes and of chroma around
 * zero times 2^-9. */
__device__ __forceinline__ void
to_rgb (
    const Arguments &a, unsigned luma, unsigned u, unsigned v, unsigned rgb[3])
{
  unsigned grey =
      multiply_halves (multiply_add (luma, a.widen, a.luma_zero), a.of_y);

  rgb[0] = multiply_add (v, a.r_of_v, grey);
  rgb[1] = multiply_add (u, a.g_of_u, multiply_add (v, a.g_of_v, grey));
  rgb[2] = multiply_add (u, a.b_of_u, grey);
  for (int c = 0; c < 3; c++)
    rgb[c] = clamp_halves (rgb[c]);
}

/* Between samples that share a row, `here` and one of its neighbours. */
__device__ __forceinline__ unsigned
between_columns (
    const Arguments &a, bool odd, unsigned here, unsigned neighbour)
{
  return multiply_add (neighbour, a.up_x[odd][1],
      multiply_add (here, a.up_x[odd][0], a.chroma_zero));
}

/* The same of a column; widened. */
__device__ __forceinline__ unsigned
between_rows (const Arguments &a, bool odd, unsigned here, unsigned neighbour)
{
  return multiply_add (
      here, a.up_y[odd][0], multiply_halves (neighbour, a.up_y[odd][1]));
}

/* ---- Pixel by pixel ------------------------------------------------------ */

template <class L>
__device__ __forceinline__ unsigned
load_code (const Arguments &a, int c, int x, int y)
{
  return load<typename L::Sample> (
             address_of (a.src[c], x * L::step (c) + a.offset[c], y))
         >> a.shift;
}

/* Where along an axis pixel `at` finds its chroma: the nearer sample and the
 * farther one. */
struct Between
{
  int near, far;
};

__device__ __forceinline__ Between
between (int at, int sub, int size)
{
  bool odd = at & sub;
  int near = at >> sub;

  if (!sub)
    return { near, near };
  return { near, min (max (near + (odd ? 1 : -1), 0), ((size + 1) >> 1) - 1) };
}

/* What a group of pixels would get. */
template <class L>
__device__ unsigned
load_chroma (const Arguments &a, int component, int x, int y)
{
  Between h = between (x, L::SUB_X, a.width);
  Between v = between (y, L::SUB_Y, a.height);
  auto in_column = [&] (int column) {
    unsigned near = load_code<L> (a, component, column, v.near);

    return L::SUB_Y ? between_rows (
               a, y & 1, near, load_code<L> (a, component, column, v.far))
           : L::SUB_X ? multiply_halves (near, a.widen)
                      : near;
  };
  unsigned here = in_column (h.near);

  return L::SUB_X ? between_columns (a, x & 1, here, in_column (h.far))
                  : multiply_add (here, a.widen, a.chroma_zero);
}

__device__ __forceinline__ void
put_pixel (const SharedArray<half> &input, int at, const unsigned bits[3])
{
  for (int c = 0; c < 3; c++)
    input.template as<uint16_t> ().set (c * INPUT + at, (uint16_t) bits[c]);
}

template <class L>
__device__ void
load_pixel (
    const Arguments &a, const SharedArray<half> &input, int at, int x, int y)
{
  unsigned bits[3] = { 0, 0, 0 };

  if (x >= 0 && x < a.width && y >= 0 && y < a.height) {
    if (L::YUV)
      to_rgb (a, load_code<L> (a, 0, x, y), load_chroma<L> (a, 1, x, y),
          load_chroma<L> (a, 2, x, y), bits);
    else
      for (int c = 0; c < 3; c++)
        bits[c] = load_code<L> (a, c, x, y);
  }
  put_pixel (input, at, bits);
}

/* What is not in the rectangle from (x[0], y[0]) to (x[1], y[1]) of the input:
 * above, below, before and after it. */
template <class L>
__device__ void
load_pixels_around (const Arguments &a, const Block &block,
    const SharedArray<half> &input, const int x[2], const int y[2])
{
  for (int strip = 0; strip < 4; strip++) {
    int left = strip == 3 ? x[1] : 0, right = strip == 2 ? x[0] : INPUT_W;
    int top = strip == 0 ? 0 : strip == 1 ? y[1] : y[0];
    int bottom = strip == 0 ? y[0] : strip == 1 ? INPUT_H : y[1];

    for (int i = threadIdx.x; i < (right - left) * (bottom - top);
         i += THREADS) {
      int px = left + i % (right - left), py = top + i / (right - left);

      load_pixel<L> (a, input, py * INPUT_W + place_of (px), block.x0 - 4 + px,
          block.y0 - 2 + py);
    }
  }
}

/* ---- Four pixels at a time ----------------------------------------------- */

/* Samples of four pixels: those of the first and third, and of the others. Two
 * integers, later halves. */
struct Four
{
  unsigned even, odd;
};

__device__ __forceinline__ unsigned
codes_of (const Arguments &a, unsigned samples)
{
  return samples >> a.shift & a.mask;
}

template <typename Sample>
__device__ __forceinline__ Four
load_four (const Arguments &a, const uint8_t *at)
{
  if constexpr (sizeof (Sample) == 1) {
    unsigned word = load<unsigned> (at);

    return { word & 0x00ff00ff, __byte_perm (word, 0, 0x4341) };
  } else {
    uint2 words = load<uint2> (at);

    return { codes_of (a, __byte_perm (words.x, words.y, 0x5410)),
      codes_of (a, __byte_perm (words.x, words.y, 0x7632)) };
  }
}

/* Two samples of U and V and their outer neighbours, in a row of chroma. */
struct Chroma
{
  unsigned here[2], outer[2];
};

/* Of semi-planar chroma; `at` has the two samples. */
template <typename Sample>
__device__ __forceinline__ Chroma
load_pairs (const Arguments &a, const uint8_t *at)
{
  Chroma chroma;

  if constexpr (sizeof (Sample) == 1) {
    unsigned word = load<unsigned> (at);
    unsigned before = load<uint16_t> (at - 2);
    unsigned after = load<uint16_t> (at + 4);

    chroma.here[0] = __byte_perm (word, 0, a.take_u);
    chroma.here[1] = __byte_perm (word, 0, a.take_v);
    chroma.outer[0] = __byte_perm (before, after, a.take_outer_u);
    chroma.outer[1] = __byte_perm (before, after, a.take_outer_v);
  } else {
    uint2 words = load<uint2> (at);
    unsigned before = load<unsigned> (at - 4);
    unsigned after = load<unsigned> (at + 8);

    for (int c = 0; c < 2; c++) {
      unsigned halves = c == 0 ? 0x5410 : 0x7632;

      chroma.here[c] = codes_of (a, __byte_perm (words.x, words.y, halves));
      chroma.outer[c] = codes_of (a, __byte_perm (before, after, halves));
    }
  }
  return chroma;
}

/* Of a plane of chroma, into one component. */
template <typename Sample>
__device__ __forceinline__ void
load_plane (const Arguments &a, const uint8_t *at, int c, Chroma *chroma)
{
  if constexpr (sizeof (Sample) == 1) {
    unsigned before = load<uint8_t> (at - 1);
    unsigned after = load<uint8_t> (at + 2);

    chroma->here[c] = __byte_perm (load<uint16_t> (at), 0, 0x4140);
    chroma->outer[c] = __byte_perm (before, after, 0x5410);
  } else {
    unsigned before = load<uint16_t> (at - 2);
    unsigned after = load<uint16_t> (at + 4);

    chroma->here[c] = codes_of (a, load<unsigned> (at));
    chroma->outer[c] = codes_of (a, __byte_perm (before, after, 0x5410));
  }
}

/* Of as many rows as the pixels of a group need. */
template <class L>
__device__ __forceinline__ void
load_chroma_rows (
    const Arguments &a, int x, int y, Chroma rows[1 + 2 * L::SUB_Y])
{
  using Sample = typename L::Sample;
  constexpr int N = 1 + 2 * L::SUB_Y;
  int cx = x >> 1, cy = (y >> L::SUB_Y) - L::SUB_Y;

  if constexpr (L::PACKING == SEMI_PLANAR) {
    const uint8_t *at = address_of (a.src[1], cx * L::step (1), cy);

    for (int r = 0; r < N; r++, at += a.src[1].stride)
      rows[r] = load_pairs<Sample> (a, at);
  } else
    for (int c = 0; c < 2; c++) {
      const uint8_t *at = address_of (a.src[1 + c], cx * L::step (1), cy);

      for (int r = 0; r < N; r++, at += a.src[1 + c].stride)
        load_plane<Sample> (a, at, c, &rows[r]);
    }
}

/* U and V of four pixels of each of the rows, around zero, times 2^-9. */
template <class L>
__device__ __forceinline__ void
load_chroma_of_four (
    const Arguments &a, int x, int y, Four chroma[1 << L::SUB_Y][2])
{
  if constexpr (!L::SUB_X)
    for (int c = 0; c < 2; c++) {
      Four codes = load_four<typename L::Sample> (
          a, address_of (a.src[1 + c], x * L::step (1), y));

      chroma[0][c] = { multiply_add (codes.even, a.widen, a.chroma_zero),
        multiply_add (codes.odd, a.widen, a.chroma_zero) };
    }
  else {
    Chroma rows[1 + 2 * L::SUB_Y];

    load_chroma_rows<L> (a, x, y, rows);
    for (int j = 0; j < 1 << L::SUB_Y; j++)
      for (int c = 0; c < 2; c++) {
        unsigned here, outer;

        if (L::SUB_Y) {
          const Chroma &near = rows[L::SUB_Y], &far = rows[2 * j * L::SUB_Y];

          here = between_rows (a, j, near.here[c], far.here[c]);
          outer = between_rows (a, j, near.outer[c], far.outer[c]);
        } else {
          here = multiply_halves (rows[0].here[c], a.widen);
          outer = multiply_halves (rows[0].outer[c], a.widen);
        }
        unsigned before = __byte_perm (outer, here, 0x5410);
        unsigned after = __byte_perm (here, outer, 0x7632);

        chroma[j][c] = { between_columns (a, false, here, before),
          between_columns (a, true, here, after) };
      }
  }
}

__device__ __forceinline__ void
put_four (const SharedArray<half> &input, int c, int at, Four samples)
{
  input.store<uint2> (c * INPUT + at, { samples.even, samples.odd });
}

template <class L>
__device__ __forceinline__ void
load_group (
    const Arguments &a, const SharedArray<half> &input, int at, int x, int y)
{
  if constexpr (L::YUV) {
    Four chroma[1 << L::SUB_Y][2];
    const uint8_t *luma_at = address_of (a.src[0], x * L::step (0), y);

    load_chroma_of_four<L> (a, x, y, chroma);
    for (int j = 0; j < 1 << L::SUB_Y; j++, luma_at += a.src[0].stride) {
      Four luma = load_four<typename L::Sample> (a, luma_at);
      unsigned rgb[2][3];

      for (int e = 0; e < 2; e++) {
        unsigned u = e ? chroma[j][0].odd : chroma[j][0].even;
        unsigned v = e ? chroma[j][1].odd : chroma[j][1].even;

        to_rgb (a, e ? luma.odd : luma.even, u, v, rgb[e]);
      }
      for (int c = 0; c < 3; c++)
        put_four (input, c, at + j * INPUT_W, { rgb[0][c], rgb[1][c] });
    }
  } else if constexpr (L::IS_PACKED) {
    const uint8_t *from = address_of (a.src[0], x * L::step (0), y);
    uint4 words;

    if constexpr (L::PACKING == WORD)
      words = load<uint4> (from);
    else
      words = spread ({ load<unsigned> (from), load<unsigned> (from + 4),
          load<unsigned> (from + 8) });
    for (int c = 0; c < 3; c++)
      put_four (input, c, at,
          { __byte_perm (words.x, words.z, a.take[c]) & 0x00ff00ff,
              __byte_perm (words.y, words.w, a.take[c]) & 0x00ff00ff });
  } else
    for (int c = 0; c < 3; c++)
      put_four (input, c, at,
          load_four<typename L::Sample> (
              a, address_of (a.src[c], x * L::step (c), y)));
}

template <class L>
__device__ __forceinline__ void
load_region (
    const Arguments &a, const Block &block, const SharedArray<half> &input)
{
  constexpr int ROWS = 1 << L::SUB_Y, ACROSS = INPUT_W / 4;
  int x[2] = { 0, 0 }, y[2] = { 0, 0 }; /* in the input */

  if (block.is_edge)
    for (int i = 0; i < 2; i++) {
      x[i] = min (max (a.whole_x[i] - block.x0 + 4, 0), INPUT_W);
      y[i] = min (max (a.whole_y[i] - block.y0 + 2, 0), INPUT_H);
      x[i] = max (x[i], x[0]);
      y[i] = max (y[i], y[0]);
    }
  if (block.is_edge)
    load_pixels_around<L> (a, block, input, x, y);

#pragma unroll 1
  for (int i = threadIdx.x; i < ACROSS * INPUT_H / ROWS; i += THREADS) {
    int gx = i % ACROSS * 4, gy = i / ACROSS * ROWS;

    if (!block.is_edge || (gx >= x[0] && gx < x[1] && gy >= y[0] && gy < y[1]))
      load_group<L> (
          a, input, gy * INPUT_W + gx, block.x0 - 4 + gx, block.y0 - 2 + gy);
  }
}

} // namespace

#endif /* SYMPIE_CUDA_DWM_LOAD_H */
