/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Contexts of one process share the weights of a file: each that comes after
 * the first takes little memory, another file under the same name is another
 * one, whoever closes first, and all memory comes back in the end. */

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "frame.h"
#include "nem_file.h"

enum
{
  N = 8,
  SIZE = 96,
  MOST_OF_ONE = 12 << 20 /* bytes of each more context */
};

static Frame frame;

static size_t
allocated (void)
{
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
}

static SympieContext *
open_context (const char *path)
{
  SympieConfig config = SYMPIE_CONFIG_INIT;
  SympieError error = { 0 };
  SympieContext *context;

  config.weights = path;
  config.device = SYMPIE_DEVICE_CPU;
  config.n_threads = 1;
  context = sympie_open (&config, &error);
  CHECK (context, "%s: %s", path, error.message);
  return context;
}

static SympieParams
estimate (SympieContext *context)
{
  SympieError error = { 0 };
  SympieParams params = { .values = { 0 } };

  CHECK (sympie_estimate (context, &frame.image, &params, NULL, &error), "%s",
      error.message);
  return params;
}

static void
test_memory (const char *path)
{
  SympieContext *contexts[N];
  size_t before = allocated (), first, all;
  SympieParams expected, params;

  contexts[0] = open_context (path);
  expected = estimate (contexts[0]);
  first = allocated () - before;
  for (int i = 1; i < N; i++)
    contexts[i] = open_context (path);
  for (int i = 1; i < N; i++) {
    params = estimate (contexts[i]);
    CHECK (memcmp (&params, &expected, sizeof params) == 0, "context %d", i);
  }
  all = allocated () - before;
  /* Sanitizers allocate by themselves and tell nothing. */
  CHECK (first == 0 || all - first < (size_t) (N - 1) * MOST_OF_ONE,
      "%zu bytes for the first, %zu for %d more", first, all - first, N - 1);
  printf ("%.1f MB for the first context, %.1f for each more\n", first / 1e6,
      (all - first) / 1e6 / (N - 1));

  /* The first may go first. */
  for (int i = 0; i < N - 1; i++)
    sympie_close (contexts[i]);
  params = estimate (contexts[N - 1]);
  CHECK (memcmp (&params, &expected, sizeof params) == 0, "the last");
  sympie_close (contexts[N - 1]);
  all = allocated ();
  CHECK (all < before + 65536, "%zu bytes left", all - before);
}

/* Training puts a new file in the place of one in use, or another content into
 * it, here of the same size and time. */
static void
test_replaced (bool in_place)
{
  const struct timespec times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
  char folder[] = "/tmp/sympie-sharing-XXXXXX", name[64], other[64];
  const char *how = in_place ? "written over" : "renamed";
  SympieContext *old, *new;
  SympieParams before, after, again;

  if (!CHECK (mkdtemp (folder), "no folder"))
    return;
  snprintf (name, sizeof name, "%s/a", folder);
  snprintf (other, sizeof other, "%s/b", folder);
  nem_file_write (name, 2, NULL);
  nem_file_write (other, 3, NULL);
  CHECK (utimensat (AT_FDCWD, name, times, 0) == 0, "%s", name);
  CHECK (utimensat (AT_FDCWD, other, times, 0) == 0, "%s", other);
  old = open_context (name);
  before = estimate (old);
  if (in_place) {
    nem_file_write (name, 3, NULL);
    CHECK (utimensat (AT_FDCWD, name, times, 0) == 0, "%s", name);
    CHECK (unlink (other) == 0, "%s", other);
  } else {
    CHECK (rename (other, name) == 0, "%s", other);
  }
  new = open_context (name);
  after = estimate (new);
  CHECK (memcmp (&before, &after, sizeof after) != 0,
      "%s: the weights of before", how);
  again = estimate (old);
  CHECK (memcmp (&before, &again, sizeof again) == 0,
      "%s: weights changed in use", how);
  sympie_close (old);
  sympie_close (new);

  /* The last layer is nobody's to share: the parameters differ in any case. */
  new = open_context (name);
  again = estimate (new);
  CHECK (
      memcmp (&after, &again, sizeof again) == 0, "%s: layers of before", how);
  sympie_close (new);
  unlink (name);
  rmdir (folder);
}

static void *
open_and_close (void *path)
{
  for (int i = 0; i < 6; i++)
    sympie_close (open_context (path));
  return NULL;
}

static void
test_at_once (const char *path)
{
  pthread_t threads[4];

  for (int i = 0; i < 4; i++)
    pthread_create (&threads[i], NULL, open_and_close, (void *) path);
  for (int i = 0; i < 4; i++)
    pthread_join (threads[i], NULL);
}

static atomic_bool ends;

static void *
open_again (void *path)
{
  while (!ends)
    sympie_close (open_context (path));
  return NULL;
}

/* The child of a fork opens contexts, whatever another thread was at. */
static void
test_fork (const char *path)
{
  pthread_t thread;

  pthread_create (&thread, NULL, open_again, (void *) path);
  for (int i = 0; i < 5; i++) {
    int status = -1;
    pid_t child;

    usleep (3000 + 7000 * i);
    child = fork ();
    if (child == 0) {
      alarm (10);
      sympie_close (open_context (path));
      _exit (0);
    }
    CHECK (waitpid (child, &status, 0) == child && status == 0,
        "fork %d: the child ended with status %d", i, status);
  }
  ends = true;
  pthread_join (thread, NULL);
}

int
main (void)
{
  const SympieColorimetry bt709 = { .kr = 0.2126f, .kb = 0.0722f };
  const char *path = getenv ("SYMPIE_WEIGHTS");
  uint64_t seed = 1;

  if (!CHECK (path, "SYMPIE_WEIGHTS is not set"))
    return check_end ();
  frame = frame_new (SYMPIE_FORMAT_RGB, SIZE, SIZE, 0, &bt709, &seed);
  sympie_close (open_context (path)); /* what the C library keeps */
  test_memory (path);
  test_replaced (false);
  test_replaced (true);
  test_at_once (path);
  if (check_can_fork)
    test_fork (path);
  frame_clear (&frame);
  return check_end ();
}
