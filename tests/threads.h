/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The threads of this process, as the kernel lists them. */

#ifndef SYMPIE_TEST_THREADS_H
#define SYMPIE_TEST_THREADS_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How many have that name. */
static inline int
threads_named (const char *name)
{
  DIR *folder = opendir ("/proc/self/task");
  struct dirent *entry;
  int n = 0;

  if (!folder) {
    perror ("/proc/self/task");
    abort ();
  }
  while ((entry = readdir (folder))) {
    char path[512], text[64] = "";
    FILE *file;

    snprintf (path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
    file = fopen (path, "r");
    if (!file)
      continue;
    if (fgets (text, sizeof text, file)) {
      text[strcspn (text, "\n")] = '\0';
      n += strcmp (text, name) == 0;
    }
    fclose (file);
  }
  closedir (folder);
  return n;
}

/* The same once they are `expected`, or after two seconds: a thread that was
 * joined is listed for a moment yet. */
static inline int
threads_settled (const char *name, int expected)
{
  int n = threads_named (name);

  for (int i = 0; i < 200 && n != expected; i++) {
    usleep (10000);
    n = threads_named (name);
  }
  return n;
}

#endif /* SYMPIE_TEST_THREADS_H */
