"""What a process does with its cameras beside recording them: giving way, going on after a surprise, forgetting."""
from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from services.ingest.session import CameraSession
from vonglau.broker import KeyValue
from vonglau.broker.topology import CLAIMS
from vonglau.ingest.v1 import service_pb2 as wire
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_REFUSED, SegmentRecorded
from vonglau.registry.v1.events_pb2 import CameraRetired, CameraSuspended
from vonglau.testing.waiting import eventually

if TYPE_CHECKING:
    from tests.ingest.service.conftest import City
    from vonglau.testing.cameras import CameraFarm

pytestmark = pytest.mark.loopback


async def test_a_start_is_told_and_one_under_a_higher_epoch_ends_the_recording_here(city: City, farm: CameraFarm) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    await city.register("cam-2", farm.url("cam-2"))
    (first, *_) = await city.recorded("cam-1", 1)
    bucket = KeyValue(city.broker, CLAIMS)

    async def started() -> dict[str, object] | None:
        entry = await bucket.get("started.cam-1")
        return orjson.loads(entry.value) if entry and entry.value else None

    assert await eventually(started) == {
        "epoch": first.epoch, "pool": "default", "node": "ingest-0", "before": ["", ""], "first_ns": first.start_ns,
    }
    other = {"pool": "default", "node": "ingest-1", "before": ["", ""], "first_ns": 1}
    await bucket.put("started.cam-1", orjson.dumps({"epoch": first.epoch - 1, **other}))
    await bucket.put("started.cam-2", orjson.dumps({"epoch": first.epoch + 10**6, **other}))
    status = await city.until("cam-2", lambda status: status.state == wire.RECORDING_STATE_UNASSIGNED)
    assert "another process" in status.detail
    await eventually(lambda: city.last_of_epoch("cam-2"))
    assert (await city.status("cam-1")).state == wire.RECORDING_STATE_RECORDING


async def test_who_is_turned_down_asks_for_the_camera_also_where_it_learns_only_then_who_records_it(city: City, farm: CameraFarm) -> None:
    farm.camera("cam-1").refuse()
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    refused = await city.until("cam-1", lambda status: status.cause == GAP_CAUSE_REFUSED)
    bucket = KeyValue(city.broker, CLAIMS)
    await bucket.put("started.cam-1", orjson.dumps({"epoch": refused.epoch - 1, "pool": "default", "node": "ingest-1", "before": ["", ""], "first_ns": 1}))
    entry = await eventually(lambda: bucket.get("refused.cam-1"))
    assert orjson.loads(entry.value) == {"epoch": refused.epoch, "pool": "default", "node": "ingest-0", "before": ["", ""]}


async def test_a_session_that_fails_unforeseen_is_begun_again(city: City, farm: CameraFarm, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = 0
    run = CameraSession.run

    async def failing(session: CameraSession) -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise ZeroDivisionError
        await run(session)

    monkeypatch.setattr(CameraSession, "run", failing)
    monkeypatch.setattr("services.ingest.on_air.AGAIN_S", 0.01)
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    await city.recorded("cam-1", 1)
    assert runs == 2


async def test_a_camera_that_cannot_be_put_on_air_for_a_reason_nobody_foresaw_keeps_no_other_back(
    city: City, farm: CameraFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = CameraSession.__init__

    def failing(session: CameraSession, recording: object, *more: object) -> None:
        if getattr(recording, "camera", "") == "cam-2":
            raise ZeroDivisionError
        begun(session, recording, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(CameraSession, "__init__", failing)
    await city.start()
    await city.register("cam-2", farm.url("cam-2"))
    await city.register("cam-1", farm.url("cam-1"))
    await city.recorded("cam-1", 1)
    assert "the log of ingest" in (await city.until("cam-2", lambda status: "put on air" in status.detail)).detail


async def test_the_file_that_grows_counts_as_spooled(city: City, farm: CameraFarm) -> None:
    await city.start(data_plane=city.plane(segment_s=60))
    await city.register("cam-1", farm.url("cam-1"))
    status = await city.until("cam-1", lambda status: status.spool_bytes > 0)
    assert status.spool_segments == 0, "nothing is closed yet"


async def test_nothing_is_remembered_of_a_camera_that_is_retired(city: City, farm: CameraFarm) -> None:
    await city.start()
    station = city.station()
    await city.register("cam-1", farm.url("cam-1"))
    await city.register("cam-2", "http://10.0.0.1/")
    await city.recorded("cam-1", 1)
    await city.until("cam-2", lambda status: status.state == wire.RECORDING_STATE_INTERRUPTED)
    await city.happened("cam-1", CameraSuspended(camera="cam-1"))
    for camera in ("cam-1", "cam-2"):
        await city.happened(camera, CameraRetired(camera=camera))
    await eventually(lambda: not station.roster.cameras and not station._past)
    await eventually(lambda: city.last_of_epoch("cam-1"))
    rivals = station.rivals
    assert (station.on_air, station.off_air, station._left, station.telling._last, station.telling._inherited) == ({}, {}, {}, {}, set())
    assert (rivals.started, rivals._overtaken, rivals._refused) == ({}, {}, {})


async def test_every_camera_of_the_roster_has_a_status_whatever_becomes_of_it(city: City, farm: CameraFarm) -> None:
    await city.start()
    for number, url in enumerate([farm.url("cam-1"), "", "rtsp://camera.invalid/", "rtsp://:0/", "rtsps://10.0.0.1/main"]):
        await city.register(f"cam-{number}", url)
    await city.happened("cam-0", CameraSuspended(camera="cam-0"))

    async def settled() -> list[wire.CameraStatus] | None:
        listed = await city.stub().ListCameraStatuses(wire.ListCameraStatusesRequest())
        return list(listed.statuses) if all(status.cause for status in listed.statuses) and len(listed.statuses) == 5 else None

    statuses = await eventually(settled)
    assert all(status.detail for status in statuses)
    assert not any("10.0.0.1" in status.detail for status in statuses), "no addresses"
    assert await city.facts(SegmentRecorded, "cam-1") == []
