/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What the public functions refuse, and that they say why. */

#include "sympie.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "check.h"
#include "cpu/cpu.h"
#include "frame.h"
#include "nem_file.h"

static void
check_error (bool ok, SympieError *error, const char *text)
{
  CHECK (!ok, "no failure, '%s' expected", text);
  CHECK (error->code && strstr (error->message, text), "'%s', expected '%s'",
      error->message, text);
  *error = (SympieError){ 0 };
}

static void
check_open (const SympieConfig *config, const char *text)
{
  SympieError error = { 0 };
  SympieContext *context = sympie_open (config, &error);

  check_error (context, &error, text);
  sympie_close (context);
  CHECK (!sympie_open (config, NULL), "no failure without a message");
}

static void
test_open (void)
{
  SympieConfig config = SYMPIE_CONFIG_INIT;

  config.weights = "/nowhere/nem.safetensors";
  check_open (&config, "/nowhere/nem.safetensors: cannot open: No such file");
  config.weights = "/";
  check_open (&config, "/: is a directory");
  config.weights = NULL;

  config.n_threads = -1;
  check_open (&config, "-1 threads");
  config.n_threads = 1 << 30;
  check_open (&config, "1073741824 threads");
  config.n_threads = 1;

  config.device = (SympieDevice) 77;
  check_open (&config, "unknown device 77");
  config.device = SYMPIE_DEVICE_AUTO;

  config.struct_size = offsetof (SympieConfig, cuda_async);
  check_open (&config, "SympieConfig with a struct_size of");
  config.struct_size = 0;
  check_open (&config, "SympieConfig with a struct_size of 0");
  config.struct_size = (size_t) -1;
  check_open (&config, "SympieConfig with a struct_size of");
  check_open (NULL, "SympieConfig is NULL");
}

/* A caller of a later version, with members that this one does not know. */
static void
test_growth (void)
{
  struct
  {
    SympieConfig config;
    void *later;
  } caller = { .config = SYMPIE_CONFIG_INIT };
  SympieContext *context;

  caller.config.struct_size = sizeof caller;
  context = sympie_open (&caller.config, NULL);
  CHECK (context, "a later member that is 0");
  sympie_close (context);
  caller.later = &caller;
  check_open (&caller.config, "does not know");
}

static void
test_environment (void)
{
  static const struct
  {
    const char *value;
    unsigned disabled; /* of those that x86-64 has */
  } cases[] = {
    { "", 0 },
    { "c", 7 },
    { "ssse3", SYMPIE_CPU_AVX2 | SYMPIE_CPU_AVX512 },
    { "avx2", SYMPIE_CPU_AVX512 },
    { "avx512", 0 },
  };
  SympieConfig config = SYMPIE_CONFIG_INIT;
  SympieContext *context;

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    SympieError error = { 0 };
    unsigned disabled = 0;

    setenv ("SYMPIE_CPU", cases[i].value, 1);
    CHECK (sympie_choose_cpu (&disabled, &error)
               && (disabled & 7) == cases[i].disabled,
        "SYMPIE_CPU '%s' disables %x: %s", cases[i].value, disabled,
        error.message);
    context = sympie_open (&config, &error);
    CHECK (context, "SYMPIE_CPU '%s': %s", cases[i].value, error.message);
    sympie_close (context);
  }

  setenv ("SYMPIE_CPU", "avx9", 1);
  check_open (&config, "SYMPIE_CPU is 'avx9', not c, ssse3, avx2");
  config.cpu_disabled = SYMPIE_CPU_AVX512;
  context = sympie_open (&config, NULL);
  CHECK (context, "SYMPIE_CPU counts although the caller chose");
  sympie_close (context);
  unsetenv ("SYMPIE_CPU");
}

/* Spoils one thing of an image at a time. */
static void
test_images (SympieContext *context)
{
  const SympieColorimetry bt709 = { 0.2126f, 0.0722f, false, 0 };
  uint64_t seed = 3;
  Frame frame = frame_new (SYMPIE_FORMAT_I420, 40, 30, 0, &bt709, &seed);
  const SympieImage good = frame.image;
  const SympieTarget good_target = frame.target;
  SympieImage image;
  SympieTarget target;
  SympieParams params;
  SympieError error = { 0 };

#define REFUSE(change, text)                                                   \
  image = good;                                                                \
  change;                                                                      \
  check_error (                                                                \
      sympie_estimate (context, &image, &params, NULL, &error), &error, text); \
  sympie_params_identity (&params);                                            \
  check_error (sympie_apply (context, &image, &good_target, &params, &error),  \
      &error, text)

  REFUSE (image.format = SYMPIE_N_FORMATS, "unknown pixel format");
  REFUSE (image.format = (SympieFormat) -1, "pixel format -1");
  REFUSE (image.width = 0, "0x30");
  REFUSE (image.height = -5, "40x-5");
  REFUSE (image.width = SYMPIE_MAX_SIZE + 1, "32769x30");
  REFUSE (image.planes[2] = NULL, "I420 image without plane 2");
  REFUSE (image.strides[1] = 19, "stride of 19 bytes in plane 1");
  REFUSE (image.strides[0] = -40, "stride of -40 bytes in plane 0");
  REFUSE (image.colorimetry.kr = 0, "luma weights of 0 for red");
  REFUSE (image.colorimetry.kb = NAN, "nan for blue");
  REFUSE (image.colorimetry.kb = 0.4f, "0.4 for blue");
  REFUSE (image.memory = SYMPIE_MEMORY_CUDA, "CUDA memory for the CPU");
  REFUSE (image.memory = (SympieMemory) 9, "unknown memory 9");
  REFUSE (image.struct_size = 8, "SympieImage with a struct_size of 8");
#undef REFUSE

  sympie_params_identity (&params);
#define REFUSE(change, text)                                                   \
  target = good_target;                                                        \
  change;                                                                      \
  check_error (                                                                \
      sympie_apply (context, &good, &target, &params, &error), &error, text);  \
  check_error (                                                                \
      sympie_enhance (context, &good, &target, 1, NULL, NULL, &error), &error, \
      text)

  REFUSE (target.planes[1] = NULL, "I420 image without plane 1");
  REFUSE (target.strides[2] = 19, "stride of 19 bytes in plane 2");
  REFUSE (target.memory = SYMPIE_MEMORY_CUDA, "CUDA memory for the CPU");
  REFUSE (target.struct_size = 8, "SympieTarget with a struct_size of 8");
#undef REFUSE

  /* Rows of v210 are whole groups of six pixels. */
  image = good;
  image.format = SYMPIE_FORMAT_V210;
  image.width = 7;
  image.strides[0] = 31;
  check_error (sympie_estimate (context, &image, &params, NULL, &error), &error,
      "fewer than the 32");

  params.shift[1] = INFINITY;
  check_error (sympie_apply (context, &good, &good_target, &params, &error),
      &error, "not finite");
  CHECK (sympie_estimate (context, &good, &params, NULL, &error), "%s",
      error.message);
  CHECK (sympie_apply (context, &good, &good_target, &params, &error), "%s",
      error.message);
  frame_clear (&frame);
}

/* What sympie_enhance() makes of a frame is what sympie_apply() makes of it
 * with the estimate blended by hand. */
static void
test_strength (SympieContext *context)
{
  static const float strengths[] = { 0, 0.25f, 0.5f, 1 };
  const SympieColorimetry any = { 0, 0, true, 0 };
  uint64_t seed = 6;
  Frame src = frame_new (SYMPIE_FORMAT_RGB, 64, 48, 0, &any, &seed);
  Frame dst = frame_new (SYMPIE_FORMAT_RGB, 64, 48, 0, &any, &seed);
  Frame expected = frame_new (SYMPIE_FORMAT_RGB, 64, 48, 0, &any, &seed);
  SympieParams identity, estimate, params, blended;
  SympieError error = { 0 };
  float gate;

  /* A dull picture, so that there is something to enhance. */
  for (int c = 0; c < 3; c++)
    for (int y = 0; y < 48; y++)
      for (int x = 0; x < 64; x++)
        frame_set (&src, c, x, y, 40 + (x + y) % 8);
  sympie_params_identity (&identity);
  CHECK (sympie_estimate (context, &src.image, &estimate, NULL, &error), "%s",
      error.message);
  CHECK (sympie_params_distance (&identity, &estimate) > 0.01f,
      "nothing to blend");
  for (int i = 0; i < 4; i++) {
    CHECK (sympie_enhance (context, &src.image, &dst.target, strengths[i],
               &params, &gate, &error),
        "%s", error.message);
    CHECK (sympie_params_distance (&params, &estimate) == 0,
        "strength %g: parameters of another estimate", strengths[i]);
    sympie_params_blend (&identity, &estimate, strengths[i], &blended);
    sympie_apply (context, &src.image, &expected.target, &blended, NULL);
    CHECK (frame_same_pixels (&dst, &expected), "strength %g", strengths[i]);
    CHECK (frame_same_pixels (&dst, &src) == (strengths[i] == 0),
        "strength %g: the frame is %s", strengths[i],
        strengths[i] == 0 ? "changed" : "as it was");
  }
  for (int i = 0; i < 3; i++)
    check_error (
        sympie_enhance (context, &src.image, &dst.target,
            ((const float[]){ -0.1f, 1.1f, NAN })[i], NULL, NULL, &error),
        &error, "a strength of");
  frame_clear (&src);
  frame_clear (&dst);
  frame_clear (&expected);
}

/* The identity leaves padding as it is, also what shares bytes with pixels. */
static void
test_identity (SympieContext *context)
{
  const SympieColorimetry bt709 = { 0.2126f, 0.0722f, false, 0 };
  uint64_t seed = 12;
  SympieParams identity;

  sympie_params_identity (&identity);
  for (int format = 0; format < SYMPIE_N_FORMATS; format++)
    for (int width = 1; width <= 12; width++) {
      Frame src = frame_new (format, width, 3, 4, &bt709, &seed);
      Frame dst = frame_new (format, width, 3, 8, &bt709, &seed);
      Frame before = frame_new (format, width, 3, 8, &bt709, &seed);

      for (int p = 0; p < SYMPIE_MAX_PLANES; p++)
        if (dst.size[p])
          memcpy (before.memory[p], dst.memory[p], dst.size[p]);
      CHECK (sympie_apply (context, &src.image, &dst.target, &identity, NULL)
                 && frame_same_pixels (&src, &dst)
                 && frame_same_padding (&before, &dst),
          "%s, width %d", sympie_format_info (format)->name, width);
      frame_clear (&src);
      frame_clear (&dst);
      frame_clear (&before);
    }
}

static void
test_no_weights (void)
{
  SympieConfig config = SYMPIE_CONFIG_INIT;
  const SympieColorimetry any = { 0, 0, true, 0 };
  uint64_t seed = 3;
  Frame frame = frame_new (SYMPIE_FORMAT_RGB, 9, 8, 0, &any, &seed);
  SympieParams params;
  SympieError error = { 0 };
  SympieContext *context = sympie_open (&config, &error);

  if (CHECK (context, "%s", error.message)) {
    check_error (sympie_estimate (context, &frame.image, &params, NULL, &error),
        &error, "no weights");
    CHECK (sympie_device (context) == SYMPIE_DEVICE_CPU, "device %d",
        sympie_device (context));
  }
  sympie_close (context);
  sympie_close (NULL);
  frame_clear (&frame);
}

/* What a file says of a frame: its element 5 of gate.weight is `weight`. */
static bool
estimate_gated (float weight, bool ignore_gate, SympieParams *params,
    float *gate, bool *untouched)
{
  const NemFault fault = { "gate.weight", .poke = true, .value = weight };
  const SympieColorimetry bt709 = { 0.2126f, 0.0722f, false, 0 };
  SympieConfig config = SYMPIE_CONFIG_INIT;
  uint64_t seed = 4;
  /* Most of its colours are none in RGB: DWM would change them in any case. */
  Frame src = frame_new (SYMPIE_FORMAT_NV12, 64, 48, 0, &bt709, &seed);
  Frame dst = frame_new (SYMPIE_FORMAT_NV12, 64, 48, 0, &bt709, &seed);
  SympieParams again;
  SympieContext *context;
  SympieError error = { 0 };
  float gate_again;
  bool ok;

  config.device = SYMPIE_DEVICE_CPU;
  config.ignore_gate = ignore_gate;
  config.weights = temporary_path ("gate.safetensors");
  nem_file_write (config.weights, 2, weight == 0 ? NULL : &fault);
  context = sympie_open (&config, &error);
  ok = context && sympie_estimate (context, &src.image, params, gate, &error)
       && sympie_enhance (
           context, &src.image, &dst.target, 1, &again, &gate_again, &error);
  if (CHECK (ok, "%s", error.message)) {
    CHECK (sympie_params_distance (params, &again) == 0 && *gate == gate_again,
        "enhance and estimate differ");
    *untouched = frame_same_pixels (&src, &dst);
  }
  sympie_close (context);
  frame_clear (&src);
  frame_clear (&dst);
  return ok;
}

static void
test_gate (void)
{
  SympieParams identity, raw, half, shut, open, blended;
  float gate;
  bool untouched;

  sympie_params_identity (&identity);
  if (!estimate_gated (0, true, &raw, &gate, &untouched))
    return;
  CHECK (gate > 0.05f && gate < 0.95f && !untouched, "ignored: gate %g", gate);
  if (estimate_gated (0, false, &half, &gate, &untouched)) {
    sympie_params_blend (&identity, &raw, gate, &blended);
    CHECK (sympie_params_distance (&half, &blended) == 0 && !untouched,
        "gate %g: not blended by it", gate);
  }
  if (estimate_gated (-1e6f, false, &shut, &gate, &untouched))
    CHECK (gate == 0 && sympie_params_distance (&shut, &identity) == 0
               && untouched,
        "shut: gate %g", gate);
  if (estimate_gated (1e6f, false, &open, &gate, &untouched))
    CHECK (gate == 1 && sympie_params_distance (&open, &raw) == 0,
        "open: gate %g", gate);
}

/* A gate of finite weights of which the sum is not: features of a frame with
 * much contrast are above 1. */
static void
test_gate_overflow (void)
{
  const NemFault fault = { "gate.weight", .sway = true, .value = FLT_MAX };
  const SympieColorimetry any = { 0, 0, true, 0 };
  SympieConfig config = SYMPIE_CONFIG_INIT;
  uint64_t seed = 4;
  Frame src = frame_new (SYMPIE_FORMAT_RGB, 2, 2, 0, &any, &seed);
  SympieContext *context;
  SympieParams params;
  SympieError error = { 0 };
  float gate;

  config.device = SYMPIE_DEVICE_CPU;
  config.weights = temporary_path ("overflow.safetensors");
  nem_file_write (config.weights, 2, &fault);
  context = sympie_open (&config, &error);
  if (CHECK (context, "%s", error.message))
    check_error (sympie_estimate (context, &src.image, &params, &gate, &error),
        &error, "not finite");
  sympie_close (context);
  frame_clear (&src);
}

int
main (void)
{
  SympieConfig config = SYMPIE_CONFIG_INIT;
  SympieContext *context;
  SympieError error = { 0 };

  config.weights = getenv ("SYMPIE_WEIGHTS");
  config.device = SYMPIE_DEVICE_CPU;
  config.ignore_gate = true;
  context = sympie_open (&config, &error);
  if (CHECK (context, "%s", error.message)) {
    test_images (context);
    test_strength (context);
    test_identity (context);
  }
  sympie_close (context);
  test_no_weights ();
  test_open ();
  test_growth ();
  test_environment ();
  test_gate ();
  test_gate_overflow ();
  temporary_clear ();
  return check_end ();
}
