/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* SympieParams as the GstValueArray of 37 numbers that properties carry, in the
 * order of sympie.h: matrix, shift, kernel. */

#ifndef GST_SYMPIE_PARAMS_H
#define GST_SYMPIE_PARAMS_H

#include <gst/gst.h>

#include "sympie.h"

G_BEGIN_DECLS

/* `array` holds a GstValueArray of integers and floating-point numbers, mixed
 * as they come. Fails on another length, on values that are no number and on
 * numbers that are not finite as a float, with a sentence in `reason`, which
 * the caller frees. */
gboolean gst_sympie_params_from_value (
    SympieParams *params, const GValue *array, gchar **reason);

/* Appends doubles to `array`, an empty GstValueArray. */
void gst_sympie_params_to_value (const SympieParams *params, GValue *array);

G_END_DECLS

#endif /* GST_SYMPIE_PARAMS_H */
