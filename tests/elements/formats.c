/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* sympieenhance on every format: the right bytes reach the library, with the
 * right meaning, and come back where they belong. */

#include <math.h>
#include <string.h>

#include "enhance.h"
#include "image.h"
#include "known.h"

/* Those that CUDA takes too, whose planes are of whole samples and which come
 * first, are tried in all sizes; the others in sizes after which none of them
 * shares bytes with padding. What their samples are is unpack.c's to say. */
#define N_COMMON (SYMPIE_FORMAT_P010_10LE + 1)

static const struct
{
  gint width, height;
} sizes[] = { { 96, 50 }, { 12, 4 }, { 385, 289 }, { 223, 225 }, { 64, 48 },
  { 17, 5 }, { 3, 7 }, { 2, 2 }, { 1, 1 } };

static guint
n_sizes (SympieFormat format)
{
  return format < N_COMMON ? G_N_ELEMENTS (sizes) : 2;
}

static const gchar *
name_of (SympieFormat format)
{
  return sympie_format_info (format)->name;
}

static gchar *
caps_of (const gchar *format, gint width, gint height, const gchar *more)
{
  return g_strdup_printf ("video/x-raw, format = %s, width = %d, height = %d, "
                          "framerate = 25/1%s",
      format, width, height, more);
}

/* What caps without a colorimetry mean for heights up to 576. */
static SympieColorimetry
default_colorimetry (const GstVideoInfo *info)
{
  return (SympieColorimetry){
    .kr = 0.299f,
    .kb = 0.114f,
    .full_range = !GST_VIDEO_INFO_IS_YUV (info),
    .chroma_site = SYMPIE_CHROMA_CENTRE,
  };
}

static gsize
plane_row_bytes (const GstVideoInfo *info, guint plane)
{
  SympieFormat format;

  fail_unless (sympie_format_from_name (GST_VIDEO_INFO_NAME (info), &format));
  return sympie_format_row_bytes (
      sympie_format_info (format), (gint) plane, GST_VIDEO_INFO_WIDTH (info));
}

static gint
plane_rows (const GstVideoInfo *info, guint plane)
{
  for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (info); c++)
    if (GST_VIDEO_INFO_COMP_PLANE (info, c) == plane)
      return GST_VIDEO_INFO_COMP_HEIGHT (info, c);
  return 0;
}

/* `expected` is laid out as `info` says, `buffer` as it says itself. */
static void
assert_same_picture (
    const GstVideoInfo *info, GstBuffer *buffer, const guint8 *expected)
{
  GstVideoFrame frame;

  fail_unless (gst_video_frame_map (&frame, info, buffer, GST_MAP_READ));
  for (guint p = 0; p < GST_VIDEO_INFO_N_PLANES (info); p++) {
    for (gint y = 0; y < plane_rows (info, p); y++) {
      const guint8 *row = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&frame, p)
                          + y * GST_VIDEO_FRAME_PLANE_STRIDE (&frame, p);
      const guint8 *want = expected + GST_VIDEO_INFO_PLANE_OFFSET (info, p)
                           + y * GST_VIDEO_INFO_PLANE_STRIDE (info, p);

      fail_unless (memcmp (row, want, plane_row_bytes (info, p)) == 0,
          "%s %dx%d differs in plane %u, row %d", GST_VIDEO_INFO_NAME (info),
          GST_VIDEO_INFO_WIDTH (info), GST_VIDEO_INFO_HEIGHT (info), p, y);
    }
  }
  gst_video_frame_unmap (&frame);
}

static guint8 *
copy_of (GstBuffer *buffer)
{
  gpointer copy;
  gsize size;

  gst_buffer_extract_dup (buffer, 0, -1, &copy, &size);
  return copy;
}

/* Parameters by hand, in place and from buffer to buffer. */
GST_START_TEST (test_apply)
{
  SympieFormat format = (SympieFormat) __i__;
  SympieContext *context = test_context (FALSE);
  SympieParams params = test_params (1);
  GstHarness *h = enhance_harness (&params);

  for (guint s = 0; s < n_sizes (format); s++) {
    gchar *caps =
        caps_of (name_of (format), sizes[s].width, sizes[s].height, "");
    GstVideoInfo info = video_info (caps);

    gst_harness_set_src_caps_str (h, caps);
    for (gboolean in_place = FALSE; in_place <= TRUE; in_place++) {
      GstBuffer *in = test_buffer (&info, s), *out;
      guint8 *before = copy_of (in), *expected = copy_of (in), *after;
      SympieImage image = test_image (format, &info, expected);

      image.colorimetry = default_colorimetry (&info);
      fail_unless (apply_in_place (context, &image, &params));

      if (!in_place)
        gst_buffer_ref (in);
      out = gst_harness_push_and_pull (h, in);
      fail_unless (out != NULL);
      fail_unless ((out == in) == in_place);
      assert_same_picture (&info, out, expected);

      if (in_place) {
        /* Padding is nobody's to write. */
        after = copy_of (out);
        fail_unless (memcmp (after, expected, info.size) == 0);
      } else {
        after = copy_of (in);
        fail_unless (memcmp (after, before, info.size) == 0);
        gst_buffer_unref (in);
      }
      gst_buffer_unref (out);
      g_free (after);
      g_free (before);
      g_free (expected);
    }
    g_free (caps);
  }
  teardown_with_messages (h);
  sympie_close (context);
}
GST_END_TEST;

/* NEM and DWM, on a frame of odd size and one smaller than NEM's crop, with one
 * element for all formats. A frame that the gate spares is not touched. */
GST_START_TEST (test_estimate)
{
  SympieContext *context = test_context (TRUE);
  GstHarness *h = enhance_harness (NULL);

  for (gint i = 0; i < 2 * n_known_formats (); i++) {
    SympieFormat format = (SympieFormat) (i / 2);
    guint s = format >= N_COMMON ? i % 2 : i % 2 == 0 ? 2 : 6;
    gchar *caps =
        caps_of (name_of (format), sizes[s].width, sizes[s].height, "");
    GstVideoInfo info = video_info (caps);
    GstBuffer *in = test_buffer (&info, (guint) i), *out;
    guint8 *expected = copy_of (in);
    SympieImage image = test_image (format, &info, expected);
    SympieParams params, last, identity;

    image.colorimetry = default_colorimetry (&info);
    fail_unless (sympie_estimate (context, &image, &params, NULL, NULL));
    sympie_params_identity (&identity);
    if (sympie_params_distance (&params, &identity) > 0)
      fail_unless (apply_in_place (context, &image, &params));

    gst_harness_set_src_caps_str (h, caps);
    out = gst_harness_push_and_pull (h, in);
    assert_same_picture (&info, out, expected);
    fail_unless (get_parameters (h->element, "last-parameters", &last));
    fail_unless (sympie_params_distance (&params, &last) == 0.0f);

    gst_buffer_unref (out);
    g_free (expected);
    g_free (caps);
  }
  teardown_with_messages (h);
  sympie_close (context);
}
GST_END_TEST;

/* The top field (parity 0) or bottom field (1) of a frame. */
static SympieImage
field_of (const SympieImage *frame, gint parity)
{
  SympieImage field = *frame;

  field.height = (frame->height + 1 - parity) / 2;
  for (guint i = 0; i < SYMPIE_MAX_PLANES && frame->planes[i]; i++) {
    field.planes[i] = frame->planes[i] + parity * frame->strides[i];
    field.strides[i] = 2 * frame->strides[i];
  }
  return field;
}

/* Whether a plane has fewer rows than its two fields need. */
static gboolean
lacks_rows (const GstVideoInfo *info, SympieFormat format)
{
  const SympieFormatInfo *ours = sympie_format_info (format);
  gint height = GST_VIDEO_INFO_HEIGHT (info);

  for (gint p = 0; height > 1 && p < ours->n_planes; p++) {
    gsize end = p + 1 < ours->n_planes
                    ? GST_VIDEO_INFO_PLANE_OFFSET (info, p + 1)
                    : GST_VIDEO_INFO_SIZE (info);
    gsize rows = (end - GST_VIDEO_INFO_PLANE_OFFSET (info, p))
                 / (gsize) GST_VIDEO_INFO_PLANE_STRIDE (info, p);

    if (rows < 2 * (gsize) sympie_format_rows (ours, p, height / 2)
        || rows
               < 2 * (gsize) sympie_format_rows (ours, p, (height + 1) / 2) - 1)
      return TRUE;
  }
  return FALSE;
}

/* Frames of interlaced video are two images. Heights of every remainder by 4:
 * fields may differ in height, and bottom fields may end in a chroma row of
 * their own. */
GST_START_TEST (test_interlaced)
{
  SympieFormat format = (SympieFormat) __i__;
  SympieContext *context = test_context (FALSE);
  SympieParams params = test_params (4);
  GstHarness *h = enhance_harness (&params);
  const gint heights[] = { 1, 2, 3, 48, 49, 50, 51 };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (heights); i++) {
    gint height = heights[i / 2];
    gboolean mixed = i % 2 == 1;
    gchar *caps = caps_of (name_of (format), format < N_COMMON ? 33 : 36,
        height,
        mixed ? ", interlace-mode = mixed" : ", interlace-mode = interleaved");
    GstVideoInfo info = video_info (caps);
    GstBuffer *in, *out;
    guint8 *expected;
    SympieImage frame, field;

    /* GStreamer lays most formats out without a row that is the bottom field's
     * own, which is an error of its own. */
    if (lacks_rows (&info, format)) {
      g_free (caps);
      continue;
    }

    in = test_buffer (&info, i);
    expected = copy_of (in);
    frame = test_image (format, &info, expected);
    frame.colorimetry = default_colorimetry (&info);
    for (gint parity = 0; parity < MIN (height, 2); parity++) {
      field = field_of (&frame, parity);
      fail_unless (apply_in_place (context, &field, &params));
    }

    gst_harness_set_src_caps_str (h, caps);
    if (mixed)
      GST_BUFFER_FLAG_SET (in, GST_VIDEO_BUFFER_FLAG_INTERLACED);
    out = gst_harness_push_and_pull (h, in);
    fail_unless (out != NULL);
    assert_same_picture (&info, out, expected);

    gst_buffer_unref (out);
    g_free (expected);
    g_free (caps);
  }
  teardown_with_messages (h);
  sympie_close (context);
}
GST_END_TEST;

/* One estimate for both fields, from the top one. */
GST_START_TEST (test_interlaced_estimate)
{
  gchar *caps = caps_of ("I420", 65, 49, ", interlace-mode = interleaved");
  GstVideoInfo info = video_info (caps);
  SympieContext *context = test_context (TRUE);
  GstHarness *h = enhance_harness (NULL);
  GstBuffer *in = test_buffer (&info, 0);
  guint8 *data = copy_of (in);
  SympieImage frame = test_image (SYMPIE_FORMAT_I420, &info, data), top;
  SympieParams params, last;

  frame.colorimetry = default_colorimetry (&info);
  top = field_of (&frame, 0);
  fail_unless (sympie_estimate (context, &top, &params, NULL, NULL));

  gst_harness_set_src_caps_str (h, caps);
  gst_buffer_unref (gst_harness_push_and_pull (h, in));
  fail_unless (get_parameters (h->element, "last-parameters", &last));
  fail_unless (sympie_params_distance (&params, &last) == 0.0f);
  assert_stats (h->element, 1, 1, 0);

  teardown_with_messages (h);
  sympie_close (context);
  g_free (data);
  g_free (caps);
}
GST_END_TEST;

/* Progressive frames of a mixed stream are one image. */
GST_START_TEST (test_mixed_progressive)
{
  const gchar *caps = TEST_CAPS ", interlace-mode = mixed";
  GstVideoInfo info = video_info (caps);
  SympieContext *context = test_context (FALSE);
  SympieParams params = test_params (2);
  GstHarness *h = enhance_harness (&params);
  GstBuffer *in = test_buffer (&info, 0), *out;
  guint8 *expected = copy_of (in);
  SympieImage image = test_image (SYMPIE_FORMAT_RGB, &info, expected);

  image.colorimetry = default_colorimetry (&info);
  fail_unless (apply_in_place (context, &image, &params));

  gst_harness_set_src_caps_str (h, caps);
  out = gst_harness_push_and_pull (h, in);
  assert_same_picture (&info, out, expected);

  gst_buffer_unref (out);
  teardown_with_messages (h);
  g_free (expected);
  sympie_close (context);
}
GST_END_TEST;

/* One colour, computed here by the definitions of BT.601, 709 and 2020. */
static const struct
{
  const gchar *caps;
  gdouble kr, kb;
  gboolean full_range;
} colorimetries[] = {
  { ", colorimetry = bt601", 0.299, 0.114, FALSE },
  { ", colorimetry = bt709", 0.2126, 0.0722, FALSE },
  { ", colorimetry = bt2020", 0.2627, 0.0593, FALSE },
  { ", colorimetry = (string)1:4:0:0", 0.299, 0.114, TRUE },
  { ", colorimetry = (string)1:3:5:1", 0.2126, 0.0722, TRUE },
  { "", 0.299, 0.114, FALSE },
};

/* The sample values, of `depth` bits, that stand for a colour in [0, 1]. */
static void
encode (gboolean yuv, gint depth, gdouble kr, gdouble kb, gboolean full_range,
    const gdouble rgb[3], gdouble code[3])
{
  gdouble unit = full_range ? ((1 << depth) - 1) / 255.0 : 1 << (depth - 8);
  gdouble y = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2];
  gdouble scale = unit * (full_range ? 255 : 219);
  gdouble black = full_range ? 0 : 16 * unit;

  if (yuv) {
    gdouble chroma_scale = unit * (full_range ? 255 : 224);

    code[0] = y * scale + black;
    code[1] = (rgb[2] - y) / (2 * (1 - kb)) * chroma_scale + (1 << (depth - 1));
    code[2] = (rgb[0] - y) / (2 * (1 - kr)) * chroma_scale + (1 << (depth - 1));
  } else {
    for (gint c = 0; c < 3; c++)
      code[c] = rgb[c] * scale + black;
  }
}

/* Calls for every sample: sets it to `code` or compares it with it. */
static void
walk_samples (GstVideoFrame *frame, const gdouble code[3], gdouble tolerance)
{
  const GstVideoFormatInfo *finfo = frame->info.finfo;

  for (guint c = 0; c < 3; c++) {
    for (gint y = 0; y < GST_VIDEO_FRAME_COMP_HEIGHT (frame, c); y++) {
      guint8 *sample = (guint8 *) GST_VIDEO_FRAME_COMP_DATA (frame, c)
                       + y * GST_VIDEO_FRAME_COMP_STRIDE (frame, c);

      /* GStreamer counts this component's offset in samples, not in bytes. */
      if (GST_VIDEO_FRAME_FORMAT (frame) == GST_VIDEO_FORMAT_P010_10LE
          && c == 2)
        sample = (guint8 *) GST_VIDEO_FRAME_PLANE_DATA (frame, 1) + 2
                 + y * GST_VIDEO_FRAME_PLANE_STRIDE (frame, 1);
      for (gint x = 0; x < GST_VIDEO_FRAME_COMP_WIDTH (frame, c); x++) {
        guint shift = GST_VIDEO_FORMAT_INFO_SHIFT (finfo, c);
        gboolean wide = GST_VIDEO_FORMAT_INFO_DEPTH (finfo, c) > 8;

        if (tolerance < 0) {
          guint value = (guint) lrint (code[c]);

          if (wide)
            GST_WRITE_UINT16_LE (sample, value << shift);
          else
            *sample = (guint8) value;
        } else {
          guint value = wide ? (guint) GST_READ_UINT16_LE (sample) >> shift
                             : (guint) *sample;

          fail_unless (fabs (value - code[c]) <= tolerance,
              "%s component %u at %d,%d is %u, not %.2f",
              GST_VIDEO_FORMAT_INFO_NAME (finfo), c, x, y, value, code[c]);
        }
        sample += GST_VIDEO_FRAME_COMP_PSTRIDE (frame, c);
      }
    }
  }
}

GST_START_TEST (test_colorimetry)
{
  const gchar *name = name_of ((SympieFormat) __i__);
  /* Input channel by output channel: red to green, green to blue, half blue and
   * half green to red; then a shift that tells the channels apart. */
  SympieParams params = {
    .matrix = { 0, 1, 0, 0.5f, 0, 1, 0.5f, 0, 0 },
    .shift = { 0.1f, -0.2f, 0.3f },
    .kernel = { [12] = 1 },
  };
  const gdouble mean[3] = { 0.485, 0.456, 0.406 };
  const gdouble std[3] = { 0.229, 0.224, 0.225 };
  const gdouble in_rgb[3] = { 0.3, 0.5, 0.6 };
  gdouble out_rgb[3] = { 0, 0, 0 };
  GstHarness *h = enhance_harness (&params);

  for (gint c = 0; c < 3; c++) {
    for (gint d = 0; d < 3; d++)
      out_rgb[c] += ((in_rgb[d] - mean[d]) / std[d] + params.shift[d])
                    * params.matrix[3 * d + c];
    out_rgb[c] = out_rgb[c] * std[c] + mean[c];
    fail_unless (out_rgb[c] > 0.1 && out_rgb[c] < 0.9);
  }

  for (guint i = 0; i < G_N_ELEMENTS (colorimetries); i++) {
    GstVideoFormat video = gst_video_format_from_string (name);
    const GstVideoFormatInfo *finfo = gst_video_format_get_info (video);
    gboolean yuv = GST_VIDEO_FORMAT_INFO_IS_YUV (finfo);
    gboolean full = colorimetries[i].full_range;
    const gchar *more = colorimetries[i].caps;
    gdouble code[3], tolerance;
    GstVideoFrame frame;
    GstVideoInfo info;
    GstBuffer *buffer;
    gchar *caps;

    if (!yuv) {
      /* RGB knows no matrix, but does know limited range. */
      full = i % 2 == 0;
      more = full ? "" : ", colorimetry = (string)2:1:7:1";
    }
    caps = caps_of (name, 32, 24, more);
    info = video_info (caps);
    buffer = test_buffer (&info, 0);
    encode (yuv, GST_VIDEO_FORMAT_INFO_DEPTH (finfo, 0), colorimetries[i].kr,
        colorimetries[i].kb, full, in_rgb, code);
    fail_unless (gst_video_frame_map (&frame, &info, buffer, GST_MAP_WRITE));
    walk_samples (&frame, code, -1);
    gst_video_frame_unmap (&frame);

    gst_harness_set_src_caps_str (h, caps);
    buffer = gst_harness_push_and_pull (h, buffer);

    /* Outside the frame is the mean, which these parameters move only where the
     * kernel looks, and it looks at the centre alone. Rounding of the input
     * comes out magnified. */
    encode (yuv, GST_VIDEO_FORMAT_INFO_DEPTH (finfo, 0), colorimetries[i].kr,
        colorimetries[i].kb, full, out_rgb, code);
    tolerance = yuv ? 2.5 : 1.5;
    fail_unless (gst_video_frame_map (&frame, &info, buffer, GST_MAP_READ));
    walk_samples (&frame, code, tolerance);
    gst_video_frame_unmap (&frame);

    gst_buffer_unref (buffer);
    g_free (caps);
  }
  teardown_with_messages (h);
}
GST_END_TEST;

/* The chroma site of the caps, and for caps without, that of their height. */
GST_START_TEST (test_chroma_site)
{
  static const struct
  {
    const gchar *caps;
    gint height;
    guint site;
  } sites[] = {
    { ", colorimetry = bt709, chroma-site = jpeg", 48, SYMPIE_CHROMA_CENTRE },
    { ", colorimetry = bt709, chroma-site = mpeg2", 48, SYMPIE_CHROMA_LEFT },
    { ", colorimetry = bt709, chroma-site = v-cosited", 48, SYMPIE_CHROMA_TOP },
    { ", colorimetry = bt709, chroma-site = cosited", 48,
        SYMPIE_CHROMA_LEFT | SYMPIE_CHROMA_TOP },
    { ", colorimetry = bt709", 48, SYMPIE_CHROMA_CENTRE },
    { ", colorimetry = bt709", 720, SYMPIE_CHROMA_LEFT },
    { "", 720, SYMPIE_CHROMA_LEFT },
  };
  SympieContext *context = test_context (FALSE);
  SympieParams params = test_params (3);

  for (guint i = 0; i < G_N_ELEMENTS (sites); i++) {
    gchar *caps = caps_of ("I420", 32, sites[i].height, sites[i].caps);
    GstVideoInfo info = video_info (caps);
    GstHarness *h = enhance_harness (&params);
    GstBuffer *in = test_buffer (&info, i), *out;
    guint8 *expected = copy_of (in);
    SympieImage image = test_image (SYMPIE_FORMAT_I420, &info, expected);

    image.colorimetry = (SympieColorimetry){
      .kr = 0.2126f, .kb = 0.0722f, .chroma_site = sites[i].site
    };
    fail_unless (apply_in_place (context, &image, &params));

    gst_harness_set_src_caps_str (h, caps);
    out = gst_harness_push_and_pull (h, in);
    assert_same_picture (&info, out, expected);

    gst_buffer_unref (out);
    teardown_with_messages (h);
    g_free (expected);
    g_free (caps);
  }
  sympie_close (context);
}
GST_END_TEST;

/* Caps pass as they come, with every field that says something of the colour.
 */
GST_START_TEST (test_caps_pass)
{
  const gchar *caps_string =
      "video/x-raw, format = NV12, width = 64, height = 48, "
      "framerate = 25/1, colorimetry = bt2020, chroma-site = v-cosited, "
      "pixel-aspect-ratio = 4/3, interlace-mode = mixed";
  GstHarness *h = enhance_harness (NULL);
  GstCaps *in = gst_caps_from_string (caps_string), *out;
  GstVideoInfo info = video_info (caps_string);

  gst_harness_set_src_caps (h, gst_caps_ref (in));
  push_frames (h, &info, 0, 1);
  out = gst_pad_get_current_caps (h->sinkpad);
  fail_unless (gst_caps_is_equal (in, out));

  gst_caps_unref (out);
  gst_caps_unref (in);
  teardown_with_messages (h);
}
GST_END_TEST;

/* Whether GStreamer's rows have room for all of their last pair. */
static gboolean
has_room (const gchar *format, gint width, const GstVideoInfo *info)
{
  gint pairs = (width + 1) / 2;

  if (g_str_equal (format, "UYVP"))
    return GST_VIDEO_INFO_PLANE_STRIDE (info, 0) >= 5 * pairs;
  if (g_str_has_suffix (format, "_10LE32") && info->finfo->n_planes == 2)
    return GST_VIDEO_INFO_PLANE_STRIDE (info, 1) >= (2 * pairs + 2) / 3 * 4;
  return TRUE;
}

/* Either the width is not negotiated or a frame of it is enhanced; which. */
static gboolean
takes_width (GstHarness *h, const gchar *format, gint width)
{
  gchar *text = g_strdup_printf ("video/x-raw, format = %s, width = %d, "
                                 "height = 4, framerate = 25/1",
      format, width);
  GstVideoInfo info = video_info (text);
  GstCaps *caps = gst_caps_from_string (text);
  GstCaps *possible = gst_pad_peer_query_caps (h->srcpad, caps);
  gboolean takes = !gst_caps_is_empty (possible);

  fail_unless (takes == has_room (format, width, &info), "%s", text);
  if (takes) {
    gst_harness_set_src_caps (h, gst_caps_ref (caps));
    push_frames (h, &info, 0, 1);
  } else {
    assert_said (h, GST_MESSAGE_WARNING, "last pair of pixels");
  }
  gst_caps_unref (possible);
  gst_caps_unref (caps);
  g_free (text);
  return takes;
}

GST_START_TEST (test_widths)
{
  SympieParams params = test_params (1);
  GstHarness *h = enhance_harness (&params);
  guint n_formats, n_taken = 0, n = 0;
  const GstVideoFormat *formats = gst_video_formats_raw (&n_formats);

  for (guint i = 0; i < n_formats; i++) {
    const gchar *name = gst_video_format_to_string (formats[i]);
    SympieFormat format;

    if (!sympie_format_from_name (name, &format))
      continue;
    for (gint width = 1; width <= 13; width++, n++)
      n_taken += takes_width (h, name, width);
  }
  fail_unless (n >= 13 * 80 && n - n_taken < 20, "%u of %u", n_taken, n);
  teardown_with_messages (h);
}
GST_END_TEST;

static void
assert_converted (const gchar *format, guint width)
{
  gchar *launch = g_strdup_printf (
      "videotestsrc num-buffers=2 ! video/x-raw, width=%u, height=64 ! "
      "videoconvert ! video/x-raw, format=%s ! videoconvert ! "
      "sympieenhance gate=off device=cpu ! fakesink",
      width, format);

  assert_plays (launch);
  g_free (launch);
}

/* videoconvert brings what the element does not take: tiles, palettes, 16 bits,
 * rows without room, and whatever GStreamer comes to know. */
GST_START_TEST (test_converted)
{
  guint n_formats, n = 0;
  const GstVideoFormat *formats = gst_video_formats_raw (&n_formats);

  for (guint i = 0; i < n_formats; i++) {
    const gchar *name = gst_video_format_to_string (formats[i]);
    SympieFormat taken;

    if (sympie_format_from_name (name, &taken))
      continue;
    assert_converted (name, 64);
    n++;
  }
  fail_unless (n >= 20, "%u", n);
  assert_converted ("UYVP", 65);
  assert_converted ("NV12_10LE32", 63);
}
GST_END_TEST;

static Suite *
formats_suite (void)
{
  Suite *suite = suite_create ("sympieenhance formats");
  TCase *tcase = tcase_create ("formats");

  suite_add_tcase (suite, tcase);
  tcase_add_loop_test (tcase, test_apply, 0, n_known_formats ());
  tcase_add_test (tcase, test_estimate);
  tcase_add_loop_test (tcase, test_interlaced, 0, n_known_formats ());
  tcase_add_test (tcase, test_interlaced_estimate);
  tcase_add_test (tcase, test_mixed_progressive);
  tcase_add_loop_test (tcase, test_colorimetry, 0, N_COMMON);
  tcase_add_test (tcase, test_chroma_site);
  tcase_add_test (tcase, test_caps_pass);
  tcase_add_test (tcase, test_widths);
  tcase_add_test (tcase, test_converted);
  return suite;
}

GST_CHECK_MAIN (formats);
