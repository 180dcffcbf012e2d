/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* From a frame in its own format to what a network sees, in one pass over the
 * part of the frame that counts. */

#ifndef SYMPIE_PREPROCESS_H
#define SYMPIE_PREPROCESS_H

#include "nem.h"

typedef struct SympiePreprocess SympiePreprocess;

/* For the crop or for whole frames. `cpu_flags` are the SympieCpuFlags to use,
 * which the processor must have. The pool must outlive the result. NULL with a
 * message when memory is short. */
SympiePreprocess *sympie_preprocess_new (SympiePool *pool, unsigned cpu_flags,
    SympieInput input, SympieError *error);
void sympie_preprocess_free (
    SympiePreprocess *preprocess); /* NULL is allowed */

/* Rows `first` to `first` + `n` - 1 of what is to be seen of an image that was
 * checked, as R, G and B in rows that are `stride` floats apart. Memory is
 * allocated when the image's size or layout differs from the last one's; false
 * with a message when there is none. */
bool sympie_preprocess_rows (SympiePreprocess *preprocess,
    const SympieImage *image, int first, int n, float *const rgb[3],
    ptrdiff_t stride, SympieError *error);

/* Fills the crop, but not its border; otherwise the same. */
bool sympie_preprocess_run (SympiePreprocess *preprocess,
    const SympieImage *image, SympieCrop *crop, SympieError *error);

#endif /* SYMPIE_PREPROCESS_H */
