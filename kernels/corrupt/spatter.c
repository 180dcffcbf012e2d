/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Spatter on the lens: drops of water, or mud. */

#include <string.h>

#include "blur.h"
#include "corruptions.h"
#include "rim.h"
#include "variants.h"

typedef struct
{
  float mean, deviation;
  double sigma;
  float threshold;
  double intensity;
  bool mud;
} Liquid;

/* A blurred field of noise, 0 where it is below the threshold. */
static bool
liquid_draw (
    const SympieCanvas *canvas, const Liquid *liquid, SympiePlane *layer)
{
  *layer = sympie_plane_floats (canvas, canvas->width, canvas->height);
  if (!layer->floats)
    return false;
  for (int y = 0; y < canvas->height; y++)
    sympie_random_normal (
        &canvas->draw, 0, y, layer->floats + y * layer->stride, canvas->width);
  if (!sympie_gaussian (canvas, layer, layer, canvas->unit * liquid->sigma, 4,
          SYMPIE_EDGE_NEAREST))
    return false;
  for (int y = 0; y < canvas->height; y++) {
    float *row = layer->floats + y * layer->stride;

    for (int x = 0; x < canvas->width; x++) {
      row[x] = liquid->mean + liquid->deviation * row[x];
      row[x] = row[x] < liquid->threshold ? 0 : row[x];
    }
  }
  return true;
}

/* A 3x3 correlation to bytes, with its weights given out by `scale`. */
typedef struct
{
  const SympiePlane *src, *dst;
  float weights[9];
  float scale;
  bool truncate;  /* instead of rounding */
  float *scratch; /* for each thread: three padded rows */
  ptrdiff_t scratch_stride;
  unsigned cpu_flags;
} Filter;

SYMPIE_VARIANTS (filter_row,
    (const Filter *filter, const float *rows, ptrdiff_t stride,
        uint8_t *restrict out, int n),
    (filter, rows, stride, out, n))
{
  const float *a = rows, *b = rows + stride, *c = rows + 2 * stride;
  float bias = filter->truncate ? -0.5f : 0, scale = filter->scale, w[9];

  memcpy (w, filter->weights, sizeof w);
  for (int x = 0; x < n; x++) {
    float total = w[0] * a[x] + w[1] * a[x + 1] + w[2] * a[x + 2] + w[3] * b[x]
                  + w[4] * b[x + 1] + w[5] * b[x + 2] + w[6] * c[x]
                  + w[7] * c[x + 1] + w[8] * c[x + 2];

    out[x] = sympie_byte (total * scale + bias);
  }
}

static void
filter_rows (void *data, int first, int end, int thread)
{
  const Filter *filter = data;
  int width = filter->src->width, height = filter->src->height;
  ptrdiff_t stride = width + 2;
  float *rows = filter->scratch + thread * filter->scratch_stride;

  for (int y = first; y < end; y++) {
    for (int i = 0; i < 3; i++)
      sympie_pad_row (filter->src,
          sympie_edge (SYMPIE_EDGE_REFLECT101, y + i - 1, height),
          SYMPIE_EDGE_REFLECT101, 1, rows + i * stride);
    SYMPIE_CALL (filter->cpu_flags, filter_row, filter, rows, stride,
        filter->dst->bytes + y * filter->dst->stride, width);
  }
}

static bool
filter_plane (const SympieCanvas *canvas, Filter filter, const SympiePlane *src,
    const SympiePlane *dst)
{
  filter.src = src;
  filter.dst = dst;
  filter.cpu_flags = canvas->cpu_flags;
  filter.scratch = sympie_canvas_scratch (
      canvas, 3 * ((size_t) src->width + 2), &filter.scratch_stride);
  if (!filter.scratch)
    return false;
  sympie_canvas_rows (canvas, src->height, filter_rows, &filter);
  return true;
}

/* Spreads the levels of a plane so that each is as frequent as another. */
static void
equalise (const SympiePlane *plane)
{
  int64_t counts[256] = { 0 }, sum = 0;
  int64_t total = (int64_t) plane->width * plane->height;
  uint8_t table[256] = { 0 };
  int lowest = 0;

  for (int y = 0; y < plane->height; y++)
    for (int x = 0; x < plane->width; x++)
      counts[plane->bytes[y * plane->stride + x]]++;
  while (counts[lowest] == 0)
    lowest++;
  if (counts[lowest] == total)
    return;
  for (int i = lowest + 1; i < 256; i++) {
    sum += counts[i];
    table[i] = sympie_byte (255.0f * sum / (total - counts[lowest]));
  }
  for (int y = 0; y < plane->height; y++)
    for (int x = 0; x < plane->width; x++) {
      uint8_t *sample = plane->bytes + y * plane->stride + x;

      *sample = table[*sample];
    }
}

/* How strongly drops show, 0 to `intensity`: more inside than at the rim, and
 * lit from one side. Replaces the layer. */
static bool
shade_water (const SympieCanvas *canvas, SympiePlane *layer, float intensity)
{
  static const Filter box = { .weights = { 1, 1, 1, 1, 1, 1, 1, 1, 1 },
    .scale = 1 / 9.0f },
                      floor_box = { .weights = { 1, 1, 1, 1, 1, 1, 1, 1, 1 },
                        .scale = 1 / 9.0f,
                        .truncate = true },
                      relief = { .weights = { -2, -1, 0, -1, 1, 1, 0, 1, 2 },
                        .scale = 1 };
  int width = layer->width, height = layer->height;
  SympiePlane distance;
  SympiePlane a = sympie_plane_bytes (canvas, width, height);
  SympiePlane b = sympie_plane_bytes (canvas, width, height);
  float max = 0;

  if (!a.bytes || !b.bytes)
    return false;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      float *level = layer->floats + y * layer->stride + x;

      *level = (float) (int) (255 * *level);
    }
  if (!sympie_rim_distance (canvas, layer, 20 * canvas->unit, &distance))
    return false;
  if (!filter_plane (canvas, floor_box, &distance, &b))
    return false;
  equalise (&b);
  if (!filter_plane (canvas, relief, &b, &a)
      || !filter_plane (canvas, box, &a, &b))
    return false;

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      float *shade = layer->floats + y * layer->stride + x;

      *shade *= b.bytes[y * b.stride + x];
      max = *shade > max ? *shade : max;
    }
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      layer->floats[y * layer->stride + x] *= max > 0 ? intensity / max : 0;
  return true;
}

/* Mud covers: 0.8 to 1 inside of the spots, with soft rims. */
static bool
shade_mud (const SympieCanvas *canvas, SympiePlane *layer, double sigma)
{
  for (int y = 0; y < layer->height; y++) {
    float *row = layer->floats + y * layer->stride;

    for (int x = 0; x < layer->width; x++)
      row[x] = row[x] > 0 ? 1 : 0;
  }
  if (!sympie_gaussian (canvas, layer, layer, sigma, 4, SYMPIE_EDGE_NEAREST))
    return false;
  for (int y = 0; y < layer->height; y++) {
    float *row = layer->floats + y * layer->stride;

    for (int x = 0; x < layer->width; x++)
      row[x] = row[x] < 0.8f ? 0 : row[x];
  }
  return true;
}

typedef struct
{
  const SympieCanvas *canvas;
  const SympiePlane *shade;
  float colour[3];
  float cover; /* 1: hides what lies behind; 0: adds to it */
} Spatter;

SYMPIE_ROWS_VARIANTS (spatter_rows)
{
  const Spatter *spatter = data;
  const SympieCanvas *canvas = spatter->canvas;
  float cover = spatter->cover;
  int width = canvas->width;

  for (int c = 0; c < 3; c++)
    for (int y = first; y < end; y++) {
      float colour = spatter->colour[c];
      const float *restrict shade =
          spatter->shade->floats + y * spatter->shade->stride;
      uint8_t *restrict row = canvas->planes[c] + y * canvas->stride;

      for (int x = 0; x < width; x++)
        row[x] =
            sympie_byte (row[x] * (1 - cover * shade[x]) + colour * shade[x]);
    }
}

bool
sympie_spatter (SympieCanvas *canvas, int severity)
{
  static const Liquid constants[] = {
    { 0.65f, 0.3f, 4, 0.69f, 0.6, false },
    { 0.65f, 0.3f, 3, 0.68f, 0.6, false },
    { 0.65f, 0.3f, 2, 0.68f, 0.5, false },
    { 0.65f, 0.3f, 1, 0.65f, 1.5, true },
    { 0.67f, 0.4f, 1, 0.65f, 1.5, true },
  };
  const Liquid *liquid = &constants[severity - 1];
  SympiePlane layer;
  Spatter spatter = { canvas, &layer, .cover = liquid->mud };
  static const float water[] = { 175, 238, 238 }, mud[] = { 63, 42, 20 };

  if (!liquid_draw (canvas, liquid, &layer))
    return false;
  if (liquid->mud
          ? !shade_mud (canvas, &layer, canvas->unit * liquid->intensity)
          : !shade_water (canvas, &layer, (float) liquid->intensity))
    return false;
  memcpy (spatter.colour, liquid->mud ? mud : water, sizeof spatter.colour);
  sympie_canvas_rows (canvas, canvas->height,
      SYMPIE_PICK (canvas->cpu_flags, spatter_rows), &spatter);
  return true;
}
