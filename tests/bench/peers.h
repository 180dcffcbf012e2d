/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Others that do the same or a part of it. A peer that is not installed gives
 * NULL and is named in the report. */

#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include "../../kernels/cpu/nem.h"
#include "bench.h"

/* FFmpeg's filters on planes of G, B and R, called in this process. */
typedef struct BenchFfmpeg BenchFfmpeg;
BenchFfmpeg *bench_ffmpeg_new (Bench *bench);
void bench_ffmpeg_free (BenchFfmpeg *ffmpeg); /* NULL is allowed */
double bench_ffmpeg_run (void *ffmpeg);

/* The module of the paper in PyTorch, in a process of its own; `what` is "dwm",
 * "nem", "module" (both and the preprocessing, float planes in and out),
 * "frame" (the same from RGBA bytes to RGBA bytes) or "vgg" (VGG19 with seeded
 * weights on a pair of 224x224). */
typedef struct BenchTorch BenchTorch;
BenchTorch *bench_torch_new (Bench *bench, const char *what);
void bench_torch_free (BenchTorch *torch); /* NULL is allowed */
double bench_torch_run (void *torch);
/* PyTorch's estimate for a crop. */
void bench_torch_nem (
    BenchTorch *torch, const SympieCrop *crop, SympieParams *params);
/* The largest difference of `dst`, RGBA, from what PyTorch makes of `src`. */
int bench_torch_dwm_difference (BenchTorch *torch, const SympieImage *src,
    const SympieTarget *dst, const SympieParams *params);

/* The feature MSE of two RGB images of BENCH_VGG_SIZE squared, one behind the
 * other. */
enum
{
  BENCH_VGG_SIZE = 232 /* of which the middle is cut, and nothing resized */
};
double bench_torch_vgg_mse (
    BenchTorch *torch, const uint8_t *pixels, size_t size);

/* The crop's 3x224x224 without its border. */
void bench_crop_planes (const SympieCrop *crop, float *planes);

/* NEM of oneDNN's own operations, its convolutions all direct. */
typedef struct BenchDnnl BenchDnnl;
BenchDnnl *bench_dnnl_new (
    Bench *bench, const SympieNemWeights *weights, const SympieCrop *crop);
void bench_dnnl_free (BenchDnnl *dnnl); /* NULL is allowed */
double bench_dnnl_run (void *dnnl);
/* Of the last run. */
void bench_dnnl_params (const BenchDnnl *dnnl, SympieParams *params);

#endif /* BENCH_PEERS_H */
