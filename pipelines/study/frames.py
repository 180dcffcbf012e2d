# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fetches single frames of clips, as they are and as sympieenhance makes them,
and readies them for the page."""

import base64
import io
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass

from PIL import Image

from results import ResultsError

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
# By so much times may differ, in seconds: containers round, sympieprobe agrees.
TOLERANCE = 0.002
QUALITY = 88  # of JPEG


@dataclass
class Picture:
    url: str     # with the JPEG in it
    width: int
    height: int


def run(command, what, **more):
    environment = dict(os.environ, LANGUAGE="en", LC_ALL="C.UTF-8", **more)
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, errors="replace", check=False, env=environment)
    except OSError as why:
        raise ResultsError(f"{command[0]}: {why.strerror}") from why
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines()
                 if command[0] != "gst-launch-1.0" or line.startswith("ERROR")]
        raise ResultsError(f"{what}: {lines[-1] if lines else f'{command[0]} failed'}")
    return done


def cut(clip, seconds, path):
    """Writes the frame that the clip shows at this time, lossless and in the
    clip's own format, as a clip of one frame."""
    if not os.path.isfile(clip):
        raise ResultsError(f"{clip}: no such file")
    at = f"{max(0, seconds - TOLERANCE):.6f}"
    done = run(["ffmpeg", "-nostats", "-y", "-copyts", "-start_at_zero", "-i", f"file:{clip}",
                "-an", "-sn", "-map", "0:v:0", "-vf", f"select=gte(t\\,{at}),showinfo",
                "-frames:v", "1", "-c:v", "ffv1", path], clip)
    shown = re.search(r"showinfo.* pts_time:([0-9.]+)", done.stderr)
    if not shown or abs(float(shown[1]) - seconds) > 2 * TOLERANCE:
        raise ResultsError(f"{clip}: no frame at {seconds:.3f} s")


def convert(path, png, what, elements=(), weights=None):
    """The one frame, through the elements, as RGB."""
    environment = {"SYMPIE_WEIGHTS": weights} if weights else {}
    if "GST_PLUGIN_PATH" not in os.environ:
        environment["GST_PLUGIN_PATH"] = os.path.join(ROOT, "build", "gst-sympie")
    run(["gst-launch-1.0", "-q", "filesrc", f"location={path}", "!", "decodebin", "!",
         *elements, "videoconvert", "!", "video/x-raw,format=RGB", "!", "pngenc", "!",
         "filesink", f"location={png}"], what, **environment)
    with Image.open(png) as image:
        return image.convert("RGB")


def fetch(reference, compressed, seconds, weights):
    """-> the frame of both clips at this time and what sympieenhance makes of the
    compressed one: three images. It is given the clip's own format, as measure.py does:
    a videoconvert before it would give it RGB, of which it makes something else."""
    with tempfile.TemporaryDirectory() as folder:
        cuts = [os.path.join(folder, name) for name in ("reference.mkv", "compressed.mkv")]
        cut(reference, seconds, cuts[0])
        cut(compressed, seconds, cuts[1])
        png = os.path.join(folder, "frame.png")
        return [convert(cuts[0], png, reference), convert(cuts[1], png, compressed),
                convert(cuts[1], png, compressed,
                        ["sympieenhance", "!"], weights)]


# ---- For the page ----------------------------------------------------------

def whole(image, width):
    """No wider than that."""
    if image.width > width:
        height = max(1, round(image.height * width / image.width))
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    return picture(image)


def detail(image, width, height):
    """The middle, pixel by pixel; None where the whole is shown so already."""
    if image.width <= width:
        return None
    height = min(height, image.height)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return picture(image.crop((left, top, left + width, top + height)))


def picture(image):
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY, subsampling=0)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return Picture(f"data:image/jpeg;base64,{data}", image.width, image.height)
