"""How far the projections of a service have come, as it says itself."""
from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vonglau.broker import Broker
from vonglau.broker.topology import ES_REGISTRY
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


async def reached(stub: ProjectionsAsyncStub, projection: str, stream: str) -> int:
    """Sequence up to which its documents have what it reads of the stream; 0: nothing yet."""
    listed = await stub.ListProjections(ListProjectionsRequest(), timeout=10)
    return next((one.sequence for each in listed.projections if each.name == projection for one in each.checkpoints if one.stream == stream), 0)


async def projected(stub: ProjectionsAsyncStub, projection: str, broker: Broker, within: float) -> None:
    """Wait until its documents have the last event of a camera. within: s."""
    last = (await broker.js.get_last_msg(ES_REGISTRY, "es.registry.camera.*")).seq or 0

    async def is_so() -> bool:
        return await reached(stub, projection, ES_REGISTRY) >= last

    await eventually(is_so, within)
