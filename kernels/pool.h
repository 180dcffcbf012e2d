/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* One team of worker threads for the whole process, named "sympie-pool", and
 * shares of it. However many shares there are, the team has as many workers as
 * the largest of them can use: a hundred streams do not start a hundred times
 * as many threads as there are processors.
 *
 * The caller works too, so a share of one needs no worker, and whoever runs
 * tasks gets on even while all workers help others. A worker without work
 * sleeps. Before that it looks for more for the time that a task of NEM takes,
 * unless its processor was taken from it since it last did, for then somebody
 * else has use for it. The child of a fork works alone on the shares that it
 * inherits until it asks for one of its own. */

#ifndef SYMPIE_POOL_H
#define SYMPIE_POOL_H

#include "sympie.h"

/* A share of the team. */
typedef struct SympiePool SympiePool;

/* `task` counts from 0; `thread` is an index below the share's size that no
 * other thread of the same run has, for scratch memory of its own. */
typedef void (*SympieTask) (void *data, int task, int thread);

/* A share of `n_threads`, the caller included. NULL with a message when a
 * worker cannot be started. The last share to be freed ends the team: no thread
 * is left then. */
SympiePool *sympie_pool_new (int n_threads, SympieError *error);
void sympie_pool_free (SympiePool *pool); /* NULL is allowed */
int sympie_pool_size (const SympiePool *pool);

/* Runs tasks 0 to n_tasks - 1, each once, and returns when all are done: what
 * they wrote is visible to the caller. Each thread begins with a range of
 * consecutive tasks, the same in every run of so many: its cache still has what
 * it wrote in the last one, and processors may be far from each other. One
 * caller of a share at a time, and not from within a task of it. */
void sympie_pool_run (
    SympiePool *pool, SympieTask task, void *data, int n_tasks);

#endif /* SYMPIE_POOL_H */
