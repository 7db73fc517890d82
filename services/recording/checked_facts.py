"""Before a segment is indexed, the checksum that the footage store keeps is compared with the one in its fact.

The views stay pure: what the store said travels in a header of the event. A segment whose object is missing or different is indexed as such,
counted and logged, and never dropped. While the store is away nothing is indexed; the facts wait in their stream.
"""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from google.protobuf.message import DecodeError

from services.recording.camera_hour import STORED
from services.recording.entry import Stored
from vonglau.broker.topology import FACT_INGEST
from vonglau.errors import Invalid, Unavailable
from vonglau.eventlog import Recorded
from vonglau.footage import Footage, ObjectInfo, footage_bucket
from vonglau.ingest.v1.events_pb2 import SegmentRecorded
from vonglau.subscription import Delivered, EventSource, LogState, Reading, Source
from vonglau.telemetry import count, names

log = logging.getLogger(__name__)

AT_ONCE = 32  # objects asked for at the same time
RETRY_S = 1.0
SEGMENT = SegmentRecorded.DESCRIPTOR.full_name
FINDING = {Stored.DIFFERENT: "DIGEST_MISMATCH", Stored.MISSING: "OBJECT_MISSING"}


class CheckedFacts:
    """An event source whose segment facts have been compared."""

    def __init__(self, events: EventSource, footage: Footage) -> None:
        self._events = events
        self._footage = footage

    async def state(self, log: str) -> LogState:
        return await self._events.state(log)

    async def open(self, name: str, source: Source, after: int) -> Reading:
        reading = await self._events.open(name, source, after)
        return CheckedReading(reading, self._footage) if source.log == FACT_INGEST else reading

    async def next_after(self, source: Source, sequence: int) -> int | None:
        return await self._events.next_after(source, sequence)

    async def forget(self, name: str, log: str) -> None:
        await self._events.forget(name, log)


class CheckedReading:
    def __init__(self, reading: Reading, footage: Footage) -> None:
        self._reading = reading
        self._footage = footage

    async def fetch(self, limit: int, wait: float) -> Delivered:
        delivered = await self._reading.fetch(limit, wait)
        shares = [delivered.events[first::AT_ONCE] for first in range(min(AT_ONCE, len(delivered.events)))]
        checked = await asyncio.gather(*(self._checked(share) for share in shares))
        return Delivered(sorted((event for share in checked for event in share), key=lambda event: event.sequence), delivered.pending)

    async def done(self) -> None:
        await self._reading.done()

    async def close(self) -> None:
        await self._reading.close()

    async def _checked(self, events: Sequence[Recorded]) -> list[Recorded]:
        return [await self._compared(event) if event.type == SEGMENT else event for event in events]

    async def _compared(self, event: Recorded) -> Recorded:
        try:
            segment = SegmentRecorded.FromString(event.body)
        except DecodeError:
            return event  # its camera's key is parked where it is applied
        stored = compared(segment, await self._head(segment))
        if stored is Stored.AS_STATED:
            return event
        log.error("%s: %s", segment.key, FINDING[stored])
        count(names.FINDINGS, 1, {names.ERROR_TYPE: FINDING[stored]})
        return replace(event, headers={**event.headers, STORED: str(int(stored))})

    async def _head(self, segment: SegmentRecorded) -> ObjectInfo | None:
        """None, too, where no object can be: under what is no key."""
        while True:
            try:
                return await self._footage.head(footage_bucket(segment.owner), segment.key)
            except Invalid:
                return None
            except Unavailable as error:
                log.warning("indexing waits for the footage store: %s", error)
                await asyncio.sleep(RETRY_S)


def compared(segment: SegmentRecorded, info: ObjectInfo | None) -> Stored:
    if info is None:
        return Stored.MISSING
    return Stored.AS_STATED if (info.sha256, info.size) == (segment.sha256, segment.size_bytes) else Stored.DIFFERENT
