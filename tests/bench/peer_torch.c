/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* The other end of peer_torch.py. */

#include "peers.h"

#include <gio/gio.h>
#include <glib/gstdio.h>

struct BenchTorch
{
  GSubprocess *process;
  GDataInputStream *answers;
  const char *what;
};

/* One line for one line; free with g_free(). NULL when the process ended. */
static char *
ask (BenchTorch *self, const char *question)
{
  GOutputStream *questions = g_subprocess_get_stdin_pipe (self->process);

  if (question
      && !g_output_stream_printf (
          questions, NULL, NULL, NULL, "%s\n", question))
    return NULL;
  return g_data_input_stream_read_line (self->answers, NULL, NULL, NULL);
}

static BenchTorch *
start (const Bench *bench, const char *what)
{
  BenchTorch *self = g_new0 (BenchTorch, 1);
  GSubprocessLauncher *launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  char *threads = g_strdup_printf ("%d", bench->n_threads);
  char *width = g_strdup_printf ("%d", BENCH_WIDTH);
  char *height = g_strdup_printf ("%d", BENCH_HEIGHT);

  /* Without these glibc returns and faults in each frame anew, which doubles
   * PyTorch's time: they are the fair setting. */
  g_subprocess_launcher_setenv (
      launcher, "MALLOC_MMAP_THRESHOLD_", "1073741824", TRUE);
  g_subprocess_launcher_setenv (
      launcher, "MALLOC_TRIM_THRESHOLD_", "4294967296", TRUE);
  g_subprocess_launcher_setenv (launcher, "OMP_NUM_THREADS", threads, TRUE);
  self->what = what;
  self->process = g_subprocess_launcher_spawn (launcher, NULL,
      "/usr/bin/python3", SYMPIE_SOURCE_DIR "/tests/bench/peer_torch.py",
      g_getenv ("SYMPIE_WEIGHTS"), threads, width, height,
      bench->cpu_time ? "cpu" : "wall", NULL);
  if (self->process)
    self->answers =
        g_data_input_stream_new (g_subprocess_get_stdout_pipe (self->process));
  g_object_unref (launcher);
  g_free (threads);
  g_free (width);
  g_free (height);
  return self;
}

static char *
write_temporary (const void *data, size_t size)
{
  char *path;
  int file = g_file_open_tmp ("sympie-bench-XXXXXX", &path, NULL);

  if (file < 0 || !g_close (file, NULL)
      || !g_file_set_contents (path, data, (gssize) size, NULL))
    bench_fail ("cannot write to %s", g_get_tmp_dir ());
  return path;
}

static void
remove_temporary (char *path)
{
  g_remove (path);
  g_free (path);
}

void
bench_torch_nem (BenchTorch *self, const SympieCrop *crop, SympieParams *params)
{
  size_t size = 3 * SYMPIE_NEM_SIZE * SYMPIE_NEM_SIZE * sizeof (float);
  float *planes = g_malloc (size);
  char *path, *question, *answer, *end;

  bench_crop_planes (crop, planes);
  path = write_temporary (planes, size);
  question = g_strdup_printf ("check-nem %s", path);
  end = answer = ask (self, question);
  if (!answer)
    bench_fail ("PyTorch's process ended");
  for (int i = 0; i < SYMPIE_N_PARAMS; i++)
    params->values[i] = (float) g_ascii_strtod (end, &end);

  remove_temporary (path);
  g_free (planes);
  g_free (question);
  g_free (answer);
}

int
bench_torch_dwm_difference (BenchTorch *self, const SympieImage *src,
    const SympieTarget *dst, const SympieParams *params)
{
  size_t n_pixels = (size_t) BENCH_WIDTH * BENCH_HEIGHT, size;
  char *frame = write_temporary (src->planes[0], 4 * n_pixels);
  char *numbers = write_temporary (params->values, sizeof params->values);
  char *out = write_temporary ("", 0);
  char *question = g_strdup_printf ("check-dwm %s %s %s", frame, numbers, out);
  char *answer = ask (self, question), *data;
  int largest = 0;

  if (!answer || !g_file_get_contents (out, &data, &size, NULL)
      || size != 4 * n_pixels)
    bench_fail ("PyTorch gave no frame to compare with");
  for (size_t i = 0; i < size; i++)
    largest = MAX (largest, ABS (dst->planes[0][i] - (uint8_t) data[i]));

  remove_temporary (frame);
  remove_temporary (numbers);
  remove_temporary (out);
  g_free (question);
  g_free (answer);
  g_free (data);
  return largest;
}

double
bench_torch_vgg_mse (BenchTorch *self, const uint8_t *pixels, size_t size)
{
  char *path = write_temporary (pixels, size);
  char *question = g_strdup_printf ("check-vgg %s", path);
  char *answer = ask (self, question);
  double mse;

  if (!answer)
    bench_fail ("PyTorch's process ended");
  mse = g_ascii_strtod (answer, NULL);
  remove_temporary (path);
  g_free (question);
  g_free (answer);
  return mse;
}

BenchTorch *
bench_torch_new (Bench *bench, const char *what)
{
  static bool known;
  BenchTorch *self = start (bench, what);
  char *version = self->process ? ask (self, NULL) : NULL;

  if (!known) {
    bench_fact (bench, "PyTorch", "%s",
        version ? version : "missing: ./setup.sh --all installs python3-torch");
    known = true;
  }
  if (!version) {
    bench_torch_free (self);
    return NULL;
  }
  g_free (version);
  return self;
}

void
bench_torch_free (BenchTorch *self)
{
  if (!self)
    return;
  if (self->process)
    g_output_stream_close (
        g_subprocess_get_stdin_pipe (self->process), NULL, NULL);
  g_clear_object (&self->answers);
  if (self->process)
    g_subprocess_wait (self->process, NULL, NULL);
  g_clear_object (&self->process);
  g_free (self);
}

double
bench_torch_run (void *data)
{
  BenchTorch *self = data;
  char *answer = ask (self, self->what);
  double time;

  if (!answer)
    bench_fail ("PyTorch's process ended");
  time = g_ascii_strtod (answer, NULL);
  g_free (answer);
  return time;
}
