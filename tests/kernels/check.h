/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the tests of the library share: a check that says what failed and goes
 * on, random numbers that can be had again, files of golden data. */

#ifndef SYMPIE_CHECK_H
#define SYMPIE_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* What meson takes for "skipped". */
#define CHECK_SKIPPED 77

static int check_count, check_failures;

/* Under ASan a case takes some ten times as long: tests that go the same ways
 * with other numbers over and over do so less often there. */
#ifdef __SANITIZE_ADDRESS__
static const bool check_is_slow = true;
#else
static const bool check_is_slow = false;
#endif

/* Sanitizers have locks of their own, which are not minded where a process
 * forks while another of its threads allocates: the child may wait for ever. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
static const bool check_can_fork = false;
#else
static const bool check_can_fork = true;
#endif

/* CHECK (condition, "format", ...): the text says with which values, as they
 * are after the condition was looked at. Returns the condition, so that a test
 * can stop at the first failure of a loop. */
#define CHECK(condition, ...)                                                  \
  check_counted (                                                              \
      (condition)                                                              \
      || check_failed (#condition, __FILE__, __LINE__, __VA_ARGS__))

static inline bool
check_counted (bool ok)
{
  check_count++;
  check_failures += !ok;
  return ok;
}

__attribute__ ((format (printf, 4, 5))) static inline bool
check_failed (
    const char *condition, const char *file, int line, const char *format, ...)
{
  __builtin_va_list args;

  fprintf (stderr, "%s:%d: failed: %s: ", file, line, condition);
  __builtin_va_start (args, format);
  vfprintf (stderr, format, args);
  __builtin_va_end (args);
  fputc ('\n', stderr);
  return false;
}

/* The end of main: no check at all is a failure too. */
static inline int
check_end (void)
{
  printf ("%d checks, %d failed\n", check_count, check_failures);
  return check_count > 0 && check_failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The seed of a run, printed so that it can be had again: the one given on the
 * command line, or another every second where that is NULL. */
static inline uint64_t
check_seed (const char *given)
{
  uint64_t seed = given ? strtoull (given, NULL, 0) : (uint64_t) time (NULL);

  printf ("seed %llu\n", (unsigned long long) seed);
  return seed;
}

/* SplitMix64: the same numbers everywhere for a seed. */
static inline uint64_t
check_random (uint64_t *state)
{
  uint64_t z = (*state += 0x9e3779b97f4a7c15u);

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/* Uniform in [low, high). */
static inline float
check_random_float (uint64_t *state, float low, float high)
{
  return low + (high - low) * (float) (check_random (state) >> 40) * 0x1p-24f;
}

/* NaN where one of them is: the worst of errors must not lose it. */
static inline double
check_larger (double a, double b)
{
  return a > b || a != a ? a : b;
}

/* Path of a file of golden data; a static buffer. */
static inline const char *
check_golden (const char *name)
{
  const char *folder = getenv ("SYMPIE_TEST_GOLDEN");
  static char path[4096];

  snprintf (path, sizeof path, "%s/%s", folder ? folder : "tests/golden", name);
  return path;
}

#endif /* SYMPIE_CHECK_H */
