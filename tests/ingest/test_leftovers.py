"""The spool of a process that will not come back: emptied, or kept with what no store takes."""
from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.message import Message

from services.ingest.leftovers import empty
from services.ingest.outbox import Outbox
from services.ingest.segment import ClosedSegment
from vonglau.clock import SystemClock
from vonglau.errors import Refused, Unavailable
from vonglau.footage import FolderFootage
from vonglau.ingest.v1.events_pb2 import InterruptionObserved
from vonglau.testing.waiting import eventually


class Log:
    def __init__(self) -> None:
        self.told: list[tuple[str, Message]] = []
        self.is_away = False

    async def publish(self, kind: str, key: str, fact: Message, identity: str) -> int:
        if self.is_away:
            raise Unavailable("LOG_UNAVAILABLE", "the event log is away")
        self.told.append((kind, fact))
        return len(self.told)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def store(tmp_path: Path) -> FolderFootage:
    return FolderFootage(tmp_path / "footage")


@pytest.fixture
def left(tmp_path: Path, closed: Callable[..., ClosedSegment]) -> Callable[..., list[ClosedSegment]]:
    """Puts closed segments where a process leaves them, with their sidecars."""

    def make(number: int) -> list[ClosedSegment]:
        segments = [closed(each) for each in range(number)]
        folder = tmp_path / "spool" / "cam-1"
        target = tmp_path / "left" / "segments" / "cam-1"
        target.mkdir(parents=True, exist_ok=True)
        for each in segments:
            (target / each.path.name).write_bytes((folder / each.path.name).read_bytes())
            (target / each.path.with_suffix(".json").name).write_bytes(each.to_json())
        return segments

    return make


def files(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.rglob("*") if each.is_file())


async def test_what_is_left_is_stored_and_told_and_the_last_of_each_epoch_says_so(
    tmp_path: Path, log: Log, store: FolderFootage, left: Callable[..., list[ClosedSegment]],
) -> None:
    segments = left(3)
    await asyncio.wait_for(empty(tmp_path / "left", store, log, SystemClock(), 2), 20)
    assert [(fact.number, fact.last_of_epoch) for _, fact in log.told] == [(0, False), (1, False), (2, True)]  # type: ignore[attr-defined]
    assert [each.key async for each in store.list("hanoi-police-footage")] == [fact.key for _, fact in log.told]  # type: ignore[attr-defined]
    assert len(segments) == 3
    assert files(tmp_path / "left") == []


async def test_facts_that_were_not_told_yet_are_told(tmp_path: Path, log: Log, store: FolderFootage) -> None:
    before = Outbox(tmp_path / "left" / "outbox", log)
    before.put("interruption", "cam-1", InterruptionObserved(camera="cam-1", epoch=7))
    before.close(5)
    await asyncio.wait_for(empty(tmp_path / "left", store, log, SystemClock(), 1), 20)
    assert [kind for kind, _ in log.told] == ["interruption"]
    assert files(tmp_path / "left" / "outbox") == []


async def test_an_empty_spool_is_soon_done(tmp_path: Path, log: Log, store: FolderFootage) -> None:
    await asyncio.wait_for(empty(tmp_path / "left", store, log, SystemClock(), 1), 20)
    assert log.told == []


async def test_a_log_that_is_away_is_waited_for(tmp_path: Path, log: Log, store: FolderFootage, left: Callable[..., list[ClosedSegment]]) -> None:
    left(1)
    log.is_away = True
    emptying = asyncio.create_task(empty(tmp_path / "left", store, log, SystemClock(), 1))
    await eventually(lambda: files(tmp_path / "footage"))
    assert not emptying.done()
    assert len(files(tmp_path / "left")) == 2
    log.is_away = False
    await asyncio.wait_for(emptying, 10)
    assert files(tmp_path / "left") == []


async def test_what_nobody_can_read_keeps_the_spool(tmp_path: Path, log: Log, store: FolderFootage, left: Callable[..., list[ClosedSegment]]) -> None:
    left(1)
    odd = tmp_path / "left" / "segments" / "cam-1" / "odd.mp4"
    odd.write_bytes(b"no footage")
    with pytest.raises(Refused, match="1 files in"):
        await asyncio.wait_for(empty(tmp_path / "left", store, log, SystemClock(), 1), 20)
    assert odd.exists()
    assert len(log.told) == 1
