/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The README says of the elements what they say of themselves: each
 * gst-launch-1.0 line can be built, and the table below a heading that names an
 * element lists its properties, no more, no fewer, as they are. */

#include <gst/gst.h>
#include <string.h>

#include "../kernels/check.h"

/* ---- Pipelines ---------------------------------------------------------- */

static void
check_pipeline (const char *command)
{
  GError *error = NULL;
  GstElement *pipeline = NULL;
  char **argv = NULL;
  int first = 1;

  if (CHECK (g_shell_parse_argv (command, NULL, &argv, NULL),
          "not a command: %s", command)) {
    while (argv[first] && argv[first][0] == '-')
      first++;
    pipeline = gst_parse_launchv ((const char **) argv + first, &error);
    CHECK (pipeline && !error, "%s: %s", command,
        error ? error->message : "no pipeline");
  }
  if (pipeline)
    gst_object_unref (gst_object_ref_sink (pipeline));
  g_clear_error (&error);
  g_strfreev (argv);
}

static void
check_pipelines (char **lines)
{
  GString *command = g_string_new (NULL);
  int n_enhance = 0;

  for (char **line = lines; *line; line++) {
    bool goes_on = g_str_has_suffix (*line, "\\");

    if (!command->len && !g_str_has_prefix (*line, "gst-launch-1.0 "))
      continue;
    g_string_append_len (
        command, *line, (gssize) strlen (*line) - (goes_on ? 1 : 0));
    if (goes_on)
      continue;
    if (strstr (command->str, "sympieenhance"))
      n_enhance++;
    check_pipeline (command->str);
    g_string_truncate (command, 0);
  }
  CHECK (n_enhance >= 5, "%d pipelines with sympieenhance", n_enhance);
  g_string_free (command, TRUE);
}

/* ---- Property tables ----------------------------------------------------- */

static char *
enum_nicks (GParamSpecEnum *spec)
{
  GString *nicks = g_string_new (NULL);

  for (guint i = 0; i < spec->enum_class->n_values; i++)
    g_string_append_printf (
        nicks, "%s%s", i ? ", " : "", spec->enum_class->values[i].value_nick);
  return g_string_free (nicks, FALSE);
}

static char *
values_of (GParamSpec *spec)
{
  if (G_IS_PARAM_SPEC_BOOLEAN (spec))
    return g_strdup ("true, false");
  if (G_IS_PARAM_SPEC_ENUM (spec))
    return enum_nicks (G_PARAM_SPEC_ENUM (spec));
  if (G_IS_PARAM_SPEC_STRING (spec))
    return g_strdup ("text");
  if (GST_IS_PARAM_SPEC_ARRAY_LIST (spec))
    return g_strdup ("numbers");
  if (G_IS_PARAM_SPEC_BOXED (spec))
    return g_strdup ("structure");
  if (G_IS_PARAM_SPEC_DOUBLE (spec))
    return g_strdup_printf ("%g to %g", G_PARAM_SPEC_DOUBLE (spec)->minimum,
        G_PARAM_SPEC_DOUBLE (spec)->maximum);
  if (G_IS_PARAM_SPEC_UINT (spec)) {
    GParamSpecUInt *number = G_PARAM_SPEC_UINT (spec);

    return number->maximum == G_MAXUINT
               ? g_strdup_printf ("%u or more", number->minimum)
               : g_strdup_printf ("%u to %u", number->minimum, number->maximum);
  }
  if (G_IS_PARAM_SPEC_UINT64 (spec)) {
    GParamSpecUInt64 *number = G_PARAM_SPEC_UINT64 (spec);

    if (number->maximum == G_MAXUINT64)
      return g_strdup_printf ("%" G_GUINT64_FORMAT " or more", number->minimum);
  }
  return g_strdup (G_PARAM_SPEC_TYPE_NAME (spec));
}

/* Empty where there is none, or where it depends on the machine. */
static char *
default_of (GParamSpec *spec)
{
  const GValue *value = g_param_spec_get_default_value (spec);

  if (!(spec->flags & G_PARAM_WRITABLE))
    return g_strdup ("");
  if (G_IS_PARAM_SPEC_BOOLEAN (spec))
    return g_strdup (g_value_get_boolean (value) ? "true" : "false");
  if (G_IS_PARAM_SPEC_ENUM (spec))
    return g_strdup (g_enum_get_value (
        G_PARAM_SPEC_ENUM (spec)->enum_class, g_value_get_enum (value))
                         ->value_nick);
  if (G_IS_PARAM_SPEC_DOUBLE (spec))
    return g_strdup_printf ("%g", g_value_get_double (value));
  if (G_IS_PARAM_SPEC_UINT (spec))
    return g_strdup_printf ("%u", g_value_get_uint (value));
  if (G_IS_PARAM_SPEC_UINT64 (spec))
    return g_strdup_printf ("%" G_GUINT64_FORMAT, g_value_get_uint64 (value));
  return g_strdup ("");
}

static const char *
set_when (GParamSpec *spec)
{
  if (!(spec->flags & G_PARAM_WRITABLE))
    return "read only";
  if (spec->flags & GST_PARAM_CONTROLLABLE)
    return "playing, controller";
  return spec->flags & GST_PARAM_MUTABLE_PLAYING ? "playing" : "stopped";
}

static void
check_cell (const char *element, GParamSpec *spec, const char *what,
    const char *cell, const char *expected)
{
  CHECK (g_str_equal (cell, expected), "%s, %s: README says %s '%s', not '%s'",
      element, spec->name, what, cell, expected);
}

/* Cells: property in backquotes, values, default, set when, meaning. */
static void
check_row (GstElement *element, const char *name, char *row)
{
  char **cells = g_strsplit (row, "|", -1);
  GParamSpec *spec = NULL;
  char *expected;

  if (!CHECK (g_strv_length (cells) == 7, "%s: not five cells: %s", name, row))
    goto done;
  for (char **cell = cells; *cell; cell++)
    g_strstrip (*cell);
  g_strdelimit (cells[1], "`", ' ');
  spec = g_object_class_find_property (
      G_OBJECT_GET_CLASS (element), g_strstrip (cells[1]));
  if (!CHECK (spec, "%s has no property %s", name, cells[1]))
    goto done;

  expected = values_of (spec);
  check_cell (name, spec, "values", cells[2], expected);
  g_free (expected);
  expected = default_of (spec);
  check_cell (name, spec, "default", cells[3], expected);
  g_free (expected);
  check_cell (name, spec, "set when", cells[4], set_when (spec));
  CHECK (*cells[5], "%s, %s: no meaning", name, spec->name);
done:
  g_strfreev (cells);
}

/* `lines` start below the heading; the first table there is the properties'. */
static void
check_table (GstElement *element, const char *name, char **lines)
{
  GType own = G_OBJECT_TYPE (element);
  GParamSpec **specs;
  guint n_specs;
  GString *rows = g_string_new (NULL);

  while (*lines && !g_str_has_prefix (*lines, "| `"))
    lines++;
  for (char **line = lines; *line && g_str_has_prefix (*line, "| `"); line++) {
    g_string_append (rows, *line);
    check_row (element, name, *line);
  }

  specs =
      g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n_specs);
  for (guint i = 0; i < n_specs; i++) {
    char *cell = g_strdup_printf ("| `%s` |", specs[i]->name);

    if (specs[i]->owner_type == own)
      CHECK (strstr (rows->str, cell), "%s: README lacks %s", name, cell);
    g_free (cell);
  }
  g_free (specs);
  g_string_free (rows, TRUE);
}

static void
check_tables (char **lines)
{
  int n_tables = 0;

  for (char **line = lines; *line; line++) {
    const char *name = *line + strspn (*line, "# ");
    GstElement *element;

    if (**line != '#' || !g_str_has_prefix (name, "sympie"))
      continue;
    element = gst_element_factory_make (name, NULL);
    if (!CHECK (element, "no element %s", name))
      continue;
    n_tables++;
    check_table (element, name, line + 1);
    gst_object_unref (gst_object_ref_sink (element));
  }
  CHECK (n_tables >= 1, "README describes no element");
}

int
main (int argc, char **argv)
{
  char *text, **lines;

  gst_init (&argc, &argv);
  if (argc != 2 || !g_file_get_contents (argv[1], &text, NULL, NULL)) {
    fprintf (stderr, "usage: %s README.md\n", argv[0]);
    return EXIT_FAILURE;
  }
  lines = g_strsplit (text, "\n", -1);
  check_pipelines (lines);
  check_tables (lines);
  g_strfreev (lines);
  g_free (text);
  return check_end ();
}
