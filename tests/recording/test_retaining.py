"""The job: exactly what is due goes, once, with a record that names the article, wherever it is killed."""
from __future__ import annotations

from typing import Any

import pytest

from services.recording.deletion import intents_of
from vonglau.errors import Unavailable
from vonglau.eventlog import MemoryStore
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_RETENTION_DELETED
from vonglau.recording.v1.events_pb2 import DeletionConfirmed, DeletionIntended
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_TRAFFIC

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
