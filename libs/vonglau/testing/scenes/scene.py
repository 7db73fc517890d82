"""An encoded scene: its frames as NAL units in decode order, its parameter sets, and what each frame's content must be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from vonglau.testing.scenes.junction import Junction
from vonglau.testing.scenes.spec import SceneSpec


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One access unit. `shown` is its place in presentation order within the loop; `crc` covers its slice NAL units in order."""

    units: tuple[bytes, ...]
    key: bool
    shown: int
    crc: int


@dataclass(frozen=True, eq=False)
class Scene:
    spec: SceneSpec
    parameter_sets: tuple[bytes, ...]
    frames: tuple[EncodedFrame, ...]

    def __len__(self) -> int:
        return len(self.frames)

    @cached_property
    def delay(self) -> int:
        """Frames by which presentation runs ahead of decoding: a camera sends frame n only when n + delay has been taken."""
        return max(frame.shown - n for n, frame in enumerate(self.frames))

    @cached_property
    def junction(self) -> Junction:
        return Junction(self.spec.seed, self.spec.seconds)

    @cached_property
    def _places(self) -> dict[int, int]:
        return {frame.crc: n for n, frame in enumerate(self.frames)}

    @property
    def fps(self) -> Fraction:
        return self.spec.fps

    def frame(self, n: int) -> EncodedFrame:
        """Frame `n` of the endless loop, in decode order."""
        return self.frames[n % len(self.frames)]

    def key_at_or_after(self, n: int) -> int:
        while not self.frame(n).key:
            n += 1
        return n

    def expected(self, start: int = 0) -> Iterator[tuple[int, int]]:
        """(n, crc of the slices) of each frame from `start` on, over the seam, without end."""
        while True:
            yield start, self.frame(start).crc
            start += 1

    def place(self, crc: int) -> int | None:
        """The frame within the loop that has this content; None: no frame of this scene."""
        return self._places.get(crc)

    def breaks(self, crcs: Sequence[int]) -> list[int]:
        """Positions in `crcs` whose frame doesn't follow the one before, or is foreign: empty means that nothing was lost by content."""
        places = [self.place(crc) for crc in crcs]
        breaks = [i for i, (one, two) in enumerate(pairwise(places), 1) if one is None or two is None or two != (one + 1) % len(self)]
        return [0, *breaks] if places and places[0] is None else breaks
