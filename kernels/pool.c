/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "error.h"

enum
{
  /* How long a thread looks for work before it sleeps: most tasks of NEM, which
   * others may be at, take less. To be woken takes a thread longer than many of
   * them. */
  LOOK_NANOSECONDS = 200000
};

/* Consecutive tasks that a thread begins with; in a cache line of its own. */
typedef struct
{
  _Alignas(64) atomic_int next; /* that nobody has taken; counts on past end */
  int end;
} Range;

/* The team's mutex guards what is not said to be read elsewhere. */
struct SympiePool
{
  int size;

  SympieTask task;
  void *data;
  Range *ranges; /* as many as threads have place in this run */
  int places;    /* for workers in this run, and those taken */
  int joined;
  atomic_int helping; /* those that have not left again; read outside */
  pthread_cond_t alone;
  SympiePool *later; /* in the queue */
};

typedef struct Worker Worker;

struct Worker
{
  pthread_t thread;
  Worker *next;
};

static struct
{
  pthread_mutex_t life; /* held while workers are started and ended */
  int n_shares, n_workers;
  Worker *workers;
  bool minds_forks;

  pthread_mutex_t mutex;
  SympiePool *queue;   /* runs that a worker may join, the next to be joined
                          first */
  atomic_uint runs;    /* counts what was ever put there; read outside */
  int looking, asleep; /* workers */
  pthread_cond_t work;
  bool ends;
} team = {
  .life = PTHREAD_MUTEX_INITIALIZER,
  .mutex = PTHREAD_MUTEX_INITIALIZER,
  .work = PTHREAD_COND_INITIALIZER,
};

/* ---- Looking ------------------------------------------------------------- */

static int64_t
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C (1000000000) + time.tv_nsec;
}

/* Whether the processor was taken from the calling thread since it last asked:
 * others wait for it. */
static bool
was_interrupted (void)
{
  static _Thread_local long seen;
  struct rusage usage;
  long before = seen;

  getrusage (RUSAGE_THREAD, &usage);
  seen = usage.ru_nivcsw;
  return seen != before;
}

static inline void
relax (void)
{
#if defined(__x86_64__)
  __builtin_ia32_pause ();
#endif
}

/* To be called until FALSE, `until` being 0 at first. */
static bool
may_look_on (int64_t *until)
{
  if (*until == 0)
    *until = was_interrupted () ? INT64_MIN : now () + LOOK_NANOSECONDS;
  relax ();
  return now () < *until;
}

/* ---- Workers ------------------------------------------------------------- */

static void
share_out (SympiePool *pool, int n_tasks)
{
  int n = pool->places + 1;

  for (int i = 0; i < n; i++) {
    pool->ranges[i].end = (int) ((int64_t) n_tasks * (i + 1) / n);
    atomic_store (&pool->ranges[i].next, (int) ((int64_t) n_tasks * i / n));
  }
}

static bool
has_tasks (const SympiePool *pool)
{
  for (int i = 0; i <= pool->places; i++)
    if (atomic_load (&pool->ranges[i].next) < pool->ranges[i].end)
      return true;
  return false;
}

/* Those of the thread's own range, then what is left of the others'. */
static void
run_tasks (SympiePool *pool, int thread)
{
  for (int i = 0; i <= pool->places; i++) {
    Range *range = &pool->ranges[(thread + i) % (pool->places + 1)];
    int task;

    while ((task = atomic_fetch_add (&range->next, 1)) < range->end)
      pool->task (pool->data, task, thread);
  }
}

static void
append (SympiePool *pool)
{
  SympiePool **end = &team.queue;

  while (*end)
    end = &(*end)->later;
  pool->later = NULL;
  *end = pool;
}

static void
take_out (SympiePool *pool)
{
  SympiePool **at = &team.queue;

  while (*at && *at != pool)
    at = &(*at)->later;
  if (*at)
    *at = pool->later;
}

/* Joins the run that has waited longest and puts it behind the others, or away
 * if it has no place for another worker. NULL where there is none. */
static SympiePool *
join (int *thread)
{
  SympiePool *pool = team.queue;

  while (pool && !has_tasks (pool))
    pool = pool->later;
  team.queue = pool;
  if (!pool)
    return NULL;

  team.queue = pool->later;
  *thread = ++pool->joined;
  atomic_fetch_add (&pool->helping, 1);
  if (pool->joined < pool->places)
    append (pool);
  /* One that was looking may have been counted on by several runs. */
  if (team.queue && team.asleep > 0)
    pthread_cond_signal (&team.work);
  return pool;
}

static void
leave (SympiePool *pool)
{
  if (atomic_fetch_sub (&pool->helping, 1) == 1)
    pthread_cond_signal (&pool->alone);
}

/* Waits for another run to be put into the queue, or the end. */
static void
wait_for_work (void)
{
  unsigned seen = atomic_load (&team.runs);
  int64_t until = 0;

  team.looking++;
  pthread_mutex_unlock (&team.mutex);
  while (atomic_load (&team.runs) == seen && may_look_on (&until))
    ;
  pthread_mutex_lock (&team.mutex);
  team.looking--;

  team.asleep++;
  while (!team.queue && !team.ends)
    pthread_cond_wait (&team.work, &team.mutex);
  team.asleep--;
}

static void *
work (void *data)
{
  SympiePool *pool;
  int thread;

  pthread_mutex_lock (&team.mutex);
  while (!team.ends) {
    if (!(pool = join (&thread))) {
      wait_for_work ();
      continue;
    }
    pthread_mutex_unlock (&team.mutex);
    run_tasks (pool, thread);
    pthread_mutex_lock (&team.mutex);
    leave (pool);
  }
  pthread_mutex_unlock (&team.mutex);
  return NULL;
}

/* ---- Forks --------------------------------------------------------------- */

static void
before_fork (void)
{
  pthread_mutex_lock (&team.life);
  pthread_mutex_lock (&team.mutex);
}

static void
after_fork (void)
{
  pthread_mutex_unlock (&team.mutex);
  pthread_mutex_unlock (&team.life);
}

/* The child has the shares and none of the workers, some of which waited for a
 * condition or looked for work. */
static void
forget_workers (void)
{
  while (team.workers) {
    Worker *worker = team.workers;

    team.workers = worker->next;
    free (worker);
  }
  team.n_workers = team.looking = team.asleep = 0;
  team.queue = NULL;
  team.work = (pthread_cond_t) PTHREAD_COND_INITIALIZER;
  after_fork ();
}

static int
mind_forks (void)
{
  int code = team.minds_forks
                 ? 0
                 : pthread_atfork (before_fork, after_fork, forget_workers);

  team.minds_forks = code == 0;
  return code;
}

/* ---- The team ------------------------------------------------------------ */

static int
start_worker (void)
{
  Worker *worker = malloc (sizeof *worker);
  int code =
      worker ? pthread_create (&worker->thread, NULL, work, NULL) : ENOMEM;

  if (code != 0) {
    free (worker);
    return code;
  }
  pthread_setname_np (worker->thread, "sympie-pool");
  worker->next = team.workers;
  team.workers = worker;
  team.n_workers++;
  return 0;
}

/* Signals belong to the application's threads. */
static int
start_workers (int n)
{
  sigset_t all, old;
  int code = mind_forks ();

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  while (team.n_workers < n && code == 0)
    code = start_worker ();
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  return code;
}

static void
end_workers (void)
{
  pthread_mutex_lock (&team.mutex);
  team.ends = true;
  atomic_fetch_add (&team.runs, 1);
  pthread_cond_broadcast (&team.work);
  pthread_mutex_unlock (&team.mutex);

  while (team.workers) {
    Worker *worker = team.workers;

    pthread_join (worker->thread, NULL);
    team.workers = worker->next;
    free (worker);
  }
  team.n_workers = 0;
  team.ends = false;
}

SympiePool *
sympie_pool_new (int n_threads, SympieError *error)
{
  SympiePool *pool = calloc (1, sizeof *pool);
  int code, n_workers;

  if (!pool
      || !(pool->ranges = aligned_alloc (
               alignof (Range), n_threads * sizeof *pool->ranges))) {
    free (pool);
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    return NULL;
  }
  pool->size = n_threads;
  pthread_cond_init (&pool->alone, NULL);

  pthread_mutex_lock (&team.life);
  team.n_shares++;
  code = start_workers (n_threads - 1);
  n_workers = team.n_workers;
  pthread_mutex_unlock (&team.life);

  if (code != 0) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "cannot start thread %d of %d: %s",
        n_workers + 2, n_threads, strerror (code));
    sympie_pool_free (pool);
    return NULL;
  }
  return pool;
}

void
sympie_pool_free (SympiePool *pool)
{
  if (!pool)
    return;

  pthread_mutex_lock (&team.life);
  if (--team.n_shares == 0)
    end_workers ();
  pthread_mutex_unlock (&team.life);

  pthread_cond_destroy (&pool->alone);
  free (pool->ranges);
  free (pool);
}

int
sympie_pool_size (const SympiePool *pool)
{
  return pool->size;
}

/* ---- A run --------------------------------------------------------------- */

/* Those that look for work find the run by themselves; others are woken. */
static void
call_workers (SympiePool *pool)
{
  append (pool);
  atomic_fetch_add (&team.runs, 1);
  for (int i = team.looking; i < pool->places; i++)
    pthread_cond_signal (&team.work);
}

void
sympie_pool_run (SympiePool *pool, SympieTask task, void *data, int n_tasks)
{
  int64_t until = 0;

  if (pool->size == 1 || n_tasks <= 1) {
    for (int i = 0; i < n_tasks; i++)
      task (data, i, 0);
    return;
  }

  pthread_mutex_lock (&team.mutex);
  pool->task = task;
  pool->data = data;
  pool->places = (n_tasks < pool->size ? n_tasks : pool->size) - 1;
  pool->joined = 0;
  share_out (pool, n_tasks);
  call_workers (pool);
  pthread_mutex_unlock (&team.mutex);

  run_tasks (pool, 0);

  pthread_mutex_lock (&team.mutex);
  take_out (pool);
  pthread_mutex_unlock (&team.mutex);
  while (atomic_load (&pool->helping) > 0 && may_look_on (&until))
    ;
  pthread_mutex_lock (&team.mutex);
  while (atomic_load (&pool->helping) > 0)
    pthread_cond_wait (&pool->alone, &team.mutex);
  pthread_mutex_unlock (&team.mutex);
}
