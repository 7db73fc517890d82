"""Keeps a projection going: under its lease, from its checkpoints, again after whatever interrupts it."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Protocol

from vonglau.clock import Clock
from vonglau.documents import Overtaken
from vonglau.ending import ended
from vonglau.errors import Unavailable
from vonglau.leases import LeaseLost
from vonglau.subscription.follow import Follower, Halted
from vonglau.subscription.meter import Meter
from vonglau.subscription.projection import Projection, Source, Subscription
from vonglau.subscription.rebuild import Planting, Rebuilding
from vonglau.subscription.source import EventSource, Interrupted
from vonglau.subscription.stage import Pace, Stage

logger = logging.getLogger(__name__)

DUE_S = 0.05  # how often parked keys with a time are looked at


class Lease(Protocol):
    def held(self) -> AbstractAsyncContextManager[Any]:
        """Entered once this process holds it. When it is lost, the task inside is cancelled and leaving raises something of its own."""


class NoLease:
    """Where there is one process only."""

    def held(self) -> AbstractAsyncContextManager[Any]:
        return nullcontext()


class Serving:
    """What runs in the background for one projection."""

    def __init__(self, reads: Projection | Subscription, stage: Stage, events: EventSource, *, clock: Clock, lease: Lease, meter: Meter, pace: Pace) -> None:
        self.holds = False  # the lease
        self.stopped = ""  # why it stands still; empty: it does not
        self.moved = asyncio.Event()  # replaced by a new one with each commit
        self.restart = asyncio.Event()  # begin again at the saved checkpoints
        self.followers: dict[str, Follower] = {}
        self._reads = reads
        self._stage = stage
        self._events = events
        self._clock = clock
        self._lease = lease
        self._meter = meter
        self._pace = pace
        self._waits = pace.retry

    async def run(self) -> None:
        while True:
            try:
                async with self._lease.held():
                    await self._serve()
            except LeaseLost:
                self._meter.interrupted("LEASE_LOST")
                logger.warning("%s does not hold its lease any more, and goes on once it does", self._reads.name)
            except Exception:
                self._meter.interrupted("LEASE_LOST")
                logger.exception("%s does not hold its lease any more", self._reads.name)
            await asyncio.sleep(self._pace.retry)

    async def _serve(self) -> None:
        """As long as the lease is held."""
        self.holds = True
        try:
            while True:
                await self._serve_once()
        finally:
            self.holds = False
            self._meter.released()

    async def _serve_once(self) -> None:
        """Until something interrupts it, and then a pause, so that nothing is asked in a tight loop."""
        try:
            await self._session()
        except Halted as error:
            self.stopped = error.reason
            self._meter.stopped(error.reason)
            logger.error("%s stands still until it is rebuilt: %s", self._reads.name, error)
            await self.restart.wait()
        except (Interrupted, Overtaken, Unavailable) as error:
            self._interrupted(error.reason if isinstance(error, Unavailable) else type(error).__name__, error)
            await asyncio.sleep(self._waits)
            self._waits = min(2 * self._waits, self._pace.most_retry)
        except Exception:
            self._meter.interrupted("FAILED")
            logger.exception("%s begins again at its checkpoint", self._reads.name)
            await asyncio.sleep(self._pace.most_retry)

    def _interrupted(self, reason: str, error: Exception) -> None:
        self._meter.interrupted(reason)
        logger.warning("%s is interrupted: %s", self._reads.name, error)

    async def _session(self) -> None:
        self.restart.clear()
        self.stopped = ""
        self._meter.stopped("")
        await self._stage.open()
        self._meter.parked(len(self._stage.parked.present))
        if not self._stage.checkpoints and isinstance(self._reads, Projection) and self._reads.seed:
            await self._reads.seed(Planting(self._stage, Rebuilding()), buckets_only=False)
        self.followers = {source.log: self._follower(source) for source in sources_of(self._reads)}
        followed = [asyncio.create_task(follower.follow()) for follower in self.followers.values()]
        tasks = [*followed, asyncio.create_task(self._retry_what_is_due()), asyncio.create_task(self.restart.wait())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await ended(tasks)
        for task in done:
            task.result()

    def _follower(self, source: Source) -> Follower:
        return Follower(self._stage, self._events, source, clock=self._clock, meter=self._meter, pace=self._pace, moved=self.tell)

    def tell(self) -> None:
        """Whoever waits for progress looks again."""
        self._waits = self._pace.retry
        self._meter.parked(len(self._stage.parked.present))
        self.moved.set()
        self.moved = asyncio.Event()

    async def _retry_what_is_due(self) -> None:
        while True:
            now = self._clock.now_ns()
            for parked in list(self._stage.parked.present.values()):
                if 0 < parked.retry_at_ns <= now:
                    await self._stage.replay(parked.key)
                    self.tell()
            await asyncio.sleep(DUE_S)


def sources_of(reads: Projection | Subscription) -> tuple[Source, ...]:
    return tuple(reads.sources) if isinstance(reads, Projection) else (reads.source,)


def cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
