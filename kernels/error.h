/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* How the library reports errors; the convention is in sympie.h. */

#ifndef SYMPIE_ERROR_H
#define SYMPIE_ERROR_H

#include <stdbool.h>

/* Stores a message for the caller where `error` is not NULL. Returns false, so
 * that a failing function ends with `return sympie_fail (error, ...)`. */
bool sympie_fail (char **error, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

#endif /* SYMPIE_ERROR_H */
