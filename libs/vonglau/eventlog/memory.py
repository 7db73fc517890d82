"""The event store in memory, for unit tests of whatever decides."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

from vonglau.broker.bounds import check_size
from vonglau.eventlog.event import AggregateStream, Recorded
from vonglau.eventlog.port import Append, LostRace


class MemoryStore:
    """Every event of every log, in order. Not durable."""

    def __init__(self) -> None:
        self.events: list[Recorded] = []

    async def read(self, stream: AggregateStream, after: int = 0) -> list[Recorded]:
        return [event for event in self.events if (event.log, event.subject) == stream and event.sequence > after]

    async def read_many(self, after: Mapping[AggregateStream, int]) -> dict[AggregateStream, list[Recorded]]:
        return {stream: await self.read(stream, sequence) for stream, sequence in after.items()}

    async def last_sequence(self, stream: AggregateStream) -> int:
        return self._last(stream)

    async def append(self, events: Sequence[Append]) -> list[int]:
        for event in events:
            check_size(event.headers, event.body)
        firsts = {event.stream: event.expected for event in reversed(events)}
        if any(self._last(stream) != expected for stream, expected in firsts.items()):
            raise LostRace
        return [self._store(event) for event in events]

    def _store(self, event: Append) -> int:
        sequence = sum(stored.log == event.stream.log for stored in self.events) + 1
        self.events.append(Recorded(event.stream.log, sequence, event.stream.subject, dict(event.headers), event.body))
        return sequence

    def _last(self, stream: AggregateStream) -> int:
        return max((event.sequence for event in self.events if (event.log, event.subject) == stream), default=0)
