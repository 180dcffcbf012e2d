/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What is done with a frame in device memory: preprocessing and NEM, DWM, or
 * all of it.
 *
 * What begins with NEM is one CUDA graph for a size and format of frames.
 * Frames of a buffer pool change their address, so the nodes that see them are
 * given new arguments before each launch, and with DWM the one that folds the
 * parameters, whose strength may change: three short calls of the host, which
 * cost the GPU nothing. */

#ifndef SYMPIE_CUDA_STEPS_H
#define SYMPIE_CUDA_STEPS_H

#include "nem.h"
#include "resize.h"

typedef struct
{
  cudaGraph_t graph;
  cudaGraphExec_t exec; /* NULL: not made yet */
  cudaGraphNode_t preprocess, head, dwm;
} SympieCudaGraph;

/* All zero but for the first ones is steps that have not run. */
typedef struct
{
  cudaStream_t stream;
  SympieCudaNem *nem; /* NULL: DWM is all there is */
  SympieCudaOperator *op;
  bool heeds_gate; /* where it enhances */
  bool overlaps; /* the GPU can begin a kernel before the last one has ended */

  SympieCudaResize resize; /* for the frames that the rest is for */
  SympieCudaGraph estimate, enhance;
} SympieCudaSteps;

void sympie_cuda_steps_clear (SympieCudaSteps *steps);

/* These put work on the stream and do not wait, but where the size of frames
 * changes. The estimate is in `nem`. */
bool sympie_cuda_steps_estimate (
    SympieCudaSteps *steps, const SympieImage *src, SympieError *error);
bool sympie_cuda_steps_enhance (SympieCudaSteps *steps, const SympieImage *src,
    const SympieImage *dst, float strength, SympieError *error);

bool sympie_cuda_steps_apply (SympieCudaSteps *steps, const SympieImage *src,
    const SympieImage *dst, const SympieParams *params, SympieError *error);

#endif /* SYMPIE_CUDA_STEPS_H */
