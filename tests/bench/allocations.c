/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Counts the allocations of the whole process, by standing in front of glibc's
 * allocator. ASan does the same, so under ASan nothing is counted. */

#include "bench.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

static atomic_ulong n_allocations;

unsigned long
bench_allocations (void)
{
  return n_allocations;
}

#ifndef __SANITIZE_ADDRESS__

/* Shared libraries must find them too. */
#define EXPORT __attribute__ ((visibility ("default")))

void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *old, size_t size);
void *__libc_memalign (size_t alignment, size_t size);

EXPORT void *
malloc (size_t size)
{
  n_allocations++;
  return __libc_malloc (size);
}

EXPORT void *
calloc (size_t n, size_t size)
{
  n_allocations++;
  return __libc_calloc (n, size);
}

EXPORT void *
realloc (void *old, size_t size)
{
  n_allocations++;
  return __libc_realloc (old, size);
}

EXPORT void *
aligned_alloc (size_t alignment, size_t size)
{
  n_allocations++;
  return __libc_memalign (alignment, size);
}

EXPORT int
posix_memalign (void **memory, size_t alignment, size_t size)
{
  n_allocations++;
  *memory = __libc_memalign (alignment, size);
  return *memory || !size ? 0 : ENOMEM;
}

#endif
