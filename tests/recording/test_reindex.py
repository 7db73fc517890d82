"""Documents can be dropped: logs and archives, or buckets alone, give them again."""
from __future__ import annotations

from typing import Any

from services.recording.archive import DayRecord
from services.recording.entry import Entry
from services.recording.timeline import entries_of
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_REFUSED, GAP_CAUSE_UNKNOWN, ClockMeasured, InterruptionObserved, StreamChanged
from vonglau.recording.v1.service_pb2 import STRETCH_KIND_GAP
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_NON_TRAFFIC, CAMERA_CLASS_TRAFFIC

BEGIN = 1_767_225_600_000_000_000
SECOND = 1_000_000_000
DAY_S = 86_400


async def days(station: Any, count: int = 3) -> None:
    """Each day three segments, an interruption, a change of stream and a clock measurement; archived; the last segment reaches into the next day."""
    station.register()
    for day in range(count):
        start = day * DAY_S
        at = BEGIN + start * SECOND
        station.tell(StreamChanged(camera="cam-1", owner="police", epoch=1, at_ns=at, codec="avc1.4d401f", width_px=640, height_px=360))
        await station.record(day * 3, start, clock_known=True, clock_offset_ns=7)
        told: dict[str, Any] = {"camera": "cam-1", "owner": "police", "epoch": 1, "cause": GAP_CAUSE_REFUSED, "begun_ns": at + 60 * SECOND}
        station.tell(InterruptionObserved(**told), InterruptionObserved(**told, ended_ns=at + 90 * SECOND))
        await station.record(day * 3 + 1, start + 90)
        station.tell(ClockMeasured(camera="cam-1", owner="police", epoch=1, at_ns=at + 100 * SECOND, offset_ns=7))
        await station.record(day * 3 + 2, start + DAY_S - 30)
        station.clock.advance(DAY_S)
    station.clock.advance(7200)
    await station.settle()
    await station.archiving.run()


async def rebuild(station: Any, *, buckets_only: bool = False) -> list[str]:
    progress = [each async for each in station.runner.rebuild(buckets_only=buckets_only)][-1]
    assert progress.done
    return list(progress.notes)


async def test_a_rebuild_from_logs_gives_the_same_documents(station: Any) -> None:
    await days(station)
    before = await station.everything()
    assert await rebuild(station) == []
    assert await station.everything() == before


async def test_when_facts_have_aged_out_the_archives_give_the_same_documents(station: Any) -> None:
    await days(station)
    before = await station.everything()
    station.store.events[:] = [event for event in station.store.events if event.log != "fact_ingest"]
    station.clock.advance(10 * DAY_S)
    assert await rebuild(station) == []
    assert await station.everything() == before


async def test_after_deletions_too_archives_and_log_give_the_same_documents(station: Any) -> None:
    await days(station)
    station.clock.advance(29 * DAY_S)
    assert await station.retaining().run() == 2
    await station.settle()
    before = await station.everything()
    station.store.events[:] = [event for event in station.store.events if event.log != "fact_ingest"]
    assert await rebuild(station) == []
    assert await station.everything() == before


async def test_documents_that_were_lost_come_back_at_the_start(station: Any) -> None:
    await days(station)
    before = await station.everything()
    station.store.events[:] = [event for event in station.store.events if event.log != "fact_ingest"]
    await station.close()
    station.begin_documents("second")
    await station.runner.start()
    await station.settle()
    assert await station.everything() == before


async def test_a_day_without_archive_is_taken_from_its_objects_as_soon_as_a_fact_of_it_may_have_aged_out(station: Any) -> None:
    station.register()
    await station.record(0, 0)
    await station.record(1, DAY_S - 60)
    await station.settle()
    station.clock.advance(7 * DAY_S + 60)
    del station.store.events[1]  # the first fact
    notes = await rebuild(station)
    assert [entry.number for entry in await segments(station)] == [0, 1]
    assert "1 days without archive (2026-01-01 to 2026-01-01)" in notes[0]


async def test_a_poisonous_segment_in_an_archive_is_counted_and_passed_over(station: Any) -> None:
    await station.record(0, 0)
    impossible = await station.record(1, 60, tell=False)
    impossible.end_ns = impossible.start_ns - 1
    await station.archive.extend("cam-1", "police", BEGIN // SECOND // DAY_S, DayRecord({(1, 1): impossible}))
    await station.settle()
    assert "1 objects or archive parts could not be read" in (await rebuild(station))[0]
    assert [entry.number for entry in await segments(station)] == [0]


async def segments(station: Any) -> list[Entry]:
    return entries_of(await station.index.hours("cam-1", BEGIN, BEGIN + 4 * DAY_S * SECOND))


async def test_the_bucket_alone_gives_every_segment_and_says_what_it_cannot_know(station: Any) -> None:
    await days(station, 2)
    await station.record(6, 2 * DAY_S)  # today: not archived yet
    await station.settle()
    before = await segments(station)
    notes = await rebuild(station, buckets_only=True)
    assert await segments(station) == before
    assert notes[0] == "cam-1: 1 days without archive (2026-01-03 to 2026-01-03), causes of their gaps are unknown"
    assert "meant to record since its first segment" in notes[1]


async def test_gaps_of_a_day_without_archive_have_unknown_causes(station: Any) -> None:
    await days(station, 2)
    await station.footage.delete("police-footage", ["cam-1/2026/01/02/archive-0"])
    await rebuild(station, buckets_only=True)
    for day, cause in ((0, GAP_CAUSE_REFUSED), (1, GAP_CAUSE_UNKNOWN)):
        start = BEGIN + day * DAY_S * SECOND
        derived = await station.timelines.of("cam-1", start, start + 100 * SECOND)
        assert [(each.cause, each.end - each.start) for each in derived.stretches if each.kind == STRETCH_KIND_GAP] == [(cause, 30 * SECOND)]


async def test_footage_whose_use_a_bucket_cannot_tell_is_kept_by_the_longest_rule(station: Any) -> None:
    await days(station, 2)
    await rebuild(station, buckets_only=True)
    station.clock.advance(40 * DAY_S)
    assert await station.retaining().run() == 0


async def test_renamed_and_re_registered_cameras_keep_their_own_footage(station: Any) -> None:
    for camera in ("cam-1", "cam-2"):
        station.register(camera, camera_class=CAMERA_CLASS_TRAFFIC)
        await station.record(0, 0, camera=camera)
    station.register("cam-1", owner="ward", camera_class=CAMERA_CLASS_NON_TRAFFIC)
    await station.record(1, 60, owner="ward")
    await station.settle()
    await rebuild(station, buckets_only=True)
    assert [(entry.owner, entry.number) for entry in await segments(station)] == [("police", 0), ("ward", 1)]
    recorded = await station.index.recorded("cam-2")
    assert recorded["segments"] == 1


async def test_objects_with_damaged_metadata_are_counted_and_passed_over(station: Any) -> None:
    await station.record(0, 0)
    await station.settle()
    await station.footage.put_bytes("police-footage", "cam-1/2026/01/01/20260101T000100.000Z-1-1.mp4", b"x", {"camera": "cam-1"})
    notes = await rebuild(station, buckets_only=True)
    assert "1 objects or archive parts could not be read" in notes[0]
    assert [entry.number for entry in await segments(station)] == [0]
