"""Rebuild: fill new collections beside the live ones, catch up, switch, drop."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from vonglau.documents import Document, Documents, building
from vonglau.errors import Unavailable
from vonglau.subscription.projection import Projection, Source
from vonglau.subscription.source import EventSource, Interrupted
from vonglau.subscription.stage import Pace, Stage

logger = logging.getLogger(__name__)

ROUNDS = 2  # of catching up beside the live documents, so that little is left for the switch
Phase = Literal["seed", "replay", "switch", "done"]


@dataclass(slots=True)
class Rebuilding:
    """How far a rebuild is; changes in place."""

    phase: Phase = "seed"
    applied: int = 0
    total: int = 0  # as far as it is known
    notes: list[str] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return self.phase == "done"


class Planting:
    """The port `Plant` on a stage."""

    def __init__(self, stage: Stage, progress: Rebuilding) -> None:
        self._stage = stage
        self._progress = progress

    async def put(self, collection: str, documents: Iterable[tuple[str, str, Document]]) -> None:
        await self._stage.put(collection, documents)

    def progress(self, done: int, total: int) -> None:
        self._progress.applied, self._progress.total = done, total

    def note(self, text: str) -> None:
        self._progress.notes.append(text)


class Rebuild:
    """One rebuild of one projection. The live documents answer until the switch."""

    def __init__(
        self, reads: Projection, live: Stage, new: Stage, *, documents: Documents, events: EventSource, pace: Pace, holds: Callable[[], bool]
    ) -> None:
        """holds: whether this process still runs the projection."""
        self.progress = Rebuilding()
        self._reads = reads
        self._live = live
        self._new = new
        self._documents = documents
        self._events = events
        self._pace = pace
        self._holds = holds

    async def run(self, *, buckets_only: bool) -> None:
        """buckets_only: the seed alone, and what comes from now on.

        Raises: Unavailable (RUNS_ELSEWHERE): the lease was lost meanwhile, and whoever has it now writes to the live documents; what the seed raises.
        """
        await self.clear()
        await self._new.open()
        states = {source.log: await self._events.state(source.log) for source in self._reads.sources}
        if self._reads.seed:
            await self._reads.seed(Planting(self._new, self.progress), buckets_only=buckets_only)
        for log, state in states.items():
            await self._new.begin(log, state.last_sequence if buckets_only else 0, state.created_ns)
        self.progress.phase, self.progress.applied, self.progress.total = "replay", 0, 0
        for _ in range(ROUNDS):
            await self._catch_up({log: (await self._events.state(log)).last_sequence for log in states})
        async with self._live.at_rest():
            if not self._holds():
                raise Unavailable("RUNS_ELSEWHERE", f"another replica runs {self._reads.name} by now; rebuild it there")
            self.progress.phase = "switch"
            saved = await self._documents.checkpoints(self._reads.name)
            await self._catch_up({log: checkpoint.sequence for log, checkpoint in saved.items()})  # never behind what was answered so far
            await self._documents.swap(self._reads.name, self._live.live_collections)
        await self._forget_consumers()
        self.progress.phase = "done"

    async def clear(self) -> None:
        """Remove what an interrupted rebuild left."""
        await self._documents.drop(self._new.name, [building(name) for name in self._live.live_collections])
        await self._forget_consumers()

    async def _forget_consumers(self) -> None:
        for source in self._reads.sources:
            await self._events.forget(consumer(self._reads.name), source.log)

    async def _catch_up(self, until: Mapping[str, int]) -> None:
        """Up to these sequences, or the end; events that keep coming are not chased."""
        for source in self._reads.sources:
            await self._catch_up_with(source, until.get(source.log, 0))

    async def _catch_up_with(self, source: Source, until: int) -> None:
        while True:
            try:
                await self._read(source, until)
            except (Interrupted, Unavailable) as error:
                logger.info("the rebuild of %s goes on after: %s", self._reads.name, error)
                await asyncio.sleep(self._pace.retry)
                await self._new.open()
            else:
                return

    async def _read(self, source: Source, until: int) -> None:
        position = self._new.checkpoints[source.log].sequence
        reading = await self._events.open(consumer(self._reads.name), source, position)
        try:
            while 0 < (await self._events.next_after(source, self._new.checkpoints[source.log].sequence) or 0) <= until:
                delivered = await reading.fetch(self._new.batch, self._pace.wait)
                if delivered.events:
                    await self._new.take(delivered.events)
                    await reading.done()
                    self.progress.applied += len(delivered.events)
                    self.progress.total = self.progress.applied + delivered.pending
        finally:
            await reading.close()


def consumer(name: str) -> str:
    return f"{name}-rebuild"


async def watched(rebuild: Rebuilding, task: asyncio.Task[None], every: float) -> AsyncIterator[Rebuilding]:
    """The progress, again and again until the rebuild is done.

    Raises: what the rebuild raised.
    """
    while not task.done():
        yield rebuild
        await asyncio.wait([task], timeout=every)
    await task
    yield rebuild
