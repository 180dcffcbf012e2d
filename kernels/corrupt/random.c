/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "random.h"

#include "functions.h"
#include "variants.h"

enum
{
  BLOCK = 512 /* numbers made at a time, to stay in the first cache */
};

/* The finaliser of SplitMix64. */
static uint64_t
mix (uint64_t z)
{
  z += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

uint64_t
sympie_seed_split (uint64_t seed, uint64_t number)
{
  return mix (mix (seed) + number);
}

SympieDraw
sympie_draw (uint64_t seed, double phase, unsigned cpu_flags)
{
  double whole = floor (phase), cosine, sine;
  SympieDraw draw;

  /* Beyond 2^53 every phase is whole; the step of one is lost as well. */
  for (int i = 0; i < 2; i++)
    draw.keys[i] =
        sympie_seed_split (seed, (uint64_t) fmod (whole + i, 0x1p63));
  draw.share = (float) (phase - whole);
  if (draw.share >= 1) {
    draw.keys[0] = draw.keys[1];
    draw.share = 0;
  }
  sympie_direction (90 * (double) draw.share, &cosine, &sine);
  draw.cosine = (float) cosine;
  draw.sine = (float) sine;
  draw.cpu_flags = cpu_flags;
  return draw;
}

static uint64_t
row_key (uint64_t key, int stream, int row)
{
  return mix (key ^ mix ((uint64_t) stream << 32 | (uint32_t) row));
}

/* 32 random bits for a counter: two rounds of multiply and shift, the halves of
 * the key going in before each. */
static inline uint32_t
random_bits (uint64_t key, uint32_t counter)
{
  uint32_t x = counter * 0x9e3779b9u + (uint32_t) key;

  x = (x ^ (x >> 16)) * 0x21f0aaadu;
  x += (uint32_t) (key >> 32);
  x = (x ^ (x >> 15)) * 0xd35a2d97u;
  return x ^ (x >> 15);
}

static inline float
unit (uint32_t bits)
{
  return (float) (int32_t) (bits >> 8) * 0x1p-24f;
}

SYMPIE_VARIANTS (
    uniform, (uint64_t key, int first, float *out, int n), (key, first, out, n))
{
  for (int i = 0; i < n; i++)
    out[i] = unit (random_bits (key, first + i));
}

/* Box-Muller; the cosine makes the first half of the numbers, the sine the
 * second. `n` is even. */
SYMPIE_VARIANTS (
    normal, (uint64_t key, int first, float *out, int n), (key, first, out, n))
{
  int half = n / 2;

  for (int i = 0; i < half; i++) {
    uint32_t counter = first + 2 * i;
    float u = 1 - unit (random_bits (key, counter)); /* in (0, 1] */
    float turn = unit (random_bits (key, counter + 1));
    float radius = sqrtf (-2 * sympie_log (u));
    float other = turn < 0.25f ? turn + 0.75f : turn - 0.25f;

    out[i] = radius * sympie_cos_turn (turn);
    out[half + i] = radius * sympie_cos_turn (other);
  }
}

/* The sum of two uniform numbers with weights a >= b, a + b = 1, has a density
 * that is a trapezium: its distribution function makes the sum uniform. */
SYMPIE_VARIANTS (blend_uniform,
    (float share, float *out, const float *next, int n), (share, out, next, n))
{
  float a = share < 0.5f ? 1 - share : share, b = 1 - a;
  float below = 1 / (2 * a * b), within = 1 / (2 * a);

  for (int i = 0; i < n; i++) {
    float s = (1 - share) * out[i] + share * next[i];
    float low = s * s * below, high = 1 - (1 - s) * (1 - s) * below;
    float u = s < b ? low : s > a ? high : (2 * s - b) * within;

    out[i] = u < 1 ? u : 0x1.fffffep-1f;
  }
}

SYMPIE_VARIANTS (blend_normal,
    (float cosine, float sine, float *out, const float *next, int n),
    (cosine, sine, out, next, n))
{
  for (int i = 0; i < n; i++)
    out[i] = cosine * out[i] + sine * next[i];
}

void
sympie_random_uniform (
    const SympieDraw *draw, int stream, int row, float *out, int n)
{
  uint64_t key = row_key (draw->keys[0], stream, row);
  uint64_t next_key = row_key (draw->keys[1], stream, row);
  float next[BLOCK];

  for (int i = 0; i < n; i += BLOCK) {
    int count = n - i < BLOCK ? n - i : BLOCK;

    SYMPIE_CALL (draw->cpu_flags, uniform, key, i, out + i, count);
    if (draw->share > 0) {
      SYMPIE_CALL (draw->cpu_flags, uniform, next_key, i, next, count);
      SYMPIE_CALL (
          draw->cpu_flags, blend_uniform, draw->share, out + i, next, count);
    }
  }
}

void
sympie_random_normal (
    const SympieDraw *draw, int stream, int row, float *out, int n)
{
  uint64_t key = row_key (draw->keys[0], stream, row);
  uint64_t next_key = row_key (draw->keys[1], stream, row);
  float next[BLOCK];

  for (int i = 0; i < n; i += BLOCK) {
    int count = n - i < BLOCK ? (n - i + 1) & ~1 : BLOCK;

    SYMPIE_CALL (draw->cpu_flags, normal, key, i, out + i, count);
    if (draw->share > 0) {
      SYMPIE_CALL (draw->cpu_flags, normal, next_key, i, next, count);
      SYMPIE_CALL (draw->cpu_flags, blend_normal, draw->cosine, draw->sine,
          out + i, next, count);
    }
  }
}

double
sympie_random_between (
    const SympieDraw *draw, int stream, double low, double high)
{
  float u;

  sympie_random_uniform (draw, stream, 0, &u, 1);
  return low + (high - low) * u;
}
