/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ice.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../error.h"

SympiePhoto
sympie_photo_new (int width, int height)
{
  SympiePhoto photo = { width, height, { NULL } };
  size_t size = (size_t) width * height;
  uint8_t *bytes = malloc (3 * size);

  for (int c = 0; c < 3 && bytes; c++)
    photo.planes[c] = bytes + c * size;
  return photo;
}

static int
is_jpeg (const struct dirent *entry)
{
  const char *dot = strrchr (entry->d_name, '.');

  return dot
         && (strcasecmp (dot, ".jpg") == 0 || strcasecmp (dot, ".jpeg") == 0);
}

/* In the order of strcmp(): alphasort() would follow the locale. */
static int
by_name (const struct dirent **a, const struct dirent **b)
{
  return strcmp ((*a)->d_name, (*b)->d_name);
}

static bool
read_photo (struct SympieIce *ice, const char *folder, const char *name,
    SympieError *error)
{
  char *path;
  bool ok;

  if (asprintf (&path, "%s/%s", folder, name) < 0)
    return sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
  ok = sympie_photo_read (path, &ice->photos[ice->n_photos], error);
  free (path);
  ice->n_photos += ok;
  return ok;
}

static bool
read_photos (struct SympieIce *ice, const char *folder, SympieError *error)
{
  struct dirent **entries;
  int n = scandir (folder, &entries, is_jpeg, by_name);
  bool ok;

  if (n < 0)
    return sympie_fail (error,
        errno == ENOMEM ? SYMPIE_ERROR_MEMORY : SYMPIE_ERROR_FILE,
        "%s: cannot list the folder: %s", folder, strerror (errno));
  ice->photos = calloc (n ? n : 1, sizeof *ice->photos);
  ok = ice->photos ? true
                   : sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
  if (ok && n == 0)
    ok = sympie_fail (error, SYMPIE_ERROR_FILE,
        "%s: no photographs (*.jpg, *.jpeg) in the folder", folder);
  for (int i = 0; i < n; i++) {
    ok = ok && read_photo (ice, folder, entries[i]->d_name, error);
    free (entries[i]);
  }
  free (entries);
  return ok;
}

struct SympieIce *
sympie_ice_new (const char *folder, SympieError *error)
{
  struct SympieIce *ice = calloc (1, sizeof *ice);
  bool ok;

  if (!ice) {
    sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
    return NULL;
  }
  if (folder) {
    ok = read_photos (ice, folder, error);
  } else {
    ice->photos = calloc (1, sizeof *ice->photos);
    ok = ice->photos && sympie_photo_grow (&ice->photos[0]);
    if (ok)
      ice->n_photos = 1;
    else
      sympie_fail (error, SYMPIE_ERROR_MEMORY, "out of memory");
  }
  if (!ok) {
    sympie_ice_free (ice);
    return NULL;
  }
  return ice;
}

void
sympie_ice_free (struct SympieIce *ice)
{
  if (!ice)
    return;
  for (int i = 0; i < ice->n_photos; i++)
    free (ice->photos[i].planes[0]);
  free (ice->photos);
  free (ice);
}
