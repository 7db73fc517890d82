"""Several processes of a pool: each camera is recorded by one of them, whoever is asked knows of all, and a move loses nothing."""
from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

import grpc
import pytest

from services.ingest import unassigned
from services.ingest.pools import Members
from vonglau.broker import KeyValue
from vonglau.broker.topology import LEASES
from vonglau.errors import Denied, Invalid, NotFound, Unavailable, VonglauError
from vonglau.ingest.v1 import service_pb2 as wire
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_SOURCE_SILENT, GAP_CAUSE_UNASSIGNED, InterruptionObserved, SegmentRecorded
from vonglau.rpc import error_of
from vonglau.testing.cameras import CameraFarm, CameraSpec
from vonglau.testing.scenes import SceneSpec
from vonglau.testing.waiting import eventually

if TYPE_CHECKING:
    from tests.ingest.service.conftest import City

pytestmark = pytest.mark.loopback

SMALL = SceneSpec(width=320, height=180, fps=Fraction(10), seconds=Fraction(4), gop=5, kbps=200)
CAMERAS = {f"cam-{number}" for number in range(1, 7)}  # FNV-1a spreads them over six slots


@pytest.fixture
async def cameras() -> AsyncIterator[CameraFarm]:
    async with CameraFarm([CameraSpec(camera, profiles={"main": SMALL}, max_sessions=1 if camera == "cam-6" else 0) for camera in sorted(CAMERAS)]) as farm:
        yield farm


@pytest.fixture
async def peer(city: City, cameras: CameraFarm) -> City:
    """Two processes that share six cameras."""
    peer = city.peer(1)
    await begun(city, cameras, grace_s=24.0)
    await peer.start(grace_s=24.0)
    await eventually(shared(city, peer), 20)
    return peer


async def process_beside(city: City, cameras: CameraFarm) -> City:
    """The second one as a process of its own, which can be killed and stopped."""
    other = city.peer(1)
    await begun(city, cameras)
    await other.start_process()
    await eventually(shared(city, other), 25)
    return other


async def begun(city: City, cameras: CameraFarm, **settings: float) -> None:
    await city.start(**settings)
    for camera in sorted(CAMERAS):
        await city.register(camera, cameras.url(camera))


def shared(one: City, other: City) -> Callable[[], Awaitable[bool]]:
    async def is_so() -> bool:
        here, there = await one.on_air(), await other.on_air()
        return bool(here and there and not here & there and here | there == CAMERAS)

    return is_so


def holes(segments: list[SegmentRecorded]) -> list[float]:
    """Seconds between the footage of all epochs together."""
    found, until_ns = [], 0
    for each in sorted(segments, key=lambda each: each.start_ns):
        if until_ns and each.start_ns > until_ns:
            found.append((each.start_ns - until_ns) / 1e9)
        until_ns = max(until_ns, each.end_ns)
    return [hole for hole in found if hole > 0.001]


async def refusal(call: object) -> VonglauError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call  # type: ignore[misc]
    return error_of(refused.value)


async def test_cameras_are_shared_and_whoever_is_asked_knows_of_all(city: City, peer: City) -> None:
    for asked in (city, peer):
        await eventually(partial(knows_of_all, asked))
        assert (await asked.status("cam-1")).state == wire.RECORDING_STATE_RECORDING
    epochs = [[each.epoch for each in await city.facts(SegmentRecorded, camera)] for camera in sorted(CAMERAS)]
    assert all(one == sorted(one) for one in epochs)


async def knows_of_all(asked: City) -> bool:
    listed = (await asked.stub().ListCameraStatuses(wire.ListCameraStatusesRequest())).statuses
    return {each.camera for each in listed if each.state == wire.RECORDING_STATE_RECORDING} == CAMERAS


async def test_a_camera_that_another_process_records_is_seen_and_followed_when_it_moves(city: City, peer: City) -> None:
    camera = min(await peer.on_air() - {"cam-6"})
    async with aclosing(watched(city, camera)) as parts:
        first = await anext(parts)
        assert first.init_segment
        begun = [await anext(parts) for _ in range(3)]
        stopping = asyncio.create_task(peer.stop())
        await eventually(lambda: camera_is_on(city, camera), 20)
        after = [await anext(parts) for _ in range(6)]
        await stopping
    assert not any(each.init_segment for each in (*begun, *after)), "the same picture goes on"
    times = [each.start_ns for each in (*begun, *after)]
    assert times == sorted(times)


async def watched(city: City, camera: str) -> AsyncGenerator[wire.WatchResponse, None]:
    async for part in city.watch(camera):
        yield part


async def camera_is_on(city: City, camera: str) -> bool:
    return camera in await city.on_air()


async def test_who_leaves_hands_over_before_it_stops_and_no_frame_is_missing(city: City, peer: City) -> None:
    theirs = await peer.on_air() - {"cam-6"}
    assert theirs
    before = {camera: len(await city.facts(SegmentRecorded, camera)) for camera in theirs}
    await peer.stop()
    await eventually(lambda: has_all(city))
    for camera in theirs:
        await city.recorded(camera, before[camera] + 5)
        await eventually(partial(is_whole, city, camera))
    epochs = [{each.epoch for each in await city.facts(SegmentRecorded, camera)} for camera in theirs]
    assert max(map(len, epochs)) >= 2, "it was another process that went on"


async def is_whole(city: City, camera: str) -> bool:
    """Segments are stored side by side, so a fact may come before the one that it follows."""
    return holes(await city.facts(SegmentRecorded, camera)) == []


async def has_all(city: City) -> bool:
    return await city.on_air() == CAMERAS


async def test_a_camera_with_one_connection_is_let_go_by_whoever_has_it(city: City, peer: City) -> None:
    """cam-6 turns a second connection down, so a move breaks before it makes."""
    has, gets = (city, peer) if await camera_is_on(city, "cam-6") else (peer, city)
    await has.stop()
    await eventually(lambda: camera_is_on(gets, "cam-6"), 20)


@pytest.mark.parametrize("is_told", [True, pytest.param(False, marks=pytest.mark.long)], ids=["told", "missed"])
async def test_who_dies_is_replaced_when_its_lease_ends(city: City, cameras: CameraFarm, monkeypatch: pytest.MonkeyPatch, is_told: bool) -> None:
    """Also where the expiry was missed, as by a connection that was away at that moment."""
    for module in ("members", "author"):
        monkeypatch.setattr(f"services.ingest.pools.{module}.TTL_S", 2)
    monkeypatch.setattr("services.ingest.pools.members.RENEW_S", 0.5)
    monkeypatch.setattr("services.ingest.pools.author.STEADY_S", 1.0)
    dead = await process_beside(city, cameras)
    if not is_told:
        take = Members._take
        monkeypatch.setattr(Members, "_take", lambda members, entry: entry.value is not None and take(members, entry))
    await dead.kill()
    await eventually(lambda: has_all(city), 25)


async def test_what_another_process_has_not_stored_yet_is_read_through_whoever_is_asked(city: City, peer: City) -> None:
    camera = min(await peer.on_air())
    read = await eventually(lambda: spooled(city, camera, relayed=False))
    assert [each.start_ns for each in read] == sorted(each.start_ns for each in read)
    assert await spooled(city, camera, relayed=True) == [], "nothing of it is here"


async def test_while_another_process_does_not_answer_nobody_says_that_nothing_waits(city: City, cameras: CameraFarm) -> None:
    silent = await process_beside(city, cameras)
    camera = min(await silent.on_air())
    assert await eventually(lambda: spooled(city, camera, relayed=False)), "until it is known who holds its footage, nobody is asked for it"
    assert silent.process is not None
    silent.process.send_signal(signal.SIGSTOP)
    request = wire.ReadSpoolRequest(camera=camera, from_ns=0, to_ns=2**62, index_only=True)
    try:
        refused = await refusal(collected(city.stub(service="recording").ReadSpool(request, timeout=1.5)))
    finally:
        silent.process.send_signal(signal.SIGCONT)
    assert isinstance(refused, Unavailable)


async def collected(parts: AsyncIterator[wire.ReadSpoolResponse]) -> list[wire.ReadSpoolResponse]:
    return [part async for part in parts]


async def test_one_call_names_no_more_cameras_than_it_may(city: City) -> None:
    await city.start()
    request = wire.ListCameraStatusesRequest(cameras=[f"cam-{number}" for number in range(5001)])
    assert isinstance(await refusal(city.stub().ListCameraStatuses(request)), Invalid)


async def spooled(city: City, camera: str, *, relayed: bool) -> list[wire.SpoolSegment]:
    request = wire.ReadSpoolRequest(camera=camera, from_ns=0, to_ns=2**62, index_only=True, relayed=relayed)
    return [part.segment async for part in city.stub(service="recording").ReadSpool(request) if part.HasField("segment")]


async def test_a_camera_that_no_pool_selects_is_shown_with_the_reason_and_taken_back(city: City, cameras: CameraFarm) -> None:
    await city.start()
    await city.register("cam-1", cameras.url("cam-1"))
    await city.recorded("cam-1", 1)
    operator = city.stub(service="operator")
    await operator.PutPool(wire.PutPoolRequest(pool=wire.Pool(name="default", selector=wire.PoolSelector(owners=["tay-ho"]))))
    status = await city.until("cam-1", lambda status: status.state == wire.RECORDING_STATE_UNASSIGNED)
    assert "no pool selects it" in status.detail
    assert (await operator.GetDemand(wire.GetDemandRequest(pool="default"))).unselected_cameras == 1
    await operator.PutPool(wire.PutPoolRequest(pool=wire.Pool(name="default", selector=wire.PoolSelector(owners=["police"]))))
    await city.until("cam-1", lambda status: status.state == wire.RECORDING_STATE_RECORDING)


@pytest.mark.long
async def test_time_in_which_no_pool_selects_a_camera_is_a_gap_that_says_so(city: City, cameras: CameraFarm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unassigned, "PATIENCE_S", 0.0)
    monkeypatch.setattr(unassigned, "LOOK_S", 0.1)
    await city.start()
    operator = city.stub(service="operator")
    await operator.PutPool(wire.PutPoolRequest(pool=wire.Pool(name="default", selector=wire.PoolSelector(owners=["tay-ho"]))))
    await city.register("cam-1", cameras.url("cam-1"))
    (told,) = await eventually(lambda: unassigned_times(city, "cam-1"))
    assert (told.epoch, told.ended_ns) == (0, 0)
    assert (await city.status("cam-1")).cause == GAP_CAUSE_UNASSIGNED
    await operator.PutPool(wire.PutPoolRequest(pool=wire.Pool(name="default", selector=wire.PoolSelector(owners=["police"]))))
    first, *_ = await city.recorded("cam-1", 2)
    ended = await eventually(lambda: told_to_its_end(city, "cam-1"))
    others = [each for each in (await city.interruptions("cam-1")).values() if each.cause != GAP_CAUSE_UNASSIGNED]
    assert (ended.begun_ns, others[0].cause) == (told.begun_ns, GAP_CAUSE_SOURCE_SILENT)
    assert ended.begun_ns < others[0].begun_ns <= ended.ended_ns
    assert others[-1].ended_ns == first.start_ns


async def told_to_its_end(city: City, camera: str) -> InterruptionObserved | None:
    (told,) = await unassigned_times(city, camera)
    return told if told.ended_ns else None


async def unassigned_times(city: City, camera: str) -> list[InterruptionObserved]:
    return [each for each in (await city.interruptions(camera)).values() if each.cause == GAP_CAUSE_UNASSIGNED]


async def test_pools_are_declared_whole_and_the_same_again_changes_nothing(city: City, cameras: CameraFarm) -> None:
    await city.start()
    await city.register("cam-1", cameras.url("cam-1"))
    operator = city.stub(service="operator")
    pool = wire.Pool(name="default", capacity=wire.MemberCapacity(cameras=20), pins={7: "ingest-0"})
    first = await operator.PutPool(wire.PutPoolRequest(pool=pool))
    again = await operator.PutPool(wire.PutPoolRequest(pool=pool))
    assert (first.generation, again) == (1, first)
    other = await operator.PutPool(wire.PutPoolRequest(pool=wire.Pool(name="other-pool")))
    assert other.generation == 1

    async def counted() -> wire.Demand | None:
        demand = await operator.GetDemand(wire.GetDemandRequest(pool="default"))
        return demand if demand.recording == 1 and demand.overlapping_pools else None

    demand = await eventually(counted)
    assert (demand.generation, demand.cameras, demand.unassigned, demand.moving_slots) == (1, 1, 0, 0)
    assert [(each.name, each.slots, each.cameras, each.leaving) for each in demand.members] == [("ingest-0", 1, 1, False)]
    assert list(demand.overlapping_pools) == ["other-pool"]
    await operator.DeletePool(wire.DeletePoolRequest(name="other-pool"))
    await eventually(lambda: is_gone(operator))


async def is_gone(operator: object) -> bool:
    try:
        await operator.GetDemand(wire.GetDemandRequest(pool="other-pool"))  # type: ignore[attr-defined]
    except grpc.aio.AioRpcError as error:
        return isinstance(error_of(error), NotFound)
    return False


async def test_a_pool_of_no_sense_is_refused_and_only_the_operator_declares_one(city: City) -> None:
    await city.start()
    operator = city.stub(service="operator")
    none = wire.MemberCapacity(cameras=-1)
    for pool in (wire.Pool(name="A B"), wire.Pool(name="default", pins={5000: "ingest-0"}), wire.Pool(name="default", capacity=none)):
        assert isinstance(await refusal(operator.PutPool(wire.PutPoolRequest(pool=pool))), Invalid)
    assert isinstance(await refusal(city.stub("lan").PutPool(wire.PutPoolRequest(pool=wire.Pool(name="default")))), Denied)
    assert isinstance(await refusal(city.stub("lan").GetDemand(wire.GetDemandRequest(pool="default"))), Denied)


async def test_a_process_that_has_ended_is_no_member_any_more(city: City, peer: City) -> None:
    bucket = KeyValue(city.broker, LEASES)
    assert await bucket.get("member.default.ingest-1")
    await peer.stop()
    entry = await bucket.get("member.default.ingest-1")
    assert entry is None or entry.value is None
