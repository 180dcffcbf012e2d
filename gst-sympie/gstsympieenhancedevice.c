/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Where sympieenhance computes: the choice between CUDA and the CPU, the CUDA
 * context that it shares with its neighbours, and the memory of the frames. */

#include "gstsympieenhance-private.h"

#include <stdlib.h>

#include "gstsympiedevice.h"

#define GST_CAT_DEFAULT gst_sympie_enhance_debug

static gpointer parent_class;

/* ---- Device -------------------------------------------------------------- */

void
gst_sympie_enhance_close (GstSympieEnhance *self)
{
  gst_sympie_cuda_enter (&self->cuda);
  sympie_close (self->context);
  gst_sympie_cuda_leave (&self->cuda);
  self->context = NULL;
}

gboolean
gst_sympie_enhance_open (GstSympieEnhance *self, gboolean estimating)
{
  SympieConfig config = sympie_config_default ();
  GstClockTime begin = gst_util_get_timestamp ();
  char *error = NULL;
  gchar *weights;

  GST_OBJECT_LOCK (self);
  weights = gst_sympie_enhance_dup_weights (self);
  config.device = self->device;
  config.cuda_device = (int) self->cuda_device_id;
  config.n_threads = (int) self->n_threads;
  GST_OBJECT_UNLOCK (self);
  if (estimating)
    config.weights = weights;

  gst_sympie_enhance_close (self);
  if (!gst_sympie_device_choose (
          GST_ELEMENT (self), &config.device, config.cuda_device)) {
    g_free (weights);
    return FALSE;
  }
  if (config.device == SYMPIE_DEVICE_CUDA) {
    /* None is no reason to give up: frames in system memory need none. */
    gst_sympie_cuda_open (&self->cuda, GST_ELEMENT (self), config.cuda_device);
    config.cuda_context = gst_sympie_cuda_handle (&self->cuda);
    config.cuda_stream = gst_sympie_cuda_stream (&self->cuda);
  }
  gst_sympie_cuda_enter (&self->cuda);
  self->context = sympie_open (&config, &error);
  gst_sympie_cuda_leave (&self->cuda);
  if (!self->context) {
    if (estimating && !g_file_test (weights, G_FILE_TEST_EXISTS))
      GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
          ("Cannot find the weights: %s", error), ("weights: %s", weights));
    else if (config.device == SYMPIE_DEVICE_CUDA)
      GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ_WRITE,
          ("Cannot start on the CUDA device: %s", error),
          ("cuda-device-id: %d, weights: %s", config.cuda_device, weights));
    else if (estimating)
      GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ,
          ("Cannot use the weights: %s", error), ("weights: %s", weights));
    else
      GST_ELEMENT_ERROR (
          self, LIBRARY, INIT, ("Cannot start libsympie: %s", error), (NULL));
    free (error);
    g_free (weights);
    return FALSE;
  }

  self->can_estimate = estimating;
  GST_OBJECT_LOCK (self);
  self->active_device = sympie_device (self->context);
  GST_OBJECT_UNLOCK (self);
  g_object_notify (G_OBJECT (self), "active-device");
  GST_INFO_OBJECT (self, "set up in %" GST_TIME_FORMAT ", weights %s",
      GST_TIME_ARGS (gst_util_get_timestamp () - begin),
      estimating ? weights : "not needed");
  g_free (weights);
  return TRUE;
}

/* ---- Contexts and memory ------------------------------------------------- */

static void
gst_sympie_enhance_set_context (GstElement *element, GstContext *context)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (element);

  gst_sympie_cuda_set_context (
      &self->cuda, element, (gint) self->cuda_device_id, context);
  GST_ELEMENT_CLASS (parent_class)->set_context (element, context);
}

static gboolean
gst_sympie_enhance_query (
    GstBaseTransform *trans, GstPadDirection direction, GstQuery *query)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);

  if (GST_QUERY_TYPE (query) == GST_QUERY_CONTEXT
      && gst_sympie_cuda_query (&self->cuda, GST_ELEMENT (self), query))
    return TRUE;
  return GST_BASE_TRANSFORM_CLASS (parent_class)
      ->query (trans, direction, query);
}

/* The memory of a frame stays what it is. On the CPU it is not CUDA's. */
static GstCaps *
gst_sympie_enhance_transform_caps (GstBaseTransform *trans,
    GstPadDirection direction, GstCaps *caps, GstCaps *filter)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);
  GstCaps *possible = GST_BASE_TRANSFORM_CLASS (parent_class)
                          ->transform_caps (trans, direction, caps, filter);
  SympieDevice device;

  GST_OBJECT_LOCK (self);
  device = self->active_device;
  GST_OBJECT_UNLOCK (self);
  return device == SYMPIE_DEVICE_CPU
             ? gst_sympie_cuda_remove_from_caps (possible)
             : possible;
}

/* The base class finds that nothing is left of them and says nothing. */
void
gst_sympie_enhance_explain_refusal (GstSympieEnhance *self, GstCaps *caps)
{
  GstCaps *peer =
      gst_pad_peer_query_caps (GST_BASE_TRANSFORM_SRC_PAD (self), NULL);
  guint n = gst_caps_get_size (peer), n_cuda;
  gboolean in_cuda = gst_sympie_cuda_is_in_caps (caps);
  const gchar *reason = NULL;

  peer = gst_sympie_cuda_remove_from_caps (peer);
  n_cuda = n - gst_caps_get_size (peer);
  gst_caps_unref (peer);

  if (in_cuda && n > 0 && n_cuda == 0)
    reason = "video in CUDA memory for an element that takes none";
  else if (!in_cuda && n > 0 && n_cuda == n)
    reason = "video in system memory for an element that takes CUDA memory";
  /* Pads send caps that were refused again with whatever comes next. */
  if (!reason || (self->refused && gst_caps_is_equal (self->refused, caps)))
    return;
  GST_ELEMENT_ERROR (self, STREAM, FORMAT,
      ("Cannot enhance %s: %" GST_PTR_FORMAT, reason, caps), (NULL));
  gst_caps_replace (&self->refused, caps);
}

static gboolean
gst_sympie_enhance_propose_allocation (
    GstBaseTransform *trans, GstQuery *decide_query, GstQuery *query)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);

  /* Without a query of ours buffers pass, and those after us decide. */
  return decide_query && self->in_cuda
             ? gst_sympie_cuda_propose_allocation (&self->cuda, query)
             : GST_BASE_TRANSFORM_CLASS (parent_class)
                   ->propose_allocation (trans, decide_query, query);
}

static gboolean
gst_sympie_enhance_decide_allocation (GstBaseTransform *trans, GstQuery *query)
{
  GstSympieEnhance *self = GST_SYMPIE_ENHANCE (trans);

  if (self->in_cuda && !gst_sympie_cuda_decide_allocation (&self->cuda, query))
    return FALSE;
  return GST_BASE_TRANSFORM_CLASS (parent_class)
      ->decide_allocation (trans, query);
}

void
gst_sympie_enhance_follow_context (GstSympieEnhance *self, GstBuffer *buffer)
{
  GST_INFO_OBJECT (self, "buffers come from another CUDA context");
  gst_sympie_enhance_close (self);
  gst_sympie_cuda_adopt (&self->cuda, buffer);
  /* On failure there is no context, which the next frame tells. */
  if (gst_sympie_enhance_open (self, self->can_estimate))
    gst_base_transform_reconfigure_src (GST_BASE_TRANSFORM (self));
}

void
gst_sympie_enhance_install_device (GstSympieEnhanceClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);

  parent_class = g_type_class_peek_parent (klass);
  element_class->set_context =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_set_context);
  trans_class->query = GST_DEBUG_FUNCPTR (gst_sympie_enhance_query);
  trans_class->transform_caps =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_transform_caps);
  trans_class->propose_allocation =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_propose_allocation);
  trans_class->decide_allocation =
      GST_DEBUG_FUNCPTR (gst_sympie_enhance_decide_allocation);
}
