/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The caller's pixels to planes of full-range R, G and B and back. Chroma is
 * brought to the pixels and averaged back as for DWM. */

#include <string.h>

#include "../colour.h"
#include "../cpu/packing.h"
#include "pixels.h"
#include "variants.h"

/* The same for reading and for writing. */
typedef struct
{
  const SympieCanvas *canvas;
  const SympieImage *image;
  const SympieTarget *dst; /* NULL while loading */
  const SympieFormatInfo *info;
  const SympiePacking *packing;
  SympieColour colour;
  float *scratch; /* for each thread: SCRATCH_ROWS rows */
  ptrdiff_t scratch_stride, row_stride;
} Transfer;

enum
{
  SCRATCH_ROWS = 6, /* of floats or of codes */
  SPARE = 32        /* what rows of codes and rounded-up chroma may spoil */
};

static inline int
clamp (int i, int n)
{
  return i < 0 ? 0 : i < n ? i : n - 1;
}

static inline const uint8_t *
plane_row (const SympieImage *image, int plane, int y)
{
  return image->planes[plane] + y * image->strides[plane];
}

static inline uint8_t *
target_row (const SympieTarget *target, int plane, int y)
{
  return target->planes[plane] + y * target->strides[plane];
}

/* Whether the codes of the image are those of the canvas. */
static bool
plain_rgb (const SympieImage *image)
{
  const SympieFormatInfo *info = sympie_format_info (image->format);

  return !info->yuv && info->depth == 8 && image->colorimetry.full_range;
}

static bool
transfer_init (Transfer *transfer, const SympieCanvas *canvas,
    const SympieImage *image, const SympieTarget *dst)
{
  transfer->canvas = canvas;
  transfer->image = image;
  transfer->dst = dst;
  transfer->info = sympie_format_info (image->format);
  transfer->packing = sympie_packing (canvas->cpu_flags);
  transfer->row_stride = sympie_canvas_stride (image->width + SPARE);
  transfer->scratch = sympie_canvas_scratch (
      canvas, SCRATCH_ROWS * transfer->row_stride, &transfer->scratch_stride);
  sympie_colour_init (&transfer->colour, transfer->info, &image->colorimetry);
  return transfer->scratch != NULL;
}

static void
scratch_rows (const Transfer *transfer, int thread, float *rows[SCRATCH_ROWS])
{
  for (int i = 0; i < SCRATCH_ROWS; i++)
    rows[i] = transfer->scratch + thread * transfer->scratch_stride
              + i * transfer->row_stride;
}

/* ---- Loading ------------------------------------------------------------- */

SYMPIE_VARIANTS (blend_rows,
    (const uint16_t *a, const uint16_t *b, float share, float offset,
        float *restrict out, int n),
    (a, b, share, offset, out, n))
{
  for (int x = 0; x < n; x++)
    out[x] = (1 - share) * a[x] + share * b[x] - offset;
}

/* Samples at every second or fourth pixel to all pixels. The one before the
 * first repeats it and so does the one after the last. */
SYMPIE_VARIANTS (widen,
    (float *near, int n, int sub_x, bool left, float *restrict out),
    (near, n, sub_x, left, out))
{
  near[n] = near[n - 1];
  if (sub_x == 1 && left) {
    for (int x = 0; x < n; x++) {
      out[2 * x] = near[x];
      out[2 * x + 1] = 0.5f * (near[x] + near[x + 1]);
    }
  } else if (sub_x == 1) {
    out[0] = near[0];
    for (int x = 0; x < n; x++) {
      out[2 * x + 1] = 0.75f * near[x] + 0.25f * near[x + 1];
      out[2 * x + 2] = 0.25f * near[x] + 0.75f * near[x + 1];
    }
  } else {
    float first = left ? 0 : 0.125f; /* the share of the next sample */

    if (!left)
      out[0] = out[1] = near[0];
    out += left ? 0 : 2;
    for (int x = 0; x < n; x++)
      for (int i = 0; i < 4; i++) {
        float share = first + i * 0.25f;

        out[4 * x + i] = (1 - share) * near[x] + share * near[x + 1];
      }
  }
}

/* Component `c` at each pixel of row `y`, less the offset of its codes. Rows
 * 3 to 5 are scratch memory. */
static void
read_component (const Transfer *transfer, int c, int y,
    float *const rows[SCRATCH_ROWS], float *out)
{
  const SympieImage *image = transfer->image;
  const SympieComponent *component = &transfer->info->component[c];
  int width = sympie_component_width (component, image->width);
  int height = sympie_component_height (component, image->height);
  bool left = image->colorimetry.chroma_site & SYMPIE_CHROMA_LEFT;
  bool top = image->colorimetry.chroma_site & SYMPIE_CHROMA_TOP;
  uint16_t *codes = (uint16_t *) rows[4], *codes2 = codes;
  int sample = y >> component->sub_y, other = sample;
  float share = 0;

  /* Sampled on the first of two rows, or between two or four. */
  if (component->sub_y == 2) {
    other = sample + (y % 4 < 2 ? -1 : 1);
    share = y % 4 == 0 || y % 4 == 3 ? 0.375f : 0.125f;
  } else if (component->sub_y) {
    other = top ? sample + 1 : sample + (y % 2 ? 1 : -1);
    share = top ? (y % 2) * 0.5f : 0.25f;
  }
  transfer->packing->unpack (transfer->info, c,
      plane_row (image, component->plane, sample), image->width, codes);
  if (share > 0) {
    codes2 = (uint16_t *) rows[5];
    transfer->packing->unpack (transfer->info, c,
        plane_row (image, component->plane, clamp (other, height)),
        image->width, codes2);
  }
  SYMPIE_CALL (transfer->canvas->cpu_flags, blend_rows, codes, codes2, share,
      transfer->colour.offset[c], component->sub_x ? rows[3] : out, width);
  if (component->sub_x)
    SYMPIE_CALL (transfer->canvas->cpu_flags, widen, rows[3], width,
        component->sub_x, left, out);
}

SYMPIE_VARIANTS (mix_rows,
    (const float weights[3], const float *a, const float *b, const float *c,
        uint8_t *restrict out, int n),
    (weights, a, b, c, out, n))
{
  float wa = 255 * weights[0], wb = 255 * weights[1], wc = 255 * weights[2];

  for (int x = 0; x < n; x++)
    out[x] = sympie_byte (wa * a[x] + wb * b[x] + wc * c[x]);
}

static void
load_rows (void *data, int first, int end, int thread)
{
  const Transfer *transfer = data;
  const SympieCanvas *canvas = transfer->canvas;
  bool gray = !transfer->info->component[1].bits;
  float *rows[SCRATCH_ROWS];

  scratch_rows (transfer, thread, rows);
  for (int y = first; y < end; y++) {
    for (int c = 0; c < (gray ? 1 : 3); c++)
      read_component (transfer, c, y, rows, rows[c]);
    for (int i = 0; i < 3; i++)
      SYMPIE_CALL (transfer->canvas->cpu_flags, mix_rows,
          transfer->colour.to_rgb[i], rows[0], rows[gray ? 0 : 1],
          rows[gray ? 0 : 2], canvas->planes[i] + y * canvas->stride,
          canvas->width);
  }
}

SYMPIE_VARIANTS (narrow, (const uint16_t *codes, uint8_t *restrict out, int n),
    (codes, out, n))
{
  for (int x = 0; x < n; x++)
    out[x] = (uint8_t) codes[x];
}

static void
load_plain_rows (void *data, int first, int end, int thread)
{
  const Transfer *transfer = data;
  const SympieCanvas *canvas = transfer->canvas;
  float *rows[SCRATCH_ROWS];

  scratch_rows (transfer, thread, rows);
  for (int c = 0; c < 3; c++)
    for (int y = first; y < end; y++) {
      uint16_t *codes = (uint16_t *) rows[0];

      transfer->packing->unpack (transfer->info, c,
          plane_row (transfer->image, transfer->info->component[c].plane, y),
          canvas->width, codes);
      SYMPIE_CALL (transfer->canvas->cpu_flags, narrow, codes,
          canvas->planes[c] + y * canvas->stride, canvas->width);
    }
}

bool
sympie_canvas_load (SympieCanvas *canvas, const SympieImage *image)
{
  Transfer transfer;

  canvas->width = image->width;
  canvas->height = image->height;
  canvas->stride = sympie_canvas_stride (image->width);
  for (int c = 0; c < 3; c++) {
    canvas->planes[c] = sympie_arena_take (
        canvas->arena, (size_t) canvas->stride * image->height, 1);
    if (!canvas->planes[c])
      return false;
  }
  if (!transfer_init (&transfer, canvas, image, NULL))
    return false;
  sympie_canvas_rows (canvas, image->height,
      plain_rgb (image) ? load_plain_rows : load_rows, &transfer);
  return true;
}

/* ---- Storing ------------------------------------------------------------- */

/* sums = sum over R, G and B of row `y` times the weights, added to what is
 * there. */
SYMPIE_VARIANTS (add_rgb_row,
    (const SympieCanvas *canvas, int y, const float weights[3],
        float *restrict sums),
    (canvas, y, weights, sums))
{
  ptrdiff_t offset = clamp (y, canvas->height) * canvas->stride;
  const uint8_t *r = canvas->planes[0] + offset;
  const uint8_t *g = canvas->planes[1] + offset;
  const uint8_t *b = canvas->planes[2] + offset;

  float wr = weights[0], wg = weights[1], wb = weights[2];

  for (int x = 0; x < canvas->width; x++)
    sums[x] += wr * r[x] + wg * g[x] + wb * b[x];
}

static inline uint16_t
nearest (float value, float max)
{
  value = value > 0 ? value : 0;
  value = value < max ? value : max;
  return (uint16_t) (int) (value + 0.5f);
}

/* The means of pixels around each of `n` samples, as codes; sums[-1] may be
 * written. */
SYMPIE_VARIANTS (average_columns,
    (float *sums, int width, int sub_x, bool left, float offset, float max,
        uint16_t *restrict out, int n),
    (sums, width, sub_x, left, offset, max, out, n))
{
  for (int i = 0; i < 3; i++)
    sums[width + i] = sums[width - 1];
  if (sub_x == 0)
    for (int x = 0; x < n; x++)
      out[x] = nearest (sums[x] + offset, max);
  else if (sub_x == 1 && left)
    for (int x = 0; x < n; x++)
      out[x] = nearest (0.25f * sums[x > 0 ? 2 * x - 1 : 0] + 0.5f * sums[2 * x]
                            + 0.25f * sums[2 * x + 1] + offset,
          max);
  else if (sub_x == 1)
    for (int x = 0; x < n; x++)
      out[x] = nearest (0.5f * (sums[2 * x] + sums[2 * x + 1]) + offset, max);
  else
    for (int x = 0; x < n; x++) {
      float sum = 0;

      for (int i = left ? -3 : 0; i < 4; i++)
        sum += (left ? (4 - (i < 0 ? -i : i)) * 0.0625f : 0.25f)
               * sums[clamp (4 * x + i, width)];
      out[x] = nearest (sum + offset, max);
    }
}

/* Row `y` of component `c`, in its own rows. */
static void
write_component (
    const Transfer *transfer, int c, int y, float *sums, uint16_t *codes)
{
  /* From the row above on. */
  static const float one[5] = { 0, 1 }, two[5] = { 0, 0.5f, 0.5f },
                     three[5] = { 0.25f, 0.5f, 0.25f },
                     four[5] = { 0, 0.25f, 0.25f, 0.25f, 0.25f };
  const SympieCanvas *canvas = transfer->canvas;
  const SympieComponent *component = &transfer->info->component[c];
  unsigned site = transfer->image->colorimetry.chroma_site;
  const float *down = !component->sub_y            ? one
                      : component->sub_y == 2      ? four
                      : (site & SYMPIE_CHROMA_TOP) ? three
                                                   : two;

  memset (sums, 0, canvas->width * sizeof *sums);
  for (int j = 0; j < 5; j++) {
    float weights[3];

    if (down[j] == 0)
      continue;
    for (int i = 0; i < 3; i++)
      weights[i] = down[j] * transfer->colour.from_rgb[c][i] / 255;
    SYMPIE_CALL (transfer->canvas->cpu_flags, add_rgb_row, canvas,
        (y << component->sub_y) + j - 1, weights, sums);
  }
  SYMPIE_CALL (transfer->canvas->cpu_flags, average_columns, sums,
      canvas->width, component->sub_x, site & SYMPIE_CHROMA_LEFT,
      transfer->colour.offset[c], (float) transfer->colour.max, codes,
      sympie_component_width (component, canvas->width));
}

SYMPIE_VARIANTS (widen_bytes,
    (const uint8_t *in, uint16_t *restrict codes, int n), (in, codes, n))
{
  for (int x = 0; x < n; x++)
    codes[x] = in[x];
}

static void
store_rows (void *data, int first, int end, int thread)
{
  const Transfer *transfer = data;
  const SympieCanvas *canvas = transfer->canvas;
  const SympieFormatInfo *info = transfer->info;
  bool plain = plain_rgb (transfer->image);
  float *rows[SCRATCH_ROWS];
  uint16_t *codes[4];

  scratch_rows (transfer, thread, rows);
  for (int c = 0; c < 4; c++)
    codes[c] = (uint16_t *) rows[1 + c];
  for (int y = first; y < end; y++) {
    bool due[4] = { false }; /* planes; chroma with the first of its rows */

    for (int c = 0; c < 4; c++) {
      const SympieComponent *component = &info->component[c];

      if (!component->bits || y % (1 << component->sub_y) != 0)
        continue;
      due[component->plane] = true;
      if (c == 3)
        transfer->packing->unpack (info, c,
            plane_row (transfer->image, component->plane, y), canvas->width,
            codes[c]);
      else if (plain)
        SYMPIE_CALL (transfer->canvas->cpu_flags, widen_bytes,
            canvas->planes[c] + y * canvas->stride, codes[c], canvas->width);
      else
        write_component (transfer, c, y >> component->sub_y, rows[0], codes[c]);
    }
    for (int p = 0; p < info->n_planes; p++)
      if (due[p])
        transfer->packing->pack (info, p, codes, canvas->width,
            target_row (transfer->dst, p,
                p == info->component[1].plane   ? y >> info->component[1].sub_y
                : p == info->component[2].plane ? y >> info->component[2].sub_y
                                                : y));
  }
}

bool
sympie_canvas_store (
    const SympieCanvas *canvas, const SympieImage *src, const SympieTarget *dst)
{
  Transfer transfer;

  if (!transfer_init (&transfer, canvas, src, dst))
    return false;
  sympie_canvas_rows (canvas, src->height, store_rows, &transfer);
  return true;
}
