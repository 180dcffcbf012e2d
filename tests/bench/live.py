#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What sympieenhance does to live streams, in figures, each beside a peer in the
same run:

    tests/bench/live.py leaky      estimates where a queue drops frames
    tests/bench/live.py qos        the same where the sink asks for less
    tests/bench/live.py rtsp       frames of an RTSP session, beside identity's
    tests/bench/live.py overload   an RTSP session at three times the load that fits
    tests/bench/live.py flicker    the picture's unrest, with smoothing and without
    tests/bench/live.py still      adaptive reuse beside an estimate on every frame

still wants VGG19's weights (weights/fetch-vgg19.sh), flicker and still clips."""
import argparse
import csv
import math
import os
import random
import subprocess
import sys
import tempfile
import time

import gi
import numpy as np

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # noqa: E402, F401

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
DATA = os.environ.get("SYMPIE_TEST_DATA", os.path.join(ROOT, "..", "shared", "data"))


def fail(text):
    sys.exit(f"live: {text}")


def play(launch, seconds=None, watch=None):
    """Plays to the end, for some seconds, or until `watch` has seen enough; the
    pipeline, which the caller stops once it has the figures."""
    pipeline = Gst.parse_launch(launch)
    bus = pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    end = time.monotonic() + seconds if seconds else None
    wanted = Gst.MessageType.ERROR | Gst.MessageType.EOS
    while end is None or time.monotonic() < end:
        if message := bus.timed_pop_filtered(Gst.SECOND // 4, wanted):
            if message.type == Gst.MessageType.ERROR:
                fail(f"{message.parse_error()[0].message}: {launch}")
            break
        if watch and watch(pipeline):
            break
    return pipeline


def stop(pipeline):
    pipeline.set_state(Gst.State.NULL)


def stat(pipeline, element, field):
    return pipeline.get_by_name(element).get_property("stats").get_value(field)


def told(name, value, unit="", limit=None, at_least=False):
    said = ""
    if limit is not None:
        reached = value >= limit if at_least else value <= limit
        said = (f"  {'at least' if at_least else 'at most'} {limit:g}: "
                f"{'reached' if reached else 'NOT reached'}")
    print(f"{name:58s} {value:10.4g} {unit:7s}{said}", flush=True)


# ---- Frames that get lost -----------------------------------------------------

def estimates(name, launch, seconds):
    """At least 200 frames, however long a busy machine takes for them."""
    begun = time.monotonic()
    pipeline = play(launch, None, lambda pipeline: stat(pipeline, "e", "frames") >= 200
                    and time.monotonic() - begun >= seconds)
    frames, looks = (stat(pipeline, "e", field) for field in ("frames", "estimates"))
    stop(pipeline)
    told(f"{name}: frames", frames)
    told(f"{name}: estimates", looks)
    told(f"{name}: estimates a hundred frames", 100 * looks / frames, "", 1)


def leaky(options):
    estimates("leaky", "videotestsrc is-live=true pattern=ball ! video/x-raw,format=NV12,width=3840,"
              "height=2160,framerate=60/1 ! queue leaky=downstream max-size-buffers=1 ! "
              "sympieenhance name=e device=cpu reuse-interval=1000 n-threads=1 ! fakesink",
              options.seconds)


def qos(options):
    width, height = options.size.split("x")
    estimates("qos", "videotestsrc pattern=ball ! video/x-raw,format=NV12,"
              f"width={width},height={height},framerate={options.rate}/1 ! queue ! videoconvert ! "
              "video/x-raw,format=I420 ! sympieenhance name=e device=cpu reuse-interval=1000 "
              "n-threads=1 ! fakesink qos=true sync=true",
              options.seconds)


def over_and_over(path, times, folder):
    """A source that plays a file so often as one stream."""
    for i in range(times):
        os.symlink(path, os.path.join(folder, f"part-{i:05d}.mp4"))
    return f"splitmuxsrc location={folder}/part-*.mp4"


# ---- RTSP ---------------------------------------------------------------------

class Camera:
    """gst-rtsp-server with a clip over and over, from the start for each client."""

    def __init__(self, size, rate, seconds):
        self.folder = tempfile.TemporaryDirectory()
        path, (width, height) = os.path.join(self.folder.name, "once"), size.split("x")
        caps = f"video/x-raw,width={width},height={height},framerate={rate}/1"
        length = min(seconds, 10)
        print(f"encoding {length} s of {size} at {rate} frames a second", flush=True)
        stop(play(f"videotestsrc pattern=ball num-buffers={length * rate} ! {caps},format=I420 ! "
                  "x264enc speed-preset=ultrafast tune=zerolatency key-int-max=30 bitrate=8000 ! "
                  f"h264parse ! mp4mux ! filesink location={path}"))
        port = random.randrange(20000, 30000)
        self.url = f"rtsp://127.0.0.1:{port}/camera"
        self.process = subprocess.Popen(
            [os.path.join(ROOT, "tests/pipelines/rtsp_server.py"), str(port), "0",
             over_and_over(path, math.ceil(seconds / length), self.folder.name)], stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def end(self):
        """-> how often somebody connected."""
        self.process.kill()
        return self.process.communicate()[0].count("a client")


def session(url, element, seconds, watch=None, transport="udp"):
    """-> frames shown, the pipeline."""
    pipeline = play(f"rtspsrc location={url} latency=200 protocols={transport} ! decodebin ! "
                    f"videoconvert ! {element} ! "
                    "fakesink name=sink sync=true qos=true max-lateness=20000000", seconds, watch)
    return stat(pipeline, "sink", "rendered"), pipeline


def rtsp(options):
    with Camera(options.size, options.rate, options.seconds + 5) as camera:
        shown = {"identity": 0, "sympieenhance": 0}
        frames = looks = 0
        for turn in range(options.turns):
            for name in shown:
                element = name if name == "identity" else \
                    f"{name} name=e device=cpu n-threads=1 reuse-interval=30"
                n, pipeline = session(camera.url, element, options.seconds)
                shown[name] += n
                if name != "identity":
                    frames += stat(pipeline, "e", "frames")
                    looks += stat(pipeline, "e", "estimates")
                stop(pipeline)
                print(f"turn {turn}: {name} shows {n} frames", flush=True)
        if not shown["identity"]:
            fail("identity shows no frame: the machine is too busy for this --size and --rate")
        told("RTSP, reuse-interval=30: frames shown / identity's",
             shown["sympieenhance"] / shown["identity"], "", 1400 / 1485, True)
        # The first of a session is estimated from too.
        told("RTSP, reuse-interval=30: frames an estimate, but for the first",
             (frames - options.turns) / max(looks - options.turns, 1), "", 30, True)


ENHANCE = "sympieenhance name=e device=cpu n-threads=1"


def fits(size, rate, seconds):
    """Whether each frame is estimated from and shown in time, once it plays."""
    with Camera(size, rate, seconds + 5) as camera:
        seen = []

        def watch(pipeline):
            seen.append((stat(pipeline, "e", "frames"), stat(pipeline, "e", "estimates"),
                         stat(pipeline, "sink", "dropped")))

        _, pipeline = session(camera.url, ENHANCE, seconds, watch, "tcp")
        stop(pipeline)
    # The last third, by when what the start took is made up for.
    first, last = seen[len(seen) * 2 // 3], seen[-1]
    frames, looks, dropped = (b - a for a, b in zip(first, last))
    fit = frames > 0 and looks == frames and dropped == 0
    print(f"{size} at {rate} frames a second {'fits' if fit else 'does not fit'}: "
          f"{looks} estimates, {frames} frames, {dropped} dropped", flush=True)
    return fit


def highest_rate(size, seconds):
    """What fits: the highest rate that does, to a tenth."""
    low, high = 10, 20
    if not fits(size, low, seconds):
        fail(f"{size} at {low} frames a second does not fit: the machine is too busy or slow")
    while fits(size, high, seconds):
        low, high = high, 2 * high
    while high > 1.1 * low:
        rate = round(math.sqrt(low * high))
        if fits(size, rate, seconds):
            low = rate
        else:
            high = rate
    return low


def overload(options):
    """Three times what fits. Over TCP, where a reader that does not read stops the
    camera."""
    fit = highest_rate(options.size, 12)
    rate = 3 * fit
    late, begun = [], time.monotonic()
    with Camera(options.size, rate, options.seconds + 30) as camera:

        def watch(pipeline):
            sink, clock = pipeline.get_by_name("sink"), pipeline.get_clock()
            sample = sink.get_property("last-sample")
            if sample and clock:
                running = clock.get_time() - pipeline.get_base_time()
                frame = sample.get_segment().to_running_time(
                    Gst.Format.TIME, sample.get_buffer().pts)
                late.append((time.monotonic() - begun, (running - frame) / Gst.SECOND))

        begun = time.monotonic()
        shown, pipeline = session(camera.url, ENHANCE, options.seconds, watch, "tcp")
        lasted = time.monotonic() - begun
        frames, looks = stat(pipeline, "e", "frames"), stat(pipeline, "e", "estimates")
        interval, dropped = stat(pipeline, "e", "interval"), stat(pipeline, "sink", "dropped")
        stop(pipeline)
        connects = camera.end()
    times, late = np.array(late).T
    # Of the first ten seconds the trend knows nothing: there the load is met.
    settled = times > 10
    trend = np.polyfit(times[settled] / 60, late[settled], 1)[0] if settled.sum() > 1 else np.nan
    told("overload: frames a second that fit", fit)
    told("overload: frames a second", rate)
    told("overload: seconds that the session lasted", lasted, "s", options.seconds - 1, True)
    told("overload: connections", connects, "", 1)
    told("overload: frames shown", shown)
    told("overload: the same, of what the camera sent", 100 * shown / (rate * lasted), "%")
    told("overload: frames that the sink dropped", dropped)
    told("overload: frames an estimate", frames / max(looks, 1))
    told("overload: interval in force at the end", interval, "frames")
    told("overload: frame on show is late by, median", np.median(late), "s")
    told("overload: frame on show is late by, 99th percentile", np.percentile(late, 99), "s", 1)
    told("overload: frame on show is late by, at most", late.max(), "s", 2)
    told("overload: frame on show gets later, a minute", trend, "s", 0.01)


# ---- Pictures -----------------------------------------------------------------

def clip(name, times=1, folder=None):
    path = os.path.abspath(os.path.join(DATA, name))
    if not os.path.exists(path):
        fail(f"no clip {path}")
    source = f'filesrc location="{path}"' if times == 1 else over_and_over(path, times, folder)
    return f"{source} ! decodebin ! videoconvert ! video/x-raw,format=I420"


def lumas(launch, frames):
    """(frames, height, width) of 0 to 255."""
    pipeline = Gst.parse_launch(f"{launch} ! videoconvert ! video/x-raw,format=GRAY8 ! "
                                "appsink name=sink sync=false max-buffers=4")
    sink, found = pipeline.get_by_name("sink"), []
    pipeline.set_state(Gst.State.PLAYING)
    while len(found) < frames and (sample := sink.emit("pull-sample")):
        buffer, caps = sample.get_buffer(), sample.get_caps().get_structure(0)
        width, height = caps.get_value("width"), caps.get_value("height")
        data = np.frombuffer(buffer.extract_dup(0, buffer.get_size()), np.uint8)
        found.append(data.reshape(height, -1)[:, :width].astype(np.float32))
    stop(pipeline)
    if not found:
        fail(f"no frames: {launch}")
    return np.stack(found)


def unrest(frames):
    """RMS of how much the mean moves from a frame to the next."""
    return float(np.sqrt(np.mean(np.diff(frames.mean((1, 2))) ** 2)))


def flicker(options):
    print(f"{'clip, darkened':28s} {'smoothing':>9s} {'unrest':>8s} {'in':>8s} {'gain':>6s} "
          f"{'unrest/(in gain)':>16s} {'effect':>8s} {'of 0 ms':>8s}")
    unrests, effects = [], []
    for name in options.clips or LIVELY:
        source = f"{clip(name)} ! sympiecorrupt corruption=darken severity=3 temporal=clip"
        before, whole = lumas(source, options.frames), None
        for smoothing in 0, 250, 500, 750, 1000, 2000:
            after = lumas(f"{source} ! sympieenhance device=cpu n-threads=1 "
                          f"smoothing={smoothing * 10**6}", options.frames)
            gain = float(np.mean(after.std((1, 2)) / before.std((1, 2))))
            effect = float(np.mean(np.abs(after - before)))
            whole = whole or effect
            part = unrest(after) / unrest(before) / gain
            if smoothing == 750:  # the default
                unrests.append(part)
                effects.append(100 * abs(effect / whole - 1))
            print(f"{os.path.basename(name):28s} {smoothing:6d} ms {unrest(after):8.3f} "
                  f"{unrest(before):8.3f} {gain:6.2f} {part:16.2f} "
                  f"{effect:8.2f} {effect / whole:8.3f}", flush=True)
    told("flicker: unrest / (in gain) at 750 ms, at most", max(unrests), "", 1.3)
    told("flicker: effect at 750 ms off that at 0 ms by at most", max(effects), "%", 5)


LIVELY = ["videos/carphone_pristine.mp4", "clips/railway-crossing.mp4",
          "clips/builder-face-cif.mp4"]
STILL = ["clips/asphalt-topview.mp4", "clips/railway-crossing.mp4", "clips/archery-hall.mp4",
         "clips/hall-topview-crowd.mp4"]
# Noise is another in each frame; fog stays.
DAMAGE = {"darken": "clip", "gaussian-noise": "frame", "impulse-noise": "frame", "fog": "clip",
          "contrast": "clip"}


def still(options):
    """Costs as VGG19 sees them: damaged, enhanced each frame by itself, with
    adaptive reuse. Clips go on from their start, as cameras do not end."""
    lost = won = 0
    rates = []
    enhance = "sympieenhance device=cpu n-threads=1"
    print(f"{'clip':24s} {'corruption':16s} {'damaged':>9s} {'each':>9s} {'adaptive':>9s} "
          f"{'estimates/s':>11s}")
    for name in options.clips or STILL:
        for corruption in options.corruptions or DAMAGE:
            temporal = DAMAGE[corruption]
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "results.csv")
                pipeline = play(
                    f"{clip(name, 9, folder)} ! identity eos-after={options.frames} ! tee name=t "
                    "t. ! queue ! probe.ref_sink "
                    f"t. ! queue ! sympiecorrupt corruption={corruption} severity=3 temporal={temporal} ! "
                    "tee name=c "
                    "c. ! queue ! probe.dist_sink "
                    f"c. ! queue ! {enhance} smoothing=0 ! probe.dist_sink_0 "
                    f"c. ! queue ! {enhance} name=e reuse=adaptive ! probe.dist_sink_1 "
                    f"sympieprobe name=probe subsample={options.frames // 20 + 1} results-filename={path} ! fakesink name=sink")
                looks, frames = stat(pipeline, "e", "estimates"), stat(pipeline, "e", "frames")
                rate = pipeline.get_by_name("e").get_static_pad("sink").get_current_caps() \
                    .get_structure(0).get_fraction("framerate")
                stop(pipeline)
                costs = costs_of(path)
            seconds = frames * rate.value_denominator / rate.value_numerator
            damaged, each, adaptive = costs
            # The first frame is estimated from whatever comes.
            rates.append((looks - 1) / seconds)
            print(f"{os.path.basename(name):24s} {corruption:16s} {damaged:9.4f} {each:9.4f} "
                  f"{adaptive:9.4f} {rates[-1]:11.2f}", flush=True)
            won += damaged - each
            lost += adaptive - each
    told("still: estimates a second after the first, at most", max(rates), "", 1)
    told("still: part of the gain that adaptive reuse loses", 100 * lost / won, "%", 3)


def costs_of(path):
    """Mean feature MSE by version, in order of the pads."""
    with open(path, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [float(np.mean([float(row["feature-mse"]) for row in rows if row["pad"] == pad]))
            for pad in ("dist_sink", "dist_sink_0", "dist_sink_1")]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what = {f.__name__: f for f in (leaky, qos, rtsp, overload, flicker, still)}
    parser.add_argument("what", choices=what)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--size", default="1920x1080", help="of the video of qos, rtsp and overload")
    parser.add_argument("--rate", type=int, default=60, help="of it, frames a second")
    parser.add_argument("--frames", type=int, help="of each clip (flicker 90, still 250)")
    parser.add_argument("--clips", nargs="+", help="in the folder of the data")
    parser.add_argument("--corruptions", nargs="+", choices=DAMAGE, help="of still")
    os.environ["GST_PLUGIN_PATH"] = os.path.join(ROOT, "build/gst-sympie")
    os.environ.setdefault("SYMPIE_WEIGHTS", os.path.join(ROOT, "weights/nem.safetensors"))
    Gst.init(None)
    options = parser.parse_args()
    options.frames = options.frames or (250 if options.what == "still" else 90)
    what[options.what](options)


if __name__ == "__main__":
    main()
