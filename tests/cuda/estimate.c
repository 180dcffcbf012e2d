/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* How NEM is cut into blocks, and what time follows from the instructions that
 * sass.sh counts, as a Markdown table. An estimate: no GPU is asked.
 *
 * estimate [MULTIPROCESSORS [MHZ]]    default: an H100 SXM, 132 at 1755 */

#include <stdio.h>
#include <stdlib.h>

#include "cuda/conv.h"
#include "cuda/kernels.h"

/* Assumed: from the end of a kernel to the work of the next, which began before
 * (let_next_begin() in device.h). */
static const double GAP = 0.5;

/* Reckoned as convolutions are: 2 blocks of 7 warps of 1600 instructions on a
 * multiprocessor; one block that waits for memory twice, for 45 instructions of
 * 32 warps, and folds. Both with 1500 cycles from the first load on. */
static const double PREPROCESS = 2 * 7 * 1600 / 4. + 1500, HEAD = 1500 + 1200;

int
main (int argc, char **argv)
{
  static const char *const names[] = { "stem", "block 1, conv 1",
    "block 1, conv 2", "block 2, conv 1", "block 2, conv 2", "block 3, conv 1",
    "block 3, conv 2" };
  static const int n_out[] = { 64, 128, 128, 256, 256, 512, 512 };
  int multiprocessors = argc > 1 ? atoi (argv[1]) : 132;
  double mhz = argc > 2 ? atof (argv[2]) : 1755, total;
  int side = SYMPIE_NEM_SIZE, n_in = SYMPIE_CUDA_CROP_CHANNELS;

  if (multiprocessors < 1 || mhz <= 0) {
    fprintf (stderr, "estimate: [MULTIPROCESSORS [MHZ]]\n");
    return EXIT_FAILURE;
  }
  printf ("| node | blocks | pixels | splits | steps | us |\n"
          "|---|---:|---:|---:|---:|---:|\n");
  printf ("| preprocessing | 224 | - | - | - | %.1f |\n", PREPROCESS / mhz);
  total = (PREPROCESS + HEAD) / mhz;
  for (int i = 0; i < 7; i++) {
    SympieCudaConv layer = {
      .height = side, .width = side, .n_in = n_in, .n_out = n_out[i]
    };
    SympieCudaPool pool = { .size = 5, .stride = 4, .pad = 1 };
    SympieCudaConvTiles tiles;
    double cost;

    if (i == 6)
      pool = (SympieCudaPool){ .size = side, .stride = side };
    if (i % 2 == 0) {
      side = (side + 2 * pool.pad - pool.size) / pool.stride + 1;
      pool.height = pool.width = side;
      layer.pool = pool;
    }
    sympie_cuda_conv_tile (&layer, multiprocessors, &tiles);
    cost = sympie_cuda_conv_cost (&layer, &tiles, multiprocessors) / mhz;
    total += cost + GAP;
    printf ("| %s | %d | %d | %d | %.1f | %.1f |\n", names[i],
        sympie_cuda_conv_blocks (&layer, &tiles), tiles.pixels, tiles.splits,
        (double) sympie_cuda_conv_steps (n_in) / tiles.splits, cost);
    n_in = n_out[i];
  }
  printf ("| head | 1 | - | - | - | %.1f |\n", HEAD / mhz);
  printf ("| 8 times between nodes | | | | | %.1f |\n", 8 * GAP);
  printf ("| all | | | | | %.1f |\n", total + GAP);
  return EXIT_SUCCESS;
}
