/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympiescene.h"

void
gst_sympie_scene_end (GstSympieScene *scene)
{
  scene->n_kept = 0;
  scene->frames = 0;
}

/* The parameters of an iteration over a frame that now looks like `image`. */
static gboolean
get_parameters (GstSympieScene *scene, SympieContext *context,
    const GstSympieSettings *settings, guint iteration,
    const SympieImage *image, SympieParams *params, GstSympieStats *stats,
    char **error)
{
  GstClockTime begin;

  if (settings->by_hand) {
    *params = settings->parameters;
    return TRUE;
  }
  if (iteration >= scene->n_kept) {
    begin = gst_util_get_timestamp ();
    if (!sympie_estimate (context, image, &scene->kept[iteration], NULL, error))
      return FALSE;
    scene->n_kept = iteration + 1;
    stats->estimates++;
    stats->estimate_time += gst_util_get_timestamp () - begin;
  }
  *params = scene->kept[iteration];
  return TRUE;
}

/* Whether one call of the library can do an iteration of `n` images: on CUDA
 * the parameters then stay on the device. */
static gboolean
is_one_step (const GstSympieScene *scene, SympieContext *context,
    const GstSympieSettings *settings, guint iteration, guint n)
{
  return n == 1 && !settings->by_hand && iteration >= scene->n_kept
         && sympie_device (context) == SYMPIE_DEVICE_CUDA;
}

gboolean
gst_sympie_scene_enhance (GstSympieScene *scene, SympieContext *context,
    const GstSympieSettings *settings, const SympieImage *src,
    const SympieImage *dst, guint n, SympieParams *used, GstSympieStats *stats,
    char **error)
{
  SympieParams identity, params;

  *stats = (GstSympieStats){ .frames = 1 };
  if (settings->by_hand || scene->frames >= settings->reuse_interval)
    gst_sympie_scene_end (scene);

  sympie_params_identity (&identity);
  for (guint i = 0; i < settings->iterations; i++) {
    const SympieImage *from = i == 0 ? src : dst;
    GstClockTime begin = gst_util_get_timestamp ();

    if (is_one_step (scene, context, settings, i, n)) {
      if (!sympie_enhance (context, &from[0], &dst[0],
              (float) settings->strength, &scene->kept[i], NULL, error))
        return FALSE;
      if (i == 0)
        *used = scene->kept[0];
      scene->n_kept = i + 1;
      stats->estimates++;
      stats->apply_time += gst_util_get_timestamp () - begin;
      continue;
    }
    if (!get_parameters (
            scene, context, settings, i, &from[0], &params, stats, error))
      return FALSE;
    if (i == 0)
      *used = params;
    sympie_params_blend (
        &identity, &params, (float) settings->strength, &params);

    begin = gst_util_get_timestamp ();
    for (guint j = 0; j < n; j++)
      if (!sympie_apply (context, &from[j], &dst[j], &params, error))
        return FALSE;
    stats->apply_time += gst_util_get_timestamp () - begin;
  }
  if (!settings->by_hand) {
    scene->frames++;
    stats->reused = stats->estimates == 0;
  }
  return TRUE;
}
