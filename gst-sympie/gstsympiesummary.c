/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstsympiesummary.h"

#include <math.h>

static gint
compare (gconstpointer a, gconstpointer b)
{
  gdouble x = *(const gdouble *) a, y = *(const gdouble *) b;

  return (x > y) - (x < y);
}

void
gst_sympie_summary_compute (GstSympieSummary *summary, const GArray *values)
{
  guint n = values->len;
  gdouble sum = 0.0, inverse = 0.0;
  gdouble *sorted;

  if (n == 0) {
    *summary = (GstSympieSummary){ NAN, NAN, NAN, NAN, NAN };
    return;
  }

  sorted = g_memdup2 (values->data, n * sizeof *sorted);
  qsort (sorted, n, sizeof *sorted, compare);
  for (guint i = 0; i < n; i++) {
    sum += sorted[i];
    inverse += 1.0 / sorted[i]; /* of 0: infinite */
  }
  *summary = (GstSympieSummary){
    .mean = sum / n,
    .harmonic_mean = n / inverse,
    .min = sorted[0],
    .max = sorted[n - 1],
    .median = 0.5 * (sorted[(n - 1) / 2] + sorted[n / 2]),
  };
  g_free (sorted);
}
