/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A photograph as a JPEG file in memory. */

#ifndef SYMPIE_PHOTO_H
#define SYMPIE_PHOTO_H

#include <stdint.h>
#include <stdio.h>

#include <jpeglib.h>

#include "check.h"

static inline void
photo_write (const char *path, const void *bytes, size_t size)
{
  FILE *file = fopen (path, "wb");

  CHECK (file && fwrite (bytes, 1, size, file) == size, "%s", path);
  if (file)
    fclose (file);
}

/* Of packed RGB; free() it. */
static inline unsigned char *
photo_new (uint8_t *pixels, int width, int height, unsigned long *size)
{
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  unsigned char *bytes = NULL;

  jpeg.err = jpeg_std_error (&errors);
  jpeg_create_compress (&jpeg);
  jpeg_mem_dest (&jpeg, &bytes, size);
  jpeg.image_width = width;
  jpeg.image_height = height;
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults (&jpeg);
  jpeg_start_compress (&jpeg, TRUE);
  for (int y = 0; y < height; y++) {
    JSAMPROW row = pixels + 3 * y * width;

    jpeg_write_scanlines (&jpeg, &row, 1);
  }
  jpeg_finish_compress (&jpeg);
  jpeg_destroy_compress (&jpeg);
  return bytes;
}

#endif /* SYMPIE_PHOTO_H */
