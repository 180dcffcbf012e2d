/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* NEM on the GPU: the layers and their memory. */

#ifndef SYMPIE_CUDA_NEM_H
#define SYMPIE_CUDA_NEM_H

#include "kernels.h"
#include "weights.h"

typedef struct SympieCudaNem SympieCudaNem;

/* The weights must outlive the result, whose memory is cleared on `stream`.
 * NULL with a message. */
SympieCudaNem *sympie_cuda_nem_new (const SympieCudaWeights *weights,
    int device, cudaStream_t stream, SympieError *error);
void sympie_cuda_nem_free (SympieCudaNem *nem); /* NULL is allowed */

/* What sympie_cuda_preprocess fills. */
void *sympie_cuda_nem_crop (const SympieCudaNem *nem);

/* What was estimated from the crop, once the stream was waited for: in host
 * memory, where the last layer puts it. */
typedef struct
{
  SympieParams params;
  float gate;
} SympieCudaEstimate;

const SympieCudaEstimate *sympie_cuda_nem_estimate (const SympieCudaNem *nem);

/* Puts the layers where `to` says, but for the last one, which follows and goes
 * on to `op` where `fold` is not NULL. */
cudaError_t sympie_cuda_nem_run (SympieCudaNem *nem, SympieCudaTarget *to);
cudaError_t sympie_cuda_nem_head (SympieCudaNem *nem,
    const SympieCudaFold *fold, SympieCudaOperator *op, SympieCudaTarget *to);

#endif /* SYMPIE_CUDA_NEM_H */
