/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Rows of codes out of and into planes of any format. */

#ifndef SYMPIE_PACKING_H
#define SYMPIE_PACKING_H

#include "../image.h"

enum
{
  SYMPIE_PACKING_SPARE = 16 /* codes after a row that it may spoil */
};

/* `row` is a row of a plane in an image `width` pixels wide. Codes have
 * info->depth bits, whatever has fewer (RGB16) is brought to them. */
typedef struct
{
  /* All codes of component `c`, which lies in that plane; 3 is alpha, as it
   * is. */
  void (*unpack) (const SympieFormatInfo *info, int c, const uint8_t *row,
      int width, uint16_t *codes);

  /* The other way, for all components of `plane` at once; codes of others are
   * not looked at. Padding is not written. */
  void (*pack) (const SympieFormatInfo *info, int plane,
      uint16_t *const codes[4], int width, uint8_t *row);
} SympiePacking;

/* `cpu_flags` are SympieCpuFlags that the processor has. */
const SympiePacking *sympie_packing (unsigned cpu_flags);

/* The pixels as they are. Padding is not written, where it is in the bytes of
 * the last pixels either. */
void sympie_packing_copy (const SympieImage *src, const SympieTarget *dst);

#endif /* SYMPIE_PACKING_H */
