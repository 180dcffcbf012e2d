/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The pool by name and number, and the corruptor. */

#include "../sympie_corrupt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../cpu/cpu.h"
#include "../cpu/packing.h"
#include "../error.h"
#include "../image.h"
#include "../sized.h"
#include "corruptions.h"
#include "ice.h"
#include "pixels.h"

static const struct
{
  const char *name;
  SympieCorrupt *corrupt;
} pool[SYMPIE_N_CORRUPTIONS] = {
  [SYMPIE_CORRUPTION_NONE] = { "none", NULL },
  [SYMPIE_CORRUPTION_GAUSSIAN_NOISE] = { "gaussian_noise",
      sympie_gaussian_noise },
  [SYMPIE_CORRUPTION_SHOT_NOISE] = { "shot_noise", sympie_shot_noise },
  [SYMPIE_CORRUPTION_IMPULSE_NOISE] = { "impulse_noise", sympie_impulse_noise },
  [SYMPIE_CORRUPTION_SPECKLE_NOISE] = { "speckle_noise", sympie_speckle_noise },
  [SYMPIE_CORRUPTION_GAUSSIAN_BLUR] = { "gaussian_blur", sympie_gaussian_blur },
  [SYMPIE_CORRUPTION_DEFOCUS_BLUR] = { "defocus_blur", sympie_defocus_blur },
  [SYMPIE_CORRUPTION_GLASS_BLUR] = { "glass_blur", sympie_glass_blur },
  [SYMPIE_CORRUPTION_MOTION_BLUR] = { "motion_blur", sympie_motion_blur },
  [SYMPIE_CORRUPTION_ZOOM_BLUR] = { "zoom_blur", sympie_zoom_blur },
  [SYMPIE_CORRUPTION_FOG] = { "fog", sympie_fog },
  [SYMPIE_CORRUPTION_FROST] = { "frost", sympie_frost },
  [SYMPIE_CORRUPTION_SNOW] = { "snow", sympie_snow },
  [SYMPIE_CORRUPTION_SPATTER] = { "spatter", sympie_spatter },
  [SYMPIE_CORRUPTION_CONTRAST] = { "contrast", sympie_contrast },
  [SYMPIE_CORRUPTION_BRIGHTNESS] = { "brightness", sympie_brightness },
  [SYMPIE_CORRUPTION_SATURATE] = { "saturate", sympie_saturate },
  [SYMPIE_CORRUPTION_JPEG_COMPRESSION] = { "jpeg_compression",
      sympie_jpeg_compression },
  [SYMPIE_CORRUPTION_PIXELATE] = { "pixelate", sympie_pixelate },
  [SYMPIE_CORRUPTION_ELASTIC_TRANSFORM] = { "elastic_transform",
      sympie_elastic_transform },
  [SYMPIE_CORRUPTION_DARKEN] = { "darken", sympie_darken },
  [SYMPIE_CORRUPTION_HORIZON] = { "horizon", sympie_horizon },
  [SYMPIE_CORRUPTION_NIGHT] = { "night", sympie_night },
  [SYMPIE_CORRUPTION_WHITE_POINT] = { "white_point", sympie_white_point },
  [SYMPIE_CORRUPTION_MIXED] = { "mixed", NULL },
};

enum
{
  FIRST = SYMPIE_CORRUPTION_NONE + 1,
  N_POOL = SYMPIE_CORRUPTION_MIXED - FIRST, /* that mixed draws from */
  MAX_MIXED = 3
};

const char *
sympie_corruption_name (SympieCorruption corruption)
{
  if ((unsigned) corruption >= SYMPIE_N_CORRUPTIONS)
    return NULL;
  return pool[corruption].name;
}

static bool
same_name (const char *a, const char *b)
{
  while (*a && (*a == *b || (*a == '-' && *b == '_')))
    a++, b++;
  return *a == *b;
}

bool
sympie_corruption_from_name (
    const char *name, SympieCorruption *corruption, SympieError *error)
{
  for (int i = 0; i < SYMPIE_N_CORRUPTIONS; i++)
    if (same_name (name, pool[i].name)) {
      *corruption = i;
      return true;
    }
  return sympie_fail (
      error, SYMPIE_ERROR_INVALID, "no corruption is called '%s'", name);
}

struct SympieCorruptor
{
  float scale;
  unsigned cpu_flags;
  SympiePool *threads;
  SympieArena *arena;
  SympieIce *ice; /* NULL until photographs or a texture are needed */
};

SympieCorruptor *
sympie_corruptor_new (const SympieCorruptorConfig *given, SympieError *error)
{
  SympieCorruptorConfig config;
  SympieCorruptor *corruptor;

  if (!SYMPIE_TAKE (SympieCorruptorConfig, &config, given, cpu_disabled, error)
      || !sympie_choose_threads (&config.n_threads, error)
      || !sympie_choose_cpu (&config.cpu_disabled, error))
    return NULL;
  /* Written so that NaN fails too. */
  if (!(config.scale >= 0 && config.scale <= 1)) {
    sympie_fail (
        error, SYMPIE_ERROR_INVALID, "scale of %g, not 0 to 1", config.scale);
    return NULL;
  }

  corruptor = calloc (1, sizeof *corruptor);
  if (!corruptor || !(corruptor->arena = sympie_arena_new ())) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    sympie_corruptor_free (corruptor);
    return NULL;
  }
  corruptor->scale = config.scale;
  corruptor->cpu_flags = sympie_cpu_flags (config.cpu_disabled);
  corruptor->threads = sympie_pool_new (config.n_threads, error);
  if (!corruptor->threads
      || (config.frost_folder
          && !(corruptor->ice = sympie_ice_new (config.frost_folder, error)))) {
    sympie_corruptor_free (corruptor);
    return NULL;
  }
  return corruptor;
}

void
sympie_corruptor_free (SympieCorruptor *corruptor)
{
  if (!corruptor)
    return;
  sympie_ice_free (corruptor->ice);
  sympie_arena_free (corruptor->arena);
  sympie_pool_free (corruptor->threads);
  free (corruptor);
}

/* What is to be done one after another: the corruption, or those that the seed
 * draws for mixed. Returns how many. */
static int
choose (SympieCorruption corruption, uint64_t seed, SympieCorruption *chosen)
{
  int n;

  if (corruption != SYMPIE_CORRUPTION_MIXED) {
    chosen[0] = corruption;
    return 1;
  }
  n = 1 + (int) (sympie_seed_split (seed, 0) % MAX_MIXED);
  for (int i = 0, draw = 1; i < n; draw++) {
    bool again = false;

    chosen[i] = FIRST + (int) (sympie_seed_split (seed, draw) % N_POOL);
    for (int j = 0; j < i; j++)
      again |= chosen[i] == chosen[j];
    i += !again;
  }
  return n;
}

static bool
take_images (SympieImage *from, const SympieImage *src, SympieTarget *into,
    const SympieTarget *dst, SympieError *error)
{
  if (!sympie_image_take (from, src, error)
      || !sympie_target_take (into, dst, from, error))
    return false;
  if (from->memory != SYMPIE_MEMORY_HOST || into->memory != SYMPIE_MEMORY_HOST)
    return sympie_fail (error, SYMPIE_ERROR_INVALID,
        "an image in CUDA memory cannot be corrupted");
  return true;
}

static bool
check_draw (
    SympieCorruption corruption, int severity, double phase, SympieError *error)
{
  if ((unsigned) corruption >= SYMPIE_N_CORRUPTIONS)
    return sympie_fail (error, SYMPIE_ERROR_INVALID,
        "no corruption has the number %d", (int) corruption);
  if (severity < 0 || severity > SYMPIE_MAX_SEVERITY)
    return sympie_fail (error, SYMPIE_ERROR_INVALID, "severity %d, not 0 to %d",
        severity, SYMPIE_MAX_SEVERITY);
  if (!(phase >= 0 && phase <= 0x1p62))
    return sympie_fail (
        error, SYMPIE_ERROR_INVALID, "phase %g, not 0 to 2^62", phase);
  return true;
}

static bool
corrupt_canvas (SympieCorruptor *corruptor, SympieCanvas *canvas,
    SympieCorruption corruption, int severity, uint64_t seed, double phase,
    SympieError *error)
{
  SympieCorruption chosen[MAX_MIXED];
  SympieArenaMark mark = sympie_arena_mark (canvas->arena);
  int n = choose (corruption, seed, chosen);

  for (int i = 0; i < n; i++) {
    if (chosen[i] == SYMPIE_CORRUPTION_FROST && !corruptor->ice
        && !(corruptor->ice = sympie_ice_new (NULL, error)))
      return false;
    canvas->ice = corruptor->ice;
    canvas->seed = sympie_seed_split (seed, chosen[i]);
    canvas->draw = sympie_draw (canvas->seed, phase, canvas->cpu_flags);
    if (!pool[chosen[i]].corrupt (canvas, severity))
      return sympie_fail (error, SYMPIE_ERROR_MEMORY,
          "not enough memory for %s of %dx%d pixels", pool[chosen[i]].name,
          canvas->width, canvas->height);
    sympie_arena_release (canvas->arena, mark);
  }
  return true;
}

bool
sympie_corrupt (SympieCorruptor *corruptor, const SympieImage *src,
    const SympieTarget *dst, SympieCorruption corruption, int severity,
    uint64_t seed, double phase, SympieError *error)
{
  SympieCanvas canvas = {
    .arena = corruptor->arena,
    .pool = corruptor->threads,
    .cpu_flags = corruptor->cpu_flags,
  };
  SympieImage from;
  SympieTarget into;
  int smaller;

  if (!take_images (&from, src, &into, dst, error)
      || !check_draw (corruption, severity, phase, error))
    return false;
  if (severity == 0 || corruption == SYMPIE_CORRUPTION_NONE) {
    sympie_packing_copy (&from, &into);
    return true;
  }
  smaller = from.width < from.height ? from.width : from.height;
  canvas.unit = corruptor->scale + (1 - corruptor->scale) * smaller / 224.0f;
  sympie_arena_reset (corruptor->arena);
  if (!sympie_canvas_load (&canvas, &from))
    return sympie_fail (error, SYMPIE_ERROR_MEMORY,
        "not enough memory for %dx%d pixels", from.width, from.height);
  if (!corrupt_canvas (
          corruptor, &canvas, corruption, severity, seed, phase, error))
    return false;
  if (!sympie_canvas_store (&canvas, &from, &into))
    return sympie_fail (error, SYMPIE_ERROR_MEMORY,
        "not enough memory for %dx%d pixels", from.width, from.height);
  return true;
}
