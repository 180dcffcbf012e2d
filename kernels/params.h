/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifndef SYMPIE_PARAMS_H
#define SYMPIE_PARAMS_H

#include "sympie.h"

/* Whether no value is NaN or infinite. */
bool sympie_params_finite (const SympieParams *params);

#endif /* SYMPIE_PARAMS_H */
