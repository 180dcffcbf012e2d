# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Damage of video codecs, made by FFmpeg: what compressed video feeds us.

A picture becomes a clip of three frames that pan slowly. Encoded at constant
quality, its first frame shows the damage of intra coding, its last that of
prediction.
"""

import os
import subprocess
import zlib

import cv2
import numpy as np

from data import centre_crop, random_crop

CLIP = 3  # frames of a picture's clip
# Constant-quality values for severity 1..5, the strong end of each scale.
RATES = {"h264": (33, 37, 41, 46, 51), "hevc": (33, 37, 41, 46, 51),
         "vp9": (43, 48, 53, 58, 63), "av1": (43, 48, 53, 58, 63)}
ENCODERS = {
    "h264": ["-c:v", "libx264", "-preset", "veryfast"],
    "hevc": ["-c:v", "libx265", "-preset", "superfast", "-x265-params",
             "log-level=error:keyint=%d:min-keyint=%d:scenecut=0" % (CLIP, CLIP)],
    "vp9": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "7",
            "-b:v", "0", "-lag-in-frames", "0"],
    "av1": ["-c:v", "libsvtav1", "-preset", "10"],
}
GROUP = ["-g", str(CLIP), "-keyint_min", str(CLIP), "-sc_threshold", "0"]


def damage(frames, codec, severity):
    """Encodes and decodes frames, uint8 (N, H, W, 3) with H and W even."""
    count, height, width = frames.shape[:3]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
    group = [] if codec == "hevc" else GROUP
    encode = ["ffmpeg", "-v", "error", *raw, "-s", f"{width}x{height}", "-r", "25",
              "-i", "-", "-pix_fmt", "yuv420p", *ENCODERS[codec], *group,
              "-crf", str(RATES[codec][severity - 1]), "-f", "nut", "-"]
    decode = ["ffmpeg", "-v", "error", "-f", "nut", "-i", "-", *raw, "-"]
    packets = _run(encode, frames.tobytes(), codec)
    out = np.frombuffer(_run(decode, packets, codec), np.uint8)
    if out.size != frames.size:
        raise RuntimeError(f"ffmpeg's {codec} returned {out.size // frames[0].size} "
                           f"of {count} frames")
    return out.reshape(frames.shape)


def _run(command, data, codec):
    quiet = dict(os.environ, SVT_LOG="1")
    done = subprocess.run(command, input=data, capture_output=True, env=quiet)
    if done.returncode:
        raise RuntimeError(f"ffmpeg failed on {codec}: "
                           f"{done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def clip(image, side, shown, rng):
    """-> CLIP views, (CLIP, side, side, 3), that pan by up to 4 pixels a frame;
    view `shown` is the picture's central crop."""
    step = rng.integers(-4, 5, 2)
    room = 4 * (CLIP - 1)
    wide = cv2.copyMakeBorder(image, *[room] * 4, cv2.BORDER_REFLECT_101)
    top, left = ((n - side) // 2 for n in wide.shape[:2])
    corners = [(top + t * step[0], left + t * step[1])
               for t in range(-shown, CLIP - shown)]
    return np.stack([wide[y:y + side, x:x + side] for y, x in corners])


def damage_pictures(images, side, codec, severity, rng):
    """-> (N, side, side, 3): central crops, half of them from an intra frame,
    half from a predicted one."""
    shown = rng.choice([0, CLIP - 1], len(images))
    clips = [clip(image, side, at, rng) for image, at in zip(images, shown)]
    seen = damage(np.concatenate(clips), codec, severity)
    return seen[np.arange(len(images)) * CLIP + shown]


class CodecCache:
    """Every picture at severities 1 to 5, each by a codec drawn at random, the
    frame after an intra or after a predicted one. Made once, kept in `folder`."""

    SIDE = 240

    def __init__(self, folder, images, paths, seed=0):
        self.images = images
        what = zlib.crc32("\n".join(map(os.path.basename, paths)).encode())
        path = os.path.join(folder, f"codec-{what:08x}-{seed}.npy")
        if not os.path.exists(path):
            os.makedirs(folder, exist_ok=True)
            self._make(path, seed)
        self.damaged = np.load(path, mmap_mode="r")

    def _make(self, path, seed):
        rng = np.random.default_rng(seed)
        side, count = self.SIDE, len(self.images)
        codec = rng.integers(len(RATES), size=(count, 5))
        unfinished = path + ".part"
        out = np.lib.format.open_memmap(unfinished, "w+", np.uint8,
                                        (count, 5, side, side, 3))
        for severity in range(1, 6):
            for kind, name in enumerate(RATES):
                todo = np.flatnonzero(codec[:, severity - 1] == kind)
                for part in np.array_split(todo, len(todo) // 100 + 1):
                    if len(part):
                        out[part, severity - 1] = damage_pictures(
                            [self.images[i] for i in part], side, name, severity, rng)
        out.flush()
        os.rename(unfinished, path)

    def pair(self, picture, severity, rng):
        """-> (clean, damaged), the same random crop of both."""
        clean = centre_crop(self.images[picture], self.SIDE)
        damaged = self.damaged[picture, severity - 1] if severity else clean
        crops = random_crop(np.concatenate([clean, damaged], axis=2), rng)
        return crops[..., :3], crops[..., 3:]
