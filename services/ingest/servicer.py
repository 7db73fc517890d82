"""Who is asking, what they get, and nothing else."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from services.ingest.spool import Spool
from services.ingest.spool.reading import SpooledSegment
from services.ingest.station import Station
from services.ingest.statuses import off_air_status, on_air_status
from services.ingest.uploader import Uploader
from vonglau.access import Access, Scope, camera_not_visible
from vonglau.broker import Broker
from vonglau.errors import Unavailable
from vonglau.ingest.v1 import service_pb2 as wire
from vonglau.ingest.v1.service_pb2_grpc import IngestServicer
from vonglau.rpc import PageToken, call, page_size

STATUSES_DEFAULT, STATUSES_MOST = 1000, 5000


@dataclass
class Servicer(IngestServicer):
    """vonglau.ingest.v1.Ingest."""

    access: Access
    broker: Broker
    station: Station
    spool: Spool
    uploader: Uploader

    async def GetCameraStatus(self, request: wire.GetCameraStatusRequest, context: Any) -> wire.CameraStatus:
        await self.access.require(call(context, request), "camera.read", camera=request.camera)
        return self._status(request.camera)

    async def ListCameraStatuses(self, request: wire.ListCameraStatusesRequest, context: Any) -> wire.ListCameraStatusesResponse:
        scope = self.access.scope(call(context, request), "camera.read")
        size = page_size(request, default=STATUSES_DEFAULT, most=STATUSES_MOST)
        (after,) = PageToken.decode(request) or [""]
        cameras = sorted(camera for camera in self._visible(scope, request.owner) if camera > after)
        page = [self._status(camera) for camera in cameras[:size]]
        following = PageToken.encode(request, [page[-1].camera]) if len(cameras) > size else ""
        return wire.ListCameraStatusesResponse(statuses=page, next_page_token=following, health=self._health())

    async def Watch(self, request: wire.WatchRequest, context: Any) -> AsyncIterator[wire.WatchResponse]:
        await self.access.require(call(context, request), "footage.view_live_raw", camera=request.camera, purpose=request.purpose, case=request.case)
        entry = self.station.on_air.get(request.camera)
        if entry is None:
            raise Unavailable("CAMERA_NOT_ON_AIR", f"{request.camera} is not recorded just now; see its status", retry_after=2.0)
        async for response in entry.audience.join():
            yield response

    async def ReadSpool(self, request: wire.ReadSpoolRequest, context: Any) -> AsyncIterator[wire.ReadSpoolResponse]:
        await self.access.require(call(context, request), "footage.play_raw", camera=request.camera)
        found = await asyncio.to_thread(list, self.spool.read(request.camera, request.from_ns, request.to_ns))
        for segment in found:
            yield wire.ReadSpoolResponse(segment=described(segment))
            for fragment in segment.fragments:
                media = b"" if request.index_only else await asyncio.to_thread(segment.media, fragment)
                if media or request.index_only:
                    yield wire.ReadSpoolResponse(fragment=wire.SpoolFragment(start_ns=fragment.start_ns, end_ns=fragment.end_ns, media=media))
            if segment.growing:
                for response in self._open_gop(request):
                    yield response

    def _open_gop(self, request: wire.ReadSpoolRequest) -> Iterator[wire.ReadSpoolResponse]:
        """What came since the last fragment of the growing file."""
        entry = self.station.on_air.get(request.camera)
        part = entry.session.open_gop() if entry is not None else None
        if part is not None and part.start_ns < request.to_ns and part.start_ns + part.duration_ns > request.from_ns:
            media = b"" if request.index_only else part.data
            yield wire.ReadSpoolResponse(fragment=wire.SpoolFragment(start_ns=part.start_ns, end_ns=part.start_ns + part.duration_ns, media=media))

    def _visible(self, scope: Scope, owner: str) -> list[str]:
        listed = self.station.roster.cameras.values()
        return [one.camera for one in listed if scope.covers(one.owner) and owner in ("", one.owner)]

    def _status(self, camera: str) -> wire.CameraStatus:
        entry = self.station.on_air.get(camera)
        if entry is not None:
            closed = self.spool.bounds.closed(camera)
            return on_air_status(entry, sum(segment.size for segment in closed), self.uploader.waiting(camera))
        listed = self.station.roster.cameras.get(camera)
        if listed is None:
            raise camera_not_visible(camera)
        return off_air_status(listed, self.station.unassigned.get(camera, "it is about to be recorded"))

    def _health(self) -> wire.IngestHealth:
        bounds = self.spool.bounds
        health = wire.IngestHealth(
            log_reachable=self.broker.is_connected,
            store_reachable=self.uploader.store_reachable,
            spool_bytes=bounds.used,
            spool_limit_bytes=bounds.limit,
            shed_segments=bounds.shed_segments,
            facts_waiting=self.uploader.facts_waiting + self.station.outbox.waiting,
        )
        health.detail = "; ".join(
            sentence
            for is_so, sentence in (
                (not health.log_reachable, "the event log is away: recording goes on, facts wait"),
                (not health.store_reachable, "the footage store can't be written: recording goes on into the spool"),
                (self.uploader.rejected > 0, f"{self.uploader.rejected} segments can't be stored and stay in the spool"),
                (self.station.outbox.dropped > 0, f"{self.station.outbox.dropped} facts were lost"),
            )
            if is_so
        )
        return health


def described(segment: SpooledSegment) -> wire.SpoolSegment:
    head = segment.head
    return wire.SpoolSegment(
        epoch=head.epoch,
        number=head.number,
        owner=head.owner,
        start_ns=head.start_ns,
        end_ns=segment.end_ns,
        growing=segment.growing,
        contiguous=head.contiguous,
        codec=head.codec,
        init_segment=segment.init,
    )
