/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* seed-vgg19 FILE: writes seeded weights, for tests that are scripts. */

#include <stdio.h>

#include "vgg19_seed.h"

int
main (int argc, char **argv)
{
  if (argc != 2 || !vgg19_seed_write (argv[1], 1, 16)) {
    fprintf (
        stderr, "cannot write %s\n", argc == 2 ? argv[1] : "without a name");
    return 1;
  }
  return 0;
}
