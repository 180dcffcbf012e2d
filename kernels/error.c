/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "error.h"

#include <stdarg.h>
#include <stdio.h>

bool
sympie_fail (char **error, const char *format, ...)
{
  if (error) {
    va_list args;

    va_start (args, format);
    if (vasprintf (error, format, args) < 0)
      *error = NULL;
    va_end (args);
  }
  return false;
}
