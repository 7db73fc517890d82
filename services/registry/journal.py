"""The event log for real, or as a rehearsal: everything is decided as it would be, later commands see earlier ones, and nothing is stored."""
from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from vonglau.eventlog import AggregateStream, Append, EventLog, EventStore, HeaderWriter, Recorded

IMAGINED = 1 << 62  # sequences from here on are of no stream


class Journal:
    """`log` decides and loads."""

    def __init__(self, store: EventStore, headers: HeaderWriter, *, cached: int = 10_000) -> None:
        self._store = store
        self._headers = headers
        self.log = EventLog(store, headers, cached=cached)

    def rehearsal(self) -> Journal:
        return Journal(Rehearsal(self._store), self._headers, cached=0)


class Rehearsal:
    """A store that keeps to itself what is appended. Of one caller and one call: nobody else's expectations are checked."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._imagined: dict[AggregateStream, list[Recorded]] = {}
        self._sequences = itertools.count(IMAGINED)

    async def read(self, stream: AggregateStream, after: int = 0) -> list[Recorded]:
        return self._continued(stream, after, await self._store.read(stream, after) if after < IMAGINED else [])

    async def read_many(self, after: Mapping[AggregateStream, int]) -> dict[AggregateStream, list[Recorded]]:
        real = await self._store.read_many({stream: sequence for stream, sequence in after.items() if sequence < IMAGINED})
        return {stream: self._continued(stream, sequence, real.get(stream, [])) for stream, sequence in after.items()}

    async def last_sequence(self, stream: AggregateStream) -> int:
        imagined = self._imagined.get(stream)
        return imagined[-1].sequence if imagined else await self._store.last_sequence(stream)

    async def append(self, events: Sequence[Append]) -> list[int]:
        return [self._imagine(event) for event in events]

    def _imagine(self, event: Append) -> int:
        sequence = next(self._sequences)
        recorded = Recorded(event.stream.log, sequence, event.stream.subject, dict(event.headers), event.body)
        self._imagined.setdefault(event.stream, []).append(recorded)
        return sequence

    def _continued(self, stream: AggregateStream, after: int, real: list[Recorded]) -> list[Recorded]:
        return real + [event for event in self._imagined.get(stream, ()) if event.sequence > after]
