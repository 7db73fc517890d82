"""Who is asking, what they get, and nothing else."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

from services.ingest.live import LivePart
from services.ingest.merging import merged
from services.ingest.peers import Peers
from services.ingest.pools import Member
from services.ingest.sharing import Sharing
from services.ingest.spool import Spool
from services.ingest.spool.reading import SpooledSegment
from services.ingest.station import Station
from services.ingest.statuses import Statuses
from services.ingest.viewing import TimeLine
from vonglau.access import Access, camera_not_visible
from vonglau.errors import Invalid, Refused, Unavailable, VonglauError
from vonglau.ingest.v1 import service_pb2 as wire
from vonglau.ingest.v1.service_pb2_grpc import IngestServicer
from vonglau.rpc import PageToken, call, page_size

STATUSES_DEFAULT, STATUSES_MOST = 1000, 5000
FOLLOW_S = 15.0  # a camera that changes its process is seen again by then
LOOK_S = 0.2
STEP_NS = 1_000_000  # between two fragments that follow each other: rounding only


@dataclass
class Servicer(IngestServicer):
    """vonglau.ingest.v1.Ingest."""

    access: Access
    station: Station
    spool: Spool
    statuses: Statuses
    sharing: Sharing
    peers: Peers

    async def GetCameraStatus(self, request: wire.GetCameraStatusRequest, context: Any) -> wire.CameraStatus:
        await self.access.require(call(context, request), "camera.read", camera=request.camera)
        (status,) = await self._statuses([request.camera])
        return status

    async def ListCameraStatuses(self, request: wire.ListCameraStatusesRequest, context: Any) -> wire.ListCameraStatusesResponse:
        asking = call(context, request)
        scope = self.access.scope(asking, "camera.read")
        listed = self.station.roster.cameras
        if len(request.cameras) > STATUSES_MOST:
            raise Invalid("TOO_MANY_CAMERAS", f"one call names at most {STATUSES_MOST} cameras, not {len(request.cameras)}", field="cameras")
        if request.cameras:
            wanted = [camera for camera in request.cameras if camera in listed and scope.covers(listed[camera].owner)]
            return wire.ListCameraStatusesResponse(statuses=self.statuses.of(wanted))
        size = page_size(request, default=STATUSES_DEFAULT, most=STATUSES_MOST)
        (after,) = PageToken.decode(request) or [""]
        cameras = sorted(one.camera for one in listed.values() if one.camera > after and request.owner in ("", one.owner) and scope.covers(one.owner))
        following = PageToken.encode(request, [cameras[size - 1]]) if len(cameras) > size else ""
        operating = self.access.scope(asking, "operations.read")
        within = scope if operating.is_empty else operating
        health = None if within.is_empty else self.statuses.health(within)
        return wire.ListCameraStatusesResponse(statuses=await self._statuses(cameras[:size]), next_page_token=following, health=health)

    async def Watch(self, request: wire.WatchRequest, context: Any) -> AsyncIterator[wire.WatchResponse]:
        await self.access.require(call(context, request), "footage.view_live_raw", camera=request.camera, purpose=request.purpose, case=request.case)
        if request.relayed:
            entry = self.station.on_air.get(request.camera)
            if entry is None:
                raise self._not_on_air(request.camera)
            async for response in entry.audience.join():
                yield response
            return
        async for response in self._followed(request.camera, TimeLine()):
            yield response

    async def ReadSpool(self, request: wire.ReadSpoolRequest, context: Any) -> AsyncIterator[wire.ReadSpoolResponse]:
        await self.access.require(call(context, request), "footage.play_raw", camera=request.camera)
        others = [] if request.relayed else await self.peers.spools(request.camera)
        async for response in merged([self._spooled(request), *(self.peers.read_spool(member, request) for member in others)]):
            yield response

    async def PutPool(self, request: wire.PutPoolRequest, context: Any) -> wire.Pool:
        await self.access.require(call(context, request), "operations.write")
        return await self.sharing.declared.put(request.pool)

    async def DeletePool(self, request: wire.DeletePoolRequest, context: Any) -> wire.DeletePoolResponse:
        await self.access.require(call(context, request), "operations.write")
        await self.sharing.declared.delete(request.name)
        return wire.DeletePoolResponse()

    async def GetDemand(self, request: wire.GetDemandRequest, context: Any) -> wire.Demand:
        await self.access.require(call(context, request), "operations.read")
        return await self.sharing.demand(request.pool)

    async def _statuses(self, cameras: list[str]) -> list[wire.CameraStatus]:
        """Each as the process knows it that records the camera."""
        known = {status.camera: status for status in self.statuses.of(cameras)}
        await asyncio.gather(*(self._ask(member, asked, known) for member, asked in await self.peers.holders(self._elsewhere(cameras))))
        return [known[camera] for camera in cameras]

    def _elsewhere(self, cameras: list[str]) -> list[str]:
        roster, on_air = self.station.roster.cameras, self.station.on_air
        return [camera for camera in cameras if camera not in on_air and camera in roster and roster[camera].is_meant]

    async def _ask(self, member: Member, cameras: list[str], known: dict[str, wire.CameraStatus]) -> None:
        try:
            known |= {status.camera: status for status in await self.peers.statuses(member, cameras)}
        except Unavailable as away:
            for camera in cameras:
                known[camera].detail = away.message

    async def _followed(self, camera: str, line: TimeLine) -> AsyncIterator[wire.WatchResponse]:
        """Parts of whichever process records the camera, until it is not meant to be recorded any more. Raises: what says why it can't be seen."""
        loop = asyncio.get_running_loop()
        until, begun = loop.time() + FOLLOW_S, False
        while True:
            try:
                async for response in self._shown_now(camera, line):
                    until, begun = loop.time() + FOLLOW_S, True
                    yield response
            except Unavailable:
                if not begun:
                    raise
            listed = self.station.roster.cameras.get(camera)
            if self.station.is_stopping or listed is None or not listed.is_meant:
                return
            if loop.time() > until:
                raise self._not_on_air(camera)
            await asyncio.sleep(LOOK_S)

    async def _shown_now(self, camera: str, line: TimeLine) -> AsyncIterator[wire.WatchResponse]:
        entry = self.station.on_air.get(camera)
        if entry is not None:
            async for response in entry.audience.join(line):
                yield response
            return
        member = await self.peers.holder(camera)
        if member is None:
            raise self._not_on_air(camera)
        async for response in self.peers.watch(member, camera):
            if (shown := line.shown(response)) is not None:
                yield shown

    async def _spooled(self, request: wire.ReadSpoolRequest) -> AsyncGenerator[wire.ReadSpoolResponse, None]:
        """What this process holds."""
        entry = self.station.on_air.get(request.camera)
        newest = entry.session.open_gop() if entry is not None else None  # first: a GOP that closes meanwhile is in the file then
        for segment in await asyncio.to_thread(list, self.spool.read(request.camera, request.from_ns, request.to_ns)):
            reached = newest if newest is not None and is_behind(newest, segment) else None
            yield wire.ReadSpoolResponse(segment=described(segment, reached))
            for fragment in segment.fragments:
                media = b"" if request.index_only else await asyncio.to_thread(segment.media, fragment)
                if media or request.index_only:
                    yield wire.ReadSpoolResponse(fragment=wire.SpoolFragment(start_ns=fragment.start_ns, end_ns=fragment.end_ns, media=media))
            if reached is not None and reached.start_ns < request.to_ns:
                media = b"" if request.index_only else reached.data
                yield wire.ReadSpoolResponse(fragment=wire.SpoolFragment(start_ns=reached.start_ns, end_ns=end_of(reached), media=media))

    def _not_on_air(self, camera: str) -> VonglauError:
        listed = self.station.roster.cameras.get(camera)
        if listed is None:
            return camera_not_visible(camera)
        if not listed.is_meant:
            return Refused("CAMERA_SUSPENDED", f"{camera} is suspended: resume it to watch it", camera=camera)
        return Unavailable("CAMERA_NOT_ON_AIR", f"{camera} is not recorded just now; its status says why", retry_after=2.0, camera=camera)


def is_behind(part: LivePart, segment: SpooledSegment) -> bool:
    """Whether the part goes on where the growing file ends; otherwise it is in the file by now, or belongs to a later one."""
    return segment.growing and part.start_ns >= segment.end_ns - STEP_NS


def end_of(part: LivePart) -> int:
    return part.start_ns + part.duration_ns


def described(segment: SpooledSegment, reached: LivePart | None) -> wire.SpoolSegment:
    """reached: what came since the last fragment of the growing file."""
    head = segment.head
    return wire.SpoolSegment(
        epoch=head.epoch,
        number=head.number,
        owner=head.owner,
        start_ns=head.start_ns,
        end_ns=segment.end_ns if reached is None else end_of(reached),
        growing=segment.growing,
        contiguous=head.contiguous,
        codec=head.codec,
        init_segment=segment.init,
    )
