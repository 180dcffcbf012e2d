/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The public header of libsympie-corrupt (pkg-config sympie-corrupt): the 23
 * corruptions that SyMPIE is trained and judged on: the 15 of ImageNet-C
 * and its 4 extra ones (Hendrycks and Dietterich 2019), and the 4 changes of
 * light of SyMPIE's own pool (paper, section 4.1).
 *
 * A library of its own because who enhances video needs none of this, nor
 * libjpeg, and a training loader none of that. Errors are reported as in
 * sympie.h. A program that uses both libraries has a team of threads of each.
 * libsympie-corrupt.a wants libsympie.a beside it, which pkg-config --static
 * names: the shared libsympie hides the insides that both are made of.
 *
 * The same picture, corruption, severity, seed, phase and scale give the same
 * bytes on every machine, for any number of threads, stride or pixel format;
 * jpeg_compression, and frost from photographs, depend on the version of
 * libjpeg besides. */

#ifndef SYMPIE_CORRUPT_H
#define SYMPIE_CORRUPT_H

#include "sympie.h"

#ifdef __cplusplus
extern "C" {
#endif

/* New ones come last, after mixed, which draws from those before it: neither a
 * number nor what a seed of mixed gives ever changes. */
typedef enum
{
  SYMPIE_CORRUPTION_NONE,
  SYMPIE_CORRUPTION_GAUSSIAN_NOISE,
  SYMPIE_CORRUPTION_SHOT_NOISE,
  SYMPIE_CORRUPTION_IMPULSE_NOISE,
  SYMPIE_CORRUPTION_SPECKLE_NOISE,
  SYMPIE_CORRUPTION_GAUSSIAN_BLUR,
  SYMPIE_CORRUPTION_DEFOCUS_BLUR,
  SYMPIE_CORRUPTION_GLASS_BLUR,
  SYMPIE_CORRUPTION_MOTION_BLUR,
  SYMPIE_CORRUPTION_ZOOM_BLUR,
  SYMPIE_CORRUPTION_FOG,
  SYMPIE_CORRUPTION_FROST,
  SYMPIE_CORRUPTION_SNOW,
  SYMPIE_CORRUPTION_SPATTER,
  SYMPIE_CORRUPTION_CONTRAST,
  SYMPIE_CORRUPTION_BRIGHTNESS,
  SYMPIE_CORRUPTION_SATURATE,
  SYMPIE_CORRUPTION_JPEG_COMPRESSION,
  SYMPIE_CORRUPTION_PIXELATE,
  SYMPIE_CORRUPTION_ELASTIC_TRANSFORM,
  SYMPIE_CORRUPTION_DARKEN,
  SYMPIE_CORRUPTION_HORIZON,
  SYMPIE_CORRUPTION_NIGHT,
  SYMPIE_CORRUPTION_WHITE_POINT,
  SYMPIE_CORRUPTION_MIXED, /* 1 to 3 different ones of the 23 above */
  SYMPIE_N_CORRUPTIONS
} SympieCorruption;

#define SYMPIE_MAX_SEVERITY 5

/* "none", "gaussian_noise", ... "mixed"; NULL for a value that is none of the
 * enumeration. */
SYMPIE_API const char *sympie_corruption_name (SympieCorruption corruption);

/* Takes hyphens for underscores. Fails on any other name. */
SYMPIE_API bool sympie_corruption_from_name (
    const char *name, SympieCorruption *corruption, SympieError *error);

typedef struct
{
  size_t struct_size;

  /* What lengths mean in a picture that is not 224 pixels high or wide. They
   * are published in pixels of a 224x224 picture; a published pixel is taken
   * as scale + (1 - scale) * min (width, height) / 224 pixels. So 1 keeps the
   * published numbers, and 0 what the eye sees of the picture as a whole. It
   * reaches blurs (sigma, radius, shift), the flakes of snow, the drops of
   * spatter, the crystals of frost, the blocks of pixelate and the
   * displacements of elastic_transform. The grain of noise is always a pixel,
   * the block of JPEG 8; zoom_blur and fog span the picture anyway. */
  float scale; /* 0 to 1 */

  /* A folder of photographs (*.jpg, *.jpeg) for frost, each as likely as the
   * others and of at most 2^26 pixels; NULL: ice that the library grows
   * itself. */
  const char *frost_folder;

  int n_threads; /* 1 to SYMPIE_MAX_THREADS; 0: one for each processor */
  unsigned cpu_disabled; /* as in SympieConfig */
} SympieCorruptorConfig;

/* scale 1, no frost photographs, one thread. */
#define SYMPIE_CORRUPTOR_CONFIG_INIT                                           \
  {                                                                            \
    sizeof (SympieCorruptorConfig), 1.0f, NULL, 1, 0                           \
  }

/* Memory, threads and textures that one picture after another uses. It serves
 * one caller at a time. */
typedef struct SympieCorruptor SympieCorruptor;

/* Fails on a scale or a number of threads out of range, on a folder without
 * photographs and on photographs that cannot be read. */
SYMPIE_API SympieCorruptor *sympie_corruptor_new (
    const SympieCorruptorConfig *config, SympieError *error);

/* Frees the corruptor; NULL is allowed. */
SYMPIE_API void sympie_corruptor_free (SympieCorruptor *corruptor);

/* Writes `src`, corrupted, to `dst`, both in host memory. What is not
 * full-range RGB of 8 bits is taken to that, and back in the ways of
 * sympie_apply(), in any format and depth. Alpha is copied.
 *
 * `severity` is 1 to 5, or 0 to leave the picture as it is; each part of mixed
 * has the severity given.
 *
 * `seed` and `phase` choose the draw. Phases that are whole numbers are draws
 * independent of each other: the number of a frame, say. Between two of them
 * the draw turns from the one into the other, its distribution being kept: a
 * normal field N as cos(a) N1 + sin(a) N2. So a phase that grows slowly lets
 * fog drift, and a constant one is a dirty lens. What cannot turn (which
 * corruptions make up mixed, which photograph) depends on the seed alone.
 * `phase` is 0 to 2^62. */
SYMPIE_API bool sympie_corrupt (SympieCorruptor *corruptor,
    const SympieImage *src, const SympieTarget *dst,
    SympieCorruption corruption, int severity, uint64_t seed, double phase,
    SympieError *error);

#ifdef __cplusplus
}
#endif

#endif /* SYMPIE_CORRUPT_H */
