/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The device's side of the emulation: what a kernel sees instead of CUDA C++
 * (../device.h includes one or the other).
 *
 * Every CUDA thread is a fiber with its own stack. A block's fibers run one
 * after the other on one thread of the host; one gives way only where it waits
 * for others: at a barrier, or in an operation of the whole warp. Blocks are
 * spread over the processors. A kernel is stopped, with a text that names the
 * block, the thread and the line, when
 *
 * - some threads of a block wait at a barrier and others exited or wait at
 *   another one; the same for the 32 threads of a warp and its operations
 * - it reads or writes shared memory outside of the array it named
 * - it reads shared memory that no thread has written
 * - two threads touch the same shared memory, one of them writing, with no
 *   barrier between
 * - it touches memory that is outside of every allocation
 * - an atomic operation tells other blocks of what a thread left for them, and
 *   that thread has not fenced, or there was no barrier after it; or a thread
 *   reads what others left and has not fenced since
 * - it reads or writes device memory at an address that is not a multiple of
 *   the size of what it moves there
 *
 * It does not see: other races in device memory, pointers that are good on the
 * host only, and overruns from one plane to another inside one allocation.
 */

#ifndef SYMPIE_EMULATE_H
#define SYMPIE_EMULATE_H

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

#include "../../half.h"
#include "../kernels.h"

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__

struct dim3
{
  unsigned x, y, z;
  constexpr dim3 (unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1)
      : x (x_), y (y_), z (z_)
  {
  }
};

struct alignas (8) uint2
{
  unsigned x, y;
};
struct uint3
{
  unsigned x, y, z;
};
struct alignas (16) uint4
{
  unsigned x, y, z, w;
};
struct alignas (8) float2
{
  float x, y;
};
struct alignas (16) float4
{
  float x, y, z, w;
};

static inline uint4
make_uint4 (unsigned x, unsigned y, unsigned z, unsigned w)
{
  return { x, y, z, w };
}

static inline float4
make_float4 (float x, float y, float z, float w)
{
  return { x, y, z, w };
}

static inline int
min (int a, int b)
{
  return a < b ? a : b;
}

static inline int
max (int a, int b)
{
  return a > b ? a : b;
}

struct half
{
  uint16_t bits;
  half () = default;
  half (float value) : bits (sympie_half_from_float (value))
  {
  }
  operator float () const
  {
    return sympie_half_to_float (bits);
  }
};

/* Two halves; each operation rounds once. */
struct alignas (4) half2
{
  half x, y;
};

static inline half2
__floats2half2_rn (float x, float y)
{
  return { x, y };
}

static inline half2
__hfma2 (half2 a, half2 b, half2 c)
{
  return { fmaf (a.x, b.x, c.x), fmaf (a.y, b.y, c.y) };
}

static inline half2
__hmul2 (half2 a, half2 b)
{
  return { a.x * b.x, a.y * b.y };
}

static inline half2
__hadd2 (half2 a, half2 b)
{
  return { a.x + b.x, a.y + b.y };
}

static inline half2
__hmin2 (half2 a, half2 b)
{
  return { fminf (a.x, b.x), fminf (a.y, b.y) };
}

static inline half2
__hmax2 (half2 a, half2 b)
{
  return { fmaxf (a.x, b.x), fmaxf (a.y, b.y) };
}

/* Byte i of the result is byte (selector >> 4 i) of the eight of low and high.
 */
static inline unsigned
__byte_perm (unsigned low, unsigned high, unsigned selector)
{
  uint64_t bytes = (uint64_t) high << 32 | low;
  unsigned result = 0;

  for (int i = 0; i < 4; i++)
    result |= (unsigned) (bytes >> 8 * (selector >> 4 * i & 7) & 0xff) << 8 * i;
  return result;
}

static inline unsigned
__float_as_uint (float value)
{
  unsigned bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

static inline float
__uint_as_float (unsigned bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

static inline float
__saturatef (float value)
{
  return fminf (fmaxf (value, 0), 1);
}

namespace emulate {

/* Where the running thread is. Blocks are one row of threads. */
struct Indices
{
  uint3 thread, block, block_size, grid_size;
};
extern __thread Indices indices;

/* Where in the kernel an operation stands: as the default of a function's last
 * argument, where it is called. */
struct Site
{
  const char *file;
  int line;

  static constexpr Site
  here (const char *file = __builtin_FILE(), int line = __builtin_LINE())
  {
    return { file, line };
  }
};

/* All 32 threads of the warp come here; the last gets what the 32 brought, in
 * the order of the lanes, and the others go on after it has given way; they get
 * NULL. A part of a warp is refused. */
void *const *meet (void *mine, unsigned mask, Site site);

/* What device.h says of data that passes from block to block. */
void left_for_blocks (Site site);
void reads_of_blocks (Site site);
void count_block (Site site);

/* The block's shared memory, of which `end` bytes are needed; checks an access
 * before it is made. */
unsigned char *shared_memory (size_t end);
void shared_read (const void *address, size_t size, Site site);
void shared_write (const void *address, size_t size, Site site);
void shared_place (bool is_inside, long index, long count, Site site);

/* The instructions of matrix.h, on the registers that they work on there. */
void load_matrices (uint32_t *words, int n, const half *row, Site site);
void multiply (
    float c[4], const uint32_t *left, const uint32_t *right, int k, Site site);

/* Copies 16 bytes to shared memory, or zeros, when the thread waits for their
 * group. */
void copy_later (void *dst, const void *src, bool valid, Site site);
void commit_copies ();
void wait_for_copies (int groups_in_flight, Site site);

cudaError_t launch (dim3 grid, dim3 block, size_t shared, SympieCudaTarget *to,
    std::function<void ()> kernel);

/* ---- Between blocks.cc, which runs kernels, and runtime.cc ----------------
 */

/* Runs all blocks; cudaErrorLaunchFailure or one of addresses after a fault,
 * whose text set_fault() has got. */
cudaError_t run_blocks (
    dim3 grid, dim3 block, size_t shared, const std::function<void ()> &kernel);

void set_fault (const char *text);

/* Makes device memory accessible while it lives. */
struct OpenMemory
{
  OpenMemory ();
  ~OpenMemory ();
};

/* Stops the running CUDA thread, if any, for touching this address. Returns
 * where the fault is not a kernel's. */
void stop_thread_at (const void *address);
void describe_address (const void *address, char *text, size_t size);

} // namespace emulate

#define threadIdx (emulate::indices.thread)
#define blockIdx (emulate::indices.block)
#define blockDim (emulate::indices.block_size)
#define gridDim (emulate::indices.grid_size)

void __syncthreads (emulate::Site site = emulate::Site::here ());
void __threadfence ();

template <typename T>
static inline T
__shfl_sync (unsigned mask, T value, int source,
    emulate::Site site = emulate::Site::here ())
{
  struct Lane
  {
    T value, result;
    int source;
  } mine = { value, value, source };

  if (void *const *lanes = emulate::meet (&mine, mask, site))
    for (int i = 0; i < 32; i++) {
      Lane *lane = (Lane *) lanes[i];

      lane->result = ((Lane *) lanes[lane->source & 31])->value;
    }
  return mine.result;
}

template <typename T>
static inline T
__shfl_xor_sync (unsigned mask, T value, int other,
    emulate::Site site = emulate::Site::here ())
{
  return __shfl_sync (mask, value, (int) threadIdx.x ^ other, site);
}

static inline unsigned
atomicAdd (unsigned *address, unsigned value,
    emulate::Site site = emulate::Site::here ())
{
  emulate::count_block (site);
  return __atomic_fetch_add (address, value, __ATOMIC_SEQ_CST);
}

#define __ldcg(address) (*(address))
#define __ldg(address) (*(address))

#endif /* SYMPIE_EMULATE_H */
