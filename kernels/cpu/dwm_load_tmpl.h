/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM: rows of every format to samples. Part of dwm_tmpl.h. */

INLINE void
load_bytes (int16_t *restrict dst, const uint8_t *restrict src, int step, int n)
{
  for (int x = 0; x < n; x++)
    dst[x] = (int16_t) ((src[step * x] << 8) + INT16_MIN);
}

INLINE void
raise_codes (
    int16_t *restrict dst, const uint16_t *restrict codes, int up, int n)
{
  for (int x = 0; x < n; x++)
    dst[x] = (int16_t) ((codes[x] << up) + INT16_MIN);
}

static void
load_rgb (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int y,
    int16_t *const dst[3])
{
  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &plan->info->component[c];
    const uint8_t *row = plan->src.planes[component->plane]
                         + y * plan->src.strides[component->plane];

    if (plan->info->word > 1) {
      plan->packing->unpack (
          plan->info, c, row, plan->width, scratch->codes[c]);
      raise_codes (dst[c], scratch->codes[c], plan->up, plan->width);
      continue;
    }
    row += component->offset;
    switch (component->step) {
    case 1:
      load_bytes (dst[c], row, 1, plan->width);
      break;
    case 3:
      load_bytes (dst[c], row, 3, plan->width);
      break;
    default:
      load_bytes (dst[c], row, 4, plan->width);
      break;
    }
  }
}

/* Row `y` of a component of YUV, in its own rows, as bytes or words that are
 * *step bytes apart: where it lies, or unpacked in the room that is given. */
INLINE const uint8_t *
yuv_row (const SympieDwmPlan *plan, int c, int y, uint16_t *room, int *step)
{
  const SympieComponent *component = &plan->info->component[c];
  const uint8_t *row = plan->src.planes[component->plane]
                       + y * plan->src.strides[component->plane];

  if (plan->direct) {
    *step = component->step;
    return row + component->offset;
  }
  plan->packing->unpack (plan->info, c, row, plan->width, room);
  *step = sizeof *room;
  return (const uint8_t *) room;
}

/* The code of a sample of `bytes` bytes. */
INLINE int
code_at (const uint8_t *src, int bytes, int shift, int max)
{
  uint16_t word;

  if (bytes == 1)
    return *src;
  memcpy (&word, src, sizeof word);
  word = (uint16_t) (word >> shift);
  return word > max ? max : word;
}

/* Four times a row of chroma at a luma row: `near` weighs 4 - weight and `far`
 * weight. */
INLINE void
blend_chroma (int16_t *restrict dst, const uint8_t *restrict near,
    const uint8_t *restrict far, int weight, int bytes, int step, int shift,
    int max, int n)
{
  if (weight == 0) {
    for (int x = 0; x < n; x++)
      dst[x] = (int16_t) (4 * code_at (near + step * x, bytes, shift, max));
    return;
  }
  for (int x = 0; x < n; x++)
    dst[x] =
        (int16_t) ((4 - weight) * code_at (near + step * x, bytes, shift, max)
                   + weight * code_at (far + step * x, bytes, shift, max));
}

/* Eight times a row of chroma of 4:1:0: `far` weighs eighths. */
static void
blend_chroma_in_eighths (int16_t *restrict dst, const uint8_t *restrict near,
    const uint8_t *restrict far, int weight, int n)
{
  for (int x = 0; x < n; x++)
    dst[x] = (int16_t) ((8 - weight) * near[x] + weight * far[x]);
}

/* Sixteen times the code at every pixel, from four times the code, or eight
 * times (`more` 1) where there is a sample for four pixels. */
static void
widen_chroma (const int16_t *restrict narrow, int16_t *restrict wide, int sub_x,
    bool left, int more, int n)
{
  if (sub_x == 0) {
    for (int x = 0; x < n; x++)
      wide[x] = (int16_t) (4 * narrow[x]);
  } else if (sub_x == 1 && left) {
    for (int x = 0; x < n; x++) {
      wide[2 * x] = (int16_t) (4 * narrow[x]);
      wide[2 * x + 1] = (int16_t) (2 * (narrow[x] + narrow[x + 1]));
    }
  } else if (sub_x == 1) {
    for (int x = 0; x < n; x++) {
      wide[2 * x] = (int16_t) (3 * narrow[x] + narrow[x - 1]);
      wide[2 * x + 1] = (int16_t) (3 * narrow[x] + narrow[x + 1]);
    }
  } else if (left) {
    for (int x = 0; x < n; x++)
      for (int i = 0; i < 4; i++)
        wide[4 * x + i] =
            (int16_t) (((4 - i) * narrow[x] + i * narrow[x + 1] + more)
                       >> more);
  } else {
    for (int x = 0; x < n; x++) {
      int before = narrow[x - 1], here = narrow[x], after = narrow[x + 1];
      int half = 1 + more, down = 1 + more;

      wide[4 * x] = (int16_t) ((5 * here + 3 * before + half) >> down);
      wide[4 * x + 1] = (int16_t) ((7 * here + before + half) >> down);
      wide[4 * x + 2] = (int16_t) ((7 * here + after + half) >> down);
      wide[4 * x + 3] = (int16_t) ((5 * here + 3 * after + half) >> down);
    }
  }
}

/* Row y of U or V as sixteen times its code at every pixel, less 65536 where
 * that is too much for 16 bits. `narrow` is memory for a row of chroma. */
static void
load_chroma (const SympieDwmPlan *plan, const SympieDwmScratch *scratch,
    int index, int y, int16_t *restrict narrow, int16_t *restrict wide)
{
  const SympieComponent *component = &plan->info->component[index];
  unsigned site = plan->src.colorimetry.chroma_site;
  int n = sympie_component_width (component, plan->width);
  int n_rows = sympie_component_height (component, plan->height);
  int row = y >> component->sub_y, other = row, weight = 0, step;
  int shift = plan->direct ? plan->shift : 0, max = plan->max;
  const uint8_t *near, *far;

  if (component->sub_y == 2) {
    other = row + (y & 2 ? 1 : -1);
    weight = (y & 3) == 0 || (y & 3) == 3 ? 3 : 1; /* eighths */
  } else if (component->sub_y && (site & SYMPIE_CHROMA_TOP)) {
    other = row + (y & 1);
    weight = y & 1 ? 2 : 0;
  } else if (component->sub_y) {
    other = row + (y & 1 ? 1 : -1);
    weight = 1;
  }
  other = clamp (other, 0, n_rows - 1);

  near = far = yuv_row (plan, index, row, scratch->codes[index], &step);
  if (weight)
    far = yuv_row (plan, index, other, scratch->codes[3], &step);
  if (component->sub_y == 2)
    blend_chroma_in_eighths (narrow, near, far, weight, n);
  else if (plan->direct && plan->info->word == 1)
    switch (step) {
    case 1:
      blend_chroma (narrow, near, far, weight, 1, 1, 0, 255, n);
      break;
    default:
      blend_chroma (narrow, near, far, weight, 1, 2, 0, 255, n);
      break;
    }
  else
    switch (step) {
    case 2:
      blend_chroma (narrow, near, far, weight, 2, 2, shift, max, n);
      break;
    default:
      blend_chroma (narrow, near, far, weight, 2, 4, shift, max, n);
      break;
    }

  narrow[-1] = narrow[0];
  narrow[n] = narrow[n - 1];
  widen_chroma (narrow, wide, component->sub_x, site & SYMPIE_CHROMA_LEFT,
      component->sub_y == 2, n);
}

/* From [0, 1] as -SYMPIE_DWM_ONE..SYMPIE_DWM_ONE, and more that is clamped. */
INLINE int16_t
to_sample (int value)
{
  return (int16_t) (2 * clamp (value, -SYMPIE_DWM_ONE, SYMPIE_DWM_ONE));
}

INLINE void
yuv_to_rgb (const SympieDwmPlan *plan, const uint8_t *restrict luma,
    const int16_t *restrict u_row, const int16_t *restrict v_row, int bytes,
    int16_t *restrict r_row, int16_t *restrict g_row, int16_t *restrict b_row)
{
  int16_t luma_offset = plan->luma_offset, luma_scale = plan->luma_scale;
  int16_t chroma_offset = plan->chroma_offset;
  int16_t chroma_scale = plan->chroma_scale, luma_factor = plan->luma;
  int16_t r_v = plan->r_v, g_u = plan->g_u, g_v = plan->g_v, b_u = plan->b_u;
  int shift = plan->direct ? plan->shift : 0, max = plan->max, n = plan->width;

  for (int x = 0; x < n; x++) {
    int16_t code = (int16_t) code_at (luma + bytes * x, bytes, shift, max);
    int16_t y = (int16_t) (sympie_mul_q15 (
                               (int16_t) ((code - luma_offset) * luma_scale),
                               luma_factor)
                           - SYMPIE_DWM_ONE);
    int16_t u = (int16_t) ((u_row[x] - chroma_offset) * chroma_scale);
    int16_t v = (int16_t) ((v_row[x] - chroma_offset) * chroma_scale);
    int16_t r = (int16_t) (y + sympie_mul_q15 (v, r_v));
    int16_t g =
        (int16_t) (y + sympie_mul_q15 (u, g_u) + sympie_mul_q15 (v, g_v));
    int16_t b = (int16_t) (y + sympie_mul_q15 (u, b_u));

    r_row[x] = to_sample (r);
    g_row[x] = to_sample (g);
    b_row[x] = to_sample (b);
  }
}

INLINE void
load_gray (const SympieDwmPlan *plan, const uint8_t *restrict luma, int bytes,
    int16_t *restrict r_row, int16_t *restrict g_row, int16_t *restrict b_row)
{
  int16_t offset = plan->luma_offset, scale = plan->luma_scale;
  int16_t factor = plan->luma;

  for (int x = 0; x < plan->width; x++) {
    int code = code_at (luma + bytes * x, bytes, 0, plan->max);
    int16_t y = sympie_mul_q15 ((int16_t) ((code - offset) * scale), factor);

    r_row[x] = g_row[x] = b_row[x] = to_sample (y - SYMPIE_DWM_ONE);
  }
}

static void
load_yuv (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int y,
    int16_t *const dst[3])
{
  int16_t *const *chroma = scratch->chroma;
  const uint8_t *luma;
  int step;

  if (!plan->info->component[1].bits) {
    const uint8_t *row = plan->src.planes[0] + y * plan->src.strides[0];

    if (plan->info->word == 1)
      load_gray (plan, row, 1, dst[0], dst[1], dst[2]);
    else
      load_gray (plan, yuv_row (plan, 0, y, scratch->codes[0], &step), 2,
          dst[0], dst[1], dst[2]);
    return;
  }
  load_chroma (plan, scratch, 1, y, chroma[0], chroma[2]);
  load_chroma (plan, scratch, 2, y, chroma[1], chroma[3]);
  luma = yuv_row (plan, 0, y, scratch->codes[0], &step);
  if (step == 1)
    yuv_to_rgb (plan, luma, chroma[2], chroma[3], 1, dst[0], dst[1], dst[2]);
  else
    yuv_to_rgb (plan, luma, chroma[2], chroma[3], 2, dst[0], dst[1], dst[2]);
}

/* The columns outside the frame that the filter reads. */
static void
pad_columns (const SympieDwmPlan *plan, int16_t *pair)
{
  int n = plan->width;

  for (int c = 0; c < 3; c++)
    for (int i = 0; i < 2; i++) {
      int16_t *row = row_of (plan, pair, c, i);

      row[-2] = row[-1] = row[n] = row[n + 1] = plan->pad[c];
    }
}

static void
load (const SympieDwmPlan *plan, const SympieDwmScratch *scratch, int p,
    int16_t *pair)
{
  int n = plan->width;

  for (int i = 0; i < 2; i++) {
    int y = 2 * p + i;
    int16_t *row[3];

    for (int c = 0; c < 3; c++)
      row[c] = row_of (plan, pair, c, i);
    if (y >= 0 && y < plan->height) {
      if (plan->info->yuv)
        load_yuv (plan, scratch, y, row);
      else
        load_rgb (plan, scratch, y, row);
    } else {
      for (int c = 0; c < 3; c++)
        for (int x = 0; x < n; x++)
          row[c][x] = plan->pad[c];
    }
  }
  pad_columns (plan, pair);
}
