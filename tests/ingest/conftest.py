"""A spool in a folder, what it told, and groups of pictures to fill it."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest

from services.ingest.causes import Interruption
from services.ingest.media.gop import Gop, ParameterSets
from services.ingest.segment import ClosedSegment, SegmentHead
from services.ingest.spool import Spool
from vonglau.testing.rtp import H264_PPS, H264_SPS

FRAME = 9000                                                 # ticks: 10 fps
SETS = ParameterSets("h264", (H264_SPS, H264_PPS))
NOW_TICKS = 1_767_225_600 * 90_000


@dataclass
class Told:
    """What a spool told, in order. `spool.close()` first: its threads tell when they are done."""

    closed: list[ClosedSegment] = field(default_factory=list)
    shed: list[ClosedSegment] = field(default_factory=list)
    lost: list[Interruption] = field(default_factory=list)

    def segment_closed(self, segment: ClosedSegment) -> None:
        self.closed.append(segment)

    def segment_shed(self, segment: ClosedSegment) -> None:
        self.shed.append(segment)

    def footage_lost(self, interruption: Interruption) -> None:
        self.lost.append(interruption)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def spooling(tmp_path: Path, told: Told) -> Iterator[Callable[..., Spool]]:
    """Makes spools in `tmp_path / "spool"`; their threads end with the test."""
    made: list[Spool] = []

    def make(limit_bytes: int = 1 << 30, pending_bytes: int = 1 << 28, threads: int = 1) -> Spool:
        made.append(Spool(tmp_path / "spool", limit_bytes=limit_bytes, pending_bytes=pending_bytes, threads=threads, listener=told))
        return made[-1]

    yield make
    for spool in made:
        spool.close()


@pytest.fixture
def gop() -> Callable[..., Gop]:
    """GOP number n of a camera at 10 fps with one second a GOP, which arrives `late` ticks after its time on the line that began at NOW_TICKS."""

    def make(number: int, *, late: int = 0, count: int = 10, size: int = 50, parameters: ParameterSets = SETS, hole: bool = False, jumps: int = 0) -> Gop:
        first = number * 10 * FRAME
        times = [first + index * FRAME for index in range(count)]
        data = b"".join((size - 4).to_bytes(4, "big") + bytes([0x65 if index == 0 else 0x41]) + bytes(size - 5) for index in range(count))
        return Gop(bytearray(data), times, [size] * count, True, first + count * FRAME, parameters, NOW_TICKS + late, 0, 0, jumps, hole)

    return make


@pytest.fixture
def closed(tmp_path: Path) -> Callable[..., ClosedSegment]:
    """A closed segment of ten seconds, number n of its epoch, with its file in `tmp_path / "spool" / <camera>`."""

    def make(number: int = 0, *, camera: str = "cam-1", owner: str = "hanoi-police", epoch: int = 7, priority: int = 0, body: bytes = b"") -> ClosedSegment:
        start_ns = 1_767_225_600_000_000_000 + number * 10_000_000_000
        head = SegmentHead(
            camera, owner, epoch, number, start_ns, "avc1.4d401f", 320, 180, False, number > 0, 0, False, "", priority,
        )
        content = body or f"{camera} {epoch} {number}".encode()
        path = tmp_path / "spool" / camera / f"{head.name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return ClosedSegment(head, start_ns + 10_000_000_000, 10_000_000_000, 10, len(content), sha256(content).hexdigest(), 0, 0, recovered=False, path=path)

    return make
