/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The properties of sympieenhance. */

#ifndef GST_SYMPIE_ENHANCE_PROPERTIES_H
#define GST_SYMPIE_ENHANCE_PROPERTIES_H

#include "enhancer.h"

typedef enum
{
  GST_SYMPIE_ESTIMATION_SYNC,
  GST_SYMPIE_ESTIMATION_ASYNC
} GstSympieEstimation;

typedef enum
{
  GST_SYMPIE_GATE_AUTO,
  GST_SYMPIE_GATE_OFF,
} GstSympieGate;

typedef struct
{
  gchar *weights; /* NULL: not set */
  SympieDevice device;
  guint cuda_device_id;
  GstSympieEstimation estimation;
  GstSympieGate gate;
  gchar *channel, *recording; /* NULL: none */
  gchar *parameters_error;    /* why `parameters` cannot be used, or NULL */
  gchar *crop;                /* the property's text, or NULL */
  gchar *crop_error;          /* why it cannot be used, or NULL */

  /* May change from one frame to the next. */
  gboolean enabled;
  gboolean attach_parameters, post_messages;
  GstSympieEnhancerSettings frame;

  /* Can only be read. */
  SympieDevice active_device;
  guint load;
  gboolean has_last; /* what follows, of the latest frame */
  GstSympieParamsInfo last;
  GstSympieEnhancerStats stats;
} GstSympieEnhanceProperties;

/* Installs them, but for n-threads, for an object that has them at `offset`, or
 * hands them on by name. */
void gst_sympie_enhance_properties_install (GObjectClass *klass, gsize offset);

/* Frees what is no field. */
void gst_sympie_enhance_properties_clear (GstSympieEnhanceProperties *props);

/* The file that is read: property, environment or installation, in this order.
 */
gchar *gst_sympie_enhance_properties_dup_weights (
    const GstSympieEnhanceProperties *props);

/* Frames that an estimate serves at least, as the load makes it. */
guint gst_sympie_enhance_properties_get_interval (
    const GstSympieEnhanceProperties *props);

/* For set_property and get_property: FALSE where the field says all. Setting a
 * property cannot fail: a value that is no good stays out where frames are
 * worked on, for a `reason` that the caller frees; and otherwise is in
 * parameters_error or crop_error, for the start to fail. */
gboolean gst_sympie_enhance_properties_set (GstSympieEnhanceProperties *props,
    guint id, const GValue *value, gboolean is_running, gchar **reason);
gboolean gst_sympie_enhance_properties_get (
    const GstSympieEnhanceProperties *props, guint id, GValue *value);

#endif /* GST_SYMPIE_ENHANCE_PROPERTIES_H */
