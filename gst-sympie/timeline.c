/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* With the system's locks rather than GLib's, which ThreadSanitizer does not
 * see into. */

#include "timeline.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <pthread.h>

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
  if (timeline->name && n == MAX_SHARED)
    g_array_remove_range (timeline->changes, 0, MAX_SHARED / 2);
  g_array_append_val (timeline->changes, change);
  pthread_mutex_unlock (&timeline->mutex);
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

/* ---- Lines --------------------------------------------------------------- */

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

/* Whether a node is a number, as a float can be. */
static gboolean
read_number (JsonNode *node, gfloat *number)
{
  GType type = node && JSON_NODE_HOLDS_VALUE (node)
                   ? json_node_get_value_type (node)
                   : G_TYPE_INVALID;

  if (type != G_TYPE_DOUBLE && type != G_TYPE_INT64)
    return FALSE;
  *number = (gfloat) json_node_get_double (node);
  return isfinite (*number);
}

static gboolean
read_time (JsonObject *object, const gchar *name, GstClockTime *time)
{
  JsonNode *node = json_object_get_member (object, name);

  *time = GST_CLOCK_TIME_NONE;
  if (node && JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (!node || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_INT64
      || json_node_get_int (node) < 0)
    return FALSE;
  *time = (GstClockTime) json_node_get_int (node);
  return TRUE;
}

/* The name of the first member that is missing or no good; NULL: none. */
static const gchar *
read_members (JsonObject *object, Change *change)
{
  JsonNode *estimated = json_object_get_member (object, "estimated");
  JsonNode *age = json_object_get_member (object, "age");
  JsonNode *list = json_object_get_member (object, "parameters");
  JsonArray *array;

  if (!read_time (object, "time", &change->time))
    return "time";
  if (!read_time (object, "estimate-time", &change->info.time))
    return "estimate-time";
  if (!read_number (
          json_object_get_member (object, "gate"), &change->info.gate))
    return "gate";
  if (!estimated || !JSON_NODE_HOLDS_VALUE (estimated)
      || json_node_get_value_type (estimated) != G_TYPE_BOOLEAN)
    return "estimated";
  if (!age || !JSON_NODE_HOLDS_VALUE (age)
      || json_node_get_value_type (age) != G_TYPE_INT64
      || json_node_get_int (age) < 0 || json_node_get_int (age) > G_MAXUINT)
    return "age";
  change->info.estimated = json_node_get_boolean (estimated);
  change->info.age = (guint) json_node_get_int (age);
  if (!list || !JSON_NODE_HOLDS_ARRAY (list))
    return "parameters";
  array = json_node_get_array (list);
  if (json_array_get_length (array) != SYMPIE_N_PARAMS)
    return "parameters";
  for (guint i = 0; i < SYMPIE_N_PARAMS; i++)
    if (!read_number (
            json_array_get_element (array, i), &change->info.params.values[i]))
      return "parameters";
  return NULL;
}

static gboolean
read_line (const gchar *line, Change *change, gchar **reason)
{
  GError *error = NULL;
  JsonNode *root = json_from_string (line, &error);
  const gchar *wrong = NULL;

  *reason = NULL;
  if (error)
    *reason = g_strdup (error->message);
  else if (!root || !JSON_NODE_HOLDS_OBJECT (root))
    *reason = g_strdup ("no object");
  else if ((wrong = read_members (json_node_get_object (root), change)))
    *reason = g_strdup_printf ("no usable \"%s\"", wrong);
  g_clear_error (&error);
  g_clear_pointer (&root, json_node_unref);
  return *reason == NULL;
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
    gchar *wrong;

    if (*g_strstrip (lines[i]) == '\0')
      continue;
    if (read_line (lines[i], &change, &wrong))
      gst_sympie_timeline_put (timeline, change.time, &change.info);
    else
      *reason = g_strdup_printf ("%s:%u: %s", path, i + 1, wrong);
    g_free (wrong);
  }
  g_strfreev (lines);
  g_free (text);
  if (*reason)
    g_clear_pointer (&timeline, gst_sympie_timeline_leave);
  return timeline;
}
