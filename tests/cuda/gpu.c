/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gpu.h"

void
gpu_check (cudaError_t error, const char *call, const char *file, int line)
{
  if (error == cudaSuccess)
    return;
  fprintf (
      stderr, "%s:%d: %s: %s\n", file, line, call, cudaGetErrorString (error));
  exit (EXIT_FAILURE);
}

cudaStream_t
gpu_stream (void)
{
  static cudaStream_t stream;
  int count = 0;
  cudaError_t error;

  if (stream)
    return stream;
  error = cudaGetDeviceCount (&count);
  if (count == 0) {
    printf ("skipped: no CUDA device: %s\n", cudaGetErrorString (error));
    exit (CHECK_SKIPPED);
  }
  GPU (cudaStreamCreateWithFlags (&stream, cudaStreamNonBlocking));
  return stream;
}

SympieCudaTarget *
gpu_target (void)
{
  static SympieCudaTarget target;

  target.stream = gpu_stream ();
  return &target;
}

void *
gpu_new (const void *bytes, size_t size)
{
  void *memory;

  GPU (cudaMalloc (&memory, size));
  if (bytes)
    GPU (cudaMemcpyAsync (
        memory, bytes, size, cudaMemcpyHostToDevice, gpu_stream ()));
  else
    GPU (cudaMemsetAsync (memory, 0xff, size, gpu_stream ()));
  return memory;
}

void
gpu_get (void *bytes, const void *memory, size_t size)
{
  GPU (cudaMemcpyAsync (
      bytes, memory, size, cudaMemcpyDeviceToHost, gpu_stream ()));
  GPU (cudaStreamSynchronize (gpu_stream ()));
}

bool
gpu_overlaps (void)
{
  int capability;

  GPU (cudaDeviceGetAttribute (
      &capability, cudaDevAttrComputeCapabilityMajor, 0));
  return capability >= 9;
}

void
gpu_nem (SympieCudaNet *net, float *params, SympieCudaTarget *to)
{
  GPU (sympie_cuda_net_run (net, 0, to));
  GPU (sympie_cuda_head (
      &net->weights->head, net->features[0], params, NULL, NULL, to));
}

SympieImage
gpu_frame_new (const Frame *frame)
{
  SympieImage image = frame->image;

  for (int p = 0; p < sympie_format_info (image.format)->n_planes; p++)
    image.planes[p] = gpu_new (frame->memory[p], frame->size[p]);
  return image;
}

SympieTarget
gpu_frame_target (const SympieImage *image)
{
  SympieTarget target = SYMPIE_TARGET_INIT;

  for (int p = 0; p < SYMPIE_MAX_PLANES; p++) {
    target.planes[p] = (uint8_t *) image->planes[p];
    target.strides[p] = image->strides[p];
  }
  target.memory = image->memory;
  return target;
}

void
gpu_frame_get (Frame *frame, const SympieImage *image)
{
  for (int p = 0; p < sympie_format_info (image->format)->n_planes; p++)
    gpu_get (frame->memory[p], image->planes[p], frame->size[p]);
}

void
gpu_frame_free (const SympieImage *image)
{
  SympieTarget target = gpu_frame_target (image);

  for (int p = 0; p < sympie_format_info (image->format)->n_planes; p++)
    GPU (cudaFree (target.planes[p]));
}
