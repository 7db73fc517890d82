"""Plays a range: stored objects first, then what is still in a spool, so that it reaches to 2 s before now."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

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


@dataclass(slots=True)
class Wanted:
    """What one call asked for, and which segments it has shown."""

    camera: str
    to_ns: int
    owners: frozenset[str] | None
    shown: set[Name]
    lacking: bool = False  # a segment has left the spool and is not indexed yet

    def may_show(self, owner: str) -> bool:
        return self.owners is None or owner in self.owners

    def left(self, entries: Iterable[Entry], position: int) -> list[Entry]:
        new = [entry for entry in entries if (entry.epoch, entry.number) not in self.shown and self.may_show(entry.owner)]
        return [entry for entry in new if entry.start < self.to_ns and entry.end > position]

    def lacks(self, segment: SpoolSegment, position: int) -> bool:
        """Whether the segment before this one is stored by now and not indexed yet."""
        before = (segment.epoch, segment.number - 1)
        return bool(self.shown) and segment.contiguous and segment.number > 0 and before not in self.shown and segment.start_ns > position + FRAME_NS


class Playback:
    def __init__(self, index: FootageIndex, footage: Footage, spool: Spool) -> None:
        self._index = index
        self._footage = footage
        self._spool = spool

    async def play(self, camera: str, from_ns: int, to_ns: int, owners: frozenset[str] | None = None) -> AsyncIterator[PlayResponse]:
        """Nothing where nothing was recorded; what is missing or damaged in between is a jump of the time line.

        owners: whose footage may be shown; None: anybody's.
        """
        cut = Cut(from_ns, to_ns)
        shown: set[Name] = set()
        wanted = Wanted(camera, to_ns, owners, shown)
        async for each in self._stored(wanted, cut):
            yield each
        recorded = await self._index.recorded(camera)
        if cut.is_done or (recorded is not None and recorded["newest"] >= to_ns):
            return
        for _ in range(INDEX_LAG_TRIES):
            async for each in self._spooled(wanted, cut):
                yield each
            if cut.is_done or not wanted.lacking:
                return
            await asyncio.sleep(INDEX_LAG_WAIT_S)
            async for each in self._stored(wanted, cut):
                yield each

    async def _stored(self, wanted: Wanted, cut: Cut) -> AsyncIterator[PlayResponse]:
        last: Name | None = None
        while not cut.is_done and (entry := await self._next(wanted, cut.position, last)):
            last = (entry.epoch, entry.number)
            wanted.shown.add(last)
            async for each in self._clips(wanted.camera, entry, cut.position, wanted.to_ns):
                for part in cut.take(each):
                    yield part

    async def _next(self, wanted: Wanted, position: int, last: Name | None) -> Entry | None:
        end = min(wanted.to_ns, position + HOUR_NS)
        hours = await self._index.hours(wanted.camera, position - HOUR_NS, end)
        if found := chosen(wanted.left(entries_of(hours), position), position, last):
            return found
        later = await self._index.first_live_after(wanted.camera, end // HOUR_NS)
        return chosen(wanted.left(entries_of([later]), position), position, last) if later else None

    async def _clips(self, camera: str, entry: Entry, from_ns: int, to_ns: int) -> AsyncIterator[Clip]:
        name = (entry.epoch, entry.number, entry.codec)
        try:
            async for each in stored_clips(self._footage, footage_bucket(entry.owner), entry.key(camera), entry.size, name, from_ns, to_ns):
                yield each
        except (NotFound, DamagedMedia) as error:
            log.warning("playback passes over %s: %s", entry.key(camera), error)

    async def _spooled(self, wanted: Wanted, cut: Cut) -> AsyncIterator[PlayResponse]:
        """Nothing while a segment is missing between what was shown and the spool: it is about to be indexed."""
        segment, wanted.lacking = SpoolSegment(), False
        try:
            async for response in self._spool.read(wanted.camera, cut.position, wanted.to_ns):
                if response.WhichOneof("part") == "segment":
                    segment = response.segment
                    wanted.lacking = wanted.lacks(segment, cut.position)
                    if wanted.lacking:
                        return
                    continue
                if not wanted.may_show(segment.owner):
                    continue
                wanted.shown.add((segment.epoch, segment.number))
                for each in spooled_clips(segment, response.fragment.media):
                    for part in cut.take(each):
                        yield part
        except Unavailable as error:
            log.info("playback of %s ends with what is stored: %s", wanted.camera, error)


def spooled_clips(segment: SpoolSegment, media: bytes) -> Iterable[Clip]:
    source = Source(segment.epoch, segment.number, segment.codec, segment.init_segment)
    try:
        return [clip(source, each, media[each.offset:each.offset + each.size]) for each in fragments(media)]
    except DamagedMedia as error:
        log.warning("playback passes over a damaged fragment in a spool: %s", error)
        return []


def chosen(left: Sequence[Entry], position: int, last: Name | None) -> Entry | None:
    """The segment to show next: the one that goes on from the last, else the first that shows something new, of several the newest epoch's."""
    if last is not None:
        following = next((entry for entry in left if (entry.epoch, entry.number) == (last[0], last[1] + 1)), None)
        if following is not None and following.start <= position + FRAME_NS:
            return following
    return min(left, key=lambda entry: (max(entry.start, position), -entry.epoch), default=None)
