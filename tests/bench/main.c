/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include <gst/gst.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kernels/cpu/cpu.h"
#include "bench.h"

static char *
cpu_model (void)
{
  char *text = NULL, *model = NULL;

  if (g_file_get_contents ("/proc/cpuinfo", &text, NULL, NULL)) {
    GRegex *regex =
        g_regex_new ("^model name\\s*:\\s*(.*)$", G_REGEX_MULTILINE, 0, NULL);
    GMatchInfo *match;

    if (g_regex_match (regex, text, 0, &match))
      model = g_match_info_fetch (match, 1);
    g_match_info_unref (match);
    g_regex_unref (regex);
  }
  g_free (text);
  return model ? model : g_strdup ("unknown");
}

static void
add_facts (Bench *bench)
{
  unsigned flags = bench_cpu_flags ();
  GDateTime *now = g_date_time_new_now_utc ();
  char *date = g_date_time_format (now, "%Y-%m-%d %H:%M UTC");
  char *model = cpu_model (), *version = gst_version_string ();
  double load = 0;

  if (getloadavg (&load, 1) != 1)
    load = -1;
  bench_fact (bench, "date", "%s", date);
  bench_fact (bench, "CPU", "%s, %d processors", model, sympie_cpu_count ());
  bench_fact (bench, "instruction sets", "%s",
      flags & SYMPIE_CPU_AVX512 ? "AVX-512"
      : flags & SYMPIE_CPU_AVX2 ? "AVX2"
                                : "plain C");
  bench_fact (bench, "threads", "%d", bench->n_threads);
  bench_fact (bench, "clock", "%s",
      bench->cpu_time ? "CPU time of the process" : "wall");
  bench_fact (bench, "load before", "%.2f%s", load,
      !bench->cpu_time && load > 0.5 * sympie_cpu_count ()
          ? ": busy, --cpu-time is fairer"
          : "");
  bench_fact (bench, "gst-sympie", "%s", PACKAGE_VERSION);
  bench_fact (bench, "GStreamer", "%s", version);
  if (!bench->peers)
    bench_fact (bench, "peers", "not asked for (--peers)");
  g_date_time_unref (now);
  g_free (date);
  g_free (model);
  g_free (version);
}

static const struct
{
  const char *name;
  void (*run) (Bench *bench);
} parts[] = {
  { "start", bench_start },
  { "nem", bench_nem },
  { "dwm", bench_dwm },
  { "element", bench_element },
  { "corrupt", bench_corrupt },
  { "vgg", bench_vgg },
};

static bool
known_part (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    if (strcmp (parts[i].name, name) == 0)
      return true;
  return false;
}

int
main (int argc, char **argv)
{
  Bench bench = { .n_threads = 1 };
  char *cpu = NULL, *device = NULL, *only = NULL;
  gboolean json = FALSE, peers = FALSE, quick = FALSE, child = FALSE;
  gboolean cpu_time = FALSE;
  int n_streams = 0;
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &json, "Print JSON", NULL },
    { "threads", 0, 0, G_OPTION_ARG_INT, &bench.n_threads,
        "Threads that each may use (1)", "N" },
    { "cpu", 0, 0, G_OPTION_ARG_STRING, &cpu,
        "Instruction sets that ours may use: c, avx2 or avx512", "SET" },
    { "device", 0, 0, G_OPTION_ARG_STRING, &device,
        "cpu, or cuda: the kernels on the GPU, with --peers beside PyTorch",
        "DEVICE" },
    { "peers", 0, 0, G_OPTION_ARG_NONE, &peers,
        "Beside PyTorch, FFmpeg, videoconvert and oneDNN's direct path", NULL },
    { "only", 0, 0, G_OPTION_ARG_STRING, &only,
        "One part: start, nem, dwm, element, corrupt or vgg", "PART" },
    { "streams", 0, 0, G_OPTION_ARG_INT, &n_streams,
        "Instead of the parts, N live streams at a time: 1 to 64", "N" },
    { "cpu-time", 0, 0, G_OPTION_ARG_NONE, &cpu_time,
        "Count CPU time: fairer on a busy machine, for one thread", NULL },
    { "quick", 0, 0, G_OPTION_ARG_NONE, &quick,
        "Few rounds: tells that it runs, not how fast", NULL },
    { "start-child", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_NONE, &child, NULL,
        NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  GOptionContext *options =
      g_option_context_new ("- times what gst-sympie does");
  GError *error = NULL;

  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error))
    bench_fail ("%s", error->message);
  g_option_context_free (options);
  if (argc > 1)
    bench_fail ("'%s' is no option; see --help", argv[1]);
  if (device && strcmp (device, "cpu") && strcmp (device, "cuda"))
    bench_fail ("--device %s: cpu or cuda", device);
  if (device && strcmp (device, "cuda") == 0)
    return bench_cuda (peers);
  if (bench.n_threads < 1)
    bench_fail ("--threads %d: at least 1", bench.n_threads);
  if (cpu_time && bench.n_threads > 1)
    bench_fail ("--cpu-time is for one thread: of more it tells the sum");
  if (cpu && strcmp (cpu, "c") && strcmp (cpu, "avx2")
      && strcmp (cpu, "avx512"))
    bench_fail ("--cpu %s: c, avx2 or avx512", cpu);

  if (n_streams < 0 || n_streams > 64)
    bench_fail ("--streams %d: 1 to 64", n_streams);
  if (n_streams && cpu_time)
    bench_fail ("--streams is about waiting, which --cpu-time does not count");
  if (only && !known_part (only))
    bench_fail ("--only %s: start, nem, dwm, element, corrupt or vgg", only);

  /* The library, the element and the child all read it. */
  if (cpu)
    g_setenv ("SYMPIE_CPU", cpu, TRUE);
  g_setenv (
      "SYMPIE_WEIGHTS", SYMPIE_SOURCE_DIR "/weights/nem.safetensors", FALSE);
  /* A peer that dies is told of, not died of. */
  signal (SIGPIPE, SIG_IGN);
  if (cpu_time)
    bench_use_cpu_time ();
  gst_init (NULL, NULL);
  if (child)
    return bench_start_child ();
  if (!gst_plugin_load_file (SYMPIE_PLUGIN, &error))
    bench_fail ("%s", error->message);

  bench.json = json;
  bench.peers = peers;
  bench.quick = quick;
  bench.cpu_time = cpu_time;
  bench.groups = g_ptr_array_new ();
  bench.claims = g_array_new (FALSE, FALSE, sizeof (BenchClaim));
  bench.facts = g_array_new (FALSE, FALSE, sizeof (BenchFact));
  add_facts (&bench);
  if (n_streams > 0)
    bench_streams (&bench, n_streams);
  for (guint i = 0; i < G_N_ELEMENTS (parts) && n_streams == 0; i++)
    if (!only || strcmp (only, parts[i].name) == 0)
      parts[i].run (&bench);
  if (json)
    bench_print_json (&bench);
  else
    bench_print_table (&bench);
  return EXIT_SUCCESS;
}
