/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Memory of the corruptions, libjpeg's too: each allocation fails once, nothing
 * is left behind, and no more is taken than the picture is worth. */

#include <string.h>

#include "check.h"
#include "failing.h"
#include "photo.h"
#include "scene.h"

/* ---- Tests --------------------------------------------------------------- */

typedef struct
{
  int width, height;
  uint8_t *pixels, *out;
  const char *frost; /* a folder of photographs, or NULL */
} Picture;

static bool
corrupt_once (
    SympieCorruption corruption, const Picture *picture, SympieError *error)
{
  SympieCorruptorConfig config = SYMPIE_CORRUPTOR_CONFIG_INIT;
  SympieImage src =
      scene_image (picture->pixels, picture->width, picture->height);
  SympieTarget dst = scene_target (picture->out, picture->width);
  SympieCorruptor *corruptor;
  bool ok;

  config.frost_folder = picture->frost;
  corruptor = sympie_corruptor_new (&config, error);
  ok = corruptor
       && sympie_corrupt (corruptor, &src, &dst, corruption, 3, 1, 0.5, error);

  sympie_corruptor_free (corruptor);
  return ok;
}

/* Fails the first, the second, ... allocation until none is left to fail. Some
 * libjpeg can do without. */
static void
test_failures (SympieCorruption corruption, const Picture *picture)
{
  const char *name = sympie_corruption_name (corruption);
  long blocks = n_blocks;
  int n = 0;
  bool done = false;

  for (; !done && n < 10000; n++) {
    SympieError error = { 0 };
    bool ok;

    n_calls = 0;
    fail_at = n;
    ok = corrupt_once (corruption, picture, &error);
    fail_at = -1;
    done = ok && n_calls <= n;
    CHECK (ok || error.code == SYMPIE_ERROR_MEMORY, "%s, allocation %d: '%s'",
        name, n, error.message);
    CHECK (n_blocks == blocks, "%s, allocation %d: %ld blocks left", name, n,
        n_blocks - blocks);
  }
  CHECK (done && n > 2, "%s: %d allocations", name, n);
}

/* Photographs, one of which is read whole before the other fails. */
static void
test_photographs (const Picture *picture)
{
  char folder[] = "/tmp/sympie-frost-XXXXXX", paths[2][64];
  Picture frosted = *picture;
  unsigned long size = 0;
  unsigned char *jpeg =
      photo_new (picture->pixels, picture->width, picture->height, &size);

  if (!CHECK (mkdtemp (folder), "no folder for photographs"))
    return;
  for (int i = 0; i < 2; i++) {
    snprintf (paths[i], sizeof paths[i], "%s/%d.jpg", folder, i);
    photo_write (paths[i], jpeg, size);
  }
  free (jpeg);
  frosted.frost = folder;
  test_failures (SYMPIE_CORRUPTION_FROST, &frosted);
  for (int i = 0; i < 2; i++)
    remove (paths[i]);
  remove (folder);
}

static void
test_leak (SympieCorruptor *corruptor, SympieCorruption corruption,
    const Picture *picture)
{
  SympieImage src =
      scene_image (picture->pixels, picture->width, picture->height);
  SympieTarget dst = scene_target (picture->out, picture->width);
  long blocks = 0;

  for (int i = 0; i < 1000; i++) {
    sympie_corrupt (corruptor, &src, &dst, corruption, 1 + i % 5, 1, i, NULL);
    if (i == 20)
      blocks = n_blocks;
  }
  CHECK (n_blocks == blocks, "%s: %ld blocks more after a thousand pictures",
      sympie_corruption_name (corruption), n_blocks - blocks);
}

/* Three channels one after the other need the room of one. */
static void
test_reuse (void)
{
  SympieCorruptor *corruptor = scene_corruptor (1, 1);
  uint8_t *pixels = scene_new (512, 512);
  SympieImage image = scene_image (pixels, 512, 512);
  SympieTarget target = scene_target (pixels, 512);

  for (int i = 0; i < 2; i++) {
    largest = 0;
    sympie_corrupt (corruptor, &image, &target, SYMPIE_CORRUPTION_GLASS_BLUR, 3,
        1, 0, NULL);
  }
  CHECK (largest < 9 * 512 * 512, "%zu bytes for glass of 512x512",
      (size_t) largest);
  free (pixels);
  sympie_corruptor_free (corruptor);
}

static void
test_narrow (void)
{
  enum
  {
    LONG = 16384,
    SHORT = 8
  };
  for (int turned = 0; turned < 2; turned++) {
    int width = turned ? SHORT : LONG, height = turned ? LONG : SHORT;
    SympieCorruptor *corruptor = scene_corruptor (1, 1);
    uint8_t *pixels = scene_new (width, height);
    SympieImage image = scene_image (pixels, width, height);
    SympieTarget target = scene_target (pixels, width);

    largest = 0;
    CHECK (sympie_corrupt (corruptor, &image, &target, SYMPIE_CORRUPTION_FOG, 3,
               1, 0, NULL),
        "fog of %dx%d", width, height);
    CHECK (largest < 32 << 20, "%zu bytes for fog of %dx%d", (size_t) largest,
        width, height);
    free (pixels);
    sympie_corruptor_free (corruptor);
  }
}

int
main (void)
{
  SympieCorruptor *corruptor = scene_corruptor (1, 1);
  Picture small = { 61, 47, scene_new (61, 47), scene_new (61, 47), NULL };
  Picture noise = { 400, 300, scene_new (400, 300), scene_new (400, 300),
    NULL };
  uint64_t seed = 5;

  for (int i = 0; i < 3 * 400 * 300; i++)
    noise.pixels[i] = (uint8_t) check_random (&seed);
  for (SympieCorruption c = SYMPIE_CORRUPTION_NONE; c < SYMPIE_N_CORRUPTIONS;
       c++) {
    if (c != SYMPIE_CORRUPTION_FROST) /* grows ice, each time anew */
      test_failures (c, &small);
    test_leak (corruptor, c, &small);
  }
  /* More than what libjpeg begins with. */
  test_failures (SYMPIE_CORRUPTION_JPEG_COMPRESSION, &noise);
  test_photographs (&small);
  test_reuse ();
  test_narrow ();
  free (small.pixels);
  free (small.out);
  free (noise.pixels);
  free (noise.out);
  sympie_corruptor_free (corruptor);
  return check_end ();
}
