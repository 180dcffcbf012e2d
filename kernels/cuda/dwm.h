/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What DWM's kernel, its loader and its storer share. */

#ifndef SYMPIE_CUDA_DWM_H
#define SYMPIE_CUDA_DWM_H

#include "device.h"
#include "matrix.h"

#include "kernels.h"

namespace {

constexpr int REGION_W = 128, REGION_H = 32;
constexpr int INPUT_W = REGION_W + 8; /* from 4 before the region on */
constexpr int INPUT_H = REGION_H + 4; /* from 2 above it on */
constexpr int INPUT = INPUT_W * INPUT_H;
constexpr int THREADS = 512; /* 16 warps of 16x16 pixels */

/* A float's low bits are the nearest integer when this is added. */
constexpr float MAGIC = 12582912;

enum Packing
{
  WORD,        /* R, G, B and another byte */
  TRIPLE,      /* R, G, B */
  RGB_PLANES,  /* these have samples of a plane next to each other */
  PLANAR,      /* Y, U, V */
  SEMI_PLANAR, /* Y, and U and V by turns */
};

/* How the pixels lie in memory. */
template <typename Sample_, Packing packing, int sub_x, int sub_y> struct Layout
{
  using Sample = Sample_;
  static constexpr Packing PACKING = packing;
  static constexpr bool YUV = packing == PLANAR || packing == SEMI_PLANAR;
  static constexpr bool IS_PACKED = packing == WORD || packing == TRIPLE;
  static constexpr int SUB_X = sub_x, SUB_Y = sub_y;
  static constexpr int N_PLANES = IS_PACKED                ? 1
                                  : packing == SEMI_PLANAR ? 2
                                                           : 3;

  /* Bytes from a sample of component `c` to the next. */
  static __device__ constexpr int
  step (int c)
  {
    return (int) sizeof (Sample)
           * (packing == WORD                    ? 4
               : packing == TRIPLE               ? 3
               : packing == SEMI_PLANAR && c > 0 ? 2
                                                 : 1);
  }
};

struct Plane
{
  uint8_t *data;
  ptrdiff_t stride; /* bytes */
};

struct Arguments
{
  int width, height;
  Plane src[3], dst[3]; /* that R, G, B or Y, U, V lie in */
  int offset[3];        /* bytes before the first of them in a row */
  int shift, max;
  unsigned mask;          /* of two codes */
  bool left, top;         /* chroma's site */
  int margin_x, margin_y; /* pixels of the region before the tile */

  /* Pixels that whole words can bring: from and to. */
  bool aligned;
  int whole_x[2], whole_y[2];

  /* Pairs of halves, to load: */
  unsigned widen, luma_zero, chroma_zero;
  unsigned of_y, r_of_v, g_of_u, g_of_v, b_of_u;
  unsigned up_x[2][2], up_y[2][2]; /* of the even and the odd pixel: the nearer
                                      and the farther sample's weight */
  /* and to store. Weights of the pixels before, at and after a chroma sample,
   * and of rows; those of pixels bring B - Y and R - Y to codes too. */
  unsigned down_x[3], down_y[3], round_chroma, largest_chroma;

  /* Codes: of luma or of R, G, B, unit * x + zero, where zero makes the nearest
   * integer of them (MAGIC); of U and V, and the weights of luma. */
  float unit[3], zero[3], luma[3];

  /* Packed pixels: which bytes are a component's of two words (see PRMT), how a
   * word is put together, and the mask of alpha or padding. */
  unsigned take[3], pack, kept;

  /* The same for semi-planar chroma. */
  unsigned take_u, take_v, take_outer_u, take_outer_v, pack_pairs;
};

/* A block's region: its first pixel, and whether it meets the frame's border or
 * has no whole words. */
struct Block
{
  int x0, y0;
  bool is_edge;
};

/* What lies `at` bytes into row y of a plane. */
__device__ __forceinline__ uint8_t *
address_of (const Plane &plane, int at, int y)
{
  return plane.data + (int64_t) y * (int) plane.stride + at;
}

template <typename V>
__device__ __forceinline__ V
load (const uint8_t *address)
{
  return __ldg ((const V *) address);
}

template <typename V>
__device__ __forceinline__ void
store (uint8_t *address, V value)
{
  *(V *) address = value;
}

/* Four words of 3 bytes each, in the low bytes, from three words and back. */
__device__ __forceinline__ uint4
spread (uint3 words)
{
  return make_uint4 (words.x, __byte_perm (words.x, words.y, 0x6543),
      __byte_perm (words.y, words.z, 0x5432), words.z >> 8);
}

__device__ __forceinline__ uint3
gather (uint4 words)
{
  return { __byte_perm (words.x, words.y, 0x4210),
    __byte_perm (words.y, words.z, 0x5421),
    __byte_perm (words.z, words.w, 0x6542) };
}

} // namespace

#endif /* SYMPIE_CUDA_DWM_H */
