/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "conv.h"

#include <omp.h>
#include <stdlib.h>

#include <dnnl.h>
#include <dnnl_debug.h>

#include "../error.h"

enum
{
  WINOGRAD_TILE =
      4, /* rows and columns of the output that it makes at a time */
  N_ARGS = 5,
};

struct SympieConvPlan
{
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_primitive_t primitive;
  dnnl_exec_arg_t args[N_ARGS];
  dnnl_status_t status; /* of the last call */
};

void
sympie_conv_limit_cpu (unsigned cpu_flags)
{
  if (cpu_flags & SYMPIE_CPU_AVX512)
    return;
  /* Too late is no fault: the results are the same. */
  dnnl_set_max_cpu_isa (
      cpu_flags & SYMPIE_CPU_AVX2 ? dnnl_cpu_isa_avx2 : dnnl_cpu_isa_sse41);
}

/* OpenMP's setting is the calling thread's own. It belongs to the application,
 * which gets back what is returned. */
static int
take_one_thread (void)
{
  int n_threads = omp_get_max_threads ();

  omp_set_num_threads (1);
  return n_threads;
}

static bool
ok (SympieConvPlan *plan, dnnl_status_t status)
{
  plan->status = status;
  return status == dnnl_success;
}

/* Sets an argument to `data`, or to memory that oneDNN allocates and frees
 * where that is DNNL_MEMORY_ALLOCATE. */
static bool
set_arg (SympieConvPlan *plan, int index, int arg,
    const dnnl_memory_desc_t *desc, const void *data)
{
  plan->args[index].arg = arg;
  return ok (plan, dnnl_memory_create (&plan->args[index].memory, desc,
                       plan->engine, (void *) data));
}

/* Fills args[index] with `data`, which has the dimensions `dims` in the order
 * of `tag`. */
static bool
fill_arg (SympieConvPlan *plan, int index, int n_dims, const dnnl_dims_t dims,
    dnnl_format_tag_t tag, const float *data)
{
  dnnl_memory_t to = plan->args[index].memory, from = NULL;
  const dnnl_memory_desc_t *wanted;
  dnnl_memory_desc_t desc;
  dnnl_primitive_desc_t pd = NULL;
  dnnl_primitive_t primitive = NULL;
  bool done;

  done = ok (plan,
             dnnl_memory_desc_init_by_tag (&desc, n_dims, dims, dnnl_f32, tag))
         && ok (plan,
             dnnl_memory_create (&from, &desc, plan->engine, (void *) data))
         && ok (plan, dnnl_memory_get_memory_desc (to, &wanted))
         && ok (plan, dnnl_reorder_primitive_desc_create (
                          &pd, &desc, plan->engine, wanted, plan->engine, NULL))
         && ok (plan, dnnl_primitive_create (&primitive, pd));
  if (done) {
    dnnl_exec_arg_t args[] = { { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, to } };

    done = ok (plan, dnnl_primitive_execute (primitive, plan->stream, 2, args))
           && ok (plan, dnnl_stream_wait (plan->stream));
  }
  dnnl_primitive_destroy (primitive);
  dnnl_primitive_desc_destroy (pd);
  dnnl_memory_destroy (from);
  return done;
}

static bool
create_attr (SympieConvPlan *plan, const SympieConvShare *share,
    dnnl_primitive_attr_t *attr)
{
  dnnl_post_ops_t ops = NULL;
  bool done;

  done = ok (plan, dnnl_primitive_attr_create (attr))
         && ok (plan, dnnl_primitive_attr_set_scratchpad_mode (
                          *attr, dnnl_scratchpad_mode_user))
         && ok (plan, dnnl_post_ops_create (&ops))
         && (!share->relu
             || ok (plan, dnnl_post_ops_append_eltwise (
                              ops, 1, dnnl_eltwise_relu, 0, 0)))
         && ok (plan, dnnl_primitive_attr_set_post_ops (*attr, ops));
  dnnl_post_ops_destroy (ops);
  return done;
}

/* Not where much of the tiles is beyond the image. */
static bool
winograd_pays (const SympieConvShare *share)
{
  int64_t width = share->width, height = share->height;
  int64_t covered = (width + WINOGRAD_TILE - 1) / WINOGRAD_TILE
                    * ((height + WINOGRAD_TILE - 1) / WINOGRAD_TILE)
                    * WINOGRAD_TILE * WINOGRAD_TILE;

  return 2 * covered <= 3 * width * height;
}

static bool
create_desc (SympieConvPlan *plan, const SympieConvShare *share,
    dnnl_primitive_desc_t *pd)
{
  int n_in = share->conv->n_in, n_out = share->n_channels;
  int width = share->width, height = share->height;
  dnnl_format_tag_t tag = share->block == 16 ? dnnl_nChw16c : dnnl_nChw8c;
  dnnl_format_tag_t src_tag = n_in < share->block ? dnnl_nchw : tag;
  dnnl_dims_t src_dims = { 1, n_in, height + 2 * share->rows_given, width };
  dnnl_dims_t weight_dims = { n_out, n_in, 3, 3 };
  dnnl_dims_t bias_dims = { n_out };
  dnnl_dims_t dst_dims = { 1, n_out, height, width };
  dnnl_dims_t stride = { 1, 1 }, padding = { !share->rows_given, 1 };
  dnnl_memory_desc_t src, weight, bias, dst;
  dnnl_primitive_attr_t attr = NULL;
  bool done;

  done =
      create_attr (plan, share, &attr)
      && ok (plan,
          dnnl_memory_desc_init_by_tag (&src, 4, src_dims, dnnl_f32, src_tag))
      && ok (plan, dnnl_memory_desc_init_by_tag (
                       &weight, 4, weight_dims, dnnl_f32, dnnl_format_tag_any))
      && ok (plan,
          dnnl_memory_desc_init_by_tag (&bias, 1, bias_dims, dnnl_f32, dnnl_x))
      && ok (plan,
          dnnl_memory_desc_init_by_tag (&dst, 4, dst_dims, dnnl_f32, tag));
  if (done) {
    const dnnl_alg_kind_t algorithms[] = {
      dnnl_convolution_winograd, /* only for AVX-512 */
      dnnl_convolution_direct,
    };

    done = false;
    for (int i = !winograd_pays (share); i < 2 && !done; i++) {
      dnnl_convolution_desc_t desc;

      done = ok (plan, dnnl_convolution_forward_desc_init (&desc,
                           dnnl_forward_inference, algorithms[i], &src, &weight,
                           &bias, &dst, stride, padding, padding))
             && ok (plan, dnnl_primitive_desc_create (
                              pd, &desc, attr, plan->engine, NULL));
    }
  }
  dnnl_primitive_attr_destroy (attr);
  return done;
}

static bool
create_primitive (SympieConvPlan *plan, const SympieConvShare *share)
{
  const SympieConv *conv = share->conv;
  const float *weight = conv->weight + (size_t) share->first * conv->n_in * 9;
  dnnl_dims_t weight_dims = { share->n_channels, conv->n_in, 3, 3 };
  dnnl_dims_t bias_dims = { share->n_channels };
  dnnl_primitive_desc_t pd = NULL;
  bool done;

#define DESC(what, index)                                                      \
  dnnl_primitive_desc_query_md (pd, dnnl_query_##what##_md, index)
  done = create_desc (plan, share, &pd)
         && ok (plan, dnnl_primitive_create (&plan->primitive, pd))
         && set_arg (plan, 0, DNNL_ARG_SRC, DESC (src, 0), DNNL_MEMORY_NONE)
         && set_arg (plan, 1, DNNL_ARG_DST, DESC (dst, 0), DNNL_MEMORY_NONE)
         && set_arg (
             plan, 2, DNNL_ARG_WEIGHTS, DESC (weights, 0), DNNL_MEMORY_ALLOCATE)
         && set_arg (
             plan, 3, DNNL_ARG_BIAS, DESC (weights, 1), DNNL_MEMORY_ALLOCATE)
         && set_arg (plan, 4, DNNL_ARG_SCRATCHPAD, DESC (scratchpad, 0),
             DNNL_MEMORY_ALLOCATE)
         && fill_arg (plan, 2, 4, weight_dims, dnnl_oihw, weight)
         && fill_arg (plan, 3, 1, bias_dims, dnnl_x, conv->bias + share->first);
#undef DESC
  dnnl_primitive_desc_destroy (pd);
  return done;
}

SympieConvPlan *
sympie_conv_plan_new (const SympieConvShare *share, char **error)
{
  SympieConvPlan *plan = calloc (1, sizeof *plan);
  int n_threads;
  bool done;

  if (!plan) {
    sympie_fail (error, "out of memory");
    return NULL;
  }
  n_threads = take_one_thread ();
  done = ok (plan, dnnl_engine_create (&plan->engine, dnnl_cpu, 0))
         && ok (plan, dnnl_stream_create (&plan->stream, plan->engine,
                          dnnl_stream_default_flags))
         && create_primitive (plan, share);
  omp_set_num_threads (n_threads);
  if (!done) {
    sympie_fail (error,
        "oneDNN cannot prepare a convolution from %d to %d channels: %s",
        share->conv->n_in, share->n_channels, dnnl_status2str (plan->status));
    sympie_conv_plan_free (plan);
    return NULL;
  }
  return plan;
}

void
sympie_conv_plan_free (SympieConvPlan *plan)
{
  if (!plan)
    return;
  for (int i = 0; i < N_ARGS; i++)
    dnnl_memory_destroy (plan->args[i].memory);
  dnnl_primitive_destroy (plan->primitive);
  dnnl_stream_destroy (plan->stream);
  dnnl_engine_destroy (plan->engine);
  free (plan);
}

bool
sympie_conv_plan_run (
    SympieConvPlan *plan, const float *src, float *dst, char **error)
{
  int n_threads = take_one_thread ();
  bool done;

  done = ok (plan,
             dnnl_memory_set_data_handle (plan->args[0].memory, (void *) src))
         && ok (plan, dnnl_memory_set_data_handle (plan->args[1].memory, dst))
         && ok (plan, dnnl_primitive_execute (
                          plan->primitive, plan->stream, N_ARGS, plan->args))
         && ok (plan, dnnl_stream_wait (plan->stream));
  omp_set_num_threads (n_threads);
  return done
         || sympie_fail (error, "oneDNN cannot run a convolution: %s",
             dnnl_status2str (plan->status));
}
