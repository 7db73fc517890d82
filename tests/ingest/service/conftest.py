"""The whole service on a real NATS server, a folder store and simulated cameras; the registry's events are written as it would write them."""
from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from google.protobuf.message import Message

from services.ingest.__main__ import main
from services.ingest.data_plane_settings import DataPlaneSettings
from services.ingest.settings import IngestSettings
from services.ingest.station import Station
from vonglau.access import CameraEntry, OwnerEntry, camera_key, owner_key, publish
from vonglau.broker import Broker, KeyValue
from vonglau.broker.server import end_with_parent
from vonglau.broker.topology import ACCESS_STATE, FACT_INGEST, SECRETS
from vonglau.clock import SystemClock
from vonglau.eventlog import Call, EventLog, Fold, HeaderWriter, JetStreamStore, aggregate_stream
from vonglau.eventlog.direct_get import DirectGet
from vonglau.identity import Caller, LocalIssuer
from vonglau.ingest.v1 import service_pb2 as wire
from vonglau.ingest.v1.events_pb2 import InterruptionObserved, SegmentRecorded
from vonglau.ingest.v1.service_pb2_grpc import IngestStub
from vonglau.registry.v1.events_pb2 import (
    CAMERA_CLASS_TRAFFIC,
    PURPOSE_SECURITY_ORDER,
    STREAM_KIND_MAIN,
    CameraDetails,
    CameraRegistered,
    StreamProfile,
)
from vonglau.registry.v1.service_pb2 import Credential
from vonglau.rpc import address_file, channel, find
from vonglau.secrets import SealedSecrets
from vonglau.settings import variables
from vonglau.testing.cameras import CameraFarm, CameraSpec
from vonglau.testing.scenes import SceneSpec
from vonglau.testing.waiting import eventually

M = TypeVar("M", bound=Message)
QUICK = SceneSpec(width=320, height=180, fps=Fraction(20), seconds=Fraction(4), gop=5, kbps=200)
PLANE = DataPlaneSettings(
    segment_s=0.5, silence_s=1, backoff_first_s=0.2, backoff_most_s=0.5, unauthorised_wait_s=0.5, connect_timeout_s=1, reply_timeout_s=1, drain_interval_ms=50
)
ANY: Fold[bool] = Fold(lambda _state, _event: True)


class City:
    """Owner `police`, administered by lan; whatever cameras a test registers; one ingest process that can be stopped, killed and started."""

    def __init__(self, folder: Path, broker: Broker, nats_url: str) -> None:
        self.folder = folder
        self.broker = broker
        self.settings = IngestSettings(
            nats_url=nats_url, run_dir=folder / "run", footage_dir=folder / "footage", identity_dir=folder / "identity", spool_dir=folder / "spool",
            secrets_key_file=folder / "secrets.key", grace_s=4.0, linger_s=0.2, platform_admins=("platform",), data_plane=PLANE,
        )
        self.secrets = SealedSecrets(KeyValue(broker, SECRETS), self.settings.secrets_key_file)
        self._issuer = LocalIssuer(self.settings.identity_dir)
        self._log = EventLog(JetStreamStore(broker.nc), HeaderWriter("/vonglau/local/registry", SystemClock()))
        self._facts = DirectGet(broker.nc)
        self._stack = AsyncExitStack()
        self._stubs: dict[tuple[str, str, str], Any] = {}
        self._stop: Callable[[], Awaitable[None]] | None = None
        self.process: asyncio.subprocess.Process | None = None

    async def close(self) -> None:
        await self.stop()
        await self._stack.aclose()

    def peer(self, number: int) -> City:
        """Another process of the same pool, with a spool of its own; not started."""
        peer = City(self.folder, self.broker, self.settings.nats_url)
        peer.settings = replace(
            self.settings, node=f"ingest-{number}", run_dir=self.folder / f"run-{number}", spool_dir=self.folder / f"spool-{number}", max_cameras=1000,
        )
        self._stack.push_async_callback(peer.close)
        return peer

    async def register(self, camera: str, url: str, owner: str = "police", credential: str = "") -> None:
        details = CameraDetails(display_name=camera, camera_class=CAMERA_CLASS_TRAFFIC, streams=[StreamProfile(kind=STREAM_KIND_MAIN, url=url)] if url else [])
        await self.happened(camera, CameraRegistered(camera=camera, owner=owner, details=details, credential=credential))
        rights = KeyValue(self.broker, ACCESS_STATE)
        await publish(rights, owner_key(owner), OwnerEntry(frozenset({"lan"} if owner == "police" else {"minh"}), 1))
        await publish(rights, camera_key(camera), CameraEntry(owner, "traffic", 1))

    async def happened(self, camera: str, event: Message) -> None:
        """An event of the camera, in the registry's stream."""
        await self._log.decide(aggregate_stream("registry", "camera", camera), ANY, lambda _state: [event], call=Call("person:lan"))

    async def keep(self, reference: str, user: str, password: str) -> None:
        await self.secrets.put(reference, Credential(username=user, password=password).SerializeToString())

    async def start(self, **changes: Any) -> None:
        """In this process."""
        for name, value in changes.items():
            object.__setattr__(self.settings, name, value)
        stop = asyncio.Event()
        running = asyncio.create_task(main(self.settings, stop))

        async def end() -> None:
            stop.set()
            await running

        self._stop = end
        await eventually(lambda: address_file(self.settings.run_dir, "ingest").exists() or running.done())
        if running.done():
            self._stop = None
            await running

    async def stop(self) -> None:
        stop, self._stop = self._stop, None
        if stop is not None:
            await stop()
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            await self.process.wait()

    async def start_process(self) -> None:
        """As a container would: settings by the environment."""
        flat = {**vars(self.settings), **vars(self.settings.data_plane), "segment_s": 1}
        told = {each.name: flat[each.name.removeprefix("VONGLAU_").lower()] for each in variables(IngestSettings)}
        environment = {name: text(value) for name, value in told.items() if value is not None}
        address_file(self.settings.run_dir, "ingest").unlink(missing_ok=True)
        with (self.folder / "ingest.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "services.ingest", env={**os.environ, **environment}, stdout=log, stderr=log,
                preexec_fn=partial(end_with_parent, os.getpid()),
            )
        started = self.process
        await eventually(lambda: address_file(self.settings.run_dir, "ingest").exists() or started.returncode is not None, 20)

    async def kill(self) -> None:
        process = cast("asyncio.subprocess.Process", self.process)
        process.kill()
        await process.wait()

    def logged(self) -> str:
        path = self.folder / "ingest.log"
        return path.read_text("utf-8") if path.exists() else ""

    def stub(self, person: str = "lan", service: str = "") -> Any:
        caller = Caller("service", service) if service else Caller("person", person)
        address = find(self.settings.run_dir, "ingest")
        key = (person, service, address)
        if key not in self._stubs:
            opened = channel(address, lambda: self._issuer.token(caller, 600, self.settings.tenant))
            self._stack.push_async_callback(opened.close)
            self._stubs[key] = IngestStub(opened)
        return self._stubs[key]

    async def status(self, camera: str) -> wire.CameraStatus:
        return cast("wire.CameraStatus", await self.stub().GetCameraStatus(wire.GetCameraStatusRequest(camera=camera)))

    async def health(self, person: str = "lan") -> wire.IngestHealth:
        return cast("wire.IngestHealth", (await self.stub(person).ListCameraStatuses(wire.ListCameraStatusesRequest())).health)

    async def is_store_back(self) -> bool:
        return (await self.health()).store_reachable

    async def is_store_away(self) -> bool:
        return not await self.is_store_back()

    def spooled_files(self) -> int:
        """Closed files that are in the spool."""
        return len(list((self.settings.spool_dir / "segments").glob("*/*.mp4")))

    def unclosed_files(self) -> int:
        return len(list((self.settings.spool_dir / "segments").glob("*/*.part")))

    def watch(self, camera: str) -> Any:
        return self.stub().Watch(wire.WatchRequest(camera=camera, purpose=PURPOSE_SECURITY_ORDER))

    @staticmethod
    def plane(**changes: Any) -> DataPlaneSettings:
        return replace(PLANE, **changes)

    @staticmethod
    def now_ns() -> int:
        return SystemClock().now_ns()

    async def until(self, camera: str, what: Callable[[wire.CameraStatus], Any], within: float = 15.0) -> wire.CameraStatus:
        """The camera's status as soon as it is so."""
        stub = self.stub()
        seen: list[wire.CameraStatus] = []

        async def is_so() -> bool:
            seen.append(await stub.GetCameraStatus(wire.GetCameraStatusRequest(camera=camera)))
            return bool(what(seen[-1]))

        try:
            await eventually(is_so, within)
        except AssertionError as error:
            raise AssertionError(f"{error}; the last status: {seen[-1:]}") from None
        return seen[-1]

    async def on_air(self) -> set[str]:
        """Cameras that this process records, by what it knows itself."""
        stub = self.stub()
        listed = await stub.ListCameraStatuses(wire.ListCameraStatusesRequest())
        own = await stub.ListCameraStatuses(wire.ListCameraStatusesRequest(cameras=[each.camera for each in listed.statuses]))
        return {each.camera for each in own.statuses if each.state == wire.RECORDING_STATE_RECORDING}

    async def recorded(self, camera: str, segments: int = 1, within: float = 15.0) -> list[SegmentRecorded]:
        """The facts of a camera's segments, once there are so many."""

        async def enough() -> list[SegmentRecorded] | None:
            found = await self.facts(SegmentRecorded, camera)
            return found if len(found) >= segments else None

        return cast("list[SegmentRecorded]", await eventually(enough, within, f"{segments} segments of {camera}"))

    async def last_of_epoch(self, camera: str) -> SegmentRecorded | None:
        return next((each for each in await self.facts(SegmentRecorded, camera) if each.last_of_epoch), None)

    def station(self) -> Station:
        """Of the process that runs in this one."""
        (found,) = (each for each in gc.get_objects() if isinstance(each, Station) and each.plane.spool.root.is_relative_to(self.folder))
        return found

    async def facts(self, kind: type[M], camera: str) -> list[M]:
        """In the order of the log, once it can be asked."""
        await eventually(lambda: self.broker.is_connected)
        found = await self._facts.by_subject(FACT_INGEST, f"fact.*.*.{camera}", 1)
        return [message for message in (each.message() for each in found) if isinstance(message, kind)]

    async def interruptions(self, camera: str) -> dict[tuple[int, int], InterruptionObserved]:
        """By epoch and beginning; an end, once told, stays."""
        last: dict[tuple[int, int], InterruptionObserved] = {}
        for each in await self.facts(InterruptionObserved, camera):
            key = (each.epoch, each.begun_ns)
            if key not in last or each.ended_ns >= last[key].ended_ns:
                last[key] = each
        return last


def text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)


def chain_breaks(segments: Iterable[SegmentRecorded]) -> list[SegmentRecorded]:
    """Segments that do not name the one before them, over all epochs of a camera."""
    ordered = sorted({(each.epoch, each.number): each for each in segments}.values(), key=lambda each: (each.epoch, each.number))
    return [each for before, each in pairwise(ordered) if each.previous_sha256 != before.sha256]


@pytest.fixture(name="chain_breaks")
def chain_breaks_fixture() -> Callable[[Iterable[SegmentRecorded]], list[SegmentRecorded]]:
    return chain_breaks


@pytest.fixture
def make_city() -> type[City]:
    return City


@pytest.fixture
async def city(tmp_path: Path, broker: Broker, nats_server: Any) -> AsyncIterator[City]:
    city = City(tmp_path, broker, nats_server.url)
    try:
        yield city
    finally:
        await city.close()


@pytest.fixture
async def farm() -> AsyncIterator[CameraFarm]:
    """cam-1, cam-2 and cam-3, the last with a password."""
    cameras = [CameraSpec("cam-1", profiles={"main": QUICK}), CameraSpec("cam-2", profiles={"main": QUICK}, phase=1.3)]
    async with CameraFarm([*cameras, CameraSpec("cam-3", profiles={"main": QUICK}, user="u", password="p")]) as farm:  # noqa: S106
        yield farm
