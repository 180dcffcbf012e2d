/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The thread that estimates, with a function in NEM's place that the test holds
 * back and lets go: the newest frame counts, each frame is released once, and
 * flush, drain and the end leave nothing behind. Also under ThreadSanitizer,
 * for which nothing here may lock with GLib. */

#include "estimator.h"

#include <pthread.h>
#include <stdatomic.h>

#include "../kernels/check.h"
#include "../threads.h"

typedef struct
{
  float value; /* becomes the first parameter; below 0 is a failure */
  atomic_int *released;
} Picture;

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_int begun, released;

static gboolean
estimate (gpointer user, gpointer frame, GstSympieEstimate *result,
    SympieError *error)
{
  const Picture *picture = frame;

  atomic_fetch_add (&begun, 1);
  pthread_mutex_lock (&gate);
  pthread_mutex_unlock (&gate);
  sympie_params_identity (&result->params);
  result->params.values[0] = picture->value;
  result->gate = 1;
  if (picture->value < 0)
    *error = (SympieError){ SYMPIE_ERROR_DEVICE, "a failure" };
  return picture->value >= 0;
}

static void
release (gpointer frame)
{
  Picture *picture = frame;

  atomic_fetch_add (picture->released, 1);
  free (picture);
}

static Picture *
picture (float value)
{
  Picture *new = malloc (sizeof *new);

  *new = (Picture){ value, &released };
  return new;
}

static gboolean
submit (GstSympieEstimator *estimator, float value, GstClockTime time,
    gboolean anew)
{
  GstSympieEstimate about = { .number = 2 * time, .time = time, .anew = anew };

  return gst_sympie_estimator_submit (estimator, picture (value), &about);
}

static GstSympieEstimator *
start (void)
{
  static const GstSympieEstimatorFunctions functions = { estimate, release };
  SympieError error = { 0 };
  GstSympieEstimator *estimator =
      gst_sympie_estimator_new (&functions, NULL, &error);

  atomic_store (&begun, 0);
  atomic_store (&released, 0);
  CHECK (estimator, "%s", error.message);
  return estimator;
}

static void
end (GstSympieEstimator *estimator, int frames)
{
  int n;

  gst_sympie_estimator_free (estimator);
  CHECK (released == frames, "%d of %d", released, frames);
  n = threads_settled ("sympie-estimate", 0);
  CHECK (n == 0, "%d threads left", n);
}

static void
wait_for (atomic_int *counter, int value)
{
  for (int i = 0; i < 5000 && atomic_load (counter) < value; i++)
    usleep (1000);
  CHECK (atomic_load (counter) >= value, "%d, not %d", *counter, value);
}

static void
check_taken (GstSympieEstimator *estimator, float value, GstClockTime time,
    gboolean anew)
{
  GstSympieEstimate result;
  SympieError error;
  GstSympieEstimateState state =
      gst_sympie_estimator_take (estimator, &result, &error);

  if (CHECK (
          state == GST_SYMPIE_ESTIMATE_READY, "state %d for %g", state, value))
    CHECK (result.params.values[0] == value && result.time == time
               && result.number == 2 * time && result.anew == anew
               && result.gate == 1,
        "%g of time %lu, anew %d", result.params.values[0],
        (unsigned long) result.time, result.anew);
  state = gst_sympie_estimator_take (estimator, &result, &error);
  CHECK (state == GST_SYMPIE_ESTIMATE_NONE, "taken twice: %d", state);
}

/* Of three frames that come while one is worked on, the last counts, and that a
 * scene began with another of them is not lost. */
static void
test_newest (void)
{
  GstSympieEstimator *estimator = start ();
  GstSympieEstimate result;
  SympieError error;

  CHECK (gst_sympie_estimator_take (estimator, &result, &error)
             == GST_SYMPIE_ESTIMATE_NONE,
      "before any frame");
  pthread_mutex_lock (&gate);
  CHECK (!submit (estimator, 1, 1, FALSE), "1");
  wait_for (&begun, 1);
  CHECK (!submit (estimator, 2, 2, TRUE), "2");
  CHECK (submit (estimator, 3, 3, FALSE), "3");
  CHECK (submit (estimator, 4, 4, FALSE), "4");
  CHECK (gst_sympie_estimator_take (estimator, &result, &error)
             == GST_SYMPIE_ESTIMATE_NONE,
      "none is done");
  pthread_mutex_unlock (&gate);
  gst_sympie_estimator_drain (estimator);
  CHECK (begun == 2, "%d estimates", begun);
  check_taken (estimator, 4, 4, TRUE);

  /* Nor is it with an estimate that nobody took. */
  submit (estimator, 5, 5, TRUE);
  gst_sympie_estimator_drain (estimator);
  submit (estimator, 6, 6, FALSE);
  gst_sympie_estimator_drain (estimator);
  check_taken (estimator, 6, 6, TRUE);
  end (estimator, 6);
}

static void
test_failure (void)
{
  GstSympieEstimator *estimator = start ();
  GstSympieEstimate result;
  SympieError error = { 0 };

  submit (estimator, -1, 1, FALSE);
  gst_sympie_estimator_drain (estimator);
  CHECK (gst_sympie_estimator_take (estimator, &result, &error)
             == GST_SYMPIE_ESTIMATE_FAILED,
      "no failure");
  CHECK (error.code == SYMPIE_ERROR_DEVICE
             && strcmp (error.message, "a failure") == 0,
      "%s", error.message);
  submit (estimator, -1, 2, FALSE);
  gst_sympie_estimator_drain (estimator);
  submit (estimator, 3, 3, FALSE);
  gst_sympie_estimator_drain (estimator);
  check_taken (estimator, 3, 3, FALSE);
  submit (estimator, -1, 4, FALSE);
  end (estimator, 4);
}

/* A flush drops the frame that waits and what comes of the one at work. */
static void
test_flush (void)
{
  GstSympieEstimator *estimator = start ();
  GstSympieEstimate result;
  SympieError error;

  gst_sympie_estimator_flush (estimator);
  submit (estimator, 1, 1, FALSE);
  submit (estimator, 2, 2, FALSE);
  gst_sympie_estimator_flush (estimator);
  CHECK (released == 2, "%d of 2", released);
  CHECK (gst_sympie_estimator_take (estimator, &result, &error)
             == GST_SYMPIE_ESTIMATE_NONE,
      "after a flush");
  submit (estimator, 3, 3, FALSE);
  gst_sympie_estimator_drain (estimator);
  check_taken (estimator, 3, 3, FALSE);
  end (estimator, 3);
}

/* Freed with one frame at work and one waiting. */
static void
test_end (void)
{
  for (int i = 0; i < 50; i++) {
    GstSympieEstimator *estimator = start ();

    for (int j = 0; j < i % 4; j++)
      submit (estimator, j, j, FALSE);
    end (estimator, i % 4);
  }
  gst_sympie_estimator_free (NULL);
}

/* Frames faster than estimates for a while, taken in between. */
static void
test_stream (void)
{
  GstSympieEstimator *estimator = start ();
  GstSympieEstimate result;
  SympieError error;
  GstClockTime last = 0;
  int taken = 0, backwards = 0;

  for (int i = 1; i <= 20000; i++) {
    submit (estimator, i, i, FALSE);
    if (gst_sympie_estimator_take (estimator, &result, &error)
        == GST_SYMPIE_ESTIMATE_READY) {
      taken++;
      backwards +=
          result.time <= last || result.params.values[0] != result.time;
      last = result.time;
    }
  }
  gst_sympie_estimator_drain (estimator);
  if (last < 20000)
    check_taken (estimator, 20000, 20000, FALSE);
  CHECK (backwards == 0, "%d of %d", backwards, taken);
  end (estimator, 20000);
}

int
main (void)
{
  test_newest ();
  test_failure ();
  test_flush ();
  test_end ();
  test_stream ();
  return check_end ();
}
