"""Documents become stretches and marks."""
from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.recording import camera_hour, recorded_camera
from services.recording.entry import CONTIGUOUS, Entry
from services.recording.gaps import Known, Span, derive
from services.recording.timeline import entries_of, interruptions_of, known_of, marks_of, spans_of
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_REFUSED, ClockMeasured, InterruptionObserved, SegmentRecorded, StreamChanged
from vonglau.media.segment import segment_key
from vonglau.recording.v1.service_pb2 import (
    MARK_KIND_CLOCK_OFFSET,
    MARK_KIND_DISCONTINUITY,
    MARK_KIND_DRIFT,
    MARK_KIND_EPOCH,
    MARK_KIND_STREAM_CHANGED,
    STRETCH_KIND_GAP,
    STRETCH_KIND_PENDING,
    STRETCH_KIND_RECORDED,
)

BEGIN = 1_767_225_600_000_000_000
SECOND = 1_000_000_000


def hour(*messages: Any) -> list[dict[str, Any]]:
    document: dict[str, Any] | None = None
    for message in messages:
        document = camera_hour.evolved(document, message, "cam-1/2026-01-01T00")
    return [document] if document else []


def known_camera(*messages: Any) -> dict[str, Any]:
    document: dict[str, Any] | None = None
    for message in messages:
        document = recorded_camera.evolved(document, message, "cam-1")
    assert document is not None
    return document


def test_discontinuities_and_changes_are_marks_and_never_gaps(segment: Any) -> None:
    facts = [
        segment(0), segment(1, 60, contiguous=True, drift_ns=60_000_000), segment(2, 120, contiguous=True, drift_ns=3_000_000),
        segment(3, 180, contiguous=True, discontinuity=True, drift_ns=-9 * SECOND), segment(0, 240, epoch=2),
        StreamChanged(camera="cam-1", epoch=1, at_ns=BEGIN + 5, codec="avc1.4d401f", width_px=640, height_px=360, has_audio=True),
        ClockMeasured(camera="cam-1", epoch=1, at_ns=BEGIN + 6, offset_ns=7_300_000_000, beyond_limit=True),
    ]
    hours = hour(*facts)
    entries = entries_of(hours)
    marks = marks_of(entries, hours, BEGIN, BEGIN + 3600 * SECOND)
    assert [(mark.kind, mark.amount_ns, mark.detail) for mark in marks] == [
        (MARK_KIND_EPOCH, 0, "1"),
        (MARK_KIND_STREAM_CHANGED, 0, "avc1.4d401f 640x360 with audio"),
        (MARK_KIND_CLOCK_OFFSET, 7_300_000_000, "beyond the limit"),
        (MARK_KIND_DRIFT, 60_000_000, ""),
        (MARK_KIND_DISCONTINUITY, -9 * SECOND, ""),
        (MARK_KIND_EPOCH, 0, "2"),
    ]
    stretches = derive(Known(spans_of(entries, hours)), BEGIN, BEGIN + 300 * SECOND)
    assert [each.kind for each in stretches] == [STRETCH_KIND_RECORDED]


def test_a_clock_is_marked_where_it_has_moved_and_not_with_every_measurement() -> None:
    offsets = [0, 10_000_000, 150_000_000, 210_000_000, 215_000_000]
    hours = hour(*(ClockMeasured(camera="cam-1", epoch=1, at_ns=BEGIN + at, offset_ns=each) for at, each in enumerate(offsets)))
    assert [mark.amount_ns for mark in marks_of([], hours, BEGIN, BEGIN + SECOND)] == [0, 210_000_000]


def test_marks_outside_the_range_are_left_out(segment: Any) -> None:
    hours = hour(segment(0), segment(1, 60, contiguous=True, discontinuity=True))
    assert [mark.kind for mark in marks_of(entries_of(hours), hours, BEGIN, BEGIN + 60 * SECOND)] == [MARK_KIND_EPOCH]


def test_an_interruption_that_began_long_before_the_range_still_tells_its_cause(segment: Any) -> None:
    begun = InterruptionObserved(camera="cam-1", epoch=1, cause=GAP_CAUSE_REFUSED, begun_ns=BEGIN + 60 * SECOND)
    recorded = known_camera(segment(0), begun)
    start = BEGIN + 10 * 3600 * SECOND
    known = known_of([], [], recorded, None, start + 30 * SECOND)
    stretches = derive(known, start, start + 60 * SECOND)
    assert [(each.kind, each.end - each.start) for each in stretches] == [(STRETCH_KIND_GAP, 30 * SECOND), (STRETCH_KIND_PENDING, 30 * SECOND)]


def test_of_an_interruption_the_end_that_somebody_told_counts(segment: Any) -> None:
    begun = InterruptionObserved(camera="cam-1", epoch=1, cause=GAP_CAUSE_REFUSED, begun_ns=BEGIN + 60 * SECOND)
    ended = InterruptionObserved(camera="cam-1", epoch=1, cause=GAP_CAUSE_REFUSED, begun_ns=BEGIN + 60 * SECOND, ended_ns=BEGIN + 70 * SECOND)
    (found,) = interruptions_of(hour(begun, ended), known_camera(begun, ended))
    assert found.ended == BEGIN + 70 * SECOND


def entry(epoch: int, number: int, start: int, length: int, contiguous: bool) -> Entry:
    begin = start * SECOND // 10
    where = (epoch, number, begin, begin + length * SECOND // 10)
    return Entry._make([*where, CONTIGUOUS * contiguous, 0, "", "", "police", "", *[0] * 9])


entries = st.lists(st.builds(entry, st.integers(1, 2), st.integers(0, 6), st.integers(0, 300), st.integers(0, 80), st.booleans()), max_size=10)


@settings(max_examples=300)
@given(found=entries)
def test_runs_of_segments_are_derived_like_the_segments_one_by_one(found: list[Entry]) -> None:
    once = sorted({(each.epoch, each.number): each for each in found}.values())
    single = [Span(each.start, each.end, each.epoch, each.number, each.number, each.has(CONTIGUOUS)) for each in once]
    assert derive(Known(spans_of(once, [])), 0, 40 * SECOND) == derive(Known(single), 0, 40 * SECOND)


def told_segment(epoch: int, number: int, start: int, length: int, contiguous: bool, last: bool) -> SegmentRecorded:
    begin = BEGIN + start * SECOND
    key = segment_key("cam-1", begin, epoch, number)
    end = begin + length * SECOND
    return SegmentRecorded(
        camera="cam-1", owner="police", epoch=epoch, number=number, start_ns=begin, end_ns=end, key=key, contiguous=contiguous, last_of_epoch=last,
    )


def told_interruption(epoch: int, begun: int, length: int) -> InterruptionObserved:
    ended = BEGIN + (begun + length) * SECOND if length else 0
    return InterruptionObserved(camera="cam-1", epoch=epoch, cause=GAP_CAUSE_REFUSED, begun_ns=BEGIN + begun * SECOND, ended_ns=ended, closes_epoch=epoch - 1)


within_3_hours = st.integers(-3600, 7200)
facts = st.lists(
    st.builds(told_segment, st.integers(1, 3), st.integers(0, 5), within_3_hours, st.integers(0, 3600), st.booleans(), st.booleans())
    | st.builds(told_interruption, st.integers(1, 3), within_3_hours, st.sampled_from([0, 60, 5000])),
    max_size=20,
)


@settings(max_examples=150)
@given(told=facts, start=within_3_hours, length=st.integers(1, 9000), now=st.integers(0, 9000))
def test_from_any_facts_the_stretches_add_up_to_the_range(told: list[Any], start: int, length: int, now: int) -> None:
    hours: dict[str, Any] = {}
    recorded: dict[str, Any] | None = None
    for fact in [*told, *told[::-1]]:  # every fact twice, the second time in the other order
        for touched in camera_hour.hours_touched(fact):
            name = camera_hour.hour_id("cam-1", touched)
            hours[name] = camera_hour.evolved(hours.get(name), fact, name)
        recorded = recorded_camera.evolved(recorded, fact, "cam-1")
    found = list(hours.values())
    camera = {"meant": [[BEGIN, BEGIN + 3600 * SECOND], [BEGIN + 4000 * SECOND, None]], "registered": BEGIN, "retired": BEGIN + 7000 * SECOND}
    known = known_of(found, spans_of(entries_of(found), found), recorded, camera, BEGIN + now * SECOND)
    first, last = BEGIN + start * SECOND, BEGIN + (start + length) * SECOND
    stretches = derive(known, first, last)
    assert (stretches[0].start, stretches[-1].end) == (first, last)
    assert all(one.end == other.start for one, other in pairwise(stretches))
    assert all(each.end > each.start for each in stretches)
