/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "params.h"

#include <math.h>

/* ---- As an array --------------------------------------------------------- */

gboolean
gst_sympie_params_from_value (
    SympieParams *params, const GValue *array, gchar **reason)
{
  guint n = gst_value_array_get_size (array);
  GValue number = G_VALUE_INIT;

  if (n != SYMPIE_N_PARAMS) {
    *reason = g_strdup_printf ("%u numbers, not %d", n, SYMPIE_N_PARAMS);
    return FALSE;
  }

  g_value_init (&number, G_TYPE_DOUBLE);
  for (guint i = 0; i < n; i++) {
    const GValue *element = gst_value_array_get_value (array, i);

    if (!g_value_transform (element, &number)) {
      *reason =
          g_strdup_printf ("number %u is a %s", i, G_VALUE_TYPE_NAME (element));
      return FALSE;
    }
    params->values[i] = (gfloat) g_value_get_double (&number);
    if (!isfinite (params->values[i])) {
      *reason =
          g_strdup_printf ("number %u is %g", i, g_value_get_double (&number));
      return FALSE;
    }
  }
  return TRUE;
}

void
gst_sympie_params_to_value (const SympieParams *params, GValue *array)
{
  for (guint i = 0; i < SYMPIE_N_PARAMS; i++) {
    GValue number = G_VALUE_INIT;

    g_value_init (&number, G_TYPE_DOUBLE);
    g_value_set_double (&number, params->values[i]);
    gst_value_array_append_and_take_value (array, &number);
  }
}

/* ---- On a frame ---------------------------------------------------------- */

void
gst_sympie_params_meta_register (void)
{
  static const gchar *tags[] = { NULL };

  /* An application, or a copy of the plugin, may have been first. */
  if (!gst_meta_get_info (GST_SYMPIE_PARAMS_META))
    gst_meta_register_custom (GST_SYMPIE_PARAMS_META, tags, NULL, NULL, NULL);
}

static void
fill (GstStructure *structure, const GstSympieParamsInfo *info)
{
  GValue array = G_VALUE_INIT;

  g_value_init (&array, GST_TYPE_ARRAY);
  gst_sympie_params_to_value (&info->params, &array);
  gst_structure_take_value (structure, "parameters", &array);
  gst_structure_set (structure, "gate", G_TYPE_DOUBLE, (gdouble) info->gate,
      "estimated", G_TYPE_BOOLEAN, info->estimated, "age", G_TYPE_UINT,
      info->age, "time", G_TYPE_UINT64, info->time, NULL);
}

void
gst_sympie_params_meta_set (GstBuffer *buffer, const GstSympieParamsInfo *info)
{
  GstCustomMeta *meta =
      gst_buffer_get_custom_meta (buffer, GST_SYMPIE_PARAMS_META);

  if (!meta)
    meta = gst_buffer_add_custom_meta (buffer, GST_SYMPIE_PARAMS_META);
  fill (gst_custom_meta_get_structure (meta), info);
}

GstStructure *
gst_sympie_params_info_to_structure (
    const GstSympieParamsInfo *info, const gchar *name)
{
  GstStructure *structure = gst_structure_new_empty (name);

  fill (structure, info);
  return structure;
}

gboolean
gst_sympie_params_meta_get (
    GstBuffer *buffer, GstSympieParamsInfo *info, gchar **reason)
{
  GstCustomMeta *meta =
      gst_buffer_get_custom_meta (buffer, GST_SYMPIE_PARAMS_META);
  const GstStructure *structure;
  const GValue *array;
  gdouble gate;

  *reason = NULL;
  if (!meta)
    return FALSE;
  structure = gst_custom_meta_get_structure (meta);
  array = gst_structure_get_value (structure, "parameters");
  if (!array || !GST_VALUE_HOLDS_ARRAY (array)
      || !gst_structure_get (structure, "gate", G_TYPE_DOUBLE, &gate,
          "estimated", G_TYPE_BOOLEAN, &info->estimated, "age", G_TYPE_UINT,
          &info->age, "time", G_TYPE_UINT64, &info->time, NULL)) {
    *reason = g_strdup_printf (
        "a field of %" GST_PTR_FORMAT " is missing", structure);
    return FALSE;
  }
  info->gate = (gfloat) gate;
  return gst_sympie_params_from_value (&info->params, array, reason);
}
