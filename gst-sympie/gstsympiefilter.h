/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The base of an element that changes frames where its settings say so. It owns
 * all that has to do with the stream: caps, passthrough, the layout of buffers,
 * metadata, colour, fields, errors. A subclass has its settings, fields of its
 * instance (see properties.h), and one call a frame. */

#ifndef GST_SYMPIE_FILTER_H
#define GST_SYMPIE_FILTER_H

#include <gst/base/gstbasetransform.h>

#include "gstsympiecuda.h"
#include "gstsympieimage.h"
#include "negotiation.h"

/* A pad takes frames in these formats, and all there is where the element has
 * nothing to do. */
#define GST_SYMPIE_FILTER_PAD_CAPS(formats)                                    \
  GST_STATIC_CAPS (formats "; video/x-raw(ANY)")

#define GST_TYPE_SYMPIE_FILTER (gst_sympie_filter_get_type ())
#define GST_SYMPIE_FILTER(object)                                              \
  (G_TYPE_CHECK_INSTANCE_CAST (                                                \
      (object), GST_TYPE_SYMPIE_FILTER, GstSympieFilter))
#define GST_SYMPIE_FILTER_CLASS(klass)                                         \
  (G_TYPE_CHECK_CLASS_CAST (                                                   \
      (klass), GST_TYPE_SYMPIE_FILTER, GstSympieFilterClass))
#define GST_SYMPIE_FILTER_GET_CLASS(object)                                    \
  (G_TYPE_INSTANCE_GET_CLASS (                                                 \
      (object), GST_TYPE_SYMPIE_FILTER, GstSympieFilterClass))

typedef struct _GstSympieFilter GstSympieFilter;
typedef struct _GstSympieFilterClass GstSympieFilterClass;

struct _GstSympieFilter
{
  GstBaseTransform parent;

  /* The object lock guards these. */
  guint n_threads;
  gboolean running; /* between start and stop */
  gboolean told_on; /* what upstream was last told of the settings */

  /* The rest belongs to the streaming thread, and while there is none to start
   * and stop. */
  GstSympieNegotiation negotiation;
  /* In which frames in CUDA memory are worked on; the subclass opens it. */
  GstSympieCuda cuda;

  /* The stream, for the subclass to read. */
  GstSympieFormat format;
  gboolean in_cuda; /* memory */

  guint n_held; /* frames that the subclass may hold at a time */

  gchar *refusal;    /* what in the caps keeps frames from being changed */
  gboolean is_stuck; /* where on, with these caps: upstream has no others */

  /* Layout: frames laid out in another way than the caps imply carry a
   * GstVideoMeta, which not everyone reads. */
  gboolean downstream_reads_meta;
  gboolean upstream_may_pad; /* as it was told so here */

  /* The frame in hand. */
  gboolean marks;        /* for the subclass to set */
  GstFlowReturn verdict; /* before anything is done to it */
  GstBuffer *buffer;     /* while it is prepared */
  gboolean changes;
};

/* Those that are not said to be optional must be there. */
struct _GstSympieFilterClass
{
  GstBaseTransformClass parent_class;

  const gchar *verb;      /* what is done to video, in errors: "enhance" */
  GstStaticCaps *formats; /* caps that it can be done to */

  /* Whether the settings, as they are now, may change frames. Called with the
   * object lock, from any thread. */
  gboolean (*is_on) (GstSympieFilter *self);

  /* Fixes the settings of the frame that comes now. Called with the object
   * lock, for every frame, also those that pass untouched; `stream_time` may be
   * GST_CLOCK_TIME_NONE. This and all below run in the streaming thread, or
   * while there is none. */
  void (*begin_frame) (GstSympieFilter *self, GstClockTime stream_time);

  /* Sees to it that what the frame needs (files, devices) is open; FALSE, with
   * an error posted, where it cannot be. */
  gboolean (*ensure_open) (GstSympieFilter *self);
  void (*close) (GstSympieFilter *self);

  /* Optional: the next frame does not continue those before it: a new stream, a
   * flush, new caps. Times that jump are for the subclass to see. */
  void (*end_scene) (GstSympieFilter *self);

  /* Optional: looks at the frame's images (progressive: one; interlaced: top
   * field, bottom field) before it is decided where the result goes. `changes`,
   * TRUE before, is set to FALSE where apply() would change nothing: the buffer
   * passes untouched then. Fails like the library. */
  gboolean (*prepare) (GstSympieFilter *self, const GstSympieView *views,
      guint n, gboolean *changes, SympieError *error);

  /* Changes the images of `src` to those of `dst`, which may be the same. Fails
   * like the library. */
  gboolean (*apply) (GstSympieFilter *self, const GstSympieView *src,
      const GstSympieView *dst, guint n, SympieError *error);

  /* Where begin_frame() has set `marks`: marks the frame's buffer, writable but
   * for its memory, with what was done. */
  void (*mark) (GstSympieFilter *self, GstBuffer *buffer);
};

GType gst_sympie_filter_get_type (void);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstSympieFilter, gst_object_unref)

/* The stream's, from its caps; GST_CLOCK_TIME_NONE where they do not say. */
GstClockTime gst_sympie_filter_get_frame_duration (GstSympieFilter *self);

/* Maps the frame in hand, which stays as it is until it is unmapped, in
 * whatever thread: to be called from prepare(), with frames in system memory.
 * What the frame is changed to then goes elsewhere. FALSE, with an error
 * posted, where it cannot be mapped. */
gboolean gst_sympie_filter_hold_frame (
    GstSympieFilter *self, GstSympieMapped *held);

/* Until it is stopped, it can be done only to these formats of the class's, as
 * is known now that a device is open. The reason why no CUDA memory is among
 * them reads after "video in CUDA memory"; NULL where it is. */
void gst_sympie_filter_limit (
    GstSympieFilter *self, GstStaticCaps *formats, const gchar *why_no_cuda);

#endif /* GST_SYMPIE_FILTER_H */
