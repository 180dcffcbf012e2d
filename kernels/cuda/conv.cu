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
 * occupy the GPU, groups of a block's warps share the inputs of a step, and
 * several blocks share the steps; these leave their parts in device memory, and
 * the one that comes last adds them up, always in the same order. What follows
 * the convolution happens in shared memory.
 *
 * With pooling a block's pixels are the rectangle that its pooled pixels need,
 * so that neighbours compute their common rows and columns twice; writing the
 * layer and reading it again would take longer. */

#include "device.h"
#include "matrix.h"

#include "kernels.h"

namespace {

constexpr int BN = SYMPIE_CUDA_CONV_CHANNELS;
constexpr int GROUP_K = SYMPIE_CUDA_CONV_INPUTS; /* of a group of warps */

struct Arguments
{
  SympieCudaConv layer;
  int log2_in;                    /* of n_in */
  int row;                        /* of the weights, in elements */
  int split_steps, longer_splits; /* those of a split, and how many have one
                                     more */
  float share;                    /* of a pixel in a mean */
  SympieCudaConvTiles tiles;

  int width; /* of what a block's pixels are rows of: its rectangle, or
                the image */
  float inverse_width;                    /* of that */
  float inverse_across, inverse_pooled_w; /* of those of the tiles */
  int tap_offset[16]; /* elements from the middle of the taps to each; after
                         the nine come those of a last step that is not full */
};

template <typename T_, int BM_> struct Tile
{
  using T = T_;
  static constexpr bool HALF = sizeof (T) == 2;
  static constexpr int BM = BM_;
  static constexpr int GROUPS = HALF ? 128 / BM : 1;
  /* 64 KB of shared memory are there on all GPUs. */
  static constexpr int STAGES = HALF ? (BM == 128 ? 4 : BM == 64 ? 3 : 2) : 2;
  static constexpr int BK = GROUP_K * GROUPS;
  static constexpr int WARPS = BM / 32 * (BN / 32); /* of a group: 32x32 each */
  static constexpr int THREADS = WARPS * GROUPS * 32;
  static constexpr int PACK = Pack<T>::SIZE;
  static constexpr int STRIDE = BK + PACK; /* no bank conflicts */
  static constexpr int A = BM * STRIDE, B = BN * STRIDE;
  static constexpr int OUT_STRIDE = BN + 8;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
  static constexpr int BLOCKS = 1; /* at once: shared memory has no room */
#else
  static constexpr int BLOCKS = HALF ? 3 : 1;
#endif

  /* The ring and, after it is done, the groups' sums. The last float says
   * whether the block is its tile's last. */
  static constexpr int RING = STAGES * (A + B) * sizeof (T) / sizeof (float);
  static constexpr int SUMS = GROUPS * BM * OUT_STRIDE;
  static constexpr int FLAG = RING > SUMS ? RING : SUMS;

  /* Chunks of 16 bytes that a thread copies in a step. */
  static constexpr int A_CHUNKS = BM * BK / PACK / THREADS;
  static constexpr int B_CHUNKS = BN * BK / PACK / THREADS;
};

/* n / d, where `inverse` is 1 / d and n has 21 bits at most: n + 1/2 over d
 * lies further from an integer than what is rounded. */
__device__ __forceinline__ int
divide (int n, float inverse)
{
  return (int) (((float) n + 0.5f) * inverse);
}

/* The pixels of a block: rows of the image from `first` pixels after (x, y) on,
 * or a rectangle there. */
struct Pixels
{
  int y, x, first, count;

  /* Whether row `i` of the block's matrix is a pixel, and which. */
  __device__ __forceinline__ bool
  at (const Arguments &a, int i, int *py, int *px) const
  {
    int row = divide (first + i, a.inverse_width);

    *py = y + row;
    *px = x + first + i - row * a.width;
    return i < count && *py < a.layer.height && *px < a.layer.width;
  }
};

__device__ __forceinline__ Pixels
pixels_of_block (const Arguments &a, int bm)
{
  const SympieCudaConvTiles &tiles = a.tiles;
  const SympieCudaPool &pool = a.layer.pool;
  int tile = blockIdx.x, down = divide (tile, a.inverse_across);

  if (pool.size == 0)
    return { tile * bm / a.width, 0, tile * bm % a.width,
      min (bm, a.layer.height * a.width - tile * bm) };
  return { max (down * tiles.pooled_h * pool.stride - pool.pad, 0),
    max ((tile - down * tiles.across) * tiles.pooled_w * pool.stride - pool.pad,
        0),
    0, tiles.width * tiles.height };
}

template <typename T, int n>
__device__ __forceinline__ Pack<T, n>
load_pack (const void *tensor, size_t i)
{
  return *(const Pack<T, n> *) ((const T *) tensor + i);
}

template <typename T, int n>
__device__ __forceinline__ void
store_pack (void *tensor, size_t i, const Pack<float, n> &values)
{
  Pack<T, n> pack;

  for (int e = 0; e < n; e++)
    pack.values[e] = T (values.values[e]);
  *(Pack<T, n> *) ((T *) tensor + i) = pack;
}

__device__ __forceinline__ float4
sum_of (float4 a, float4 b)
{
  return make_float4 (a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w);
}

/* A warp's part of the product, 32 pixels by 32 channels: of halves on tensor
 * cores, of floats on CUDA cores, where a lane has the same sums. `rows` and
 * `columns` are where its part of the matrices begins in a slot of the ring. */
template <class L> class Product {
public:
  __device__ __forceinline__
  Product (int rows, int columns)
      : rows_ (kept (rows
                     + (L::HALF ? place_in_rows (L::STRIDE)
                                : lane_of_warp () / 4 * L::STRIDE))),
        columns_ (kept (columns
                        + (L::HALF ? place_in_columns (L::STRIDE)
                                   : lane_of_warp () % 4 * 2 * L::STRIDE)))
  {
  }

  __device__ __forceinline__ void
  add (const SharedArray<half> &ring, int slot)
  {
#pragma unroll
    for (int k = 0; k < GROUP_K; k += 16) {
      uint32_t left[2][4], right[2][4];

      for (int i = 0; i < 2; i++)
        load_matrices<4> (left[i], ring, slot + rows_ + i * 16 * L::STRIDE + k);
      for (int j = 0; j < 2; j++)
        load_matrices<4> (
            right[j], ring, slot + columns_ + j * 16 * L::STRIDE + k);
#pragma unroll
      for (int i = 0; i < 2; i++)
#pragma unroll
        for (int j = 0; j < 4; j++)
          multiply<16> (&sums_[i][j], left[i], &right[j / 2][j % 2 * 2]);
    }
  }

  __device__ __forceinline__ void
  add (const SharedArray<float> &ring, int slot)
  {
#pragma unroll 1
    for (int k = 0; k < GROUP_K; k += 4) {
      float4 left[4];

      for (int i = 0; i < 4; i++)
        left[i] =
            ring.template load<float4> (slot + rows_ + i * 8 * L::STRIDE + k);
#pragma unroll
      for (int j = 0; j < 8; j++) {
        float4 right = ring.template load<float4> (
            slot + columns_ + (j / 2 * 8 + j % 2) * L::STRIDE + k);

        for (int i = 0; i < 4; i++) {
          float &sum = sums_[i / 2][j / 2].values[i % 2 * 2 + j % 2];

          sum += left[i].x * right.x;
          sum += left[i].y * right.y;
          sum += left[i].z * right.z;
          sum += left[i].w * right.w;
        }
      }
    }
  }

  __device__ __forceinline__ void
  store (const SharedArray<float> &memory, int at) const
  {
    int lane = lane_of_warp ();

#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
      for (int j = 0; j < 4; j++)
        for (int h = 0; h < 2; h++)
          memory.store (at + (i * 16 + lane / 4 + h * 8) * L::OUT_STRIDE + j * 8
                            + lane % 4 * 2,
              float2{
                  sums_[i][j].values[2 * h], sums_[i][j].values[2 * h + 1] });
  }

private:
  int rows_, columns_;
  Sums sums_[2][4] = {};
};

/* Adds up what the groups of warps have and, where several blocks share a
 * tile, what those have; false for all blocks but the last one. */
template <class L>
__device__ __forceinline__ bool
add_up (const Arguments &a, const SharedArray<float> &memory)
{
  constexpr int SIZE = L::BM * BN / 4, FOURS = SIZE / L::THREADS;
  constexpr int AT_ONCE = FOURS < 8 ? 8 / FOURS : 1; /* parts on their way */
  int tile = blockIdx.y * gridDim.x + blockIdx.x;
  float4 *parts =
      (float4 *) a.tiles.workspace + (size_t) tile * gridDim.z * SIZE;
  int place =
      threadIdx.x / (BN / 4) * L::OUT_STRIDE + threadIdx.x % (BN / 4) * 4;
  constexpr int NEXT = L::THREADS / (BN / 4) * L::OUT_STRIDE;
  float4 sum[FOURS];

#pragma unroll
  for (int i = 0; i < FOURS; i++) {
    sum[i] = memory.template load<float4> (place + i * NEXT);
    for (int g = 1; g < L::GROUPS; g++)
      sum[i] =
          sum_of (sum[i], memory.template load<float4> (
                              place + i * NEXT + g * L::BM * L::OUT_STRIDE));
  }
  if (rarely (gridDim.z > 1)) {
#pragma unroll
    for (int i = 0; i < FOURS; i++)
      leave_for_blocks (
          &parts[blockIdx.z * SIZE + i * L::THREADS + threadIdx.x], sum[i]);
    __threadfence ();
    __syncthreads ();
    if (threadIdx.x == 0) {
      bool last = atomicAdd (&a.tiles.counters[tile], 1) == gridDim.z - 1;

      memory.set (L::FLAG, last);
      if (last)
        a.tiles.counters[tile] = 0; /* for the next launch */
    }
    __syncthreads ();
    if (memory.get (L::FLAG) == 0)
      return false;
    __threadfence ();
    for (int i = 0; i < FOURS; i++)
      sum[i] = make_float4 (0, 0, 0, 0);
#pragma unroll 1
    for (unsigned z = 0; z < gridDim.z; z += AT_ONCE) {
      float4 part[AT_ONCE][FOURS];

      /* All of them on their way before the first is needed. */
#pragma unroll
      for (int j = 0; j < AT_ONCE; j++)
#pragma unroll
        for (int i = 0; i < FOURS; i++)
          part[j][i] =
              z + j < gridDim.z ? left_by_blocks (
                  &parts[(z + j) * SIZE + i * L::THREADS + threadIdx.x])
                                : make_float4 (0, 0, 0, 0);
#pragma unroll
      for (int j = 0; j < AT_ONCE; j++)
#pragma unroll
        for (int i = 0; i < FOURS; i++)
          sum[i] = sum_of (sum[i], part[j][i]);
    }
  }
#pragma unroll
  for (int i = 0; i < FOURS; i++)
    memory.store (place + i * NEXT, sum[i]);
  __syncthreads ();
  return true;
}

/* What follows the sums. A thread has always the same channels. */
template <class L>
__device__ void
finish (
    const Arguments &a, const Pixels &pixels, const SharedArray<float> &result)
{
  using T = typename L::T;
  constexpr int N = L::PACK, ACROSS = BN / N; /* channels; threads in a row */
  using Floats = Pack<float, N>;
  const SympieCudaConv &layer = a.layer;
  int column = threadIdx.x % ACROSS * N, channel = blockIdx.y * BN + column;
  Floats bias = load_pack<float, N> (layer.bias, channel);
  Floats scale, shift = {};

  for (int e = 0; e < N; e++)
    scale.values[e] = 1;
  if (layer.scale) {
    scale = load_pack<float, N> (layer.scale, channel);
    shift = load_pack<float, N> (layer.shift, channel);
  }
#pragma unroll 1
  for (int row = threadIdx.x / ACROSS; row < L::BM;
       row += L::THREADS / ACROSS) {
    int y, x, place = row * L::OUT_STRIDE + column;
    bool valid = pixels.at (a, row, &y, &x);
    size_t at = ((size_t) y * layer.width + x) * layer.n_out + channel;
    Pack<T, N> residual = {};
    Floats values;

    if (!valid)
      continue;
    if (layer.residual)
      residual = load_pack<T, N> (layer.residual, at);
    values = result.template load<Floats> (place);
    for (int e = 0; e < N; e++)
      values.values[e] += bias.values[e];
    if (layer.raw)
      store_pack<T> (layer.raw, at, values);
    for (int e = 0; e < N; e++) {
      float value = scale.values[e] * values.values[e] + shift.values[e];

      /* fmaxf () would make a number of NaN. */
      values.values[e] = (value < 0 ? 0 : value) + (float) residual.values[e];
    }
    if (layer.pool.size == 0)
      store_pack<T> (layer.out, at, values);
    else
      result.store (place, values);
  }
}

/* The pooled pixels of the block. Two channels a thread: there are few pixels,
 * and up to 25 of them in a sum. */
template <class L, bool is_max>
__device__ void
pool (
    const Arguments &a, const Pixels &pixels, const SharedArray<float> &result)
{
  using T = typename L::T;
  using Two = Pack<float, 2>;
  constexpr int SIZE = is_max ? 2 : 5;
  const SympieCudaConv &layer = a.layer;
  const SympieCudaPool &pool = layer.pool;
  const SympieCudaConvTiles &tiles = a.tiles;
  int down = divide (blockIdx.x, a.inverse_across);
  int top = down * tiles.pooled_h;
  int left = ((int) blockIdx.x - down * tiles.across) * tiles.pooled_w;
  int column = threadIdx.x % (BN / 2) * 2;

  for (int i = threadIdx.x / (BN / 2); i < tiles.pooled_h * tiles.pooled_w;
       i += L::THREADS / (BN / 2)) {
    int row = divide (i, a.inverse_pooled_w);
    int py = top + row, px = left + i - row * tiles.pooled_w;
    int y = py * pool.stride - pool.pad, x = px * pool.stride - pool.pad;
    int first =
        ((y - pixels.y) * a.width + x - pixels.x) * L::OUT_STRIDE + column;
    Two sum = {}; /* after ReLU: no maximum is below zero */

    if (py >= pool.height || px >= pool.width)
      continue;
    for (int wy = 0; wy < SIZE; wy++)
#pragma unroll
      for (int wx = 0; wx < SIZE; wx++)
        if (wy < pool.size && wx < pool.size
            && (unsigned) (y + wy) < (unsigned) layer.height
            && (unsigned) (x + wx) < (unsigned) layer.width) {
          Two two = result.template load<Two> (
              first + (wy * a.width + wx) * L::OUT_STRIDE);

          for (int e = 0; e < 2; e++)
            if (!is_max)
              sum.values[e] += two.values[e];
            else if (two.values[e] > sum.values[e] || isnan (two.values[e]))
              sum.values[e] = two.values[e];
        }
    for (int e = 0; e < 2 && !is_max; e++)
      sum.values[e] *= a.share;
    store_pack<T> (layer.out,
        ((size_t) py * pool.width + px) * layer.n_out + blockIdx.y * BN
            + column,
        sum);
  }
}

template <class L>
__global__ void
__launch_bounds__ (L::THREADS, L::BLOCKS) conv (Arguments a)
{
  using T = typename L::T;
  constexpr int BK = L::BK;
  const SympieCudaConv &layer = a.layer;
  auto memory = shared_array<float> (L::FLAG + 4);
  auto ring = memory.template as<T> ();
  Pixels pixels = pixels_of_block (a, L::BM);
  int group = threadIdx.x / 32 / L::WARPS;
  int warp = threadIdx.x / 32 % L::WARPS;
  int warp_m = warp / (BN / 32) * 32, warp_n = warp % (BN / 32) * 32;
  int z = blockIdx.z, first = z * a.split_steps + min (z, a.longer_splits);
  int last = first + a.split_steps + (z < a.longer_splits);

  /* The thread's chunks: always the same rows. */
  const int chunk = threadIdx.x % (BK / L::PACK) * L::PACK;
  const int row = threadIdx.x / (BK / L::PACK);
  constexpr int ROWS = L::THREADS / (BK / L::PACK); /* from one to the next */
  unsigned from[L::A_CHUNKS];        /* the pixel in the middle of the taps */
  unsigned inside[L::A_CHUNKS] = {}; /* a bit for each tap */
  const T *weight = (const T *) layer.weight
                    + (size_t) (blockIdx.y * BN + row) * a.row + chunk
                    + first * BK;

  for (int j = 0; j < L::A_CHUNKS; j++) {
    int y, x;
    bool valid = pixels.at (a, row + j * ROWS, &y, &x);
    unsigned across = (x > 0) | 2u | (x + 1 < layer.width) << 2;

    from[j] = (unsigned) (y * layer.width + x) * layer.n_in;
    if (valid)
      inside[j] = (y > 0 ? across : 0) | across << 3
                  | (y + 1 < layer.height ? across << 6 : 0);
  }

  /* Weights are there before the layer's input is. */
  int weight_slot = L::A, input_slot = 0, k = first * BK + chunk;
  auto load_weights = [&] () {
    for (int j = 0; j < L::B_CHUNKS; j++)
      copy_16 (ring, weight_slot + (row + j * ROWS) * L::STRIDE + chunk,
          weight + (size_t) j * ROWS * a.row, true);
    weight += BK;
    weight_slot += L::A + L::B;
    if (weight_slot >= L::STAGES * (L::A + L::B))
      weight_slot = L::A;
  };
  auto load_input = [&] () {
    int tap = k >> a.log2_in;
    int offset = a.tap_offset[tap] + (k & (layer.n_in - 1));

    for (int j = 0; j < L::A_CHUNKS; j++)
      copy_16 (ring, input_slot + (row + j * ROWS) * L::STRIDE + chunk,
          (const T *) layer.in + (from[j] + offset), inside[j] >> tap & 1);
    k += BK;
    input_slot += L::A + L::B;
    if (input_slot == L::STAGES * (L::A + L::B))
      input_slot = 0;
  };

  for (int s = 0; s < L::STAGES - 1; s++)
    if (first + s < last)
      load_weights ();
  wait_for_previous ();
  for (int s = 0; s < L::STAGES - 1; s++) {
    if (first + s < last)
      load_input ();
    commit_copies ();
  }

  Product<L> product (warp_m * L::STRIDE + group * GROUP_K,
      L::A + warp_n * L::STRIDE + group * GROUP_K);
  int of_warp = kept (pixels.count - warp_m), slot = 0;

#pragma unroll 1
  for (int step = first; step < last; step++) {
    wait_copies<L::STAGES - 2> ();
    __syncthreads ();
    if (step + L::STAGES - 1 < last) {
      load_weights ();
      load_input ();
    }
    commit_copies ();
    if (of_warp > 0) /* pixels */
      product.add (ring, slot);
    slot += L::A + L::B;
    if (slot == L::STAGES * (L::A + L::B))
      slot = 0;
  }
  wait_copies<0> ();
  __syncthreads ();
  let_next_begin (); /* not earlier: its blocks would crowd where they fit */

  product.store (memory, (group * L::BM + warp_m) * L::OUT_STRIDE + warp_n);
  __syncthreads ();
  if ((L::GROUPS > 1 || rarely (gridDim.z > 1)) && !add_up<L> (a, memory))
    return;
  finish<L> (a, pixels, memory);
  if (layer.pool.size == 0)
    return;
  __syncthreads ();
  if (layer.pool.max)
    pool<L, true> (a, pixels, memory);
  else
    pool<L, false> (a, pixels, memory);
}

template <class L>
cudaError_t
run (Arguments a, SympieCudaTarget *to)
{
  int steps = (9 * a.layer.n_in + L::BK - 1) / L::BK;
  dim3 grid (a.tiles.count, a.layer.n_out / BN, a.tiles.splits);

  a.split_steps = steps / a.tiles.splits;
  a.longer_splits = steps % a.tiles.splits;
  return launch (
      conv<L>, grid, L::THREADS, (L::FLAG + 4) * sizeof (float), to, a);
}

template <typename T>
cudaError_t
run_tile (const Arguments &a, SympieCudaTarget *to)
{
  switch (a.tiles.pixels) {
  case 128:
    return run<Tile<T, 128>> (a, to);
  case 64:
    return run<Tile<T, 64>> (a, to);
  default:
    return run<Tile<T, 32>> (a, to);
  }
}

} // namespace

cudaError_t
sympie_cuda_has_kernels (void)
{
  cudaFuncAttributes attributes;

  return cudaFuncGetAttributes (
      &attributes, (const void *) conv<Tile<half, 32>>);
}

cudaError_t
sympie_cuda_conv (const SympieCudaConv *layer, const SympieCudaConvTiles *tiles,
    bool as_half, SympieCudaTarget *to)
{
  int in_mean = layer->pool.size * layer->pool.size;
  Arguments a = {};

  a.layer = *layer;
  a.tiles = *tiles;
  a.row = sympie_cuda_conv_row (layer->n_in);
  a.width = layer->width;
  if (in_mean > 0) {
    a.width = tiles->width;
    a.share = 1.f / (float) in_mean;
    a.inverse_across = 1.f / (float) tiles->across;
    a.inverse_pooled_w = 1.f / (float) tiles->pooled_w;
  }
  a.inverse_width = 1.f / (float) a.width;
  while (1 << a.log2_in < layer->n_in)
    a.log2_in++;
  for (int tap = 0; tap < 9; tap++)
    a.tap_offset[tap] =
        ((tap / 3 - 1) * layer->width + tap % 3 - 1) * layer->n_in;
  return as_half ? run_tile<half> (a, to) : run_tile<float> (a, to);
}
