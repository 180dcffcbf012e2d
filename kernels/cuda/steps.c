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
  if (steps->format != image->format || steps->width != image->width
      || steps->height != image->height) {
    /* An earlier frame may still need what now goes. */
    if (!sympie_cuda_ok (
            cudaStreamSynchronize (steps->stream), "finish a frame", error))
      return false;
    forget_size (steps);
    steps->format = image->format;
    steps->width = image->width;
    steps->height = image->height;
  }
  return sympie_cuda_resize_prepare (
      &steps->resize, image, steps->stream, error);
}

static cudaError_t
put_preprocess (
    SympieCudaSteps *steps, const SympieImage *src, SympieCudaTarget *to)
{
  SympieCudaFrame frame = sympie_cuda_frame (src);
  SympieColour colour;

  sympie_colour_init (&colour, frame.info, &src->colorimetry);
  return sympie_cuda_preprocess (&frame, &colour, steps->resize.x,
      steps->resize.y, sympie_cuda_nem_crop (steps->nem), true, to);
}

static SympieCudaFold
fold_for (const SympieCudaSteps *steps, const SympieImage *src, float strength)
{
  const SympieFormatInfo *info = sympie_format_info (src->format);
  SympieCudaFold fold;
  SympieColour colour;

  sympie_colour_init (&colour, info, &src->colorimetry);
  sympie_cuda_fold_init (&fold, info, &colour, strength);
  return fold;
}

static cudaError_t
put_dwm (SympieCudaSteps *steps, const SympieImage *src, const SympieImage *dst,
    SympieCudaTarget *to)
{
  SympieCudaFrame from = sympie_cuda_frame (src),
                  into = sympie_cuda_frame (dst);
  SympieColour colour;

  sympie_colour_init (&colour, from.info, &src->colorimetry);
  return sympie_cuda_dwm (
      &from, &into, &colour, src->colorimetry.chroma_site, steps->op, to);
}

/* Puts the nodes into the graph or, where it is made, new ones in their place.
 * NEM's stay what they are. */
static cudaError_t
put_nodes (SympieCudaSteps *steps, SympieCudaGraph *graph,
    const SympieImage *src, const SympieImage *dst, float strength)
{
  SympieCudaFold fold = fold_for (steps, src, strength);
  SympieCudaTarget to = {
    .graph = graph->graph,
    .exec = graph->exec,
    .node = graph->preprocess,
    .overlaps = steps->overlaps,
  };
  cudaError_t result = put_preprocess (steps, src, &to);

  fold.is_gated = steps->heeds_gate;
  graph->preprocess = to.node;
  if (result == cudaSuccess && !graph->exec)
    result = sympie_cuda_nem_run (steps->nem, &to);
  if (result != cudaSuccess || (graph->exec && !dst))
    return result;

  if (graph->exec)
    to.node = graph->head;
  result =
      sympie_cuda_nem_head (steps->nem, dst ? &fold : NULL, steps->op, &to);
  graph->head = to.node;
  if (result != cudaSuccess || !dst)
    return result;

  if (graph->exec)
    to.node = graph->dwm;
  result = put_dwm (steps, src, dst, &to);
  graph->dwm = to.node;
  return result;
}

static bool
make (SympieCudaSteps *steps, SympieCudaGraph *graph, const SympieImage *src,
    const SympieImage *dst, float strength, SympieError *error)
{
  bool ok =
      sympie_cuda_ok (cudaGraphCreate (&graph->graph, 0), "make a graph", error)
      && sympie_cuda_ok (put_nodes (steps, graph, src, dst, strength),
          "make the nodes of a graph", error)
      && sympie_cuda_ok (cudaGraphInstantiate (&graph->exec, graph->graph, 0),
          "make a graph", error);

  if (!ok)
    clear_graph (graph);
  return ok;
}

static bool
run (SympieCudaSteps *steps, SympieCudaGraph *graph, const SympieImage *src,
    const SympieImage *dst, float strength, SympieError *error)
{
  if (!prepare (steps, src, error))
    return false;
  if (graph->exec
          ? !sympie_cuda_ok (put_nodes (steps, graph, src, dst, strength),
              "change the nodes of a graph", error)
          : !make (steps, graph, src, dst, strength, error))
    return false;
  return sympie_cuda_ok (
      cudaGraphLaunch (graph->exec, steps->stream), "run a graph", error);
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
  fold = fold_for (
      steps, src, sympie_params_distance (params, &identity) > 0 ? 1 : 0);
  return sympie_cuda_ok (sympie_cuda_fold (&fold, params, steps->op, &to),
             "fold the parameters", error)
         && sympie_cuda_ok (put_dwm (steps, src, dst, &to), "run DWM", error);
}
