/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Which frames sympieprobe pairs, and what becomes of the others. */

#include <math.h>

#include <gst/check/gstharness.h>
#include <gst/video/video.h>

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

/* ---- Several distorted streams ----------------------------------------- */

static const guint orders[][4] = {
  { 0, 1, 2, 3 },
  { 3, 2, 1, 0 },
  { 2, 0, 3, 1 },
};

/* Each is paired and measured as if it were alone, in whatever order they come
 * and end. */
GST_START_TEST (test_many)
{
  static const guint chosen[][3] = {
    { 0, 0, 0 },   /* the same */
    { 2, 5, 0 },   /* one is shorter */
    { 5, 2, 8 },   /* dist_sink is the one */
    { 9, 10, 14 }, /* another rate, another, no reference for it */
    { 15, 0, 15 }, /* nothing at two of them */
  };
  static const gint times[] = { 0, 40, 80, 120, 160, -1 };
  TestStream ref = { RGB, times, SEED }, dist[3];
  TestResults *alone[3];

  for (guint i = 0; i < 3; i++) {
    dist[i] =
        (TestStream){ RGB, cases[chosen[__i__][i]].dist, SEED + 100 * (i + 1) };
    alone[i] = test_run (&ref, &dist[i], "");
  }
  for (guint order = 0; order < G_N_ELEMENTS (orders); order++) {
    TestResults *results = test_run_many (&ref, dist, 3, orders[order], "");

    fail_if (
        results->error, "%s", results->error ? results->error->message : "");
    fail_unless (results->pooled != NULL);
    fail_unless_equals_int (results->more->len, 2);
    fail_unless_equals_int (results->n_passed, count (dist[0].times));
    for (guint i = 0; i < 3; i++) {
      const GstStructure *one =
          i == 0 ? results->pooled : g_ptr_array_index (results->more, i - 1);
      const GstStructure *wanted = alone[i]->pooled;
      static const gchar *counts[] = { "pairs", "frames", "unmatched-ref",
        "unmatched-dist" };
      gchar *pad = i == 0 ? g_strdup ("dist_sink")
                          : g_strdup_printf ("dist_sink_%u", i - 1);
      guint n_frames = 0;

      fail_unless_equals_string (gst_structure_get_string (one, "pad"), pad);
      for (guint c = 0; c < G_N_ELEMENTS (counts); c++)
        fail_unless_equals_uint64 (
            test_uint64 (one, counts[c]), test_uint64 (wanted, counts[c]));
      if (test_uint64 (one, "frames") > 0)
        fail_unless (test_double (one, "feature-mse-mean")
                     == test_double (wanted, "feature-mse-mean"));
      for (guint f = 0; f < results->frames->len; f++) {
        const GstStructure *frame = g_ptr_array_index (results->frames, f);

        if (g_str_equal (gst_structure_get_string (frame, "pad"), pad))
          fail_unless_equals_uint64 (test_uint64 (frame, "index"), n_frames++);
      }
      fail_unless_equals_uint64 (test_uint64 (one, "frames"), n_frames);
      g_free (pad);
    }
    test_results_free (results);
  }
  for (guint i = 0; i < 3; i++)
    test_results_free (alone[i]);
}
GST_END_TEST;

/* What is wrong at one of many is said of that one. */
GST_START_TEST (test_many_strict)
{
  static const gint fewer[] = { 0, 40, 120, 160, -1 };
  TestStream ref = { RGB, steady, SEED };
  TestStream dist[] = { ref, ref, { RGB, fewer, SEED } };
  TestResults *results = test_run_many (&ref, dist, 3, NULL, "strict=true");

  fail_unless (g_error_matches (
      results->error, GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED));
  fail_unless (strstr (results->error->message, "dist_sink_1") != NULL, "%s",
      results->error->message);
  test_results_free (results);
}
GST_END_TEST;

/* A name that is asked for, and those that are free. */
GST_START_TEST (test_request_pads)
{
  static const gchar *const names[] = { "dist_sink_1", NULL, NULL };
  static const gchar *const wanted[] = { "dist_sink_1", "dist_sink_0",
    "dist_sink_2" };
  GstElement *probe = gst_element_factory_make ("sympieprobe", NULL);
  GstPadTemplate *template =
      gst_element_get_pad_template (probe, "dist_sink_%u");
  GstPad *pads[G_N_ELEMENTS (names)];

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    pads[i] = gst_element_request_pad (probe, template, names[i], NULL);
    fail_unless (pads[i] != NULL);
    fail_unless_equals_string (GST_PAD_NAME (pads[i]), wanted[i]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    gst_element_release_request_pad (probe, pads[i]);
    gst_object_unref (pads[i]);
  }
  gst_object_unref (probe);
}
GST_END_TEST;

/* ---- Allocation -------------------------------------------------------- */

/* dist_sink promises no more than what comes behind can do; the others, which
 * end here, take any layout. All offer a pool. */
GST_START_TEST (test_allocation)
{
  for (guint behind = 0; behind < 2; behind++) {
    GstHarness *h;
    GstElement *probe = gst_element_factory_make ("sympieprobe", NULL);
    GstPad *more;

    g_object_set (probe, "weights", test_weights (), "layer", 0, NULL);
    more = gst_element_request_pad_simple (probe, "dist_sink_%u");
    h = gst_harness_new_with_element (probe, "dist_sink", "src");
    if (behind)
      gst_harness_add_propose_allocation_meta (
          h, GST_VIDEO_META_API_TYPE, NULL);
    gst_harness_set_src_caps_str (h, RGB);
    for (guint i = 0; i < 3; i++) {
      static const gchar *const names[] = { "dist_sink", "ref_sink",
        "dist_sink_0" };
      GstCaps *caps = gst_caps_from_string (RGB);
      GstQuery *query = gst_query_new_allocation (caps, TRUE);
      GstPad *pad = gst_element_get_static_pad (probe, names[i]);
      GstBufferPool *pool = NULL;
      guint size = 0;

      fail_unless (gst_pad_query (pad, query));
      fail_unless (
          gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL)
          == (i > 0 || behind));
      fail_unless (gst_query_get_n_allocation_pools (query) == 1);
      gst_query_parse_nth_allocation_pool (query, 0, &pool, &size, NULL, NULL);
      fail_unless (pool != NULL);
      fail_unless_equals_int (size, 64 * 48 * 3);
      gst_object_unref (pool);
      gst_object_unref (pad);
      gst_query_unref (query);
      gst_caps_unref (caps);
    }
    gst_element_release_request_pad (probe, more);
    gst_object_unref (more);
    gst_object_unref (probe);
    gst_harness_teardown (h);
  }
}
GST_END_TEST;

/* ---- What is measured -------------------------------------------------- */

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
  fail_unless_equals_string (
      gst_structure_get_string (results->pooled, "input"), "full");
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
  tcase_add_loop_test (tc, test_many, 0, 5);
  tcase_add_test (tc, test_many_strict);
  tcase_add_test (tc, test_request_pads);
  tcase_add_test (tc, test_allocation);
  tcase_add_test (tc, test_identical);
  tcase_add_test (tc, test_symmetric);
  tcase_add_test (tc, test_sides_differ);
  tcase_add_test (tc, test_subsample);
  tcase_add_test (tc, test_seek);
  tcase_add_test (tc, test_live);
  return suite;
}

GST_CHECK_MAIN (probe_pairs);
