/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The corruptions make the bytes that they made when golden/corrupt.txt was
 * written, on every machine and in every variant that the compiler makes.
 *
 * `corrupt-golden --write` prints the file anew. A change of it is a change of
 * what networks are trained on: say why in the commit. The lines of
 * jpeg_compression hold for libjpeg-turbo 2.1. */

#include <string.h>

#include "scene.h"

enum
{
  WIDTH = 150,
  HEIGHT = 101
};

/* FNV-1a */
static uint64_t
hash (const uint8_t *bytes, size_t n)
{
  uint64_t h = 0xcbf29ce484222325u;

  for (size_t i = 0; i < n; i++)
    h = (h ^ bytes[i]) * 0x100000001b3u;
  return h;
}

typedef struct
{
  SympieCorruption corruption;
  int severity;
  double phase;
  float scale;
} Case;

static void
make_line (const Case *golden, char line[80])
{
  SympieCorruptor *corruptor = scene_corruptor (golden->scale, 1);
  uint8_t *pixels = scene_new (WIDTH, HEIGHT);
  SympieImage image = scene_image (pixels, WIDTH, HEIGHT);
  SympieTarget target = scene_target (pixels, WIDTH);
  SympieError error = { 0 };
  bool ok = sympie_corrupt (corruptor, &image, &target, golden->corruption,
      golden->severity, 11, golden->phase, &error);

  CHECK (
      ok, "%s: %s", sympie_corruption_name (golden->corruption), error.message);
  snprintf (line, 80, "%s %d %g %g %016llx",
      sympie_corruption_name (golden->corruption), golden->severity,
      golden->phase, (double) golden->scale,
      (unsigned long long) hash (pixels, 3 * WIDTH * HEIGHT));
  free (pixels);
  sympie_corruptor_free (corruptor);
}

int
main (int argc, char **argv)
{
  bool write = argc > 1 && strcmp (argv[1], "--write") == 0;
  FILE *file = write ? NULL : fopen (check_golden ("corrupt.txt"), "r");

  if (!CHECK (write || file, "%s", check_golden ("corrupt.txt")))
    return check_end ();
  for (int c = SYMPIE_CORRUPTION_NONE; c < SYMPIE_N_CORRUPTIONS; c++)
    for (int i = 1; i <= SYMPIE_MAX_SEVERITY + 2; i++) {
      /* The five severities, then a phase in between and another scale. */
      int severity = i <= SYMPIE_MAX_SEVERITY ? i : 3;
      Case golden = { c, severity, i == 6 ? 4.25 : 0, i == 7 ? 0 : 1 };
      char line[80], expected[80] = "";

      make_line (&golden, line);
      if (write) {
        puts (line);
        continue;
      }
      if (fgets (expected, sizeof expected, file))
        expected[strcspn (expected, "\n")] = 0;
      CHECK (strcmp (line, expected) == 0, "'%s', and golden is '%s'", line,
          expected);
    }
  if (write)
    return EXIT_SUCCESS;
  fclose (file);
  return check_end ();
}
