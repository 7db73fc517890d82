"""vonglau.operations.v1.Projections over the projections of one process."""
from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from vonglau.clock import utc
from vonglau.errors import Invalid, NotFound
from vonglau.eventlog.event import EVENT_ID, Recorded
from vonglau.operations.v1 import service_pb2 as pb
from vonglau.operations.v1.service_pb2_grpc import ProjectionsServicer
from vonglau.subscription import ParkedKey, ProjectionRunner, Rebuilding, Status

PAGE, LARGEST_PAGE = 50, 500
SHOWN = 100  # waiting events of a parked key

Authorise = Callable[[Any, str], Awaitable[Any]]  # (gRPC context, action); raises Denied


class OperationsServicer(ProjectionsServicer):
    """Every call is authorised first: operations.read, or operations.write for replay and rebuild."""

    def __init__(self, runners: Iterable[ProjectionRunner], authorise: Authorise) -> None:
        self._runners = {runner.name: runner for runner in sorted(runners, key=lambda runner: runner.name)}
        self._authorise = authorise

    async def ListProjections(self, request: pb.ListProjectionsRequest, context: Any) -> pb.ListProjectionsResponse:  # noqa: ARG002, N802 - gRPC's
        await self._authorise(context, "operations.read")
        return pb.ListProjectionsResponse(projections=[projection(await runner.status()) for runner in self._runners.values()])

    async def ListParkedKeys(self, request: pb.ListParkedKeysRequest, context: Any) -> pb.ListParkedKeysResponse:  # noqa: N802 - gRPC's
        await self._authorise(context, "operations.read")
        size = min(request.page_size or PAGE, LARGEST_PAGE)
        if size < 0:
            raise Invalid("PAGE_SIZE_NEGATIVE", "a page has at least one entry", field="page_size")
        start, _, after = request.page_token.partition("/")
        runners = [self._runner(request.projection)] if request.projection else list(self._runners.values())
        keys: list[pb.ParkedKey] = []
        for runner in runners:
            if runner.name >= start and len(keys) <= size:
                found = await runner.parked_keys(after if runner.name == start else "", size + 1 - len(keys))
                keys += [parked(runner.name, key) for key in found]
        more = len(keys) > size
        return pb.ListParkedKeysResponse(keys=keys[:size], next_page_token=f"{keys[size - 1].projection}/{keys[size - 1].key}" if more else "")

    async def GetParkedKey(self, request: pb.GetParkedKeyRequest, context: Any) -> pb.ParkedKey:  # noqa: N802 - gRPC's
        await self._authorise(context, "operations.read")
        key, events = await self._runner(request.projection).parked_key(request.key, SHOWN)
        return parked(request.projection, key, events)

    async def ReplayParkedKey(self, request: pb.ReplayParkedKeyRequest, context: Any) -> pb.ReplayParkedKeyResponse:  # noqa: N802 - gRPC's
        await self._authorise(context, "operations.write")
        replayed = await self._runner(request.projection).replay(request.key)
        return pb.ReplayParkedKeyResponse(applied=replayed.applied, waiting=replayed.waiting, reason=replayed.reason)

    async def RebuildProjection(self, request: pb.RebuildProjectionRequest, context: Any) -> AsyncIterator[pb.RebuildProjectionResponse]:  # noqa: N802 - gRPC's
        await self._authorise(context, "operations.write")
        async for progress in self._runner(request.projection).rebuild(buckets_only=request.buckets_only):
            yield rebuilding(progress)

    def _runner(self, name: str) -> ProjectionRunner:
        if name not in self._runners:
            raise NotFound("projection", name)
        return self._runners[name]


def projection(status: Status) -> pb.Projection:
    checkpoints = [
        pb.Checkpoint(stream=log.log, sequence=log.sequence, pending=log.pending, last_progress=timestamp(log.last_progress_ns)) for log in status.logs
    ]
    return pb.Projection(name=status.name, checkpoints=checkpoints, parked_keys=status.parked_keys, stopped_reason=status.stopped_reason)


def parked(name: str, key: ParkedKey, events: Iterable[Recorded] = ()) -> pb.ParkedKey:
    waiting = [
        pb.ParkedEvent(stream=event.log, sequence=event.sequence, subject=event.subject, type=event.type, event=event.headers.get(EVENT_ID, ""))
        for event in events
    ]
    since = timestamp(key.since_ns)
    return pb.ParkedKey(projection=name, key=key.key, reason=key.reason, message=key.message, events=key.events, since=since, waiting=waiting)


def rebuilding(progress: Rebuilding) -> pb.RebuildProjectionResponse:
    return pb.RebuildProjectionResponse(
        applied=progress.applied, total=progress.total, phase=progress.phase, done=progress.done, notes=progress.notes if progress.done else []
    )


def timestamp(at_ns: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(utc(at_ns))
    return stamp
