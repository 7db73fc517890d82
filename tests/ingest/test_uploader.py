"""From the spool to the store: the order of safety, whatever is away and for how long."""
from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from google.protobuf.message import Message

from services.ingest import uploader as module
from services.ingest.epochs import Epochs
from services.ingest.segment import ClosedSegment
from services.ingest.spool.bounds import SpoolBounds, SpoolFull
from services.ingest.uploader import Uploader
from vonglau.clock import SystemClock
from vonglau.errors import Unavailable
from vonglau.footage import FolderFootage, disk
from vonglau.ingest.v1.events_pb2 import SegmentRecorded
from vonglau.media.segment import segment_of
from vonglau.telemetry import inject
from vonglau.testing.waiting import eventually

Closed = Callable[..., ClosedSegment]


class Log:
    def __init__(self) -> None:
        self.facts: list[SegmentRecorded] = []
        self.away = False
        self.on_publish: Callable[[], None] = lambda: None

    async def publish(self, kind: str, key: str, fact: Message, identity: str) -> int:
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("LOG_UNAVAILABLE", "the event log is away")
        self.facts.append(SegmentRecorded.FromString(fact.SerializeToString()))
        self.on_publish()
        return len(self.facts)


class Bench:
    """An uploader on a folder store, with what it told."""

    def __init__(self, root: Path, left_behind: list[ClosedSegment], linger_s: float) -> None:
        self.log = Log()
        self.store = FolderFootage(root / "footage")
        self.shed: list[ClosedSegment] = []
        self.bounds = SpoolBounds(1 << 20, self.shed.append)
        self.advanced: list[str] = []
        self.lost: list[tuple[ClosedSegment, str]] = []
        self.uploader = Uploader(self.store, self.log, SystemClock(), Epochs(left_behind), linger_s=linger_s)
        self.uploader.serve(self.bounds, advanced=self.advanced.append, lost=lambda segment, why: self.lost.append((segment, why)))

    def add(self, *segments: ClosedSegment) -> None:
        for segment in segments:
            self.bounds.add(segment, segment.size)
            self.uploader.add(segment)

    async def drained(self) -> None:
        assert await self.uploader.drain(5)

    def told(self) -> list[tuple[str, int]]:
        return [(fact.camera, fact.number) for fact in self.log.facts]


@asynccontextmanager
async def working(root: Path, *, left_behind: list[ClosedSegment] | None = None, linger_s: float = 0.0, workers: int = 2) -> AsyncIterator[Bench]:
    bench = Bench(root, left_behind or [], linger_s)
    tasks = [asyncio.create_task(bench.uploader.work()) for _ in range(workers)]
    yield bench
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    bench.uploader.close()
    await bench.store.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_FIRST_S", 0.005)
    monkeypatch.setattr(module, "RETRY_MOST_S", 0.01)


def read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_source: Path, _target: Path) -> bool:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(disk, "link", refuse)


def dropped(bounds: SpoolBounds) -> bool:
    """Whether something could be given up, which what is being uploaded can't."""
    with suppress(SpoolFull):
        bounds.make_room(0)
        return True
    return False


async def test_a_segment_is_stored_then_told_then_freed(tmp_path: Path, closed: Closed) -> None:
    segment = closed()
    async with working(tmp_path) as bench:
        steps: list[tuple[bool, bool]] = []
        bench.log.on_publish = lambda: steps.append(((tmp_path / "footage" / "hanoi-police-footage" / bench.log.facts[0].key).exists(), segment.path.exists()))
        bench.add(segment)
        await bench.drained()
        await eventually(lambda: not segment.path.exists())
        assert steps == [(True, True)], "told when it was stored, and before it left the spool"
        assert (bench.bounds.used, bench.advanced) == (0, ["cam-1"])
        stored = await bench.store.head("hanoi-police-footage", bench.log.facts[0].key)
        assert stored is not None
        assert segment_of(stored.key, stored.size, stored.sha256, stored.metadata) == bench.log.facts[0]


async def test_the_segments_of_a_camera_are_told_in_order(tmp_path: Path, closed: Closed) -> None:
    async with working(tmp_path, workers=4) as bench:
        bench.add(*(closed(number, camera=camera) for number in range(5) for camera in ("cam-1", "cam-2")))
        await bench.drained()
        for camera in ("cam-1", "cam-2"):
            assert [number for told, number in bench.told() if told == camera] == list(range(5))


async def test_a_store_that_is_away_keeps_everything_in_the_spool_until_it_is_back(
    tmp_path: Path, closed: Closed, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_only(monkeypatch)
    segments = [closed(number) for number in range(3)]
    async with working(tmp_path) as bench:
        bench.add(*segments)
        await eventually(lambda: bench.uploader.stores_away)
        assert not await bench.uploader.drain(0.05)
        assert (bench.log.facts, all(segment.path.exists() for segment in segments), bench.uploader.waiting("cam-1")) == ([], True, 3)
        monkeypatch.undo()
        await bench.drained()
        assert bench.uploader.stores_away == {}
        assert bench.told() == [("cam-1", 0), ("cam-1", 1), ("cam-1", 2)]


async def test_one_owners_store_that_is_away_holds_up_no_other_owner(tmp_path: Path, closed: Closed) -> None:
    (tmp_path / "footage").mkdir()
    (tmp_path / "footage" / "ward-1-footage").write_bytes(b"in the way")
    async with working(tmp_path, workers=1) as bench:
        bench.add(*(closed(camera=f"cam-{number}", owner="ward-1") for number in range(5)))
        bench.add(closed(camera="cam-9"))
        await eventually(lambda: bench.told() == [("cam-9", 0)])
        assert list(bench.uploader.stores_away) == ["ward-1-footage"]


async def test_while_the_log_is_away_a_segment_is_stored_once_and_stays_in_the_spool(
    tmp_path: Path, closed: Closed, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = closed()
    async with working(tmp_path) as bench:
        bench.log.away = True
        bench.add(segment)
        await eventually(lambda: bench.uploader.facts_waiting == 1 and bench.uploader.log_away)
        read_only(monkeypatch)  # whatever is put now would not be stored
        assert segment.path.exists()
        bench.log.away = False
        await bench.drained()
        assert (bench.told(), bench.uploader.facts_waiting, bench.uploader.log_away) == ([("cam-1", 0)], 0, "")


async def test_a_segment_given_up_after_it_was_stored_still_has_its_fact(tmp_path: Path, closed: Closed) -> None:
    segment = closed()
    async with working(tmp_path) as bench:
        bench.log.away = True
        bench.add(segment)
        await eventually(lambda: bench.uploader.facts_waiting == 1)
        await eventually(partial(dropped, bench.bounds))
        fact = bench.uploader.given_up(segment)
        assert fact is not None
        assert fact.number == 0
        assert bench.uploader.given_up(closed(5)) is None
        await bench.drained()


async def test_an_object_that_is_there_already_counts_as_stored(tmp_path: Path, closed: Closed) -> None:
    segment = closed()
    async with working(tmp_path, linger_s=60) as bench:
        bench.add(segment)
        await bench.drained()
        (fact,) = bench.log.facts
    bench = Bench(tmp_path, [], 0.0)
    task = asyncio.create_task(bench.uploader.work())
    bench.add(closed())
    await bench.drained()
    assert bench.log.facts == [fact]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await bench.store.close()


async def test_what_the_store_will_not_have_is_counted_and_told_and_holds_up_nothing(tmp_path: Path, closed: Closed) -> None:
    gone, damaged, good = closed(0), closed(1), closed(3)
    gone.path.unlink()
    damaged.path.write_bytes(b"other")
    async with working(tmp_path) as bench:
        bench.add(closed(2, body=b"first"))
        await bench.drained()
        await eventually(lambda: bench.bounds.used == 0)
        bench.add(gone, damaged, closed(2), good)
        await bench.drained()
        assert bench.told() == [("cam-1", 2), ("cam-1", 3)]
        assert bench.uploader.rejected == 3
        assert [(segment.head.number, why) for segment, why in bench.lost] == [
            (0, "the file in the spool is gone"), (1, "the file in the spool is damaged"),
        ]


async def test_what_was_turned_down_is_tried_again(tmp_path: Path, closed: Closed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REJECTED_AGAIN_S", 0.02)
    segment = closed()
    whole = segment.path.read_bytes()
    segment.path.write_bytes(b"half")
    async with working(tmp_path) as bench:
        bench.add(segment)
        await eventually(lambda: bench.uploader.rejected == 1)
        segment.path.write_bytes(whole)
        await eventually(lambda: bench.told() == [("cam-1", 0)])
        assert (bench.uploader.rejected, len(bench.lost)) == (0, 1)


async def test_a_stored_segment_lingers_for_readers_and_is_not_given_up_meanwhile(tmp_path: Path, closed: Closed) -> None:
    segment = closed()
    async with working(tmp_path, linger_s=60) as bench:
        bench.add(segment)
        await bench.drained()
        assert segment.path.exists()
        with pytest.raises(OSError, match="full"):
            bench.bounds.make_room(0)
        bench.uploader.close()
        assert not segment.path.exists()


async def test_what_a_dead_process_left_behind_closes_its_epochs(tmp_path: Path, closed: Closed) -> None:
    left = [closed(3, epoch=7), closed(4, epoch=7), closed(0, epoch=8)]
    async with working(tmp_path, left_behind=left) as bench:
        bench.add(*left)
        assert bench.uploader.waits_before("cam-1", 9)
        assert not bench.uploader.waits_before("cam-1", 7)
        await bench.drained()
        assert [(fact.epoch, fact.number, fact.last_of_epoch) for fact in bench.log.facts] == [(7, 3, False), (7, 4, True), (8, 0, True)]
        assert not bench.uploader.waits_before("cam-1", 9)


async def test_a_segment_that_turns_out_to_be_the_last_is_told_again_as_that(tmp_path: Path, closed: Closed) -> None:
    async with working(tmp_path, linger_s=60) as bench:
        bench.add(closed(0), closed(1))
        await bench.drained()
        bench.uploader.end_epoch("cam-1", 7, 1)
        await bench.drained()
        assert [(fact.number, fact.last_of_epoch) for fact in bench.log.facts] == [(0, False), (1, False), (1, True)]


async def test_an_epoch_that_ends_while_its_last_segment_is_being_told_is_closed(tmp_path: Path, closed: Closed) -> None:
    async with working(tmp_path, linger_s=60) as bench:
        bench.log.on_publish = lambda: bench.uploader.end_epoch("cam-1", 7, 0)
        bench.add(closed(0))
        await bench.drained()
        assert [fact.last_of_epoch for fact in bench.log.facts] == [False, True]


async def test_the_first_segment_of_an_epoch_is_told_in_the_trace_in_which_the_camera_was_put_on_air(tmp_path: Path, closed: Closed) -> None:
    parent, seen = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", list[str | None]()

    def look() -> None:
        headers: dict[str, str] = {}
        inject(headers)
        seen.append(headers.get("traceparent"))

    async with working(tmp_path) as bench:
        bench.log.on_publish = look
        bench.uploader.follow("cam-1", 7, {"traceparent": parent})
        bench.add(closed(0, epoch=6), closed(0), closed(1))
        await bench.drained()
    assert seen == [None, parent, None]
