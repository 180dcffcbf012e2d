/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What holds for every corruption: the same bytes however they are made, any
 * size, severity that shows, phases that turn, and errors that say what is
 * wrong. */

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "photo.h"
#include "scene.h"

#define EACH_CORRUPTION(c)                                                     \
  SympieCorruption c = SYMPIE_CORRUPTION_NONE;                                 \
  c < SYMPIE_N_CORRUPTIONS;                                                    \
  c++

static void
corrupt (SympieCorruptor *corruptor, const SympieImage *src,
    const SympieTarget *dst, SympieCorruption corruption, int severity,
    uint64_t seed, double phase)
{
  SympieError error = { 0 };

  CHECK (sympie_corrupt (
             corruptor, src, dst, corruption, severity, seed, phase, &error),
      "%s %d of %dx%d: %s", sympie_corruption_name (corruption), severity,
      src->width, src->height, error.message);
}

/* Threads, a used corruptor, other strides and pixel formats, in place. */
static void
test_same_bytes (SympieCorruption corruption, int width, int height)
{
  SympieCorruptor *one = scene_corruptor (0.5f, 1);
  SympieCorruptor *three = scene_corruptor (0.5f, 3);
  const char *name = sympie_corruption_name (corruption);
  size_t size = 3 * (size_t) width * height;
  uint8_t *scene = scene_new (width, height);
  uint8_t *expected = malloc (size), *out = malloc (size);
  ptrdiff_t stride = 4 * width + 13;
  uint8_t *wide = malloc (stride * height);
  SympieImage src = scene_image (scene, width, height);
  SympieTarget want = scene_target (expected, width);
  SympieImage copy = scene_image (out, width, height);
  SympieTarget dst = scene_target (out, width);
  SympieImage bgra = { .struct_size = sizeof bgra,
    .format = SYMPIE_FORMAT_BGRA,
    .width = width,
    .height = height,
    .planes = { wide },
    .strides = { stride },
    .colorimetry = { .full_range = true } };
  SympieTarget bgra_dst = {
    .struct_size = sizeof bgra_dst, .planes = { wide }, .strides = { stride }
  };
  int wrong = 0;

  corrupt (one, &src, &want, corruption, 4, 5, 1.5);

  corrupt (one, &src, &dst, SYMPIE_CORRUPTION_ELASTIC_TRANSFORM, 1, 6, 0);
  memset (out, 0, size);
  corrupt (one, &src, &dst, corruption, 4, 5, 1.5);
  CHECK (memcmp (out, expected, size) == 0, "%s again", name);

  memset (out, 0, size);
  corrupt (three, &src, &dst, corruption, 4, 5, 1.5);
  CHECK (memcmp (out, expected, size) == 0, "%s with three threads", name);

  memcpy (out, scene, size);
  corrupt (three, &copy, &dst, corruption, 4, 5, 1.5);
  CHECK (memcmp (out, expected, size) == 0, "%s in place", name);

  memset (wide, 99, stride * height);
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++)
      for (int c = 0; c < 3; c++)
        wide[y * stride + 4 * x + 2 - c] = scene[3 * (y * width + x) + c];
  corrupt (one, &bgra, &bgra_dst, corruption, 4, 5, 1.5);
  for (int y = 0; y < height; y++)
    for (ptrdiff_t i = 0; i < stride; i++) {
      ptrdiff_t x = i / 4, c = 2 - i % 4;
      bool sample = x < width && c >= 0;

      wrong += wide[y * stride + i]
               != (sample ? expected[3 * (y * width + x) + c] : 99);
    }
  CHECK (wrong == 0, "%s of BGRA: %d bytes", name, wrong);

  free (scene);
  free (expected);
  free (out);
  free (wide);
  sympie_corruptor_free (one);
  sympie_corruptor_free (three);
}

static void
test_sizes (void)
{
  static const int sizes[][2] = { { 1, 1 }, { 1, 9 }, { 3, 7 }, { 7, 3 },
    { 2, 2 }, { 64, 1 }, { 17, 16 }, { 33, 130 }, { 223, 225 } };

  for (int scale = 0; scale <= 1; scale++) {
    SympieCorruptor *corruptor = scene_corruptor (scale, 2);

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
      int width = sizes[i][0], height = sizes[i][1];
      uint8_t *pixels = scene_new (width, height);
      uint8_t *out = malloc (3 * (size_t) width * height);
      SympieImage src = scene_image (pixels, width, height);
      SympieTarget dst = scene_target (out, width);

      for (EACH_CORRUPTION (c))
        for (int s = 0; s <= SYMPIE_MAX_SEVERITY; s++)
          corrupt (corruptor, &src, &dst, c, s, i, 0.75 * i);
      free (pixels);
      free (out);
    }
    sympie_corruptor_free (corruptor);
  }
}

static double
psnr (const uint8_t *a, const uint8_t *b, size_t n)
{
  double sum = 0;

  for (size_t i = 0; i < n; i++)
    sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum > 0 ? 10 * log10 (255.0 * 255 * n / sum) : 100;
}

/* Severity 0 and none change nothing, the others do; seeds differ where chance
 * has a part; a phase of 1/2 is about as far from the picture as a whole one
 * and near to those next to it. */
static void
test_draws (void)
{
  enum
  {
    SIDE = 224
  };
  static const SympieCorruption certain[] = { SYMPIE_CORRUPTION_GAUSSIAN_BLUR,
    SYMPIE_CORRUPTION_DEFOCUS_BLUR, SYMPIE_CORRUPTION_ZOOM_BLUR,
    SYMPIE_CORRUPTION_CONTRAST, SYMPIE_CORRUPTION_BRIGHTNESS,
    SYMPIE_CORRUPTION_SATURATE, SYMPIE_CORRUPTION_JPEG_COMPRESSION,
    SYMPIE_CORRUPTION_PIXELATE, SYMPIE_CORRUPTION_DARKEN };
  SympieCorruptor *corruptor = scene_corruptor (1, 1);
  size_t size = 3 * SIDE * SIDE;
  uint8_t *pixels = scene_new (SIDE, SIDE);
  uint8_t *a = malloc (size), *b = malloc (size);
  SympieImage src = scene_image (pixels, SIDE, SIDE);
  SympieTarget image_a = scene_target (a, SIDE);
  SympieTarget image_b = scene_target (b, SIDE);

  for (EACH_CORRUPTION (c)) {
    const char *name = sympie_corruption_name (c);
    bool chance = c != SYMPIE_CORRUPTION_NONE;

    for (size_t i = 0; i < sizeof certain / sizeof certain[0]; i++)
      chance &= c != certain[i];

    corrupt (corruptor, &src, &image_a, c, 0, 1, 0);
    CHECK (memcmp (a, pixels, size) == 0, "%s of severity 0", name);
    corrupt (corruptor, &src, &image_a, c, 3, 1, 0);
    CHECK ((memcmp (a, pixels, size) == 0) == (c == SYMPIE_CORRUPTION_NONE),
        "%s of severity 3", name);
    corrupt (corruptor, &src, &image_b, c, 3, 2, 0);
    CHECK ((memcmp (a, b, size) != 0) == chance, "%s of two seeds", name);

    corrupt (corruptor, &src, &image_b, c, 3, 1, 1);
    if (c != SYMPIE_CORRUPTION_MIXED)
      CHECK ((memcmp (a, b, size) != 0) == chance, "%s of two phases", name);
    if (chance && c != SYMPIE_CORRUPTION_MIXED) {
      double whole = (psnr (pixels, a, size) + psnr (pixels, b, size)) / 2;
      double apart = psnr (a, b, size), between, near;

      corrupt (corruptor, &src, &image_b, c, 3, 1, 0.5);
      between = psnr (pixels, b, size);
      corrupt (corruptor, &src, &image_b, c, 3, 1, 1e-3);
      near = psnr (a, b, size);
      /* A field's strength is kept; of a single number, an angle or a shift,
       * the mean is. */
      CHECK (fabs (between - whole) < 3.5,
          "%s: %.2f dB in between, %.2f dB at whole phases", name, between,
          whole);
      CHECK (near > apart + 3,
          "%s: %.2f dB after a thousandth, %.2f dB after 1", name, near, apart);
    }
  }
  free (pixels);
  free (a);
  free (b);
  sympie_corruptor_free (corruptor);
}

/* Noise has the strength that it says, at whole phases and in between. */
static void
test_noise (void)
{
  enum
  {
    SIDE = 256,
    N = 3 * SIDE * SIDE
  };
  SympieCorruptor *corruptor = scene_corruptor (1, 1);
  uint8_t *pixels = malloc (N);
  SympieImage image = scene_image (pixels, SIDE, SIDE);
  SympieTarget target = scene_target (pixels, SIDE);

  for (int i = 0; i < 4; i++) {
    double mean = 0, square = 0, down = 0, right = 0, colour = 0;

    memset (pixels, 128, N);
    corrupt (corruptor, &image, &target, SYMPIE_CORRUPTION_GAUSSIAN_NOISE, 1, 3,
        0.5 * i);
    for (int k = 0; k < N; k++) {
      double z = (pixels[k] - 128) / (255 * 0.08);

      mean += z / N;
      square += z * z / N;
      down += z * (pixels[(k + 3 * SIDE) % N] - 128) / (255 * 0.08) / N;
      right += z * (pixels[(k + 3) % N] - 128) / (255 * 0.08) / N;
      colour += z * (pixels[(k + 1) % N] - 128) / (255 * 0.08) / N;
    }
    /* Four standard errors: 1 / sqrt (N) is 0.0023. */
    CHECK (fabs (mean) < 0.0092 && fabs (square - 1) < 0.014,
        "phase %g: mean %f, mean square %f", 0.5 * i, mean, square);
    CHECK (
        fabs (down) < 0.0092 && fabs (right) < 0.0092 && fabs (colour) < 0.0092,
        "phase %g: correlation %f down, %f right, %f of colours", 0.5 * i, down,
        right, colour);
  }

  for (int i = 0; i < 4; i++) {
    int salt = 0, pepper = 0;

    memset (pixels, 128, N);
    corrupt (corruptor, &image, &target, SYMPIE_CORRUPTION_IMPULSE_NOISE, 5, 3,
        0.3 * i);
    for (int k = 0; k < N; k++) {
      salt += pixels[k] == 255;
      pepper += pixels[k] == 0;
    }
    CHECK (abs (salt - (int) (0.135 * N)) < 0.0031 * N
               && abs (pepper - (int) (0.135 * N)) < 0.0031 * N,
        "phase %g: %d and %d of %d", 0.3 * i, salt, pepper, N);
  }

  for (int i = 0; i < 4; i++) {
    double mean = 0, square = 0;

    memset (pixels, 51, N); /* 12 photons */
    corrupt (corruptor, &image, &target, SYMPIE_CORRUPTION_SHOT_NOISE, 1, 3,
        0.3 * i);
    for (int k = 0; k < N; k++) {
      double photons = pixels[k] * 60 / 255.0;

      mean += photons / N;
      square += photons * photons / N;
    }
    CHECK (fabs (mean - 12) < 0.035 && fabs (square - mean * mean - 12) < 0.2,
        "phase %g: mean %f, variance %f of photons", 0.3 * i, mean,
        square - mean * mean);
  }
  free (pixels);
  sympie_corruptor_free (corruptor);
}

/* Ice that grows here is as bright and as deep as photographs of frost. */
static void
test_ice (void)
{
  enum
  {
    SIDE = 224,
    N = 3 * SIDE * SIDE
  };
  SympieCorruptor *corruptor = scene_corruptor (1, 1);
  uint8_t *pixels = malloc (N);
  SympieImage image = scene_image (pixels, SIDE, SIDE);
  SympieTarget target = scene_target (pixels, SIDE);
  double mean = 0, square = 0;

  for (int seed = 0; seed < 20; seed++) {
    memset (pixels, 0, N);
    corrupt (corruptor, &image, &target, SYMPIE_CORRUPTION_FROST, 5, seed, 0);
    for (int i = 0; i < N; i++) {
      double ice = pixels[i] / 0.75;

      mean += ice / (20 * N);
      square += ice * ice / (20 * N);
    }
  }
  /* Six photographs: means 91 to 207, deviations 21 to 44. */
  CHECK (mean > 130 && mean < 170, "mean %f", mean);
  CHECK (square - mean * mean > 25 * 25 && square - mean * mean < 45 * 45,
      "deviation %f", sqrt (square - mean * mean));
  free (pixels);
  sympie_corruptor_free (corruptor);
}

/* Writes the size that a JPEG file says its picture has. */
static void
set_size (unsigned char *jpeg, unsigned long size, int width, int height)
{
  const uint8_t start_of_frame[] = { 0xff, 0xc0 };
  unsigned char *frame = memmem (jpeg, size, start_of_frame, 2);

  if (!CHECK (frame, "no frame in a JPEG file"))
    return;
  frame[5] = height >> 8;
  frame[6] = height & 255;
  frame[7] = width >> 8;
  frame[8] = width & 255;
}

/* No corruptor with that folder, because of `path` in it, which is removed. */
static void
refuse (const char *folder, const char *path, const char *part)
{
  SympieCorruptorConfig config = SYMPIE_CORRUPTOR_CONFIG_INIT;
  SympieError error = { 0 };

  config.frost_folder = folder;
  CHECK (!sympie_corruptor_new (&config, &error), "%s is taken", path);
  CHECK (strstr (error.message, path) && strstr (error.message, part),
      "'%s' instead of '%s'", error.message, part);
  CHECK (remove (path) == 0, "%s", path);
}

/* Photographs that are none, or not whole. */
static void
test_photographs (void)
{
  char folder[] = "/tmp/sympie-frost-XXXXXX", path[64];
  SympieCorruptorConfig config = SYMPIE_CORRUPTOR_CONFIG_INIT;
  SympieCorruptor *corruptor;
  uint8_t *scene = scene_new (64, 48);
  SympieImage image = scene_image (scene, 64, 48);
  SympieTarget target = scene_target (scene, 64);
  unsigned char *jpeg = NULL;
  unsigned long size = 0;
  SympieError error = { 0 };

  if (!CHECK (mkdtemp (folder), "no folder for photographs"))
    return;
  snprintf (path, sizeof path, "%s/one.JPG", folder);
  config.frost_folder = folder;
  jpeg = photo_new (scene, 64, 48, &size);
  photo_write (path, jpeg, size);
  corruptor = sympie_corruptor_new (&config, &error);
  if (CHECK (corruptor, "%s", error.message))
    corrupt (corruptor, &image, &target, SYMPIE_CORRUPTION_FROST, 3, 1, 0.5);
  sympie_corruptor_free (corruptor);

  photo_write (path, jpeg, size / 2);
  refuse (folder, path, "Premature end of JPEG file");
  photo_write (path, scene, 20);
  refuse (folder, path, "Not a JPEG");
  photo_write (path, "", 0);
  refuse (folder, path, "Empty input");
  CHECK (mkfifo (path, 0600) == 0, "%s", path);
  refuse (folder, path, "is not a regular file");
  CHECK (mkdir (path, 0700) == 0, "%s", path);
  refuse (folder, path, "is a directory");
  CHECK (symlink ("/nonexistent", path) == 0, "%s", path);
  refuse (folder, path, "No such file");
  /* More memory than a photograph is worth; no more work than there is data. */
  set_size (jpeg, size, 8192, 8193);
  photo_write (path, jpeg, size);
  refuse (folder, path, "8192x8193 pixels, more than 67108864");
  set_size (jpeg, size, 8192, 8192);
  photo_write (path, jpeg, size);
  refuse (folder, path, "Corrupt JPEG data");
  remove (folder);
  free (jpeg);
  free (scene);
}

static void
expect_error (bool ok, SympieError *error, const char *part)
{
  CHECK (!ok && error->code && strstr (error->message, part),
      "'%s' instead of '%s'", error->message, part);
  *error = (SympieError){ 0 };
}

static void
test_names (void)
{
  SympieCorruption corruption = SYMPIE_CORRUPTION_FOG;
  SympieError error = { 0 };

  for (EACH_CORRUPTION (c)) {
    SympieCorruption found;
    char hyphens[32];

    snprintf (hyphens, sizeof hyphens, "%s", sympie_corruption_name (c));
    for (char *p = hyphens; *p; p++)
      *p = *p == '_' ? '-' : *p;
    CHECK (
        sympie_corruption_from_name (sympie_corruption_name (c), &found, NULL)
            && found == c,
        "%s", sympie_corruption_name (c));
    CHECK (sympie_corruption_from_name (hyphens, &found, NULL) && found == c,
        "%s", hyphens);
  }
  CHECK (SYMPIE_CORRUPTION_FOG == 10 && SYMPIE_CORRUPTION_MIXED == 24,
      "numbers that programs were built with changed");
  CHECK (!sympie_corruption_name (SYMPIE_N_CORRUPTIONS)
             && !sympie_corruption_name (-1),
      "names of what is no corruption");
  expect_error (sympie_corruption_from_name ("smog", &corruption, &error),
      &error, "'smog'");
  expect_error (
      sympie_corruption_from_name ("fo", &corruption, &error), &error, "'fo'");
  CHECK (corruption == SYMPIE_CORRUPTION_FOG, "%d", corruption);
}

static void
test_errors (void)
{
  SympieCorruptor *corruptor = scene_corruptor (1, 1);
  uint8_t pixels[3 * 4 * 4] = { 0 };
  SympieImage image = scene_image (pixels, 4, 4), other = image;
  SympieTarget target = scene_target (pixels, 4), elsewhere = target;
  const SympieCorruptorConfig fresh = SYMPIE_CORRUPTOR_CONFIG_INIT;
  SympieCorruptorConfig config = fresh;
  SympieError error = { 0 };

#define EXPECT(part, ...)                                                      \
  expect_error (sympie_corrupt (corruptor, __VA_ARGS__, &error), &error, part)
  EXPECT ("severity 6", &image, &target, SYMPIE_CORRUPTION_FOG, 6, 0, 0);
  EXPECT ("severity -1", &image, &target, SYMPIE_CORRUPTION_FOG, -1, 0, 0);
  EXPECT ("number 25", &image, &target, SYMPIE_N_CORRUPTIONS, 1, 0, 0);
  EXPECT ("phase -1", &image, &target, SYMPIE_CORRUPTION_FOG, 1, 0, -1);
  EXPECT (
      "phase nan", &image, &target, SYMPIE_CORRUPTION_FOG, 1, 0, (double) NAN);
  EXPECT ("phase 4.61169e+18, not 0 to 2^62", &image, &target,
      SYMPIE_CORRUPTION_FOG, 1, 0, nextafter (0x1p62, INFINITY));
  corrupt (corruptor, &image, &target, SYMPIE_CORRUPTION_FOG, 1, 0, 0x1p62);
  other.strides[0] = 5;
  EXPECT ("stride", &other, &target, SYMPIE_CORRUPTION_FOG, 1, 0, 0);
  elsewhere.strides[0] = 5;
  EXPECT ("stride", &image, &elsewhere, SYMPIE_CORRUPTION_FOG, 1, 0, 0);
  other = image;
  other.memory = SYMPIE_MEMORY_CUDA;
  EXPECT ("CUDA memory", &other, &target, SYMPIE_CORRUPTION_FOG, 1, 0, 0);
  elsewhere = target;
  elsewhere.memory = SYMPIE_MEMORY_CUDA;
  EXPECT ("CUDA memory", &image, &elsewhere, SYMPIE_CORRUPTION_FOG, 1, 0, 0);

#define EXPECT_NEW(part)                                                       \
  expect_error (sympie_corruptor_new (&config, &error), &error, part)
  config.scale = 1.5f;
  EXPECT_NEW ("scale of 1.5");
  config = fresh;
  config.n_threads = -1;
  EXPECT_NEW ("-1 threads");
  config = fresh;
  config.n_threads = 5000;
  EXPECT_NEW ("5000 threads");
  config = fresh;
  config.frost_folder = "/nonexistent";
  EXPECT_NEW ("/nonexistent: ");
  config.frost_folder = "/proc/self/fd";
  EXPECT_NEW ("no photographs");
  config = fresh;
  setenv ("SYMPIE_CPU", "avx9", 1);
  EXPECT_NEW ("SYMPIE_CPU is 'avx9'");
  config.cpu_disabled = SYMPIE_CPU_AVX512;
  sympie_corruptor_free (corruptor);
  corruptor = sympie_corruptor_new (&config, &error);
  CHECK (corruptor, "SYMPIE_CPU counts although the caller chose");
  unsetenv ("SYMPIE_CPU");
  sympie_corruptor_free (NULL);
  sympie_corruptor_free (corruptor);
}

int
main (void)
{
  test_names ();
  test_errors ();
  for (EACH_CORRUPTION (c)) {
    test_same_bytes (c, 85, 61);
    test_same_bytes (c, 40, 131);
  }
  test_sizes ();
  test_draws ();
  test_noise ();
  test_ice ();
  test_photographs ();
  return check_end ();
}
