"""The spool: bounded, in order, and honest about what it could not keep."""
from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest

from services.ingest.causes import Cause, Interruption, InterruptionBegun, InterruptionEnded
from services.ingest.segment import ClosedSegment, SegmentEnd, SegmentHead, read_sidecar
from services.ingest.spool import GrowingSegment, Spool, SpoolFragment
from vonglau.media.fmp4 import Run, Sync, VideoTrack, fragment_header, init_segment
from vonglau.media.fragments import fragments
from vonglau.media.ticks import to_ns
from vonglau.testing.rtp import H264_PPS, H264_SPS

SECOND = 1_000_000_000
NOW = 1_767_225_600 * SECOND
INIT = init_segment(VideoTrack("h264", (H264_SPS, H264_PPS)))
Spooling = Callable[..., Spool]


class ToldLike(Protocol):
    closed: list[ClosedSegment]
    shed: list[ClosedSegment]
    lost: list[Interruption]


def head(number: int = 0, camera: str = "cam-1", *, start: int = 0, priority: int = 0, contiguous: bool = True) -> SegmentHead:
    return SegmentHead(camera, "owner", 7, number, NOW + start * SECOND, "avc1.64000c", 320, 180, False, contiguous, 0, False, "", priority)


def fragment(second: int, size: int = 1000) -> SpoolFragment:
    tfdt = NOW // SECOND * 90_000 + second * 90_000
    header = fragment_header(second + 1, (Run(1, tfdt, [90_000], [size], Sync.FIRST),))
    return SpoolFragment((header, bytearray(size)), len(header) + size, to_ns(tfdt), to_ns(tfdt + 90_000), tfdt, True)


def end(second: int) -> SegmentEnd:
    return SegmentEnd(NOW + second * SECOND, second * SECOND)


def written(spool: Spool, number: int, seconds: range, *, camera: str = "cam-1", priority: int = 0, size: int = 1000) -> GrowingSegment:
    segment = spool.begin(head(number, camera, start=seconds.start, priority=priority), INIT)
    for second in seconds:
        spool.append(segment, fragment(second, size))
    spool.finish(segment, end(seconds.stop))
    return segment


def settled(spool: Spool) -> None:
    """Waits until the writers have done what was put so far."""
    for camera in ("cam-1", "cam-2", "cam-3"):
        done = threading.Event()
        spool._lanes.put(camera, done.set)
        assert done.wait(10)


class FailingDisk:
    """`os.pwritev` that fails with an error while it is told to, after writing some of the bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.error = 0
        self._real = os.pwritev
        monkeypatch.setattr(os, "pwritev", self.write)

    def write(self, descriptor: int, parts: Sequence[Any], offset: int) -> int:
        if self.error:
            self._real(descriptor, [bytes(parts[0])[:10]], offset)
            raise OSError(self.error, os.strerror(self.error))
        return self._real(descriptor, parts, offset)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FailingDisk:
    return FailingDisk(monkeypatch)


def test_a_closed_segment_is_its_file_and_its_sidecar(spooling: Spooling, told: ToldLike) -> None:
    spool = spooling()
    written(spool, 0, range(3))
    spool.close()
    (segment,) = told.closed
    content = segment.path.read_bytes()
    assert (hashlib.sha256(content).hexdigest(), len(content)) == (segment.sha256, segment.size)
    assert [pair.sequence for pair in fragments(content)] == [1, 2, 3]
    assert content[-16:-4].endswith(b"mfro\0\0\0\0")
    assert read_sidecar(segment.path.with_suffix(".json"), segment.path) == segment
    assert segment.path.name == "20260101T000000.000Z-7-0.mp4"


def test_a_segment_without_a_fragment_leaves_nothing(spooling: Spooling, told: ToldLike) -> None:
    spool = spooling()
    written(spool, 0, range(0))
    spool.close()
    assert told.closed == []
    assert list(spool.root.rglob("*.*")) == []


def test_freed_segments_give_their_room_back(spooling: Spooling, told: ToldLike) -> None:
    spool = spooling()
    written(spool, 0, range(3))
    settled(spool)
    assert spool.bounds.used == told.closed[0].size
    spool.bounds.remove(told.closed[0])
    assert spool.bounds.used == 0
    assert list(spool.root.rglob("*.*")) == []


def test_a_full_spool_gives_up_the_least_important_class_first_and_its_oldest_first(spooling: Spooling, told: ToldLike) -> None:
    spool = spooling()
    for number in range(2):
        written(spool, number, range(2 * number, 2 * number + 2), camera="cam-1", priority=1)
        written(spool, number, range(2 * number, 2 * number + 2), camera="cam-2", priority=5)
        settled(spool)
    spool.bounds.limit = spool.bounds.used + 500
    written(spool, 0, range(10, 14), camera="cam-3", priority=1)
    spool.close()
    assert [(one.head.camera, one.head.number) for one in told.shed] == [("cam-2", 0), ("cam-2", 1)]
    assert not any(one.path.exists() for one in told.shed)
    assert spool.bounds.used <= spool.bounds.limit
    assert told.lost == []


def test_footage_never_displaces_what_is_more_important_and_its_loss_is_told(spooling: Spooling, told: ToldLike) -> None:
    spool = spooling(limit_bytes=5000)
    written(spool, 0, range(3), camera="cam-1", priority=0)
    settled(spool)
    written(spool, 0, range(3), camera="cam-2", priority=9)
    settled(spool)
    spool.bounds.remove(told.closed[0])
    written(spool, 1, range(5, 7), camera="cam-2", priority=9)
    spool.close()
    assert told.shed == []
    assert told.lost == [
        InterruptionBegun("cam-2", Cause.SPOOL_FULL, NOW, "the spool can't be written"),
        InterruptionEnded("cam-2", Cause.SPOOL_FULL, NOW, NOW + 5 * SECOND),
    ]
    assert [(one.head.camera, one.head.number, one.head.contiguous) for one in told.closed] == [("cam-1", 0, True), ("cam-2", 1, False)]


def test_what_is_being_uploaded_is_not_given_up(spooling: Spooling, told: ToldLike) -> None:
    spool = spooling(limit_bytes=5000)
    written(spool, 0, range(2))
    settled(spool)
    assert spool.bounds.hold(told.closed[0])
    written(spool, 1, range(2, 5))
    spool.close()
    assert told.shed == []
    assert [one.cause for one in told.lost] == [Cause.SPOOL_FULL]


@pytest.mark.parametrize(("error", "cause"), [(errno.ENOSPC, Cause.SPOOL_FULL), (errno.EROFS, Cause.WRITER_FAILED), (errno.EIO, Cause.WRITER_FAILED)])
def test_a_disk_that_fails_costs_what_came_meanwhile_and_says_so(spooling: Spooling, told: ToldLike, disk: FailingDisk, error: int, cause: Cause) -> None:
    spool = spooling()
    segment = spool.begin(head(), INIT)
    spool.append(segment, fragment(0))
    settled(spool)
    disk.error = error
    spool.append(segment, fragment(1))
    settled(spool)
    assert segment.failure is cause
    disk.error = 0
    spool.finish(segment, end(2))
    written(spool, 1, range(2, 4))
    spool.close()
    assert [(one.at_ns - NOW) // SECOND for one in told.lost] == [1, 2]
    assert {one.cause for one in told.lost} == {cause}
    assert [(one.fragments, (one.end_ns - NOW) // SECOND, one.head.contiguous) for one in told.closed] == [(1, 1, True), (2, 4, False)]
    assert all(hashlib.sha256(one.path.read_bytes()).hexdigest() == one.sha256 for one in told.closed)


def test_a_segment_that_the_disk_would_not_close_is_closed_with_the_next(spooling: Spooling, told: ToldLike, disk: FailingDisk) -> None:
    spool = spooling()
    segment = spool.begin(head(), INIT)
    spool.append(segment, fragment(0))
    settled(spool)
    disk.error = errno.EROFS
    spool.finish(segment, end(1))
    settled(spool)
    assert told.closed == []
    disk.error = 0
    written(spool, 1, range(1, 2))
    spool.close()
    assert [one.head.number for one in told.closed] == [0, 1]
    assert told.closed[1].head.previous_sha256 == told.closed[0].sha256
    assert told.lost == []


def test_a_full_disk_gives_up_old_footage_before_new(spooling: Spooling, told: ToldLike, disk: FailingDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = spooling()
    written(spool, 0, range(2))
    settled(spool)
    disk.error = errno.ENOSPC
    real = spool.bounds.make_room

    def make_room(priority: int) -> None:
        disk.error = 0
        real(priority)

    monkeypatch.setattr(spool.bounds, "make_room", make_room)
    written(spool, 1, range(2, 3))
    spool.close()
    assert [one.head.number for one in told.shed] == [0]
    assert [one.head.number for one in told.closed] == [0, 1]
    assert told.lost == []


def test_a_hanging_disk_never_holds_up_who_writes(spooling: Spooling, told: ToldLike) -> None:
    spool = spooling(pending_bytes=5000)
    hanging = threading.Event()

    def hang() -> None:
        hanging.wait(10)

    spool._lanes.put("cam-1", hang)
    segment = spool.begin(head(), INIT)
    for second in range(10):
        spool.append(segment, fragment(second))
    assert spool.pending <= 5000
    spool.finish(segment, end(10))
    hanging.set()
    spool.close()
    assert [one.fragments for one in told.closed] == [4]
    assert told.closed[0].end_ns == NOW + 4 * SECOND
    assert (told.lost[0].cause, told.lost[0].at_ns) == (Cause.WRITER_FAILED, NOW + 4 * SECOND)


def test_closed_and_growing_files_are_read_alike(spooling: Spooling) -> None:
    spool = spooling()
    written(spool, 0, range(3))
    growing = spool.begin(head(1, start=3), INIT)
    spool.append(growing, fragment(3))
    spool.append(growing, fragment(4))
    settled(spool)
    found = list(spool.read("cam-1", NOW + SECOND, NOW + 4 * SECOND))
    assert [(one.head.number, one.growing, one.init == INIT) for one in found] == [(0, False, True), (1, True, True)]
    assert [[(part.start_ns - NOW) // SECOND for part in one.fragments] for one in found] == [[1, 2], [3]]
    assert [next(fragments(one.media(part))).sequence for one in found for part in one.fragments] == [2, 3, 4]
    spool.finish(growing, end(5))
    settled(spool)
    assert next(fragments(found[1].media(found[1].fragments[0]))).sequence == 4
    assert list(spool.read("cam-2", NOW, NOW + 9 * SECOND)) == []


def test_a_file_that_was_freed_while_it_was_read_is_empty(spooling: Spooling, told: ToldLike) -> None:
    spool = spooling()
    written(spool, 0, range(1))
    settled(spool)
    (found,) = spool.read("cam-1", NOW, NOW + SECOND)
    spool.bounds.remove(told.closed[0])
    assert found.media(found.fragments[0]) == b""
    assert list(spool.read("cam-1", NOW, NOW + SECOND)) == []


def test_an_unwritable_folder_is_a_loss_with_a_cause(spooling: Spooling, told: ToldLike, tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file stands where the folder should")
    spool = spooling()
    written(spool, 0, range(2))
    spool.close()
    assert told.closed == []
    assert [(one.cause, one.at_ns) for one in told.lost] == [(Cause.WRITER_FAILED, NOW)]
