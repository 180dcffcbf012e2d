/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "dwm_definition.h"

#include <math.h>
#include <stdlib.h>

/* Floats, as in the library: a gain of millions shows the difference. */
static const float mean[3] = { 0.485f, 0.456f, 0.406f };
static const float std[3] = { 0.229f, 0.224f, 0.225f };

typedef struct
{
  int width, height;
  double *value[3];
} Planes;

static Planes
planes_new (int width, int height)
{
  Planes planes = { width, height, { NULL } };

  for (int c = 0; c < 3; c++)
    planes.value[c] = calloc ((size_t) width * height, sizeof (double));
  return planes;
}

static void
planes_clear (Planes *planes)
{
  for (int c = 0; c < 3; c++)
    free (planes->value[c]);
}

static double
limit (double value, double low, double high)
{
  return value < low ? low : value > high ? high : value;
}

/* Codes of black, of white less black, of no chroma, of chroma's -1/2..1/2. */
typedef struct
{
  double black, white, grey, swing;
} Range;

static Range
range_of (const Frame *frame)
{
  int depth = sympie_format_info (frame->image.format)->depth;
  double unit = 1 << (depth - 8), all = (1 << depth) - 1;

  if (frame->image.colorimetry.full_range)
    return (Range){ 0, all, 128 * unit, all };
  return (Range){ 16 * unit, 219 * unit, 128 * unit, 224 * unit };
}

/* Where a position among luma samples lies among chroma samples. */
static double
chroma_position (double position, int log2, bool cosited)
{
  int n = 1 << log2; /* pixels a sample */

  return cosited ? position / n : (position - (n - 1) / 2.) / n;
}

/* Bilinear, the edge repeated. */
static double
interpolate (const Frame *frame, int c, int x, int y)
{
  const SympieComponent *component =
      &sympie_format_info (frame->image.format)->component[c];
  unsigned site = frame->image.colorimetry.chroma_site;
  int width = sympie_component_width (component, frame->image.width);
  int height = sympie_component_height (component, frame->image.height);
  double at_x =
      chroma_position (x, component->sub_x, site & SYMPIE_CHROMA_LEFT);
  double at_y = chroma_position (
      y, component->sub_y, component->sub_y == 1 && (site & SYMPIE_CHROMA_TOP));
  double sum = 0;

  for (int j = 0; j < 2; j++)
    for (int i = 0; i < 2; i++) {
      double nx = floor (at_x) + i, ny = floor (at_y) + j;
      double weight = (1 - fabs (at_x - nx)) * (1 - fabs (at_y - ny));

      sum += weight
             * frame_code (frame, c, (int) limit (nx, 0, width - 1),
                 (int) limit (ny, 0, height - 1));
    }
  return sum;
}

static Planes
to_rgb (const Frame *frame)
{
  const SympieColorimetry *colorimetry = &frame->image.colorimetry;
  const SympieFormatInfo *info = sympie_format_info (frame->image.format);
  Planes rgb = planes_new (frame->image.width, frame->image.height);
  Range range = range_of (frame);
  double kr = colorimetry->kr, kb = colorimetry->kb, kg = 1 - kr - kb;

  for (int y = 0; y < rgb.height; y++)
    for (int x = 0; x < rgb.width; x++) {
      size_t at = (size_t) y * rgb.width + x;
      double luma, u, v;

      if (!info->yuv) {
        for (int c = 0; c < 3; c++)
          rgb.value[c][at] =
              (frame_code (frame, c, x, y) - range.black) / range.white;
        continue;
      }
      luma = (frame_code (frame, 0, x, y) - range.black) / range.white;
      u = v = 0;
      if (info->component[1].bits) {
        u = (interpolate (frame, 1, x, y) - range.grey) / range.swing;
        v = (interpolate (frame, 2, x, y) - range.grey) / range.swing;
      }
      rgb.value[0][at] = luma + 2 * (1 - kr) * v;
      rgb.value[2][at] = luma + 2 * (1 - kb) * u;
      rgb.value[1][at] =
          (luma - kr * rgb.value[0][at] - kb * rgb.value[2][at]) / kg;
      for (int c = 0; c < 3; c++)
        rgb.value[c][at] = limit (rgb.value[c][at], 0, 1);
    }
  return rgb;
}

static Planes
apply (const Planes *rgb, const SympieParams *params)
{
  Planes u = planes_new (rgb->width, rgb->height);
  Planes out = planes_new (rgb->width, rgb->height);
  size_t n = (size_t) rgb->width * rgb->height;

  for (size_t i = 0; i < n; i++)
    for (int c = 0; c < 3; c++)
      for (int d = 0; d < 3; d++) {
        double t = (rgb->value[d][i] - mean[d]) / std[d] + params->shift[d];

        u.value[c][i] += t * params->matrix[3 * d + c];
      }

  for (int c = 0; c < 3; c++)
    for (int y = 0; y < rgb->height; y++)
      for (int x = 0; x < rgb->width; x++) {
        double v = 0;

        for (int i = 0; i < 5; i++)
          for (int j = 0; j < 5; j++) {
            int row = y + i - 2, column = x + j - 2;

            if (row >= 0 && row < rgb->height && column >= 0
                && column < rgb->width)
              v += params->kernel[5 * i + j]
                   * u.value[c][(size_t) row * rgb->width + column];
          }
        v = limit (v, -(double) mean[c] / std[c], (1. - mean[c]) / std[c]);
        out.value[c][(size_t) y * rgb->width + x] = v * std[c] + mean[c];
      }
  planes_clear (&u);
  return out;
}

/* The weights of pixels -3 to 3 from the first of those that share a sample of
 * chroma: a triangle around it or the mean of what it is in the middle of. */
static void
set_weights (int weights[7], int log2, bool cosited)
{
  int n = 1 << log2;

  for (int i = -3; i <= 3; i++)
    weights[i + 3] = cosited ? n - abs (i) : i >= 0 && i < n;
  for (int i = 0; i < 7; i++)
    weights[i] = weights[i] > 0 ? weights[i] : 0;
}

/* The weighted mean of a plane around a sample of chroma. */
static double
average (const Planes *planes, int c, const SympieComponent *component,
    unsigned site, int x, int y)
{
  int column[7], row[7];
  double sum = 0, weights = 0;

  set_weights (column, component->sub_x, site & SYMPIE_CHROMA_LEFT);
  set_weights (row, component->sub_y,
      component->sub_y == 1 && (site & SYMPIE_CHROMA_TOP));
  for (int j = 0; j < 7; j++)
    for (int i = 0; row[j] > 0 && i < 7; i++) {
      int at_x =
          (int) limit ((x << component->sub_x) + i - 3, 0, planes->width - 1);
      int at_y =
          (int) limit ((y << component->sub_y) + j - 3, 0, planes->height - 1);

      sum += column[i] * row[j]
             * planes->value[c][(size_t) at_y * planes->width + at_x];
      weights += column[i] * row[j];
    }
  return sum / weights;
}

Definition
dwm_definition (const Frame *frame, const SympieParams *params)
{
  const SympieFormatInfo *info = sympie_format_info (frame->image.format);
  const SympieColorimetry *colorimetry = &frame->image.colorimetry;
  double kr = colorimetry->kr, kb = colorimetry->kb, kg = 1 - kr - kb;
  Range range = range_of (frame);
  Planes rgb = to_rgb (frame), out = apply (&rgb, params);
  Definition definition;

  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &info->component[c];
    int width = sympie_component_width (component, out.width);
    int height = sympie_component_height (component, out.height);
    double *code, whole = (1 << info->depth) - 1;
    double most = (1 << component->bits) - 1;

    definition.code[c] = NULL;
    if (!component->bits)
      continue;
    code = malloc ((size_t) width * height * sizeof *code);
    definition.code[c] = code;
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++) {
        double value[3], luma, *at = &code[(size_t) y * width + x];

        for (int d = 0; d < 3; d++)
          value[d] =
              average (&out, d, component, colorimetry->chroma_site, x, y);
        luma = kr * value[0] + kg * value[1] + kb * value[2];
        if (!info->yuv)
          *at = range.black + range.white * value[c];
        else if (c == 0)
          *at = range.black + range.white * luma;
        else if (c == 1)
          *at = range.grey + range.swing * (value[2] - luma) / (1 - kb) / 2;
        else
          *at = range.grey + range.swing * (value[0] - luma) / (1 - kr) / 2;
        *at = limit (*at, 0, whole) * most / whole;
      }
  }
  planes_clear (&rgb);
  planes_clear (&out);
  return definition;
}

void
definition_clear (Definition *definition)
{
  for (int c = 0; c < 3; c++)
    free (definition->code[c]);
}
