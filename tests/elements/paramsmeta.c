/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a frame was enhanced with, on the frame: written, copied along, read,
 * and refused where somebody else wrote something else. */

#include "params.h"

#include <gst/check/gstcheck.h>
#include <math.h>

static GstSympieParamsInfo
example (void)
{
  GstSympieParamsInfo info = {
    .gate = 0.5f, .estimated = TRUE, .age = 3, .time = 7 * GST_SECOND
  };

  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    info.params.values[i] = 0.1f * i - 1;
  return info;
}

static void
check_equal (GstBuffer *buffer, const GstSympieParamsInfo *expected)
{
  GstSympieParamsInfo info;
  gchar *reason;

  fail_unless (gst_sympie_params_meta_get (buffer, &info, &reason));
  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    fail_unless (info.params.values[i] == expected->params.values[i]);
  fail_unless (info.gate == expected->gate);
  fail_unless_equals_int (info.estimated, expected->estimated);
  fail_unless_equals_int (info.age, expected->age);
  fail_unless_equals_uint64 (info.time, expected->time);
}

GST_START_TEST (test_there_and_back)
{
  GstBuffer *buffer = gst_buffer_new (), *copy;
  GstSympieParamsInfo info = example ();
  gchar *reason;

  fail_if (gst_sympie_params_meta_get (buffer, &info, &reason));
  fail_unless (reason == NULL);
  gst_sympie_params_meta_set (buffer, &info);
  check_equal (buffer, &info);
  copy = gst_buffer_copy (buffer);
  check_equal (copy, &info);

  /* Set again, there is still one. */
  info.params.values[36] = 4;
  info.estimated = FALSE;
  info.time = GST_CLOCK_TIME_NONE;
  gst_sympie_params_meta_set (buffer, &info);
  check_equal (buffer, &info);
  gst_buffer_remove_meta (buffer,
      (GstMeta *) gst_buffer_get_custom_meta (buffer, GST_SYMPIE_PARAMS_META));
  fail_if (gst_buffer_get_custom_meta (buffer, GST_SYMPIE_PARAMS_META));
  gst_buffer_unref (copy);
  gst_buffer_unref (buffer);
}
GST_END_TEST;

GST_START_TEST (test_stranger)
{
  static const gchar *const fields[] = { "parameters", "gate", "estimated",
    "age", "time" };
  GstSympieParamsInfo info = example ();
  gchar *reason;

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    for (gint wrong = 0; wrong < 2; wrong++) {
      GstBuffer *buffer = gst_buffer_new ();
      GstStructure *structure;

      gst_sympie_params_meta_set (buffer, &info);
      structure = gst_custom_meta_get_structure (
          gst_buffer_get_custom_meta (buffer, GST_SYMPIE_PARAMS_META));
      if (wrong)
        gst_structure_set (structure, fields[i], G_TYPE_STRING, "x", NULL);
      else
        gst_structure_remove_field (structure, fields[i]);
      fail_if (gst_sympie_params_meta_get (buffer, &info, &reason));
      fail_unless (reason != NULL, "%s", fields[i]);
      g_free (reason);
      gst_buffer_unref (buffer);
    }
}
GST_END_TEST;

GST_START_TEST (test_not_finite)
{
  GstSympieParamsInfo info = example ();
  GstBuffer *buffer = gst_buffer_new ();
  gchar *reason;

  info.params.values[5] = INFINITY;
  gst_sympie_params_meta_set (buffer, &info);
  fail_if (gst_sympie_params_meta_get (buffer, &info, &reason));
  fail_unless (reason && strstr (reason, "number 5"), "%s", reason);
  g_free (reason);
  gst_buffer_unref (buffer);
}
GST_END_TEST;

static Suite *
paramsmeta_suite (void)
{
  Suite *suite = suite_create ("paramsmeta");
  TCase *tests = tcase_create ("general");

  gst_sympie_params_meta_register ();
  gst_sympie_params_meta_register ();
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, test_there_and_back);
  tcase_add_test (tests, test_stranger);
  tcase_add_test (tests, test_not_finite);
  return suite;
}

GST_CHECK_MAIN (paramsmeta);
