/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Snow: flakes that fall at a slant, and the pale light that goes with them. */

#include "corruptions.h"
#include "variants.h"
#include "zoom.h"

typedef struct
{
  double mean, deviation, zoom, threshold, radius, sigma, mix;
} Weather;

typedef struct
{
  const SympieCanvas *canvas;
  const Weather *weather;
  SympieZoomAxis across, down;
  SympiePlane flakes; /* bytes */
  float *scratch;     /* for each thread: two rows of random numbers, their
                         blend */
  ptrdiff_t scratch_stride;
} Snow;

SYMPIE_VARIANTS (flake_row,
    (const Snow *snow, const float *above, const float *below, float share,
        float *restrict row, uint8_t *restrict out),
    (snow, above, below, share, row, out))
{
  int n = snow->canvas->width;
  const int *restrict index = snow->across.index;
  const float *restrict weight = snow->across.weight;
  float mean = 255 * (float) snow->weather->mean;
  float deviation = 255 * (float) snow->weather->deviation;
  float threshold = 255 * (float) snow->weather->threshold;

  for (int x = 0; x < n; x++)
    row[x] = above[x] + share * (below[x] - above[x]);
  row[n] = row[n - 1];
  for (int x = 0; x < n; x++) {
    float left = row[index[x]], right = row[index[x] + 1];
    float flake = mean + deviation * (left + weight[x] * (right - left));

    out[x] = flake < threshold ? 0 : sympie_byte (flake);
  }
}

static void
flake_rows (void *data, int first, int end, int thread)
{
  const Snow *snow = data;
  const SympieDraw *draw = &snow->canvas->draw;
  ptrdiff_t size = sympie_canvas_stride (snow->canvas->width + 1);
  int n = snow->canvas->width, drawn = -2;
  float *above = snow->scratch + thread * snow->scratch_stride;
  float *below = above + size, *row = below + size;

  for (int y = first; y < end; y++) {
    int index = snow->down.index[y];

    if (index == drawn + 1) {
      float *other = above;

      above = below;
      below = other;
      sympie_random_normal (draw, 0, index + 1, below, n);
    } else if (index != drawn) {
      sympie_random_normal (draw, 0, index, above, n);
      sympie_random_normal (draw, 0, index + 1, below, n);
    }
    drawn = index;
    SYMPIE_CALL (snow->canvas->cpu_flags, flake_row, snow, above, below,
        snow->down.weight[y], row,
        snow->flakes.bytes + y * snow->flakes.stride);
  }
}

SYMPIE_ROWS_VARIANTS (snow_rows)
{
  const Snow *snow = data;
  const SympieCanvas *canvas = snow->canvas;
  int n = canvas->width;
  float mix = (float) snow->weather->mix;

  for (int y = first; y < end; y++) {
    const uint8_t *restrict flakes =
        snow->flakes.bytes + y * snow->flakes.stride;
    const uint8_t *restrict turned =
        snow->flakes.bytes + (canvas->height - 1 - y) * snow->flakes.stride + n
        - 1;
    uint8_t *restrict r = canvas->planes[0] + y * canvas->stride;
    uint8_t *restrict g = canvas->planes[1] + y * canvas->stride;
    uint8_t *restrict b = canvas->planes[2] + y * canvas->stride;

    for (int x = 0; x < n; x++) {
      float grey = 0.299f * r[x] + 0.587f * g[x] + 0.114f * b[x];
      float pale = 1.5f * grey + 127.5f;
      float flake = flakes[x] + turned[-x];
      float pale_r = pale > r[x] ? pale : r[x];
      float pale_g = pale > g[x] ? pale : g[x];
      float pale_b = pale > b[x] ? pale : b[x];

      r[x] = sympie_byte (mix * r[x] + (1 - mix) * pale_r + flake);
      g[x] = sympie_byte (mix * g[x] + (1 - mix) * pale_g + flake);
      b[x] = sympie_byte (mix * b[x] + (1 - mix) * pale_b + flake);
    }
  }
}

bool
sympie_snow (SympieCanvas *canvas, int severity)
{
  static const Weather constants[] = { { 0.1, 0.3, 3, 0.5, 10, 4, 0.8 },
    { 0.2, 0.3, 2, 0.5, 12, 4, 0.7 }, { 0.55, 0.3, 4, 0.9, 12, 8, 0.7 },
    { 0.55, 0.3, 4.5, 0.85, 12, 8, 0.65 },
    { 0.55, 0.3, 2.5, 0.85, 12, 12, 0.55 } };
  const Weather *weather = &constants[severity - 1];
  double zoom = canvas->unit * weather->zoom;
  double degrees = sympie_random_between (&canvas->draw, 1, -135, -45);
  ptrdiff_t row = sympie_canvas_stride (canvas->width + 1);
  Snow snow = { .canvas = canvas, .weather = weather };

  zoom = zoom > 1 ? zoom : 1; /* a flake is a pixel or more */
  snow.flakes = sympie_plane_bytes (canvas, canvas->width, canvas->height);
  snow.scratch = sympie_canvas_scratch (canvas, 3 * row, &snow.scratch_stride);
  if (!sympie_zoom_axis (canvas, &snow.across, canvas->width, zoom)
      || !sympie_zoom_axis (canvas, &snow.down, canvas->height, zoom)
      || !snow.flakes.bytes || !snow.scratch)
    return false;

  sympie_canvas_rows (canvas, canvas->height, flake_rows, &snow);
  if (!sympie_motion (canvas, &snow.flakes, &snow.flakes,
          canvas->unit * weather->radius, canvas->unit * weather->sigma,
          degrees))
    return false;
  sympie_canvas_rows (canvas, canvas->height,
      SYMPIE_PICK (canvas->cpu_flags, snow_rows), &snow);
  return true;
}
