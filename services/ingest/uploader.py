"""From the spool to the footage store. The order of safety: stored and verified, then the fact acknowledged, then the spool file goes."""
from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from services.ingest.epochs import Epochs
from services.ingest.facts import segment_recorded
from services.ingest.outbox import Publisher
from services.ingest.segment import ClosedSegment
from services.ingest.spool.bounds import SpoolBounds
from vonglau.clock import Clock
from vonglau.errors import Damaged, NotFound, Unavailable
from vonglau.footage import Footage, Put, footage_bucket
from vonglau.ingest.v1.events_pb2 import SegmentRecorded
from vonglau.media.segment import metadata_of
from vonglau.telemetry import count, following, measure, names

logger = logging.getLogger(__name__)

RETRY_FIRST_S, RETRY_MOST_S = 0.25, 5.0
REJECTED_AGAIN_S = 60.0


class Lingering(NamedTuple):
    freed: asyncio.TimerHandle
    told_as_last: bool


class Uploader:
    """Segments of one camera go one after the other, cameras side by side. What can't be stored waits, for ever if need be, in nobody's way."""

    def __init__(self, footage: Footage, publisher: Publisher, clock: Clock, epochs: Epochs, *, linger_s: float) -> None:
        """linger_s: how long a spool file outlives its acknowledged fact, since readers learn of the fact a little later."""
        self._footage = footage
        self._publisher = publisher
        self._clock = clock
        self._epochs = epochs
        self._linger_s = linger_s
        self._bounds: SpoolBounds
        self._advanced: Callable[[str], None]
        self._lost: Callable[[ClosedSegment, str], None]
        self._waiting: dict[str, deque[ClosedSegment]] = {}  # by camera, in order
        self._delays: dict[str, float] = {}  # cameras whose first segment was not taken: s until it is tried again
        self._turn: asyncio.Queue[str] = asyncio.Queue()  # cameras that have something and nobody works on
        self._idle = asyncio.Event()
        self._idle.set()
        self._buckets: set[str] = set()
        self._stored: dict[ClosedSegment, SegmentRecorded] = {}  # in the store, the fact not acknowledged yet
        self._lingering: dict[ClosedSegment, Lingering] = {}  # told, and still there for readers
        self.stores_away: dict[str, str] = {}  # bucket -> why it takes nothing just now
        self.log_away = ""  # why the log takes nothing just now
        self._follows: dict[str, tuple[int, Mapping[str, str]]] = {}  # camera -> epoch, and the headers of what its first fact follows from
        self._rejected: set[ClosedSegment] = set()  # something else stands under the key, or the file is gone or damaged; it stays in the spool

    def serve(self, bounds: SpoolBounds, *, advanced: Callable[[str], None], lost: Callable[[ClosedSegment, str], None]) -> None:
        """To be told before the first segment is added.

        bounds: of the spool that the segments are in. advanced: takes a camera whenever less of it waits. lost: takes what
        can't be stored any more, and why.
        """
        self._bounds, self._advanced, self._lost = bounds, advanced, lost

    @property
    def facts_waiting(self) -> int:
        """Segments that are stored and not told yet."""
        return len(self._stored)

    @property
    def rejected(self) -> int:
        """Segments that the store would not take as they are; they are tried again now and then, and at each start."""
        return len(self._rejected)

    def add(self, segment: ClosedSegment) -> None:
        camera = segment.head.camera
        if camera not in self._waiting:
            self._waiting[camera] = deque()
            self._turn.put_nowait(camera)
        self._waiting[camera].append(segment)
        self._idle.clear()

    def waiting(self, camera: str) -> int:
        return len(self._waiting.get(camera, ()))

    def waits_before(self, camera: str, epoch: int) -> bool:
        """Whether something of an epoch before this one is still to be told."""
        return any(segment.head.epoch < epoch for segment in self._waiting.get(camera, ()))

    def given_up(self, segment: ClosedSegment) -> SegmentRecorded | None:
        """The spool dropped it for room. Its fact, if it had been stored before: then it is not lost, and only has to be told."""
        return self._stored.pop(segment, None)

    def end_epoch(self, camera: str, epoch: int, number: int) -> None:
        """Nothing after this number will be recorded of the camera under the epoch. If it was just told, it is told again with that."""
        self._epochs.end(camera, epoch, number)
        for segment, lingering in list(self._lingering.items()):
            if segment.head.camera == camera and self._epochs.is_last(segment) and not lingering.told_as_last:
                lingering.freed.cancel()
                del self._lingering[segment]
                self.add(segment)

    def follow(self, camera: str, epoch: int, headers: Mapping[str, str]) -> None:
        """The first segment under the epoch is told in the trace that the headers carry."""
        self._follows[camera] = (epoch, headers)

    async def work(self) -> None:
        """One worker; any number of them."""
        while True:
            camera = await self._turn.get()
            if await self._is_done_with(self._waiting[camera][0]):
                self._delays.pop(camera, None)
                self._advance(camera)
            else:
                delay = self._delays.get(camera, RETRY_FIRST_S)
                self._delays[camera] = min(2 * delay, RETRY_MOST_S)
                asyncio.get_running_loop().call_later(delay, self._turn.put_nowait, camera)

    async def drain(self, within: float) -> bool:
        """Whether all was stored in time (s)."""
        try:
            await asyncio.wait_for(self._idle.wait(), within)
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        """What lingers is freed now; what waits stays in the spool."""
        for segment, lingering in list(self._lingering.items()):
            lingering.freed.cancel()
            self._free(segment)

    def _advance(self, camera: str) -> None:
        self._waiting[camera].popleft()
        if self._waiting[camera]:
            self._turn.put_nowait(camera)
        else:
            del self._waiting[camera]
        self._advanced(camera)
        if not self._waiting:
            self._idle.set()

    async def _is_done_with(self, segment: ClosedSegment) -> bool:
        """True: it is stored, told and freed, or has left the spool, or the store won't have it. False: it has to wait."""
        if not self._bounds.hold(segment):
            self._rejected.discard(segment)
            return True
        try:
            await self._tell(segment, await self._store(segment))
        except Unavailable as away:
            self._bounds.release(segment)  # meanwhile it may be given up, if room is needed
            logger.debug("%s waits: %s", segment.path.name, away)
            return False
        except Exception as error:  # noqa: BLE001 - the outer edge: one segment's surprise must not keep the others from the store
            self._reject(segment, error)
        else:
            self._rejected.discard(segment)
        return True

    async def _store(self, segment: ClosedSegment) -> SegmentRecorded:
        """Its fact. Stored once, however often the log has to be asked."""
        if segment in self._stored:
            return self._stored[segment]
        fact = segment_recorded(segment, last_of_epoch=self._epochs.is_last(segment))
        bucket = footage_bucket(fact.owner)
        try:
            if bucket not in self._buckets:
                await self._footage.ensure_bucket(bucket)
                self._buckets.add(bucket)
            put = await self._footage.put_file(bucket, fact.key, segment.path, sha256=fact.sha256, size=segment.size, metadata=metadata_of(fact))
        except Unavailable as away:
            self.stores_away[bucket] = away.message
            self._buckets.discard(bucket)
            raise
        self.stores_away.pop(bucket, None)
        self._stored[segment] = fact
        if put is Put.STORED:
            count(names.SEGMENTS_STORED, 1)
        return fact

    async def _tell(self, segment: ClosedSegment, fact: SegmentRecorded) -> None:
        while True:
            fact.last_of_epoch = self._epochs.is_last(segment)
            try:
                with following(self._followed(fact)):
                    await self._publisher.publish("segment", fact.camera, fact, identity(fact))
            except Unavailable as away:
                self.log_away = away.message
                raise
            self.log_away = ""
            if fact.last_of_epoch == self._epochs.is_last(segment):  # the epoch may have ended meanwhile
                break
        del self._stored[segment]
        if self._followed(fact):
            del self._follows[fact.camera]
        measure(names.SEGMENT_DELAY, max(0.0, (self._clock.now_ns() - segment.end_ns) / 1e9))
        freed = asyncio.get_running_loop().call_later(self._linger_s, self._free, segment)
        self._lingering[segment] = Lingering(freed, fact.last_of_epoch)  # still held: it is not given up

    def _followed(self, fact: SegmentRecorded) -> Mapping[str, str]:
        epoch, headers = self._follows.get(fact.camera, (0, {}))
        return headers if fact.epoch == epoch else {}

    def _reject(self, segment: ClosedSegment, error: Exception) -> None:
        asyncio.get_running_loop().call_later(REJECTED_AGAIN_S, self.add, segment)
        if segment in self._rejected:
            return
        self._rejected.add(segment)
        count(names.LOOP_ERRORS, 1, {names.LOOP: "upload", names.ERROR_TYPE: type(error).__name__})
        logger.error("%s of %s can't be stored and stays in the spool: %s", segment.path.name, segment.head.camera, error)
        if isinstance(error, NotFound | Damaged):
            self._lost(segment, "the file in the spool is gone" if isinstance(error, NotFound) else "the file in the spool is damaged")

    def _free(self, segment: ClosedSegment) -> None:
        del self._lingering[segment]
        self._bounds.remove(segment)


def identity(fact: SegmentRecorded) -> str:
    """A segment told again as the last of its epoch is news."""
    return f"{fact.epoch}-{fact.number}" + ("-last" if fact.last_of_epoch else "")
