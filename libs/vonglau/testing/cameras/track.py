"""One track of one client: which frame is next, and the bytes of all frames that are due."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np

from vonglau.testing.cameras.packets import Block
from vonglau.testing.cameras.reels import Reel


@dataclass(slots=True)
class Run:
    """Frames first … next − 1 of one reel were sent, without a hole."""

    reel: str
    first: int
    next: int


class Track:
    """`base` is the RTP time stamp of camera second 0, `sequence` the number of the next packet; both run over every seam."""

    def __init__(self, reel: Reel, *, channel: int, ssrc: int, sequence: int, base: int) -> None:
        self.reel = reel
        self.channel, self.ssrc, self.base = channel, ssrc, base
        self.sequence = sequence & 0xFFFF
        self.next: int | None = None  # None: waits for a key frame
        self.runs: list[Run] = []
        self.octets = self.packets = 0
        self._floor = 0
        self._coming: Reel | None = None
        self._stamped: tuple[int, Block, memoryview] | None = None

    def begin(self, seconds: float, *, at_key: bool) -> None:
        """Start with the first frame that is still to come, or with the first key frame among those."""
        self._floor = self.reel.due(seconds)
        self.next = None if at_key else self._floor
        self._stamped = None

    def timestamp(self, seconds: float | Fraction) -> int:
        """RTP time stamp at a camera time."""
        return (self.base + round(seconds * self.reel.rate)) & 0xFFFF_FFFF

    def first_timestamp(self) -> int | None:
        """Of the first frame to be sent, for RTP-Info; None where it isn't known yet."""
        n = self.next if self.next is not None else self.reel.key_at_or_after(self._floor)
        return None if n is None else self.timestamp(Fraction(int(self.reel.shown(n, 1)[0])) / self.reel.fps)

    def jump(self, seconds: float) -> None:
        """Time stamps of all later frames move; the pictures don't."""
        self.base += round(seconds * self.reel.rate)
        self._stamped = None

    def switch(self, reel: Reel) -> None:
        """Go over to another reel at its next key frame."""
        self._coming = reel

    @property
    def heading(self) -> Reel:
        """The reel that plays once a switch that waits has happened."""
        return self._coming or self.reel

    def take(self, seconds: float) -> list[memoryview]:
        """The bytes of every frame due at this camera time that wasn't taken before."""
        if self._coming is not None:
            return self._take_until_switch(self._coming, seconds)
        return self._take_before(self.reel.due(seconds))

    def _take_until_switch(self, coming: Reel, seconds: float) -> list[memoryview]:
        now_at = Fraction(self._floor if self.next is None else self.next) / self.reel.fps
        key = coming.key_at_or_after(ceil(now_at * coming.fps))
        if key is None:
            return self._take_before(self.reel.due(seconds))
        out = self._take_before(min(self.reel.due(seconds), ceil(Fraction(key) / coming.fps * self.reel.fps)))
        if coming.due(seconds) <= key:
            return out
        self.reel, self.next, self._coming, self._stamped = coming, key, None, None
        return out + self._take_before(coming.due(seconds))

    def _take_before(self, end: int) -> list[memoryview]:
        if self.next is None:
            key = self.reel.key_at_or_after(self._floor)
            if key is None or key >= end:
                return []
            self.next = key
        out = []
        while self.next < end:
            piece, self.next = self._piece(self.next, end)
            if piece:
                out.append(piece)
        return out

    def _piece(self, n: int, end: int) -> tuple[memoryview | None, int]:
        """Bytes of frames n … of one block, and the frame after them."""
        found = self._stamped_block(n)
        if found is None:
            return None, n + 1
        first, block, data = found
        last = min(end, first + block.frames)
        begin = block.ends[n - first - 1] if n > first else 0
        piece = data[begin : block.ends[last - first - 1]]
        count = block.first_packet[last - first] - block.first_packet[n - first]
        self.sequence = (self.sequence + count) & 0xFFFF
        self.packets += count
        self.octets += len(piece) - 16 * count
        self._note(n, last)
        return piece, last

    def _note(self, first: int, following: int) -> None:
        last = self.runs[-1] if self.runs else None
        if last is not None and last.next == first and last.reel == self.reel.name:
            last.next = following
        else:
            self.runs.append(Run(self.reel.name, first, following))

    def _stamped_block(self, n: int) -> tuple[int, Block, memoryview] | None:
        if self._stamped is not None and self._stamped[0] <= n < self._stamped[0] + self._stamped[1].frames:
            return self._stamped
        found = self.reel.block(n)
        if found is None:
            return None
        first, block = found
        sequence = self.sequence - block.first_packet[n - first]
        shown = self.reel.shown(first, block.frames)
        ticks = shown * self.reel.rate * self.reel.fps.denominator // self.reel.fps.numerator
        stamps = ((ticks + self.base) & 0xFFFF_FFFF).astype(np.uint32)
        self._stamped = first, block, block.stamped(self.channel, self.ssrc, sequence, stamps)
        return self._stamped
