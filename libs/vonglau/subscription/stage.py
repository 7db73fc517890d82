"""Where a projection's events go: its live documents, or those that a rebuild fills. One batch or one replay at a time."""
from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from itertools import takewhile
from typing import NamedTuple

from vonglau.clock import Clock
from vonglau.documents import Changes, Checkpoint, Document, Documents, Overtaken, Write, building
from vonglau.errors import Unavailable
from vonglau.eventlog.event import Recorded
from vonglau.subscription.parked import ParkedEvents
from vonglau.subscription.projection import Projection, Subscription, View
from vonglau.subscription.reactions import ReactionWork
from vonglau.subscription.source import Interrupted
from vonglau.subscription.views import ViewWork
from vonglau.subscription.work import Work
from vonglau.telemetry import processing_batch


@dataclass(frozen=True, slots=True)
class Pace:
    batch: int = 1000  # events in one commit, at most
    tries: int = 3  # of an event that raises something unnamed, before it is parked
    between_tries: float = 0.05  # s
    wait: float = 5.0  # s, for events, before the idle checkpoint is looked at
    idle_checkpoint: float = 60.0  # s between checkpoints of a log in which nothing is for this projection
    retry: float = 0.25  # s, after an interruption; doubles up to most_retry
    most_retry: float = 2.0  # s
    drain: float = 5.0  # s, for the batch in hand at stop


LEAST = 8  # events in one commit


class Batch:
    """How many events are taken at once: fewer after a commit came to nothing, so that a store too slow for many goes on at all, and slowly more again."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.events = most

    def shrink(self) -> None:
        self.events = max(self.events // 4, min(LEAST, self._most))

    def grow(self) -> None:
        self.events = min(self.events + self.events // 4 + 1, self._most)


class Replayed(NamedTuple):
    applied: int
    waiting: int
    reason: str  # of the event that still cannot be applied; empty: none


class Stage:
    """Everything that is saved together."""

    def __init__(self, reads: Projection | Subscription, documents: Documents, clock: Clock, pace: Pace, *, in_rebuild: bool = False) -> None:
        self.name = building(reads.name) if in_rebuild else reads.name
        self.parked = ParkedEvents(documents, reads.name, in_rebuild=in_rebuild)
        self.checkpoints: dict[str, Checkpoint] = {}
        self.live_collections = [*(view.collection for view in views_of(reads)), *self.parked.live]
        self._reads = reads
        self._documents = documents
        self._clock = clock
        self._in_rebuild = in_rebuild
        self._work = work_of(reads, documents, pace, in_rebuild=in_rebuild)
        self._batch = Batch(pace.batch)
        self._turn = asyncio.Lock()
        self._fresh = False

    @property
    def is_fresh(self) -> bool:
        """What is in memory is what is saved, and nothing is being changed."""
        return self._fresh

    @property
    def batch(self) -> int:
        """The most events that it should be given at once, as things are."""
        return self._batch.events

    async def open(self) -> None:
        """Take what is saved for the truth."""
        async with self._turn:
            for view in views_of(self._reads):
                await self._documents.prepare(self._collection(view.collection), view.indexes)
            await self.parked.load()
            self.checkpoints = await self._documents.checkpoints(self.name)
            self._fresh = True

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Nobody else changes anything meanwhile. Left by an error or a cancellation, the stage has to be opened again.

        Raises: Interrupted, where it has to be.
        """
        async with self._turn:
            if not self._fresh:
                raise Interrupted(f"{self.name} has to begin again at its checkpoint")
            self._fresh = False
            yield
            self._fresh = True

    @asynccontextmanager
    async def at_rest(self) -> AsyncIterator[None]:
        """Between two batches; afterwards the stage has to be opened again."""
        async with self._turn:
            self._fresh = False
            yield

    async def begin(self, log: str, sequence: int, created_ns: int) -> None:
        """The first checkpoint on a log."""
        async with self.alone():
            await self._commit([], Checkpoint(self.name, log, sequence, created_ns, self._clock.now_ns()))

    async def advance(self, log: str, sequence: int) -> None:
        """Nothing up to `sequence` was for this projection."""
        async with self.alone():
            await self._commit([], self._moved(log, sequence))

    async def take(self, events: Sequence[Recorded]) -> None:
        """Apply the next events of one log and move the checkpoint behind them, or park what cannot be applied. Repeated ones change nothing.

        Raises: Interrupted, vonglau.documents.Overtaken, vonglau.errors.Unavailable; then the events have to come again.
        """
        async with self.alone():
            try:
                with self._observed(events):
                    await self._take(events)
            except Unavailable:
                self._batch.shrink()
                raise
            self._batch.grow()

    def _observed(self, events: Sequence[Recorded]) -> AbstractContextManager[None]:
        """Reactions are observed one by one where they are handled."""
        if isinstance(self._reads, Subscription):
            return nullcontext()
        return processing_batch(events[0].log, [event.headers for event in events], projection=self._reads.name, replay=self._in_rebuild)

    async def _take(self, events: Sequence[Recorded]) -> None:
        groups: defaultdict[str, list[Recorded]] = defaultdict(list)
        waiting: defaultdict[str, list[Recorded]] = defaultdict(list)
        done = self.checkpoints[events[0].log].sequence
        for event in events:
            if event.sequence <= done:
                continue
            key = self._reads.key(event)
            (waiting if key in self.parked.present else groups)[key].append(event)
        worked = await self._work.apply(groups)
        now = self._clock.now_ns()
        writes = worked.writes
        for key, failure in worked.failed.items():
            writes += self.parked.park(key, groups[key][failure.at :], failure, now)
        for key, behind in waiting.items():
            writes += self.parked.park(key, behind, None, now)
        await self._commit(writes, self._moved(events[-1].log, max(done, events[-1].sequence)))

    async def replay(self, key: str) -> Replayed:
        """Apply what waits behind a parked key, in order, as far as it goes."""
        applied = 0
        async with self.alone():
            while waiting := await self.parked.waiting(key):
                events = list(takewhile(lambda event, log=waiting[0].log: event.log == log, waiting))  # type: ignore[misc]
                worked = await self._work.apply({key: events}, replay=True)
                failure = worked.failed.get(key)
                good = events[: failure.at] if failure else events
                applied += len(good)
                stuck = self.parked.keep_waiting(key, failure, len(good), self._clock.now_ns()) if failure else []
                await self._documents.apply(Changes([*worked.writes, *stuck], forgotten=self.parked.applied(key, good)))
                if failure:
                    return Replayed(applied, self.parked.present[key].events, failure.reason)
            await self._documents.apply(Changes(forgotten=self.parked.release(key)))
        return Replayed(applied, 0, "")

    async def must_be_saved(self, log: str) -> None:
        """Raises: vonglau.documents.Overtaken, where the saved checkpoint is another one: the store was emptied or restored, or somebody else wrote."""
        async with self._turn:
            saved = (await self._documents.checkpoints(self.name)).get(log)
            if self._fresh and saved != self.checkpoints.get(log):
                raise Overtaken(f"{self.name} stands at {saved.sequence if saved else 'no checkpoint'} on {log}")

    async def put(self, collection: str, documents: Iterable[tuple[str, str, Document]]) -> None:
        """What a seed restores: (id, order key, document)."""
        writes = [Write(self._collection(collection), name, document, "", 0, {}, key) for name, key, document in documents]
        await self._documents.apply(Changes(writes))

    def _collection(self, name: str) -> str:
        return building(name) if self._in_rebuild else name

    def _moved(self, log: str, sequence: int) -> Checkpoint:
        return Checkpoint(self.name, log, sequence, self.checkpoints[log].created_ns, self._clock.now_ns())

    async def _commit(self, writes: Sequence[Write], checkpoint: Checkpoint) -> None:
        before = self.checkpoints.get(checkpoint.log)
        await self._documents.apply(Changes(writes, checkpoint, before.sequence if before else None))
        self.checkpoints[checkpoint.log] = checkpoint


def views_of(reads: Projection | Subscription) -> Sequence[View]:
    return reads.views if isinstance(reads, Projection) else ()


def work_of(reads: Projection | Subscription, documents: Documents, pace: Pace, *, in_rebuild: bool) -> Work:
    if isinstance(reads, Projection):
        return ViewWork(reads, documents, in_rebuild=in_rebuild, tries=pace.tries, wait=pace.between_tries)
    return ReactionWork(reads, tries=pace.tries, wait=pace.between_tries)
