"""How a stored segment is named and described: its key, and the metadata that lets an index be rebuilt from the bucket alone.

Ingest writes them, recording reads them. Metadata are strings (object stores keep nothing else); times are nanoseconds since the Unix epoch, UTC.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from vonglau.clock import utc
from vonglau.errors import Damaged
from vonglau.ingest.v1.events_pb2 import SegmentRecorded

KEY = re.compile(r"(?P<camera>[a-z0-9][a-z0-9-]{2,39})/\d{4}/\d\d/\d\d/(?P<start>\d{8}T\d{6}\.\d{3}Z)-(?P<epoch>\d+)-(?P<number>\d+)\.mp4")

TEXTS = ("camera", "owner", "codec")
NUMBERS = (
    "epoch", "number", "start_ns", "end_ns", "width", "height", "fragments", "media_duration_ns",
    "clock_offset_ns", "drift_ns", "lost_packets", "damaged_access_units",
)
FLAGS = ("contiguous", "clock_known", "discontinuity", "recovered", "last_of_epoch")
DIGESTS = ("previous_sha256",)
FIELD = {"width": "width_px", "height": "height_px"}  # metadata keys that differ from the fact's field names
READ: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(TEXTS, str),
    **dict.fromkeys(NUMBERS, int),
    **dict.fromkeys(FLAGS, lambda text: text == "true"),
    **dict.fromkeys(DIGESTS, bytes.fromhex),
}


class SegmentName(NamedTuple):
    """What a key says by itself."""

    camera: str
    start_ns: int  # whole milliseconds
    epoch: int
    number: int


def day_prefix(camera: str, at_ns: int) -> str:
    """`<camera>/<yyyy>/<mm>/<dd>/`: the folder of everything that starts on that UTC day."""
    return f"{camera}/{utc(at_ns):%Y/%m/%d}/"


def segment_key(camera: str, start_ns: int, epoch: int, number: int) -> str:
    start = utc(start_ns)
    return f"{day_prefix(camera, start_ns)}{start:%Y%m%dT%H%M%S}.{start.microsecond // 1000:03}Z-{epoch}-{number}.mp4"


def segment_name(key: str) -> SegmentName | None:
    """None: the key is not a segment's."""
    found = KEY.fullmatch(key)
    if not found:
        return None
    try:
        start = datetime.strptime(found["start"], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    except ValueError:  # digits that are no day and time
        return None
    milliseconds = int(start.replace(microsecond=0).timestamp()) * 1000 + start.microsecond // 1000
    return SegmentName(found["camera"], milliseconds * 1_000_000, int(found["epoch"]), int(found["number"]))


def metadata_of(segment: SegmentRecorded) -> dict[str, str]:
    """What is stored beside the object: everything in the fact but key, size and checksum, which the store knows."""
    return {name: written(getattr(segment, FIELD.get(name, name))) for name in READ}


def segment_of(key: str, size_bytes: int, sha256: bytes, metadata: Mapping[str, str]) -> SegmentRecorded:
    """The fact again, from the object alone.

    Raises: Damaged (METADATA_DAMAGED): a value is missing or cannot be read, or key and metadata name different segments.
    """
    try:
        values = {FIELD.get(name, name): read(metadata[name]) for name, read in READ.items()}
        segment = SegmentRecorded(key=key, size_bytes=size_bytes, sha256=sha256, **values)
        own_key = segment_key(segment.camera, segment.start_ns, segment.epoch, segment.number)
    except (KeyError, ValueError, OverflowError) as error:
        raise Damaged("METADATA_DAMAGED", f"the metadata of {key} cannot be read: {error}", key=key) from error
    if own_key != key:
        raise Damaged("METADATA_DAMAGED", f"the metadata of {key} name another segment", key=key)
    return segment


def written(value: str | int | bool | bytes) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.hex() if isinstance(value, bytes) else str(value)
