/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The properties of sympieenhance that can be set. */

#ifndef GST_SYMPIE_ENHANCE_SETTINGS_H
#define GST_SYMPIE_ENHANCE_SETTINGS_H

#include "enhancer.h"

/* Those that are more than fields. */
enum
{
  GST_SYMPIE_ENHANCE_WEIGHTS = 1,
  GST_SYMPIE_ENHANCE_PARAMETERS,
  GST_SYMPIE_ENHANCE_CROP,
  GST_SYMPIE_ENHANCE_N_SETTINGS /* the element's own properties go on here */
};

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

  /* The rest may change from one frame to the next. */
  gboolean enabled;
  gboolean attach_parameters, post_messages;
  GstSympieEnhancerSettings frame;
} GstSympieEnhanceSettings;

/* Installs the properties of an object that has the settings at `offset`; they
 * are fields, if not those above. */
void gst_sympie_enhance_settings_install (GObjectClass *klass, gsize offset);

/* Frees what is no field. */
void gst_sympie_enhance_settings_clear (GstSympieEnhanceSettings *settings);

/* The file that is read: property, environment or installation, in this order.
 */
gchar *gst_sympie_enhance_settings_dup_weights (
    const GstSympieEnhanceSettings *settings);

/* For set_property and get_property: FALSE where the field says all. Setting a
 * property cannot fail: a value that is no good stays out where frames are
 * worked on, for a `reason` that the caller frees; and otherwise is in
 * parameters_error or crop_error, for the start to fail. */
gboolean gst_sympie_enhance_settings_set (GstSympieEnhanceSettings *settings,
    guint id, const GValue *value, gboolean is_running, gchar **reason);
gboolean gst_sympie_enhance_settings_get (
    const GstSympieEnhanceSettings *settings, guint id, GValue *value);

#endif /* GST_SYMPIE_ENHANCE_SETTINGS_H */
