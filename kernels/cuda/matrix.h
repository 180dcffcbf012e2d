/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Matrix products on tensor cores, of halves with sums of float. All 32 lanes
 * of a warp call each function together.
 *
 * A matrix is spread over the lanes by 8x8 parts, a word of two halves in each:
 * with g = lane / 4 and t = lane % 4 a word of a left matrix is (g, 2t) and
 * (g, 2t+1) of its part, one of a right matrix (2t, g) and (2t+1, g), the first
 * in the low bits. In the order of the words the parts of
 *   the left matrix, 16x16, are the upper and the lower 8 rows of the first 8
 *     columns, then those of the others;
 *   the right matrix, 16x8, are the first 8 rows and the others.
 * With 8 instead of 16 rows or columns between them only the first halves are
 * there.
 */

#ifndef SYMPIE_CUDA_MATRIX_H
#define SYMPIE_CUDA_MATRIX_H

#include "device.h"

/* 16x8 of a product: (g, 2t) (g, 2t+1) (g+8, 2t) (g+8, 2t+1). */
struct Sums
{
  float values[4];
};

/* Matrices lie in shared memory in rows `stride` elements apart, a multiple of
 * 16 bytes; odd multiples meet no bank conflict. Each lane says where it reads:
 * that is the matrix's first element, aligned to 16 bytes, plus the lane's
 * place in it, which is the same for all matrices of that stride. Four parts
 * are 16x16 of a left matrix at these places, two its first 8 columns: */
__device__ __forceinline__ int
place_in_rows (int stride)
{
  return lane_of_warp () % 16 * stride + lane_of_warp () / 16 * 8;
}

/* and four are two right matrices, next to each other, at these: they lie there
 * transposed, their columns are rows. */
__device__ __forceinline__ int
place_in_columns (int stride)
{
  int lane = lane_of_warp ();

  return (lane % 8 + lane / 16 * 8) * stride + lane / 8 % 2 * 8;
}

/* n parts; lane 8 m + r has where row r of part m is. */
template <int n>
__device__ __forceinline__ void
load_matrices (uint32_t words[n], const SharedArray<half> &array, int i,
    Site site = Site::here ())
{
#ifdef SYMPIE_EMULATED
  /* The other lanes are not asked. */
  emulate::load_matrices (words, n,
      lane_of_warp () < 8 * n ? array.at<uint4> (i, site) : nullptr, site);
#else
  unsigned address = (unsigned) __cvta_generic_to_shared (array.at<uint4> (i));

  if constexpr (n == 4)
    asm volatile(
        "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
        : "r"(address)
        : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                 : "=r"(words[0]), "=r"(words[1])
                 : "r"(address)
                 : "memory");
#endif
}

/* sums += left, 16 x k, * right, k x 8; k is 16 or 8. One instruction for 16
 * wants the words of the left matrix side by side in registers, as a load makes
 * them; where they are not, two for 8 are less work. */
template <int k>
__device__ __forceinline__ void
multiply (Sums *sums, const uint32_t left[k / 4], const uint32_t right[k / 8],
    Site site = Site::here ())
{
  float *c = sums->values;

#ifdef SYMPIE_EMULATED
  emulate::multiply (c, left, right, k, site);
#else
#if __CUDA_ARCH__ >= 800
  constexpr bool is_whole = k == 16;
#else
  constexpr bool is_whole = false; /* two instructions */
#endif

  if constexpr (is_whole)
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
                 "{%0, %1, %2, %3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]),
                 "r"(right[0]), "r"(right[1]));
  else
    for (int h = 0; h < k / 8; h++)
      asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 "
                   "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
                   : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                   : "r"(left[2 * h]), "r"(left[2 * h + 1]), "r"(right[h]));
#endif
}

#endif /* SYMPIE_CUDA_MATRIX_H */
