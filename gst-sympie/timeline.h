/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Parameters along stream time, for another element or another run: shared by
 * name in the process, or in a file of JSON lines, one for each change:
 *   {"time": 40000000, "gate": 1, "estimated": true, "age": 0,
 *    "estimate-time": 40000000, "parameters": [37 numbers]}
 * `time`, of the first frame that they are for, and estimate-time are null
 * where they are not known. Numbers come back as they were, to the last bit.
 * Lines are in the order of writing, which is not that of time where the stream
 * went back or in reverse; of those of one time the last counts. */

#ifndef GST_SYMPIE_TIMELINE_H
#define GST_SYMPIE_TIMELINE_H

#include <stdio.h>

#include "params.h"

typedef struct _GstSympieTimeline GstSympieTimeline;

/* The one of that name, which all who have joined share; any thread may use it.
 * It remembers the latest thousands of changes. */
GstSympieTimeline *gst_sympie_timeline_join (const gchar *name);

/* One of its own, read from a file. Fails with a sentence that names the file
 * and the line in `reason`, which the caller frees. */
GstSympieTimeline *gst_sympie_timeline_read (const gchar *path, gchar **reason);

/* The last one to leave frees it; NULL is allowed. */
void gst_sympie_timeline_leave (GstSympieTimeline *timeline);

/* For one that is shared: from the frame of that time on. What was known of
 * later frames is forgotten: the stream has gone back. */
void gst_sympie_timeline_put (GstSympieTimeline *timeline, GstClockTime time,
    const GstSympieParamsInfo *info);

/* How many have begun to put changes so far, with the caller if it `begins`. */
guint gst_sympie_timeline_count_writers (
    GstSympieTimeline *timeline, gboolean begins);

/* Those for the frame of that time, or the newest where it has none. FALSE
 * before the first. */
gboolean gst_sympie_timeline_get (
    GstSympieTimeline *timeline, GstClockTime time, GstSympieParamsInfo *info);

/* A line of such a file, which the caller frees. */
gchar *gst_sympie_timeline_to_line (
    GstClockTime time, const GstSympieParamsInfo *info);

/* What an element notes of the parameters that it uses, for others, or what it
 * uses of those that others have noted: on a channel, either from one frame to
 * the next, and in a recording. All zero is closed. */
typedef struct
{
  GstSympieTimeline *channel, *recording; /* NULL: none; none to read */
  FILE *file;                             /* recording to write; NULL: none */
  gboolean has_sought, has_found;         /* on the channel */
  gboolean has_noted;                     /* since the last frame skipped: */
  SympieParams noted;
  GstClockTime latest; /* frame's time */
  guint n_writers;     /* of the channel, at that frame */
} GstSympieNotes;

/* A name or path that is NULL or empty is none; the recording is written anew
 * where the element `records`, else read. Fails with a sentence that names the
 * file in `reason`, which the caller frees. */
gboolean gst_sympie_notes_open (GstSympieNotes *notes, gboolean records,
    const gchar *channel, const gchar *recording, gchar **reason);
void gst_sympie_notes_close (GstSympieNotes *notes);

/* To be called before a frame is noted: FALSE where another has begun to tell
 * on the channel since the one before was, so that they get into each other's
 * way.
 */
gboolean gst_sympie_notes_check_alone (GstSympieNotes *notes);

/* Notes what the frame of that time is enhanced with, if that has changed, or
 * the stream has gone back, and there is somewhere to. FALSE, with errno, where
 * the file takes no more: it is closed then, and the channel goes on. */
gboolean gst_sympie_notes_write (
    GstSympieNotes *notes, GstClockTime time, const GstSympieParamsInfo *info);

/* For a frame of which nothing is noted: others may note theirs, so the next
 * that is, is in any case. */
void gst_sympie_notes_skip (GstSympieNotes *notes);

/* What is noted for the frame of that time; the channel comes first. */
gboolean gst_sympie_notes_read (
    GstSympieNotes *notes, GstClockTime time, GstSympieParamsInfo *info);

#endif /* GST_SYMPIE_TIMELINE_H */
