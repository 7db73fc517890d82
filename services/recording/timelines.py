"""Reads what a timeline needs, and derives it."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.recording.days import HOUR_NS
from services.recording.entry import Entry
from services.recording.footage_index import FootageIndex, Indexed
from services.recording.gaps import Span, Stretch, derive
from services.recording.spool import Spool, spooled_spans
from services.recording.timeline import entries_of, known_of, spans_of
from vonglau.clock import Clock
from vonglau.documents import Document


@dataclass(frozen=True, slots=True)
class Derived:
    stretches: list[Stretch]
    entries: list[Entry]
    hours: list[Document]
    newest: int  # ns, spool included; 0: nothing was ever recorded
    spool_reachable: bool = field(default=True)


class Timelines:
    def __init__(self, index: FootageIndex, spool: Spool, clock: Clock) -> None:
        self._index = index
        self._spool = spool
        self._clock = clock

    async def of(self, camera: str, start_ns: int, end_ns: int) -> Derived:
        """With what is not stored yet."""
        recorded = await self._index.recorded(camera)
        newest = recorded["newest"] if recorded else 0
        spooled = await spooled_spans(self._spool, camera, newest, end_ns) if end_ns > newest else []
        (indexed,) = await self._index.indexed([(camera, start_ns)], end_ns)  # after the spool: what leaves it is found here
        return await self._derived(indexed, spooled, start_ns, end_ns)

    async def stored(self, indexed: Indexed, start_ns: int, end_ns: int) -> Derived:
        """What is stored, and no spool asked: for those who look at many cameras. indexed: of that range."""
        return await self._derived(indexed, [], start_ns, end_ns)

    async def _derived(self, indexed: Indexed, spooled: Sequence[Span] | None, start_ns: int, end_ns: int) -> Derived:
        """spooled: None where nobody could be asked."""
        entries = entries_of(indexed.hours)
        newest = indexed.recorded["newest"] if indexed.recorded else 0
        around = await self._around(indexed, entries, start_ns, end_ns, newest)
        spans = [*spans_of(sorted([*entries, *around]), indexed.hours), *(spooled or ())]
        known = known_of(indexed.hours, spans, indexed.recorded, indexed.camera, self._clock.now_ns())
        newest = max([newest, *(span.end for span in spooled or ())])
        return Derived(derive(known, start_ns, end_ns), entries, indexed.hours, newest, spooled is not None)

    async def _around(self, indexed: Indexed, entries: Sequence[Entry], start_ns: int, end_ns: int, newest: int) -> list[Entry]:
        """The nearest footage on each side of the range: it tells whether a hole at the range's edge is final."""
        beside: list[Document | None] = []
        first, last = start_ns // HOUR_NS, (end_ns - 1) // HOUR_NS
        if not any(entry.start <= start_ns for entry in entries) and indexed.may_be_recorded_before(first):
            beside.append(await self._index.last_live_before(indexed.name, first))
        if end_ns < newest and not any(entry.end >= end_ns for entry in entries):
            beside.append(await self._index.first_live_after(indexed.name, last))
        return entries_of(document for document in beside if document)
