/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a user sets of sympieprobe: its writable properties. */

#ifndef GST_SYMPIE_PROBE_PROPERTIES_H
#define GST_SYMPIE_PROBE_PROPERTIES_H

#include <gst/gst.h>

#include "gstsympieresults.h"
#include "sympie.h"

G_BEGIN_DECLS

typedef struct
{
  gchar *weights;                /* or NULL: gst_sympie_vgg19_dup_weights() */
  SympieFeaturesConfig features; /* without the weights */
  guint subsample;
  gboolean frame_message;
  gboolean strict;
  gchar *results_filename; /* or NULL: none */
  GstSympieResultsFormat results_format;
} GstSympieProbeProperties;

void gst_sympie_probe_properties_init (GstSympieProbeProperties *properties);
void gst_sympie_probe_properties_clear (GstSympieProbeProperties *properties);

/* Installs the properties with ids from `first` on. Those given to the other
 * two count from there; they return FALSE where there is no such property. */
void gst_sympie_probe_properties_install (
    GObjectClass *object_class, guint first);
gboolean gst_sympie_probe_properties_set (
    GstSympieProbeProperties *properties, guint id, const GValue *value);
gboolean gst_sympie_probe_properties_get (
    const GstSympieProbeProperties *properties, guint id, GValue *value);

G_END_DECLS

#endif /* GST_SYMPIE_PROBE_PROPERTIES_H */
