/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "steps.h"

#include "error.h"

static void
clear_graph (SympieCudaGraph *graph)
{
  if (graph->exec)
    cudaGraphExecDestroy (graph->exec);
  if (graph->graph)
    cudaGraphDestroy (graph->graph);
  *graph = (SympieCudaGraph){ 0 };
}

static void
forget_size (SympieCudaSteps *steps)
{
  clear_graph (&steps->estimate);
  clear_graph (&steps->enhance);
  sympie_cuda_resize_clear (&steps->resize);
}

void
sympie_cuda_steps_clear (SympieCudaSteps *steps)
{
  forget_size (steps);
  sympie_cuda_nem_free (steps->nem);
  steps->nem = NULL;
}

/* Sees to it that what depends on the size is right for `image`. */
static bool
prepare (SympieCudaSteps *steps, const SympieImage *image, SympieError *error)
{
  if (sympie_cuda_resize_fits (&steps->resize, image))
    return true;
  /* An earlier frame may still need what now goes. */
  if (!sympie_cuda_ok (
          cudaStreamSynchronize (steps->stream), "finish a frame", error))
    return false;
  forget_size (steps);
  return sympie_cuda_resize_prepare (
      &steps->resize, image, steps->stream, error);
}

/* Puts the nodes into the graph or, where it is made, new ones in their place.
 * NEM's stay what they are. */
static cudaError_t
put_nodes (SympieCudaSteps *steps, SympieCudaGraph *graph,
    const SympieImage *src, const SympieImage *dst, float strength)
{
  bool is_new = !graph->exec;
  SympieCudaNem *nem = steps->nem;
  SympieCudaTarget to = {
    .graph = graph->graph,
    .exec = graph->exec,
    .node = graph->preprocess,
    .overlaps = steps->overlaps,
  };
  SympieCudaFold fold;
  cudaError_t result = sympie_cuda_preprocess (
      src, steps->resize.taps, nem->net.crop[0], true, &to);

  graph->preprocess = to.node;
  if (result == cudaSuccess && is_new)
    result = sympie_cuda_net_run (&nem->net, 0, &to);
  if (result != cudaSuccess || (!is_new && !dst))
    return result;

  if (!is_new)
    to.node = graph->head;
  sympie_cuda_fold_init (&fold, src, strength);
  fold.is_gated = steps->heeds_gate;
  result = sympie_cuda_nem_head (nem, dst ? &fold : NULL, steps->op, &to);
  graph->head = to.node;
  if (result != cudaSuccess || !dst)
    return result;

  if (!is_new)
    to.node = graph->dwm;
  result = sympie_cuda_dwm (src, dst, steps->op, &to);
  graph->dwm = to.node;
  return result;
}

static bool
run (SympieCudaSteps *steps, SympieCudaGraph *graph, const SympieImage *src,
    const SympieImage *dst, float strength, SympieError *error)
{
  bool ok = prepare (steps, src, error)
            && (graph->graph
                || sympie_cuda_ok (
                    cudaGraphCreate (&graph->graph, 0), "make a graph", error))
            && sympie_cuda_ok (put_nodes (steps, graph, src, dst, strength),
                "put a frame into a graph", error)
            && (graph->exec
                || sympie_cuda_ok (
                    cudaGraphInstantiate (&graph->exec, graph->graph, 0),
                    "make a graph", error));

  if (!ok && !graph->exec)
    clear_graph (graph);
  return ok
         && sympie_cuda_ok (cudaGraphLaunch (graph->exec, steps->stream),
             "run a graph", error);
}

bool
sympie_cuda_steps_estimate (
    SympieCudaSteps *steps, const SympieImage *src, SympieError *error)
{
  return run (steps, &steps->estimate, src, NULL, 0, error);
}

bool
sympie_cuda_steps_enhance (SympieCudaSteps *steps, const SympieImage *src,
    const SympieImage *dst, float strength, SympieError *error)
{
  return run (steps, &steps->enhance, src, dst, strength, error);
}

bool
sympie_cuda_steps_apply (SympieCudaSteps *steps, const SympieImage *src,
    const SympieImage *dst, const SympieParams *params, SympieError *error)
{
  SympieCudaTarget to = { .stream = steps->stream };
  SympieCudaFold fold;
  SympieParams identity;

  sympie_params_identity (&identity);
  sympie_cuda_fold_init (
      &fold, src, sympie_params_distance (params, &identity) > 0);
  return sympie_cuda_ok (sympie_cuda_fold (&fold, params, steps->op, &to),
             "fold the parameters", error)
         && sympie_cuda_ok (
             sympie_cuda_dwm (src, dst, steps->op, &to), "run DWM", error);
}
