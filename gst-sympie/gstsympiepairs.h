/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The base class of an element that compares two streams, `ref_sink` and
 * `dist_sink`. It pairs their frames by running time and hands the distorted
 * ones on through `src`. */

#ifndef GST_SYMPIE_PAIRS_H
#define GST_SYMPIE_PAIRS_H

#include <gst/base/gstaggregator.h>

#include "gstsympieimage.h"

G_BEGIN_DECLS

typedef enum
{
  GST_SYMPIE_REF,
  GST_SYMPIE_DIST,
  GST_SYMPIE_N_SIDES
} GstSympieSide;

/* The name of its pad. */
const gchar *gst_sympie_side_name (GstSympieSide side);

/* One of the frames of a pair. */
typedef struct
{
  GstBuffer *buffer;
  const GstVideoInfo *info;
  const GstSympieStream *stream;
  GstClockTime running_time, stream_time;
} GstSympieFrame;

#define GST_TYPE_SYMPIE_PAIRS (gst_sympie_pairs_get_type ())
G_DECLARE_DERIVABLE_TYPE (
    GstSympiePairs, gst_sympie_pairs, GST, SYMPIE_PAIRS, GstAggregator)

/* A subclass sets all three. They run in the streaming thread; whoever returns
 * GST_FLOW_ERROR has posted why. A subclass that overrides stop() chains up. */
struct _GstSympiePairsClass
{
  GstAggregatorClass parent_class;

  GstFlowReturn (*pair) (
      GstSympiePairs *self, const GstSympieFrame frames[GST_SYMPIE_N_SIDES]);
  /* For a frame without a partner. */
  GstFlowReturn (*unmatched) (
      GstSympiePairs *self, GstSympieSide side, GstClockTime running_time);
  /* After all frames, where both streams have ended: GST_FLOW_EOS unless it
   * fails. */
  GstFlowReturn (*finish) (GstSympiePairs *self);
};

G_END_DECLS

#endif /* GST_SYMPIE_PAIRS_H */
