/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The emulation itself: what is right must work, and each thing that it claims
 * to detect is done on purpose and must be reported as what it is. */

#include <cfenv>
#include <cmath>

#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include "../kernels/check.h"
#include "cuda/device.h"
#include "cuda/matrix.h"

static cudaStream_t stream;
static SympieCudaTarget target;

/* Runs a kernel of two blocks of two warps with 1 KiB of shared memory. */
template <typename... P, typename... A>
static cudaError_t
run (void (*kernel) (P...), A... arguments)
{
  cudaError_t error =
      launch (kernel, 2, 64, 1024, &target, static_cast<P> (arguments)...);

  return error != cudaSuccess ? error : cudaStreamSynchronize (stream);
}

template <typename... P, typename... A>
static void
expect_fault (const char *name, cudaError_t expected, const char *text,
    void (*kernel) (P...), A... arguments)
{
  cudaError_t error = run (kernel, arguments...);

  CHECK (error == expected && strstr (emulate_fault_text (), text),
      "%s: error %d, '%s'", name, error, emulate_fault_text ());
  /* As on a GPU, nothing works after that. */
  void *memory;

  CHECK (cudaMalloc (&memory, 1) == expected, "%s", name);
  emulate_reset ();
}

/* ---- What is right ------------------------------------------------------- */

static void
reverse (int *numbers)
{
  auto array = shared_array<int> (64);

  array.set (threadIdx.x, numbers[blockIdx.x * blockDim.x + threadIdx.x]);
  __syncthreads ();
  numbers[blockIdx.x * blockDim.x + threadIdx.x] = array.get (63 - threadIdx.x);
}

static void
rotate_in_warp (int *numbers)
{
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  int value = __shfl_sync (0xffffffff, numbers[i], (threadIdx.x + 1) % 32);

  numbers[i] = __shfl_xor_sync (0xffffffff, value, 1);
}

static void
count_blocks (unsigned *counter, int *is_last)
{
  if (threadIdx.x == 0)
    is_last[blockIdx.x] = atomicAdd (counter, 1) + 1 == gridDim.x;
}

/* One 16x16 by 16x16 product, as a kernel does it. */
static void
product (const half *left, const half *right_transposed, float *result,
    bool in_halves)
{
  const int stride = 24, second = 16 * stride;
  auto memory = shared_array<half> (2 * second);
  int lane = lane_of_warp (), g = lane / 4, t = lane % 4;
  Sums sums[2] = {};
  uint32_t rows[4], columns[4];

  for (int i = lane * 8; i < 256; i += 32 * 8) {
    int at = i / 16 * stride + i % 16;

    copy_16 (memory, at, left + i, true);
    copy_16 (memory, second + at, right_transposed + i, true);
  }
  commit_copies ();
  wait_copies<0> ();
  __syncthreads ();
  load_matrices<4> (rows, memory, place_in_rows (stride));
  load_matrices<4> (columns, memory, second + place_in_columns (stride));
  for (int n = 0; n < 2; n++) {
    if (in_halves)
      for (int h = 0; h < 2; h++)
        multiply<8> (&sums[n], rows + 2 * h, columns + 2 * n + h);
    else
      multiply<16> (&sums[n], rows, columns + 2 * n);
    for (int e = 0; e < 4; e++)
      result[(g + e / 2 * 8) * 16 + n * 8 + 2 * t + e % 2] = sums[n].values[e];
  }
}

static void
test_product (bool in_halves, uint64_t *seed)
{
  half left[256], right[256], *device_left, *device_right;
  float result[256], *device_result;

  for (int i = 0; i < 256; i++) {
    left[i] = check_random_float (seed, -1, 1);
    right[i] = check_random_float (seed, -1, 1);
  }
  cudaMalloc ((void **) &device_left, sizeof left);
  cudaMalloc ((void **) &device_right, sizeof right);
  cudaMalloc ((void **) &device_result, sizeof result);
  cudaMemcpyAsync (
      device_left, left, sizeof left, cudaMemcpyHostToDevice, stream);
  cudaMemcpyAsync (
      device_right, right, sizeof right, cudaMemcpyHostToDevice, stream);
  CHECK (launch (product, 1, 32, 4096, &target, device_left, device_right,
             device_result, in_halves)
             == cudaSuccess,
      "launch");
  cudaMemcpyAsync (
      result, device_result, sizeof result, cudaMemcpyDeviceToHost, stream);
  CHECK (cudaStreamSynchronize (stream) == cudaSuccess, "%s",
      emulate_fault_text ());
  for (int m = 0; m < 16; m++)
    for (int n = 0; n < 16; n++) {
      double sum = 0;

      for (int k = 0; k < 16; k++)
        sum += (double) left[m * 16 + k] * right[n * 16 + k];
      if (!CHECK (fabs (sum - result[m * 16 + n]) < 1e-5,
              "(%d, %d): %g, not %g", m, n, result[m * 16 + n], sum))
        return;
    }
  cudaFree (device_left);
  cudaFree (device_right);
  cudaFree (device_result);
}

static half
half_of_bits (unsigned bits)
{
  half h;

  h.bits = (uint16_t) bits;
  return h;
}

static void
test_half ()
{
  /* Every half and back; what lies between two goes to the nearer one. */
  for (unsigned bits = 0; bits < 0x7c00; bits++) {
    float value = half_of_bits (bits), middle;

    if (!CHECK (half (value).bits == bits
                    && half (-value).bits == (bits | 0x8000)
                    && (float) half_of_bits (bits | 0x8000) == -value,
            "half %04x", bits))
      return;
    if (bits + 1 == 0x7c00)
      continue;
    middle = (value + half_of_bits (bits + 1)) / 2;
    if (!CHECK (half (middle).bits == bits + (bits & 1)
                    && half (std::nextafter (middle, 0.f)).bits == bits
                    && half (std::nextafter (middle, 1e9f)).bits == bits + 1,
            "above half %04x", bits))
      return;
  }
  CHECK (std::isinf ((float) half_of_bits (0x7c00))
             && std::isnan ((float) half_of_bits (0x7e00))
             && half (65520).bits == 0x7c00 && half (65519).bits == 0x7bff
             && half (-INFINITY).bits == 0xfc00 && half (NAN).bits == 0x7e00
             && half_of_bits (1) == 0x1p-24f,
      "ends of the range");
}

static void
divide_halves (const half *from, float *to)
{
  int i = blockIdx.x * blockDim.x + threadIdx.x;

  to[i] = from[i] / 3;
}

/* The host's ways to compute, which a library can set for a program, are
 * neither a kernel's nor changed by it. */
static void
test_host_modes ()
{
  half halves[128], *from;
  float expected[128], result[128], *to;
  std::fenv_t before;

  for (int i = 0; i < 128; i++) {
    halves[i] = half_of_bits (i); /* subnormal */
    expected[i] = (float) i * 0x1p-24f / 3;
  }
  cudaMalloc ((void **) &from, sizeof halves);
  cudaMalloc ((void **) &to, sizeof result);
  cudaMemcpyAsync (from, halves, sizeof halves, cudaMemcpyHostToDevice, stream);
  std::fegetenv (&before);
  std::fesetround (FE_UPWARD);
#ifdef __SSE__
  const unsigned drop_subnormals = 0x8040; /* read and written */

  _mm_setcsr (_mm_getcsr () | drop_subnormals);
#endif
  CHECK (run (divide_halves, from, to) == cudaSuccess, "%s",
      emulate_fault_text ());
  CHECK (std::fegetround () == FE_UPWARD, "the host's rounding has changed");
#ifdef __SSE__
  CHECK ((_mm_getcsr () & drop_subnormals) == drop_subnormals,
      "the host's subnormals have changed");
#endif
  std::fesetenv (&before);
  cudaMemcpyAsync (result, to, sizeof result, cudaMemcpyDeviceToHost, stream);
  cudaStreamSynchronize (stream);
  for (int i = 0; i < 128; i++)
    if (!CHECK (result[i] == expected[i], "half %04x / 3: %g, not %g", i,
            result[i], expected[i]))
      break;
  cudaFree (from);
  cudaFree (to);
}

static void
test_right (uint64_t *seed)
{
  int numbers[128], *device, is_last[2];
  unsigned zero = 0, *counter;

  for (int i = 0; i < 128; i++)
    numbers[i] = i;
  cudaMalloc ((void **) &device, sizeof numbers);
  cudaMalloc ((void **) &counter, sizeof *counter);
  cudaMemcpyAsync (
      device, numbers, sizeof numbers, cudaMemcpyHostToDevice, stream);
  CHECK (run (reverse, device) == cudaSuccess, "%s", emulate_fault_text ());
  CHECK (
      run (rotate_in_warp, device) == cudaSuccess, "%s", emulate_fault_text ());
  cudaMemcpyAsync (
      numbers, device, sizeof numbers, cudaMemcpyDeviceToHost, stream);
  cudaStreamSynchronize (stream);
  for (int i = 0; i < 128; i++) {
    int lane = ((i % 32 ^ 1) + 1) % 32;

    CHECK (numbers[i] == i / 64 * 64 + 63 - (i / 32 % 2 * 32 + lane), "%d: %d",
        i, numbers[i]);
  }

  cudaMemcpyAsync (counter, &zero, sizeof zero, cudaMemcpyHostToDevice, stream);
  CHECK (run (count_blocks, counter, device) == cudaSuccess, "atomicAdd");
  cudaMemcpyAsync (
      is_last, device, sizeof is_last, cudaMemcpyDeviceToHost, stream);
  cudaStreamSynchronize (stream);
  CHECK (is_last[0] + is_last[1] == 1, "one block is the last");
  cudaFree (device);
  cudaFree (counter);

  test_product (false, seed);
  test_product (true, seed);
}

/* ---- Barriers and warps -------------------------------------------------- */

static void
barrier_for_some ()
{
  if (threadIdx.x < 32)
    __syncthreads ();
}

static void
barrier_here_and_there ()
{
  if (threadIdx.x < 32)
    __syncthreads ();
  else
    __syncthreads ();
}

static void
shuffle_for_some ()
{
  if (threadIdx.x != 5)
    __shfl_sync (0xffffffff, 1, 0);
}

static void
shuffle_here_and_there ()
{
  if (threadIdx.x % 2)
    __shfl_sync (0xffffffff, 1, 0);
  else
    __shfl_xor_sync (0xffffffff, 1, 1);
}

/* ---- Shared memory ------------------------------------------------------- */

static void
shared_beyond_array (int index)
{
  auto array = shared_array<int> (64), all = shared_array<int> (128);

  all.set (64 + threadIdx.x, 0);
  if (threadIdx.x == 0)
    array.set (index, 0);
}

static void
shared_beyond_launch ()
{
  shared_array<int> (257);
}

static void
shared_misaligned ()
{
  auto array = shared_array<int> (64);

  array.store (1, make_uint4 (0, 0, 0, 0));
}

static void
shared_unwritten ()
{
  auto array = shared_array<int> (64);

  if (threadIdx.x != 40)
    array.set (threadIdx.x, 1);
  __syncthreads ();
  array.get (threadIdx.x);
}

static void
shared_read_too_early ()
{
  auto array = shared_array<int> (64);

  array.set (threadIdx.x, 1);
  if (threadIdx.x == 63)
    array.get (0);
  __syncthreads ();
  array.get (0);
}

static void
shared_written_too_early ()
{
  auto array = shared_array<int> (64);

  array.set (threadIdx.x, 1);
  __syncthreads ();
  array.get ((threadIdx.x + 32) % 64);
  array.set (threadIdx.x, 2);
}

static void
shared_written_twice ()
{
  shared_array<int> (1).set (0, threadIdx.x);
}

/* What a warp does together does not order its memory. */
static void
shared_within_warp ()
{
  auto array = shared_array<int> (64);

  array.set (threadIdx.x, 1);
  __shfl_sync (0xffffffff, 1, 0);
  array.get (threadIdx.x ^ 1);
}

static void
copy_not_waited_for (const int *memory)
{
  auto array = shared_array<int> (256);

  copy_16 (array, threadIdx.x * 4, memory, true);
  commit_copies ();
  __syncthreads ();
  array.get (threadIdx.x);
  wait_copies<0> ();
}

static void
copy_misaligned (const int *memory)
{
  auto array = shared_array<int> (256);

  copy_16 (array, threadIdx.x * 4, memory + 1, true);
  commit_copies ();
  wait_copies<0> ();
}

template <typename T>
static void
read_misaligned (const unsigned char *memory, T *sum)
{
  if (threadIdx.x == 33)
    *sum = __ldg ((const T *) (memory + sizeof (T) / 2));
}

template <typename T>
static void
write_misaligned (unsigned char *memory)
{
  if (threadIdx.x == 33)
    *(T *) (memory + sizeof (T) / 2) = {};
}

template <typename T>
static void
test_misaligned (unsigned char *memory)
{
  const cudaError_t error = cudaErrorMisalignedAddress;

  expect_fault ("a read", error, "thread 33: misaligned", read_misaligned<T>,
      (const unsigned char *) memory, (T *) memory);
  expect_fault (
      "a write", error, "thread 33: misaligned", write_misaligned<T>, memory);
}

/* ---- From block to block ------------------------------------------------- */

/* Each block leaves its number, the last one adds them up; with one of the four
 * steps left out it only seems to work. */
static void
add_blocks (int *left, unsigned *counter, int *sum, int without)
{
  auto is_last = shared_array<int> (1);

  if (threadIdx.x == 40)
    leave_for_blocks (&left[blockIdx.x], (int) blockIdx.x + 1);
  if (without != 1)
    __threadfence ();
  if (without != 2)
    __syncthreads ();
  if (threadIdx.x == 0)
    is_last.set (0, atomicAdd (counter, 1) + 1 == gridDim.x);
  __syncthreads ();
  if (!is_last.get (0) || threadIdx.x != 0)
    return;
  if (without != 3)
    __threadfence ();
  *sum = left_by_blocks (&left[0]) + left_by_blocks (&left[1]);
}

static void
test_blocks ()
{
  const char *const texts[] = { "no fence: counts",
    "no barrier: ", "no fence: reads" };
  int *left, *sum, host = 0;
  unsigned *counter;

  cudaMalloc ((void **) &left, 2 * sizeof *left);
  cudaMalloc ((void **) &sum, sizeof *sum);
  cudaMalloc ((void **) &counter, sizeof *counter);
  for (int without = 0; without < 4; without++) {
    cudaMemsetAsync (counter, 0, sizeof *counter, stream);
    if (without > 0) {
      expect_fault ("from block to block", cudaErrorLaunchFailure,
          texts[without - 1], add_blocks, left, counter, sum, without);
      continue;
    }
    CHECK (run (add_blocks, left, counter, sum, 0) == cudaSuccess, "%s",
        emulate_fault_text ());
    cudaMemcpyAsync (&host, sum, sizeof host, cudaMemcpyDeviceToHost, stream);
    cudaStreamSynchronize (stream);
    CHECK (host == 3, "%d", host);
  }
  cudaFree (left);
  cudaFree (sum);
  cudaFree (counter);
}

/* ---- Device memory ------------------------------------------------------- */

static void
write_at (unsigned char *memory, long index)
{
  if (threadIdx.x == 33 && blockIdx.x == 1)
    memory[index] = 1;
}

static void
test_faults ()
{
  const cudaError_t launch_failure = cudaErrorLaunchFailure;
  const cudaError_t illegal_address = cudaErrorIllegalAddress;
  unsigned char *memory, *after;
  int *numbers;

  expect_fault (
      "some exit", launch_failure, "barrier divergence", barrier_for_some);
  expect_fault ("two barriers", launch_failure, "barrier divergence",
      barrier_here_and_there);
  expect_fault (
      "a lane is missing", launch_failure, "warp divergence", shuffle_for_some);
  expect_fault ("lanes in two places", launch_failure, "warp divergence",
      shuffle_here_and_there);

  expect_fault ("after an array", illegal_address, "element 64 of 64",
      shared_beyond_array, 64);
  expect_fault ("before an array", illegal_address, "element -1 of 64",
      shared_beyond_array, -1);
  expect_fault ("more than the launch has", illegal_address,
      "1028 bytes in the 1024", shared_beyond_launch);
  expect_fault (
      "not aligned", illegal_address, "out of bounds", shared_misaligned);
  expect_fault ("not written", launch_failure, "unwritten: reads byte 160",
      shared_unwritten);
  expect_fault ("read with no barrier", launch_failure, "race: reads",
      shared_read_too_early);
  expect_fault ("written with no barrier", launch_failure,
      "race: ", shared_written_too_early);
  expect_fault (
      "written by two", launch_failure, "race: writes", shared_written_twice);
  expect_fault (
      "read within a warp", launch_failure, "race: reads", shared_within_warp);

  cudaMalloc ((void **) &numbers, 16);
  expect_fault ("copies in flight", launch_failure, "unwritten",
      copy_not_waited_for, (const int *) numbers);
  expect_fault ("a source that is not aligned", cudaErrorMisalignedAddress,
      "misaligned", copy_misaligned, (const int *) numbers);
  cudaFree (numbers);

  cudaMalloc ((void **) &memory, 64);
  test_misaligned<uint16_t> (memory);
  test_misaligned<half> (memory);
  test_misaligned<unsigned> (memory);
  test_misaligned<uint2> (memory);
  test_misaligned<uint4> (memory);
  test_misaligned<float4> (memory);
  cudaFree (memory);

  cudaMalloc ((void **) &memory, 1000);
  CHECK (run (write_at, memory, 999l) == cudaSuccess, "the last byte");
  expect_fault ("after an allocation", illegal_address,
      "block (1, 0, 0), thread 33: out of bounds: touched byte 8 after",
      write_at, memory, 1008l);
  expect_fault ("no allocation", illegal_address, "which is no device memory",
      write_at, (unsigned char *) nullptr, 8l);
  cudaMalloc ((void **) &after, 16);
  cudaFree (after);
  expect_fault (
      "freed", illegal_address, "out of bounds: touched", write_at, after, 0l);
  cudaFree (memory);
}

/* ---- Streams ------------------------------------------------------------- */

static void
add_one (int *number)
{
  if (blockIdx.x == 0 && threadIdx.x == 0)
    ++*number;
}

/* A graph runs as often as it is launched, and not while it is made. A node
 * that is changed does not change what was launched before. */
static void
test_graph (int *device, int *host)
{
  SympieCudaTarget to = {}, wrong;
  cudaGraphNode_t first;
  int *other;

  cudaMalloc ((void **) &other, sizeof *other);
  cudaMemsetAsync (device, 0, sizeof *device, stream);
  cudaMemsetAsync (other, 0, sizeof *other, stream);
  CHECK (cudaGraphCreate (&to.graph, 0) == cudaSuccess, "graph");
  launch (add_one, 1, 32, 0, &to, device);
  first = to.node;
  wrong = to;
  launch (add_one, 1, 32, 0, &to, device);
  CHECK (launch (add_one, 1, 32, 0, &wrong, device) == cudaErrorInvalidValue,
      "a second node after the first");
  CHECK (cudaGraphInstantiate (&to.exec, to.graph, 0) == cudaSuccess, "exec");

  cudaGraphLaunch (to.exec, stream);
  cudaGraphLaunch (to.exec, stream);
  to.node = first;
  CHECK (launch (add_one, 1, 32, 0, &to, other) == cudaSuccess,
      "another argument");
  cudaGraphLaunch (to.exec, stream);
  cudaMemcpyAsync (host, device, sizeof *host, cudaMemcpyDeviceToHost, stream);
  cudaStreamSynchronize (stream);
  CHECK (*host == 5, "%d", *host);
  cudaMemcpyAsync (host, other, sizeof *host, cudaMemcpyDeviceToHost, stream);
  cudaStreamSynchronize (stream);
  CHECK (*host == 1, "%d", *host);

  to.node = nullptr;
  CHECK (launch (add_one, 1, 32, 0, &to, device) == cudaErrorInvalidValue,
      "no such node");
  cudaGraphExecDestroy (to.exec);
  cudaGraphDestroy (to.graph);
  cudaFree (other);
}

static void
test_streams ()
{
  int *device, *host, before = 5;
  cudaEvent_t event;

  cudaMalloc ((void **) &device, sizeof *device);
  cudaHostAlloc ((void **) &host, sizeof *host, cudaHostAllocDefault);
  cudaEventCreateWithFlags (&event, cudaEventDisableTiming);

  /* Pageable memory may be used again at once, pinned memory may not; and
   * nothing has happened before it is waited for. */
  cudaMemcpyAsync (
      device, &before, sizeof before, cudaMemcpyHostToDevice, stream);
  before = 0;
  launch (add_one, 1, 32, 0, &target, device);
  cudaMemcpyAsync (host, device, sizeof *host, cudaMemcpyDeviceToHost, stream);
  *host = -1;
  CHECK (*host == -1, "%d", *host);
  cudaStreamSynchronize (stream);
  CHECK (*host == 6, "%d", *host);

  /* What was recorded before an event has happened when it is waited for. */
  launch (add_one, 1, 32, 0, &target, device);
  cudaMemcpyAsync (host, device, sizeof *host, cudaMemcpyDeviceToHost, stream);
  cudaEventRecord (event, stream);
  CHECK (*host == 6, "%d", *host);
  cudaEventSynchronize (event);
  CHECK (*host == 7, "%d", *host);

  test_graph (device, host);

  CHECK (cudaMemcpyAsync (
             device, host, 2 * sizeof *host, cudaMemcpyHostToDevice, stream)
             == cudaErrorInvalidValue,
      "a copy beyond an allocation");
  CHECK (cudaFree (device + 1) == cudaErrorInvalidValue, "an inner pointer");
  CHECK (launch (add_one, 1, 33, 0, &target, device) == cudaSuccess
             && cudaStreamSynchronize (stream) == cudaErrorInvalidValue,
      "a block that is not whole warps");

  cudaEventDestroy (event);
  cudaFreeHost (host);
  cudaFree (device);
}

static void
test_failures ()
{
  int count, *device;
  void *memory;

  emulate_fail ("cudaMalloc", 1, cudaErrorMemoryAllocation);
  CHECK (cudaMalloc ((void **) &device, 4) == cudaSuccess, "the first");
  CHECK (cudaMalloc (&memory, 4) == cudaErrorMemoryAllocation, "the second");
  CHECK (cudaMalloc (&memory, 4) == cudaSuccess, "the third");
  CHECK (cudaMalloc (&memory, (size_t) 1 << 40) == cudaErrorMemoryAllocation,
      "more than there is");
  cudaFree (memory);
  emulate_fail ("launch", 0, cudaErrorContextIsDestroyed);
  CHECK (run (add_one, device) == cudaErrorContextIsDestroyed, "launch");
  CHECK (run (add_one, device) == cudaErrorContextIsDestroyed, "and then");
  emulate_reset ();
  cudaFree (device);

  emulate_n_devices = 0;
  CHECK (
      cudaGetDeviceCount (&count) == cudaErrorInsufficientDriver && count == 0,
      "no driver");
  emulate_n_devices = 1;
}

int
main ()
{
  uint64_t seed = 1;

  cudaStreamCreateWithFlags (&stream, cudaStreamNonBlocking);
  target.stream = stream;
  test_half ();
  test_host_modes ();
  for (int backward = 0; backward < 2; backward++) {
    emulate_runs_backward = backward;
    test_right (&seed);
  }
  emulate_runs_backward = false;
  test_faults ();
  test_blocks ();
  test_streams ();
  test_failures ();
  cudaStreamDestroy (stream);
  CHECK (emulate_live_objects () == 0, "%d left", emulate_live_objects ());
  return check_end ();
}
