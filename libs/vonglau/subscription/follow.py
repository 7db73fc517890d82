"""Following the logs of a projection from its checkpoints, until something interrupts it."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from vonglau.clock import Clock
from vonglau.eventlog.event import Recorded
from vonglau.subscription.meter import Behind, Meter
from vonglau.subscription.projection import Source
from vonglau.subscription.source import Delivered, EventSource, LogState
from vonglau.subscription.stage import Pace, Stage

logger = logging.getLogger(__name__)

STREAM_REPLACED, CHECKPOINT_AHEAD = "STREAM_REPLACED", "CHECKPOINT_AHEAD"


class Halted(Exception):
    """The documents and the log do not belong together any more; only a rebuild helps."""

    def __init__(self, reason: str, log: str) -> None:
        super().__init__(f"{reason} on {log}")
        self.reason = reason


class Follower:
    """One log into one stage."""

    def __init__(self, stage: Stage, events: EventSource, source: Source, *, clock: Clock, meter: Meter, pace: Pace, moved: Callable[[], None]) -> None:
        """moved: called after each commit."""
        self.pending = 0  # events that it has not applied yet
        self._stage = stage
        self._events = events
        self._source = source
        self._clock = clock
        self._meter = meter
        self._pace = pace
        self._moved = moved
        self._idle_since = 0.0

    async def follow(self) -> None:
        """For ever.

        Raises: Halted, Interrupted, vonglau.documents.Overtaken, vonglau.errors.Unavailable.
        """
        reading = await self._events.open(self._stage.name, self._source, await self._checkpoint())
        try:
            while True:
                delivered = await reading.fetch(self._stage.batch, self._pace.wait)
                if delivered.events:
                    self._waits(len(delivered.events) + delivered.pending, delivered.events[0])
                    await self._stage.take(delivered.events)
                    await reading.done()
                    self._tell(delivered)
                else:
                    await self._rest()
        finally:
            await asyncio.shield(reading.close())

    async def _checkpoint(self) -> int:
        log = self._source.log
        state = await self._events.state(log)
        if log not in self._stage.checkpoints:
            await self._stage.begin(log, 0, state.created_ns)
        saved = self._stage.checkpoints[log]
        if saved.created_ns != state.created_ns:
            raise Halted(STREAM_REPLACED, log)
        if saved.sequence > state.last_sequence:
            raise Halted(CHECKPOINT_AHEAD, log)
        if 0 < saved.sequence < state.first_sequence - 1:
            self._meter.missed()
            logger.error("%s stood at %s:%d, but the log begins at %d now", self._stage.name, log, saved.sequence, state.first_sequence)
        self._idle_since = self._clock.monotonic()
        return saved.sequence

    def _waits(self, pending: int, oldest: Recorded | None = None) -> None:
        self.pending = pending
        now_ns = self._clock.now_ns()
        self._meter.waits(self._source.log, Behind(pending, written_ns(oldest, now_ns) if oldest else now_ns))

    def _tell(self, delivered: Delivered) -> None:
        self._idle_since = self._clock.monotonic()
        self._waits(delivered.pending, delivered.events[-1])
        self._moved()

    async def _rest(self) -> None:
        """See that the documents are still there. Now and then move the checkpoint over what is not for this projection, so that what ages out
        there is no loss.
        """
        self._waits(0)
        await self._stage.must_be_saved(self._source.log)
        if self._clock.monotonic() - self._idle_since < self._pace.idle_checkpoint:
            return
        self._idle_since = self._clock.monotonic()
        state, saved = await self._events.state(self._source.log), self._stage.checkpoints[self._source.log].sequence
        if state.last_sequence > saved and await nothing_between(self._events, self._source, saved, state):
            await self._stage.advance(self._source.log, state.last_sequence)


def written_ns(event: Recorded, unknown_ns: int) -> int:
    """UTC, by the clock of who wrote it; `unknown_ns` where it does not say, since a time only annotates."""
    try:
        at_ns = round(event.time.timestamp() * 1e6) * 1000
    except (ValueError, OverflowError):
        return unknown_ns
    return at_ns or unknown_ns


async def nothing_between(events: EventSource, source: Source, sequence: int, state: LogState) -> bool:
    """Whether the source reads none of the events behind `sequence` that were there when the state was taken."""
    following = await events.next_after(source, sequence)
    return following is None or following > state.last_sequence
