/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM's way out: R, G, B in [0, 1] to codes in shared memory, and from there to
 * the frame in whole words; at the border sample by sample.
 *
 * In shared memory lie, of the region, packed pixels as words of 4 bytes, or
 * planes of codes, and B - Y and R - Y of each pixel, side by side. */

#ifndef SYMPIE_CUDA_DWM_STORE_H
#define SYMPIE_CUDA_DWM_STORE_H

#include "dwm.h"

namespace {

/* Of a pixel B - Y and R - Y, which U and V are made of. */
template <int n> struct alignas (4 * n) Pairs
{
  half2 pixel[n];
};

template <class L> struct Out
{
  using Sample = typename L::Sample;
  static constexpr int STRIDE = REGION_W + 8;     /* meets few bank conflicts */
  static constexpr int PLANES = L::SUB_X ? 1 : 3; /* of codes */
  /* The codes come after the pairs. */
  static constexpr int FIRST_CODE =
      L::SUB_X ? REGION_H * STRIDE * (int) (sizeof (half2) / sizeof (Sample))
               : 0;
};

/* Two neighbouring pixels, from (column, row) of the region on. */
template <class L>
__device__ __forceinline__ void
put_pixels (const Arguments &a, const SharedArray<half> &memory, int column,
    int row, const float rgb[2][3])
{
  using O = Out<L>;
  float luma[2];
  unsigned code[2][3];

  for (int e = 0; e < 2; e++) {
    luma[e] = L::YUV ? fmaf (a.luma[0], rgb[e][0],
                  fmaf (a.luma[1], rgb[e][1], a.luma[2] * rgb[e][2]))
                     : 0;
    for (int c = 0; c < O::PLANES; c++) {
      float x = !L::YUV  ? rgb[e][c]
                : c == 0 ? luma[e]
                : c == 1 ? rgb[e][2] - luma[e]
                         : rgb[e][0] - luma[e];

      code[e][c] = __float_as_uint (fmaf (a.unit[c], x, a.zero[c]));
      /* Full range's largest chroma is half a code too large. */
      if (L::YUV && c > 0)
        code[e][c] = min ((int) (code[e][c] & 0xffff), a.max);
    }
  }

  if constexpr (L::IS_PACKED) {
    uint2 words;

    words.x = __byte_perm (
        __byte_perm (code[0][0], code[0][1], 0x0040), code[0][2], a.pack);
    words.y = __byte_perm (
        __byte_perm (code[1][0], code[1][1], 0x0040), code[1][2], a.pack);
    memory.template as<unsigned> ().template store<uint2> (
        row * O::STRIDE + column, words);
  } else
    for (int c = 0; c < O::PLANES; c++) {
      int at = O::FIRST_CODE + (c * REGION_H + row) * O::STRIDE + column;

      if (sizeof (typename L::Sample) == 1)
        memory.template as<uint16_t> ().set (
            at / 2, (uint16_t) __byte_perm (code[0][c], code[1][c], 0x0040));
      else
        memory.template as<unsigned> ().set (
            at / 2, __byte_perm (code[0][c], code[1][c], 0x5410) << a.shift);
    }

  if constexpr (L::SUB_X) {
    Pairs<2> two;

    for (int e = 0; e < 2; e++)
      two.pixel[e] =
          __floats2half2_rn (rgb[e][2] - luma[e], rgb[e][0] - luma[e]);
    memory.template as<half2> ().store (row * O::STRIDE + column, two);
  }
}

/* ---- Packed pixels and planes of codes ----------------------------------- */

template <class L>
__device__ __forceinline__ void
store_words (
    const Arguments &a, const Block &block, const SharedArray<half> &memory)
{
  constexpr int BYTES = L::step (0);
  auto words = memory.template as<unsigned> ();
  int thread = kept (threadIdx.x);

#pragma unroll 1
  for (int row = thread / 32; row < REGION_H; row += THREADS / 32) {
    int x = block.x0 + thread % 32 * 4, y = block.y0 + row;
    int at = row * Out<L>::STRIDE + thread % 32 * 4;

    if (!block.is_edge || (a.aligned && x + 4 <= a.width && y < a.height)) {
      uint4 four = words.template load<uint4> (at);
      uint8_t *to = address_of (a.dst[0], BYTES * x, y);

      if constexpr (L::PACKING == WORD) {
        uint4 before = load<uint4> (address_of (a.src[0], BYTES * x, y));

        four.x |= before.x & a.kept;
        four.y |= before.y & a.kept;
        four.z |= before.z & a.kept;
        four.w |= before.w & a.kept;
        store (to, four);
      } else {
        uint3 three = gather (four);

        store (to, three.x);
        store (to + 4, three.y);
        store (to + 8, three.z);
      }
    } else
      for (int i = 0; i < 4 && x + i < a.width && y < a.height; i++) {
        int place = BYTES * (x + i);
        unsigned word = words.get (at + i);

        if (BYTES == 4)
          word |= load<unsigned> (address_of (a.src[0], place, y)) & a.kept;
        for (int b = 0; b < BYTES; b++)
          store (
              address_of (a.dst[0], place + b, y), (uint8_t) (word >> 8 * b));
      }
  }
}

template <class L>
__device__ __forceinline__ void
store_codes (const Arguments &a, const Block &block,
    const SharedArray<half> &memory, int component)
{
  using Sample = typename L::Sample;
  using O = Out<L>;
  auto codes = memory.template as<uint16_t> ();
  int thread = kept (threadIdx.x);

#pragma unroll
  for (int i = 0; i < REGION_H * 32 / THREADS; i++) {
    int row = a.margin_y + thread / 32 + i * (THREADS / 32);
    int column = a.margin_x + thread % 32 * 4;
    int x = block.x0 + column, y = block.y0 + row;
    int at = O::FIRST_CODE + (component * REGION_H + row) * O::STRIDE + column;
    uint8_t *to = address_of (a.dst[component], (int) sizeof (Sample) * x, y);

    if (row >= REGION_H || column >= REGION_W)
      continue;
    if (!block.is_edge || (a.aligned && x + 4 <= a.width && y < a.height)) {
      if constexpr (sizeof (Sample) == 1)
        store (to, codes.template load<unsigned> (at / 2));
      else
        store (to, codes.template load<uint2> (at));
    } else
      for (int e = 0; e < 4 && x + e < a.width && y < a.height; e++)
        if (sizeof (Sample) == 1)
          store (to + e, (uint8_t) (codes.get ((at + e) / 2) >> (e % 2 * 8)));
        else
          store (to + 2 * e, codes.get (at + e));
  }
}

/* ---- Subsampled chroma --------------------------------------------------- */

/* sum + weight * pair, with the weight of the axis at `i`. */
__device__ __forceinline__ half2
add (const Arguments &a, bool vertical, int i, half2 pair, half2 sum)
{
  return __hfma2 (pair, as_halves (vertical ? a.down_y[i] : a.down_x[i]), sum);
}

/* Codes of U and V, in the low and the high 16 bits, which may have more. */
__device__ __forceinline__ unsigned
codes_of_pair (const Arguments &a, half2 pair)
{
  return as_bits (__hmin2 (__hadd2 (pair, as_halves (a.round_chroma)),
      as_halves (a.largest_chroma)));
}

/* The pixel before `column` and four from there on, of a row of the region. At
 * the border those outside of the frame are what the last one inside is. */
template <class L>
__device__ __forceinline__ void
load_five (const Arguments &a, const Block &block,
    const SharedArray<half2> &pairs, int column, int row, half2 five[5])
{
  int first = column - (a.margin_x > 0);

  if (block.is_edge) {
    row = min (max (row + block.y0, 0), a.height - 1) - block.y0;
    for (int i = 0; i < 5; i++) {
      int x = block.x0 + (i == 0 ? first : column + i - 1);

      five[i] = pairs.get (
          row * Out<L>::STRIDE + min (max (x, 0), a.width - 1) - block.x0);
    }
  } else {
    Pairs<4> four =
        pairs.template load<Pairs<4>> (row * Out<L>::STRIDE + column);

    five[0] = pairs.get (row * Out<L>::STRIDE + first);
    for (int i = 0; i < 4; i++)
      five[1 + i] = four.pixel[i];
  }
}

/* Two samples of U and V, of the codes that these hold. */
template <class L>
__device__ __forceinline__ void
store_pairs (const Arguments &a, int x, int y, bool whole, bool both,
    unsigned first, unsigned second)
{
  using Sample = typename L::Sample;
  constexpr bool is_byte = sizeof (Sample) == 1;
  uint8_t *u = address_of (a.dst[1], x * L::step (1), y);
  uint8_t *v = address_of (a.dst[2], x * L::step (2), y);

  if (!is_byte) {
    first = (first & a.mask) << a.shift;
    second = (second & a.mask) << a.shift;
  }
  if (!whole) {
    for (int e = 0; e < 1 + both; e++) {
      unsigned pair = e ? second : first;

      store (u + a.offset[1] + e * L::step (1), (Sample) pair);
      store (v + a.offset[2] + e * L::step (2), (Sample) (pair >> 16));
    }
  } else if constexpr (L::PACKING == SEMI_PLANAR) {
    if constexpr (is_byte)
      store (u, __byte_perm (first, second, a.pack_pairs));
    else
      store (u, uint2{ first, second });
  } else if constexpr (is_byte) {
    store (u, (uint16_t) __byte_perm (first, second, 0x0040));
    store (v, (uint16_t) __byte_perm (first, second, 0x0062));
  } else {
    store (u, __byte_perm (first, second, 0x5410));
    store (v, __byte_perm (first, second, 0x7632));
  }
}

template <class L>
__device__ __forceinline__ void
store_chroma (
    const Arguments &a, const Block &block, const SharedArray<half> &memory)
{
  auto pairs = memory.template as<half2> ();
  int thread = kept (threadIdx.x);

#pragma unroll
  for (int i = 0; i < (REGION_H >> L::SUB_Y) * 32 / THREADS; i++) {
    int row = a.margin_y + ((thread / 32 + i * (THREADS / 32)) << L::SUB_Y);
    int column = a.margin_x + thread % 32 * 4;
    int x = block.x0 + column, y = block.y0 + row;
    bool whole = !block.is_edge || (a.aligned && x + 4 <= a.width);
    half2 five[5] = {}, sample[2] = {};

    if (row >= REGION_H || column >= REGION_W)
      continue;
    if (block.is_edge && (x >= a.width || y >= a.height))
      continue;
    for (int j = 0; j < 1 + 2 * L::SUB_Y; j++) {
      half2 of_row[5];

      if (L::SUB_Y && j == 0 && !a.top)
        continue;
      load_five<L> (a, block, pairs, column, row + j - L::SUB_Y, of_row);
      for (int k = 0; k < 5; k++)
        five[k] = L::SUB_Y ? add (a, true, j, of_row[k], five[k]) : of_row[k];
    }
    for (int s = 0; s < 2; s++)
      for (int k = 0; k < 3; k++)
        sample[s] = add (a, false, k, five[2 * s + k], sample[s]);
    store_pairs<L> (a, x >> 1, y >> L::SUB_Y, whole, x + 2 < a.width,
        codes_of_pair (a, sample[0]), codes_of_pair (a, sample[1]));
  }
}

template <class L>
__device__ __forceinline__ void
store_region (
    const Arguments &a, const Block &block, const SharedArray<half> &memory)
{
  if constexpr (L::IS_PACKED)
    store_words<L> (a, block, memory);
  else
#pragma unroll 1
    for (int c = 0; c < Out<L>::PLANES; c++)
      store_codes<L> (a, block, memory, c);
  if constexpr (L::SUB_X)
    store_chroma<L> (a, block, memory);
}

} // namespace

#endif /* SYMPIE_CUDA_DWM_STORE_H */
