/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* What FFmpeg has closest to DWM: a mixer of colour channels and a 5x5
 * convolution of each plane, with GBR planes, its own format for that. Called
 * through libavfilter, so that nothing but the filters is timed. */

#include "peers.h"

#ifdef HAVE_LIBAVFILTER

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/imgutils.h>

#include "ring.h"

/* A frame ahead of this many others has left the caches. */
#define N_FRAMES 12

struct BenchFfmpeg
{
  AVFilterGraph *graph;
  AVFilterContext *src, *sink;
  AVFrame *frame[N_FRAMES], *out;
  int next;
};

static AVFrame *
frame_new (void)
{
  AVFrame *frame = av_frame_alloc ();

  frame->format = AV_PIX_FMT_GBRP;
  frame->width = BENCH_WIDTH;
  frame->height = BENCH_HEIGHT;
  if (av_frame_get_buffer (frame, 0) < 0)
    bench_fail ("no memory for a frame of FFmpeg's");
  for (int p = 0; p < 3; p++)
    bench_texture (frame->data[p], (size_t) frame->linesize[p] * BENCH_HEIGHT);
  return frame;
}

BenchFfmpeg *
bench_ffmpeg_new (Bench *bench)
{
  BenchFfmpeg *self = g_new0 (BenchFfmpeg, 1);
  /* The filter wants integers: a kernel near identity in 1/256. */
  static const char kernel[] = "1 -2 3 -2 1 -2 4 -8 4 -2 3 -8 272 -8 3 "
                               "-2 4 -8 4 -2 1 -2 3 -2 1";
  AVFilterInOut *in = NULL, *out = NULL;
  char *chain = g_strdup_printf (
      "buffer@src=video_size=%dx%d:pix_fmt=gbrp:time_base=1/25,"
      "colorchannelmixer=rr=1.02:rg=-0.03:rb=0.01:gr=0.02:gg=0.97:gb=0.04:"
      "br=-0.02:bg=0.03:bb=1.01,"
      "convolution=0m='%s':1m='%s':2m='%s':0rdiv=1/256:1rdiv=1/256:2rdiv=1/256,"
      "buffersink@sink",
      BENCH_WIDTH, BENCH_HEIGHT, kernel, kernel, kernel);

  self->graph = avfilter_graph_alloc ();
  self->graph->nb_threads = bench->n_threads;
  if (avfilter_graph_parse2 (self->graph, chain, &in, &out) < 0
      || avfilter_graph_config (self->graph, NULL) < 0)
    bench_fail ("FFmpeg does not take the filters %s", chain);
  g_free (chain);
  for (unsigned i = 0; i < self->graph->nb_filters; i++) {
    const char *name = self->graph->filters[i]->filter->name;

    if (g_str_equal (name, "buffer"))
      self->src = self->graph->filters[i];
    else if (g_str_equal (name, "buffersink"))
      self->sink = self->graph->filters[i];
  }
  self->out = av_frame_alloc ();
  for (int i = 0; i < N_FRAMES; i++)
    self->frame[i] = frame_new ();
  bench_fact (bench, "FFmpeg", "%s", av_version_info ());
  return self;
}

void
bench_ffmpeg_free (BenchFfmpeg *self)
{
  if (!self)
    return;
  for (int i = 0; i < N_FRAMES; i++)
    av_frame_free (&self->frame[i]);
  av_frame_free (&self->out);
  avfilter_graph_free (&self->graph);
  g_free (self);
}

double
bench_ffmpeg_run (void *data)
{
  BenchFfmpeg *self = data;
  AVFrame *frame = self->frame[self->next];
  double start;

  self->next = (self->next + 1) % N_FRAMES;
  frame->pts++;
  start = bench_now ();
  if (av_buffersrc_add_frame_flags (
          self->src, frame, AV_BUFFERSRC_FLAG_KEEP_REF)
          < 0
      || av_buffersink_get_frame (self->sink, self->out) < 0)
    bench_fail ("FFmpeg's filters give no frame");
  start = bench_now () - start;
  av_frame_unref (self->out);
  return start;
}

#else

BenchFfmpeg *
bench_ffmpeg_new (Bench *bench)
{
  bench_fact (bench, "FFmpeg",
      "missing: built without libavfilter-dev "
      "(./setup.sh --all installs it)");
  return NULL;
}

void
bench_ffmpeg_free (BenchFfmpeg *self)
{
}

double
bench_ffmpeg_run (void *data)
{
  return 0;
}

#endif
