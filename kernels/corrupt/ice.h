/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Pictures of frost: photographs, or feathers of ice that are grown here. */

#ifndef SYMPIE_ICE_H
#define SYMPIE_ICE_H

#include "../sympie.h"

enum
{
  SYMPIE_MAX_PHOTO = 1 << 26 /* pixels */
};

typedef struct
{
  int width, height;
  uint8_t *planes[3]; /* R, G, B, width * height each; one allocation */
} SympiePhoto;

/* NULL planes without memory. */
SympiePhoto sympie_photo_new (int width, int height);

struct SympieIce
{
  SympiePhoto *photos;
  int n_photos;
};

/* The JPEG files of a folder or, where that is NULL, a texture that is the
 * same every time. */
struct SympieIce *sympie_ice_new (const char *folder, SympieError *error);
void sympie_ice_free (struct SympieIce *ice); /* NULL is allowed */

/* jpeg.c: fails on a file that cannot be read, is damaged anywhere or has more
 * than SYMPIE_MAX_PHOTO pixels. */
bool sympie_photo_read (
    const char *path, SympiePhoto *photo, SympieError *error);

/* feathers.c: false without memory. */
bool sympie_photo_grow (SympiePhoto *photo);

#endif /* SYMPIE_ICE_H */
