/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The table in image.c says where codes lie; here they are fetched and put
 * there. A function for each size of word and distance of words, so that
 * compilers vectorise it, and one each for words that hold several codes. */

#include "packing.h"

#include <endian.h>
#include <string.h>

#define INLINE static inline __attribute__ ((always_inline))

/* Whether words hold one code of full depth, in whatever byte order. */
INLINE bool
is_code_a_word (const SympieFormatInfo *info)
{
  return info->word <= 2 && info->component[0].bits == info->depth;
}

/* ---- Unpacking ----------------------------------------------------------- */

INLINE uint64_t
get_bits (const uint8_t *src, int bytes, bool swap)
{
  uint64_t quad;
  uint32_t word;
  uint16_t half;

  switch (bytes) {
  case 1:
    return *src;
  case 2:
    memcpy (&half, src, sizeof half);
    return swap ? __builtin_bswap16 (half) : half;
  case 4:
    memcpy (&word, src, sizeof word);
    return swap ? __builtin_bswap32 (word) : word;
  default:
    memcpy (&quad, src, sizeof quad);
    return swap ? __builtin_bswap64 (quad) : quad;
  }
}

/* All from one code to the next is taken for one word, of `step` bytes. Codes
 * of fewer bits than `depth` are repeated below themselves: 0 stays 0, and all
 * bits stay all bits. */
INLINE void
unpack_bits (const uint8_t *restrict src, uint16_t *restrict codes, int step,
    bool swap, int shift, int bits, int depth, int n)
{
  unsigned mask = (1u << bits) - 1;
  int left = depth - bits, right = bits - left;

  for (int x = 0; x < n; x++) {
    uint64_t word = get_bits (src + (ptrdiff_t) step * x, step, swap);
    /* Lanes of a vector no wider than need be. */
    unsigned code = step == 8   ? (unsigned) (word >> shift)
                    : step == 4 ? (uint32_t) word >> shift
                                : (uint16_t) ((uint16_t) word >> shift);

    code &= mask;
    codes[x] = (uint16_t) (left > 0 ? code << left | code >> right : code);
  }
}

INLINE void
unpack_threes (const uint8_t *restrict src, uint16_t *restrict codes, int n)
{
  for (int x = 0; x < n; x++)
    codes[x] = src[3 * x];
}

INLINE void
unpack_words (const SympieFormatInfo *info, const SympieComponent *component,
    bool repeats, const uint8_t *row, uint16_t *codes, int n)
{
  int step = component->step, offset = component->offset % step;
  bool swap = info->big_endian;
  int below = swap ? step - info->word - offset : offset; /* bytes */
  int shift = 8 * below + component->shift, bits = component->bits;
  int depth = repeats ? info->depth : bits;

  row += component->offset - offset;
#define UNPACK(step, swap)                                                     \
  unpack_bits (row, codes, step, swap, shift, bits, depth, n)
  switch (step + 16 * swap) {
  case 1:
    UNPACK (1, false);
    break;
  case 2:
    UNPACK (2, false);
    break;
  case 3:
    unpack_threes (row + offset, codes, n);
    break;
  case 4:
    UNPACK (4, false);
    break;
  case 8:
    UNPACK (8, false);
    break;
  case 16 + 2:
    UNPACK (2, true);
    break;
  case 16 + 4:
    UNPACK (4, true);
    break;
  default:
    UNPACK (8, true);
    break;
  }
#undef UNPACK
}

/* ---- Packing words of one code ------------------------------------------- */

INLINE void
put_word (uint8_t *dst, int bytes, bool swap, unsigned value)
{
  uint16_t word = (uint16_t) value;

  if (bytes == 1) {
    *dst = (uint8_t) value;
  } else {
    word = swap ? __builtin_bswap16 (word) : word;
    memcpy (dst, &word, sizeof word);
  }
}

/* Four bytes of a pixel as one word: interleaving bytes is slower. */
INLINE void
pack_quads (const uint16_t *const sources[4], uint8_t *restrict dst, int n)
{
  const uint16_t *restrict a = sources[0], *restrict b = sources[1];
  const uint16_t *restrict c = sources[2], *restrict d = sources[3];

  for (int x = 0; x < n; x++) {
    uint16_t low = (uint16_t) (a[x] | b[x] << 8);
    uint16_t high = (uint16_t) (c[x] | d[x] << 8);
    uint32_t word = htole32 (low | (uint32_t) high << 16);

    memcpy (dst + 4 * x, &word, sizeof word);
  }
}

/* `n` groups of `group` words, one from each of the sources. */
INLINE void
pack_groups (const uint16_t *const sources[4], int group, uint8_t *restrict dst,
    int bytes, bool swap, int shift, int n)
{
  const uint16_t *restrict a = sources[0], *restrict b = sources[1];
  const uint16_t *restrict c = sources[2], *restrict d = sources[3];

  for (int x = 0; x < n; x++) {
    uint8_t *at = dst + (ptrdiff_t) x * group * bytes;

    put_word (at, bytes, swap, (unsigned) a[x] << shift);
    if (group > 1)
      put_word (at + bytes, bytes, swap, (unsigned) b[x] << shift);
    if (group > 2)
      put_word (at + 2 * bytes, bytes, swap, (unsigned) c[x] << shift);
    if (group > 3)
      put_word (at + 3 * bytes, bytes, swap, (unsigned) d[x] << shift);
  }
}

/* Two codes as the halves of a word, the first one low. */
INLINE uint32_t
pair_of (const uint16_t *codes)
{
  uint32_t pair;

  memcpy (&pair, codes, sizeof pair);
  return pair;
}

INLINE void
put_pair (uint8_t *dst, bool swap, uint32_t pair)
{
  if (swap)
    pair = (pair & 0x00ff00ff) << 8 | (pair >> 8 & 0x00ff00ff);
  pair = htole32 (pair);
  memcpy (dst, &pair, sizeof pair);
}

/* 4:2:2: two of luma and one each of chroma, the first of luma at word `first`
 * (0 or 1). A last pixel without a partner leaves the word of that alone. */
INLINE void
pack_pixel_pairs (const uint16_t *restrict luma, const uint16_t *restrict u,
    const uint16_t *restrict v, int first, uint8_t *restrict dst, int bytes,
    bool swap, int shift, int width)
{
  int n = width / 2;

  for (int x = 0; x < n; x++) {
    uint8_t *at = dst + (ptrdiff_t) x * 4 * bytes;
    uint32_t lumas = pair_of (luma + 2 * x) << shift;
    uint32_t chroma = (u[x] | (uint32_t) v[x] << 16) << shift;
    uint32_t even = first ? chroma : lumas, odd = first ? lumas : chroma;

    if (bytes == 1) {
      put_pair (at, false, even | odd << 8);
    } else {
      put_pair (at, swap, (even & 0xffff) | odd << 16);
      put_pair (at + 4, swap, even >> 16 | (odd & 0xffff0000));
    }
  }
  if (width % 2) {
    dst += (ptrdiff_t) n * 4 * bytes;
    put_word (
        dst + first * bytes, bytes, swap, (unsigned) luma[2 * n] << shift);
    put_word (dst + (1 - first) * bytes, bytes, swap, (unsigned) u[n] << shift);
    put_word (dst + (3 - first) * bytes, bytes, swap, (unsigned) v[n] << shift);
  }
}

INLINE void
pack_own_words (const SympieFormatInfo *info, int plane,
    uint16_t *const codes[4], int width, uint8_t *row)
{
  const SympieComponent *component = info->component;
  const uint16_t *sources[4] = { NULL };
  int group = 0, bytes = info->word, shift = component[0].shift, n = width;
  bool swap = info->big_endian;

  for (int c = 0; c < 4; c++)
    if (component[c].bits && component[c].plane == plane) {
      group = component[c].step / bytes;
      sources[component[c].offset / bytes] = codes[c];
      n = sympie_component_width (&component[c], width);
    }

#define PACK(group, bytes, swap)                                               \
  pack_groups (sources, group, row, bytes, swap, shift, n)
#define PACK_PAIRS(first, bytes, swap)                                         \
  pack_pixel_pairs (codes[0], sources[1 - (first)], sources[3 - (first)],      \
      first, row, bytes, swap, shift, width)
  if (component[0].step != component[1].step && info->n_planes == 1
      && group > 1)
    switch (component[0].offset / bytes + 2 * (bytes - 1) + 4 * swap) {
    case 0:
      PACK_PAIRS (0, 1, false);
      break;
    case 1:
      PACK_PAIRS (1, 1, false);
      break;
    case 2:
      PACK_PAIRS (0, 2, false);
      break;
    default:
      PACK_PAIRS (0, 2, true);
      break;
    }
  else
    switch (group + 4 * (bytes - 1) + 8 * swap) {
    case 1:
      PACK (1, 1, false);
      break;
    case 2:
      PACK (2, 1, false);
      break;
    case 3:
      PACK (3, 1, false);
      break;
    case 4:
      pack_quads (sources, row, n);
      break;
    case 4 + 1:
      PACK (1, 2, false);
      break;
    case 4 + 2:
      PACK (2, 2, false);
      break;
    case 4 + 4:
      PACK (4, 2, false);
      break;
    case 8 + 4 + 1:
      PACK (1, 2, true);
      break;
    case 8 + 4 + 2:
      PACK (2, 2, true);
      break;
    default:
      PACK (4, 2, true);
      break;
    }
#undef PACK
#undef PACK_PAIRS
}

/* ---- Packing words of several codes -------------------------------------- */

INLINE void
pack_tens (const SympieFormatInfo *info, uint16_t *const codes[4], bool swap,
    bool alpha, int n, uint8_t *restrict row)
{
  const uint16_t *restrict a = codes[0], *restrict b = codes[1];
  const uint16_t *restrict c = codes[2], *restrict d = codes[3];
  int a_shift = info->component[0].shift, b_shift = info->component[1].shift;
  int c_shift = info->component[2].shift, d_shift = info->component[3].shift;

  for (int x = 0; x < n; x++) {
    uint32_t word = (uint32_t) a[x] << a_shift | (uint32_t) b[x] << b_shift
                    | (uint32_t) c[x] << c_shift;

    if (alpha)
      word |= (uint32_t) d[x] << d_shift;
    word = swap ? __builtin_bswap32 (word) : word;
    memcpy (row + 4 * x, &word, sizeof word);
  }
}

/* 8 bits to fewer, to the nearest. */
INLINE unsigned
fewer_bits (unsigned code, unsigned max)
{
  unsigned product = code * max + 128;

  return (product + (product >> 8)) >> 8;
}

INLINE void
pack_fives (const SympieFormatInfo *info, uint16_t *const codes[4], int n,
    uint8_t *restrict row)
{
  const SympieComponent *component = info->component;
  const uint16_t *restrict a = codes[0], *restrict b = codes[1];
  const uint16_t *restrict c = codes[2];
  int a_shift = component[0].shift, b_shift = component[1].shift;
  int c_shift = component[2].shift;
  unsigned a_max = (1u << component[0].bits) - 1;
  unsigned b_max = (1u << component[1].bits) - 1;
  unsigned c_max = (1u << component[2].bits) - 1;

  for (int x = 0; x < n; x++) {
    uint16_t word = (uint16_t) (fewer_bits (a[x], a_max) << a_shift
                                | fewer_bits (b[x], b_max) << b_shift
                                | fewer_bits (c[x], c_max) << c_shift);

    memcpy (row + 2 * x, &word, sizeof word);
  }
}

/* ---- Groups ------------------------------------------------------------- */

/* Bytes of the group that `left` codes of a component are left for: of a pair
 * of words one pair of chroma needs the first only. */
INLINE int
group_bytes (int bytes, int left)
{
  return bytes == 8 && left == 1 ? 4 : bytes;
}

INLINE uint64_t
get_group (const uint8_t *src, int bytes, bool big_endian)
{
  uint64_t word = 0;

  memcpy (&word, src, bytes);
  return big_endian ? be64toh (word) >> (64 - 8 * bytes) : le64toh (word);
}

INLINE void
put_group (uint8_t *dst, int bytes, bool big_endian, uint64_t word)
{
  word = big_endian ? htobe64 (word << (64 - 8 * bytes)) : htole64 (word);
  memcpy (dst, &word, bytes);
}

INLINE void
unpack_groups (const SympieComponent *component, const uint8_t *restrict row,
    uint16_t *restrict codes, int bytes, bool big_endian, int n)
{
  int group = component->n;
  unsigned mask = (1u << component->bits) - 1;

  for (int x = 0; x < n; x += group, row += bytes) {
    uint64_t word = get_group (row, group_bytes (bytes, n - x), big_endian);

    for (int i = 0; i < group; i++)
      codes[x + i] = (uint16_t) (word >> component->shifts[i]) & mask;
  }
}

/* The codes in the last group that are beyond the row are padding, and stay. */
INLINE void
pack_plane_groups (const SympieFormatInfo *info, int plane,
    uint16_t *const codes[4], int width, uint8_t *restrict row, int bytes)
{
  const SympieComponent *component = info->component;
  int first = plane == component[0].plane ? 0 : 1, end = first;
  int size = (int) sympie_format_row_bytes (info, plane, width);
  bool ends_within = width % sympie_format_period (info) != 0;

  while (end < 3 && component[end].bits && component[end].plane == plane)
    end++;
  for (int at = 0; at < size; at += bytes) {
    bool is_last = at + bytes >= size;
    int here = bytes == 8 && is_last ? size - at : bytes;
    uint64_t word = is_last && ends_within
                        ? get_group (row + at, here, info->big_endian)
                        : 0;

    for (int c = first; c < end; c++) {
      int group = component[c].n, x = at / bytes * group;
      int n = sympie_component_width (&component[c], width) - x;
      uint64_t mask = (1u << component[c].bits) - 1;

      for (int i = 0; i < group && i < n; i++) {
        int shift = component[c].shifts[i];

        word = (word & ~(mask << shift)) | (uint64_t) codes[c][x + i] << shift;
      }
    }
    put_group (row + at, here, info->big_endian, word);
  }
}

INLINE void
unpack_grouped (const SympieComponent *component, bool big_endian,
    const uint8_t *row, uint16_t *codes, int n)
{
  switch (component->step) {
  case 4:
    unpack_groups (component, row, codes, 4, false, n);
    break;
  case 5:
    if (big_endian)
      unpack_groups (component, row, codes, 5, true, n);
    else
      unpack_groups (component, row, codes, 5, false, n);
    break;
  case 6:
    unpack_groups (component, row, codes, 6, false, n);
    break;
  default:
    unpack_groups (component, row, codes, 8, false, n);
    break;
  }
}

INLINE void
pack_grouped (const SympieFormatInfo *info, int plane, uint16_t *const codes[4],
    int width, uint8_t *row)
{
  switch (info->component[plane].step) {
  case 4:
    pack_plane_groups (info, plane, codes, width, row, 4);
    break;
  case 5:
    pack_plane_groups (info, plane, codes, width, row, 5);
    break;
  case 6:
    pack_plane_groups (info, plane, codes, width, row, 6);
    break;
  default:
    pack_plane_groups (info, plane, codes, width, row, 8);
    break;
  }
}

/* ---- v210 --------------------------------------------------------------- */

/* Four words of 32 bits, three codes each from the low bits up, hold six
 * pixels:
 *   U0 Y0 V0, Y1 U1 Y2, V1 Y3 U2, Y4 V2 Y5 */

typedef uint8_t Bytes __attribute__ ((vector_size (16)));
typedef uint16_t Words __attribute__ ((vector_size (16)));
typedef uint32_t Doubles __attribute__ ((vector_size (16)));
typedef uint64_t Quads __attribute__ ((vector_size (16)));

#define V210_UNUSED 0xc0000000u

/* The two bytes that code `field` of a word lies in, and what moves it to the
 * top of them. */
#define CODE(word, field) 4 * (word) + (field), 4 * (word) + (field) + 1
#define MOVE(field) 1 << (6 - 2 * (field))

INLINE Words
unpack_v210_luma (Bytes group)
{
  const Words move = { MOVE (1), MOVE (0), MOVE (2), MOVE (1), MOVE (0),
    MOVE (2), 0, 0 };
  Words words =
      (Words) __builtin_shufflevector (group, group, CODE (0, 1), CODE (1, 0),
          CODE (1, 2), CODE (2, 1), CODE (3, 0), CODE (3, 2), 0, 0, 0, 0);

  return words * move >> 6;
}

/* U in the first half and V in the second. */
INLINE Words
unpack_v210_chroma (Bytes group)
{
  const Words move = { MOVE (0), MOVE (1), MOVE (2), 0, MOVE (2), MOVE (0),
    MOVE (1), 0 };
  Words words =
      (Words) __builtin_shufflevector (group, group, CODE (0, 0), CODE (1, 1),
          CODE (2, 2), 0, 0, CODE (0, 2), CODE (2, 0), CODE (3, 1), 0, 0);

  return words * move >> 6;
}

INLINE Bytes
pack_v210_group (Words y, Words uv)
{
  Doubles low =
      (Doubles) __builtin_shufflevector (y, uv, 8, 0, 1, 9, 13, 3, 4, 14);
  Doubles high =
      (Doubles) __builtin_shufflevector (y, uv, 12, 0, 2, 0, 10, 0, 5, 0);
  Doubles group = (low & 0xffff) | low >> 16 << 10 | (high & 0xffff) << 20;
  return (Bytes) group;
}

INLINE void
unpack_v210 (
    const uint8_t *restrict row, uint16_t *restrict codes, int c, int width)
{
  for (int x = 0; x < width; x += 6, row += 16) {
    Bytes group;

    memcpy (&group, row, sizeof group);
    if (c == 0) {
      Words words = unpack_v210_luma (group);

      memcpy (codes + x, &words, sizeof words);
    } else {
      uint64_t half = ((Quads) unpack_v210_chroma (group))[c - 1];

      memcpy (codes + x / 2, &half, sizeof half);
    }
  }
}

INLINE void
pack_v210 (uint16_t *const codes[4], int width, uint8_t *restrict row)
{
  const uint16_t *restrict luma = codes[0];
  const uint16_t *restrict u = codes[1], *restrict v = codes[2];
  Words y, uv;
  Bytes group;
  int x;

  for (x = 0; x + 6 <= width; x += 6, row += 16) {
    uint64_t halves[2];

    memcpy (&y, luma + x, sizeof y);
    memcpy (&halves[0], u + x / 2, sizeof halves[0]);
    memcpy (&halves[1], v + x / 2, sizeof halves[1]);
    uv = (Words) (Quads){ halves[0], halves[1] };
    group = pack_v210_group (y, uv);
    memcpy (row, &group, sizeof group);
  }
  if (x < width) {
    /* The rest of the last group is padding, down to the bits. */
    Doubles kept;

    memcpy (&group, row, sizeof group);
    kept = (Doubles) group & V210_UNUSED;
    y = unpack_v210_luma (group);
    uv = unpack_v210_chroma (group);
    for (int i = 0; i < width - x; i++)
      y[i] = luma[x + i];
    for (int i = 0; 2 * i < width - x; i++) {
      uv[i] = u[x / 2 + i];
      uv[4 + i] = v[x / 2 + i];
    }
    group = (Bytes) ((Doubles) pack_v210_group (y, uv) | kept);
    memcpy (row, &group, sizeof group);
  }
}

/* ---- All ----------------------------------------------------------------- */

INLINE void
unpack (const SympieFormatInfo *info, int c, const uint8_t *row, int width,
    uint16_t *codes)
{
  const SympieComponent *component = &info->component[c];
  int n = sympie_component_width (component, width);

  if (info->v210 && c == 0)
    unpack_v210 (row, codes, 0, width);
  else if (info->v210 && c == 1)
    unpack_v210 (row, codes, 1, width);
  else if (info->v210)
    unpack_v210 (row, codes, 2, width);
  else if (component->n)
    unpack_grouped (component, info->big_endian, row, codes, n);
  else if (component->bits < info->depth && c < 3)
    unpack_words (info, component, true, row, codes, n);
  else
    unpack_words (info, component, false, row, codes, n);
}

INLINE void
pack (const SympieFormatInfo *info, int plane, uint16_t *const codes[4],
    int width, uint8_t *row)
{
  bool swap = info->big_endian, alpha = info->component[3].bits;

  if (info->v210)
    pack_v210 (codes, width, row);
  else if (info->component[0].n)
    pack_grouped (info, plane, codes, width, row);
  else if (is_code_a_word (info))
    pack_own_words (info, plane, codes, width, row);
  else if (info->word == 2)
    pack_fives (info, codes, width, row);
  else if (swap)
    pack_tens (info, codes, true, false, width, row);
  else if (alpha)
    pack_tens (info, codes, false, true, width, row);
  else
    pack_tens (info, codes, false, false, width, row);
}

/* ---- For each instruction set -------------------------------------------- */

#define DEFINE_PACKING(suffix, target)                                         \
  target static void unpack_##suffix (const SympieFormatInfo *info, int c,     \
      const uint8_t *row, int width, uint16_t *codes)                          \
  {                                                                            \
    unpack (info, c, row, width, codes);                                       \
  }                                                                            \
  target static void pack_##suffix (const SympieFormatInfo *info, int plane,   \
      uint16_t *const codes[4], int width, uint8_t *row)                       \
  {                                                                            \
    pack (info, plane, codes, width, row);                                     \
  }                                                                            \
  static const SympiePacking packing_##suffix = { unpack_##suffix,             \
    pack_##suffix };

DEFINE_PACKING (c, )
#if defined(__x86_64__)
DEFINE_PACKING (avx2, __attribute__ ((target ("avx2"))))
#endif

const SympiePacking *
sympie_packing (unsigned cpu_flags)
{
#if defined(__x86_64__)
  if (cpu_flags & SYMPIE_CPU_AVX2)
    return &packing_avx2;
#endif
  return &packing_c;
}

/* ---- Copying ------------------------------------------------------------- */

void
sympie_packing_copy (const SympieImage *src, const SympieTarget *dst)
{
  const SympieFormatInfo *info = sympie_format_info (src->format);
  uint16_t room[4][6 + SYMPIE_PACKING_SPARE];
  uint16_t *codes[4] = { room[0], room[1], room[2], room[3] };
  /* The last pixels where they may share their bytes with padding. */
  bool shares = info->n_planes == 1 || info->component[0].n;
  int rest = shares ? src->width % sympie_format_period (info) : 0;

  for (int p = 0; p < info->n_planes; p++) {
    size_t bytes = sympie_format_row_bytes (info, p, src->width - rest);
    int height = sympie_format_rows (info, p, src->height);

    for (int y = 0; y < height && src->planes[p] != dst->planes[p]; y++) {
      const uint8_t *in = src->planes[p] + y * src->strides[p];
      uint8_t *out = dst->planes[p] + y * dst->strides[p];

      memcpy (out, in, bytes);
      for (int c = 0; rest > 0 && c < 4; c++)
        if (info->component[c].bits && info->component[c].plane == p)
          unpack (info, c, in + bytes, rest, codes[c]);
      if (rest > 0)
        pack (info, p, codes, rest, out + bytes);
    }
  }
}
