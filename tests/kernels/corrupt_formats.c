/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Every format on its way to the corruptions and back: darkening by half is
 * something that DWM can do as well, and DWM has a definition. */

#include <math.h>

#include "dwm_definition.h"
#include "scene.h"
#include "standard.h"

static const SympieColorimetry colorimetries[] = {
  { 0.2126f, 0.0722f, false, SYMPIE_CHROMA_LEFT },
  { 0.299f, 0.114f, true, SYMPIE_CHROMA_CENTRE },
  { 0.2627f, 0.0593f, false, SYMPIE_CHROMA_LEFT | SYMPIE_CHROMA_TOP },
  { 0.2126f, 0.0722f, true, SYMPIE_CHROMA_TOP },
};

static const int sizes[][2] = { { 1, 1 }, { 2, 2 }, { 3, 7 }, { 1, 9 },
  { 34, 5 }, { 65, 33 } };

/* In standardised space, where 0 is the mean and black is -mean / std. */
static SympieParams
half (void)
{
  SympieParams params;

  sympie_params_identity (&params);
  for (int c = 0; c < 3; c++) {
    params.shift[c] = -sympie_mean[c] / sympie_std[c];
    params.matrix[4 * c] = 0.5f;
  }
  return params;
}

/* DWM keeps RGB codes beyond black and white; corruptions have no place for
 * them. */
static void
cut_codes (Frame *frame)
{
  const SympieFormatInfo *info = sympie_format_info (frame->image.format);
  int width = frame->image.width, height = frame->image.height;

  for (int c = 0; c < 3; c++)
    for (int i = 0; i < width * height; i++) {
      int most = (1 << info->component[c].bits) - 1;
      int code = frame_get (frame, c, i % width, i / width);
      int low = (16 * most + 254) / 255, high = 235 * most / 255;

      code = code < low ? low : code > high ? high : code;
      frame_set (frame, c, i % width, i / width, code);
    }
}

static void
test_format (SympieCorruptor *corruptor, SympieFormat format, int width,
    int height, const SympieColorimetry *colorimetry, uint64_t *seed)
{
  const SympieFormatInfo *info = sympie_format_info (format);
  Frame src = frame_new (format, width, height, 5, colorimetry, seed);
  Frame dst = frame_new (format, width, height, 9, colorimetry, seed);
  Frame kept = frame_new (format, width, height, 9, colorimetry, seed);
  SympieParams params = half ();
  Definition definition;
  double worst = 0;
  SympieError error = { 0 };

  if (!info->yuv && !colorimetry->full_range)
    cut_codes (&src);
  definition = dwm_definition (&src, &params);
  CHECK (sympie_corrupt (corruptor, &src.image, &dst.target,
             SYMPIE_CORRUPTION_DARKEN, 1, 0, 0, &error),
      "%s %dx%d: %s", info->name, width, height, error.message);
  for (int c = 0; c < 3 && info->component[c].bits; c++) {
    int w = sympie_component_width (&info->component[c], width);
    int h = sympie_component_height (&info->component[c], height);
    double level = info->depth > 8 ? 1 << (info->depth - 8) : 1, sum = 0;

    for (int i = 0; i < w * h; i++) {
      double off =
          (frame_get (&dst, c, i % w, i / w) - definition.code[c][i]) / level;

      worst = fmax (worst, fabs (off));
      sum += off;
    }
    /* Bytes are halved up: by a quarter on average. */
    CHECK (w * h < 400 || (sum > -0.05 * w * h && sum < 0.3 * w * h),
        "%s %dx%d, component %d: %f levels from the definition on average",
        info->name, width, height, c, sum / (w * h));
  }
  /* A half for RGB in bytes, halved, a half for the dark RGB and one for the
   * code; all in levels of 8 bits. */
  CHECK (worst <= 1.26, "%s %dx%d: %f levels from the definition", info->name,
      width, height, worst);

  CHECK (sympie_corrupt (corruptor, &src.image, &kept.target,
             SYMPIE_CORRUPTION_DARKEN, 0, 0, 0, &error)
             && frame_same_pixels (&src, &kept),
      "%s %dx%d of severity 0", info->name, width, height);
  CHECK (sympie_corrupt (corruptor, &src.image, &src.target,
             SYMPIE_CORRUPTION_DARKEN, 1, 0, 0, &error)
             && frame_same_pixels (&src, &dst),
      "%s %dx%d in place", info->name, width, height);

  definition_clear (&definition);
  frame_clear (&src);
  frame_clear (&dst);
  frame_clear (&kept);
}

int
main (void)
{
  SympieCorruptor *corruptor = scene_corruptor (1, 2);
  uint64_t seed = 3;

  for (SympieFormat format = 0; format < SYMPIE_N_FORMATS; format++)
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
      for (size_t j = 0; j < sizeof colorimetries / sizeof colorimetries[0];
           j++)
        test_format (corruptor, format, sizes[i][0], sizes[i][1],
            &colorimetries[j], &seed);
  sympie_corruptor_free (corruptor);
  return check_end ();
}
