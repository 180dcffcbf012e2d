/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM's way in: from a frame to R, G, B in shared memory, zero outside of the
 * frame, as the filter wants them (place_of() in fold.h).
 *
 * Samples of RGB formats are their codes; those of YUV formats are what they
 * stand for in [0, 1], less a half. A thread brings four pixels of one row, or
 * of two where rows share their chroma, in whole words or, where words cannot
 * bring them, one by one, and works on pairs of halves.
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

/* ---- Four pixels at a time ----------------------------------------------- */

/* Samples of four pixels: those of the first and third, and of the others. Two
 * integers, later halves. */
struct Four
{
  unsigned even, odd;
};

/* Two samples of U and V and their outer neighbours, in a row of chroma. */
struct Chroma
{
  unsigned here[2], outer[2];
};

__device__ __forceinline__ unsigned
codes_of (const Arguments &a, unsigned samples)
{
  return samples >> a.shift & a.mask;
}

/* The codes of component `c` at its samples first_x and second_x of row y or,
 * where these are outside of the frame, at the nearest ones inside. */
template <class L>
__device__ __forceinline__ unsigned
load_two (const Arguments &a, int c, int first_x, int second_x, int y)
{
  int sub_x = c > 0 ? L::SUB_X : 0, sub_y = c > 0 ? L::SUB_Y : 0;
  int last_x = ((a.width + sub_x) >> sub_x) - 1;
  int last_y = ((a.height + sub_y) >> sub_y) - 1;
  const uint8_t *row =
      address_of (a.src[c], a.offset[c], min (max (y, 0), last_y));
  unsigned samples = 0;

  for (int i = 0; i < 2; i++) {
    int x = min (max (i ? second_x : first_x, 0), last_x);
    unsigned sample = load<typename L::Sample> (row + x * L::step (c));

    samples |= sample << 16 * i;
  }
  return sizeof (typename L::Sample) == 1 ? samples : codes_of (a, samples);
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
template <class L, bool whole>
__device__ __forceinline__ void
load_chroma_rows (
    const Arguments &a, int x, int y, Chroma rows[1 + 2 * L::SUB_Y])
{
  using Sample = typename L::Sample;
  constexpr int N = 1 + 2 * L::SUB_Y;
  int cx = x >> 1, cy = (y >> L::SUB_Y) - L::SUB_Y;

  if constexpr (!whole) {
    for (int r = 0; r < N; r++)
      for (int c = 0; c < 2; c++) {
        rows[r].here[c] = load_two<L> (a, 1 + c, cx, cx + 1, cy + r);
        rows[r].outer[c] = load_two<L> (a, 1 + c, cx - 1, cx + 2, cy + r);
      }
  } else if constexpr (L::PACKING == SEMI_PLANAR) {
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

/* Of a component that is not subsampled; it is at (x, y), and the words `at`.
 */
template <class L, bool whole>
__device__ __forceinline__ Four
load_component (const Arguments &a, int c, const uint8_t *at, int x, int y)
{
  if constexpr (whole)
    return load_four<typename L::Sample> (a, at);
  else
    return { load_two<L> (a, c, x, x + 2, y),
      load_two<L> (a, c, x + 1, x + 3, y) };
}

/* U and V of four pixels of each of the rows, around zero, times 2^-9. */
template <class L, bool whole>
__device__ __forceinline__ void
load_chroma_of_four (
    const Arguments &a, int x, int y, Four chroma[1 << L::SUB_Y][2])
{
  if constexpr (!L::SUB_X)
    for (int c = 0; c < 2; c++) {
      Four codes = load_component<L, whole> (
          a, 1 + c, address_of (a.src[1 + c], x * L::step (1), y), x, y);

      chroma[0][c] = { multiply_add (codes.even, a.widen, a.chroma_zero),
        multiply_add (codes.odd, a.widen, a.chroma_zero) };
    }
  else {
    Chroma rows[1 + 2 * L::SUB_Y];

    load_chroma_rows<L, whole> (a, x, y, rows);
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

/* Which of the pixels x and x + 2 of row y are in the frame, as a mask. */
__device__ __forceinline__ unsigned
inside (const Arguments &a, int x, int y)
{
  if (y < 0 || y >= a.height)
    return 0;
  return (x >= 0 && x < a.width ? 0xffff : 0)
         | (x + 2 >= 0 && x + 2 < a.width ? 0xffff0000 : 0);
}

/* `whole`: words can bring it. */
template <class L, bool whole>
__device__ __forceinline__ void
load_group (
    const Arguments &a, const SharedArray<half> &input, int at, int x, int y)
{
  auto put = [&] (int c, int j, Four samples) {
    if (!whole) {
      samples.even &= inside (a, x, y + j);
      samples.odd &= inside (a, x + 1, y + j);
    }
    input.store<uint2> (
        c * INPUT + j * INPUT_W + at, { samples.even, samples.odd });
  };

  if constexpr (L::YUV) {
    Four chroma[1 << L::SUB_Y][2];
    const uint8_t *luma_at = address_of (a.src[0], x * L::step (0), y);

    load_chroma_of_four<L, whole> (a, x, y, chroma);
    for (int j = 0; j < 1 << L::SUB_Y; j++, luma_at += a.src[0].stride) {
      Four luma = load_component<L, whole> (a, 0, luma_at, x, y + j);
      unsigned rgb[2][3];

      to_rgb (a, luma.even, chroma[j][0].even, chroma[j][1].even, rgb[0]);
      to_rgb (a, luma.odd, chroma[j][0].odd, chroma[j][1].odd, rgb[1]);
      for (int c = 0; c < 3; c++)
        put (c, j, { rgb[0][c], rgb[1][c] });
    }
  } else if constexpr (whole && L::IS_PACKED) {
    const uint8_t *from = address_of (a.src[0], x * L::step (0), y);
    uint4 words;

    if constexpr (L::PACKING == WORD)
      words = load<uint4> (from);
    else
      words = spread ({ load<unsigned> (from), load<unsigned> (from + 4),
          load<unsigned> (from + 8) });
    for (int c = 0; c < 3; c++)
      put (c, 0,
          { __byte_perm (words.x, words.z, a.take[c]) & 0x00ff00ff,
              __byte_perm (words.y, words.w, a.take[c]) & 0x00ff00ff });
  } else
    for (int c = 0; c < 3; c++)
      put (c, 0,
          load_component<L, whole> (
              a, c, address_of (a.src[c], x * L::step (c), y), x, y));
}

template <class L>
__device__ __forceinline__ void
load_region (
    const Arguments &a, const Block &block, const SharedArray<half> &input)
{
  constexpr int ROWS = 1 << L::SUB_Y, ACROSS = INPUT_W / 4;

#pragma unroll 1
  for (int i = threadIdx.x; i < ACROSS * INPUT_H / ROWS; i += THREADS) {
    int column = i % ACROSS * 4, row = i / ACROSS * ROWS;
    int at = row * INPUT_W + column;
    int x = block.x0 - 4 + column, y = block.y0 - 2 + row;

    if (!block.is_edge
        || (x >= a.whole_x[0] && x < a.whole_x[1] && y >= a.whole_y[0]
            && y < a.whole_y[1]))
      load_group<L, true> (a, input, at, x, y);
    else
      load_group<L, false> (a, input, at, x, y);
  }
}

} // namespace

#endif /* SYMPIE_CUDA_DWM_LOAD_H */
