/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Structures of the public API that may grow. */

#ifndef SYMPIE_SIZED_H
#define SYMPIE_SIZED_H

#include "sympie.h"

/* Takes the caller's structure over into `own`. `last` is the last member that
 * the first version of the type had. A member that is added must not lie in the
 * padding after those that are there, where older callers leave anything. */
#define SYMPIE_TAKE(type, own, theirs, last, error)                            \
  sympie_take (#type, (own), sizeof (type),                                    \
      offsetof (type, last) + sizeof (own)->last, (theirs), (error))

/* What `theirs`, which begins with its size, does not have yet becomes 0 in
 * `own`; what it has beyond that must be 0. */
bool sympie_take (const char *type, void *own, size_t size, size_t oldest,
    const void *theirs, SympieError *error);

#endif /* SYMPIE_SIZED_H */
