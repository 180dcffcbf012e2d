/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the tests share of what sympieenhance and sympiecorrupt have from their
 * base. */

#ifndef SYMPIE_TEST_FILTER_H
#define SYMPIE_TEST_FILTER_H

#include "enhance.h"

#define MANUAL                                                                 \
  "parameters=\"<1.1,0,0,0,1.1,0,0,0,1.1,0.,0,0,"                              \
  "0,0,0,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0>\""

/* How either element is on; how it is switched off, and on again. */
static const struct
{
  const gchar *launch;
  const gchar *property, *off, *on;
} filters[] = {
  { "sympieenhance device=cpu " MANUAL, "enabled", "false", "true" },
  { "sympieenhance device=cpu " MANUAL, "strength", "0", "1" },
  { "sympiecorrupt temporal=clip corruption=darken", "corruption", "none",
      "darken" },
  { "sympiecorrupt temporal=clip corruption=darken", "severity", "0", "3" },
};

/* One of each element. */
static const guint each[] = { 0, 2 };

static inline void
set (GstHarness *h, guint filter, gboolean on)
{
  gst_util_set_object_arg (G_OBJECT (h->element), filters[filter].property,
      on ? filters[filter].on : filters[filter].off);
}

/* A harness with a bus, the element on or off from the start. */
static inline GstHarness *
filter_harness (guint filter, gboolean on)
{
  GstElement *element = gst_parse_launch (filters[filter].launch, NULL);

  fail_unless (element != NULL);
  gst_util_set_object_arg (G_OBJECT (element), filters[filter].property,
      on ? filters[filter].on : filters[filter].off);
  return harness_with_messages (element);
}

static inline void
assert_quiet (GstHarness *h)
{
  fail_unless (gst_bus_pop_filtered (GST_ELEMENT_BUS (h->element),
                   GST_MESSAGE_ERROR | GST_MESSAGE_WARNING)
               == NULL);
}

/* How often upstream was asked to negotiate anew since the last time. */
static inline guint
count_reconfigure (GstHarness *h)
{
  GstEvent *event;
  guint n = 0;

  while ((event = gst_harness_try_pull_upstream_event (h))) {
    n += GST_EVENT_TYPE (event) == GST_EVENT_RECONFIGURE;
    gst_event_unref (event);
  }
  return n;
}

/* Raw video of which all passes an element that is off, and little else works.
 */
static const gchar *const any_caps[] = {
  TEST_CAPS,
  "video/x-raw, format=I420_10LE, width=64, height=48, framerate=25/1, "
  "colorimetry=bt2100-pq",
  "video/x-raw, format=ARGB64_LE, width=64, height=48, framerate=25/1",
  "video/x-raw, format=RGB, width=64, height=48, framerate=25/1, "
  "colorimetry=(string)1:1:1:1",
  "video/x-raw, format=NV12, width=64, height=48, framerate=25/1, "
  "interlace-mode=fields",
  "video/x-raw, format=NV12, width=64, height=48, framerate=25/1, "
  "multiview-mode=side-by-side",
  "video/x-raw(memory:DMABuf), format=DMA_DRM, drm-format=NV12, width=64, "
  "height=48, framerate=25/1",
  "video/x-raw(memory:GLMemory), format=RGBA, width=64, height=48, "
  "framerate=25/1",
};

#endif /* SYMPIE_TEST_FILTER_H */
