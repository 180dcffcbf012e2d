# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What several programs of the study need: clips and their frames as arrays, by FFmpeg,
and the name of the machine."""

import json
import os
import platform
import subprocess
import sys

import numpy as np


def probe(path, *options):
    """-> what ffprobe says of the first video stream that is no cover picture."""
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "V:0", "-of", "json", *options,
         path], capture_output=True, text=True)
    streams = json.loads(done.stdout or "{}").get("streams") if not done.returncode else None
    if not streams:
        sys.exit(f"no video in {path}")
    return streams[0]


def read_frames(path, every):
    """Yields every Nth frame, from the first on, uint8 RGB (height, width, 3)."""
    stream = probe(path, "-show_entries", "stream=width,height")
    shape = stream["height"], stream["width"], 3
    command = ["ffmpeg", "-v", "error", "-nostdin", "-threads", "1", "-i", path, "-vf",
               f"select=not(mod(n\\,{every}))", "-fps_mode", "passthrough",
               "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as ffmpeg:
        while len(data := ffmpeg.stdout.read(np.prod(shape))) == np.prod(shape):
            yield np.frombuffer(data, np.uint8).reshape(shape)
        if ffmpeg.wait() or data:
            sys.exit(f"{path} does not decode")


def machine():
    """-> what runs this, in words."""
    processor = platform.machine()
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                processor = line.split(":", 1)[1].strip()
                break
    return {"name": platform.node(), "system": platform.platform(),
            "processor": processor, "processors": os.cpu_count()}
