/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The same results for people and for programs. */

#include <json-glib/json-glib.h>
#include <math.h>
#include <stdio.h>

#include "bench.h"

static bool
reached (const BenchClaim *claim)
{
  return claim->at_least ? claim->value >= claim->target
                         : claim->value <= claim->target;
}

void
bench_print_table (const Bench *bench)
{
  printf ("\n");
  for (guint i = 0; i < bench->facts->len; i++) {
    const BenchFact *fact = &g_array_index (bench->facts, BenchFact, i);

    printf ("%-22s %s\n", fact->name, fact->value);
  }

  for (guint i = 0; i < bench->groups->len; i++) {
    const BenchGroup *group = g_ptr_array_index (bench->groups, i);

    printf ("\n%-52s %10s %10s\n", group->name, "min ms", "median ms");
    for (guint k = 0; k < group->cases->len; k++) {
      const BenchCase *self = g_ptr_array_index (group->cases, k);

      printf (
          "  %-50s %10.3f %10.3f\n", self->name, self->minimum, self->median);
    }
  }

  printf ("\n%-52s %10s %10s   %s\n", "ratios and figures", "of minima",
      "of medians", "target");
  for (guint i = 0; i < bench->claims->len; i++) {
    const BenchClaim *claim = &g_array_index (bench->claims, BenchClaim, i);

    printf ("  %-50s %10.3g ", claim->name, claim->value);
    if (isnan (claim->median))
      printf ("%10s", "");
    else
      printf ("%10.3g", claim->median);
    printf (" %-3s", claim->unit);
    if (!isnan (claim->target))
      printf (" %s %g: %s", claim->at_least ? "at least" : "at most",
          claim->target, reached (claim) ? "reached" : "NOT reached");
    printf ("\n");
  }
}

static void
add_number (JsonBuilder *json, const char *name, double value)
{
  json_builder_set_member_name (json, name);
  if (isnan (value))
    json_builder_add_null_value (json);
  else
    json_builder_add_double_value (json, value);
}

static void
add_string (JsonBuilder *json, const char *name, const char *value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_string_value (json, value);
}

static void
add_case (JsonBuilder *json, const char *group, const BenchCase *self)
{
  json_builder_begin_object (json);
  add_string (json, "group", group);
  add_string (json, "name", self->name);
  add_number (json, "min-ms", self->minimum);
  add_number (json, "median-ms", self->median);
  add_number (json, "calls", self->calls->len);
  json_builder_end_object (json);
}

static void
add_claim (JsonBuilder *json, const BenchClaim *claim)
{
  json_builder_begin_object (json);
  add_string (json, "name", claim->name);
  add_string (json, "unit", claim->unit);
  add_number (json, "of-minima", claim->value);
  add_number (json, "of-medians", claim->median);
  if (!isnan (claim->target)) {
    add_number (json, claim->at_least ? "at-least" : "at-most", claim->target);
    json_builder_set_member_name (json, "reached");
    json_builder_add_boolean_value (json, reached (claim));
  }
  json_builder_end_object (json);
}

void
bench_print_json (const Bench *bench)
{
  JsonBuilder *json = json_builder_new ();
  JsonNode *root;
  char *text;

  json_builder_begin_object (json);
  for (guint i = 0; i < bench->facts->len; i++) {
    const BenchFact *fact = &g_array_index (bench->facts, BenchFact, i);

    add_string (json, fact->name, fact->value);
  }

  json_builder_set_member_name (json, "cases");
  json_builder_begin_array (json);
  for (guint i = 0; i < bench->groups->len; i++) {
    const BenchGroup *group = g_ptr_array_index (bench->groups, i);

    for (guint k = 0; k < group->cases->len; k++)
      add_case (json, group->name, g_ptr_array_index (group->cases, k));
  }
  json_builder_end_array (json);

  json_builder_set_member_name (json, "claims");
  json_builder_begin_array (json);
  for (guint i = 0; i < bench->claims->len; i++)
    add_claim (json, &g_array_index (bench->claims, BenchClaim, i));
  json_builder_end_array (json);
  json_builder_end_object (json);

  root = json_builder_get_root (json);
  text = json_to_string (root, TRUE);
  printf ("%s\n", text);
  g_free (text);
  json_node_unref (root);
  g_object_unref (json);
}
