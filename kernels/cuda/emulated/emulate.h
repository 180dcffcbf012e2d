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

#include "../target.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__
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

/* IEEE half precision: bits, and correctly rounded conversions. */
struct half
{
  uint16_t bits;
};

static inline float
__half2float (half h)
{
  uint32_t magnitude = (uint32_t) (h.bits & 0x7fff) << 13;
  uint32_t sign = (uint32_t) (h.bits & 0x8000) << 16;
  float value;

  /* Subnormals come out right too: the product is exact. */
  memcpy (&value, &magnitude, 4);
  value *= 0x1p112f;
  memcpy (&magnitude, &value, 4);
  magnitude |= (h.bits & 0x7c00) == 0x7c00 ? 0x7f800000 : 0;
  magnitude |= sign;
  memcpy (&value, &magnitude, 4);
  return value;
}

static inline half
__float2half_rn (float value)
{
  uint32_t bits, sign;
  float magnitude = std::fabs (value);

  memcpy (&bits, &value, 4);
  sign = bits >> 16 & 0x8000;
  if (!(magnitude < 65520))
    return { (uint16_t) (sign | (std::isnan (value) ? 0x7e00 : 0x7c00)) };
  /* Adding a power of two leaves exactly the bits that half has. */
  if (magnitude < 0x1p-14f) {
    float sum = magnitude + 0.5f;

    memcpy (&bits, &sum, 4);
    return { (uint16_t) (sign | (bits & 0x7fffff)) };
  }
  memcpy (&bits, &magnitude, 4);
  bits += 0xfff + (bits >> 13 & 1);
  return { (uint16_t) (sign | ((bits - (112u << 23)) >> 13)) };
}

/* Two halves; each operation rounds once. */
struct half2
{
  half x, y;
};

static inline half2
__floats2half2_rn (float x, float y)
{
  return { __float2half_rn (x), __float2half_rn (y) };
}

static inline half2
__hfma2 (half2 a, half2 b, half2 c)
{
  return __floats2half2_rn (
      fmaf (__half2float (a.x), __half2float (b.x), __half2float (c.x)),
      fmaf (__half2float (a.y), __half2float (b.y), __half2float (c.y)));
}

static inline half2
__hmul2 (half2 a, half2 b)
{
  return __floats2half2_rn (__half2float (a.x) * __half2float (b.x),
      __half2float (a.y) * __half2float (b.y));
}

static inline half2
__hadd2 (half2 a, half2 b)
{
  return __floats2half2_rn (__half2float (a.x) + __half2float (b.x),
      __half2float (a.y) + __half2float (b.y));
}

static inline half2
__hmin2 (half2 a, half2 b)
{
  return __floats2half2_rn (fminf (__half2float (a.x), __half2float (b.x)),
      fminf (__half2float (a.y), __half2float (b.y)));
}

static inline half2
__hmax2 (half2 a, half2 b)
{
  return __floats2half2_rn (fmaxf (__half2float (a.x), __half2float (b.x)),
      fmaxf (__half2float (a.y), __half2float (b.y)));
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

/* Where in the kernel an operation stands. */
struct Site
{
  const char *name, *file;
  int line;
};

unsigned thread_index (int axis);
unsigned block_index (int axis);
unsigned block_size (int axis);
unsigned grid_size (int axis);
int lane ();

/* threadIdx and its like: x, y and z read the index of whoever asks. */
template <unsigned (*read) (int)> struct Index
{
  struct Axis
  {
    int axis;
    operator unsigned () const
    {
      return read (axis);
    }
  } x{ 0 }, y{ 1 }, z{ 2 };
};

void barrier (Site site);

/* What device.h says of data that passes from block to block. */
void left_for_blocks (Site site);
void reads_of_blocks (Site site);
void fence ();
void count_block (Site site);

/* Operations of a part of a warp are not emulated, but refused. */
void check_mask (unsigned mask, Site site);

/* All 32 threads of the warp come here; the last runs `all` on the arguments of
 * the 32, in the order of the lanes, before any goes on. */
void warp_operation (Site site, void *mine, void (*all) (void *const *));

/* The block's shared memory; checks an access before it is made. */
unsigned char *shared_memory (size_t end);
void shared_read (const void *address, size_t size, Site site);
void shared_write (const void *address, size_t size, Site site);
[[noreturn]] void out_of_bounds (long index, long count, Site site);

/* The instructions of matrix.h, on the registers that they work on there. */
void load_matrices (uint32_t *words, int n, const half *row, Site site);
void multiply (
    float c[4], const uint32_t *left, const uint32_t *right, int k, Site site);

/* Copies to shared memory that happen when the thread waits for their group. */
void copy_later (
    void *dst, const void *src, size_t size, size_t valid, Site site);
void commit_copies ();
void wait_for_copies (int groups_in_flight, Site site);

cudaError_t launch (dim3 grid, dim3 block, size_t shared, SympieCudaTarget *to,
    std::function<void ()> kernel);

#define EMULATE_SITE(name)                                                     \
  emulate::Site                                                                \
  {                                                                            \
    name, file, line                                                           \
  }
#define EMULATE_CALLER                                                         \
  const char *file = __builtin_FILE(), int line = __builtin_LINE()

} // namespace emulate

static constexpr emulate::Index<emulate::thread_index> threadIdx;
static constexpr emulate::Index<emulate::block_index> blockIdx;
static constexpr emulate::Index<emulate::block_size> blockDim;
static constexpr emulate::Index<emulate::grid_size> gridDim;

static inline void
__syncthreads (EMULATE_CALLER)
{
  emulate::barrier (EMULATE_SITE ("__syncthreads"));
}

static inline void
__syncwarp (unsigned mask = 0xffffffff, EMULATE_CALLER)
{
  emulate::check_mask (mask, EMULATE_SITE ("__syncwarp"));
  emulate::warp_operation (EMULATE_SITE ("__syncwarp"), nullptr, nullptr);
}

namespace emulate {

template <typename T> struct Shuffle
{
  T value, result;
  int source;

  static void
  all (void *const *lanes)
  {
    for (int i = 0; i < 32; i++) {
      Shuffle *mine = (Shuffle *) lanes[i];

      mine->result = ((Shuffle *) lanes[mine->source & 31])->value;
    }
  }
};

template <typename T>
static inline T
shuffle (T value, int source, Site site)
{
  Shuffle<T> mine = { value, value, source };

  warp_operation (site, &mine, Shuffle<T>::all);
  return mine.result;
}

} // namespace emulate

template <typename T>
static inline T
__shfl_sync (unsigned mask, T value, int source, EMULATE_CALLER)
{
  emulate::check_mask (mask, EMULATE_SITE ("__shfl_sync"));
  return emulate::shuffle (value, source, EMULATE_SITE ("__shfl_sync"));
}

template <typename T>
static inline T
__shfl_xor_sync (unsigned mask, T value, int other, EMULATE_CALLER)
{
  emulate::check_mask (mask, EMULATE_SITE ("__shfl_xor_sync"));
  return emulate::shuffle (
      value, emulate::lane () ^ other, EMULATE_SITE ("__shfl_xor_sync"));
}

static inline void
__threadfence ()
{
  emulate::fence ();
}

static inline unsigned
atomicAdd (unsigned *address, unsigned value, EMULATE_CALLER)
{
  emulate::count_block (EMULATE_SITE ("atomicAdd"));
  return __atomic_fetch_add (address, value, __ATOMIC_SEQ_CST);
}

template <typename T>
static inline T
__ldcg (const T *address)
{
  return *address;
}

template <typename T>
static inline T
__ldg (const T *address)
{
  return *address;
}

#endif /* SYMPIE_EMULATE_H */
