/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The formats that GStreamer has to have, by its version. */

#ifndef GST_SYMPIE_TEST_KNOWN_H
#define GST_SYMPIE_TEST_KNOWN_H

#include <gst/gst.h>

#include "sympie.h"

/* They come first; the others were added later. */
static inline gint
n_known_formats (void)
{
  return GST_CHECK_VERSION (1, 26, 0)   ? SYMPIE_N_FORMATS
         : GST_CHECK_VERSION (1, 24, 0) ? SYMPIE_FORMAT_GRAY10_LE16
                                        : SYMPIE_FORMAT_A422;
}

#endif /* GST_SYMPIE_TEST_KNOWN_H */
