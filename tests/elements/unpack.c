/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the library takes for the samples of each format is what GStreamer's own
 * unpacking takes for them, and the elements offer all formats. */

#include <string.h>

#include "../../gst-sympie/gstsympieimage.h"
#include "../kernels/check.h"
#include "cpu/packing.h"
#include "known.h"

enum
{
  WIDTH = 26, /* neither of 4 nor of 6 pixels */
  HEIGHT = 6
};

/* Random, but without bits that are not part of any sample: what they do is
 * nobody's promise. */
static guint8 *
random_memory (const SympieFormatInfo *info, gsize size, uint64_t *seed)
{
  guint8 *memory = g_malloc (size);
  guint16 mask =
      (guint16) (((1u << info->depth) - 1) << info->component[0].shift);

  for (gsize i = 0; i < size; i++)
    memory[i] = (guint8) check_random (seed);
  if (info->word == 2 && info->component[0].bits == info->depth)
    for (gsize i = 0; i < size; i += 2) {
      memory[i] &= (guint8) (info->big_endian ? mask >> 8 : mask);
      memory[i + 1] &= (guint8) (info->big_endian ? mask : mask >> 8);
    }
  return memory;
}

/* The sample of a pixel in GStreamer's bytes or words A, R, G, B or A, Y, U, V,
 * whose top bits it is. */
static guint
theirs_at (const guint8 *row, gint bits, gint x, gint c)
{
  gint at = 4 * x + (c == 3 ? 0 : c + 1);

  return bits == 8 ? row[at] : ((const guint16 *) row)[at];
}

static void
test_row (const GstVideoInfo *video, const SympieFormatInfo *ours,
    gpointer planes[4], gint y)
{
  const GstVideoFormatInfo *theirs = video->finfo;
  gint bits = (gint) GST_VIDEO_FORMAT_INFO_BITS (
      gst_video_format_get_info (theirs->unpack_format));
  guint16 unpacked[4 * (WIDTH + 32)];
  uint16_t codes[WIDTH + SYMPIE_PACKING_SPARE];

  theirs->unpack_func (theirs, GST_VIDEO_PACK_FLAG_TRUNCATE_RANGE, unpacked,
      planes, video->stride, 0, y, WIDTH);
  for (gint c = 0; c < 4; c++) {
    const SympieComponent *component = &ours->component[c];
    gint depth = c == 3 ? component->bits : ours->depth;

    if (!component->bits
        || (c == 3 && !GST_VIDEO_FORMAT_INFO_HAS_ALPHA (theirs)))
      continue;
    sympie_packing (0)->unpack (ours, c,
        (guint8 *) planes[component->plane]
            + (y >> component->sub_y) * video->stride[component->plane],
        WIDTH, codes);
    for (gint x = 0; x < WIDTH; x++) {
      guint code =
          (guint) codes[x >> component->sub_x] >> (depth - component->bits);
      guint expected = theirs_at ((guint8 *) unpacked, bits, x, c)
                       >> (bits - component->bits);

      CHECK (code == expected, "%s, component %d at %d, %d: %u, not %u",
          ours->name, c, x, y, code, expected);
    }
  }
}

static void
test_format (SympieFormat format, GstCaps *offered, uint64_t *seed)
{
  const SympieFormatInfo *info = sympie_format_info (format);
  GstVideoFormat video_format = gst_video_format_from_string (info->name);
  GstVideoInfo video;
  gpointer planes[4] = { NULL };
  guint8 *memory;
  GstCaps *caps;

  if (!CHECK (video_format > GST_VIDEO_FORMAT_ENCODED
                  && gst_video_info_set_format (
                      &video, video_format, WIDTH, HEIGHT),
          "GStreamer knows no %s", info->name))
    return;
  CHECK (GST_VIDEO_INFO_N_PLANES (&video) == info->n_planes, "%s: %u planes",
      info->name, GST_VIDEO_INFO_N_PLANES (&video));
  caps = gst_video_info_to_caps (&video);
  CHECK (
      gst_caps_can_intersect (caps, offered), "%s is not offered", info->name);

  memory = random_memory (info, video.size, seed);
  for (gint p = 0; p < info->n_planes; p++) {
    planes[p] = memory + video.offset[p];
    CHECK ((gsize) video.stride[p] >= sympie_format_row_bytes (info, p, WIDTH),
        "%s: stride of plane %d", info->name, p);
  }
  for (gint y = 0; y < HEIGHT; y++)
    test_row (&video, info, planes, y);
  g_free (memory);
  gst_caps_unref (caps);
}

int
main (int argc, char **argv)
{
  uint64_t seed = check_seed (argc > 1 ? argv[1] : NULL);
  GstCaps *offered;

  gst_init (NULL, NULL);
  offered = gst_caps_from_string (GST_SYMPIE_CAPS);
  for (int format = 0; format < n_known_formats (); format++)
    test_format (format, offered, &seed);
  gst_caps_unref (offered);
  return check_end ();
}
