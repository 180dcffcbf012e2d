/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM allocates for the first frame and for a wider one, and never else. The
 * linker leads the library's allocations here. */

#include <string.h>

#include "check.h"
#include "cpu/cpu.h"
#include "cpu/dwm.h"
#include "frame.h"
#include "params.h"

static int allocations;

#define COUNTED(name, parameters, arguments)                                   \
  void *__real_##name parameters;                                              \
  void *__wrap_##name parameters;                                              \
                                                                               \
  void *__wrap_##name parameters                                               \
  {                                                                            \
    allocations++;                                                             \
    return __real_##name arguments;                                            \
  }

COUNTED (malloc, (size_t size), (size))
COUNTED (calloc, (size_t n, size_t size), (n, size))
COUNTED (realloc, (void *p, size_t size), (p, size))
COUNTED (aligned_alloc, (size_t alignment, size_t size), (alignment, size))

/* Allocations while a frame of that size is filtered. */
static int
count (SympieDwm *dwm, SympieFormat format, int width, int height, bool wide)
{
  const SympieColorimetry colorimetry = { 0.2126f, 0.0722f, false,
    SYMPIE_CHROMA_LEFT | SYMPIE_CHROMA_TOP };
  uint64_t seed = 1;
  Frame frame = frame_new (format, width, height, 0, &colorimetry, &seed);
  SympieParams params;
  int before;

  sympie_params_identity (&params);
  if (wide)
    params.kernel[0] = 1e6f;
  before = allocations;
  sympie_dwm_apply (dwm, &frame.image, &frame.target, &params, NULL);
  before = allocations - before;
  frame_clear (&frame);
  return before;
}

static void
test_pool (int n_threads, unsigned disabled)
{
  SympiePool *pool = sympie_pool_new (n_threads, NULL);
  SympieDwm *dwm = sympie_dwm_new (pool, sympie_cpu_flags (disabled), NULL);

  CHECK (count (dwm, SYMPIE_FORMAT_NV12, 100, 80, false) == 1,
      "the first frame, or this test counts nothing");
  for (int format = 0; format < SYMPIE_N_FORMATS; format++)
    for (int wide = 0; wide < 2; wide++)
      CHECK (count (dwm, format, 100, 80, wide) == 0
                 && count (dwm, format, 7, 5, wide) == 0
                 && count (dwm, format, 90, 500, wide) == 0,
          "%s, %d threads, cpu flags %x off, %s",
          sympie_format_info (format)->name, n_threads, disabled,
          wide ? "wide" : "16 bits");
  CHECK (count (dwm, SYMPIE_FORMAT_RGBA, 300, 8, false) == 1, "a wider frame");
  CHECK (count (dwm, SYMPIE_FORMAT_RGBA, 300, 8, false) == 0, "the next");
  sympie_dwm_free (dwm);
  sympie_pool_free (pool);
}

int
main (void)
{
  for (int n_threads = 1; n_threads <= 3; n_threads += 2) {
    test_pool (n_threads, 0);
    test_pool (n_threads, SYMPIE_CPU_AVX512);
    test_pool (n_threads, ~0u);
  }
  return check_end ();
}
