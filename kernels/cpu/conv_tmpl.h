/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The inner loops of a convolution, included once for each instruction set with
 *   BLOCK      channels in a vector
 *   MAX_TILES  tiles multiplied at a time: as many as the registers hold
 *   FUNCTIONS  the name of the table */

#include "conv_functions.h"

#include <string.h>

typedef float Vector __attribute__ ((vector_size (BLOCK * sizeof (float))));
typedef int Mask __attribute__ ((vector_size (BLOCK * sizeof (float))));

static const float root = 0.70710678118654752f; /* of 1/2 */

#define INLINE static inline __attribute__ ((always_inline))

enum
{
  PANEL = SYMPIE_CONV_PANEL,
  TILE = SYMPIE_TILE,
  TILE_IN = SYMPIE_TILE_IN,
  POINTS = SYMPIE_TILE_POINTS,
  SMALL = SYMPIE_SMALL,
};

INLINE Vector
load (const float *p)
{
  return *(const Vector *) p;
}

INLINE void
store (float *p, Vector v)
{
  *(Vector *) p = v;
}

/* Not a number stays what it is. */
INLINE Vector
relu (Vector x)
{
  return (Vector) ((Mask) x & ~(x < 0));
}

/* Not a number where one of them is. */
INLINE Vector
larger (Vector a, Vector b)
{
  Mask is_b = (a < b) | (b != b);

  return (Vector) (((Mask) b & is_b) | ((Mask) a & ~is_b));
}

/* ---- Input transform --------------------------------------------------- */

/* Six values of a row or column to six points: B^T of the paper, for the points
 * 0, +-sqrt (1/2), +-sqrt (2) and infinity. Those of the paper, +-1 and +-2,
 * cost the same and are off by twice as much, at worst by four times. */
INLINE void
to_points (const Vector d[TILE_IN], Vector points[TILE_IN])
{
  Vector a = d[4] - 2 * d[2], b = d[3] - 2 * d[1];
  Vector c = d[4] - .5f * d[2], e = d[3] - .5f * d[1];

  points[0] = d[0] - 2.5f * d[2] + d[4];
  points[1] = a + root * b;
  points[2] = a - root * b;
  points[3] = c + 2 * root * e;
  points[4] = c - 2 * root * e;
  points[5] = d[1] - 2.5f * d[3] + d[5];
}

/* From 6x6 inputs, rows of which are `row` floats apart. */
INLINE void
transform_tile (const float *in, size_t row, float *v, size_t point)
{
  Vector columns[TILE_IN][TILE_IN]; /* [column][row's point] */

  for (int x = 0; x < TILE_IN; x++) {
    Vector d[TILE_IN];

    for (int y = 0; y < TILE_IN; y++)
      d[y] = load (in + y * row + x * BLOCK);
    to_points (d, columns[x]);
  }
  for (int y = 0; y < TILE_IN; y++) {
    Vector d[TILE_IN], points[TILE_IN];

    for (int x = 0; x < TILE_IN; x++)
      d[x] = columns[x][y];
    to_points (d, points);
    for (int x = 0; x < TILE_IN; x++)
      store (v + (y * TILE_IN + x) * point, points[x]);
  }
}

/* Rows y0 to y1 - 1 and columns x0 to x1 - 1 of the 6x6 inputs from `in` on, of
 * block `block`. */
INLINE void
gather_blocks (const SympieConvJob *job, const float *in, int block, int y0,
    int y1, int x0, int x1, Vector patch[TILE_IN][TILE_IN])
{
  Vector scale = { 0 }, shift = { 0 };

  if (job->scale) {
    scale = load (job->scale + block * BLOCK);
    shift = load (job->shift + block * BLOCK);
  }
  for (int y = y0; y < y1; y++)
    for (int x = x0; x < x1; x++) {
      Vector value = load (in + y * job->batch.row + x * BLOCK);

      patch[y][x] = job->scale ? relu (scale * value + shift) : value;
    }
}

INLINE int
clamp (int value, int low, int high)
{
  return value < low ? low : value > high ? high : value;
}

/* The same of planes, the channels of which are less than a block. */
INLINE void
gather_planes (const SympieConvJob *job, const float *in, int y0, int y1,
    int x0, int x1, Vector patch[TILE_IN][TILE_IN])
{
  for (int c = 0; c < job->n_in; c++, in += job->batch.plane)
    for (int y = y0; y < y1; y++)
      for (int x = x0; x < x1; x++)
        ((float *) &patch[y][x])[c] = in[y * job->batch.row + x];
}

/* The 6x6 inputs from row y and column x on, zeros where there are none. */
static void
gather (const SympieConvJob *job, const float *src, int block, int y, int x,
    Vector patch[TILE_IN][TILE_IN])
{
  int y0 = clamp (job->first_row - y, 0, TILE_IN);
  int y1 = clamp (job->end_row - y, 0, TILE_IN);
  int x0 = clamp (-x, 0, TILE_IN);
  int x1 = clamp (job->batch.width - x, 0, TILE_IN);
  bool inside = y0 == 0 && x0 == 0 && y1 == TILE_IN && x1 == TILE_IN;
  bool planes = job->n_in < BLOCK;
  const float *in = src + y * (ptrdiff_t) job->batch.row
                    + (planes ? x : x * BLOCK)
                    + block * (ptrdiff_t) job->batch.plane;

  if (!inside || planes)
    memset (patch, 0, TILE_IN * sizeof *patch);
  if (inside && planes)
    gather_planes (job, in, 0, TILE_IN, 0, TILE_IN, patch);
  else if (planes)
    gather_planes (job, in, y0, y1, x0, x1, patch);
  else if (inside)
    gather_blocks (job, in, block, 0, TILE_IN, 0, TILE_IN, patch);
  else
    gather_blocks (job, in, block, y0, y1, x0, x1, patch);
}

/* Where a tile is. */
typedef struct
{
  int image, y, x; /* counted in tiles */
} Place;

INLINE Place
place_of (const SympieConvJob *job, int tile)
{
  int n_tiles = job->tiles_x * job->tiles_y;

  return (Place){ tile / n_tiles, tile % n_tiles / job->tiles_x,
    tile % job->tiles_x };
}

INLINE void
move_on (const SympieConvJob *job, Place *place)
{
  if (++place->x < job->tiles_x)
    return;
  place->x = 0;
  if (++place->y < job->tiles_y)
    return;
  place->y = 0;
  place->image++;
}

/* As if there were a block for the channels of planes too. */
static void
transform (const SympieConvJob *job, int first, int n, float *v)
{
  Place place = place_of (job, first);
  size_t point = (size_t) job->n_in_blocks * n * BLOCK + SYMPIE_CONV_SPREAD;
  bool straight = job->n_in >= BLOCK && !job->scale;

  for (int t = 0; t < n; t++, move_on (job, &place)) {
    int y = place.y * TILE - 1, x = place.x * TILE - 1;
    bool inside = y >= job->first_row && y + TILE_IN <= job->end_row && x >= 0
                  && x + TILE_IN <= job->batch.width;
    const float *src = job->batch.src[place.image];

    for (int block = 0; block < job->n_in_blocks; block++) {
      float *out = v + ((size_t) block * n + t) * BLOCK;

      if (straight && inside) {
        transform_tile (
            src + block * job->batch.plane + y * job->batch.row + x * BLOCK,
            job->batch.row, out, point);
      } else {
        Vector patch[TILE_IN][TILE_IN];

        gather (job, src, block, y, x, patch);
        transform_tile ((const float *) patch, TILE_IN * BLOCK, out, point);
      }
    }
  }
}

/* ---- Products ---------------------------------------------------------- */

/* One input channel of n tiles. */
INLINE void
add_channel (
    int n, const float *v, const float *weight, Vector sums[MAX_TILES][PANEL])
{
  Vector w[PANEL];

  for (int o = 0; o < PANEL; o++)
    w[o] = load (weight + o * BLOCK);
  for (int t = 0; t < n; t++)
    for (int o = 0; o < PANEL; o++)
      sums[t][o] += w[o] * v[t * BLOCK];
}

/* n tiles, a constant for the compiler: m[n][PANEL] from v[..][BLOCK], blocks
 * of which are `step` apart, and weight[n_in][PANEL]. On the way it fetches
 * what is at `next`, `next_step` bytes for each channel. */
INLINE void
multiply_tiles (int n, int n_in, const float *v, size_t step,
    const float *weight, const char *next, int next_step, float *m)
{
  Vector sums[MAX_TILES][PANEL];

  for (int t = 0; t < n; t++)
    for (int o = 0; o < PANEL; o++)
      sums[t][o] = (Vector){ 0 };
  for (; n_in >= BLOCK; n_in -= BLOCK, v += step)
#pragma GCC unroll 16
    for (int c = 0; c < BLOCK; c++, weight += PANEL * BLOCK) {
      __builtin_prefetch (next);
      next += next_step;
      add_channel (n, v + c, weight, sums);
    }
  for (int c = 0; c < n_in; c++, weight += PANEL * BLOCK)
    add_channel (n, v + c, weight, sums);
  for (int t = 0; t < n; t++)
    for (int o = 0; o < PANEL; o++)
      store (m + (t * PANEL + o) * BLOCK, sums[t][o]);
}

/* In runs of nearly equal lengths, so that none is too short to be fast. The
 * weights of the next point, which may have to come from memory, are fetched
 * meanwhile, a share in each run. */
static void
multiply_point (const SympieConvJob *job, int n, const float *v,
    const float *weight, float *m)
{
  int n_runs = (n + MAX_TILES - 1) / MAX_TILES;
  int length = n / n_runs, n_longer = n % n_runs;
  int share = PANEL * BLOCK * (int) sizeof (float) / n_runs;
  size_t step = (size_t) n * BLOCK;
  const char *next =
      (const char *) (weight + (size_t) job->n_in * PANEL * BLOCK);

  length += n_longer > 0;
  for (int r = 0; r < n_runs; r++, next += (size_t) share * job->n_in) {
    if (r > 0 && r == n_longer)
      length--;

#define CASE(tiles)                                                            \
  case tiles:                                                                  \
    if (tiles <= MAX_TILES)                                                    \
      multiply_tiles (tiles <= MAX_TILES ? tiles : 1, job->n_in, v, step,      \
          weight, next, share, m);                                             \
    break

    switch (length) {
      CASE (1);
      CASE (2);
      CASE (3);
      CASE (4);
      CASE (5);
      CASE (6);
      CASE (7);
      CASE (8);
      CASE (9);
      CASE (10);
      CASE (11);
      CASE (12);
    }
#undef CASE
    v += length * BLOCK;
    m += length * PANEL * BLOCK;
  }
}

/* ---- Output transform -------------------------------------------------- */

/* Six points to four values: A^T. */
INLINE void
from_points (const Vector p[TILE_IN], Vector values[TILE])
{
  Vector a = p[1] + p[2], b = p[1] - p[2], c = p[3] + p[4], d = p[3] - p[4];

  values[0] = p[0] + a + c;
  values[1] = root * (b + 2 * d);
  values[2] = .5f * (a + 4 * c);
  values[3] = p[5] + .5f * root * (b + 8 * d);
}

INLINE void
transform_back (const float *m, size_t point, Vector out[TILE][TILE])
{
  Vector columns[TILE_IN][TILE];

  for (int x = 0; x < TILE_IN; x++) {
    Vector p[TILE_IN];

    for (int y = 0; y < TILE_IN; y++)
      p[y] = load (m + (y * TILE_IN + x) * point);
    from_points (p, columns[x]);
  }
  for (int y = 0; y < TILE; y++) {
    Vector p[TILE_IN];

    for (int x = 0; x < TILE_IN; x++)
      p[x] = columns[x][y];
    from_points (p, out[y]);
  }
}

/* Bias and relu, and the residual of `rows` rows and `columns` columns. */
INLINE void
finish (const SympieConvJob *job, Vector bias, const float *residual, int rows,
    int columns, Vector out[TILE][TILE])
{
  for (int y = 0; y < TILE; y++)
    for (int x = 0; x < TILE; x++)
      out[y][x] += bias;
  if (job->relu)
    for (int y = 0; y < TILE; y++)
      for (int x = 0; x < TILE; x++)
        out[y][x] = relu (out[y][x]);
  if (residual)
    for (int y = 0; y < rows; y++)
      for (int x = 0; x < columns; x++)
        out[y][x] +=
            load (residual + ((size_t) y * job->batch.width + x) * BLOCK);
}

INLINE void
store_tile (const SympieConvJob *job, float *dst, int rows, int columns,
    Vector out[TILE][TILE])
{
  for (int y = 0; y < rows; y++)
    for (int x = 0; x < columns; x++)
      store (dst + ((size_t) y * job->out_width + x) * BLOCK, out[y][x]);
}

/* Of `rows` rows and `columns` columns of pooled values; bias and relu come
 * after the choice of the largest, which they do not change. */
INLINE void
store_largest (const SympieConvJob *job, Vector bias, float *dst, int rows,
    int columns, Vector out[TILE][TILE])
{
  for (int y = 0; y < rows; y++)
    for (int x = 0; x < columns; x++) {
      Vector a = larger (out[2 * y][2 * x], out[2 * y][2 * x + 1]);
      Vector b = larger (out[2 * y + 1][2 * x], out[2 * y + 1][2 * x + 1]);
      Vector value = larger (a, b) + bias;

      store (dst + ((size_t) y * job->out_width + x) * BLOCK,
          job->relu ? relu (value) : value);
    }
}

/* What a tile gives to the window that it lies in and, below, to that of the
 * next tile row, each with what the tile at the left gave: its last column. */
INLINE void
store_sums (float *dst, float *below, Vector left[2], Vector out[TILE][TILE])
{
  Vector rows[TILE], column = { 0 };

  for (int y = 0; y < TILE; y++) {
    rows[y] = out[y][0] + out[y][1] + (out[y][2] + out[y][3]);
    column += out[y][TILE - 1];
  }
  store (dst, left[0] + (rows[0] + rows[1] + (rows[2] + rows[3])));
  store (below, left[1] + rows[TILE - 1]);
  left[0] = column;
  left[1] = out[TILE - 1][TILE - 1];
}

/* One block of channels of a group of tiles. */
INLINE void
write_tiles (const SympieConvJob *job, SympiePooling pooling, int first, int n,
    int block, const float *m, size_t point)
{
  int width = job->batch.width, height = job->batch.height;
  Place place = place_of (job, first);
  Vector bias = load (job->bias + block * BLOCK), left[2] = { { 0 } };

  for (int t = 0; t < n; t++, m += PANEL * BLOCK, move_on (job, &place)) {
    int y = place.y * TILE, x = place.x * TILE;
    int rows = clamp (height - y, 0, TILE);
    int columns = clamp (width - x, 0, TILE);
    const float *residual = job->batch.residual[place.image];
    float *dst = job->batch.dst[place.image] + block * job->out_plane;
    Vector out[TILE][TILE];

    transform_back (m, point, out);
    if (pooling == SYMPIE_POOLING_MAX) {
      dst += ((size_t) y / 2 * job->out_width + x / 2) * BLOCK;
      store_largest (job, bias, dst, rows / 2, columns / 2, out);
      continue;
    }
    if (residual)
      residual += (((size_t) block * height + y) * width + x) * BLOCK;
    if (pooling == SYMPIE_POOLING_AVERAGE) {
      dst += ((size_t) place.y * job->tiles_x + place.x) * BLOCK;
      if (x == 0)
        left[0] = left[1] = (Vector){ 0 };
      finish (job, bias, residual, TILE, TILE, out);
      store_sums (dst, dst + job->out_plane * (job->n_out / BLOCK), left, out);
    } else {
      dst += ((size_t) y * job->out_width + x) * BLOCK;
      if (rows == TILE && columns == TILE) {
        finish (job, bias, residual, TILE, TILE, out);
        store_tile (job, dst, TILE, TILE, out);
      } else {
        finish (job, bias, residual, rows, columns, out);
        store_tile (job, dst, rows, columns, out);
      }
    }
  }
}

static void
multiply (const SympieConvJob *job, int first, int n, int panel, const float *v,
    float *m)
{
  size_t v_point = (size_t) job->n_in_blocks * n * BLOCK + SYMPIE_CONV_SPREAD;
  size_t m_point = (size_t) n * PANEL * BLOCK + SYMPIE_CONV_SPREAD;
  size_t weight_point = (size_t) job->n_in * PANEL * BLOCK;
  const float *weight = job->weight + panel * POINTS * weight_point;

  for (int p = 0; p < POINTS; p++)
    multiply_point (
        job, n, v + p * v_point, weight + p * weight_point, m + p * m_point);
  for (int o = 0; o < PANEL; o++) {
    int block = panel * PANEL + o;
    const float *from = m + o * BLOCK;

    switch (job->pooling) {
    case SYMPIE_POOLING_NONE:
      write_tiles (job, SYMPIE_POOLING_NONE, first, n, block, from, m_point);
      break;
    case SYMPIE_POOLING_MAX:
      write_tiles (job, SYMPIE_POOLING_MAX, first, n, block, from, m_point);
      break;
    case SYMPIE_POOLING_AVERAGE:
      write_tiles (job, SYMPIE_POOLING_AVERAGE, first, n, block, from, m_point);
      break;
    }
  }
}

static void
average (const SympieConvJob *job, int image, int block)
{
  float *dst = job->batch.dst[image] + block * job->out_plane;
  const float *below = dst + job->out_plane * (job->n_out / BLOCK);
  size_t row = (size_t) job->tiles_x * BLOCK;
  const float one = 1 / 25.0f;

  for (size_t i = 0; i < job->out_plane; i += BLOCK) {
    Vector sum = load (dst + i);

    if (i >= row)
      sum += load (below + i - row);
    store (dst + i, sum * one);
  }
}

/* ---- Small images ------------------------------------------------------ */

static void
gather_small (const SympieConvJob *job, int image, float *v)
{
  Vector patch[TILE_IN][TILE_IN];

  for (int block = 0; block < job->n_in_blocks; block++) {
    gather (job, job->batch.src[image], block, 0, 0, patch);
    for (int c = 0; c < BLOCK && block * BLOCK + c < job->n_in; c++)
      for (int y = 0; y < SMALL; y++)
        for (int x = 0; x < SMALL; x++)
          *v++ = patch[y][x][c];
  }
}

static void
multiply_small (const SympieConvJob *job, int image, int block, const float *v)
{
  const float *weight = job->weight + (size_t) block * job->n_in * 9 * BLOCK;
  int width = job->batch.width, height = job->batch.height;
  size_t at = (size_t) block * job->out_plane;
  const float *residual = job->batch.residual[image];
  Vector sums[SMALL][SMALL];

  for (int y = 0; y < SMALL; y++)
    for (int x = 0; x < SMALL; x++)
      sums[y][x] = load (job->bias + block * BLOCK);
  for (int c = 0; c < job->n_in; c++, v += 9)
    for (int ky = 0; ky < 3; ky++, weight += 3 * BLOCK) {
      Vector w[3] = { load (weight), load (weight + BLOCK),
        load (weight + 2 * BLOCK) };

      for (int y = 0; y < SMALL; y++) {
        int in = y + ky - 1; /* row */

        if (in < 0 || in >= SMALL)
          continue;
        for (int x = 0; x < SMALL; x++) {
          float value = v[in * SMALL + x];

          for (int kx = 0; kx < 3; kx++)
            if (x - kx + 1 >= 0 && x - kx + 1 < SMALL)
              sums[y][x - kx + 1] += w[kx] * value;
        }
      }
    }

  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      size_t i = at + ((size_t) y * width + x) * BLOCK;
      Vector value = job->relu ? relu (sums[y][x]) : sums[y][x];

      if (residual)
        value += load (residual + i);
      store (job->batch.dst[image] + i, value);
    }
}

const SympieConvFunctions FUNCTIONS = {
  .block = BLOCK,
  .transform = transform,
  .multiply = multiply,
  .average = average,
  .gather_small = gather_small,
  .multiply_small = multiply_small,
};
