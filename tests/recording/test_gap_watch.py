"""What nothing explains is counted once, and facts that are overdue are an alarm."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from services.recording.footage_index import Indexed
from services.recording.gap_watch import GapWatch
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_REFUSED, InterruptionObserved

BEGIN = 1_767_225_600_000_000_000
SECOND = 1_000_000_000


def watch(station: Any) -> GapWatch:
    return GapWatch(station.index, station.timelines, station.clock)


async def test_time_that_no_cause_covers_is_counted_once_and_named(station: Any, caplog: Any) -> None:
    station.register()
    looking = watch(station)
    await station.record(0, 0)
    await station.record(1, 90)
    await station.settle()
    station.clock.advance(150)
    assert await looking.run() == 0  # a cause may still come
    station.clock.advance(180)
    assert await looking.run() == 30 * SECOND
    assert "cam-1 has a gap that nothing explains: 2026-01-01T00:01:00" in caplog.text
    assert await looking.run() == 0


async def test_a_city_without_causes_fills_no_log(station: Any, caplog: Any) -> None:
    cameras = [f"cam-{number}" for number in range(25)]
    for camera in cameras:
        station.register(camera)
    looking = watch(station)
    for camera in cameras:
        await station.record(0, 0, camera=camera)
        await station.record(1, 90, camera=camera)
    await station.settle()
    station.clock.advance(330)
    assert await looking.run() == 25 * 30 * SECOND
    said = [record.getMessage() for record in caplog.records if "nothing explains" in record.getMessage()]
    assert len(said) == 21
    assert said[-1] == "nothing explains 5 gaps more"


async def test_a_camera_that_comes_late_has_no_other_read_from_further_back(station: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    looking, asked = watch(station), dict[str, int]()
    indexed = station.index.indexed

    async def noted(wanted: Sequence[tuple[str, int]], end_ns: int) -> list[Indexed]:
        asked.update(wanted)
        found: list[Indexed] = await indexed(wanted, end_ns)
        return found

    monkeypatch.setattr(station.index, "indexed", noted)
    station.register("cam-1")
    await station.record(0, 0, camera="cam-1")
    await station.settle()
    station.clock.advance(30 * 86_400)
    await looking.run()
    station.register("cam-2")
    await station.record(0, 30 * 86_400, camera="cam-2")
    await station.settle()
    station.clock.advance(60)
    await looking.run()
    now = station.clock.now_ns()
    assert {camera: (now - start) // SECOND for camera, start in asked.items()} == {"cam-1": 18 * 60, "cam-2": 86_400}


async def test_a_gap_with_a_cause_is_no_alarm(station: Any) -> None:
    station.register()
    looking = watch(station)
    await station.record(0, 0)
    told = InterruptionObserved(camera="cam-1", owner="police", epoch=1, cause=GAP_CAUSE_REFUSED)
    told.begun_ns, told.ended_ns = BEGIN + 60 * SECOND, BEGIN + 90 * SECOND
    station.tell(told)
    await station.record(1, 90)
    await station.settle()
    station.clock.advance(600)
    assert await looking.run() == 0


async def test_facts_that_are_overdue_for_15_minutes_are_late(station: Any) -> None:
    station.register()
    looking = watch(station)
    await station.record(0, 0)
    await station.settle()
    station.clock.advance(60 + 14 * 60)
    await looking.run()
    assert looking.late == 0
    station.clock.advance(120)
    await looking.run()
    assert looking.late == 1
    await station.record(1, 60, 17 * 60, contiguous=True)
    await station.settle()
    await looking.run()
    assert looking.late == 0


async def test_an_interruption_that_lasts_is_not_late(station: Any) -> None:
    station.register()
    looking = watch(station)
    await station.record(0, 0)
    station.tell(InterruptionObserved(camera="cam-1", owner="police", epoch=1, cause=GAP_CAUSE_REFUSED, begun_ns=BEGIN + 60 * SECOND))
    await station.settle()
    station.clock.advance(3600)
    await looking.run()
    assert looking.late == 0
