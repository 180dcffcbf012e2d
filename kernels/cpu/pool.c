/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../error.h"

/* Rounds of looking for work before a thread sleeps: some fifty microseconds,
 * enough for the others to finish their share of a layer of NEM. */
enum
{
  SPIN_ROUNDS = 5000
};

typedef struct
{
  SympiePool *pool;
  pthread_t thread;
  int index;
} Worker;

struct SympiePool
{
  int size;        /* the caller included */
  Worker *workers; /* size - 1 of them, `started` running */
  int started;

  pthread_mutex_t mutex;
  pthread_cond_t work, done;
  atomic_uint job; /* counts the calls of run; a new number is new work */
  atomic_int busy; /* workers that have not finished the job */
  bool quit;

  SympieTask task;
  void *data;
  int n_tasks;
  atomic_int next;
};

static inline void
relax (void)
{
#if defined(__x86_64__)
  __builtin_ia32_pause ();
#endif
}

static void
run_tasks (SympiePool *pool, int thread)
{
  int task;

  while ((task = atomic_fetch_add (&pool->next, 1)) < pool->n_tasks)
    pool->task (pool->data, task, thread);
}

static void *
work (void *data)
{
  Worker *worker = data;
  SympiePool *pool = worker->pool;
  unsigned seen = 0;

  for (;;) {
    for (int i = 0; i < SPIN_ROUNDS && atomic_load (&pool->job) == seen; i++)
      relax ();

    pthread_mutex_lock (&pool->mutex);
    while (atomic_load (&pool->job) == seen && !pool->quit)
      pthread_cond_wait (&pool->work, &pool->mutex);
    pthread_mutex_unlock (&pool->mutex);
    if (atomic_load (&pool->job) == seen)
      return NULL;
    seen++;

    run_tasks (pool, worker->index);

    if (atomic_fetch_sub (&pool->busy, 1) == 1) {
      pthread_mutex_lock (&pool->mutex);
      pthread_cond_signal (&pool->done);
      pthread_mutex_unlock (&pool->mutex);
    }
  }
}

SympiePool *
sympie_pool_new (int n_threads, char **error)
{
  SympiePool *pool = calloc (1, sizeof *pool);
  sigset_t all, old;
  int code = 0;

  if (!pool || !(pool->workers = calloc (n_threads, sizeof *pool->workers))) {
    free (pool);
    sympie_fail (error, "out of memory");
    return NULL;
  }
  pool->size = n_threads;
  pthread_mutex_init (&pool->mutex, NULL);
  pthread_cond_init (&pool->work, NULL);
  pthread_cond_init (&pool->done, NULL);

  /* Signals belong to the application's threads. */
  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, &old);
  while (pool->started < n_threads - 1 && code == 0) {
    Worker *worker = &pool->workers[pool->started];

    *worker = (Worker){ .pool = pool, .index = pool->started + 1 };
    code = pthread_create (&worker->thread, NULL, work, worker);
    if (code == 0)
      pool->started++;
  }
  pthread_sigmask (SIG_SETMASK, &old, NULL);

  if (code != 0) {
    sympie_fail (error, "cannot start thread %d of %d: %s", pool->started + 1,
        n_threads, strerror (code));
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

  pthread_mutex_lock (&pool->mutex);
  pool->quit = true;
  pthread_cond_broadcast (&pool->work);
  pthread_mutex_unlock (&pool->mutex);
  for (int i = 0; i < pool->started; i++)
    pthread_join (pool->workers[i].thread, NULL);

  pthread_cond_destroy (&pool->done);
  pthread_cond_destroy (&pool->work);
  pthread_mutex_destroy (&pool->mutex);
  free (pool->workers);
  free (pool);
}

int
sympie_pool_size (const SympiePool *pool)
{
  return pool->size;
}

void
sympie_pool_run (SympiePool *pool, SympieTask task, void *data, int n_tasks)
{
  if (pool->size == 1 || n_tasks == 1) {
    for (int i = 0; i < n_tasks; i++)
      task (data, i, 0);
    return;
  }

  pool->task = task;
  pool->data = data;
  pool->n_tasks = n_tasks;
  atomic_store (&pool->next, 0);
  atomic_store (&pool->busy, pool->size - 1);
  pthread_mutex_lock (&pool->mutex);
  atomic_fetch_add (&pool->job, 1);
  pthread_cond_broadcast (&pool->work);
  pthread_mutex_unlock (&pool->mutex);

  run_tasks (pool, 0);

  for (int i = 0; i < SPIN_ROUNDS && atomic_load (&pool->busy) > 0; i++)
    relax ();
  pthread_mutex_lock (&pool->mutex);
  while (atomic_load (&pool->busy) > 0)
    pthread_cond_wait (&pool->done, &pool->mutex);
  pthread_mutex_unlock (&pool->mutex);
}
