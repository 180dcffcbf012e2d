/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* NEM on the GPU: its convolutions and its last layer. */

#ifndef SYMPIE_CUDA_NEM_H
#define SYMPIE_CUDA_NEM_H

#include "net.h"

/* What was estimated from the crop. */
typedef struct
{
  SympieParams params;
  float gate;
} SympieCudaEstimate;

typedef struct
{
  SympieCudaNet net;
  /* In host memory, where the last layer puts it, once the stream was waited
   * for. */
  SympieCudaEstimate *estimate;
} SympieCudaNem;

/* The weights must outlive the result, whose memory is cleared on `stream`.
 * NULL with a message. */
SympieCudaNem *sympie_cuda_nem_new (const SympieCudaWeights *weights,
    int device, cudaStream_t stream, SympieError *error);
void sympie_cuda_nem_free (SympieCudaNem *nem); /* NULL is allowed */

/* Puts the last layer where `to` says, behind the net; it goes on to `op` where
 * `fold` is not NULL. */
cudaError_t sympie_cuda_nem_head (const SympieCudaNem *nem,
    const SympieCudaFold *fold, SympieCudaOperator *op, SympieCudaTarget *to);

#endif /* SYMPIE_CUDA_NEM_H */
