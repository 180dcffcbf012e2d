/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Noise of the sensor: each sample on its own. Streams 0 to 2 are R, G, B. */

#include "corruptions.h"
#include "functions.h"
#include "variants.h"

typedef struct
{
  const SympieCanvas *canvas;
  float *scratch; /* a row of random numbers for each thread */
  ptrdiff_t scratch_stride;
  float constant;
  float gain;       /* x + (constant + gain * x) * N */
  uint32_t *counts; /* see shot_noise */
} Noise;

static bool
noise_rows (SympieCanvas *canvas, Noise *noise, SympieRows rows)
{
  noise->canvas = canvas;
  noise->scratch =
      sympie_canvas_scratch (canvas, canvas->width + 1, &noise->scratch_stride);
  if (!noise->scratch)
    return false;
  sympie_canvas_rows (canvas, canvas->height, rows, noise);
  return true;
}

SYMPIE_ROWS_VARIANTS (add_normal)
{
  const Noise *noise = data;
  const SympieCanvas *canvas = noise->canvas;
  float *restrict random = noise->scratch + thread * noise->scratch_stride;
  float constant = noise->constant, gain = noise->gain;
  int width = canvas->width;

  for (int y = first; y < end; y++)
    for (int c = 0; c < 3; c++) {
      uint8_t *restrict row = canvas->planes[c] + y * canvas->stride;

      sympie_random_normal (&canvas->draw, c, y, random, width);
      for (int x = 0; x < width; x++)
        row[x] = sympie_byte (row[x] + (constant + gain * row[x]) * random[x]);
    }
}

bool
sympie_gaussian_noise (SympieCanvas *canvas, int severity)
{
  static const float sigma[] = { 0.08f, 0.12f, 0.18f, 0.26f, 0.38f };
  Noise noise = { .constant = 255 * sigma[severity - 1] };

  return noise_rows (
      canvas, &noise, SYMPIE_PICK (canvas->cpu_flags, add_normal));
}

bool
sympie_speckle_noise (SympieCanvas *canvas, int severity)
{
  static const float sigma[] = { 0.15f, 0.2f, 0.35f, 0.45f, 0.6f };
  Noise noise = { .gain = sigma[severity - 1] };

  return noise_rows (
      canvas, &noise, SYMPIE_PICK (canvas->cpu_flags, add_normal));
}

SYMPIE_ROWS_VARIANTS (add_impulses)
{
  const Noise *noise = data;
  const SympieCanvas *canvas = noise->canvas;
  float *restrict random = noise->scratch + thread * noise->scratch_stride;
  float amount = noise->constant, half = amount / 2;
  int width = canvas->width;

  for (int y = first; y < end; y++)
    for (int c = 0; c < 3; c++) {
      uint8_t *restrict row = canvas->planes[c] + y * canvas->stride;

      sympie_random_uniform (&canvas->draw, c, y, random, width);
      for (int x = 0; x < width; x++) {
        uint8_t impulse = random[x] < half ? 0 : 255;

        row[x] = random[x] < amount ? impulse : row[x];
      }
    }
}

bool
sympie_impulse_noise (SympieCanvas *canvas, int severity)
{
  static const float amount[] = { 0.03f, 0.06f, 0.09f, 0.17f, 0.27f };
  Noise noise = { .constant = amount[severity - 1] };

  return noise_rows (
      canvas, &noise, SYMPIE_PICK (canvas->cpu_flags, add_impulses));
}

/* Poisson numbers by inversion. For each of the 256 levels a row of COUNTS
 * words: word k is 2^24 times the probability of k photons at most. A guide
 * with GUIDES entries a level says where to begin for the first bits of the
 * uniform number. At most 60 photons are expected: 127 are never exceeded with
 * 24 bits. */
enum
{
  COUNTS = 128,
  GUIDES = 32,
  LEVEL = COUNTS + GUIDES
};

static void
count_photons (uint32_t *level, double expected)
{
  double probability = sympie_exp (-expected), sum = 0;
  int k = 0;

  for (int i = 0; i < COUNTS; i++) {
    sum += probability;
    probability *= expected / (i + 1);
    level[i] = (uint32_t) (sum * 0x1p24 + 0.5);
  }
  level[COUNTS - 1] = 1 << 24;
  for (int i = 0; i < GUIDES; i++) {
    while (level[k] <= (uint32_t) i * ((1 << 24) / GUIDES))
      k++;
    level[COUNTS + i] = k;
  }
}

static void
photons (void *data, int first, int end, int thread)
{
  const Noise *noise = data;
  const SympieCanvas *canvas = noise->canvas;
  float *random = noise->scratch + thread * noise->scratch_stride;
  uint8_t bytes[COUNTS];

  for (int k = 0; k < COUNTS; k++)
    bytes[k] = sympie_byte (k * 255 / noise->constant);
  for (int y = first; y < end; y++)
    for (int c = 0; c < 3; c++) {
      uint8_t *row = canvas->planes[c] + y * canvas->stride;

      sympie_random_uniform (&canvas->draw, c, y, random, canvas->width);
      for (int x = 0; x < canvas->width; x++) {
        const uint32_t *level = noise->counts + row[x] * LEVEL;
        uint32_t u = (uint32_t) (random[x] * 0x1p24f);
        uint32_t k = level[COUNTS + u / ((1 << 24) / GUIDES)];

        while (level[k] <= u)
          k++;
        row[x] = bytes[k];
      }
    }
}

bool
sympie_shot_noise (SympieCanvas *canvas, int severity)
{
  static const float photons_of_white[] = { 60, 25, 12, 5, 3 };
  Noise noise = { .constant = photons_of_white[severity - 1] };

  noise.counts =
      sympie_arena_take (canvas->arena, 256 * LEVEL, sizeof (uint32_t));
  if (!noise.counts)
    return false;
  for (int i = 0; i < 256; i++)
    count_photons (noise.counts + i * LEVEL, i * noise.constant / 255);
  return noise_rows (canvas, &noise, photons);
}
