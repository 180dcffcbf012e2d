/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Where a kernel goes: on a stream, to be run; to a graph that is being made;
 * or into a graph that is made, as a new version of one of its nodes. So the
 * same function launches a kernel, records it, and changes what it works on. */

#ifndef SYMPIE_CUDA_TARGET_H
#define SYMPIE_CUDA_TARGET_H

#include <cuda_runtime_api.h>
#include <stdbool.h>

typedef struct
{
  cudaStream_t stream;  /* or */
  cudaGraph_t graph;    /* to become a node after `node`; or */
  cudaGraphExec_t exec; /* to replace `node` */
  cudaGraphNode_t node; /* in a graph the latest, NULL at first */
  bool overlaps;        /* a kernel of the graph begins before the one before it
                           has ended (see let_next_begin() in device.h) */
} SympieCudaTarget;

#endif /* SYMPIE_CUDA_TARGET_H */
