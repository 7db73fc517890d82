"""An ingest that records nothing and says that a pool needs what a test has set; it keeps pools as the real one does."""
from __future__ import annotations

from typing import Any

from vonglau.errors import NotFound
from vonglau.ingest.v1.service_pb2 import DeletePoolRequest, DeletePoolResponse, Demand, GetDemandRequest, Pool, PutPoolRequest
from vonglau.ingest.v1.service_pb2_grpc import IngestServicer
from vonglau.rpc import caller


class DemandingIngest(IngestServicer):
    """Serve it with `add_IngestServicer_to_server`."""

    def __init__(self) -> None:
        self.pools: dict[str, Pool] = {}
        self.demands: dict[str, Demand] = {}  # pool -> what it needs; generation and name are put in
        self.callers: set[str] = set()
        self.puts = 0

    async def PutPool(self, request: PutPoolRequest, context: Any) -> Pool:
        self.callers.add(str(caller(context)))
        self.puts += 1
        wanted, present = Pool(), self.pools.get(request.pool.name)
        wanted.CopyFrom(request.pool)
        wanted.generation = present.generation if present else 0
        if wanted != present:
            wanted.generation += 1
        self.pools[wanted.name] = wanted
        return wanted

    async def DeletePool(self, request: DeletePoolRequest, context: Any) -> DeletePoolResponse:
        if self.pools.pop(request.name, None) is None:
            raise NotFound("pool", request.name)
        return DeletePoolResponse()

    async def GetDemand(self, request: GetDemandRequest, context: Any) -> Demand:
        if request.pool not in self.pools:
            raise NotFound("pool", request.pool)
        answer = Demand()
        answer.CopyFrom(self.demands.get(request.pool, Demand()))
        answer.pool, answer.generation = request.pool, self.pools[request.pool].generation
        return answer
