"""What a scene is made of: everything that decides its pictures and its bytes, and nothing else."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Literal, Self

Codec = Literal["h264", "h265"]

# Raised whenever drawing or encoding changes, so that no cache serves yesterday's pictures.
DRAWING_VERSION = 2


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """One encoding of one junction.

    Two specs with the same `seed` and `seconds` show the same junction at the same scene time, so they can be main and sub of one camera.
    """

    width: int = 640  # pixels, even
    height: int = 360  # pixels, even
    fps: Fraction = Fraction(15)  # frames per second, may be 30000/1001
    seconds: Fraction = Fraction(20)  # length of the loop
    gop: int = 30  # frames from one key frame to the next; the loop's first frame is always one
    kbps: int = 700  # target bitrate of the encoder, kilobit per second
    codec: Codec = "h264"
    bframes: int = 0  # B-frames between two references: decode order differs from presentation order
    noise: int = 0  # amplitude of luma noise, 0–32: gives drawn pictures the entropy of a street at night
    seed: int = 1  # which junction and which traffic
    still: bool = False  # every picture is the first one: what a frozen camera sends
    live: bool = False  # drawn while it is watched, with wall time; nothing is cached

    @property
    def frame_count(self) -> int:
        return int(self.seconds * self.fps)

    @property
    def name(self) -> str:
        return f"{self.width}x{self.height}" + ("-still" if self.still else "")

    def key(self) -> str:
        """A name for the cache: the same spec and drawing version give the same name."""
        told = json.dumps([DRAWING_VERSION, asdict(self)], default=str, sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:20]

    def sized(self, width: int, height: int, kbps: int | None = None) -> Self:
        """The same scene in another size, as after a change of resolution."""
        return replace(self, width=width, height=height, kbps=kbps or self.kbps)


SMALL = SceneSpec()
SMALL_SUB = SceneSpec(width=320, height=180, fps=Fraction(10), gop=20, kbps=200)
LIVE = SceneSpec(width=320, height=180, fps=Fraction(10), gop=10, kbps=300, live=True)
BENCH = SceneSpec(width=1920, height=1080, fps=Fraction(25), seconds=Fraction(12), gop=50, kbps=4000, noise=10)
BENCH_SUB = SceneSpec(width=640, height=360, fps=Fraction(25), seconds=Fraction(12), gop=50, kbps=700)
