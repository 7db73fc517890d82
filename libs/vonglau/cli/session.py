"""One command's way to the running platform: found by its data folder, spoken to as one person."""
from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import grpc

from vonglau.cli.output import Output
from vonglau.errors import Unavailable
from vonglau.identity import Caller, LocalIssuer
from vonglau.ingest.v1.service_pb2_grpc import IngestStub
from vonglau.operations.v1.service_pb2_grpc import ProjectionsStub
from vonglau.recording.v1.service_pb2_grpc import RecordingStub
from vonglau.registry.v1.service_pb2_grpc import RegistryStub
from vonglau.rpc import Tls, channel
from vonglau.rpc.addresses import find

if TYPE_CHECKING:  # the generated stubs know the asyncio ones by type only
    from vonglau.ingest.v1.service_pb2_grpc import IngestAsyncStub
    from vonglau.operations.v1.service_pb2_grpc import ProjectionsAsyncStub
    from vonglau.recording.v1.service_pb2_grpc import RecordingAsyncStub
    from vonglau.registry.v1.service_pb2_grpc import RegistryAsyncStub

T = TypeVar("T")

LOCAL, PLATFORM = "local", "platform"  # the seeded person, and the seeded platform identity
TOKEN_S = 900.0  # a command that runs longer gets fresh tokens


@dataclass(frozen=True)
class Session:
    """Who speaks, to which platform, and how the answer is shown."""

    data: Path
    person: str  # empty: whoever is seeded for the command
    output: Output

    def token(self, seeded: str = LOCAL, ttl_s: float = TOKEN_S) -> str:
        """Raises: Unavailable (PLATFORM_NOT_FOUND): no platform ever ran on the folder."""
        identity = self.data / "identity"
        if not (identity / "issuer.key").exists():
            raise Unavailable("PLATFORM_NOT_FOUND", f"no platform has run on {self.data}; start one with `make run`, or set VONGLAU_DATA")
        return LocalIssuer(identity).token(Caller("person", self.person or seeded), ttl_s=ttl_s, audience=tenant())

    @asynccontextmanager
    async def channel(self, service: str, seeded: str) -> AsyncIterator[grpc.aio.Channel]:
        """By mTLS where VONGLAU_TLS_DIR names a certificate; the token says which person speaks, the certificate only lets the connection in.

        Raises: Refused (TLS_FILES_UNUSABLE).
        """
        address = find(self.data / "run", service, os.environ.get(f"VONGLAU_{service.upper()}_ADDRESS", ""))
        tls = Tls(Path(folder), tenant()) if (folder := os.environ.get("VONGLAU_TLS_DIR")) else None
        async with channel(address, lambda: self.token(seeded), tls=tls, service=service) as connected:
            yield connected

    @asynccontextmanager
    async def registry(self, seeded: str = LOCAL) -> AsyncIterator[RegistryAsyncStub]:
        async with self.channel("registry", seeded) as connected:
            yield RegistryStub(connected)

    @asynccontextmanager
    async def ingest(self, seeded: str = LOCAL) -> AsyncIterator[IngestAsyncStub]:
        async with self.channel("ingest", seeded) as connected:
            yield IngestStub(connected)

    @asynccontextmanager
    async def recording(self, seeded: str = LOCAL) -> AsyncIterator[RecordingAsyncStub]:
        async with self.channel("recording", seeded) as connected:
            yield RecordingStub(connected)

    @asynccontextmanager
    async def projections(self, services: tuple[str, ...]) -> AsyncIterator[dict[str, ProjectionsAsyncStub]]:
        """The operations of each service; asked as the platform identity."""
        async with AsyncExitStack() as stack:
            channels = {service: await stack.enter_async_context(self.channel(service, PLATFORM)) for service in services}
            yield {service: ProjectionsStub(connected) for service, connected in channels.items()}


def tenant() -> str:
    return os.environ.get("VONGLAU_TENANT", "local")


def run(command: Callable[[], Awaitable[T]]) -> T:
    """The command to its end; Ctrl-C cancels it, and with it its calls."""

    async def whole() -> T:
        return await command()

    return asyncio.run(whole())
