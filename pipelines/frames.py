#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Enhanced frames as NumPy arrays, with what they were enhanced with:

    GST_PLUGIN_PATH=build/gst-sympie pipelines/frames.py CLIP
"""
import argparse
import sys

import gi
import numpy as np

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstVideo", "1.0")
from gi.repository import Gst, GstApp, GstVideo  # noqa: E402, F401


def frames(source):
    """Yields (uint8 picture (height, width, 3), structure of parameters or None)."""
    pipeline = Gst.parse_launch(
        f"{source} ! videoconvert ! sympieenhance attach-parameters=true ! videoconvert ! "
        "video/x-raw,format=RGB ! appsink name=sink sync=false max-buffers=4")
    sink, bus = pipeline.get_by_name("sink"), pipeline.get_bus()
    pipeline.set_state(Gst.State.PLAYING)
    try:
        while not sink.get_property("eos"):
            if message := bus.pop_filtered(Gst.MessageType.ERROR):
                raise RuntimeError(message.parse_error()[0].message)
            if not (sample := sink.emit("try-pull-sample", 100 * Gst.MSECOND)):
                continue
            buffer = sample.get_buffer()
            info = GstVideo.VideoInfo.new_from_caps(sample.get_caps())
            ok, memory = buffer.map(Gst.MapFlags.READ)
            rows = np.frombuffer(memory.data, np.uint8)[:info.height * info.stride[0]]
            rows = rows.reshape(info.height, info.stride[0])
            picture = rows[:, :3 * info.width].reshape(info.height, info.width, 3).copy()
            buffer.unmap(memory)
            meta = buffer.get_custom_meta("GstSympieParamsMeta")
            yield picture, meta and meta.get_structure()
    finally:
        pipeline.set_state(Gst.State.NULL)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", metavar="CLIP")
    clip = parser.parse_args().clip
    Gst.init(None)
    try:
        for number, (frame, used) in enumerate(frames(f'filesrc location="{clip}" ! decodebin')):
            matrix = list(used.get_value("parameters"))[:9] if used else []
            print(number, frame.shape, f"mean {frame.mean():.1f}", [round(x, 3) for x in matrix])
    except RuntimeError as why:
        sys.exit(f"frames.py: {clip}: {why}")
