/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* DWM on the CPU against PyTorch: the frames of golden/make_dwm.py. RGB within
 * one level, YUV at 45 dB or better, with every instruction set. */

#include <math.h>
#include <string.h>

#include "check.h"
#include "cpu/cpu.h"
#include "cpu/dwm.h"
#include "frame.h"

static SympieFormat
format_of (const char *name)
{
  int format = 0;

  while (format < SYMPIE_N_FORMATS
         && strcmp (sympie_format_info (format)->name, name) != 0)
    format++;
  return (SympieFormat) format;
}

/* The planes of the file have no padding. */
static bool
read_frame (FILE *file, Frame *frame)
{
  bool ok = true;

  for (int p = 0; p < sympie_format_info (frame->image.format)->n_planes; p++)
    ok = ok
         && fread (frame->memory[p], 1, frame->size[p], file) == frame->size[p];
  return ok;
}

typedef struct
{
  int largest; /* difference of codes */
  double psnr; /* of the worst component, in dB */
} Difference;

static Difference
compare (const Frame *a, const Frame *b)
{
  const SympieFormatInfo *info = sympie_format_info (a->image.format);
  double peak = (1 << info->depth) - 1;
  Difference difference = { 0, INFINITY };

  for (int c = 0; c < 3; c++) {
    const SympieComponent *component = &info->component[c];
    int width = sympie_component_width (component, a->image.width);
    int height = sympie_component_height (component, a->image.height);
    double sum = 0;

    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++) {
        int d = abs (frame_get (a, c, x, y) - frame_get (b, c, x, y));

        difference.largest = d > difference.largest ? d : difference.largest;
        sum += d * d;
      }
    difference.psnr =
        fmin (difference.psnr, 10 * log10 (peak * peak * width * height / sum));
  }
  return difference;
}

static void
check_case (const SympieParams *params, const Frame *before, const Frame *after,
    const char *what)
{
  static const unsigned flags[] = { 0, SYMPIE_CPU_AVX2,
    SYMPIE_CPU_AVX2 | SYMPIE_CPU_AVX512 };

  for (int i = 0; i < 3; i++) {
    SympiePool *pool = sympie_pool_new (1, NULL);
    SympieDwm *dwm = sympie_dwm_new (pool, sympie_cpu_flags (~flags[i]), NULL);
    uint64_t seed = 1;
    Frame out = frame_new (before->image.format, before->image.width,
        before->image.height, 0, &before->image.colorimetry, &seed);
    Difference difference;

    sympie_dwm_apply (dwm, &before->image, &out.target, params, NULL);
    difference = compare (&out, after);
    if (sympie_format_info (before->image.format)->yuv)
      CHECK (difference.psnr >= 45, "%s, cpu flags %u: %.1f dB, %d codes", what,
          flags[i], difference.psnr, difference.largest);
    else
      CHECK (difference.largest <= 1, "%s, cpu flags %u: %d codes", what,
          flags[i], difference.largest);
    frame_clear (&out);
    sympie_dwm_free (dwm);
    sympie_pool_free (pool);
  }
}

/* False at the end of the file. */
static bool
run_case (FILE *file, int number)
{
  char name[16], what[100];
  SympieColorimetry colorimetry;
  SympieParams params;
  SympieFormat format;
  int width, height, full;
  uint64_t seed = 0;
  bool ok;

  if (fscanf (file, "%15s %d %d %f %f %d %u", name, &width, &height,
          &colorimetry.kr, &colorimetry.kb, &full, &colorimetry.chroma_site)
      != 7)
    return false;
  colorimetry.full_range = full;
  format = format_of (name);
  snprintf (what, sizeof what, "case %d, %s %dx%d kr %.3f full %d site %u",
      number, name, width, height, colorimetry.kr, full,
      colorimetry.chroma_site);
  if (!CHECK (format < SYMPIE_N_FORMATS, "%s", what))
    return false;

  Frame before = frame_new (format, width, height, 0, &colorimetry, &seed);
  Frame after = frame_new (format, width, height, 0, &colorimetry, &seed);

  ok = fgetc (file) == '\n'
       && fread (params.values, sizeof params, 1, file) == 1
       && read_frame (file, &before) && read_frame (file, &after);
  if (CHECK (ok, "%s: cannot be read", what))
    check_case (&params, &before, &after, what);
  frame_clear (&before);
  frame_clear (&after);
  return ok;
}

int
main (void)
{
  FILE *file = fopen (check_golden ("dwm.golden"), "rb");
  int n = 0;

  if (CHECK (file, "cannot open %s", check_golden ("dwm.golden"))) {
    while (run_case (file, n))
      n++;
    CHECK (feof (file) && n == 62, "%d cases", n);
    fclose (file);
  }
  return check_end ();
}
