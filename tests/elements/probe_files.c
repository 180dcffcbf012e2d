/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The files at both ends of sympieprobe: clips that hold no video, and results,
 * which can be read whatever happened while they were written. */

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "probe.h"

#define RGB "video/x-raw, format=RGB, width=64, height=48, framerate=25/1"
#define SEED 7

static const gint steady[] = { 0, 40, 80, 120, -1 };
static const TestStream ref = { RGB, steady, SEED };
static const TestStream dist = { RGB, steady, SEED + 100 };

/* ---- Reading results --------------------------------------------------- */

typedef struct
{
  guint n_frames;
  gboolean complete;
} Contents;

static Contents
read_json (const gchar *path)
{
  JsonParser *parser = json_parser_new ();
  GError *error = NULL;
  JsonObject *root, *pooled;
  JsonArray *frames;
  Contents contents;

  fail_unless (json_parser_load_from_file (parser, path, &error), "%s",
      error ? error->message : "");
  root = json_node_get_object (json_parser_get_root (parser));
  fail_unless_equals_string (
      json_object_get_string_member (root, "layer"), "relu1_1");
  fail_unless_equals_string (
      json_object_get_string_member (root, "weights"), test_weights ());
  frames = json_object_get_array_member (root, "frames");
  contents.n_frames = json_array_get_length (frames);
  for (guint i = 0; i < contents.n_frames; i++)
    fail_unless (json_object_get_double_member (
                     json_array_get_object_element (frames, i), "feature-mse")
                 > 0.0);
  pooled = json_array_get_object_element (
      json_object_get_array_member (root, "pooled"), 0);
  fail_unless_equals_string (
      json_object_get_string_member (pooled, "pad"), "dist_sink");
  contents.complete = json_object_get_boolean_member (pooled, "complete");
  /* Sorting all values so far for every frame would take ever longer. */
  fail_unless (
      json_node_is_null (json_object_get_member (pooled, "feature-mse-median"))
      == (!contents.complete || contents.n_frames == 0));
  fail_unless_equals_int (
      json_object_get_int_member (pooled, "frames"), contents.n_frames);
  g_object_unref (parser);
  return contents;
}

static void
count_element (GMarkupParseContext *context, const gchar *name,
    const gchar **names, const gchar **values, gpointer data, GError **error)
{
  Contents *contents = data;

  contents->n_frames += g_str_equal (name, "frame");
  for (guint i = 0; names[i]; i++)
    if (g_str_equal (names[i], "complete"))
      contents->complete = g_str_equal (values[i], "true");
}

static Contents
read_xml (const gchar *path)
{
  const GMarkupParser parser = { .start_element = count_element };
  Contents contents = { 0, FALSE };
  GMarkupParseContext *context =
      g_markup_parse_context_new (&parser, 0, &contents, NULL);
  GError *error = NULL;
  gchar *text;
  gsize size;

  fail_unless (g_file_get_contents (path, &text, &size, NULL));
  fail_unless (g_markup_parse_context_parse (context, text, size, &error)
                   && g_markup_parse_context_end_parse (context, &error),
      "%s", error ? error->message : "");
  g_markup_parse_context_free (context);
  g_free (text);
  return contents;
}

/* CSV does not know whether it is complete. */
static Contents
read_csv (const gchar *path)
{
  Contents contents = { 0, TRUE };
  gchar *text, **lines;

  fail_unless (g_file_get_contents (path, &text, NULL, NULL));
  fail_unless (g_str_has_suffix (text, "\n"));
  lines = g_strsplit (text, "\n", -1);
  fail_unless_equals_string (lines[0],
      "pad,index,timestamp,stream-time,running-time,duration,feature-mse,pixel-"
      "mse,"
      "psnr");
  for (; *lines[contents.n_frames + 1]; contents.n_frames++) {
    gchar **cells = g_strsplit (lines[contents.n_frames + 1], ",", -1);

    fail_unless_equals_int (g_strv_length (cells), 9);
    fail_unless (g_ascii_strtod (cells[6], NULL) > 0.0);
    g_strfreev (cells);
  }
  g_strfreev (lines);
  g_free (text);
  return contents;
}

static const struct
{
  const gchar *name;
  Contents (*read) (const gchar *path);
} formats[] = {
  { "csv", read_csv },
  { "json", read_json },
  { "xml", read_xml },
};

/* ---- Results ----------------------------------------------------------- */

GST_START_TEST (test_file)
{
  gchar *path = test_path (formats[__i__].name);
  gchar *properties = g_strdup_printf (
      "results-filename=%s results-format=%s", path, formats[__i__].name);

  for (guint run = 0; run < 2; run++) { /* the second one starts over */
    TestResults *results = test_run (&ref, &dist, properties);
    Contents contents = formats[__i__].read (path);

    fail_if (
        results->error, "%s", results->error ? results->error->message : "");
    fail_unless_equals_int (contents.n_frames, 4);
    fail_unless (contents.complete);
    test_results_free (results);
  }
  g_free (properties);
  g_free (path);
}
GST_END_TEST;

/* Frames and what is pooled say whose they are. */
GST_START_TEST (test_file_of_many)
{
  const gint fewer[] = { 0, 80, -1 };
  const TestStream streams[] = { dist, { RGB, fewer, SEED + 200 } };
  gchar *path = test_path ("many.json");
  gchar *properties =
      g_strdup_printf ("results-filename=%s results-format=json", path);
  JsonParser *parser = json_parser_new ();
  TestResults *results = test_run_many (&ref, streams, 2, NULL, properties);
  const gchar *pads[] = { "dist_sink", "dist_sink_0" };
  JsonArray *frames, *pooled;
  JsonObject *root;

  fail_if (results->error, "%s", results->error ? results->error->message : "");
  fail_unless (json_parser_load_from_file (parser, path, NULL));
  root = json_node_get_object (json_parser_get_root (parser));
  frames = json_object_get_array_member (root, "frames");
  pooled = json_object_get_array_member (root, "pooled");
  fail_unless_equals_int (json_array_get_length (frames), 6);
  fail_unless_equals_int (json_array_get_length (pooled), 2);
  for (guint i = 0; i < 2; i++) {
    JsonObject *one = json_array_get_object_element (pooled, i);
    gdouble sum = 0.0;

    fail_unless_equals_string (
        json_object_get_string_member (one, "pad"), pads[i]);
    for (guint f = 0; f < 6; f++) {
      JsonObject *frame = json_array_get_object_element (frames, f);

      if (g_str_equal (json_object_get_string_member (frame, "pad"), pads[i]))
        sum += json_object_get_double_member (frame, "feature-mse");
    }
    fail_unless_equals_int (
        json_object_get_int_member (one, "frames"), i == 0 ? 4 : 2);
    fail_unless (fabs (json_object_get_double_member (one, "feature-mse-mean")
                           * (i == 0 ? 4 : 2) / sum
                       - 1)
                 < 1e-6);
  }
  test_results_free (results);
  g_object_unref (parser);
  g_free (properties);
  g_free (path);
}
GST_END_TEST;

/* Two streams that do not end. */
static GstElement *
make_endless (const gchar *results, const gchar *format)
{
  gchar *line =
      g_strdup_printf ("videotestsrc ! " RGB " ! p.ref_sink "
                       "videotestsrc pattern=snow ! " RGB " ! p.dist_sink "
                       "sympieprobe name=p device=cpu layer=relu1_1 weights=%s "
                       "results-filename=%s "
                       "results-format=%s ! fakesink",
          test_weights (), results, format);
  GstElement *pipeline = gst_parse_launch (line, NULL);

  fail_unless (pipeline != NULL);
  g_free (line);
  return pipeline;
}

/* At least `n` frames, and JSON and XML say that there should be more. */
static void
check_unfinished (guint format, const gchar *path, guint n)
{
  Contents contents = formats[format].read (path);

  fail_unless (contents.n_frames >= n, "%u frames", contents.n_frames);
  fail_unless (contents.complete == (formats[format].read == read_csv));
}

GST_START_TEST (test_stopped)
{
  gchar *path = test_path ("stopped");
  GstElement *pipeline = make_endless (path, formats[__i__].name), *probe;

  probe = gst_bin_get_by_name (GST_BIN (pipeline), "p");
  g_object_set (probe, "frame-message", TRUE, NULL);
  gst_object_unref (probe);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  test_results_free (test_collect (pipeline, 3));
  gst_element_set_state (pipeline, GST_STATE_NULL);
  check_unfinished (__i__, path, 3);
  gst_object_unref (pipeline);
  g_free (path);
}
GST_END_TEST;

/* A seek that flushes starts the file anew. */
GST_START_TEST (test_flushed)
{
  gchar *path = test_path ("flushed");
  GstElement *pipeline = make_endless (path, formats[__i__].name);
  TestResults *results;
  Contents contents;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  fail_unless_equals_int (
      gst_element_get_state (pipeline, NULL, NULL, 30 * GST_SECOND),
      GST_STATE_CHANGE_SUCCESS);
  g_usleep (100 * 1000);
  fail_unless (gst_element_seek (pipeline, 1.0, GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, GST_SEEK_TYPE_SET,
      GST_SECOND, GST_SEEK_TYPE_SET, GST_SECOND + 80 * GST_MSECOND));
  results = test_collect (pipeline, G_MAXUINT);
  fail_if (results->error, "%s", results->error ? results->error->message : "");
  test_results_free (results);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  contents = formats[__i__].read (path);
  fail_unless_equals_int (contents.n_frames, 2);
  fail_unless (contents.complete);
  gst_object_unref (pipeline);
  g_free (path);
}
GST_END_TEST;

/* Nothing can be done about SIGKILL; it comes at another moment each time. */
GST_START_TEST (test_killed)
{
  gchar *path = test_path ("killed");

  test_weights ();
  for (guint run = 0; run < 5; run++) {
    pid_t child;
    int status;
    GStatBuf file;

    g_unlink (path);
    child = fork ();
    fail_unless (child >= 0);
    if (child == 0) {
      gst_element_set_state (
          make_endless (path, formats[__i__].name), GST_STATE_PLAYING);
      for (;;)
        pause ();
    }
    for (guint ms = 0; g_stat (path, &file) != 0 || file.st_size < 2000; ms++) {
      fail_unless (ms < 60000, "no results in a minute");
      g_usleep (1000);
    }
    g_usleep (1000 * run + 300);
    fail_unless (kill (child, SIGKILL) == 0);
    fail_unless (waitpid (child, &status, 0) == child);
    fail_unless (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL,
        "the pipeline ended by itself");
    check_unfinished (__i__, path, 3);
  }
  g_free (path);
}
GST_END_TEST;

/* ---- No room for results ----------------------------------------------- */

/* Plays two streams without an end until there is an error. */
static void
expect_full (guint format, const gchar *path, GstResourceError code)
{
  GstElement *pipeline = make_endless (path, formats[format].name);
  TestResults *results;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  results = test_collect (pipeline, G_MAXUINT);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  fail_unless (results->error != NULL, "no error");
  fail_unless (g_error_matches (results->error, GST_RESOURCE_ERROR, code), "%s",
      results->error->message);
  fail_unless (strstr (results->error->message, path) != NULL, "%s",
      results->error->message);
  fail_if (results->pooled, "pooled after an error");
  test_results_free (results);
  gst_object_unref (pipeline);
}

/* A file system of 16 KiB for this process alone. False, with the reason told,
 * where the system does not allow one. */
static gboolean
mount_small (const gchar *folder)
{
  if (g_strcmp0 (g_getenv ("CK_FORK"), "no") != 0
      && (unshare (CLONE_NEWNS) == 0
          || unshare (CLONE_NEWUSER | CLONE_NEWNS) == 0)
      && mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
      && mount ("small", folder, "tmpfs", 0, "size=16k") == 0)
    return TRUE;
  g_print ("no file system to fill: %s\n", g_strerror (errno));
  return FALSE;
}

/* What was written before the disk was full is there. */
GST_START_TEST (test_disk_full)
{
  gchar *folder = test_path ("small");
  gchar *path = g_build_filename (folder, "results", NULL);

  test_weights ();
  fail_unless (g_mkdir (folder, 0777) == 0);
  if (mount_small (folder)) {
    expect_full (__i__, path, GST_RESOURCE_ERROR_NO_SPACE_LEFT);
    check_unfinished (__i__, path, 10);
    fail_unless (umount (folder) == 0, "%s", g_strerror (errno));
  }
  g_rmdir (folder);
  g_free (path);
  g_free (folder);
}
GST_END_TEST;

GST_START_TEST (test_limit_of_size)
{
  gchar *path = test_path ("limited");
  struct rlimit before, limit;

  test_weights ();
  fail_unless (getrlimit (RLIMIT_FSIZE, &before) == 0);
  limit = before;
  limit.rlim_cur = 10000; /* gst-check's own files are smaller */
  signal (SIGXFSZ, SIG_IGN);
  fail_unless (setrlimit (RLIMIT_FSIZE, &limit) == 0);
  expect_full (__i__, path, GST_RESOURCE_ERROR_WRITE);
  fail_unless (setrlimit (RLIMIT_FSIZE, &before) == 0);
  signal (SIGXFSZ, SIG_DFL);
  check_unfinished (__i__, path, 10);
  g_free (path);
}
GST_END_TEST;

/* Those that show at the start. */
GST_START_TEST (test_not_writable)
{
  TestResults *results;

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    expect_full (i, "/dev/full",
        formats[i].read == read_csv ? GST_RESOURCE_ERROR_NO_SPACE_LEFT
                                    : GST_RESOURCE_ERROR_OPEN_WRITE);

  results = test_run (&ref, &dist, "results-filename=/nowhere/results.csv");
  fail_unless (g_error_matches (
      results->error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_WRITE));
  fail_unless (
      strstr (results->error->message, "/nowhere/results.csv") != NULL);
  test_results_free (results);
}
GST_END_TEST;

/* ---- Clips that hold no video ------------------------------------------ */

/* Plays one line to its end. */
static TestResults *
play (const gchar *line)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (line, &error);
  TestResults *results;

  fail_unless (pipeline && !error, "%s", error ? error->message : "");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  results = test_collect (pipeline, G_MAXUINT);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return results;
}

static void
make_clip (const gchar *path, const gchar *elements)
{
  gchar *line =
      g_strdup_printf ("%s ! oggmux ! filesink location=%s", elements, path);
  TestResults *results = play (line);

  fail_if (results->error, "%s: %s", line,
      results->error ? results->error->message : "");
  test_results_free (results);
  g_free (line);
}

static void
make_video (const gchar *path)
{
  make_clip (
      path, "videotestsrc num-buffers=5 ! " RGB " ! videoconvert ! theoraenc");
}

/* The last page of an Ogg file has the frames of so short a clip. */
static gsize
find_frames (const gchar *clip, gsize size)
{
  gsize at = size - 4;

  while (at > 0 && memcmp (clip + at, "OggS", 4) != 0)
    at--;
  fail_unless (at > 0, "a clip without frames");
  return at;
}

static void
make_damaged (const gchar *path)
{
  gchar *clip;
  gsize size;

  make_video (path);
  fail_unless (g_file_get_contents (path, &clip, &size, NULL));
  for (gsize i = find_frames (clip, size) + 100; i < size; i++)
    clip[i] ^= 0x55;
  fail_unless (g_file_set_contents (path, clip, size, NULL));
  g_free (clip);
}

static void
make_headers (const gchar *path)
{
  gchar *clip;
  gsize size;

  make_video (path);
  fail_unless (g_file_get_contents (path, &clip, &size, NULL));
  fail_unless (
      g_file_set_contents (path, clip, find_frames (clip, size), NULL));
  g_free (clip);
}

static void
make_sound (const gchar *path)
{
  make_clip (path, "audiotestsrc num-buffers=5 ! vorbisenc");
}

static void
make_noise (const gchar *path)
{
  gchar noise[5000];
  GRand *random = g_rand_new_with_seed (SEED);

  for (gsize i = 0; i < sizeof noise; i++)
    noise[i] = (gchar) g_rand_int (random);
  g_rand_free (random);
  fail_unless (g_file_set_contents (path, noise, sizeof noise, NULL));
}

static void
make_empty (const gchar *path)
{
  fail_unless (g_file_set_contents (path, "", 0, NULL));
}

/* decodebin loses an error that a demuxer posts before it is done plugging it
 * in, which happens where nobody takes what the demuxer finds. */
static const struct
{
  void (*make) (const gchar *path);
  const gchar *decoder;
  gboolean opens; /* the other stream is then played to its end */
} clips[] = {
  { make_damaged, "decodebin", TRUE },
  { make_headers, "decodebin", TRUE },
  { make_sound, "oggdemux ! theoradec", FALSE },
  { make_noise, "decodebin", FALSE },
  { make_empty, "decodebin", FALSE },
};

/* Without frames there is one warning and an empty result; where not even that
 * can be known, an error of the element that noticed. */
GST_START_TEST (test_no_video)
{
  gchar *good = test_path ("good.ogv"), *bad = test_path ("bad.ogv");
  gchar *path = test_path ("results.json");

  make_video (good);
  clips[__i__].make (bad);
  for (guint bad_ref = 0; bad_ref < 2; bad_ref++) {
    gchar *line = g_strdup_printf (
        "filesrc location=%s ! %s ! p.%s filesrc location=%s ! decodebin ! "
        "p.%s "
        "sympieprobe name=p device=cpu layer=relu1_1 weights=%s "
        "results-filename=%s "
        "results-format=json ! fakesink",
        bad, clips[__i__].decoder, bad_ref ? "ref_sink" : "dist_sink", good,
        bad_ref ? "dist_sink" : "ref_sink", test_weights (), path);
    TestResults *results = play (line);
    Contents contents = read_json (path);

    fail_unless ((results->error == NULL) == clips[__i__].opens);
    if (clips[__i__].opens) {
      fail_unless_equals_int (results->n_warnings, 1);
      fail_unless_equals_int (test_uint64 (results->pooled, "frames"), 0);
      fail_unless_equals_int (test_uint64 (results->pooled,
                                  bad_ref ? "unmatched-dist" : "unmatched-ref"),
          5);
    }
    fail_unless_equals_int (contents.n_frames, 0);
    fail_unless (contents.complete == clips[__i__].opens);
    test_results_free (results);
    g_free (line);
  }
  g_free (good);
  g_free (bad);
  g_free (path);
}
GST_END_TEST;

static Suite *
probe_files_suite (void)
{
  Suite *suite = suite_create ("sympieprobe files");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_checked_fixture (tc, NULL, test_remove_files);
  tcase_add_loop_test (tc, test_file, 0, G_N_ELEMENTS (formats));
  tcase_add_test (tc, test_file_of_many);
  tcase_add_loop_test (tc, test_stopped, 0, G_N_ELEMENTS (formats));
  tcase_add_loop_test (tc, test_flushed, 0, G_N_ELEMENTS (formats));
  tcase_add_loop_test (tc, test_killed, 0, G_N_ELEMENTS (formats));
  tcase_add_loop_test (tc, test_disk_full, 0, G_N_ELEMENTS (formats));
  tcase_add_loop_test (tc, test_limit_of_size, 0, G_N_ELEMENTS (formats));
  tcase_add_test (tc, test_not_writable);
  tcase_add_loop_test (tc, test_no_video, 0, G_N_ELEMENTS (clips));
  return suite;
}

GST_CHECK_MAIN (probe_files);
