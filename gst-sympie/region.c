/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "region.h"

#include <stdio.h>

enum
{
  N = SYMPIE_THUMBNAIL_SIZE,
  BLACK = 24,       /* 16 in video's range, and noise */
  LEAST_PICTURE = 6 /* cells: narrower is no picture between bars */
};

/* ---- By hand ------------------------------------------------------------- */

gboolean
gst_sympie_crop_parse (GstSympieCrop *crop, const gchar *text, gchar **reason)
{
  gint x = 0, y = 0, width = 0, height = 0, end = 0;

  *reason = NULL;
  *crop = (GstSympieCrop){ .aspect = 0 };
  if (!text || !*text)
    return TRUE;
  /* Five digits are more than SYMPIE_MAX_SIZE, and never too many. */
  if (sscanf (text, "%5d,%5d,%5d,%5d%n", &x, &y, &width, &height, &end) == 4)
    crop->rectangle = (GstVideoRectangle){ x, y, width, height };
  else if (sscanf (text, "%5d:%5d%n", &width, &height, &end) == 2)
    crop->aspect = (gdouble) width / (gdouble) height;
  if (end > 0 && text[end] == '\0' && MIN (x, y) >= 0 && MIN (width, height) > 0
      && MAX (MAX (x, y), MAX (width, height)) <= SYMPIE_MAX_SIZE)
    return TRUE;
  *crop = (GstSympieCrop){ .aspect = 0 };
  *reason = g_strdup_printf ("'%s' is neither X,Y,WIDTH,HEIGHT nor "
                             "WIDTH:HEIGHT, whole numbers up to %d",
      text, SYMPIE_MAX_SIZE);
  return FALSE;
}

GstVideoRectangle
gst_sympie_crop_get (const GstSympieCrop *crop, gint width, gint height)
{
  GstVideoRectangle found = { 0, 0, width, height };

  if (crop->rectangle.w > 0)
    return crop->rectangle;
  if (crop->aspect > 0) {
    found.w = (gint) CLAMP (height * crop->aspect + 0.5, 1, width);
    found.h = (gint) CLAMP (width / crop->aspect + 0.5, 1, height);
    found.x = (width - found.w) / 2;
    found.y = (height - found.h) / 2;
  }
  return found;
}

/* ---- Bars ---------------------------------------------------------------- */

void
gst_sympie_bars_reset (GstSympieBars *bars)
{
  *bars = (GstSympieBars){ .has_seen = FALSE };
}

/* How far a cell is from black. */
static guint8
brightness (
    const SympieThumbnail *thumbnail, gboolean is_yuv, gint row, gint column)
{
  guint8 first = thumbnail->cells[0][row][column];
  guint8 second = thumbnail->cells[1][row][column];
  guint8 third = thumbnail->cells[2][row][column];

  if (is_yuv) { /* a colour is not black, however dark */
    second = (guint8) MIN (2 * ABS (second - 128), 255);
    third = (guint8) MIN (2 * ABS (third - 128), 255);
  }
  return MAX (first, MAX (second, third));
}

void
gst_sympie_bars_see (
    GstSympieBars *bars, const SympieThumbnail *thumbnail, gboolean is_yuv)
{
  bars->has_seen = TRUE;
  for (gint i = 0; i < N; i++)
    for (gint j = 0; j < N; j++) {
      guint8 value = brightness (thumbnail, is_yuv, i, j);

      bars->rows[i] = MAX (bars->rows[i], value);
      bars->columns[j] = MAX (bars->columns[j], value);
    }
}

/* Cells to leave out on either side: one more than are black on both, as the
 * bar's edge is somewhere in it. Bars are there on both sides; dark ground or
 * sky is on one. */
static gint
find_margin (const guint8 cells[N])
{
  gint before = 0, after = 0;

  while (before < N && cells[before] <= BLACK)
    before++;
  while (after < N && cells[N - 1 - after] <= BLACK)
    after++;
  if (before == 0 || after == 0 || ABS (before - after) > 1
      || N - 2 * (MAX (before, after) + 1) < LEAST_PICTURE)
    return 0;
  return MAX (before, after) + 1;
}

gboolean
gst_sympie_bars_get (const GstSympieBars *bars, gint width, gint height,
    GstVideoRectangle *rectangle)
{
  gint rows = find_margin (bars->rows), columns = find_margin (bars->columns);

  if (!bars->has_seen || (rows == 0 && columns == 0))
    return FALSE;
  rectangle->x = (width * columns + N - 1) / N;
  rectangle->y = (height * rows + N - 1) / N;
  rectangle->w = width - 2 * rectangle->x;
  rectangle->h = height - 2 * rectangle->y;
  return rectangle->w > 0 && rectangle->h > 0;
}

/* ---- Marked -------------------------------------------------------------- */

gboolean
gst_sympie_regions_get (GstBuffer *buffer, GstVideoRectangle *rectangle)
{
  guint64 left = G_MAXUINT64, top = G_MAXUINT64, right = 0, bottom = 0;
  gpointer state = NULL;
  GstMeta *meta;

  while ((meta = gst_buffer_iterate_meta_filtered (
              buffer, &state, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))) {
    const GstVideoRegionOfInterestMeta *roi =
        (GstVideoRegionOfInterestMeta *) meta;

    if (roi->w == 0 || roi->h == 0)
      continue;
    left = MIN (left, roi->x);
    top = MIN (top, roi->y);
    right = MAX (right, (guint64) roi->x + roi->w);
    bottom = MAX (bottom, (guint64) roi->y + roi->h);
  }
  if (right == 0 || left >= SYMPIE_MAX_SIZE || top >= SYMPIE_MAX_SIZE)
    return FALSE;
  *rectangle = (GstVideoRectangle){ (gint) left, (gint) top,
    (gint) (MIN (right, SYMPIE_MAX_SIZE) - left),
    (gint) (MIN (bottom, SYMPIE_MAX_SIZE) - top) };
  return TRUE;
}
