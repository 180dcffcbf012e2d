/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* 3x3 convolution as a matrix product: a row of the left matrix is an output
 * pixel with its 9 * n_in inputs, gathered while it is copied to shared memory;
 * a column of the right one is an output channel.
 *
 * A block makes BM pixels of BN channels, in steps of BK inputs through a ring
 * of buffers that fills in the background. Where a layer has too few pixels to
 * occupy the GPU, several blocks share the sum over the inputs; they leave
 * their parts in device memory, and the one that comes last adds them up,
 * always in the same order. What follows the convolution happens in shared
 * memory.
 *
 * With pooling a block's pixels are the rectangle that its pooled pixels need,
 * so that neighbours compute their common rows and columns twice; writing the
 * layer and reading it again would take longer. */

#include "device.h"
#include "matrix.h"

#include "conv.h"

namespace {

constexpr int BN = SYMPIE_CUDA_CONV_CHANNELS, BK = SYMPIE_CUDA_CONV_INPUTS;

struct Arguments
{
  SympieCudaConv layer;
  int log2_in; /* of n_in */
  int steps;   /* of BK inputs */
  float share; /* of a pixel in a mean */
  SympieCudaConvTiles tiles;
};

template <typename T, int BM> struct Tile
{
  static constexpr int WARPS = BM / 32 * (BN / 32); /* 32x32 each */
  static constexpr int THREADS = WARPS * 32;
  static constexpr int STAGES = sizeof (T) == 2 ? 4 : 2;
  static constexpr int PACK = Pack<T>::SIZE;
  static constexpr int STRIDE = BK + PACK; /* no bank conflicts */
  static constexpr int A = BM * STRIDE, B = BN * STRIDE;
  static constexpr int OUT_STRIDE = BN + 8;

  /* The ring and, after it is done, the results. */
  static constexpr int RING = STAGES * (A + B) * sizeof (T);
  static constexpr int RESULT = BM * OUT_STRIDE * sizeof (float);
  static constexpr int SHARED = RING > RESULT ? RING : RESULT;

  /* Chunks of 16 bytes that a thread copies in a step. */
  static constexpr int A_CHUNKS = BM * BK / PACK / THREADS;
  static constexpr int B_CHUNKS = BN * BK / PACK / THREADS;
};

/* Which pixel of the image row `i` of the block's matrix is. */
struct Pixels
{
  int y, x;  /* of the first, or the first pixel's index as x */
  int width; /* of a rectangle; 0: pixels one after the other */
  int height;

  __device__ __forceinline__ bool
  at (const SympieCudaConv &layer, int i, int *py, int *px) const
  {
    if (width > 0) {
      *py = y + i / width;
      *px = x + i % width;
      return i < width * height && *py < layer.height && *px < layer.width;
    }
    *py = (x + i) / layer.width;
    *px = (x + i) % layer.width;
    return *py < layer.height;
  }
};

__device__ __forceinline__ Pixels
pixels_of_block (const Arguments &a, int bm)
{
  const SympieCudaConvTiles &tiles = a.tiles;
  const SympieCudaPool &pool = a.layer.pool;
  int tile = blockIdx.x;

  if (pool.size == 0)
    return { 0, tile * bm, 0, 0 };
  return { max (tile / tiles.across * tiles.pooled_h * pool.stride - pool.pad,
               0),
    max (tile % tiles.across * tiles.pooled_w * pool.stride - pool.pad, 0),
    tiles.width, tiles.height };
}

template <typename T>
__device__ __forceinline__ Pack<T>
load_pack (const void *tensor, size_t i)
{
  return *(const Pack<T> *) ((const T *) tensor + i);
}

template <typename T>
__device__ __forceinline__ void
store_pack (void *tensor, size_t i, const float values[])
{
  Pack<T> pack;

  for (int e = 0; e < Pack<T>::SIZE; e++)
    pack.values[e] = from_float<T> (values[e]);
  *(Pack<T> *) ((T *) tensor + i) = pack;
}

/* What follows the sum, for some channels of a pixel whose place in the tensors
 * is `at`. */
template <typename T>
__device__ __forceinline__ void
finish (const SympieCudaConv &layer, int channel, size_t at, float values[])
{
  constexpr int PACK = Pack<T>::SIZE;

  for (int e = 0; e < PACK; e++)
    values[e] += layer.bias[channel + e];
  if (layer.raw)
    store_pack<T> (layer.raw, at, values);
  if (layer.scale)
    for (int e = 0; e < PACK; e++)
      values[e] =
          layer.scale[channel + e] * values[e] + layer.shift[channel + e];
  if (layer.relu)
    for (int e = 0; e < PACK; e++)
      values[e] = fmaxf (values[e], 0);
  if (layer.residual) {
    Pack<T> residual = load_pack<T> (layer.residual, at);

    for (int e = 0; e < PACK; e++)
      values[e] += to_float (residual.values[e]);
  }
}

/* Rows of the block's matrix that are pixels. */
__device__ __forceinline__ int
rows_of_block (const Arguments &a, int bm)
{
  const SympieCudaConv &layer = a.layer;

  return a.tiles.width > 0
             ? a.tiles.width * a.tiles.height
             : min (bm, layer.height * layer.width - (int) blockIdx.x * bm);
}

/* Adds up what the blocks of a tile have; false for all but the last one. The
 * warp's sums begin at row `first_row`; 16 rows that have no pixels stay out.
 */
template <typename T, int BM>
__device__ bool
add_splits (const Arguments &a, const SharedArray<float> &memory, int first_row,
    Sums sums[2][4])
{
  constexpr int SIZE = BM * BN / 4; /* of a part, in float4 */
  int tile = blockIdx.y * gridDim.x + blockIdx.x;
  float4 *parts =
      (float4 *) a.tiles.workspace + (size_t) tile * gridDim.z * SIZE;
  int mine = threadIdx.x / 32 * 8 * 32 + lane_of_warp ();
  int n = min (max ((rows_of_block (a, BM) - first_row + 15) / 16, 0), 2) * 4;

#pragma unroll
  for (int f = 0; f < 8; f++) {
    const float *v = sums[f / 4][f % 4].values;

    if (f < n)
      parts[blockIdx.z * SIZE + mine + f * 32] =
          make_float4 (v[0], v[1], v[2], v[3]);
  }
  __threadfence ();
  __syncthreads ();
  if (threadIdx.x == 0) {
    bool last = atomicAdd (&a.tiles.counters[tile], 1) == gridDim.z - 1;

    memory.set (0, last);
    if (last)
      a.tiles.counters[tile] = 0; /* for the next launch */
  }
  __syncthreads ();
  if (memory.get (0) == 0)
    return false;
  __threadfence ();
  for (int f = 0; f < 8; f++)
    for (int e = 0; e < 4; e++)
      sums[f / 4][f % 4].values[e] = 0;
#pragma unroll 1
  for (unsigned z = 0; z < gridDim.z; z++) {
    float4 part[8];

    /* All of them on their way before the first is needed. */
#pragma unroll
    for (int f = 0; f < 8; f++)
      part[f] = f < n ? __ldcg (&parts[z * SIZE + mine + f * 32])
                      : make_float4 (0, 0, 0, 0);
#pragma unroll
    for (int f = 0; f < 8; f++) {
      float *v = sums[f / 4][f % 4].values;

      v[0] += part[f].x;
      v[1] += part[f].y;
      v[2] += part[f].z;
      v[3] += part[f].w;
    }
  }
  __syncthreads (); /* the flag was read by all */
  return true;
}

template <typename T, int BM>
__device__ void
store_result (
    const Arguments &a, const Pixels &pixels, const SharedArray<float> &result)
{
  using L = Tile<T, BM>;
  const SympieCudaConv &layer = a.layer;
  const SympieCudaPool &pool = layer.pool;
  int first_channel = blockIdx.y * BN;
  int across = a.tiles.across;

  for (int i = threadIdx.x; i < BM * BN / L::PACK; i += L::THREADS) {
    int row = i / (BN / L::PACK), column = i % (BN / L::PACK) * L::PACK;
    int channel = first_channel + column, y, x;
    bool valid = pixels.at (layer, row, &y, &x);
    size_t at = ((size_t) y * layer.width + x) * layer.n_out + channel;
    float values[L::PACK];

    if (!valid)
      continue;
    for (int e = 0; e < L::PACK; e++)
      values[e] = result.get (row * L::OUT_STRIDE + column + e);
    finish<T> (layer, channel, at, values);
    if (pool.size == 0)
      store_pack<T> (layer.out, at, values);
    else
      for (int e = 0; e < L::PACK; e++)
        result.set (row * L::OUT_STRIDE + column + e, values[e]);
  }
  if (pool.size == 0)
    return;

  __syncthreads ();
  const float share = a.share;
  int pooled = a.tiles.pooled_h * a.tiles.pooled_w;

  /* Two channels a thread: there are few pixels, and 25 of them in a sum. */
  for (int i = threadIdx.x; i < pooled * BN / 2; i += L::THREADS) {
    int output = i / (BN / 2), column = i % (BN / 2) * 2;
    int py = (int) blockIdx.x / across * a.tiles.pooled_h
             + output / a.tiles.pooled_w;
    int px = (int) blockIdx.x % across * a.tiles.pooled_w
             + output % a.tiles.pooled_w;
    float values[2];

    if (py >= pool.height || px >= pool.width)
      continue;
    values[0] = values[1] = pool.max ? -INFINITY : 0;
    for (int wy = 0; wy < pool.size; wy++)
      for (int wx = 0; wx < pool.size; wx++) {
        int y = py * pool.stride - pool.pad + wy;
        int x = px * pool.stride - pool.pad + wx;
        int row = (y - pixels.y) * pixels.width + x - pixels.x;

        if (y < 0 || x < 0 || y >= layer.height || x >= layer.width)
          continue;
        float2 value =
            result.template load<float2> (row * L::OUT_STRIDE + column);

        values[0] = pool.max ? fmaxf (values[0], value.x) : values[0] + value.x;
        values[1] = pool.max ? fmaxf (values[1], value.y) : values[1] + value.y;
      }

    struct alignas (2 * sizeof (T)) Two
    {
      T values[2];
    } two;

    for (int e = 0; e < 2; e++)
      two.values[e] = from_float<T> (pool.max ? values[e] : values[e] * share);
    *(Two *) ((T *) layer.out + ((size_t) py * pool.width + px) * layer.n_out
              + first_channel + column) = two;
  }
}

template <typename T, int BM>
__global__ void
__launch_bounds__ (Tile<T, BM>::THREADS) conv (Arguments a)
{
  using L = Tile<T, BM>;
  const SympieCudaConv &layer = a.layer;
  SharedLayout shared;
  auto memory = shared.array<float> (L::SHARED / sizeof (float));
  auto ring = memory.template as<T> ();
  Pixels pixels = pixels_of_block (a, BM);
  int warp = threadIdx.x / 32, lane = lane_of_warp ();
  int warp_m = warp / (BN / 32) * 32, warp_n = warp % (BN / 32) * 32;
  int first = blockIdx.z * a.steps / gridDim.z;
  int last = (blockIdx.z + 1) * a.steps / gridDim.z;

  /* The thread's chunks: always the same rows. */
  const int chunk = threadIdx.x % (BK / L::PACK) * L::PACK;
  const int row = threadIdx.x / (BK / L::PACK);
  constexpr int ROWS = L::THREADS / (BK / L::PACK); /* from one to the next */
  const T *from[L::A_CHUNKS];        /* the pixel in the middle of the taps */
  unsigned inside[L::A_CHUNKS] = {}; /* a bit for each tap */
  const T *weight = (const T *) layer.weight
                    + (size_t) (blockIdx.y * BN + row) * a.steps * BK + chunk;

  for (int j = 0; j < L::A_CHUNKS; j++) {
    int y, x;
    bool valid = pixels.at (layer, row + j * ROWS, &y, &x);

    from[j] =
        (const T *) layer.in + ((ptrdiff_t) y * layer.width + x) * layer.n_in;
    for (int tap = 0; tap < 9; tap++)
      if (valid && y + tap / 3 >= 1 && y + tap / 3 <= layer.height
          && x + tap % 3 >= 1 && x + tap % 3 <= layer.width)
        inside[j] |= 1u << tap;
  }

  auto load_step = [&] (int step) {
    int slot = (step - first) % L::STAGES * (L::A + L::B);
    int k = step * BK + chunk, tap = k >> a.log2_in;
    int offset = ((tap / 3 - 1) * layer.width + tap % 3 - 1) * layer.n_in
                 + (k & (layer.n_in - 1));

    for (int j = 0; j < L::A_CHUNKS; j++)
      copy_16 (ring, slot + (row + j * ROWS) * L::STRIDE + chunk,
          from[j] + offset, inside[j] >> tap & 1);
    for (int j = 0; j < L::B_CHUNKS; j++)
      copy_16 (ring, slot + L::A + (row + j * ROWS) * L::STRIDE + chunk,
          weight + (size_t) j * ROWS * a.steps * BK + step * BK, true);
  };

  Sums sums[2][4];

  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 4; j++)
      for (int e = 0; e < 4; e++)
        sums[i][j].values[e] = 0;
  for (int s = 0; s < L::STAGES - 1; s++) {
    if (first + s < last)
      load_step (first + s);
    commit_copies ();
  }
  for (int step = first; step < last; step++) {
    int slot = (step - first) % L::STAGES * (L::A + L::B);

    wait_copies<L::STAGES - 2> ();
    __syncthreads ();
    if (step + L::STAGES - 1 < last)
      load_step (step + L::STAGES - 1);
    commit_copies ();
#pragma unroll
    for (int k = 0; k < BK; k += 16) {
      Rows<T> rows[2][2];
      Columns<T> columns[2][2][2];

      for (int i = 0; i < 2; i++)
        load_rows_twice (
            rows[i], ring, slot + (warp_m + i * 16) * L::STRIDE + k, L::STRIDE);
      for (int j = 0; j < 2; j++)
        load_columns (columns[j], ring,
            slot + L::A + (warp_n + j * 16) * L::STRIDE + k, L::STRIDE);
#pragma unroll
      for (int i = 0; i < 2; i++)
#pragma unroll
        for (int j = 0; j < 4; j++)
          multiply (&sums[i][j], rows[i][0], rows[i][1],
              columns[j / 2][j % 2][0], columns[j / 2][j % 2][1]);
    }
  }
  wait_copies<0> ();
  __syncthreads ();

  if (gridDim.z > 1 && !add_splits<T, BM> (a, memory, warp_m, sums))
    return;
#pragma unroll
  for (int i = 0; i < 2; i++)
#pragma unroll
    for (int j = 0; j < 4; j++)
      for (int e = 0; e < 4; e++)
        memory.set ((warp_m + i * 16 + lane / 4 + e / 2 * 8) * L::OUT_STRIDE
                        + warp_n + j * 8 + lane % 4 * 2 + e % 2,
            sums[i][j].values[e]);
  __syncthreads ();
  store_result<T, BM> (a, pixels, memory);
}

template <typename T, int BM>
cudaError_t
run (const Arguments &a, SympieCudaTarget *to)
{
  dim3 grid (a.tiles.count, a.layer.n_out / BN, a.tiles.splits);

  return launch (
      conv<T, BM>, grid, Tile<T, BM>::THREADS, Tile<T, BM>::SHARED, to, a);
}

} // namespace

cudaError_t
sympie_cuda_conv (const SympieCudaConv *layer, const SympieCudaConvTiles *tiles,
    bool as_half, SympieCudaTarget *to)
{
  Arguments a = { *layer, 0, sympie_cuda_conv_steps (layer->n_in), 1, *tiles };
  int in_mean = layer->pool.size * layer->pool.size;

  if (in_mean > 0)
    a.share = 1.f / (float) in_mean;

  while (1 << a.log2_in < layer->n_in)
    a.log2_in++;
  if (tiles->pixels == 128)
    return as_half ? run<half, 128> (a, to) : run<float, 128> (a, to);
  return as_half ? run<half, 64> (a, to) : run<float, 64> (a, to);
}
