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

#include "emulate.h"

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
  bool valid;
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
  std::vector<CopyLater> copies;
  int groups; /* committed */
};

struct Warp
{
  int arrived;
  void *brought[32];
};

/* Who touched two bytes of shared memory last, and after how many barriers. */
struct Touch
{
  int16_t thread; /* -1: none, -2: several */
  uint16_t barriers;
};
struct Shadow
{
  Touch written, read;
};
static const int16_t NOBODY = -1, SEVERAL = -2;

struct Launch
{
  dim3 grid;
  int n_threads; /* of a block */
  size_t shared;
  const std::function<void ()> *kernel;
  std::atomic<unsigned> next{ 0 };
  std::atomic<int> error{ cudaSuccess };
};

/* One thread of the host, with the block that it runs at present. */
struct Worker
{
  Launch *launch;
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  unsigned char *stacks;
  unsigned char *shared;
  std::vector<Shadow> shadow;
  uint16_t barriers;
  bool is_counted; /* other blocks were told of what this one left */
  int current;
  Context scheduler;
};

static thread_local Worker *worker;
__thread Indices indices;

static Thread *
current_thread ()
{
  return &worker->threads[worker->current];
}

/* Keeps the first fault of the launch. `site` is in the kernel, or no file. */
static void __attribute__ ((format (printf, 3, 4)))
fault (cudaError_t error, Site site, const char *format, ...)
{
  char what[512], where[256] = "", text[1024];
  int none = cudaSuccess;
  va_list args;

  if (!worker->launch->error.compare_exchange_strong (none, error))
    return;
  va_start (args, format);
  vsnprintf (what, sizeof what, format, args);
  va_end (args);
  if (site.file)
    snprintf (where, sizeof where, ", at %s:%d", site.file, site.line);
  snprintf (text, sizeof text, "block (%u, %u, %u), thread %d: %s%s",
      blockIdx.x, blockIdx.y, blockIdx.z, worker->current, what, where);
  set_fault (text);
}

/* Gives the processor away for good. */
[[noreturn]] static void
leave ()
{
  switch_context (&current_thread ()->context, &worker->scheduler, true);
  __builtin_unreachable ();
}

/* A block with a fault does not go on. */
template <typename... A>
[[noreturn]] static void
stop (cudaError_t error, Site site, const char *format, A... arguments)
{
  fault (error, site, format, arguments...);
  leave ();
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

static bool
same_site (const Site &a, const Site &b)
{
  return a.line == b.line && (a.file == b.file || strcmp (a.file, b.file) == 0);
}

void *const *
meet (void *mine, unsigned mask, Site site)
{
  Thread *first = &worker->threads[worker->current / 32 * 32];
  Warp *warp = &worker->warps[worker->current / 32];

  if (mask != 0xffffffff)
    stop (cudaErrorLaunchFailure, site, "a mask of %08x", mask);
  warp->brought[worker->current % 32] = mine;
  if (++warp->arrived < 32) {
    wait (State::IN_WARP, site);
    return nullptr;
  }

  warp->arrived = 0;
  for (int i = 0; i < 32; i++) {
    if (first + i != current_thread () && !same_site (first[i].site, site))
      stop (cudaErrorLaunchFailure, site,
          "warp divergence: lane %d is at %s:%d", i, first[i].site.file,
          first[i].site.line);
    first[i].state = State::RUNNABLE;
  }
  return warp->brought;
}

/* All threads exited, or wait at the same barrier: let them go on. Otherwise
 * some wait for what will not come. */
static bool
release_barrier ()
{
  const Thread *waiting = nullptr;
  int at_barrier = 0, n = worker->launch->n_threads;

  for (int i = 0; i < n; i++) {
    const Thread *thread = &worker->threads[i];

    if (thread->state == State::EXITED)
      continue;
    worker->current = i;
    if (thread->state == State::IN_WARP) {
      fault (cudaErrorLaunchFailure, thread->site,
          "warp divergence: waits for lanes that do not come");
      return false;
    }
    if (waiting && !same_site (waiting->site, thread->site)) {
      fault (cudaErrorLaunchFailure, thread->site,
          "barrier divergence: thread %td waits at %s:%d",
          waiting - worker->threads.data (), waiting->site.file,
          waiting->site.line);
      return false;
    }
    waiting = thread;
    at_barrier++;
  }
  if (at_barrier > 0 && at_barrier < n) {
    fault (cudaErrorLaunchFailure, waiting->site,
        "barrier divergence: waits while %d of %d threads exited",
        n - at_barrier, n);
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
  int n = worker->launch->n_threads;

  memset (worker->shared, 0xcd, worker->launch->shared);
  std::fill (worker->shadow.begin (), worker->shadow.end (),
      Shadow{ { NOBODY, 0 }, { NOBODY, 0 } });
  worker->barriers = 0;
  worker->is_counted = false;
  std::fill (worker->warps.begin (), worker->warps.end (), Warp{});
  for (int i = 0; i < n; i++) {
    worker->threads[i] = {};
    start_context (
        &worker->threads[i].context, worker->stacks + i * STACK_SIZE);
  }

  do {
    /* Warp by warp, each as far as it gets on its own. */
    for (int w = 0; w < n / 32; w++) {
      int first = (emulate_runs_backward ? n / 32 - 1 - w : w) * 32;
      bool ran;

      do {
        ran = false;
        for (int i = 0; i < 32; i++) {
          worker->current = first + (emulate_runs_backward ? 31 - i : i);
          threadIdx.x = worker->current;
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

/* A GPU computes alike whatever the host's rounding is, and with subnormal
 * numbers even where a library that was loaded has made the host drop them. */
static void
work (Launch *launch)
{
  const dim3 &grid = launch->grid;
  unsigned n_blocks = grid.x * grid.y * grid.z, i;
  size_t stacks_size = launch->n_threads * STACK_SIZE;
  Worker self{};
  std::fenv_t host;

  std::fegetenv (&host);
  std::fesetenv (FE_DFL_ENV);
  self.launch = launch;
  self.threads.resize (launch->n_threads);
  self.warps.resize (launch->n_threads / 32);
  self.shadow.resize ((launch->shared + 1) / 2);
  self.shared = (unsigned char *) aligned_alloc (1024, SHARED_LIMIT + 1024);
  self.stacks =
      (unsigned char *) mmap (nullptr, stacks_size, PROT_READ | PROT_WRITE,
          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (self.stacks == MAP_FAILED || !self.shared) {
    launch->error = cudaErrorLaunchOutOfResources;
    set_fault ("no memory for the stacks of a block");
  } else {
    worker = &self;
    indices = { {}, {}, { (unsigned) launch->n_threads, 1, 1 },
      { grid.x, grid.y, grid.z } };
    while ((i = launch->next++) < n_blocks && launch->error == cudaSuccess) {
      blockIdx = { i % grid.x, i / grid.x % grid.y, i / (grid.x * grid.y) };
      run_block ();
    }
    worker = nullptr;
  }
  if (self.stacks != MAP_FAILED)
    munmap (self.stacks, stacks_size);
  free (self.shared);
  std::fesetenv (&host);
}

cudaError_t
run_blocks (
    dim3 grid, dim3 block, size_t shared, const std::function<void ()> &kernel)
{
  unsigned n_blocks = grid.x * grid.y * grid.z;
  Launch launch;

  if (n_blocks < 1 || block.x < 32 || block.x > 1024 || block.x % 32
      || block.y * block.z != 1 || shared > SHARED_LIMIT) {
    set_fault ("a launch of an empty grid, of a block that is not a row of 1 "
               "to 32 whole warps, or with more shared memory than a GPU has");
    return cudaErrorInvalidValue;
  }
  launch.grid = grid;
  launch.n_threads = block.x;
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

/* Nothing on the thread's stack is destroyed: a string would leak. */
void
stop_thread_at (const void *address)
{
  char text[128];

  if (!worker)
    return;
  describe_address (address, text, sizeof text);
  stop (cudaErrorIllegalAddress, {}, "out of bounds: touched %s", text);
}

[[noreturn]] static void
misaligned (const void *address, Site site)
{
  if (!worker) {
    fprintf (stderr, "%s:%d: misaligned\n", site.file, site.line);
    abort ();
  }
  stop (cudaErrorMisalignedAddress, site, "misaligned: %p", address);
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
      (const void *) address, { what->site.file, (int) what->site.line });
}

namespace emulate {

/* ---- Shared memory ------------------------------------------------------ */

unsigned char *
shared_memory (size_t end)
{
  if (end > worker->launch->shared)
    stop (cudaErrorIllegalAddress, {},
        "out of bounds: arrays of %zu bytes in the %zu of shared memory that "
        "the launch asked for",
        end, worker->launch->shared);
  return worker->shared;
}

void
shared_place (bool is_inside, long index, long count, Site site)
{
  if (!is_inside)
    stop (cudaErrorIllegalAddress, site,
        "out of bounds: element %ld of %ld in shared memory", index, count);
}

/* Whether what `touch` says is ordered before now, for the current thread. */
static bool
is_before (const Touch &touch)
{
  return touch.thread == NOBODY || touch.thread == worker->current
         || touch.barriers != worker->barriers;
}

static Touch
touch_now ()
{
  return { (int16_t) worker->current, worker->barriers };
}

[[noreturn]] static void
race (const char *what, const Touch &touch, const void *address, Site site)
{
  stop (cudaErrorLaunchFailure, site,
      "race: %s byte %td of shared memory, which thread %d touched with no "
      "barrier between",
      what, (const unsigned char *) address - worker->shared, touch.thread);
}

void
shared_read (const void *address, size_t size, Site site)
{
  size_t first = (const unsigned char *) address - worker->shared;
  Touch now = touch_now ();

  for (size_t i = first / 2; i < (first + size + 1) / 2; i++) {
    Shadow *shadow = &worker->shadow[i];

    if (shadow->written.thread == NOBODY)
      stop (cudaErrorLaunchFailure, site,
          "unwritten: reads byte %zu of shared memory, which nothing wrote",
          2 * i);
    if (!is_before (shadow->written))
      race ("reads", shadow->written, address, site);
    /* Two that read in the same phase: a later write by either one is a race
     * with the other. */
    if (is_before (shadow->read))
      shadow->read = now;
    else
      shadow->read.thread = SEVERAL;
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
  if (worker->is_counted)
    stop (cudaErrorLaunchFailure, site,
        "no barrier: leaves data when the block is counted");
}

void
count_block (Site site)
{
  for (Thread &thread : worker->threads) {
    if (thread.passing != Passing::NOTHING)
      stop (cudaErrorLaunchFailure, site,
          "%s: counts the block, and what thread %td left is not there",
          thread.passing == Passing::LEFT ? "no fence" : "no barrier",
          &thread - worker->threads.data ());
    thread.has_fenced = false;
  }
  worker->is_counted = true;
}

void
reads_of_blocks (Site site)
{
  if (!current_thread ()->has_fenced)
    stop (
        cudaErrorLaunchFailure, site, "no fence: reads what other blocks left");
}

/* ---- Instructions on matrices -------------------------------------------- */

void
load_matrices (uint32_t *words, int n, const half *row, Site site)
{
  struct Lane
  {
    uint32_t *words;
    const half *row;
  } mine = { words, row };

  if (worker->current % 32 < 8 * n)
    shared_read (row, 16, site);
  if (void *const *lanes = meet (&mine, 0xffffffff, site))
    for (int i = 0; i < 32; i++)
      for (int m = 0; m < n; m++)
        memcpy (&((Lane *) lanes[i])->words[m],
            ((Lane *) lanes[8 * m + i / 4])->row + i % 4 * 2, 4);
}

void
multiply (
    float c[4], const uint32_t *left, const uint32_t *right, int k, Site site)
{
  struct Lane
  {
    float *c;
    const uint32_t *left, *right;
  } mine = { c, left, right };
  float rows[16][16], columns[8][16];
  void *const *lanes = meet (&mine, 0xffffffff, site);

  if (!lanes)
    return;
  for (int i = 0; i < 32; i++) {
    const Lane *lane = (const Lane *) lanes[i];
    auto element = [] (const uint32_t *words, int e) {
      return sympie_half_to_float (words[e / 2] >> 16 * (e % 2));
    };

    for (int e = 0; e < k / 2; e++)
      rows[i / 4 + e / 2 % 2 * 8][i % 4 * 2 + e % 2 + e / 4 * 8] =
          element (lane->left, e);
    for (int e = 0; e < k / 4; e++)
      columns[i / 4][i % 4 * 2 + e % 2 + e / 2 * 8] = element (lane->right, e);
  }
  for (int i = 0; i < 32; i++)
    for (int e = 0; e < 4; e++)
      for (int j = 0; j < k; j++)
        ((Lane *) lanes[i])->c[e] +=
            rows[i / 4 + e / 2 * 8][j] * columns[i % 4 * 2 + e % 2][j];
}

/* ---- Copies in the background -------------------------------------------- */

void
copy_later (void *dst, const void *src, bool valid, Site site)
{
  Thread *thread = current_thread ();
  size_t first = ((unsigned char *) dst - worker->shared) / 2;

  if ((uintptr_t) src % 16 != 0)
    misaligned (src, site);
  /* From here on until it is waited for, nobody may touch it. */
  shared_write (dst, 16, site);
  for (size_t i = first; i < first + 8; i++)
    worker->shadow[i].written.thread = NOBODY;
  thread->copies.push_back ({ dst, src, valid, thread->groups });
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
    shared_write (copy.dst, 16, site);
    if (copy.valid)
      memcpy (copy.dst, copy.src, 16);
    else
      memset (copy.dst, 0, 16);
  }
  thread->copies.erase (
      thread->copies.begin (), thread->copies.begin () + done);
}

} // namespace emulate

using namespace emulate;

void
__syncthreads (Site site)
{
  wait (State::AT_BARRIER, site);
}

void
__threadfence ()
{
  Thread *thread = current_thread ();

  __atomic_thread_fence (__ATOMIC_SEQ_CST);
  thread->has_fenced = true;
  if (thread->passing == Passing::LEFT)
    thread->passing = Passing::FENCED;
}
