/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Parts of images of every format: they show what lies there, begin where they
 * should or a little before, and end where they should. */

#include <limits.h>
#include <string.h>

#include "check.h"
#include "frame.h"

static const SympieColorimetry bt709 = { .kr = 0.2126f, .kb = 0.0722f };

static void
test_part (SympieFormat format, uint64_t *seed)
{
  const SympieFormatInfo *info = sympie_format_info (format);
  int width = 1 + check_random (seed) % 40,
      height = 1 + check_random (seed) % 30;
  int x = check_random (seed) % width, y = check_random (seed) % height;
  int w = 1 + check_random (seed) % 45, h = 1 + check_random (seed) % 35;
  Frame frame = frame_new (format, width, height, 16, &bt709, seed);
  Frame part = frame;
  SympieError error;
  int left, top;

  if (!CHECK (sympie_image_crop (&part.image, x, y, w, h, &error), "%s",
          error.message))
    return;
  /* Its left and top edges, from where it ends. */
  left = (x + w < width ? x + w : width) - part.image.width;
  top = (y + h < height ? y + h : height) - part.image.height;
  CHECK (left <= x && left > x - 6 && top <= y && top > y - 4 && left >= 0
             && top >= 0,
      "%s: %d, %d for %d, %d", info->name, left, top, x, y);
  for (int p = 0; p < info->n_planes; p++)
    part.memory[p] = (uint8_t *) part.image.planes[p];
  for (int c = 0; c < 4; c++) {
    const SympieComponent *component = &info->component[c];

    for (int i = 0;
         component->bits
         && i < sympie_component_height (component, part.image.height);
         i++)
      for (int j = 0; j < sympie_component_width (component, part.image.width);
           j++)
        if (!CHECK (frame_get (&part, c, j, i)
                        == frame_get (&frame, c, (left >> component->sub_x) + j,
                            (top >> component->sub_y) + i),
                "%s, component %d of %d, %d in %dx%d: sample %d, %d",
                info->name, c, x, y, width, height, j, i))
          i = j = INT_MAX - 1;
  }
  frame_clear (&frame);
}

static void
test_faults (uint64_t *seed)
{
  static const int outside[][4] = { { 20, 0, 5, 5 }, { 0, 10, 5, 5 },
    { -5, 0, 5, 5 }, { 3, 3, 0, 5 }, { 3, 3, 5, -1 },
    { INT_MAX, INT_MAX, INT_MAX, INT_MAX }, { INT_MIN, 0, 5, 5 } };
  Frame frame = frame_new (SYMPIE_FORMAT_I420, 20, 10, 0, &bt709, seed);
  SympieImage image = frame.image;
  SympieError error;

  for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
    const int *o = outside[i];

    CHECK (
        !sympie_image_crop (&image, o[0], o[1], o[2], o[3], &error), "%zu", i);
    CHECK (strstr (error.message, "of an image of 20x10"), "%s", error.message);
  }
  CHECK (memcmp (&image, &frame.image, sizeof image) == 0, "changed");
  CHECK (sympie_image_crop (&image, -3, -3, INT_MAX, INT_MAX, &error), "%s",
      error.message);
  CHECK (memcmp (&image, &frame.image, sizeof image) == 0, "not all of it");
  image.width = 0;
  CHECK (!sympie_image_crop (&image, 0, 0, 5, 5, &error), "no image");
  frame_clear (&frame);
}

int
main (int argc, char **argv)
{
  uint64_t seed = check_seed (argc > 1 ? argv[1] : NULL);

  for (int format = 0; format < SYMPIE_N_FORMATS; format++)
    for (int i = 0; i < 20; i++)
      test_part (format, &seed);
  test_faults (&seed);
  return check_end ();
}
