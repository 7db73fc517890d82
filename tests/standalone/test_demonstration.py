"""The simulated cameras' way into the registry, and what is said where it is barred."""
from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
import pytest

from services.standalone import __main__ as standalone
from services.standalone.__main__ import register_cameras
from services.standalone.demonstration import OWNERS, SimulatedCamera, kept_port
from vonglau.cli.session import Session
from vonglau.errors import Denied, Unavailable
from vonglau.registry.v1 import service_pb2 as service
from vonglau.rpc.status import code_of

PORT = 8554


def failed(code: grpc.StatusCode, words: str) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), words)


class Registry:
    """Fails with what it was given, in turn; then takes every row but those that it refuses."""

    def __init__(self, *failures: Exception, refuses: tuple[str, ...] = ()) -> None:
        self.failures = list(failures)
        self.refuses = refuses
        self.owners: dict[str, list[str]] = {}
        self.cameras: dict[str, str] = {}

    @asynccontextmanager
    async def registry(self, seeded: str = "") -> AsyncIterator[Registry]:
        yield self

    async def ListOwners(self, request: service.ListOwnersRequest) -> service.ListOwnersResponse:  # noqa: N802 - the RPC's name
        if self.failures:
            raise self.failures.pop(0)
        return service.ListOwnersResponse(owners=[service.Owner(owner=owner) for owner in self.owners])

    async def RegisterOwner(self, request: service.RegisterOwnerRequest) -> service.RegisterOwnerResponse:  # noqa: N802 - the RPC's name
        assert request.owner not in self.owners
        self.owners[request.owner] = list(request.administrators)
        return service.RegisterOwnerResponse()

    async def ImportCameras(self, requests: Any) -> AsyncIterator[service.ImportCamerasResponse]:  # noqa: N802 - the RPC's name
        for request in requests:
            answer = service.ImportCamerasResponse()
            for row in request.rows:
                if row.camera in self.refuses:
                    answer.results.add(row=row.row, camera=row.camera, outcome=service.IMPORT_OUTCOME_REFUSED, reason="STREAM_TAKEN", message="it has one")
                    continue
                outcome = service.IMPORT_OUTCOME_UNCHANGED if row.camera in self.cameras else service.IMPORT_OUTCOME_REGISTERED
                self.cameras[row.camera] = row.owner
                answer.results.add(row=row.row, camera=row.camera, outcome=outcome)
            yield answer


async def registered(registry: Registry, count: int = 8) -> list[str]:
    """What was said meanwhile."""
    said: list[str] = []
    await register_cameras(cast(Session, registry), count, PORT, said.append)
    return said


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standalone, "RETRY_S", 0.0)


async def test_eight_cameras_belong_to_three_owners_and_nothing_is_said() -> None:
    registry = Registry()
    assert await registered(registry) == []
    assert list(registry.cameras) == [f"sim-{number}" for number in range(1, 9)]
    assert set(registry.cameras.values()) == set(registry.owners) == set(OWNERS)
    assert set(map(tuple, registry.owners.values())) == {("local",)}


async def test_a_second_start_changes_nothing() -> None:
    registry = Registry()
    await registered(registry)
    before = dict(registry.cameras)
    assert await registered(registry) == []
    assert registry.cameras == before


async def test_without_simulated_cameras_nobody_is_asked() -> None:
    registry = Registry(AssertionError("asked"))
    assert await registered(registry, 0) == []
    assert registry.owners == {}


async def test_a_registry_that_still_starts_is_waited_for_without_a_word() -> None:
    late = failed(grpc.StatusCode.DEADLINE_EXCEEDED, "")
    registry = Registry(failed(grpc.StatusCode.UNAVAILABLE, "connect"), Unavailable("ADDRESS_UNKNOWN", "no address"), late)
    assert await registered(registry) == []
    assert len(registry.cameras) == 8


async def test_an_error_is_said_once_as_long_as_it_lasts_and_a_new_one_again() -> None:
    denied = failed(code_of(Denied("", "")), "the platform identity may not")
    assert denied.code() is grpc.StatusCode.PERMISSION_DENIED
    registry = Registry(denied, denied, denied, failed(grpc.StatusCode.INTERNAL, "incident 7"))
    said = await registered(registry)
    assert [sentence.partition(": ")[2] for sentence in said] == ["the platform identity may not (PERMISSION_DENIED)", "incident 7 (INTERNAL)"]
    assert len(registry.cameras) == 8


async def test_each_refused_camera_is_said_with_the_reason_and_the_others_are_registered() -> None:
    registry = Registry(refuses=("sim-3",))
    assert await registered(registry) == ["sim-3 is not registered: it has one (STREAM_TAKEN)"]
    assert len(registry.cameras) == 7


def test_the_cameras_keep_the_port_that_their_urls_name(tmp_path: Any) -> None:
    file = tmp_path / "port"
    assert [kept_port(file, free) for free in (PORT, 9999)] == [PORT, PORT]
    assert f":{PORT}/" in SimulatedCamera(1).row(kept_port(file, 1)).details.streams[0].url


def test_more_cameras_than_places_have_names_of_their_own() -> None:
    rows = [SimulatedCamera(number).row(PORT) for number in range(1, 65)]
    for values in ({row.details.display_name for row in rows}, {row.details.serial_number for row in rows}, {row.details.streams[0].url for row in rows}):
        assert len(values) == 64
