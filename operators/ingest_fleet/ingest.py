"""What the operator says to ingest and asks of it. Any ingest process answers for all pools."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import grpc

from operators.ingest_fleet.plan import Demand
from operators.ingest_fleet.pool import IngestPool
from vonglau.errors import NotFound, Unavailable
from vonglau.ingest.v1.service_pb2 import DeletePoolRequest, GetDemandRequest, PutPoolRequest
from vonglau.ingest.v1.service_pb2 import Demand as Answer
from vonglau.ingest.v1.service_pb2_grpc import IngestStub
from vonglau.rpc import Link, error_of

if TYPE_CHECKING:  # known to the types alone
    from vonglau.ingest.v1.service_pb2_grpc import IngestAsyncStub

WAIT_S = 5.0  # an answer that takes longer is none


class Asked(Protocol):
    """What a reconcile needs of ingest."""

    async def demand(self, pool: IngestPool) -> Demand:
        """Of the pool as it is now, which is put where ingest has it otherwise. Raises: VonglauError."""

    async def forget(self, pool: str) -> None:
        """Raises: VonglauError."""


@dataclass(frozen=True, slots=True)
class Put:
    """What ingest was told of a pool, and how it calls that."""

    declared: bytes
    generation: int


class Ingest:
    def __init__(self, link: Link) -> None:
        self._link = link
        self._put: dict[str, Put] = {}

    async def demand(self, pool: IngestPool) -> Demand:
        put = self._put.get(pool.name)
        if put is None or put.declared != pool.declared:
            put = await self._tell(pool)
        try:
            answer = await self._ask(pool.name)
        except NotFound:  # it lost its pools
            answer = None
        if answer is None or answer.generation != put.generation:
            await self._tell(pool)
            answer = await self._ask(pool.name)
        return demand_of(answer)

    async def forget(self, pool: str) -> None:
        self._put.pop(pool, None)
        try:
            await self._stub().DeletePool(DeletePoolRequest(name=pool), timeout=WAIT_S)
        except grpc.aio.AioRpcError as error:
            raised = error_of(error)
            if not isinstance(raised, NotFound):
                await self._away(raised)
                raise raised from error

    async def _tell(self, pool: IngestPool) -> Put:
        try:
            answer = await self._stub().PutPool(PutPoolRequest(pool=pool.said), timeout=WAIT_S)
        except grpc.aio.AioRpcError as error:
            raised = error_of(error)
            await self._away(raised)
            raise raised from error
        self._put[pool.name] = put = Put(pool.declared, answer.generation)
        return put

    async def _ask(self, pool: str) -> Answer:
        try:
            return await self._stub().GetDemand(GetDemandRequest(pool=pool), timeout=WAIT_S)
        except grpc.aio.AioRpcError as error:
            raised = error_of(error)
            await self._away(raised)
            raise raised from error

    async def _away(self, raised: Exception) -> None:
        """gRPC looks a name up again only after up to two minutes; a new channel does at once, and new pods have new addresses."""
        if isinstance(raised, Unavailable):
            await self._link.close()

    def _stub(self) -> IngestAsyncStub:
        return IngestStub(self._link.channel())


def demand_of(answer: Answer) -> Demand:
    return Demand(
        cameras=answer.cameras,
        bitrate=answer.bitrate_bps,
        recording=answer.recording,
        unassigned=answer.unassigned,
        members=sum(not each.leaving for each in answer.members),
        overlapping=tuple(answer.overlapping_pools),
        overlapping_cameras=answer.overlapping_cameras,
        unselected=answer.unselected_cameras,
    )
