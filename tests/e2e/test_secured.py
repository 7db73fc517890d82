"""The services as a cluster runs them: mTLS between them, a NATS user each with its least subjects, streams by the job, health apart."""
from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grpc_health.v1 import health_pb2, health_pb2_grpc

from vonglau.broker import NatsServer
from vonglau.broker.permissions import JOB
from vonglau.broker.reconcile import ReconcileSettings, reconcile
from vonglau.broker.server import end_with_parent, free_port
from vonglau.broker.users import seed_file, write
from vonglau.identity import Caller, LocalIssuer
from vonglau.ingest.v1.service_pb2 import RECORDING_STATE_RECORDING, GetCameraStatusRequest
from vonglau.ingest.v1.service_pb2_grpc import IngestStub
from vonglau.keyfile import key_file
from vonglau.recording.v1.service_pb2 import STRETCH_KIND_RECORDED, GetTimelineRequest, Timeline
from vonglau.recording.v1.service_pb2_grpc import RecordingStub
from vonglau.registry.v1.events_pb2 import (
    CAMERA_CLASS_NON_TRAFFIC,
    PURPOSE_SECURITY_ORDER,
    STREAM_KIND_MAIN,
    CameraDetails,
    StreamProfile,
)
from vonglau.registry.v1.service_pb2 import RegisterCameraRequest, RegisterOwnerRequest
from vonglau.registry.v1.service_pb2_grpc import RegistryStub
from vonglau.rpc import Tls, channel, error_of
from vonglau.testing.cameras import CameraFarm, CameraSpec
from vonglau.testing.certificates import Authority
from vonglau.testing.scenes import SceneSpec
from vonglau.testing.waiting import eventually

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(120)]

TENANT = "city"
QUICK = SceneSpec(width=320, height=180, fps=Fraction(10), seconds=Fraction(4), gop=5, kbps=200)
SERVICES = ("registry", "ingest", "recording")
MODULES = {name: f"services.{name}" for name in SERVICES} | {"retention": "services.recording.retention_job"}


class Secured:
    """A tenant's platform, and people who reach it through a service of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority()
        self.ports = {name: free_port() for name in MODULES}
        self.health = {name: free_port() for name in MODULES}
        self._issuer = LocalIssuer(folder / "issuer")  # stands for an OIDC provider: services get its public keys alone
        self._stack = AsyncExitStack()
        self.processes: dict[str, asyncio.subprocess.Process] = {}

    async def start(self) -> None:
        users = self.folder / "users"
        configuration = write(users).read_text("utf-8")
        server = await self._stack.enter_async_context(NatsServer(self.folder / "nats", extra=configuration))
        settings = ReconcileSettings(nats_url=server.url, nats_seed_file=seed_file(users, JOB), stream_replicas=1)
        assert await reconcile(settings) == 0
        (self.folder / "identity").mkdir()
        (self.folder / "identity" / "jwks.json").write_bytes(self._issuer.jwks_file.read_bytes())
        (self.folder / "footage").mkdir()  # who has no key of archives makes no store of its own
        signing = Ed25519PrivateKey.from_private_bytes(key_file(self._signing_key, Ed25519PrivateKey.generate().private_bytes_raw))
        self._proving_key.write_bytes(signing.public_key().public_bytes_raw())
        for name in MODULES:
            await self._spawn(name, server.url, users)
        for name in MODULES:
            await eventually(partial(self.is_serving, name), within=20, why=f"{name} serves")

    async def _spawn(self, name: str, nats_url: str, users: Path) -> None:
        environment = {
            "VONGLAU_NATS_URL": nats_url,
            "VONGLAU_NATS_SEED_FILE": str(seed_file(users, name)),
            "VONGLAU_STREAMS": "expect",
            "VONGLAU_TENANT": TENANT,
            "VONGLAU_LISTEN": f"127.0.0.1:{self.ports[name]}",
            "VONGLAU_HEALTH_LISTEN": f"127.0.0.1:{self.health[name]}",
            "VONGLAU_TLS_DIR": str(self.authority.issue(self.folder / "tls" / name, f"{name}.{TENANT}.vonglau")),
            "VONGLAU_RUN_DIR": str(self.folder / "run" / name),
            "VONGLAU_DATA_DIR": str(self.folder / "documents"),
            "VONGLAU_FOOTAGE_DIR": str(self.folder / "footage"),
            "VONGLAU_IDENTITY_DIR": str(self.folder / "identity"),
            "VONGLAU_SECRETS_KEY_FILE": str(self.folder / "secrets.key"),
            **self._archive_key(name),
            "VONGLAU_SPOOL_DIR": str(self.folder / "spool"),
            "VONGLAU_INGEST_ADDRESS": f"127.0.0.1:{self.ports['ingest']}",
            "VONGLAU_PLATFORM_ADMINS": "platform",
            "VONGLAU_SEGMENT_S": "2",
            "VONGLAU_GRACE_S": "2",
        }
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-m", MODULES[name],
                env={**os.environ, **environment}, stdout=log, stderr=log, preexec_fn=partial(end_with_parent, os.getpid()),
            )

    @property
    def _signing_key(self) -> Path:
        return self.folder / "archive.key"

    @property
    def _proving_key(self) -> Path:
        return self.folder / "archive.pub"

    def _archive_key(self, name: str) -> dict[str, str]:
        """The retention job alone signs; recording proves what it signed."""
        if name == "retention":
            return {"VONGLAU_ARCHIVE_KEY_FILE": str(self._signing_key)}
        return {"VONGLAU_ARCHIVE_PUBLIC_KEY_FILE": str(self._proving_key)} if name == "recording" else {}

    async def is_serving(self, name: str) -> bool:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.health[name]}") as opened:
            try:
                answer = await health_pb2_grpc.HealthStub(opened).Check(health_pb2.HealthCheckRequest(), timeout=1)
            except grpc.aio.AioRpcError:
                return False
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def to(self, service: str, person: str = "", via: str = "console") -> Any:
        """The channel that a service has to another, for a person or for itself."""
        tls = Tls(self.authority.issue(self.folder / "tls" / via, f"{via}.{TENANT}.vonglau"), TENANT)
        token = (lambda: self._issuer.token(Caller("person", person), 60, TENANT)) if person else None
        return channel(f"127.0.0.1:{self.ports[service]}", token, tls=tls, service=service)

    async def stop(self) -> list[int]:
        """The services' exit codes."""
        for process in self.processes.values():
            if process.returncode is None:
                process.terminate()
        codes = [await process.wait() for process in self.processes.values()]
        await self._stack.aclose()
        return codes

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8")


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Secured]:
    secured = Secured(tmp_path)
    try:
        await secured.start()
        yield secured
    finally:
        codes = await secured.stop()
    assert codes == [0] * len(MODULES)


async def is_recording(platform: Secured, camera: str) -> bool:
    async with platform.to("ingest", "lan") as opened:
        status = await IngestStub(opened).GetCameraStatus(GetCameraStatusRequest(camera=camera), timeout=5)
    return bool(status.state == RECORDING_STATE_RECORDING)


async def timeline_of(platform: Secured, camera: str) -> Timeline:
    request, now = GetTimelineRequest(camera=camera, purpose=PURPOSE_SECURITY_ORDER), datetime.now(UTC)
    request.to.FromDatetime(now)
    getattr(request, "from").FromDatetime(now - timedelta(minutes=1))
    async with platform.to("recording", "lan") as opened:
        timeline: Timeline = await RecordingStub(opened).GetTimeline(request, timeout=5)
    return timeline


async def shows_what_is_in_the_spool(platform: Secured, camera: str) -> bool:
    timeline = await timeline_of(platform, camera)
    return timeline.spool_reachable and recorded(timeline)


async def shows_what_is_stored(platform: Secured, camera: str) -> bool:
    timeline = await timeline_of(platform, camera)
    return not timeline.spool_reachable and recorded(timeline)


def recorded(timeline: Timeline) -> bool:
    return STRETCH_KIND_RECORDED in [stretch.kind for stretch in timeline.stretches]


async def test_a_camera_is_recorded_and_shown_by_services_that_trust_nobody(platform: Secured) -> None:
    async with CameraFarm([CameraSpec("cam-1", {"main": QUICK})]) as farm:
        async with platform.to("registry", "platform") as opened:
            await RegistryStub(opened).RegisterOwner(RegisterOwnerRequest(owner="police", display_name="Police", administrators=["lan"]), timeout=10)
        details = CameraDetails(
            display_name="Gate", camera_class=CAMERA_CLASS_NON_TRAFFIC, purposes=[PURPOSE_SECURITY_ORDER],
            streams=[StreamProfile(kind=STREAM_KIND_MAIN, url=farm.url("cam-1"))],
        )
        async with platform.to("registry", "lan") as opened:
            request = RegisterCameraRequest(camera="cam-1", owner="police", details=details)
            await eventually(partial(registered, opened, request))
        await eventually(partial(is_recording, platform, "cam-1"), within=20)
        await eventually(partial(shows_what_is_in_the_spool, platform, "cam-1"), within=20)
        platform.processes["ingest"].terminate()
        await eventually(partial(shows_what_is_stored, platform, "cam-1"), within=20)
    for name in MODULES:
        assert "does not permit" not in platform.log(name), platform.log(name)
        assert "Traceback" not in platform.log(name), platform.log(name)


async def registered(opened: grpc.aio.Channel, request: RegisterCameraRequest) -> bool:
    """The owner's binding reaches the local copy of rights a moment after it was accepted."""
    try:
        await RegistryStub(opened).RegisterCamera(request, timeout=10)
    except grpc.aio.AioRpcError as error:
        if error_of(error).reason == "OWNER_NOT_VISIBLE":
            return False
        raise
    return True
