/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Memory, streams, events and graphs of the emulated runtime. */

#include <dlfcn.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "emulate.h"

using Operation = std::function<cudaError_t ()>;

/* ---- What is common to the process -------------------------------------- */

int emulate_n_devices = -1;
bool emulate_skips_kernels, emulate_runs_backward;

namespace {

const size_t DEVICE_MEMORY = (size_t) 4 << 30;
const size_t PAGE = sysconf (_SC_PAGESIZE);
const size_t N_FREED = 16;   /* allocations that stay closed for a while */
const size_t ALIGNMENT = 16; /* of an allocation's end: what escapes notice */

struct Allocation
{
  unsigned char *pages; /* the closed page after them not counted */
  size_t pages_size, size;
};

struct Failure
{
  std::string function;
  int after;
  cudaError_t error;
};

std::recursive_mutex mutex; /* guards all of this */
std::map<const unsigned char *, Allocation> allocations;
std::deque<Allocation> freed;
std::map<const unsigned char *, size_t> pinned;
std::vector<Failure> failures;
size_t memory_used;
int open_count, live_objects;
std::string fault_text;
cudaError_t sticky; /* what a fault leaves behind */

thread_local cudaError_t last_error;
thread_local int device_in_use;

using Lock = std::lock_guard<std::recursive_mutex>;

cudaError_t
remember (cudaError_t error)
{
  Lock lock (mutex);

  if (error >= cudaErrorIllegalAddress)
    sticky = error;
  return last_error = error;
}

/* Every function of the API begins here. */
cudaError_t
enter (const char *function)
{
  const char *visible = getenv ("CUDA_VISIBLE_DEVICES");
  Lock lock (mutex);

  if (emulate_n_devices < 0)
    emulate_n_devices = !visible || *visible;
  if (sticky != cudaSuccess)
    return last_error = sticky;
  for (Failure &failure : failures)
    if (failure.function == function && failure.after-- == 0)
      return remember (failure.error);
  return emulate_n_devices > 0 ? cudaSuccess
                               : last_error = cudaErrorInsufficientDriver;
}

/* One that does nothing where it fails, and nobody else does anything
 * meanwhile: it must not wait for a stream's lock. */
template <typename F>
cudaError_t
call (const char *function, F body)
{
  Lock lock (mutex);
  cudaError_t error = enter (function);

  if (error == cudaSuccess && (error = body ()) != cudaSuccess)
    remember (error);
  return error;
}

template <typename T>
cudaError_t
create (const char *function, T **object)
{
  return call (function, [=] {
    *object = new T{};
    live_objects++;
    return cudaSuccess;
  });
}

template <typename T>
cudaError_t
destroy (const char *function, T *object)
{
  Lock lock (mutex);

  delete object;
  live_objects--;
  return enter (function);
}

void
protect_all (int protection)
{
  for (auto &entry : allocations)
    mprotect (entry.second.pages, entry.second.pages_size, protection);
}

/* Memory that GStreamer got from tests/cuda/driver.c, where that is loaded. */
bool
is_memory_of_driver (const unsigned char *address, size_t size)
{
  using Query =
      int (*) (unsigned long long *, size_t *, unsigned long long address);
  static void *const driver = dlopen ("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
  static const Query query =
      driver ? (Query) dlsym (driver, "cuMemGetAddressRange_v2") : nullptr;
  unsigned long long begin;
  size_t range;

  return query && query (&begin, &range, (uintptr_t) address) == 0
         && (uintptr_t) address + size <= begin + range;
}

/* The last entry that begins at or before an address, or NULL. */
template <typename T>
const std::pair<const unsigned char *const, T> *
entry_at (const std::map<const unsigned char *, T> &map, const void *address)
{
  auto next = map.upper_bound ((const unsigned char *) address);

  return next == map.begin () ? nullptr : &*--next;
}

/* Whether an allocation holds all of these bytes. */
bool
is_device_memory (const void *memory, size_t size)
{
  const unsigned char *address = (const unsigned char *) memory;
  Lock lock (mutex);
  auto entry = entry_at (allocations, memory);

  return (entry && address + size <= entry->first + entry->second.size)
         || is_memory_of_driver (address, size);
}

bool
is_pinned (const void *memory)
{
  Lock lock (mutex);
  auto entry = entry_at (pinned, memory);

  return entry && (const unsigned char *) memory < entry->first + entry->second;
}

} // namespace

namespace emulate {

void
set_fault (const char *text)
{
  Lock lock (mutex);

  fault_text = text;
}

OpenMemory::OpenMemory ()
{
  Lock lock (mutex);

  if (open_count++ == 0)
    protect_all (PROT_READ | PROT_WRITE);
}

OpenMemory::~OpenMemory ()
{
  Lock lock (mutex);

  if (--open_count == 0)
    protect_all (PROT_NONE);
}

void
describe_address (const void *memory, char *text, size_t size)
{
  const unsigned char *address = (const unsigned char *) memory;
  Lock lock (mutex);
  auto entry = entry_at (allocations, memory);

  if (entry && address < entry->second.pages + entry->second.pages_size + PAGE)
    snprintf (text, size,
        "byte %td after the end of %zu bytes of device memory",
        address - (entry->first + entry->second.size), entry->second.size);
  else
    snprintf (text, size, "%p, which is no device memory", memory);
}

} // namespace emulate

/* ---- Faults of kernels -------------------------------------------------- */

namespace {

struct sigaction old_segv, old_bus;

void
handle_fault (int number, siginfo_t *info, void *context)
{
  emulate::stop_thread_at (info->si_addr);
  /* Not a kernel's: it happens again, to whoever was here first. */
  sigaction (number, number == SIGSEGV ? &old_segv : &old_bus, nullptr);
}

void
catch_faults ()
{
  static std::once_flag once;

  std::call_once (once, [] {
    struct sigaction action = {};

    /* The handler may never return: it must not block the signal. */
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    action.sa_sigaction = handle_fault;
    sigaction (SIGSEGV, &action, &old_segv);
    sigaction (SIGBUS, &action, &old_bus);
  });
}

} // namespace

/* ---- Devices and errors -------------------------------------------------- */

cudaError_t
cudaGetDeviceCount (int *count)
{
  cudaError_t error = enter ("cudaGetDeviceCount");

  *count = error == cudaSuccess ? emulate_n_devices : 0;
  return error;
}

cudaError_t
cudaGetDevice (int *device)
{
  *device = device_in_use;
  return enter ("cudaGetDevice");
}

cudaError_t
cudaSetDevice (int device)
{
  return call ("cudaSetDevice", [=] {
    if (device < 0 || device >= emulate_n_devices)
      return cudaErrorInvalidDevice;
    device_in_use = device;
    return cudaSuccess;
  });
}

cudaError_t
cudaDeviceGetAttribute (int *value, enum cudaDeviceAttr attribute, int device)
{
  /* An H200. */
  *value = attribute == cudaDevAttrMultiProcessorCount ? 132 : 9;
  return enter ("cudaDeviceGetAttribute");
}

cudaError_t
cudaFuncGetAttributes (cudaFuncAttributes *attributes, const void *kernel)
{
  *attributes = {};
  return enter ("cudaFuncGetAttributes");
}

cudaError_t
cudaGetLastError (void)
{
  cudaError_t error = last_error;

  last_error = cudaSuccess;
  return error;
}

const char *
cudaGetErrorString (cudaError_t error)
{
  if (error >= cudaErrorIllegalAddress && !fault_text.empty ())
    return fault_text.c_str ();
  static const std::map<cudaError_t, const char *> texts = {
    { cudaSuccess, "no error" },
    { cudaErrorInvalidValue, "invalid argument" },
    { cudaErrorMemoryAllocation, "out of memory" },
    { cudaErrorInsufficientDriver,
        "CUDA driver version is insufficient for CUDA runtime version" },
    { cudaErrorInvalidDevice, "invalid device ordinal" },
    { cudaErrorNoKernelImageForDevice,
        "no kernel image is available for execution on the device" },
    { cudaErrorContextIsDestroyed, "context is destroyed" },
  };
  auto known = texts.find (error);

  return known == texts.end () ? "unrecognized error code" : known->second;
}

/* ---- Memory ------------------------------------------------------------- */

cudaError_t
cudaMalloc (void **memory, size_t size)
{
  size_t used = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  size_t pages_size = (used + PAGE - 1) / PAGE * PAGE;

  return call ("cudaMalloc", [=] {
    unsigned char *pages = (unsigned char *) MAP_FAILED;

    catch_faults ();
    if (size <= DEVICE_MEMORY - memory_used)
      pages = (unsigned char *) mmap (nullptr, pages_size + PAGE,
          PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
      return cudaErrorMemoryAllocation;
    memset (pages, 0xff, pages_size);
    mprotect (pages + pages_size, PAGE, PROT_NONE);
    if (open_count == 0)
      mprotect (pages, pages_size, PROT_NONE);
    *memory = pages + pages_size - used;
    allocations[(unsigned char *) *memory] = { pages, pages_size, size };
    memory_used += size;
    live_objects++;
    return cudaSuccess;
  });
}

cudaError_t
cudaFree (void *memory)
{
  cudaError_t error = enter ("cudaFree");
  Lock lock (mutex);
  auto found = allocations.find ((unsigned char *) memory);

  if (!memory)
    return error;
  if (found == allocations.end ())
    return remember (cudaErrorInvalidValue);
  /* Nothing else may come to lie there soon: what still goes there is caught.
   */
  madvise (found->second.pages, found->second.pages_size, MADV_DONTNEED);
  mprotect (found->second.pages, found->second.pages_size, PROT_NONE);
  freed.push_back (found->second);
  if (freed.size () > N_FREED) {
    munmap (freed.front ().pages, freed.front ().pages_size + PAGE);
    freed.pop_front ();
  }
  memory_used -= found->second.size;
  allocations.erase (found);
  live_objects--;
  return error;
}

cudaError_t
cudaHostAlloc (void **memory, size_t size, unsigned flags)
{
  return call ("cudaHostAlloc", [=] {
    *memory = aligned_alloc (64, (size + 63) / 64 * 64);
    if (!*memory)
      return cudaErrorMemoryAllocation;
    pinned[(unsigned char *) *memory] = size;
    live_objects++;
    return cudaSuccess;
  });
}

cudaError_t
cudaFreeHost (void *memory)
{
  cudaError_t error = enter ("cudaFreeHost");
  Lock lock (mutex);

  if (!memory)
    return error;
  if (pinned.erase ((unsigned char *) memory) == 0)
    return remember (cudaErrorInvalidValue);
  free (memory);
  live_objects--;
  return error;
}

/* ---- Streams ------------------------------------------------------------ */

struct CUgraphNode_st
{
  Operation operation;
};

struct CUgraph_st
{
  std::deque<CUgraphNode_st> nodes; /* whose addresses stay */
};

struct CUgraphExec_st
{
  std::vector<std::pair<cudaGraphNode_t, Operation>> nodes;
};

struct CUstream_st
{
  std::recursive_mutex mutex;
  std::deque<Operation> waiting;
};

struct CUevent_st
{
  cudaStream_t stream; /* where it was recorded last, which may be gone */
};

static std::set<cudaStream_t> streams; /* guarded by mutex */

static cudaError_t
add (cudaStream_t stream, Operation operation)
{
  Lock lock (stream->mutex);

  stream->waiting.push_back (std::move (operation));
  return cudaSuccess;
}

static cudaError_t
finish (cudaStream_t stream)
{
  Lock lock (stream->mutex);

  while (!stream->waiting.empty ()) {
    Operation operation = std::move (stream->waiting.front ());
    cudaError_t error;

    stream->waiting.pop_front ();
    error = operation ();
    if (error != cudaSuccess) {
      stream->waiting.clear ();
      return remember (error);
    }
  }
  return cudaSuccess;
}

/* The name of the call is that of what the GPU's launch() does. */
cudaError_t
emulate::launch (dim3 grid, dim3 block, size_t shared, SympieCudaTarget *to,
    std::function<void ()> kernel)
{
  cudaError_t error = enter (to->stream ? "launch"
                             : to->exec ? "cudaGraphExecKernelNodeSetParams"
                                        : "cudaGraphAddKernelNode");
  Operation operation = [=] {
    return emulate_skips_kernels ? cudaSuccess
                                 : run_blocks (grid, block, shared, kernel);
  };

  if (error != cudaSuccess)
    return error;
  if (to->stream)
    return add (to->stream, operation);
  if (to->exec) {
    for (auto &node : to->exec->nodes)
      if (node.first == to->node) {
        node.second = operation;
        return cudaSuccess;
      }
    return remember (cudaErrorInvalidValue);
  }
  /* One chain, from the first to the last. */
  if (to->node
      != (to->graph->nodes.empty () ? nullptr : &to->graph->nodes.back ()))
    return remember (cudaErrorInvalidValue);
  to->graph->nodes.push_back ({ operation });
  to->node = &to->graph->nodes.back ();
  return cudaSuccess;
}

cudaError_t
cudaStreamCreateWithFlags (cudaStream_t *stream, unsigned flags)
{
  cudaError_t error = create ("cudaStreamCreateWithFlags", stream);
  Lock lock (mutex);

  if (error == cudaSuccess)
    streams.insert (*stream);
  return error;
}

cudaError_t
cudaStreamDestroy (cudaStream_t stream)
{
  cudaError_t error = enter ("cudaStreamDestroy");

  if (error == cudaSuccess)
    error = finish (stream);
  delete stream;
  Lock lock (mutex);

  streams.erase (stream);
  live_objects--;
  return error;
}

cudaError_t
cudaStreamSynchronize (cudaStream_t stream)
{
  cudaError_t error = enter ("cudaStreamSynchronize");

  return error == cudaSuccess ? finish (stream) : error;
}

cudaError_t
cudaEventCreateWithFlags (cudaEvent_t *event, unsigned flags)
{
  return create ("cudaEventCreateWithFlags", event);
}

cudaError_t
cudaEventDestroy (cudaEvent_t event)
{
  return destroy ("cudaEventDestroy", event);
}

cudaError_t
cudaEventRecord (cudaEvent_t event, cudaStream_t stream)
{
  return call ("cudaEventRecord", [=] {
    streams.insert (stream); /* it may be of another program's copy of this */
    event->stream = stream;
    return cudaSuccess;
  });
}

/* Nothing happens until something waits. */
cudaError_t
cudaEventQuery (cudaEvent_t event)
{
  cudaError_t error = enter ("cudaEventQuery");

  return error == cudaSuccess ? cudaErrorNotReady : error;
}

/* Goes as far as the record of the event, or further: as right, and simple. */
cudaError_t
cudaEventSynchronize (cudaEvent_t event)
{
  bool is_there = false;
  cudaError_t error = call ("cudaEventSynchronize", [&] {
    is_there = streams.count (event->stream) > 0;
    return cudaSuccess;
  });

  return is_there ? finish (event->stream) : error;
}

/* ---- Copies ------------------------------------------------------------- */

cudaError_t
cudaMemcpyAsync (void *dst, const void *src, size_t size,
    enum cudaMemcpyKind kind, cudaStream_t stream)
{
  return cudaMemcpy2DAsync (dst, size, src, size, size, 1, kind, stream);
}

cudaError_t
cudaMemcpy2DAsync (void *dst, size_t dst_pitch, const void *src,
    size_t src_pitch, size_t width, size_t height, enum cudaMemcpyKind kind,
    cudaStream_t stream)
{
  cudaError_t error = enter ("cudaMemcpyAsync");
  std::shared_ptr<std::vector<unsigned char>> staged;

  if (error != cudaSuccess || width == 0 || height == 0)
    return error;

  size_t src_size = (height - 1) * src_pitch + width;
  size_t dst_size = (height - 1) * dst_pitch + width;

  if (dst_pitch < width || src_pitch < width
      || (kind != cudaMemcpyHostToDevice && !is_device_memory (src, src_size))
      || (kind != cudaMemcpyDeviceToHost && !is_device_memory (dst, dst_size)))
    return remember (cudaErrorInvalidValue);

  /* Memory that is not pinned is read before the call returns. */
  if (kind == cudaMemcpyHostToDevice && !is_pinned (src)) {
    const unsigned char *bytes = (const unsigned char *) src;

    staged = std::make_shared<std::vector<unsigned char>> (width * height);
    for (size_t y = 0; y < height; y++)
      memcpy (staged->data () + y * width, bytes + y * src_pitch, width);
    src_pitch = width;
  }
  add (stream, [=] {
    emulate::OpenMemory open;
    const unsigned char *from =
        staged ? staged->data () : (const unsigned char *) src;

    for (size_t y = 0; y < height; y++)
      memcpy (
          (unsigned char *) dst + y * dst_pitch, from + y * src_pitch, width);
    return cudaSuccess;
  });
  if (kind == cudaMemcpyDeviceToHost && !is_pinned (dst))
    return finish (stream);
  return cudaSuccess;
}

cudaError_t
cudaMemsetAsync (void *memory, int value, size_t size, cudaStream_t stream)
{
  cudaError_t error = enter ("cudaMemsetAsync");

  if (error != cudaSuccess)
    return error;
  if (!is_device_memory (memory, size))
    return remember (cudaErrorInvalidValue);
  return add (stream, [=] {
    emulate::OpenMemory open;

    memset (memory, value, size);
    return cudaSuccess;
  });
}

/* ---- Graphs ------------------------------------------------------------- */

cudaError_t
cudaGraphCreate (cudaGraph_t *graph, unsigned flags)
{
  return create ("cudaGraphCreate", graph);
}

cudaError_t
cudaGraphInstantiate (
    cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags)
{
  cudaError_t error = create ("cudaGraphInstantiate", exec);

  if (error == cudaSuccess)
    for (CUgraphNode_st &node : graph->nodes)
      (*exec)->nodes.push_back ({ &node, node.operation });
  return error;
}

cudaError_t
cudaGraphLaunch (cudaGraphExec_t exec, cudaStream_t stream)
{
  cudaError_t error = enter ("cudaGraphLaunch");

  if (error == cudaSuccess)
    for (auto &node : exec->nodes)
      add (stream, node.second);
  return error;
}

cudaError_t
cudaGraphExecDestroy (cudaGraphExec_t exec)
{
  return destroy ("cudaGraphExecDestroy", exec);
}

cudaError_t
cudaGraphDestroy (cudaGraph_t graph)
{
  return destroy ("cudaGraphDestroy", graph);
}

/* ---- For tests ---------------------------------------------------------- */

void
emulate_fail (const char *function, int after, cudaError_t error)
{
  Lock lock (mutex);

  failures.push_back ({ function, after, error });
}

void
emulate_reset (void)
{
  Lock lock (mutex);

  failures.clear ();
  fault_text.clear ();
  sticky = last_error = cudaSuccess;
}

const char *
emulate_fault_text (void)
{
  Lock lock (mutex);

  return fault_text.c_str ();
}

int
emulate_live_objects (void)
{
  Lock lock (mutex);

  return live_objects;
}

int
emulate_waiting (cudaStream_t stream)
{
  Lock lock (stream->mutex);

  return (int) stream->waiting.size ();
}
