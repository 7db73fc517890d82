"""A spool that is gone: the node begins on a folder without one, while the claims say that it has recorded. What went with it is told.

Per camera one interruption `spool_lost` closes the node's epoch: from the end of what is stored to now, or to where another process went on. That is
told once, since the folder of the new spool is made behind it; a crash in between tells the same again. Nothing is told of an epoch that ended in order, and
of a camera whose facts are not kept any more. Segments count, whatever this says: they are in the store.
"""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

from services.ingest.beginnings import read
from services.ingest.causes import Cause
from services.ingest.claims import Started
from services.ingest.outbox import Publisher, identity
from services.ingest.predecessor import Past, predecessor
from vonglau.clock import Clock
from vonglau.errors import Unavailable
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_SPOOL_LOST, InterruptionObserved, SegmentRecorded
from vonglau.telemetry import count, names

T = TypeVar("T")

SEGMENTS = "segments"  # below the spool's folder: the spool itself
RETRY_S = 1.0
HANDED_OVER_NS = 10_000_000_000  # who hands a camera over in order has told its last segment by then
logger = logging.getLogger(__name__)


class Claims(Protocol):
    def is_own(self, note: Started) -> bool: ...

    async def starts_of_this_node(self) -> list[Started]: ...


class Facts(Protocol):
    async def newest(self, kind: str, key: str) -> bytes | None: ...

    async def at(self, kind: str, key: str, at_ns: int) -> bytes | None: ...


class SpoolLoss:
    def __init__(self, spool: Path, claims: Claims, facts: Facts, publisher: Publisher, clock: Clock) -> None:
        """spool: the folder, held by this process, before anything is recorded into it."""
        self._segments = spool / SEGMENTS
        self._claims = claims
        self._facts = facts
        self._publisher = publisher
        self._clock = clock

    async def account(self) -> int:
        """Tell what is lost, and how many cameras that concerns. A log that is away is waited for."""
        if await asyncio.to_thread(self._segments.is_dir):
            return 0
        lost = await patiently(self._lost)
        for fact in lost:
            await patiently(self._publisher.publish, "interruption", fact.camera, fact, identity(fact.SerializeToString()))
        if lost:
            count(names.INTERRUPTIONS, len(lost), {names.CAUSE: "spool_lost"})
            logger.error("the spool of this node is gone: what %d cameras had recorded and not stored is lost, the first of them %s", len(lost), lost[0].camera)
        await asyncio.to_thread(self._segments.mkdir, parents=True, exist_ok=True)
        return len(lost)

    async def _lost(self) -> list[InterruptionObserved]:
        now_ns, starts = self._clock.now_ns(), await self._claims.starts_of_this_node()
        found = await asyncio.gather(*(self._of_own(start, now_ns) if self._claims.is_own(start) else self._of_another(start) for start in starts))
        return [fact for fact in found if fact is not None]

    async def _of_own(self, start: Started, now_ns: int) -> InterruptionObserved | None:
        """Nobody else has started the camera since. While it was interrupted, which is told already, nothing was recorded."""
        segment = read(SegmentRecorded, await self._facts.newest("segment", start.camera))
        interruption = read(InterruptionObserved, await self._facts.newest("interruption", start.camera)) or InterruptionObserved()
        own = interruption if interruption.epoch == start.epoch else None
        past, lasting = predecessor((), segment, own, Past(start.epoch, now_ns, Cause.WRITER_FAILED))
        if lasting is not None or interruption.closes_epoch >= start.epoch:
            return None
        return spool_lost(segment, start.epoch, max(past.until_ns, start.first_ns), now_ns)

    async def _of_another(self, start: Started) -> InterruptionObserved | None:
        """Another process has started the camera since. Where its own segments come soon, what was stored before it started counts."""
        for at_ns in (start.first_ns + HANDED_OVER_NS, start.first_ns):
            segment = read(SegmentRecorded, await self._facts.at("segment", start.camera, at_ns))
            if segment is not None and segment.epoch < start.epoch:
                return spool_lost(segment, start.before_epoch or segment.epoch, max(segment.end_ns, start.before_ns), start.first_ns)
        return None


def spool_lost(segment: SegmentRecorded | None, epoch: int, begun_ns: int, ended_ns: int) -> InterruptionObserved | None:
    """segment: the newest one that is known from then; epoch: what closes. None: nothing is lost, or it can't be said."""
    if segment is None or segment.epoch > epoch or (segment.epoch == epoch and segment.last_of_epoch) or begun_ns >= ended_ns:
        return None
    detail = "the spool is gone, and with it what was recorded in this time and not stored"
    return InterruptionObserved(
        camera=segment.camera, owner=segment.owner, epoch=epoch, cause=GAP_CAUSE_SPOOL_LOST, begun_ns=begun_ns, ended_ns=ended_ns, detail=detail,
        closes_epoch=epoch,
    )


async def patiently(call: Callable[..., Awaitable[T]], *arguments: object) -> T:
    while True:
        try:
            return await call(*arguments)
        except Unavailable as away:
            logger.debug("what the spool has lost waits to be told: %s", away)
            await asyncio.sleep(RETRY_S)
