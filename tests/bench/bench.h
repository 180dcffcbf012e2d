/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* sympie-bench: how long things take, beside others that do the same.
 *
 * On a machine that is not idle, two timings taken one after the other compare
 * the machine with itself. So the cases of a group take turns, round after
 * round, and a ratio is taken of the minima and, beside it, as the median over
 * the ratios within each round. */

#ifndef BENCH_H
#define BENCH_H

#include <glib.h>
#include <gst/check/gstharness.h>
#include <stdbool.h>

enum
{
  BENCH_WIDTH = 1920,
  BENCH_HEIGHT = 1080
};

typedef struct
{
  int n_threads;
  bool peers;
  bool quick;        /* few rounds: does it run at all? */
  bool json;         /* what is said on the way goes to stderr */
  bool cpu_time;     /* count what the process computes, not what it waits */
  GPtrArray *groups; /* of BenchGroup */
  GArray *claims;    /* of BenchClaim */
  GArray *facts;     /* of BenchFact: versions, what is missing */
} Bench;

/* Runs the thing once; the milliseconds that it took. Returned by the case
 * itself, as what surrounds the call may not be its own, or as it runs in
 * another process. */
typedef double (*BenchRun) (void *data);

typedef struct
{
  char *name;
  BenchRun run;
  void *data;
  bool threads_linger; /* its threads spin on after its end: leave a pause */
  double minimum, median;
  GArray *calls;  /* of double, ms: every call but the first of a turn */
  GArray *rounds; /* of double, ms: the median of each turn */
} BenchCase;

typedef struct
{
  char *name;
  GPtrArray *cases; /* of BenchCase */
} BenchGroup;

/* A figure that issue or README speak of, and whether it is reached. */
typedef struct
{
  char *name, *unit;
  double value;  /* from the minima */
  double median; /* from the medians, or NAN */
  double target; /* or NAN: told, not judged */
  bool at_least; /* or at most */
} BenchClaim;

typedef struct
{
  char *name, *value;
} BenchFact;

/* The group and its cases belong to `bench`. */
BenchGroup *bench_group (Bench *bench, const char *name);
BenchCase *bench_case (BenchGroup *group, BenchRun run, void *data,
    const char *name_format, ...) G_GNUC_PRINTF (4, 5);
void bench_group_run (Bench *bench, BenchGroup *group);

/* `name`: how many times as long as `b` does `a` take? */
void bench_claim_ratio (Bench *bench, const char *name, const BenchCase *a,
    const BenchCase *b, bool at_least, double target);
void bench_claim (Bench *bench, const char *name, const char *unit,
    double value, double median, bool at_least, double target);
void bench_fact (Bench *bench, const char *name, const char *value_format, ...)
    G_GNUC_PRINTF (3, 4);

/* What is going on, for who waits. */
void bench_say (const Bench *bench, const char *format, ...)
    G_GNUC_PRINTF (2, 3);
/* Ends the process with one sentence. */
void bench_fail (const char *format, ...) G_GNUC_PRINTF (1, 2) G_GNUC_NORETURN;
/* As above with the library's message, when `ok` is false. */
void bench_require (bool ok, const char *message);

/* SympieCpuFlags of this processor, without those that SYMPIE_CPU disables. */
unsigned bench_cpu_flags (void);

double bench_now (void);        /* ms, of the clock that measures */
double bench_thread_now (void); /* ms that this thread has run */

/* `part` of the values, which are double, are not above it. */
double bench_percentile (const GArray *values, double part);
void bench_use_cpu_time (void);

/* Of sympieenhance's `stats`, a field that counts. */
guint64 bench_stat (GstHarness *harness, const char *field);

/* How often this process has allocated memory: allocations.c. */
unsigned long bench_allocations (void);

/* The reports: report.c. */
void bench_print_table (const Bench *bench);
void bench_print_json (const Bench *bench);

/* The parts, each a file. */
void bench_start (Bench *bench);
int bench_start_child (void);

/* The kernels on the GPU; the exit status. */
int bench_cuda (bool peers);
void bench_nem (Bench *bench);
void bench_dwm (Bench *bench);
void bench_element (Bench *bench);
void bench_corrupt (Bench *bench);
void bench_vgg (Bench *bench);
/* Not a part: it is about threads, and takes a minute. */
void bench_streams (Bench *bench, int n);

#endif /* BENCH_H */
