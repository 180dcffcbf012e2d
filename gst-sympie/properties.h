/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the elements' properties have in common: enumerations, fields of the
 * instance that are set and read as they are, the choice of a device. */

#ifndef GST_SYMPIE_PROPERTIES_H
#define GST_SYMPIE_PROPERTIES_H

#include <gst/gst.h>

#include "sympie.h"

/* Defines type_name_get_type(). What follows the names are the values: each a
 * GEnumValue of number, description and nick. */
#define GST_SYMPIE_DEFINE_ENUM(TypeName, type_name, ...)                       \
  GType type_name##_get_type (void)                                            \
  {                                                                            \
    static gsize type = 0;                                                     \
    static const GEnumValue values[] = { __VA_ARGS__, { 0, NULL, NULL } };     \
                                                                               \
    if (g_once_init_enter (&type)) {                                           \
      GType registered = g_enum_register_static (#TypeName, values);           \
                                                                               \
      gst_type_mark_as_plugin_api (registered, 0);                             \
      g_once_init_leave (&type, registered);                                   \
    }                                                                          \
    return type;                                                               \
  }

/* What a property calls a value of its enumeration: its nick. */
const gchar *gst_sympie_enum_nick (GType type, gint value);

/* The file to read: the one that was `set`, else that of the environment
 * `variable`, else the `installed` one. Empty is not set. To be freed. */
gchar *gst_sympie_dup_filename (
    const gchar *set, const gchar *variable, const gchar *installed);

/* SympieDevice as the enumeration that properties have. */
#define GST_TYPE_SYMPIE_DEVICE (gst_sympie_device_get_type ())
GType gst_sympie_device_get_type (void);

/* Makes of SYMPIE_DEVICE_AUTO the device to use, CUDA where it is there. FALSE,
 * with an error posted, where CUDA was asked for by name and is not.
 *
 * Nobody should have to guess why video is slow: an element that had to take
 * the processor posts a warning. Where the plugin was built without CUDA there
 * was nothing to choose, and it is silent. */
gboolean gst_sympie_device_choose (
    GstElement *element, SympieDevice *device, gint cuda_device);

/* Flags of properties that can be set while the element is stopped, while it
 * plays, and never. */
#define GST_SYMPIE_READY                                                       \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)
#define GST_SYMPIE_PLAYING                                                     \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING)
#define GST_SYMPIE_READABLE (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)

/* A property that is kept in the field at `offset` of the instance: as `pspec`,
 * which is returned, has it, a gboolean, guint, guint64, gdouble, gchar * or an
 * enumeration. */
GParamSpec *gst_sympie_field (gsize offset, GParamSpec *pspec);

/* Installs one that is nothing but such a field. */
void gst_sympie_install_field (
    GObjectClass *klass, gsize offset, GParamSpec *pspec);

/* Installs those that elements have in common. */
void gst_sympie_install_device (GObjectClass *klass, gsize offset);
void gst_sympie_install_n_threads (GObjectClass *klass, gsize offset);

/* Sets all such fields to their defaults: at the beginning, and at the end, as
 * that of a string is NULL. */
void gst_sympie_fields_reset (GObject *object);

/* The set_property and get_property of a GstElement with nothing but fields.
 * They take its lock. What can be set only while the element is stopped is not
 * set otherwise, and a warning says so. */
void gst_sympie_field_set (
    GObject *object, guint id, const GValue *value, GParamSpec *pspec);
void gst_sympie_field_get (
    GObject *object, guint id, GValue *value, GParamSpec *pspec);

#endif /* GST_SYMPIE_PROPERTIES_H */
