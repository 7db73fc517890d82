"""A reel is what a track plays: frames numbered on the camera's clock, packed in blocks.

Frame n is taken at n / fps camera seconds, whether or not anybody watches, so two clients see the same camera.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import floor
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vonglau.testing.cameras import packets
from vonglau.testing.cameras.packets import Block, Wrapping
from vonglau.testing.scenes.scene import Scene

VIDEO_TYPE, VIDEO_RATE = 96, 90_000
# A block ends before a key frame once it has this many frames, and anyway at the limit: stamping one block stays below some milliseconds.
BLOCK_FRAMES, BLOCK_LIMIT = 16, 64


class Reel(Protocol):
    name: str  # `640x360`, `frozen`, `aac`
    fps: Fraction
    rate: int  # RTP clock, Hz
    delay: int  # frames that a frame waits for its turn in decode order

    @property
    def sets(self) -> Sequence[bytes]:
        """Parameter sets."""

    def due(self, seconds: float) -> int:
        """The first frame that is not yet to be sent at this camera time."""

    def block(self, n: int) -> tuple[int, Block] | None:
        """The block with frame n and the number of the block's first frame; None: there is no such frame."""

    def shown(self, first: int, count: int) -> NDArray[np.int64]:
        """Presentation numbers of frames first … first + count − 1."""

    def key_at_or_after(self, n: int) -> int | None:
        """None: not yet known."""


@dataclass(frozen=True, slots=True)
class Frame:
    payloads: Sequence[bytes]
    shown: int
    key: bool


class LoopReel:
    """Frames that repeat for ever; blocks are built when first played and then kept for all clients."""

    def __init__(self, name: str, frames: Sequence[Frame], fps: Fraction, rate: int, kind: int, *, sets: Sequence[bytes] = (), extras: bool = False) -> None:
        self.name, self.frames, self.fps, self.rate, self._sets = name, frames, fps, rate, sets
        self.delay = max(frame.shown - n for n, frame in enumerate(frames))
        self._kind, self._extras = kind, extras
        self._shown = np.array([frame.shown for frame in frames], np.int64)
        self._bounds = bounds([frame.key for frame in frames])
        self._blocks: dict[int, Block] = {}

    @property
    def sets(self) -> Sequence[bytes]:
        return self._sets

    def due(self, seconds: float) -> int:
        return floor(seconds * self.fps) - self.delay + 1

    def block(self, n: int) -> tuple[int, Block]:
        turn, place = divmod(n, len(self.frames))
        i = bisect_right(self._bounds, place) - 1
        if i not in self._blocks:
            run = self.frames[self._bounds[i] : self._bounds[i + 1]]
            self._blocks[i] = packets.build([frame.payloads for frame in run], self._kind, extras=self._extras)
        return turn * len(self.frames) + self._bounds[i], self._blocks[i]

    def shown(self, first: int, count: int) -> NDArray[np.int64]:
        turn, place = divmod(first, len(self.frames))
        return self._shown[place : place + count] + turn * len(self.frames)

    def key_at_or_after(self, n: int) -> int:
        while not self.frames[n % len(self.frames)].key:
            n += 1
        return n

    def frozen(self, n: int) -> "LoopReel":
        """The newest key frame before n, again and again: same bytes, time goes on."""
        while not self.frames[n % len(self.frames)].key:
            n -= 1
        only = self.frames[n % len(self.frames)]
        return LoopReel("frozen", [Frame(only.payloads, 0, key=True)], self.fps, self.rate, self._kind, sets=self._sets, extras=self._extras)


def bounds(keys: Sequence[bool]) -> list[int]:
    marks = [0]
    for n, key in enumerate(keys):
        size = n - marks[-1]
        if size >= BLOCK_LIMIT or (key and size >= BLOCK_FRAMES):
            marks.append(n)
    return [*marks, len(keys)]


@cache
def scene_reel(scene: Scene, wrapping: Wrapping) -> LoopReel:
    """Shared by all cameras and clients that play this scene in this wrapping."""
    codec, sets = scene.spec.codec, scene.parameter_sets
    frames = [Frame(packets.video_payloads(f.units, sets, codec, wrapping, key=f.key), f.shown, f.key) for f in scene.frames]
    return LoopReel(scene.spec.name, frames, scene.fps, VIDEO_RATE, VIDEO_TYPE, sets=sets, extras=wrapping.extras)
