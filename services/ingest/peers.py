"""The other ingest processes, as one of them asks them."""
from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from functools import partial
from typing import TYPE_CHECKING

import grpc

from services.ingest.pools import Member, Members
from services.ingest.slots import slot_of
from services.ingest.station import Station
from vonglau.errors import Unavailable
from vonglau.ingest.v1 import service_pb2 as wire
from vonglau.ingest.v1.service_pb2_grpc import IngestStub
from vonglau.rpc import Identity, Link, error_of

if TYPE_CHECKING:
    from vonglau.ingest.v1.service_pb2_grpc import IngestAsyncStub

STATUS_S = 3.0  # for the statuses of one process
SPOOL_S = 60.0


class Peers:
    """Reaches each at the address that it says itself."""

    def __init__(self, identity: Identity, members: Members, station: Station, node: str) -> None:
        self._identity = identity
        self._members = members
        self._station = station
        self._assignment = station.assignment
        self._node = node
        self._addresses: dict[str, str] = {}  # by key of the member; links follow it
        self._links: dict[str, Link] = {}

    async def close(self) -> None:
        for link in self._links.values():
            await link.close()

    async def holder(self, camera: str) -> Member | None:
        """Who records a camera that is not recorded here: whoever started it last, while it lives; else who is meant to. None: nobody else.

        Raises: Unavailable.
        """
        start = self._station.rivals.started.get(camera)
        found = (await self._members.of(start.pool)).get(start.node) if start is not None else None
        is_known = found is not None and not self._is_own(found)  # a start of this process is over, and the next one's is on its way
        if not is_known and self._assignment.census.pool_of(camera) == self._assignment.pool:
            found = self._members.live().get(self._assignment.table.holders[slot_of(camera)])
        return found if found is not None and not self._is_own(found) else None

    async def holders(self, cameras: Iterable[str]) -> list[tuple[Member, list[str]]]:
        """Others that record any of the cameras, each with those that it records. What can't be told for the moment is left out."""
        found: dict[str, tuple[Member, list[str]]] = {}
        with contextlib.suppress(Unavailable):
            for camera in cameras:
                if (member := await self.holder(camera)) is not None:
                    found.setdefault(member.key, (member, []))[1].append(camera)
        return list(found.values())

    async def statuses(self, member: Member, cameras: list[str]) -> list[wire.CameraStatus]:
        """As the member knows them. Raises: Unavailable."""
        try:
            answer = await self._stub(member).ListCameraStatuses(wire.ListCameraStatusesRequest(cameras=cameras), timeout=STATUS_S)
        except grpc.aio.AioRpcError as error:
            raise unreachable(member, error) from error
        return list(answer.statuses)

    async def watch(self, member: Member, camera: str) -> AsyncIterator[wire.WatchResponse]:
        """Parts on the camera's own time line, until the member has no more of them. Raises: Unavailable."""
        try:
            async for response in self._stub(member).Watch(wire.WatchRequest(camera=camera, relayed=True)):
                yield response
        except grpc.aio.AioRpcError as error:
            raise Unavailable("CAMERA_NOT_ON_AIR", f"{member.node} shows it no longer: {error_of(error).message}", retry_after=2.0) from error

    async def spools(self, camera: str) -> list[Member]:
        """Others that may hold footage of the camera that is not stored yet: who records it, and who did before. Raises: Unavailable."""
        start = self._station.rivals.started.get(camera)
        wanted = [(start.pool, start.node), start.before] if start is not None else []
        found: list[Member] = []
        for pool, node in wanted:
            member = (await self._members.of(pool)).get(node) if node else None
            if member is not None and not self._is_own(member):
                found.append(member)
        return found

    async def read_spool(self, member: Member, request: wire.ReadSpoolRequest) -> AsyncGenerator[wire.ReadSpoolResponse, None]:
        """What the member itself holds. Raises: Unavailable: nobody can say then what is not stored yet."""
        own = wire.ReadSpoolRequest(camera=request.camera, from_ns=request.from_ns, to_ns=request.to_ns, index_only=request.index_only, relayed=True)
        try:
            async for response in self._stub(member).ReadSpool(own, timeout=SPOOL_S):
                yield response
        except grpc.aio.AioRpcError as error:
            raise unreachable(member, error) from error

    def _is_own(self, member: Member) -> bool:
        return (member.pool, member.node) == (self._assignment.pool, self._node)

    def _stub(self, member: Member) -> IngestAsyncStub:
        self._addresses[member.key] = member.address
        if member.key not in self._links:
            self._links[member.key] = self._identity.link("ingest", partial(self._addresses.__getitem__, member.key))
        stub: IngestAsyncStub = IngestStub(self._links[member.key].channel())
        return stub


def unreachable(member: Member, error: grpc.aio.AioRpcError) -> Unavailable:
    return Unavailable("PEER_UNREACHABLE", f"{member.node} does not answer: {error_of(error).message}")
