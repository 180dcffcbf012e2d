#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Decodes a clip for the study: clip.py CLIP FRAMES OUT.mkv OUT.json

OUT.mkv has its first FRAMES frames (0: all) as lossless H.264 in 8-bit 4:2:0,
which every codec of the study takes, turned as the clip says, with even sides,
from time 0. OUT.json tells what the clip was.
"""

import json
import os
import subprocess
import sys

from video import probe


def main():
    source, frames, video, about = sys.argv[1:]
    stream = probe(source, "-show_entries",
                     "stream=width,height,pix_fmt,avg_frame_rate")
    limit = ["-frames:v", frames] if int(frames) else []
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-nostdin", "-xerror", "-y", "-i", source,
         "-map", "0:V:0", *limit, "-fps_mode", "passthrough",
         "-vf", "setpts=PTS-STARTPTS,crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0",
         "-pix_fmt", "yuv420p", "-c:v", "libx264", "-qp", "0", "-preset", "ultrafast",
         "-threads", "1", video], capture_output=True, text=True)
    # A reference with damage of its own is none: what ffmpeg complains of counts.
    said = done.stderr.strip().splitlines()
    if done.returncode or said:
        sys.exit(f"{source} does not decode: {said[0] if said else 'ffmpeg failed'}")
    count = int(probe(video, "-count_packets", "-show_entries",
                        "stream=nb_read_packets").get("nb_read_packets", 0))
    if not count:
        sys.exit(f"no frame in {source}")
    with open(about, "w", encoding="utf-8") as file:
        json.dump({"file": os.path.basename(source), "width": stream["width"],
                   "height": stream["height"], "frames": count,
                   "frame_rate": stream["avg_frame_rate"],
                   "pixel_format": stream["pix_fmt"]}, file, indent=2)
        file.write("\n")


main()
