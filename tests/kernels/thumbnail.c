/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Thumbnails of every format and of sizes down to a pixel: every cell shows
 * what lies there, nothing outside the image is read, and a glance is cheap. */

#include <string.h>

#include "check.h"
#include "frame.h"

enum
{
  N = SYMPIE_THUMBNAIL_SIZE
};

static const SympieColorimetry bt709 = { .kr = 0.2126f, .kb = 0.0722f };

/* Component c of cell (i, j) of the pictures below. */
static int
tone (int c, int i, int j)
{
  return 16 + (i * 37 + j * 11 + c * 71) % 200;
}

/* Sets a sample to a value of 8 bits, or as many as it has. */
static void
set (Frame *frame, int c, int x, int y, int value)
{
  const SympieFormatInfo *info = sympie_format_info (frame->image.format);
  int bits = info->component[c].bits;

  frame_set (
      frame, c, x, y, bits > 8 ? value << (bits - 8) : value >> (8 - bits));
}

/* What is left of it then; gray has no chroma. */
static int
kept (const SympieFormatInfo *info, int c, int value)
{
  int bits = info->component[c].bits;

  if (bits == 0)
    return 128;
  if (bits >= 8)
    return value;
  value >>= 8 - bits;
  return value << (8 - bits) | value >> (2 * bits - 8);
}

/* Each cell in a tone of its own; large enough that none looks at its
 * neighbours. */
static void
paint (Frame *frame)
{
  const SympieFormatInfo *info = sympie_format_info (frame->image.format);

  for (int c = 0; c < 3; c++) {
    int width =
        sympie_component_width (&info->component[c], frame->image.width);
    int height =
        sympie_component_height (&info->component[c], frame->image.height);

    for (int y = 0; info->component[c].bits && y < height; y++)
      for (int x = 0; x < width; x++)
        set (frame, c, x, y, tone (c, N * y / height, N * x / width));
  }
}

static void
test_cells (SympieFormat format, uint64_t *seed)
{
  const SympieFormatInfo *info = sympie_format_info (format);
  int width = info->component[1].sub_x > 1 ? 2560 : 1280;
  Frame frame = frame_new (format, width, 256, 5, &bt709, seed);
  SympieThumbnail thumbnail;
  int wrong = 0;

  paint (&frame);
  if (CHECK (sympie_thumbnail (&frame.image, &thumbnail, NULL), "%d", format))
    for (int c = 0; c < 3; c++)
      for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
          wrong += thumbnail.cells[c][i][j] != kept (info, c, tone (c, i, j));
  CHECK (wrong == 0, "%d cells of %s", wrong, info->name);
  frame_clear (&frame);
}

/* An image of one colour in memory that ends with it. */
static void
test_size (SympieFormat format, int width, int height, uint64_t *seed)
{
  Frame frame = frame_new (format, width, height, 0, &bt709, seed);
  SympieThumbnail thumbnail;
  const SympieFormatInfo *info = sympie_format_info (format);
  int wrong = 0;

  for (int c = 0; c < 3; c++)
    for (int y = 0;
         info->component[c].bits
         && y < sympie_component_height (&info->component[c], height);
         y++)
      for (int x = 0; x < sympie_component_width (&info->component[c], width);
           x++)
        set (&frame, c, x, y, 50 + 60 * c);
  if (CHECK (sympie_thumbnail (&frame.image, &thumbnail, NULL), "%d", format))
    for (int c = 0; c < 3; c++)
      for (int i = 0; i < N * N; i++)
        wrong +=
            thumbnail.cells[c][i / N][i % N] != kept (info, c, 50 + 60 * c);
  CHECK (wrong == 0, "%d cells of %s %dx%d", wrong, info->name, width, height);
  frame_clear (&frame);
}

/* Columns of two tones in turn: the mean of a run of 8 lies half way. */
static void
test_rounding (uint64_t *seed)
{
  Frame frame = frame_new (SYMPIE_FORMAT_RGB, 640, 64, 0, &bt709, seed);
  SympieThumbnail thumbnail;

  for (int c = 0; c < 3; c++)
    for (int y = 0; y < 64; y++)
      for (int x = 0; x < 640; x++)
        set (&frame, c, x, y, 100 + x % 2);
  CHECK (sympie_thumbnail (&frame.image, &thumbnail, NULL)
             && thumbnail.cells[1][3][5] == 101,
      "the mean of 100 and 101 is %d", thumbnail.cells[1][3][5]);
  frame_clear (&frame);
}

static void
test_faults (uint64_t *seed)
{
  Frame frame = frame_new (SYMPIE_FORMAT_NV12, 64, 48, 0, &bt709, seed);
  SympieImage image = frame.image;
  SympieThumbnail thumbnail;
  SympieError error = { 0 };

  image.memory = SYMPIE_MEMORY_CUDA;
  CHECK (!sympie_thumbnail (&image, &thumbnail, &error), "CUDA memory");
  CHECK (strstr (error.message, "CUDA"), "%s", error.message);
  image = frame.image;
  image.width = 0;
  CHECK (!sympie_thumbnail (&image, &thumbnail, NULL), "no pixels");
  frame_clear (&frame);
}

int
main (int argc, char **argv)
{
  uint64_t seed = check_seed (argc > 1 ? argv[1] : NULL);

  for (int format = 0; format < SYMPIE_N_FORMATS; format++) {
    static const int sizes[][2] = { { 1, 1 }, { 2, 1 }, { 1, 7 }, { 5, 3 },
      { 16, 16 }, { 385, 289 } };

    test_cells (format, &seed);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
      test_size (format, sizes[i][0], sizes[i][1], &seed);
  }
  test_rounding (&seed);
  test_faults (&seed);
  return check_end ();
}
