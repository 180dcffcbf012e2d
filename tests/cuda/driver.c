/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A libcuda.so.1 for -Dcuda=emulated, so that GStreamer's CUDA library works
 * where there is no GPU: its contexts, pools and memory are the real ones, and
 * this is what they stand on. It has all that GStreamer 1.22 to 1.26 load, but
 * for what they do without. Memory of the device is the process's, which the
 * emulated kernels can read; each allocation begins as 0xff, like theirs. They
 * find out that it is device memory through cuMemGetAddressRange(). There is
 * one device, or none where the environment variable CUDA_VISIBLE_DEVICES is
 * empty. Copies are done when the call returns, after what was on their stream
 * before. Modules, textures and graphics are not supported. */

#include "driver.h"

#include <cuda.h>
#include <cudaGL.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 16 /* of a thread's stack of contexts */
#define PITCH 512    /* bytes, as on GPUs */

typedef struct Allocation Allocation;
struct Allocation
{
  Allocation *next;
  uint8_t *memory;
  size_t size;
};

struct CUctx_st
{
  CUdevice device;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards these */
static Allocation *allocations;
static int n_devices;
static bool refuses_contexts;
static long live_objects, downloaded_bytes, waits;
static const DriverStreams *streams;

static _Thread_local CUcontext stack[MAX_DEPTH];
static _Thread_local int depth;

/* ---- For tests ----------------------------------------------------------- */

static void
count_object (int n)
{
  pthread_mutex_lock (&mutex);
  live_objects += n;
  pthread_mutex_unlock (&mutex);
}

void
driver_refuse_contexts (void)
{
  refuses_contexts = true;
}

void
driver_set_streams (const DriverStreams *functions)
{
  streams = functions;
}

static long
counted (const long *number)
{
  long n;

  pthread_mutex_lock (&mutex);
  n = *number;
  pthread_mutex_unlock (&mutex);
  return n;
}

int
driver_live_objects (void)
{
  return (int) counted (&live_objects);
}

long
driver_downloaded_bytes (void)
{
  return counted (&downloaded_bytes);
}

long
driver_waits (void)
{
  return counted (&waits);
}

/* ---- Devices and errors -------------------------------------------------- */

CUresult
cuInit (unsigned flags)
{
  const char *visible = getenv ("CUDA_VISIBLE_DEVICES");

  n_devices = visible && !*visible ? 0 : 1;
  return n_devices > 0 ? CUDA_SUCCESS : CUDA_ERROR_NO_DEVICE;
}

CUresult
cuDriverGetVersion (int *version)
{
  *version = 12000;
  return CUDA_SUCCESS;
}

CUresult
cuGetErrorName (CUresult error, const char **name)
{
  *name = error == CUDA_SUCCESS ? "CUDA_SUCCESS" : "CUDA_ERROR";
  return CUDA_SUCCESS;
}

CUresult
cuGetErrorString (CUresult error, const char **text)
{
  *text = error == CUDA_ERROR_NO_DEVICE         ? "no device"
          : error == CUDA_ERROR_OUT_OF_MEMORY   ? "out of memory"
          : error == CUDA_ERROR_INVALID_CONTEXT ? "invalid context"
          : error == CUDA_ERROR_NOT_SUPPORTED   ? "not supported"
          : error == CUDA_SUCCESS               ? "no error"
                                                : "invalid argument";
  return CUDA_SUCCESS;
}

CUresult
cuDeviceGetCount (int *count)
{
  *count = n_devices;
  return CUDA_SUCCESS;
}

CUresult
cuDeviceGet (CUdevice *device, int number)
{
  if (number < 0 || number >= n_devices)
    return CUDA_ERROR_INVALID_DEVICE;
  *device = number;
  return CUDA_SUCCESS;
}

CUresult
cuDeviceGetName (char *name, int size, CUdevice device)
{
  snprintf (name, (size_t) size, "Emulated device %d", device);
  return CUDA_SUCCESS;
}

CUresult
cuDeviceGetAttribute (int *value, CUdevice_attribute attribute, CUdevice device)
{
  *value = attribute == CU_DEVICE_ATTRIBUTE_TEXTURE_ALIGNMENT          ? PITCH
           : attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR ? 9
                                                                       : 0;
  return CUDA_SUCCESS;
}

CUresult
cuDeviceCanAccessPeer (int *can, CUdevice device, CUdevice peer)
{
  *can = 0;
  return CUDA_SUCCESS;
}

/* ---- Contexts and streams ------------------------------------------------ */

static CUcontext
current (void)
{
  return depth > 0 ? stack[depth - 1] : NULL;
}

CUresult
cuCtxPushCurrent_v2 (CUcontext context)
{
  if (!context || depth == MAX_DEPTH)
    return CUDA_ERROR_INVALID_VALUE;
  stack[depth++] = context;
  return CUDA_SUCCESS;
}

CUresult
cuCtxPopCurrent_v2 (CUcontext *context)
{
  if (depth == 0)
    return CUDA_ERROR_INVALID_CONTEXT;
  depth--;
  if (context)
    *context = stack[depth];
  return CUDA_SUCCESS;
}

CUresult
cuCtxCreate_v2 (CUcontext *context, unsigned flags, CUdevice device)
{
  if (device < 0 || device >= n_devices)
    return CUDA_ERROR_INVALID_DEVICE;
  if (refuses_contexts)
    return CUDA_ERROR_OUT_OF_MEMORY;
  *context = malloc (sizeof **context);
  if (!*context)
    return CUDA_ERROR_OUT_OF_MEMORY;
  (*context)->device = device;
  count_object (1);
  return cuCtxPushCurrent_v2 (*context);
}

CUresult
cuCtxDestroy_v2 (CUcontext context)
{
  if (!context)
    return CUDA_ERROR_INVALID_VALUE;
  if (current () == context)
    depth--;
  free (context);
  count_object (-1);
  return CUDA_SUCCESS;
}

CUresult
cuCtxEnablePeerAccess (CUcontext peer, unsigned flags)
{
  return CUDA_ERROR_NOT_SUPPORTED;
}

CUresult
cuCtxDisablePeerAccess (CUcontext peer)
{
  return CUDA_ERROR_NOT_SUPPORTED;
}

CUresult
cuCtxSynchronize (void)
{
  return current () ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT;
}

CUresult
cuStreamCreate (CUstream *stream, unsigned flags)
{
  if (!current ())
    return CUDA_ERROR_INVALID_CONTEXT;
  if (!streams || streams->create (stream, flags) != 0)
    return CUDA_ERROR_NOT_SUPPORTED;
  count_object (1);
  return CUDA_SUCCESS;
}

CUresult
cuStreamDestroy_v2 (CUstream stream)
{
  if (!streams || streams->destroy (stream) != 0)
    return CUDA_ERROR_INVALID_VALUE;
  count_object (-1);
  return CUDA_SUCCESS;
}

CUresult
cuStreamDestroy (CUstream stream)
{
  return cuStreamDestroy_v2 (stream);
}

static CUresult
synchronize (CUstream stream)
{
  if (!current ())
    return CUDA_ERROR_INVALID_CONTEXT;
  return !stream || (streams && streams->synchronize (stream) == 0)
             ? CUDA_SUCCESS
             : CUDA_ERROR_INVALID_VALUE;
}

CUresult
cuStreamSynchronize (CUstream stream)
{
  pthread_mutex_lock (&mutex);
  waits++;
  pthread_mutex_unlock (&mutex);
  return synchronize (stream);
}

/* ---- Memory -------------------------------------------------------------- */

/* Where the allocation is linked from that holds these bytes; call with the
 * mutex. */
static Allocation **
find (uintptr_t memory, size_t size)
{
  for (Allocation **link = &allocations; *link; link = &(*link)->next) {
    uintptr_t begin = (uintptr_t) (*link)->memory;

    if (memory >= begin && size <= (*link)->size
        && memory - begin <= (*link)->size - size)
      return link;
  }
  return NULL;
}

CUresult
cuMemAlloc_v2 (CUdeviceptr *memory, size_t size)
{
  Allocation *allocation;

  if (!current ())
    return CUDA_ERROR_INVALID_CONTEXT;
  if (size == 0)
    return CUDA_ERROR_INVALID_VALUE;
  allocation = malloc (sizeof *allocation);
  if (!allocation)
    return CUDA_ERROR_OUT_OF_MEMORY;
  allocation->size = size;
  allocation->memory =
      aligned_alloc (PITCH, (size + PITCH - 1) / PITCH * PITCH);
  if (!allocation->memory) {
    free (allocation);
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
  memset (allocation->memory, 0xff, size);

  pthread_mutex_lock (&mutex);
  allocation->next = allocations;
  allocations = allocation;
  live_objects++;
  pthread_mutex_unlock (&mutex);
  *memory = (uintptr_t) allocation->memory;
  return CUDA_SUCCESS;
}

CUresult
cuMemAllocPitch_v2 (CUdeviceptr *memory, size_t *pitch, size_t width,
    size_t height, unsigned element_size)
{
  *pitch = (width + PITCH - 1) / PITCH * PITCH;
  return cuMemAlloc_v2 (memory, *pitch * height);
}

CUresult
cuMemFree_v2 (CUdeviceptr memory)
{
  Allocation **link, *allocation = NULL;

  if (!current ())
    return CUDA_ERROR_INVALID_CONTEXT;
  pthread_mutex_lock (&mutex);
  link = find ((uintptr_t) memory, 1);
  if (link && (uintptr_t) (*link)->memory == memory) {
    allocation = *link;
    *link = allocation->next;
    live_objects--;
  }
  pthread_mutex_unlock (&mutex);
  if (!allocation)
    return CUDA_ERROR_INVALID_VALUE;
  free (allocation->memory);
  free (allocation);
  return CUDA_SUCCESS;
}

CUresult
cuMemGetAddressRange_v2 (CUdeviceptr *base, size_t *size, CUdeviceptr memory)
{
  CUresult result = CUDA_ERROR_INVALID_VALUE;
  Allocation **link;

  pthread_mutex_lock (&mutex);
  link = find ((uintptr_t) memory, 1);
  if (link) {
    *base = (uintptr_t) (*link)->memory;
    *size = (*link)->size;
    result = CUDA_SUCCESS;
  }
  pthread_mutex_unlock (&mutex);
  return result;
}

CUresult
cuMemAllocHost_v2 (void **memory, size_t size)
{
  if (!current ())
    return CUDA_ERROR_INVALID_CONTEXT;
  *memory = malloc (size);
  if (!*memory)
    return CUDA_ERROR_OUT_OF_MEMORY;
  count_object (1);
  return CUDA_SUCCESS;
}

CUresult
cuMemFreeHost (void *memory)
{
  free (memory);
  count_object (-1);
  return CUDA_SUCCESS;
}

/* The first byte of one side of a copy; NULL where memory that should be the
 * device's is not. */
static uint8_t *
locate (CUmemorytype type, const void *host, CUdeviceptr device, size_t x,
    size_t y, size_t pitch, const CUDA_MEMCPY2D *copy)
{
  size_t size = (copy->Height - 1) * pitch + copy->WidthInBytes;
  uint8_t *first = (type == CU_MEMORYTYPE_HOST ? (uint8_t *) (uintptr_t) host
                                               : (uint8_t *) (uintptr_t) device)
                   + y * pitch + x;
  bool is_there;

  if (type == CU_MEMORYTYPE_HOST)
    return first;
  pthread_mutex_lock (&mutex);
  is_there = find ((uintptr_t) first, size) != NULL;
  pthread_mutex_unlock (&mutex);
  return is_there ? first : NULL;
}

CUresult
cuMemcpy2D_v2 (const CUDA_MEMCPY2D *copy)
{
  const uint8_t *src;
  uint8_t *dst;

  if (!current ())
    return CUDA_ERROR_INVALID_CONTEXT;
  if (copy->WidthInBytes == 0 || copy->Height == 0)
    return CUDA_SUCCESS;
  src = locate (copy->srcMemoryType, copy->srcHost, copy->srcDevice,
      copy->srcXInBytes, copy->srcY, copy->srcPitch, copy);
  dst = locate (copy->dstMemoryType, copy->dstHost, copy->dstDevice,
      copy->dstXInBytes, copy->dstY, copy->dstPitch, copy);
  if (!src || !dst)
    return CUDA_ERROR_INVALID_VALUE;
  for (size_t row = 0; row < copy->Height; row++)
    memcpy (dst + row * copy->dstPitch, src + row * copy->srcPitch,
        copy->WidthInBytes);
  if (copy->srcMemoryType == CU_MEMORYTYPE_DEVICE
      && copy->dstMemoryType == CU_MEMORYTYPE_HOST) {
    pthread_mutex_lock (&mutex);
    downloaded_bytes += (long) (copy->WidthInBytes * copy->Height);
    pthread_mutex_unlock (&mutex);
  }
  return CUDA_SUCCESS;
}

CUresult
cuMemcpy2DAsync_v2 (const CUDA_MEMCPY2D *copy, CUstream stream)
{
  CUresult result = synchronize (stream); /* what was before the copy */

  return result == CUDA_SUCCESS ? cuMemcpy2D_v2 (copy) : result;
}

/* ---- Not supported ------------------------------------------------------- */

#define NOT_SUPPORTED(name)                                                    \
  CUresult name (void);                                                        \
  CUresult name (void)                                                         \
  {                                                                            \
    return CUDA_ERROR_NOT_SUPPORTED;                                           \
  }

NOT_SUPPORTED (cuModuleLoadData)
NOT_SUPPORTED (cuModuleUnload)
NOT_SUPPORTED (cuModuleGetFunction)
NOT_SUPPORTED (cuLaunchKernel)
NOT_SUPPORTED (cuTexObjectCreate)
NOT_SUPPORTED (cuTexObjectDestroy)
NOT_SUPPORTED (cuGraphicsMapResources)
NOT_SUPPORTED (cuGraphicsUnmapResources)
NOT_SUPPORTED (cuGraphicsUnregisterResource)
NOT_SUPPORTED (cuGraphicsResourceSetMapFlags_v2)
NOT_SUPPORTED (cuGraphicsSubResourceGetMappedArray)
NOT_SUPPORTED (cuGraphicsResourceGetMappedPointer_v2)
NOT_SUPPORTED (cuGraphicsGLRegisterImage)
NOT_SUPPORTED (cuGraphicsGLRegisterBuffer)
NOT_SUPPORTED (cuGLGetDevices_v2)
NOT_SUPPORTED (cuCtxGetLimit)
NOT_SUPPORTED (cuCtxSetLimit)
NOT_SUPPORTED (cuDestroyExternalMemory)
NOT_SUPPORTED (cuDestroyExternalSemaphore)
NOT_SUPPORTED (cuEventCreate)
NOT_SUPPORTED (cuEventDestroy_v2)
NOT_SUPPORTED (cuEventRecord)
NOT_SUPPORTED (cuEventSynchronize)
NOT_SUPPORTED (cuExternalMemoryGetMappedBuffer)
NOT_SUPPORTED (cuExternalMemoryGetMappedMipmappedArray)
NOT_SUPPORTED (cuImportExternalMemory)
NOT_SUPPORTED (cuImportExternalSemaphore)
NOT_SUPPORTED (cuIpcCloseMemHandle)
NOT_SUPPORTED (cuIpcGetEventHandle)
NOT_SUPPORTED (cuIpcGetMemHandle)
NOT_SUPPORTED (cuIpcOpenEventHandle)
NOT_SUPPORTED (cuIpcOpenMemHandle)
NOT_SUPPORTED (cuMemcpyDtoDAsync_v2)
NOT_SUPPORTED (cuMemcpyDtoD_v2)
NOT_SUPPORTED (cuMemcpyDtoHAsync_v2)
NOT_SUPPORTED (cuMemcpyDtoH_v2)
NOT_SUPPORTED (cuMemcpyHtoDAsync_v2)
NOT_SUPPORTED (cuMemcpyHtoD_v2)
NOT_SUPPORTED (cuMemsetD2D16Async)
NOT_SUPPORTED (cuMemsetD2D16_v2)
NOT_SUPPORTED (cuMemsetD2D32Async)
NOT_SUPPORTED (cuMemsetD2D32_v2)
NOT_SUPPORTED (cuMemsetD2D8Async)
NOT_SUPPORTED (cuMemsetD2D8_v2)
NOT_SUPPORTED (cuSignalExternalSemaphoresAsync)
NOT_SUPPORTED (cuWaitExternalSemaphoresAsync)
