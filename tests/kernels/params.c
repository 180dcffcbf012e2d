/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The functions on parameters. */

#include "params.h"

#include <float.h>
#include <math.h>

#include "check.h"

static SympieParams
random_params (uint64_t *seed)
{
  SympieParams params;

  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    params.values[i] = check_random_float (seed, -3, 3);
  return params;
}

static void
test_identity (void)
{
  SympieParams params;

  sympie_params_identity (&params);
  for (int i = 0; i < SYMPIE_N_PARAMS; i++) {
    bool one = i == 0 || i == 4 || i == 8 || i == 12 + 12;

    CHECK (params.values[i] == (one ? 1 : 0), "value %d is %g", i,
        params.values[i]);
  }
  CHECK (&params.shift[0] == &params.values[9]
             && &params.kernel[0] == &params.values[12],
      "parts of the union lie elsewhere");
}

static void
test_blend (uint64_t *seed)
{
  SympieParams a = random_params (seed), b = random_params (seed), out;

  for (int step = 0; step <= 4; step++) {
    float t = step / 4.f;

    sympie_params_blend (&a, &b, t, &out);
    for (int i = 0; i < SYMPIE_N_PARAMS; i++) {
      double expected = a.values[i] + t * ((double) b.values[i] - a.values[i]);

      CHECK (fabs (out.values[i] - expected) < 1e-6, "value %d at %g: %g, %g",
          i, t, out.values[i], expected);
      if (step == 0 || step == 4)
        CHECK (out.values[i] == (step ? b : a).values[i],
            "value %d at %g is not exact", i, t);
    }
  }

  out = a;
  sympie_params_blend (&out, &b, 0.5f, &out);
  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    CHECK (fabsf (out.values[i] - (a.values[i] + b.values[i]) / 2) < 1e-6f,
        "value %d in place", i);
}

static void
test_distance (uint64_t *seed)
{
  SympieParams a = random_params (seed), b = a;

  CHECK (sympie_params_distance (&a, &b) == 0, "of equal parameters");
  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    b.values[i] += i % 2 ? 2 : -2;
  CHECK (fabsf (sympie_params_distance (&a, &b) - 2) < 1e-6f, "%g, not 2",
      sympie_params_distance (&a, &b));
  CHECK (sympie_params_distance (&a, &b) == sympie_params_distance (&b, &a),
      "not the same both ways");
  b = a;
  b.values[20] += 37;
  CHECK (fabs (sympie_params_distance (&a, &b) - sqrt (37)) < 1e-5, "%g",
      sympie_params_distance (&a, &b));
  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    b.values[i] = -(a.values[i] = FLT_MAX);
  CHECK (isinf (sympie_params_distance (&a, &b)), "%g of twice the largest",
      sympie_params_distance (&a, &b));
}

static void
test_finite (uint64_t *seed)
{
  static const float bad[] = { NAN, INFINITY, -INFINITY };
  SympieParams a = random_params (seed);

  CHECK (sympie_params_finite (&a), "numbers");
  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    for (int k = 0; k < 3; k++) {
      SympieParams b = a;

      b.values[i] = bad[k];
      CHECK (!sympie_params_finite (&b), "%g at %d", bad[k], i);
    }
}

int
main (void)
{
  uint64_t seed = 5;

  test_identity ();
  test_blend (&seed);
  test_distance (&seed);
  test_finite (&seed);
  return check_end ();
}
