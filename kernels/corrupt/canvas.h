/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What a corruption works on: a picture as three planes of bytes, its share of
 * randomness, and memory and threads to do it with. */

#ifndef SYMPIE_CANVAS_H
#define SYMPIE_CANVAS_H

#include "../pool.h"
#include "../sympie_corrupt.h"
#include "random.h"

/* Memory that is given out in pieces and taken back from the last piece on. It
 * grows to the most that was given out at a time and then allocates no more. */
typedef struct SympieArena SympieArena;
typedef struct SympieArenaChunk SympieArenaChunk;

/* A state of the arena to go back to. */
typedef struct
{
  SympieArenaChunk *chunk;
  size_t used, total;
} SympieArenaMark;

SympieArena *sympie_arena_new (void); /* NULL without memory */
void sympie_arena_free (SympieArena *arena);
void sympie_arena_reset (SympieArena *arena); /* takes everything back */
SympieArenaMark sympie_arena_mark (const SympieArena *arena);
void sympie_arena_release (SympieArena *arena, SympieArenaMark mark);

/* `count` times `size` bytes, uninitialised, aligned to 64, with 64 to spare
 * at the end; NULL without memory. */
void *sympie_arena_take (SympieArena *arena, size_t count, size_t size);

typedef struct SympieIce SympieIce; /* ice.h */

typedef struct
{
  int width, height;
  uint8_t *planes[3]; /* R, G, B */
  ptrdiff_t stride;   /* of each */

  SympieDraw draw;
  uint64_t seed; /* of what does not turn with the phase */
  float unit;    /* pixels that stand for a published one */
  SympieIce *ice;

  SympieArena *arena;
  SympiePool *pool;
  unsigned cpu_flags; /* SympieCpuFlags to use */
} SympieCanvas;

/* Bytes to the next row of a plane of `width` samples, which leaves the rows
 * aligned for vectors. */
ptrdiff_t sympie_canvas_stride (int width);

/* Rows first to end - 1; `thread` is below the pool's size. */
typedef void (*SympieRows) (void *data, int first, int end, int thread);

/* Has each of `n_rows` rows done once, a band of them at a time. */
void sympie_canvas_rows (
    const SympieCanvas *canvas, int n_rows, SympieRows rows, void *data);

/* `count` floats for each thread, `*stride` apart: scratch for a row. NULL
 * without memory. */
float *sympie_canvas_scratch (
    const SympieCanvas *canvas, size_t count, ptrdiff_t *stride);

/* To the nearest byte. */
static inline uint8_t
sympie_byte (float value)
{
  value = value > 0 ? value : 0;
  value = value < 255 ? value : 255;
  return (uint8_t) (int) (value + 0.5f);
}

/* Each plane's bytes exchanged for those of a table. */
void sympie_canvas_map (
    const SympieCanvas *canvas, const uint8_t tables[3][256]);

#endif /* SYMPIE_CANVAS_H */
