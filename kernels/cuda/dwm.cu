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
template <typename V>
__device__ __forceinline__ void
copy_plane (const Whole &plane)
{
  for (int y = kept (blockIdx.y) * gridDim.x + kept (blockIdx.x);
       y < plane.rows; y += gridDim.x * gridDim.y) {
    const uint8_t *from = plane.src + (int64_t) y * plane.src_stride;
    uint8_t *to = plane.dst + (int64_t) y * plane.dst_stride;
    int whole = plane.bytes / (int) sizeof (V);

    for (int i = threadIdx.x; i < whole; i += THREADS)
      ((V *) to)[i] = __ldg ((const V *) from + i);
    for (int i = whole * sizeof (V) + threadIdx.x; i < plane.bytes;
         i += THREADS)
      to[i] = __ldg (from + i);
  }
}

__device__ __forceinline__ void
copy_frame (const Arguments &a)
{
#pragma unroll 1
  for (int p = 0; p < 3; p++)
    if (a.aligned)
      copy_plane<unsigned> (a.whole[p]);
    else
      copy_plane<uint8_t> (a.whole[p]);
}

template <class L>
__global__ void
__launch_bounds__ (THREADS, 2) dwm (Arguments a, const SympieCudaOperator *op)
{
  SharedLayout shared;
  auto input = shared.array<half> (3 * INPUT);
  int region_x = threadIdx.x / 32 % 8 * 16, region_y = threadIdx.x / 256 * 16;
  Block block = block_of (a);
  Sums sums[3][2];
  float mix[9], base[3];

  load_region<L> (a, block, input);
  wait_for_previous (); /* which makes `op` */

  int passes = mostly<1> (op->passes);

  if (passes == 0) {
    copy_frame (a);
    return;
  }
  __syncthreads ();

  for (int c = 0; c < 3; c++)
    for (int s = 0; s < 2; s++)
      for (int e = 0; e < 4; e++)
        sums[c][s].values[e] = 0;
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

/* What dwm_load.h and dwm_store.h say of these. */
void
set_load (Arguments *a, const SympieColour *colour)
{
  /* Samples come as integers times 2^-24, halves that are too small to be
   * normal, and are worked on times 2^-9. */
  const float to_nine = 0x1p15f, nine = 0x1p-9f;
  float middle = colour->offset[0] + 0.5f / colour->to_rgb[0][0];
  const float near = a->left ? 1 : 0.75f, far = a->left ? 0 : 0.25f;
  const float above = a->top ? 1 : 0.75f, further = a->top ? 0 : 0.25f;

  a->widen = twice (to_nine);
  a->luma_zero = twice (-middle * nine);
  a->chroma_zero = twice (-colour->offset[1] * nine);
  a->of_y = twice (colour->to_rgb[0][0] / nine);
  a->r_of_v = twice (colour->to_rgb[0][2] / nine);
  a->g_of_u = twice (colour->to_rgb[1][1] / nine);
  a->g_of_v = twice (colour->to_rgb[1][2] / nine);
  a->b_of_u = twice (colour->to_rgb[2][1] / nine);
  a->up_x[0][0] = twice (near);
  a->up_x[0][1] = twice (far);
  a->up_x[1][0] = twice (a->left ? 0.5f : 0.75f);
  a->up_x[1][1] = twice (a->left ? 0.5f : 0.25f);
  a->up_y[0][0] = twice (above * to_nine);
  a->up_y[0][1] = twice (further * to_nine);
  a->up_y[1][0] = twice ((a->top ? 0.5f : 0.75f) * to_nine);
  a->up_y[1][1] = twice ((a->top ? 0.5f : 0.25f) * to_nine);
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
  for (int i = 0; i < 3; i++) {
    float x = a->left ? (i == 1 ? 0.5f : 0.25f) : (i == 0 ? 0 : 0.5f);
    float y = a->top ? (i == 1 ? 0.5f : 0.25f) : (i == 0 ? 0 : 0.5f);

    a->down_x[i] = two_halves (x * a->unit[1], x * a->unit[2]);
    a->down_y[i] = twice (y);
  }
  a->round_chroma = twice (1024 + colour->offset[1]);
  a->largest_chroma = twice ((float) (1024 + colour->max));
}

/* Where loads and stores of whole words are right. */
void
set_alignment (Arguments *a, const SympieFormatInfo *info)
{
  uintptr_t bits = 0, word = info->depth > 8 ? 8 : 4;

  for (int c = 0; c < 3; c++) {
    const SympieCudaPlane *planes[] = { &a->src[c], &a->dst[c] };

    for (int i = 0; i < 2; i++)
      bits |= ((uintptr_t) planes[i]->data - info->component[c].offset)
              | (uintptr_t) planes[i]->stride;
  }
  if (info->component[0].step == 4)
    word = 16;
  a->aligned = bits % word == 0;

  int sub_x = info->component[1].sub_x, sub_y = info->component[1].sub_y;
  int width = (a->width + sub_x) >> sub_x,
      height = (a->height + sub_y) >> sub_y;
  int end_x = sub_x ? 2 * width - 2 : a->width;
  int end_y = sub_y ? 2 * height - 2 : a->height;

  a->whole_x[0] = sub_x ? 4 : 0;
  a->whole_y[0] = sub_y ? 2 : 0;
  a->whole_x[1] = a->aligned ? (end_x < a->width ? end_x : a->width) & ~3 : 0;
  a->whole_y[1] = (end_y < a->height ? end_y : a->height) & (sub_y ? ~1 : ~0);
}

/* For formats with pixels of 3 or 4 bytes, and for semi-planar chroma. */
void
set_places (Arguments *a, const SympieFormatInfo *info)
{
  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &info->component[c];
    unsigned at = component->offset / sizeof (uint8_t);

    if (!info->yuv && component->step > 1) {
      a->take[c] = at | (at + 4) << 8;
      if (c == 0)
        a->pack = 0x5555;
      a->pack = (a->pack & ~(0xfu << 4 * at))
                | (c == 0      ? 0u
                      : c == 1 ? 1u
                               : 4u)
                      << 4 * at;
    }
  }
  if (sympie_format_is_packed (info))
    a->kept = 0xffu << 8 * info->component[3].offset;
  for (int p = 0, c = 0; p < info->n_planes; p++, c = 0) {
    while (info->component[c].plane != p)
      c++;
    a->whole[p] = (Whole){ a->src[c].data - info->component[c].offset,
      a->dst[c].data - info->component[c].offset, a->src[c].stride,
      a->dst[c].stride, (int) sympie_format_row_bytes (info, p, a->width),
      sympie_format_rows (info, p, a->height) };
  }
  a->word_src = a->src[0];
  a->word_dst = a->dst[0];
  a->word_src.data -= info->component[0].offset;
  a->word_dst.data -= info->component[0].offset;
  if (info->yuv && info->component[1].step == 2 && info->depth == 8) {
    a->v_first = info->component[1].offset != 0;
    a->pair_src = a->src[a->v_first ? 2 : 1];
    a->pair_dst = a->dst[a->v_first ? 2 : 1];
  } else if (info->yuv) {
    a->pair_src = a->src[1];
    a->pair_dst = a->dst[1];
  }
  a->take_u = a->v_first ? 0x4341 : 0x4240;
  a->take_v = a->v_first ? 0x4240 : 0x4341;
  a->take_outer_u = a->v_first ? 0x2521 : 0x2420;
  a->take_outer_v = a->v_first ? 0x2420 : 0x2521;
  a->pack_pairs = a->v_first ? 0x4602 : 0x6420;
}

__global__ void __launch_bounds__ (128)
    fold (const __grid_constant__ SympieCudaFold a,
        const __grid_constant__ SympieParams params, SympieCudaOperator *result)
{
  SharedLayout shared;
  auto memory = shared.array<float> (FOLD_MEMORY);

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
sympie_cuda_fold_init (SympieCudaFold *fold, const SympieFormatInfo *info,
    const SympieColour *colour, float strength)
{
  fold->strength = strength;
  fold->is_gated = false;
  fold->zero = info->yuv ? 0 : 128;
  fold->reach = info->yuv ? 0.5f : 128;
  fold->of_stored = info->yuv ? 1 : 0x1p24f; /* see dwm_load.h */
  for (int c = 0; c < 3; c++) {
    fold->mean[c] = sympie_mean[c];
    fold->std[c] = sympie_std[c];
    fold->inverse_std[c] = 1 / sympie_std[c];
    fold->inverse_unit[c] = info->yuv ? 1 : colour->to_rgb[c][c];
    fold->centre[c] =
        info->yuv ? 0.5f : colour->to_rgb[c][c] * (128 - colour->offset[c]);
  }
}

cudaError_t
sympie_cuda_fold (const SympieCudaFold *arguments, const SympieParams *params,
    SympieCudaOperator *op, SympieCudaTarget *to)
{
  size_t shared = (FOLD_MEMORY * sizeof (float) + 15) / 16 * 16;

  return launch (fold, 1, 128, shared, to, *arguments, *params, op);
}

cudaError_t
sympie_cuda_dwm (const SympieCudaFrame *src, const SympieCudaFrame *dst,
    const SympieColour *colour, unsigned chroma_site,
    const SympieCudaOperator *op, SympieCudaTarget *to)
{
  const SympieFormatInfo *info = src->info;
  Arguments a = {};

  a.width = src->width;
  a.height = src->height;
  a.shift = info->component[0].shift;
  a.max = colour->max;
  a.mask = (unsigned) colour->max * 0x10001u;
  a.left = chroma_site & SYMPIE_CHROMA_LEFT;
  a.top = chroma_site & SYMPIE_CHROMA_TOP;
  a.margin_x = info->component[1].sub_x && a.left ? 4 : 0;
  a.margin_y = info->component[1].sub_y && a.top ? 2 : 0;
  for (int c = 0; c < 3; c++) {
    a.src[c] = src->component[c];
    a.dst[c] = dst->component[c];
  }
  set_load (&a, colour);
  set_store (&a, info, colour);
  set_alignment (&a, info);
  set_places (&a, info);
  return run_format (info, a, op, to);
}
