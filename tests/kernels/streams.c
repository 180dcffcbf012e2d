/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Many streams of one process at once: contexts and corruptors, each in a
 * thread of its own, give the bytes that they give alone, with no more threads
 * beside their own than one of them would have. */

#include <pthread.h>

#include "../threads.h"
#include "check.h"
#include "frame.h"
#include "sympie_corrupt.h"

enum
{
  N_STREAMS = 10,
  N_THREADS = 3,
  ROUNDS = 6,
  WIDTH = 333,
  HEIGHT = 187
};

typedef struct
{
  int index;
  pthread_t thread;
  SympieContext *context;     /* either */
  SympieCorruptor *corruptor; /* or */
  Frame in, expected, out;
  int wrong;
} Stream;

static const SympieColorimetry bt709 = { .kr = 0.2126f, .kb = 0.0722f };

static bool
work (Stream *stream, Frame *out, SympieError *error)
{
  SympieParams params;

  if (stream->corruptor)
    return sympie_corrupt (stream->corruptor, &stream->in.image, &out->target,
        SYMPIE_CORRUPTION_FOG, 3, stream->index, 0, error);
  sympie_params_identity (&params);
  params.values[0] += 0.1f * stream->index;
  params.values[13] = 0.05f;
  return sympie_apply (
      stream->context, &stream->in.image, &out->target, &params, error);
}

static bool
open_stream (Stream *stream, int n_threads, SympieError *error)
{
  SympieConfig config = SYMPIE_CONFIG_INIT;
  SympieCorruptorConfig corruptor = SYMPIE_CORRUPTOR_CONFIG_INIT;

  config.device = SYMPIE_DEVICE_CPU;
  config.n_threads = corruptor.n_threads = n_threads;
  if (stream->index % 2)
    stream->corruptor = sympie_corruptor_new (&corruptor, error);
  else
    stream->context = sympie_open (&config, error);
  return stream->corruptor || stream->context;
}

static void
close_stream (Stream *stream)
{
  sympie_close (stream->context);
  sympie_corruptor_free (stream->corruptor);
  stream->context = NULL;
  stream->corruptor = NULL;
}

static void *
run (void *data)
{
  Stream *stream = data;

  for (int round = 0; round < ROUNDS; round++)
    if (!work (stream, &stream->out, NULL)
        || !frame_same_pixels (&stream->out, &stream->expected))
      stream->wrong++;
  return NULL;
}

/* What the stream gives alone, on one thread. */
static bool
prepare (Stream *stream, int index, uint64_t *seed)
{
  Frame *frames[] = { &stream->in, &stream->expected, &stream->out };
  SympieError error = { 0 };
  bool ok;

  stream->index = index;
  for (int i = 0; i < 3; i++)
    *frames[i] = frame_new (SYMPIE_FORMAT_NV12, WIDTH, HEIGHT, 0, &bt709, seed);
  ok = open_stream (stream, 1, &error)
       && work (stream, &stream->expected, &error);
  CHECK (ok, "stream %d: %s", index, error.message);
  close_stream (stream);
  return ok;
}

int
main (int argc, char **argv)
{
  static Stream streams[N_STREAMS];
  uint64_t seed = check_seed (argc > 1 ? argv[1] : NULL);
  int n;

  for (int i = 0; i < N_STREAMS; i++)
    if (!prepare (&streams[i], i, &seed))
      return check_end ();
  n = threads_settled ("sympie-pool", 0);
  CHECK (n == 0, "%d workers for streams of one thread", n);

  for (int i = 0; i < N_STREAMS; i++) {
    SympieError error = { 0 };

    if (!open_stream (&streams[i], N_THREADS, &error))
      CHECK (false, "stream %d: %s", i, error.message);
  }
  for (int i = 0; i < N_STREAMS; i++)
    pthread_create (&streams[i].thread, NULL, run, &streams[i]);
  n = threads_settled ("sympie-pool", N_THREADS - 1);
  CHECK (n == N_THREADS - 1, "%d workers", n);
  for (int i = 0; i < N_STREAMS; i++) {
    pthread_join (streams[i].thread, NULL);
    CHECK (streams[i].wrong == 0, "stream %d: %d frames of %d", i,
        streams[i].wrong, ROUNDS);
  }

  for (int i = 0; i < N_STREAMS; i++) {
    close_stream (&streams[i]);
    frame_clear (&streams[i].in);
    frame_clear (&streams[i].expected);
    frame_clear (&streams[i].out);
  }
  n = threads_settled ("sympie-pool", 0);
  CHECK (n == 0, "%d workers left", n);
  return check_end ();
}
