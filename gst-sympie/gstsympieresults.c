/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympieresults.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#include "properties.h"

struct _GstSympieResults
{
  gchar *filename;
  GstSympieResultsFormat format;
  int fd;
  off_t end;        /* of the last frame */
  GString *closing; /* what stands behind it */
  guint64 n_frames;
};

GST_SYMPIE_DEFINE_ENUM (GstSympieResultsFormat, gst_sympie_results_format,
    { GST_SYMPIE_RESULTS_CSV, "Comma-separated values", "csv" },
    { GST_SYMPIE_RESULTS_JSON, "JSON", "json" },
    { GST_SYMPIE_RESULTS_XML, "XML", "xml" })

/* ---- Text -------------------------------------------------------------- */

static void
append_json_string (GString *text, const gchar *string)
{
  g_string_append_c (text, '"');
  for (const gchar *p = string; *p; p++) {
    if (*p == '"' || *p == '\\')
      g_string_append_printf (text, "\\%c", *p);
    else if ((guchar) *p < ' ')
      g_string_append_printf (text, "\\u%04x", *p);
    else
      g_string_append_c (text, *p);
  }
  g_string_append_c (text, '"');
}

static void
append_csv_string (GString *text, const gchar *string)
{
  gchar **parts = g_strsplit (string, "\"", -1);
  gchar *doubled = g_strjoinv ("\"\"", parts);

  g_string_append_printf (text, "\"%s\"", doubled);
  g_free (doubled);
  g_strfreev (parts);
}

static void
append_string (
    GString *text, GstSympieResultsFormat format, const gchar *string)
{
  gchar *valid = g_utf8_make_valid (string, -1), *escaped;

  switch (format) {
  case GST_SYMPIE_RESULTS_CSV:
    append_csv_string (text, valid);
    break;
  case GST_SYMPIE_RESULTS_JSON:
    append_json_string (text, valid);
    break;
  case GST_SYMPIE_RESULTS_XML:
    escaped = g_markup_escape_text (valid, -1);
    g_string_append_printf (text, "\"%s\"", escaped);
    g_free (escaped);
    break;
  }
  g_free (valid);
}

static void
append_value (GString *text, GstSympieResultsFormat format, const GValue *value)
{
  const gchar *quote = format == GST_SYMPIE_RESULTS_XML ? "\"" : "";
  gchar number[G_ASCII_DTOSTR_BUF_SIZE] = "";

  if (G_VALUE_HOLDS_STRING (value)) {
    append_string (text, format, g_value_get_string (value));
    return;
  }
  if (G_VALUE_HOLDS_UINT64 (value))
    g_snprintf (number, sizeof number, "%" G_GUINT64_FORMAT,
        g_value_get_uint64 (value));
  else if (G_VALUE_HOLDS_BOOLEAN (value))
    g_strlcpy (
        number, g_value_get_boolean (value) ? "true" : "false", sizeof number);
  else if (format == GST_SYMPIE_RESULTS_JSON
           && !isfinite (g_value_get_double (value)))
    g_strlcpy (number, "null", sizeof number);
  else
    g_ascii_formatd (number, sizeof number, "%.9g", g_value_get_double (value));
  g_string_append_printf (text, "%s%s%s", quote, number, quote);
}

/* "a": 1, "b": 2 (JSON), a="1" b="2" (XML) or 1,2 (CSV). */
static void
append_fields (
    GString *text, GstSympieResultsFormat format, const GstStructure *fields)
{
  for (gint i = 0; i < gst_structure_n_fields (fields); i++) {
    const gchar *name = gst_structure_nth_field_name (fields, i);

    switch (format) {
    case GST_SYMPIE_RESULTS_CSV:
      g_string_append (text, i ? "," : "");
      break;
    case GST_SYMPIE_RESULTS_JSON:
      g_string_append_printf (text, "%s\"%s\": ", i ? ", " : "", name);
      break;
    case GST_SYMPIE_RESULTS_XML:
      g_string_append_printf (text, "%s%s=", i ? " " : "", name);
      break;
    }
    append_value (text, format, gst_structure_get_value (fields, name));
  }
}

static void
append_frame (
    GString *text, const GstSympieResults *results, const GstStructure *frame)
{
  switch (results->format) {
  case GST_SYMPIE_RESULTS_CSV:
    for (gint i = 0;
         results->n_frames == 0 && i < gst_structure_n_fields (frame); i++)
      g_string_append_printf (
          text, "%s%s", i ? "," : "", gst_structure_nth_field_name (frame, i));
    if (results->n_frames == 0)
      g_string_append_c (text, '\n');
    append_fields (text, results->format, frame);
    g_string_append_c (text, '\n');
    break;
  case GST_SYMPIE_RESULTS_JSON:
    g_string_append_printf (text, "%s\n{", results->n_frames ? "," : "");
    append_fields (text, results->format, frame);
    g_string_append_c (text, '}');
    break;
  case GST_SYMPIE_RESULTS_XML:
    g_string_append (text, "<frame ");
    append_fields (text, results->format, frame);
    g_string_append (text, "/>\n");
    break;
  }
}

static void
append_closing (
    GString *text, const GstSympieResults *results, const GPtrArray *pooled)
{
  switch (results->format) {
  case GST_SYMPIE_RESULTS_CSV:
    break;
  case GST_SYMPIE_RESULTS_JSON:
    g_string_append (text, "\n],\n\"pooled\": [");
    for (guint i = 0; i < pooled->len; i++) {
      g_string_append (text, i ? ",\n{" : "\n{");
      append_fields (text, results->format, pooled->pdata[i]);
      g_string_append_c (text, '}');
    }
    g_string_append (text, "\n]}\n");
    break;
  case GST_SYMPIE_RESULTS_XML:
    g_string_append (text, "</frames>\n");
    for (guint i = 0; i < pooled->len; i++) {
      g_string_append (text, "<pooled ");
      append_fields (text, results->format, pooled->pdata[i]);
      g_string_append (text, "/>\n");
    }
    g_string_append (text, "</sympieprobe>\n");
    break;
  }
}

static GString *
new_opening (const GstSympieResults *results, const GstStructure *about)
{
  GString *text = g_string_new (NULL);

  switch (results->format) {
  case GST_SYMPIE_RESULTS_CSV:
    break;
  case GST_SYMPIE_RESULTS_JSON:
    g_string_append_c (text, '{');
    append_fields (text, results->format, about);
    g_string_append (text, ",\n\"frames\": [");
    break;
  case GST_SYMPIE_RESULTS_XML:
    g_string_append (text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                           "<sympieprobe ");
    append_fields (text, results->format, about);
    g_string_append (text, ">\n<frames>\n");
    break;
  }
  return text;
}

/* ---- File -------------------------------------------------------------- */

static gboolean
fail (const GstSympieResults *results, GError **error)
{
  gint code = errno;

  g_set_error (error, G_FILE_ERROR, (gint) g_file_error_from_errno (code),
      "%s: %s", results->filename, g_strerror (code));
  return FALSE;
}

/* Writes over the closing; FALSE leaves the file in pieces. */
static gboolean
overwrite (GstSympieResults *results, const GString *text)
{
  gsize done = 0;

  while (done < text->len) {
    ssize_t n = pwrite (results->fd, text->str + done, text->len - done,
        results->end + (off_t) done);

    if (n < 0 && errno != EINTR)
      return FALSE;
    if (n > 0)
      done += (gsize) n;
  }
  return TRUE;
}

/* Leaves so much behind the last frame. */
static gboolean
cut (GstSympieResults *results, gsize length)
{
  return ftruncate (results->fd, results->end + (off_t) length) == 0;
}

/* Puts the text, which ends in a closing from `kept` on, in the place of the
 * closing there is. A text that is shorter than that is first filled with line
 * ends: one write leaves nothing behind it that could not be read. */
static gboolean
write_text (
    GstSympieResults *results, GString *text, gsize kept, GError **error)
{
  gsize length = text->len;

  while (text->len < results->closing->len)
    g_string_append_c (text, '\n');
  if (!overwrite (results, text)
      || (length < text->len && !cut (results, length))) {
    fail (results, error);
    /* There was room for what there was, so there is. */
    if (overwrite (results, results->closing))
      cut (results, results->closing->len);
    return FALSE;
  }
  g_string_assign (results->closing, "");
  g_string_append_len (
      results->closing, text->str + kept, (gssize) (length - kept));
  results->end += (off_t) kept;
  return TRUE;
}

/* Puts the text, which it takes, behind the last frame, and what is pooled
 * behind that. */
static gboolean
put (GstSympieResults *results, GString *text, const GPtrArray *pooled,
    GError **error)
{
  gsize kept = text->len;
  gboolean ok;

  append_closing (text, results, pooled);
  ok = write_text (results, text, kept, error);
  g_string_free (text, TRUE);
  return ok;
}

GstSympieResults *
gst_sympie_results_new (const gchar *filename, GstSympieResultsFormat format,
    const GstStructure *about, const GPtrArray *pooled, GError **error)
{
  GstSympieResults *results = g_new0 (GstSympieResults, 1);

  results->filename = g_strdup (filename);
  results->closing = g_string_new (NULL);
  results->format = format;
  results->fd = open (filename, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (results->fd < 0
          ? fail (results, error)
          : put (results, new_opening (results, about), pooled, error))
    return results;
  gst_sympie_results_free (results);
  return NULL;
}

void
gst_sympie_results_free (GstSympieResults *results)
{
  if (!results)
    return;
  if (results->fd >= 0)
    close (results->fd);
  g_string_free (results->closing, TRUE);
  g_free (results->filename);
  g_free (results);
}

gboolean
gst_sympie_results_add (GstSympieResults *results, const GPtrArray *frames,
    const GPtrArray *pooled, GError **error)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; frames && i < frames->len; i++) {
    append_frame (text, results, frames->pdata[i]);
    results->n_frames++;
  }
  return put (results, text, pooled, error);
}
