"""The job: exactly what is due goes, once, with a record that names the article, wherever it is killed."""
from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from services.recording.archiving import Archive, Archiving
from services.recording.deletion import intents_of
from services.recording.index_state import IndexState
from vonglau.errors import Damaged, Unavailable
from vonglau.eventlog import MemoryStore
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_RETENTION_DELETED, SegmentRecorded
from vonglau.recording.v1.events_pb2 import DeletionConfirmed, DeletionIntended
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_TRAFFIC, CameraChanged, CameraDetails
from vonglau.testing.waiting import eventually

DAY_S = 86_400
BEGIN = 1_767_225_600_000_000_000
SECOND = 1_000_000_000


def custody_events(store: MemoryStore) -> list[Any]:
    return [event.message() for event in store.events if event.log == "es_recording"]


async def two_days(station: Any) -> None:
    """Three segments on day 0, one that reaches into day 1, one on day 1."""
    station.register()
    for number, start in enumerate((0, 60, 120, DAY_S - 30, DAY_S + 30)):
        await station.record(number, start)
    station.clock.advance(2 * DAY_S)
    await station.settle()
    await station.archiving.run()


async def test_footage_stays_on_day_n_and_goes_on_day_n_plus_1(station: Any) -> None:
    await two_days(station)
    station.clock.advance(29 * DAY_S - 1)
    assert await station.retaining().run() == 0
    assert custody_events(station.store) == []
    station.clock.advance(1)
    assert await station.retaining().run() == 1
    assert [key for key in await station.keys() if key.endswith(".mp4")] == ["cam-1/2026/01/02/20260102T000030.000Z-1-4.mp4"]
    intent, confirmation = custody_events(station.store)
    assert isinstance(intent, DeletionIntended)
    assert (intent.rule, intent.article, intent.objects, intent.hours) == ("keep-30-days", "reference-retention/1", 4, 1 | 1 << 23)
    assert isinstance(confirmation, DeletionConfirmed)
    assert confirmation.archive == "cam-1/2026/01/01/archive-1"


async def test_the_traffic_class_goes_after_75_days(station: Any) -> None:
    station.register(camera_class=CAMERA_CLASS_TRAFFIC)
    await station.record(0, 0)
    await station.settle()
    station.clock.advance(76 * DAY_S - 1)
    assert await station.retaining().run() == 0
    station.clock.advance(1)
    assert await station.retaining().run() == 1
    assert custody_events(station.store)[0].article == "reference-retention/2"


async def test_the_archive_part_lists_the_deleted_keys_and_the_index_lets_go_of_them(station: Any) -> None:
    await two_days(station)
    station.clock.advance(29 * DAY_S)
    await station.retaining().run()
    await station.settle()
    chain = await station.archive.chain("cam-1", "police", BEGIN // SECOND // DAY_S)
    assert len(chain[-1][0].deletions[0].keys) == 4
    recorded = await station.index.recorded("cam-1")
    assert recorded["segments"] == 1
    assert [hour["_id"] async for hour in station.index.live_hours("cam-1", 0, 2**40)] == ["cam-1/2026-01-02T00"]
    assert await station.retaining().run() == 0


async def test_objects_that_no_fact_told_of_go_with_their_day(station: Any) -> None:
    await two_days(station)
    await station.record(7, 300, tell=False)
    station.clock.advance(29 * DAY_S)
    await station.retaining().run()
    assert not [key for key in await station.keys() if key.startswith("cam-1/2026/01/01/2026")]
    assert custody_events(station.store)[0].objects == 5


async def test_what_comes_late_is_deleted_by_a_record_of_its_own(station: Any) -> None:
    await two_days(station)
    station.clock.advance(29 * DAY_S)
    await station.retaining().run()
    await station.record(9, 600)
    await station.settle()
    assert await station.retaining().run() == 1
    assert [event.objects for event in custody_events(station.store) if isinstance(event, DeletionIntended)] == [4, 1]
    await station.settle()
    (document,) = [each async for each in station.index.deletions("cam-1")]
    assert [intent.numbers[0].first for intent in intents_of(document)] == [0, 9]


class Killed(Exception):
    pass


class KilledAt:
    """Passes everything on until the n-th call, before or after which the process dies."""

    def __init__(self, target: Any, calls: list[int], at: int, after: bool) -> None:
        self._target, self._calls, self._at, self._after = target, calls, at, after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)
        if name not in ("decide", "delete", "put_bytes"):
            return method

        async def counted(*args: Any, **kwargs: Any) -> Any:
            self._calls[0] += 1
            if self._calls[0] == self._at and not self._after:
                raise Killed
            result = await method(*args, **kwargs)
            if self._calls[0] == self._at:
                raise Killed
            return result

        return counted


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("settled", [False, True])
async def test_a_job_that_is_killed_at_any_step_is_finished_by_the_next_exactly_once(station: Any, at: int, after: bool, settled: bool) -> None:
    await two_days(station)
    await station.record(7, 300, tell=False)  # so that the archive has something to add before the intent
    station.clock.advance(29 * DAY_S)
    footage, log, calls = station.footage, station.log, [0]
    station.footage, station.log = KilledAt(footage, calls, at, after), KilledAt(log, calls, at, after)
    with pytest.raises(Killed):
        await station.retaining().run()
    station.footage, station.log = footage, log
    if settled:
        await station.settle()
    await station.retaining().run()
    await station.settle()
    await station.retaining().run()

    intent, confirmation = custody_events(station.store)
    assert intent.objects == 5
    assert confirmation.digest == intent.digest
    assert [key for key in await station.keys() if key.endswith(".mp4")] == ["cam-1/2026/01/02/20260102T000030.000Z-1-4.mp4"]
    chain = await station.archive.chain("cam-1", "police", BEGIN // SECOND // DAY_S)
    assert [len(each.keys) for part, _ in chain for each in part.deletions] == [5]


async def test_a_store_that_is_away_leaves_the_deletion_for_the_next_run(station: Any) -> None:
    await two_days(station)
    station.clock.advance(29 * DAY_S)
    footage = station.footage

    class Away:
        def __getattr__(self, name: str) -> Any:
            if name == "delete":
                raise Unavailable("STORAGE_UNAVAILABLE", "away")
            return getattr(footage, name)

    station.footage = Away()
    with pytest.raises(Unavailable):
        await station.retaining().run()
    station.footage = footage
    await station.settle()
    assert await station.retaining().run() == 1
    assert len(custody_events(station.store)) == 2


async def test_deleted_time_is_told_as_deleted_and_other_gaps_keep_their_cause(station: Any) -> None:
    await two_days(station)
    station.clock.advance(29 * DAY_S)
    await station.retaining().run()
    await station.settle()
    derived = await station.timelines.of("cam-1", BEGIN, BEGIN + 180 * SECOND)
    assert [(each.cause, each.end - each.start) for each in derived.stretches] == [(GAP_CAUSE_RETENTION_DELETED, 180 * SECOND)]


async def test_nothing_is_judged_by_an_index_that_is_being_filled_anew(station: Any) -> None:
    """The registry's log has been read as far as the registration: the camera does not count as one for traffic yet."""
    station.register()
    station.tell(CameraChanged(camera="cam-1", changed=FieldMask(paths=["camera_class"]), details=CameraDetails(camera_class=CAMERA_CLASS_TRAFFIC)))
    await station.record(0, DAY_S)
    await station.settle()
    station.clock.advance(43 * DAY_S)
    await station.close()
    late = station.store.events.pop(1)
    station.begin_documents("second")
    await station.runner.start()
    await station.settle()
    station.store.events.insert(1, late)
    assert await asyncio.wait_for(station.retaining().run(), 10) == 0
    assert [key for key in await station.keys() if key.endswith(".mp4")] != []


class Losing:
    """Documents that are lost while a day is being archived."""

    def __init__(self, documents: Any) -> None:
        self._documents, self.are_lost = documents, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)

    async def checkpoints(self, projection: str) -> Any:
        return {} if self.are_lost else await self._documents.checkpoints(projection)


async def test_documents_that_are_lost_under_way_end_the_run_before_anything_is_deleted(station: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await two_days(station)
    station.clock.advance(29 * DAY_S)
    losing, extend = Losing(station.documents), Archive.extend

    async def extend_and_lose(self: Archive, *what: Any) -> str:
        losing.are_lost = True
        return await extend(self, *what)

    monkeypatch.setattr(Archive, "extend", extend_and_lose)
    station.state = IndexState(losing, station.events)
    with pytest.raises(Unavailable) as behind:
        await station.retaining().run()
    assert behind.value.reason == "VIEW_BEHIND"
    assert custody_events(station.store) == []
    assert len([key for key in await station.keys() if key.endswith(".mp4")]) == 5


async def test_a_camera_of_which_something_could_not_be_applied_loses_nothing(station: Any) -> None:
    await two_days(station)
    station.tell(SegmentRecorded(camera="cam-1", owner="police", epoch=1, number=9, start_ns=5, end_ns=1))
    await eventually(partial(station.state.is_parked, "cam-1"))
    station.clock.advance(29 * DAY_S)
    assert await station.retaining().run() == 0
    assert custody_events(station.store) == []


async def test_a_damaged_archive_holds_up_its_own_day_alone_and_is_told_at_the_end(station: Any) -> None:
    for camera in ("cam-1", "cam-2"):
        station.register(camera)
        await station.record(0, 0, camera=camera)
    await station.settle()
    station.clock.advance(2 * DAY_S)
    await station.archiving.run()
    part = station.folder / "footage" / "police-footage" / "cam-1" / "2026" / "01" / "01" / "archive-0"
    content = bytearray(part.read_bytes())
    content[40] ^= 1
    part.unlink()
    part.write_bytes(content)
    await station.record(1, 2 * DAY_S, camera="cam-2")
    await station.settle()
    station.clock.advance(2 * DAY_S)
    with pytest.raises(Damaged, match="1 camera days are set aside"):
        await station.archiving.run()
    assert "cam-2/2026/01/03/archive-0" in await station.keys()
    station.clock.advance(60 * DAY_S)
    with pytest.raises(Damaged):
        await station.retaining().run()
    assert [key for key in await station.keys() if key.endswith(".mp4")] == ["cam-1/2026/01/01/20260101T000000.000Z-1-0.mp4"]


async def test_days_that_a_job_missed_while_it_was_away_are_archived(station: Any) -> None:
    station.register()
    await station.record(0, 0)
    await station.settle()
    due_ns = station.clock.now_ns()
    station.clock.advance(9 * DAY_S)
    await station.archiving.run()
    assert not any("archive" in key for key in await station.keys())  # the window alone does not reach back to it
    await station.archiving.run(due_ns)
    assert any("archive" in key for key in await station.keys())


async def test_a_day_is_looked_at_again_after_some_hours_only(station: Any) -> None:
    await two_days(station)
    archiving = Archiving(station.index, station.state, station.archive, station.clock, grace_s=3600.0, window_days=6)
    assert await archiving.run() == 1
    assert await archiving.run() == 0
    station.clock.advance(6 * 3600)
    assert await archiving.run() == 2  # and the day that is complete by now
