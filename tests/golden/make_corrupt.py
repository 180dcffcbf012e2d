#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later

"""Makes corrupt.json: what the corruptions do to natural pictures, on average.

The figures of 17 corruptions are those of the Python package imagecorruptions,
which publishes ImageNet-C's code. The changes of light, the elastic transform
(where the package left ImageNet-C) and glass blur (whose loop takes hours: what
is here gives the same array) are computed here. The package is old. It wants a virtual environment of its own:

    python3.11 -m venv venv
    venv/bin/pip install imagecorruptions==1.1.2 numpy==1.23.5 scipy==1.10.1 \
        scikit-image==0.20.0 Pillow==9.4.0 'setuptools<70'
    venv/bin/pip uninstall -y opencv-python
    venv/bin/pip install --no-deps opencv-python-headless==4.6.0.66
    venv/bin/python make_corrupt.py DATA

DATA is the folder with images/ and frost/. A figure is the mean over PICTURES
pictures, cut to 224x224, and DRAWS draws for each; its standard error comes
from the differences between the draws for the same picture.
"""

import json
import sys
from multiprocessing import Pool
from pathlib import Path

import cv2
import imagecorruptions.corruptions as published
import numpy as np
import PIL
import scipy
import skimage
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

PICTURES, DRAWS, SIZE = 56, 4, 224
DATA = Path(sys.argv[1])


def pictures():
    """Every n-th picture of either folder that is large enough."""
    chosen = []
    for folder in ("train", "extra"):
        names = [
            f"{folder}/{path.name}"
            for path in sorted((DATA / "images" / folder).glob("*.webp"))
            if min(Image.open(path).size) >= SIZE
        ]
        chosen += names[:: len(names) // (PICTURES // 2)][: PICTURES // 2]
    return chosen


def load(name):
    picture = Image.open(DATA / "images" / name).convert("RGB")
    left, top = ((side - SIZE) // 2 for side in picture.size)
    return picture.crop((left, top, left + SIZE, top + SIZE))


# scikit-image renamed an argument since.
def gaussian(image, sigma, multichannel=False, **rest):
    return skimage.filters.gaussian(
        image, sigma, channel_axis=-1 if multichannel else None, **rest)


# One of the photographs of DATA instead of the package's own.
def imread(_):
    paths = sorted((DATA / "frost").glob("*.jpg"))
    return imread_file(str(paths[np.random.randint(len(paths))]))


imread_file = cv2.imread
published.gaussian = gaussian
published.cv2.imread = imread


def darken(x, s):
    return x / (s + 1)


def horizon(x, s):
    d, a = np.random.uniform(-32, 32), s / 5
    w = np.array([255, 192 + d, 192 - d])
    return a * (w * x / 255 + w / 10) + (1 - a) * x


def night(x, s):
    w, a = np.array([32, 32, 64 + np.random.uniform(-24, 24)]), s / 5
    sky = np.where(x.mean(axis=2, keepdims=True) <= 128, x, 255 - x)
    return a * (0.8 * w * x / 255 + 0.2 * sky) + (1 - a) * x


def white_point(x, s):
    return x * (255 + s * np.random.uniform(-32, 32, 3) / 5) / 255


def elastic_transform(x, s):
    alpha, sigma, pull = 244 * np.array([
        (2, 0.7, 0.1), (2, 0.08, 0.2), (0.05, 0.01, 0.02), (0.07, 0.01, 0.02),
        (0.12, 0.01, 0.02)][s - 1])
    size = np.array(x.shape[:2])
    centre, half = size // 2, min(size) // 3
    corners = np.float32(centre + half * np.array([[1, 1], [1, -1], [-1, -1]]))
    pulled = corners + np.random.uniform(-pull, pull, (3, 2)).astype(np.float32)
    x = cv2.warpAffine(
        np.float32(x), cv2.getAffineTransform(corners, pulled), tuple(size[::-1]),
        borderMode=cv2.BORDER_REFLECT_101)
    shifts = [
        alpha * gaussian_filter(
            np.random.uniform(-1, 1, size), sigma, mode="reflect", truncate=3)
        for _ in range(2)
    ]
    places = np.indices(size) + shifts
    return np.dstack([
        map_coordinates(x[..., c], places, order=1, mode="reflect")
        for c in range(3)])


def glass_blur(x, s):
    """What the package's loop does, in a hundredth of its hours.

    It means to swap pixels and does not: x[a], x[b] = x[b], x[a] of rows of an
    array assigns views, so that both become x[b].
    """
    sigma, shift, rounds = [
        (0.7, 1, 2), (0.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)][s - 1]
    x = np.uint8(gaussian(x / 255, sigma, multichannel=True) * 255)
    height, width = x.shape[:2]
    source = list(range(height * width))
    rows = range(height - shift, shift, -1)
    columns = range(width - shift, shift, -1)
    for _ in range(rounds):
        moves = np.random.randint(-shift, shift, (len(rows) * len(columns), 2))
        moves = iter((moves @ (1, width)).tolist())
        for y in rows:
            for x0 in columns:
                here = y * width + x0
                source[here] = source[here + next(moves)]
    x = x.reshape(-1, 3)[source].reshape(x.shape)
    return np.clip(gaussian(x / 255, sigma, multichannel=True), 0, 1) * 255


OWN = (darken, horizon, night, white_point, elastic_transform, glass_blur)
PUBLISHED = (
    "gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise",
    "gaussian_blur", "defocus_blur", "motion_blur", "zoom_blur",
    "fog", "frost", "snow", "spatter", "contrast", "brightness", "saturate",
    "jpeg_compression", "pixelate")


def apply(name, picture, severity):
    for function in OWN:
        if function.__name__ == name:
            out = function(np.float64(picture), severity)
            break
    else:
        out = getattr(published, name)(picture, severity)
    # The package cuts off where the library rounds: before that they agree.
    return np.rint(np.clip(np.float64(out), 0, 255))


def figures(clean, out):
    """Mean, standard deviation, PSNR to the clean picture in dB."""
    error = np.mean((out - np.float64(clean)) ** 2)
    return out.mean(), out.std(), 10 * np.log10(255**2 / max(error, 0.01))


def measure(job):
    name, number, file = job
    picture = load(file)
    result = np.empty((5, DRAWS, 3))
    for severity in range(1, 6):
        for draw in range(DRAWS):
            np.random.seed([number, severity, draw])
            out = apply(name, picture, severity)
            result[severity - 1, draw] = figures(picture, out)
    return result


def main():
    files = pictures()
    names = PUBLISHED + tuple(function.__name__ for function in OWN)
    table = {}
    with Pool(2) as pool:
        for name in names:
            jobs = [(name, i, file) for i, file in enumerate(files)]
            results = np.array(pool.map(measure, jobs, 4))  # picture, s, draw, 3
            mean = results.mean(axis=(0, 2))
            variance = results.var(axis=2, ddof=1).mean(axis=0)
            error = np.sqrt(variance / (len(files) * DRAWS))
            table[name] = [
                {"mean": [round(v, 3) for v in m], "error": [round(v, 4) for v in e]}
                for m, e in zip(mean.tolist(), error.tolist())]
            print(name, table[name], flush=True)
    versions = {
        "imagecorruptions": "1.1.2", "numpy": np.__version__,
        "scipy": scipy.__version__, "scikit-image": skimage.__version__,
        "opencv": cv2.__version__, "Pillow": PIL.__version__}
    # A corruption a line.
    lines = [f'  {json.dumps(name)}: {json.dumps(table[name])}' for name in names]
    Path(__file__).with_name("corrupt.json").write_text(
        "{\n"
        f'"versions": {json.dumps(versions)},\n'
        f'"size": {SIZE}, "draws": {DRAWS},\n'
        f'"pictures": {json.dumps(files)},\n'
        '"figures": {\n' + ",\n".join(lines) + "\n}\n}\n")


if __name__ == "__main__":
    main()
