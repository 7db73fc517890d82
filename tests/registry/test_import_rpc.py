"""ImportCameras over gRPC, and what a kill in the middle of it leaves behind."""
from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from vonglau.broker import NatsServer, connect
from vonglau.broker.topology import ES_REGISTRY
from vonglau.errors import Exhausted
from vonglau.identity import Caller, LocalIssuer
from vonglau.registry.v1 import service_pb2 as pb
from vonglau.registry.v1.events_pb2 import CameraDetails
from vonglau.registry.v1.service_pb2_grpc import RegistryStub
from vonglau.rpc import channel, error_of, find
from vonglau.testing.waiting import eventually

if TYPE_CHECKING:
    from vonglau.registry.v1.service_pb2_grpc import RegistryAsyncStub

pytestmark = pytest.mark.loopback
Details = Callable[..., CameraDetails]
REGISTERED, UNCHANGED, REFUSED = pb.IMPORT_OUTCOME_REGISTERED, pb.IMPORT_OUTCOME_UNCHANGED, pb.IMPORT_OUTCOME_REFUSED


def messages(details: Details, count: int, *, rows: int = 100, validate_only: bool = False) -> Iterator[pb.ImportCamerasRequest]:
    for start in range(0, count, rows):
        numbers = range(start, min(start + rows, count))
        given = [pb.ImportRow(row=n, owner="ward-hoan-kiem", details=details(f"rtsp://10.0.{n // 250}.{n % 250}/a", serial_number=f"S{n}")) for n in numbers]
        yield pb.ImportCamerasRequest(rows=given, validate_only=validate_only)


async def run(stub: Any, requests: Iterator[pb.ImportCamerasRequest]) -> list[pb.ImportResult]:
    return [result async for response in stub.ImportCameras(requests) for result in response.results]


async def test_an_import_answers_row_by_row_in_order_and_can_be_repeated(lan: RegistryAsyncStub, details: Details) -> None:
    rehearsed = await run(lan, messages(details, 600, rows=400, validate_only=True))
    first = await run(lan, messages(details, 600, rows=400))
    second = await run(lan, messages(details, 600))
    assert [result.row for result in first] == list(range(600))
    assert [Counter(result.outcome for result in results) for results in (rehearsed, first, second)] == [{REGISTERED: 600}, {REGISTERED: 600}, {UNCHANGED: 600}]
    listed = await lan.ListCameras(pb.ListCamerasRequest(page_size=1000, min_version=first[-1].version))
    assert {camera.camera for camera in listed.cameras} == {result.camera for result in first} == {result.camera for result in rehearsed}


async def test_another_owners_rows_are_refused_one_by_one(minh: RegistryAsyncStub, details: Details) -> None:
    results = await run(minh, messages(details, 3))
    assert [(result.outcome, result.reason) for result in results] == [(REFUSED, "OWNER_NOT_VISIBLE")] * 3


async def test_an_import_beyond_the_bound_ends_with_what_is_whole(platform: Any, lan: RegistryAsyncStub, details: Details) -> None:
    await platform.restart(import_rows=150)
    lan, answered = platform.stub("lan"), 0

    async def import_all() -> None:
        nonlocal answered
        async for response in lan.ImportCameras(messages(details, 200)):
            answered += len(response.results)

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await import_all()
    assert isinstance(error_of(failed.value), Exhausted)
    assert answered == 100


async def test_a_killed_import_is_completed_by_the_same_file(tmp_path: Path, nats_server: NatsServer, details: Details) -> None:
    count = 3000
    async with Process(tmp_path, nats_server.url) as first:
        admin = first.stub("platform")
        await admin.RegisterOwner(pb.RegisterOwnerRequest(owner="ward-hoan-kiem", display_name="x", administrators=["lan"]))

        async def import_until_killed() -> None:
            async for _ in first.stub("lan").ImportCameras(messages(details, count)):
                first.kill()

        with pytest.raises(grpc.aio.AioRpcError):
            await import_until_killed()
    written = await events(nats_server.url)
    assert 1 < written < 1 + 3 * count
    async with Process(tmp_path, nats_server.url) as second:
        results = await run(second.stub("lan"), messages(details, count))
        outcomes = Counter(result.outcome for result in results)
        assert outcomes.keys() == {REGISTERED, UNCHANGED}
        assert outcomes[UNCHANGED] * 3 == written - 1
        assert await events(nats_server.url) == 1 + 3 * count
        assert len({result.camera for result in results}) == count
        last = await second.stub("lan").ListCameras(pb.ListCamerasRequest(page_size=1000, min_version=results[-1].version))
        assert len(last.cameras) == 1000


async def events(nats_url: str) -> int:
    async with connect(nats_url, name="tests", within=5) as broker:
        return int((await broker.js.stream_info(ES_REGISTRY)).state.messages)


class Process:
    """`python -m services.registry`, as a container would start it."""

    def __init__(self, folder: Path, nats_url: str) -> None:
        self.run_dir = folder / "run"
        self.issuer = LocalIssuer(folder / "identity")
        self.channels: list[grpc.aio.Channel] = []
        self.environ = os.environ | {
            "VONGLAU_NATS_URL": nats_url,
            "VONGLAU_RUN_DIR": str(self.run_dir),
            "VONGLAU_DATA_DIR": str(folder / "documents"),
            "VONGLAU_IDENTITY_DIR": str(folder / "identity"),
            "VONGLAU_SECRETS_KEY_FILE": str(folder / "secrets.key"),
            "VONGLAU_PLATFORM_ADMINS": "platform",
            "VONGLAU_LEASE_TTL_S": "1",
        }

    async def __aenter__(self) -> Process:
        (self.run_dir / "registry.address").unlink(missing_ok=True)
        self.process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.registry", env=self.environ)
        await eventually((self.run_dir / "registry.address").exists, within=20)
        return self

    async def __aexit__(self, *_: object) -> None:
        for opened in self.channels:
            await opened.close()
        self.kill()
        await self.process.wait()

    def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()

    def stub(self, person: str) -> RegistryAsyncStub:
        opened = channel(find(self.run_dir, "registry"), lambda: self.issuer.token(Caller("person", person), 600, "local"))
        self.channels.append(opened)
        return RegistryStub(opened)
