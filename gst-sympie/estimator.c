/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* With the system's locks rather than GLib's, which ThreadSanitizer does not
 * see into. */

#include "estimator.h"

#include <pthread.h>
#include <signal.h>

struct _GstSympieEstimator
{
  GstSympieEstimatorFunctions functions;
  gpointer user;
  pthread_t thread;

  pthread_mutex_t mutex;
  pthread_cond_t work, idle;
  gboolean ends, works;

  gpointer waiting;        /* frame */
  GstSympieEstimate about; /* it */

  GstSympieEstimateState state;
  GstSympieEstimate newest;
  SympieError error; /* with state FAILED */
};

/* Works on the frame that waits. Called and returns with the lock. */
static void
work_once (GstSympieEstimator *estimator)
{
  gpointer frame = estimator->waiting;
  GstSympieEstimate estimate = estimator->about;
  GstClockTime begin = gst_util_get_timestamp ();
  SympieError error = { 0 };
  gboolean ok;

  estimator->waiting = NULL;
  estimator->works = TRUE;
  pthread_mutex_unlock (&estimator->mutex);
  ok =
      estimator->functions.estimate (estimator->user, frame, &estimate, &error);
  estimate.took = gst_util_get_timestamp () - begin;
  estimator->functions.release (frame);
  pthread_mutex_lock (&estimator->mutex);

  /* One that was not taken hands on that a scene began. */
  if (estimator->state == GST_SYMPIE_ESTIMATE_READY)
    estimate.anew |= estimator->newest.anew;
  estimator->state =
      ok ? GST_SYMPIE_ESTIMATE_READY : GST_SYMPIE_ESTIMATE_FAILED;
  estimator->newest = estimate;
  estimator->error = error;
  estimator->works = FALSE;
}

static void *
work (void *data)
{
  GstSympieEstimator *estimator = data;

  pthread_mutex_lock (&estimator->mutex);
  while (!estimator->ends) {
    if (estimator->waiting) {
      work_once (estimator);
    } else {
      pthread_cond_broadcast (&estimator->idle);
      pthread_cond_wait (&estimator->work, &estimator->mutex);
    }
  }
  pthread_mutex_unlock (&estimator->mutex);
  return NULL;
}

GstSympieEstimator *
gst_sympie_estimator_new (const GstSympieEstimatorFunctions *functions,
    gpointer user, SympieError *error)
{
  GstSympieEstimator *estimator = g_new0 (GstSympieEstimator, 1);
  sigset_t all, old;
  int code;

  estimator->functions = *functions;
  estimator->user = user;
  pthread_mutex_init (&estimator->mutex, NULL);
  pthread_cond_init (&estimator->work, NULL);
  pthread_cond_init (&estimator->idle, NULL);

  /* Signals belong to the application's threads. */
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  code = pthread_create (&estimator->thread, NULL, work, estimator);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  if (code == 0) {
    pthread_setname_np (estimator->thread, "sympie-estimate");
    return estimator;
  }
  error->code = SYMPIE_ERROR_MEMORY;
  g_snprintf (error->message, sizeof error->message,
      "cannot start a thread: %s", g_strerror (code));
  g_free (estimator);
  return NULL;
}

void
gst_sympie_estimator_free (GstSympieEstimator *estimator)
{
  if (!estimator)
    return;

  pthread_mutex_lock (&estimator->mutex);
  estimator->ends = TRUE;
  pthread_cond_signal (&estimator->work);
  pthread_mutex_unlock (&estimator->mutex);
  pthread_join (estimator->thread, NULL);

  if (estimator->waiting)
    estimator->functions.release (estimator->waiting);
  pthread_cond_destroy (&estimator->idle);
  pthread_cond_destroy (&estimator->work);
  pthread_mutex_destroy (&estimator->mutex);
  g_free (estimator);
}

gboolean
gst_sympie_estimator_submit (GstSympieEstimator *estimator, gpointer frame,
    const GstSympieEstimate *about)
{
  gpointer dropped;
  gboolean anew;

  pthread_mutex_lock (&estimator->mutex);
  dropped = estimator->waiting;
  anew = about->anew || (dropped && estimator->about.anew);
  estimator->waiting = frame;
  estimator->about = *about;
  estimator->about.anew = anew;
  pthread_cond_signal (&estimator->work);
  pthread_mutex_unlock (&estimator->mutex);

  if (dropped)
    estimator->functions.release (dropped);
  return dropped != NULL;
}

GstSympieEstimateState
gst_sympie_estimator_take (GstSympieEstimator *estimator,
    GstSympieEstimate *estimate, SympieError *error)
{
  GstSympieEstimateState state;

  pthread_mutex_lock (&estimator->mutex);
  state = estimator->state;
  *estimate = estimator->newest;
  *error = estimator->error;
  estimator->state = GST_SYMPIE_ESTIMATE_NONE;
  pthread_mutex_unlock (&estimator->mutex);
  return state;
}

static void
wait_until_idle (GstSympieEstimator *estimator)
{
  while (estimator->waiting || estimator->works)
    pthread_cond_wait (&estimator->idle, &estimator->mutex);
}

void
gst_sympie_estimator_drain (GstSympieEstimator *estimator)
{
  pthread_mutex_lock (&estimator->mutex);
  wait_until_idle (estimator);
  pthread_mutex_unlock (&estimator->mutex);
}

void
gst_sympie_estimator_flush (GstSympieEstimator *estimator)
{
  gpointer dropped;

  pthread_mutex_lock (&estimator->mutex);
  dropped = estimator->waiting;
  estimator->waiting = NULL;
  wait_until_idle (estimator);
  estimator->state = GST_SYMPIE_ESTIMATE_NONE;
  pthread_mutex_unlock (&estimator->mutex);

  if (dropped)
    estimator->functions.release (dropped);
}
