/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* SympieParams outside libsympie: as the GstValueArray of 37 numbers that
 * properties carry, in the order of sympie.h; and, with what is known of them,
 * on the frame that was enhanced with them: a registered custom meta, which any
 * language reads by name with gst_buffer_get_custom_meta(). It stays when
 * buffers are copied, scaled or converted. */

#ifndef GST_SYMPIE_PARAMS_H
#define GST_SYMPIE_PARAMS_H

#include <gst/gst.h>

#include "sympie.h"

/* `array` holds a GstValueArray of integers and floating-point numbers, mixed
 * as they come. Fails on another length, on values that are no number and on
 * numbers that are not finite as a float, with a sentence in `reason`, which
 * the caller frees. */
gboolean gst_sympie_params_from_value (
    SympieParams *params, const GValue *array, gchar **reason);

/* Appends doubles to `array`, an empty GstValueArray. */
void gst_sympie_params_to_value (const SympieParams *params, GValue *array);

#define GST_SYMPIE_PARAMS_META "GstSympieParamsMeta"

typedef struct
{
  SympieParams params; /* estimated or given, smoothed; before the strength */
  gfloat gate;         /* of the estimate, 0 to 1 */
  gboolean estimated;  /* from this very frame */
  guint age;           /* frames since the one that was estimated from */
  GstClockTime time;   /* stream time of that frame, or GST_CLOCK_TIME_NONE */
} GstSympieParamsInfo;

/* To be called before the first buffer, as often as you like. */
void gst_sympie_params_meta_register (void);

/* Puts `info` on a writable buffer, in the place of what is there already: the
 * structure's fields are
 *   parameters  GstValueArray of 37 gdouble, in the order of sympie.h
 *   gate        gdouble
 *   estimated   gboolean
 *   age         guint
 *   time        guint64 */
void gst_sympie_params_meta_set (
    GstBuffer *buffer, const GstSympieParamsInfo *info);

/* The same fields in a structure of their own. */
GstStructure *gst_sympie_params_info_to_structure (
    const GstSympieParamsInfo *info, const gchar *name);

/* FALSE where the buffer has none. One that is not as set above gives a
 * sentence in `reason`, which the caller frees. */
gboolean gst_sympie_params_meta_get (
    GstBuffer *buffer, GstSympieParamsInfo *info, gchar **reason);

#endif /* GST_SYMPIE_PARAMS_H */
