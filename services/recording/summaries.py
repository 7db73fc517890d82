"""One line per camera: what is kept of it, and how the last 24 h went."""
from __future__ import annotations

import asyncio
from collections.abc import Iterable

from services.recording.days import DAY_NS, timestamp
from services.recording.entry import Entry
from services.recording.footage_index import FootageIndex
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

    async def of_many(self, cameras: Iterable[Document], within_s: float) -> list[CameraSummary]:
        """Of the first, and of those after it that fit into the time."""
        loop, found = asyncio.get_running_loop(), list[CameraSummary]()
        ends = loop.time() + within_s
        for camera in cameras:
            found.append(await self.of(camera))
            if loop.time() >= ends:
                break
        return found

    async def of(self, camera: Document) -> CameraSummary:
        name, now = camera["_id"], self._clock.now_ns()
        summary = CameraSummary(camera=name, owner=camera["owner"])
        recorded = await self._index.recorded(name)
        if recorded is None:
            return summary
        derived = await self._timelines.of(name, now - DAY_NS, now, spool=False)
        gaps = [each for each in derived.stretches if each.kind == STRETCH_KIND_GAP and each.cause not in WANTED]
        summary.segments, summary.size_bytes = recorded["segments"], recorded["size_bytes"]
        summary.recorded_ns = sum(each.end - each.start for each in derived.stretches if each.kind == STRETCH_KIND_RECORDED)
        summary.gaps, summary.gap_ns = len(gaps), sum(each.end - each.start for each in gaps)
        if oldest := await self._oldest(name):
            summary.oldest.CopyFrom(timestamp(oldest))
        if recorded["newest"]:
            summary.newest.CopyFrom(timestamp(recorded["newest"]))
        return summary

    async def _oldest(self, camera: str) -> int:
        hour = await self._index.first_live_after(camera, 0)
        return min((Entry(*row).start for row in hour["segments"].values()), default=0) if hour else 0
