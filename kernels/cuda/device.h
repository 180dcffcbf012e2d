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

#include "kernels.h"

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

/* `shared`: bytes of shared memory of a block, those of its shared_array().
 * Blocks are whole warps. */
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
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

__device__ __forceinline__ void
wait_for_previous ()
{
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/* A number that is in a register from here on: neither computed anew where it
 * is needed, as the compiler likes to, nor what was computed of it before kept.
 */
__device__ __forceinline__ int
kept (int value)
{
#ifndef SYMPIE_EMULATED
  asm volatile("" : "+r"(value));
#endif
  return value;
}

__device__ __forceinline__ int
lane_of_warp ()
{
  return threadIdx.x % 32;
}

/* ---- What the emulation watches ------------------------------------------ */

/* EMULATE (call): a call of the emulation, nothing on a GPU. */
#ifdef SYMPIE_EMULATED
using emulate::Site;
#define EMULATE(call) emulate::call
#else
struct Site
{
  static constexpr __device__ __forceinline__ Site
  here ()
  {
    return {};
  }
};
#define EMULATE(call) ((void) 0)
#endif

/* ---- Shared memory ------------------------------------------------------- */

/* An array of elements of 2 bytes or more in shared memory. load() and store()
 * move as many elements as fill a V, which must be aligned for it. */
template <typename T> class SharedArray {
public:
  __device__ __forceinline__
  SharedArray (T *data, int count)
      : data_ (data), count_ (count)
  {
    static_assert (sizeof (T) >= 2, "the emulation watches pairs of bytes");
  }

  __device__ __forceinline__ T
  get (int i, Site site = Site::here ()) const
  {
    return load<T> (i, site);
  }

  __device__ __forceinline__ void
  set (int i, T value, Site site = Site::here ()) const
  {
    store<T> (i, value, site);
  }

  template <typename V>
  __device__ __forceinline__ V
  load (int i, Site site = Site::here ()) const
  {
    const T *from = at<V> (i, site);

    EMULATE (shared_read (from, sizeof (V), site));
    return *(const V *) from;
  }

  template <typename V>
  __device__ __forceinline__ void
  store (int i, V value, Site site = Site::here ()) const
  {
    T *to = at<V> (i, site);

    EMULATE (shared_write (to, sizeof (V), site));
    *(V *) to = value;
  }

  /* The address of elements for an access of `sizeof (V)` bytes. */
  template <typename V>
  __device__ __forceinline__ T *
  at (int i, Site site = Site::here ()) const
  {
    EMULATE (
        shared_place (i >= 0 && i + (int) (sizeof (V) / sizeof (T)) <= count_
                          && (uintptr_t) (data_ + i) % sizeof (V) == 0,
            i, count_, site));
    return data_ + i;
  }

  /* The same memory as elements of another type. */
  template <typename V>
  __device__ __forceinline__ SharedArray<V>
  as () const
  {
    return SharedArray<V> ((V *) data_, count_ * sizeof (T) / sizeof (V));
  }

private:
  T *data_;
  int count_;
};

/* All of a block's shared memory. */
template <typename T>
__device__ __forceinline__ SharedArray<T>
shared_array (int count)
{
#ifdef SYMPIE_EMULATED
  unsigned char *memory = emulate::shared_memory (count * sizeof (T));
#else
  extern __shared__ __align__ (1024) unsigned char memory[];
#endif

  return SharedArray<T> ((T *) memory, count);
}

/* ---- Between blocks ------------------------------------------------------ */

/* What one block leaves in device memory for another of the same launch. All
 * threads of the block leave theirs; each fences; after a barrier one of them
 * counts the block (atomicAdd); and who reads has fenced after that count. */
template <typename V>
__device__ __forceinline__ void
leave_for_blocks (V *at, V value, Site site = Site::here ())
{
  EMULATE (left_for_blocks (site));
  *at = value;
}

template <typename V>
__device__ __forceinline__ V
left_by_blocks (const V *at, Site site = Site::here ())
{
  EMULATE (reads_of_blocks (site));
  return __ldcg (at);
}

/* ---- Background copies --------------------------------------------------- */

/* 16 bytes from device memory to `dst`, element `i`; zeros where not `valid`,
 * when `src` is not read. What one thread copied is there for it after
 * wait_copies (n), which leaves n committed groups in flight, and for others
 * after a barrier. Turing copies at once. */
template <typename T>
__device__ __forceinline__ void
copy_16 (const SharedArray<T> &dst, int i, const T *src, bool valid,
    Site site = Site::here ())
{
#if __CUDA_ARCH__ >= 800
  unsigned to =
      (unsigned) __cvta_generic_to_shared (dst.template at<uint4> (i));

  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to),
               "l"(src), "r"(valid ? 16 : 0)
               : "memory");
#elif defined(__CUDA_ARCH__)
  dst.template store<uint4> (
      i, valid ? __ldg ((const uint4 *) src) : make_uint4 (0, 0, 0, 0));
#else
  EMULATE (copy_later (dst.template at<uint4> (i, site), src, valid, site));
#endif
}

__device__ __forceinline__ void
commit_copies ()
{
  EMULATE (commit_copies ());
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

template <int n>
__device__ __forceinline__ void
wait_copies (Site site = Site::here ())
{
  EMULATE (wait_for_copies (n, site));
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory");
#endif
}

/* ---- Numbers ------------------------------------------------------------ */

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

/* Elements that are moved together: as many as 16 bytes hold, if not said. */
template <typename T, int n = 16 / sizeof (T)>
struct alignas (n * sizeof (T) < 16 ? n * sizeof (T) : 16) Pack
{
  static constexpr int SIZE = n;
  T values[n];
};

#endif /* SYMPIE_CUDA_DEVICE_H */
