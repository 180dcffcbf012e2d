/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* With the system's locks rather than GLib's, which ThreadSanitizer does not
 * see into. */

#include "timeline.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

/* Of a shared one: some minutes in which every frame changes. */
#define MAX_SHARED 8192

typedef struct
{
  GstClockTime time; /* NONE: of a frame without, before all others */
  GstSympieParamsInfo info;
} Change;

struct _GstSympieTimeline
{
  gchar *name; /* NULL: not shared */
  guint n_users;
  pthread_mutex_t mutex;
  GArray *changes; /* of Change, in order of time */
  guint n_writers; /* that have ever begun */
};

static pthread_mutex_t all_mutex = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *all; /* shared ones by name */

static GstSympieTimeline *
timeline_new (const gchar *name)
{
  GstSympieTimeline *timeline = g_new0 (GstSympieTimeline, 1);

  timeline->name = g_strdup (name);
  timeline->n_users = 1;
  timeline->changes = g_array_new (FALSE, FALSE, sizeof (Change));
  pthread_mutex_init (&timeline->mutex, NULL);
  return timeline;
}

GstSympieTimeline *
gst_sympie_timeline_join (const gchar *name)
{
  GstSympieTimeline *timeline;

  pthread_mutex_lock (&all_mutex);
  if (!all)
    all = g_hash_table_new (g_str_hash, g_str_equal);
  timeline = g_hash_table_lookup (all, name);
  if (timeline) {
    timeline->n_users++;
  } else {
    timeline = timeline_new (name);
    g_hash_table_insert (all, timeline->name, timeline);
  }
  pthread_mutex_unlock (&all_mutex);
  return timeline;
}

void
gst_sympie_timeline_leave (GstSympieTimeline *timeline)
{
  gboolean is_last;

  if (!timeline)
    return;
  pthread_mutex_lock (&all_mutex);
  is_last = --timeline->n_users == 0;
  if (is_last && timeline->name) {
    g_hash_table_remove (all, timeline->name);
    if (g_hash_table_size (all) == 0)
      g_clear_pointer (&all, g_hash_table_unref);
  }
  pthread_mutex_unlock (&all_mutex);
  if (!is_last)
    return;
  g_array_unref (timeline->changes);
  pthread_mutex_destroy (&timeline->mutex);
  g_free (timeline->name);
  g_free (timeline);
}

/* How many changes come no later than that. */
static guint
count_until (const GstSympieTimeline *timeline, GstClockTime time)
{
  guint low = 0, high = timeline->changes->len;

  if (!GST_CLOCK_TIME_IS_VALID (time))
    return high;
  while (low < high) {
    guint middle = (low + high) / 2;
    GstClockTime at = g_array_index (timeline->changes, Change, middle).time;

    if (!GST_CLOCK_TIME_IS_VALID (at) || at <= time)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

void
gst_sympie_timeline_put (GstSympieTimeline *timeline, GstClockTime time,
    const GstSympieParamsInfo *info)
{
  Change change = { time, *info };
  guint n;

  pthread_mutex_lock (&timeline->mutex);
  n = count_until (timeline, time);
  if (n > 0 && g_array_index (timeline->changes, Change, n - 1).time == time)
    n--;
  g_array_set_size (timeline->changes, n);
  if (n == MAX_SHARED)
    g_array_remove_range (timeline->changes, 0, MAX_SHARED / 2);
  g_array_append_val (timeline->changes, change);
  pthread_mutex_unlock (&timeline->mutex);
}

guint
gst_sympie_timeline_count_writers (GstSympieTimeline *timeline, gboolean begins)
{
  guint n;

  pthread_mutex_lock (&timeline->mutex);
  timeline->n_writers += begins != FALSE;
  n = timeline->n_writers;
  pthread_mutex_unlock (&timeline->mutex);
  return n;
}

gboolean
gst_sympie_timeline_get (
    GstSympieTimeline *timeline, GstClockTime time, GstSympieParamsInfo *info)
{
  guint n;

  pthread_mutex_lock (&timeline->mutex);
  n = count_until (timeline, time);
  if (n > 0)
    *info = g_array_index (timeline->changes, Change, n - 1).info;
  pthread_mutex_unlock (&timeline->mutex);
  return n > 0;
}

/* ---- Write --------------------------------------------------------------- */

static void
append_time (GString *line, const gchar *name, GstClockTime time)
{
  g_string_append_printf (line, "\"%s\": ", name);
  if (GST_CLOCK_TIME_IS_VALID (time))
    g_string_append_printf (line, "%" G_GUINT64_FORMAT ", ", time);
  else
    g_string_append (line, "null, ");
}

static void
append_number (GString *line, gfloat number)
{
  gchar text[G_ASCII_DTOSTR_BUF_SIZE];

  /* Nine digits tell all floats apart. */
  g_string_append (line, g_ascii_formatd (text, sizeof text, "%.9g", number));
}

gchar *
gst_sympie_timeline_to_line (GstClockTime time, const GstSympieParamsInfo *info)
{
  GString *line = g_string_new ("{");

  append_time (line, "time", time);
  g_string_append (line, "\"gate\": ");
  append_number (line, info->gate);
  g_string_append_printf (line, ", \"estimated\": %s, \"age\": %u, ",
      info->estimated ? "true" : "false", info->age);
  append_time (line, "estimate-time", info->time);
  g_string_append (line, "\"parameters\": [");
  for (gint i = 0; i < SYMPIE_N_PARAMS; i++) {
    g_string_append (line, i > 0 ? ", " : "");
    append_number (line, info->params.values[i]);
  }
  g_string_append (line, "]}\n");
  return g_string_free (line, FALSE);
}

/* ---- Read ---------------------------------------------------------------- */

/* Goes past white space and `token`, if that is what comes. */
static gboolean
take (const gchar **text, const gchar *token)
{
  while (g_ascii_isspace (**text))
    (*text)++;
  if (!g_str_has_prefix (*text, token))
    return FALSE;
  *text += strlen (token);
  return TRUE;
}

static gboolean
take_number (const gchar **text, gfloat *number)
{
  gchar *end;

  take (text, "");
  if (**text != '-' && !g_ascii_isdigit (**text))
    return FALSE;
  *number = (gfloat) g_ascii_strtod (*text, &end);
  *text = end;
  return isfinite (*number);
}

static gboolean
take_whole (const gchar **text, guint64 max, guint64 *number)
{
  gchar *end;

  take (text, "");
  if (!g_ascii_isdigit (**text))
    return FALSE;
  *number = g_ascii_strtoull (*text, &end, 10);
  *text = end;
  return *number <= max; /* more than fits gives the most that does */
}

static gboolean
take_time (const gchar **text, GstClockTime *time)
{
  *time = GST_CLOCK_TIME_NONE;
  return take (text, "null") || take_whole (text, G_MAXUINT64 - 1, time);
}

static gboolean
take_numbers (const gchar **text, SympieParams *params)
{
  for (guint i = 0; i < SYMPIE_N_PARAMS; i++)
    if (!take (text, i == 0 ? "[" : ",")
        || !take_number (text, &params->values[i]))
      return FALSE;
  return take (text, "]");
}

enum
{
  TIME,
  GATE,
  ESTIMATED,
  AGE,
  ESTIMATE_TIME,
  PARAMETERS,
  N_MEMBERS
};

static const gchar *const members[] = { "\"time\"", "\"gate\"", "\"estimated\"",
  "\"age\"", "\"estimate-time\"", "\"parameters\"" };

static gboolean
take_value (const gchar **text, guint member, Change *change)
{
  GstSympieParamsInfo *info = &change->info;
  guint64 age = 0;
  gboolean taken;

  switch (member) {
  case TIME:
    return take_time (text, &change->time);
  case GATE:
    return take_number (text, &info->gate);
  case ESTIMATED:
    info->estimated = take (text, "true");
    return info->estimated || take (text, "false");
  case AGE:
    taken = take_whole (text, G_MAXUINT, &age);
    info->age = (guint) age;
    return taken;
  case ESTIMATE_TIME:
    return take_time (text, &info->time);
  default:
    return take_numbers (text, &info->params);
  }
}

/* All of the members, in whichever order, and nothing else. What is missing or
 * no good; NULL: nothing. */
static const gchar *
read_line (const gchar *line, Change *change)
{
  gboolean has[N_MEMBERS] = { FALSE };
  const gchar *before = "{";

  while (take (&line, before)) {
    guint i = 0;

    while (i < N_MEMBERS && !take (&line, members[i]))
      i++;
    if (i == N_MEMBERS)
      break;
    if (!take (&line, ":") || !take_value (&line, i, change))
      return members[i];
    has[i] = TRUE;
    before = ",";
  }
  for (guint i = 0; i < N_MEMBERS; i++)
    if (!has[i])
      return members[i];
  return take (&line, "}") && *line == '\0' ? NULL : "end";
}

static gint
compare_times (gconstpointer first, gconstpointer second)
{
  /* NONE is the greatest number: one more is the least. */
  guint64 a = ((const Change *) first)->time + 1;
  guint64 b = ((const Change *) second)->time + 1;

  return a < b ? -1 : a > b;
}

GstSympieTimeline *
gst_sympie_timeline_read (const gchar *path, gchar **reason)
{
  GstSympieTimeline *timeline;
  GError *error = NULL;
  gchar *text, **lines;
  Change change;

  *reason = NULL;
  if (!g_file_get_contents (path, &text, NULL, &error)) {
    *reason = g_strdup (error->message);
    g_error_free (error);
    return NULL;
  }
  timeline = timeline_new (NULL);
  lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] && !*reason; i++) {
    const gchar *wrong;

    if (*g_strstrip (lines[i]) == '\0')
      continue;
    wrong = read_line (lines[i], &change);
    if (wrong)
      *reason = g_strdup_printf ("%s:%u: no usable %s", path, i + 1, wrong);
    else
      g_array_append_val (timeline->changes, change);
  }
  /* Of changes at the same time the last counts: the sort is stable. */
  g_array_sort (timeline->changes, compare_times);
  g_strfreev (lines);
  g_free (text);
  if (*reason)
    g_clear_pointer (&timeline, gst_sympie_timeline_leave);
  return timeline;
}

/* ---- Notes --------------------------------------------------------------- */

gboolean
gst_sympie_notes_open (GstSympieNotes *notes, gboolean records,
    const gchar *channel, const gchar *recording, gchar **reason)
{
  gst_sympie_notes_close (notes);
  *reason = NULL;
  if (channel && *channel)
    notes->channel = gst_sympie_timeline_join (channel);
  if (!recording || !*recording)
    return TRUE;
  if (!records) {
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
  *notes = (GstSympieNotes){ .channel = NULL };
}

gboolean
gst_sympie_notes_check_alone (GstSympieNotes *notes)
{
  gboolean begins = !notes->has_noted;
  guint before = notes->n_writers;

  if (!notes->channel)
    return TRUE;
  notes->n_writers = gst_sympie_timeline_count_writers (notes->channel, begins);
  return begins || notes->n_writers == before;
}

static gboolean
write_line (
    GstSympieNotes *notes, GstClockTime time, const GstSympieParamsInfo *info)
{
  gchar *line = gst_sympie_timeline_to_line (time, info);
  gboolean written = fputs (line, notes->file) >= 0;
  int code = errno;

  g_free (line);
  if (!written)
    g_clear_pointer (&notes->file, fclose);
  errno = code;
  return written;
}

gboolean
gst_sympie_notes_write (
    GstSympieNotes *notes, GstClockTime time, const GstSympieParamsInfo *info)
{
  gboolean goes_on = notes->has_noted && time >= notes->latest;
  gboolean written = TRUE;

  notes->latest = time;
  if ((!notes->channel && !notes->file)
      || (goes_on
          && sympie_params_distance (&notes->noted, &info->params) == 0.0f))
    return TRUE;
  if (notes->channel)
    gst_sympie_timeline_put (notes->channel, time, info);
  if (notes->file)
    written = write_line (notes, time, info);
  notes->has_noted = TRUE;
  notes->noted = info->params;
  return written;
}

void
gst_sympie_notes_skip (GstSympieNotes *notes)
{
  notes->has_noted = FALSE;
}

gboolean
gst_sympie_notes_read (
    GstSympieNotes *notes, GstClockTime time, GstSympieParamsInfo *info)
{
  if (notes->channel) {
    notes->has_sought = TRUE;
    if (gst_sympie_timeline_get (notes->channel, time, info)) {
      notes->has_found = TRUE;
      return TRUE;
    }
  }
  return notes->recording
         && gst_sympie_timeline_get (notes->recording, time, info);
}
