"""What `vonglau status` says of views that stand still."""
from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from vonglau.cli.statuses import advice, stopped
from vonglau.operations.v1 import service_pb2 as operations

RUNNING = operations.Projection(name="inventory")
STOPPED = operations.Projection(name="footage", stopped_reason="STREAM_REPLACED")


class Projections:
    """One service's operations."""

    def __init__(self, *found: operations.Projection, refusal: grpc.StatusCode | None = None) -> None:
        self._found = found
        self._refusal = refusal

    async def ListProjections(self, _request: operations.ListProjectionsRequest) -> operations.ListProjectionsResponse:  # noqa: N802 - gRPC's
        if self._refusal is not None:
            raise grpc.aio.AioRpcError(self._refusal, grpc.aio.Metadata(), grpc.aio.Metadata(), "no")
        return operations.ListProjectionsResponse(projections=self._found)


class Session:
    def __init__(self, services: Mapping[str, Projections]) -> None:
        self._services = services

    @asynccontextmanager
    async def projections(self, _services: tuple[str, ...]) -> AsyncIterator[Mapping[str, Projections]]:
        yield self._services


async def asked(**services: Projections) -> list[dict[str, str]]:
    session: Any = Session(services)
    return await stopped(session)


async def test_a_stopped_projection_is_named_with_its_service_and_reason() -> None:
    found = await asked(registry=Projections(RUNNING), recording=Projections(RUNNING, STOPPED))
    assert found == [{"service": "recording", "projection": "footage", "reason": "STREAM_REPLACED"}]


@pytest.mark.parametrize("code", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAVAILABLE])
async def test_who_may_not_ask_still_sees_the_cameras(code: grpc.StatusCode) -> None:
    assert await asked(registry=Projections(refusal=code), recording=Projections(STOPPED)) != []


async def test_an_error_that_nobody_expects_is_not_hidden() -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        await asked(registry=Projections(refusal=grpc.StatusCode.INTERNAL))


@pytest.mark.parametrize(("reason", "said"), [("STREAM_REPLACED", "another one"), ("CHECKPOINT_AHEAD", "the log ends before"), ("NEW_ONE", "NEW_ONE")])
def test_what_to_do_is_said(reason: str, said: str) -> None:
    text = advice({"service": "recording", "projection": "footage", "reason": reason})
    assert said in text
    assert "the views of footage stand still" in text
    assert "`vonglau rebuild recording`" in text
