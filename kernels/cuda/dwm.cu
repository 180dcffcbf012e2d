/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM, from and to every format.
 *
 * The colour operators and the filter commute but for the border, so the filter
 * comes first, on R, G, B. A block filters a region of 128x32 pixels, which it
 * brings with a margin to shared memory (dwm_load.h). The 5x5 filter is a
 * matrix product: 16 rows of 16 samples times a 16x8 band matrix of one row of
 * taps give 16x8 pixels, and the five rows of taps add up. A lane then holds R,
 * G and B of the same pixels: it mixes them and leaves their codes in shared
 * memory, from where they go out in whole words (dwm_store.h).
 *
 * Subsampled formats write only a part of the region, whose other pixels are
 * there for the averages on the tile's left and top. */

#include "dwm.h"
#include "dwm_load.h"
#include "dwm_store.h"
#include "fold.h"

#include "../half.h"
#include "../standard.h"

namespace {

/* 16x16 pixels of each channel, from (region_x, region_y) of the region on. */
__device__ __forceinline__ void
filter (const SympieCudaOperator *op, int part, const SharedArray<half> &input,
    int region_x, int region_y, Sums sums[3][2])
{
  uint4 packed[3];
  int place = place_in_rows (INPUT_W);

  for (int i = 0; i < 3; i++)
    packed[i] = op->band[part][lane_of_warp ()][i];
#pragma unroll
  for (int ky = 0; ky < 5; ky++) {
    const uint4 &four = packed[ky / 2];
    uint32_t band[2] = { ky % 2 ? four.z : four.x, ky % 2 ? four.w : four.y };

#pragma unroll
    for (int c = 0; c < 3; c++) {
      int at = c * INPUT + (region_y + ky) * INPUT_W + region_x + place;
      uint32_t samples[6]; /* 16x24 */

      load_matrices<4> (samples, input, at);
      load_matrices<2> (samples + 4, input, at + 16);
      multiply<16> (&sums[c][0], samples, band);
      multiply<8> (&sums[c][1], samples + 2, band);
      multiply<8> (&sums[c][1], samples + 4, band + 1);
    }
  }
}

/* How many taps of 5 lie before and after an axis of so many pixels, as
 * SympieCudaOperator counts them. */
__device__ __forceinline__ int
outside (int at, int size)
{
  return 3 * min (max (2 - at, 0), 2) + min (max (at + 3 - size, 0), 2);
}

__device__ __forceinline__ Block
block_of (const Arguments &a)
{
  Block block;

  block.x0 = kept (blockIdx.x) * (REGION_W - a.margin_x) - a.margin_x;
  block.y0 = kept (blockIdx.y) * (REGION_H - a.margin_y) - a.margin_y;
  block.is_edge =
      rarely (!a.aligned || block.x0 < 8 || block.y0 < 4
              || block.x0 + INPUT_W > a.width || block.y0 + INPUT_H > a.height);
  return block;
}

/* All bytes of the rows, which the blocks share. */
template <class L>
__device__ __forceinline__ void
copy_frame (const Arguments &a)
{
#pragma unroll 1
  for (int p = 0; p < L::N_PLANES; p++) {
    int width = p > 0 ? (a.width + L::SUB_X) >> L::SUB_X : a.width;
    int rows = p > 0 ? (a.height + L::SUB_Y) >> L::SUB_Y : a.height;
    int bytes = width * L::step (p), whole = a.aligned ? bytes & ~3 : 0;

#pragma unroll 1
    for (int y = kept (blockIdx.y) * gridDim.x + kept (blockIdx.x); y < rows;
         y += gridDim.x * gridDim.y) {
      const uint8_t *from = address_of (a.src[p], 0, y);
      uint8_t *to = address_of (a.dst[p], 0, y);

      for (int i = 4 * threadIdx.x; i < whole; i += 4 * THREADS)
        store (to + i, load<unsigned> (from + i));
#pragma unroll 1
      for (int i = whole + threadIdx.x; i < bytes; i += THREADS)
        store (to + i, load<uint8_t> (from + i));
    }
  }
}

template <class L>
__global__ void
__launch_bounds__ (THREADS, 2) dwm (Arguments a, const SympieCudaOperator *op)
{
  auto input = shared_array<half> (3 * INPUT);
  int region_x = threadIdx.x / 32 % 8 * 16, region_y = threadIdx.x / 256 * 16;
  Block block = block_of (a);
  float mix[9], base[3];

  load_region<L> (a, block, input);
  wait_for_previous (); /* which makes `op` */

  int passes = mostly<1> (op->passes);

  if (passes == 0) {
    copy_frame<L> (a);
    return;
  }
  __syncthreads ();

  Sums sums[3][2] = {};

#pragma unroll 1
  for (int part = 0; part < passes; part++)
    filter (op, part, input, region_x, region_y, sums);
  __syncthreads (); /* what follows takes the samples' place */

  int first = kept (threadIdx.x);

  block = block_of (a);
  region_x = first / 32 % 8 * 16 + first % 4 * 2;
  region_y = first / 256 * 16 + first / 4 % 8;
  /* Through the L1: all blocks want the same few words. */
  for (int i = 0; i < 9; i++)
    mix[i] = op->mix[i];
  for (int c = 0; c < 3; c++)
    base[c] = op->base[0][c];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    int column = region_x + i / 2 * 8, row = region_y + i % 2 * 8;
    float rgb[2][3];

#pragma unroll
    for (int e = 0; e < 2; e++) {
      if (block.is_edge) {
        const float *of_class =
            op->base[9 * outside (block.x0 + column + e, a.width)
                     + outside (block.y0 + row, a.height)];

        for (int c = 0; c < 3; c++)
          base[c] = of_class[c];
      }
      for (int c = 0; c < 3; c++) {
        float value = base[c];

        for (int d = 0; d < 3; d++)
          value = fmaf (
              mix[c * 3 + d], sums[d][i / 2].values[i % 2 * 2 + e], value);
        rgb[e][c] = __saturatef (value);
      }
    }
    put_pixels<L> (a, input, column, row, rgb);
  }
  __syncthreads ();
  store_region<L> (a, block, input);
}

/* ---- The host's part ----------------------------------------------------- */

template <class L>
cudaError_t
run (const Arguments &arguments, const SympieCudaOperator *op,
    SympieCudaTarget *to)
{
  int w = REGION_W - arguments.margin_x, h = REGION_H - arguments.margin_y;
  dim3 grid ((arguments.width + w - 1) / w, (arguments.height + h - 1) / h);

  return launch (
      dwm<L>, grid, THREADS, 3 * INPUT * sizeof (half), to, arguments, op);
}

cudaError_t
run_format (const SympieFormatInfo *info, const Arguments &arguments,
    const SympieCudaOperator *op, SympieCudaTarget *to)
{
  const SympieComponent *chroma = &info->component[1];
  bool is_semi = info->yuv && chroma->plane == info->component[2].plane;

  if (!info->yuv && info->component[0].step == 4)
    return run<Layout<uint8_t, WORD, 0, 0>> (arguments, op, to);
  if (!info->yuv && info->component[0].step == 3)
    return run<Layout<uint8_t, TRIPLE, 0, 0>> (arguments, op, to);
  if (!info->yuv)
    return run<Layout<uint8_t, RGB_PLANES, 0, 0>> (arguments, op, to);
  if (info->depth > 8)
    return is_semi
               ? run<Layout<uint16_t, SEMI_PLANAR, 1, 1>> (arguments, op, to)
               : run<Layout<uint16_t, PLANAR, 1, 1>> (arguments, op, to);
  if (is_semi)
    return run<Layout<uint8_t, SEMI_PLANAR, 1, 1>> (arguments, op, to);
  if (chroma->sub_y)
    return run<Layout<uint8_t, PLANAR, 1, 1>> (arguments, op, to);
  if (chroma->sub_x)
    return run<Layout<uint8_t, PLANAR, 1, 0>> (arguments, op, to);
  return run<Layout<uint8_t, PLANAR, 0, 0>> (arguments, op, to);
}

unsigned
two_halves (float low, float high)
{
  return (unsigned) sympie_half_from_float (high) << 16
         | sympie_half_from_float (low);
}

unsigned
twice (float value)
{
  return two_halves (value, value);
}

/* Along one axis, of the samples nearest to even and odd pixels, or of those
 * around a sample of chroma, by whether that is at the first of two pixels. */
void
set_up (unsigned weights[2][2], bool at_first, float times)
{
  for (int odd = 0; odd < 2; odd++) {
    float near = !at_first ? 0.75f : odd ? 0.5f : 1;

    weights[odd][0] = twice (near * times);
    weights[odd][1] = twice ((1 - near) * times);
  }
}

void
set_down (unsigned weights[3], bool at_first, float low, float high)
{
  for (int i = 0; i < 3; i++) {
    float weight = at_first ? (i == 1 ? 0.5f : 0.25f) : (i == 0 ? 0 : 0.5f);

    weights[i] = two_halves (weight * low, weight * high);
  }
}

/* What dwm_load.h and dwm_store.h say of these. */
void
set_load (Arguments *a, const SympieColour *colour)
{
  /* Samples come as integers times 2^-24, halves that are too small to be
   * normal, and are worked on times 2^-9. */
  const float to_nine = 0x1p15f, nine = 0x1p-9f;
  float middle = colour->offset[0] + 0.5f / colour->to_rgb[0][0];

  a->widen = twice (to_nine);
  a->luma_zero = twice (-middle * nine);
  a->chroma_zero = twice (-colour->offset[1] * nine);
  a->of_y = twice (colour->to_rgb[0][0] / nine);
  a->r_of_v = twice (colour->to_rgb[0][2] / nine);
  a->g_of_u = twice (colour->to_rgb[1][1] / nine);
  a->g_of_v = twice (colour->to_rgb[1][2] / nine);
  a->b_of_u = twice (colour->to_rgb[2][1] / nine);
  set_up (a->up_x, a->left, 1);
  set_up (a->up_y, a->top, to_nine);
}

void
set_store (
    Arguments *a, const SympieFormatInfo *info, const SympieColour *colour)
{
  const float (*from)[3] = colour->from_rgb;
  float black_to_white = from[0][0] + from[0][1] + from[0][2];

  for (int c = 0; c < 3; c++) {
    a->unit[c] = from[c][c];
    a->zero[c] = MAGIC + colour->offset[c];
    a->luma[c] = from[0][c] / black_to_white;
  }
  if (info->yuv) {
    a->unit[0] = black_to_white;
    a->unit[1] = from[1][2] / (1 - a->luma[2]);
    a->unit[2] = from[2][0] / (1 - a->luma[0]);
  }
  set_down (a->down_x, a->left, a->unit[1], a->unit[2]);
  set_down (a->down_y, a->top, 1, 1);
  a->round_chroma = twice (1024 + colour->offset[1]);
  a->largest_chroma = twice ((float) (1024 + colour->max));
}

/* Where loads and stores of whole words are right. */
void
set_alignment (Arguments *a, const SympieFormatInfo *info)
{
  int sub_x = info->component[1].sub_x, sub_y = info->component[1].sub_y;
  int end_x = sub_x ? (a->width - 1) & ~1 : a->width;
  uintptr_t bits = 0, word = info->depth > 8 ? 8 : 4;

  if (info->component[0].step == 4)
    word = 16;
  for (int c = 0; c < 3; c++)
    bits |= (uintptr_t) a->src[c].data | (uintptr_t) a->src[c].stride
            | (uintptr_t) a->dst[c].data | (uintptr_t) a->dst[c].stride;
  a->aligned = bits % word == 0;
  a->whole_x[0] = sub_x ? 4 : 0;
  a->whole_y[0] = sub_y ? 2 : 0;
  a->whole_x[1] = a->aligned ? end_x & ~3 : 0;
  a->whole_y[1] = sub_y ? (a->height - 1) & ~1 : a->height;
}

/* Where bytes of packed pixels and of semi-planar chroma are. */
void
set_places (Arguments *a, const SympieFormatInfo *info)
{
  const unsigned from[3] = { 0, 1, 4 };
  bool v_first = a->offset[1] > a->offset[2];

  a->pack = 0x5555;
  for (int c = 0; c < 3; c++) {
    unsigned at = info->component[c].offset;

    a->take[c] = at | (at + 4) << 8;
    a->pack ^= (0x5 ^ from[c]) << 4 * at;
  }
  if (sympie_format_is_packed (info))
    a->kept = 0xffu << 8 * info->component[3].offset;
  a->take_u = v_first ? 0x4341 : 0x4240;
  a->take_v = v_first ? 0x4240 : 0x4341;
  a->take_outer_u = v_first ? 0x2521 : 0x2420;
  a->take_outer_v = v_first ? 0x2420 : 0x2521;
  a->pack_pairs = v_first ? 0x4602 : 0x6420;
}

__global__ void __launch_bounds__ (128)
    fold (const __grid_constant__ SympieCudaFold a,
        const __grid_constant__ SympieParams params, SympieCudaOperator *result)
{
  auto memory = shared_array<float> (FOLD_MEMORY);

  if (threadIdx.x < SYMPIE_N_PARAMS)
    memory.set (threadIdx.x, params.values[threadIdx.x]);
  __syncthreads ();
  fold_parameters (a, memory, result);
}

} // namespace

size_t
sympie_cuda_operator_size (void)
{
  return sizeof (SympieCudaOperator);
}

void
sympie_cuda_fold_init (
    SympieCudaFold *fold, const SympieImage *image, float strength)
{
  const SympieFormatInfo *info = sympie_format_info (image->format);
  SympieColour colour;

  sympie_colour_init (&colour, info, &image->colorimetry);
  fold->strength = strength;
  fold->is_gated = false;
  fold->zero = info->yuv ? 0 : 128;
  fold->reach = info->yuv ? 0.5f : 128;
  fold->of_stored = info->yuv ? 1 : 0x1p24f; /* see dwm_load.h */
  for (int c = 0; c < 3; c++) {
    fold->mean[c] = sympie_mean[c];
    fold->std[c] = sympie_std[c];
    fold->inverse_std[c] = 1 / sympie_std[c];
    fold->inverse_unit[c] = info->yuv ? 1 : colour.to_rgb[c][c];
    fold->centre[c] =
        info->yuv ? 0.5f : colour.to_rgb[c][c] * (128 - colour.offset[c]);
  }
}

cudaError_t
sympie_cuda_fold (const SympieCudaFold *arguments, const SympieParams *params,
    SympieCudaOperator *op, SympieCudaTarget *to)
{
  return launch (
      fold, 1, 128, FOLD_MEMORY * sizeof (float), to, *arguments, *params, op);
}

cudaError_t
sympie_cuda_dwm (const SympieImage *src, const SympieImage *dst,
    const SympieCudaOperator *op, SympieCudaTarget *to)
{
  const SympieFormatInfo *info = sympie_format_info (src->format);
  unsigned site = src->colorimetry.chroma_site;
  SympieColour colour;
  Arguments a = {};

  sympie_colour_init (&colour, info, &src->colorimetry);
  a.width = src->width;
  a.height = src->height;
  a.shift = info->component[0].shift;
  a.max = colour.max;
  a.mask = (unsigned) colour.max * 0x10001u;
  a.left = site & SYMPIE_CHROMA_LEFT;
  a.top = site & SYMPIE_CHROMA_TOP;
  a.margin_x = info->component[1].sub_x && a.left ? 4 : 0;
  a.margin_y = info->component[1].sub_y && a.top ? 2 : 0;
  for (int c = 0; c < 3; c++) {
    int p = info->component[c].plane;

    a.src[c] = { (uint8_t *) src->planes[p], src->strides[p] };
    a.dst[c] = { (uint8_t *) dst->planes[p], dst->strides[p] };
    a.offset[c] = info->component[c].offset;
  }
  set_load (&a, &colour);
  set_store (&a, info, &colour);
  set_alignment (&a, info);
  set_places (&a, info);
  return run_format (info, a, op, to);
}
