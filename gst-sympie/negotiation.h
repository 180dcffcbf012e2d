/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Which caps an element can work on: the answer to those who ask, and one
 * message, with the reason, to those who come with others. */

#ifndef GST_SYMPIE_NEGOTIATION_H
#define GST_SYMPIE_NEGOTIATION_H

#include "formats.h"

typedef struct
{
  GstElement *element; /* messages are its; set before all else, with */
  const gchar *verb;   /* what is done to video: "enhance" */

  /* The element's object lock guards these. */
  GstStaticCaps *formats;   /* what it can be done to */
  const gchar *why_no_cuda; /* memory; NULL where it is among them */
  GstCaps *refused;         /* these caps were, and the message is posted */
} GstSympieNegotiation;

/* From now on `formats`; `why_no_cuda` reads after "video in CUDA memory". */
void gst_sympie_negotiation_set_formats (GstSympieNegotiation *negotiation,
    GstStaticCaps *formats, const gchar *why_no_cuda);

/* Messages about the same caps may be posted anew. */
void gst_sympie_negotiation_forget (GstSympieNegotiation *negotiation);

/* Of `caps` those that work, where upstream offers `asked`, or NULL: see
 * gst_sympie_caps_restrict(). */
GstCaps *gst_sympie_negotiation_restrict (
    GstSympieNegotiation *negotiation, GstCaps *caps, GstCaps *asked);

/* How many of `caps` are in CUDA memory. */
guint gst_sympie_negotiation_count_cuda (const GstCaps *caps);

/* What of fixed caps does not work, to be freed; NULL where all does. `format`
 * gets what is known of the frames. */
gchar *gst_sympie_negotiation_find_refusal (
    GstSympieNegotiation *negotiation, GstCaps *caps, GstSympieFormat *format);

/* Frames come in caps that do not work, as `refusal` says, and upstream was
 * told to ask: a warning where `pad`'s peer has others; an error, and TRUE,
 * where not. */
gboolean gst_sympie_negotiation_is_stuck (
    GstSympieNegotiation *negotiation, GstPad *pad, const gchar *refusal);

/* After caps that nothing came of, while the element works on frames or lets
 * them pass: an error where it, or the peer of `srcpad`, was the reason. */
void gst_sympie_negotiation_explain_failure (GstSympieNegotiation *negotiation,
    GstCaps *caps, GstPad *srcpad, gboolean works);

/* After an empty answer to somebody who has `wanted` only: a warning where the
 * element was the reason. */
void gst_sympie_negotiation_explain_empty (
    GstSympieNegotiation *negotiation, GstCaps *wanted);

#endif /* GST_SYMPIE_NEGOTIATION_H */
