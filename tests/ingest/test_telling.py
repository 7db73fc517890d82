"""Interruptions on their way out, the epochs that they close, and what the spool reports."""
from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from services.ingest.causes import Cause, InterruptionBegun, InterruptionEnded
from services.ingest.listening import Listening
from services.ingest.outbox import Outbox
from services.ingest.segment import ClosedSegment
from services.ingest.telling import Telling
from services.ingest.uploader import Uploader
from vonglau.ingest.v1.events_pb2 import (
    GAP_CAUSE_SPOOL_FULL,
    GAP_CAUSE_SPOOL_LOST,
    GAP_CAUSE_STORAGE_UNAVAILABLE,
    ClockMeasured,
    InterruptionObserved,
    SegmentRecorded,
    StreamChanged,
)
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_TRAFFIC

Closed = Callable[..., ClosedSegment]


class Sent(Outbox):
    """An outbox that keeps what is put in."""

    def __init__(self) -> None:
        self.facts: list[object] = []

    def put(self, kind: str, camera: str, fact: object) -> None:
        self.facts.append(fact)


class Uploads(Uploader):
    def __init__(self) -> None:
        self.added: list[ClosedSegment] = []
        self.stores_away: dict[str, str] = {}
        self.stored: dict[ClosedSegment, SegmentRecorded] = {}

    def add(self, segment: ClosedSegment) -> None:
        self.added.append(segment)

    def given_up(self, segment: ClosedSegment) -> SegmentRecorded | None:
        return self.stored.pop(segment, None)


def with_clock(segment: ClosedSegment, offset_ms: int | None, width: int = 320) -> ClosedSegment:
    object.__setattr__(segment.head, "clock_offset_ns", None if offset_ms is None else offset_ms * 1_000_000)
    object.__setattr__(segment.head, "width", width)
    return segment


def begun(number: int, epoch: int = 7) -> InterruptionObserved:
    return InterruptionObserved(camera="cam-1", owner="police", epoch=epoch, begun_ns=number)


def closings(sent: Sent) -> list[int]:
    return [fact.closes_epoch for fact in sent.facts if isinstance(fact, InterruptionObserved)]


def test_the_first_interruption_of_an_heir_closes_every_epoch_before_its_own_once() -> None:
    telling = Telling(sent := Sent(), lambda _camera, _epoch: False)
    telling.inherit("cam-1")
    for number in range(3):
        telling.tell(begun(number))
    assert closings(sent) == [6, 0, 0]


def test_who_inherited_nothing_closes_nothing() -> None:
    telling = Telling(sent := Sent(), lambda _camera, _epoch: False)
    telling.tell(begun(1))
    telling.advanced("cam-1")
    assert closings(sent) == [0]


def test_as_long_as_something_from_before_waits_nothing_is_closed_and_then_it_is_told_again() -> None:
    waiting = {("cam-1", 7)}
    telling = Telling(sent := Sent(), lambda camera, epoch: (camera, epoch) in waiting)
    telling.inherit("cam-1")
    telling.tell(begun(1))
    telling.advanced("cam-1")
    assert closings(sent) == [0]
    waiting.clear()
    telling.advanced("cam-1")
    telling.advanced("cam-1")
    assert closings(sent) == [0, 6]
    assert {fact.begun_ns for fact in sent.facts if isinstance(fact, InterruptionObserved)} == {1}, "the same interruption"


def test_a_retired_camera_is_told_as_nobodys() -> None:
    telling = Telling(Sent(), lambda _camera, _epoch: False)
    telling.tell(begun(1))
    assert telling.told_as("cam-1") == ("police", 7)
    telling.forget("cam-1")
    assert telling.told_as("cam-1") is None


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def uploads() -> Uploads:
    return Uploads()


@pytest.fixture
def listening(sent: Sent, uploads: Uploads) -> Listening:
    return Listening(uploads, sent, 2_000_000_000, lambda camera: ("police", 7) if camera == "cam-1" else None, lambda _: CAMERA_CLASS_TRAFFIC)


def test_what_the_spool_cannot_take_is_told_under_the_epoch_of_its_camera(listening: Listening, sent: Sent) -> None:
    listening.footage_lost(InterruptionBegun("cam-1", Cause.SPOOL_FULL, 5, "the spool can't be written"))
    assert list(listening.unwritten) == ["cam-1"]
    listening.footage_lost(InterruptionEnded("cam-1", Cause.SPOOL_FULL, 5, 9))
    lasting = InterruptionObserved(camera="cam-1", owner="police", epoch=7, cause=GAP_CAUSE_SPOOL_FULL, begun_ns=5, detail="the spool can't be written")
    ended = InterruptionObserved(ended_ns=9)
    ended.MergeFrom(lasting)
    assert sent.facts == [lasting, ended]
    assert listening.unwritten == {}


def test_what_is_lost_of_a_camera_that_is_retired_meanwhile_is_not_told(listening: Listening, sent: Sent) -> None:
    listening.footage_lost(InterruptionBegun("cam-2", Cause.SPOOL_FULL, 5, ""))
    listening.footage_lost(InterruptionEnded("cam-2", Cause.SPOOL_FULL, 5, 9))
    assert (sent.facts, listening.unwritten) == ([], {})


@pytest.mark.parametrize(("away", "cause"), [({}, GAP_CAUSE_SPOOL_FULL), ({"hanoi-police-footage": "full"}, GAP_CAUSE_STORAGE_UNAVAILABLE)])
def test_what_the_spool_gave_up_is_a_gap_with_its_cause(
    listening: Listening, sent: Sent, uploads: Uploads, closed: Closed, away: dict[str, str], cause: int
) -> None:
    uploads.stores_away = away
    segment = closed(2)
    listening.segment_shed(segment)
    (fact,) = sent.facts
    assert isinstance(fact, InterruptionObserved)
    assert (fact.cause, fact.begun_ns, fact.ended_ns, fact.epoch, fact.owner) == (cause, segment.head.start_ns, segment.end_ns, 7, "hanoi-police")


def test_what_was_stored_before_it_was_given_up_is_told_as_recorded(listening: Listening, sent: Sent, uploads: Uploads, closed: Closed) -> None:
    segment = closed(2)
    uploads.stored[segment] = SegmentRecorded(camera="cam-1", number=2)
    listening.segment_shed(segment)
    assert sent.facts == [SegmentRecorded(camera="cam-1", number=2)]


def test_a_segment_that_vanished_from_the_spool_is_a_gap(listening: Listening, sent: Sent, closed: Closed) -> None:
    listening.segment_lost(closed(2), "the file in the spool is gone")
    (fact,) = sent.facts
    assert isinstance(fact, InterruptionObserved)
    assert fact.cause == GAP_CAUSE_SPOOL_LOST


def test_the_picture_and_the_clock_are_told_when_they_change(listening: Listening, sent: Sent, uploads: Uploads, closed: Closed) -> None:
    for number, (offset_ms, width) in enumerate([(None, 320), (1000, 320), (1050, 320), (1990, 640), (2010, 640)]):
        listening.segment_closed(with_clock(closed(number), offset_ms, width))
    assert [fact.width_px for fact in sent.facts if isinstance(fact, StreamChanged)] == [320, 640]
    clocks = [(fact.offset_ns // 1_000_000, fact.beyond_limit) for fact in sent.facts if isinstance(fact, ClockMeasured)]
    assert clocks == [(1000, False), (1990, False), (2010, True)]
    assert len(uploads.added) == 5


def test_a_clock_that_passes_the_limit_is_an_alarm_once_and_its_return_is_told(
    listening: Listening, closed: Closed, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "services.ingest")
    for number, offset_ms in enumerate([1990, 7300, 7450, -3_600_000, None, 100, 90]):
        listening.segment_closed(with_clock(closed(number), offset_ms))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "cam-1: its clock is 7.3 s ahead, more than the limit of 2 s: set it, or the time server it asks"),
        ("INFO", "cam-1: its clock is 0.1 s ahead, within the limit of 2 s again"),
    ]


def test_a_clock_that_is_off_from_the_first_segment_on_is_an_alarm_too(listening: Listening, closed: Closed, caplog: pytest.LogCaptureFixture) -> None:
    listening.segment_closed(with_clock(closed(1), -2500))
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "cam-1: its clock is 2.5 s behind, more than the limit of 2 s: set it, or the time server it asks"
    ]
