/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A small thread pool. The caller works too, so a pool of one has no thread
 * of its own. Idle threads sleep: unlike libgomp's they do not spin for
 * milliseconds beside a decoder that needs the processor. */

#ifndef SYMPIE_POOL_H
#define SYMPIE_POOL_H

typedef struct SympiePool SympiePool;

/* `task` counts from 0; `thread` is the index, below the pool's size, of the
 * thread that runs it, for scratch memory of its own. */
typedef void (*SympieTask) (void *data, int task, int thread);

/* NULL with a message when a thread cannot be started. */
SympiePool *sympie_pool_new (int n_threads, char **error);
void sympie_pool_free (SympiePool *pool); /* NULL is allowed */
int sympie_pool_size (const SympiePool *pool);

/* Runs tasks 0 to n_tasks - 1, each once, and returns when all are done: what
 * they wrote is visible to the caller. One caller at a time. */
void sympie_pool_run (
    SympiePool *pool, SympieTask task, void *data, int n_tasks);

#endif /* SYMPIE_POOL_H */
