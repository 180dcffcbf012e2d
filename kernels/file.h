/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Opening a file that a user names, whatever it may be. */

#ifndef SYMPIE_FILE_H
#define SYMPIE_FILE_H

#include <sys/stat.h>

#include "sympie.h"

/* A descriptor to read the file by, and its status. -1 with a message that
 * names it when it cannot be opened or is not a regular file. */
int sympie_file_open (
    const char *path, struct stat *status, SympieError *error);

#endif /* SYMPIE_FILE_H */
