/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* How the library reports errors; the convention is in sympie.h. */

#ifndef SYMPIE_ERROR_H
#define SYMPIE_ERROR_H

#include "sympie.h"

/* Tells the caller where `error` is not NULL. Returns false, so that a failing
 * function ends with `return sympie_fail (error, ...)`. */
bool sympie_fail (SympieError *error, SympieErrorCode code, const char *format,
    ...) __attribute__ ((format (printf, 3, 4)));

#endif /* SYMPIE_ERROR_H */
