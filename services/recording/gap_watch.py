"""Looks at every camera again and again, so that time that no cause covers, and facts that are overdue, are an alarm and not a discovery."""
from __future__ import annotations

import logging

from services.recording.days import DAY_NS, SECOND_NS
from services.recording.footage_index import TOGETHER, FootageIndex, Indexed
from services.recording.timelines import Timelines
from vonglau.clock import Clock, utc
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_UNEXPLAINED
from vonglau.recording.v1.service_pb2 import STRETCH_KIND_PENDING
from vonglau.telemetry import count, names

log = logging.getLogger(__name__)

LATE_NS = 15 * 60 * SECOND_NS
FIRST_NS = DAY_NS  # so far back a camera is looked at that was not before: another process has looked until it ended
NAMED_MOST = 20  # gaps that one run names in the log; the others are counted
SETTLED_NS = 3 * 60 * SECOND_NS  # a cause is told well within this time of the gap's end


class GapWatch:
    def __init__(self, index: FootageIndex, timelines: Timelines, clock: Clock) -> None:
        self._index = index
        self._timelines = timelines
        self._clock = clock
        self._watched: dict[str, int] = {}  # ns, up to which a camera's gaps are counted
        self._began = clock.now_ns()
        self._named = 0  # gaps, in this run
        self.late = 0  # cameras with time that has been pending for more than 15 min

    async def run(self) -> int:
        """Look at every camera once; ns of unexplained time that was found since the run before."""
        late = unexplained = 0
        self._named = 0
        async for cameras in self._index.cameras_together(TOGETHER):
            now = self._clock.now_ns()
            since = [self._watched.get(camera, max(self._began, now - FIRST_NS)) for camera in cameras]
            wanted = [(camera, min(start, now - LATE_NS - SETTLED_NS)) for camera, start in zip(cameras, since, strict=True)]
            for indexed, start in zip(await self._index.indexed(wanted, now), since, strict=True):
                found, is_late = await self._look(indexed, start, now)
                unexplained += found
                late += is_late
        self.late = late
        if self._named > NAMED_MOST:
            log.error("nothing explains %d gaps more", self._named - NAMED_MOST)
        return unexplained

    async def _look(self, indexed: Indexed, since: int, now: int) -> tuple[int, bool]:
        """Unexplained ns from then on, and whether a fact is late."""
        camera, until = indexed.name, now - SETTLED_NS
        derived = await self._timelines.stored(indexed, min(since, now - LATE_NS - SETTLED_NS), now)
        found = 0
        for each in derived.stretches:
            counted = min(each.end, until) - max(each.start, since)
            if each.cause == GAP_CAUSE_UNEXPLAINED and counted > 0:
                found += counted
                count(names.UNEXPLAINED_GAP, counted / SECOND_NS)
                self._named += 1
                if self._named <= NAMED_MOST:
                    log.error("%s has a gap that nothing explains: %s to %s", camera, utc(each.start).isoformat(), utc(each.end).isoformat())
        self._watched[camera] = max(since, until)
        return found, any(each.kind == STRETCH_KIND_PENDING and each.start < now - LATE_NS for each in derived.stretches)
