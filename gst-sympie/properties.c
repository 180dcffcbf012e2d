/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "properties.h"

/* ---- Values -------------------------------------------------------------- */

const gchar *
gst_sympie_enum_nick (GType type, gint value)
{
  GEnumClass *klass = g_type_class_ref (type);
  const gchar *nick = g_enum_get_value (klass, value)->value_nick;

  g_type_class_unref (klass);
  return nick;
}

gchar *
gst_sympie_dup_filename (
    const gchar *set, const gchar *variable, const gchar *installed)
{
  if (!set || !*set)
    set = g_getenv (variable);
  return g_strdup (set && *set ? set : installed);
}

/* ---- Devices ------------------------------------------------------------- */

GST_SYMPIE_DEFINE_ENUM (GstSympieDevice, gst_sympie_device,
    { SYMPIE_DEVICE_AUTO, "The best device there is", "auto" },
    { SYMPIE_DEVICE_CPU, "The processor", "cpu" },
    { SYMPIE_DEVICE_CUDA, "An NVIDIA GPU", "cuda" });

gboolean
gst_sympie_device_choose (
    GstElement *element, SympieDevice *device, gint cuda_device)
{
  SympieError error;

  if (*device == SYMPIE_DEVICE_CPU)
    return TRUE;
  if (sympie_cuda_available (cuda_device, &error)) {
    *device = SYMPIE_DEVICE_CUDA;
    return TRUE;
  }
  if (*device == SYMPIE_DEVICE_CUDA) {
    GST_ELEMENT_ERROR (element, RESOURCE, NOT_FOUND,
        ("Cannot use device=cuda: %s", error.message), (NULL));
    return FALSE;
  }
#ifdef SYMPIE_HAVE_CUDA
  GST_ELEMENT_WARNING (element, RESOURCE, NOT_FOUND,
      ("device=auto takes the processor: %s", error.message),
      ("device=cpu does so without this warning"));
#else
  GST_INFO_OBJECT (
      element, "device=auto takes the processor: %s", error.message);
#endif
  *device = SYMPIE_DEVICE_CPU;
  return TRUE;
}

/* ---- Fields -------------------------------------------------------------- */

/* Of all of them: a GParamSpec tells them apart. */
#define PROP_FIELD G_MAXUINT

static GQuark
offset_quark (void)
{
  return g_quark_from_static_string ("gst-sympie-offset");
}

GParamSpec *
gst_sympie_field (gsize offset, GParamSpec *pspec)
{
  g_param_spec_set_qdata (pspec, offset_quark (), GSIZE_TO_POINTER (offset));
  return pspec;
}

void
gst_sympie_install_field (GObjectClass *klass, gsize offset, GParamSpec *pspec)
{
  g_object_class_install_property (
      klass, PROP_FIELD, gst_sympie_field (offset, pspec));
}

/* NULL where the property is no field. */
static gpointer
find_field (GObject *object, GParamSpec *pspec)
{
  gsize offset =
      GPOINTER_TO_SIZE (g_param_spec_get_qdata (pspec, offset_quark ()));

  return offset > 0 ? (guint8 *) object + offset : NULL;
}

static void
write_field (gpointer field, const GValue *value)
{
  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value))) {
  case G_TYPE_BOOLEAN:
    *(gboolean *) field = g_value_get_boolean (value);
    break;
  case G_TYPE_UINT:
    *(guint *) field = g_value_get_uint (value);
    break;
  case G_TYPE_UINT64:
    *(guint64 *) field = g_value_get_uint64 (value);
    break;
  case G_TYPE_DOUBLE:
    *(gdouble *) field = g_value_get_double (value);
    break;
  case G_TYPE_ENUM:
    *(gint *) field = g_value_get_enum (value);
    break;
  case G_TYPE_STRING:
    g_free (*(gchar **) field);
    *(gchar **) field = g_value_dup_string (value);
    break;
  default:
    g_assert_not_reached ();
  }
}

static void
read_field (gconstpointer field, GValue *value)
{
  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value))) {
  case G_TYPE_BOOLEAN:
    g_value_set_boolean (value, *(const gboolean *) field);
    break;
  case G_TYPE_UINT:
    g_value_set_uint (value, *(const guint *) field);
    break;
  case G_TYPE_UINT64:
    g_value_set_uint64 (value, *(const guint64 *) field);
    break;
  case G_TYPE_DOUBLE:
    g_value_set_double (value, *(const gdouble *) field);
    break;
  case G_TYPE_ENUM:
    g_value_set_enum (value, *(const gint *) field);
    break;
  case G_TYPE_STRING:
    g_value_set_string (value, *(gchar *const *) field);
    break;
  default:
    g_assert_not_reached ();
  }
}

void
gst_sympie_install_device (GObjectClass *klass, gsize offset)
{
  /**
   * GstSympieEnhance:device:
   *
   * Where to compute: on an NVIDIA GPU with auto, if there is one, else on the
   * processor, which the element says in a warning. A device that is asked for
   * by name and is not there is an error, not a reason to take another one.
   */
  gst_sympie_install_field (klass, offset,
      g_param_spec_enum ("device", "Device", "Device to compute on",
          GST_TYPE_SYMPIE_DEVICE, SYMPIE_DEVICE_AUTO, GST_SYMPIE_READY));
}

void
gst_sympie_install_n_threads (GObjectClass *klass, gsize offset)
{
  /**
   * GstSympieEnhance:n-threads:
   *
   * Threads that work on a frame on the processor, out of one pool for all
   * elements of the process. The result is the same for any number.
   */
  gst_sympie_install_field (klass, offset,
      g_param_spec_uint ("n-threads", "Threads",
          "Number of threads on the processor (0 = one for each processor)", 0,
          SYMPIE_MAX_THREADS, 0, GST_SYMPIE_READY));
}

void
gst_sympie_fields_reset (GObject *object)
{
  guint n;
  GParamSpec **specs =
      g_object_class_list_properties (G_OBJECT_GET_CLASS (object), &n);

  for (guint i = 0; i < n; i++) {
    gpointer field = find_field (object, specs[i]);

    if (field)
      write_field (field, g_param_spec_get_default_value (specs[i]));
  }
  g_free (specs);
}

/* What it was started with stays until it is stopped. */
static gboolean
is_started (GstElement *element)
{
  gboolean started;

  GST_OBJECT_LOCK (element);
  started =
      MAX (GST_STATE (element), GST_STATE_NEXT (element)) > GST_STATE_READY;
  GST_OBJECT_UNLOCK (element);
  return started;
}

static gboolean
has_value (GObject *object, GParamSpec *pspec, const GValue *value)
{
  GValue now = G_VALUE_INIT;
  gboolean same;

  g_object_get_property (object, pspec->name, &now);
  same = g_param_values_cmp (pspec, &now, value) == 0;
  g_value_unset (&now);
  return same;
}

void
gst_sympie_field_set (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  gpointer field = find_field (object, pspec);

  if (!field) {
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  } else if (!(pspec->flags & GST_PARAM_MUTABLE_READY)
             || !is_started (GST_ELEMENT (object))) {
    GST_OBJECT_LOCK (object);
    write_field (field, value);
    GST_OBJECT_UNLOCK (object);
  } else if (!has_value (object, pspec, value)) {
    GST_ELEMENT_WARNING (object, LIBRARY, SETTINGS,
        ("The property %s stays as it is: it can be changed only in NULL or "
         "READY state",
            pspec->name),
        (NULL));
  }
}

void
gst_sympie_field_get (
    GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  gpointer field = find_field (object, pspec);

  GST_OBJECT_LOCK (object);
  if (field)
    read_field (field, value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (object);
}
