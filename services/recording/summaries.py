"""One line per camera: what is kept of it, and how the last 24 h went."""
from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.recording.days import DAY_NS, HOUR_NS, timestamp
from services.recording.entry import Entry
from services.recording.footage_index import TOGETHER, FootageIndex, Indexed
from services.recording.timeline import entries_of
from services.recording.timelines import Timelines
from vonglau.clock import Clock
from vonglau.documents import Document
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_RETENTION_DELETED, GAP_CAUSE_SUSPENDED
from vonglau.recording.v1.service_pb2 import STRETCH_KIND_GAP, STRETCH_KIND_RECORDED, CameraSummary

WANTED = (GAP_CAUSE_SUSPENDED, GAP_CAUSE_RETENTION_DELETED)  # gaps that somebody asked for


class Summaries:
    def __init__(self, index: FootageIndex, timelines: Timelines, clock: Clock) -> None:
        self._index = index
        self._timelines = timelines
        self._clock = clock

    async def of(self, cameras: Sequence[Document], within_s: float) -> list[CameraSummary]:
        """Of the first ones, and of those after them that can be begun in the time. cameras: documents of the registry's events."""
        loop, found = asyncio.get_running_loop(), list[CameraSummary]()
        ends = loop.time() + within_s
        while len(found) < len(cameras) and (not found or loop.time() < ends):
            now = self._clock.now_ns()
            together = cameras[len(found) : len(found) + TOGETHER]
            read = await self._index.indexed([(camera["_id"], now - DAY_NS) for camera in together], now)
            found += await asyncio.gather(*(self._of_one(camera["owner"], indexed, now) for camera, indexed in zip(together, read, strict=True)))
        return found

    async def _of_one(self, owner: str, indexed: Indexed, now: int) -> CameraSummary:
        summary = CameraSummary(camera=indexed.name, owner=owner)
        if indexed.recorded is None:
            return summary
        derived = await self._timelines.stored(indexed, now - DAY_NS, now)
        gaps = [each for each in derived.stretches if each.kind == STRETCH_KIND_GAP and each.cause not in WANTED]
        summary.segments, summary.size_bytes = indexed.recorded["segments"], indexed.recorded["size_bytes"]
        summary.recorded_ns = sum(each.end - each.start for each in derived.stretches if each.kind == STRETCH_KIND_RECORDED)
        summary.gaps, summary.gap_ns = len(gaps), sum(each.end - each.start for each in gaps)
        if oldest := await self._oldest(indexed, derived.entries, (now - DAY_NS) // HOUR_NS):
            summary.oldest.CopyFrom(timestamp(oldest))
        if derived.newest:
            summary.newest.CopyFrom(timestamp(derived.newest))
        return summary

    async def _oldest(self, indexed: Indexed, entries: Sequence[Entry], first_hour: int) -> int:
        """entries: all from that hour on."""
        if indexed.may_be_recorded_before(first_hour) and (hour := await self._index.first_live_after(indexed.name, 0)):
            entries = entries_of([hour])
        return min((entry.start for entry in entries), default=0)
