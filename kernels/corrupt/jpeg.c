/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* All that libjpeg is used for: compression and back, and reading photographs
 * of frost. */

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jpeglib.h>

#include <jerror.h>

#include "../error.h"
#include "../file.h"
#include "corruptions.h"
#include "ice.h"

/* libjpeg reports every error, running out of memory in the first place, by a
 * call that must not return. */
typedef struct
{
  struct jpeg_error_mgr base;
  jmp_buf out;
} Errors;

static void
error_exit (j_common_ptr jpeg)
{
  longjmp (((Errors *) jpeg->err)->out, 1);
}

static void
no_message (j_common_ptr jpeg)
{
}

/* A level below 0 is that of damaged data, which libjpeg would make up for. */
static void
stop_at_damage (j_common_ptr jpeg, int level)
{
  if (level < 0)
    error_exit (jpeg);
}

static struct jpeg_error_mgr *
errors_init (Errors *errors)
{
  jpeg_std_error (&errors->base);
  errors->base.error_exit = error_exit;
  errors->base.output_message = no_message;
  errors->base.emit_message = stop_at_damage;
  return &errors->base;
}

static void
pack_row (const SympieCanvas *canvas, int y, uint8_t *row)
{
  for (int c = 0; c < 3; c++) {
    const uint8_t *in = canvas->planes[c] + y * canvas->stride;

    for (int x = 0; x < canvas->width; x++)
      row[3 * x + c] = in[x];
  }
}

static void
unpack_row (const SympieCanvas *canvas, int y, const uint8_t *row)
{
  for (int c = 0; c < 3; c++) {
    uint8_t *out = canvas->planes[c] + y * canvas->stride;

    for (int x = 0; x < canvas->width; x++)
      out[x] = row[3 * x + c];
  }
}

/* `bytes` has room for `*size` bytes, which becomes how many there are. */
static bool
compress (const SympieCanvas *canvas, int quality, uint8_t *row,
    unsigned char *bytes, unsigned long *size)
{
  struct jpeg_compress_struct jpeg;
  Errors errors;

  jpeg.err = errors_init (&errors);
  if (setjmp (errors.out)) {
    jpeg_destroy_compress (&jpeg);
    return false;
  }
  jpeg_create_compress (&jpeg);
  jpeg_mem_dest (&jpeg, &bytes, size);
  jpeg.image_width = canvas->width;
  jpeg.image_height = canvas->height;
  jpeg.input_components = 3;
  jpeg.in_color_space = JCS_RGB;
  jpeg_set_defaults (&jpeg);    /* chroma of half the size both ways */
  jpeg.dct_method = JDCT_ISLOW; /* the same on every machine */
  jpeg_set_quality (&jpeg, quality, TRUE);
  jpeg_start_compress (&jpeg, TRUE);
  for (int y = 0; y < canvas->height; y++) {
    pack_row (canvas, y, row);
    jpeg_write_scanlines (&jpeg, &row, 1);
  }
  jpeg_finish_compress (&jpeg);
  jpeg_destroy_compress (&jpeg);
  return true;
}

static bool
decompress (const SympieCanvas *canvas, uint8_t *row,
    const unsigned char *bytes, unsigned long size)
{
  struct jpeg_decompress_struct jpeg;
  Errors errors;

  jpeg.err = errors_init (&errors);
  if (setjmp (errors.out)) {
    jpeg_destroy_decompress (&jpeg);
    return false;
  }
  jpeg_create_decompress (&jpeg);
  jpeg_mem_src (&jpeg, bytes, size);
  jpeg_read_header (&jpeg, TRUE);
  jpeg.out_color_space = JCS_RGB;
  jpeg.dct_method = JDCT_ISLOW;
  jpeg_start_decompress (&jpeg);
  for (int y = 0; y < canvas->height; y++) {
    jpeg_read_scanlines (&jpeg, &row, 1);
    unpack_row (canvas, y, row);
  }
  jpeg_finish_decompress (&jpeg);
  jpeg_destroy_decompress (&jpeg);
  return true;
}

bool
sympie_jpeg_compression (SympieCanvas *canvas, int severity)
{
  static const int quality[] = { 25, 18, 15, 10, 7 };
  /* The most that libjpeg-turbo says it makes of a picture: less room would
   * have libjpeg allocate, and lose track of it where that fails. */
  unsigned long size = 3 * (((unsigned long) canvas->width + 15) & ~15ul)
                           * (((unsigned long) canvas->height + 15) & ~15ul)
                       + 2048;
  uint8_t *row = sympie_arena_take (canvas->arena, canvas->width, 3);
  unsigned char *bytes = sympie_arena_take (canvas->arena, size, 1);

  return row && bytes
         && compress (canvas, quality[severity - 1], row, bytes, &size)
         && decompress (canvas, row, bytes, size);
}

static bool
decode_photo (
    FILE *file, const char *path, SympiePhoto *photo, SympieError *error)
{
  struct jpeg_decompress_struct jpeg;
  char message[JMSG_LENGTH_MAX];
  uint8_t *volatile row = NULL;
  Errors errors;

  jpeg.err = errors_init (&errors);
  if (setjmp (errors.out)) {
    jpeg.err->format_message ((j_common_ptr) &jpeg, message);
    jpeg_destroy_decompress (&jpeg);
    free (row);
    return sympie_fail (error,
        errors.base.msg_code == JERR_OUT_OF_MEMORY ? SYMPIE_ERROR_MEMORY
                                                   : SYMPIE_ERROR_DAMAGED,
        "%s: %s", path, message);
  }
  jpeg_create_decompress (&jpeg);
  jpeg_stdio_src (&jpeg, file);
  jpeg_read_header (&jpeg, TRUE);
  if ((uint64_t) jpeg.image_width * jpeg.image_height > SYMPIE_MAX_PHOTO) {
    sympie_fail (error, SYMPIE_ERROR_DAMAGED,
        "%s: %ux%u pixels, more than %d in all", path, jpeg.image_width,
        jpeg.image_height, SYMPIE_MAX_PHOTO);
    jpeg_destroy_decompress (&jpeg);
    return false;
  }
  jpeg.out_color_space = JCS_RGB;
  jpeg.dct_method = JDCT_ISLOW;
  jpeg_start_decompress (&jpeg);
  *photo = sympie_photo_new (jpeg.output_width, jpeg.output_height);
  row = malloc (3 * (size_t) jpeg.output_width);
  if (!photo->planes[0] || !row) {
    jpeg_destroy_decompress (&jpeg);
    free (row);
    return sympie_fail (error, SYMPIE_ERROR_MEMORY, "%s: out of memory", path);
  }
  for (int y = 0; y < photo->height; y++) {
    JSAMPROW rows[1] = { row };

    jpeg_read_scanlines (&jpeg, rows, 1);
    for (int c = 0; c < 3; c++)
      for (int x = 0; x < photo->width; x++)
        photo->planes[c][(size_t) y * photo->width + x] = rows[0][3 * x + c];
  }
  jpeg_finish_decompress (&jpeg);
  jpeg_destroy_decompress (&jpeg);
  free (row);
  return true;
}

bool
sympie_photo_read (const char *path, SympiePhoto *photo, SympieError *error)
{
  struct stat status;
  int fd = sympie_file_open (path, &status, error);
  FILE *file;
  bool ok;

  if (fd < 0)
    return false;
  file = fdopen (fd, "rb");
  if (!file) {
    close (fd);
    return sympie_fail (error, SYMPIE_ERROR_MEMORY, "%s: out of memory", path);
  }
  *photo = (SympiePhoto){ 0 };
  ok = decode_photo (file, path, photo, error);
  if (!ok)
    free (photo->planes[0]);
  fclose (file);
  return ok;
}
