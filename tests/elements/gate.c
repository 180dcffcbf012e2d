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

/* The gate that the weights have for a frame. */
static gfloat
gate_of_frame (guint number)
{
  SympieConfig config = SYMPIE_CONFIG_INIT;
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *buffer = test_buffer (&info, number);
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
    if (gate_of_frame (1) == gate)
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

static GstHarness *
gate_harness (const gchar *setting)
{
  GstElement *element = gst_element_factory_make ("sympieenhance", NULL);
  GstHarness *h;

  g_object_set (element, "weights", path, NULL);
  gst_util_set_object_arg (G_OBJECT (element), "gate", setting);
  h = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  gst_harness_set_src_caps_str (h, TEST_CAPS);
  return h;
}

static void
check_gate (const gchar *setting, gfloat gate, gboolean untouched)
{
  GstVideoInfo info = video_info (TEST_CAPS);
  GstBuffer *in = test_buffer (&info, 1), *out;
  GstHarness *h;

  write_weights (gate);
  h = gate_harness (setting);
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

/* Weights whose gate parts frames 1 and 2, which look alike. -> the one that it
 * spares. */
static guint
write_parting_weights (void)
{
  NemFault weight = { .tensor = "gate.weight", .poke = TRUE };
  gfloat shut = -64, open = 64;

  for (guint i = 0; i < 16; i++) {
    weight.value = (shut + open) / 2;
    nem_file_write (path, 2, &weight);
    if (gate_of_frame (1) == 0)
      shut = weight.value;
    else
      open = weight.value;
    if ((gate_of_frame (1) == 0) != (gate_of_frame (2) == 0))
      return gate_of_frame (1) == 0 ? 1 : 2;
  }
  fail ("no weights with which the gate parts two frames");
  return 0;
}

/* A gate that shuts after frames were enhanced: they pass again, once the
 * parameters have come all the way. */
GST_START_TEST (test_shuts)
{
  GstVideoInfo info = video_info (TEST_CAPS);
  gint file = g_file_open_tmp ("sympie-gate-XXXXXX", &path, NULL);
  GstBuffer *in, *out = NULL;
  GstHarness *h;
  guint spared, n = 0;

  fail_unless (file >= 0);
  close (file);
  spared = write_parting_weights ();
  h = gate_harness ("auto");
  g_object_set (
      h->element, "smoothing", (guint64) 4 * TEST_FRAME_DURATION, NULL);
  do {
    in = test_buffer (&info, n == 0 ? 3 - spared : spared);
    GST_BUFFER_PTS (in) = n * TEST_FRAME_DURATION;
    gst_clear_buffer (&out);
    out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
    gst_buffer_unref (in);
    n++;
  } while (out != in && n < 100);
  gst_buffer_unref (out);
  fail_unless (n > 4 && n < 60, "%u", n);
  fail_unless_equals_uint64 (get_stat (h->element, "untouched"), 1);
  gst_harness_teardown (h);
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
  tcase_add_test (tcase, test_shuts);
  return suite;
}

GST_CHECK_MAIN (gate);
