/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* NEM as who knows oneDNN well would write it: every operation oneDNN's own,
 * direct convolutions in its blocked layouts, whatever can be fused in them
 * fused, nothing converted between the layers. For oneDNN 2 and 3. */

#include "peers.h"

#ifdef HAVE_DNNL

#include <dnnl.h>
#include <omp.h>
#include <string.h>

enum
{
  MAX_STEPS = 32,
  MAX_ARGS = 6
};

typedef struct
{
  dnnl_primitive_t primitive;
  dnnl_exec_arg_t args[MAX_ARGS];
  int n_args;
} Step;

/* Memory descriptors became opaque in oneDNN 3, and what describes an operation
 * disappeared: an operation is made in one call. */
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t Desc;
#else
typedef const dnnl_memory_desc_t *Desc;
#endif

struct BenchDnnl
{
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  int n_threads, n_steps;
  Step steps[MAX_STEPS];
  GPtrArray *memories; /* every dnnl_memory_t */
  GPtrArray *descs;    /* every dnnl_memory_desc_t of describe () */
  dnnl_memory_t out;
};

static void
check (dnnl_status_t status, const char *what)
{
  if (status != dnnl_success)
    bench_fail ("oneDNN: %s: status %d", what, status);
}

static dnnl_memory_t
memory_new (BenchDnnl *self, Desc desc, void *data)
{
  dnnl_memory_t memory;

  check (dnnl_memory_create (
             &memory, desc, self->engine, data ? data : DNNL_MEMORY_ALLOCATE),
      "memory");
  g_ptr_array_add (self->memories, memory);
  return memory;
}

/* ---- What oneDNN 2 and 3 call differently ------------------------------- */

static const dnnl_dims_t one = { 1, 1 }, none = { 0, 0 };

#if DNNL_VERSION_MAJOR >= 3

static Desc
describe (
    BenchDnnl *self, int n_dims, const dnnl_dims_t dims, dnnl_format_tag_t tag)
{
  dnnl_memory_desc_t desc;

  check (dnnl_memory_desc_create_with_tag (&desc, n_dims, dims, dnnl_f32, tag),
      "memory descriptor");
  g_ptr_array_add (self->descs, desc);
  return desc;
}

static void
undescribe (void *desc)
{
  dnnl_memory_desc_destroy (desc);
}

static const dnnl_dim_t *
dims_of (Desc desc)
{
  dnnl_dims_t *dims;

  check (dnnl_memory_desc_query (desc, dnnl_query_dims, &dims), "dimensions");
  return *dims;
}

static void
append_relu (dnnl_post_ops_t post)
{
  check (dnnl_post_ops_append_eltwise (post, dnnl_eltwise_relu, 0, 0), "relu");
}

static dnnl_status_t
describe_convolution (BenchDnnl *self, Desc src, Desc weight, Desc bias,
    Desc dst, dnnl_primitive_attr_t attr, dnnl_primitive_desc_t *desc)
{
  return dnnl_convolution_forward_primitive_desc_create (desc, self->engine,
      dnnl_forward_inference, dnnl_convolution_direct, src, weight, bias, dst,
      one, none, one, one, attr);
}

static dnnl_status_t
describe_pooling (BenchDnnl *self, Desc src, Desc dst,
    const dnnl_dims_t strides, const dnnl_dims_t windows,
    const dnnl_dims_t paddings, dnnl_primitive_desc_t *desc)
{
  return dnnl_pooling_forward_primitive_desc_create (desc, self->engine,
      dnnl_forward_inference, dnnl_pooling_avg_include_padding, src, dst,
      strides, windows, none, paddings, paddings, NULL);
}

static dnnl_status_t
describe_norm (BenchDnnl *self, Desc src, dnnl_primitive_desc_t *desc)
{
  return dnnl_batch_normalization_forward_primitive_desc_create (desc,
      self->engine, dnnl_forward_inference, src, src, 0,
      dnnl_use_global_stats | dnnl_use_scale | dnnl_use_shift
          | dnnl_fuse_norm_relu,
      NULL);
}

static dnnl_status_t
describe_linear (BenchDnnl *self, Desc src, Desc weight, Desc bias, Desc dst,
    dnnl_primitive_desc_t *desc)
{
  return dnnl_inner_product_forward_primitive_desc_create (
      desc, self->engine, dnnl_forward_inference, src, weight, bias, dst, NULL);
}

#else

static Desc
describe (
    BenchDnnl *self, int n_dims, const dnnl_dims_t dims, dnnl_format_tag_t tag)
{
  dnnl_memory_desc_t *desc = g_new (dnnl_memory_desc_t, 1);

  check (dnnl_memory_desc_init_by_tag (desc, n_dims, dims, dnnl_f32, tag),
      "memory descriptor");
  g_ptr_array_add (self->descs, desc);
  return desc;
}

static void
undescribe (void *desc)
{
  g_free (desc);
}

static const dnnl_dim_t *
dims_of (Desc desc)
{
  return desc->dims;
}

static void
append_relu (dnnl_post_ops_t post)
{
  check (
      dnnl_post_ops_append_eltwise (post, 1, dnnl_eltwise_relu, 0, 0), "relu");
}

static dnnl_status_t
describe_convolution (BenchDnnl *self, Desc src, Desc weight, Desc bias,
    Desc dst, dnnl_primitive_attr_t attr, dnnl_primitive_desc_t *desc)
{
  dnnl_convolution_desc_t op;
  dnnl_status_t status =
      dnnl_convolution_forward_desc_init (&op, dnnl_forward_inference,
          dnnl_convolution_direct, src, weight, bias, dst, one, one, one);

  return status == dnnl_success
             ? dnnl_primitive_desc_create (desc, &op, attr, self->engine, NULL)
             : status;
}

static dnnl_status_t
describe_pooling (BenchDnnl *self, Desc src, Desc dst,
    const dnnl_dims_t strides, const dnnl_dims_t windows,
    const dnnl_dims_t paddings, dnnl_primitive_desc_t *desc)
{
  dnnl_pooling_v2_desc_t op;
  dnnl_status_t status = dnnl_pooling_v2_forward_desc_init (&op,
      dnnl_forward_inference, dnnl_pooling_avg_include_padding, src, dst,
      strides, windows, none, paddings, paddings);

  return status == dnnl_success
             ? dnnl_primitive_desc_create (desc, &op, NULL, self->engine, NULL)
             : status;
}

static dnnl_status_t
describe_norm (BenchDnnl *self, Desc src, dnnl_primitive_desc_t *desc)
{
  dnnl_batch_normalization_desc_t op;
  dnnl_status_t status = dnnl_batch_normalization_forward_desc_init (&op,
      dnnl_forward_inference, src, 0,
      dnnl_use_global_stats | dnnl_use_scale | dnnl_use_shift
          | dnnl_fuse_norm_relu);

  return status == dnnl_success
             ? dnnl_primitive_desc_create (desc, &op, NULL, self->engine, NULL)
             : status;
}

static dnnl_status_t
describe_linear (BenchDnnl *self, Desc src, Desc weight, Desc bias, Desc dst,
    dnnl_primitive_desc_t *desc)
{
  dnnl_inner_product_desc_t op;
  dnnl_status_t status = dnnl_inner_product_forward_desc_init (
      &op, dnnl_forward_inference, src, weight, bias, dst);

  return status == dnnl_success
             ? dnnl_primitive_desc_create (desc, &op, NULL, self->engine, NULL)
             : status;
}

#endif

/* ---- The network --------------------------------------------------------- */

static Desc
desc_of (dnnl_memory_t memory)
{
  Desc desc;

  check (dnnl_memory_get_memory_desc (memory, &desc), "memory descriptor");
  return desc;
}

/* The steps take memory as it is, so that only weights are reordered, once. */
static dnnl_memory_t
weights_new (BenchDnnl *self, Desc plain, Desc wanted, const float *data)
{
  dnnl_memory_t from = memory_new (self, plain, (void *) data);
  dnnl_memory_t to = memory_new (self, wanted, NULL);
  dnnl_primitive_desc_t desc;
  dnnl_primitive_t reorder;
  dnnl_exec_arg_t args[] = { { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, to } };

  check (dnnl_reorder_primitive_desc_create (
             &desc, plain, self->engine, wanted, self->engine, NULL),
      "reorder");
  check (dnnl_primitive_create (&reorder, desc), "reorder");
  check (dnnl_primitive_execute (reorder, self->stream, 2, args), "reorder");
  dnnl_primitive_destroy (reorder);
  dnnl_primitive_desc_destroy (desc);
  return to;
}

static Step *
step_new (BenchDnnl *self, dnnl_primitive_desc_t desc)
{
  Step *step = &self->steps[self->n_steps++];

  g_assert (self->n_steps <= MAX_STEPS);
  check (dnnl_primitive_create (&step->primitive, desc), "primitive");
  return step;
}

static void
step_arg (Step *step, int name, dnnl_memory_t memory)
{
  g_assert (step->n_args < MAX_ARGS);
  step->args[step->n_args++] = (dnnl_exec_arg_t){ name, memory };
}

/* A direct 3x3 convolution, with relu where wanted and then + `add` where that
 * is not NULL. */
static dnnl_memory_t
convolution (BenchDnnl *self, const SympieConv *conv, dnnl_memory_t src,
    bool relu, dnnl_memory_t add)
{
  Desc src_desc = desc_of (src);
  dnnl_dim_t size = dims_of (src_desc)[2];
  dnnl_dims_t dst_dims = { 1, conv->n_out, size, size };
  dnnl_dims_t weight_dims = { conv->n_out, conv->n_in, 3, 3 };
  dnnl_dims_t bias_dims = { conv->n_out };
  Desc dst_any = describe (self, 4, dst_dims, dnnl_format_tag_any);
  Desc weight_any = describe (self, 4, weight_dims, dnnl_format_tag_any);
  Desc weight_plain = describe (self, 4, weight_dims, dnnl_oihw);
  Desc bias_desc = describe (self, 1, bias_dims, dnnl_a);
  dnnl_primitive_desc_t desc;
  dnnl_primitive_attr_t attr;
  dnnl_post_ops_t post;
  dnnl_memory_t dst;
  Step *step;

  check (dnnl_primitive_attr_create (&attr), "attributes");
  check (dnnl_post_ops_create (&post), "attributes");
  if (relu)
    append_relu (post);
  if (add)
    check (dnnl_post_ops_append_binary (post, dnnl_binary_add, desc_of (add)),
        "sum");
  check (dnnl_primitive_attr_set_post_ops (attr, post), "attributes");
  check (describe_convolution (
             self, src_desc, weight_any, bias_desc, dst_any, attr, &desc),
      "convolution");

  dst = memory_new (
      self, dnnl_primitive_desc_query_md (desc, dnnl_query_dst_md, 0), NULL);
  step = step_new (self, desc);
  step_arg (step, DNNL_ARG_SRC, src);
  step_arg (step, DNNL_ARG_WEIGHTS,
      weights_new (self, weight_plain,
          dnnl_primitive_desc_query_md (desc, dnnl_query_weights_md, 0),
          conv->weight));
  step_arg (step, DNNL_ARG_BIAS,
      weights_new (self, bias_desc, bias_desc, conv->bias));
  step_arg (step, DNNL_ARG_DST, dst);
  if (add)
    step_arg (step,
        DNNL_ARG_ATTR_MULTIPLE_POST_OP (relu ? 1 : 0) | DNNL_ARG_SRC_1, add);
  dnnl_post_ops_destroy (post);
  dnnl_primitive_attr_destroy (attr);
  dnnl_primitive_desc_destroy (desc);
  return dst;
}

/* The mean over windows of `window`; the padding counts. */
static dnnl_memory_t
average_pool (
    BenchDnnl *self, dnnl_memory_t src, int window, int stride, int padding)
{
  Desc src_desc = desc_of (src);
  const dnnl_dim_t *dims = dims_of (src_desc);
  dnnl_dim_t size = (dims[2] + 2 * padding - window) / stride + 1;
  dnnl_dims_t dst_dims = { 1, dims[1], size, size };
  dnnl_dims_t strides = { stride, stride }, windows = { window, window };
  dnnl_dims_t paddings = { padding, padding };
  Desc dst_any = describe (self, 4, dst_dims, dnnl_format_tag_any);
  dnnl_primitive_desc_t desc;
  dnnl_memory_t dst;
  Step *step;

  check (describe_pooling (
             self, src_desc, dst_any, strides, windows, paddings, &desc),
      "pooling");
  dst = memory_new (
      self, dnnl_primitive_desc_query_md (desc, dnnl_query_dst_md, 0), NULL);
  step = step_new (self, desc);
  step_arg (step, DNNL_ARG_SRC, src);
  step_arg (step, DNNL_ARG_DST, dst);
  dnnl_primitive_desc_destroy (desc);
  return dst;
}

/* relu (scale * x + shift), as a batch norm of mean 0 and variance 1. */
static dnnl_memory_t
norm_relu (
    BenchDnnl *self, dnnl_memory_t src, const float *scale, const float *shift)
{
  Desc src_desc = desc_of (src);
  dnnl_dims_t row_dims = { dims_of (src_desc)[1] };
  Desc row_desc = describe (self, 1, row_dims, dnnl_a);
  float *mean = g_new0 (float, row_dims[0]);
  float *variance = g_new (float, row_dims[0]);
  dnnl_primitive_desc_t desc;
  dnnl_memory_t dst = memory_new (self, src_desc, NULL);
  Step *step;

  for (dnnl_dim_t i = 0; i < row_dims[0]; i++)
    variance[i] = 1;
  check (describe_norm (self, src_desc, &desc), "batch norm");
  step = step_new (self, desc);
  step_arg (step, DNNL_ARG_SRC, src);
  step_arg (step, DNNL_ARG_MEAN, weights_new (self, row_desc, row_desc, mean));
  step_arg (step, DNNL_ARG_VARIANCE,
      weights_new (self, row_desc, row_desc, variance));
  step_arg (
      step, DNNL_ARG_SCALE, weights_new (self, row_desc, row_desc, scale));
  step_arg (
      step, DNNL_ARG_SHIFT, weights_new (self, row_desc, row_desc, shift));
  step_arg (step, DNNL_ARG_DST, dst);
  dnnl_primitive_desc_destroy (desc);
  g_free (mean);
  g_free (variance);
  return dst;
}

static dnnl_memory_t
linear (
    BenchDnnl *self, dnnl_memory_t src, const float *weight, const float *bias)
{
  dnnl_dims_t src_dims = { 1, SYMPIE_NEM_FEATURES };
  dnnl_dims_t weight_dims = { SYMPIE_N_PARAMS, SYMPIE_NEM_FEATURES };
  dnnl_dims_t dst_dims = { 1, SYMPIE_N_PARAMS };
  Desc src_desc = describe (self, 2, src_dims, dnnl_nc);
  Desc weight_desc = describe (self, 2, weight_dims, dnnl_ab);
  Desc bias_desc = describe (self, 1, weight_dims, dnnl_a);
  Desc dst_desc = describe (self, 2, dst_dims, dnnl_nc);
  dnnl_primitive_desc_t desc;
  dnnl_memory_t dst = memory_new (self, dst_desc, NULL);
  void *data;
  Step *step;

  check (
      describe_linear (self, src_desc, weight_desc, bias_desc, dst_desc, &desc),
      "linear");
  /* 1x1 pixels of channels are the same bytes in every layout. */
  check (dnnl_memory_get_data_handle (src, &data), "memory");
  step = step_new (self, desc);
  step_arg (step, DNNL_ARG_SRC, memory_new (self, src_desc, data));
  step_arg (step, DNNL_ARG_WEIGHTS,
      weights_new (self, weight_desc, weight_desc, weight));
  step_arg (
      step, DNNL_ARG_BIAS, weights_new (self, bias_desc, bias_desc, bias));
  step_arg (step, DNNL_ARG_DST, dst);
  dnnl_primitive_desc_destroy (desc);
  return dst;
}

static dnnl_memory_t
input (BenchDnnl *self, const SympieCrop *crop)
{
  dnnl_dims_t dims = { 1, 3, SYMPIE_NEM_SIZE, SYMPIE_NEM_SIZE };
  dnnl_memory_t memory =
      memory_new (self, describe (self, 4, dims, dnnl_nchw), NULL);
  void *data;

  check (dnnl_memory_get_data_handle (memory, &data), "memory");
  bench_crop_planes (crop, data);
  return memory;
}

BenchDnnl *
bench_dnnl_new (
    Bench *bench, const SympieNemWeights *weights, const SympieCrop *crop)
{
  BenchDnnl *self = g_new0 (BenchDnnl, 1);
  const dnnl_version_t *version = dnnl_version ();
  dnnl_memory_t x, y;

  bench_fact (bench, "oneDNN", "%d.%d.%d", version->major, version->minor,
      version->patch);
  self->n_threads = bench->n_threads;
  self->memories = g_ptr_array_new ();
  self->descs = g_ptr_array_new_with_free_func (undescribe);
  omp_set_num_threads (self->n_threads);
  check (dnnl_engine_create (&self->engine, dnnl_cpu, 0), "engine");
  check (dnnl_stream_create (
             &self->stream, self->engine, dnnl_stream_default_flags),
      "stream");

  x = convolution (self, &weights->stem, input (self, crop), true, NULL);
  for (int b = 0; b < SYMPIE_NEM_N_BLOCKS; b++) {
    const SympieNemBlock *block = &weights->block[b];

    x = average_pool (self, x, 5, 4, 1);
    x = convolution (self, &block->conv1, x, false, NULL);
    y = norm_relu (self, x, block->scale1, block->shift1);
    x = convolution (self, &block->conv2, y, true, x);
  }
  x = average_pool (self, x, (int) dims_of (desc_of (x))[2], 1, 0);
  self->out = linear (self, x, weights->head_weight, weights->head_bias);
  return self;
}

void
bench_dnnl_free (BenchDnnl *self)
{
  if (!self)
    return;
  for (int i = 0; i < self->n_steps; i++)
    dnnl_primitive_destroy (self->steps[i].primitive);
  for (guint i = 0; i < self->memories->len; i++)
    dnnl_memory_destroy (g_ptr_array_index (self->memories, i));
  g_ptr_array_unref (self->memories);
  g_ptr_array_unref (self->descs);
  dnnl_stream_destroy (self->stream);
  dnnl_engine_destroy (self->engine);
  g_free (self);
}

double
bench_dnnl_run (void *data)
{
  BenchDnnl *self = data;
  double start;

  omp_set_num_threads (self->n_threads);
  start = bench_now ();
  for (int i = 0; i < self->n_steps; i++) {
    const Step *step = &self->steps[i];

    check (dnnl_primitive_execute (
               step->primitive, self->stream, step->n_args, step->args),
        "execution");
  }
  check (dnnl_stream_wait (self->stream), "execution");
  return bench_now () - start;
}

void
bench_dnnl_params (const BenchDnnl *self, SympieParams *params)
{
  void *data;

  check (dnnl_memory_get_data_handle (self->out, &data), "memory");
  memcpy (params->values, data, sizeof params->values);
}

#else

BenchDnnl *
bench_dnnl_new (
    Bench *bench, const SympieNemWeights *weights, const SympieCrop *crop)
{
  bench_fact (bench, "oneDNN",
      "missing: built without libdnnl-dev "
      "(./setup.sh --all installs it)");
  return NULL;
}

void
bench_dnnl_free (BenchDnnl *self)
{
}

double
bench_dnnl_run (void *data)
{
  return 0;
}

void
bench_dnnl_params (const BenchDnnl *self, SympieParams *params)
{
}

#endif
