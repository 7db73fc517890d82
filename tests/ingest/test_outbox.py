"""Facts on their way to the log: in order, across kills and outages, whatever the disk does."""
from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from google.protobuf.message import Message

from services.ingest import outbox as module
from services.ingest.outbox import Outbox
from services.ingest.spool.lanes import WriterLanes
from vonglau.broker.bounds import MESSAGE_MOST, check_size
from vonglau.errors import Unavailable
from vonglau.ingest.v1.events_pb2 import InterruptionObserved, SegmentRecorded, StreamChanged
from vonglau.testing.waiting import eventually


class Log:
    """A publisher; `away`: it takes nothing."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, Message, str]] = []
        self.away = False

    async def publish(self, kind: str, key: str, fact: Message, identity: str) -> int:
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("LOG_UNAVAILABLE", "the event log is away")
        check_size({}, fact.SerializeToString())
        self.taken.append((kind, key, fact, identity))
        return len(self.taken)


@asynccontextmanager
async def running(outbox: Outbox) -> AsyncIterator[None]:
    task = asyncio.create_task(outbox.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert outbox.close(5)


def interruption(number: int) -> InterruptionObserved:
    return InterruptionObserved(camera="cam-1", epoch=1, begun_ns=number)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.005)


async def test_facts_are_published_in_order_and_leave_no_file(tmp_path: Path) -> None:
    log = Log()
    outbox = Outbox(tmp_path / "outbox", log)
    async with running(outbox):
        for number in range(20):
            outbox.put("interruption", "cam-1", interruption(number))
        assert await outbox.drain(5)
    assert [fact for _, _, fact, _ in log.taken] == [interruption(number) for number in range(20)]
    assert list((tmp_path / "outbox").iterdir()) == []


async def test_the_same_fact_has_the_same_id_and_another_fact_another_one(tmp_path: Path) -> None:
    log = Log()
    outbox = Outbox(tmp_path, log)
    async with running(outbox):
        for number in (1, 1, 2):
            outbox.put("interruption", "cam-1", interruption(number))
        assert await outbox.drain(5)
    first, again, other = (identity for *_, identity in log.taken)
    assert first == again != other


async def test_while_the_log_is_away_facts_wait_and_afterwards_they_come_in_order(tmp_path: Path) -> None:
    log = Log()
    log.away = True
    outbox = Outbox(tmp_path, log)
    async with running(outbox):
        for number in range(3):
            outbox.put("interruption", "cam-1", interruption(number))
        await eventually(lambda: outbox.log_away)
        assert (outbox.waiting, await outbox.drain(0.02)) == (3, False)
        log.away = False
        assert await outbox.drain(5)
        assert outbox.log_away == ""
    assert [fact for _, _, fact, _ in log.taken] == [interruption(number) for number in range(3)]


async def test_what_a_killed_process_left_behind_is_published_before_anything_new(tmp_path: Path) -> None:
    away = Log()
    away.away = True
    killed = Outbox(tmp_path, away)
    facts: list[tuple[str, str, Message]] = [
        ("interruption", "cam-with-dashes", interruption(1)), ("stream", "cam-2", StreamChanged(camera="cam-2")),
        ("segment", "cam-3", SegmentRecorded(camera="cam-3")),
    ]
    for fact in facts:
        killed.put(*fact)
    killed.close(5)
    log = Log()
    outbox = Outbox(tmp_path, log)
    assert outbox.waiting == 3
    async with running(outbox):
        outbox.put("interruption", "cam-1", interruption(9))
        assert await outbox.drain(5)
    assert [taken[:3] for taken in log.taken] == [*facts, ("interruption", "cam-1", interruption(9))]


async def test_files_that_are_no_facts_are_counted_and_left_alone(tmp_path: Path) -> None:
    names = ("1-interruption-cam-1.fact", "2-rumour-cam-1.fact", "odd.fact")
    for name in names:
        (tmp_path / name).write_bytes(b"\xff\xff")
    outbox = Outbox(tmp_path, Log())
    assert (outbox.dropped, outbox.waiting) == (3, 0)
    outbox.close(5)
    assert all((tmp_path / name).exists() for name in names)


async def test_a_fact_too_large_for_the_log_is_counted_and_left_alone_and_what_follows_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = Log()
    outbox = Outbox(tmp_path / "outbox", log)
    async with running(outbox):
        outbox.put("stream", "cam-1", StreamChanged(camera="cam-1", codec="x" * MESSAGE_MOST))
        outbox.put("interruption", "cam-1", interruption(1))
        assert await outbox.drain(5)
    assert [fact for _, _, fact, _ in log.taken] == [interruption(1)]
    (left,) = (tmp_path / "outbox").iterdir()
    assert (outbox.dropped, outbox.waiting) == (1, 0)
    assert f"{left.name} can't be told and stays where it is" in caplog.text


async def test_a_disk_that_takes_nothing_costs_no_fact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path, _body: bytes) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    log = Log()
    outbox = Outbox(tmp_path / "outbox", log)
    async with running(outbox):
        outbox.put("interruption", "cam-1", interruption(1))
        assert await outbox.drain(5)
    assert len(log.taken) == 1


async def test_a_disk_that_hangs_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log()
    outbox = Outbox(tmp_path, log)
    hang = WriterLanes(1)
    monkeypatch.setattr(hang, "put", lambda *_: None)  # what it is asked for never comes about
    monkeypatch.setattr(outbox, "_disk", hang)
    async with running(outbox):
        outbox.put("interruption", "cam-1", interruption(1))
        assert await outbox.drain(5)
    assert len(log.taken) == 1


async def test_what_is_over_the_bound_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    outbox = Outbox(tmp_path, Log())
    for number in range(5):
        outbox.put("interruption", "cam-1", interruption(number))
    assert (outbox.waiting, outbox.dropped) == (2, 3)
    outbox.close(5)
