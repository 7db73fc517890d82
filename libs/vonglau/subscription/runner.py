"""Runs a projection or a subscription: under its lease, from its checkpoints, again after whatever interrupts it."""
from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

from vonglau.clock import Clock, SystemClock
from vonglau.documents import Checkpoint, Documents, Overtaken
from vonglau.errors import NotFound, Refused, Unavailable
from vonglau.eventlog.event import Recorded, Version
from vonglau.subscription.follow import Follower, Halted
from vonglau.subscription.meter import Meter, Silent
from vonglau.subscription.parked import ParkedKey
from vonglau.subscription.projection import Projection, Source, Subscription
from vonglau.subscription.rebuild import Planting, Rebuild, Rebuilding, watched
from vonglau.subscription.source import EventSource, Interrupted
from vonglau.subscription.stage import Pace, Replayed, Stage

logger = logging.getLogger(__name__)

POLL_S = 0.05  # how often a replica that does not run the projection looks at its checkpoint
PROGRESS_S = 0.2  # between two reports of a rebuild


class Lease(Protocol):
    def held(self) -> AbstractAsyncContextManager[Any]:
        """Entered once this process holds it. When it is lost, the task inside is cancelled and leaving raises something of its own."""


class NoLease:
    """Where there is one process only."""

    def held(self) -> AbstractAsyncContextManager[Any]:
        return nullcontext()


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
        self._lease = lease or NoLease()
        self._meter = meter or Silent()
        self._pace = pace or (Pace() if isinstance(reads, Projection) else Pace(batch=100))
        self._stage = Stage(reads, documents, self._clock, self._pace)
        self._followers: dict[str, Follower] = {}
        self._task: asyncio.Task[None] | None = None
        self._rebuild: asyncio.Task[None] | None = None
        self._holds = False
        self._stopped = ""
        self._moved = asyncio.Event()  # replaced by a new one with each commit
        self._restart = asyncio.Event()
        self._waits = self._pace.retry

    async def start(self) -> None:
        """Begin as soon as the lease is held; the collections are there when it returns."""
        await self._stage.open()
        self._task = asyncio.create_task(self._run(), name=f"projection {self.name}")

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
        await asyncio.gather(*running, return_exceptions=True)

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
            if self._stopped:
                raise Unavailable("VIEW_STOPPED", f"{self.name} stands still until it is rebuilt: {self._stopped}", retry_after=60.0)
            moved = self._moved
            if position != asked:
                asked = position
                following = await self._events.next_after(source, position)
                if following is None or following > sequence:
                    return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(moved.wait(), POLL_S)

    async def _position(self, log: str) -> int:
        checkpoints = self._stage.checkpoints if self._holds else await self._documents.checkpoints(self.name)
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
        rebuild = Rebuild(self._reads, self._stage, new, documents=self._documents, events=self._events, pace=self._pace)
        self._rebuild = asyncio.create_task(rebuild.run(buckets_only=buckets_only), name=f"rebuild {self.name}")
        self._rebuild.add_done_callback(self._rebuilt)
        async for progress in watched(rebuild.progress, self._rebuild, PROGRESS_S):
            yield progress

    def _rebuilt(self, task: asyncio.Task[None]) -> None:
        self._restart.set()
        if not task.cancelled() and task.exception():
            logger.error("the rebuild of %s failed", self.name, exc_info=task.exception())

    async def replay(self, key: str) -> Replayed:
        """Apply what waits behind a parked key.

        Raises: NotFound, Refused (PROJECTION_STOPPED), Unavailable (RUNS_ELSEWHERE, PROJECTION_RESTARTS).
        """
        self._must_hold()
        if self._stopped:
            raise Refused("PROJECTION_STOPPED", f"{self.name} has to be rebuilt: {self._stopped}")
        if key not in self._stage.parked.present:
            raise NotFound("parked_key", key)
        try:
            return await self._stage.replay(key)
        except (Interrupted, Overtaken) as error:
            raise Unavailable("PROJECTION_RESTARTS", str(error)) from error
        finally:
            if not self._stage.is_fresh:
                self._restart.set()

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
        return Status(self.name, logs, await self._stage.parked.counted(), self._stopped)

    def _log_status(self, log: str, checkpoint: Checkpoint) -> LogStatus:
        pending = self._followers[log].pending if log in self._followers else 0
        return LogStatus(log, checkpoint.sequence, pending, checkpoint.updated_ns)

    def _must_hold(self) -> None:
        if not self._holds:
            raise Unavailable("RUNS_ELSEWHERE", f"another replica runs {self.name}, or none yet")

    async def _run(self) -> None:
        while True:
            try:
                async with self._lease.held():
                    await self._serve()
            except Exception:
                self._meter.interrupted(self.name, "LEASE_LOST")
                logger.exception("%s does not hold its lease any more", self.name)
            await asyncio.sleep(self._pace.retry)

    async def _serve(self) -> None:
        """As long as the lease is held."""
        self._holds = True
        try:
            while True:
                await self._serve_once()
        finally:
            self._holds = False

    async def _serve_once(self) -> None:
        """Until something interrupts it, and then a pause, so that nothing is asked in a tight loop."""
        try:
            await self._session()
        except Halted as error:
            self._stopped = error.reason
            self._interrupted(error.reason, error)
            await self._restart.wait()
        except (Interrupted, Overtaken, Unavailable) as error:
            self._interrupted(error.reason if isinstance(error, Unavailable) else type(error).__name__, error)
            await asyncio.sleep(self._waits)
            self._waits = min(2 * self._waits, self._pace.most_retry)
        except Exception:
            self._meter.interrupted(self.name, "FAILED")
            logger.exception("%s begins again at its checkpoint", self.name)
            await asyncio.sleep(self._pace.most_retry)

    def _interrupted(self, reason: str, error: Exception) -> None:
        self._meter.interrupted(self.name, reason)
        logger.warning("%s is interrupted: %s", self.name, error)

    async def _session(self) -> None:
        self._restart.clear()
        self._stopped = ""
        await self._stage.open()
        if not self._stage.checkpoints and isinstance(self._reads, Projection) and self._reads.seed:
            await self._reads.seed(Planting(self._stage, Rebuilding()), buckets_only=False)
        self._followers = {source.log: self._follower(source) for source in self._sources}
        tasks = [asyncio.create_task(follower.follow()) for follower in self._followers.values()]
        tasks += [asyncio.create_task(self._retry_what_is_due()), asyncio.create_task(self._told_to_restart())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            cancel(tasks)
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    def _follower(self, source: Source) -> Follower:
        return Follower(self._stage, self._events, source, clock=self._clock, meter=self._meter, pace=self._pace, moved=self._tell)

    def _tell(self) -> None:
        self._waits = self._pace.retry
        self._meter.parked(self.name, len(self._stage.parked.present))
        self._moved.set()
        self._moved = asyncio.Event()

    async def _told_to_restart(self) -> None:
        await self._restart.wait()

    async def _retry_what_is_due(self) -> None:
        while True:
            now = self._clock.now_ns()
            for parked in list(self._stage.parked.present.values()):
                if 0 < parked.retry_at_ns <= now:
                    await self._stage.replay(parked.key)
            await asyncio.sleep(POLL_S)


def sources_of(reads: Projection | Subscription) -> tuple[Source, ...]:
    return tuple(reads.sources) if isinstance(reads, Projection) else (reads.source,)


def cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
