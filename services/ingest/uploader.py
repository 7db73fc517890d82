"""From the spool to the footage store. The order of safety: stored and verified, then the fact acknowledged, then the spool file goes."""
from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from services.ingest.facts import segment_recorded
from services.ingest.segment import ClosedSegment
from services.ingest.spool.bounds import SpoolBounds
from vonglau.clock import Clock
from vonglau.errors import AlreadyExists, Damaged, NotFound, Unavailable
from vonglau.eventlog import FactPublisher
from vonglau.footage import Footage, footage_bucket
from vonglau.ingest.v1.events_pb2 import SegmentRecorded
from vonglau.media.segment import metadata_of
from vonglau.telemetry import count, measure, names

logger = logging.getLogger(__name__)

RETRY_FIRST_S, RETRY_MOST_S = 0.25, 5.0


class Uploader:
    """Segments of one camera go one after the other, cameras side by side. What can't be stored waits, for ever if need be."""

    def __init__(
        self,
        footage: Footage,
        publisher: FactPublisher,
        clock: Clock,
        *,
        is_last_of_epoch: Callable[[ClosedSegment], bool],
        linger_s: float,
    ) -> None:
        """linger_s: how long a spool file outlives its acknowledged fact, since readers learn of the fact a little later."""
        self._bounds: SpoolBounds
        self._footage = footage
        self._publisher = publisher
        self._clock = clock
        self._is_last_of_epoch = is_last_of_epoch
        self._linger_s = linger_s
        self._waiting: dict[str, deque[ClosedSegment]] = {}  # by camera, in order
        self._turn: asyncio.Queue[str] = asyncio.Queue()  # cameras that have something and nobody works on
        self._buckets: set[str] = set()
        self._idle = asyncio.Event()
        self._lingering: dict[ClosedSegment, asyncio.TimerHandle] = {}  # stored, and still there for readers
        self.store_reachable = True
        self.log_reachable = True
        self.facts_waiting = 0  # stored, but not acknowledged yet
        self.rejected = 0  # the store holds something else under the key, or the file is damaged; it stays in the spool
        self._idle.set()

    def serve(self, bounds: SpoolBounds) -> None:
        """Whose segments these are; to be told before the first one is added."""
        self._bounds = bounds

    def add(self, segment: ClosedSegment) -> None:
        camera = segment.head.camera
        if camera not in self._waiting:
            self._waiting[camera] = deque()
            self._turn.put_nowait(camera)
        self._waiting[camera].append(segment)
        self._idle.clear()

    def waiting(self, camera: str) -> int:
        return len(self._waiting.get(camera, ()))

    async def work(self) -> None:
        """One worker; any number of them."""
        while True:
            camera = await self._turn.get()
            segments = self._waiting[camera]
            await self._bring_home(segments[0])
            segments.popleft()
            if segments:
                self._turn.put_nowait(camera)
            else:
                del self._waiting[camera]
                if not self._waiting:
                    self._idle.set()

    async def drain(self, within: float) -> bool:
        """Whether all was stored in time (s)."""
        try:
            await asyncio.wait_for(self._idle.wait(), within)
        except TimeoutError:
            return False
        return True

    async def _bring_home(self, segment: ClosedSegment) -> None:
        """Stored, told and freed; or gone from the spool, or rejected."""
        wait = RETRY_FIRST_S
        while self._bounds.hold(segment):
            try:
                await self._store_and_tell(segment)
            except Unavailable as away:
                self._bounds.release(segment)  # meanwhile it may be given up, if room is needed
                logger.debug("%s waits: %s", segment.path.name, away)
                await asyncio.sleep(wait)
                wait = min(2 * wait, RETRY_MOST_S)
            except (AlreadyExists, Damaged, NotFound) as error:
                self.rejected += 1
                logger.warning("%s of %s can't be stored and stays in the spool: %s", segment.path.name, segment.head.camera, error)
                return
            else:
                self._free_later(segment)
                return

    async def _store_and_tell(self, segment: ClosedSegment) -> None:
        fact = segment_recorded(segment, last_of_epoch=self._is_last_of_epoch(segment))
        await self._store(segment, fact)
        self.facts_waiting += 1
        try:
            await self._publisher.publish("segment", fact.camera, fact, identity(fact))
        except Unavailable:
            self.log_reachable = False
            raise
        finally:
            self.facts_waiting -= 1
        self.log_reachable = True
        count(names.SEGMENTS_STORED, 1)
        measure(names.SEGMENT_DELAY, max(0.0, (self._clock.now_ns() - segment.end_ns) / 1e9))

    async def _store(self, segment: ClosedSegment, fact: SegmentRecorded) -> None:
        bucket = footage_bucket(fact.owner)
        try:
            if bucket not in self._buckets:
                await self._footage.ensure_bucket(bucket)
                self._buckets.add(bucket)
            await self._footage.put_file(bucket, fact.key, segment.path, sha256=fact.sha256, size=segment.size, metadata=metadata_of(fact))
        except Unavailable as away:
            self.store_reachable = False
            if away.reason == "BUCKET_MISSING":
                self._buckets.discard(bucket)
            raise
        self.store_reachable = True

    def _free_later(self, segment: ClosedSegment) -> None:
        """It stays held meanwhile: what is stored is not given up."""
        handle = asyncio.get_running_loop().call_later(self._linger_s, self._free, segment)
        self._lingering[segment] = handle

    def _free(self, segment: ClosedSegment) -> None:
        del self._lingering[segment]
        self._bounds.remove(segment)

    def close(self) -> None:
        """What lingers is freed now; what waits stays in the spool."""
        for segment, handle in list(self._lingering.items()):
            handle.cancel()
            self._free(segment)


def identity(fact: SegmentRecorded) -> str:
    """A segment told again as the last of its epoch is news."""
    return f"{fact.epoch}-{fact.number}" + ("-last" if fact.last_of_epoch else "")
