/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* An estimator with a context of its own, which looks at frames that the filter
 * holds for it while the streaming thread goes on. */

#ifndef GST_SYMPIE_ASIDE_H
#define GST_SYMPIE_ASIDE_H

#include "estimator.h"
#include "gstsympiefilter.h"

G_BEGIN_DECLS

typedef struct
{
  SympieContext *context;
  GstSympieEstimator *estimator; /* NULL: closed */
} GstSympieAside;

/* With the weights of `config`, on the processor, on one thread. Fails like the
 * library. */
gboolean gst_sympie_aside_open (
    GstSympieAside *aside, const SympieConfig *config, SympieError *error);
void gst_sympie_aside_close (GstSympieAside *aside);

G_END_DECLS

#endif /* GST_SYMPIE_ASIDE_H */
