"""How a camera's past ended, and from where its next interruption counts."""
from __future__ import annotations

from collections.abc import Callable

from services.ingest.causes import Cause
from services.ingest.predecessor import Past, predecessor
from services.ingest.roster import Listed
from services.ingest.segment import ClosedSegment
from services.ingest.station import interrupted
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_UNASSIGNED, InterruptionObserved, SegmentRecorded
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_TRAFFIC

SECOND = 1_000_000_000
BEGIN = 1_767_225_600 * SECOND
NOW = Past(9, BEGIN + 1000 * SECOND, Cause.WRITER_FAILED)


def fact(end_s: float) -> SegmentRecorded:
    return SegmentRecorded(camera="cam-1", end_ns=BEGIN + round(end_s * SECOND), sha256=b"\x01" * 32)


def interruption(begun_s: float, ended_s: float = 0) -> InterruptionObserved:
    return InterruptionObserved(camera="cam-1", begun_ns=BEGIN + round(begun_s * SECOND), ended_ns=BEGIN + round(ended_s * SECOND) if ended_s else 0)


def test_a_camera_that_was_never_recorded_has_no_past() -> None:
    assert predecessor([], None, None, NOW) == (Past(9, 0, Cause.WRITER_FAILED), None)


def test_the_past_ends_with_the_newest_segment_in_spool_or_store(closed: Callable[..., ClosedSegment]) -> None:
    spooled = [closed(0), closed(1)]
    past, lasting = predecessor(spooled, fact(15), None, NOW)
    assert (past.until_ns, past.sha256, lasting) == (BEGIN + 20 * SECOND, spooled[1].sha256, None)
    assert predecessor(spooled, fact(30), None, NOW).past.until_ns == BEGIN + 30 * SECOND


def test_an_interruption_that_was_ended_in_order_is_part_of_the_past() -> None:
    past, lasting = predecessor([], fact(15), interruption(15, 60), NOW)
    assert (past.until_ns, lasting) == (BEGIN + 60 * SECOND, None)


def test_an_interruption_that_still_lasts_ends_now_and_keeps_its_cause_until_then() -> None:
    past, lasting = predecessor([], fact(15), interruption(15), NOW)
    assert (past.until_ns, lasting) == (NOW.until_ns, interruption(15))


def test_an_interruption_from_before_the_newest_segment_says_nothing_any_more() -> None:
    for old in (interruption(5), interruption(5, 8)):
        assert predecessor([], fact(15), old, NOW) == (Past(9, BEGIN + 15 * SECOND, Cause.WRITER_FAILED, "01" * 32), None)


def test_behind_a_time_when_nobody_could_have_it_a_camera_begins_anew() -> None:
    for ended_s, until_s in ((60, 60), (0, 1000)):
        nobodys = interruption(15, ended_s)
        nobodys.cause = GAP_CAUSE_UNASSIGNED
        past, lasting = predecessor([], fact(15), nobodys, NOW)
        assert (past.until_ns, past.cause) == (BEGIN + until_s * SECOND, Cause.SOURCE_SILENT)
        assert (lasting is None) == bool(ended_s)


def test_a_session_begins_interrupted_since_the_past_ended_or_since_the_camera_is_meant_to_record() -> None:
    listed = Listed("cam-1", "police", "rtsp://10.0.0.1/main", "", CAMERA_CLASS_TRAFFIC, BEGIN + 100 * SECOND)
    assert interrupted(listed, Past(9, BEGIN + 50 * SECOND, Cause.WRITER_FAILED)) == (Cause.SOURCE_SILENT, BEGIN + 100 * SECOND)
    assert interrupted(listed, Past(9, BEGIN + 150 * SECOND, Cause.WRITER_FAILED)) == (Cause.WRITER_FAILED, BEGIN + 150 * SECOND)
