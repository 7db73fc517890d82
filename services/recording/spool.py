"""What is recorded and not stored yet, read from the ingest process that holds it."""
from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

import grpc

from services.recording.gaps import Span
from vonglau.errors import NotFound, Unavailable, VonglauError
from vonglau.ingest.v1.service_pb2 import ReadSpoolRequest, ReadSpoolResponse
from vonglau.ingest.v1.service_pb2_grpc import IngestStub
from vonglau.rpc import Link, error_of

if TYPE_CHECKING:
    from vonglau.ingest.v1.service_pb2_grpc import IngestAsyncStub

INDEX_TIMEOUT_S = 1.0  # a timeline does not wait longer for what is not stored yet
READ_TIMEOUT_S = 60.0


class Spool(Protocol):
    def read(self, camera: str, from_ns: int, to_ns: int, *, index_only: bool = False) -> AsyncIterator[ReadSpoolResponse]:
        """Segments, each followed by its fragments, in order; nothing where nothing waits. Raises: Unavailable."""


class IngestSpool:
    def __init__(self, link: Link) -> None:
        self._link = link

    async def read(self, camera: str, from_ns: int, to_ns: int, *, index_only: bool = False) -> AsyncIterator[ReadSpoolResponse]:
        request = ReadSpoolRequest(camera=camera, from_ns=from_ns, to_ns=to_ns, index_only=index_only)
        try:
            ingest: IngestAsyncStub = IngestStub(self._link.channel())
            async for response in ingest.ReadSpool(request, timeout=INDEX_TIMEOUT_S if index_only else READ_TIMEOUT_S):
                yield response
        except grpc.aio.AioRpcError as error:
            named = error_of(error)
            if not isinstance(named, NotFound):
                raise Unavailable("SPOOL_UNREACHABLE", f"what is not stored yet cannot be read: {named.message}") from error


async def spooled_spans(spool: Spool, camera: str, from_ns: int, to_ns: int) -> list[Span] | None:
    """None: the spool cannot be reached."""
    spans = []
    try:
        async for response in spool.read(camera, from_ns, to_ns, index_only=True):
            if response.WhichOneof("part") == "segment":
                each = response.segment
                spans.append(Span(each.start_ns, each.end_ns, each.epoch, each.number, each.number, each.contiguous, spooled=True))
    except VonglauError:
        return None
    return spans
