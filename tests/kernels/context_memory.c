/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Memory of contexts, features and the reader of their weights: each allocation
 * fails once, is said to have, and leaves nothing behind. */

#include <string.h>
#include <unistd.h>

#include "check.h"
#include "failing.h"
#include "frame.h"
#include "sympie.h"
#include "vgg19_seed.h"

static const char *weights;
static char vgg19_weights[] = "/tmp/sympie-vgg19-XXXXXX";

/* What is done with an image, and another of another size. */
typedef bool (*Deed) (const Frame frames[2], int n_threads, SympieError *error);

static bool
enhance (const Frame frames[2], int n_threads, SympieError *error)
{
  SympieConfig config = SYMPIE_CONFIG_INIT;
  SympieContext *context;
  bool ok;

  config.device = SYMPIE_DEVICE_CPU;
  config.weights = weights;
  config.n_threads = n_threads;
  context = sympie_open (&config, error);
  ok = context != NULL;
  for (int i = 0; i < 2 && ok; i++)
    ok = sympie_enhance (
        context, &frames[i].image, &frames[i].target, 1, NULL, NULL, error);
  sympie_close (context);
  return ok;
}

static bool
compare (const Frame frames[2], SympieFeaturesConfig *config, int n_threads,
    SympieError *error)
{
  SympieFeatures *features;
  SympieDifference difference;
  bool ok;

  config->device = SYMPIE_DEVICE_CPU;
  config->weights = vgg19_weights;
  config->layer = SYMPIE_LAYER_RELU1_2;
  config->n_threads = n_threads;
  features = sympie_features_open (config, error);
  ok = features != NULL;
  for (int i = 0; i < 2 && ok; i++)
    ok = sympie_features_compare (
        features, &frames[i].image, &frames[i].image, &difference, error);
  sympie_features_close (features);
  return ok;
}

static bool
compare_crops (const Frame frames[2], int n_threads, SympieError *error)
{
  SympieFeaturesConfig config = SYMPIE_FEATURES_CONFIG_INIT;

  return compare (frames, &config, n_threads, error);
}

static bool
compare_full (const Frame frames[2], int n_threads, SympieError *error)
{
  SympieFeaturesConfig config = SYMPIE_FEATURES_CONFIG_INIT;

  config.input = SYMPIE_INPUT_FULL;
  return compare (frames, &config, n_threads, error);
}

/* Fails the first, the second, ... allocation until none is left to fail. Some
 * can be done without. glibc keeps the stacks of threads that have ended, so
 * blocks are counted where there are none. */
static void
test_failures (
    const char *name, Deed deed, const Frame frames[2], int n_threads)
{
  bool done = false;
  long blocks;
  int n = 0;

  deed (frames, n_threads, NULL); /* what is allocated once for all */
  blocks = n_blocks;
  for (; !done && n < 10000; n++) {
    SympieError error = { 0 };
    bool ok;

    n_calls = 0;
    fail_at = n;
    ok = deed (frames, n_threads, &error);
    fail_at = -1;
    done = ok && n_calls <= n;
    CHECK (ok || error.code == SYMPIE_ERROR_MEMORY,
        "%s, %d threads, allocation %d: %d '%s'", name, n_threads, n,
        error.code, error.message);
    CHECK (n_blocks == blocks || n_threads > 1,
        "%s, allocation %d: %ld blocks left", name, n, n_blocks - blocks);
  }
  CHECK (done && n > 20, "%s: %d allocations", name, n);
}

int
main (void)
{
  static const struct
  {
    const char *name;
    Deed deed;
    int first; /* of two frames */
  } deeds[] = {
    { "enhance", enhance, 0 },
    { "compare crops", compare_crops, 0 },
    { "compare in one piece and in strips", compare_full, 1 },
  };
  const SympieColorimetry bt709 = { 0.2126f, 0.0722f, false, 0 };
  uint64_t seed = 3;
  int fd = mkstemp (vgg19_weights);
  Frame frames[3] = {
    frame_new (SYMPIE_FORMAT_YUY2, 64, 48, 0, &bt709, &seed),
    frame_new (SYMPIE_FORMAT_I420, 40, 30, 0, &bt709, &seed),
    frame_new (SYMPIE_FORMAT_I420, 16, (1 << 14) + 1, 0, &bt709, &seed),
  };

  weights = getenv ("SYMPIE_WEIGHTS");
  if (CHECK (weights && fd >= 0 && vgg19_seed_write (vgg19_weights, 1, 2),
          "no weights")) {
    for (size_t d = 0; d < sizeof deeds / sizeof *deeds; d++)
      test_failures (deeds[d].name, deeds[d].deed, &frames[deeds[d].first], 1);
    test_failures ("enhance", enhance, frames, 3);
  }
  close (fd);
  unlink (vgg19_weights);
  for (int i = 0; i < 3; i++)
    frame_clear (&frames[i]);
  return check_end ();
}
