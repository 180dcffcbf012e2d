/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympievgg19.h"

#include <stdlib.h>
#include <string.h>

#include "gstsympiedevice.h"

static const gchar *const input_names[] = { "crop224", "full" };

GType
gst_sympie_layer_get_type (void)
{
  static gsize type = 0;
  static GEnumValue values[SYMPIE_N_LAYERS + 1];

  if (g_once_init_enter (&type)) {
    for (gint i = 0; i < SYMPIE_N_LAYERS; i++)
      values[i] = (GEnumValue){ i,
        i == SYMPIE_LAYER_POOL5 ? "The last max-pool: all features"
                                : "A convolution after its ReLU",
        sympie_layer_name (i) };
    g_once_init_leave (
        &type, g_enum_register_static ("GstSympieLayer", values));
  }
  return type;
}

GType
gst_sympie_input_get_type (void)
{
  static gsize type = 0;
  static GEnumValue values[] = {
    { SYMPIE_INPUT_CROP224, "The central 224x224 of the frame, reduced", NULL },
    { SYMPIE_INPUT_FULL, "The whole frame at its size", NULL },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type)) {
    for (guint i = 0; i < G_N_ELEMENTS (input_names); i++)
      values[i].value_nick = input_names[i];
    g_once_init_leave (
        &type, g_enum_register_static ("GstSympieInput", values));
  }
  return type;
}

const gchar *
gst_sympie_input_name (SympieInput input)
{
  return input_names[input];
}

gchar *
gst_sympie_vgg19_dup_weights (const gchar *path)
{
  if (!path || !*path)
    path = g_getenv ("SYMPIE_VGG19_WEIGHTS");
  if (path && *path)
    return g_strdup (path);
  return g_build_filename (
      g_get_user_data_dir (), "gst-sympie", "vgg19.safetensors", NULL);
}

SympieFeatures *
gst_sympie_vgg19_open (GstElement *element, const SympieFeaturesConfig *config)
{
  SympieFeaturesConfig chosen = *config;
  SympieFeatures *features;
  char *error = NULL;

  if (!g_file_test (config->weights, G_FILE_TEST_EXISTS)) {
    GST_ELEMENT_ERROR (element, RESOURCE, NOT_FOUND,
        ("There are no weights of VGG19 at %s; weights/fetch-vgg19.sh of "
         "gst-sympie installs them",
            config->weights),
        (NULL));
    return NULL;
  }
  if (!gst_sympie_device_choose (element, &chosen.device, chosen.cuda_device))
    return NULL;
  features = sympie_features_open (&chosen, &error);
  if (features)
    return features;
  if (strstr (error, config->weights)) /* what is wrong names the file */
    GST_ELEMENT_ERROR (element, RESOURCE, OPEN_READ,
        ("Cannot use the weights of VGG19: %s; weights/fetch-vgg19.sh of "
         "gst-sympie installs some that fit",
            error),
        ("weights: %s", config->weights));
  else if (chosen.device == SYMPIE_DEVICE_CUDA)
    GST_ELEMENT_ERROR (element, RESOURCE, OPEN_READ_WRITE,
        ("Cannot start VGG19 on the CUDA device: %s", error), (NULL));
  else
    GST_ELEMENT_ERROR (
        element, LIBRARY, INIT, ("Cannot start VGG19: %s", error), (NULL));
  free (error);
  return NULL;
}

static gboolean
compare_mapped (GstElement *element, SympieFeatures *features,
    const GstSympieFrame frames[GST_SYMPIE_N_SIDES],
    const GstVideoFrame maps[GST_SYMPIE_N_SIDES], SympieDifference *difference)
{
  SympieImage images[GST_SYMPIE_N_SIDES][GST_SYMPIE_MAX_IMAGES];
  guint n[GST_SYMPIE_N_SIDES];

  for (guint side = 0; side < GST_SYMPIE_N_SIDES; side++)
    n[side] = gst_sympie_images_from_frame (
        images[side], frames[side].stream, &maps[side]);
  if (n[0] == 0 || n[0] != n[1]) {
    GST_ELEMENT_ERROR (element, STREAM, FORMAT,
        ("Cannot compare an interlaced frame with a progressive one, or fields "
         "without their last chroma row"),
        ("%u fields of the reference, %u distorted", n[GST_SYMPIE_REF],
            n[GST_SYMPIE_DIST]));
    return FALSE;
  }

  *difference = (SympieDifference){ 0.0, 0.0 };
  for (guint i = 0; i < n[0]; i++) {
    SympieDifference field;
    char *error = NULL;

    if (!sympie_features_compare (features, &images[GST_SYMPIE_REF][i],
            &images[GST_SYMPIE_DIST][i], &field, &error)) {
      GST_ELEMENT_ERROR (element, STREAM, FAILED,
          ("Cannot compare a pair of frames: %s", error), (NULL));
      free (error);
      return FALSE;
    }
    difference->feature_mse += field.feature_mse / n[0];
    difference->pixel_mse += field.pixel_mse / n[0];
  }
  return TRUE;
}

gboolean
gst_sympie_vgg19_compare (GstElement *element, SympieFeatures *features,
    const GstSympieFrame frames[GST_SYMPIE_N_SIDES],
    SympieDifference *difference)
{
  GstVideoFrame maps[GST_SYMPIE_N_SIDES];
  gboolean ok;

  for (guint side = 0; side < GST_SYMPIE_N_SIDES; side++) {
    if (!gst_video_frame_map (&maps[side], frames[side].info,
            frames[side].buffer, GST_MAP_READ)) {
      GST_ELEMENT_ERROR (element, RESOURCE, READ,
          ("Cannot map a frame of %s", gst_sympie_side_name (side)), (NULL));
      while (side > 0)
        gst_video_frame_unmap (&maps[--side]);
      return FALSE;
    }
  }
  ok = compare_mapped (element, features, frames, maps, difference);
  for (guint side = 0; side < GST_SYMPIE_N_SIDES; side++)
    gst_video_frame_unmap (&maps[side]);
  return ok;
}
