"""Facts become documents: in any order, any number of times, the same."""
from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recording import camera_hour, recorded_camera
from services.recording.camera_hour import CameraHours
from services.recording.days import HOUR_NS, as_date, day_of, hour_bits
from services.recording.entry import Entry, fact_of
from services.recording.recorded_camera import open_epochs
from vonglau.errors import Poison
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_REFUSED, GAP_CAUSE_SPOOL_LOST, ClockMeasured, InterruptionObserved, SegmentRecorded, StreamChanged
from vonglau.media.segment import segment_key
from vonglau.recording.v1.events_pb2 import DeletionIntended, Numbers

BEGIN = 1_767_225_600_000_000_000
SECOND = 1_000_000_000

Make = Callable[..., SegmentRecorded]
Tell = Callable[..., Any]


def project(messages: list[Any], recorded: Tell) -> dict[str, Any]:
    view = CameraHours()
    documents: dict[str, Any] = {}
    for sequence, message in enumerate(messages, 1):
        event = recorded(message, sequence)
        for name in view.touches(event):
            documents[name] = copy.deepcopy(view.evolve(documents.get(name), event, name))
    return documents


def test_a_segment_that_spans_two_hours_stands_in_both(segment: Make, recorded: Tell) -> None:
    documents = project([segment(0, 3590, 60)], recorded)
    assert sorted(documents) == ["cam-1/2026-01-01T00", "cam-1/2026-01-01T01"]
    assert all(list(document["segments"]) == ["1-0"] for document in documents.values())


def test_an_entry_gives_the_fact_again(segment: Make, recorded: Tell) -> None:
    fact = segment(3, 100, contiguous=True, clock_known=True, clock_offset_ns=-5, drift_ns=7, previous_sha256=b"p" * 32, recovered=True, lost_packets=4)
    (document,) = project([fact], recorded).values()
    assert fact_of("cam-1", Entry(*document["segments"]["1-3"])) == fact


def test_a_segment_told_twice_stands_once_and_a_later_fact_may_close_its_epoch(segment: Make, recorded: Tell) -> None:
    first = project([segment(0)], recorded)
    assert project([segment(0), segment(0)], recorded) == first
    closed = project([segment(0), segment(0, last_of_epoch=True)], recorded)
    assert closed == project([segment(0, last_of_epoch=True)], recorded) != first


def test_an_interruption_keeps_its_end_once_it_is_known(recorded: Tell) -> None:
    begun = InterruptionObserved(camera="cam-1", owner="police", epoch=1, cause=GAP_CAUSE_REFUSED, begun_ns=BEGIN + 10 * SECOND)
    ended = InterruptionObserved(camera="cam-1", owner="police", epoch=1, cause=GAP_CAUSE_REFUSED, begun_ns=BEGIN + 10 * SECOND, ended_ns=BEGIN + HOUR_NS + 5)
    assert project([begun, ended], recorded) == project([ended, begun, ended], recorded)
    assert len(project([begun, ended], recorded)) == 2


def test_an_interruption_keeps_that_it_closed_epochs_whichever_of_its_facts_said_so(recorded: Tell) -> None:
    begun: dict[str, Any] = {"camera": "cam-1", "owner": "police", "epoch": 9, "begun_ns": BEGIN}
    ended = BEGIN + SECOND
    plain = [InterruptionObserved(**begun), InterruptionObserved(**begun, ended_ns=ended)]
    for closing in (InterruptionObserved(**begun, closes_epoch=8), InterruptionObserved(**begun, ended_ns=ended, closes_epoch=8)):
        for facts in ([closing, *plain], [*plain, closing]):
            (hour,) = project(facts, recorded).values()
            (row,) = hour["interruptions"].values()
            assert (row[2], row[6]) == (ended, 8)


def test_deleted_segments_leave_the_time_that_they_covered(segment: Make, recorded: Tell) -> None:
    facts = [segment(0, 0), segment(1, 60, contiguous=True), segment(2, 200)]
    document = project([*facts, deletion(0, 2)], recorded)["cam-1/2026-01-01T00"]
    assert document["segments"] == {}
    assert document["live_hour"] is None
    assert document["deleted"] == [[1, 0, 1, BEGIN, BEGIN + 120 * SECOND, False], [1, 2, 2, BEGIN + 200 * SECOND, BEGIN + 260 * SECOND, False]]


def test_a_segment_that_comes_after_the_deletion_of_others_is_kept(segment: Make, recorded: Tell) -> None:
    document = project([segment(0), deletion(0, 0), segment(1, 60)], recorded)["cam-1/2026-01-01T00"]
    assert list(document["segments"]) == ["1-1"]
    assert document["live_hour"] == BEGIN // HOUR_NS


@pytest.mark.parametrize("broken", [{"end_ns": BEGIN - 1}, {"end_ns": BEGIN + 2 * HOUR_NS}, {"key": "cam-1/2026/01/01/other.mp4"}])
def test_an_impossible_segment_is_poison(segment: Make, recorded: Tell, broken: dict[str, Any]) -> None:
    fact = segment(0)
    fact.MergeFrom(SegmentRecorded(**broken))
    with pytest.raises(Poison):
        CameraHours().touches(recorded(fact))


def deletion(first: int, last: int) -> DeletionIntended:
    day = BEGIN // HOUR_NS // 24
    numbers = [Numbers(epoch=1, first=first, last=last)]
    return DeletionIntended(camera="cam-1", owner="police", day=as_date(day), hours=hour_bits([BEGIN // HOUR_NS]), numbers=numbers)


def make_segment(epoch: int, number: int) -> SegmentRecorded:
    start = BEGIN + (epoch * 1000 + number * 61) * SECOND
    key = segment_key("cam-1", start, epoch, number)
    end = start + 60 * SECOND
    return SegmentRecorded(camera="cam-1", owner="police", epoch=epoch, number=number, start_ns=start, end_ns=end, key=key, contiguous=number % 2 > 0)


segments = st.builds(make_segment, st.integers(1, 3), st.integers(0, 8))


def make_interruption(begun: int, length: int) -> InterruptionObserved:
    ended = BEGIN + begun + length if length else 0
    return InterruptionObserved(camera="cam-1", epoch=1, cause=GAP_CAUSE_REFUSED, begun_ns=BEGIN + begun, ended_ns=ended)


interruptions = st.builds(make_interruption, st.integers(0, HOUR_NS), st.sampled_from([0, SECOND, HOUR_NS]))
others = st.builds(lambda at: StreamChanged(camera="cam-1", epoch=1, at_ns=BEGIN + at), st.integers(0, HOUR_NS)) | st.builds(
    lambda at: ClockMeasured(camera="cam-1", epoch=1, at_ns=BEGIN + at, offset_ns=5), st.integers(0, HOUR_NS),
)
deletions = st.builds(lambda first, more: deletion(first, first + more), st.integers(0, 8), st.integers(0, 3))
facts = st.lists(segments | interruptions | others | deletions, max_size=25)


@settings(max_examples=150)
@given(facts=facts, data=st.data())
def test_repetition_and_order_of_facts_change_nothing(facts: list[Any], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations([*facts, *facts]))
    assert fold(facts) == fold(shuffled)


def fold(messages: list[Any]) -> dict[str, Any]:
    documents: dict[str, Any] = {}
    for message in messages:
        for hour in camera_hour.hours_touched(message):
            name = camera_hour.hour_id("cam-1", hour)
            documents[name] = camera_hour.evolved(documents.get(name), message, name)
    return documents


def totals(messages: list[Any]) -> dict[str, Any]:
    document: dict[str, Any] | None = None
    for message in messages:
        document = recorded_camera.evolved(document, message, "cam-1")
    assert document is not None
    return document


@given(numbers=st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_totals_count_each_segment_once(numbers: list[int]) -> None:
    known = totals([make_segment(1, number) for number in numbers])
    assert known["segments"] == len(set(numbers))
    told = {number for first, last in known["epochs"]["1"]["numbers"] for number in range(first, last + 1)}
    assert told == set(numbers)


def test_an_epoch_is_open_until_its_last_segment_or_until_an_interruption_closes_it(segment: Make) -> None:
    facts: list[Any] = [segment(0, epoch=5), segment(0, 100, epoch=7), segment(0, 200, epoch=9)]
    assert open_epochs(totals(facts)) == {5, 7, 9}
    facts.append(segment(1, 260, epoch=9, last_of_epoch=True))
    facts.append(InterruptionObserved(camera="cam-1", epoch=9, cause=GAP_CAUSE_SPOOL_LOST, begun_ns=1, ended_ns=2, closes_epoch=5))
    assert open_epochs(totals(facts)) == {7}


def test_an_interruption_that_nobody_ended_is_remembered_with_when_it_was_over(segment: Make) -> None:
    begun = InterruptionObserved(camera="cam-1", epoch=1, cause=GAP_CAUSE_REFUSED, begun_ns=BEGIN + 60 * SECOND)
    known = totals([segment(0), begun, segment(0, 90, epoch=2)])
    assert [row[3] for row in known["unended"].values()] == [BEGIN + 90 * SECOND]
    begun.ended_ns = BEGIN + 80 * SECOND
    assert totals([segment(0), begun])["unended"] == {}


def test_a_fact_that_comes_days_late_names_its_day_for_the_archive(segment: Make) -> None:
    known = recorded_camera.evolved(None, segment(0), "cam-1", BEGIN + 3 * 24 * HOUR_NS)
    assert known["late_days"] == [BEGIN // HOUR_NS // 24]


def test_a_date_names_its_day_again() -> None:
    assert day_of(deletion(0, 0).day) == BEGIN // HOUR_NS // 24
