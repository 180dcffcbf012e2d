/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What sympieprobe says of a whole stream. */

#ifndef GST_SYMPIE_SUMMARY_H
#define GST_SYMPIE_SUMMARY_H

#include <gst/gst.h>

G_BEGIN_DECLS

/* Of no value at all, every field is NaN. The harmonic mean is 0 where a value
 * is 0, as its limit is. The median of an even number of values is the mean of
 * the two in the middle. */
typedef struct
{
  gdouble mean, harmonic_mean, min, max, median;
} GstSympieSummary;

/* `values` are doubles, 0 or more each; they are left as they are. */
void gst_sympie_summary_compute (
    GstSympieSummary *summary, const GArray *values);

G_END_DECLS

#endif /* GST_SYMPIE_SUMMARY_H */
