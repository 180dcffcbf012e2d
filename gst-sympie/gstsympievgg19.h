/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* VGG19 as an element has it: where its weights are, and how it compares
 * frames. What goes wrong is posted as an error of the element. */

#ifndef GST_SYMPIE_VGG19_H
#define GST_SYMPIE_VGG19_H

#include "gstsympiepairs.h"
#include "sympie.h"

/* SympieLayer and SympieInput as the enumerations that properties have. */
#define GST_TYPE_SYMPIE_LAYER (gst_sympie_layer_get_type ())
GType gst_sympie_layer_get_type (void);
#define GST_TYPE_SYMPIE_INPUT (gst_sympie_input_get_type ())
GType gst_sympie_input_get_type (void);

/* The file that is read: `path`, or where that is NULL or empty, the
 * environment's or the one in the user's data folder. */
gchar *gst_sympie_vgg19_dup_weights (const gchar *path);

/* NULL where it fails. */
SympieFeatures *gst_sympie_vgg19_open (
    GstElement *element, const SympieFeaturesConfig *config);

/* Compares a frame with each of `n` others or, where they are interlaced, its
 * fields with theirs. */
gboolean gst_sympie_vgg19_compare (GstElement *element,
    SympieFeatures *features, const GstSympiePairsFrame *ref,
    const GstSympiePairsFrame *dist, guint n, SympieDifference *differences);

#endif /* GST_SYMPIE_VGG19_H */
