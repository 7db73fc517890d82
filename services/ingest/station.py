"""Which cameras this process records just now: the roster's wish on one side, sessions on the other."""
from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from dataclasses import dataclass, field

from services.ingest.causes import Cause
from services.ingest.claims import Claims
from services.ingest.epochs import Epochs
from services.ingest.on_air import Beginning, OnAir
from services.ingest.outbox import Outbox
from services.ingest.predecessor import Predecessor, predecessor
from services.ingest.recorder import Recording
from services.ingest.roster import Listed, Roster
from services.ingest.rtsp.errors import Refused
from services.ingest.rtsp.url import Credentials, parse_url
from services.ingest.session import DataPlane, Source
from vonglau.errors import Unavailable
from vonglau.eventlog import FactReader
from vonglau.ingest.v1.events_pb2 import InterruptionObserved, SegmentRecorded
from vonglau.registry.v1.service_pb2 import Credential
from vonglau.secrets import Secrets

logger = logging.getLogger(__name__)

LANES = 8  # cameras that are started or stopped at the same time; one camera stays in its lane
RETRY_S = 1.0


@dataclass
class Left:
    """What is remembered of a camera that was recorded under the present epoch and is not now."""

    epoch: int
    next_number: int
    until_ns: int


@dataclass
class Station:
    """Starts, stops and restarts sessions as the roster changes."""

    plane: DataPlane
    roster: Roster
    secrets: Secrets
    facts: FactReader
    outbox: Outbox
    max_cameras: int
    viewer_buffer_bytes: int
    on_air: dict[str, OnAir] = field(default_factory=dict)
    unassigned: dict[str, str] = field(default_factory=dict)  # camera -> why
    _claims: Claims = field(init=False)
    _left: dict[str, Left] = field(default_factory=dict)
    _superseded: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _lanes: list[asyncio.Queue[str]] = field(default_factory=list)
    _telling: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._lanes = [asyncio.Queue() for _ in range(LANES)]

    def changed(self, camera: str) -> None:
        """The roster says something new of the camera."""
        self._lanes[hash(camera) % LANES].put_nowait(camera)

    async def run(self, claims: Claims) -> None:
        """Until cancelled; sessions go on until `stop`. claims: as this process, at its own address."""
        self._claims = claims
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(self._settle_lane(lane))
            group.create_task(self._give_way())

    async def stop(self, epochs: Epochs) -> None:
        """Every object is closed, every lasting interruption ended, and every epoch of this process over."""
        await asyncio.gather(*(self._leave(camera) for camera in list(self.on_air)))
        for camera, left in self._left.items():
            epochs.end(camera, left.epoch, left.next_number - 1)

    async def _settle_lane(self, lane: asyncio.Queue[str]) -> None:
        while True:
            camera = await lane.get()
            try:
                await self._settle(camera)
            except Unavailable as away:
                logger.debug("%s waits: %s", camera, away)
                asyncio.get_running_loop().call_later(RETRY_S, lane.put_nowait, camera)

    async def _settle(self, camera: str) -> None:
        listed = self.roster.cameras.get(camera)
        present = self.on_air.get(camera)
        if listed is None or not listed.is_recorded:
            self.unassigned.pop(camera, None)
            await self._leave(camera)
            return
        if present is not None and is_same(present.listed, listed):
            return
        if present is None and len(self.on_air) >= self.max_cameras:
            self.unassigned[camera] = f"this process records {self.max_cameras} cameras already"
            return
        self.unassigned.pop(camera, None)
        await self._leave(camera)
        await self._begin(listed)

    async def _begin(self, listed: Listed) -> None:
        """Raises: Unavailable."""
        camera = listed.camera
        try:
            address, _ = parse_url(listed.url)
        except Refused as error:
            self.unassigned[camera] = str(error)
            return
        epoch = await self._claims.epoch(camera)
        if self._superseded[camera] > epoch:
            self.unassigned[camera] = "another process records it"
            return
        credentials = await self._credentials(listed.credential)
        left = self._left.get(camera)
        before = None if left else await self._predecessor(camera)
        recording = Recording(
            camera, listed.owner, epoch, listed.shed_priority, left.next_number if left else 0, before.sha256 if before else ""
        )
        beginning = Beginning(
            listed, recording, Source(address, credentials), self._interrupted(listed, left, before), before.closes_epoch if before else 0
        )
        self.on_air[camera] = OnAir(
            beginning,
            self.plane,
            tell=self._tell,
            first_recorded=self._tell_started,
            viewer_buffer_bytes=self.viewer_buffer_bytes,
        )

    def _tell(self, fact: InterruptionObserved) -> None:
        self.outbox.put("interruption", fact.camera, fact)

    @staticmethod
    def _interrupted(listed: Listed, left: Left | None, before: Predecessor | None) -> tuple[Cause, int]:
        """Why the camera is not recorded as its session begins, and since when."""
        until_ns = left.until_ns if left else before.end_ns if before else 0
        if until_ns <= listed.meant_since_ns:
            return Cause.SOURCE_SILENT, listed.meant_since_ns
        return (Cause.TRANSPORT_LOST if left else Cause.WRITER_FAILED), until_ns

    async def _leave(self, camera: str) -> None:
        entry = self.on_air.pop(camera, None)
        if entry is not None:
            await entry.leave()
            self._left[camera] = Left(entry.epoch, entry.next_number, entry.until_ns)

    def _tell_started(self, camera: str, epoch: int, first_ns: int) -> None:
        telling = asyncio.ensure_future(self._started(camera, epoch, first_ns))
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    async def _started(self, camera: str, epoch: int, first_ns: int) -> None:
        """Others must learn of it, however long the log is away."""
        while True:
            try:
                await self._claims.started(camera, epoch, first_ns)
            except Unavailable:
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def _give_way(self) -> None:
        """Whoever has started a camera under a higher epoch records it from then on."""
        async for started in self._claims.superseded():
            entry = self.on_air.get(started.camera)
            self._superseded[started.camera] = max(self._superseded[started.camera], started.epoch)
            if entry is not None and started.epoch > entry.epoch:
                logger.info("%s is recorded by %s from now on", started.camera, started.node)
                await self._leave(started.camera)
                self.unassigned[started.camera] = "another process records it"

    async def _predecessor(self, camera: str) -> Predecessor | None:
        body = await self.facts.newest("segment", camera)
        fact = None if body is None else SegmentRecorded.FromString(body)
        return predecessor(fact, self.plane.spool.bounds.closed(camera))

    async def _credentials(self, reference: str) -> Credentials | None:
        if not reference:
            return None
        plain = await self.secrets.get(reference)
        if plain is None:
            return None
        credential = Credential.FromString(plain)
        return Credentials(credential.username, credential.password)


def is_same(one: Listed, other: Listed) -> bool:
    """Whether what is recorded, for whom and from where has stayed."""
    return (one.owner, one.url, one.credential, one.shed_priority) == (other.owner, other.url, other.credential, other.shed_priority)
