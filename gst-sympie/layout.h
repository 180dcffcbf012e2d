/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* How frames lie in buffers. Plain is as their caps imply; any other layout is
 * told by a GstVideoMeta, which not everyone reads. */

#ifndef GST_SYMPIE_LAYOUT_H
#define GST_SYMPIE_LAYOUT_H

#include <gst/video/video.h>

gboolean gst_sympie_layout_is_plain (
    GstBuffer *buffer, const GstVideoInfo *info);

/* The frame in a new buffer, without its metadata; NULL where it cannot be
 * mapped. */
GstBuffer *gst_sympie_layout_copy_plain (
    GstBuffer *buffer, const GstVideoInfo *info);

/* Adds to a query of the allocation a pool for its caps, of at least so many
 * buffers as will be held at a time. */
gboolean gst_sympie_layout_offer_pool (GstQuery *query, guint n_held);

/* Has a query of the allocation end up with a pool: downstream's, if it offers
 * one. */
void gst_sympie_layout_choose_pool (
    GstQuery *query, const GstVideoInfo *info, gboolean downstream_reads_meta);

#endif /* GST_SYMPIE_LAYOUT_H */
