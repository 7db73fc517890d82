"""Runs a projection or a subscription: under its lease, from its checkpoints, again after whatever interrupts it."""
from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from vonglau.clock import Clock, SystemClock
from vonglau.deadline import within
from vonglau.documents import Checkpoint, Documents, Overtaken
from vonglau.ending import ended
from vonglau.errors import NotFound, Refused, Unavailable
from vonglau.eventlog.event import Recorded, Version
from vonglau.subscription.meter import Meter, Telemetry
from vonglau.subscription.parked import ParkedKey
from vonglau.subscription.projection import Projection, Source, Subscription
from vonglau.subscription.rebuild import Rebuild, Rebuilding, watched
from vonglau.subscription.serving import Lease, NoLease, Serving, cancel, sources_of
from vonglau.subscription.source import EventSource, Interrupted
from vonglau.subscription.stage import Pace, Replayed, Stage

logger = logging.getLogger(__name__)

POLL_S = 0.05  # how often a replica that does not run the projection looks at its checkpoint
PROGRESS_S = 0.2  # between two reports of a rebuild


@dataclass(frozen=True, slots=True)
class LogStatus:
    log: str
    sequence: int
    pending: int  # as far as this process knows
    last_progress_ns: int


@dataclass(frozen=True, slots=True)
class Status:
    name: str
    logs: list[LogStatus]
    parked_keys: int
    stopped_reason: str  # empty: running, here or elsewhere


class ProjectionRunner:
    """One projection (or subscription) in one process. Every replica may have one; the lease says who runs it, all answer `passed`."""

    def __init__(
        self,
        reads: Projection | Subscription,
        *,
        documents: Documents,
        events: EventSource,
        clock: Clock | None = None,
        lease: Lease | None = None,
        meter: Meter | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.name = reads.name
        self._reads = reads
        self._sources = sources_of(reads)
        self._documents = documents
        self._events = events
        self._clock = clock or SystemClock()
        self._pace = pace or (Pace() if isinstance(reads, Projection) else Pace(batch=100))
        self._stage = Stage(reads, documents, self._clock, self._pace)
        self._serving = Serving(
            reads, self._stage, events, clock=self._clock, lease=lease or NoLease(), meter=meter or Telemetry(reads.name, self._clock), pace=self._pace
        )
        self._task: asyncio.Task[None] | None = None
        self._rebuild: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin as soon as the lease is held. The collections are there when it returns, unless the store is away."""
        with contextlib.suppress(Unavailable):
            await self._stage.open()
        self._task = asyncio.create_task(self._serving.run(), name=f"projection {self.name}")

    async def stop(self) -> None:
        """Let the batch in hand be written, for at most `Pace.drain` seconds, then end. A rebuild is given up."""
        running = [task for task in (self._rebuild, self._task) if task is not None]
        if self._rebuild:
            self._rebuild.cancel()
        try:
            async with asyncio.timeout(self._pace.drain), self._stage.at_rest():
                cancel(running)
        except TimeoutError:
            logger.warning("%s did not finish its batch in time; it will be repeated", self.name)
            cancel(running)
        await ended(running)

    async def passed(self, version: Version | str, timeout: float) -> None:  # noqa: ASYNC109 - what is left of the caller's deadline
        """Wait until the documents hold everything up to a version; at once for an empty one and for logs that it does not read.

        timeout: s. Raises: Unavailable (VIEW_BEHIND, VIEW_STOPPED), Invalid (VERSION_MALFORMED).
        """
        if not version:
            return
        wanted = Version.parse(version) if isinstance(version, str) else version
        source = next((source for source in self._sources if source.log == wanted.log), None)
        if source is None:
            return
        try:
            async with asyncio.timeout(timeout):
                await self._wait_for(source, wanted.sequence)
        except TimeoutError:
            raise Unavailable("VIEW_BEHIND", f"{self.name} has not seen {wanted} yet", retry_after=1.0, version=str(wanted)) from None

    async def _wait_for(self, source: Source, sequence: int) -> None:
        asked = -1
        while (position := await self._position(source.log)) < sequence:
            if self._serving.stopped:
                raise Unavailable("VIEW_STOPPED", f"{self.name} stands still until it is rebuilt: {self._serving.stopped}", retry_after=60.0)
            moved = self._serving.moved
            if position != asked:
                asked = position
                following = await self._events.next_after(source, position)
                if following is None or following > sequence:
                    return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(moved.wait(), POLL_S)

    async def _position(self, log: str) -> int:
        checkpoints = self._stage.checkpoints if self._serving.holds else await self._documents.checkpoints(self.name)
        return checkpoints[log].sequence if log in checkpoints else 0

    async def rebuild(self, *, buckets_only: bool = False) -> AsyncIterator[Rebuilding]:
        """Fill new collections and switch to them; the progress until it is done. It goes on when nobody listens any more.

        Raises: Refused (REBUILD_RUNNING, NOTHING_TO_REBUILD), Unavailable (RUNS_ELSEWHERE), what the seed raises.
        """
        if not isinstance(self._reads, Projection):
            raise Refused("NOTHING_TO_REBUILD", f"{self.name} keeps no documents")
        self._must_hold()
        if self._rebuild and not self._rebuild.done():
            raise Refused("REBUILD_RUNNING", f"{self.name} is being rebuilt already")
        new = Stage(self._reads, self._documents, self._clock, self._pace, in_rebuild=True)
        rebuild = Rebuild(
            self._reads, self._stage, new, documents=self._documents, events=self._events, pace=self._pace, holds=lambda: self._serving.holds
        )
        with within(None):  # it outlives the call that asked for it
            self._rebuild = asyncio.create_task(rebuild.run(buckets_only=buckets_only), name=f"rebuild {self.name}")
        self._rebuild.add_done_callback(self._rebuilt)
        async for progress in watched(rebuild.progress, self._rebuild, PROGRESS_S):
            yield progress

    def _rebuilt(self, task: asyncio.Task[None]) -> None:
        self._serving.restart.set()
        if not task.cancelled() and task.exception():
            logger.error("the rebuild of %s failed", self.name, exc_info=task.exception())

    async def replay(self, key: str) -> Replayed:
        """Apply what waits behind a parked key.

        Raises: NotFound, Refused (PROJECTION_STOPPED), Unavailable (RUNS_ELSEWHERE, PROJECTION_RESTARTS).
        """
        self._must_hold()
        if self._serving.stopped:
            raise Refused("PROJECTION_STOPPED", f"{self.name} has to be rebuilt: {self._serving.stopped}")
        if key not in self._stage.parked.present:
            raise NotFound("parked_key", key)
        try:
            replayed = await self._stage.replay(key)
        except (Interrupted, Overtaken) as error:
            raise Unavailable("PROJECTION_RESTARTS", str(error)) from error
        finally:
            if not self._stage.is_fresh:
                self._serving.restart.set()
        self._serving.tell()
        return replayed

    async def parked_keys(self, after: str = "", limit: int = 100) -> list[ParkedKey]:
        """In the order of keys, behind the key `after`."""
        return await self._stage.parked.listed(after, limit)

    async def parked_key(self, key: str, limit: int = 100) -> tuple[ParkedKey, list[Recorded]]:
        """The key and the first of its events. Raises: NotFound."""
        found = await self._stage.parked.saved(key)
        if found is None:
            raise NotFound("parked_key", key)
        return found, await self._stage.parked.waiting(key, limit)

    async def status(self) -> Status:
        saved = await self._documents.checkpoints(self.name)
        logs = [self._log_status(log, checkpoint) for log, checkpoint in sorted(saved.items())]
        return Status(self.name, logs, await self._stage.parked.counted(), self._serving.stopped)

    def _log_status(self, log: str, checkpoint: Checkpoint) -> LogStatus:
        pending = self._serving.followers[log].pending if log in self._serving.followers else 0
        return LogStatus(log, checkpoint.sequence, pending, checkpoint.updated_ns)

    def _must_hold(self) -> None:
        if not self._serving.holds:
            raise Unavailable("RUNS_ELSEWHERE", f"another replica runs {self.name}, or none yet")
