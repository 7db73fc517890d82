"""Gaps are derived: recorded + gaps + pending + not meant is the range, whatever the facts say."""
from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recording.gaps import FRAME_NS, Interruption, Known, Span, Stretch, derive
from vonglau.ingest.v1.events_pb2 import (
    GAP_CAUSE_MOVED,
    GAP_CAUSE_REFUSED,
    GAP_CAUSE_RETENTION_DELETED,
    GAP_CAUSE_SOURCE_SILENT,
    GAP_CAUSE_SPOOL_LOST,
    GAP_CAUSE_SUSPENDED,
    GAP_CAUSE_TRANSPORT_LOST,
    GAP_CAUSE_UNASSIGNED,
    GAP_CAUSE_UNEXPLAINED,
    GAP_CAUSE_UNKNOWN,
    GAP_CAUSE_WRITER_FAILED,
)
from vonglau.recording.v1.service_pb2 import STRETCH_KIND_GAP, STRETCH_KIND_NOT_MEANT, STRETCH_KIND_PENDING, STRETCH_KIND_RECORDED

SECOND = 1_000_000_000
GAP, PENDING, RECORDED, NOT_MEANT = STRETCH_KIND_GAP, STRETCH_KIND_PENDING, STRETCH_KIND_RECORDED, STRETCH_KIND_NOT_MEANT


def span(start: float, end: float, number: int, *, epoch: int = 1, contiguous: bool = False, deleted: bool = False, spooled: bool = False) -> Span:
    return Span(round(start * SECOND), round(end * SECOND), epoch, number, number, contiguous, deleted, spooled)


def lost(begun: float, ended: float, cause: int = GAP_CAUSE_TRANSPORT_LOST) -> Interruption:
    return Interruption(round(begun * SECOND), round(ended * SECOND), cause)


def shown(known: Known, start: float, end: float) -> list[tuple[int, float, float, int]]:
    return [(each.kind, each.start / SECOND, each.end / SECOND, each.cause) for each in derive(known, round(start * SECOND), round(end * SECOND))]


def test_what_is_contiguous_has_no_gap_however_late_the_next_packet_came() -> None:
    known = Known([span(0, 10, 0), span(15, 20, 1, contiguous=True)])
    assert shown(known, 0, 20) == [(RECORDED, 0, 20, 0)]


def test_a_hole_within_an_epoch_is_a_gap_with_the_cause_that_covers_it() -> None:
    known = Known([span(0, 10, 0), span(15, 20, 1)], [lost(10, 15)])
    assert shown(known, 0, 20) == [(RECORDED, 0, 10, 0), (GAP, 10, 15, GAP_CAUSE_TRANSPORT_LOST), (RECORDED, 15, 20, 0)]


def test_what_no_cause_covers_is_named_unexplained() -> None:
    known = Known([span(0, 10, 0), span(15, 20, 1)], [lost(10, 12)])
    assert shown(known, 0, 20)[1:3] == [(GAP, 10, 12, GAP_CAUSE_TRANSPORT_LOST), (GAP, 12, 15, GAP_CAUSE_UNEXPLAINED)]


def test_a_frame_at_a_boundary_is_no_gap_of_its_own() -> None:
    known = Known([span(0, 10, 0), span(10.09, 20, 1), span(25.05, 30, 2)], [lost(20.08, 25)])
    assert shown(known, 0, 30) == [(RECORDED, 0, 20, 0), (GAP, 20, 25.05, GAP_CAUSE_TRANSPORT_LOST), (RECORDED, 25.05, 30, 0)]


def test_more_than_a_frame_is_a_gap() -> None:
    known = Known([span(0, 10, 0), span(10.2, 20, 1)])
    assert shown(known, 0, 20)[1] == (GAP, 10, 10.2, GAP_CAUSE_UNEXPLAINED)


def test_what_is_later_than_the_newest_fact_is_pending() -> None:
    assert shown(Known([span(0, 10, 0)]), 0, 20) == [(RECORDED, 0, 10, 0), (PENDING, 10, 20, 0)]


def test_an_interruption_that_lasts_is_a_gap_until_now() -> None:
    known = Known([span(0, 10, 0)], [lost(10, 0)], now=18 * SECOND)
    assert shown(known, 0, 20) == [(RECORDED, 0, 10, 0), (GAP, 10, 18, GAP_CAUSE_TRANSPORT_LOST), (PENDING, 18, 20, 0)]


def test_an_interruption_that_nobody_ended_is_over_when_something_is_recorded() -> None:
    known = Known([span(0, 10, 0), span(14, 20, 0, epoch=2), span(25, 30, 1, epoch=2)], [lost(10, 0)], now=99 * SECOND)
    assert shown(known, 0, 30)[1] == (GAP, 10, 14, GAP_CAUSE_TRANSPORT_LOST)
    assert shown(known, 0, 30)[3] == (GAP, 20, 25, GAP_CAUSE_UNEXPLAINED)


def test_time_in_which_nobody_could_have_the_camera_is_a_gap_until_somebody_takes_it_and_begins() -> None:
    nobodys, connecting = lost(0, 0, GAP_CAUSE_UNASSIGNED), lost(30, 32, GAP_CAUSE_SOURCE_SILENT)
    assert shown(Known([], [nobodys], now=20 * SECOND), 0, 20) == [(GAP, 0, 20, GAP_CAUSE_UNASSIGNED)]
    taken = Known([span(32, 40, 0, epoch=7)], [nobodys._replace(ended=33 * SECOND), connecting])
    assert shown(taken, 0, 40) == [(GAP, 0, 30, GAP_CAUSE_UNASSIGNED), (GAP, 30, 32, GAP_CAUSE_SOURCE_SILENT), (RECORDED, 32, 40, 0)]


def test_of_several_causes_the_one_that_was_stated_last_counts() -> None:
    known = Known([span(0, 10, 0), span(30, 40, 1)], [lost(10, 30), lost(12, 20, GAP_CAUSE_REFUSED)])
    causes = [(start, end, cause) for kind, start, end, cause in shown(known, 0, 40) if kind == GAP]
    assert causes == [(10, 12, GAP_CAUSE_TRANSPORT_LOST), (12, 20, GAP_CAUSE_REFUSED), (20, 30, GAP_CAUSE_TRANSPORT_LOST)]


@pytest.mark.parametrize("change", [GAP_CAUSE_MOVED, GAP_CAUSE_WRITER_FAILED])
def test_a_spool_that_is_lost_says_more_than_that_another_process_went_on_and_less_than_what_happened_to_the_camera(change: int) -> None:
    spans = [span(0, 10, 0, epoch=5), span(40, 50, 0, epoch=7)]
    known = Known(spans, [lost(10, 40, change), lost(10, 30, GAP_CAUSE_SPOOL_LOST), lost(12, 15)])
    causes = [(start, end, cause) for kind, start, end, cause in shown(known, 0, 50) if kind == GAP]
    told = [(10, 12, GAP_CAUSE_SPOOL_LOST), (12, 15, GAP_CAUSE_TRANSPORT_LOST), (15, 30, GAP_CAUSE_SPOOL_LOST), (30, 40, change)]
    assert causes == told


def test_a_spool_that_is_lost_denies_no_segment() -> None:
    known = Known([span(0, 10, 0, epoch=5), span(15, 20, 1, epoch=5), span(30, 40, 0, epoch=7)], [lost(5, 35, GAP_CAUSE_SPOOL_LOST)])
    assert [(start, end) for kind, start, end, _ in shown(known, 0, 40) if kind == RECORDED] == [(0, 10), (15, 20), (30, 40)]


def test_between_epochs_a_hole_is_pending_until_the_older_one_is_closed() -> None:
    spans = [span(0, 10, 0, epoch=5), span(20, 30, 0, epoch=7)]
    assert shown(Known(spans, open_epochs=frozenset({5, 7})), 0, 30)[1] == (PENDING, 10, 20, 0)
    assert shown(Known(spans, open_epochs=frozenset({7})), 0, 30)[1] == (GAP, 10, 20, GAP_CAUSE_UNEXPLAINED)


def test_an_epoch_in_between_that_told_nothing_of_its_footage_keeps_the_hole_pending() -> None:
    spans = [span(0, 10, 0, epoch=5), span(20, 30, 0, epoch=7)]
    assert shown(Known(spans, open_epochs=frozenset({6, 7})), 0, 30)[1][0] == PENDING


def test_a_cause_is_told_at_once_even_where_the_older_epoch_is_open() -> None:
    known = Known([span(0, 10, 0, epoch=5), span(20, 30, 0, epoch=7)], [lost(12, 20, GAP_CAUSE_WRITER_FAILED)], open_epochs=frozenset({5}))
    assert shown(known, 0, 30)[1:3] == [(PENDING, 10, 12, 0), (GAP, 12, 20, GAP_CAUSE_WRITER_FAILED)]


def test_a_late_segment_of_the_older_epoch_fills_the_hole() -> None:
    spans = [span(0, 10, 0, epoch=5), span(20, 30, 0, epoch=7), span(10, 20, 1, epoch=5, contiguous=True)]
    assert shown(Known(spans, open_epochs=frozenset({7})), 0, 30) == [(RECORDED, 0, 30, 0)]


def test_overlapping_epochs_count_once() -> None:
    known = Known([span(0, 10, 0, epoch=5), span(6, 16, 0, epoch=7)])
    assert shown(known, 0, 16) == [(RECORDED, 0, 16, 0)]


def test_before_a_spooled_segment_whose_forerunner_is_not_indexed_yet_time_is_pending() -> None:
    stored, spooled = span(0, 10, 0), span(20, 25, 2, spooled=True)
    assert shown(Known([stored, spooled]), 0, 25)[1] == (PENDING, 10, 20, 0)
    assert shown(Known([stored, spooled, span(10, 20, 1, contiguous=True)]), 0, 25) == [(RECORDED, 0, 25, 0)]


def test_a_suspended_camera_has_gaps_that_say_so_and_nothing_was_meant_before_it_was_registered() -> None:
    meant = [(10 * SECOND, 20 * SECOND), (40 * SECOND, 50 * SECOND)]
    known = Known([span(10, 20, 0), span(40, 50, 1)], meant=meant, registered=10 * SECOND, retired=50 * SECOND)
    assert shown(known, 0, 60) == [
        (NOT_MEANT, 0, 10, 0), (RECORDED, 10, 20, 0), (GAP, 20, 40, GAP_CAUSE_SUSPENDED), (RECORDED, 40, 50, 0), (NOT_MEANT, 50, 60, 0),
    ]


def test_deleted_footage_is_a_gap_that_names_retention() -> None:
    known = Known([span(0, 10, 0, deleted=True), span(10, 20, 1, contiguous=True, deleted=True), span(20, 30, 2, contiguous=True)])
    assert shown(known, 0, 30) == [(GAP, 0, 20, GAP_CAUSE_RETENTION_DELETED), (RECORDED, 20, 30, 0)]


def test_a_day_restored_from_a_bucket_alone_says_that_causes_are_unknown() -> None:
    known = Known([span(0, 10, 0), span(15, 20, 1)], unknown=[(0, 3600 * SECOND)])
    assert shown(known, 0, 20)[1] == (GAP, 10, 15, GAP_CAUSE_UNKNOWN)


@pytest.mark.parametrize("step", [-3600, 3600])
def test_a_clock_step_between_segments_loses_nothing(step: int) -> None:
    spans = [span(4000, 4010, 0), span(4010 + step, 4020 + step, 1, contiguous=True)]
    stretches = derive(Known(spans), 0, 9000 * SECOND)
    recorded = sum(each.end - each.start for each in stretches if each.kind == RECORDED)
    assert recorded >= 20 * SECOND


times = st.integers(0, 400).map(lambda tenths: tenths * SECOND // 10)
spans = st.builds(
    lambda start, length, epoch, number, contiguous, deleted, spooled: Span(start, start + length, epoch, number, number, contiguous, deleted, spooled),
    times, st.integers(0, 80).map(lambda tenths: tenths * SECOND // 10), st.integers(1, 4), st.integers(0, 6), st.booleans(), st.booleans(), st.booleans(),
)
interruptions = st.builds(
    lambda begun, length, lasts, cause: Interruption(begun, 0 if lasts else begun + length, cause), times, times, st.booleans(), st.integers(1, 13),
)
worlds = st.builds(
    Known, st.lists(spans, max_size=12), st.lists(interruptions, max_size=6), st.lists(st.tuples(times, st.none() | times), max_size=3),
    times, st.none() | times, st.frozensets(st.integers(1, 4)), st.just(()), times,
)


def total(stretches: list[Stretch]) -> int:
    return sum(each.end - each.start for each in stretches)


@settings(max_examples=400)
@given(known=worlds, start=times, length=st.integers(1, 500))
def test_the_stretches_add_up_to_the_range_exactly_in_order_and_without_holes(known: Known, start: int, length: int) -> None:
    end = start + length * SECOND // 10
    stretches = derive(known, start, end)
    assert stretches[0].start == start
    assert stretches[-1].end == end
    assert all(one.end == other.start for one, other in pairwise(stretches))
    assert all(each.end > each.start for each in stretches)


@settings(max_examples=200)
@given(known=worlds, data=st.data())
def test_order_and_repetition_of_the_facts_change_nothing(known: Known, data: st.DataObject) -> None:
    once = {(span.epoch, span.first): span for span in known.spans}
    known = Known(list(once.values()), known.interruptions, known.meant, known.registered, known.retired, known.open_epochs, known.unknown, known.now)
    shuffled = data.draw(st.permutations([*known.spans, *known.spans]))
    other = Known(shuffled, list(reversed(known.interruptions)), known.meant, known.registered, known.retired, known.open_epochs, known.unknown, known.now)
    assert derive(known, 0, 50 * SECOND) == derive(other, 0, 50 * SECOND)


@settings(max_examples=200)
@given(known=worlds)
def test_recorded_time_is_never_told_as_a_gap(known: Known) -> None:
    stretches = derive(known, 0, 60 * SECOND)
    live = [span for span in known.spans if not span.deleted and not span.contiguous and not span.spooled and span.end > span.start]
    numbers = [(span.epoch, span.first) for span in known.spans]
    for each in live:
        if numbers.count((each.epoch, each.first)) == 1 and (each.epoch, each.first + 1) not in numbers:
            inside = [s for s in stretches if s.kind != RECORDED and s.start < each.end - FRAME_NS and s.end > each.start + FRAME_NS]
            assert not inside
