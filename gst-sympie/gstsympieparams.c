/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympieparams.h"

#include <math.h>

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
