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
#include "negotiation.h"

/* The sink pad of a stream. The tally, of a distorted one, is its element's. */
#define GST_TYPE_SYMPIE_PAIRS_PAD (gst_sympie_pairs_pad_get_type ())
G_DECLARE_FINAL_TYPE (GstSympiePairsPad, gst_sympie_pairs_pad, GST,
    SYMPIE_PAIRS_PAD, GstAggregatorPad)

struct _GstSympiePairsPad
{
  GstAggregatorPad parent;

  gboolean is_refused; /* an error has said why */
  gboolean has_caps;
  GstSympieFormat format;
  GstSympieTally tally; /* guarded by the element's object lock */
};

/* The next frame of a stream. */
typedef struct
{
  GstSympiePairsPad *pad;
  GstBuffer *buffer;
  GstClockTime running_time, stream_time;
} GstSympiePairsFrame;

#define GST_TYPE_SYMPIE_PAIRS (gst_sympie_pairs_get_type ())
#define GST_SYMPIE_PAIRS(object)                                               \
  (G_TYPE_CHECK_INSTANCE_CAST ((object), GST_TYPE_SYMPIE_PAIRS, GstSympiePairs))
#define GST_SYMPIE_PAIRS_CLASS(klass)                                          \
  (G_TYPE_CHECK_CLASS_CAST (                                                   \
      (klass), GST_TYPE_SYMPIE_PAIRS, GstSympiePairsClass))
#define GST_SYMPIE_PAIRS_GET_CLASS(object)                                     \
  (G_TYPE_INSTANCE_GET_CLASS (                                                 \
      (object), GST_TYPE_SYMPIE_PAIRS, GstSympiePairsClass))

typedef struct _GstSympiePairs GstSympiePairs;
typedef struct _GstSympiePairsClass GstSympiePairsClass;

struct _GstSympiePairs
{
  GstAggregator parent;

  GstSympiePairsPad *ref, *dist; /* those that are always there */
  GstSympieNegotiation negotiation;
  GstClockID watch; /* for pads that nothing is linked to, or NULL */
};

/* A subclass sets all three. They run in the streaming thread; whoever returns
 * GST_FLOW_ERROR has posted why. A subclass that overrides stop() chains up. */
struct _GstSympiePairsClass
{
  GstAggregatorClass parent_class;

  /* A frame of the reference and those of `n` distorted streams that belong to
   * it. */
  GstFlowReturn (*pair) (GstSympiePairs *self, const GstSympiePairsFrame *ref,
      const GstSympiePairsFrame *dist, guint n);
  /* `frame`, the reference's or its own, has no partner at `dist`. */
  GstFlowReturn (*unmatched) (GstSympiePairs *self, GstSympiePairsPad *dist,
      const GstSympiePairsFrame *frame);
  /* After all frames, where all streams have ended: GST_FLOW_EOS unless it
   * fails. */
  GstFlowReturn (*finish) (GstSympiePairs *self);
};

GType gst_sympie_pairs_get_type (void);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstSympiePairs, gst_object_unref)

#endif /* GST_SYMPIE_PAIRS_H */
