/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "aside.h"

static gboolean
estimate (gpointer user, gpointer frame, GstSympieEstimate *result,
    SympieError *error)
{
  GstSympieAside *aside = user;

  return sympie_estimate (aside->context, gst_sympie_held_get_image (frame),
      &result->params, &result->gate, error);
}

gboolean
gst_sympie_aside_open (
    GstSympieAside *aside, const SympieConfig *config, SympieError *error)
{
  static const GstSympieEstimatorFunctions functions = {
    .estimate = estimate,
    .release = (void (*) (gpointer)) gst_sympie_held_free,
  };
  SympieConfig own = *config;

  own.device = SYMPIE_DEVICE_CPU;
  own.n_threads = 1;
  aside->context = sympie_open (&own, error);
  if (aside->context)
    aside->estimator = gst_sympie_estimator_new (&functions, aside, error);
  if (!aside->estimator)
    gst_sympie_aside_close (aside);
  return aside->estimator != NULL;
}

void
gst_sympie_aside_close (GstSympieAside *aside)
{
  gst_sympie_estimator_free (aside->estimator);
  sympie_close (aside->context);
  *aside = (GstSympieAside){ NULL, NULL };
}
