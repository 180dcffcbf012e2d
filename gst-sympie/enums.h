/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Enumerations that properties have. */

#ifndef GST_SYMPIE_ENUMS_H
#define GST_SYMPIE_ENUMS_H

#include <gst/gst.h>

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

#endif /* GST_SYMPIE_ENUMS_H */
