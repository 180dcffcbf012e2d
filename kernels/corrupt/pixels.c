/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The caller's pixels to planes of full-range R, G and B and back. Chroma is
 * brought to the pixels and averaged back as for DWM. */

#include <string.h>

#include "../colour.h"
#include "clones.h"
#include "pixels.h"

/* The same for reading and for writing. */
typedef struct
{
  const SympieCanvas *canvas;
  const SympieImage *image;
  const SympieFormatInfo *info;
  SympieColour colour;
  float *scratch; /* for each thread: SCRATCH_ROWS rows */
  ptrdiff_t scratch_stride, row_stride;
} Transfer;

enum
{
  SCRATCH_ROWS = 4
};

static inline int
clamp (int i, int n)
{
  return i < 0 ? 0 : i < n ? i : n - 1;
}

static inline uint8_t *
sample_row (const SympieImage *image, const SympieComponent *component, int y)
{
  return image->planes[component->plane] + y * image->strides[component->plane]
         + component->offset;
}

/* Whether the codes of the image are those of the canvas. */
static bool
plain_rgb (const SympieImage *image)
{
  return !sympie_format_info (image->format)->yuv
         && image->colorimetry.full_range;
}

static bool
transfer_init (
    Transfer *transfer, const SympieCanvas *canvas, const SympieImage *image)
{
  transfer->canvas = canvas;
  transfer->image = image;
  transfer->info = sympie_format_info (image->format);
  transfer->row_stride = sympie_canvas_stride (image->width + 2);
  transfer->scratch = sympie_canvas_scratch (
      canvas, SCRATCH_ROWS * transfer->row_stride, &transfer->scratch_stride);
  sympie_colour_init (&transfer->colour, transfer->info, &image->colorimetry);
  return transfer->scratch != NULL;
}

/* Component `c` at each pixel of row `y`, less the offset of its codes; `near`
 * is for samples between two rows. */
SYMPIE_CLONES static void
read_component (
    const Transfer *transfer, int c, int y, float *near, float *restrict out)
{
  const SympieImage *image = transfer->image;
  const SympieComponent *component = &transfer->info->component[c];
  int width = sympie_component_width (component, image->width);
  int height = sympie_component_height (component, image->height);
  int step = component->step;
  bool left = image->colorimetry.chroma_site & SYMPIE_CHROMA_LEFT;
  bool top = image->colorimetry.chroma_site & SYMPIE_CHROMA_TOP;
  float offset = transfer->colour.offset[c];

  if (!component->sub_x && !component->sub_y) {
    const uint8_t *in = sample_row (image, component, y);

    for (int x = 0; x < width; x++)
      out[x] = in[x * step] - offset;
    return;
  }

  if (!component->sub_y) {
    const uint8_t *in = sample_row (image, component, y);

    for (int x = 0; x < width; x++)
      near[x] = in[x * step] - offset;
  } else {
    /* Sampled on the first of two rows or between them. */
    int sample = y / 2, other = top ? sample + 1 : sample + (y % 2 ? 1 : -1);
    float share = top ? (y % 2) * 0.5f : 0.25f;
    const uint8_t *in = sample_row (image, component, sample);
    const uint8_t *in2 = sample_row (image, component, clamp (other, height));

    for (int x = 0; x < width; x++)
      near[x] = (1 - share) * in[x * step] + share * in2[x * step] - offset;
  }

  /* The sample after the last one repeats it, and so does one for the row's
   * odd last pixel. */
  near[width] = near[width - 1];
  if (left) {
    for (int x = 0; x < width; x++) {
      out[2 * x] = near[x];
      out[2 * x + 1] = 0.5f * (near[x] + near[x + 1]);
    }
  } else {
    out[0] = near[0];
    for (int x = 0; x < width; x++) {
      out[2 * x + 1] = 0.75f * near[x] + 0.25f * near[x + 1];
      out[2 * x + 2] = 0.25f * near[x] + 0.75f * near[x + 1];
    }
  }
}

SYMPIE_CLONES static void
mix_rows (const float weights[3], const float *a, const float *b,
    const float *c, uint8_t *restrict out, int n)
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
  float *rows[SCRATCH_ROWS];

  for (int i = 0; i < SCRATCH_ROWS; i++)
    rows[i] = transfer->scratch + thread * transfer->scratch_stride
              + i * transfer->row_stride;
  for (int y = first; y < end; y++) {
    for (int c = 0; c < 3; c++)
      read_component (transfer, c, y, rows[3], rows[c]);
    for (int i = 0; i < 3; i++)
      mix_rows (transfer->colour.to_rgb[i], rows[0], rows[1], rows[2],
          canvas->planes[i] + y * canvas->stride, canvas->width);
  }
}

static void
load_plain_rows (void *data, int first, int end, int thread)
{
  const Transfer *transfer = data;
  const SympieCanvas *canvas = transfer->canvas;

  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &transfer->info->component[c];

    for (int y = first; y < end; y++) {
      const uint8_t *in = sample_row (transfer->image, component, y);
      uint8_t *out = canvas->planes[c] + y * canvas->stride;

      for (int x = 0; x < canvas->width; x++)
        out[x] = in[x * component->step];
    }
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
  if (!transfer_init (&transfer, canvas, image))
    return false;
  sympie_canvas_rows (canvas, image->height,
      plain_rgb (image) ? load_plain_rows : load_rows, &transfer);
  return true;
}

/* sums = sum over R, G and B of row `y` times the weights, added to what is
 * there. */
SYMPIE_CLONES static void
add_rgb_row (const SympieCanvas *canvas, int y, const float weights[3],
    float *restrict sums)
{
  ptrdiff_t offset = clamp (y, canvas->height) * canvas->stride;
  const uint8_t *r = canvas->planes[0] + offset;
  const uint8_t *g = canvas->planes[1] + offset;
  const uint8_t *b = canvas->planes[2] + offset;

  float wr = weights[0], wg = weights[1], wb = weights[2];

  for (int x = 0; x < canvas->width; x++)
    sums[x] += wr * r[x] + wg * g[x] + wb * b[x];
}

/* Row `y` of component `c`. */
SYMPIE_CLONES static void
write_component (const Transfer *transfer, int c, int y, float *restrict sums)
{
  static const float one[] = { 0, 1, 0 }, two[] = { 0, 0.5f, 0.5f },
                     three[] = { 0.25f, 0.5f, 0.25f };
  const SympieCanvas *canvas = transfer->canvas;
  const SympieComponent *component = &transfer->info->component[c];
  int width = sympie_component_width (component, canvas->width);
  int step = component->step;
  unsigned site = transfer->image->colorimetry.chroma_site;
  const float *down = !component->sub_y            ? one
                      : (site & SYMPIE_CHROMA_TOP) ? three
                                                   : two;
  float offset = transfer->colour.offset[c];
  uint8_t *out = sample_row (transfer->image, component, y);

  memset (sums, 0, canvas->width * sizeof *sums);
  for (int j = 0; j < 3; j++) {
    float weights[3];

    if (down[j] == 0)
      continue;
    for (int i = 0; i < 3; i++)
      weights[i] = down[j] * transfer->colour.from_rgb[c][i] / 255;
    add_rgb_row (canvas, (y << component->sub_y) + j - 1, weights, sums);
  }

  if (!component->sub_x) {
    for (int x = 0; x < width; x++)
      out[x * step] = sympie_byte (sums[x] + offset);
    return;
  }
  sums[canvas->width] = sums[canvas->width - 1];
  if (site & SYMPIE_CHROMA_LEFT)
    for (int x = 0; x < width; x++)
      out[x * step] =
          sympie_byte (0.25f * sums[x > 0 ? 2 * x - 1 : 0] + 0.5f * sums[2 * x]
                       + 0.25f * sums[2 * x + 1] + offset);
  else
    for (int x = 0; x < width; x++)
      out[x * step] =
          sympie_byte (0.5f * (sums[2 * x] + sums[2 * x + 1]) + offset);
}

static void
store_rows (void *data, int first, int end, int thread)
{
  const Transfer *transfer = data;
  float *sums = transfer->scratch + thread * transfer->scratch_stride;

  for (int c = 0; c < 3; c++) {
    int sub_y = transfer->info->component[c].sub_y;

    /* Rows of chroma go with the first of their two rows. */
    for (int y = first; y < end; y++)
      if (y % (1 << sub_y) == 0)
        write_component (transfer, c, y >> sub_y, sums);
  }
}

static void
store_plain_rows (void *data, int first, int end, int thread)
{
  const Transfer *transfer = data;
  const SympieCanvas *canvas = transfer->canvas;

  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &transfer->info->component[c];

    for (int y = first; y < end; y++) {
      const uint8_t *in = canvas->planes[c] + y * canvas->stride;
      uint8_t *out = sample_row (transfer->image, component, y);

      for (int x = 0; x < canvas->width; x++)
        out[x * component->step] = in[x];
    }
  }
}

bool
sympie_canvas_store (const SympieCanvas *canvas, const SympieImage *image)
{
  Transfer transfer;

  if (!transfer_init (&transfer, canvas, image))
    return false;
  sympie_canvas_rows (canvas, image->height,
      plain_rgb (image) ? store_plain_rows : store_rows, &transfer);
  return true;
}

static void
copy_samples (const SympieImage *src, const SympieImage *dst,
    const SympieComponent *component)
{
  int width = sympie_component_width (component, src->width);
  int height = sympie_component_height (component, src->height);

  for (int y = 0; y < height; y++) {
    const uint8_t *in = sample_row (src, component, y);
    uint8_t *out = sample_row (dst, component, y);

    for (int x = 0; x < width; x++)
      out[x * component->step] = in[x * component->step];
  }
}

void
sympie_pixels_copy (const SympieImage *src, const SympieImage *dst)
{
  const SympieFormatInfo *info = sympie_format_info (src->format);

  for (int c = 0; c < 3; c++)
    copy_samples (src, dst, &info->component[c]);
  sympie_pixels_copy_alpha (src, dst);
}

void
sympie_pixels_copy_alpha (const SympieImage *src, const SympieImage *dst)
{
  const SympieFormatInfo *info = sympie_format_info (src->format);
  SympieComponent alpha = { .step = 4 };

  if (info->alpha >= 0) {
    alpha.offset = info->alpha;
    copy_samples (src, dst, &alpha);
  }
}
