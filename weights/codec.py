# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Damage of video codecs, made by FFmpeg: what compressed video feeds us.

A picture becomes a clip of three frames that pan slowly. Encoded at constant
quality, its first frame shows the damage of intra coding, its last that of
prediction. Each clip has an encoder of its own, with one thread: what becomes of a
picture depends on nothing beside it, nor on the number of processors.
"""

import os
import subprocess

import cv2
import numpy as np

from data import centre_crop

CLIP = 3       # frames of a picture's clip
SIDE = 240     # of the pictures that train: a little more than is seen of them
TOGETHER = 24  # encoders that one FFmpeg runs side by side
# Constant-quality values for severity 1..5, the strong end of each scale.
RATES = {"h264": (33, 37, 41, 46, 51), "hevc": (33, 37, 41, 46, 51),
         "vp9": (43, 48, 53, 58, 63), "av1": (43, 48, 53, 58, 63)}
ENCODERS = {
    "h264": ["libx264", "-preset", "veryfast"],
    "hevc": ["libx265", "-preset", "superfast", "-x265-params",
             "log-level=error:pools=none:frame-threads=1:open-gop=0"],
    "vp9": ["libvpx-vp9", "-deadline", "realtime", "-cpu-used", "7", "-b:v", "0",
            "-lag-in-frames", "0"],
    "av1": ["libsvtav1", "-preset", "10", "-svtav1-params", "lp=1"],
}


def damage(clips, codec, severity):
    """Encodes and decodes clips, uint8 (N, CLIP, H, W, 3) with H and W even."""
    return through(clips, ENCODERS[codec], RATES[codec][severity - 1])


def through(clips, encoder, crf):
    """The same by FFmpeg's `encoder`, with its options, at a constant quality."""
    parts = [_through(clips[i:i + TOGETHER], encoder, crf)
             for i in range(0, len(clips), TOGETHER)]
    return np.concatenate(parts)


def _through(clips, encoder, crf):
    """One process encodes, each clip by an encoder of its own; another decodes."""
    count, frames, height, width = clips.shape[:4]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
    names = [f"[c{i}]" for i in range(count)]
    cut = [f"[i{i}]trim=start_frame={i * frames}:end_frame={(i + 1) * frames},"
           f"setpts=PTS-STARTPTS[c{i}]" for i in range(count)]
    apart = f"split={count}" + "".join(f"[i{i}]" for i in range(count))
    encode = ["ffmpeg", "-v", "error", *raw, "-s", f"{width}x{height}", "-r", "25",
              "-i", "-", "-filter_complex", ";".join([apart, *cut])]
    for name in names:
        encode += ["-map", name]
    encode += ["-pix_fmt", "yuv420p", "-c:v", *encoder, "-threads", "1",
               "-crf", f"{crf:.4g}", "-f", "nut", "-"]
    joined = "".join(f"[0:{i}]" for i in range(count)) + f"concat=n={count}"
    decode = ["ffmpeg", "-v", "error", "-f", "nut", "-i", "-", "-filter_complex",
              joined, "-fps_mode", "passthrough", *raw, "-"]
    packets = _run(encode, clips.tobytes(), encoder[0])
    out = np.frombuffer(_run(decode, packets, encoder[0]), np.uint8)
    if out.size != clips.size:
        raise RuntimeError(f"ffmpeg's {encoder[0]} returned {out.size // clips[0, 0].size} "
                           f"of {count * frames} frames")
    return out.reshape(clips.shape)


def _run(command, data, encoder):
    quiet = dict(os.environ, SVT_LOG="1")
    done = subprocess.run(command, input=data, capture_output=True, env=quiet)
    if done.returncode:
        raise RuntimeError(f"ffmpeg failed on {encoder}: "
                           f"{done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def clip(image, size, shown, rng):
    """-> CLIP views, (CLIP, height, width, 3), that pan by up to 4 pixels a frame;
    view `shown` is the picture's central crop. size: height and width, or one side."""
    height, width = np.broadcast_to(size, 2)
    step = rng.integers(-4, 5, 2)
    room = 4 * (CLIP - 1)
    wide = cv2.copyMakeBorder(image, *[room] * 4, cv2.BORDER_REFLECT_101)
    top, left = (wide.shape[0] - height) // 2, (wide.shape[1] - width) // 2
    corners = [(top + t * step[0], left + t * step[1])
               for t in range(-shown, CLIP - shown)]
    return np.stack([wide[y:y + height, x:x + width] for y, x in corners])


def damage_pictures(images, size, codec, severity, seeds):
    """-> (N, height, width, 3): central crops, half of them from an intra frame, half
    from a predicted one, as a picture's own seed draws."""
    shown, clips = [], []
    for image, seed in zip(images, seeds):
        rng = np.random.default_rng(seed)
        shown.append(rng.choice([0, CLIP - 1]))
        clips.append(clip(image, size, shown[-1], rng))
    return damage(np.stack(clips), codec, severity)[np.arange(len(images)), shown]


def damage_any(images, severity, seed):
    """-> pairs (clean, damaged) of pictures at least SIDE large, by a codec that the seed
    draws. What becomes of one depends on its place among them, not on what stands in the
    other places, nor on whether those after it are there."""
    name = str(np.random.default_rng(seed).choice(list(RATES)))
    damaged = damage_pictures(images, SIDE, name, severity,
                              [(seed, i) for i in range(len(images))])
    return [(centre_crop(image, SIDE), one) for image, one in zip(images, damaged)]
