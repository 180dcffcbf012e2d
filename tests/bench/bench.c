/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Taking turns, and the arithmetic of it. */

#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../kernels/cpu/cpu.h"

static clockid_t measuring_clock = CLOCK_MONOTONIC;

void
bench_use_cpu_time (void)
{
  measuring_clock = CLOCK_PROCESS_CPUTIME_ID;
}

static double
read_clock (clockid_t clock)
{
  struct timespec now;

  clock_gettime (clock, &now);
  return (double) now.tv_sec * 1e3 + (double) now.tv_nsec * 1e-6;
}

double
bench_now (void)
{
  return read_clock (measuring_clock);
}

double
bench_thread_now (void)
{
  return read_clock (CLOCK_THREAD_CPUTIME_ID);
}

guint64
bench_stat (GstHarness *harness, const char *field)
{
  GstElement *element = gst_harness_find_element (harness, "sympieenhance");
  GstStructure *stats;
  guint64 value;

  g_object_get (element, "stats", &stats, NULL);
  if (!gst_structure_get_uint64 (stats, field, &value))
    bench_fail ("no %s in stats", field);
  gst_structure_free (stats);
  gst_object_unref (element);
  return value;
}

void
bench_say (const Bench *bench, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vfprintf (bench->json ? stderr : stdout, format, args);
  va_end (args);
  fflush (bench->json ? stderr : stdout);
}

void
bench_fail (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  fprintf (stderr, "sympie-bench: ");
  vfprintf (stderr, format, args);
  fprintf (stderr, "\n");
  va_end (args);
  exit (EXIT_FAILURE);
}

void
bench_require (bool ok, const char *message)
{
  if (!ok)
    bench_fail ("%s", message);
}

unsigned
bench_cpu_flags (void)
{
  unsigned disabled = 0;
  SympieError error = { 0 };

  bench_require (sympie_choose_cpu (&disabled, &error), error.message);
  return sympie_cpu_flags (disabled);
}

BenchGroup *
bench_group (Bench *bench, const char *name)
{
  BenchGroup *group = g_new0 (BenchGroup, 1);

  group->name = g_strdup (name);
  group->cases = g_ptr_array_new ();
  g_ptr_array_add (bench->groups, group);
  return group;
}

BenchCase *
bench_case (
    BenchGroup *group, BenchRun run, void *data, const char *name_format, ...)
{
  BenchCase *self = g_new0 (BenchCase, 1);
  va_list args;

  va_start (args, name_format);
  self->name = g_strdup_vprintf (name_format, args);
  va_end (args);
  self->run = run;
  self->data = data;
  self->calls = g_array_new (FALSE, FALSE, sizeof (double));
  self->rounds = g_array_new (FALSE, FALSE, sizeof (double));
  g_ptr_array_add (group->cases, self);
  return self;
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* Sorts `values`. */
static double
median (GArray *values)
{
  g_array_sort (values, compare);
  return (g_array_index (values, double, values->len / 2)
             + g_array_index (values, double, (values->len - 1) / 2))
         / 2;
}

double
bench_percentile (const GArray *values, double part)
{
  GArray *sorted = g_array_copy ((GArray *) values);
  double value;

  g_array_sort (sorted, compare);
  value =
      g_array_index (sorted, double, (guint) (part * (sorted->len - 1) + 0.5));
  g_array_unref (sorted);
  return value;
}

/* A turn lasts `turn` ms and at least two calls, of which the first only warms
 * the caches that the case before has filled with its own. */
static void
take_turn (BenchCase *self, double turn)
{
  GArray *calls = g_array_new (FALSE, FALSE, sizeof (double));
  double end, round;

  if (self->threads_linger)
    g_usleep (20000);
  end = (double) g_get_monotonic_time () + 1e3 * turn;
  self->run (self->data);
  do {
    double time = self->run (self->data);

    g_array_append_val (calls, time);
  } while ((double) g_get_monotonic_time () < end);
  if (self->threads_linger)
    g_usleep (20000);

  g_array_append_vals (self->calls, calls->data, calls->len);
  round = median (calls);
  g_array_append_val (self->rounds, round);
  g_array_unref (calls);
}

void
bench_group_run (Bench *bench, BenchGroup *group)
{
  int n_rounds = bench->quick ? 2 : 15;
  double turn = bench->quick ? 5 : 60;

  bench_say (bench, "%s: %u cases, %d rounds ", group->name, group->cases->len,
      n_rounds);
  for (guint i = 0; i < group->cases->len; i++)
    for (int warm_up = 0; warm_up < 2; warm_up++) {
      BenchCase *self = g_ptr_array_index (group->cases, i);

      self->run (self->data);
    }
  for (int round = 0; round < n_rounds; round++) {
    for (guint i = 0; i < group->cases->len; i++)
      take_turn (g_ptr_array_index (group->cases, i), turn);
    bench_say (bench, ".");
  }
  bench_say (bench, "\n");

  for (guint i = 0; i < group->cases->len; i++) {
    BenchCase *self = g_ptr_array_index (group->cases, i);

    self->median = median (self->calls);
    self->minimum = g_array_index (self->calls, double, 0);
  }
}

void
bench_claim (Bench *bench, const char *name, const char *unit, double value,
    double median, bool at_least, double target)
{
  BenchClaim claim = { g_strdup (name), g_strdup (unit), value, median, target,
    at_least };

  g_array_append_val (bench->claims, claim);
}

void
bench_claim_ratio (Bench *bench, const char *name, const BenchCase *a,
    const BenchCase *b, bool at_least, double target)
{
  GArray *ratios = g_array_new (FALSE, FALSE, sizeof (double));

  for (guint i = 0; i < a->rounds->len; i++) {
    double ratio = g_array_index (a->rounds, double, i)
                   / g_array_index (b->rounds, double, i);

    g_array_append_val (ratios, ratio);
  }
  bench_claim (bench, name, "x", a->minimum / b->minimum, median (ratios),
      at_least, target);
  g_array_unref (ratios);
}

void
bench_fact (Bench *bench, const char *name, const char *value_format, ...)
{
  BenchFact fact = { .name = g_strdup (name) };
  va_list args;

  va_start (args, value_format);
  fact.value = g_strdup_vprintf (value_format, args);
  va_end (args);
  g_array_append_val (bench->facts, fact);
}
