/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "canvas.h"

#include <stdlib.h>

enum
{
  ALIGNMENT = 64,
  BAND = 16 /* rows that a thread takes at a time */
};

/* Pieces come from the last chunk; where it is full another one follows, and
 * the next reset puts one in their place that is large enough for all. */
struct SympieArenaChunk
{
  SympieArenaChunk *previous;
  size_t size, used;
  char *bytes;
};

struct SympieArena
{
  SympieArenaChunk *last;
  size_t total, most; /* bytes given out, now and at the most */
};

static SympieArenaChunk *
chunk_new (SympieArenaChunk *previous, size_t size)
{
  SympieArenaChunk *chunk = malloc (sizeof *chunk);

  if (!chunk)
    return NULL;
  *chunk = (SympieArenaChunk){ .previous = previous, .size = size };
  chunk->bytes = aligned_alloc (ALIGNMENT, size);
  if (!chunk->bytes) {
    free (chunk);
    return NULL;
  }
  return chunk;
}

/* Frees the chunks after `end`. */
static void
free_until (SympieArena *arena, SympieArenaChunk *end)
{
  while (arena->last != end) {
    SympieArenaChunk *previous = arena->last->previous;

    free (arena->last->bytes);
    free (arena->last);
    arena->last = previous;
  }
}

SympieArena *
sympie_arena_new (void)
{
  return calloc (1, sizeof (SympieArena));
}

void
sympie_arena_free (SympieArena *arena)
{
  if (!arena)
    return;
  free_until (arena, NULL);
  free (arena);
}

void
sympie_arena_reset (SympieArena *arena)
{
  if (arena->last && arena->last->size < arena->most) {
    free_until (arena, NULL);
    arena->last = chunk_new (NULL, arena->most);
  }
  if (arena->last)
    arena->last->used = 0;
  arena->total = 0;
}

SympieArenaMark
sympie_arena_mark (const SympieArena *arena)
{
  return (SympieArenaMark){ arena->last, arena->last ? arena->last->used : 0,
    arena->total };
}

void
sympie_arena_release (SympieArena *arena, SympieArenaMark mark)
{
  free_until (arena, mark.chunk);
  if (arena->last)
    arena->last->used = mark.used;
  arena->total = mark.total;
}

void *
sympie_arena_take (SympieArena *arena, size_t count, size_t size)
{
  SympieArenaChunk *chunk = arena->last;
  size_t bytes;

  if (__builtin_mul_overflow (count, size, &bytes)
      || bytes > SIZE_MAX / 2 - 2 * ALIGNMENT)
    return NULL;
  bytes = (bytes + 2 * ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  if (!chunk || chunk->size - chunk->used < bytes) {
    chunk = chunk_new (chunk, bytes);
    if (!chunk)
      return NULL;
    arena->last = chunk;
  }
  chunk->used += bytes;
  arena->total += bytes;
  if (arena->total > arena->most)
    arena->most = arena->total;
  return chunk->bytes + chunk->used - bytes;
}

ptrdiff_t
sympie_canvas_stride (int width)
{
  return ((ptrdiff_t) width + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

typedef struct
{
  SympieRows rows;
  void *data;
  int n_rows;
} Bands;

static void
run_band (void *data, int task, int thread)
{
  const Bands *bands = data;
  int first = task * BAND;
  int end = first + BAND < bands->n_rows ? first + BAND : bands->n_rows;

  bands->rows (bands->data, first, end, thread);
}

void
sympie_canvas_rows (
    const SympieCanvas *canvas, int n_rows, SympieRows rows, void *data)
{
  Bands bands = { rows, data, n_rows };

  sympie_pool_run (canvas->pool, run_band, &bands, (n_rows + BAND - 1) / BAND);
}

float *
sympie_canvas_scratch (
    const SympieCanvas *canvas, size_t count, ptrdiff_t *stride)
{
  size_t apart = (count * sizeof (float) + 2 * ALIGNMENT - 1) / ALIGNMENT
                 * ALIGNMENT / sizeof (float);

  *stride = apart;
  return sympie_arena_take (
      canvas->arena, apart * sympie_pool_size (canvas->pool), sizeof (float));
}

typedef struct
{
  const SympieCanvas *canvas;
  const uint8_t (*tables)[256];
} Map;

static void
map_rows (void *data, int first, int end, int thread)
{
  const Map *map = data;
  const SympieCanvas *canvas = map->canvas;

  for (int c = 0; c < 3; c++)
    for (int y = first; y < end; y++) {
      uint8_t *row = canvas->planes[c] + y * canvas->stride;

      for (int x = 0; x < canvas->width; x++)
        row[x] = map->tables[c][row[x]];
    }
}

void
sympie_canvas_map (const SympieCanvas *canvas, const uint8_t tables[3][256])
{
  Map map = { canvas, tables };

  sympie_canvas_rows (canvas, canvas->height, map_rows, &map);
}
