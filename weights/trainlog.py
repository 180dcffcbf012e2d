# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The losses of a training as a table and a figure."""

import csv
import os
import time

import matplotlib

COLUMNS = ["step", "seconds", "first", "second", "wrong", "restore", "name",
           "top1", "top1_enhanced", "validation_restore"]


class Log:
    """log.csv: a row every few steps, the losses averaged."""

    def __init__(self, path, step):
        self.path, self.sums, self.count = path, {}, 0
        rows = []
        if os.path.exists(path):
            with open(path, newline="") as file:
                rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]
        with open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        self.seconds = float(rows[-1]["seconds"]) if rows else 0.0
        self.began = time.monotonic()

    def add(self, losses):
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1

    def write(self, step, more):
        now = self.seconds + time.monotonic() - self.began
        row = {name: f"{value / self.count:.5f}" for name, value in self.sums.items()}
        row.update(step=step, seconds=f"{now:.1f}",
                   **{name: f"{value:.4f}" for name, value in more.items()})
        with open(self.path, "a", newline="") as file:
            csv.DictWriter(file, COLUMNS, lineterminator="\n").writerow(row)
        self.sums, self.count = {}, 0


def plot(csv_path, path):
    matplotlib.use("Agg")
    from matplotlib import pyplot
    with open(csv_path, newline="") as file:
        rows = list(csv.DictReader(file))
    panels = [("first", "second", "wrong"), ("restore", "validation_restore"),
              ("name",), ("top1", "top1_enhanced")]
    figure, axes = pyplot.subplots(1, len(panels), figsize=(4 * len(panels), 3))
    for axis, names in zip(axes, panels):
        for name in names:
            points = [(int(row["step"]), float(row[name])) for row in rows if row[name]]
            if points:
                axis.plot(*zip(*points), label=name.replace("_", " "))
                axis.legend(fontsize=7)
        axis.set_xlabel("step")
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    pyplot.close(figure)
