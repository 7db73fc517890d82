"""Plays a range: stored objects first, then what is still in a spool, so that it reaches to 2 s before now."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable

from services.recording.clips import Clip, Source, clip, stored_clips
from services.recording.cut import Cut
from services.recording.days import HOUR_NS
from services.recording.entry import Entry
from services.recording.footage_index import FootageIndex
from services.recording.gaps import FRAME_NS
from services.recording.spool import Spool
from services.recording.timeline import entries_of
from vonglau.errors import NotFound, Unavailable
from vonglau.footage import Footage, footage_bucket
from vonglau.ingest.v1.service_pb2 import SpoolSegment
from vonglau.media.errors import DamagedMedia
from vonglau.media.fragments import fragments
from vonglau.recording.v1.service_pb2 import PlayResponse

log = logging.getLogger(__name__)

Name = tuple[int, int]  # epoch, number
INDEX_LAG_TRIES, INDEX_LAG_WAIT_S = 10, 0.1  # how long a segment that has just left the spool may take to be indexed


class Playback:
    def __init__(self, index: FootageIndex, footage: Footage, spool: Spool) -> None:
        self._index = index
        self._footage = footage
        self._spool = spool

    async def play(self, camera: str, from_ns: int, to_ns: int) -> AsyncIterator[PlayResponse]:
        """Nothing where nothing was recorded. What is missing or damaged in between is a jump of the time line."""
        cut = Cut(from_ns, to_ns)
        shown: set[Name] = set()
        async for each in self._stored(camera, cut, to_ns, shown):
            yield each
        recorded = await self._index.recorded(camera)
        if cut.is_done or (recorded is not None and recorded["newest"] >= to_ns):
            return
        for _ in range(INDEX_LAG_TRIES):
            told = len(shown)
            async for each in self._spooled(camera, cut, to_ns, shown):
                yield each
            if cut.is_done or len(shown) > told:
                return
            await asyncio.sleep(INDEX_LAG_WAIT_S)
            async for each in self._stored(camera, cut, to_ns, shown):
                yield each

    async def _stored(self, camera: str, cut: Cut, to_ns: int, shown: set[Name]) -> AsyncIterator[PlayResponse]:
        last: Name | None = None
        while not cut.is_done and (entry := await self._next(camera, cut.position, to_ns, last, shown)):
            last = (entry.epoch, entry.number)
            shown.add(last)
            async for each in self._clips(camera, entry, cut.position, to_ns):
                for part in cut.take(each):
                    yield part

    async def _next(self, camera: str, position: int, to_ns: int, last: Name | None, shown: set[Name]) -> Entry | None:
        hours = await self._index.hours(camera, position - HOUR_NS, min(to_ns, position + HOUR_NS))
        if found := chosen(entries_of(hours), position, to_ns, last, shown):
            return found
        later = await self._index.first_live_after(camera, min(to_ns, position + HOUR_NS) // HOUR_NS)
        return chosen(entries_of([later]), position, to_ns, last, shown) if later else None

    async def _clips(self, camera: str, entry: Entry, from_ns: int, to_ns: int) -> AsyncIterator[Clip]:
        name = (entry.epoch, entry.number, entry.codec)
        try:
            async for each in stored_clips(self._footage, footage_bucket(entry.owner), entry.key(camera), entry.size, name, from_ns, to_ns):
                yield each
        except (NotFound, DamagedMedia) as error:
            log.warning("playback passes over %s: %s", entry.key(camera), error)

    async def _spooled(self, camera: str, cut: Cut, to_ns: int, shown: set[Name]) -> AsyncIterator[PlayResponse]:
        """Nothing while a segment is missing between what was shown and the spool: it is about to be indexed."""
        segment = SpoolSegment()
        try:
            async for response in self._spool.read(camera, cut.position, to_ns):
                if response.WhichOneof("part") == "segment":
                    segment = response.segment
                    before = (segment.epoch, segment.number - 1)
                    if segment.contiguous and segment.number and before not in shown and segment.start_ns > cut.position + FRAME_NS and shown:
                        return
                    continue
                shown.add((segment.epoch, segment.number))
                for each in spooled_clips(segment, response.fragment.media):
                    for part in cut.take(each):
                        yield part
        except Unavailable as error:
            log.info("playback of %s ends with what is stored: %s", camera, error)


def spooled_clips(segment: SpoolSegment, media: bytes) -> Iterable[Clip]:
    source = Source(segment.epoch, segment.number, segment.codec, segment.init_segment)
    try:
        return [clip(source, each, media[each.offset:each.offset + each.size]) for each in fragments(media)]
    except DamagedMedia as error:
        log.warning("playback passes over a damaged fragment in a spool: %s", error)
        return []


def chosen(entries: Iterable[Entry], position: int, to_ns: int, last: Name | None, shown: set[Name]) -> Entry | None:
    """The segment to show next: the one that goes on from the last, else the first that shows something new, of several the newest epoch's."""
    left = [entry for entry in entries if (entry.epoch, entry.number) not in shown and entry.start < to_ns and entry.end > position]
    if last is not None:
        following = next((entry for entry in left if (entry.epoch, entry.number) == (last[0], last[1] + 1)), None)
        if following is not None and following.start <= position + FRAME_NS:
            return following
    return min(left, key=lambda entry: (max(entry.start, position), -entry.epoch), default=None)
