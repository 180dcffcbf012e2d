/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* For each row that is seen, the frame's rows that it covers are summed as they
 * lie in memory, components interleaved or not, and then the columns. Where a
 * word holds several components, these are unpacked first. Chroma has taps of
 * its own, so nothing is ever up-sampled. RGB comes last. */

#include "preprocess.h"

#include <limits.h>
#include <stdlib.h>

#include "../colour.h"
#include "../error.h"
#include "../image.h"
#include "packing.h"
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

/* A row of words, of a plane whose components may be interleaved, or of one
 * component that has been unpacked. */
typedef struct
{
  const SympieTaps *y; /* NULL: not in use */
  int first, end;      /* words of the row that count */
  size_t summed;       /* where its sums lie in a thread's scratch memory */
} Plane;

struct SympiePreprocess
{
  SympiePool *pool;
  const SympieResample *resample;
  const SympiePacking *packing;
  SympieInput input;

  /* What the taps below were made for. */
  SympieFormat format;
  int width, height;
  unsigned chroma_site;
  bool ready;

  SympieTaps x[N_KINDS], y[N_KINDS];
  bool unpacked; /* `planes` are components */
  Plane planes[3];
  float *scratch;        /* for each thread: sums of rows, then three rows, then
                            what is unpacked */
  size_t scratch_size;   /* floats of one thread */
  size_t outputs, room;  /* where those rows lie in them */
  ptrdiff_t room_stride; /* bytes */

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
    SympiePool *pool, unsigned cpu_flags, SympieInput input, SympieError *error)
{
  SympiePreprocess *preprocess = calloc (1, sizeof *preprocess);

  if (!preprocess) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    return NULL;
  }
  preprocess->pool = pool;
  preprocess->resample = sympie_resample (cpu_flags);
  preprocess->packing = sympie_packing (cpu_flags);
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

/* Taps for an axis of a frame whose smaller side is `smaller`. */
static bool
make_taps (const SympiePreprocess *preprocess, SympieTaps *taps, int size,
    int smaller, int log2, bool cosited)
{
  int resized = (int) ((int64_t) size * SYMPIE_NEM_RESIZE / smaller);

  if (preprocess->input == SYMPIE_INPUT_FULL)
    return sympie_taps_init (taps, size, size, size, log2, cosited);
  return sympie_taps_init (taps, size, resized, SYMPIE_NEM_SIZE, log2, cosited);
}

static bool
prepare (SympiePreprocess *preprocess, const SympieImage *image,
    const SympieFormatInfo *info, SympieError *error)
{
  int width = image->width, height = image->height;
  int smaller = width < height ? width : height;
  unsigned site = info->yuv ? image->colorimetry.chroma_site : 0;
  size_t size = 0, rows = 0;

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
            component->sub_x, site & SYMPIE_CHROMA_LEFT)
        || !make_taps (preprocess, &preprocess->y[k], height, smaller,
            component->sub_y,
            component->sub_y == 1 && (site & SYMPIE_CHROMA_TOP)))
      return sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
  }

  preprocess->unpacked = !sympie_format_has_own_words (info);
  for (int p = 0; p < 3; p++)
    preprocess->planes[p] = (Plane){ .first = INT_MAX };
  for (int c = 0; c < 3 && info->component[c].bits; c++) {
    const SympieComponent *component = &info->component[c];
    const SympieTaps *x = &preprocess->x[c == 0 ? LUMA : CHROMA];
    Plane *plane =
        &preprocess->planes[preprocess->unpacked ? c : component->plane];
    int step = preprocess->unpacked ? 1 : component->step / info->word;

    plane->y = &preprocess->y[c == 0 ? LUMA : CHROMA];
    if (plane->first > x->low * step)
      plane->first = x->low * step;
    if (plane->end < x->high * step)
      plane->end = x->high * step;
    if (preprocess->unpacked && rows < (size_t) plane->y->count)
      rows = plane->y->count;
  }
  for (int p = 0; p < 3; p++)
    if (preprocess->planes[p].y) {
      preprocess->planes[p].summed = size;
      size += preprocess->planes[p].end - preprocess->planes[p].first;
    }
  size++; /* pixels of three are read as if they were four */
  preprocess->outputs = size;
  preprocess->room = size + 3 * (size_t) preprocess->x[LUMA].n;
  preprocess->room_stride = 2 * (width + SYMPIE_PACKING_SPARE);
  preprocess->scratch_size =
      preprocess->room
      + (rows * preprocess->room_stride + sizeof (float) - 1) / sizeof (float);
  preprocess->scratch =
      calloc (preprocess->scratch_size * sympie_pool_size (preprocess->pool),
          sizeof *preprocess->scratch);
  if (!preprocess->scratch)
    return sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
  preprocess->ready = true;
  return true;
}

/* Sums the rows of a plane that row `y` needs. */
static void
sum_rows (SympiePreprocess *preprocess, int p, int y, float *scratch)
{
  const SympieImage *image = preprocess->image;
  const SympieFormatInfo *info = preprocess->info;
  const SympieResample *resample = preprocess->resample;
  const Plane *plane = &preprocess->planes[p];
  int source = preprocess->unpacked ? info->component[p].plane : p;
  int bytes = preprocess->unpacked ? 2 : info->word;
  int shift = preprocess->unpacked ? 0 : info->component[0].shift;
  ptrdiff_t stride = image->strides[source];
  const uint8_t *rows = image->planes[source] + plane->y->start[y] * stride;

  if (preprocess->unpacked) {
    uint8_t *room = (uint8_t *) (scratch + preprocess->room);

    for (int t = 0; t < plane->y->count; t++)
      preprocess->packing->unpack (info, p, rows + t * stride, image->width,
          (uint16_t *) (room + t * preprocess->room_stride));
    rows = room;
    stride = preprocess->room_stride;
  }
  (bytes == 1 ? resample->rows_8 : resample->rows_16) (
      rows + (ptrdiff_t) plane->first * bytes, stride,
      plane->y->weights + (size_t) y * plane->y->count, plane->y->count, shift,
      scratch + plane->summed, plane->end - plane->first);
}

static void
run_row (SympiePreprocess *preprocess, int y, float *scratch)
{
  const SympieFormatInfo *info = preprocess->info;
  const SympieResample *resample = preprocess->resample;
  const SympieComponent *component = info->component;
  int n = preprocess->x[LUMA].n;
  float *codes[3], *rgb[3];
  float *pixel[4] = { NULL }; /* codes in the order of the pixel's words */
  bool whole_pixels = !preprocess->unpacked && info->n_planes == 1
                      && component[0].step >= 3 * info->word
                      && component[0].step == component[1].step;

  for (int p = 0; p < 3; p++)
    if (preprocess->planes[p].y)
      sum_rows (preprocess, p, y, scratch);

  for (int c = 0; c < 3; c++) {
    codes[c] = scratch + preprocess->outputs + (size_t) c * n;
    rgb[c] = preprocess->rgb[c] + (y - preprocess->first) * preprocess->stride;
  }
  for (int c = 0; c < 3; c++) {
    bool unpacked = preprocess->unpacked;
    const Plane *plane = &preprocess->planes[unpacked ? c : component[c].plane];
    const SympieTaps *x = &preprocess->x[c == 0 ? LUMA : CHROMA];
    int step = unpacked ? 1 : component[c].step / info->word;
    int at = unpacked ? 0 : component[c].offset / info->word;

    if (!component[c].bits)
      codes[c] = codes[0]; /* gray: they count for nothing */
    else if (whole_pixels)
      pixel[at] = codes[c];
    else
      resample->columns (
          scratch + plane->summed + (size_t) x->low * step + at - plane->first,
          step, x, codes[c]);
  }
  if (whole_pixels)
    resample->pixels (scratch + preprocess->planes[0].summed,
        component[0].step / info->word, &preprocess->x[LUMA], pixel);
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
    int first, int n, float *const rgb[3], ptrdiff_t stride, SympieError *error)
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
    SympieCrop *crop, SympieError *error)
{
  float *rgb[3];

  for (int c = 0; c < 3; c++)
    rgb[c] = &crop->rgb[c][SYMPIE_CROP_BORDER][SYMPIE_CROP_BORDER];
  return sympie_preprocess_rows (
      preprocess, image, 0, SYMPIE_NEM_SIZE, rgb, SYMPIE_CROP_STRIDE, error);
}
