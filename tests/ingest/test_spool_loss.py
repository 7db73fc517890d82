"""What went with a spool is told once, as far as nothing stored says otherwise, and closes the node's epoch."""
from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message

from services.ingest.claims import Started
from services.ingest.spool_loss import HANDED_OVER_NS, SpoolLoss
from vonglau.errors import Unavailable
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_SPOOL_LOST, GAP_CAUSE_TRANSPORT_LOST, InterruptionObserved, SegmentRecorded
from vonglau.testing.clock import SettableClock
from vonglau.testing.waiting import eventually

SECOND = 1_000_000_000
NOW = SettableClock().now_ns()
BEGIN = NOW - 3600 * SECOND
OWN, OTHER = ("default", "ingest-0"), ("default", "ingest-1")


def at(seconds: float) -> int:
    return BEGIN + round(seconds * SECOND)


class Log:
    """Who started what, facts with the time at which they were told, and what is told now."""

    def __init__(self) -> None:
        self.starts: list[Started] = []
        self.facts: list[tuple[int, str, Any]] = []
        self.told: list[InterruptionObserved] = []
        self.identities: set[str] = set()
        self.is_away = False

    def is_own(self, note: Started) -> bool:
        return (note.pool, note.node) == OWN

    async def starts_of_this_node(self) -> list[Started]:
        self._must_be_there()
        return self.starts

    async def newest(self, kind: str, key: str) -> bytes | None:
        return await self.at(kind, key, 2**63)

    async def at(self, kind: str, key: str, at_ns: int) -> bytes | None:
        self._must_be_there()
        found = [fact for told_ns, name, fact in self.facts if name == kind and fact.camera == key and told_ns <= at_ns]
        return found[-1].SerializeToString() if found else None

    async def publish(self, kind: str, key: str, fact: Message, identity: str) -> int:
        self._must_be_there()
        assert isinstance(fact, InterruptionObserved)
        assert (kind, key) == ("interruption", fact.camera)
        self.told.append(fact)
        self.facts.append((NOW, kind, fact))
        return len(self.told)

    def recorded(self, epoch: int, end_s: float, *, last: bool = False, camera: str = "cam-1") -> None:
        self.facts.append((at(end_s), "segment", SegmentRecorded(camera=camera, owner="police", epoch=epoch, end_ns=at(end_s), last_of_epoch=last)))

    def interrupted(self, epoch: int, begun_s: float, ended_s: float = 0, closes: int = 0) -> None:
        fact = InterruptionObserved(camera="cam-1", epoch=epoch, cause=GAP_CAUSE_TRANSPORT_LOST, begun_ns=at(begun_s), closes_epoch=closes)
        fact.ended_ns = at(ended_s) if ended_s else 0
        self.facts.append((at(begun_s), "interruption", fact))

    def started(self, node: tuple[str, str], epoch: int, first_s: float, before: Started | None = None, camera: str = "cam-1") -> Started:
        behind = ((before.pool, before.node), at(first_s), before.epoch, before.first_ns) if before else (("", ""), at(first_s))
        start = Started(camera, epoch, *node, *behind)
        self.starts.append(start)
        return start

    def _must_be_there(self) -> None:
        if self.is_away:
            raise Unavailable("LOG_UNAVAILABLE", "the event log is away")


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def loss(tmp_path: Path, log: Log) -> SpoolLoss:
    return SpoolLoss(tmp_path, log, log, log, SettableClock())


def spans(log: Log) -> list[tuple[int, float, float]]:
    """(epoch, s, s) of what is told lost; each closes its epoch."""
    for fact in log.told:
        assert (fact.owner, fact.cause, fact.closes_epoch) == ("police", GAP_CAUSE_SPOOL_LOST, fact.epoch)
    return [(fact.epoch, (fact.begun_ns - BEGIN) / SECOND, (fact.ended_ns - BEGIN) / SECOND) for fact in log.told]


async def test_what_was_recorded_after_the_last_stored_segment_is_lost_until_now(loss: SpoolLoss, log: Log) -> None:
    log.started(OWN, 7, 1)
    log.recorded(7, 60)
    assert await loss.account() == 1
    assert spans(log) == [(7, 60, 3600)]


async def test_it_is_lost_until_another_process_went_on(loss: SpoolLoss, log: Log) -> None:
    mine = log.started(OWN, 7, 1)
    log.starts.clear()
    log.started(OTHER, 9, 75, mine)
    log.recorded(7, 60)
    log.recorded(9, 135)
    log.recorded(9, 195)
    await loss.account()
    assert spans(log) == [(7, 60, 75)]


async def test_segments_of_the_other_process_that_come_soon_hide_nothing(loss: SpoolLoss, log: Log) -> None:
    log.started(OTHER, 9, 75, Started("cam-1", 7, *OWN, first_ns=at(1)))
    log.recorded(7, 60)
    log.recorded(9, 77)
    await loss.account()
    assert spans(log) == [(7, 60, 75)]


async def test_an_epoch_of_which_nothing_was_stored_is_lost_from_its_first_picture(loss: SpoolLoss, log: Log) -> None:
    log.recorded(5, 60, last=True)
    log.recorded(5, 60, last=True, camera="cam-2")
    log.started(OWN, 7, 70)
    log.started(OTHER, 9, 120, Started("cam-2", 7, *OWN, first_ns=at(70)), camera="cam-2")
    await loss.account()
    assert spans(log) == [(7, 70, 3600), (7, 70, 120)]


async def test_of_a_note_without_the_epoch_before_the_stored_segment_says_which_it_was(loss: SpoolLoss, log: Log) -> None:
    log.starts.append(Started("cam-1", 9, *OTHER, OWN, at(75)))
    log.recorded(7, 60)
    await loss.account()
    assert spans(log) == [(7, 60, 75)]


async def test_of_an_epoch_that_ended_in_order_nothing_is_lost(loss: SpoolLoss, log: Log) -> None:
    log.started(OWN, 7, 1)
    log.recorded(7, 60, last=True)
    log.started(OTHER, 9, 60, Started("cam-2", 7, *OWN, first_ns=at(1)), camera="cam-2")
    log.recorded(7, 50, camera="cam-2")
    log.recorded(7, 60 + HANDED_OVER_NS / SECOND - 1, last=True, camera="cam-2")
    assert await loss.account() == 0
    assert log.told == []


@pytest.mark.parametrize("closes", [7, 8])
async def test_an_epoch_that_is_closed_already_is_told_no_more(loss: SpoolLoss, log: Log, closes: int) -> None:
    log.started(OWN, 7, 1)
    log.recorded(7, 60)
    log.interrupted(9, 60, closes=closes)
    assert await loss.account() == 0


async def test_while_the_camera_was_interrupted_nothing_was_recorded(loss: SpoolLoss, log: Log) -> None:
    log.started(OWN, 7, 1)
    log.recorded(7, 60)
    log.interrupted(7, 60, 90)
    await loss.account()
    assert spans(log) == [(7, 90, 3600)]


async def test_an_interruption_that_still_lasted_tells_all(loss: SpoolLoss, log: Log) -> None:
    log.started(OWN, 7, 1)
    log.recorded(7, 60)
    log.interrupted(7, 60)
    assert await loss.account() == 0


async def test_of_a_camera_whose_facts_are_not_kept_any_more_nothing_is_told(loss: SpoolLoss, log: Log) -> None:
    log.started(OWN, 7, 1)
    log.started(OTHER, 9, 75, Started("cam-2", 7, *OWN, first_ns=at(1)), camera="cam-2")
    assert await loss.account() == 0


async def test_a_spool_that_is_there_has_lost_nothing(loss: SpoolLoss, log: Log, tmp_path: Path) -> None:
    (tmp_path / "segments").mkdir()
    log.started(OWN, 7, 1)
    log.recorded(7, 60)
    assert await loss.account() == 0


async def test_it_is_told_once_and_in_one_line(loss: SpoolLoss, log: Log, caplog: pytest.LogCaptureFixture) -> None:
    for camera in ("cam-1", "cam-2", "cam-3"):
        log.started(OWN, 7, 1, camera=camera)
        log.recorded(7, 60, camera=camera)
    with caplog.at_level(logging.INFO):
        assert [await loss.account(), await loss.account()] == [3, 0]
    (line,) = caplog.records
    assert "what 3 cameras had recorded" in line.getMessage()


async def test_lost_spools_are_counted(loss: SpoolLoss, log: Log, exported: Any) -> None:
    log.started(OWN, 7, 1)
    log.recorded(7, 60)
    await loss.account()
    assert exported.value("vonglau.ingest.interruptions", **{"vonglau.cause": "spool_lost"}) == 1


async def test_a_log_that_is_away_is_waited_for(loss: SpoolLoss, log: Log, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("services.ingest.spool_loss.RETRY_S", 0.01)
    log.started(OWN, 7, 1)
    log.recorded(7, 60)
    log.is_away = True
    waiting = asyncio.create_task(loss.account())
    await asyncio.sleep(0)
    log.is_away = False
    await eventually(waiting.done)
    assert len(log.told) == 1
    assert (tmp_path / "segments").is_dir()
