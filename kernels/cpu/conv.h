/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* One thread's share of a 3x3 convolution, done by oneDNN.
 *
 * oneDNN itself never gets a second thread: libgomp's workers spin while they
 * wait and collapse beside a busy neighbour such as a decoder. A layer is
 * split by output channels instead, and our pool runs the shares. */

#ifndef SYMPIE_CONV_H
#define SYMPIE_CONV_H

#include "../nem_weights.h"

typedef struct
{
  const SympieConv *conv;
  int first, n_channels; /* the outputs to compute; n_channels % block == 0 */
  int width, height;     /* of the outputs */
  int block;             /* channels in a vector: 8 or 16, see nem_layers.h */
  bool rows_given; /* the input has the row above and the row below; else they
                      are zero, as the columns beside it always are */
  bool relu;
} SympieConvShare;

typedef struct SympieConvPlan SympieConvPlan;

/* Limits oneDNN to `cpu_flags`. It listens only before its first use in a
 * process: there the first context decides, for all that follow. */
void sympie_conv_limit_cpu (unsigned cpu_flags);

/* `conv` need not outlive the plan. NULL with a message when memory is short or
 * oneDNN fails. */
SympieConvPlan *sympie_conv_plan_new (
    const SympieConvShare *share, char **error);
void sympie_conv_plan_free (SympieConvPlan *plan); /* NULL is allowed */

/* Runs on the calling thread alone. `src` has all input channels, in blocks or,
 * where they do not fill one, in planes; `dst` gets the n_channels outputs in
 * blocks. Both are aligned to 64 bytes. Different plans can run at the same
 * time. */
bool sympie_conv_plan_run (
    SympieConvPlan *plan, const float *src, float *dst, char **error);

#endif /* SYMPIE_CONV_H */
