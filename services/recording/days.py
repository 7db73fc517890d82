"""UTC hours and days as whole numbers since the Unix epoch, and their names in ids and keys."""
from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from vonglau.clock import utc

SECOND_NS = 1_000_000_000
HOUR_NS = 3_600 * SECOND_NS
DAY_NS = 24 * HOUR_NS
FIRST_DAY = date(1970, 1, 1)


def timestamp(at_ns: int) -> Timestamp:
    return Timestamp(seconds=at_ns // SECOND_NS, nanos=at_ns % SECOND_NS)


def hours_between(start_ns: int, end_ns: int) -> range:
    """The hours that [start, end) touches; the one of start where it is empty."""
    return range(start_ns // HOUR_NS, max(start_ns, end_ns - 1) // HOUR_NS + 1)


def hour_name(hour: int) -> str:
    return f"{utc(hour * HOUR_NS):%Y-%m-%dT%H}"


def hour_of_name(name: str) -> int:
    return int(datetime.strptime(name, "%Y-%m-%dT%H").replace(tzinfo=UTC).timestamp()) // 3600


def day_name(day: int) -> str:
    return (FIRST_DAY + timedelta(days=day)).isoformat()


def day_of_name(name: str) -> int:
    return (date.fromisoformat(name) - FIRST_DAY).days


def as_date(day: int) -> dict[str, int]:
    """For a field of type google.type.Date."""
    then = FIRST_DAY + timedelta(days=day)
    return {"year": then.year, "month": then.month, "day": then.day}


def day_of(named: Any) -> int:
    """Raises: ValueError for a date that is none."""
    return (date(named.year, named.month, named.day) - FIRST_DAY).days


def hour_bits(hours: Iterable[int]) -> int:
    """Bit h is set for hour h of its day; hours since the Unix epoch."""
    bits = 0
    for hour in hours:
        bits |= 1 << hour % 24
    return bits


def hours_of_bits(day: int, bits: int) -> list[int]:
    return [day * 24 + hour for hour in range(24) if bits >> hour & 1]


def day_of_path(key: str) -> int | None:
    """Of `<camera>/<yyyy>/<mm>/<dd>/…`; None: the key is laid out otherwise."""
    try:
        _, year, month, day, _ = key.split("/", 4)
        return (date(int(year), int(month), int(day)) - FIRST_DAY).days
    except ValueError:
        return None
