#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs one pipeline of a list until it fails, and tells Prometheus of it:

    sympie-stream [--list FILE] [--metrics FOLDER] NAME
    sympie-stream [--list FILE] --names

Each line of the list is a name and what gst-launch-1.0 would play:

    # /etc/gst-sympie/streams
    gate  rtspsrc location=rtsp://10.0.0.5/stream ! decodebin ! videoconvert ! sympieenhance
          estimation=async reuse=adaptive ! x264enc tune=zerolatency ! rtspclientsink
          location=rtsp://localhost/gate

Lines that begin with a space go on with the one before. While the pipeline
plays, FOLDER/sympie-NAME.prom has the figures of its sympieenhance, for the
textfile collector of Prometheus's node_exporter, and systemd's watchdog is fed
as long as frames come."""
import argparse
import os
import re
import socket
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

# Field of `stats`, metric, unit of the field in that of the metric, help.
COUNTERS = [
    ("frames", "frames", 1, "Frames enhanced."),
    ("estimates", "estimates", 1, "Looks that the network had at a frame."),
    ("reused", "reused", 1, "Frames enhanced with parameters of an earlier one."),
    ("untouched", "untouched", 1, "Frames that needed nothing."),
    ("shed", "shed", 1, "Looks that were not had as a newer frame came first."),
    ("estimate-time", "estimate_seconds", 1e-9, "Time that the network took."),
    ("apply-time", "apply_seconds", 1e-9, "Time that applying the parameters took."),
]
GAUGES = [
    ("gate", "gate", 1, "How damaged the latest frame looks, 0 to 1."),
    ("interval", "interval_frames", 1, "Frames between looks, as the load makes it."),
]


def read_list(path):
    """The pipelines by name, in order; ValueError names the line at fault."""
    pipelines, name = {}, None
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            text = line.split("#")[0] if line.lstrip().startswith("#") else line
            if not text.strip():
                continue
            if text[0].isspace():
                if name is None:
                    raise ValueError(f"{path}:{number}: goes on with nothing")
                pipelines[name] += " " + text.strip()
                continue
            name, _, pipeline = text.strip().partition(" ")
            if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
                raise ValueError(f"{path}:{number}: '{name}' is no name: letters, digits, - and _")
            if name in pipelines:
                raise ValueError(f"{path}:{number}: a second stream '{name}'")
            pipelines[name] = pipeline.strip()
    return pipelines


def metrics(stream, stats):
    """Prometheus's text for `stats`, a structure by name of element."""
    lines = []
    for kind, suffix, fields in ("counter", "_total", COUNTERS), ("gauge", "", GAUGES):
        for field, name, unit, text in fields:
            name = f"sympie_{name}{suffix}"
            lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
            lines += [f'{name}{{stream="{stream}",element="{element}"}} '
                      f"{structure.get_value(field) * unit:.9g}"
                      for element, structure in stats.items()]
    return "\n".join(lines) + "\n"


def tell_systemd(text):
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(text.encode(), address.replace("@", "\0", 1))


class Stream:
    def __init__(self, name, launch, folder):
        self.name, self.frames, self.told, self.failure = name, 0, 0, None
        self.path = os.path.join(folder, f"sympie-{name}.prom") if folder else None
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.parse_launch(launch)
        if not isinstance(self.pipeline, Gst.Pipeline):  # one element
            element, self.pipeline = self.pipeline, Gst.Pipeline()
            self.pipeline.add(element)
        self.elements = [e for e in self.pipeline.iterate_recurse()
                         if e.get_factory() and e.get_factory().get_name() == "sympieenhance"]
        # Frames are counted where they pass: `stats` has only those that were worked on.
        for element in self.elements or self.pipeline.iterate_sinks():
            element.connect("pad-added", self.watch)
            for pad in element.srcpads or element.sinkpads:
                self.watch(element, pad)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", lambda _, message: self.fail(*message.parse_error()))
        bus.connect("message::eos", lambda *_: self.stop("the stream ended"))

    def watch(self, element, pad):
        pad.add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST, self.count)

    def count(self, pad, info):
        self.frames += 1
        return Gst.PadProbeReturn.OK

    def fail(self, error, detail):
        self.stop(f"{error.message} ({detail.splitlines()[-1].strip()})")

    def stop(self, failure):
        self.failure = self.failure or failure
        self.loop.quit()

    def tick(self):
        frames = self.frames
        if frames != self.told:
            tell_systemd("READY=1\nWATCHDOG=1")
        self.told = frames
        if self.path:
            stats = {e.get_name(): e.get_property("stats") for e in self.elements}
            with open(self.path + ".new", "w", encoding="ascii") as file:
                file.write(metrics(self.name, stats))
            os.replace(self.path + ".new", self.path)
        return True

    def run(self, period):
        """Plays; why it ended."""
        self.pipeline.set_state(Gst.State.PLAYING)
        GLib.timeout_add(int(period * 1000), self.tick)
        for number in 2, 15:  # SIGINT, SIGTERM
            GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, number, self.loop.quit)
        try:
            self.loop.run()
        finally:
            self.pipeline.set_state(Gst.State.NULL)
            if self.path and os.path.exists(self.path):
                os.remove(self.path)
        return self.failure


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", default="/etc/gst-sympie/streams", metavar="FILE")
    parser.add_argument("--metrics", metavar="FOLDER")
    parser.add_argument("--period", type=float, default=5, metavar="SECONDS",
                        help="from one write to the next (5)")
    parser.add_argument("--names", action="store_true", help="print the names in the list")
    parser.add_argument("name", nargs="?")
    arguments = parser.parse_args()
    try:
        pipelines = read_list(arguments.list)
        if arguments.names:
            print(*pipelines, sep="\n")
            return None
        if arguments.name not in pipelines:
            return f"no stream '{arguments.name}' in {arguments.list}"
        if arguments.metrics and not os.access(arguments.metrics, os.W_OK):
            return f"not a folder to write to: {arguments.metrics}"
        Gst.init(None)
        stream = Stream(arguments.name, pipelines[arguments.name], arguments.metrics)
    except (OSError, ValueError, GLib.Error) as error:
        return getattr(error, "message", None) or str(error)
    return stream.run(arguments.period)


if __name__ == "__main__":
    problem = main()
    sys.exit(f"sympie-stream: {problem}" if problem else 0)
