/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympievgg19.h"

#include <stdlib.h>

#include "properties.h"

GType
gst_sympie_layer_get_type (void)
{
  static gsize type = 0;
  static GEnumValue values[SYMPIE_N_LAYERS + 1];
  GType registered;

  if (g_once_init_enter (&type)) {
    for (gint i = 0; i < SYMPIE_N_LAYERS; i++)
      values[i] = (GEnumValue){ i,
        i == SYMPIE_LAYER_POOL5 ? "The last max-pool: all features"
                                : "A convolution after its ReLU",
        sympie_layer_name (i) };
    registered = g_enum_register_static ("GstSympieLayer", values);
    gst_type_mark_as_plugin_api (registered, 0);
    g_once_init_leave (&type, registered);
  }
  return type;
}

GST_SYMPIE_DEFINE_ENUM (GstSympieInput, gst_sympie_input,
    { SYMPIE_INPUT_CROP224, "The central 224x224 of the frame, reduced",
        "crop224" },
    { SYMPIE_INPUT_FULL, "The whole frame at its size", "full" })

gchar *
gst_sympie_vgg19_dup_weights (const gchar *path)
{
  gchar *installed = g_build_filename (
      g_get_user_data_dir (), "gst-sympie", "vgg19.safetensors", NULL);
  gchar *chosen =
      gst_sympie_dup_filename (path, "SYMPIE_VGG19_WEIGHTS", installed);

  g_free (installed);
  return chosen;
}

SympieFeatures *
gst_sympie_vgg19_open (GstElement *element, const SympieFeaturesConfig *config)
{
  SympieFeaturesConfig chosen = *config;
  SympieFeatures *features;
  SympieError error;

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
  if (error.code == SYMPIE_ERROR_FILE || error.code == SYMPIE_ERROR_DAMAGED)
    GST_ELEMENT_ERROR (element, RESOURCE, OPEN_READ,
        ("Cannot use the weights of VGG19: %s; weights/fetch-vgg19.sh of "
         "gst-sympie installs some that fit",
            error.message),
        (NULL));
  else if (chosen.device == SYMPIE_DEVICE_CUDA)
    GST_ELEMENT_ERROR (element, RESOURCE, OPEN_READ_WRITE,
        ("Cannot start VGG19 on the CUDA device: %s", error.message), (NULL));
  else
    GST_ELEMENT_ERROR (element, LIBRARY, INIT,
        ("Cannot start VGG19: %s", error.message), (NULL));
  return NULL;
}

static gboolean
map_frame (GstElement *element, const GstSympiePairsFrame *frame,
    GstSympieMapped *mapped)
{
  if (!gst_video_frame_map (&mapped->frame, &frame->pad->format.info,
          frame->buffer, GST_MAP_READ)) {
    GST_ELEMENT_ERROR (element, RESOURCE, READ,
        ("Cannot map a buffer at %s " GST_SYMPIE_MISFIT_FORMAT,
            GST_PAD_NAME (frame->pad),
            GST_SYMPIE_MISFIT_ARGS (frame->buffer, &frame->pad->format.info)),
        (NULL));
    return FALSE;
  }
  gst_sympie_mapped_find_views (mapped, &frame->pad->format);
  if (mapped->n > 0)
    return TRUE;
  GST_ELEMENT_ERROR (element, STREAM, FORMAT,
      ("Cannot compare %s, at %s",
          gst_sympie_mapped_get_fault (mapped, &frame->pad->format),
          GST_PAD_NAME (frame->pad)),
      (NULL));
  gst_video_frame_unmap (&mapped->frame);
  return FALSE;
}

/* Of mapped[0], the reference's, with those of `n` others: the mean over fields
 * where they are interlaced. */
static gboolean
compare_mapped (GstElement *element, SympieFeatures *features,
    const GstSympieMapped *mapped, guint n, SympieDifference *differences)
{
  guint n_views = mapped[0].n;
  const SympieImage **images = g_newa0 (const SympieImage *, n);
  SympieDifference *found = g_newa (SympieDifference, n);
  SympieError error;

  for (guint i = 0; i < n; i++) {
    differences[i] = (SympieDifference){ 0.0, 0.0 };
    if (n_views == 0 || n_views != mapped[1 + i].n) {
      GST_ELEMENT_ERROR (element, STREAM, FORMAT,
          ("Cannot compare an interlaced frame with a progressive one, or "
           "fields without their last chroma row"),
          ("%u fields of the reference, %u distorted", n_views,
              mapped[1 + i].n));
      return FALSE;
    }
  }
  for (guint view = 0; view < n_views; view++) {
    for (guint i = 0; i < n; i++)
      images[i] = &mapped[1 + i].views[view].image;
    if (!sympie_features_compare_many (features, &mapped[0].views[view].image,
            images, (int) n, found, &error)) {
      GST_ELEMENT_ERROR (element, STREAM, FAILED,
          ("Cannot compare a pair of frames: %s", error.message), (NULL));
      return FALSE;
    }
    for (guint i = 0; i < n; i++) {
      differences[i].feature_mse += found[i].feature_mse / n_views;
      differences[i].pixel_mse += found[i].pixel_mse / n_views;
    }
  }
  return TRUE;
}

gboolean
gst_sympie_vgg19_compare (GstElement *element, SympieFeatures *features,
    const GstSympiePairsFrame *ref, const GstSympiePairsFrame *dist, guint n,
    SympieDifference *differences)
{
  GstSympieMapped *mapped = g_new (GstSympieMapped, 1 + n);
  guint n_mapped = 0;
  gboolean ok;

  while (n_mapped < 1 + n
         && map_frame (element, n_mapped == 0 ? ref : &dist[n_mapped - 1],
             &mapped[n_mapped]))
    n_mapped++;
  ok = n_mapped == 1 + n
       && compare_mapped (element, features, mapped, n, differences);
  for (guint i = 0; i < n_mapped; i++)
    gst_video_frame_unmap (&mapped[i].frame);
  g_free (mapped);
  return ok;
}
