/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What happens once: the plugin is loaded, the first frame is enhanced. Each
 * time in a process of its own, as the second time is another matter. */

#include <gst/check/gstharness.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

int
bench_start_child (void)
{
  double start, loaded, first;
  GstPlugin *plugin;
  GstHarness *harness;
  GstBuffer *buffer;
  char *caps = g_strdup_printf (
      "video/x-raw,format=RGBA,width=%d,height=%d,framerate=25/1", BENCH_WIDTH,
      BENCH_HEIGHT);

  buffer = gst_buffer_new_allocate (
      NULL, (gsize) BENCH_WIDTH * BENCH_HEIGHT * 4, NULL);
  gst_buffer_memset (buffer, 0, 64, gst_buffer_get_size (buffer));
  GST_BUFFER_PTS (buffer) = 0;

  start = bench_now ();
  plugin = gst_plugin_load_file (SYMPIE_PLUGIN, NULL);
  loaded = bench_now ();
  if (!plugin)
    bench_fail ("%s does not load", SYMPIE_PLUGIN);

  harness = gst_harness_new ("sympieenhance");
  gst_harness_set_caps_str (harness, caps, caps);
  if (gst_harness_push (harness, buffer) != GST_FLOW_OK
      || !(buffer = gst_harness_try_pull (harness)))
    bench_fail ("no first frame");
  first = bench_now ();

  printf ("%f %f\n", loaded - start, first - loaded);
  gst_buffer_unref (buffer);
  gst_harness_teardown (harness);
  gst_object_unref (plugin);
  g_free (caps);
  return EXIT_SUCCESS;
}

typedef struct
{
  const Bench *bench;
  int column;
} Start;

/* One process gives both numbers; each case reads its own. */
static double
start_process (void *data)
{
  const Start *self = data;
  char *argv[] = { "/proc/self/exe", "--start-child",
    self->bench->cpu_time ? "--cpu-time" : NULL, NULL };
  char *out = NULL, *end;
  double times[2];

  if (!g_spawn_sync (
          NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, NULL, NULL)
      || !out || !*out)
    bench_fail ("the process that loads the plugin failed");
  times[0] = g_ascii_strtod (out, &end);
  times[1] = g_ascii_strtod (end, NULL);
  g_free (out);
  return times[self->column];
}

void
bench_start (Bench *bench)
{
  Start load = { bench, 0 }, first = { bench, 1 };
  BenchGroup *group = bench_group (bench, "start, in a process of its own");
  BenchCase *load_case, *first_case;

  load_case = bench_case (group, start_process, &load, "loading the plugin");
  first_case = bench_case (
      group, start_process, &first, "from loaded to the first frame, RGBA");
  bench_group_run (bench, group);
  bench_claim (bench, "plugin load", "ms", load_case->minimum,
      load_case->median, false, 50);
  bench_claim (bench, "first frame", "ms", first_case->minimum,
      first_case->median, false, 1000);
}
