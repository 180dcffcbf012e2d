# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads what a study has left in its folder. Whatever is missing or wrong is a
ResultsError that names the file and, in a table, the line and the column."""

import contextlib
import csv
import json
import math


class ResultsError(Exception):
    pass


# ---- Values ----------------------------------------------------------------

def text(value):
    if not value:
        raise ValueError("empty")
    return value


def count(value):
    number = int(value)
    if number < 0:
        raise ValueError("negative")
    return number


def finite(value):
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def decibels(value):
    """PSNR, which is infinite for frames that are the same."""
    number = float(value)
    if math.isnan(number):
        raise ValueError("not a number")
    return number


def percentage(value):
    """NaN where there was nothing to be a part of."""
    number = float(value)
    return number if math.isfinite(number) else math.nan


WANTED = {text: "some text", count: "a whole number from 0", finite: "a number",
          decibels: "a number", percentage: "a number"}

# Versions of an encode, as tables call them.
LABELS = {"reuse1": "sympieenhance", "contrast0.95": "contrast × 0.95",
          "contrast0.9": "contrast × 0.9", "blur": "mild blur", "mean": "mean parameters"}

# What aggregate.py writes, as far as the report shows it.
CHANGE = {"plain": finite, "enhanced": finite,
          "delta": finite, "delta_low": finite, "delta_high": finite,
          "percent": percentage, "percent_low": percentage, "percent_high": percentage}
CLIPS_IN_IT = {"clips": count, "frames": count, **CHANGE, "median_percent": percentage,
               "worst_clip": text, "worst_percent": percentage}
TABLE = {"codec": text, "rate": count, **CLIPS_IN_IT}
CLIPS = {"clip": text, **TABLE}
VERSIONS = {"measure": text, "codec": text, "rate": count, "version": text, **CLIPS_IN_IT}
QUALITY = {"codec": text, "rate": count, "what": text, "plain": percentage,
           "enhanced": percentage}
BJONTEGAARD = {"clip": text, "codec": text, "version": text, "bd_rate": percentage,
               "bd_decibels": percentage}
UNDAMAGED = {"clip": text, "version": text, "feature_mse": finite, "share": percentage}
FRAMES = {"clip": text, "codec": text, "rate": count, "measure": text, "version": text,
          "frame": count, "running_time": count,
          "feature_mse": finite, "pixel_mse": finite, "psnr": decibels}
REUSE = {"clip": text, "reuse": count, "ms_per_frame": finite,
         "feature_mse": finite, "plain": finite,
         "delta": finite, "low": finite, "high": finite,
         "percent": percentage, "percent_low": percentage, "percent_high": percentage}


# ---- Files -----------------------------------------------------------------

def read_table(path, columns, may_be_empty=False):
    """-> a list of dicts with the columns that are named, in the file's order;
    other columns are left alone."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, strict=True)
            missing = [name for name in columns if name not in (reader.fieldnames or [])]
            if missing:
                raise ResultsError(f"{path}: no column '{missing[0]}'")
            rows = [parse_row(path, reader.line_num, row, columns) for row in reader]
    except OSError as why:
        raise ResultsError(f"{path}: {why.strerror}") from why
    except (csv.Error, UnicodeDecodeError) as why:
        raise ResultsError(f"{path}: not a table of comma-separated values: {why}") from why
    if not rows and not may_be_empty:
        raise ResultsError(f"{path}: no line below the names of the columns")
    return rows


def parse_row(path, line, row, columns):
    if None in row or None in row.values():
        raise ResultsError(f"{path}: line {line}: too "
                           f"{'many' if None in row else 'few'} values")
    parsed = {}
    for name, parse in columns.items():
        try:
            parsed[name] = parse(row[name])
        except (ValueError, KeyError) as why:
            raise ResultsError(f"{path}: line {line}: {name} is '{row[name]}', "
                               f"wanted {WANTED[parse]}") from why
    return parsed


def read_json(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except OSError as why:
        raise ResultsError(f"{path}: {why.strerror}") from why
    except ValueError as why:
        raise ResultsError(f"{path}: not JSON: {why}") from why


@contextlib.contextmanager
def trusting(path):
    """Whatever is not found inside is missing in this file."""
    try:
        yield
    except KeyError as why:
        raise ResultsError(f"{path}: no {why}") from why
    except (AttributeError, TypeError, ValueError) as why:
        raise ResultsError(f"{path}: not as the study writes it: {why}") from why
