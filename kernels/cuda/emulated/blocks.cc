/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Runs the blocks of a kernel: fibers, barriers, warps, shared memory. */

#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "internal.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace emulate {

static const size_t STACK_SIZE = 64 << 10;
static const size_t SHARED_LIMIT = 227 << 10; /* the most that a GPU has */

/* ---- Fibers ------------------------------------------------------------- */

/* A point to go on from. Switching is a few instructions where it is written
 * out; elsewhere ucontext does the same with a system call. */
struct Context
{
#ifdef __x86_64__
  void *stack_pointer;
#else
  ucontext_t ucontext;
#endif
#ifdef __SANITIZE_ADDRESS__
  void *fake_stack;
  const void *stack_bottom;
  size_t stack_size;
#endif
};

#ifdef __x86_64__
extern "C" void sympie_emulate_switch (void **save, void *load);
__asm__(".text\n"
        ".hidden sympie_emulate_switch\n"
        ".globl sympie_emulate_switch\n"
        "sympie_emulate_switch:\n"
        "  push %rbp\n"
        "  push %rbx\n"
        "  push %r12\n"
        "  push %r13\n"
        "  push %r14\n"
        "  push %r15\n"
        "  mov %rsp, (%rdi)\n"
        "  mov %rsi, %rsp\n"
        "  pop %r15\n"
        "  pop %r14\n"
        "  pop %r13\n"
        "  pop %r12\n"
        "  pop %rbx\n"
        "  pop %rbp\n"
        "  ret\n");
#endif

/* `leaving`: the fiber that is left never comes back. */
static void
switch_context (Context *from, Context *to, bool leaving)
{
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber (
      leaving ? nullptr : &from->fake_stack, to->stack_bottom, to->stack_size);
#endif
#ifdef __x86_64__
  sympie_emulate_switch (&from->stack_pointer, to->stack_pointer);
#else
  swapcontext (&from->ucontext, &to->ucontext);
#endif
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber (from->fake_stack, nullptr, nullptr);
#endif
}

static void thread_main ();

static void
start_context (Context *context, unsigned char *stack)
{
#ifdef __SANITIZE_ADDRESS__
  /* A thread that was stopped has left its frames there. */
  __asan_unpoison_memory_region (stack, STACK_SIZE);
  context->fake_stack = nullptr;
  context->stack_bottom = stack;
  context->stack_size = STACK_SIZE;
#endif
#ifdef __x86_64__
  /* What the switch pops: six registers, then where to go. The ABI wants the
   * stack to be off by 8 from 16 at a function's start. */
  void **top = (void **) (stack + STACK_SIZE) - 2;

  *top = (void *) thread_main;
  top -= 6;
  std::fill (top, top + 6, nullptr);
  context->stack_pointer = top;
#else
  getcontext (&context->ucontext);
  context->ucontext.uc_stack.ss_sp = stack;
  context->ucontext.uc_stack.ss_size = STACK_SIZE;
  context->ucontext.uc_link = nullptr;
  makecontext (&context->ucontext, thread_main, 0);
#endif
}

/* ---- Blocks ------------------------------------------------------------- */

enum class State
{
  RUNNABLE,
  AT_BARRIER,
  IN_WARP,
  EXITED
};

struct CopyLater
{
  void *dst;
  const void *src;
  size_t size, valid;
  int group;
};

/* How far what a thread left for other blocks has got, and whether it may read
 * what they left. */
enum class Passing
{
  NOTHING,
  LEFT,
  FENCED, /* and no barrier yet */
};

struct Thread
{
  Passing passing;
  bool has_fenced; /* since the block was counted */
  Context context;
  State state;
  Site site; /* where it waits */
  void *argument;
  std::vector<CopyLater> copies;
  int groups; /* committed */
};

struct Warp
{
  int arrived;
  unsigned epoch; /* counts the operations that order memory */
};

/* Who touched two bytes of shared memory last, and when. */
struct Touch
{
  int16_t thread; /* -1: none, -2: several warps */
  uint16_t barriers;
  uint32_t warp_epoch;
};
struct Shadow
{
  Touch written, read;
};
static const int16_t NOBODY = -1, SEVERAL = -2;

struct Launch
{
  dim3 grid, block;
  size_t shared;
  const std::function<void ()> *kernel;
  std::atomic<unsigned> next{ 0 };
  std::atomic<int> error{ cudaSuccess };
};

/* One thread of the host, with the block that it runs at present. */
struct Worker
{
  Launch *launch;
  dim3 index;
  int n_threads;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  unsigned char *stacks;
  size_t stacks_size;
  unsigned char *shared;
  std::vector<Shadow> shadow;
  uint16_t barriers;
  bool is_counted; /* other blocks were told of what this one left */
  int current;
  Context scheduler;
};

static thread_local Worker *worker;

static Thread *
current_thread ()
{
  return &worker->threads[worker->current];
}

static unsigned
axis_of (dim3 size, int axis)
{
  return axis == 0 ? size.x : axis == 1 ? size.y : size.z;
}

unsigned
thread_index (int axis)
{
  const dim3 &size = worker->launch->block;
  unsigned i = worker->current;

  return axis == 0   ? i % size.x
         : axis == 1 ? i / size.x % size.y
                     : i / (size.x * size.y);
}

unsigned
block_index (int axis)
{
  return axis_of (worker->index, axis);
}

unsigned
block_size (int axis)
{
  return axis_of (worker->launch->block, axis);
}

unsigned
grid_size (int axis)
{
  return axis_of (worker->launch->grid, axis);
}

int
lane ()
{
  return worker->current % 32;
}

/* Keeps the first fault of the launch. */
static void __attribute__ ((format (printf, 2, 3)))
fault (cudaError_t error, const char *format, ...)
{
  char what[512], text[640];
  int none = cudaSuccess;
  va_list args;

  if (!worker->launch->error.compare_exchange_strong (none, error))
    return;
  va_start (args, format);
  vsnprintf (what, sizeof what, format, args);
  va_end (args);
  snprintf (text, sizeof text, "block (%u, %u, %u), thread %d: %s",
      worker->index.x, worker->index.y, worker->index.z, worker->current, what);
  set_fault (text);
}

/* Gives the processor away for good: a block with a fault does not go on. */
[[noreturn]] static void
leave ()
{
  switch_context (&current_thread ()->context, &worker->scheduler, true);
  __builtin_unreachable ();
}

static void
wait (State state, Site site)
{
  Thread *thread = current_thread ();

  thread->state = state;
  thread->site = site;
  switch_context (&thread->context, &worker->scheduler, false);
}

static void
thread_main ()
{
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber (
      nullptr, &worker->scheduler.stack_bottom, &worker->scheduler.stack_size);
#endif
  (*worker->launch->kernel) ();
  current_thread ()->state = State::EXITED;
  leave ();
}

void
barrier (Site site)
{
  wait (State::AT_BARRIER, site);
}

void
check_mask (unsigned mask, Site site)
{
  if (mask == 0xffffffff)
    return;
  fault (cudaErrorLaunchFailure, "a mask of %08x in %s at %s:%d", mask,
      site.name, site.file, site.line);
  leave ();
}

static bool
same_site (const Site &a, const Site &b)
{
  return a.line == b.line && (a.name == b.name || strcmp (a.name, b.name) == 0)
         && (a.file == b.file || strcmp (a.file, b.file) == 0);
}

void
warp_operation (Site site, void *mine, void (*all) (void *const *))
{
  Thread *first = &worker->threads[worker->current / 32 * 32];
  Warp *warp = &worker->warps[worker->current / 32];
  void *arguments[32];

  current_thread ()->argument = mine;
  if (++warp->arrived < 32) {
    wait (State::IN_WARP, site);
    return;
  }

  /* The last to come does the work of all. */
  warp->arrived = 0;
  warp->epoch++;
  for (int i = 0; i < 32; i++) {
    if (first + i != current_thread () && !same_site (first[i].site, site)) {
      fault (cudaErrorLaunchFailure,
          "warp divergence: in %s at %s:%d while lane %d is in %s at %s:%d",
          site.name, site.file, site.line, i, first[i].site.name,
          first[i].site.file, first[i].site.line);
      leave ();
    }
    arguments[i] = first[i].argument;
  }
  if (all)
    all (arguments);
  for (int i = 0; i < 32; i++)
    first[i].state = State::RUNNABLE;
}

/* All threads exited, or wait at the same barrier: let them go on. Otherwise
 * some wait for what will not come. */
static bool
release_barrier ()
{
  const Thread *waiting = nullptr;
  int at_barrier = 0;

  for (int i = 0; i < worker->n_threads; i++) {
    const Thread *thread = &worker->threads[i];

    if (thread->state == State::EXITED)
      continue;
    worker->current = i;
    if (thread->state == State::IN_WARP) {
      fault (cudaErrorLaunchFailure,
          "warp divergence: waits in %s at %s:%d for lanes that do not come",
          thread->site.name, thread->site.file, thread->site.line);
      return false;
    }
    if (waiting && !same_site (waiting->site, thread->site)) {
      fault (cudaErrorLaunchFailure,
          "barrier divergence: waits at %s:%d while thread %d waits at %s:%d",
          thread->site.file, thread->site.line,
          (int) (waiting - worker->threads.data ()), waiting->site.file,
          waiting->site.line);
      return false;
    }
    waiting = thread;
    at_barrier++;
  }
  if (at_barrier > 0 && at_barrier < worker->n_threads) {
    fault (cudaErrorLaunchFailure,
        "barrier divergence: waits at %s:%d while %d of %d threads exited",
        waiting->site.file, waiting->site.line, worker->n_threads - at_barrier,
        worker->n_threads);
    return false;
  }

  worker->barriers++;
  for (int i = 0; i < at_barrier; i++) {
    Thread *thread = &worker->threads[i];

    thread->state = State::RUNNABLE;
    if (thread->passing == Passing::FENCED)
      thread->passing = Passing::NOTHING;
  }
  return at_barrier > 0;
}

static void
run_block ()
{
  bool backward = runs_backward ();
  int n = worker->n_threads;

  memset (worker->shared, 0xcd, worker->launch->shared);
  std::fill (worker->shadow.begin (), worker->shadow.end (),
      Shadow{ { NOBODY, 0, 0 }, { NOBODY, 0, 0 } });
  worker->barriers = 0;
  worker->is_counted = false;
  for (Warp &warp : worker->warps)
    warp = {};
  for (int i = 0; i < n; i++) {
    Thread *thread = &worker->threads[i];

    thread->state = State::RUNNABLE;
    thread->passing = Passing::NOTHING;
    thread->has_fenced = false;
    thread->copies.clear ();
    thread->groups = 0;
    start_context (&thread->context, worker->stacks + i * STACK_SIZE);
  }

  do {
    /* Warp by warp, each as far as it gets on its own. */
    for (int w = 0; w < n / 32; w++) {
      int first = (backward ? n / 32 - 1 - w : w) * 32;
      bool ran;

      do {
        ran = false;
        for (int i = 0; i < 32; i++) {
          worker->current = first + (backward ? 31 - i : i);
          if (current_thread ()->state != State::RUNNABLE)
            continue;
          ran = true;
          switch_context (
              &worker->scheduler, &current_thread ()->context, false);
          if (worker->launch->error != cudaSuccess)
            return;
        }
      } while (ran);
    }
  } while (release_barrier ());
}

/* Stacks and shared memory are kept for the next launch on this thread. */
static void
start_worker (Worker *self, Launch *launch)
{
  dim3 size = launch->block;

  self->launch = launch;
  self->n_threads = size.x * size.y * size.z;
  self->threads.resize (self->n_threads);
  self->warps.resize (self->n_threads / 32);
  self->shadow.resize ((launch->shared + 1) / 2);
  self->stacks_size = self->n_threads * STACK_SIZE;
  self->stacks = (unsigned char *) mmap (nullptr, self->stacks_size,
      PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
      0);
  self->shared = (unsigned char *) aligned_alloc (1024, SHARED_LIMIT + 1024);
}

/* A GPU computes alike whatever the host's rounding is, and with subnormal
 * numbers even where a library that was loaded has made the host drop them. */
static void
work (Launch *launch)
{
  Worker self{};
  unsigned n_blocks = launch->grid.x * launch->grid.y * launch->grid.z, i;
  std::fenv_t host;

  std::fegetenv (&host);
  std::fesetenv (FE_DFL_ENV);
  start_worker (&self, launch);
  if (self.stacks == MAP_FAILED || !self.shared) {
    launch->error = cudaErrorLaunchOutOfResources;
    set_fault ("no memory for the stacks of a block");
  } else {
    worker = &self;
    while ((i = launch->next++) < n_blocks && launch->error == cudaSuccess) {
      const dim3 &grid = launch->grid;

      self.index = { i % grid.x, i / grid.x % grid.y, i / (grid.x * grid.y) };
      run_block ();
    }
    worker = nullptr;
  }
  if (self.stacks != MAP_FAILED)
    munmap (self.stacks, self.stacks_size);
  free (self.shared);
  std::fesetenv (&host);
}

cudaError_t
run_blocks (
    dim3 grid, dim3 block, size_t shared, const std::function<void ()> &kernel)
{
  unsigned n_blocks = grid.x * grid.y * grid.z;
  unsigned n_threads = block.x * block.y * block.z;
  Launch launch;

  if (n_blocks < 1 || n_threads < 32 || n_threads > 1024 || n_threads % 32
      || shared > SHARED_LIMIT) {
    set_fault ("a launch of an empty grid, of a block that is not 1 to 32 "
               "whole warps, or with more shared memory than a GPU has");
    return cudaErrorInvalidValue;
  }
  launch.grid = grid;
  launch.block = block;
  launch.shared = shared;
  launch.kernel = &kernel;

  OpenMemory open;
  unsigned n_workers =
      std::min (std::thread::hardware_concurrency (), std::min (n_blocks, 16u));
  std::vector<std::thread> helpers;

  for (unsigned i = 1; i < n_workers; i++)
    helpers.emplace_back (work, &launch);
  work (&launch);
  for (std::thread &helper : helpers)
    helper.join ();
  return (cudaError_t) launch.error.load ();
}

void
stop_thread_at (const void *address)
{
  char text[256];

  if (!worker)
    return;
  describe_address (address, text, sizeof text);
  fault (cudaErrorIllegalAddress, "out of bounds: touched %s", text);
  leave ();
}

[[noreturn]] static void
misaligned (const void *address, Site site)
{
  if (!worker) {
    fprintf (stderr, "%s:%d: misaligned\n", site.file, site.line);
    abort ();
  }
  fault (cudaErrorMisalignedAddress, "misaligned: %p at %s:%d", address,
      site.file, site.line);
  leave ();
}

} // namespace emulate

/* What GCC and Clang tell -fsanitize=alignment's functions, one of which this
 * is: their own library would end the program. */
struct Misaligned
{
  struct
  {
    const char *file;
    unsigned line, column;
  } site;
  const void *type;
  unsigned char log2_alignment, access;
};

extern "C" [[noreturn]] void
__ubsan_handle_type_mismatch_v1_abort (Misaligned *what, uintptr_t address)
{
  emulate::misaligned (
      (const void *) address, { "", what->site.file, (int) what->site.line });
}

namespace emulate {

/* ---- Shared memory ------------------------------------------------------ */

unsigned char *
shared_memory (size_t end)
{
  if (end > worker->launch->shared) {
    fault (cudaErrorIllegalAddress,
        "out of bounds: arrays of %zu bytes in the %zu of shared memory that "
        "the launch asked for",
        end, worker->launch->shared);
    leave ();
  }
  return worker->shared;
}

void
out_of_bounds (long index, long count, Site site)
{
  fault (cudaErrorIllegalAddress,
      "out of bounds: element %ld of %ld in shared memory at %s:%d", index,
      count, site.file, site.line);
  leave ();
}

/* Whether what `touch` says is ordered before now, for the current thread. */
static bool
is_before (const Touch &touch)
{
  int me = worker->current;

  if (touch.thread == NOBODY || touch.thread == me
      || touch.barriers != worker->barriers)
    return true;
  return touch.thread != SEVERAL && touch.thread / 32 == me / 32
         && touch.warp_epoch != worker->warps[me / 32].epoch;
}

static Touch
touch_now ()
{
  return { (int16_t) worker->current, worker->barriers,
    worker->warps[worker->current / 32].epoch };
}

[[noreturn]] static void
race (const char *what, const Touch &touch, const void *address, Site site)
{
  fault (cudaErrorLaunchFailure,
      "race: %s shared memory at byte %td at %s:%d, which thread %d touched "
      "with no barrier between",
      what, (const unsigned char *) address - worker->shared, site.file,
      site.line, touch.thread);
  leave ();
}

void
shared_read (const void *address, size_t size, Site site)
{
  size_t first = (const unsigned char *) address - worker->shared;
  Touch now = touch_now ();

  for (size_t i = first / 2; i < (first + size + 1) / 2; i++) {
    Shadow *shadow = &worker->shadow[i];

    if (shadow->written.thread == NOBODY) {
      fault (cudaErrorLaunchFailure,
          "unwritten: reads byte %zu of shared memory at %s:%d, which nothing "
          "wrote",
          2 * i, site.file, site.line);
      leave ();
    }
    if (!is_before (shadow->written))
      race ("reads", shadow->written, address, site);
    /* Two warps that read in the same phase: a later write by either one is
     * a race with the other. */
    if (shadow->read.thread != NOBODY && shadow->read.barriers == now.barriers
        && (shadow->read.thread == SEVERAL
            || shadow->read.thread / 32 != now.thread / 32))
      shadow->read.thread = SEVERAL;
    else
      shadow->read = now;
  }
}

void
shared_write (const void *address, size_t size, Site site)
{
  size_t first = (const unsigned char *) address - worker->shared;
  Touch now = touch_now ();

  for (size_t i = first / 2; i < (first + size + 1) / 2; i++) {
    Shadow *shadow = &worker->shadow[i];

    if (!is_before (shadow->written))
      race ("writes", shadow->written, address, site);
    if (!is_before (shadow->read))
      race ("writes", shadow->read, address, site);
    shadow->written = now;
  }
}

/* ---- Between blocks ------------------------------------------------------ */

void
left_for_blocks (Site site)
{
  current_thread ()->passing = Passing::LEFT;
  if (!worker->is_counted)
    return;
  fault (cudaErrorLaunchFailure,
      "no barrier: leaves data at %s:%d when the block is counted", site.file,
      site.line);
  leave ();
}

void
fence ()
{
  Thread *thread = current_thread ();

  __atomic_thread_fence (__ATOMIC_SEQ_CST);
  thread->has_fenced = true;
  if (thread->passing == Passing::LEFT)
    thread->passing = Passing::FENCED;
}

void
count_block (Site site)
{
  for (int i = 0; i < worker->n_threads; i++) {
    Thread *thread = &worker->threads[i];

    if (thread->passing != Passing::NOTHING) {
      fault (cudaErrorLaunchFailure,
          "%s: counts the block at %s:%d, and what thread %d left is not there",
          thread->passing == Passing::LEFT ? "no fence" : "no barrier",
          site.file, site.line, i);
      leave ();
    }
    thread->has_fenced = false;
  }
  worker->is_counted = true;
}

void
reads_of_blocks (Site site)
{
  if (current_thread ()->has_fenced)
    return;
  fault (cudaErrorLaunchFailure,
      "no fence: reads what other blocks left at %s:%d", site.file, site.line);
  leave ();
}

/* ---- Instructions on matrices -------------------------------------------- */

namespace {

struct MatrixLoad
{
  uint32_t *values;
  int n;
  const half *row;

  static void
  all (void *const *lanes)
  {
    for (int i = 0; i < 32; i++) {
      const MatrixLoad *mine = (const MatrixLoad *) lanes[i];

      for (int m = 0; m < mine->n; m++) {
        const MatrixLoad *holder = (const MatrixLoad *) lanes[8 * m + i / 4];

        memcpy (&mine->values[m], holder->row + i % 4 * 2, sizeof (uint32_t));
      }
    }
  }
};

/* Registers as floats. */
struct MatrixProduct
{
  float *c;
  float left[8], right[4];
  int k;

  static void
  all (void *const *lanes)
  {
    int k = ((const MatrixProduct *) lanes[0])->k;
    float left[16][16], right[16][8];

    for (int i = 0; i < 32; i++) {
      const MatrixProduct *lane = (const MatrixProduct *) lanes[i];

      for (int e = 0; e < k / 2; e++)
        left[i / 4 + e / 2 % 2 * 8][i % 4 * 2 + e % 2 + e / 4 * 8] =
            lane->left[e];
      for (int e = 0; e < k / 4; e++)
        right[i % 4 * 2 + e % 2 + e / 2 * 8][i / 4] = lane->right[e];
    }
    for (int i = 0; i < 32; i++) {
      float *c = ((const MatrixProduct *) lanes[i])->c;

      for (int e = 0; e < 4; e++) {
        const float *row = left[i / 4 + e / 2 * 8];
        int column = i % 4 * 2 + e % 2;

        for (int j = 0; j < k; j++)
          c[e] += row[j] * right[j][column];
      }
    }
  }
};

} // namespace

void
load_matrices (uint32_t *values, int n, const half *row, Site site)
{
  MatrixLoad mine = { values, n, row };

  if (lane () < 8 * n)
    shared_read (row, 16, site);
  warp_operation (site, &mine, MatrixLoad::all);
}

void
multiply (
    float c[4], const uint32_t *left, const uint32_t *right, int k, Site site)
{
  MatrixProduct mine = { c, {}, {}, k };
  auto element = [] (const uint32_t *words, int e) {
    return __half2float ({ (uint16_t) (words[e / 2] >> 16 * (e % 2)) });
  };

  for (int e = 0; e < k / 2; e++)
    mine.left[e] = element (left, e);
  for (int e = 0; e < k / 4; e++)
    mine.right[e] = element (right, e);
  warp_operation (site, &mine, MatrixProduct::all);
}

/* ---- Copies in the background -------------------------------------------- */

void
copy_later (void *dst, const void *src, size_t size, size_t valid, Site site)
{
  Thread *thread = current_thread ();
  size_t first = (unsigned char *) dst - worker->shared;

  if ((uintptr_t) src % 16 != 0)
    misaligned (src, site);
  /* From here on until it is waited for, nobody may touch it. */
  shared_write (dst, size, site);
  for (size_t i = first / 2; i < (first + size) / 2; i++)
    worker->shadow[i].written.thread = NOBODY;
  thread->copies.push_back ({ dst, src, size, valid, thread->groups });
}

void
commit_copies ()
{
  current_thread ()->groups++;
}

void
wait_for_copies (int groups_in_flight, Site site)
{
  Thread *thread = current_thread ();
  size_t done = 0;

  for (; done < thread->copies.size (); done++) {
    const CopyLater &copy = thread->copies[done];

    if (copy.group >= thread->groups - groups_in_flight)
      break;
    shared_write (copy.dst, copy.size, site);
    memcpy (copy.dst, copy.src, copy.valid);
    memset ((unsigned char *) copy.dst + copy.valid, 0, copy.size - copy.valid);
  }
  thread->copies.erase (
      thread->copies.begin (), thread->copies.begin () + done);
}

} // namespace emulate
