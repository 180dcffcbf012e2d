/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the kernels are written in: CUDA C++, or with SYMPIE_EMULATED the
 * emulation of it, and the few things where the two differ: the launch, shared
 * memory, copies that run in the background. Matrix instructions are in
 * matrix.h. */

#ifndef SYMPIE_CUDA_DEVICE_H
#define SYMPIE_CUDA_DEVICE_H

#ifdef SYMPIE_EMULATED
#include "emulated/emulate.h"
#else
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#endif

#include <stdint.h>

#include "target.h"

/* ---- Launch ------------------------------------------------------------- */

template <typename T> struct Same
{
  using Type = T; /* from which no template argument is deduced */
};

#ifndef SYMPIE_EMULATED
static inline cudaError_t
add_node (SympieCudaTarget *to, const cudaKernelNodeParams *node)
{
  cudaGraphNode_t before = to->node;

#if CUDART_VERSION >= 12030
  if (before && to->overlaps) {
    cudaGraphEdgeData edge = {};
    cudaError_t error =
        cudaGraphAddKernelNode (&to->node, to->graph, NULL, 0, node);

    edge.from_port = cudaGraphKernelNodePortProgrammatic;
    edge.type = cudaGraphDependencyTypeProgrammatic;
    if (error != cudaSuccess)
      return error;
#if CUDART_VERSION >= 13000
    return cudaGraphAddDependencies (to->graph, &before, &to->node, &edge, 1);
#else
    return cudaGraphAddDependencies_v2 (
        to->graph, &before, &to->node, &edge, 1);
#endif
  }
#endif
  return cudaGraphAddKernelNode (
      &to->node, to->graph, &before, before ? 1 : 0, node);
}
#endif

/* `shared`: bytes of shared memory of a block, all that its SharedLayout hands
 * out. Blocks are whole warps. */
template <typename... P>
static cudaError_t
launch (void (*kernel) (P...), dim3 grid, dim3 block, size_t shared,
    SympieCudaTarget *to, typename Same<P>::Type... arguments)
{
#ifdef SYMPIE_EMULATED
  return emulate::launch (
      grid, block, shared, to, [=] { kernel (arguments...); });
#else
  void *pointers[] = { (void *) &arguments... };
  cudaKernelNodeParams node = {};
  cudaError_t error = cudaSuccess;

  if (shared > 48 << 10)
    error = cudaFuncSetAttribute ((const void *) kernel,
        cudaFuncAttributeMaxDynamicSharedMemorySize, (int) shared);
  if (error != cudaSuccess)
    return error;
  if (to->stream)
    return cudaLaunchKernel (
        (const void *) kernel, grid, block, pointers, shared, to->stream);
  node.func = (void *) kernel;
  node.gridDim = grid;
  node.blockDim = block;
  node.sharedMemBytes = (unsigned) shared;
  node.kernelParams = pointers;
  return to->exec ? cudaGraphExecKernelNodeSetParams (to->exec, to->node, &node)
                  : add_node (to, &node);
#endif
}

/* What the whole block finds, and few blocks find true. For the count of
 * instructions of the others (tests/cuda/sass.sh) it is never true. */
__device__ __forceinline__ bool
rarely (bool condition)
{
#ifdef SYMPIE_COUNT
  return false;
#else
  return condition;
#endif
}

/* What is `usual` but for few frames, and always for that count. */
template <int usual>
__device__ __forceinline__ int
mostly (int value)
{
#ifdef SYMPIE_COUNT
  return usual;
#else
  return value;
#endif
}

/* A kernel of a graph may begin while the one before it works: what comes
 * before wait_for_previous() must neither read nor write what that one writes
 * or reads. All of that one is done then, and so is what came before it. GPUs
 * before Hopper begin later. */
__device__ __forceinline__ void
let_next_begin ()
{
#if !defined(SYMPIE_EMULATED) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

__device__ __forceinline__ void
wait_for_previous ()
{
#if !defined(SYMPIE_EMULATED) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/* A number that is in a register from here on: not computed anew where it is
 * needed, as the compiler likes to. */
__device__ __forceinline__ int
kept (int value)
{
#ifndef SYMPIE_EMULATED
  asm volatile("" : "+r"(value));
#endif
  return value;
}

/* threadIdx.x and blockIdx.x and .y, read again: what was computed of them need
 * not stay in registers. */
#ifdef SYMPIE_EMULATED
#define READ_AGAIN(name, index, register)                                      \
  static inline int name ()                                                    \
  {                                                                            \
    return index;                                                              \
  }
#else
#define READ_AGAIN(name, index, register)                                      \
  __device__ __forceinline__ int name ()                                       \
  {                                                                            \
    int value;                                                                 \
                                                                               \
    asm volatile("mov.u32 %0, %%" register ";" : "=r"(value));                 \
    return value;                                                              \
  }
#endif

READ_AGAIN (thread_again, threadIdx.x, "tid.x")
READ_AGAIN (block_x_again, blockIdx.x, "ctaid.x")
READ_AGAIN (block_y_again, blockIdx.y, "ctaid.y")

__device__ __forceinline__ int
lane_of_warp ()
{
  return threadIdx.x % 32;
}

/* ---- Shared memory ------------------------------------------------------ */

/* An array of elements of 2 bytes or more in shared memory. load() and store()
 * move as many elements as fill a V, which must be aligned for it. */
#ifdef SYMPIE_EMULATED
template <typename T> class SharedArray {
public:
  SharedArray () = default;
  SharedArray (T *data, int count) : data_ (data), count_ (count)
  {
    static_assert (sizeof (T) >= 2, "the emulation watches pairs of bytes");
  }

  T
  get (int i, EMULATE_CALLER) const
  {
    return load<T> (i, file, line);
  }

  void
  set (int i, T value, EMULATE_CALLER) const
  {
    store<T> (i, value, file, line);
  }

  template <typename V>
  V
  load (int i, EMULATE_CALLER) const
  {
    V value;

    emulate::shared_read (
        at<V> (i, file, line), sizeof (V), EMULATE_SITE ("a read"));
    memcpy (&value, data_ + i, sizeof (V));
    return value;
  }

  template <typename V>
  void
  store (int i, V value, EMULATE_CALLER) const
  {
    emulate::shared_write (
        at<V> (i, file, line), sizeof (V), EMULATE_SITE ("a write"));
    memcpy ((void *) (data_ + i), &value, sizeof (V));
  }

  /* The address of elements for an access of `sizeof (V)` bytes. */
  template <typename V>
  T *
  at (int i, EMULATE_CALLER) const
  {
    if (i < 0 || i + (int) (sizeof (V) / sizeof (T)) > count_
        || (uintptr_t) (data_ + i) % sizeof (V) != 0)
      emulate::out_of_bounds (i, count_, EMULATE_SITE ("an access"));
    return data_ + i;
  }

  /* The same memory as elements of another type. */
  template <typename V>
  SharedArray<V>
  as () const
  {
    return SharedArray<V> ((V *) data_, count_ * sizeof (T) / sizeof (V));
  }

private:
  T *data_;
  int count_;
};
#else
extern __shared__ __align__ (1024) unsigned char sympie_shared[];

template <typename T> class SharedArray {
public:
  SharedArray () = default;
  __device__ __forceinline__
  SharedArray (T *data)
      : data_ (data)
  {
  }

  __device__ __forceinline__ T
  get (int i) const
  {
    return data_[i];
  }

  __device__ __forceinline__ void
  set (int i, T value) const
  {
    data_[i] = value;
  }

  template <typename V>
  __device__ __forceinline__ V
  load (int i) const
  {
    return *(const V *) (data_ + i);
  }

  template <typename V>
  __device__ __forceinline__ void
  store (int i, V value) const
  {
    *(V *) (data_ + i) = value;
  }

  template <typename V>
  __device__ __forceinline__ T *
  at (int i) const
  {
    return data_ + i;
  }

  template <typename V>
  __device__ __forceinline__ SharedArray<V>
  as () const
  {
    return SharedArray<V> ((V *) data_);
  }

private:
  T *data_;
};
#endif

/* ---- Between blocks -------------------------------------------------------
 */

/* What one block leaves in device memory for another of the same launch. All
 * threads of the block leave theirs; each fences; after a barrier one of them
 * counts the block (atomicAdd); and who reads has fenced after that count. */
template <typename V>
__device__ __forceinline__ void
leave_for_blocks (V *at, V value)
{
#ifdef SYMPIE_EMULATED
  emulate::left_for_blocks ({ "leave_for_blocks", __FILE__, __LINE__ });
#endif
  *at = value;
}

template <typename V>
__device__ __forceinline__ V
left_by_blocks (const V *at)
{
#ifdef SYMPIE_EMULATED
  emulate::reads_of_blocks ({ "left_by_blocks", __FILE__, __LINE__ });
#endif
  return __ldcg (at);
}

/* ---- Layout of shared memory --------------------------------------------- */

/* Divides a block's shared memory into arrays, each aligned to 16 bytes. */
class SharedLayout {
public:
  template <typename T>
  __device__ __forceinline__ SharedArray<T>
  array (int count)
  {
    size_t begin = end_;

    end_ += (count * sizeof (T) + 15) / 16 * 16;
#ifdef SYMPIE_EMULATED
    return SharedArray<T> (
        (T *) (emulate::shared_memory (begin + count * sizeof (T)) + begin),
        count);
#else
    return SharedArray<T> ((T *) (sympie_shared + begin));
#endif
  }

private:
  size_t end_ = 0;
};

/* ---- Background copies --------------------------------------------------- */

/* 16 bytes from device memory to `dst`, element `i`; zeros where not `valid`,
 * when `src` is not read. What one thread copied is there for it after
 * wait_copies (n), which leaves n committed groups in flight, and for others
 * after a barrier. */
template <typename T>
__device__ __forceinline__ void
copy_16 (const SharedArray<T> &dst, int i, const T *src, bool valid)
{
#ifdef SYMPIE_EMULATED
  emulate::copy_later (dst.template at<uint4> (i), src, 16, valid ? 16 : 0,
      { "copy_16", __FILE__, __LINE__ });
#elif __CUDA_ARCH__ >= 800
  unsigned to =
      (unsigned) __cvta_generic_to_shared (dst.template at<uint4> (i));

  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to),
               "l"(src), "r"(valid ? 16 : 0)
               : "memory");
#else
  dst.template store<uint4> (
      i, valid ? __ldg ((const uint4 *) src) : make_uint4 (0, 0, 0, 0));
#endif
}

__device__ __forceinline__ void
commit_copies ()
{
#ifdef SYMPIE_EMULATED
  emulate::commit_copies ();
#elif __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

template <int n>
__device__ __forceinline__ void
wait_copies ()
{
#ifdef SYMPIE_EMULATED
  emulate::wait_for_copies (n, { "wait_copies", __FILE__, __LINE__ });
#elif __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory");
#endif
}

/* ---- Numbers ------------------------------------------------------------ */

__device__ __forceinline__ float
to_float (half value)
{
  return __half2float (value);
}

__device__ __forceinline__ float
to_float (float value)
{
  return value;
}

template <typename T> __device__ __forceinline__ T from_float (float value);

template <>
__device__ __forceinline__ half
from_float<half> (float value)
{
  return __float2half_rn (value);
}

template <>
__device__ __forceinline__ float
from_float<float> (float value)
{
  return value;
}

__device__ __forceinline__ half2
as_halves (unsigned bits)
{
  half2 value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

__device__ __forceinline__ unsigned
as_bits (half2 value)
{
  unsigned bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

/* As many elements as 16 bytes hold, moved together. */
template <typename T> struct alignas (16) Pack
{
  static constexpr int SIZE = 16 / sizeof (T);
  T values[SIZE];
};

#endif /* SYMPIE_CUDA_DEVICE_H */
