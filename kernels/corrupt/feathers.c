/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Frost as it grows on a window pane: feathers of ice, each a stem with barbs
 * at sixty degrees that have barbs themselves, over a thin veil, lit from one
 * side. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "functions.h"
#include "ice.h"
#include "random.h"

enum
{
  SIDE = 768,      /* of the texture, in pixels */
  N_FEATHERS = 480 /* enough to leave gaps, and not many */
};

/* The thickness of the ice; it wraps around at the borders. */
typedef struct
{
  float *thickness;
  uint64_t key;
  uint64_t n_drawn;
} Pane;

static float
next_random (Pane *pane)
{
  uint64_t bits = sympie_seed_split (pane->key, pane->n_drawn++);

  return (float) (bits >> 40) * 0x1p-24f;
}

static float
between (Pane *pane, float low, float high)
{
  return low + (high - low) * next_random (pane);
}

static float *
at (Pane *pane, int x, int y)
{
  return pane->thickness + (size_t) ((unsigned) y % SIDE) * SIDE
         + (unsigned) x % SIDE;
}

/* A grain of ice whose centre is between four pixels. */
static void
drop_grain (Pane *pane, float x, float y, float thickness)
{
  float left = floorf (x), top = floorf (y), u = x - left, v = y - top;
  const float weights[4] = { (1 - u) * (1 - v), u * (1 - v), (1 - u) * v,
    u * v };

  for (int i = 0; i < 4; i++) {
    float *pixel =
        at (pane, (int) left + 2 * SIDE + i % 2, (int) top + 2 * SIDE + i / 2);
    float reached = thickness * weights[i];

    *pixel = *pixel > reached ? *pixel : reached;
  }
}

/* A branch of `length` pixels that thins out to its end; branches of branches
 * down to `order` 0. */
static void
grow (Pane *pane, float x, float y, float degrees, float length,
    float thickness, int order)
{
  float bend = between (pane, -0.12f, 0.12f) * order;
  float spacing = order == 2 ? 4.5f : 3.2f, next = spacing;
  double cosine, sine;

  for (float done = 0; done < length; done += 0.7f) {
    float rest = 1 - done / length;

    sympie_direction (degrees, &cosine, &sine);
    x += 0.7f * (float) cosine;
    y += 0.7f * (float) sine;
    degrees += bend;
    drop_grain (pane, x, y, thickness * (0.45f + 0.55f * rest));
    if (order == 0 || done < next)
      continue;
    next += spacing * between (pane, 0.8f, 1.3f);
    for (int side = -1; side <= 1; side += 2) {
      /* Widest a third of the way along the stem. */
      float shape = rest < 0.7f ? rest / 0.7f : (1 - rest) / 0.3f;
      float barb = length * (order == 2 ? 0.34f : 0.3f)
                   * (0.15f + 0.85f * shape) * between (pane, 0.6f, 1.1f);

      if (barb > 1.5f)
        grow (pane, x, y, degrees + side * between (pane, 52, 63), barb,
            thickness * between (pane, 0.6f, 0.9f), order - 1);
    }
  }
}

/* Smooth noise: random numbers on a grid of `cell` pixels and what lies between
 * them. */
static void
add_veil (Pane *pane, int cell, float amplitude)
{
  int n = SIDE / cell;
  uint64_t first = pane->n_drawn;

  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++) {
      int i = x / cell, j = y / cell;
      float u = (float) (x % cell) / cell, v = (float) (y % cell) / cell;
      float corners[4];

      for (int k = 0; k < 4; k++) {
        pane->n_drawn = first + (j + k / 2) % n * n + (i + k % 2) % n;
        corners[k] = next_random (pane);
      }
      u = u * u * (3 - 2 * u);
      v = v * v * (3 - 2 * v);
      *at (pane, x, y) +=
          amplitude
          * ((1 - v) * (corners[0] + u * (corners[1] - corners[0]))
              + v * (corners[2] + u * (corners[3] - corners[2])));
    }
  pane->n_drawn = first + n * n;
}

/* The mean over 2 * radius + 1 places, `step` floats apart, of the SIDE that
 * form a ring. */
static void
smooth_ring (float *ring, int step, int radius)
{
  float kept[SIDE], sum = 0;

  for (int i = 0; i < SIDE; i++)
    kept[i] = ring[(ptrdiff_t) i * step];
  for (int i = -radius; i <= radius; i++)
    sum += kept[(i + SIDE) % SIDE];
  for (int i = 0; i < SIDE; i++) {
    ring[(ptrdiff_t) i * step] = sum / (2 * radius + 1);
    sum += kept[(i + radius + 1) % SIDE] - kept[(i - radius + SIDE) % SIDE];
  }
}

/* Dense ice scatters light around it. */
static bool
add_glow (Pane *pane, int radius, float amplitude)
{
  size_t n = (size_t) SIDE * SIDE;
  float *glow = malloc (n * sizeof *glow);

  if (!glow)
    return false;
  memcpy (glow, pane->thickness, n * sizeof *glow);
  for (int round = 0; round < 2; round++)
    for (int i = 0; i < SIDE; i++) {
      smooth_ring (glow + (ptrdiff_t) i * SIDE, 1, radius);
      smooth_ring (glow + i, SIDE, radius);
    }
  for (size_t i = 0; i < n; i++)
    pane->thickness[i] += amplitude * glow[i];
  free (glow);
  return true;
}

static uint8_t
colour (float dark, float light, float brightness)
{
  float value = dark + (light - dark) * brightness;

  return (uint8_t) (value < 0 ? 0 : value > 255 ? 255 : value + 0.5f);
}

static void
light_pane (Pane *pane, SympiePhoto *photo)
{
  for (int y = 0; y < SIDE; y++)
    for (int x = 0; x < SIDE; x++) {
      float thick = *at (pane, x, y);
      float slope =
          *at (pane, x + 1, y + 1) - *at (pane, x + SIDE - 1, y + SIDE - 1);
      float brightness = 0.85f * thick + 0.8f * slope - 0.05f;
      size_t i = (size_t) y * SIDE + x;

      photo->planes[0][i] = colour (58, 246, brightness);
      photo->planes[1][i] = colour (80, 250, brightness);
      photo->planes[2][i] = colour (102, 255, brightness);
    }
}

bool
sympie_photo_grow (SympiePhoto *photo)
{
  Pane pane = { calloc ((size_t) SIDE * SIDE, sizeof (float)), .key = 0x1ce };

  *photo = sympie_photo_new (SIDE, SIDE);
  if (!pane.thickness || !photo->planes[0]) {
    free (pane.thickness);
    free (photo->planes[0]);
    return false;
  }
  for (int i = 0; i < N_FEATHERS; i++) {
    float x = between (&pane, 0, SIDE), y = between (&pane, 0, SIDE);
    float degrees = between (&pane, -180, 180);
    float length = between (&pane, 25, 95);

    /* Large feathers are few. */
    if (i % 8 == 0)
      length *= 2;
    grow (&pane, x, y, degrees, length, between (&pane, 0.55f, 1), 2);
  }
  if (!add_glow (&pane, 4, 0.9f)) {
    free (pane.thickness);
    free (photo->planes[0]);
    return false;
  }
  add_veil (&pane, 96, 0.22f);
  add_veil (&pane, 32, 0.12f);
  add_veil (&pane, 2, 0.12f);
  light_pane (&pane, photo);
  free (pane.thickness);
  return true;
}
