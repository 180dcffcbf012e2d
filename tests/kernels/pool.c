/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The team of workers and its shares: every task once, never two with one index
 * at a time, what they wrote visible; as many threads as the largest share
 * needs, idle ones at rest, none left at the end. */

#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "../threads.h"

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
  SympieError error = { 0 };
  SympiePool *pool = sympie_pool_new (n_threads, &error);
  Record r = { .n_threads = n_threads };

  if (!CHECK (pool, "%d threads: %s", n_threads, error.message)) {
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

/* More callers than processors, each with a share of its own. */
static void
test_many_shares (void)
{
  enum
  {
    N = 12
  };
  SympiePool *pools[N];
  pthread_t threads[N];
  int n_threads;

  for (int i = 0; i < N; i++)
    pools[i] = sympie_pool_new (1 + i % 4, NULL);
  n_threads = threads_settled ("sympie-pool", 3);
  CHECK (n_threads == 3, "%d workers for shares of up to 4", n_threads);
  for (int i = 0; i < N; i++)
    pthread_create (&threads[i], NULL, run_often, pools[i]);
  for (int i = 0; i < N; i++) {
    void *wrong;

    pthread_join (threads[i], &wrong);
    CHECK (!wrong, "share %d: %ld runs", i, (long) wrong);
  }
  n_threads = threads_settled ("sympie-pool", 3);
  CHECK (n_threads == 3, "%d workers after the runs", n_threads);

  for (int i = 0; i < N; i++) {
    sympie_pool_free (pools[i]);
    n_threads = threads_settled ("sympie-pool", i < N - 1 ? 3 : 0);
    CHECK (n_threads == (i < N - 1 ? 3 : 0), "%d workers after %d of %d",
        n_threads, i + 1, N);
  }
}

/* Workers do help, each with a range of its own first: threads that wait for
 * each other in the first task of each end. */
typedef struct
{
  atomic_int arrived;
  int n;
  int first[MAX_THREADS]; /* task of each thread; -1: none yet */
} Meeting;

static void
meet (void *data, int task, int thread)
{
  Meeting *meeting = data;

  if (meeting->first[thread] >= 0)
    return;
  meeting->first[thread] = task;
  atomic_fetch_add (&meeting->arrived, 1);
  while (atomic_load (&meeting->arrived) < meeting->n)
    sched_yield ();
}

static void
test_meeting (int n, int tasks_each)
{
  SympiePool *pool = sympie_pool_new (n, NULL);

  for (int round = 0; round < 100; round++) {
    Meeting meeting = { .n = n };

    memset (meeting.first, -1, sizeof meeting.first);
    if (round % 10 == 0)
      usleep (1000); /* the workers sleep by now */
    sympie_pool_run (pool, meet, &meeting, n * tasks_each);
    CHECK (meeting.arrived == n, "%d of %d", meeting.arrived, n);
    for (int t = 0; t < n; t++)
      CHECK (meeting.first[t] == t * tasks_each,
          "thread %d of %d begins with task %d of %d", t, n, meeting.first[t],
          n * tasks_each);
  }
  sympie_pool_free (pool);
}

/* Processor time of the process over a while in which nothing is to be done. */
static void
test_rest (void)
{
  SympiePool *pool = sympie_pool_new (4, NULL);
  atomic_int sum = 0;
  clock_t begin;
  double used;

  sympie_pool_run (pool, add_task, &sum, 4);
  usleep (20000); /* over with looking, and the processor may be taken */
  begin = clock ();
  usleep (300000);
  used = (double) (clock () - begin) / CLOCKS_PER_SEC;
  CHECK (used < 0.01, "%g s of processor time in 0.3 s of rest", used);
  sympie_pool_free (pool);
}

/* No more of a larger team help a share than it has room for. */
static void
test_larger_team (void)
{
  SympiePool *larger = sympie_pool_new (MAX_THREADS, NULL);
  SympiePool *pool = sympie_pool_new (2, NULL);
  Record r = { .n_threads = 2 };

  for (int round = 0; round < 300; round++)
    sympie_pool_run (pool, record, &r, 100);
  CHECK (r.strangers == 0 && r.clashes == 0, "%d strangers, %d clashes",
      r.strangers, r.clashes);
  sympie_pool_free (pool);
  sympie_pool_free (larger);
}

/* Freed while workers still look for work, sleep or have not begun. */
static void
test_short_lives (void)
{
  int n_threads;

  for (int i = 0; i < 100; i++) {
    SympiePool *pool = sympie_pool_new (1 + i % 4, NULL);
    atomic_int sum = 0;

    if (!CHECK (pool, "share %d", i))
      return;
    if (i % 3)
      sympie_pool_run (pool, add_task, &sum, 4);
    CHECK (sum == (i % 3 ? 6 : 0), "share %d: %d", i, sum);
    sympie_pool_free (pool);
  }
  sympie_pool_free (NULL);
  n_threads = threads_settled ("sympie-pool", 0);
  CHECK (n_threads == 0, "%d workers left", n_threads);
}

/* What a child does with the share that it inherits. */
static bool
goes_on (SympiePool *inherited)
{
  static Record r = { .n_threads = 4 };
  SympiePool *pool;
  bool done;

  alarm (60);
  sympie_pool_run (inherited, record, &r, 100);
  pool = sympie_pool_new (3, NULL);
  sympie_pool_run (pool, record, &r, 100);
  done = threads_settled ("sympie-pool", 2) == 2 && r.runs[99] == 2;
  sympie_pool_free (inherited);
  sympie_pool_free (pool);
  return done && threads_settled ("sympie-pool", 0) == 0;
}

/* A child has none of its parent's workers, nor the locks that they held. */
static void
test_fork (void)
{
  SympiePool *pool = sympie_pool_new (4, NULL);
  Record r = { .n_threads = 4 };
  int status = -1;

  for (int round = 0; round < 10; round++) {
    pid_t child;

    sympie_pool_run (pool, record, &r, 100);
    child = fork ();
    if (child == 0)
      _exit (goes_on (pool) ? 0 : 1);
    CHECK (waitpid (child, &status, 0) == child && status == 0,
        "round %d: the child ended with status %d", round, status);
  }
  sympie_pool_run (pool, record, &r, 100);
  CHECK (r.runs[99] == 11, "%d runs in the parent", r.runs[99]);
  sympie_pool_free (pool);
}

int
main (void)
{
  if (check_can_fork)
    test_fork ();
  for (int n_threads = 1; n_threads <= MAX_THREADS; n_threads++)
    test_tasks (n_threads);
  test_many_shares ();
  test_larger_team ();
  for (int n_threads = 2; n_threads <= 4; n_threads++) {
    test_meeting (n_threads, 1);
    test_meeting (n_threads, 5);
  }
  test_rest ();
  test_short_lives ();
  return check_end ();
}
