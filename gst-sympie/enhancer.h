/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What is done to a frame: parameters are estimated from it, before it goes on
 * or in a thread beside, or come from elsewhere, and are applied. Knows nothing
 * of properties, messages and buffers. */

#ifndef GST_SYMPIE_ENHANCER_H
#define GST_SYMPIE_ENHANCER_H

#include "gstsympiefilter.h"
#include "region.h"
#include "tracker.h"

typedef enum
{
  GST_SYMPIE_MODE_ENHANCE,
  GST_SYMPIE_MODE_ESTIMATE,
  GST_SYMPIE_MODE_APPLY
} GstSympieMode;

/* All of it may change from one frame to the next. */
typedef struct
{
  gdouble strength; /* 0 to 1: blend of identity and parameters */
  guint iterations; /* 1 to GST_SYMPIE_MAX_ITERATIONS */
  GstSympieScheduleSettings schedule;
  GstClockTime smoothing; /* time constant; 0: none */
  gboolean manual;        /* take `parameters`, do not estimate */
  SympieParams parameters;
  GstSympieMode mode;
  GstSympieLookAt look_at; /* crop where there is nothing of the kind */
  GstSympieCrop crop;
} GstSympieEnhancerSettings;

/* What was done; times in nanoseconds. */
typedef struct
{
  guint64 frames;
  guint64 estimates;
  guint64 reused;    /* frames without an estimate of their own */
  guint64 untouched; /* frames that their parameters would leave as they are */
  guint64 shed;      /* estimates that made way for newer ones */
  GstClockTime estimate_time;
  GstClockTime apply_time;
} GstSympieEnhancerStats;

typedef struct
{
  GstSympieFilter *filter; /* whose frames they are; set before all else */

  SympieContext *context; /* NULL: closed */
  gboolean can_estimate;  /* the context has weights */

  /* Beside the streaming thread, with a context of its own; NULL: not. */
  SympieContext *aside;
  GstSympieEstimator *estimator;

  GstSympieTracker tracker;
  gboolean cut; /* upstream says that a scene begins with the next frame */
  GstSympieBars bars;

  /* The frame in hand. */
  GstSympieEnhancerSettings settings;
  GstSympieFrame frame;
  SympieThumbnail thumbnail;
  GstSympieParamsInfo given; /* in the place of estimates */
  gboolean has_regions;      /* marked, around them: */
  GstVideoRectangle regions;
  GstVideoRectangle region; /* of an image that NEM looks at */
  gboolean is_whole;        /* it is all of it */
  gboolean at_once;         /* one call estimates from it and applies that */
  SympieParams params;      /* of the iteration at hand, before the strength */
  GstSympieParamsInfo info; /* of the first iteration */
  GstSympieEnhancerStats stats;
} GstSympieEnhancer;

/* With weights it can estimate, `async` beside the streaming thread where it
 * computes on the processor. Fails like the library. */
gboolean gst_sympie_enhancer_open (GstSympieEnhancer *enhancer,
    const SympieConfig *config, gboolean async, SympieError *error);
void gst_sympie_enhancer_close (GstSympieEnhancer *enhancer);

/* Whether what is open does for the frame in hand. */
gboolean gst_sympie_enhancer_is_ready (const GstSympieEnhancer *enhancer);

/* The next frame has nothing to do with those before it. */
void gst_sympie_enhancer_end_scene (GstSympieEnhancer *enhancer);

/* Whether the frame in hand may be estimated from. */
gboolean gst_sympie_enhancer_estimates (const GstSympieEnhancer *enhancer);

/* GstSympieFilterClass's prepare and apply, for a frame of which `settings`,
 * `given`, the regions and the frame's times were set. */
gboolean gst_sympie_enhancer_prepare (GstSympieEnhancer *enhancer,
    const GstSympieView *views, guint n, gboolean *changes, SympieError *error);
gboolean gst_sympie_enhancer_apply (GstSympieEnhancer *enhancer,
    const GstSympieView *src, const GstSympieView *dst, guint n,
    SympieError *error);

/* At the end of the stream: waits for what is estimated aside. Where something
 * is READY, `stats` and `info` are of it, as if it had come in time for the
 * latest frame. Fails like the library. */
GstSympieEstimateState gst_sympie_enhancer_drain (
    GstSympieEnhancer *enhancer, SympieError *error);

#endif /* GST_SYMPIE_ENHANCER_H */
