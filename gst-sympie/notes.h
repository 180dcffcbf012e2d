/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What an element notes of the parameters that it uses, for others, or what it
 * uses of those that others have noted: on a channel, in a recording, or both.
 */

#ifndef GST_SYMPIE_NOTES_H
#define GST_SYMPIE_NOTES_H

#include <stdio.h>

#include "timeline.h"

G_BEGIN_DECLS

/* All zero is closed. */
typedef struct
{
  gboolean writes;
  GstSympieTimeline *channel, *recording; /* to read; NULL: none */
  FILE *file;                             /* to write; NULL: none */
  gboolean has_noted;
  SympieParams noted;
} GstSympieNotes;

/* A name or path that is NULL or empty is none. Fails with a sentence that
 * names the file in `reason`, which the caller frees. */
gboolean gst_sympie_notes_open (GstSympieNotes *notes, gboolean writes,
    const gchar *channel, const gchar *recording, gchar **reason);
void gst_sympie_notes_close (GstSympieNotes *notes);

/* Notes what the frame of that time is enhanced with, if that has changed and
 * there is somewhere to. FALSE, with errno, where the file takes no more. */
gboolean gst_sympie_notes_write (
    GstSympieNotes *notes, GstClockTime time, const GstSympieParamsInfo *info);

/* What is noted for the frame of that time; the channel comes first. */
gboolean gst_sympie_notes_read (
    GstSympieNotes *notes, GstClockTime time, GstSympieParamsInfo *info);

G_END_DECLS

#endif /* GST_SYMPIE_NOTES_H */
