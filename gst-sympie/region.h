/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Where in a frame NEM looks: a rectangle, of which it sees the central square.
 * Given by hand, found between black bars, or marked by whoever came before. */

#ifndef GST_SYMPIE_REGION_H
#define GST_SYMPIE_REGION_H

#include <gst/video/video.h>

#include "sympie.h"

typedef enum
{
  GST_SYMPIE_LOOK_AT_FRAME,
  GST_SYMPIE_LOOK_AT_PICTURE,
  GST_SYMPIE_LOOK_AT_REGIONS
} GstSympieLookAt;

/* By hand. All zero is the whole frame. */
typedef struct
{
  GstVideoRectangle rectangle; /* of samples, if its width is not 0 */
  gdouble aspect; /* width to height of the largest in the middle, or 0 */
} GstSympieCrop;

/* "X,Y,WIDTH,HEIGHT", "WIDTH:HEIGHT", or nothing. Fails with a sentence in
 * `reason`, which the caller frees. */
gboolean gst_sympie_crop_parse (
    GstSympieCrop *crop, const gchar *text, gchar **reason);

/* In a frame of that size. A rectangle may be anywhere, also outside. */
GstVideoRectangle gst_sympie_crop_get (
    const GstSympieCrop *crop, gint width, gint height);

/* Black bars, known from thumbnails. All zero has seen none. */
typedef struct
{
  gboolean has_seen;
  /* The brightest that was ever seen in a row or column of cells. */
  guint8 rows[SYMPIE_THUMBNAIL_SIZE], columns[SYMPIE_THUMBNAIL_SIZE];
} GstSympieBars;

/* Of another scene, or another film. */
void gst_sympie_bars_reset (GstSympieBars *bars);
void gst_sympie_bars_see (
    GstSympieBars *bars, const SympieThumbnail *thumbnail, gboolean is_yuv);

/* What is between bars as wide on either side; FALSE where there are none, or
 * nothing but black yet. As a thumbnail is coarse, the rectangle ends up to a
 * sixteenth of the frame inside the picture rather than in a bar. */
gboolean gst_sympie_bars_get (const GstSympieBars *bars, gint width,
    gint height, GstVideoRectangle *rectangle);

/* The smallest rectangle around all GstVideoRegionOfInterestMeta of a buffer;
 * FALSE where it has none. */
gboolean gst_sympie_regions_get (
    GstBuffer *buffer, GstVideoRectangle *rectangle);

#endif /* GST_SYMPIE_REGION_H */
