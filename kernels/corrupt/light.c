/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The changes of light of SyMPIE's own pool: every sample by itself, so tables
 * for all but night. */

#include "corruptions.h"
#include "variants.h"

bool
sympie_darken (SympieCanvas *canvas, int severity)
{
  uint8_t tables[3][256];

  for (int c = 0; c < 3; c++)
    for (int i = 0; i < 256; i++)
      tables[c][i] = sympie_byte (i / (severity + 1.0f));
  sympie_canvas_map (canvas, tables);
  return true;
}

/* The warm light of a low sun. */
bool
sympie_horizon (SympieCanvas *canvas, int severity)
{
  float shift = (float) sympie_random_between (&canvas->draw, 0, -32, 32);
  float light[3] = { 255, 192 + shift, 192 - shift };
  float share = severity / 5.0f;
  uint8_t tables[3][256];

  for (int c = 0; c < 3; c++)
    for (int i = 0; i < 256; i++)
      tables[c][i] = sympie_byte (
          share * (light[c] * i / 255 + light[c] / 10) + (1 - share) * i);
  sympie_canvas_map (canvas, tables);
  return true;
}

/* A light of another colour, without the eye's or the camera's adaptation. */
bool
sympie_white_point (SympieCanvas *canvas, int severity)
{
  uint8_t tables[3][256];

  for (int c = 0; c < 3; c++) {
    float shift = (float) sympie_random_between (&canvas->draw, c, -32, 32);

    for (int i = 0; i < 256; i++)
      tables[c][i] = sympie_byte (i * (255 + severity * shift / 5) / 255);
  }
  sympie_canvas_map (canvas, tables);
  return true;
}

typedef struct
{
  const SympieCanvas *canvas;
  float scene[3]; /* weight of a sample of a dark pixel */
  float sky;      /* weight of the sky's brightness */
} Night;

SYMPIE_ROWS_VARIANTS (night_rows)
{
  const Night *night = data;
  const SympieCanvas *canvas = night->canvas;
  float red = night->scene[0], green = night->scene[1], blue = night->scene[2];
  float sky = night->sky;
  int width = canvas->width;

  for (int y = first; y < end; y++) {
    uint8_t *restrict r = canvas->planes[0] + y * canvas->stride;
    uint8_t *restrict g = canvas->planes[1] + y * canvas->stride;
    uint8_t *restrict b = canvas->planes[2] + y * canvas->stride;

    for (int x = 0; x < width; x++) {
      /* Bright pixels are taken for the sky, and the sky is dark. */
      int flip = r[x] + g[x] + b[x] > 3 * 128 ? 255 : 0;

      r[x] = sympie_byte (red * r[x] + sky * (float) (r[x] ^ flip));
      g[x] = sympie_byte (green * g[x] + sky * (float) (g[x] ^ flip));
      b[x] = sympie_byte (blue * b[x] + sky * (float) (b[x] ^ flip));
    }
  }
}

bool
sympie_night (SympieCanvas *canvas, int severity)
{
  float blue = 64 + (float) sympie_random_between (&canvas->draw, 0, -24, 24);
  float light[3] = { 32, 32, blue };
  float share = severity / 5.0f;
  Night night = { canvas, .sky = 0.2f * share };

  for (int c = 0; c < 3; c++)
    night.scene[c] = 0.8f * share * light[c] / 255 + (1 - share);
  sympie_canvas_rows (canvas, canvas->height,
      SYMPIE_PICK (canvas->cpu_flags, night_rows), &night);
  return true;
}
