/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Which frames sympieprobe pairs, and what becomes of the others. */

#include <math.h>

#include "probe.h"

#define RGB "video/x-raw, format=RGB, width=64, height=48, framerate=25/1"
#define SEED 7

static const gint steady[] = { 0, 40, 80, 120, 160, -1 };

typedef struct
{
  const gchar *what;
  gint ref[12], dist[12]; /* ms, ended by -1 */
  guint pairs, unmatched_ref, unmatched_dist;
} Case;

static const Case cases[] = {
  { "the same", { 0, 40, 80, -1 }, { 0, 40, 80, -1 }, 3, 0, 0 },
  { "rounded", { 0, 40, 80, -1 }, { 1, 42, 79, -1 }, 3, 0, 0 },
  { "dropped", { 0, 40, 80, 120, -1 }, { 0, 80, 120, -1 }, 3, 1, 0 },
  { "dropped at the start", { 0, 40, 80, -1 }, { 40, 80, -1 }, 2, 1, 0 },
  { "none left by the reference", { 0, -1 }, { 0, 40, 80, -1 }, 1, 0, 2 },
  { "shorter", { 0, 40, 80, 120, -1 }, { 0, 40, -1 }, 2, 2, 0 },
  { "duplicated", { 0, 40, 80, -1 }, { 0, 40, 40, 80, -1 }, 3, 0, 1 },
  { "both duplicated", { 0, 40, 40, -1 }, { 0, 40, 40, -1 }, 3, 0, 0 },
  { "late", { 0, 40, 80, -1 }, { 0, 20, 80, -1 }, 2, 1, 1 },
  { "out of order", { 0, 40, 80, 120, -1 }, { 0, 80, 40, 120, -1 }, 3, 1, 1 },
  { "half the rate", { 0, 20, 40, 60, 80, -1 }, { 0, 40, 80, -1 }, 3, 2, 0 },
  { "twice the rate", { 0, 40, 80, -1 }, { 0, 20, 40, 60, 80, -1 }, 3, 0, 2 },
  { "25 and 30 a second", { 0, 40, 80, 120, 160, 200, -1 },
      { 0, 33, 67, 100, 133, 167, 200, -1 }, 2, 4, 5 },
  { "apart", { 0, 40, -1 }, { 1000, 1040, -1 }, 0, 2, 2 },
  { "no reference", { -1 }, { 0, 40, -1 }, 0, 0, 2 },
  { "nothing distorted", { 0, 40, -1 }, { -1 }, 0, 2, 0 },
};

static guint
count (const gint *times)
{
  guint n = 0;

  while (times[n] >= 0)
    n++;
  return n;
}

GST_START_TEST (test_pairs)
{
  const Case *c = &cases[__i__];
  TestStream ref = { RGB, c->ref, SEED }, dist = { RGB, c->dist, SEED + 100 };
  TestResults *results = test_run (&ref, &dist, "");

  fail_if (results->error, "%s: %s", c->what,
      results->error ? results->error->message : "");
  fail_unless (results->pooled != NULL, "%s: no pooled result", c->what);
  fail_unless_equals_int (test_uint64 (results->pooled, "pairs"), c->pairs);
  fail_unless_equals_int (test_uint64 (results->pooled, "frames"), c->pairs);
  fail_unless_equals_int (
      test_uint64 (results->pooled, "unmatched-ref"), c->unmatched_ref);
  fail_unless_equals_int (
      test_uint64 (results->pooled, "unmatched-dist"), c->unmatched_dist);
  fail_unless_equals_int (results->frames->len, c->pairs);
  fail_unless_equals_int (results->n_passed, count (c->dist));
  fail_unless_equals_int (results->n_warnings, c->pairs == 0);
  fail_unless ((isnan (test_double (results->pooled, "feature-mse-mean")) != 0)
               == (c->pairs == 0));
  test_results_free (results);
}
GST_END_TEST;

/* What is paired does not depend on which stream comes, and ends, first. */
GST_START_TEST (test_order_of_ends)
{
  const Case *c = &cases[__i__];
  TestStream ref = { RGB, c->ref, SEED }, dist = { RGB, c->dist, SEED + 100 };

  for (guint ref_first = 0; ref_first < 2; ref_first++) {
    TestResults *results = test_run_one_first (&ref, &dist, ref_first);

    fail_if (results->error, "%s", c->what);
    fail_unless_equals_int (test_uint64 (results->pooled, "pairs"), c->pairs);
    fail_unless_equals_int (
        test_uint64 (results->pooled, "unmatched-ref"), c->unmatched_ref);
    fail_unless_equals_int (
        test_uint64 (results->pooled, "unmatched-dist"), c->unmatched_dist);
    fail_unless_equals_int (results->n_passed, count (c->dist));
    test_results_free (results);
  }
}
GST_END_TEST;

GST_START_TEST (test_strict)
{
  const Case *c = &cases[__i__];
  TestStream ref = { RGB, c->ref, SEED }, dist = { RGB, c->dist, SEED };
  TestResults *results = test_run (&ref, &dist, "strict=true");

  if (c->unmatched_ref + c->unmatched_dist == 0) {
    fail_if (results->error, "%s", c->what);
    fail_unless (results->pooled != NULL);
  } else {
    fail_unless (g_error_matches (
                     results->error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED),
        "%s", c->what);
    fail_unless (strstr (results->error->message, "no partner") != NULL);
    fail_unless (strstr (results->error->message, "_sink") != NULL);
    fail_if (results->pooled, "%s: pooled after an error", c->what);
  }
  test_results_free (results);
}
GST_END_TEST;

/* Frames that are the same are so in the result, exactly. */
GST_START_TEST (test_identical)
{
  TestStream stream = { RGB, steady, SEED };
  TestResults *results = test_run (&stream, &stream, "");

  fail_unless (results->pooled != NULL);
  fail_unless (test_double (results->pooled, "feature-mse-max") == 0.0);
  fail_unless (test_double (results->pooled, "pixel-mse-max") == 0.0);
  fail_unless (isinf (test_double (results->pooled, "psnr")));
  test_results_free (results);
}
GST_END_TEST;

GST_START_TEST (test_symmetric)
{
  TestStream a = { RGB, steady, SEED }, b = { RGB, steady, SEED + 100 };
  TestResults *ab = test_run (&a, &b, ""), *ba = test_run (&b, &a, "");

  fail_unless (test_double (ab->pooled, "feature-mse-mean") > 0.0);
  fail_unless (test_double (ab->pooled, "feature-mse-mean")
               == test_double (ba->pooled, "feature-mse-mean"));
  fail_unless (test_double (ab->pooled, "pixel-mse-mean")
               == test_double (ba->pooled, "pixel-mse-mean"));
  test_results_free (ab);
  test_results_free (ba);
}
GST_END_TEST;

/* Each side has a format and a size of its own, except in full. */
GST_START_TEST (test_sides_differ)
{
  TestStream ref = { RGB, steady, SEED };
  TestStream dist = { "video/x-raw, format=NV12, width=101, height=75, "
                      "framerate=30/1, colorimetry=bt709",
    steady, SEED };
  TestResults *results = test_run (&ref, &dist, "");

  fail_if (results->error, "%s", results->error ? results->error->message : "");
  fail_unless_equals_int (test_uint64 (results->pooled, "frames"), 5);
  test_results_free (results);

  results = test_run (&ref, &dist, "input=full");
  fail_unless (g_error_matches (
      results->error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED));
  fail_unless (strstr (results->error->message, "64x48") != NULL);
  fail_unless (strstr (results->error->message, "101x75") != NULL);
  test_results_free (results);

  dist.caps = "video/x-raw, format=NV12, width=64, height=48, framerate=30/1";
  results = test_run (&ref, &dist, "input=full");
  fail_unless_equals_int (test_uint64 (results->pooled, "frames"), 5);
  test_results_free (results);
}
GST_END_TEST;

GST_START_TEST (test_subsample)
{
  TestStream a = { RGB, steady, SEED }, b = { RGB, steady, SEED + 100 };
  TestResults *results = test_run (&a, &b, "subsample=2");

  fail_unless_equals_int (test_uint64 (results->pooled, "pairs"), 5);
  fail_unless_equals_int (test_uint64 (results->pooled, "frames"), 3);
  fail_unless_equals_int (results->n_passed, 5);
  for (guint i = 0; i < results->frames->len; i++)
    fail_unless_equals_int (
        test_uint64 (g_ptr_array_index (results->frames, i), "index"), 2 * i);
  test_results_free (results);
}
GST_END_TEST;

GST_START_TEST (test_refused)
{
  static const struct
  {
    const gchar *caps, *part;
  } refused[] = {
    { "video/x-raw, format=RGB, width=64, height=48, framerate=25/1, "
      "colorimetry=(string)bt2100-pq",
        "PQ" },
    { "video/x-raw, format=I420, width=64, height=48, framerate=25/1, "
      "colorimetry=(string)bt2100-hlg",
        "HLG" },
  };
  TestStream good = { RGB, steady, SEED };

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    for (guint side = 0; side < 2; side++) {
      TestStream bad = { refused[i].caps, steady, SEED };
      TestResults *results =
          test_run (side ? &good : &bad, side ? &bad : &good, "");

      fail_unless (g_error_matches (
          results->error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT));
      fail_unless (strstr (results->error->message, refused[i].part) != NULL);
      fail_unless (
          strstr (results->error->message, side ? "dist_sink" : "ref_sink")
          != NULL);
      test_results_free (results);
    }
}
GST_END_TEST;

/* A seek that flushes starts anew: the pooled result is that of the frames
 * behind it. */
GST_START_TEST (test_seek)
{
  gchar *line = g_strdup_printf (
      "videotestsrc num-buffers=1000 pattern=ball ! %s ! p.ref_sink "
      "videotestsrc num-buffers=1000 pattern=ball ! %s ! p.dist_sink "
      "sympieprobe name=p device=cpu layer=relu1_1 weights=%s "
      "frame-message=true ! "
      "fakesink sync=false",
      RGB, RGB, test_weights ());
  GstElement *pipeline = gst_parse_launch (line, NULL);
  TestResults *results;

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  fail_unless_equals_int (
      gst_element_get_state (pipeline, NULL, NULL, 30 * GST_SECOND),
      GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  results = test_collect (pipeline, 3);
  test_results_free (results);

  fail_unless (gst_element_seek (pipeline, 1.0, GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, GST_SEEK_TYPE_SET,
      2 * GST_SECOND, GST_SEEK_TYPE_SET, 2 * GST_SECOND + 200 * GST_MSECOND));
  results = test_collect (pipeline, G_MAXUINT);
  fail_if (results->error, "%s", results->error ? results->error->message : "");
  fail_unless_equals_int (test_uint64 (results->pooled, "frames"), 5);
  fail_unless_equals_int (test_uint64 (results->pooled, "unmatched-ref"), 0);
  fail_unless_equals_int (test_uint64 (results->pooled, "unmatched-dist"), 0);
  for (guint i = 1; i <= 5; i++) {
    const GstStructure *frame =
        g_ptr_array_index (results->frames, results->frames->len - i);

    fail_unless_equals_uint64 (test_uint64 (frame, "stream-time"),
        2 * GST_SECOND + (5 - i) * 40 * GST_MSECOND);
  }
  test_results_free (results);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  g_free (line);
}
GST_END_TEST;

/* From live sources every frame is paired or reported: of one source all are
 * pairs, also where one way is longer; two sources start when they like. The
 * latency is that of the sources. */
GST_START_TEST (test_live)
{
  const struct
  {
    const gchar *sources;
    gboolean one;
  } lives[] = {
    { "videotestsrc is-live=true num-buffers=8 ! " RGB " ! tee name=t "
      "t. ! queue ! p.ref_sink t. ! queue ! p.dist_sink ",
        TRUE },
    { "videotestsrc is-live=true num-buffers=8 ! " RGB " ! tee name=t "
      "t. ! queue ! p.ref_sink "
      "t. ! queue ! identity sleep-time=100000 ! p.dist_sink ",
        TRUE },
    { "videotestsrc is-live=true num-buffers=8 ! " RGB " ! p.ref_sink "
      "videotestsrc is-live=true num-buffers=8 ! " RGB " ! p.dist_sink ",
        FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (lives); i++) {
    gchar *line =
        g_strdup_printf ("%s sympieprobe name=p device=cpu layer=relu1_1 "
                         "weights=%s ! fakesink sync=true",
            lives[i].sources, test_weights ());
    GstElement *pipeline = gst_parse_launch (line, NULL), *probe;
    GstQuery *query = gst_query_new_latency ();
    GstClockTime min, max;
    gboolean live;
    TestResults *results;
    guint64 pairs;

    fail_unless (pipeline != NULL);
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    fail_unless (gst_element_get_state (pipeline, NULL, NULL, 30 * GST_SECOND)
                 != GST_STATE_CHANGE_FAILURE);
    probe = gst_bin_get_by_name (GST_BIN (pipeline), "p");
    fail_unless (gst_element_query (probe, query));
    gst_object_unref (probe);
    gst_query_parse_latency (query, &live, &min, &max);
    gst_query_unref (query);
    fail_unless (live);
    fail_unless_equals_uint64 (min, 40 * GST_MSECOND);
    fail_unless (max >= min);

    results = test_collect (pipeline, G_MAXUINT);
    fail_if (
        results->error, "%s", results->error ? results->error->message : "");
    pairs = test_uint64 (results->pooled, "pairs");
    fail_if (lives[i].one && pairs != 8, "%u pairs", (guint) pairs);
    fail_unless_equals_uint64 (
        pairs + test_uint64 (results->pooled, "unmatched-ref"), 8);
    fail_unless_equals_uint64 (
        pairs + test_uint64 (results->pooled, "unmatched-dist"), 8);
    test_results_free (results);
    gst_element_set_state (pipeline, GST_STATE_NULL);
    gst_object_unref (pipeline);
    g_free (line);
  }
}
GST_END_TEST;

static Suite *
probe_pairs_suite (void)
{
  Suite *suite = suite_create ("sympieprobe pairs");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_checked_fixture (tc, NULL, test_remove_files);
  tcase_add_loop_test (tc, test_pairs, 0, G_N_ELEMENTS (cases));
  tcase_add_loop_test (tc, test_order_of_ends, 0, G_N_ELEMENTS (cases));
  tcase_add_loop_test (tc, test_strict, 0, G_N_ELEMENTS (cases));
  tcase_add_test (tc, test_identical);
  tcase_add_test (tc, test_symmetric);
  tcase_add_test (tc, test_sides_differ);
  tcase_add_test (tc, test_subsample);
  tcase_add_test (tc, test_refused);
  tcase_add_test (tc, test_seek);
  tcase_add_test (tc, test_live);
  return suite;
}

GST_CHECK_MAIN (probe_pairs);
