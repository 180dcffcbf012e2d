#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later

"""The library's corruptions against ImageNet-C's on natural pictures.

golden/corrupt.json says what ImageNet-C's code makes of some pictures: the
mean and standard deviation of the result and its PSNR to the picture, averaged
over pictures and draws. The library draws other random numbers, so averages
differ by chance: CHANCE standard errors of the difference are allowed for that.
What comes on top of it is in ALLOWED, with the reason.
"""

import json
import os
import sys
from pathlib import Path

try:
    import numpy as np
    from PIL import Image
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "weights"))
from corrupt import Corruptor  # noqa: E402

# Of 23 * 5 * 3 comparisons one is beyond 4.5 standard errors in 400 runs.
CHANCE = 4.5

# Mean and deviation in levels of 255, PSNR in dB: what the last bit of other
# arithmetic does where it decides how a level is rounded.
USUAL = (0.1, 0.1, 0.03)
# Halves are rounded up here and to the even level there.
HALVES = (0.3, 0.1, 0.08)
ALLOWED = {
    "shot_noise": HALVES,
    "brightness": HALVES,
    "darken": HALVES,
    # Pillow rounds after the columns and again after the rows.
    "pixelate": (0.35, 0.1, 0.03),
    # ImageNet-C cuts off fractions between the two blurs.
    "glass_blur": (0.55, 0.1, 0.1),
    # ImageNet-C interpolates twice, first for the affine part: a little softer.
    "elastic_transform": (0.1, 0.7, 0.2),
    # ImageNet-C's disk is cut off where its array ends, and what should be
    # blurred out of it is reflected: its weights add up to 1.013 and 1.011.
    "defocus_blur 4": (1.5, 0.65, 0.03),
    "defocus_blur 5": (1.3, 0.55, 0.03),
    # A range of floating-point steps up to 1.10 ends with 1.11 there.
    "zoom_blur 1": (0.1, 0.3, 0.45),
}


def figures(clean, out):
    """Mean, deviation and PSNR to the clean picture, averaged over pictures."""
    result = []
    for before, after in zip(clean, out):
        # Of bytes, counting them is the quick way.
        counts = np.bincount(after.ravel(), minlength=256) / after.size
        mean = counts @ LEVELS
        errors = np.bincount(np.abs(np.int16(after) - before).ravel(), minlength=256)
        error = errors / after.size @ LEVELS**2
        result.append((
            mean, np.sqrt(counts @ (LEVELS - mean) ** 2),
            10 * np.log10(255**2 / max(error, 0.01))))
    return np.mean(result, axis=0)


def load(path, size):
    picture = Image.open(path).convert("RGB")
    left, top = ((side - size) // 2 for side in picture.size)
    return np.asarray(picture.crop((left, top, left + size, top + size)))


LEVELS = np.arange(256.0)


def main():
    golden = json.loads((ROOT / "tests/golden/corrupt.json").read_text())
    data = Path(os.environ.get("SYMPIE_TEST_DATA", ROOT.parent / "shared/data"))
    if not (data / "images").is_dir():
        print(f"skipped: no pictures in {data}")
        sys.exit(77)
    pictures = np.stack([
        load(data / "images" / name, golden["size"]) for name in golden["pictures"]])
    clean = np.int16(pictures)
    corruptor = Corruptor(frost_folder=data / "frost", threads=2)
    assert sorted(golden["figures"]) == sorted(corruptor.pool)

    failures = compared = 0
    for name, expected in golden["figures"].items():
        psnr = []
        for severity in range(1, 6):
            reference = expected[severity - 1]
            error = np.array(reference["error"])
            draws = 2 if error.any() else 1
            mean = np.mean([
                figures(clean, corruptor(
                    pictures, name, severity, range(i, i + len(pictures))))
                for i in range(0, draws * 1000, 1000)], axis=0)
            chance = CHANCE * error * np.sqrt(1 + golden["draws"] / draws)
            allowed = chance + ALLOWED.get(
                f"{name} {severity}", ALLOWED.get(name, USUAL))
            difference = mean - reference["mean"]
            psnr.append(mean[2])
            for i, what in enumerate(("mean", "deviation", "PSNR")):
                wrong = not abs(difference[i]) <= allowed[i]
                failures += wrong
                compared += 1
                if wrong or "-v" in sys.argv:
                    print(
                        f"{'FAILED: ' if wrong else ''}{name} {severity}: {what} "
                        f"{mean[i]:.3f}, ImageNet-C {reference['mean'][i]:.3f}, "
                        f"difference {difference[i]:+.3f} of {allowed[i]:.3f}")
        # Severity shows where it does in the reference, ties apart.
        steps = np.diff([reference["mean"][2] for reference in expected])
        for severity, (ours, theirs) in enumerate(zip(np.diff(psnr), steps), 1):
            if abs(theirs) > 0.3 and ours * theirs <= 0:
                failures += 1
                print(
                    f"FAILED: {name}: PSNR {psnr} from {severity} to {severity + 1}")
    print(f"{compared} figures of {len(pictures)} pictures, {failures} failures")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
