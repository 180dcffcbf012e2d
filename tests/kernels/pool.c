/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The thread pool: every task once, never two on one thread at a time, what
 * they wrote visible. */

#include "cpu/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "check.h"

enum
{
  MAX_TASKS = 1000,
  MAX_THREADS = 8
};

typedef struct
{
  int n_threads;
  int runs[MAX_TASKS]; /* plain: the pool must order what is written here */
  atomic_int inside[MAX_THREADS];
  atomic_int clashes, strangers, signals;
} Record;

static void
record (void *data, int task, int thread)
{
  Record *r = data;
  sigset_t blocked;

  if (thread < 0 || thread >= r->n_threads) {
    atomic_fetch_add (&r->strangers, 1);
    return;
  }
  if (atomic_fetch_add (&r->inside[thread], 1) != 0)
    atomic_fetch_add (&r->clashes, 1);
  pthread_sigmask (SIG_SETMASK, NULL, &blocked);
  if (thread > 0 && !sigismember (&blocked, SIGTERM))
    atomic_fetch_add (&r->signals, 1);
  r->runs[task]++;
  atomic_fetch_sub (&r->inside[thread], 1);
}

static void
test_tasks (int n_threads)
{
  static const int counts[] = { 1, 0, 2, 3, 7, 8, 9, 100, MAX_TASKS };
  char *error = NULL;
  SympiePool *pool = sympie_pool_new (n_threads, &error);
  Record r = { .n_threads = n_threads };

  if (!CHECK (pool, "%d threads: %s", n_threads, error)) {
    free (error);
    return;
  }
  CHECK (sympie_pool_size (pool) == n_threads, "%d, not %d",
      sympie_pool_size (pool), n_threads);

  for (int round = 0; round < 50; round++)
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
      bool once = true;

      memset (r.runs, 0, sizeof r.runs);
      sympie_pool_run (pool, record, &r, counts[c]);
      for (int i = 0; i < MAX_TASKS; i++)
        once = once && r.runs[i] == (i < counts[c]);
      CHECK (once, "%d tasks on %d threads in round %d", counts[c], n_threads,
          round);
    }
  CHECK (r.clashes == 0, "%d times two tasks on one thread", r.clashes);
  CHECK (r.strangers == 0, "%d times on a thread out of range", r.strangers);
  CHECK (r.signals == 0, "%d times open to signals", r.signals);
  sympie_pool_free (pool);
}

static void
add_task (void *data, int task, int thread)
{
  atomic_fetch_add ((atomic_int *) data, task);
}

/* Many short runs: a thread that misses one, or takes one twice, shows. */
static void *
run_often (void *data)
{
  SympiePool *pool = data;
  long wrong = 0;

  for (int round = 0; round < 2000; round++) {
    atomic_int sum = 0;

    sympie_pool_run (pool, add_task, &sum, 1 + round % 5);
    wrong += sum != (round % 5) * (1 + round % 5) / 2;
  }
  return (void *) wrong;
}

static void
test_two_pools (void)
{
  SympiePool *pools[2] = { sympie_pool_new (2, NULL),
    sympie_pool_new (3, NULL) };
  pthread_t threads[2];

  for (int i = 0; i < 2; i++)
    pthread_create (&threads[i], NULL, run_often, pools[i]);
  for (int i = 0; i < 2; i++) {
    void *wrong;

    pthread_join (threads[i], &wrong);
    CHECK (!wrong, "pool %d: %ld runs", i, (long) wrong);
    sympie_pool_free (pools[i]);
  }
}

/* Freed while its threads still spin, sleep or have not begun. */
static void
test_short_lives (void)
{
  for (int i = 0; i < 100; i++) {
    SympiePool *pool = sympie_pool_new (1 + i % 4, NULL);
    atomic_int sum = 0;

    if (!CHECK (pool, "pool %d", i))
      return;
    if (i % 3)
      sympie_pool_run (pool, add_task, &sum, 4);
    CHECK (sum == (i % 3 ? 6 : 0), "pool %d: %d", i, sum);
    sympie_pool_free (pool);
  }
  sympie_pool_free (NULL);
}

int
main (void)
{
  for (int n_threads = 1; n_threads <= MAX_THREADS; n_threads++)
    test_tasks (n_threads);
  test_two_pools ();
  test_short_lives ();
  return check_end ();
}
