/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What sympieprobe does with a pair of frames: all of VGG19 for the two, and
 * how far apart they are. */

#include <glib/gstdio.h>
#include <math.h>

#include "../kernels/vgg19_seed.h"
#include "peers.h"
#include "ring.h"

typedef struct
{
  SympieFeatures *features;
  SympieImage images[2];
  SympieDifference difference;
} Vgg;

static double
vgg (void *data)
{
  Vgg *self = data;
  SympieError error = { 0 };
  double start = bench_now ();
  bool ok = sympie_features_compare (self->features, &self->images[0],
      &self->images[1], &self->difference, &error);

  start = bench_now () - start;
  bench_require (ok, error.message);
  return start;
}

/* All layers, with weights of the seed that PyTorch's are of. */
static SympieFeatures *
open_features (const Bench *bench)
{
  SympieFeaturesConfig config = SYMPIE_FEATURES_CONFIG_INIT;
  SympieFeatures *features;
  SympieError error = { 0 };
  char *path;
  int file = g_file_open_tmp ("sympie-bench-XXXXXX", &path, NULL);

  if (file < 0 || !g_close (file, NULL)
      || !vgg19_seed_write (path, 1, SYMPIE_LAYER_POOL5))
    bench_fail ("cannot write to %s", g_get_tmp_dir ());
  config.weights = path;
  config.layer = SYMPIE_LAYER_POOL5;
  config.device = SYMPIE_DEVICE_CPU;
  config.n_threads = bench->n_threads;
  features = sympie_features_open (&config, &error);
  bench_require (features != NULL, error.message);
  g_remove (path);
  g_free (path);
  return features;
}

void
bench_vgg (Bench *bench)
{
  BenchGroup *group = bench_group (bench, "VGG19, a pair of 224x224");
  size_t size = 3 * BENCH_VGG_SIZE * BENCH_VGG_SIZE;
  uint8_t *pixels = g_malloc (2 * size);
  Vgg self = { .features = open_features (bench) };
  BenchCase *ours, *torch = NULL;
  BenchTorch *module = NULL;

  bench_texture (pixels, 2 * size);
  for (int i = 0; i < 2; i++)
    self.images[i] = (SympieImage){
      .struct_size = sizeof (SympieImage),
      .format = SYMPIE_FORMAT_RGB,
      .width = BENCH_VGG_SIZE,
      .height = BENCH_VGG_SIZE,
      .planes = { pixels + i * size },
      .strides = { 3 * BENCH_VGG_SIZE },
      .colorimetry = { .full_range = true },
    };

  ours = bench_case (group, vgg, &self, "VGG19, from the frames to the error");
  if (bench->peers && (module = bench_torch_new (bench, "vgg"))) {
    torch = bench_case (group, bench_torch_run, module, "PyTorch, the network");
    torch->threads_linger = true;
  }
  bench_group_run (bench, group);

  if (torch) {
    double mse = bench_torch_vgg_mse (module, pixels, 2 * size);

    bench_claim_ratio (bench, "VGG19 / PyTorch's", ours, torch, false,
        bench->n_threads == 1 ? 0.45 : NAN);
    bench_claim (bench, "feature MSE, off PyTorch's by", "",
        fabs (self.difference.feature_mse / mse - 1), NAN, false, 1e-4);
  }
  bench_torch_free (module);
  sympie_features_close (self.features);
  g_free (pixels);
}
