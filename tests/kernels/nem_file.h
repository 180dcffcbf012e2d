/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Files of NEM's weights from a seed, with a fault where wanted. */

#ifndef SYMPIE_NEM_FILE_H
#define SYMPIE_NEM_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct
{
  const char *tensor; /* the one at fault; NULL: none is */
  const char *rename; /* another name for it */
  const char *dtype;  /* another dtype */
  bool flat;          /* one dimension, whatever it has */
  bool poke;          /* its element 5 becomes `value` */
  bool sway;          /* its elements become `value` and -`value` in turn */
  float value;
} NemFault;

/* Draws the tensors in the order of tests/golden/make_nem.py. Seed 1 makes a
 * file without a gate, as the authors' are. */
void nem_file_write (const char *path, uint64_t seed, const NemFault *fault);

/* A file of `size` bytes in a folder of this process, removed by
 * temporary_clear; the path is valid until the next call. */
const char *temporary_path (const char *name);
const char *temporary_write (const char *name, const void *bytes, size_t size);
void temporary_clear (void);

#endif /* SYMPIE_NEM_FILE_H */
