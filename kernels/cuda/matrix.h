/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Matrix products of a warp, on the tensor cores for half and on the CUDA cores
 * for float: the same pieces in the same lanes, so that a kernel is written
 * once for both. All 32 lanes call each function together.
 *
 * With g = lane / 4 and t = lane % 4 a lane holds of
 *   Rows,    16x8 of the left matrix:  (g, 2t) (g, 2t+1) (g+8, 2t) (g+8, 2t+1)
 *   Columns, 8x8 of the right matrix:  (2t, g) (2t+1, g)
 *   Sums,    16x8 of the product:      (g, 2t) (g, 2t+1) (g+8, 2t) (g+8, 2t+1)
 */

#ifndef SYMPIE_CUDA_MATRIX_H
#define SYMPIE_CUDA_MATRIX_H

#include "device.h"

template <typename T> struct Rows;
template <typename T> struct Columns;

template <> struct Rows<half>
{
  uint32_t values[2]; /* two halves each, the lower column in the low bits */
};

template <> struct Columns<half>
{
  uint32_t value;
};

template <> struct Rows<float>
{
  float values[4];
};

template <> struct Columns<float>
{
  float values[2];
};

struct Sums
{
  float values[4];
};

__device__ __forceinline__ int
lane_of_warp ()
{
  return threadIdx.x % 32;
}

/* The lane's part of a right matrix, from its two values. */
template <typename T>
__device__ __forceinline__ Columns<T> make_columns (float first, float second);

template <>
__device__ __forceinline__ Columns<float>
make_columns<float> (float first, float second)
{
  return { { first, second } };
}

template <>
__device__ __forceinline__ Columns<half>
make_columns<half> (float first, float second)
{
  union
  {
    uint16_t bits[2];
    uint32_t value;
  } pair;
  half halves[2] = { from_float<half> (first), from_float<half> (second) };

  memcpy (pair.bits, halves, sizeof pair.bits);
  return { pair.value };
}

/* ---- From shared memory -------------------------------------------------- */

/* Element (0, 0) is `i`, rows are `stride` elements apart: both multiples of 16
 * bytes. Strides that are an odd multiple of 16 bytes meet no bank conflict. */
template <typename T>
__device__ __forceinline__ void load_rows (
    Rows<T> *rows, const SharedArray<T> &array, int i, int stride);

/* 16x16 as two. */
template <typename T>
__device__ __forceinline__ void load_rows_twice (
    Rows<T> rows[2], const SharedArray<T> &array, int i, int stride);

/* 16x16 of the right matrix, which lies there transposed: element (k, n) is at
 * i + n * stride + k. columns[n / 8][k / 8]. */
template <typename T>
__device__ __forceinline__ void load_columns (
    Columns<T> columns[2][2], const SharedArray<T> &array, int i, int stride);

template <>
__device__ __forceinline__ void
load_rows<float> (
    Rows<float> *rows, const SharedArray<float> &array, int i, int stride)
{
  int at = i + lane_of_warp () / 4 * stride + lane_of_warp () % 4 * 2;

  for (int e = 0; e < 4; e++)
    rows->values[e] = array.get (at + e / 2 * 8 * stride + e % 2);
}

template <>
__device__ __forceinline__ void
load_rows_twice<float> (
    Rows<float> rows[2], const SharedArray<float> &array, int i, int stride)
{
  load_rows (&rows[0], array, i, stride);
  load_rows (&rows[1], array, i + 8, stride);
}

template <>
__device__ __forceinline__ void
load_columns<float> (Columns<float> columns[2][2],
    const SharedArray<float> &array, int i, int stride)
{
  int at = i + lane_of_warp () / 4 * stride + lane_of_warp () % 4 * 2;

  for (int e = 0; e < 8; e++)
    columns[e / 4][e / 2 % 2].values[e % 2] =
        array.get (at + e / 4 * 8 * stride + e / 2 % 2 * 8 + e % 2);
}

#ifdef SYMPIE_EMULATED

/* Where ldmatrix would want 16 bytes of a row. */
static inline int
row_of_matrix (const SharedArray<half> &array, int i, int stride)
{
  int row = i + emulate::lane () / 4 * stride;

  array.at<uint4> (row);
  return row + emulate::lane () % 4 * 2;
}

template <>
inline void
load_rows<half> (
    Rows<half> *rows, const SharedArray<half> &array, int i, int stride)
{
  int at = row_of_matrix (array, i, stride);

  rows->values[0] = array.load<uint32_t> (at);
  rows->values[1] = array.load<uint32_t> (at + 8 * stride);
}

template <>
inline void
load_rows_twice<half> (
    Rows<half> rows[2], const SharedArray<half> &array, int i, int stride)
{
  load_rows (&rows[0], array, i, stride);
  load_rows (&rows[1], array, i + 8, stride);
}

template <>
inline void
load_columns<half> (Columns<half> columns[2][2], const SharedArray<half> &array,
    int i, int stride)
{
  int at = row_of_matrix (array, i, stride);

  for (int e = 0; e < 4; e++)
    columns[e / 2][e % 2].value =
        array.load<uint32_t> (at + e / 2 * 8 * stride + e % 2 * 8);
}

#else

template <int n>
__device__ __forceinline__ void
load_matrices (uint32_t values[n], const half *row)
{
  unsigned address = (unsigned) __cvta_generic_to_shared (row);

  if constexpr (n == 4)
    asm volatile(
        "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
        : "=r"(values[0]), "=r"(values[1]), "=r"(values[2]), "=r"(values[3])
        : "r"(address)
        : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                 : "=r"(values[0]), "=r"(values[1])
                 : "r"(address)
                 : "memory");
}

template <>
__device__ __forceinline__ void
load_rows<half> (
    Rows<half> *rows, const SharedArray<half> &array, int i, int stride)
{
  load_matrices<2> (
      rows->values, array.at<uint4> (i + lane_of_warp () % 16 * stride));
}

template <>
__device__ __forceinline__ void
load_rows_twice<half> (
    Rows<half> rows[2], const SharedArray<half> &array, int i, int stride)
{
  int lane = lane_of_warp ();
  uint32_t values[4];

  load_matrices<4> (
      values, array.at<uint4> (i + lane % 16 * stride + lane / 16 * 8));
  rows[0] = { { values[0], values[1] } };
  rows[1] = { { values[2], values[3] } };
}

template <>
__device__ __forceinline__ void
load_columns<half> (Columns<half> columns[2][2], const SharedArray<half> &array,
    int i, int stride)
{
  int lane = lane_of_warp ();
  uint32_t values[4];

  load_matrices<4> (
      values, array.at<uint4> (
                  i + (lane % 8 + lane / 16 * 8) * stride + lane / 8 % 2 * 8));
  columns[0][0].value = values[0];
  columns[0][1].value = values[1];
  columns[1][0].value = values[2];
  columns[1][1].value = values[3];
}

#endif

/* ---- The product --------------------------------------------------------- */

/* sums += rows * columns, 16x8 += 16x16 * 16x8, each in two halves. */
template <typename T>
__device__ __forceinline__ void multiply (Sums *sums, const Rows<T> &rows_0,
    const Rows<T> &rows_1, const Columns<T> &columns_0,
    const Columns<T> &columns_1);

#ifdef SYMPIE_EMULATED

namespace emulate {

static inline void
unpack (const Rows<half> &rows, float values[4])
{
  for (int e = 0; e < 4; e++)
    values[e] =
        __half2float ({ (uint16_t) (rows.values[e / 2] >> (e % 2 * 16)) });
}

static inline void
unpack (const Columns<half> &columns, float values[2])
{
  for (int e = 0; e < 2; e++)
    values[e] = __half2float ({ (uint16_t) (columns.value >> (e * 16)) });
}

static inline void
unpack (const Rows<float> &rows, float values[4])
{
  memcpy (values, rows.values, sizeof rows.values);
}

static inline void
unpack (const Columns<float> &columns, float values[2])
{
  memcpy (values, columns.values, sizeof columns.values);
}

template <typename T> struct Product
{
  Sums *sums;
  const Rows<T> *rows[2];
  const Columns<T> *columns[2];

  static void
  all (void *const *lanes)
  {
    float left[16][16], right[16][8], sums[16][8];

    for (int i = 0; i < 32; i++) {
      const Product *lane = (const Product *) lanes[i];
      int g = i / 4, t = i % 4;

      for (int h = 0; h < 2; h++) {
        float rows[4], columns[2];

        unpack (*lane->rows[h], rows);
        unpack (*lane->columns[h], columns);
        for (int e = 0; e < 4; e++)
          left[g + e / 2 * 8][h * 8 + 2 * t + e % 2] = rows[e];
        for (int e = 0; e < 2; e++)
          right[h * 8 + 2 * t + e][g] = columns[e];
      }
      for (int e = 0; e < 4; e++)
        sums[g + e / 2 * 8][2 * t + e % 2] = lane->sums->values[e];
    }
    for (int m = 0; m < 16; m++)
      for (int k = 0; k < 16; k++)
        for (int n = 0; n < 8; n++)
          sums[m][n] += left[m][k] * right[k][n];
    for (int i = 0; i < 32; i++)
      for (int e = 0; e < 4; e++)
        ((const Product *) lanes[i])->sums->values[e] =
            sums[i / 4 + e / 2 * 8][i % 4 * 2 + e % 2];
  }
};

} // namespace emulate

template <typename T>
inline void
multiply (Sums *sums, const Rows<T> &rows_0, const Rows<T> &rows_1,
    const Columns<T> &columns_0, const Columns<T> &columns_1)
{
  emulate::Product<T> mine = { sums, { &rows_0, &rows_1 },
    { &columns_0, &columns_1 } };

  emulate::warp_operation (
      { "multiply", __FILE__, __LINE__ }, &mine, emulate::Product<T>::all);
}

#else

template <>
__device__ __forceinline__ void
multiply<half> (Sums *sums, const Rows<half> &rows_0, const Rows<half> &rows_1,
    const Columns<half> &columns_0, const Columns<half> &columns_1)
{
  float *c = sums->values;

#if __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
               "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
               "{%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(rows_0.values[0]), "r"(rows_0.values[1]),
               "r"(rows_1.values[0]), "r"(rows_1.values[1]),
               "r"(columns_0.value), "r"(columns_1.value));
#else
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 "
      "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(rows_0.values[0]), "r"(rows_0.values[1]), "r"(columns_0.value));
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 "
      "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(rows_1.values[0]), "r"(rows_1.values[1]), "r"(columns_1.value));
#endif
}

/* The reference: every lane fetches what it needs from the lanes that hold it.
 */
template <>
__device__ __forceinline__ void
multiply<float> (Sums *sums, const Rows<float> &rows_0,
    const Rows<float> &rows_1, const Columns<float> &columns_0,
    const Columns<float> &columns_1)
{
  int g = lane_of_warp () / 4, t = lane_of_warp () % 4;

  /* Not unrolled: there are many of these, and nvcc takes minutes. */
#pragma unroll 1
  for (int holder = 0; holder < 4; holder++)
    for (int e = 0; e < 4; e++) {
      const Rows<float> &rows = e < 2 ? rows_0 : rows_1;
      const Columns<float> &columns = e < 2 ? columns_0 : columns_1;
      float upper, lower, left, right;

      upper = __shfl_sync (0xffffffff, rows.values[e % 2], 4 * g + holder);
      lower = __shfl_sync (0xffffffff, rows.values[2 + e % 2], 4 * g + holder);
      left = __shfl_sync (0xffffffff, columns.values[e % 2], 8 * t + holder);
      right =
          __shfl_sync (0xffffffff, columns.values[e % 2], 8 * t + 4 + holder);
      sums->values[0] += upper * left;
      sums->values[1] += upper * right;
      sums->values[2] += lower * left;
      sums->values[3] += lower * right;
    }
}

#endif

#endif /* SYMPIE_CUDA_MATRIX_H */
