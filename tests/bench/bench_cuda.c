/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* --device cuda: tests/cuda/bench.c and its peer are programs of their own, as
 * they also have to run where there is nothing but the CUDA toolkit. */

#include <stdlib.h>

#include "bench.h"

static int
run (const char *program)
{
  char *argv[] = { (char *) program, NULL };
  GError *error = NULL;
  int status;

  if (!g_spawn_sync (NULL, argv, NULL, G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL,
          NULL, NULL, &status, &error))
    bench_fail ("%s", error->message);
  return g_spawn_check_wait_status (status, NULL) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
bench_cuda (bool peers)
{
#ifdef SYMPIE_CUDA_BENCH
  int result = run (SYMPIE_CUDA_BENCH);

  if (result == EXIT_SUCCESS && peers)
    result = run (SYMPIE_SOURCE_DIR "/tests/cuda/peers.py");
  return result;
#else
  (void) run;
  (void) peers;
  bench_fail ("--device cuda: built without CUDA");
  return EXIT_FAILURE;
#endif
}
