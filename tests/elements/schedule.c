/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* When sympieenhance estimates, as its schedule decides alone, how the load
 * makes that rarer, and how parameters move between estimates. */

#include <gst/check/gstcheck.h>
#include <math.h>
#include <string.h>

#include "load.h"
#include "schedule.h"
#include "tracker.h"

#define DURATION (40 * GST_MSECOND)
#define NONE GST_CLOCK_TIME_NONE

static SympieThumbnail
plain (guint8 tone)
{
  SympieThumbnail thumbnail;

  memset (&thumbnail, tone, sizeof thumbnail);
  return thumbnail;
}

/* One letter a frame: what was decided. */
static gchar
next_at (GstSympieSchedule *schedule, const GstSympieScheduleSettings *settings,
    GstClockTime time, const SympieThumbnail *thumbnail)
{
  GstSympieFrame frame = { time, NONE, DURATION, FALSE, thumbnail };

  return "-+N"[gst_sympie_schedule_next (schedule, settings, &frame)];
}

static void
check_run (const GstSympieScheduleSettings *settings, GstClockTime duration,
    const gchar *expected)
{
  GstSympieSchedule schedule = { 0 };
  GString *got = g_string_new (NULL);

  for (guint i = 0; i < strlen (expected); i++)
    g_string_append_c (got, next_at (&schedule, settings, i * duration, NULL));
  fail_unless_equals_string (got->str, expected);
  g_string_free (got, TRUE);
}

GST_START_TEST (test_fixed)
{
  GstSympieScheduleSettings settings = { .interval = 1 };

  check_run (&settings, DURATION, "N+++");
  settings.interval = 3;
  check_run (&settings, DURATION, "N--+--+-");
  /* Five times a second, whatever the rate. */
  settings =
      (GstSympieScheduleSettings){ .interval = 1, .time = 200 * GST_MSECOND };
  check_run (&settings, 40 * GST_MSECOND, "N----+----+-");
  check_run (&settings, 100 * GST_MSECOND, "N-+-+-+");
  check_run (&settings, 500 * GST_MSECOND, "N+++");
  /* Both. */
  settings.interval = 4;
  check_run (&settings, 100 * GST_MSECOND, "N---+---+");
  check_run (&settings, 40 * GST_MSECOND, "N----+----+-");
}
GST_END_TEST;

GST_START_TEST (test_load_lengthens)
{
  GstSympieScheduleSettings settings = { .interval = 2, .load = 1 };

  check_run (&settings, DURATION, "N---+---+");
  settings = (GstSympieScheduleSettings){
    .interval = 1, .time = 80 * GST_MSECOND, .load = 1
  };
  check_run (&settings, DURATION, "N---+---+");
  settings = (GstSympieScheduleSettings){ .interval = G_MAXUINT,
    .load = GST_SYMPIE_MAX_LOAD };
  check_run (&settings, DURATION, "N-----");
}
GST_END_TEST;

/* Frames that were dropped leave gaps, which end nothing; jumps do. */
GST_START_TEST (test_time)
{
  GstSympieScheduleSettings settings = { .interval = 1000 };
  static const struct
  {
    gint64 step; /* ms; G_MININT64: no time */
    gchar expected;
    guint elapsed; /* ms */
  } steps[] = {
    { 0, 'N', 40 },
    { 40, '-', 40 },
    { 300, '-', 300 },
    { 1000, '-', 1000 },
    { 40, '-', 40 },
    { 1001, 'N', 40 },
    { 0, '-', 40 },
    { -40, '-', 40 },
    { -900, '-', 900 },
    { -1001, 'N', 40 },
    { G_MININT64, '-', 40 },
    { G_MININT64, '-', 40 },
    { 5000, '-', 40 },
    { 40, '-', 40 },
    /* A stream slower than one frame a second. */
    { 1500, 'N', 40 },
    { 1500, '-', 1500 },
    { 2250, '-', 2250 },
    { 1500, '-', 1500 },
    { 2251, 'N', 40 },
    { -1500, 'N', 40 },
  };
  GstSympieSchedule schedule = { 0 };
  gint64 now = 100000;

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    gboolean timed = steps[i].step != G_MININT64;
    gchar got;

    now += timed ? steps[i].step : 0;
    got = next_at (&schedule, &settings,
        timed ? (GstClockTime) now * GST_MSECOND : NONE, NULL);
    fail_unless (got == steps[i].expected, "frame %u: %c", i, got);
    fail_unless_equals_uint64 (
        schedule.elapsed, steps[i].elapsed * GST_MSECOND);
  }
  gst_sympie_schedule_reset (&schedule);
  fail_unless (next_at (&schedule, &settings, 0, NULL) == 'N');
}
GST_END_TEST;

/* Nor do frames that were dropped for ten seconds, one after the other. */
GST_START_TEST (test_dropped)
{
  GstSympieScheduleSettings settings = { .interval = 1000 };
  GstSympieSchedule schedule = { 0 };
  GstSympieFrame frame = { 0, NONE, DURATION, FALSE, NULL };

  fail_unless (gst_sympie_schedule_next (&schedule, &settings, &frame)
               == GST_SYMPIE_ANEW);
  frame.time = 10 * GST_SECOND;
  frame.previous = frame.time - DURATION;
  fail_unless (gst_sympie_schedule_next (&schedule, &settings, &frame)
               == GST_SYMPIE_KEEP);
  fail_unless_equals_uint64 (schedule.elapsed, 10 * GST_SECOND);
  frame.previous = frame.time;
  frame.time += 2 * GST_SECOND;
  fail_unless (gst_sympie_schedule_next (&schedule, &settings, &frame)
               == GST_SYMPIE_ANEW);
}
GST_END_TEST;

/* Without times frames count; without a rate either, reuse-time asks for an
 * estimate each time rather than never. */
GST_START_TEST (test_no_time)
{
  GstSympieScheduleSettings settings = { .interval = 1,
    .time = 100 * GST_MSECOND };
  GstSympieSchedule schedule = { 0 };
  GstSympieFrame frame = { NONE, NONE, NONE, FALSE, NULL };
  const gchar *expected = "N--+--+";

  for (const gchar *e = expected; *e; e++)
    fail_unless (next_at (&schedule, &settings, NONE, NULL) == *e);
  gst_sympie_schedule_reset (&schedule);
  fail_unless (gst_sympie_schedule_next (&schedule, &settings, &frame)
               == GST_SYMPIE_ANEW);
  fail_unless (gst_sympie_schedule_next (&schedule, &settings, &frame)
               == GST_SYMPIE_AGAIN);
  fail_unless_equals_uint64 (schedule.elapsed, NONE);
}
GST_END_TEST;

GST_START_TEST (test_adaptive)
{
  GstSympieScheduleSettings settings = { .reuse = GST_SYMPIE_REUSE_ADAPTIVE,
    .interval = 1 };
  GstSympieSchedule schedule = { 0 };
  SympieThumbnail thumbnail = plain (100);
  GstClockTime time = 0;

  fail_unless (next_at (&schedule, &settings, time, &thumbnail) == 'N');
  /* A still picture: every five seconds. */
  for (guint i = 1; i < 125; i++)
    fail_unless (
        next_at (&schedule, &settings, time += DURATION, &thumbnail) == '-');
  fail_unless (
      next_at (&schedule, &settings, time += DURATION, &thumbnail) == '+');
  /* Slowly brighter: a second after the latest. */
  for (guint i = 1; i <= 150; i++) {
    thumbnail = plain (100 + i / 10);
    fail_unless (next_at (&schedule, &settings, time += DURATION, &thumbnail)
                 == (i % 25 == 0 ? '+' : '-'));
  }
  /* Fast: sooner than in a second only where it makes as much as a cut. */
  for (guint i = 1; i <= 39; i++) {
    thumbnail = plain (115 + i);
    fail_unless (next_at (&schedule, &settings, time += DURATION, &thumbnail)
                 == (i % 13 == 0 ? '+' : '-'));
  }
  /* Another scene: at once. */
  thumbnail = plain (20);
  fail_unless (
      next_at (&schedule, &settings, time += DURATION, &thumbnail) == 'N');
  /* At most every `interval` frames, but for cuts. */
  settings.interval = 40;
  thumbnail = plain (26);
  for (guint i = 1; i < 40; i++)
    fail_unless (
        next_at (&schedule, &settings, time += DURATION, &thumbnail) == '-');
  fail_unless (
      next_at (&schedule, &settings, time += DURATION, &thumbnail) == '+');
  thumbnail = plain (90);
  fail_unless (
      next_at (&schedule, &settings, time += DURATION, &thumbnail) == 'N');
}
GST_END_TEST;

/* A standard deviation of `noise` levels, more or less. */
static SympieThumbnail
noisy (GRand *random, guint8 tone, gdouble noise)
{
  SympieThumbnail thumbnail;
  guint8 *cells = &thumbnail.cells[0][0][0];

  for (guint k = 0; k < sizeof thumbnail; k++) {
    gdouble sum = 0;

    for (guint d = 0; d < 3; d++)
      sum += g_rand_double_range (random, -1, 1);
    cells[k] = (guint8) (tone + round (noise * sum));
  }
  return thumbnail;
}

/* Noise, however strong, from the first frame on or not, also of a source that
 * shows each frame twice, is no change; a change under it is one. */
GST_START_TEST (test_noise)
{
  static const gdouble noises[] = { 0, 1, 3, 6, 12, 17 };
  GstSympieScheduleSettings settings = { .reuse = GST_SYMPIE_REUSE_ADAPTIVE,
    .interval = 1 };
  GRand *random = g_rand_new_with_seed (1);

  for (guint i = 0; i < G_N_ELEMENTS (noises); i++)
    for (guint each = 1; each <= 2; each++) {
      GstSympieSchedule schedule = { 0 };
      SympieThumbnail thumbnail;
      GstClockTime time = 0;

      for (guint k = 0; k < 1010; k++, time += DURATION) {
        gchar expected = k == 0 ? 'N' : k % 125 == 0 ? '+' : '-', got;

        if (k % each == 0)
          thumbnail = noisy (random, 100, noises[i]);
        got = next_at (&schedule, &settings, time, &thumbnail);
        fail_unless (
            got == expected, "noise %g, frame %u: %c", noises[i], k, got);
      }
      /* Ten frames after the latest estimate, and seen a second after that. */
      for (guint k = 10; k < 30; k++, time += DURATION) {
        thumbnail = noisy (random, 111, noises[i]);
        fail_unless (next_at (&schedule, &settings, time, &thumbnail)
                         == (k == 25 ? '+' : '-'),
            "noise %g, frame %u of the change", noises[i], k);
      }
    }
  g_rand_free (random);
}
GST_END_TEST;

/* What goes by a still camera asks for an estimate a second, no more. */
GST_START_TEST (test_passing)
{
  GstSympieScheduleSettings settings = { .reuse = GST_SYMPIE_REUSE_ADAPTIVE,
    .interval = 1 };
  GRand *random = g_rand_new_with_seed (1);
  GstSympieSchedule schedule = { 0 };
  guint n = 0;

  for (guint k = 0; k < 250; k++) {
    SympieThumbnail thumbnail = noisy (random, 100, 3);

    for (guint y = 4; y < 9; y++)
      for (guint x = 0; x < 5; x++)
        thumbnail.cells[0][y][(k / 2 + x) % 16] = 60;
    n += next_at (&schedule, &settings, k * DURATION, &thumbnail) != '-';
  }
  fail_unless (n >= 5 && n <= 10, "%u estimates in ten seconds", n);
  g_rand_free (random);
}
GST_END_TEST;

/* Constant motion is no series of cuts, a cut in the midst of it is one; and
 * fixed intervals start from it. */
GST_START_TEST (test_cuts)
{
  GstSympieScheduleSettings settings = { .interval = 100 };
  GstSympieSchedule schedule = { 0 };
  SympieThumbnail thumbnail;
  GRand *random = g_rand_new_with_seed (1);
  GstClockTime time = 0;
  guint anew = 0;

  for (guint i = 0; i < 60; i++) {
    thumbnail = plain (i < 40 ? 60 : 160);
    for (guint j = 0; j < 60; j++) /* what moves */
      thumbnail.cells[0][g_rand_int_range (random, 0, 16)][j % 16] ^= 0x20;
    if (next_at (&schedule, &settings, time += DURATION, &thumbnail) == 'N') {
      fail_unless (i == 0 || i == 40, "frame %u", i);
      anew++;
    }
  }
  fail_unless_equals_int (anew, 2);
  g_rand_free (random);

  /* Upstream knows, and under load it waits. */
  settings.load = 2;
  for (guint i = 0; i < 8; i++) {
    GstSympieFrame frame = { time += DURATION, NONE, DURATION, i == 1 || i == 2,
      NULL };
    GstSympieDecision decision;

    if (i == 0)
      gst_sympie_schedule_reset (&schedule);
    decision = gst_sympie_schedule_next (&schedule, &settings, &frame);
    fail_unless (
        decision == (i == 0 || i == 4 ? GST_SYMPIE_ANEW : GST_SYMPIE_KEEP),
        "frame %u", i);
  }
}
GST_END_TEST;

/* ---- Load ---------------------------------------------------------------- */

GST_START_TEST (test_load)
{
  GstSympieLoad load = { 0 };
  GstClockTime now = 0;
  guint highest = 0;

  /* Late all the time: up four times a second, to the top. */
  for (guint i = 0; i < 100; i++) {
    gst_sympie_load_note (&load, TRUE, now += DURATION);
    fail_unless (load.level <= 1 + i * 40 / 250, "%u at %u", load.level, i);
  }
  fail_unless_equals_int (load.level, GST_SYMPIE_MAX_LOAD);
  /* In time: down every two seconds. */
  for (guint i = 1; i <= 8 * 50 + 8; i++)
    gst_sympie_load_note (&load, FALSE, now += DURATION);
  fail_unless_equals_int (load.level, 0);

  /* A load that bears two levels exactly: late below, in time there. Ever
   * rarer tries, not a swing every two seconds. */
  for (guint i = 0; i < 10 * 60 * 25; i++) {
    gst_sympie_load_note (&load, load.level < 2, now += DURATION);
    highest = MAX (highest, load.level);
  }
  fail_unless_equals_int (highest, 2);
  fail_unless_equals_uint64 (load.patience, 32 * GST_SECOND);
}
GST_END_TEST;

GST_START_TEST (test_behind)
{
  GstSympieLoad load = { 0 };
  GstClockTime now = GST_SECOND;

  /* 200 ms is the usual here. */
  for (guint i = 0; i < 100; i++)
    fail_if (gst_sympie_load_is_behind (&load,
        200 * GST_MSECOND + (i % 3) * 10 * GST_MSECOND, DURATION,
        now += DURATION));
  fail_unless (gst_sympie_load_is_behind (
      &load, 400 * GST_MSECOND, DURATION, now += 200 * GST_MSECOND));
  /* A clock that runs two thousandths slow for an hour. */
  for (guint i = 0; i < 3600; i++)
    fail_if (gst_sympie_load_is_behind (&load,
        200 * GST_MSECOND + i * 2 * GST_MSECOND, DURATION, now += GST_SECOND));
  /* One that jumps, ahead and back, tells of nothing; what comes late after
   * that does. */
  for (guint i = 0; i < 4; i++)
    fail_if (gst_sympie_load_is_behind (
        &load, i / 2 * 3600 * GST_SECOND, DURATION, now += DURATION));
  fail_unless (
      gst_sympie_load_is_behind (&load, 3600 * GST_SECOND + 300 * GST_MSECOND,
          DURATION, now += 300 * GST_MSECOND));
  for (guint i = 0; i < 4; i++)
    fail_if (gst_sympie_load_is_behind (&load, 0, DURATION, now += DURATION));
}
GST_END_TEST;

/* ---- Smoothing ----------------------------------------------------------- */

/* After a second at this rate, from 0 towards 1. */
static gdouble
after_a_second (guint rate, GstClockTime constant)
{
  GstSympieSmoother smoother = { 0 };
  SympieParams params, from = { .values = { 0 } }, to = { .values = { 0 } };

  to.values[5] = 1;
  gst_sympie_smoother_next (&smoother, &from, 0, constant, &params);
  fail_unless (params.values[5] == 0);
  for (guint i = 0; i < rate; i++)
    gst_sympie_smoother_next (
        &smoother, &to, GST_SECOND / rate, constant, &params);
  fail_unless (params.values[4] == 0);
  return params.values[5];
}

/* The way to a new target ends, however short its steps are for a float. */
GST_START_TEST (test_smoothing_ends)
{
  const GstClockTime constant = 10 * GST_SECOND;
  const guint rate = 240;
  GstSympieSmoother smoother = { 0 };
  SympieParams from, to, params;
  guint steps = 0;

  sympie_params_identity (&to);
  for (guint i = 0; i < SYMPIE_N_PARAMS; i++)
    from.values[i] = to.values[i] + (i % 2 ? 0.1f : -0.1f);
  gst_sympie_smoother_next (&smoother, &from, 0, constant, &params);
  do {
    gst_sympie_smoother_next (
        &smoother, &to, GST_SECOND / rate, constant, &params);
    steps++;
  } while (sympie_params_distance (&params, &to) > 0 && steps < 200 * rate);
  /* ln (0.1 / 1e-5) = 9.2 constants, at which nothing shows. */
  fail_unless (steps > 90 * rate && steps < 94 * rate, "%u", steps);
}
GST_END_TEST;

GST_START_TEST (test_smoothing)
{
  static const guint rates[] = { 1, 5, 25, 60, 240 };
  GstSympieSmoother smoother = { 0 };
  SympieParams a = { .values = { 1 } }, b = { .values = { 2 } }, params;

  for (guint i = 0; i < G_N_ELEMENTS (rates); i++) {
    fail_unless (
        fabs (after_a_second (rates[i], GST_SECOND / 2) - (1 - exp (-2)))
        < 1e-5);
    fail_unless (after_a_second (rates[i], 0) == 1);
  }

  gst_sympie_smoother_next (&smoother, &a, GST_SECOND, GST_SECOND, &params);
  fail_unless (params.values[0] == 1);
  gst_sympie_smoother_next (&smoother, &b, 0, GST_SECOND, &params);
  fail_unless (params.values[0] == 1);
  gst_sympie_smoother_next (&smoother, &b, NONE, GST_SECOND, &params);
  fail_unless (params.values[0] == 2);
  smoother.holds = FALSE;
  gst_sympie_smoother_next (&smoother, &a, 0, GST_SECOND, &params);
  fail_unless (params.values[0] == 1);
}
GST_END_TEST;

static Suite *
schedule_suite (void)
{
  Suite *suite = suite_create ("schedule");
  TCase *tests = tcase_create ("general");

  suite_add_tcase (suite, tests);
  tcase_add_test (tests, test_fixed);
  tcase_add_test (tests, test_load_lengthens);
  tcase_add_test (tests, test_time);
  tcase_add_test (tests, test_dropped);
  tcase_add_test (tests, test_no_time);
  tcase_add_test (tests, test_adaptive);
  tcase_add_test (tests, test_noise);
  tcase_add_test (tests, test_passing);
  tcase_add_test (tests, test_cuts);
  tcase_add_test (tests, test_load);
  tcase_add_test (tests, test_behind);
  tcase_add_test (tests, test_smoothing);
  tcase_add_test (tests, test_smoothing_ends);
  return suite;
}

GST_CHECK_MAIN (schedule);
