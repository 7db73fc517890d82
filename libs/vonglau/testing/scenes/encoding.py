"""Encode pictures with PyAV: closed GOPs of a fixed length, slices apart from parameter sets, nothing else kept."""

from collections.abc import Iterator
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av import VideoStream
from av.video.codeccontext import VideoCodecContext

from vonglau.testing.scenes import nal
from vonglau.testing.scenes.drawing import Canvas, noise_pages
from vonglau.testing.scenes.junction import Junction
from vonglau.testing.scenes.scene import EncodedFrame, Scene
from vonglau.testing.scenes.spec import SceneSpec
from vonglau.testing.scenes.strip import Picture, strip_height


class Encoder:
    """Pictures in, access units out; `finish` gives those still held back. `live` trades size for no delay at all."""

    def __init__(self, spec: SceneSpec, *, live: bool = False) -> None:
        self.spec = spec
        self.parameter_sets: tuple[bytes, ...] = ()
        self._context = context(spec, live=live)

    def encode(self, frame: av.VideoFrame, n: int) -> Iterator[EncodedFrame]:
        frame.pts, frame.time_base = n, 1 / self.spec.fps
        for packet in self._context.encode(frame):
            yield self._access_unit(packet)

    def finish(self) -> Iterator[EncodedFrame]:
        for packet in self._context.encode(None):
            yield self._access_unit(packet)

    def _access_unit(self, packet: "av.Packet[VideoStream]") -> EncodedFrame:
        units = nal.split_annex_b(bytes(packet))
        if not self.parameter_sets:
            self.parameter_sets = tuple(unit for unit in units if nal.is_parameter_set(unit, self.spec.codec))
        slices = tuple(unit for unit in units if nal.is_slice(unit, self.spec.codec))
        return EncodedFrame(slices, packet.is_keyframe, cast("int", packet.pts), nal.slice_crc(slices, self.spec.codec))


def context(spec: SceneSpec, *, live: bool) -> VideoCodecContext:
    made = cast("VideoCodecContext", av.CodecContext.create({"h264": "libx264", "h265": "libx265"}[spec.codec], "w"))
    made.width, made.height, made.pix_fmt = spec.width, spec.height, "yuv420p"
    made.framerate, made.time_base = spec.fps, 1 / spec.fps
    made.bit_rate = spec.kbps * 1000
    made.thread_count = 1
    made.options = {"preset": "ultrafast" if live else "veryfast"} | ({"tune": "zerolatency"} if live else {}) | private_options(spec, live=live)
    made.open()
    return made


def private_options(spec: SceneSpec, *, live: bool) -> dict[str, str]:
    shared = f"keyint={spec.gop}:min-keyint={spec.gop}:scenecut=0:bframes={spec.bframes}:vbv-maxrate={spec.kbps * 3 // 2}:vbv-bufsize={spec.kbps * 2}"
    if spec.codec == "h265":
        return {"x265-params": shared + ":open-gop=0:repeat-headers=1:log-level=none:pools=none:frame-threads=1"}
    # Any look ahead would undo the zero delay of a live scene.
    return {"x264-params": shared + f":open-gop=0:rc-lookahead={0 if live else 10}"}


def draw_and_encode(spec: SceneSpec) -> Scene:
    """Takes some milliseconds of CPU per frame; `store.load` keeps the result."""
    encoder = Encoder(spec)
    frames: list[EncodedFrame] = []
    for n, picture in enumerate(pictures(spec)):
        frames += encoder.encode(picture, n)
    frames += encoder.finish()
    return Scene(spec, encoder.parameter_sets, tuple(frames))


def pictures(spec: SceneSpec) -> Iterator[av.VideoFrame]:
    canvas = Canvas(Junction(spec.seed, spec.seconds), spec.width, spec.height)
    pages = noise_pages(spec.noise, spec.height, spec.width) if spec.noise else []
    for n in range(spec.frame_count):
        t = 0.0 if spec.still else float(Fraction(n) / spec.fps)
        frame = yuv(canvas.picture(t, 0 if spec.still else n, t))
        if pages:
            add_noise(frame, pages[n % len(pages)])
        yield frame


def yuv(picture: Picture) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")


def add_noise(frame: av.VideoFrame, page: Picture) -> None:
    """Drawn luma stays below 220, so adding up to 32 can't wrap. The strip stays clean."""
    plane = frame.planes[0]
    luma = np.frombuffer(memoryview(plane), np.uint8).reshape(frame.height, plane.line_size)[:, : frame.width]
    top = strip_height(frame.width) + 4
    luma[top:] += page[top:]
