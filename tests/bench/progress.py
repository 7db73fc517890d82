"""How far the projections of a service have come, as it says itself."""
from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vonglau.identity import Caller, LocalIssuer
from vonglau.operations.v1.service_pb2 import ListProjectionsRequest
from vonglau.operations.v1.service_pb2_grpc import ProjectionsStub
from vonglau.rpc import channel
from vonglau.testing.waiting import eventually

if TYPE_CHECKING:
    from vonglau.operations.v1.service_pb2_grpc import ProjectionsAsyncStub


@asynccontextmanager
async def operations(folder: Path, address: str) -> AsyncIterator[ProjectionsAsyncStub]:
    """Of the service at that address, asked as the platform's administrator. folder: of a registry."""
    issuer = LocalIssuer(folder / "identity")
    async with channel(address, lambda: issuer.token(Caller("person", "platform"), 600, "local")) as connected:
        yield ProjectionsStub(connected)


async def reached(stub: ProjectionsAsyncStub, stream: str) -> int:
    """Sequence up to which every view of that stream has taken it in; 0: none."""
    listed = await stub.ListProjections(ListProjectionsRequest(), timeout=10)
    return min((one.sequence for each in listed.projections for one in each.checkpoints if one.stream == stream), default=0)


async def projected(stub: ProjectionsAsyncStub, stream: str, sequence: int, within: float) -> None:
    """within: s."""

    async def is_so() -> bool:
        return await reached(stub, stream) >= sequence

    await eventually(is_so, within)
