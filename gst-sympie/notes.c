/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "notes.h"

#include <errno.h>

gboolean
gst_sympie_notes_open (GstSympieNotes *notes, gboolean writes,
    const gchar *channel, const gchar *recording, gchar **reason)
{
  gst_sympie_notes_close (notes);
  *reason = NULL;
  notes->writes = writes;
  if (channel && *channel)
    notes->channel = gst_sympie_timeline_join (channel);
  if (!recording || !*recording)
    return TRUE;
  if (!writes) {
    notes->recording = gst_sympie_timeline_read (recording, reason);
  } else if ((notes->file = fopen (recording, "we"))) {
    /* Whole lines, also of what ends by a signal. */
    setvbuf (notes->file, NULL, _IOLBF, BUFSIZ);
  } else {
    *reason = g_strdup_printf ("%s: %s", recording, g_strerror (errno));
  }
  if (!*reason)
    return TRUE;
  gst_sympie_notes_close (notes);
  return FALSE;
}

void
gst_sympie_notes_close (GstSympieNotes *notes)
{
  gst_sympie_timeline_leave (notes->channel);
  gst_sympie_timeline_leave (notes->recording);
  if (notes->file)
    fclose (notes->file); /* each line has been written */
  *notes = (GstSympieNotes){ .writes = FALSE };
}

gboolean
gst_sympie_notes_write (
    GstSympieNotes *notes, GstClockTime time, const GstSympieParamsInfo *info)
{
  gboolean written = TRUE;
  gchar *line;

  if (!notes->writes || (!notes->channel && !notes->file)
      || (notes->has_noted
          && sympie_params_distance (&notes->noted, &info->params) == 0.0f))
    return TRUE;
  if (notes->channel)
    gst_sympie_timeline_put (notes->channel, time, info);
  if (notes->file) {
    line = gst_sympie_timeline_to_line (time, info);
    written = fputs (line, notes->file) >= 0;
    g_free (line);
  }
  notes->has_noted = TRUE;
  notes->noted = info->params;
  return written;
}

gboolean
gst_sympie_notes_read (
    GstSympieNotes *notes, GstClockTime time, GstSympieParamsInfo *info)
{
  return !notes->writes
         && ((notes->channel
                 && gst_sympie_timeline_get (notes->channel, time, info))
             || (notes->recording
                 && gst_sympie_timeline_get (notes->recording, time, info)));
}
