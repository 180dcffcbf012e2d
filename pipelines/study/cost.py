#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Times sympieenhance on one thread: cost.py CLIP REUSE WEIGHTS DEVICE OUT.json

The first frame of the clip is enhanced again and again; the element's log tells
how long each took, without decoding. (GStreamer's tracer would, but 1.26.2's
latency(flags=element) stops every pipeline for ever.) Of REUSE frames one is
estimated anew, so REUSE frames are one round. The first round warms up; the cost
of a frame is the median over the others, of which there are at least ROUNDS, and
as many as FRAMES frames take. The gate is off, as a frame that it spares costs the
network alone. OUT.json names the machine, which on a cluster is not the one that makes
the tables.
"""

import json
import os
import re
import statistics
import subprocess
import sys

from video import machine

ROUNDS = 7
FRAMES = 60


def nanoseconds(*times):
    """The sum of GST_TIME_FORMAT's."""
    return sum(((int(hours) * 60 + int(minutes)) * 60 + float(seconds)) * 1e9
               for hours, minutes, seconds in (time.split(":") for time in times))


def main():
    clip, reuse, weights, device, out = sys.argv[1:]
    reuse = int(reuse)
    rounds = max(ROUNDS, -(-FRAMES // reuse))
    done = subprocess.run(
        ["gst-launch-1.0", "-q", "filesrc", f"location={clip}", "!", "decodebin", "!",
         "imagefreeze", f"num-buffers={(rounds + 1) * reuse}", "!", "sympieenhance",
         "n-threads=1", f"weights={weights}", f"device={device}",
         f"reuse-interval={reuse}", "smoothing=0", "gate=off",
         "!", "fakesink", "sync=false"], capture_output=True, text=True,
        env=dict(os.environ, GST_DEBUG="sympieenhance:LOG", GST_DEBUG_NO_COLOR="1"))
    if done.returncode:
        sys.exit("\n".join(re.findall("^(?:ERROR|WARNING).*", done.stderr, re.M)) or
                 f"gst-launch-1.0 failed on {clip}")
    times = [nanoseconds(*both) for both in re.findall(
        r" estimates took ([\d:.]+), application ([\d:.]+)$", done.stderr, re.M)]
    if len(times) != (rounds + 1) * reuse:
        sys.exit(f"{len(times)} of {(rounds + 1) * reuse} frames of {clip} were timed")
    each = [sum(times[start:start + reuse]) / reuse
            for start in range(reuse, len(times), reuse)]
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"ms_per_frame": round(statistics.median(each) / 1e6, 4),
                   "rounds": rounds, "frames": rounds * reuse, "machine": machine()}, file)
        file.write("\n")


main()
