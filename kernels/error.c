/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "error.h"

#include <stdarg.h>
#include <stdio.h>

bool
sympie_fail (SympieError *error, SympieErrorCode code, const char *format, ...)
{
  if (error) {
    va_list args;

    error->code = code;
    va_start (args, format);
    vsnprintf (error->message, sizeof error->message, format, args);
    va_end (args);
  }
  return false;
}
