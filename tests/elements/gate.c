/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* sympieenhance with weights whose gate spares frames, or opens. */

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "../kernels/nem_file.h"
#include "enhance.h"

static gchar *path;

/* The gate that the weights have for frame 1. */
static gfloat
gate_of_frame (void)
{
  SympieConfig config = SYMPIE_CONFIG_INIT;
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *buffer = test_buffer (&info, 1);
  SympieContext *context;
  SympieParams params;
  SympieImage image;
  GstMapInfo map;
  gfloat gate;

  config.weights = path;
  context = sympie_open (&config, NULL);
  fail_unless (context != NULL);
  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
  image = test_image (SYMPIE_FORMAT_RGB, &info, map.data);
  image.colorimetry.full_range = true;
  fail_unless (sympie_estimate (context, &image, &params, &gate, NULL));
  gst_buffer_unmap (buffer, &map);
  gst_buffer_unref (buffer);
  sympie_close (context);
  return gate;
}

/* Weights that have the gate closed or open for frame 1: one feature with much
 * weight says so, this way or that. */
static void
write_weights (gfloat gate)
{
  NemFault weight = { .tensor = "gate.weight", .poke = TRUE };

  for (gint sign = -1; sign <= 1; sign += 2) {
    weight.value = (gfloat) sign * 1e9f;
    nem_file_write (path, 2, &weight);
    if (gate_of_frame () == gate)
      return;
  }
  fail ("no weights with the gate at %g", gate);
}

static gdouble
get_gate (GstElement *element)
{
  gdouble gate;

  read_stat (element, "gate", G_TYPE_DOUBLE, &gate);
  return gate;
}

static void
check_gate (const gchar *setting, gfloat gate, gboolean untouched)
{
  GstElement *element = gst_element_factory_make ("sympieenhance", NULL);
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *in = test_buffer (&info, 1), *out;
  GstHarness *h;

  write_weights (gate);
  g_object_set (element, "weights", path, NULL);
  gst_util_set_object_arg (G_OBJECT (element), "gate", setting);
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
  fail_unless ((out == in) == untouched, "gate=%s at %g", setting, gate);
  fail_unless (get_gate (h->element) == gate);
  assert_stats (h->element, 1, 1, 0);
  fail_unless_equals_uint64 (get_stat (h->element, "untouched"), untouched);
  gst_buffer_unref (out);
  gst_buffer_unref (in);
  gst_harness_teardown (h);
}

GST_START_TEST (test_gate)
{
  gint file = g_file_open_tmp ("sympie-gate-XXXXXX", &path, NULL);

  fail_unless (file >= 0);
  close (file);
  check_gate ("auto", 0, TRUE);
  check_gate ("auto", 1, FALSE);
  check_gate ("off", 0, FALSE);
  g_unlink (path);
  g_free (path);
}
GST_END_TEST;

static Suite *
gate_suite (void)
{
  Suite *suite = suite_create ("gate");
  TCase *tcase = tcase_create ("gate");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_gate);
  return suite;
}

GST_CHECK_MAIN (gate);
