/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Parameters along stream time, for another element or another run: shared by
 * name in the process, or in a file of JSON lines, one for each change:
 *   {"time": 40000000, "gate": 1, "estimated": true, "age": 0,
 *    "estimate-time": 40000000, "parameters": [37 numbers]}
 * `time`, of the first frame that they are for, and estimate-time are null
 * where they are not known. Numbers come back as they were, to the last bit. */

#ifndef GST_SYMPIE_TIMELINE_H
#define GST_SYMPIE_TIMELINE_H

#include "params.h"

G_BEGIN_DECLS

typedef struct _GstSympieTimeline GstSympieTimeline;

/* The one of that name, which all who have joined share; any thread may use it.
 * It remembers the latest thousands of changes. */
GstSympieTimeline *gst_sympie_timeline_join (const gchar *name);

/* One of its own, read from a file. Fails with a sentence that names the file
 * and the line in `reason`, which the caller frees. */
GstSympieTimeline *gst_sympie_timeline_read (const gchar *path, gchar **reason);

/* The last one to leave frees it; NULL is allowed. */
void gst_sympie_timeline_leave (GstSympieTimeline *timeline);

/* From the frame of that time on. What was known of later frames is forgotten:
 * the stream has gone back. */
void gst_sympie_timeline_put (GstSympieTimeline *timeline, GstClockTime time,
    const GstSympieParamsInfo *info);

/* Those for the frame of that time, or the newest where it has none. FALSE
 * before the first. */
gboolean gst_sympie_timeline_get (
    GstSympieTimeline *timeline, GstClockTime time, GstSympieParamsInfo *info);

/* A line of such a file, which the caller frees. */
gchar *gst_sympie_timeline_to_line (
    GstClockTime time, const GstSympieParamsInfo *info);

G_END_DECLS

#endif /* GST_SYMPIE_TIMELINE_H */
