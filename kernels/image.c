/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "image.h"

#include "error.h"

/* clang-format off */
#define PACKED(name, step, r, g, b, a) \
  { name, false, 1, 8, 0, a, \
    { { 0, r, step, 0, 0 }, { 0, g, step, 0, 0 }, { 0, b, step, 0, 0 } } }
#define PLANAR_YUV(name, depth, bytes, u, v, sub_x, sub_y) \
  { name, true, 3, depth, 0, -1, \
    { { 0, 0, bytes, 0, 0 }, { u, 0, bytes, sub_x, sub_y }, \
      { v, 0, bytes, sub_x, sub_y } } }
#define SEMI_PLANAR_YUV(name, depth, shift, bytes, u, v) \
  { name, true, 2, depth, shift, -1, \
    { { 0, 0, bytes, 0, 0 }, { 1, (u) * (bytes), 2 * (bytes), 1, 1 }, \
      { 1, (v) * (bytes), 2 * (bytes), 1, 1 } } }

static const SympieFormatInfo formats[SYMPIE_N_FORMATS] = {
  [SYMPIE_FORMAT_RGB] = PACKED ("RGB", 3, 0, 1, 2, -1),
  [SYMPIE_FORMAT_BGR] = PACKED ("BGR", 3, 2, 1, 0, -1),
  [SYMPIE_FORMAT_RGBX] = PACKED ("RGBx", 4, 0, 1, 2, 3),
  [SYMPIE_FORMAT_BGRX] = PACKED ("BGRx", 4, 2, 1, 0, 3),
  [SYMPIE_FORMAT_XRGB] = PACKED ("xRGB", 4, 1, 2, 3, 0),
  [SYMPIE_FORMAT_XBGR] = PACKED ("xBGR", 4, 3, 2, 1, 0),
  [SYMPIE_FORMAT_RGBA] = PACKED ("RGBA", 4, 0, 1, 2, 3),
  [SYMPIE_FORMAT_BGRA] = PACKED ("BGRA", 4, 2, 1, 0, 3),
  [SYMPIE_FORMAT_ARGB] = PACKED ("ARGB", 4, 1, 2, 3, 0),
  [SYMPIE_FORMAT_ABGR] = PACKED ("ABGR", 4, 3, 2, 1, 0),
  [SYMPIE_FORMAT_GBR] = { "GBR", false, 3, 8, 0, -1,
    { { 2, 0, 1, 0, 0 }, { 0, 0, 1, 0, 0 }, { 1, 0, 1, 0, 0 } } },
  [SYMPIE_FORMAT_I420] = PLANAR_YUV ("I420", 8, 1, 1, 2, 1, 1),
  [SYMPIE_FORMAT_YV12] = PLANAR_YUV ("YV12", 8, 1, 2, 1, 1, 1),
  [SYMPIE_FORMAT_NV12] = SEMI_PLANAR_YUV ("NV12", 8, 0, 1, 0, 1),
  [SYMPIE_FORMAT_NV21] = SEMI_PLANAR_YUV ("NV21", 8, 0, 1, 1, 0),
  [SYMPIE_FORMAT_Y42B] = PLANAR_YUV ("Y42B", 8, 1, 1, 2, 1, 0),
  [SYMPIE_FORMAT_Y444] = PLANAR_YUV ("Y444", 8, 1, 1, 2, 0, 0),
  [SYMPIE_FORMAT_I420_10LE] = PLANAR_YUV ("I420_10LE", 10, 2, 1, 2, 1, 1),
  [SYMPIE_FORMAT_P010_10LE] = SEMI_PLANAR_YUV ("P010_10LE", 10, 6, 2, 0, 1),
};
/* clang-format on */

const SympieFormatInfo *
sympie_format_info (SympieFormat format)
{
  return &formats[format];
}

static int
subsampled (int size, int log2)
{
  return (size + (1 << log2) - 1) >> log2;
}

int
sympie_component_width (const SympieComponent *component, int width)
{
  return subsampled (width, component->sub_x);
}

int
sympie_component_height (const SympieComponent *component, int height)
{
  return subsampled (height, component->sub_y);
}

bool
sympie_image_check (const SympieImage *image, char **error)
{
  const SympieFormatInfo *info;

  if ((unsigned) image->format >= SYMPIE_N_FORMATS)
    return sympie_fail (error, "unknown pixel format %d", image->format);
  info = sympie_format_info (image->format);
  if (image->width < 1 || image->width > SYMPIE_MAX_SIZE || image->height < 1
      || image->height > SYMPIE_MAX_SIZE)
    return sympie_fail (error, "image of %dx%d pixels, not 1 to %d each way",
        image->width, image->height, SYMPIE_MAX_SIZE);

  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &info->component[c];
    ptrdiff_t row = (ptrdiff_t) component->step
                    * sympie_component_width (component, image->width);
    ptrdiff_t stride = image->strides[component->plane];

    if (!image->planes[component->plane])
      return sympie_fail (
          error, "%s image without plane %d", info->name, component->plane);
    if (stride < row)
      return sympie_fail (error,
          "%s image with a stride of %td bytes in plane %d, fewer than the %td "
          "of its row",
          info->name, stride, component->plane, row);
  }

  if (info->yuv) {
    float kr = image->colorimetry.kr, kb = image->colorimetry.kb;

    /* Written so that NaN fails too. Green has more than half in every
     * standard; DWM's fixed point counts on a fifth. */
    if (!(kr > 0 && kb > 0 && kr + kb <= 0.8f))
      return sympie_fail (error,
          "%s image with luma weights of %g for red and %g for blue",
          info->name, kr, kb);
  }
  return true;
}
