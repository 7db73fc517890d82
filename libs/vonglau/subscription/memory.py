"""Logs in memory, for unit tests of whatever reads them: a list of events, or the events of a MemoryStore."""
from __future__ import annotations

import asyncio
from collections.abc import Iterator

from vonglau.eventlog.event import Recorded
from vonglau.subscription.projection import Source
from vonglau.subscription.source import Delivered, LogState

POLL_S = 0.005


class MemoryEvents:
    """The port `EventSource`. Events may be appended to the list at any time; the list is in order per log."""

    def __init__(self, events: list[Recorded], *, created_ns: int = 1) -> None:
        self.events = events
        self.created_ns = created_ns
        self.aged_out = 0  # sequences up to here are not kept any more

    async def state(self, log: str) -> LogState:
        sequences = [event.sequence for event in self._kept(log)]
        last = max((event.sequence for event in self.events if event.log == log), default=0)
        return LogState(self.created_ns, min(sequences, default=last + 1), last)

    async def open(self, name: str, source: Source, after: int) -> MemoryReading:  # noqa: ARG002 - the port's signature
        return MemoryReading(self, source, after)

    async def next_after(self, source: Source, sequence: int) -> int | None:
        return next((event.sequence for event in self.read(source) if event.sequence > sequence), None)

    async def forget(self, name: str, log: str) -> None:
        """There is no consumer to remove."""

    def read(self, source: Source) -> Iterator[Recorded]:
        return (event for event in self._kept(source.log) if source.pattern_of(event.subject))

    def _kept(self, log: str) -> Iterator[Recorded]:
        return (event for event in self.events if event.log == log and event.sequence > self.aged_out)


class MemoryReading:
    def __init__(self, log: MemoryEvents, source: Source, after: int) -> None:
        self._log = log
        self._source = source
        self._after = after

    async def fetch(self, limit: int, wait: float) -> Delivered:
        end = asyncio.get_running_loop().time() + wait
        while not (found := [event for event in self._log.read(self._source) if event.sequence > self._after]):
            if asyncio.get_running_loop().time() >= end:
                return Delivered([], 0)
            await asyncio.sleep(POLL_S)
        self._after = found[:limit][-1].sequence
        return Delivered(found[:limit], len(found[limit:]))

    async def done(self) -> None:
        """Nothing is waiting for it."""

    async def close(self) -> None:
        """Nothing is held."""
