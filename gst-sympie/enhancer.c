/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "enhancer.h"

/* ---- Contexts ------------------------------------------------------------ */

/* A frame to be estimated from aside. */
typedef struct
{
  GstSympieMapped mapped;
  SympieImage image; /* what NEM looks at of it */
} Look;

static void
look_free (gpointer data)
{
  Look *look = data;

  gst_video_frame_unmap (&look->mapped.frame);
  g_free (look);
}

static gboolean
estimate_aside (
    gpointer user, gpointer data, GstSympieEstimate *result, SympieError *error)
{
  GstSympieEnhancer *enhancer = user;
  const Look *look = data;

  return sympie_estimate (
      enhancer->aside, &look->image, &result->params, &result->gate, error);
}

/* On one thread: the others are for applying. */
static gboolean
open_aside (
    GstSympieEnhancer *enhancer, const SympieConfig *config, SympieError *error)
{
  static const GstSympieEstimatorFunctions functions = {
    .estimate = estimate_aside,
    .release = look_free,
  };
  SympieConfig own = *config;

  own.n_threads = 1;
  enhancer->aside = sympie_open (&own, error);
  if (enhancer->aside)
    enhancer->estimator =
        gst_sympie_estimator_new (&functions, enhancer, error);
  return enhancer->estimator != NULL;
}

/* Beside an estimator only iterations after the first need weights of their
 * own, and the megabytes that come with them. */
static gboolean
needs_weights (const GstSympieEnhancer *enhancer)
{
  return gst_sympie_enhancer_estimates (enhancer)
         && (!enhancer->estimator || enhancer->settings.iterations > 1);
}

gboolean
gst_sympie_enhancer_open (GstSympieEnhancer *enhancer,
    const SympieConfig *config, gboolean async, SympieError *error)
{
  GstSympieCuda *cuda = &enhancer->filter->cuda;
  SympieConfig own = *config;

  if (!config->weights || config->device != SYMPIE_DEVICE_CPU || !async
      || open_aside (enhancer, config, error)) {
    if (!needs_weights (enhancer))
      own.weights = NULL;
    enhancer->can_estimate = own.weights != NULL;
    gst_sympie_cuda_enter (cuda);
    enhancer->context = sympie_open (&own, error);
    gst_sympie_cuda_leave (cuda);
  }
  if (!enhancer->context)
    gst_sympie_enhancer_close (enhancer);
  return enhancer->context != NULL;
}

gboolean
gst_sympie_enhancer_is_ready (const GstSympieEnhancer *enhancer)
{
  return enhancer->context
         && (enhancer->can_estimate || !needs_weights (enhancer));
}

void
gst_sympie_enhancer_close (GstSympieEnhancer *enhancer)
{
  GstSympieCuda *cuda = &enhancer->filter->cuda;

  g_clear_pointer (&enhancer->estimator, gst_sympie_estimator_free);
  g_clear_pointer (&enhancer->aside, sympie_close);
  gst_sympie_cuda_enter (cuda);
  g_clear_pointer (&enhancer->context, sympie_close);
  gst_sympie_cuda_leave (cuda);
}

void
gst_sympie_enhancer_end_scene (GstSympieEnhancer *enhancer)
{
  if (enhancer->estimator)
    gst_sympie_estimator_flush (enhancer->estimator);
  gst_sympie_tracker_reset (&enhancer->tracker);
  gst_sympie_bars_reset (&enhancer->bars);
  enhancer->cut = FALSE;
}

/* ---- Estimates ----------------------------------------------------------- */

gboolean
gst_sympie_enhancer_estimates (const GstSympieEnhancer *enhancer)
{
  return !enhancer->settings.manual
         && enhancer->settings.mode != GST_SYMPIE_MODE_APPLY;
}

/* Of an image what NEM looks at, which is outside only by hand. */
static gboolean
crop (const GstSympieEnhancer *enhancer, SympieImage *image, SympieError *error)
{
  const GstVideoRectangle *region = &enhancer->region;
  gchar *reason;

  if (enhancer->is_whole
      || sympie_image_crop (
          image, region->x, region->y, region->w, region->h, error))
    return TRUE;
  reason = g_strdup (error->message);
  g_snprintf (
      error->message, sizeof error->message, "property crop: %s", reason);
  g_free (reason);
  return FALSE;
}

/* Estimates for an iteration over a frame that now looks like `image`. */
static gboolean
estimate (GstSympieEnhancer *enhancer, guint iteration, SympieImage image,
    SympieError *error)
{
  GstClockTime begin = gst_util_get_timestamp ();
  GstSympieEstimate made =
      gst_sympie_tracker_about (&enhancer->tracker, &enhancer->frame);

  if (!crop (enhancer, &image, error)
      || !sympie_estimate (
          enhancer->context, &image, &made.params, &made.gate, error))
    return FALSE;
  gst_sympie_tracker_put (&enhancer->tracker, iteration, &made);
  enhancer->stats.estimates++;
  enhancer->stats.estimate_time += gst_util_get_timestamp () - begin;
  return TRUE;
}

static GstSympieEstimateState
take_from_aside (GstSympieEnhancer *enhancer, SympieError *error)
{
  GstSympieEstimate estimate;
  GstSympieEstimateState state =
      gst_sympie_estimator_take (enhancer->estimator, &estimate, error);

  if (state == GST_SYMPIE_ESTIMATE_READY) {
    gst_sympie_tracker_put (&enhancer->tracker, 0, &estimate);
    enhancer->stats.estimates++;
    enhancer->stats.estimate_time += estimate.took;
  }
  return state;
}

/* Has the frame in hand estimated from aside, if that is `wanted`, and takes
 * what came of an earlier one. */
static gboolean
exchange_with_aside (
    GstSympieEnhancer *enhancer, gboolean wanted, SympieError *error)
{
  GstSympieEstimate about;
  Look *look;

  if (take_from_aside (enhancer, error) == GST_SYMPIE_ESTIMATE_FAILED)
    return FALSE;
  if (!wanted)
    return TRUE;
  look = g_new (Look, 1);
  if (!gst_sympie_filter_hold_frame (enhancer->filter, &look->mapped)) {
    g_free (look);
    return FALSE;
  }
  look->image = look->mapped.views[0].image;
  if (!crop (enhancer, &look->image, error)) {
    look_free (look);
    return FALSE;
  }
  about = gst_sympie_tracker_about (&enhancer->tracker, &enhancer->frame);
  enhancer->stats.shed +=
      gst_sympie_estimator_submit (enhancer->estimator, look, &about);
  return TRUE;
}

/* The parameters of an iteration over a frame that now looks like `image`. */
static gboolean
get_parameters (GstSympieEnhancer *enhancer, guint iteration,
    const SympieImage *image, SympieError *error)
{
  gboolean is_aside = enhancer->estimator && iteration == 0;

  if (!gst_sympie_enhancer_estimates (enhancer)) {
    enhancer->params = enhancer->info.params;
    return TRUE;
  }
  if (!is_aside && gst_sympie_tracker_wants (&enhancer->tracker, iteration)
      && !estimate (enhancer, iteration, *image, error))
    return FALSE;
  gst_sympie_tracker_get (&enhancer->tracker, iteration,
      enhancer->settings.smoothing, &enhancer->params);
  if (iteration == 0)
    gst_sympie_tracker_get_info (&enhancer->tracker, &enhancer->info);
  return TRUE;
}

/* Whether one call of the library can do an iteration of `n` images: on CUDA
 * the frame and its parameters then stay on the device in between. */
static gboolean
is_one_step (const GstSympieEnhancer *enhancer, guint iteration, guint n)
{
  return n == 1 && gst_sympie_enhancer_estimates (enhancer)
         && enhancer->settings.mode == GST_SYMPIE_MODE_ENHANCE
         && enhancer->settings.smoothing == 0 && enhancer->is_whole
         && gst_sympie_tracker_wants (&enhancer->tracker, iteration)
         && sympie_device (enhancer->context) == SYMPIE_DEVICE_CUDA;
}

/* What is known of the frame in hand before it is decided whether to estimate.
 * Thumbnails are for changes and cuts, where these matter. */
static gboolean
glance (
    GstSympieEnhancer *enhancer, const SympieImage *image, SympieError *error)
{
  GstSympieEnhancerSettings *settings = &enhancer->settings;
  GstSympieFrame *frame = &enhancer->frame;

  frame->duration = gst_sympie_filter_get_frame_duration (enhancer->filter);
  frame->cut = enhancer->cut;
  enhancer->cut = FALSE;
  frame->thumbnail = NULL;
  if (image->memory != SYMPIE_MEMORY_HOST)
    settings->smoothing = 0; /* from one scene into the next */
  if (image->memory != SYMPIE_MEMORY_HOST
      || (settings->look_at != GST_SYMPIE_LOOK_AT_PICTURE
          && settings->schedule.reuse == GST_SYMPIE_REUSE_FIXED
          && settings->schedule.interval == 1 && settings->schedule.time == 0
          && settings->smoothing == 0))
    return TRUE;
  frame->thumbnail = &enhancer->thumbnail;
  return sympie_thumbnail (image, &enhancer->thumbnail, error);
}

/* Where NEM looks in the frame in hand, the first of whose `n` fields or wholes
 * is `image`. */
static void
find_region (GstSympieEnhancer *enhancer, const SympieImage *image, guint n)
{
  const GstSympieEnhancerSettings *settings = &enhancer->settings;
  GstVideoRectangle *region = &enhancer->region;
  gint width = image->width, height = image->height * (gint) n;

  if (enhancer->tracker.anew)
    gst_sympie_bars_reset (&enhancer->bars);
  if (settings->look_at == GST_SYMPIE_LOOK_AT_PICTURE
      && enhancer->frame.thumbnail)
    gst_sympie_bars_see (&enhancer->bars, enhancer->frame.thumbnail,
        !GST_VIDEO_INFO_IS_RGB (&enhancer->filter->format.info));

  *region = enhancer->regions;
  if ((settings->look_at != GST_SYMPIE_LOOK_AT_PICTURE
          || !gst_sympie_bars_get (&enhancer->bars, width, height, region))
      && (settings->look_at != GST_SYMPIE_LOOK_AT_REGIONS
          || !enhancer->has_regions || region->x >= width
          || region->y >= height))
    *region = gst_sympie_crop_get (&settings->crop, width, height);
  region->h = (region->h + (gint) n - 1) / (gint) n;
  region->y /= (gint) n;
  enhancer->is_whole = region->x == 0 && region->y == 0
                       && region->w >= image->width
                       && region->h >= image->height;
}

/* ---- Frames -------------------------------------------------------------- */

static SympieParams
blend (const GstSympieEnhancer *enhancer, const SympieParams *params)
{
  SympieParams blended;

  sympie_params_identity (&blended);
  sympie_params_blend (
      &blended, params, (float) enhancer->settings.strength, &blended);
  return blended;
}

/* Whether a frame that gets these parameters differs from what comes in. */
static gboolean
changes_frames (const GstSympieEnhancer *enhancer, const SympieParams *params)
{
  SympieParams identity, blended = blend (enhancer, params);

  sympie_params_identity (&identity);
  return enhancer->settings.mode != GST_SYMPIE_MODE_ESTIMATE
         && sympie_params_distance (&identity, &blended) > 0.0f;
}

/* Estimates before it is decided where the frame goes: one that the parameters
 * would leave as it is passes. Where one call can estimate and apply, that is
 * left to it, unless the parameters of the frame before changed nothing. */
gboolean
gst_sympie_enhancer_prepare (GstSympieEnhancer *enhancer,
    const GstSympieView *views, guint n, gboolean *changes, SympieError *error)
{
  gboolean wanted;

  enhancer->stats = (GstSympieEnhancerStats){ .frames = 1 };
  enhancer->at_once = FALSE;
  if (gst_sympie_enhancer_estimates (enhancer)) {
    if (!glance (enhancer, &views[0].image, error))
      return FALSE;
    wanted = gst_sympie_tracker_begin (
        &enhancer->tracker, &enhancer->settings.schedule, &enhancer->frame);
    find_region (enhancer, &views[0].image, n);
    if (enhancer->estimator && !exchange_with_aside (enhancer, wanted, error))
      return FALSE;
    enhancer->at_once = is_one_step (enhancer, 0, n)
                        && changes_frames (enhancer, &enhancer->info.params);
    if (enhancer->at_once)
      return TRUE;
  } else {
    gst_sympie_enhancer_end_scene (enhancer);
    enhancer->info = enhancer->given;
  }

  if (!get_parameters (enhancer, 0, &views[0].image, error))
    return FALSE;
  *changes = changes_frames (enhancer, &enhancer->params);
  enhancer->stats.untouched = !*changes;
  return TRUE;
}

static gboolean
estimate_and_apply (GstSympieEnhancer *enhancer, guint iteration,
    const SympieImage *from, const SympieTarget *to, SympieError *error)
{
  GstSympieEstimate estimate =
      gst_sympie_tracker_about (&enhancer->tracker, &enhancer->frame);

  if (!sympie_enhance (enhancer->context, from, to,
          (float) enhancer->settings.strength, &estimate.params, &estimate.gate,
          error))
    return FALSE;
  gst_sympie_tracker_put (&enhancer->tracker, iteration, &estimate);
  gst_sympie_tracker_get (&enhancer->tracker, iteration, 0, &enhancer->params);
  if (iteration == 0)
    gst_sympie_tracker_get_info (&enhancer->tracker, &enhancer->info);
  enhancer->stats.estimates++;
  return TRUE;
}

static gboolean
apply (GstSympieEnhancer *enhancer, const GstSympieView *from,
    const GstSympieView *to, guint n, SympieError *error)
{
  SympieParams blended = blend (enhancer, &enhancer->params);

  for (guint i = 0; i < n; i++)
    if (!sympie_apply (
            enhancer->context, &from[i].image, &to[i].target, &blended, error))
      return FALSE;
  return TRUE;
}

static gboolean
iterate (GstSympieEnhancer *enhancer, guint iteration,
    const GstSympieView *from, const GstSympieView *to, guint n,
    SympieError *error)
{
  gboolean one_step =
      iteration == 0 ? enhancer->at_once : is_one_step (enhancer, iteration, n);
  GstClockTime begin;

  if (!one_step && iteration > 0
      && !get_parameters (enhancer, iteration, &from->image, error))
    return FALSE;
  begin = gst_util_get_timestamp ();
  if (one_step ? !estimate_and_apply (
          enhancer, iteration, &from->image, &to->target, error)
               : !apply (enhancer, from, to, n, error))
    return FALSE;
  enhancer->stats.apply_time += gst_util_get_timestamp () - begin;
  return TRUE;
}

gboolean
gst_sympie_enhancer_apply (GstSympieEnhancer *enhancer,
    const GstSympieView *src, const GstSympieView *dst, guint n,
    SympieError *error)
{
  for (guint i = 0; i < enhancer->settings.iterations; i++)
    if (!iterate (enhancer, i, i == 0 ? src : dst, dst, n, error))
      return FALSE;
  return TRUE;
}

GstSympieEstimateState
gst_sympie_enhancer_drain (GstSympieEnhancer *enhancer, SympieError *error)
{
  GstSympieEstimateState state;

  enhancer->stats = (GstSympieEnhancerStats){ 0 };
  if (!enhancer->estimator || !gst_sympie_enhancer_estimates (enhancer))
    return GST_SYMPIE_ESTIMATE_NONE;
  gst_sympie_estimator_drain (enhancer->estimator);
  state = take_from_aside (enhancer, error);
  if (state == GST_SYMPIE_ESTIMATE_READY) {
    gst_sympie_tracker_get (
        &enhancer->tracker, 0, enhancer->settings.smoothing, &enhancer->params);
    gst_sympie_tracker_get_info (&enhancer->tracker, &enhancer->info);
  }
  return state;
}
