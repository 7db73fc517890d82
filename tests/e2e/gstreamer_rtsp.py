"""Serves an MP4 over RTSP with GStreamer's server, an implementation that is not ours. Run by the system's Python, which has its bindings.

    python3 gstreamer_rtsp.py CLIP PORT
"""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402 - the versions come first

clip, port = sys.argv[1:]
Gst.init(None)
server = GstRtspServer.RTSPServer(service=port, address="127.0.0.1")
factory = GstRtspServer.RTSPMediaFactory(shared=True)
factory.set_launch(f"( filesrc location={clip} ! qtdemux ! h264parse config-interval=-1 ! rtph264pay name=pay0 pt=96 )")
server.get_mount_points().add_factory("/clip", factory)
server.attach(None)
GLib.MainLoop().run()
