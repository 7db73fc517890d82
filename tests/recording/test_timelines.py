"""A timeline reads what lies beside its range, and what is still in a spool."""
from __future__ import annotations

from typing import Any

from services.recording.footage_index import TOGETHER
from services.recording.summaries import Summaries
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_REFUSED, GAP_CAUSE_SPOOL_LOST, GAP_CAUSE_UNEXPLAINED, InterruptionObserved
from vonglau.ingest.v1.service_pb2 import ReadSpoolResponse, SpoolSegment
from vonglau.recording.v1.service_pb2 import STRETCH_KIND_GAP, STRETCH_KIND_NOT_MEANT, STRETCH_KIND_PENDING, STRETCH_KIND_RECORDED, CameraSummary

BEGIN = 1_767_225_600_000_000_000
SECOND = 1_000_000_000
HOUR_S = 3600
GAP, PENDING, RECORDED, NOT_MEANT = STRETCH_KIND_GAP, STRETCH_KIND_PENDING, STRETCH_KIND_RECORDED, STRETCH_KIND_NOT_MEANT


async def told(station: Any, start: float, end: float) -> list[tuple[int, float, int]]:
    """(kind, length in s, cause)"""
    derived = await station.timelines.of("cam-1", BEGIN + round(start * SECOND), BEGIN + round(end * SECOND))
    return [(each.kind, (each.end - each.start) / SECOND, each.cause) for each in derived.stretches]


def spooled(epoch: int, number: int, start: float, length: float, *, contiguous: bool = True) -> ReadSpoolResponse:
    begin = BEGIN + round(start * SECOND)
    return ReadSpoolResponse(segment=SpoolSegment(epoch=epoch, number=number, start_ns=begin, end_ns=begin + round(length * SECOND), contiguous=contiguous))


async def test_a_hole_of_several_hours_is_a_gap_since_footage_of_the_same_epoch_stands_on_both_sides(station: Any) -> None:
    await station.record(0, 0)
    await station.record(1, 10 * HOUR_S)
    await station.settle()
    station.clock.advance(11 * HOUR_S)
    assert await told(station, 5 * HOUR_S, 6 * HOUR_S) == [(GAP, HOUR_S, GAP_CAUSE_UNEXPLAINED)]


async def test_the_same_hole_between_epochs_is_pending_until_the_older_one_is_closed(station: Any) -> None:
    await station.record(0, 0, epoch=5)
    await station.record(0, 10 * HOUR_S, epoch=7)
    await station.settle()
    station.clock.advance(11 * HOUR_S)
    assert await told(station, 5 * HOUR_S, 6 * HOUR_S) == [(PENDING, HOUR_S, 0)]
    lost = InterruptionObserved(camera="cam-1", owner="police", epoch=7, cause=GAP_CAUSE_SPOOL_LOST, closes_epoch=5)
    lost.begun_ns, lost.ended_ns = BEGIN + 60 * SECOND, BEGIN + 10 * HOUR_S * SECOND
    station.tell(lost)
    await station.settle()
    assert await told(station, 5 * HOUR_S, 6 * HOUR_S) == [(GAP, HOUR_S, GAP_CAUSE_SPOOL_LOST)]


async def test_what_waits_in_the_spool_is_recorded(station: Any) -> None:
    await station.record(0, 0)
    await station.settle()
    station.clock.advance(100)
    station.spool.responses = [spooled(1, 1, 60, 30)]
    assert await told(station, 0, 100) == [(RECORDED, 90, 0), (PENDING, 10, 0)]
    derived = await station.timelines.of("cam-1", BEGIN, BEGIN + 100 * SECOND)
    assert (derived.newest, derived.spool_reachable) == (BEGIN + 90 * SECOND, True)


async def test_a_spool_that_is_away_is_said_and_what_is_not_stored_is_pending(station: Any) -> None:
    await station.record(0, 0)
    await station.settle()
    station.clock.advance(100)
    station.spool.is_away = True
    derived = await station.timelines.of("cam-1", BEGIN, BEGIN + 100 * SECOND)
    assert (derived.spool_reachable, derived.newest) == (False, BEGIN + 60 * SECOND)
    assert [each.kind for each in derived.stretches] == [RECORDED, PENDING]


async def test_a_range_of_the_past_asks_no_spool(station: Any) -> None:
    await station.record(0, 0)
    await station.settle()
    station.spool.is_away = True
    derived = await station.timelines.of("cam-1", BEGIN, BEGIN + 60 * SECOND)
    assert derived.spool_reachable


async def test_a_segment_stands_in_spool_and_store_for_a_moment_and_counts_once(station: Any) -> None:
    await station.record(0, 0)
    await station.settle()
    station.clock.advance(100)
    station.spool.responses = [spooled(1, 0, 0, 60, contiguous=False), spooled(1, 1, 60, 40)]
    assert await told(station, 0, 100) == [(RECORDED, 100, 0)]


async def test_a_camera_of_which_nothing_is_known_is_pending_since_its_registration(station: Any) -> None:
    station.clock.advance(10)
    station.register()
    await station.settle()
    station.clock.advance(10)
    assert await told(station, 0, 20) == [(NOT_MEANT, 10, 0), (PENDING, 10, 0)]


async def test_a_summary_counts_what_is_kept_and_how_the_last_day_went(station: Any) -> None:
    station.register()
    await station.record(0, 0)
    refused = InterruptionObserved(camera="cam-1", owner="police", epoch=1, cause=GAP_CAUSE_REFUSED)
    refused.begun_ns, refused.ended_ns = BEGIN + 60 * SECOND, BEGIN + 100 * SECOND
    station.tell(refused)
    last = await station.record(1, 100, 50)
    await station.settle()
    station.clock.advance(150)
    (summary,) = await summaries(station, "cam-1")
    assert (summary.camera, summary.owner, summary.segments, summary.size_bytes) == ("cam-1", "police", 2, 2 * last.size_bytes)
    assert (summary.recorded_ns, summary.gaps, summary.gap_ns) == (110 * SECOND, 1, 40 * SECOND)
    assert (summary.oldest.ToNanoseconds(), summary.newest.ToNanoseconds()) == (BEGIN, BEGIN + 150 * SECOND)


async def test_summaries_of_many_cameras_are_those_of_each(station: Any) -> None:
    for number in range(TOGETHER + 2):
        station.register(f"cam-{number}")
        await station.record(0, number, camera=f"cam-{number}")
    await station.settle()
    station.clock.advance(3 * 86_400)
    station.register("late-1")
    for camera in ("cam-1", "late-1"):
        await station.record(1, 3 * 86_400, camera=camera)
    await station.settle()
    station.clock.advance(60)
    names = [*(f"cam-{number}" for number in range(TOGETHER + 2)), "late-1"]
    found = await summaries(station, *names)
    assert [each.camera for each in found] == names
    assert found == [one for name in names for one in await summaries(station, name)]
    oldest = {each.camera: (each.oldest.ToNanoseconds() - BEGIN) // SECOND for each in found}
    assert oldest == {**{f"cam-{number}": number for number in range(TOGETHER + 2)}, "late-1": 3 * 86_400}
    assert {each.camera: each.recorded_ns // SECOND for each in found if each.recorded_ns} == {"cam-1": 60, "late-1": 60}


async def test_footage_from_before_a_camera_was_registered_again_counts(station: Any) -> None:
    station.register()
    await station.record(0, 0)
    await station.settle()
    station.clock.advance(2 * 86_400)
    station.register()
    await station.record(1, 2 * 86_400 + 60)
    await station.settle()
    station.clock.advance(120)
    (summary,) = await summaries(station, "cam-1")
    assert (summary.segments, summary.oldest.ToNanoseconds()) == (2, BEGIN)
    assert await told(station, 2 * 86_400, 2 * 86_400 + 120) == [(GAP, 60, GAP_CAUSE_UNEXPLAINED), (RECORDED, 60, 0)]


async def summaries(station: Any, *cameras: str) -> list[CameraSummary]:
    described = [await station.index.camera(each) for each in cameras]
    return await Summaries(station.index, station.timelines, station.clock).of(described, 60)


async def test_a_camera_that_never_recorded_has_an_empty_summary(station: Any) -> None:
    station.register()
    await station.settle()
    (summary,) = await summaries(station, "cam-1")
    assert (summary.segments, summary.HasField("oldest"), summary.HasField("newest")) == (0, False, False)
