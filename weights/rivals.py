# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a user would pick in SyMPIE's place: filters of FFmpeg, GStreamer and OpenCV.

    rivals = load()
    rivals["CLAHE"].enhance_all(pictures)   # uint8 RGB, all of one size
    rivals["CLAHE"].milliseconds()          # processor time of a full HD frame

Each is set as its documentation or common use has it, the same for every picture: nobody
knows what is wrong with a frame before he sees it. Filters that look at several frames
are kept from it, since pictures have no neighbours.
"""

import os
import resource
import subprocess
import time

import cv2
import numpy as np

# hqdn3d takes 0 for its default: next to nothing over time.
FFMPEG = {
    "normalize": "normalize=smoothing=0",
    "hqdn3d": "hqdn3d=4:3:0.001:0.001",
    "unsharp": "unsharp",
    "eq": "eq=contrast=1.2:saturation=1.2",
}
VIDEOBALANCE = ["videobalance", "contrast=1.2", "saturation=1.2"]
HD = 1920, 1080
TIMED = 100 # frames: the difference is to stand out of a busy machine


def run(command, data=b""):
    """-> what it writes. RuntimeError with its last words."""
    done = subprocess.run(command, input=data, capture_output=True)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise RuntimeError(f"{command[0]}: {said[-1] if said else 'it failed'}")
    return done.stdout


def processor_time(command):
    """-> seconds that the command computed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


class Filter:
    """`rgb` and `timed` build commands; a frame costs what more frames cost more, less
    what they cost without the filter."""

    def milliseconds(self):
        def each(on):
            few, many = (min(processor_time(self.timed(on, count)) for _ in range(2))
                         for count in (1, TIMED + 1))
            return 1000 * (many - few) / TIMED
        return max(0, each(True) - each(False))

    def enhance_all(self, pictures):
        height, width = pictures[0].shape[:2]
        data = run(self.rgb(width, height, len(pictures)),
                   b"".join(np.ascontiguousarray(p).tobytes() for p in pictures))
        out = np.frombuffer(data, np.uint8)
        return list(out.reshape(len(pictures), height, width, 3))


class FFmpeg(Filter):
    def __init__(self, name):
        self.filter = FFMPEG[name]

    def rgb(self, width, height, count):
        raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
        return ["ffmpeg", "-v", "error", *raw, "-s", f"{width}x{height}", "-i", "-",
                "-vf", self.filter, *raw, "-"]

    def timed(self, on, count):
        layout = "rgb24" if self.filter.startswith("normalize") else "yuv420p"
        chain = f"format={layout}" + f",{self.filter}" * on
        return ["ffmpeg", "-v", "error", "-nostdin", "-filter_threads", "1", "-f", "lavfi",
                "-i", f"color=gray:size={HD[0]}x{HD[1]}", "-frames:v", str(count),
                "-vf", chain, "-f", "null", "-"]


class GStreamer(Filter):
    def __init__(self, elements):
        self.elements = elements

    def rgb(self, width, height, count):
        caps = f"video/x-raw,format=RGB,width={width},height={height},framerate=25/1"
        # Rows of RGB in GStreamer begin at multiples of 4.
        return ["gst-launch-1.0", "-q", "fdsrc", "fd=0", f"blocksize={3 * width * height}",
                "!", "rawvideoparse", "format=rgb", f"width={width}", f"height={height}",
                f"plane-strides=<{3 * width}>", f"frame-size={3 * width * height}",
                "!", "videoconvert", "!", "video/x-raw,format=xRGB", "!", *self.elements,
                "!", "videoconvert", "!", caps, "!", "fdsink", "fd=1"]

    def enhance_all(self, pictures):
        width = pictures[0].shape[1]
        padded = -width % 4 # then rows have no padding
        wide = [np.pad(p, ((0, 0), (0, padded), (0, 0)), mode="edge") for p in pictures]
        return [p[:, :width] for p in super().enhance_all(wide)]

    def timed(self, on, count):
        return ["gst-launch-1.0", "-q", "videotestsrc", "pattern=white",
                f"num-buffers={count}", "!",
                f"video/x-raw,format=I420,width={HD[0]},height={HD[1]}", "!",
                *(self.elements + ["!"]) * on, "fakesink"]


class OpenCV:
    def __init__(self, function):
        self.function = function

    def enhance_all(self, pictures):
        return [self.function(picture) for picture in pictures]

    def milliseconds(self):
        frame = np.random.default_rng(0).integers(0, 256, (HD[1], HD[0], 3), np.uint8)
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        times = []
        for _ in range(5):
            begin = time.process_time()
            self.function(frame)
            times.append(time.process_time() - begin)
        cv2.setNumThreads(threads)
        return 1000 * min(times)


class SyMPIE(GStreamer):
    """The element for the time, the library for the pictures."""

    def __init__(self, weights):
        from sympie import Sympie

        # The gate would spare the frames that it is timed on.
        super().__init__(["sympieenhance", "n-threads=1", "device=cpu", "gate=off",
                          "smoothing=0", f"weights={weights}"])
        self.sympie = Sympie(weights)
        build = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "build",
                             "gst-sympie")
        os.environ.setdefault("GST_PLUGIN_PATH", build)

    def enhance_all(self, pictures):
        return [self.sympie.enhance(np.ascontiguousarray(picture)) for picture in pictures]


def clahe(picture):
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(2, (8, 8)).apply(np.ascontiguousarray(lab[..., 0]))
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)


def median(picture):
    return cv2.medianBlur(picture, 3)


def load():
    """-> {name: something with enhance_all() and milliseconds()}."""
    return {**{name: FFmpeg(name) for name in FFMPEG}, "CLAHE": OpenCV(clahe),
            "3x3 median": OpenCV(median), "videobalance": GStreamer(VIDEOBALANCE)}
