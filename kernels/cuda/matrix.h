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

/* Matrices lie there in rows `stride` elements apart, a multiple of 16 bytes;
 * odd multiples meet no bank conflict. Each lane says where it reads: `at` is
 * the matrix's first element, aligned to 16 bytes, plus the lane's place in it,
 * which is the same for all matrices of that stride. */
template <typename T> __device__ __forceinline__ int place_in_rows (int stride);
template <typename T>
__device__ __forceinline__ int place_in_columns (int stride);

template <typename T>
__device__ __forceinline__ void load_rows (
    Rows<T> *rows, const SharedArray<T> &array, int at, int stride);

/* 16x16 as two. */
template <typename T>
__device__ __forceinline__ void load_rows_twice (
    Rows<T> rows[2], const SharedArray<T> &array, int at, int stride);

/* 16x16 of the right matrix, which lies there transposed: its columns are rows.
 * columns[n / 8][k / 8]. */
template <typename T>
__device__ __forceinline__ void load_columns (
    Columns<T> columns[2][2], const SharedArray<T> &array, int at, int stride);

template <>
__device__ __forceinline__ int
place_in_rows<float> (int stride)
{
  return lane_of_warp () / 4 * stride + lane_of_warp () % 4 * 2;
}

template <>
__device__ __forceinline__ int
place_in_columns<float> (int stride)
{
  return place_in_rows<float> (stride);
}

template <>
__device__ __forceinline__ void
load_rows<float> (
    Rows<float> *rows, const SharedArray<float> &array, int at, int stride)
{
  for (int e = 0; e < 4; e++)
    rows->values[e] = array.get (at + e / 2 * 8 * stride + e % 2);
}

template <>
__device__ __forceinline__ void
load_rows_twice<float> (
    Rows<float> rows[2], const SharedArray<float> &array, int at, int stride)
{
  load_rows (&rows[0], array, at, stride);
  load_rows (&rows[1], array, at + 8, stride);
}

template <>
__device__ __forceinline__ void
load_columns<float> (Columns<float> columns[2][2],
    const SharedArray<float> &array, int at, int stride)
{
  for (int e = 0; e < 8; e++)
    columns[e / 4][e / 2 % 2].values[e % 2] =
        array.get (at + e / 4 * 8 * stride + e / 2 % 2 * 8 + e % 2);
}

/* ---- Instructions -------------------------------------------------------- */

/* n matrices of 8 rows of 16 bytes; lane 8 m + r has where row r of matrix m
 * is. values[m] are then elements (g, 2t) and (g, 2t+1) of it. */
template <int n>
__device__ __forceinline__ void
load_matrices (uint32_t values[n], const SharedArray<half> &array, int i)
{
#ifdef SYMPIE_EMULATED
  /* The other lanes are not asked. */
  emulate::load_matrices (values, n,
      lane_of_warp () < 8 * n ? array.at<uint4> (i) : nullptr,
      { "load_matrices", __FILE__, __LINE__ });
#else
  unsigned address = (unsigned) __cvta_generic_to_shared (array.at<uint4> (i));

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
#endif
}

/* c, 16x8, += a * b. Of the 16x16 left matrix a[0] has (g, 2t..), a[1] (g+8,
 * 2t..), a[2] (g, 2t+8..), a[3] (g+8, 2t+8..); of the 16x8 right one b[0] has
 * (2t.., g), b[1] (2t+8.., g). With k = 8 only the first halves are there. */
template <int k>
__device__ __forceinline__ void
multiply_add_matrices (
    float c[4], const uint32_t a[k / 4], const uint32_t b[k / 8])
{
#ifdef SYMPIE_EMULATED
  emulate::multiply_add_matrices (
      c, a, b, k, { "multiply_add_matrices", __FILE__, __LINE__ });
#else
#if __CUDA_ARCH__ >= 800
  constexpr bool is_whole = k == 16;
#else
  constexpr bool is_whole = false; /* two instructions */
#endif

  if constexpr (is_whole)
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  else
    for (int h = 0; h < k / 8; h++)
      asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 "
                   "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
                   : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                   : "r"(a[2 * h]), "r"(a[2 * h + 1]), "r"(b[h]));
#endif
}

/* ---- Half -----------------------------------------------------------------
 */

template <>
__device__ __forceinline__ int
place_in_rows<half> (int stride)
{
  return lane_of_warp () % 16 * stride + lane_of_warp () / 16 * 8;
}

template <>
__device__ __forceinline__ int
place_in_columns<half> (int stride)
{
  int lane = lane_of_warp ();

  return (lane % 8 + lane / 16 * 8) * stride + lane / 8 % 2 * 8;
}

template <>
__device__ __forceinline__ void
load_rows<half> (Rows<half> *rows, const SharedArray<half> &array, int at, int)
{
  load_matrices<2> (rows->values, array, at);
}

template <>
__device__ __forceinline__ void
load_rows_twice<half> (
    Rows<half> rows[2], const SharedArray<half> &array, int at, int)
{
  uint32_t values[4];

  load_matrices<4> (values, array, at);
  rows[0] = { { values[0], values[1] } };
  rows[1] = { { values[2], values[3] } };
}

template <>
__device__ __forceinline__ void
load_columns<half> (
    Columns<half> columns[2][2], const SharedArray<half> &array, int at, int)
{
  uint32_t values[4];

  load_matrices<4> (values, array, at);
  columns[0][0].value = values[0];
  columns[0][1].value = values[1];
  columns[1][0].value = values[2];
  columns[1][1].value = values[3];
}

/* ---- The product --------------------------------------------------------- */

/* sums += rows * columns, 16x8 += 16x8 * 8x8. */
__device__ __forceinline__ void
multiply (Sums *sums, const Rows<half> &rows, const Columns<half> &columns)
{
  multiply_add_matrices<8> (sums->values, rows.values, &columns.value);
}

__device__ __forceinline__ void
multiply (Sums *sums, const Rows<float> &rows, const Columns<float> &columns)
{
#ifdef SYMPIE_EMULATED
  emulate::multiply_add_matrices (sums->values, rows.values, columns.values,
      { "multiply", __FILE__, __LINE__ });
#else
  int g = lane_of_warp () / 4, t = lane_of_warp () % 4;

  /* The reference: every lane fetches what it needs from the lanes that hold
   * it. Not unrolled: there are many of these, and nvcc takes minutes. */
#pragma unroll 1
  for (int holder = 0; holder < 4; holder++)
    for (int e = 0; e < 2; e++) {
      float upper, lower, left, right;

      upper = __shfl_sync (0xffffffff, rows.values[e], 4 * g + holder);
      lower = __shfl_sync (0xffffffff, rows.values[2 + e], 4 * g + holder);
      left = __shfl_sync (0xffffffff, columns.values[e], 8 * t + holder);
      right = __shfl_sync (0xffffffff, columns.values[e], 8 * t + 4 + holder);
      sums->values[0] += upper * left;
      sums->values[1] += upper * right;
      sums->values[2] += lower * left;
      sums->values[3] += lower * right;
    }
#endif
}

/* The same of 16x16 * 16x8, each in two halves. Half does it in one
 * instruction, which wants both halves of the rows side by side in registers,
 * as load_rows_twice() makes them; where they are not, two are less work. */
__device__ __forceinline__ void
multiply (Sums *sums, const Rows<half> &rows_0, const Rows<half> &rows_1,
    const Columns<half> &columns_0, const Columns<half> &columns_1)
{
  const uint32_t a[4] = { rows_0.values[0], rows_0.values[1], rows_1.values[0],
    rows_1.values[1] };
  const uint32_t b[2] = { columns_0.value, columns_1.value };

  multiply_add_matrices<16> (sums->values, a, b);
}

__device__ __forceinline__ void
multiply (Sums *sums, const Rows<float> &rows_0, const Rows<float> &rows_1,
    const Columns<float> &columns_0, const Columns<float> &columns_1)
{
  multiply (sums, rows_0, columns_0);
  multiply (sums, rows_1, columns_1);
}

#endif /* SYMPIE_CUDA_MATRIX_H */
