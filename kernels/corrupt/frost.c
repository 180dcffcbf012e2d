/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Frost: the scene behind a pane that is iced over. */

#include "corruptions.h"
#include "ice.h"
#include "variants.h"
#include "zoom.h"

typedef struct
{
  const SympieCanvas *canvas;
  const SympiePhoto *photo;
  SympieZoomAxis across, down; /* places in the photograph */
  float scene, ice;            /* weights */
  float *scratch;              /* a row of the photograph for each thread */
  ptrdiff_t scratch_stride;
} Frost;

SYMPIE_VARIANTS (frost_row,
    (const Frost *frost, const uint8_t *above, const uint8_t *below,
        float share, float *restrict ice, uint8_t *restrict row),
    (frost, above, below, share, ice, row))
{
  const int *restrict index = frost->across.index;
  const float *restrict weight = frost->across.weight;
  float scene_weight = frost->scene, ice_weight = frost->ice;
  int n = frost->canvas->width, first = index[0];
  int end = index[n - 1] + 2;

  end = end < frost->photo->width ? end : frost->photo->width;
  for (int x = first; x < end; x++)
    ice[x] = above[x] + share * (float) (below[x] - above[x]);
  ice[end] = ice[end - 1];
  for (int x = 0; x < n; x++) {
    float left = ice[index[x]], right = ice[index[x] + 1];

    row[x] = sympie_byte (scene_weight * row[x]
                          + ice_weight * (left + weight[x] * (right - left)));
  }
}

static void
frost_rows (void *data, int first, int end, int thread)
{
  const Frost *frost = data;
  const SympiePhoto *photo = frost->photo;
  float *ice = frost->scratch + thread * frost->scratch_stride;

  for (int c = 0; c < 3; c++)
    for (int y = first; y < end; y++) {
      int index = frost->down.index[y];
      int next = index + 1 < photo->height ? index + 1 : index;

      SYMPIE_CALL (frost->canvas->cpu_flags, frost_row, frost,
          photo->planes[c] + (size_t) index * photo->width,
          photo->planes[c] + (size_t) next * photo->width,
          frost->down.weight[y], ice,
          frost->canvas->planes[c] + y * frost->canvas->stride);
    }
}

/* n samples out of `size` that are enlarged by `factor`, from a random one
 * on. */
static bool
crop_axis (const SympieCanvas *canvas, SympieZoomAxis *axis, int n, int size,
    double factor, int stream)
{
  double room = size - 1 - (n - 1) / factor;
  double start = sympie_random_between (&canvas->draw, stream, 0, 1)
                 * (room > 0 ? room : 0);

  axis->index = sympie_arena_take (canvas->arena, n, sizeof *axis->index);
  axis->weight = sympie_arena_take (canvas->arena, n, sizeof *axis->weight);
  if (!axis->index || !axis->weight)
    return false;
  for (int i = 0; i < n; i++) {
    double position = start + i / factor;
    int index = (int) position;

    axis->index[i] = index < size - 1 ? index : size - 1;
    axis->weight[i] = index < size - 1 ? (float) (position - index) : 0;
  }
  return true;
}

bool
sympie_frost (SympieCanvas *canvas, int severity)
{
  static const struct
  {
    float scene, ice;
  } constants[] = { { 1, 0.4f }, { 0.8f, 0.6f }, { 0.7f, 0.7f },
    { 0.65f, 0.7f }, { 0.6f, 0.75f } };
  int number = (int) (sympie_seed_split (canvas->seed, 0)
                      % (uint64_t) canvas->ice->n_photos);
  const SympiePhoto *photo = &canvas->ice->photos[number];
  double cover_x = (double) canvas->width / photo->width;
  double cover_y = (double) canvas->height / photo->height;
  double factor = canvas->unit;
  Frost frost = { canvas, photo, .scene = constants[severity - 1].scene,
    .ice = constants[severity - 1].ice };

  /* Enlarged to cover the picture, and a tenth more for a choice of crops. */
  factor = factor > cover_x ? factor : cover_x;
  factor = 1.1 * (factor > cover_y ? factor : cover_y);
  frost.scratch =
      sympie_canvas_scratch (canvas, photo->width + 1, &frost.scratch_stride);
  if (!crop_axis (canvas, &frost.across, canvas->width, photo->width, factor, 0)
      || !crop_axis (
          canvas, &frost.down, canvas->height, photo->height, factor, 1)
      || !frost.scratch)
    return false;
  sympie_canvas_rows (canvas, canvas->height, frost_rows, &frost);
  return true;
}
