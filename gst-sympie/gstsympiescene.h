/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Frames that follow each other and may share parameters: what is estimated for
 * one of them serves those after it, until the scene ends. */

#ifndef GST_SYMPIE_SCENE_H
#define GST_SYMPIE_SCENE_H

#include <gst/gst.h>

#include "sympie.h"

G_BEGIN_DECLS

#define GST_SYMPIE_MAX_ITERATIONS 4

/* How to enhance a frame; these may change from one to the next. */
typedef struct
{
  gdouble strength; /* 0 to 1: blend of identity and parameters */
  guint iterations; /* 1 to GST_SYMPIE_MAX_ITERATIONS */
  guint reuse_interval;
  gboolean by_hand; /* take `parameters`, do not estimate */
  SympieParams parameters;
} GstSympieSettings;

/* What was done; times in nanoseconds. */
typedef struct
{
  guint64 frames;
  guint64 estimates;
  guint64 reused; /* frames without an estimate of their own */
  GstClockTime estimate_time;
  GstClockTime apply_time;
} GstSympieStats;

/* All zero is a scene that has not begun. */
typedef struct
{
  SympieParams kept[GST_SYMPIE_MAX_ITERATIONS]; /* one for each iteration */
  guint n_kept;
  guint frames; /* enhanced since the first was estimated */
} GstSympieScene;

void gst_sympie_scene_end (GstSympieScene *scene);

/* Enhances the `n` images of a frame (progressive: one; interlaced: its fields,
 * of which the first one is estimated from) from `src` to `dst`, which may be
 * the same. `used` gets the parameters of the first iteration before the blend,
 * `stats` what was done for this frame. Fails as the library does. */
gboolean gst_sympie_scene_enhance (GstSympieScene *scene,
    SympieContext *context, const GstSympieSettings *settings,
    const SympieImage *src, const SympieImage *dst, guint n, SympieParams *used,
    GstSympieStats *stats, char **error);

G_END_DECLS

#endif /* GST_SYMPIE_SCENE_H */
