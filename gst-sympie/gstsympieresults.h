/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The file that sympieprobe writes its results to.
 *
 * Whatever stops the program, the file can be read: CSV grows by whole lines;
 * JSON and XML are closed after every frame, and the next frame is written over
 * the closing, all at once. Where there is no room for a frame, the file is
 * left as it was before. */

#ifndef GST_SYMPIE_RESULTS_H
#define GST_SYMPIE_RESULTS_H

#include <gst/gst.h>

typedef enum
{
  GST_SYMPIE_RESULTS_CSV,
  GST_SYMPIE_RESULTS_JSON,
  GST_SYMPIE_RESULTS_XML,
} GstSympieResultsFormat;

#define GST_TYPE_SYMPIE_RESULTS_FORMAT (gst_sympie_results_format_get_type ())
GType gst_sympie_results_format_get_type (void);

typedef struct _GstSympieResults GstSympieResults;

/* Creates or empties the file and writes what there is before the first frame.
 * `about` has the fields of the whole run: strings and numbers; `pooled`, as
 * below, is that of no frames. NULL with an error where that fails. */
GstSympieResults *gst_sympie_results_new (const gchar *filename,
    GstSympieResultsFormat format, const GstStructure *about,
    const GPtrArray *pooled, GError **error);

/* Closes the file; NULL is allowed. */
void gst_sympie_results_free (GstSympieResults *results);

/* Appends `frames`, or none where that is NULL, and behind them what is
 * `pooled` of each stream so far (which CSV does not have), both GstStructures.
 * All frames have the same fields. Fields are guint64, gdouble, gboolean and
 * strings; numbers that are not finite become null in JSON. */
gboolean gst_sympie_results_add (GstSympieResults *results,
    const GPtrArray *frames, const GPtrArray *pooled, GError **error);

#endif /* GST_SYMPIE_RESULTS_H */
