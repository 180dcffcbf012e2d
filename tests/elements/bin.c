/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* sympieenhancebin: from a file with sound to enhanced frames. */

#include <glib/gstdio.h>
#include <string.h>

#include "enhance.h"

#define N_FRAMES 10

static gchar *folder;

/* Parses the launch line, which it takes. */
static GstElement *
make (gchar *launch)
{
  GstElement *pipeline = parse_pipeline (launch);

  g_free (launch);
  return pipeline;
}

static void
play_and_stop (gchar *launch)
{
  GstElement *pipeline = make (launch);

  play_to_end (pipeline);
  stop_pipeline (pipeline);
}

static void
make_files (void)
{
  folder = g_dir_make_tmp ("sympie-bin-XXXXXX", NULL);
  play_and_stop (g_strdup_printf (
      "videotestsrc num-buffers=%d ! video/x-raw,width=64,height=48 ! "
      "theoraenc ! queue ! m. audiotestsrc num-buffers=20 ! vorbisenc ! "
      "queue ! m. oggmux name=m ! filesink location=%s/both.ogg",
      N_FRAMES, folder));
  play_and_stop (g_strdup_printf ("audiotestsrc num-buffers=20 ! vorbisenc ! "
                                  "oggmux ! filesink location=%s/sound.ogg",
      folder));
}

static void
remove_files (void)
{
  gchar *both = g_build_filename (folder, "both.ogg", NULL);
  gchar *sound = g_build_filename (folder, "sound.ogg", NULL);

  g_unlink (both);
  g_unlink (sound);
  g_rmdir (folder);
  g_free (both);
  g_free (sound);
  g_free (folder);
}

static void
count_notify (GObject *bin, GParamSpec *pspec, gpointer n)
{
  g_atomic_int_inc ((gint *) n);
}

/* All frames come out, each was enhanced, and the bin says what sympieenhance
 * does. */
GST_START_TEST (test_play)
{
  GstElement *pipeline = make (
      g_strdup_printf ("filesrc location=%s/both.ogg ! sympieenhancebin name=e "
                       "reuse-interval=4 ! fakesink",
          folder));
  GstElement *bin = gst_bin_get_by_name (GST_BIN (pipeline), "e"), *enhance;
  gint n_notified = 0;

  g_signal_connect (
      bin, "notify::last-parameters", G_CALLBACK (count_notify), &n_notified);
  play_to_end (pipeline);
  fail_unless (g_atomic_int_get (&n_notified) >= 1);
  enhance = gst_bin_get_by_name (GST_BIN (bin), "enhance");
  assert_stats (bin, N_FRAMES, 3, N_FRAMES - 3);
  assert_stats (enhance, N_FRAMES, 3, N_FRAMES - 3);
  gst_object_unref (enhance);
  gst_object_unref (bin);
  stop_pipeline (pipeline);
}
GST_END_TEST;

/* One error, of the bin. */
GST_START_TEST (test_no_video)
{
  GstElement *pipeline = make (g_strdup_printf (
      "filesrc location=%s/sound.ogg ! sympieenhancebin name=e ! fakesink",
      folder));
  GstMessage *message;
  GError *error;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = wait_for (pipeline, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_ERROR);
  fail_unless_equals_string (GST_MESSAGE_SRC_NAME (message), "e");
  gst_message_parse_error (message, &error, NULL);
  fail_unless (strstr (error->message, "no video"), "%s", error->message);
  g_error_free (error);
  gst_message_unref (message);
  stop_pipeline (pipeline);
}
GST_END_TEST;

/* Every property of sympieenhance, with its range and its default, and what is
 * set arrives there. */
GST_START_TEST (test_properties)
{
  GstElement *bin = gst_element_factory_make ("sympieenhancebin", NULL);
  GstElement *enhance = gst_bin_get_by_name (GST_BIN (bin), "enhance");
  GParamSpec **specs;
  guint n, n_own = 0;

  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (enhance), &n);
  for (guint i = 0; i < n; i++) {
    GParamSpec *spec = specs[i], *proxy;

    if (!g_str_has_prefix (g_type_name (spec->owner_type), "GstSympie"))
      continue;
    n_own++;
    proxy = g_object_class_find_property (G_OBJECT_GET_CLASS (bin), spec->name);
    fail_unless (proxy != NULL, "%s", spec->name);
    fail_unless (proxy->value_type == spec->value_type, "%s", spec->name);
    fail_unless_equals_string (
        g_param_spec_get_blurb (proxy), g_param_spec_get_blurb (spec));
    fail_unless (
        g_param_values_cmp (proxy, g_param_spec_get_default_value (proxy),
            g_param_spec_get_default_value (spec))
            == 0,
        "%s", spec->name);
  }
  fail_unless (n_own >= 12);
  g_free (specs);

  g_object_set (bin, "strength", 0.25, "n-threads", 3, NULL);
  {
    gdouble strength;
    guint n_threads;

    g_object_get (
        enhance, "strength", &strength, "n-threads", &n_threads, NULL);
    fail_unless (strength == 0.25 && n_threads == 3);
  }
  gst_object_unref (enhance);
  gst_object_unref (bin);
}
GST_END_TEST;

static Suite *
bin_suite (void)
{
  Suite *suite = suite_create ("sympieenhancebin");
  TCase *tcase = tcase_create ("bin");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, make_files, remove_files);
  tcase_add_test (tcase, test_play);
  tcase_add_test (tcase, test_no_video);
  tcase_add_test (tcase, test_properties);
  return suite;
}

GST_CHECK_MAIN (bin);
