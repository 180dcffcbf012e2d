/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the tests of sympieprobe share: a pipeline of two streams that are made
 * up frame by frame, and what it said. */

#ifndef SYMPIE_TEST_PROBE_H
#define SYMPIE_TEST_PROBE_H

#include <gst/check/gstcheck.h>

typedef struct
{
  const gchar *caps;
  const gint *times; /* of the frames, in ms, ended by -1 */
  guint32 seed;      /* frame i of streams with one seed is the same */
} TestStream;

typedef struct
{
  GPtrArray *frames;    /* GstStructure of the frame messages */
  GstStructure *pooled; /* that of dist_sink, or NULL */
  GPtrArray *more;      /* those of the other pads, in their order */
  guint n_passed;       /* frames that came out */
  GError *error;        /* or NULL */
  gchar *debug;
  guint n_warnings;
} TestResults;

/* Path of VGG19 weights of which only relu1_1 is good for anything. */
const gchar *test_weights (void);

/* A path in a folder that test_remove_files removes. */
gchar *test_path (const gchar *name);
void test_remove_files (void);

/* A pipeline of `ref` and `dist` into a sympieprobe with relu1_1 and these
 * properties ("strict=true ..."), played to the end or an error. */
TestResults *test_run (
    const TestStream *ref, const TestStream *dist, const gchar *properties);
void test_results_free (TestResults *results);

/* The same with `n` distorted streams: at dist_sink, dist_sink_0, dist_sink_1
 * and so on. They come, each with its end, in the order of `order`, the
 * reference being 0, or all before the start where that is NULL. */
TestResults *test_run_many (const TestStream *ref, const TestStream *dist,
    guint n, const guint *order, const gchar *properties);

/* The same, but one of the streams comes, with its end, when the other has long
 * waited. */
TestResults *test_run_one_first (
    const TestStream *ref, const TestStream *dist, gboolean ref_first);

/* Collects messages of `pipeline` until the end, an error or `n_frames` frame
 * messages. */
TestResults *test_collect (GstElement *pipeline, guint n_frames);

guint64 test_uint64 (const GstStructure *structure, const gchar *field);
gdouble test_double (const GstStructure *structure, const gchar *field);

#endif /* SYMPIE_TEST_PROBE_H */
