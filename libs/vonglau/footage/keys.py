"""How objects are named: `<camera>/<yyyy>/<mm>/<dd>/<start>-<epoch>-<n>.mp4`, by the UTC day in which the segment begins."""
from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

from vonglau.clock import utc
from vonglau.errors import Invalid

_SEGMENT = re.compile(
    r"(?P<camera>[a-z0-9][a-z0-9-]{2,39})/\d{4}/\d{2}/\d{2}/(?P<second>\d{8}T\d{6})\.(?P<ns>\d{9})Z-(?P<epoch>\d{1,20})-(?P<number>\d{1,10})\.mp4"
)
_ARCHIVE = re.compile(r"(?P<camera>[a-z0-9][a-z0-9-]{2,39})/(?P<year>\d{4})/(?P<month>\d{2})/(?P<day>\d{2})/archive-(?P<part>\d{1,6})")


@dataclass(frozen=True, slots=True)
class SegmentKey:
    camera: str
    start_ns: int  # arrival of the first sample, UTC
    epoch: int
    number: int

    def __str__(self) -> str:
        start = utc(self.start_ns)
        return f"{day_prefix(self.camera, start.date())}{start:%Y%m%dT%H%M%S}.{self.start_ns % 1_000_000_000:09}Z-{self.epoch}-{self.number}.mp4"


@dataclass(frozen=True, slots=True)
class ArchiveKey:
    camera: str
    day: date  # UTC
    part: int  # 0: the day when complete; later ones as they come. Order is by this number, not by the text of the key

    def __str__(self) -> str:
        return f"{day_prefix(self.camera, self.day)}archive-{self.part}"


def footage_bucket(owner: str) -> str:
    return f"{owner}-footage"


def day_prefix(camera: str, day: date) -> str:
    return f"{camera}/{day:%Y/%m/%d}/"


def parse_key(key: str) -> SegmentKey | ArchiveKey:
    """What an object of a footage bucket is. Raises `Invalid` (KEY_UNKNOWN) when it is neither; a segment filed under another day counts as that."""
    try:
        if match := _SEGMENT.fullmatch(key):
            second = datetime.strptime(match["second"], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
            segment = SegmentKey(match["camera"], int(second.timestamp()) * 1_000_000_000 + int(match["ns"]), int(match["epoch"]), int(match["number"]))
            if str(segment) == key:
                return segment
        elif match := _ARCHIVE.fullmatch(key):
            return ArchiveKey(match["camera"], date(int(match["year"]), int(match["month"]), int(match["day"])), int(match["part"]))
    except ValueError:
        pass  # a date that the calendar does not have
    raise Invalid("KEY_UNKNOWN", f"{key[:80]!r} names neither a segment nor an archive", field="key")
