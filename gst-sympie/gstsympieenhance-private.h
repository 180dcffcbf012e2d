/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the files of sympieenhance share: the element itself is in
 * gstsympieenhance.c, where and in which memory it computes in
 * gstsympieenhancedevice.c, its properties in gstsympieenhanceproperties.c. */

#ifndef GST_SYMPIE_ENHANCE_PRIVATE_H
#define GST_SYMPIE_ENHANCE_PRIVATE_H

#include "gstsympiecuda.h"
#include "gstsympieenhance.h"
#include "gstsympieimage.h"
#include "gstsympiescene.h"

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (gst_sympie_enhance_debug);

struct _GstSympieEnhance
{
  GstVideoFilter parent;

  /* The object lock guards these; it is never held while a frame is worked
   * on. */
  gchar *weights;
  SympieDevice device;
  SympieDevice active_device;
  guint cuda_device_id;
  guint n_threads;
  gboolean enabled;
  GstSympieSettings settings;
  gchar *parameters_error; /* why `parameters` cannot be used, or NULL */
  gboolean has_last_parameters;
  SympieParams last_parameters;
  GstSympieStats stats;

  /* The rest belongs to the streaming thread, and while there is none to
   * start and stop. */
  SympieContext *context;
  gboolean can_estimate; /* the context has weights */
  GstSympieCuda cuda;
  gboolean in_cuda; /* the stream is in CUDA memory */
  GstSympieStream stream;
  GstCaps *refused; /* the latest caps were these, and the error is posted */
  GstSympieSettings frame_settings;
  GstSympieScene scene;
};

/* ---- Frames -------------------------------------------------------------- */

/* Whether a frame can be enhanced with its settings; posts an error if not. */
gboolean gst_sympie_enhance_is_ready (GstSympieEnhance *self);

/* ---- Properties ---------------------------------------------------------- */

void gst_sympie_enhance_install_properties (GObjectClass *klass);
void gst_sympie_enhance_init_properties (GstSympieEnhance *self);

/* The file that is read: property, environment or installation, in this order.
 * Call with the object lock. */
gchar *gst_sympie_enhance_dup_weights (GstSympieEnhance *self);

/* ---- Device -------------------------------------------------------------- */

/* What GstElement and GstBaseTransform ask about contexts and memory. */
void gst_sympie_enhance_install_device (GstSympieEnhanceClass *klass);

/* Opens libsympie on the device. Reads the weights only if `estimating`: they
 * are not asked for where all parameters come by hand. Posts an error where it
 * fails. */
gboolean gst_sympie_enhance_open (GstSympieEnhance *self, gboolean estimating);
void gst_sympie_enhance_close (GstSympieEnhance *self);

/* Posts an error where caps were refused for the memory that they ask for. */
void gst_sympie_enhance_explain_refusal (GstSympieEnhance *self, GstCaps *caps);

/* Goes on in the context that the buffers come from. */
void gst_sympie_enhance_follow_context (
    GstSympieEnhance *self, GstBuffer *buffer);

G_END_DECLS

#endif /* GST_SYMPIE_ENHANCE_PRIVATE_H */
