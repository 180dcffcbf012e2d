/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* How DWM goes over a frame.
 *
 * The frame is cut into bands of whole groups of rows, one a task. A band loads
 * pairs of rows into a ring of four, just ahead of the group that it filters
 * and stores. In place, that would spoil the rows that the neighbouring bands
 * still want to load; so the pairs around each boundary between bands are
 * loaded before any band starts. */

#include "dwm.h"

#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "dwm_plan.h"

enum
{
  BANDS_PER_THREAD = 4, /* so that one slow thread does not hold up all */
  MAX_SAVED = 3,        /* pairs around a boundary */
};

struct SympieDwm
{
  SympiePool *pool;
  SympieDwmFunctions functions;
  const SympiePacking *packing;

  /* Memory for frames of up to `pitch` columns. */
  ptrdiff_t pitch;
  int16_t *memory;
  int16_t *(*saved)[MAX_SAVED]; /* one for each band */
  SympieDwmScratch *scratch;    /* one for each thread */

  /* The frame in work. */
  SympieDwmPlan plan;
  void (*load) (const SympieDwmPlan *plan, const SympieDwmScratch *scratch,
      int p, int16_t *pair);
  bool packed; /* with the functions for pixels of four bytes */
  int n_bands, n_groups;
  bool top; /* a row of chroma needs the row above its own */
};

void
sympie_dwm_functions (SympieDwmFunctions *functions, unsigned cpu_flags)
{
#if defined(__x86_64__)
  if (cpu_flags & SYMPIE_CPU_AVX512)
    sympie_dwm_functions_avx512 (functions);
  else if (cpu_flags & SYMPIE_CPU_AVX2)
    sympie_dwm_functions_avx2 (functions);
  else if (cpu_flags & SYMPIE_CPU_SSSE3)
    sympie_dwm_functions_ssse3 (functions);
  else
#elif defined(__aarch64__)
  if (cpu_flags & SYMPIE_CPU_NEON)
    sympie_dwm_functions_neon (functions);
  else
#endif
    sympie_dwm_functions_c (functions);
}

SympieDwm *
sympie_dwm_new (SympiePool *pool, unsigned cpu_flags, SympieError *error)
{
  int n_threads = sympie_pool_size (pool);
  SympieDwm *dwm = calloc (1, sizeof *dwm);

  if (dwm) {
    dwm->pool = pool;
    dwm->saved = calloc (n_threads * BANDS_PER_THREAD, sizeof *dwm->saved);
    dwm->scratch = calloc (n_threads, sizeof *dwm->scratch);
  }
  if (!dwm || !dwm->saved || !dwm->scratch) {
    sympie_dwm_free (dwm);
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    return NULL;
  }
  dwm->packing = sympie_packing (cpu_flags);
  sympie_dwm_functions (&dwm->functions, cpu_flags);
  return dwm;
}

void
sympie_dwm_free (SympieDwm *dwm)
{
  if (!dwm)
    return;
  free (dwm->memory);
  free (dwm->saved);
  free (dwm->scratch);
  free (dwm);
}

/* ---- Memory ------------------------------------------------------------ */

/* Hands out `n` rows of the memory, or only counts them while there is none. */
static int16_t *
take (SympieDwm *dwm, size_t *used, int n)
{
  int16_t *at = dwm->memory ? dwm->memory + *used : NULL;

  *used += n * dwm->pitch;
  return at;
}

static int16_t *
take_row (SympieDwm *dwm, size_t *used)
{
  int16_t *row = take (dwm, used, 1);

  return row ? row + SYMPIE_DWM_LEFT : NULL;
}

static size_t
share_memory (SympieDwm *dwm)
{
  int n_threads = sympie_pool_size (dwm->pool);
  size_t used = 0;

  if (n_threads > 1)
    for (int band = 0; band < n_threads * BANDS_PER_THREAD; band++)
      for (int i = 0; i < MAX_SAVED; i++)
        dwm->saved[band][i] = take (dwm, &used, 6);

  for (int thread = 0; thread < n_threads; thread++) {
    SympieDwmScratch *scratch = &dwm->scratch[thread];

    for (int i = 0; i < 4; i++)
      scratch->ring[i] = take (dwm, &used, 6);
    for (int i = 0; i < 4; i++)
      scratch->chroma[i] = take_row (dwm, &used);
    for (int c = 0; c < 3; c++) {
      scratch->out[c] = take (dwm, &used, 1 + SYMPIE_DWM_GROUP);
      scratch->average[c] = take_row (dwm, &used);
    }
    for (int c = 0; c < 4; c++)
      scratch->codes[c] = (uint16_t *) take_row (dwm, &used);
  }
  return used;
}

static bool
reserve (SympieDwm *dwm, int width, SympieError *error)
{
  ptrdiff_t round = SYMPIE_DWM_ROUND;
  ptrdiff_t pitch =
      SYMPIE_DWM_LEFT + (width + round - 1) / round * round + SYMPIE_DWM_RIGHT;
  size_t size;

  if (pitch <= dwm->pitch)
    return true;

  free (dwm->memory);
  dwm->memory = NULL;
  dwm->pitch = pitch;
  size = share_memory (dwm) * sizeof *dwm->memory;
  dwm->memory = aligned_alloc (64, (size + 63) / 64 * 64);
  if (!dwm->memory) {
    dwm->pitch = 0;
    return sympie_fail (error, SYMPIE_ERROR_MEMORY,
        "out of memory for frames of %d columns", width);
  }
  /* Columns beyond the frame take part in sums that nobody reads. */
  memset (dwm->memory, 0, size);
  share_memory (dwm);
  return true;
}

/* ---- Bands ------------------------------------------------------------- */

static int
first_group (const SympieDwm *dwm, int band)
{
  return (int) ((int64_t) dwm->n_groups * band / dwm->n_bands);
}

/* Pairs saved above a boundary; the pair below it is saved too. */
static int
saved_above (const SympieDwm *dwm)
{
  return dwm->top ? 2 : 1;
}

static void
save_boundary (void *data, int task, int thread)
{
  SympieDwm *dwm = data;
  int band = task + 1, above = saved_above (dwm);
  int pair = 2 * first_group (dwm, band) - above;

  for (int i = 0; i <= above; i++)
    dwm->load (
        &dwm->plan, &dwm->scratch[thread], pair + i, dwm->saved[band][i]);
}

/* Pair p where a boundary of the band has saved it, else NULL. */
static int16_t *
saved_pair (const SympieDwm *dwm, int band, int p)
{
  int first = 2 * first_group (dwm, band);
  int end = 2 * first_group (dwm, band + 1);
  int above = saved_above (dwm);

  if (band > 0 && p <= first)
    return dwm->saved[band][p < first - above ? 0 : p - first + above];
  if (band + 1 < dwm->n_bands && p >= end - 1)
    return dwm->saved[band + 1][p - end + above];
  return NULL;
}

static void
filter_group (SympieDwm *dwm, int band, int group, int *loaded, int thread)
{
  const SympieDwmFunctions *functions = &dwm->functions;
  const SympieDwmPlan *plan = &dwm->plan;
  const SympieDwmScratch *scratch = &dwm->scratch[thread];
  const int16_t *pairs[4];
  int y = SYMPIE_DWM_GROUP * group;

  for (int i = 0; i < 4; i++) {
    int p = 2 * group - 1 + i;
    int16_t *pair = saved_pair (dwm, band, p);

    if (!pair) {
      pair = scratch->ring[p & 3];
      if (p > *loaded)
        dwm->load (plan, scratch, p, pair);
    }
    if (p > *loaded)
      *loaded = p;
    pairs[i] = pair;
  }
  if (dwm->packed)
    functions->filter_packed (plan, pairs, y);
  else if (plan->wide)
    functions->filter_wide (plan, pairs, y, scratch);
  else
    functions->filter (plan, pairs, y, scratch);
}

static void
run_band (void *data, int band, int thread)
{
  SympieDwm *dwm = data;
  const SympieDwmScratch *scratch = &dwm->scratch[thread];
  int first = first_group (dwm, band), end = first_group (dwm, band + 1);
  int loaded = 2 * first - 2;

  /* For its last row only. */
  if (dwm->top && band > 0)
    filter_group (dwm, band, first - 1, &(int){ 2 * first }, thread);

  for (int group = first; group < end; group++) {
    if (dwm->top)
      for (int c = 0; c < 3; c++)
        memcpy (scratch->out[c],
            scratch->out[c] + SYMPIE_DWM_GROUP * dwm->plan.pitch,
            dwm->plan.pitch * sizeof *scratch->out[c]);
    filter_group (dwm, band, group, &loaded, thread);
    if (!dwm->packed)
      dwm->functions.store (&dwm->plan, scratch, SYMPIE_DWM_GROUP * group);
  }
}

bool
sympie_dwm_apply (SympieDwm *dwm, const SympieImage *src,
    const SympieTarget *dst, const SympieParams *params, SympieError *error)
{
  int n_threads = sympie_pool_size (dwm->pool);

  if (!reserve (dwm, src->width, error))
    return false;

  sympie_dwm_plan (&dwm->plan, src, dst, params);
  dwm->plan.pitch = dwm->pitch;
  dwm->plan.packing = dwm->packing;
  dwm->packed = sympie_format_is_packed (dwm->plan.info) && !dwm->plan.wide
                && dwm->functions.filter_packed;
  dwm->load = dwm->packed ? dwm->functions.load_packed : dwm->functions.load;
  dwm->top = dwm->plan.info->component[1].sub_y == 1
             && (src->colorimetry.chroma_site & SYMPIE_CHROMA_TOP);
  dwm->n_groups = (src->height + SYMPIE_DWM_GROUP - 1) / SYMPIE_DWM_GROUP;
  dwm->n_bands = n_threads == 1 ? 1 : n_threads * BANDS_PER_THREAD;
  if (dwm->n_bands > dwm->n_groups)
    dwm->n_bands = dwm->n_groups;

  if (dwm->n_bands > 1)
    sympie_pool_run (dwm->pool, save_boundary, dwm, dwm->n_bands - 1);
  sympie_pool_run (dwm->pool, run_band, dwm, dwm->n_bands);
  return true;
}
