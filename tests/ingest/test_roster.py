"""Registry's events as ingest needs them, and following them."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from services.ingest.roster import Listed, Roster, evolve
from services.ingest.roster_reader import RosterReader
from vonglau.errors import Unavailable
from vonglau.eventlog import Recorded
from vonglau.registry.v1.events_pb2 import (
    CAMERA_CLASS_DEFENCE,
    CAMERA_CLASS_NON_TRAFFIC,
    CAMERA_CLASS_TRAFFIC,
    STREAM_KIND_MAIN,
    STREAM_KIND_SUB,
    CameraChanged,
    CameraClass,
    CameraDetails,
    CameraRegistered,
    CameraResumed,
    CameraRetired,
    CameraSuspended,
    Place,
    StreamProfile,
)
from vonglau.subscription import Source
from vonglau.subscription.memory import MemoryEvents, MemoryReading
from vonglau.testing.waiting import eventually


def details(url: str = "rtsp://10.0.0.1/main", camera_class: CameraClass = CAMERA_CLASS_TRAFFIC) -> CameraDetails:
    streams = [StreamProfile(kind=STREAM_KIND_SUB, url="rtsp://10.0.0.1/sub"), StreamProfile(kind=STREAM_KIND_MAIN, url=url)]
    return CameraDetails(camera_class=camera_class, streams=streams)


def registered(camera: str = "cam-1", **more: str) -> CameraRegistered:
    return CameraRegistered(camera=camera, owner="police", details=details(), **more)


def listed(*events: Message) -> Listed | None:
    found: Listed | None = None
    for at, event in enumerate(events, 1):
        found = evolve(found, event, at)
    return found


def known(*events: Message) -> Listed:
    found = listed(*events)
    assert found is not None
    return found


def test_a_registered_camera_is_recorded_from_its_main_stream_since_its_registration() -> None:
    assert known(registered(credential="camera.cam-1.a")) == Listed("cam-1", "police", "rtsp://10.0.0.1/main", "camera.cam-1.a", CAMERA_CLASS_TRAFFIC, 1)


def test_a_change_takes_over_what_its_mask_names_and_nothing_else() -> None:
    change = CameraChanged(details=details("rtsp://10.0.0.2/main", CAMERA_CLASS_DEFENCE), credential="camera.cam-1.b")
    start = known(registered(credential="camera.cam-1.a"))
    for paths, expected in (
        (["display_name"], start),
        (["streams"], Listed("cam-1", "police", "rtsp://10.0.0.2/main", "camera.cam-1.a", CAMERA_CLASS_TRAFFIC, 1)),
        (["camera_class", "credential"], Listed("cam-1", "police", "rtsp://10.0.0.1/main", "camera.cam-1.b", CAMERA_CLASS_DEFENCE, 1)),
    ):
        changed = CameraChanged()
        changed.CopyFrom(change)
        changed.changed.CopyFrom(FieldMask(paths=paths))
        assert evolve(start, changed, 2) == expected


@pytest.mark.parametrize(
    ("paths", "expected"),
    [(["place"], ("site-2", "")), (["place.site"], ("site-2", "zone-1")), (["place.zone"], ("site-1", "")), (["place.address"], ("site-1", "zone-1"))],
)
def test_a_camera_stands_where_the_last_change_that_says_so_puts_it(paths: list[str], expected: tuple[str, str]) -> None:
    start = known(CameraRegistered(camera="cam-1", owner="police", details=CameraDetails(place=Place(site="site-1", zone="zone-1"))))
    changed = CameraChanged(details=CameraDetails(place=Place(site="site-2")), changed=FieldMask(paths=paths))
    after = evolve(start, changed, 2)
    assert after is not None
    assert (after.site, after.zone) == expected


def test_the_declared_bitrate_is_that_of_the_main_stream() -> None:
    streams = [StreamProfile(kind=STREAM_KIND_SUB, bitrate_kbps=500), StreamProfile(kind=STREAM_KIND_MAIN, bitrate_kbps=6000)]
    assert known(CameraRegistered(camera="cam-1", owner="police", details=CameraDetails(streams=streams))).bitrate_bps == 6_000_000


def test_a_camera_is_not_meant_to_record_from_its_suspension_to_its_resumption() -> None:
    assert not known(registered(), CameraSuspended()).is_meant
    resumed = known(registered(), CameraSuspended(), CameraResumed())
    assert (resumed.is_meant, resumed.meant_since_ns) == (True, 3)


def test_a_resumption_of_a_camera_that_was_not_suspended_changes_nothing() -> None:
    assert known(registered(), CameraResumed()).meant_since_ns == 1


def test_a_retired_camera_is_gone_and_nothing_brings_it_back() -> None:
    assert listed(registered(), CameraRetired(), CameraResumed()) is None


def test_when_the_spool_is_full_defence_goes_last_and_other_classes_before_traffic() -> None:
    in_order = (CAMERA_CLASS_DEFENCE, CAMERA_CLASS_TRAFFIC, CAMERA_CLASS_NON_TRAFFIC)
    priorities = [Listed("cam-1", "police", "", "", each, 0).shed_priority for each in in_order]
    assert priorities == sorted(set(priorities))


def log_of(events: Iterable[Message], camera: str = "cam-1", first: int = 1) -> list[Recorded]:
    headers = {"ce-time": "2026-01-01T00:00:00+00:00"}
    return [
        Recorded("es_registry", number, f"es.registry.camera.{camera}", {**headers, "ce-type": event.DESCRIPTOR.full_name}, event.SerializeToString())
        for number, event in enumerate(events, first)
    ]


@asynccontextmanager
async def following(source: MemoryEvents) -> AsyncIterator[tuple[Roster, list[str]]]:
    roster, changes = Roster(), list[str]()
    task = asyncio.create_task(RosterReader(source, "ingest-0", roster, changes.append).run())
    yield roster, changes
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_became_of_a_camera_before_the_start_is_not_lived_through_again() -> None:
    log = MemoryEvents(log_of([registered(), CameraSuspended(), CameraRetired()]) + log_of([registered("cam-2")], "cam-2", 4))
    async with following(log) as (roster, changes):
        await eventually(lambda: changes)
        assert list(roster.cameras) == ["cam-2"]
        assert changes == ["cam-1", "cam-2"]
        log.events += log_of([CameraSuspended(), CameraResumed()], "cam-2", 5)
        await eventually(lambda: len(changes) == 4)


async def test_an_event_that_cannot_be_read_leaves_its_camera_as_it_was_known() -> None:
    log = MemoryEvents(log_of([registered()]))
    log.events.append(Recorded("es_registry", 2, "es.registry.camera.cam-1", {"ce-type": "vonglau.registry.v1.CameraTeleported"}, b""))
    log.events.append(Recorded("es_registry", 3, "es.registry.camera.cam-1", {"ce-type": "vonglau.registry.v1.CameraRetired", "ce-time": "yesterday"}, b""))
    log.events += log_of([registered("cam-2")], "cam-2", 4)
    async with following(log) as (roster, changes):
        await eventually(lambda: "cam-2" in changes)
        assert sorted(roster.cameras) == ["cam-1", "cam-2"]


class Failing(MemoryEvents):
    """Away at each second opening; every reading breaks off after one fetch."""

    openings = 0

    async def open(self, name: str, source: Source, after: int) -> MemoryReading:
        self.openings += 1
        if self.openings % 2:
            raise Unavailable("LOG_UNAVAILABLE", "away")
        return BreakingOff(self, source, after)


class BreakingOff(MemoryReading):
    async def done(self) -> None:
        raise Unavailable("LOG_UNAVAILABLE", "away")


async def test_the_roster_goes_on_behind_the_last_event_when_the_log_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.ingest.roster_reader.RETRY_S", 0.001)
    log = Failing(log_of([registered()]))
    async with following(log) as (roster, changes):
        await eventually(lambda: "cam-1" in roster.cameras)
        log.events += log_of([registered("cam-2")], "cam-2", 2)
        await eventually(lambda: "cam-2" in changes)
        assert changes == ["cam-1", "cam-2"]
        assert log.openings >= 4
