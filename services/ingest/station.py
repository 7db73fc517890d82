"""Which cameras this process records just now: the roster's wish and its place among others on one side, sessions on the other."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from services.ingest.beginnings import Beginnings, Withheld
from services.ingest.causes import Cause
from services.ingest.claims import Claim, Claims
from services.ingest.facts import interruption_ended
from services.ingest.on_air import Beginning, OnAir
from services.ingest.pools import Assignment, Place
from services.ingest.predecessor import Past
from services.ingest.recorder import Recording
from services.ingest.rivals import Rivals
from services.ingest.roster import Listed, Roster
from services.ingest.session import DataPlane, Source, State
from services.ingest.slots import slot_of
from services.ingest.telling import Telling
from vonglau.errors import Unavailable
from vonglau.ingest.v1.events_pb2 import (
    GAP_CAUSE_QUOTA_EXCEEDED,
    GAP_CAUSE_UNASSIGNED,
    GAP_CAUSE_UNSPECIFIED,
    GapCause,
    InterruptionObserved,
)
from vonglau.registry.v1.events_pb2 import CameraClass
from vonglau.telemetry import count, elapsed, inject, names

logger = logging.getLogger(__name__)

LANES = 8  # cameras that are started or stopped at the same time; one camera stays in its lane
RETRY_S = 1.0
AGAIN_S = 30.0  # after what only a person can mend
CONVERGE_S = 3.0  # a table that gives a camera to another process may be on its way


@dataclass(frozen=True)
class OffAir:
    """Why a camera that is meant to be recorded is not on air."""

    detail: str
    told: InterruptionObserved | None = None  # None: nothing is missing because of it, or not for long, or somebody else tells it
    cause: GapCause = GAP_CAUSE_UNSPECIFIED  # where nothing is told here


@dataclass
class Station:
    """Starts, stops and restarts sessions as the roster changes."""

    plane: DataPlane
    roster: Roster
    assignment: Assignment
    beginnings: Beginnings
    telling: Telling
    end_epoch: Callable[[str, int, int], None]  # camera, epoch, number of its last segment
    max_cameras: int
    viewer_buffer_bytes: int
    follow: Callable[[str, int, Mapping[str, str]], None]  # camera, epoch, headers of the span from which its first fact follows
    on_air: dict[str, OnAir] = field(default_factory=dict)
    off_air: dict[str, OffAir] = field(default_factory=dict)
    is_stopping: bool = False
    rivals: Rivals = field(init=False)
    _asked: dict[str, tuple[dict[str, str], int]] = field(default_factory=dict)  # by camera, in which trace and when something was asked for
    _claims: Claims = field(init=False)
    _past: dict[str, Past] = field(default_factory=dict)
    _left: dict[str, int] = field(default_factory=dict)  # camera -> epoch under which nothing more may be recorded of it here
    _lanes: list[asyncio.Queue[str]] = field(default_factory=lambda: [asyncio.Queue() for _ in range(LANES)])

    def __post_init__(self) -> None:
        self.rivals = Rivals(self.on_air.__contains__, self._is_spooled, self.changed)
        self.assignment.serve(self.changed)

    def changed(self, camera: str) -> None:
        """What is known of the camera may ask for something else than is done."""
        headers: dict[str, str] = {}
        inject(headers)
        if headers:  # somebody follows this
            self._asked[camera] = (headers, self.plane.clock.now_ns())
        self._lanes[slot_of(camera) % LANES].put_nowait(camera)

    def clock_offsets(self) -> dict[str, int | None]:
        """Of each camera on air, its clock minus ours (ns); None: it tells no time."""
        return {camera: entry.session.status().clock_offset_ns for camera, entry in tuple(self.on_air.items())}

    def parts(self, claims: Claims) -> Iterable[Coroutine[Any, Any, None]]:
        """What has to run, until cancelled; sessions go on until `stop`. claims: as this process, at its own address."""
        self._claims = claims
        yield from map(self._settle_lane, self._lanes)
        yield from self.rivals.parts(claims)

    async def stop(self) -> None:
        """Every object is closed, every lasting interruption ended, and every epoch of this process over. Its parts have been cancelled."""
        self.is_stopping = True
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
        place = self.assignment.place(listed)
        if not place.is_here:
            await self._hand_over(listed, place)
            return
        claim = await self._claim(camera)
        if claim is None:
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

    async def _claim(self, camera: str) -> Claim | None:
        """Under which epoch it is recorded from now on; None: another process has it for the moment. Raises: Unavailable."""
        claim, overtaken = await self._claims.claim(camera), self.rivals.overtaken(camera)
        if camera in self._left and max(overtaken, self._left[camera] + 1) > claim.epoch:
            claim = await self._claims.renew(camera)
        if overtaken > claim.epoch:
            await self._give_way(camera, "another process records it")
            asyncio.get_running_loop().call_later(CONVERGE_S, self.changed, camera)
            return None
        past = self._past.get(camera)
        if past is not None and past.epoch < overtaken:
            await self._give_way(camera, "another process has recorded it")
        self._left.pop(camera, None)
        return claim

    async def _learn_past(self, camera: str, claim: Claim) -> None:
        """Once in the life of the process. Raises: Unavailable."""
        if camera in self._past:
            return
        last = await self._claims.last(camera) if claim.is_inherited else None
        is_inherited = claim.is_inherited and (last is None or self._claims.is_own(last))  # another pool's process may have had it meanwhile
        past, lasting = await self.beginnings.found(camera, claim.epoch, is_inherited=is_inherited)
        self._past[camera] = past
        if is_inherited:
            self.telling.inherit(camera)
        if lasting is not None:
            self.telling.tell_of_another(interruption_ended(lasting, past.until_ns))

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
            tell=self._tell,
            first_recorded=partial(self._first_recorded, listed),
            viewer_buffer_bytes=self.viewer_buffer_bytes,
        )

    def _first_recorded(self, listed: Listed, camera: str, epoch: int, first_ns: int) -> None:
        self.rivals.recorded(camera, epoch, first_ns)
        if (asked := self._asked.pop(camera, None)) is not None:
            self.follow(camera, epoch, elapsed(names.RECORD_SPAN, {names.CAMERA_CLASS: CameraClass.Name(listed.camera_class)}, *asked))

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

    async def _hand_over(self, listed: Listed, place: Place) -> None:
        """What is recorded here goes on until another process has started it, so that nothing is missing in between."""
        camera, entry = listed.camera, self.on_air.get(listed.camera)
        if not place.is_selected:  # unassigned.py tells what is missing
            await self._give_way(camera, place.why, GAP_CAUSE_UNASSIGNED)
        elif entry is None or (place.is_known and (self.rivals.overtaken(camera) > entry.epoch or not self._has_footage(entry))):
            await self._give_way(camera, place.why)

    def _has_footage(self, entry: OnAir) -> bool:
        """Recorded here, or about to be with its first whole GOP, where nobody else has the camera meanwhile."""
        return entry.session.status().state is State.RECORDING or (entry.session.is_receiving and not self.rivals.is_elsewhere(entry.listed.camera))

    async def _give_way(self, camera: str, why: str, cause: GapCause = GAP_CAUSE_UNSPECIFIED) -> None:
        """Nothing more is recorded of it under the epoch that it had here."""
        if camera in self.on_air:
            logger.info("%s is not recorded here any more: %s", camera, why)
        await self._leave(camera)
        self._end_off_air(camera)
        self.off_air[camera] = OffAir(why, cause=cause)
        self._end_epoch(camera)
        past = self._past.pop(camera, None)
        if past is not None or camera not in self._left:
            self._left[camera] = past.epoch if past is not None else 0

    def _tell(self, fact: InterruptionObserved) -> None:
        self.telling.tell(fact)
        self.rivals.interrupted(fact)

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
        for known in (self._past, self._left, self._asked):
            known.pop(camera, None)
        self.rivals.forget(camera)
        self.telling.forget(camera)

    def _end_epoch(self, camera: str) -> None:
        past = self._past.get(camera)
        if past is not None:
            self.end_epoch(camera, past.epoch, past.next_number - 1)

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
