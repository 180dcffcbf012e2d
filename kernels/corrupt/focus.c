/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Lenses out of focus: a Gaussian, and the disk of an open iris. */

#include "blur.h"
#include "corruptions.h"
#include "variants.h"

bool
sympie_gaussian_blur (SympieCanvas *canvas, int severity)
{
  static const double sigma[] = { 1, 2, 3, 4, 6 };

  for (int c = 0; c < 3; c++) {
    SympiePlane plane = sympie_canvas_plane (canvas, c);

    if (!sympie_gaussian (canvas, &plane, &plane,
            canvas->unit * sigma[severity - 1], 4, SYMPIE_EDGE_NEAREST))
      return false;
  }
  return true;
}

/* The sum over a disk is one of runs, a run the difference of two sums from the
 * left edge: whole numbers, and as quick for a large disk as its height. */
typedef struct
{
  SympiePlane src, dst;
  uint32_t *sums; /* sum i of a row: of the samples left of i - radius */
  ptrdiff_t stride;
  int radius;
  const int *runs; /* half the width of row 0 to radius of the disk */
  float weight;    /* of a sample */
  uint32_t *scratch;
  ptrdiff_t scratch_stride;
} Disk;

static void
disk_sums (void *data, int first, int end, int thread)
{
  const Disk *disk = data;
  int n = disk->src.width, radius = disk->radius;

  for (int y = first; y < end; y++) {
    const uint8_t *in = disk->src.bytes + y * disk->src.stride;
    uint32_t *out = disk->sums + y * disk->stride, sum = 0;

    *out++ = 0;
    for (int x = -radius; x < 0; x++)
      *out++ = sum += in[sympie_edge (SYMPIE_EDGE_REFLECT101, x, n)];
    for (int x = 0; x < n; x++)
      *out++ = sum += in[x];
    for (int x = n; x < n + radius; x++)
      *out++ = sum += in[sympie_edge (SYMPIE_EDGE_REFLECT101, x, n)];
  }
}

SYMPIE_ROWS_VARIANTS (disk_rows)
{
  const Disk *disk = data;
  int n = disk->dst.width, radius = disk->radius;
  uint32_t *total = disk->scratch + thread * disk->scratch_stride;

  for (int y = first; y < end; y++) {
    float *out = disk->dst.floats + y * disk->dst.stride;

    for (int x = 0; x < n; x++)
      total[x] = 0;
    for (int dy = -radius; dy <= radius; dy++) {
      int run = disk->runs[dy < 0 ? -dy : dy];
      const uint32_t *row =
          disk->sums
          + sympie_edge (SYMPIE_EDGE_REFLECT101, y + dy, disk->src.height)
                * disk->stride
          + radius;
      const uint32_t *left = row - run, *right = row + run + 1;

      for (int x = 0; x < n; x++)
        total[x] += right[x] - left[x];
    }
    for (int x = 0; x < n; x++)
      out[x] = disk->weight * (float) total[x];
  }
}

bool
sympie_defocus_blur (SympieCanvas *canvas, int severity)
{
  static const struct
  {
    double radius, blur;
  } constants[] = { { 3, 0.1 }, { 4, 0.5 }, { 6, 0.5 }, { 8, 0.5 },
    { 10, 0.5 } };
  double exact = canvas->unit * constants[severity - 1].radius;
  double blur = canvas->unit * constants[severity - 1].blur;
  int radius = (int) exact, count = 0, run = radius;
  int *runs = sympie_arena_take (canvas->arena, radius + 1, sizeof *runs);
  Disk disk = { .radius = radius, .runs = runs };
  SympiePlane mean =
      sympie_plane_floats (canvas, canvas->width, canvas->height);

  disk.stride = sympie_canvas_stride (canvas->width + 2 * radius + 1);
  disk.sums = sympie_arena_take (
      canvas->arena, disk.stride * canvas->height, sizeof *disk.sums);
  disk.scratch = (uint32_t *) sympie_canvas_scratch (
      canvas, canvas->width, &disk.scratch_stride);
  if (!runs || !mean.floats || !disk.sums || !disk.scratch)
    return false;

  for (int y = 0; y <= radius; y++) {
    while ((double) run * run + (double) y * y > exact * exact)
      run--;
    runs[y] = run;
    count += (y ? 2 : 1) * (2 * run + 1);
  }
  disk.weight = 1.0f / count;
  disk.dst = mean;
  for (int c = 0; c < 3; c++) {
    SympiePlane plane = sympie_canvas_plane (canvas, c);

    disk.src = plane;
    sympie_canvas_rows (canvas, canvas->height, disk_sums, &disk);
    sympie_canvas_rows (canvas, canvas->height,
        SYMPIE_PICK (canvas->cpu_flags, disk_rows), &disk);
    if (!sympie_gaussian (
            canvas, &mean, &plane, blur, 4, SYMPIE_EDGE_REFLECT101))
      return false;
  }
  return true;
}
