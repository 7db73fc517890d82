"""A permit and a record for the decisions; a whole registry for its RPCs."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from services.registry import camera as aggregate
from services.registry.__main__ import main
from services.registry.camera import Camera
from services.registry.details import normal_details
from services.registry.settings import RegistrySettings
from vonglau.access import Permit
from vonglau.broker import NatsServer
from vonglau.eventlog import Call
from vonglau.identity import Caller, LocalIssuer
from vonglau.registry.v1 import service_pb2 as pb
from vonglau.registry.v1.events_pb2 import (
    CAMERA_CLASS_NON_TRAFFIC,
    PURPOSE_SECURITY_ORDER,
    STREAM_KIND_MAIN,
    CameraDetails,
    CameraRegistered,
    StreamProfile,
)
from vonglau.registry.v1.service_pb2_grpc import RegistryStub
from vonglau.rpc import address_file, channel, find
from vonglau.testing.waiting import eventually

if TYPE_CHECKING:
    from vonglau.registry.v1.service_pb2_grpc import RegistryAsyncStub

Details = Callable[..., CameraDetails]


@pytest.fixture
def permit() -> Permit:
    """What a person gets who administers the two wards."""
    return Permit(Caller("person", "lan"), "camera.update", frozenset({"ward-hoan-kiem", "ward-ba-dinh"}), Call("person:lan"))


@pytest.fixture
def details() -> Details:
    """A complete record of class non_traffic in normal form, with what the test adds."""

    def build(url: str = "rtsp://10.0.0.1/main", **more: Any) -> CameraDetails:
        given: dict[str, Any] = {
            "display_name": "Hồ Hoàn Kiếm 1",
            "camera_class": CAMERA_CLASS_NON_TRAFFIC,
            "purposes": [PURPOSE_SECURITY_ORDER],
            "streams": [StreamProfile(kind=STREAM_KIND_MAIN, url=url)],
        } | more
        normal, _ = normal_details(CameraDetails(**given))
        return normal

    return build


@pytest.fixture
def registered(details: Details) -> Camera:
    return aggregate.evolve(None, CameraRegistered(camera="cam-1", owner="ward-hoan-kiem", details=details(serial_number="SN-1"), credential="camera.cam-1.a"))


class Platform:
    """A registry on a real NATS server, and channels to it as whoever calls."""

    def __init__(self, folder: Path, nats_url: str) -> None:
        self.settings = RegistrySettings(
            nats_url=nats_url,
            run_dir=folder / "run",
            data_dir=folder / "documents",
            identity_dir=folder / "identity",
            secrets_key_file=folder / "secrets.key",
            platform_admins=("platform",),
            grace_s=1.0,
        )
        self.issuer = LocalIssuer(self.settings.identity_dir)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Platform:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def start(self) -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(main(self.settings, stop))
        file = address_file(self.settings.run_dir, "registry")
        await eventually(lambda: file.exists() or running.done())

        async def end() -> None:
            stop.set()
            await running

        self._stack.push_async_callback(end)

    async def restart(self, **changed: Any) -> None:
        """With other settings."""
        await self.stop()
        self.settings = replace(self.settings, **changed)
        await self.start()

    async def stop(self) -> None:
        await self._stack.aclose()

    def token(self, person: str) -> str:
        return self.issuer.token(Caller("person", person), 600, self.settings.tenant)

    def stub(self, person: str, token: str = "") -> RegistryAsyncStub:
        """As the person, or with this very token."""
        opened = channel(find(self.settings.run_dir, "registry"), lambda: token or self.token(person))
        self._stack.push_async_callback(opened.close)
        return RegistryStub(opened)


@pytest.fixture
async def platform(tmp_path: Path, nats_server: NatsServer) -> AsyncIterator[Platform]:
    """With two owners: lan administers ward-hoan-kiem, minh ward-ba-dinh."""
    async with Platform(tmp_path, nats_server.url) as started:
        stub = started.stub("platform")
        await stub.RegisterOwner(pb.RegisterOwnerRequest(owner="ward-hoan-kiem", display_name="Phường Hoàn Kiếm", administrators=["lan"]))
        await stub.RegisterOwner(pb.RegisterOwnerRequest(owner="ward-ba-dinh", display_name="Phường Ba Đình", administrators=["minh"]))
        yield started


@pytest.fixture
def lan(platform: Platform) -> RegistryAsyncStub:
    return platform.stub("lan")


@pytest.fixture
def minh(platform: Platform) -> RegistryAsyncStub:
    return platform.stub("minh")
