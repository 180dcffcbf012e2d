/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The base class of an element that compares distorted streams with their
 * reference, `ref_sink`: `dist_sink`, whose frames it hands on through `src`,
 * and any number of `dist_sink_%u`, which end here. It pairs the frames of each
 * with the reference's by running time. */

#ifndef GST_SYMPIE_PAIRS_H
#define GST_SYMPIE_PAIRS_H

#include <gst/base/gstaggregator.h>

#include "gstsympieimage.h"
#include "gstsympietally.h"

G_BEGIN_DECLS

/* The sink pad of a stream. The tally, of a distorted one, is its element's. */
#define GST_TYPE_SYMPIE_PAIRS_PAD (gst_sympie_pairs_pad_get_type ())
G_DECLARE_FINAL_TYPE (GstSympiePairsPad, gst_sympie_pairs_pad, GST,
    SYMPIE_PAIRS_PAD, GstAggregatorPad)

struct _GstSympiePairsPad
{
  GstAggregatorPad parent;

  gboolean has_caps;
  GstVideoInfo info;
  GstSympieFormat format;
  GstSympieTally tally; /* guarded by the element's object lock */
};

/* The next frame of a stream. */
typedef struct
{
  GstSympiePairsPad *pad;
  GstBuffer *buffer;
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

  /* A frame of the reference and those of `n` distorted streams that belong to
   * it. */
  GstFlowReturn (*pair) (GstSympiePairs *self, const GstSympieFrame *ref,
      const GstSympieFrame *dist, guint n);
  /* `frame`, the reference's or its own, has no partner at `dist`. */
  GstFlowReturn (*unmatched) (GstSympiePairs *self, GstSympiePairsPad *dist,
      const GstSympieFrame *frame);
  /* After all frames, where all streams have ended: GST_FLOW_EOS unless it
   * fails. */
  GstFlowReturn (*finish) (GstSympiePairs *self);
};

/* The pads of the distorted streams in the order in which they came,
 * referenced: g_list_free_full() with gst_object_unref(). */
GList *gst_sympie_pairs_dist_pads (GstSympiePairs *self);

/* `dist_sink`. */
GstSympiePairsPad *gst_sympie_pairs_main_pad (GstSympiePairs *self);

G_END_DECLS

#endif /* GST_SYMPIE_PAIRS_H */
