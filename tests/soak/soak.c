/* gst-sympie: SyMPIE video enhancement
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/* Does to sympieenhance what applications do, in any order, for long:
 *
 *   soak [--frames N] [--first SEED]   one seed after the other
 *   soak --seed SEED                   that one, saying what it does
 *
 * A seed is one life of the element: a few hundred frames, in between caps,
 * seeks, flushes, gaps, quality of service, properties, states, queries. Frames
 * lie in all layouts, with times that are missing, stand still or jump. Each
 * must come out once, with what it carried, unless quality of service dropped
 * it; what is not the element's to write to stays as it was; there is no error;
 * nothing runs on; memory stays flat. What fails says its seed. */

#include <gst/check/gstharness.h>
#include <gst/video/video.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../threads.h"

#define N_OPS 60
#define MAX_KEPT 4

typedef struct
{
  GRand *random;
  GstHarness *h;
  GstBus *bus;
  GstVideoInfo info;
  GstClockTime time;
  gboolean drops;   /* quality of service may have frames dropped */
  gboolean stopped; /* between two lives of the stream */
  guint warnings;   /* that are due */
  guint64 frames;
  gboolean speaks;
  GstBuffer *kept[MAX_KEPT]; /* ours too, so that they must not change */
  guint sums[MAX_KEPT];
} Life;

static volatile sig_atomic_t current_seed;

/* ---- Failing ------------------------------------------------------------- */

static void
say_seed (void)
{
  char text[64];
  int n = snprintf (
      text, sizeof text, "soak: soak --seed %d fails\n", (int) current_seed);

  if (write (STDERR_FILENO, text, (size_t) n) < 0)
    _exit (EXIT_FAILURE);
}

static void
on_signal (int number)
{
  say_seed ();
  signal (number, SIG_DFL);
  raise (number);
}

#define CHECK(condition, ...)                                                  \
  G_STMT_START                                                                 \
  {                                                                            \
    if (!(condition)) {                                                        \
      fprintf (stderr, "soak: %s: ", #condition);                              \
      fprintf (stderr, __VA_ARGS__);                                           \
      fprintf (stderr, "\n");                                                  \
      say_seed ();                                                             \
      exit (EXIT_FAILURE);                                                     \
    }                                                                          \
  }                                                                            \
  G_STMT_END

#define SAY(life, ...)                                                         \
  G_STMT_START                                                                 \
  {                                                                            \
    if ((life)->speaks) {                                                      \
      printf (__VA_ARGS__);                                                    \
      printf ("\n");                                                           \
      fflush (stdout);                                                         \
    }                                                                          \
  }                                                                            \
  G_STMT_END

/* ---- Chance -------------------------------------------------------------- */

/* From 0 to n - 1. */
static guint
pick (Life *life, guint n)
{
  return (guint) g_rand_int_range (life->random, 0, (gint32) n);
}

static gboolean
one_in (Life *life, guint n)
{
  return pick (life, n) == 0;
}

#define PICK_OF(life, array) ((array)[pick (life, G_N_ELEMENTS (array))])

/* ---- Caps ---------------------------------------------------------------- */

static void
push_caps (Life *life)
{
  static const gchar *const rates[] = { "25/1", "0/1", "30000/1001", "1000/1" };
  static const gchar *const colours[] = { "bt601", "bt709", "bt2020",
    "bt2100-hlg" };
  GstPad *pad = gst_element_get_static_pad (life->h->element, "sink");
  GstCaps *all = gst_pad_get_pad_template_caps (pad), *caps;
  const GValue *formats =
      gst_structure_get_value (gst_caps_get_structure (all, 0), "format");
  const gchar *format = g_value_get_string (gst_value_list_get_value (
      formats, pick (life, gst_value_list_get_size (formats))));
  const GstVideoFormatInfo *about =
      gst_video_format_get_info (gst_video_format_from_string (format));
  gint width = one_in (life, 20) ? 16384 : 1 + (gint) pick (life, 96);
  gint height =
      width > 96 ? 1 + (gint) pick (life, 2) : 1 + (gint) pick (life, 96);
  gboolean interlaced;
  gchar *text;

  if (one_in (life, 10))
    width = height = 1;
  /* GStreamer's rows are too short for some odd widths of these. */
  if (g_str_has_suffix (format, "_10LE32") || g_str_equal (format, "UYVP"))
    width += width % 2;
  interlaced = height > 7 && one_in (life, 6);
  if (interlaced)
    height = height / 8 * 8;
  text = g_strdup_printf ("video/x-raw, format=%s, width=%d, height=%d, "
                          "framerate=%s, interlace-mode=%s",
      format, width, height, PICK_OF (life, rates),
      interlaced ? (one_in (life, 2) ? "interleaved" : "mixed")
                 : "progressive");
  caps = gst_caps_from_string (text);
  if (one_in (life, 2) && GST_VIDEO_FORMAT_INFO_IS_YUV (about)) {
    const gchar *colour = PICK_OF (life, colours);

    gst_caps_set_simple (caps, "colorimetry", G_TYPE_STRING, colour, NULL);
  }
  SAY (life, "caps %s", text);
  CHECK (gst_video_info_from_caps (&life->info, caps), "%s", text);
  gst_harness_set_src_caps (life->h, caps);
  gst_caps_unref (all);
  gst_object_unref (pad);
  g_free (text);
}

/* ---- Frames -------------------------------------------------------------- */

static guint
sum_of (GstBuffer *buffer)
{
  GstMapInfo map;
  guint sum = 5381;

  CHECK (gst_buffer_map (buffer, &map, GST_MAP_READ), "a frame of ours");
  for (gsize i = 0; i < map.size; i++)
    sum = sum * 33 + map.data[i];
  gst_buffer_unmap (buffer, &map);
  return sum;
}

/* Planes that lie far apart, with rows that do, anything in between. */
static gsize
lay_out (Life *life, gsize offsets[], gint strides[])
{
  const GstVideoInfo *info = &life->info;
  gsize size = 0;

  for (guint i = 0; i < GST_VIDEO_INFO_N_PLANES (info); i++) {
    gint pad[GST_VIDEO_MAX_PLANES] = { 0, 4, 64, 4096 };
    gint component[GST_VIDEO_MAX_COMPONENTS];

    gst_video_format_info_component (info->finfo, i, component);
    strides[i] = GST_VIDEO_INFO_PLANE_STRIDE (info, i) + pad[pick (life, 4)];
    offsets[i] = size + 16 * pick (life, 3);
    size =
        offsets[i]
        + (gsize) strides[i] * GST_VIDEO_INFO_COMP_HEIGHT (info, component[0]);
    if (GST_VIDEO_INFO_INTERLACE_MODE (info)
        != GST_VIDEO_INTERLACE_MODE_PROGRESSIVE)
      size += 2 * (gsize) strides[i];
  }
  return size;
}

static GstBuffer *
new_frame (Life *life)
{
  gsize offsets[GST_VIDEO_MAX_PLANES] = { 0 };
  gint strides[GST_VIDEO_MAX_PLANES] = { 0 };
  gboolean padded = one_in (life, 4);
  gsize size = padded ? lay_out (life, offsets, strides)
                      : GST_VIDEO_INFO_SIZE (&life->info);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);
  guint8 tone = (guint8) pick (life, 256);
  GstMapInfo map;

  CHECK (gst_buffer_map (buffer, &map, GST_MAP_WRITE), "%zu bytes", size);
  for (gsize i = 0; i < size; i++)
    map.data[i] = (guint8) (tone + i * 7 % 31);
  gst_buffer_unmap (buffer, &map);
  if (padded)
    gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
        GST_VIDEO_INFO_FORMAT (&life->info), GST_VIDEO_INFO_WIDTH (&life->info),
        GST_VIDEO_INFO_HEIGHT (&life->info),
        GST_VIDEO_INFO_N_PLANES (&life->info), offsets, strides);
  if (GST_VIDEO_INFO_INTERLACE_MODE (&life->info)
          == GST_VIDEO_INTERLACE_MODE_MIXED
      && one_in (life, 2))
    GST_BUFFER_FLAG_SET (buffer, GST_VIDEO_BUFFER_FLAG_INTERLACED);
  if (one_in (life, 8))
    gst_buffer_add_video_region_of_interest_meta (buffer, "face",
        pick (life, (guint) GST_VIDEO_INFO_WIDTH (&life->info)),
        pick (life, (guint) GST_VIDEO_INFO_HEIGHT (&life->info)),
        pick (life, 100), pick (life, 100));
  if (one_in (life, 20))
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  if (one_in (life, 20))
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_GAP);
  return buffer;
}

static void
stamp (Life *life, GstBuffer *buffer)
{
  switch (pick (life, 30)) {
  case 0: /* equal */
    break;
  case 1: /* back */
    life->time -= MIN (life->time, pick (life, 5000) * GST_MSECOND);
    break;
  case 2: /* far */
    life->time += pick (life, 100000) * GST_SECOND;
    break;
  default:
    life->time += 40 * GST_MSECOND;
    break;
  }
  if (!one_in (life, 30))
    GST_BUFFER_PTS (buffer) = life->time;
  if (!one_in (life, 30))
    GST_BUFFER_DURATION (buffer) = 40 * GST_MSECOND;
}

/* What is kept is looked at again when another takes its place. */
static void
release (Life *life, guint i)
{
  if (!life->kept[i])
    return;
  CHECK (sum_of (life->kept[i]) == life->sums[i], "somebody else's frame");
  gst_clear_buffer (&life->kept[i]);
}

static void
keep (Life *life, GstBuffer *buffer)
{
  guint i = pick (life, MAX_KEPT);

  release (life, i);
  life->kept[i] = gst_buffer_ref (buffer);
  life->sums[i] = sum_of (buffer);
}

static void
push_frame (Life *life)
{
  GstBuffer *buffer = new_frame (life), *out;
  GstClockTime pts, duration;
  GstVideoFrame frame;
  GstFlowReturn flow;

  stamp (life, buffer);
  pts = GST_BUFFER_PTS (buffer);
  duration = GST_BUFFER_DURATION (buffer);
  if (one_in (life, 5))
    keep (life, buffer);
  flow = gst_harness_push (life->h, buffer);
  CHECK (flow == GST_FLOW_OK, "%s", gst_flow_get_name (flow));
  out = gst_harness_try_pull (life->h);
  life->frames++;
  if (!out) {
    CHECK (life->drops, "no frame");
    return;
  }
  CHECK (gst_harness_buffers_in_queue (life->h) == 0, "more than one frame");
  CHECK (GST_BUFFER_PTS (out) == pts && GST_BUFFER_DURATION (out) == duration,
      "%" GST_TIME_FORMAT " came out at %" GST_TIME_FORMAT, GST_TIME_ARGS (pts),
      GST_TIME_ARGS (GST_BUFFER_PTS (out)));
  CHECK (gst_video_frame_map (&frame, &life->info, out, GST_MAP_READ),
      "not of these caps");
  gst_video_frame_unmap (&frame);
  gst_buffer_unref (out);
}

/* ---- Properties ---------------------------------------------------------- */

static void
set_parameters (Life *life)
{
  /* 36 is a warning while it plays, and an error at the start. */
  static const guint lengths[] = { 0, 0, 37, 37, 37, 36 };
  guint n = lengths[pick (life, life->stopped ? 5 : 6)];
  GValue array = G_VALUE_INIT, number = G_VALUE_INIT;

  g_value_init (&array, GST_TYPE_ARRAY);
  g_value_init (&number, G_TYPE_DOUBLE);
  for (guint i = 0; i < n; i++) {
    g_value_set_double (&number,
        one_in (life, 8) ? g_rand_double_range (life->random, -1e4, 1e4)
                         : i == 0 || i == 4 || i == 8 || i == 24);
    gst_value_array_append_value (&array, &number);
  }
  life->warnings += n == 36;
  SAY (life, "%u parameters", n);
  g_object_set_property (G_OBJECT (life->h->element), "parameters", &array);
  g_value_unset (&array);
}

static void
fill_value (Life *life, const GParamSpec *spec, GValue *value)
{
  static const guint64 numbers[] = { 0, 1, 3, 40000000, 500000000,
    3600000000000, G_MAXUINT64 };

  if (G_IS_PARAM_SPEC_BOOLEAN (spec)) {
    /* Mostly on: what is off has little to show. */
    g_value_set_boolean (value, !one_in (life, 4));
  } else if (G_IS_PARAM_SPEC_ENUM (spec)) {
    GEnumClass *klass = G_PARAM_SPEC_ENUM (spec)->enum_class;

    g_value_set_enum (value, klass->values[pick (life, klass->n_values)].value);
  } else if (G_IS_PARAM_SPEC_UINT (spec)) {
    const GParamSpecUInt *range = G_PARAM_SPEC_UINT (spec);
    guint most = MIN (range->maximum - range->minimum, 300);

    g_value_set_uint (value, range->minimum + pick (life, most + 1));
  } else if (G_IS_PARAM_SPEC_UINT64 (spec)) {
    g_value_set_uint64 (value, PICK_OF (life, numbers));
  } else if (G_IS_PARAM_SPEC_DOUBLE (spec)) {
    const GParamSpecDouble *range = G_PARAM_SPEC_DOUBLE (spec);

    g_value_set_double (value, one_in (life, 4) ? range->minimum
                               : one_in (life, 4)
                                   ? range->maximum
                                   : g_rand_double_range (life->random,
                                       range->minimum, range->maximum));
  } else if (strcmp (spec->name, "crop") == 0) {
    static const gchar *const crops[] = { NULL, "0,0,1,1", "0,0,20,32768",
      "1:1", "16:9" };

    g_value_set_static_string (value, PICK_OF (life, crops));
  } else if (strcmp (spec->name, "channel") == 0) {
    g_value_set_static_string (value, one_in (life, 2) ? "soak" : NULL);
  } else {
    CHECK (FALSE, "no values for the property %s", spec->name);
  }
}

/* What every test says for itself, or what is not the element's. */
static gboolean
is_left_alone (const GParamSpec *spec)
{
  static const gchar *const names[] = { "name", "parent", "weights", "device",
    "cuda-device-id", "n-threads", "recording" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (spec->name, names[i]) == 0)
      return TRUE;
  return !(spec->flags & G_PARAM_WRITABLE);
}

static void
set_property (Life *life)
{
  guint n;
  GParamSpec **specs = g_object_class_list_properties (
      G_OBJECT_GET_CLASS (life->h->element), &n);
  const GParamSpec *spec = specs[pick (life, n)];
  GValue value = G_VALUE_INIT;
  gchar *text;

  if (!is_left_alone (spec) && strcmp (spec->name, "parameters") == 0) {
    set_parameters (life);
  } else if (!is_left_alone (spec)) {
    g_value_init (&value, spec->value_type);
    fill_value (life, spec, &value);
    text = gst_value_serialize (&value);
    SAY (life, "%s=%s", spec->name, text);
    g_free (text);
    life->warnings += (spec->flags & GST_PARAM_MUTABLE_READY) != 0;
    g_object_set_property (G_OBJECT (life->h->element), spec->name, &value);
    g_value_unset (&value);
  }
  g_free (specs);
  /* Estimates on every frame are for few lives: they take their time. */
  if (!one_in (life, 10))
    g_object_set (
        life->h->element, "reuse-interval", 30 + pick (life, 300), NULL);
}

static void
read_properties (Life *life)
{
  guint n;
  GParamSpec **specs = g_object_class_list_properties (
      G_OBJECT_GET_CLASS (life->h->element), &n);

  for (guint i = 0; i < n; i++) {
    GValue value = G_VALUE_INIT;

    if (!(specs[i]->flags & G_PARAM_READABLE))
      continue;
    g_value_init (&value, specs[i]->value_type);
    g_object_get_property (G_OBJECT (life->h->element), specs[i]->name, &value);
    g_value_unset (&value);
  }
  g_free (specs);
}

/* ---- Events, states ------------------------------------------------------ */

static void
push_segment (Life *life)
{
  static const gdouble rates[] = { 1, 1, 1, 2, 0.5 };
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.rate = PICK_OF (life, rates);
  segment.start = segment.position = life->time;
  segment.time = one_in (life, 2) ? life->time : 0;
  gst_harness_push_event (life->h, gst_event_new_segment (&segment));
}

static void
flush (Life *life)
{
  SAY (life, "flush");
  gst_harness_push_event (life->h, gst_event_new_flush_start ());
  gst_harness_push_event (life->h, gst_event_new_flush_stop (one_in (life, 2)));
  if (one_in (life, 2)) /* a seek */
    life->time = pick (life, 1000) * GST_SECOND;
  push_segment (life);
  life->drops = FALSE;
}

static void
change_state (Life *life)
{
  static const GstState states[] = { GST_STATE_PAUSED, GST_STATE_READY,
    GST_STATE_NULL };
  GstState state = PICK_OF (life, states);

  SAY (life, "%s", gst_element_state_get_name (state));
  CHECK (gst_element_set_state (life->h->element, state)
             == GST_STATE_CHANGE_SUCCESS,
      "%s", gst_element_state_get_name (state));
  if (state != GST_STATE_PAUSED) {
    life->stopped = TRUE;
    for (guint i = pick (life, 3); i > 0; i--)
      set_property (life);
    life->stopped = FALSE;
    g_object_set (life->h->element, "n-threads", 1 + pick (life, 3), NULL);
    if (one_in (life, 2))
      gst_util_set_object_arg (G_OBJECT (life->h->element), "parameters", "<>");
    else
      gst_util_set_object_arg (G_OBJECT (life->h->element), "estimation",
          one_in (life, 2) ? "sync" : "async");
  }
  CHECK (gst_element_set_state (life->h->element, GST_STATE_PLAYING)
             == GST_STATE_CHANGE_SUCCESS,
      "cannot play");
  if (state != GST_STATE_PAUSED) {
    life->drops = FALSE;
    push_caps (life);
    push_segment (life);
  }
}

static void
send_event (Life *life)
{
  GstHarness *h = life->h;

  switch (pick (life, 6)) {
  case 0:
    SAY (life, "late");
    life->drops = TRUE;
    gst_harness_push_upstream_event (
        h, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW,
               g_rand_double_range (life->random, 0.1, 10),
               (GstClockTimeDiff) pick (life, 200) * GST_MSECOND
                   - 100 * GST_MSECOND,
               life->time + GST_SECOND));
    break;
  case 1:
    SAY (life, "gap");
    gst_harness_push_event (
        h, gst_event_new_gap (life->time, pick (life, 3000) * GST_MSECOND));
    break;
  case 2:
    SAY (life, "scene change");
    gst_harness_push_event (
        h, gst_video_event_new_downstream_force_key_unit (GST_CLOCK_TIME_NONE,
               GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, FALSE, 0));
    break;
  case 3:
    SAY (life, "segment");
    push_segment (life);
    break;
  case 4:
    SAY (life, "end");
    gst_harness_push_event (h, gst_event_new_eos ());
    flush (life);
    break;
  default:
    SAY (life, "reconfigure");
    gst_harness_push_upstream_event (h, gst_event_new_reconfigure ());
    break;
  }
}

static void
ask (Life *life)
{
  GstCaps *caps = gst_pad_peer_query_caps (GST_PAD (life->h->srcpad), NULL);

  CHECK (!gst_caps_is_empty (caps), "takes no caps");
  gst_caps_unref (caps);
  gst_harness_query_latency (life->h);
  read_properties (life);
}

/* ---- Lives --------------------------------------------------------------- */

static void
read_bus (Life *life)
{
  GstMessage *message;

  while ((message = gst_bus_pop (life->bus))) {
    GError *error = NULL;

    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
      gst_message_parse_error (message, &error, NULL);
    CHECK (!error, "%s", error->message);
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_WARNING) {
      gst_message_parse_warning (message, &error, NULL);
      CHECK (life->warnings > 0, "%s", error->message);
      life->warnings--;
      g_clear_error (&error);
    }
    gst_message_unref (message);
  }
  life->warnings = 0;
}

static guint64
live (guint seed, gboolean speaks)
{
  GstElement *element = gst_element_factory_make ("sympieenhance", NULL);
  Life life = { .random = g_rand_new_with_seed (seed),
    .bus = gst_bus_new (),
    .speaks = speaks };

  CHECK (element, "no element sympieenhance");
  current_seed = (sig_atomic_t) seed;
  gst_util_set_object_arg (G_OBJECT (element), "device", "cpu");
  gst_util_set_object_arg (
      G_OBJECT (element), "estimation", one_in (&life, 2) ? "sync" : "async");
  g_object_set (element, "n-threads", 1, "reuse-interval", 100, NULL);
  life.h = gst_harness_new_with_element (element, "sink", "src");
  gst_object_unref (element);
  gst_element_set_bus (life.h->element, life.bus);
  push_caps (&life);
  for (guint i = 0; i < N_OPS; i++) {
    switch (pick (&life, 12)) {
    case 0:
      push_caps (&life);
      break;
    case 1:
      flush (&life);
      break;
    case 2:
    case 3:
    case 4:
      set_property (&life);
      break;
    case 5:
      change_state (&life);
      break;
    case 6:
      ask (&life);
      break;
    default:
      send_event (&life);
      break;
    }
    for (guint k = pick (&life, 20); k > 0; k--)
      push_frame (&life);
    read_bus (&life);
  }
  if (one_in (&life, 2))
    gst_harness_push_event (life.h, gst_event_new_eos ());
  gst_element_set_state (life.h->element, GST_STATE_NULL);
  gst_element_set_bus (life.h->element, NULL);
  gst_harness_teardown (life.h);
  for (guint i = 0; i < MAX_KEPT; i++)
    release (&life, i);
  CHECK (threads_settled ("sympie-estimate", 0) == 0, "a thread runs on");
  gst_object_unref (life.bus);
  g_rand_free (life.random);
  return life.frames;
}

static gssize
allocated (void)
{
  struct mallinfo2 info;

  malloc_trim (0);
  info = mallinfo2 ();
  return (gssize) (info.uordblks + info.hblkhd);
}

int
main (int argc, char **argv)
{
  gint n_frames = 200000, first = 1, seed = 0;
  const GOptionEntry entries[] = {
    { "frames", 0, 0, G_OPTION_ARG_INT, &n_frames, "At least so many (200000)",
        "N" },
    { "first", 0, 0, G_OPTION_ARG_INT, &first, "Seed to begin with (1)",
        "SEED" },
    { "seed", 0, 0, G_OPTION_ARG_INT, &seed, "One seed, saying what it does",
        "SEED" },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  static const gint signals[] = { SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGTRAP,
    SIGTERM };
  GOptionContext *options = g_option_context_new ("- wears sympieenhance out");
  GError *error = NULL;
  guint64 frames = 0;
  gssize before = 0, grown;
  gint warm_up;

  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error)) {
    fprintf (stderr, "soak: %s\n", error->message);
    return EXIT_FAILURE;
  }
  g_option_context_free (options);
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    signal (signals[i], on_signal);
  /* What GStreamer itself calls critical fails, too. */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
  gst_init (NULL, NULL);
  if (seed) {
    printf ("%" G_GUINT64_FORMAT " frames\n", live ((guint) seed, TRUE));
    return EXIT_SUCCESS;
  }

  warm_up = first + 2;
  for (gint next = first; frames < (guint64) n_frames || next <= warm_up;
       next++) {
    frames += live ((guint) next, FALSE);
    if (next == warm_up)
      before = allocated ();
    if (next % 100 == 0)
      printf ("seed %d: %" G_GUINT64_FORMAT " frames, %zd KiB\n", next, frames,
          allocated () / 1024);
    fflush (stdout);
  }
  grown = allocated () - before;
  printf ("%" G_GUINT64_FORMAT " frames, memory grew by %zd bytes\n", frames,
      grown);
  CHECK (grown < 256 * 1024, "%zd bytes", grown);
  return EXIT_SUCCESS;
}
