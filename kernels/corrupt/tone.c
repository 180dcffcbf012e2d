/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Contrast, brightness and saturation set wrong. */

#include "corruptions.h"
#include "variants.h"

/* Sum of a plane; whole, so that the order does not matter. */
static uint64_t
sum (const SympieCanvas *canvas, int c)
{
  uint64_t total = 0;

  for (int y = 0; y < canvas->height; y++) {
    const uint8_t *row = canvas->planes[c] + y * canvas->stride;
    uint32_t part = 0;

    for (int x = 0; x < canvas->width; x++)
      part += row[x];
    total += part;
  }
  return total;
}

bool
sympie_contrast (SympieCanvas *canvas, int severity)
{
  static const double contrast[] = { 0.4, 0.3, 0.2, 0.1, 0.05 };
  double c = contrast[severity - 1];
  uint8_t tables[3][256];

  for (int plane = 0; plane < 3; plane++) {
    double mean = (double) sum (canvas, plane)
                  / ((double) canvas->width * canvas->height);

    for (int i = 0; i < 256; i++)
      tables[plane][i] = sympie_byte ((float) ((i - mean) * c + mean));
  }
  sympie_canvas_map (canvas, tables);
  return true;
}

typedef struct
{
  const SympieCanvas *canvas;
  float factor, offset; /* of the saturation */
  float gain[256];      /* by the value (the largest sample) of a pixel */
  float base[256];
} Tone;

SYMPIE_ROWS_VARIANTS (brightness_rows)
{
  const Tone *tone = data;
  const SympieCanvas *canvas = tone->canvas;
  int width = canvas->width;

  for (int y = first; y < end; y++) {
    uint8_t *restrict r = canvas->planes[0] + y * canvas->stride;
    uint8_t *restrict g = canvas->planes[1] + y * canvas->stride;
    uint8_t *restrict b = canvas->planes[2] + y * canvas->stride;

    for (int x = 0; x < width; x++) {
      uint8_t value = r[x] > g[x] ? r[x] : g[x];
      float gain, base;

      value = value > b[x] ? value : b[x];
      gain = tone->gain[value];
      base = tone->base[value];
      r[x] = sympie_byte (gain * r[x] + base);
      g[x] = sympie_byte (gain * g[x] + base);
      b[x] = sympie_byte (gain * b[x] + base);
    }
  }
}

/* Hue and saturation stay as the value of HSV grows: the three samples grow
 * alike. Black has no saturation and becomes grey. */
bool
sympie_brightness (SympieCanvas *canvas, int severity)
{
  Tone tone = { .canvas = canvas };
  float more = 25.5f * severity;

  for (int i = 0; i < 256; i++) {
    float value = i + more < 255 ? i + more : 255;

    tone.gain[i] = i ? value / i : 0;
    tone.base[i] = i ? 0 : value;
  }
  sympie_canvas_rows (canvas, canvas->height,
      SYMPIE_PICK (canvas->cpu_flags, brightness_rows), &tone);
  return true;
}

SYMPIE_ROWS_VARIANTS (saturate_rows)
{
  const Tone *tone = data;
  const SympieCanvas *canvas = tone->canvas;
  int width = canvas->width;
  float factor = tone->factor, offset = tone->offset;

  for (int y = first; y < end; y++) {
    uint8_t *restrict r = canvas->planes[0] + y * canvas->stride;
    uint8_t *restrict g = canvas->planes[1] + y * canvas->stride;
    uint8_t *restrict b = canvas->planes[2] + y * canvas->stride;

    for (int x = 0; x < width; x++) {
      uint8_t high = r[x] > g[x] ? r[x] : g[x], low = r[x] < g[x] ? r[x] : g[x];
      float value, range, saturation, depth;

      high = high > b[x] ? high : b[x];
      low = low < b[x] ? low : b[x];
      value = high;
      range = high - low;
      saturation = range / (value > 0 ? value : 1) * factor + offset;
      saturation = saturation < 1 ? saturation : 1;
      /* sample = value * (1 - saturation * t), t in [0, 1] being the hue's; a
       * grey has the hue 0, of red. */
      depth = saturation * value / (range > 0 ? range : 1);
      r[x] = sympie_byte (value - depth * (value - r[x]));
      g[x] = sympie_byte (value - depth * (range > 0 ? value - g[x] : 1));
      b[x] = sympie_byte (value - depth * (range > 0 ? value - b[x] : 1));
    }
  }
}

bool
sympie_saturate (SympieCanvas *canvas, int severity)
{
  static const struct
  {
    float factor, offset;
  } constants[] = { { 0.3f, 0 }, { 0.1f, 0 }, { 2, 0 }, { 5, 0.1f },
    { 20, 0.2f } };
  Tone tone = { .canvas = canvas,
    .factor = constants[severity - 1].factor,
    .offset = constants[severity - 1].offset };

  sympie_canvas_rows (canvas, canvas->height,
      SYMPIE_PICK (canvas->cpu_flags, saturate_rows), &tone);
  return true;
}
