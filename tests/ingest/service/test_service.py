"""One process from the registry's events to stored segments and facts, as others see it."""
from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from vonglau.errors import Denied, Refused, Unavailable
from vonglau.ingest.v1 import service_pb2 as wire
from vonglau.ingest.v1.events_pb2 import (
    GAP_CAUSE_QUOTA_EXCEEDED,
    GAP_CAUSE_REFUSED,
    GAP_CAUSE_SUSPENDED,
    GAP_CAUSE_TRANSPORT_LOST,
    GAP_CAUSE_UNAUTHORISED,
    ClockMeasured,
    InterruptionObserved,
    SegmentRecorded,
    StreamChanged,
)
from vonglau.registry.v1.events_pb2 import (
    STREAM_KIND_MAIN,
    CameraChanged,
    CameraDetails,
    CameraResumed,
    CameraRetired,
    CameraSuspended,
    StreamProfile,
)
from vonglau.rpc import error_of
from vonglau.testing.waiting import eventually

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from tests.ingest.service.conftest import City
    from vonglau.testing.cameras import CameraFarm

pytestmark = pytest.mark.loopback

FRAME_NS = 100_000_000
RECORDING, INTERRUPTED = wire.RECORDING_STATE_RECORDING, wire.RECORDING_STATE_INTERRUPTED


def moved_to(camera: str, url: str) -> CameraChanged:
    details = CameraDetails(streams=[StreamProfile(kind=STREAM_KIND_MAIN, url=url)])
    return CameraChanged(camera=camera, details=details, changed=FieldMask(paths=["streams"]))


async def holes(city: City, camera: str) -> list[tuple[int, int]]:
    """Times between the camera's registration and its last segment that are neither recorded nor have a cause; a frame is no hole."""
    recorded = [(each.start_ns, each.end_ns) for each in await city.facts(SegmentRecorded, camera)]
    explained = [(each.begun_ns, each.ended_ns) for each in (await city.interruptions(camera)).values() if each.ended_ns]
    found, reached = [], min(start for start, _ in explained)
    for start, end in sorted(recorded + explained):
        if start > reached + FRAME_NS:
            found.append((reached, start))
        reached = max(reached, end)
    return found


async def test_a_registered_camera_is_recorded_stored_and_told(city: City, farm: CameraFarm) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    first, second = (await city.recorded("cam-1", 2))[:2]
    assert (first.owner, first.number, second.number, second.contiguous) == ("police", 0, 1, True)
    assert second.start_ns == first.end_ns
    assert second.previous_sha256 == first.sha256
    body = (city.settings.footage_dir / "police-footage" / first.key).read_bytes()
    assert hashlib.sha256(body).digest() == first.sha256
    status = await city.status("cam-1")
    assert (status.state, status.epoch, status.width_px, status.codec) == (RECORDING, first.epoch, 320, first.codec)
    (stream,) = await city.facts(StreamChanged, "cam-1")
    assert (stream.width_px, stream.height_px, stream.at_ns) == (320, 180, first.start_ns)
    (clock,) = await city.facts(ClockMeasured, "cam-1")
    assert abs(clock.offset_ns) < 2 * FRAME_NS
    await eventually(lambda: city.spooled_files() < 3, why="stored segments leave the spool")


async def test_the_first_interruption_lasts_from_the_registration_to_the_first_key_frame(city: City, farm: CameraFarm) -> None:
    await city.register("cam-1", farm.url("cam-1"))
    await city.start()
    (first, *_) = await city.recorded("cam-1", 1)
    (begun, ended) = (await city.facts(InterruptionObserved, "cam-1"))[:2]
    assert (begun.begun_ns, begun.ended_ns, begun.epoch, begun.owner) == (ended.begun_ns, 0, first.epoch, "police")
    assert ended.ended_ns == first.start_ns
    assert begun.closes_epoch == first.epoch - 1
    assert await holes(city, "cam-1") == []


async def test_a_camera_whose_record_cannot_be_recorded_says_so_until_it_is_changed(city: City, farm: CameraFarm, caplog: pytest.LogCaptureFixture) -> None:
    await city.start()
    await city.register("cam-1", "http://10.0.0.1/video")
    await city.register("cam-2", "")
    await city.register("cam-4", "rtsp://camera.invalid/main")
    status = await city.until("cam-1", lambda status: status.state == INTERRUPTED)
    assert (status.cause, "rtsp://" in status.detail) == (GAP_CAUSE_REFUSED, True)
    assert "main stream" in (await city.until("cam-2", lambda status: status.state == INTERRUPTED)).detail
    status = await city.until("cam-4", lambda status: status.cause == GAP_CAUSE_TRANSPORT_LOST)
    assert "no way to the camera" in status.detail
    await city.happened("cam-1", moved_to("cam-1", farm.url("cam-1")))
    await city.recorded("cam-1", 1)
    assert await holes(city, "cam-1") == []
    assert GAP_CAUSE_REFUSED in {each.cause for each in (await city.interruptions("cam-1")).values()}
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_camera_that_moves_to_another_address_goes_on_under_the_same_epoch(
    city: City, farm: CameraFarm, chain_breaks: Callable[[Iterable[SegmentRecorded]], list[SegmentRecorded]]
) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    before = len(await city.recorded("cam-1", 1))
    await city.happened("cam-1", moved_to("cam-1", farm.url("cam-2")))
    await eventually(lambda: farm.camera("cam-2").plays)
    segments = await city.recorded("cam-1", before + 3)
    assert [each.number for each in segments] == list(range(len(segments)))
    assert len({each.epoch for each in segments}) == 1
    assert [segment.contiguous for segment in segments].count(False) == 2
    assert chain_breaks(segments) == []
    assert await holes(city, "cam-1") == []


async def test_a_wrong_password_is_told_and_a_changed_one_is_used_at_once(city: City, farm: CameraFarm) -> None:
    await city.start()
    await city.keep("camera.cam-3.a", "u", "wrong")
    await city.register("cam-3", farm.url("cam-3", credentials=False), credential="camera.cam-3.a")
    status = await city.until("cam-3", lambda status: status.cause == GAP_CAUSE_UNAUTHORISED)
    assert "credentials" in status.detail
    assert "wrong" not in str(status)
    await city.keep("camera.cam-3.b", "u", "p")
    await city.happened("cam-3", CameraChanged(camera="cam-3", changed=FieldMask(paths=["credential"]), credential="camera.cam-3.b"))
    await city.recorded("cam-3", 1)
    assert await holes(city, "cam-3") == []
    first = (await city.facts(InterruptionObserved, "cam-3"))[0].begun_ns
    unauthorised = [each for each in (await city.interruptions("cam-3")).values() if each.cause == GAP_CAUSE_UNAUTHORISED]
    others = [each for each in (await city.interruptions("cam-3")).values() if each.cause != GAP_CAUSE_UNAUTHORISED and each.begun_ns > first]
    assert all(each.begun_ns >= max(one.ended_ns for one in unauthorised) for each in others), "what was told is not told otherwise later"


async def test_credentials_that_cannot_be_opened_keep_one_camera_from_being_recorded(city: City, farm: CameraFarm) -> None:
    await city.keep("camera.cam-3.a", "u", "p")
    city.settings.secrets_key_file.unlink()
    await city.start()
    await city.register("cam-3", farm.url("cam-3", credentials=False), credential="camera.cam-3.a")
    await city.register("cam-1", farm.url("cam-1"))
    status = await city.until("cam-3", lambda status: status.state == INTERRUPTED)
    assert (status.cause, "can't be opened" in status.detail) == (GAP_CAUSE_UNAUTHORISED, True)
    await city.recorded("cam-1", 1)


async def test_a_camera_that_is_suspended_while_it_refuses_has_ended_its_interruption(city: City, farm: CameraFarm) -> None:
    farm.camera("cam-1").refuse()
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    await city.until("cam-1", lambda status: status.cause == GAP_CAUSE_REFUSED)
    await city.happened("cam-1", CameraSuspended(camera="cam-1"))
    status = await city.until("cam-1", lambda status: status.state == wire.RECORDING_STATE_SUSPENDED)
    assert "resume" in status.detail

    async def all_ended() -> bool:
        return all(each.ended_ns for each in (await city.interruptions("cam-1")).values())

    await eventually(all_ended)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await city.watch("cam-1").read()
    assert isinstance(error_of(refused.value), Refused)
    farm.camera("cam-1").refuse(on=False)
    await city.happened("cam-1", CameraResumed(camera="cam-1"))
    await city.recorded("cam-1", 1)


@pytest.mark.parametrize("event", [CameraSuspended(camera="cam-1"), CameraRetired(camera="cam-1")], ids=["suspended", "retired"])
async def test_the_time_from_the_last_sample_to_the_end_of_a_recording_is_told(city: City, farm: CameraFarm, event: Message) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    await city.recorded("cam-1", 1)
    await city.happened("cam-1", event)
    happened_ns = city.now_ns()

    async def told() -> InterruptionObserved | None:
        return next((each for each in (await city.interruptions("cam-1")).values() if each.cause == GAP_CAUSE_SUSPENDED and each.ended_ns), None)

    async def stored_until() -> bool:
        return bool((await city.recorded("cam-1", 1))[-1].end_ns == between.begun_ns)

    between = await eventually(told)
    await eventually(stored_until)
    assert between.ended_ns >= happened_ns


async def test_how_the_process_stands_is_told_to_those_who_have_cameras_or_operate_it(city: City, farm: CameraFarm) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    await city.recorded("cam-1", 1)
    told = {person: (await city.stub(person).ListCameraStatuses(wire.ListCameraStatusesRequest())).HasField("health") for person in ("lan", "stranger")}
    assert told == {"lan": True, "stranger": False}


async def test_a_retired_camera_ends_with_its_last_segment(city: City, farm: CameraFarm) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    await city.recorded("cam-1", 1)
    await city.happened("cam-1", CameraRetired(camera="cam-1"))

    async def last() -> list[SegmentRecorded]:
        return [each for each in await city.facts(SegmentRecorded, "cam-1") if each.last_of_epoch]

    (closing,) = await eventually(last)
    assert closing.number == max(each.number for each in await city.facts(SegmentRecorded, "cam-1"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await city.status("cam-1")
    assert isinstance(error_of(refused.value), Denied)


async def test_each_owner_has_its_own_bucket_and_sees_its_own_cameras(city: City, farm: CameraFarm) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    await city.register("cam-2", farm.url("cam-2"), owner="ward-ba-dinh")
    (mine, *_), (theirs, *_) = await city.recorded("cam-1", 1), await city.recorded("cam-2", 1)
    assert (city.settings.footage_dir / "police-footage" / mine.key).exists()
    assert (city.settings.footage_dir / "ward-ba-dinh-footage" / theirs.key).exists()
    for person, camera in (("lan", "cam-1"), ("minh", "cam-2"), ("platform", None)):
        listed = await city.stub(person).ListCameraStatuses(wire.ListCameraStatusesRequest())
        assert [status.camera for status in listed.statuses] == ([camera] if camera else [])
    refusals = []
    for camera in ("cam-2", "cam-9"):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await city.status(camera)
        refusals.append(str(error_of(refused.value)).replace(camera, ""))
    assert refusals[0] == refusals[1], "another owner's camera looks as if there were none"


async def test_statuses_come_in_pages(city: City) -> None:
    await city.start()
    for number in range(5):
        await city.register(f"cam-{number}", "rtsp://camera.invalid/main")
    stub, seen, token = city.stub(), [], ""
    while True:
        page = await stub.ListCameraStatuses(wire.ListCameraStatusesRequest(page_size=2, page_token=token))
        seen.append([status.camera for status in page.statuses])
        token = page.next_page_token
        if not token:
            break
    assert seen == [["cam-0", "cam-1"], ["cam-2", "cam-3"], ["cam-4"]]


async def test_a_full_process_accounts_for_the_camera_that_waits_and_takes_it_when_there_is_room(city: City, farm: CameraFarm) -> None:
    await city.start(max_cameras=1)
    await city.register("cam-1", farm.url("cam-1"))
    await city.recorded("cam-1", 1)
    await city.register("cam-2", farm.url("cam-2"))
    status = await city.until("cam-2", lambda status: status.cause == GAP_CAUSE_QUOTA_EXCEEDED)
    assert (status.state, "1 cameras" in status.detail) == (wire.RECORDING_STATE_UNASSIGNED, True)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await city.watch("cam-2").read()
    assert isinstance(error_of(refused.value), Unavailable)
    await city.happened("cam-1", CameraRetired(camera="cam-1"))
    await city.recorded("cam-2", 1)
    assert await holes(city, "cam-2") == []


async def test_what_is_not_stored_yet_is_read_up_to_now(city: City, farm: CameraFarm) -> None:
    await city.start(data_plane=city.plane(segment_s=60))
    await city.register("cam-1", farm.url("cam-1"))
    reached = await city.until("cam-1", lambda status: status.recorded_duration_ns > 1_500_000_000)
    request = wire.ReadSpoolRequest(camera="cam-1", from_ns=0, to_ns=2**62)
    parts = [part async for part in city.stub(service="recording").ReadSpool(request)]
    (segment, *fragments) = [part.segment if part.WhichOneof("part") == "segment" else part.fragment for part in parts]
    assert (segment.growing, segment.number, segment.owner) == (True, 0, "police")
    assert segment.end_ns == fragments[-1].end_ns
    assert segment.end_ns >= reached.recorded_until.ToNanoseconds()
    assert city.now_ns() - segment.end_ns < 1_000_000_000
    assert all(abs(after.start_ns - before.end_ns) < 1_000_000 for before, after in pairwise(fragments))
    assert all(fragment.media[4:8] == b"moof" for fragment in fragments)
    indexed = [part async for part in city.stub(service="recording").ReadSpool(wire.ReadSpoolRequest(camera="cam-1", to_ns=2**62, index_only=True))]
    assert not any(part.fragment.media for part in indexed)


async def test_a_person_reads_no_spool_without_a_purpose(city: City, farm: CameraFarm) -> None:
    await city.start()
    await city.register("cam-1", farm.url("cam-1"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await city.stub().ReadSpool(wire.ReadSpoolRequest(camera="cam-1", to_ns=2**62)).read()
    assert isinstance(error_of(refused.value), Denied)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await city.stub().Watch(wire.WatchRequest(camera="cam-1")).read()
    assert isinstance(error_of(refused.value), Denied)
