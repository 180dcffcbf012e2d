/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ring.h"

#include "../../kernels/image.h"

/* Larger than the last-level cache of one core complex, each way. */
#define RING_BYTES ((size_t) 96 << 20)

/* Rings are used one at a time: they lie in the same memory, a half to read and
 * a half to write. */
static uint8_t *
ring_memory (void)
{
  static uint8_t *memory;

  if (!memory) {
    memory = g_malloc (2 * RING_BYTES);
    bench_texture (memory, 2 * RING_BYTES);
  }
  return memory;
}

void
bench_texture (uint8_t *memory, size_t size)
{
  uint32_t noise = 1;

  for (size_t i = 0; i < size; i++) {
    uint32_t wave = (uint32_t) (i >> 4) % 190, ramp = (uint32_t) (i / 7680);

    noise = noise * 1664525u + 1013904223u;
    memory[i] = (uint8_t) (20 + ((wave < 95 ? wave : 190 - wave) + ramp % 80)
                           + (noise >> 28));
  }
}

/* Lays planes like those of `image` out at `memory` and returns their bytes. */
static size_t
lay_out (const SympieImage *image, uint8_t *memory, SympieTarget *target)
{
  const SympieFormatInfo *info = sympie_format_info (image->format);
  size_t size = 0;

  for (int p = 0; p < info->n_planes; p++) {
    size_t bytes = sympie_format_row_bytes (info, p, image->width);

    target->planes[p] = memory + size;
    target->strides[p] = (ptrdiff_t) bytes;
    size += bytes * (size_t) sympie_format_rows (info, p, image->height);
  }
  return size;
}

BenchRing *
bench_ring_new (SympieFormat format)
{
  BenchRing *ring = g_new0 (BenchRing, 1);
  uint8_t *memory = ring_memory ();
  SympieTarget target = SYMPIE_TARGET_INIT;
  SympieImage image = {
    .struct_size = sizeof image,
    .format = format,
    .width = BENCH_WIDTH,
    .height = BENCH_HEIGHT,
    .colorimetry = { .kr = 0.2126f,
        .kb = 0.0722f,
        .full_range = !sympie_format_info (format)->yuv,
        .chroma_site = SYMPIE_CHROMA_LEFT },
  };

  ring->size = lay_out (&image, NULL, &target);
  ring->n = (int) (RING_BYTES / ring->size);
  ring->src = g_new (SympieImage, ring->n);
  ring->dst = g_new (SympieTarget, ring->n);
  for (int i = 0; i < ring->n; i++) {
    lay_out (&image, memory + (size_t) i * ring->size, &target);
    ring->src[i] = sympie_target_image (&target, &image);
    ring->dst[i] = target;
    lay_out (
        &image, memory + RING_BYTES + (size_t) i * ring->size, &ring->dst[i]);
  }
  return ring;
}

void
bench_ring_free (BenchRing *ring)
{
  g_free (ring->src);
  g_free (ring->dst);
  g_free (ring);
}

void
bench_ring_next (
    BenchRing *ring, const SympieImage **src, const SympieTarget **dst)
{
  *src = &ring->src[ring->next];
  *dst = &ring->dst[ring->next];
  ring->next = (ring->next + 1) % ring->n;
}

SympieParams
bench_params (void)
{
  SympieParams params;
  uint32_t noise = 2;

  sympie_params_identity (&params);
  for (int i = 0; i < SYMPIE_N_PARAMS; i++) {
    noise = noise * 1664525u + 1013904223u;
    params.values[i] += ((float) (noise >> 8) * 0x1p-24f - 0.5f) * 0.1f;
  }
  return params;
}
