"""Reads what a timeline needs, and derives it."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.recording.days import HOUR_NS
from services.recording.entry import Entry
from services.recording.footage_index import FootageIndex
from services.recording.gaps import Stretch, derive
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

    async def of(self, camera: str, start_ns: int, end_ns: int, *, spool: bool = True) -> Derived:
        """spool: whether to ask for what is not stored yet; jobs that look at whole days do not."""
        recorded = await self._index.recorded(camera)
        newest = recorded["newest"] if recorded else 0
        spooled = await spooled_spans(self._spool, camera, newest, end_ns) if spool and end_ns > newest else []
        hours = await self._index.hours(camera, start_ns, end_ns)
        entries = entries_of(hours)
        around = await self._around(camera, entries, start_ns, end_ns, newest)
        spans = [*spans_of(sorted([*entries, *around]), hours), *(spooled or ())]
        known = known_of(hours, spans, recorded, await self._index.camera(camera), self._clock.now_ns())
        newest = max([newest, *(span.end for span in spooled or ())])
        return Derived(derive(known, start_ns, end_ns), entries, hours, newest, spooled is not None)

    async def _around(self, camera: str, entries: Sequence[Entry], start_ns: int, end_ns: int, newest: int) -> list[Entry]:
        """The nearest footage on each side of the range: it tells whether a hole at the range's edge is final."""
        beside: list[Document | None] = []
        if not any(entry.start <= start_ns for entry in entries):
            beside.append(await self._index.last_live_before(camera, start_ns // HOUR_NS))
        if end_ns < newest and not any(entry.end >= end_ns for entry in entries):
            beside.append(await self._index.first_live_after(camera, (end_ns - 1) // HOUR_NS))
        return entries_of(document for document in beside if document)
