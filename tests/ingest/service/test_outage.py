"""The log away, the store away, the spool's disk failing: recording goes on, status says so, and afterwards all is told by itself."""
from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vonglau.broker import NatsServer
from vonglau.footage import disk
from vonglau.ingest.v1 import service_pb2 as wire
from vonglau.ingest.v1.events_pb2 import (
    GAP_CAUSE_SPOOL_FULL,
    GAP_CAUSE_STORAGE_UNAVAILABLE,
    GAP_CAUSE_TRANSPORT_LOST,
    InterruptionObserved,
    SegmentRecorded,
)
from vonglau.registry.v1.events_pb2 import CameraSuspended
from vonglau.testing.waiting import eventually

if TYPE_CHECKING:
    from tests.ingest.service.conftest import City
    from vonglau.testing.cameras import CameraFarm

pytestmark = pytest.mark.loopback

FRAME_NS = 100_000_000
Breaks = Callable[[Iterable[SegmentRecorded]], list[SegmentRecorded]]


async def spooled(city: City, files: int) -> None:
    await eventually(lambda: city.spooled_files() >= files, why=f"{files} files wait in the spool")


async def test_while_the_log_is_away_recording_goes_on_and_afterwards_everything_is_told_by_itself(
    city: City, farm: CameraFarm, nats_server: NatsServer, chain_breaks: Breaks, caplog: pytest.LogCaptureFixture
) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    await city.register("cam-2", farm.url("cam-2"))
    before = len(await city.recorded("cam-1", 1))
    await city.recorded("cam-2", 1)
    await nats_server.kill()
    farm.camera("cam-2").cut(down=0.5)
    await spooled(city, 3)
    health = await city.health()
    assert (health.log_reachable, health.store_reachable, health.facts_waiting > 0) == (False, True, True)
    assert "recording goes on" in health.detail
    status = await city.until("cam-1", lambda status: status.spool_segments >= 2)
    assert status.state == wire.RECORDING_STATE_RECORDING
    await nats_server.start()
    segments = await city.recorded("cam-1", before + 3)
    assert all(after.contiguous and after.start_ns == one.end_ns for one, after in pairwise(segments))
    assert chain_breaks(segments) == []

    async def told() -> bool:
        return any(each.cause == GAP_CAUSE_TRANSPORT_LOST and each.ended_ns for each in (await city.interruptions("cam-2")).values())

    await eventually(told, why="an interruption of the outage")
    assert (await city.health()).log_reachable
    assert (await city.health()).facts_waiting <= 2
    await city.register("cam-3", farm.url("cam-1"))
    await city.recorded("cam-3", 1)
    await city.happened("cam-1", CameraSuspended(camera="cam-1"))
    await city.until("cam-1", lambda status: status.state == wire.RECORDING_STATE_SUSPENDED)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR and record.name.startswith(("services", "vonglau"))] == []


async def test_whenever_the_store_is_away_the_spool_takes_everything_and_afterwards_it_is_stored(
    city: City, farm: CameraFarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    await city.recorded("cam-1", 1)
    for spoil, said in ((partial(refuse, errno.EROFS), "cannot be used"), (partial(refuse, errno.ENOSPC), "is full"), (missing, "footage folder")):
        mend = spoil(city, monkeypatch)
        await eventually(city.is_store_away)
        await spooled(city, 2)
        health = await city.health()
        assert (health.log_reachable, health.shed_segments) == (True, 0)
        assert said in health.detail
        assert (await city.status("cam-1")).state == wire.RECORDING_STATE_RECORDING
        mend()
        await eventually(city.is_store_back)
    segments = await city.recorded("cam-1", 8)
    assert all(after.contiguous for after in segments[1:])
    assert all((city.settings.footage_dir / "police-footage" / each.key).exists() for each in segments)


@pytest.mark.long
async def test_one_owners_store_that_is_away_holds_up_nobody_else(city: City, farm: CameraFarm) -> None:
    city.settings.footage_dir.mkdir()
    (city.settings.footage_dir / "ward-ba-dinh-footage").write_bytes(b"in the way")
    await city.start(upload_workers=1)
    await city.register("cam-2", farm.url("cam-2"), owner="ward-ba-dinh")
    await city.register("cam-1", farm.url("cam-1"))
    await city.recorded("cam-1", 3)
    assert await city.facts(SegmentRecorded, "cam-2") == []
    reachable = {person: (await city.health(person)).store_reachable for person in ("minh", "lan")}
    assert reachable == {"minh": False, "lan": True}  # each is told of the own store


@pytest.mark.long
async def test_what_the_spool_had_to_give_up_is_told_with_its_cause(city: City, farm: CameraFarm, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(errno.EROFS, city, monkeypatch)
    await city.start(data_plane=city.plane(spool_limit_bytes=70_000))
    await city.register("cam-1", farm.url("cam-1"))

    async def shed() -> list[InterruptionObserved]:
        return [each for each in (await city.interruptions("cam-1")).values() if each.cause == GAP_CAUSE_STORAGE_UNAVAILABLE]

    (given_up, *_) = await eventually(shed)
    assert (await city.health()).shed_segments >= 1
    monkeypatch.undo()
    segments = await city.recorded("cam-1", 2)
    assert all(each.start_ns >= given_up.ended_ns - FRAME_NS or each.end_ns <= given_up.begun_ns + FRAME_NS for each in segments)


@pytest.mark.long
async def test_what_was_stored_before_the_spool_gave_it_up_is_told_and_no_gap(city: City, farm: CameraFarm, nats_server: NatsServer) -> None:
    await city.start(data_plane=city.plane(spool_limit_bytes=70_000))
    await city.register("cam-1", farm.url("cam-1"))
    await city.recorded("cam-1", 1)
    await nats_server.kill()
    stub = city.stub()

    async def shed() -> bool:
        return bool((await stub.ListCameraStatuses(wire.ListCameraStatusesRequest())).health.shed_segments >= 2)

    await eventually(shed, 20)
    await nats_server.start()
    last = (await city.status("cam-1")).recorded_until.ToNanoseconds()

    async def told() -> list[SegmentRecorded] | None:
        segments = sorted(await city.facts(SegmentRecorded, "cam-1"), key=lambda each: each.number)
        return segments if segments[-1].end_ns > last else None

    segments = await eventually(told)
    causes = [each for each in (await city.interruptions("cam-1")).values() if each.cause in (GAP_CAUSE_SPOOL_FULL, GAP_CAUSE_STORAGE_UNAVAILABLE)]
    recorded = {each.number for each in segments}
    assert recorded == set(range(max(recorded) + 1)) or causes, "nothing that is missing lacks a cause"
    for cause in causes:
        assert not any(each.start_ns < cause.ended_ns - FRAME_NS and each.end_ns > cause.begun_ns + FRAME_NS for each in segments), "nothing stored is a gap"


async def test_a_spool_that_cannot_be_written_is_told_and_shown_until_it_can(city: City, farm: CameraFarm, monkeypatch: pytest.MonkeyPatch) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    await city.recorded("cam-1", 1)
    monkeypatch.setattr("services.ingest.spool.growing.GrowingSegment.open", full)
    status = await city.until("cam-1", lambda status: status.state == wire.RECORDING_STATE_INTERRUPTED)
    assert status.cause == GAP_CAUSE_SPOOL_FULL
    assert "spool" in status.detail
    assert "1 cameras can't be written" in (await city.health()).detail
    monkeypatch.undo()
    await city.until("cam-1", lambda status: status.state == wire.RECORDING_STATE_RECORDING)
    known = len(await city.facts(SegmentRecorded, "cam-1"))
    segments = await city.recorded("cam-1", known + 2)

    async def lost() -> list[InterruptionObserved]:
        return [each for each in (await city.interruptions("cam-1")).values() if each.cause == GAP_CAUSE_SPOOL_FULL and each.ended_ns]

    (gap,) = await eventually(lost)
    assert (gap.owner, gap.epoch) == ("police", segments[0].epoch)
    (hole,) = [(one.end_ns, after.start_ns) for one, after in pairwise(segments) if not after.contiguous]
    assert (abs(gap.begun_ns - hole[0]) <= FRAME_NS, abs(gap.ended_ns - hole[1]) <= FRAME_NS) == (True, True)


def full(_segment: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def missing(city: City, _monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    """Something else is where the footage folder was. Returns: what puts it back."""
    folder, aside = city.settings.footage_dir, city.folder / "aside"
    folder.rename(aside)
    folder.write_bytes(b"")

    def mend() -> None:
        folder.unlink()
        aside.rename(folder)

    return mend


def refuse(code: int, _city: City, monkeypatch: pytest.MonkeyPatch) -> Callable[[], object]:
    """The footage folder's disk takes nothing new. Returns: what mends it."""

    def link(_source: Path, _target: Path) -> bool:
        raise OSError(code, "refused")

    monkeypatch.setattr(disk, "link", link)
    return monkeypatch.undo
