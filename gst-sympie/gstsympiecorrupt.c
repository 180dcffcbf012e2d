/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/**
 * SECTION:element-sympiecorrupt
 * @title: sympiecorrupt
 * @short_description: spoils video as ImageNet-C spoils pictures
 *
 * sympiecorrupt does to video what the benchmark ImageNet-C (Hendrycks and
 * Dietterich 2019) does to pictures: noise, blur, weather, bad settings, strong
 * compression, each in five severities. Together with the four changes of light
 * of SyMPIE's training pool these are the 23 corruptions that sympieenhance is
 * trained and judged on. Use it to see what a vision model, or sympieenhance
 * before it, makes of bad video.
 *
 * ## Time
 *
 * What chance decides about a frame follows from #GstSympieCorrupt:seed and,
 * according to #GstSympieCorrupt:temporal, from the frame's stream time: so the
 * same part of a stream always looks the same, also after a seek. Frames
 * without a timestamp take their number for it.
 *
 * * frame: each frame is drawn anew, as noise is
 * * clip: one draw for all of them, a dirty lens
 * * drift: the draw turns slowly into another one, as fog does;
 *   #GstSympieCorrupt:drift-period is the time until nothing is left of the
 *   first
 *
 * Which corruptions make up mixed and which photograph of frost is taken
 * depends on the seed alone.
 *
 * ## Size
 *
 * The corruptions were published for pictures of 224x224. By default they look
 * as strong in video of any size, a blur being wider in a larger frame;
 * #GstSympieCorrupt:scale set to 1 takes the published numbers of pixels.
 *
 * ## Formats
 *
 * All is done in full-range RGB of 8 bits, to which other formats are taken and
 * back (what has 10 or 12 bits too), with the matrix, range and chroma site of
 * their caps. Video in HLG is taken as the signal that it is; what is not
 * gamma-coded (PQ, linear light) is kept out by negotiation. Frames of
 * interlaced video are corrupted field by field, both fields with the same
 * draw; fields in buffers of their own are kept out, and so is stereoscopic
 * video with both views in a frame.
 *
 * With #GstSympieCorrupt:corruption none or a #GstSympieCorrupt:severity of 0
 * any raw video in any memory passes untouched.
 *
 * ## Example pipelines
 * |[
 * gst-launch-1.0 filesrc location=clip.mp4 ! decodebin ! videoconvert !
 *     sympiecorrupt corruption=fog severity=4 temporal=drift !
 *     videoconvert ! autovideosink
 * ]| Plays a file in drifting fog.
 * |[
 * gst-launch-1.0 filesrc location=clip.mp4 ! decodebin ! videoconvert !
 *     sympiecorrupt corruption=darken severity=5 ! sympieenhance !
 *     videoconvert ! autovideosink
 * ]| Shows what sympieenhance makes of a scene that is too dark.
 *
 * Since: 0.1
 */

#include "elements.h"

#include "properties.h"
#include "sympie_corrupt.h"

GST_DEBUG_CATEGORY_STATIC (gst_sympie_corrupt_debug);
#define GST_CAT_DEFAULT gst_sympie_corrupt_debug

typedef enum
{
  GST_SYMPIE_TEMPORAL_FRAME,
  GST_SYMPIE_TEMPORAL_CLIP,
  GST_SYMPIE_TEMPORAL_DRIFT,
} GstSympieTemporal;

/* The properties that may change from one frame to the next. */
typedef struct
{
  SympieCorruption corruption;
  guint severity;
  guint64 seed;
  GstSympieTemporal temporal;
  GstClockTime drift_period;
} Settings;

struct _GstSympieCorrupt
{
  GstSympieFilter parent;

  /* The object lock guards these; it is never held while a frame is worked
   * on. */
  Settings settings;
  gdouble scale;
  gchar *frost_folder;

  /* The rest belongs to the streaming thread, and while there is none to
   * start and stop. */
  SympieCorruptor *corruptor;
  guint64 n_frames; /* since the start */
  Settings frame_settings;
  gdouble frame_phase;
};

static GstStaticCaps formats = GST_STATIC_CAPS (GST_SYMPIE_CAPS);

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_SYMPIE_FILTER_PAD_CAPS (GST_SYMPIE_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_SYMPIE_FILTER_PAD_CAPS (GST_SYMPIE_CAPS));

#define gst_sympie_corrupt_parent_class parent_class
/* Presets are the user's to make. */
G_DEFINE_TYPE_WITH_CODE (GstSympieCorrupt, gst_sympie_corrupt,
    GST_TYPE_SYMPIE_FILTER, G_IMPLEMENT_INTERFACE (GST_TYPE_PRESET, NULL));
GST_ELEMENT_REGISTER_DEFINE (
    sympiecorrupt, "sympiecorrupt", GST_RANK_NONE, GST_TYPE_SYMPIE_CORRUPT);

/* The library's names, with hyphens. */
#define GST_TYPE_SYMPIE_CORRUPTION (gst_sympie_corruption_get_type ())
static GType
gst_sympie_corruption_get_type (void)
{
  static gsize type = 0;
  static GEnumValue values[SYMPIE_N_CORRUPTIONS + 1];

  if (g_once_init_enter (&type)) {
    for (gint i = 0; i < SYMPIE_N_CORRUPTIONS; i++) {
      gchar *name = g_strdup (sympie_corruption_name (i));

      g_strdelimit (name, "_", ' ');
      values[i].value = i;
      values[i].value_name = g_intern_string (name);
      g_strdelimit (name, " ", '-');
      values[i].value_nick = g_intern_string (name);
      g_free (name);
    }
    g_once_init_leave (
        &type, g_enum_register_static ("GstSympieCorruption", values));
  }
  return type;
}

#define GST_TYPE_SYMPIE_TEMPORAL (gst_sympie_temporal_get_type ())
static GST_SYMPIE_DEFINE_ENUM (GstSympieTemporal, gst_sympie_temporal,
    { GST_SYMPIE_TEMPORAL_FRAME, "Each frame is drawn anew", "frame" },
    { GST_SYMPIE_TEMPORAL_CLIP, "One draw for all frames", "clip" },
    { GST_SYMPIE_TEMPORAL_DRIFT, "The draw changes slowly", "drift" });

/* ---- Life cycle ---------------------------------------------------------- */

static gboolean
gst_sympie_corrupt_ensure_open (GstSympieFilter *filter)
{
  GstSympieCorrupt *self = GST_SYMPIE_CORRUPT (filter);
  SympieCorruptorConfig config = SYMPIE_CORRUPTOR_CONFIG_INIT;
  gchar *folder;
  SympieError error;

  if (self->corruptor)
    return TRUE;
  GST_OBJECT_LOCK (self);
  folder = g_strdup (self->frost_folder);
  config.scale = (float) self->scale;
  config.n_threads = (int) filter->n_threads;
  GST_OBJECT_UNLOCK (self);
  config.frost_folder = folder && *folder ? folder : NULL;

  self->corruptor = sympie_corruptor_new (&config, &error);
  if (!self->corruptor) {
    if (config.frost_folder)
      GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ,
          ("Cannot use the photographs of frost: %s", error.message),
          ("frost-folder: %s", folder));
    else
      GST_ELEMENT_ERROR (self, LIBRARY, INIT,
          ("Cannot start libsympie: %s", error.message), (NULL));
  }
  g_free (folder);
  return self->corruptor != NULL;
}

static void
gst_sympie_corrupt_close (GstSympieFilter *filter)
{
  GstSympieCorrupt *self = GST_SYMPIE_CORRUPT (filter);

  sympie_corruptor_free (self->corruptor);
  self->corruptor = NULL;
  self->n_frames = 0;
}

/* ---- Frames -------------------------------------------------------------- */

static gboolean
gst_sympie_corrupt_is_on (GstSympieFilter *filter)
{
  GstSympieCorrupt *self = GST_SYMPIE_CORRUPT (filter);

  return self->settings.severity > 0
         && self->settings.corruption != SYMPIE_CORRUPTION_NONE;
}

/* When in the library's sense of phases a frame is. */
static gdouble
phase_of (const Settings *settings, GstClockTime stream_time, guint64 number)
{
  gboolean timed = GST_CLOCK_TIME_IS_VALID (stream_time);

  switch (settings->temporal) {
  case GST_SYMPIE_TEMPORAL_FRAME:
    return timed ? stream_time : number;
  case GST_SYMPIE_TEMPORAL_DRIFT:
    /* Without timestamps: at 25 frames a second. */
    return (timed ? stream_time : number * (GST_SECOND / 25.0))
           / (gdouble) settings->drift_period;
  case GST_SYMPIE_TEMPORAL_CLIP:
  default:
    return 0;
  }
}

static void
gst_sympie_corrupt_begin_frame (
    GstSympieFilter *filter, GstClockTime stream_time)
{
  GstSympieCorrupt *self = GST_SYMPIE_CORRUPT (filter);

  self->frame_settings = self->settings;
  self->frame_phase =
      phase_of (&self->frame_settings, stream_time, self->n_frames++);
}

static gboolean
gst_sympie_corrupt_apply (GstSympieFilter *filter, const GstSympieView *src,
    const GstSympieView *dst, guint n, SympieError *error)
{
  GstSympieCorrupt *self = GST_SYMPIE_CORRUPT (filter);
  const Settings *settings = &self->frame_settings;

  GST_LOG_OBJECT (self, "%s, severity %u, phase %f",
      sympie_corruption_name (settings->corruption), settings->severity,
      self->frame_phase);
  for (guint i = 0; i < n; i++)
    if (!sympie_corrupt (self->corruptor, &src[i].image, &dst[i].target,
            settings->corruption, (int) settings->severity, settings->seed,
            self->frame_phase, error))
      return FALSE;
  return TRUE;
}

/* ---- Properties ---------------------------------------------------------- */

#define FIELD(name) G_STRUCT_OFFSET (GstSympieCorrupt, name)

static void
gst_sympie_corrupt_install_properties (GObjectClass *klass)
{
  /**
   * GstSympieCorrupt:corruption:
   *
   * What is done to frames: one of the 23; mixed, 1 to 3 of them that the seed
   * chooses; or none, which lets buffers pass untouched.
   */
  gst_sympie_install_field (klass, FIELD (settings.corruption),
      g_param_spec_enum ("corruption", "Corruption",
          "What is done to frames (mixed = 1 to 3 of the others)",
          GST_TYPE_SYMPIE_CORRUPTION, SYMPIE_CORRUPTION_GAUSSIAN_NOISE,
          GST_SYMPIE_PLAYING));
  /**
   * GstSympieCorrupt:severity:
   *
   * How much of it: the five severities of ImageNet-C, and 0, which lets
   * buffers pass untouched.
   */
  gst_sympie_install_field (klass, FIELD (settings.severity),
      g_param_spec_uint ("severity", "Severity",
          "How much of it, from none (0) to the worst (5)", 0,
          SYMPIE_MAX_SEVERITY, 3, GST_SYMPIE_PLAYING | GST_PARAM_CONTROLLABLE));
  gst_sympie_install_field (klass, FIELD (settings.seed),
      g_param_spec_uint64 ("seed", "Seed",
          "Chooses what is left to chance; the same one does the same again", 0,
          G_MAXUINT64, 0, GST_SYMPIE_PLAYING));
  gst_sympie_install_field (klass, FIELD (settings.temporal),
      g_param_spec_enum ("temporal", "Temporal",
          "How what is left to chance changes over time",
          GST_TYPE_SYMPIE_TEMPORAL, GST_SYMPIE_TEMPORAL_FRAME,
          GST_SYMPIE_PLAYING));
  /**
   * GstSympieCorrupt:drift-period:
   *
   * With #GstSympieCorrupt:temporal set to drift: nanoseconds from one draw to
   * the next.
   */
  gst_sympie_install_field (klass, FIELD (settings.drift_period),
      g_param_spec_uint64 ("drift-period", "Drift period",
          "Nanoseconds from one draw to the next with temporal=drift",
          GST_MSECOND, G_MAXUINT64, (4 * GST_SECOND), GST_SYMPIE_PLAYING));
  /**
   * GstSympieCorrupt:scale:
   *
   * What is a pixel of ImageNet-C's: 1 is a pixel of the video, whatever its
   * size; 0 is the 224th part of the shorter side, which looks as strong as
   * there. Values in between blend the two.
   */
  gst_sympie_install_field (klass, FIELD (scale),
      g_param_spec_double ("scale", "Scale",
          "Lengths as published in pixels (1) or in proportion to the shorter "
          "side (0)",
          0.0, 1.0, 0.0, GST_SYMPIE_READY));
  /**
   * GstSympieCorrupt:frost-folder:
   *
   * Folder with photographs of frost (*.jpg, *.jpeg). Without one, the ice is
   * drawn.
   */
  gst_sympie_install_field (klass, FIELD (frost_folder),
      g_param_spec_string ("frost-folder", "Frost folder",
          "Folder with JPEG photographs of frost (unset = ice that is drawn)",
          NULL, GST_SYMPIE_READY));
}

static void
gst_sympie_corrupt_class_init (GstSympieCorruptClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstSympieFilterClass *filter_class = GST_SYMPIE_FILTER_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (
      gst_sympie_corrupt_debug, "sympiecorrupt", 0, "Corruption of video");

  /* GObject's class_init forgets them. */
  object_class->set_property = G_OBJECT_CLASS (parent_class)->set_property;
  object_class->get_property = G_OBJECT_CLASS (parent_class)->get_property;
  gst_sympie_corrupt_install_properties (object_class);
  gst_type_mark_as_plugin_api (GST_TYPE_SYMPIE_CORRUPTION, 0);

  gst_element_class_set_static_metadata (element_class, "SyMPIE corruption",
      "Filter/Effect/Video",
      "Spoils video with the corruptions of ImageNet-C and more",
      GST_SYMPIE_AUTHOR);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);

  filter_class->verb = "corrupt";
  filter_class->formats = &formats;
  filter_class->is_on = gst_sympie_corrupt_is_on;
  filter_class->begin_frame = gst_sympie_corrupt_begin_frame;
  filter_class->ensure_open = gst_sympie_corrupt_ensure_open;
  filter_class->close = gst_sympie_corrupt_close;
  filter_class->apply = gst_sympie_corrupt_apply;
}

static void
gst_sympie_corrupt_init (GstSympieCorrupt *self)
{
}
