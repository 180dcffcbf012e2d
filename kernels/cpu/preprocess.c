/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* For each row that is seen, the frame's rows that it covers are summed as they
 * lie in memory, components interleaved or not, and then the columns. Chroma
 * has taps of its own, so nothing is ever up-sampled. RGB comes last. */

#include "preprocess.h"

#include <stdlib.h>

#include "../colour.h"
#include "../error.h"
#include "../image.h"
#include "resample.h"
#include "taps.h"

enum
{
  ROWS_PER_TASK = 8,
};

/* The pixels of an axis are samples of luma or of chroma. */
typedef enum
{
  LUMA,
  CHROMA,
  N_KINDS
} Kind;

/* A plane as one row of samples, its components interleaved. */
typedef struct
{
  bool used;
  const SympieTaps *x, *y;
  int interleave; /* samples a pixel */
  size_t summed;  /* where its sums lie in a thread's scratch memory */
} Plane;

struct SympiePreprocess
{
  SympiePool *pool;
  const SympieResample *resample;
  SympieInput input;

  /* What the taps below were made for. */
  SympieFormat format;
  int width, height;
  unsigned chroma_site;
  bool ready;

  SympieTaps x[N_KINDS], y[N_KINDS];
  Plane planes[3];
  float *scratch;      /* for each thread: sums of rows, then three rows */
  size_t scratch_size; /* floats of one thread */

  /* The run at hand. */
  const SympieImage *image;
  const SympieFormatInfo *info;
  int first, n; /* rows */
  float *rgb[3];
  ptrdiff_t stride;
  float matrix[3][3], constant[3];
};

SympiePreprocess *
sympie_preprocess_new (
    SympiePool *pool, unsigned cpu_flags, SympieInput input, char **error)
{
  SympiePreprocess *preprocess = calloc (1, sizeof *preprocess);

  if (!preprocess) {
    sympie_fail (error, "out of memory");
    return NULL;
  }
  preprocess->pool = pool;
  preprocess->resample = sympie_resample (cpu_flags);
  preprocess->input = input;
  return preprocess;
}

static void
clear (SympiePreprocess *preprocess)
{
  preprocess->ready = false;
  for (int k = 0; k < N_KINDS; k++) {
    sympie_taps_clear (&preprocess->x[k]);
    sympie_taps_clear (&preprocess->y[k]);
  }
  free (preprocess->scratch);
  preprocess->scratch = NULL;
}

void
sympie_preprocess_free (SympiePreprocess *preprocess)
{
  if (!preprocess)
    return;
  clear (preprocess);
  free (preprocess);
}

static SympieSampling
sampling (int log2, bool cosited)
{
  if (log2 == 0)
    return SYMPIE_SAMPLES_ALL;
  return cosited ? SYMPIE_SAMPLES_COSITED : SYMPIE_SAMPLES_CENTRED;
}

/* Taps for an axis of a frame whose smaller side is `smaller`. */
static bool
make_taps (const SympiePreprocess *preprocess, SympieTaps *taps, int size,
    int smaller, SympieSampling sampling)
{
  int resized = (int) ((int64_t) size * SYMPIE_NEM_RESIZE / smaller);

  if (preprocess->input == SYMPIE_INPUT_FULL)
    return sympie_taps_init (taps, size, size, size, sampling);
  return sympie_taps_init (taps, size, resized, SYMPIE_NEM_SIZE, sampling);
}

static bool
prepare (SympiePreprocess *preprocess, const SympieImage *image,
    const SympieFormatInfo *info, char **error)
{
  int width = image->width, height = image->height;
  int smaller = width < height ? width : height;
  unsigned site = info->yuv ? image->colorimetry.chroma_site : 0;
  int bytes = info->depth > 8 ? 2 : 1;
  size_t size = 0;

  if (preprocess->ready && preprocess->format == image->format
      && preprocess->width == width && preprocess->height == height
      && preprocess->chroma_site == site)
    return true;

  clear (preprocess);
  preprocess->format = image->format;
  preprocess->width = width;
  preprocess->height = height;
  preprocess->chroma_site = site;

  for (int k = 0; k < N_KINDS; k++) {
    const SympieComponent *component = &info->component[k];

    if (!make_taps (preprocess, &preprocess->x[k], width, smaller,
            sampling (component->sub_x, site & SYMPIE_CHROMA_LEFT))
        || !make_taps (preprocess, &preprocess->y[k], height, smaller,
            sampling (component->sub_y, site & SYMPIE_CHROMA_TOP)))
      return sympie_fail (error, "out of memory");
  }

  for (int p = 0; p < 3; p++)
    preprocess->planes[p].used = false;
  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &info->component[c];
    Plane *plane = &preprocess->planes[component->plane];
    Kind kind = c == 0 ? LUMA : CHROMA;

    if (plane->used)
      continue;
    *plane = (Plane){
      .used = true,
      .x = &preprocess->x[kind],
      .y = &preprocess->y[kind],
      .interleave = component->step / bytes,
      .summed = size,
    };
    size += (size_t) (plane->x->high - plane->x->low) * plane->interleave;
  }
  preprocess->scratch_size = size + 3 * (size_t) preprocess->x[LUMA].n;
  preprocess->scratch =
      calloc (preprocess->scratch_size * sympie_pool_size (preprocess->pool),
          sizeof *preprocess->scratch);
  if (!preprocess->scratch)
    return sympie_fail (error, "out of memory");
  preprocess->ready = true;
  return true;
}

static void
run_row (SympiePreprocess *preprocess, int y, float *scratch)
{
  const SympieImage *image = preprocess->image;
  const SympieFormatInfo *info = preprocess->info;
  const SympieResample *resample = preprocess->resample;
  int bytes = info->depth > 8 ? 2 : 1;
  int n = preprocess->x[LUMA].n;
  float *row = scratch + preprocess->scratch_size - 3 * (size_t) n;
  float *codes[3], *rgb[3];
  float *packed[4] = { NULL }; /* codes as a pixel of RGB holds them */

  for (int p = 0; p < 3; p++) {
    const Plane *plane = &preprocess->planes[p];

    if (plane->used)
      (bytes == 1 ? resample->rows_8 : resample->rows_16) (
          image->planes[p] + plane->y->start[y] * image->strides[p]
              + (ptrdiff_t) plane->x->low * plane->interleave * bytes,
          image->strides[p], plane->y->weights + (size_t) y * plane->y->count,
          plane->y->count, info->shift, scratch + plane->summed,
          (plane->x->high - plane->x->low) * plane->interleave);
  }
  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &info->component[c];
    const Plane *plane = &preprocess->planes[component->plane];
    int at = component->offset / bytes;

    codes[c] = row + (size_t) c * n;
    rgb[c] = preprocess->rgb[c] + (y - preprocess->first) * preprocess->stride;
    if (plane->interleave >= 3)
      packed[at] = codes[c];
    else
      resample->columns (
          scratch + plane->summed + at, plane->interleave, plane->x, codes[c]);
  }
  if (preprocess->planes[0].interleave >= 3)
    resample->pixels (scratch + preprocess->planes[0].summed,
        preprocess->planes[0].interleave, preprocess->planes[0].x, packed);
  resample->standardise (
      codes, preprocess->matrix, preprocess->constant, rgb, n);
}

static void
run_rows (void *data, int task, int thread)
{
  SympiePreprocess *preprocess = data;
  float *scratch =
      preprocess->scratch + (size_t) thread * preprocess->scratch_size;

  for (int i = task * ROWS_PER_TASK;
       i < (task + 1) * ROWS_PER_TASK && i < preprocess->n; i++)
    run_row (preprocess, preprocess->first + i, scratch);
}

bool
sympie_preprocess_rows (SympiePreprocess *preprocess, const SympieImage *image,
    int first, int n, float *const rgb[3], ptrdiff_t stride, char **error)
{
  SympieColour colour;

  preprocess->image = image;
  preprocess->info = sympie_format_info (image->format);
  preprocess->first = first;
  preprocess->n = n;
  preprocess->stride = stride;
  if (!prepare (preprocess, image, preprocess->info, error))
    return false;

  sympie_colour_init (&colour, preprocess->info, &image->colorimetry);
  for (int i = 0; i < 3; i++) {
    preprocess->rgb[i] = rgb[i];
    preprocess->constant[i] = 0;
    for (int j = 0; j < 3; j++) {
      preprocess->matrix[i][j] = colour.to_rgb[i][j];
      preprocess->constant[i] -= colour.to_rgb[i][j] * colour.offset[j];
    }
  }
  sympie_pool_run (preprocess->pool, run_rows, preprocess,
      (n + ROWS_PER_TASK - 1) / ROWS_PER_TASK);
  return true;
}

bool
sympie_preprocess_run (SympiePreprocess *preprocess, const SympieImage *image,
    SympieCrop *crop, char **error)
{
  float *rgb[3];

  for (int c = 0; c < 3; c++)
    rgb[c] = &crop->rgb[c][SYMPIE_CROP_BORDER][SYMPIE_CROP_BORDER];
  return sympie_preprocess_rows (
      preprocess, image, 0, SYMPIE_NEM_SIZE, rgb, SYMPIE_CROP_STRIDE, error);
}
