/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

int
sympie_file_open (const char *path, struct stat *status, SympieError *error)
{
  /* Not to wait for the other end, should it be a pipe. */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

  if (fd < 0 || fstat (fd, status) != 0)
    sympie_fail (error, SYMPIE_ERROR_FILE, "%s: cannot open: %s", path,
        strerror (errno));
  else if (S_ISDIR (status->st_mode))
    sympie_fail (
        error, SYMPIE_ERROR_FILE, "%s: is a directory, not a file", path);
  else if (!S_ISREG (status->st_mode))
    sympie_fail (error, SYMPIE_ERROR_FILE, "%s: is not a regular file", path);
  else
    return fd;
  if (fd >= 0)
    close (fd);
  return -1;
}
