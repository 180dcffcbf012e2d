/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sized.h"

#include <string.h>

#include "error.h"

enum
{
  MAX_SIZE = 4096 /* bytes; more is no size but what memory held */
};

bool
sympie_take (const char *type, void *own, size_t size, size_t oldest,
    const void *theirs, SympieError *error)
{
  const char *bytes = theirs;
  size_t given;

  if (!theirs)
    return sympie_fail (error, SYMPIE_ERROR_INVALID, "%s is NULL", type);
  memcpy (&given, theirs, sizeof given);
  if (given < oldest || given > MAX_SIZE)
    return sympie_fail (error, SYMPIE_ERROR_INVALID,
        "%s with a struct_size of %zu, not %zu to %d: was it begun with its "
        "SYMPIE_..._INIT?",
        type, given, oldest, MAX_SIZE);
  for (size_t i = size; i < given; i++)
    if (bytes[i])
      return sympie_fail (error, SYMPIE_ERROR_INVALID,
          "%s with members that libsympie %d.%d.%d does not know", type,
          SYMPIE_VERSION_MAJOR, SYMPIE_VERSION_MINOR, SYMPIE_VERSION_MICRO);

  memset (own, 0, size);
  memcpy (own, theirs, given < size ? given : size);
  memcpy (own, &size, sizeof size);
  return true;
}
