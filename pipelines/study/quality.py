#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What everybody measures of an encode: quality.py CLIP ENCODE OUT.json

OUT.json gets its bit rate, and FFmpeg's PSNR and SSIM, and VMAF where this FFmpeg has
it, of every Nth frame (config.json's subsample), as it is and enhanced.
"""

import json
import os
import re
import subprocess
import sys

from measure import DECODE, enhance
from video import probe


def bit_rate(path):
    """-> of the packets, in kbit/s."""
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "V:0", "-show_entries",
         "packet=size,pts_time,duration_time", "-of", "json", path],
        capture_output=True, text=True, check=True)
    packets = json.loads(told.stdout)["packets"]
    times = sorted(float(packet["pts_time"]) for packet in packets)
    # The last frame lasts as long as the others do on average.
    seconds = (times[-1] - times[0]) * len(times) / (len(times) - 1) if len(times) > 1 \
        else float(packets[0].get("duration_time", 1))
    return sum(int(packet["size"]) for packet in packets) * 8 / 1000 / seconds


def has_vmaf():
    told = subprocess.run(["ffmpeg", "-v", "error", "-filters"], capture_output=True,
                          text=True).stdout
    return " libvmaf " in told


def compare(clip, source, every, vmaf, **more):
    """source: FFmpeg's options for the distorted side. -> {name: value}"""
    filters = ["psnr", "ssim"] + ["libvmaf"] * vmaf
    pick = f"select=not(mod(n\\,{every})),settb=1/1000,setpts=N"
    graph = "".join(
        f"[{i}:v]{pick},split={len(filters)}"
        + "".join(f"[{side}{f}]" for f in range(len(filters))) + ";"
        for i, side in enumerate("dr"))
    graph += ";".join(f"[d{f}][r{f}]{name}[o{f}]" for f, name in enumerate(filters))
    outputs = [part for f in range(len(filters)) for part in ("-map", f"[o{f}]")]
    done = subprocess.run(
        ["ffmpeg", "-nostdin", "-nostats", *source, "-i", clip, "-filter_complex", graph,
         *outputs, "-f", "null", "-"], stderr=subprocess.PIPE, text=True, **more)
    found = {"psnr": r"PSNR .*average:(\S+)", "ssim": r"SSIM .*All:(\S+)",
             "vmaf": r"VMAF score: (\S+)"}
    values = {name: re.search(pattern, done.stderr) for name, pattern in found.items()}
    if done.returncode or not values["psnr"] or not values["ssim"]:
        sys.exit(f"ffmpeg cannot compare: {(done.stderr.strip() or 'it failed').splitlines()[-1]}")
    return {name: match and (None if match[1] == "inf" else float(match[1]))
            for name, match in values.items()}


def main():
    clip, encode, out = sys.argv[1:]
    with open("config.json", encoding="utf-8") as file:
        config = json.load(file)
    every, vmaf = config["subsample"], has_vmaf()
    plain = compare(clip, ["-i", encode], every, vmaf)
    read, write = os.pipe()
    # Without loss, by an encoder that minds strides: y4menc writes padding as pixels.
    with subprocess.Popen(
            ["gst-launch-1.0", "-q", "filesrc", f"location={encode}", "!", *DECODE, "!",
             *enhance(config), "!", "avenc_ffv1", "!", "matroskamux", "streamable=true", "!",
             "fdsink", f"fd={write}"],
            pass_fds=[write]) as enhancing:
        os.close(write)
        with os.fdopen(read, "rb") as stream:
            try:
                with_it = compare(clip, ["-f", "matroska", "-i", f"pipe:{read}"], every, vmaf,
                                  pass_fds=[read])
            finally:
                while stream.read(1 << 20):  # whatever FFmpeg did not want
                    pass
        if enhancing.wait():
            sys.exit(f"gst-launch-1.0 cannot enhance {encode}")
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"kbit_per_s": bit_rate(encode), "vmaf": vmaf, "plain": plain,
                   "reuse1": with_it}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
