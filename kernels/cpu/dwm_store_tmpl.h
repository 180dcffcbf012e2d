/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM: filtered samples to rows of every format. Part of dwm_tmpl.h. */

/* Four-byte pixels at once, so that the fourth byte is the source's. */
INLINE void
store_packed (uint8_t *dst, const uint8_t *src, int16_t *const rgb[3],
    const SympieFormatInfo *info, int n)
{
  const int16_t *restrict r = rgb[0], *restrict g = rgb[1];
  const int16_t *restrict b = rgb[2];
  int r_bits = 8 * info->component[0].offset;
  int g_bits = 8 * info->component[1].offset;
  int b_bits = 8 * info->component[2].offset;
  uint32_t alpha = 0xffu << (8 * info->component[3].offset);

  /* In place, a pixel only meets itself. */
#pragma GCC ivdep
  for (int x = 0; x < n; x++) {
    uint32_t pixel;

    memcpy (&pixel, src + 4 * x, sizeof pixel);
    pixel = htole32 ((le32toh (pixel) & alpha) | (uint32_t) r[x] << r_bits
                     | (uint32_t) g[x] << g_bits | (uint32_t) b[x] << b_bits);
    memcpy (dst + 4 * x, &pixel, sizeof pixel);
  }
}

/* What is not a component: planes of alpha. Alpha among the components is in
 * scratch->codes for packing then. */
static void
keep_alpha (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int y)
{
  const SympieComponent *alpha = &plan->info->component[3];
  const uint8_t *src;
  uint8_t *dst;

  if (!alpha->bits)
    return;
  src = plan->src.planes[alpha->plane] + y * plan->src.strides[alpha->plane];
  dst = plan->dst.planes[alpha->plane] + y * plan->dst.strides[alpha->plane];
  if (alpha->plane == 0)
    plan->packing->unpack (plan->info, 3, src, plan->width, scratch->codes[3]);
  else if (src != dst)
    memcpy (dst, src, (size_t) plan->width * alpha->step);
}

static void
pack_planes (const SympieDwmPlan *plan, int first, int end,
    uint16_t *const codes[4], int y)
{
  for (int p = first; p < end; p++)
    plan->packing->pack (plan->info, p, codes, plan->width,
        plan->dst.planes[p] + y * plan->dst.strides[p]);
}

static void
store_rgb (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int y,
    int16_t *const rgb[3])
{
  const SympieTarget *dst = &plan->dst;
  uint16_t *codes[4] = { (uint16_t *) rgb[0], (uint16_t *) rgb[1],
    (uint16_t *) rgb[2], scratch->codes[3] };

  if (sympie_format_is_packed (plan->info)) {
    store_packed (dst->planes[0] + y * dst->strides[0],
        plan->src.planes[0] + y * plan->src.strides[0], rgb, plan->info,
        plan->width);
    return;
  }
  keep_alpha (plan, scratch, y);
  pack_planes (plan, 0, plan->info->n_planes > 1 ? 3 : 1, codes, y);
}

INLINE void
store_code (uint8_t *dst, int code, int bytes, int shift)
{
  if (bytes == 1) {
    *dst = (uint8_t) code;
  } else {
    uint16_t word = (uint16_t) (code << shift);

    memcpy (dst, &word, sizeof word);
  }
}

INLINE void
store_luma (const SympieDwmPlan *plan, uint8_t *restrict dst,
    const int16_t *restrict r, const int16_t *restrict g,
    const int16_t *restrict b, int bytes, int shift)
{
  const int16_t r_factor = plan->y_factor[0], g_factor = plan->y_factor[1];
  const int16_t b_factor = plan->y_factor[2], offset = plan->y_offset;
  int y_shift = plan->y_shift, n = plan->width;
  int16_t max = plan->max; /* white at 12 bits may round to more */

  for (int x = 0; x < n; x++) {
    int16_t sum = (int16_t) (sympie_mul_q15 (r[x], r_factor)
                             + sympie_mul_q15 (g[x], g_factor)
                             + sympie_mul_q15 (b[x], b_factor) + offset);

    sum = (int16_t) (sum >> y_shift);
    store_code (dst + bytes * x, sum < max ? sum : max, bytes, shift);
  }
}

/* Twice the mean of rows around a row of chroma. */
static void
average_rows (int16_t *restrict dst, const int16_t *above, const int16_t *row,
    const int16_t *below, int n)
{
  if (above)
    for (int x = 0; x < n; x++)
      dst[x] = (int16_t) ((above[x] + 2 * row[x] + below[x] + 1) >> 1);
  else
    for (int x = 0; x < n; x++)
      dst[x] = (int16_t) (row[x] + below[x]);
}

/* Twice the mean of the four rows that a row of chroma stands for, of which the
 * frame may have `count` only. */
static void
average_four_rows (int16_t *restrict dst, const int16_t *row, ptrdiff_t pitch,
    int count, int n)
{
  const int16_t *b = row + (count > 1 ? pitch : 0);
  const int16_t *c = count > 2 ? b + pitch : b;
  const int16_t *d = count > 3 ? c + pitch : c;

  for (int x = 0; x < n; x++)
    dst[x] = (int16_t) ((row[x] + b[x] + c[x] + d[x] + 1) >> 1);
}

/* Four times the mean of columns around a column of chroma, from rows that are
 * twice what they stand for (up 0) or just that (up 1). */
INLINE int16_t
average_columns (const int16_t *row, int x, int sub_x, bool left, int up)
{
  uint16_t sum;

  if (sub_x == 0)
    return (int16_t) (4 * row[x]);
  if (sub_x == 1 && !left)
    return (int16_t) ((1 + up) * (row[2 * x] + row[2 * x + 1]));
  if (sub_x == 1) {
    sum = (uint16_t) (row[2 * x - 1] + 2 * row[2 * x] + row[2 * x + 1]);
    return (int16_t) (up ? sum : (sum + 1) >> 1);
  }
  row += 4 * x;
  if (!left)
    return (int16_t) ((row[0] + row[1] + row[2] + row[3] + 1 - up) >> (1 - up));
  return (int16_t) ((row[-3] + row[3] + 2 * (row[-2] + row[2])
                        + 3 * (row[-1] + row[1]) + 4 * row[0] + 4 - 2 * up)
                    >> (3 - up));
}

INLINE void
store_chroma (const SympieDwmPlan *plan, uint8_t *restrict u_dst,
    uint8_t *restrict v_dst, const int16_t *restrict r_row,
    const int16_t *restrict g_row, const int16_t *restrict b_row, int bytes,
    int step, int sub_x, bool left, int up)
{
  int n = (plan->width + (1 << sub_x) - 1) >> sub_x;
  const int16_t u_r = plan->u_factor[0], u_g = plan->u_factor[1];
  const int16_t u_b = plan->u_factor[2], v_r = plan->v_factor[0];
  const int16_t v_g = plan->v_factor[1], v_b = plan->v_factor[2];
  const int16_t offset = plan->uv_offset;
  int uv_shift = plan->uv_shift, max = plan->max;
  int shift = plan->direct ? plan->shift : 0;

  for (int x = 0; x < n; x++) {
    int16_t r = average_columns (r_row, x, sub_x, left, up);
    int16_t g = average_columns (g_row, x, sub_x, left, up);
    int16_t b = average_columns (b_row, x, sub_x, left, up);
    int16_t u = (int16_t) (sympie_mul_q15 (r, u_r) + sympie_mul_q15 (g, u_g)
                           + sympie_mul_q15 (b, u_b) + offset);
    int16_t v = (int16_t) (sympie_mul_q15 (r, v_r) + sympie_mul_q15 (g, v_g)
                           + sympie_mul_q15 (b, v_b) + offset);

    store_code (u_dst + step * x, clamp (u >> uv_shift, 0, max), bytes, shift);
    store_code (v_dst + step * x, clamp (v >> uv_shift, 0, max), bytes, shift);
  }
}

static void
store_chroma_row (const SympieDwmPlan *plan, const SympieDwmScratch *scratch,
    int row, const int16_t *const rgb[3])
{
  const SympieComponent *u = &plan->info->component[1], *v = u + 1;
  const SympieTarget *dst = &plan->dst;
  uint8_t *u_dst = (uint8_t *) scratch->codes[1];
  uint8_t *v_dst = (uint8_t *) scratch->codes[2];
  const int16_t *r = rgb[0], *g = rgb[1], *b = rgb[2];
  bool left = plan->src.colorimetry.chroma_site & SYMPIE_CHROMA_LEFT;
  int bytes = 2, step = 2;

  if (plan->direct) {
    u_dst = dst->planes[u->plane] + row * dst->strides[u->plane] + u->offset;
    v_dst = dst->planes[v->plane] + row * dst->strides[v->plane] + v->offset;
    bytes = plan->info->word;
    step = u->step;
  }

#define STORE_AS(bytes, step, sub_x, left, up)                                 \
  store_chroma (plan, u_dst, v_dst, r, g, b, bytes, step, sub_x, left, up)
#define STORE(bytes, step)                                                     \
  do {                                                                         \
    if (u->sub_x == 0)                                                         \
      STORE_AS (bytes, step, 0, false, 1);                                     \
    else if (u->sub_x == 2 && u->sub_y)                                        \
      STORE_AS (bytes, step, 2, left, 0);                                      \
    else if (u->sub_x == 2)                                                    \
      STORE_AS (bytes, step, 2, left, 1);                                      \
    else if (left && u->sub_y)                                                 \
      STORE_AS (bytes, step, 1, true, 0);                                      \
    else if (left)                                                             \
      STORE_AS (bytes, step, 1, true, 1);                                      \
    else if (u->sub_y)                                                         \
      STORE_AS (bytes, step, 1, false, 0);                                     \
    else                                                                       \
      STORE_AS (bytes, step, 1, false, 1);                                     \
  } while (0)
  if (bytes == 1 && step == 1)
    STORE (1, 1);
  else if (bytes == 1)
    STORE (1, 2);
  else if (step == 2)
    STORE (2, 2);
  else
    STORE (2, 4);
#undef STORE
#undef STORE_AS
}

/* Rows `y` and those below it that share its chroma, `rgb` at row `y`. */
static void
store_chroma_rows (const SympieDwmPlan *plan, const SympieDwmScratch *scratch,
    int y, bool last, int16_t *const rgb[3])
{
  const SympieComponent *chroma = &plan->info->component[1];
  bool top = plan->src.colorimetry.chroma_site & SYMPIE_CHROMA_TOP;
  const int16_t *rows[3];
  int n = plan->width;

  for (int c = 0; c < 3; c++) {
    int16_t *row = rgb[c];

    if (chroma->sub_y == 2) {
      row = scratch->average[c];
      average_four_rows (row, rgb[c], plan->pitch, plan->height - y, n);
    } else if (chroma->sub_y) {
      row = scratch->average[c];
      average_rows (row,
          !top    ? NULL
          : y > 0 ? rgb[c] - plan->pitch
                  : rgb[c],
          rgb[c], last ? rgb[c] : rgb[c] + plan->pitch, n);
    }
    for (int i = 1; i <= 3; i++) {
      row[-i] = row[0];
      row[n - 1 + i] = row[n - 1];
    }
    rows[c] = row;
  }
  store_chroma_row (plan, scratch, y >> chroma->sub_y, rows);
}

static void
store_yuv (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int y,
    bool last, int16_t *const rgb[3])
{
  const SympieComponent *chroma = &plan->info->component[1];
  bool has_chroma = chroma->bits && !(y & ((1 << chroma->sub_y) - 1));
  uint8_t *luma = plan->direct ? plan->dst.planes[0] + y * plan->dst.strides[0]
                               : (uint8_t *) scratch->codes[0];

  if (plan->direct && plan->info->word == 1)
    store_luma (plan, luma, rgb[0], rgb[1], rgb[2], 1, 0);
  else
    store_luma (
        plan, luma, rgb[0], rgb[1], rgb[2], 2, plan->direct ? plan->shift : 0);
  if (has_chroma)
    store_chroma_rows (plan, scratch, y, last, rgb);

  keep_alpha (plan, scratch, y);
  if (!plan->direct) {
    pack_planes (plan, 0, 1, scratch->codes, y);
    if (has_chroma && chroma->plane > 0)
      pack_planes (
          plan, 1, chroma[1].plane + 1, scratch->codes, y >> chroma->sub_y);
  }
}

static void
store (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int y)
{
  for (int i = 0; i < SYMPIE_DWM_GROUP && y + i < plan->height; i++) {
    int16_t *rgb[3];

    for (int c = 0; c < 3; c++)
      rgb[c] = scratch->out[c] + (i + 1) * plan->pitch + SYMPIE_DWM_LEFT;
    if (plan->info->yuv)
      store_yuv (plan, scratch, y + i, y + i + 1 == plan->height, rgb);
    else
      store_rgb (plan, scratch, y + i, rgb);
  }
}
