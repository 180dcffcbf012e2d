#!/usr/bin/python3
# gst-sympie: SyMPIE video enhancement
#
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An RTSP camera on loopback, with Debian's gst-rtsp-server:

    rtsp_server.py PORT [LOSS [PIPELINE]]

LOSS is the part of the packets that it loses; PIPELINE makes H.264. Says
"ready" once it listens at rtsp://127.0.0.1:PORT/camera, and "a client" whenever
one connects."""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

if not 2 <= len(sys.argv) <= 4:
    sys.exit(__doc__)
port = sys.argv[1]
loss = float(sys.argv[2]) if len(sys.argv) > 2 else 0
pipeline = sys.argv[3] if len(sys.argv) > 3 else (
    "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=25/1 ! "
    "x264enc speed-preset=ultrafast tune=zerolatency key-int-max=10")
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory()
# Between two payloaders, so that packets are lost and not frames.
factory.set_launch(f"( {pipeline} ! h264parse ! rtph264pay config-interval=1 pt=96 mtu=1000 ! "
                   f"identity drop-probability={loss} ! identity name=pay0 )")
factory.set_shared(True)
server.get_mount_points().add_factory("/camera", factory)
if server.attach(None) == 0:
    sys.exit(f"cannot listen on port {port}")
server.connect("client-connected", lambda *_: print("a client", flush=True))
print("ready", flush=True)
GLib.MainLoop().run()
