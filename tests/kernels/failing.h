/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* An allocator that counts and fails, in the place of glibc's, for whatever is
 * linked: other libraries too. */

#ifndef SYMPIE_FAILING_H
#define SYMPIE_FAILING_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Blocks that are allocated; calls since it was set to 0; which of them fails,
 * -1: none; the largest size asked for since it was set to 0. */
static atomic_long n_blocks, n_calls, fail_at = -1;
static atomic_size_t largest;

/* So that other libraries, and glibc itself, use them. */
#pragma GCC visibility push(default)

void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *block, size_t size);
void *__libc_memalign (size_t alignment, size_t size);
void __libc_free (void *block);

static bool
fails (size_t size)
{
  if (size > largest)
    largest = size;
  if (atomic_fetch_add (&n_calls, 1) != fail_at)
    return false;
  errno = ENOMEM;
  return true;
}

static void *
counted (void *block)
{
  n_blocks += block != NULL;
  return block;
}

void *
malloc (size_t size)
{
  return fails (size) ? NULL : counted (__libc_malloc (size));
}

void *
calloc (size_t n, size_t size)
{
  return fails (n * size) ? NULL : counted (__libc_calloc (n, size));
}

void *
realloc (void *block, size_t size)
{
  void *moved;

  if (fails (size))
    return NULL;
  moved = __libc_realloc (block, size);
  n_blocks += !block && moved;
  return moved;
}

void *
aligned_alloc (size_t alignment, size_t size)
{
  return fails (size) ? NULL : counted (__libc_memalign (alignment, size));
}

void
free (void *block)
{
  n_blocks -= block != NULL;
  __libc_free (block);
}

#pragma GCC visibility pop

#endif /* SYMPIE_FAILING_H */
