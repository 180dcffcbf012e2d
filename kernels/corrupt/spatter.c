/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Spatter on the lens: drops of water, or mud. */

#include <string.h>

#include "blur.h"
#include "clones.h"
#include "corruptions.h"

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

static inline float
smaller (float a, float b)
{
  return a < b ? a : b;
}

/* How far each pixel is from the rim of a drop, up to `limit`. A pixel of the
 * rim differs from the one to its right or from the one below. */
static void
rim_distance (const SympiePlane *layer, SympiePlane *distance, float limit)
{
  const float diagonal = 1.41421356f;
  int width = layer->width, height = layer->height;

  for (int y = 0; y < height; y++) {
    const float *in = layer->floats + y * layer->stride;
    const float *below = y + 1 < height ? in + layer->stride : in;
    float *out = distance->floats + y * distance->stride;
    const float *above = y > 0 ? out - distance->stride : NULL;

    for (int x = 0; x < width; x++) {
      bool wet = in[x] > 0;
      bool rim =
          wet != (in[x + 1 < width ? x + 1 : x] > 0) || wet != (below[x] > 0);
      float d = rim ? 0 : limit;

      if (x > 0)
        d = smaller (d, out[x - 1] + 1);
      if (above) {
        d = smaller (d, above[x] + 1);
        d = smaller (d, above[x > 0 ? x - 1 : x] + diagonal);
        d = smaller (d, above[x + 1 < width ? x + 1 : x] + diagonal);
      }
      out[x] = d;
    }
  }
  for (int y = height - 1; y >= 0; y--) {
    float *out = distance->floats + y * distance->stride;
    const float *below = y + 1 < height ? out + distance->stride : NULL;

    for (int x = width - 1; x >= 0; x--) {
      float d = out[x];

      if (x + 1 < width)
        d = smaller (d, out[x + 1] + 1);
      if (below) {
        d = smaller (d, below[x] + 1);
        d = smaller (d, below[x > 0 ? x - 1 : x] + diagonal);
        d = smaller (d, below[x + 1 < width ? x + 1 : x] + diagonal);
      }
      out[x] = d;
    }
  }
}

/* A 3x3 correlation, rounded to bytes; the weights are given out by 1 / sum. */
static void
filter (const SympiePlane *src, const SympiePlane *dst, const int weights[9],
    int sum)
{
  int width = src->width, height = src->height;

  for (int y = 0; y < height; y++) {
    const uint8_t *rows[3];
    uint8_t *out = dst->bytes + y * dst->stride;

    for (int i = 0; i < 3; i++)
      rows[i] = src->bytes
                + sympie_edge (SYMPIE_EDGE_REFLECT101, y + i - 1, height)
                      * src->stride;
    for (int x = 0; x < width; x++) {
      int left = x > 0 ? x - 1 : width > 1 ? 1 : 0;
      int right = x + 1 < width ? x + 1 : width > 1 ? width - 2 : 0;
      int total = 0;

      for (int i = 0; i < 3; i++)
        total += weights[3 * i] * rows[i][left]
                 + weights[3 * i + 1] * rows[i][x]
                 + weights[3 * i + 2] * rows[i][right];
      out[x] = sympie_byte ((float) total / sum);
    }
  }
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
  static const int box[9] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };
  static const int relief[9] = { -2, -1, 0, -1, 1, 1, 0, 1, 2 };
  int width = layer->width, height = layer->height;
  SympiePlane distance = sympie_plane_floats (canvas, width, height);
  SympiePlane a = sympie_plane_bytes (canvas, width, height);
  SympiePlane b = sympie_plane_bytes (canvas, width, height);
  float max = 0;

  if (!distance.floats || !a.bytes || !b.bytes)
    return false;
  rim_distance (layer, &distance, 20 * canvas->unit);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      a.bytes[y * a.stride + x] =
          sympie_byte (distance.floats[y * distance.stride + x]);
  filter (&a, &b, box, 9);
  equalise (&b);
  filter (&b, &a, relief, 1);
  filter (&a, &b, box, 9);

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

SYMPIE_CLONES static void
spatter_rows (void *data, int first, int end, int thread)
{
  const Spatter *spatter = data;
  const SympieCanvas *canvas = spatter->canvas;

  for (int c = 0; c < 3; c++)
    for (int y = first; y < end; y++) {
      const float *shade = spatter->shade->floats + y * spatter->shade->stride;
      uint8_t *row = canvas->planes[c] + y * canvas->stride;

      for (int x = 0; x < canvas->width; x++)
        row[x] = sympie_byte (row[x] * (1 - spatter->cover * shade[x])
                              + spatter->colour[c] * shade[x]);
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
  sympie_canvas_rows (canvas, canvas->height, spatter_rows, &spatter);
  return true;
}
