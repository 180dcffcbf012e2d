/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Fog: a fractal cloud of plasma between the camera and the scene. */

#include "corruptions.h"
#include "variants.h"

/* Diamond and square on a torus of side^2 points: the points of a grid are
 * known; the centres of its squares and then the middles of its sides become
 * the mean of their four neighbours and something random, less at each halving
 * of the grid. */
typedef struct
{
  const SympieCanvas *canvas;
  float *map;
  int side;
  int step; /* of the known grid */
  int stream;
  float amplitude;
  float *scratch; /* a row of random numbers for each thread */
  ptrdiff_t scratch_stride;
} Plasma;

/* Points (y, first_x + i * step) of row y become means of the rows above and
 * below and of the points to the left and right, `reach` away, either straight
 * or on the diagonals. */
static void
fill_row (const Plasma *plasma, int y, int first_x, bool diagonal,
    const float *random)
{
  int mask = plasma->side - 1, reach = plasma->step / 2;
  float *row = plasma->map + (ptrdiff_t) y * plasma->side;
  const float *above =
      plasma->map + (ptrdiff_t) ((y - reach) & mask) * plasma->side;
  const float *below =
      plasma->map + (ptrdiff_t) ((y + reach) & mask) * plasma->side;

  for (int x = first_x, i = 0; x < plasma->side; x += plasma->step, i++) {
    int left = (x - reach) & mask, right = (x + reach) & mask;
    float sum = diagonal
                    ? above[left] + above[right] + below[left] + below[right]
                    : above[x] + below[x] + row[left] + row[right];

    row[x] = sum / 4 + plasma->amplitude * (2 * random[i] - 1);
  }
}

static void
fill_squares (void *data, int first, int end, int thread)
{
  const Plasma *plasma = data;
  float *random = plasma->scratch + thread * plasma->scratch_stride;
  int half = plasma->step / 2;

  for (int i = first; i < end; i++) {
    sympie_random_uniform (&plasma->canvas->draw, plasma->stream, i, random,
        plasma->side / plasma->step);
    fill_row (plasma, i * plasma->step + half, half, true, random);
  }
}

static void
fill_sides (void *data, int first, int end, int thread)
{
  const Plasma *plasma = data;
  float *random = plasma->scratch + thread * plasma->scratch_stride;
  int half = plasma->step / 2;

  for (int i = first; i < end; i++) {
    sympie_random_uniform (&plasma->canvas->draw, plasma->stream + 1, i, random,
        plasma->side / plasma->step);
    fill_row (plasma, i * half, i % 2 ? 0 : half, false, random);
  }
}

static bool
plasma_fill (Plasma *plasma, float decay)
{
  float wibble = 100;

  plasma->map = sympie_arena_take (plasma->canvas->arena,
      (size_t) plasma->side * plasma->side, sizeof (float));
  plasma->scratch = sympie_canvas_scratch (
      plasma->canvas, plasma->side, &plasma->scratch_stride);
  if (!plasma->map || !plasma->scratch)
    return false;

  plasma->map[0] = 0;
  for (plasma->step = plasma->side; plasma->step > 1; plasma->step /= 2) {
    int n = plasma->side / plasma->step;

    plasma->amplitude = wibble * wibble; /* as published */
    sympie_canvas_rows (plasma->canvas, n, fill_squares, plasma);
    sympie_canvas_rows (plasma->canvas, 2 * n, fill_sides, plasma);
    plasma->stream += 2;
    wibble /= decay;
  }
  return true;
}

typedef struct
{
  const SympieCanvas *canvas;
  const Plasma *plasma;
  float lowest;  /* of the plasma */
  float density; /* of the fog, for a unit of plasma */
  float gain;    /* keeps the sum below the brightest sample */
} Fog;

SYMPIE_ROWS_VARIANTS (fog_rows)
{
  const Fog *fog = data;
  const SympieCanvas *canvas = fog->canvas;
  float lowest = fog->lowest, density = fog->density, gain = fog->gain;
  int width = canvas->width;

  for (int c = 0; c < 3; c++)
    for (int y = first; y < end; y++) {
      uint8_t *restrict row = canvas->planes[c] + y * canvas->stride;
      int side = fog->plasma->side;
      const float *restrict map =
          fog->plasma->map + (ptrdiff_t) (y & (side - 1)) * side;

      for (int at = 0; at < width; at += side) {
        int n = width - at < side ? width - at : side;

        for (int x = 0; x < n; x++)
          row[at + x] =
              sympie_byte ((row[at + x] + density * (map[x] - lowest)) * gain);
      }
    }
}

static uint8_t
brightest (const SympieCanvas *canvas)
{
  uint8_t max = 0;

  for (int c = 0; c < 3; c++)
    for (int y = 0; y < canvas->height; y++) {
      const uint8_t *row = canvas->planes[c] + y * canvas->stride;

      for (int x = 0; x < canvas->width; x++)
        max = row[x] > max ? row[x] : max;
    }
  return max;
}

bool
sympie_fog (SympieCanvas *canvas, int severity)
{
  static const struct
  {
    float strength, decay;
  } constants[] = { { 1.5f, 2 }, { 2, 2 }, { 2.5f, 1.7f }, { 2.5f, 1.5f },
    { 3, 1.4f } };
  float strength = 255 * constants[severity - 1].strength;
  float max = brightest (canvas), highest;
  Plasma plasma = { canvas, .side = 8 };
  Fog fog = { .canvas = canvas, .plasma = &plasma };

  /* The cloud goes on where it ends, so a long and narrow picture, for which
   * the square would be far larger than itself, sees it again and again. */
  while ((plasma.side < canvas->width || plasma.side < canvas->height)
         && 4.0 * plasma.side * plasma.side
                <= 16.0 * canvas->width * canvas->height)
    plasma.side *= 2;
  if (!plasma_fill (&plasma, constants[severity - 1].decay))
    return false;

  highest = fog.lowest = plasma.map[0];
  for (size_t i = 0; i < (size_t) plasma.side * plasma.side; i++) {
    fog.lowest = plasma.map[i] < fog.lowest ? plasma.map[i] : fog.lowest;
    highest = plasma.map[i] > highest ? plasma.map[i] : highest;
  }
  fog.density = highest > fog.lowest ? strength / (highest - fog.lowest) : 0;
  fog.gain = max / (max + strength);
  sympie_canvas_rows (
      canvas, canvas->height, SYMPIE_PICK (canvas->cpu_flags, fog_rows), &fog);
  return true;
}
