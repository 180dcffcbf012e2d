/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef SYMPIE_DWM_DEFINITION_H
#define SYMPIE_DWM_DEFINITION_H

#include "frame.h"

/* DWM as the paper and the video formats define it, in double precision, slow
 * and independent of the library's way: the codes that the result should have
 * before they are rounded. code[c] is one component, rows without padding; the
 * caller frees each. */
typedef struct
{
  double *code[3];
} Definition;

Definition dwm_definition (const Frame *frame, const SympieParams *params);
void definition_clear (Definition *definition);

#endif /* SYMPIE_DWM_DEFINITION_H */
