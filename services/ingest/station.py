"""Which cameras this process records just now: the roster's wish on one side, sessions on the other."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from services.ingest.beginnings import Beginnings, Withheld
from services.ingest.causes import Cause
from services.ingest.claims import Claim, Claims
from services.ingest.facts import interruption_ended
from services.ingest.on_air import Beginning, OnAir
from services.ingest.predecessor import Past
from services.ingest.recorder import Recording
from services.ingest.roster import Listed, Roster
from services.ingest.session import DataPlane, Source
from services.ingest.slots import slot_of
from services.ingest.telling import Telling
from vonglau.errors import Unavailable
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_QUOTA_EXCEEDED, InterruptionObserved
from vonglau.telemetry import count, names

logger = logging.getLogger(__name__)

LANES = 8  # cameras that are started or stopped at the same time; one camera stays in its lane
RETRY_S = 1.0
AGAIN_S = 30.0  # after what only a person can mend


@dataclass(frozen=True)
class OffAir:
    """Why a camera that is meant to be recorded is not on air."""

    detail: str
    told: InterruptionObserved | None = None  # None: nothing is missing because of it, or not for long


@dataclass
class Station:
    """Starts, stops and restarts sessions as the roster changes."""

    plane: DataPlane
    roster: Roster
    beginnings: Beginnings
    telling: Telling
    end_epoch: Callable[[str, int, int], None]  # camera, epoch, number of its last segment
    max_cameras: int
    viewer_buffer_bytes: int
    on_air: dict[str, OnAir] = field(default_factory=dict)
    off_air: dict[str, OffAir] = field(default_factory=dict)
    _claims: Claims = field(init=False)
    _past: dict[str, Past] = field(default_factory=dict)
    _started: dict[str, int] = field(default_factory=dict)  # camera -> highest epoch under which anybody has started it
    _lanes: list[asyncio.Queue[str]] = field(default_factory=lambda: [asyncio.Queue() for _ in range(LANES)])
    _starts: asyncio.Queue[tuple[str, int, int]] = field(default_factory=asyncio.Queue)

    def changed(self, camera: str) -> None:
        """What is known of the camera may ask for something else than is done."""
        self._lanes[slot_of(camera) % LANES].put_nowait(camera)

    def parts(self, claims: Claims) -> Iterable[Coroutine[Any, Any, None]]:
        """What has to run, until cancelled; sessions go on until `stop`. claims: as this process, at its own address."""
        self._claims = claims
        yield from map(self._settle_lane, self._lanes)
        yield self._notice_starts()
        yield self._tell_starts()

    async def stop(self) -> None:
        """Every object is closed, every lasting interruption ended, and every epoch of this process over. Its parts have been cancelled."""
        await asyncio.gather(*(self._leave(camera) for camera in list(self.on_air)))
        for camera, past in list(self._past.items()):
            self._end_off_air(camera)
            self.end_epoch(camera, past.epoch, past.next_number - 1)

    async def _settle_lane(self, lane: asyncio.Queue[str]) -> None:
        while True:
            camera = await lane.get()
            try:
                await self._settle(camera)
            except Unavailable as away:
                self._wait(camera, f"it waits: {away}", RETRY_S)
            except Exception as error:  # the outer edge: one camera's surprise must not keep the others from being recorded
                count(names.LOOP_ERRORS, 1, {names.LOOP: "station", names.ERROR_TYPE: type(error).__name__})
                logger.exception("%s could not be put on air", camera)
                self._wait(camera, "it could not be put on air; the log of ingest says why", AGAIN_S)

    def _wait(self, camera: str, detail: str, delay: float) -> None:
        if camera not in self.on_air and (camera not in self.off_air or self.off_air[camera].told is None):
            self.off_air[camera] = OffAir(detail)
        asyncio.get_running_loop().call_later(delay, self.changed, camera)

    async def _settle(self, camera: str) -> None:
        listed = self.roster.cameras.get(camera)
        if listed is None or not listed.is_meant:
            await self._leave(camera, Cause.SUSPENDED)
            self._end_off_air(camera)
            if listed is None:
                self._forget(camera)
            return
        claim = await self._claims.claim(camera)
        if self._started.get(camera, 0) > claim.epoch:
            await self._give_way(camera)
            return
        present = self.on_air.get(camera)
        if present is not None and is_same(present.listed, listed):
            return
        await self._learn_past(camera, claim)
        try:
            source = await self.beginnings.source(listed)
        except Withheld as why:
            await self._leave(camera)
            self._withhold(listed, why)
            return
        await self._leave(camera)
        self._begin(listed, source)

    async def _learn_past(self, camera: str, claim: Claim) -> None:
        """Once in the life of the process. Raises: Unavailable."""
        if camera in self._past:
            return
        past, lasting = await self.beginnings.found(camera, claim.epoch, is_inherited=claim.is_inherited)
        self._past[camera] = past
        if claim.is_inherited:
            self.telling.inherit(camera)
        if lasting is not None:
            self.telling.tell_of_predecessor(interruption_ended(lasting, past.until_ns))

    def _begin(self, listed: Listed, source: Source) -> None:
        camera = listed.camera
        if len(self.on_air) >= self.max_cameras:
            self._withhold(listed, Withheld(GAP_CAUSE_QUOTA_EXCEEDED, f"this process records {self.max_cameras} cameras already"))
            return
        self._end_off_air(camera)
        past = self._past[camera]
        recording = Recording(camera, listed.owner, past.epoch, listed.shed_priority, past.next_number, past.sha256)
        self.on_air[camera] = OnAir(
            Beginning(listed, recording, source, interrupted(listed, past)),
            self.plane,
            tell=self.telling.tell,
            first_recorded=lambda *start: self._starts.put_nowait(start),
            viewer_buffer_bytes=self.viewer_buffer_bytes,
        )

    async def _leave(self, camera: str, why: Cause | None = None) -> None:
        """Stays on air until it has left, so that a leave that was cancelled can be made good. why: as `OnAir.leave` takes it."""
        entry = self.on_air.get(camera)
        if entry is None:
            return
        await entry.leave(why)
        del self.on_air[camera]
        self._past[camera] = replace(self._past[camera], until_ns=entry.until_ns, next_number=entry.next_number, cause=Cause.TRANSPORT_LOST)
        for waiting, off in self.off_air.items():
            if off.told is not None and off.told.cause == GAP_CAUSE_QUOTA_EXCEEDED:
                self.changed(waiting)

    async def _give_way(self, camera: str) -> None:
        """Whoever has started a camera under a higher epoch records it from then on."""
        if camera in self.on_air:
            logger.info("%s is recorded by another process from now on", camera)
        await self._leave(camera)
        self._end_off_air(camera)
        self.off_air[camera] = OffAir("another process records it")
        self._end_epoch(camera)

    def _withhold(self, listed: Listed, why: Withheld) -> None:
        """The time is accounted for, from where it was last recorded or meant to be."""
        camera = listed.camera
        present = self.off_air.get(camera)
        if present is None or present.detail != why.detail:
            self._end_off_air(camera)
            past = self._past[camera]
            begun_ns = max(past.until_ns, listed.meant_since_ns)
            told = InterruptionObserved(camera=camera, owner=listed.owner, epoch=past.epoch, cause=why.cause, begun_ns=begun_ns, detail=why.detail)
            self.off_air[camera] = OffAir(why.detail, told)
            self.telling.tell(told)
        if why.may_pass:
            asyncio.get_running_loop().call_later(AGAIN_S, self.changed, camera)

    def _end_off_air(self, camera: str) -> None:
        off = self.off_air.pop(camera, None)
        if off is not None and off.told is not None:
            now_ns = max(self.plane.clock.now_ns(), off.told.begun_ns)
            self.telling.tell(interruption_ended(off.told, now_ns))
            self._past[camera] = replace(self._past[camera], until_ns=now_ns, cause=Cause.TRANSPORT_LOST)

    def _forget(self, camera: str) -> None:
        """It is retired, and nobody will ask for it again."""
        self._end_epoch(camera)
        self._past.pop(camera, None)
        self._started.pop(camera, None)
        self.telling.forget(camera)

    def _end_epoch(self, camera: str) -> None:
        past = self._past.get(camera)
        if past is not None:
            self.end_epoch(camera, past.epoch, past.next_number - 1)

    async def _notice_starts(self) -> None:
        async for started in self._claims.starts():
            if started.epoch > self._started.get(started.camera, 0):
                self._started[started.camera] = started.epoch
                if started.camera in self.on_air:
                    self.changed(started.camera)

    async def _tell_starts(self) -> None:
        """A camera has started once its first key frame is in the spool: whoever records it elsewhere stops at this word."""
        while True:
            start = await self._starts.get()
            camera, epoch, first_ns = start
            try:
                if await asyncio.to_thread(self._is_spooled, camera, first_ns):
                    await self._claims.started(camera, epoch, first_ns)
                elif camera in self.on_air:
                    asyncio.get_running_loop().call_later(RETRY_S, self._starts.put_nowait, start)
            except Unavailable:
                asyncio.get_running_loop().call_later(RETRY_S, self._starts.put_nowait, start)

    def _is_spooled(self, camera: str, first_ns: int) -> bool:
        return next(self.plane.spool.read(camera, first_ns, 2**63 - 1), None) is not None


def interrupted(listed: Listed, past: Past) -> tuple[Cause, int]:
    """Why the camera is not recorded as its session begins, and since when (UTC ns)."""
    if past.until_ns <= listed.meant_since_ns:
        return Cause.SOURCE_SILENT, listed.meant_since_ns
    return past.cause, past.until_ns


def is_same(one: Listed, other: Listed) -> bool:
    """Whether what is recorded, for whom and from where has stayed."""
    return (one.owner, one.url, one.credential, one.shed_priority) == (other.owner, other.url, other.credential, other.shed_priority)
