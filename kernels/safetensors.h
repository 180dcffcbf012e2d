/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* A reader of safetensors files that trusts nothing in them.
 *
 * Opening reads and checks the header only; tensors are read from the file into
 * place one by one, so a large file is never in memory twice, nor at all where
 * nobody asks for it. It is not mapped: a file that is truncated meanwhile is
 * an error like any other. */

#ifndef SYMPIE_SAFETENSORS_H
#define SYMPIE_SAFETENSORS_H

#include "sympie.h"

typedef struct SympieSafetensors SympieSafetensors;

/* A file and what is in it, whatever it is called. The time is that of the last
 * change of the inode: unlike that of the content, no program can put it back.
 * All 0: none. */
typedef struct
{
  uint64_t device, inode;
  int64_t size, changed, changed_ns;
} SympieFileIdentity;

static inline bool
sympie_file_is_same (const SympieFileIdentity *a, const SympieFileIdentity *b)
{
  return a->device == b->device && a->inode == b->inode && a->size == b->size
         && a->changed == b->changed && a->changed_ns == b->changed_ns;
}

/* NULL with a message that names the file, and the tensor at fault if there is
 * one. Checked are the header's syntax, and that the tensors' types, shapes and
 * offsets agree with each other and fill the file exactly. */
SympieSafetensors *sympie_safetensors_open (
    const char *path, SympieError *error);
void sympie_safetensors_close (SympieSafetensors *file); /* NULL is allowed */

SympieFileIdentity sympie_safetensors_identity (const SympieSafetensors *file);

bool sympie_safetensors_has (const SympieSafetensors *file, const char *name);

/* Whether sympie_safetensors_read would find `name` with that shape in a type
 * that it reads; false with a message otherwise. Its values are not looked
 * at. */
bool sympie_safetensors_check (const SympieSafetensors *file, const char *name,
    const int64_t *shape, int n_dims, SympieError *error);

/* The tensor `name` (F32, F16 or BF16) as float32 in row-major order, to be
 * freed with free(). NULL with a message when it is missing, has another type
 * or shape, or holds NaN or infinity. */
float *sympie_safetensors_read (const SympieSafetensors *file, const char *name,
    const int64_t *shape, int n_dims, SympieError *error);

#endif /* SYMPIE_SAFETENSORS_H */
