"""A segment as it stands in a camera-hour document: a plain list, since there are 60 of them in an hour and a million in two years."""
from __future__ import annotations

from base64 import b64decode, b64encode
from enum import IntEnum
from typing import Any, NamedTuple

from vonglau.ingest.v1.events_pb2 import SegmentRecorded
from vonglau.media.segment import segment_key

CONTIGUOUS, CLOCK_KNOWN, DISCONTINUITY, RECOVERED, LAST_OF_EPOCH = 1, 2, 4, 8, 16


class Stored(IntEnum):
    """What the footage store said about the object when its fact was indexed."""

    AS_STATED = 0
    DIFFERENT = 1  # another checksum or size than the fact's
    MISSING = 2


class Entry(NamedTuple):
    """In the order of the list."""

    epoch: int
    number: int
    start: int  # ns
    end: int  # ns
    flags: int
    size: int  # bytes
    sha256: str  # base64
    previous: str  # base64
    owner: str
    codec: str
    width: int
    height: int
    fragments: int
    duration: int  # ns by the camera's media clock
    offset: int  # ns
    drift: int  # ns
    lost: int  # packets
    damaged: int  # access units
    stored: int

    def has(self, flag: int) -> bool:
        return bool(self.flags & flag)

    @property
    def digest(self) -> bytes:
        return b64decode(self.sha256)

    @property
    def previous_digest(self) -> bytes:
        return b64decode(self.previous)

    def key(self, camera: str) -> str:
        return segment_key(camera, self.start, self.epoch, self.number)


def name_of(epoch: int, number: int) -> str:
    return f"{epoch}-{number}"


def listed(segment: SegmentRecorded, stored: Stored) -> list[Any]:
    flags = (
        segment.contiguous * CONTIGUOUS | segment.clock_known * CLOCK_KNOWN | segment.discontinuity * DISCONTINUITY
        | segment.recovered * RECOVERED | segment.last_of_epoch * LAST_OF_EPOCH
    )
    digests = b64encode(segment.sha256).decode(), b64encode(segment.previous_sha256).decode()
    picture = segment.codec, segment.width_px, segment.height_px, segment.fragments
    clocks = segment.media_duration_ns, segment.clock_offset_ns, segment.drift_ns
    where = segment.epoch, segment.number, segment.start_ns, segment.end_ns
    return [*where, flags, segment.size_bytes, *digests, segment.owner, *picture, *clocks, segment.lost_packets, segment.damaged_access_units, int(stored)]


def fact_of(camera: str, entry: Entry) -> SegmentRecorded:
    """The fact again, bit by bit."""
    return SegmentRecorded(
        camera=camera,
        owner=entry.owner,
        epoch=entry.epoch,
        number=entry.number,
        start_ns=entry.start,
        end_ns=entry.end,
        contiguous=entry.has(CONTIGUOUS),
        key=entry.key(camera),
        size_bytes=entry.size,
        sha256=entry.digest,
        previous_sha256=entry.previous_digest,
        codec=entry.codec,
        width_px=entry.width,
        height_px=entry.height,
        fragments=entry.fragments,
        media_duration_ns=entry.duration,
        clock_offset_ns=entry.offset,
        clock_known=entry.has(CLOCK_KNOWN),
        drift_ns=entry.drift,
        discontinuity=entry.has(DISCONTINUITY),
        lost_packets=entry.lost,
        damaged_access_units=entry.damaged,
        recovered=entry.has(RECOVERED),
        last_of_epoch=entry.has(LAST_OF_EPOCH),
    )
