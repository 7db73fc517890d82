"""A scene drawn while it is watched, with wall time in the picture: for whoever wants to read from a picture when it was taken."""

import threading
import time
from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from vonglau.testing.cameras import packets
from vonglau.testing.cameras.clock import CameraClock
from vonglau.testing.cameras.packets import Block, Wrapping
from vonglau.testing.cameras.reels import VIDEO_RATE, VIDEO_TYPE
from vonglau.testing.scenes import SceneSpec
from vonglau.testing.scenes.drawing import Canvas
from vonglau.testing.scenes.encoding import Encoder, yuv
from vonglau.testing.scenes.junction import Junction
from vonglau.testing.scenes.scene import EncodedFrame

KEPT = 100  # frames that a client may lag behind


class LiveReel:
    """Drawn in a thread of its own from `start` to `stop`. Blocks hold one frame; a frame that came too late is left out."""

    rate, delay, name = VIDEO_RATE, 0, "live"

    def __init__(self, spec: SceneSpec, clock: CameraClock) -> None:
        self.spec, self.fps = spec, Fraction(spec.fps)
        self._clock = clock
        self._canvas = Canvas(Junction(spec.seed, spec.seconds), spec.width, spec.height)
        self._encoder = Encoder(spec, live=True)
        self._blocks: dict[int, tuple[int, Block]] = {}
        self._keys: list[int] = []
        self._next = 0
        self._counter = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"live-{spec.name}", daemon=True)
        self._draw(ceil(clock.seconds() * self.fps))  # the parameter sets come with the first frame

    @property
    def sets(self) -> Sequence[bytes]:
        return self._encoder.parameter_sets

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the thread has ended, within a frame's time."""
        self._end.set()
        self._thread.join()

    def due(self, seconds: float) -> int:
        return min(floor(seconds * self.fps) + 1, self._next)

    def block(self, n: int) -> tuple[int, Block] | None:
        return self._blocks.get(n)

    def shown(self, first: int, count: int) -> NDArray[np.int64]:
        return np.arange(first, first + count)

    def key_at_or_after(self, n: int) -> int | None:
        return next((key for key in tuple(self._keys) if key >= n), None)

    def _run(self) -> None:
        while not self._end.is_set():
            n = max(self._next, floor(self._clock.seconds() * self.fps))
            if self._end.wait(max(0.0, float(n / self.fps) - self._clock.seconds())):
                return
            self._draw(n)

    def _draw(self, n: int) -> None:
        """Draw, encode and show frame n of the camera's clock."""
        now = time.time()
        picture = self._canvas.picture(now % self._canvas.junction.loop, self._counter, now)
        for frame in self._encoder.encode(yuv(picture), self._counter):
            self._publish(n, frame)
        self._counter += 1

    def _publish(self, n: int, frame: EncodedFrame) -> None:
        payloads = packets.video_payloads(frame.units, self.sets, self.spec.codec, Wrapping(), key=frame.key)
        self._blocks[n] = (n, packets.build([payloads], VIDEO_TYPE))
        if frame.key:
            self._keys = [key for key in self._keys if key > n - KEPT] + [n]
        self._blocks.pop(next(iter(self._blocks)) if len(self._blocks) > KEPT else -1, None)
        # Last, because readers in another thread look no further than this.
        self._next = n + 1
